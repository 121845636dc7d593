"""What a status code or a phrase says of an address: two literal tables, for SMTP answers and for bounces alike.

hard: the address does not work. soft: it exists and did not take this mail (full, disabled, the person's own filter),
or a host is in trouble. policy: refused for what we are or sent, not for the address, so the list must not be burnt.
A code that names its detail is believed; a general one (x.0.0, x.5.0) gives way to what the text says. Where the two
contradict each other, the address is not burnt. Sources: RFC 3463, the registry of enhanced status codes; phrases as
the big mail programs write them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.values import Evidence

HARD, SOFT, POLICY = Evidence.BOUNCED_HARD, Evidence.BOUNCED_SOFT, Evidence.BLOCKED

# By subject and detail, without the first digit; a permanent status unless said otherwise below.
_BY_DETAIL: dict[str, Evidence] = {
    "1.1": HARD,  # bad mailbox
    "1.2": HARD,  # bad domain
    "1.3": HARD,  # bad syntax
    "1.4": HARD,  # ambiguous
    "1.6": HARD,  # has moved
    "1.7": POLICY,  # bad sender syntax: ours
    "1.8": POLICY,  # bad sender domain: ours
    "1.9": SOFT,  # relayed to something that can't say
    "1.10": HARD,  # null MX
    "2.1": SOFT,  # it exists and takes nothing: disabled, or its owner's filter
    "2.2": SOFT,  # full
    "2.3": POLICY,  # too long for this mailbox
    "2.4": SOFT,  # list expansion
    "3.1": SOFT,  # system full
    "3.2": SOFT,  # not accepting now
    "3.4": POLICY,  # message too big
    "3.5": SOFT,  # misconfigured
    "4.1": HARD,  # no answer from host, as a final word; one large host says so of unknown mailboxes
    "4.2": SOFT,
    "4.3": SOFT,
    "4.4": HARD,  # no route: no such host
    "4.5": SOFT,
    "4.6": SOFT,  # loop
    "4.7": SOFT,  # time expired
    "5.1": POLICY,
    "5.2": POLICY,
    "5.3": SOFT,  # too many recipients
    "5.4": POLICY,
    "6.0": POLICY,
    "6.1": POLICY,
    "6.2": POLICY,
    "6.3": POLICY,
    "6.9": POLICY,
    "7.13": SOFT,  # the account is disabled; others of subject 7 speak of us
    "7.17": HARD,  # the mailbox has a new owner
    "7.18": HARD,  # the domain has a new owner
}
_ADDRESS = re.compile(r"[^\s<>\"'@]{1,250}@[^\s<>\"']{1,250}")
_GENERAL = re.compile(r"[245]\.(?:\d{1,3}\.0|0\.\d{1,3})")  # names no detail

# By subject alone, where neither a detail nor the words say more.
_BY_SUBJECT: dict[str, Evidence] = {"3": SOFT, "4": SOFT}


@dataclass(frozen=True, slots=True)
class Words:
    """What a text says. `sure` words are believed against a code that says the address is bad; `lasting`: the mailbox
    exists, and no second try of this mail will be taken.
    """

    kind: Evidence
    sure: bool = False
    lasting: bool = False


# Tried from the top, each against the whole text. One alternative a line.
_PHRASES: tuple[tuple[Words, tuple[str, ...]], ...] = (
    (
        Words(POLICY, sure=True),  # so plain that no code is believed against it
        (
            r"spamhaus|black-?list|block ?list|\b(?:dns|r)bl\b|open relay|\(BL\)",
            r"SMTP error from remote (?:mail )?server (?:after|for) MAIL",
            r"unrout(?:e)?able sender|invalid sender|sender (?:address )?(?:rejected|denied|verify failed|not)",
            r"invalid ip\b|ip.{0,20} for sending mail|email address is not verified",
        ),
    ),
    (
        Words(SOFT, sure=True),  # the mailbox exists: some servers say all of this under a code for a bad one
        (
            r"(?:mailbox|inbox|mailfolder|account|mail box|maildrop) (?:is |was )?(?:over |too )?(?:full|quota)",
            r"over ?quota|quota (?:exceeded|is full|has been|violation)|disk quota|user.{0,20}quota",
            r"exceed\w* (?:the |your |his |its |their )?(?:storage|mailbox|quota|disk|local limit|maximum allowed)",
            r"insufficient (?:disk|system|mailbox)? ?(?:space|storage|quota|resources)|out of storage|storage limit",
            r"number of messages in|mailbox (?:size|has exceeded|exceeds)|boite du destinataire pleine",
            r"too much mail data|not enough (?:disk )?space|no space left",
            r"not found,? try again|did not accept our requests|receiving mail (?:at a rate|too quickly)",
        ),
    ),
    (
        Words(SOFT, sure=True, lasting=True),
        (
            r"(?:account|mailbox|user|recipient)\b.{0,40}?\b(?:disabled|suspended|discontinued|inactive|locked)",
            r"(?:disabled|suspended|inactive|locked) (?:recipient|account|mailbox|user)",
            r"(?:recipient|user|e-?mail) preferences|message filtered|refused by (?:the )?recipient",
        ),
    ),
    (
        Words(SOFT, sure=True),
        (r"sent to too many|couldn't create|pipe to \||mailer error \d",),
    ),
    (
        Words(POLICY),
        (
            r"\bspam|\bspf\b|\bdkim\b|dmarc|blocked|reputation|virus|polic(?:y|ies)|banned|malware|phishing",
            r"relay(?:ing)? (?:denied|not permitted|access denied)|not (?:allowed|permitted) to relay|unable to relay",
            r"relay access|not authori[sz]ed|unauthori[sz]ed|unauthenticated|authenticat|prohibit",
            r"access denied|no access|protocol (?:violation|error)",
            r"reverse (?:dns|lookup)|\bptr\b|\brdns\b|mismatch|bad helo|invalid helo|improper",
            r"too (?:large|big)|message size|size (?:limit )?exceed|exceeds (?:size|the maximum)|line (?:limit|length)",
            r"(?:mail|message) (?:was |has been )?(?:rejected|refused|rejet)|attachment",
            r"content (?:filter|reject|refus)|media error",
            r"domain of sender|domain is invalid|valid from|not (?:been )?verified|not a member|may not post",
            r"bl\?ip=",
            r"(?:your|client|remote) (?:ip|host|server).{0,40}(?:reject|refus|denied)|not rfc|rfc ?[25][38]22|on hold",
            r"transaction failed|\btls\b|(?:length|size) exceeds|suspicious|unsolicited|unwanted|forbidden",
            r"not accept(?:ed)? from|bounce address tag",
        ),
    ),
    (
        Words(HARD),
        (
            r"user unknown|unknown (?:user|recipient|mailbox|local|address|mail|or illegal alias)",
            r"no such (?:user|address|mailbox|recipient|person|account|domain|host|alias|local)",
            r"(?:user|mailbox|recipient|address|account|alias|domain|host|name).{0,60}?(?:not found|unknown)",
            r"(?:user|mailbox|recipient|address|account|alias|domain).{0,60}?(?:not exist|unavailable)",
            r"n't exist",
            r"(?:user|mailbox|recipient|address|account|name).{0,60}?(?:is invalid|not known|no longer)",
            r"(?:user|mailbox|recipient|address|account|name).{0,60}?(?:not listed|not recogni[sz]ed)",
            r"(?:invalid|bad|illegal) (?:recipient|mailbox|user|address|destination)|not a (?:valid|known)",
            r"no valid recipient|does not (?:have an?|exist)|doesn't (?:have an?|exist)|no mailbox",
            r"unrout(?:e)?able|addressee unknown",
            r"couldn't find any host|find a mail exchanger|name service|no (?:mx|host)|null ?mx|nxdomain",
            r"domain is not reachable|has (?:moved|been (?:closed|deleted))|not our customer",
        ),
    ),
    (
        Words(SOFT),  # trouble of a host or a program
        (
            r"try again|try later|retry|retries|temporar|deferred|greylist|delayed|not yet been|frozen|suspend",
            r"time[ds]? ?-?out|too long|long time|expired|not delivered within|aborted after|giv(?:e|en|ing) up",
            r"connection (?:refused|reset|dropped|lost|closed)|did not accept our requests|socket error|not responding",
            r"too many|rate limit|loop|hop count|unreachable|no route|i/o error|lost connection|not accepting",
            r"service (?:is )?(?:currently |temporarily )?(?:unavailable|not available)|procmail",
            r"mailer error|(?:command|program) (?:failed|died)|system error|internal error",
        ),
    ),
    (Words(HARD), (r"(?:address|recipient) rejected",)),
    (Words(SOFT), (r"network|resources|busy|warning|error occurred",)),
)
_COMPILED = tuple((words, re.compile("|".join(lines), re.IGNORECASE)) for words, lines in _PHRASES)
_PLAIN = _COMPILED[0][1]


def class_of_status(status: str) -> Evidence | None:
    """What an enhanced status says by itself; None where it is missing, a success or general."""
    first, _, detail = status.partition(".")
    if first not in {"4", "5"} or (_GENERAL.fullmatch(status) and not detail.startswith("7.")):
        return None
    known = _BY_DETAIL.get(detail)
    if detail.startswith("7.") and known is None:
        return POLICY if first == "5" else SOFT
    return SOFT if first == "4" and known is not None else known


def class_of_subject(status: str) -> Evidence | None:
    """What the subject of a general status says: system and network trouble is not the address's."""
    return _BY_SUBJECT.get(status.split(".")[1]) if status.count(".") == 2 else None


def words_of(text: str) -> Words | None:
    """What the words say; None where no phrase of the table occurs."""
    flat = _flat(text)
    return next((words for words, pattern in _COMPILED if pattern.search(flat)), None)


def class_of_text(text: str) -> Evidence | None:
    found = words_of(text)
    return found.kind if found else None


def names_open_mailbox(text: str) -> bool:
    """Whether plain words say that the mailbox exists and did not take this mail."""
    words = words_of(text)
    return words is not None and words.sure and words.kind is SOFT


def is_lasting(status: str, text: str) -> bool:
    """Whether a mailbox that exists will not take this mail, however often we try."""
    words = words_of(text)
    return status in _CLOSED or (words is not None and words.lasting)


_CLOSED = frozenset({"5.2.1", "5.7.13"})


def is_plain_policy(text: str) -> bool:
    """Whether the words name a block list or our sender address, whatever the code beside them."""
    return bool(_PLAIN.search(_flat(text)))


def _flat(text: str) -> str:
    """One line without addresses: `spam@` and `mailbox-full@` are names, not findings."""
    return " ".join(_ADDRESS.sub("<address>", text).split())
