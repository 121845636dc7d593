"""What a mail that came back says, and about which delivery.

Standard reports first (RFC 3464 delivery status, RFC 5965 feedback); then automatic replies (RFC 3834); then the texts
that mail programs wrote before or beside the standards. A report is evidence only: it never un-sends, and a delivery
is named only by a token with our MAC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from itertools import islice
from pathlib import Path
from typing import Any

from models.values import BadInput, Evidence, Receipt, sha256
from notifiers.email import marks
from notifiers.email.judgement import REPLY, STATUS, RecipientStatus, judged
from notifiers.email.status import names_open_mailbox, words_of

# Anybody can write to the mailbox of bounces: every pattern here is bounded, and of a text only the beginning is read.
_MOST = 200_000  # characters of one part
_MOST_PARTS = 1_000
_MOST_RECIPIENTS = 200  # of one report; ours go to one each
_MOST_HEADER = 2_000  # characters
_MOST_ABOUT = 4_000  # characters about one of several recipients
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,250}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,10}\.?")
_SUCCESS = frozenset({"delivered", "relayed", "expanded", "deliverable"})
# Lines after which a non-standard bounce quotes our own mail.
_QUOTED = re.compile(
    r"^(?:-+ ?(?:Below this line|This is a copy|The body of|Original (?:message|mail)|Returned message|Message header"
    r"|Unsent message|The header of|Forwarded message|The following is|Undelivered message|Begin message).*"
    r"|Original message follows.*|(?:Return-Path|Received): .*|> ?Received: .*|Message header follows.*"
    r"|The original message.{0,40}:?)$",
    re.IGNORECASE | re.MULTILINE,
)
_DAEMON = re.compile(
    r"mailer-?daemon|post_?master|mail delivery|mail system|mail administrator|mdaemon|bounce", re.IGNORECASE
)
_UNDELIVERED = re.compile(
    r"undeliver|not (?:be )?delivered|delivery (?:fail|status|notification|problem|has)|delivery delayed|returned mail"
    r"|mail error|failure notice|not member|message could not",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"out of (?:the )?office|away from|vacation|auto(?:matic|mated)?[ -]?(?:reply|response|answer)|abwesenheit|absence"
    r"|automatische antwort|r[ée]ponse automatique|respuesta autom[áa]tica|risposta automatica|resposta autom[áa]tica"
    r"|automatisch antwoord|autosvar|automatiskt svar|fuera de la oficina|fora do escrit|automatyczna odpowied|afwezig"
    r"|автоматический ответ|自动回复|自動回覆|自動返信|自動応答|不在|休暇|부재중|자동 ?회신",
    re.IGNORECASE,
)


class Mail(Message):
    """A parsed mail that still knows its body as it came: the parser's own copy can't always be written out again."""

    bare: str = ""


def _parse(raw: bytes) -> Mail:
    mail = _nested(raw) or message_from_bytes(raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0], _class=Mail)
    mail.bare = raw.decode("utf-8", "replace").replace("\r\n", "\n").partition("\n\n")[2]
    return mail


def _nested(raw: bytes) -> Mail | None:
    """The mail with its parts; None when they are nested deeper than anybody honest nests them."""
    try:
        mail = message_from_bytes(raw, _class=Mail)
        return mail if sum(1 for _ in mail.walk()) <= _MOST_PARTS else None
    except RecursionError:
        return None


def classify(raw: bytes) -> list[RecipientStatus]:
    """What the mail says, one entry per address; empty when it is no bounce, or a report of success."""
    mail = _parse(raw)
    if _is_complaint(mail):
        return [_complaint(mail)]
    if (event := _event(mail)) is not None:
        return _unique(iter(_from_event(event)))
    if blocks := list(islice(_status_blocks(mail), _MOST_RECIPIENTS)):
        failed = [b for b in blocks if b["action"] not in _SUCCESS and not b.get("status", "").startswith("2")]
        report = _report_of(mail)
        return _unique(_from_block(b, mail, report, alone=len(blocks) == 1) for b in failed)
    if _is_auto_reply(mail):
        return [RecipientStatus(_first_address(_field(mail, "From")), "", Evidence.AUTO_REPLY)]
    return _unique(_from_text(mail)) if _is_bounce(mail) else []


def match(raw: bytes, secret: bytes) -> str:
    """The delivery that the mail is about, by VERP, ENVID or Message-ID with our MAC; empty when none, or more than
    one.
    """
    mail = _parse(raw)
    to = " ".join(str(v) for k, v in mail.items() if k.lower() in _ENVELOPE)
    for place in (to, raw.decode("latin-1").replace("=\r\n", "").replace("=\n", "")):
        found = marks.deliveries_in(place, secret)
        if found:
            return found[0] if len(found) == 1 else ""
    return ""


_ENVELOPE = frozenset({"to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "resent-to"})


def receipts(raw: bytes, secret: bytes, at: datetime) -> list[Receipt]:
    """The evidence in one returned mail, as received at `at`. Orphans have no delivery; no address is kept."""
    delivery, mark = match(raw, secret), sha256(raw)
    worst = sorted(classify(raw), key=lambda r: _WEIGHT.index(r.kind))[:1]
    return [Receipt(_evidence(r), at, delivery, r.status, "dsn", mark) for r in worst]


def _evidence(r: RecipientStatus) -> Evidence:
    """A full mailbox in a final report is soft of the address and hard of this mail: nobody will try it again."""
    return Evidence.BOUNCED_HARD if r.final and r.kind is Evidence.BOUNCED_SOFT else r.kind


# One delivery has one recipient: of several statuses in one report the gravest counts.
_WEIGHT = (
    Evidence.BOUNCED_HARD,
    Evidence.BLOCKED,
    Evidence.BOUNCED_SOFT,
    Evidence.COMPLAINT,
    Evidence.AUTO_REPLY,
)


def receipts_classify(path: Path) -> list[dict[str, Any]]:
    """`{file, recipients: [{address, status, class}]}` for one mail or every file of a folder, by name."""
    if not path.exists():
        raise BadInput(path.name, "there is no such file or folder.", "Give one mail or a folder of mails.")
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    return [{"file": f.name, "recipients": [_as_data(r) for r in classify(f.read_bytes())]} for f in files]


def _as_data(r: RecipientStatus) -> dict[str, str]:
    return {"address": r.address, "status": r.status, "class": str(r.kind)}


# --- RFC 3464 -------------------------------------------------------------------------------------------------------

_FIELD = re.compile(r"^(?P<name>[A-Za-z-]+):[ \t]*(?P<value>.*(?:\n[ \t]+.*)*)", re.MULTILINE)


def _status_blocks(mail: Mail) -> Iterator[dict[str, str]]:
    """Per-recipient groups of fields, also where a program put them into plain text."""
    for source in _sources(mail):
        for block in re.split(r"\n[ \t]*\n", source):
            fields = {m["name"].lower(): " ".join(m["value"].split()) for m in _FIELD.finditer(block)}
            if "final-recipient" in fields or {"original-recipient", "action"} <= set(fields):
                yield fields | {"action": fields.get("action", "").lower().split(" ")[0]}


def _sources(mail: Mail) -> list[str]:
    """The parts that may hold fields; the bare body when the structure is broken."""
    kinds = {"message/delivery-status", "message/global-delivery-status", "text/plain"}
    parts = [p for p in mail.walk() if p.get_content_type() in kinds and "rfc822" not in p.get_content_type()]
    return [_source_of(p) for p in parts] or [mail.bare[:_MOST]]


def _source_of(part: Mail) -> str:
    if not part.is_multipart():
        return _decoded(part)
    inner = part.get_payload()
    assert isinstance(inner, list)  # noqa: S101 - is_multipart means a list
    return "\n\n".join(_shown(p) for p in inner[:_MOST_PARTS]).replace("\r\n", "\n")


def _shown(part: object) -> str:
    """A group of fields; the parser's own way to write it out stumbles over bytes that are not of their charset."""
    if not isinstance(part, Message):
        return str(part)[:_MOST]
    body = part.get_payload()
    return "\n".join([*(f"{k}: {v}" for k, v in part.items()), "", body if isinstance(body, str) else ""])[:_MOST]


def _from_block(block: dict[str, str], mail: Mail, report: str, *, alone: bool) -> RecipientStatus:
    named = (_typed_address(block.get(f, "")) for f in ("original-recipient", "final-recipient"))
    address = next(filter(None, named), "") or (_written_to(mail, report)[0] if alone else "")
    status = (STATUS.search(block.get("status", "")) or [""])[0]
    about = report if alone else _about(address, report)
    said = block.get("diagnostic-code") or about
    if alone and (words_of(said) is None or names_open_mailbox(about)):
        said = f"{said}\n{about}"
    return judged(address, status, said, block["action"], about)


def _typed_address(value: str) -> str:
    return _first_address(value.partition(";")[2] or value)


def _unique(found: Iterator[RecipientStatus]) -> list[RecipientStatus]:
    return list({r.address.lower(): r for r in found}.values())


# --- feedback and replies -------------------------------------------------------------------------------------------


def _is_complaint(mail: Mail) -> bool:
    """RFC 5965, and the mails of one large provider that says it in the subject only."""
    marked = mail.get_param("report-type") == "feedback-report" or _parts(mail, "message/feedback-report")
    return bool(marked) or _header(mail, "Subject").strip().lower().startswith("complaint about message")


def _complaint(mail: Mail) -> RecipientStatus:
    report = "\n".join(_source_of(p) for p in _parts(mail, "message/feedback-report"))
    named = re.search(r"^(?:Original-Rcpt-To|Removal-Recipient):[ \t]*(.+)$", report, re.IGNORECASE | re.MULTILINE)
    address = _first_address(named.group(1)) if named else (_sent_to(mail) or [""])[0]
    return RecipientStatus(address, "", Evidence.COMPLAINT)


def _is_auto_reply(mail: Mail) -> bool:
    sender, subject = _header(mail, "From"), _header(mail, "Subject")
    if _DAEMON.search(sender) or _field(mail, "X-Failed-Recipients"):
        return False
    marked = _field(mail, "Auto-Submitted").lower().startswith("auto-replied")
    named = any(_field(mail, h) for h in ("X-Autoreply", "X-Auto-Response-Suppress", "X-Autorespond"))
    precedence = _field(mail, "Precedence").lower() in {"auto_reply", "auto-reply"}
    return marked or named or precedence or bool(_AWAY.search(subject))


def _is_bounce(mail: Mail) -> bool:
    if _DAEMON.search(_header(mail, "From")):
        return True
    if "@" in _field(mail, "X-Failed-Recipients") or _UNDELIVERED.search(_header(mail, "Subject")):
        return True
    opening = _text_of(mail)[:_OPENING]
    nobody = _field(mail, "Return-Path").strip() == "<>"  # replies come from nobody too: a code must stand in it
    return bool(_UNDELIVERED.search(opening) or (nobody and (STATUS.search(opening) or REPLY.search(opening))))


_OPENING = 2000  # characters; a mail program says at once why it writes


# --- notifications in JSON: one large relay posts these by mail -------------------------------------------------------

_EVENTS: dict[str, tuple[str, ...]] = {
    "Bounce": ("bounce", "bounce", "bouncedRecipients"),
    "Complaint": ("complaint", "complaint", "complainedRecipients"),
    "Delivery": ("delivery",),  # a success names nobody
}


def _event(mail: Mail) -> dict[str, Any] | None:
    text = _text_of(mail).strip()
    if not text.startswith("{"):
        return None
    try:
        event, _ = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return event if event.get("notificationType") in _EVENTS else None


def _from_event(event: dict[str, Any]) -> list[RecipientStatus]:
    kind, *where = _EVENTS[event["notificationType"]]
    found: Any = event
    for key in where:
        found = found.get(key) if isinstance(found, dict) else None
    named = [r for r in found if isinstance(r, dict)] if isinstance(found, list) else []
    return [
        RecipientStatus(_first_address(str(r.get("emailAddress", ""))), "", Evidence.COMPLAINT)
        if kind == "complaint"
        else judged(
            _first_address(str(r.get("emailAddress", ""))), str(r.get("status", "")), str(r.get("diagnosticCode", ""))
        )
        for r in named
    ]


# --- everything else ------------------------------------------------------------------------------------------------

# An address that a line begins with is what the lines after it are about.
_HEADS = re.compile(
    r"^[ \t>*|]*(?:<<< )?(?:[45]\d\d[ -])?"
    r"(?:(?:(?:RCPT )?To|Recipient|Could not be delivered to|Unable to deliver message to):\s*)?"
    r"[\"'<(]*(" + _ADDRESS.pattern + r")",
    re.MULTILINE | re.IGNORECASE,
)
_STILL = re.compile(
    r"will (?:continue|keep) (?:to )?try|still (?:trying|being tried)|warning (?:message )?only|not yet been delivered"
    r"|will be (?:re)?tried|do not need to resend|no action is required",
    re.IGNORECASE,
)
_CONTACT = re.compile(r"(?:contact|assistance|mail to|send mail)[^\n]*$", re.IGNORECASE)


def _from_text(mail: Mail) -> Iterator[RecipientStatus]:
    report = _report_of(mail)
    named = [a for part in _field(mail, "X-Failed-Recipients").split(",") if (a := _first_address(part))]
    found = named or _written_to(mail, report)
    for address in found[:_MOST_RECIPIENTS]:
        said = report if len(found) < 2 else _about(address, report)
        yield judged(address, "", said, "delayed" if _STILL.search(report) else "failed", said)


def _written_to(mail: Mail, report: str) -> list[str]:
    """Whom the report names; else to whom the returned mail went; one empty text where neither says."""
    return _recipients(report, _own(mail)) or _recipients(report, set()) or _sent_to(mail) or [""]


def _own(mail: Mail) -> set[str]:
    """Addresses of the bounce itself: its sender, and us."""
    fields = [_field(mail, h) for h in ("From", "To", "Reply-To", "Cc", "Return-Path", "Delivered-To")]
    return {a.lower() for _, a in getaddresses(fields)}


def _recipients(report: str, own: set[str]) -> list[str]:
    """Addresses that lines begin with; else the first that is not an offer of help."""
    heads = [a.rstrip(".") for a in _HEADS.findall(report) if a.rstrip(".").lower() not in own]
    if heads:
        return list(dict.fromkeys(heads))
    for found in _ADDRESS.finditer(report):
        address = found.group(0).rstrip(".")
        line = report[report.rfind("\n", 0, found.start()) + 1 : found.start()]
        if address.lower() not in own and not _CONTACT.search(line):
            return [address]
    return []


def _about(address: str, report: str) -> str:
    """The lines from the one that names `address` to the next that begins with another."""
    at = report.find(address)
    if at < 0:
        return report[:_MOST_ABOUT]
    start = report.rfind("\n", max(0, at - _MOST_ABOUT), at) + 1
    most = min(len(report), at + _MOST_ABOUT)
    rest = (m.start() for m in _HEADS.finditer(report, at + len(address), most) if m.group(1).rstrip(".") != address)
    return report[start : next(rest, most)]


def _sent_to(mail: Mail) -> list[str]:
    """The recipient of the mail that is quoted or attached."""
    inner = [p for p in mail.walk() if p is not mail and p.get("To")]
    quoted = re.search(r"^(?:To|X-Envelope-To|Delivered-To):[ \t]*(.*@.*)$", mail.bare, re.IGNORECASE | re.MULTILINE)
    value = str(inner[-1]["To"]) if inner else quoted.group(1) if quoted else ""
    return [a] if (a := _first_address(value)) else []


def _report_of(mail: Mail) -> str:
    """What the mail program wrote, without the mail that it quotes."""
    text = _text_of(mail) or mail.bare[:_MOST]
    report = _QUOTED.split(text, maxsplit=1)[0]
    return report if report.strip() else text


def _parts(mail: Mail, kind: str) -> list[Mail]:
    return [p for p in mail.walk() if p.get_content_type() == kind]


def _text_of(mail: Mail) -> str:
    texts = [_decoded(p) for p in mail.walk() if p.get_content_maintype() == "text" and not p.is_multipart()]
    return texts[0] if texts else ""


def _decoded(part: Mail) -> str:
    raw = part.get_payload(decode=True)
    data = raw[:_MOST] if isinstance(raw, bytes) else b""
    try:
        text = data.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        text = data.decode("latin-1")
    if part.get_content_subtype() == "html":
        text = re.sub(r"<(?:br|/p|/div|/tr)[^<>]*>", "\n", re.sub(r"<[^<>@]*>", " ", text), flags=re.IGNORECASE)
    return text.replace("\r\n", "\n")


def _field(mail: Mail, name: str) -> str:
    """A header as text, its bytes read as UTF-8: some programs write them so without saying it."""
    wanted = name.lower()
    found = next((str(value) for key, value in mail.raw_items() if key.lower() == wanted), "")
    return found.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _header(mail: Mail, name: str) -> str:
    value = _field(mail, name)[:_MOST_HEADER]
    try:
        return str(make_header(decode_header(value)))
    except (UnicodeError, LookupError, ValueError, MessageError):
        return value


def _first_address(value: str) -> str:
    found = _ADDRESS.search(value)
    return found.group(0).rstrip(".") if found else ""
