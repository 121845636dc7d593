"""Letters: a wording (one per segment, markup) and a person's slots (data, never markup) to a batch in one PDF.

The pages of each letter are exact, its address stands where the envelope's window shows it, and it is written as the
country of its reader wants it. A letter is told beforehand how many pages it has, which the words of its segment nearly
always decide; what came of it is read from the layout, and the batch is printed again where the guess was wrong.
"""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Any

from models.postal import Envelope, fewer, on_envelope, zip_code
from models.slots import page_alone
from models.values import BadInput, Message, Slot, Wording
from templates import codes, press
from templates.sheets import Profile, profile_of

__all__ = ["Pressed", "press_letters", "sender_of"]

TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})  # bidirectional controls
FORBIDDEN = re.compile(r"#\s*(?:import|include|read|plugin|eval|csv|json|yaml|toml|xml|cbor|image)\b")
BODY_SIZE, LARGE_SIZE, ADDRESS_SIZE = 10.5, 18.0, 10.0  # points; 18 is what large print means
_CAPITAL, _CAPITAL_WIDE = (
    0.714,
    0.75,
)  # height of capitals in ems: of Latin letters, of ideographs (measured, rounded up)
_LEADING = 0.4  # ems between the address's lines, as in frame/letter.typ
_POINT = 25.4 / 72
_WIDTH = 0.55  # of the size: a wide guess at the mean width of a Latin character
_TRIES = 6

_KEEP = 450  # letters after which the press is made to forget: about 300 MB of layout

_guesses: dict[tuple[str, float, str], int] = {}  # wording, size, profile -> pages of its last letter


@dataclass(frozen=True, slots=True)
class Pressed:
    """A batch. `pages[i]` is how many pages letter i has, `starts[i]` the first of them, counted from 1 in the PDF.

    `printed[i]` are the lines in the window, the addressee included; `barcodes[i]` is the tracking code of the US post
    and may be empty; `warnings` names letters by their reference.
    """

    pdf: bytes
    pages: tuple[int, ...]
    starts: tuple[int, ...]
    printed: tuple[tuple[str, ...], ...] = ()
    barcodes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Job:
    """What is the same for all letters of a batch."""

    sender: Mapping[str, Any]
    date: date
    profile: Profile
    large: bool
    first_serial: int

    @property
    def country(self) -> str:
        return str(self.sender.get("country", ""))


def press_letters(
    wordings: Mapping[str, Wording],
    messages: Sequence[Message],
    *,
    sender: Mapping[str, Any],
    date: date,
    watermark: str = "",
    large_print: bool = False,
    first_serial: int = 0,
) -> Pressed:
    """One PDF for all messages, in their order; each letter begins on a new sheet.

    `wordings` is keyed by `Message.wording`. `sender` may hold name, address (lines), country (ISO 3166-1, chooses
    sheet and window), envelope (a name of templates.sheets), phone, email, site, duplex (true: each letter begins on an
    odd page), verify (your page that checks codes, {code} standing for one: printed as a QR code and as words),
    mailer_id and service_type (letters within the United States then bear the Intelligent Mail barcode, with serials
    that count from `first_serial`). `large_print` sets all letters in 18 points; `Contacts.large_print` a single one.
    Raises BadInput for a missing slot, an address that the window cannot hold, or a character that no font has; it
    names the reference, never the person.
    """
    if not messages:
        raise BadInput("letters", "there is no letter to print.", "Give at least one message.")
    profile = profile_of(str(sender.get("country", "")), str(sender.get("envelope", "")))
    job = _Job(sender, date, profile, large_print, first_serial)
    used = {key: wordings[key] for key in sorted({_known(m, wordings) for m in messages})}
    envelopes = [_envelope(m, used[m.wording], job) for m in messages]
    tracking = [_tracking(m, e, n, job) for n, (m, e) in enumerate(zip(messages, envelopes, strict=True))]
    looks = _Looks()
    letters = [
        _letter(m, used[m.wording], e, code, job, looks)
        for m, e, code in zip(messages, envelopes, tracking, strict=True)
    ]
    data = _batch(letters, looks, used[messages[0].wording], sender, watermark) | {"paper": _paper(profile)}
    pdf, starts, pages, bare = _print(data, used, messages, job)
    warned = tuple(
        f"letter {m.slots[Slot.REFERENCE]}: {w}" for m, e in zip(messages, envelopes, strict=True) for w in e.warnings
    )
    barcodes = tuple("" if n in bare else code for n, code in enumerate(tracking))
    _forget(len(messages))
    return Pressed(pdf, pages, starts, tuple(e.lines for e in envelopes), barcodes, warned)


_since = 0  # letters pressed since the press was last made to forget


def _forget(letters: int) -> None:
    global _since
    _since += letters
    if _since >= _KEEP:
        press.forget()
        _since = 0


def sender_of(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The sender of letters, from the tables [organisation], [contact] and [sender] of the organisation's profile."""
    firm, contact, sender = (profile.get(name) or {} for name in ("organisation", "contact", "sender"))
    return {
        "name": firm.get("name", ""),
        "address": list(firm.get("postal_address", ())),
        "country": firm.get("country", ""),
        "phone": contact.get("toll_free") or contact.get("phone", ""),
        "email": contact.get("email", ""),
        "site": contact.get("website") or firm.get("website", ""),
        "duplex": bool(sender.get("duplex", False)),
        "verify": contact.get("verify", ""),
        **{key: sender.get(key, "") for key in ("envelope", "mailer_id", "service_type")},
    }


# --- one letter -----------------------------------------------------------------------------------------------------


def _known(message: Message, wordings: Mapping[str, Wording]) -> str:
    if message.wording not in wordings:
        raise BadInput(f"delivery {message.delivery}", "its wording is not in the batch.", "Prepare the notices again.")
    return message.wording


def _envelope(message: Message, wording: Wording, job: _Job) -> Envelope:
    """What the window shows; checks first that the letter is whole."""
    _refuse_controls(message)
    given = message.slots.get(Slot.ADDRESS) or "\n".join(message.to.address)
    slots = {Slot(k): v for k, v in message.slots.items()} | {Slot.ADDRESS: given}
    for needed in (Slot.REFERENCE, Slot.ADDRESSEE, Slot.ADDRESS, *wording.slots):
        if not slots.get(needed, "").strip():
            raise BadInput(
                f"delivery {message.delivery}", f"slot {needed} is missing.", "A letter can't be printed without it."
            )
    made = on_envelope(slots[Slot.ADDRESSEE].strip(), given.split("\n"), message.to.country, job.country)
    bars = 1 if _barcoded(message, job) else 0
    most, longest = _room(job.profile, bars, _CAPITAL_WIDE if any(map(_is_wide, "".join(made.lines))) else _CAPITAL)
    return Envelope(fewer(made.lines, most, longest), made.warnings)


def _refuse_controls(message: Message) -> None:
    """Signs that no reader sees but that turn or break a line: in an address they can only mislead."""
    for part in _own(message):
        for c in part:
            if (unicodedata.category(c) == "Cc" and c != "\n") or unicodedata.bidirectional(c) in TURNING:
                where, code = f"letter {message.slots.get(Slot.REFERENCE, '')}", f"U+{ord(c):04X}"
                raise BadInput(where, f"holds the control character {code}.", "Remove it from the person's data.")


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _room(profile: Profile, bars: int, capital: float) -> tuple[int, int]:
    """How many lines with letters `capital` ems high the window holds, and how many characters a line surely holds."""
    box = profile.box
    high = box.bottom - box.top - bars * (codes.BARS_HEIGHT + 1.2)
    pitch = ADDRESS_SIZE * (capital + _LEADING) * _POINT
    most = 1 + int((high - ADDRESS_SIZE * capital * _POINT) / pitch)
    return most, int((box.right - box.left) / (ADDRESS_SIZE * _WIDTH * _POINT))


def _barcoded(message: Message, job: _Job) -> bool:
    return bool(job.sender.get("mailer_id")) and job.country == "US" and message.to.country == "US"


def _tracking(message: Message, envelope: Envelope, n: int, job: _Job) -> str:
    if not _barcoded(message, job):
        return ""
    mailer, service = str(job.sender["mailer_id"]), str(job.sender.get("service_type", ""))
    serials = 10 ** (15 - len(mailer)) if len(mailer) in (6, 9) else 1
    return codes.tracking_code("00", service, mailer, (job.first_serial + n) % serials)


class _Looks:
    """The looks of a batch, each once."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self._places: dict[tuple[str, float], int] = {}

    def place(self, language: str, size: float) -> int:
        key = (language, size)
        if key not in self._places:
            self._places[key] = len(self.all)
            self.all.append(press.look(language) | {"size": size})
        return self._places[key]


def _letter(
    message: Message, wording: Wording, envelope: Envelope, tracking: str, job: _Job, looks: _Looks
) -> dict[str, Any]:
    size = LARGE_SIZE if job.large or message.to.large_print else BODY_SIZE
    bars = codes.bars_svg(codes.bars(tracking, zip_code(envelope.lines))) if tracking else None
    return {
        "wording": message.wording,
        "style": looks.place(wording.language, size),
        "reference": message.slots[Slot.REFERENCE],
        "address": _lines("\n".join(envelope.lines)),
        "slots": {k: _lines(v) for k, v in message.slots.items()},
        "subject": message.subject or wording.subject,
        "date": press.format_date(job.date, wording.language, job.country),
        "bars": bars,
        "tight": len(envelope.lines) > (3 if bars else 4),
        "qr": None,
        "size": size,
        **_proof(message, wording, job),
    }


def _proof(message: Message, wording: Wording, job: _Job) -> dict[str, Any]:
    """The code that lets a reader check that the letter is ours, where the sender has a page for it."""
    code, page = message.slots.get(Slot.VERIFICATION_CODE, ""), str(job.sender.get("verify", ""))
    if not (code and page):
        return {}
    words, link = press.look(wording.language)["words"], page.replace("{code}", code)
    told = words["proof"].replace("{url}", page_alone(page)).replace("{code}", code)
    return {"qr": codes.qr_svg(link), "proof": {"alt": link, "lines": _lines(told)}}


def _lines(text: str) -> list[dict[str, Any]]:
    """Lines with their own direction, by the first strong character; right-to-left words inside a sentence are
    isolated.
    """
    if text.isascii():
        return [{"text": line, "rtl": False} for line in text.split("\n")]
    out = []
    for line in text.split("\n"):
        rtl = next(
            (unicodedata.bidirectional(c) in ("R", "AL") for c in line if unicodedata.bidirectional(c) in "LRAL"), False
        )
        out.append({"text": f"\u2067{line}\u2069" if rtl else line, "rtl": rtl})
    return out


# --- the batch ------------------------------------------------------------------------------------------------------


def _batch(
    letters: list[dict[str, Any]], looks: _Looks, first: Wording, sender: Mapping[str, Any], mark: str
) -> dict[str, Any]:
    name = str(sender.get("name", "")).strip()
    if not name:
        raise BadInput("sender: name", "the sender's name is missing.", "A letter must say who writes it.")
    address = _as_lines(sender.get("address", ()))
    contact = [", ".join(address), *(str(sender[k]) for k in ("phone", "email", "site") if sender.get(k))]
    return {
        "letters": letters,
        "styles": looks.all,
        "sender": {
            "name": name,
            "contact": _lines("\n".join(c for c in contact if c)),
            "back": " · ".join([name, *address]),
        },
        "watermark": mark,
        "duplex": bool(sender.get("duplex", False)),
        "title": letters[0]["subject"] or name,
        "lang": press.look(first.language)["lang"],
    }


def _paper(profile: Profile) -> dict[str, Any]:
    return profile.as_data() | {"size": ADDRESS_SIZE}


def _print(
    data: dict[str, Any], used: Mapping[str, Wording], messages: Sequence[Message], job: _Job
) -> tuple[bytes, tuple[int, ...], tuple[int, ...], frozenset[int]]:
    """The PDF, the first page and the number of pages of each letter, and those whose barcode found no room."""
    letters, store = data["letters"], _store()
    keys = [(m.wording, x["size"], job.profile.name) for m, x in zip(messages, letters, strict=True)]
    pages = [_guesses.get(key, 1) for key in keys]
    files = {"main.typ": _main(used, store), "letter.typ": press.frame("letter.typ")}
    files |= {f"w{i}.typ": _wording_file(w) for i, w in enumerate(used.values())}
    bare: set[int] = set()
    for _ in range(_TRIES):
        starts = _starts(pages, duplex=data["duplex"])
        for letter, start, count in zip(letters, starts, pages, strict=True):
            letter["start"], letter["pages"] = start, count
        files[store] = json.dumps(data).encode()
        pdf, found = press.compile_pdf(files, job.date, _blame_letters(messages, used), query="<pages>")
        told = json.loads(found)[0]["value"]
        firsts, counted = _counted(told["spans"], len(letters))
        bare |= _make_room(letters, told["full"])
        if not told["full"] and (firsts, counted) == (starts, pages):
            _guesses.update(zip(keys, pages, strict=True))
            return pdf, tuple(starts), tuple(pages), frozenset(bare)
        pages = counted
    raise BadInput("letters", "their pages do not settle.", "Report this with the wording.")


def _make_room(letters: Sequence[dict[str, Any]], full: Sequence[int]) -> set[int]:
    """For addresses that do not fit: lines closer together, then without the barcode; which letters lost theirs.

    BadInput when neither is left to give.
    """
    lost = [letters[n]["reference"] for n in full if letters[n]["tight"] and letters[n]["bars"] is None]
    if lost:
        more = f" and {len(lost) - 20} more" if len(lost) > 20 else ""
        where = f"letter {', '.join(lost[:20])}{more}"
        raise BadInput(where, "the address does not fit the envelope's window.", "Shorten it to six lines or fewer.")
    bare = {n for n in full if letters[n]["tight"]}
    for n in full:
        letters[n] |= {"bars": None} if n in bare else {"tight": True}
    return bare


def _starts(pages: Sequence[int], *, duplex: bool) -> list[int]:
    sheets = [n + n % 2 for n in pages] if duplex else pages
    return [1 + before for before in accumulate(sheets, initial=0)][: len(pages)]


def _counted(found: Sequence[Sequence[int]], count: int) -> tuple[list[int], list[int]]:
    """First page and number of pages of each letter, as laid out."""
    spans = [(first, last) for first, last in found]
    ends = [0, *(last for _, last in spans)]
    if len(spans) != count or any(
        first <= end or last < first for (first, last), end in zip(spans, ends, strict=False)
    ):
        raise BadInput(
            "letters", "the pages of the batch can't be told apart.", "Look for a page break inside a wording."
        )
    return [first for first, _ in spans], [last - first + 1 for first, last in spans]


def _store() -> str:
    """A name for the data that no wording can know beforehand, so that none reads other people's letters."""
    return f"{secrets.token_hex(16)}.json"


def _main(used: Mapping[str, Wording], store: str) -> bytes:
    imports = "".join(f'#import "w{i}.typ": body as w{i}\n' for i in range(len(used)))
    table = ", ".join(f"{json.dumps(key)}: w{i}" for i, key in enumerate(used))
    return f'#import "letter.typ": batch\n{imports}#batch(json("{store}"), ({table},))\n'.encode()


def _wording_file(wording: Wording) -> bytes:
    """A wording as a function in a file of its own. In brackets within parentheses a stray ']' is an error, not
    lost text.
    """
    if FORBIDDEN.search(wording.typst):
        raise BadInput(
            f"segment {wording.segment}", "a letter may not load or evaluate anything.", "Remove the command."
        )
    return f"#let body(s) = ([\n{wording.typst}\n],).first()\n".encode()


# --- whose fault it was ---------------------------------------------------------------------------------------------


def _blame_letters(messages: Sequence[Message], used: Mapping[str, Wording]) -> press.Blame:
    def blame(text: str) -> tuple[str, str]:
        if text and any(text in part for m in messages for part in _own(m)):
            return _all_unprintable(messages)
        for w in used.values():
            if not text or text in w.typst or text in w.subject:
                return f"segment {w.segment}", text
        if _held(messages, press.unprintable([text])):
            return _all_unprintable(messages)  # its line was put in capitals or joined with another
        return "the sender in the organisation's profile", text

    return blame


def _own(message: Message) -> tuple[str, ...]:
    return (*message.slots.values(), *message.to.address)


def _held(messages: Sequence[Message], characters: frozenset[str]) -> list[str]:
    return [m.slots[Slot.REFERENCE] for m in messages if any(characters & set(part) for part in _own(m))]


def _all_unprintable(messages: Sequence[Message]) -> tuple[str, str]:
    """Every letter of the batch that holds such a character, so that one correction is enough."""
    missing = press.unprintable(part for m in messages for part in _own(m))
    held = _held(messages, missing)
    more = f" and {len(held) - 20} more" if len(held) > 20 else ""
    return f"letter {', '.join(held[:20])}{more}", "".join(sorted(missing))


def _as_lines(value: Any) -> list[str]:
    return [line for line in (value.split("\n") if isinstance(value, str) else [str(v) for v in value]) if line.strip()]
