"""What a status code or a phrase says of an address: two literal tables, for SMTP answers and for bounces alike.

hard: the address does not work. soft: full or busy, it may work later. policy: refused for what we are or sent, not
for the address, so the list must not be burnt. A code that names its subject is believed; a general one (x.0.0, x.5.0)
gives way to what the text says. Sources: RFC 3463, the registry of enhanced status codes; phrases as the big mail
programs write them.
"""

from __future__ import annotations

import re

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
    "2.1": HARD,  # disabled
    "2.2": SOFT,  # full
    "2.3": POLICY,  # too long for this mailbox
    "2.4": SOFT,  # list expansion
    "3.1": SOFT,  # system full
    "3.2": SOFT,  # not accepting now
    "3.4": POLICY,  # message too big
    "3.5": SOFT,  # misconfigured
    "4.1": HARD,  # no answer from host, as a final word
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
    "6.1": POLICY,
    "6.2": POLICY,
    "6.3": POLICY,
    "6.9": POLICY,
}
_ADDRESS = re.compile(r"[^\s<>\"']+@[^\s<>\"']+")
_GENERAL = re.compile(r"[245]\.(?:\d{1,3}\.0|0\.\d{1,3})")  # names no detail

# Tried from the top, each against the whole text. One alternative a line.
_PHRASES: tuple[tuple[Evidence, tuple[str, ...]], ...] = (
    (
        POLICY,  # so plain that no code is believed against it
        (
            r"spamhaus|black-?list|block ?list|\b(?:dns|r)bl\b|open relay|\(BL\)",
            r"SMTP error from remote (?:mail )?server (?:after|for) MAIL",
            r"unrout(?:e)?able sender|invalid sender|sender (?:address )?(?:rejected|denied|verify failed|not)",
        ),
    ),
    (
        SOFT,  # full: some servers say it under a code for a bad mailbox
        (
            r"(?:mailbox|inbox|mailfolder|account|mail box|maildrop) (?:is |was )?(?:over |too )?(?:full|quota)",
            r"over ?quota|quota (?:exceeded|is full|has been|violation)|disk quota|user.{0,20}quota",
            r"exceed\w* (?:the |your |his |its |their )?(?:storage|mailbox|quota|disk|local limit|maximum allowed)",
            r"insufficient (?:disk|system|mailbox)? ?(?:space|storage|quota|resources)|out of storage|storage limit",
            r"number of messages in|mailbox (?:size|has exceeded|exceeds)|boite du destinataire pleine",
            r"too much mail data|not enough (?:disk )?space|no space left",
            r"not found,? try again|did not accept our requests",
        ),
    ),
    (
        POLICY,
        (
            r"\bspam|\bspf\b|\bdkim\b|dmarc|blocked|reputation|virus|polic(?:y|ies)|banned|malware|phishing",
            r"relay(?:ing)? (?:denied|not permitted|access denied)|not (?:allowed|permitted) to relay|unable to relay",
            r"relay access|not authori[sz]ed|unauthori[sz]ed|unauthenticated|authenticat|prohibit",
            r"access denied|no access",
            r"reverse (?:dns|lookup)|\bptr\b|\brdns\b|mismatch|bad helo|invalid helo|protocol violation|improper",
            r"too (?:large|big)|message size|size (?:limit )?exceed|exceeds (?:size|the maximum)|line (?:limit|length)",
            r"(?:mail|message) (?:was |has been )?(?:rejected|refused|rejet)|attachment",
            r"content (?:filter|reject|refus)",
            r"domain of sender|domain is invalid|valid from|not (?:been )?verified|not a member|may not post",
            r"bl\?ip=",
            r"(?:your|client|remote) (?:ip|host|server).{0,40}(?:reject|refus|denied)|not rfc|rfc ?[25][38]22|on hold",
            r"transaction failed|\btls\b|(?:length|size) exceeds|suspicious|unsolicited|unwanted|forbidden",
            r"not accept(?:ed)? from|bounce address tag",
        ),
    ),
    (
        HARD,
        (
            r"user unknown|unknown (?:user|recipient|mailbox|local|address|mail|or illegal alias)",
            r"no such (?:user|address|mailbox|recipient|person|account|domain|host|alias|local)",
            r"(?:user|mailbox|recipient|address|account|alias|domain|host|name).{0,60}?(?:not found|unknown)",
            r"(?:user|mailbox|recipient|address|account|alias|domain).{0,60}?(?:not exist|unavailable)",
            r"n't exist",
            r"(?:user|mailbox|recipient|address|account|name).{0,60}?(?:is invalid|not known|disabled|no longer)",
            r"(?:user|mailbox|recipient|address|account|name).{0,60}?(?:inactive|not listed|not recogni[sz]ed)",
            r"(?:invalid|bad|illegal) (?:recipient|mailbox|user|address|destination)|not a (?:valid|known)",
            r"no valid recipient|does not (?:have an?|exist)|doesn't (?:have an?|exist)|no mailbox",
            r"unrout(?:e)?able|addressee unknown",
            r"couldn't find any host|name service|no (?:mx|host)|null ?mx|nxdomain|domain is not reachable",
            r"has (?:moved|been (?:closed|disabled|deleted))|not our customer",
        ),
    ),
    (
        SOFT,  # trouble of a host or a program
        (
            r"try again|try later|retry|retries|temporar|deferred|greylist|delayed|not yet been|frozen|suspend",
            r"time[ds]? ?-?out|too long|long time|expired|not delivered within|aborted after|giv(?:e|en|ing) up",
            r"connection (?:refused|reset|dropped|lost|closed)|did not accept our requests|socket error|not responding",
            r"too many|rate limit|loop|hop count|unreachable|no route|i/o error|lost connection|not accepting",
            r"service (?:is )?(?:currently |temporarily )?(?:unavailable|not available)|procmail|couldn't create",
        ),
    ),
    (HARD, (r"(?:address|recipient) rejected",)),
    (SOFT, (r"network|resources|busy|warning|error occurred",)),
)
_COMPILED = tuple((kind, re.compile("|".join(lines), re.IGNORECASE)) for kind, lines in _PHRASES)
_PLAIN = _COMPILED[0][1]


def class_of_status(status: str) -> Evidence | None:
    """What an enhanced status says by itself; None where it is missing, a success or general."""
    first, _, detail = status.partition(".")
    if first not in {"4", "5"} or (_GENERAL.fullmatch(status) and not detail.startswith("7.")):
        return None
    if detail.startswith("7."):
        return POLICY if first == "5" else SOFT
    known = _BY_DETAIL.get(detail)
    return SOFT if first == "4" and known is not None else known


def class_of_text(text: str) -> Evidence | None:
    """What the words say; None where no phrase of the table occurs."""
    flat = _flat(text)
    return next((kind for kind, pattern in _COMPILED if pattern.search(flat)), None)


def is_plain_policy(text: str) -> bool:
    """Whether the words name a block list or our sender address, whatever the code beside them."""
    return bool(_PLAIN.search(_flat(text)))


def _flat(text: str) -> str:
    """One line without addresses: `spam@` and `mailbox-full@` are names, not findings."""
    return " ".join(_ADDRESS.sub("<address>", text).split())
