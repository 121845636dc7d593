"""What people sign, and whether it may be launched or filed.

An approval binds the digest of a `Plan`: every wording, every rung of every ladder, the substitute notice that may
follow, window, cap, pilot, and a Merkle root over the people. One changed word is another digest, and so another
approval. Whether a signature is genuine is checked elsewhere, over the bytes of `statement`; here it arrives as a flag.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from models.values import DECIDING_SEATS, BadInput, Seat, canonical, digest

FRESH = timedelta(hours=24)  # how old an approval may be at launch; our own rule, no law's
SECOND_WITHIN = timedelta(hours=24)  # for the second signature of an urgent filing; our own rule, no law's
URGENT = timedelta(hours=24)  # a first-stage filing due within this needs one signature at first


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one wave may do."""

    incident: str
    wave: int
    facts: int  # number of the facts revision that it rests on
    wordings: Mapping[str, str]  # segment id -> digest of the wording
    ladders: Mapping[str, int]  # shape, such as "email>letter" -> people
    substitute: Mapping[str, str]  # public wording -> digest; what may be published if people can't be reached
    window_from: datetime
    window_until: datetime
    cap: int  # most deliveries that may be handed off
    pilot: int  # deliveries that go first
    bounce_limit: float  # share of hard bounces at which the wave stops itself
    people: int
    people_root: str  # merkle_root over the notices' leaves
    overrides: Mapping[str, str] = field(default_factory=dict)  # warning -> digest of who answers for it, and why

    def as_data(self) -> dict[str, Any]:
        """Plain data in a fixed form; its canonical JSON is what is stored and hashed."""
        return {
            "incident": self.incident,
            "wave": self.wave,
            "facts": self.facts,
            "wordings": dict(self.wordings),
            "ladders": dict(self.ladders),
            "substitute": dict(self.substitute),
            "window": [_instant(self.window_from), _instant(self.window_until)],
            "cap": self.cap,
            "pilot": self.pilot,
            "bounce_limit": self.bounce_limit,
            "people": self.people,
            "people_root": self.people_root,
            "overrides": dict(self.overrides),
        }

    def text(self) -> str:
        return canonical(self.as_data())

    def digest(self) -> str:
        return digest(self.as_data())


def _instant(at: datetime) -> str:
    if at.tzinfo is None:
        raise BadInput("plan: window", "a time has no zone.", "Write it with its offset.")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def ladder_shape(ladder: Sequence[Iterable[str]]) -> str:
    """A ladder as one word: rungs by `>`, channels that go together by `+`; "none" for an empty one."""
    return ">".join("+".join(sorted(rung)) for rung in ladder) or "none"


# --- the people: a Merkle tree --------------------------------------------------------------------------------------

_LEAF, _NODE, _EMPTY = b"tocsin.leaf\x00", b"tocsin.node\x01", b"tocsin.empty\x02"


@dataclass(frozen=True, slots=True)
class Sibling:
    """One step of a proof: the neighbour's hash, and whether it stands on the left."""

    hash: str
    left: bool


def merkle_root(leaves: Iterable[str]) -> str:
    """Root over the leaves in sorted order; an odd node is promoted, never doubled. Hex SHA-256.

    Leaves, nodes and the empty set are hashed under different prefixes (as RFC 6962 does), so a node can't pass for a
    leaf. Apart from the sorted leaves themselves it keeps one hash per level, which suits a million people.
    """
    peaks: list[tuple[int, bytes]] = []
    for leaf in sorted(leaves):
        height, node = 0, _leaf(leaf)
        while peaks and peaks[-1][0] == height:
            height, node = height + 1, _node(peaks.pop()[1], node)
        peaks.append((height, node))
    if not peaks:
        return hashlib.sha256(_EMPTY).hexdigest()
    root = peaks.pop()[1]
    while peaks:
        root = _node(peaks.pop()[1], root)
    return root.hex()


def merkle_proof(leaves: Iterable[str], leaf: str) -> tuple[Sibling, ...]:
    """The path from one leaf to the root. Raises KeyError when the leaf isn't there."""
    ordered = sorted(leaves)
    if leaf not in ordered:
        raise KeyError("no such leaf among the people")
    at, level, path = ordered.index(leaf), [_leaf(x) for x in ordered], []
    while len(level) > 1:
        beside = at ^ 1
        if beside < len(level):
            path.append(Sibling(level[beside].hex(), beside < at))
        at, level = at // 2, _above(level)
    return tuple(path)


def merkle_verify(root: str, leaf: str, proof: Sequence[Sibling]) -> bool:
    """Whether the leaf is among the people of that root. Needs no database and nobody else's data."""
    node = _leaf(leaf)
    for step in proof:
        beside = bytes.fromhex(step.hash)
        node = _node(beside, node) if step.left else _node(node, beside)
    return node.hex() == root


def _above(level: list[bytes]) -> list[bytes]:
    pairs = [_node(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
    return pairs + level[-1:] if len(level) % 2 else pairs


def _leaf(text: str) -> bytes:
    return hashlib.sha256(_LEAF + text.encode()).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()


# --- signatures -----------------------------------------------------------------------------------------------------


def statement(kind: str, subject_id: str, digest: str) -> bytes:
    """The exact bytes a person signs: which kind of thing (wave, filing, public_notice), which one, which digest."""
    return canonical(
        {"tocsin": "approval", "version": 1, "kind": kind, "subject": subject_id, "digest": digest}
    ).encode()


@dataclass(frozen=True, slots=True)
class Signed:
    """One approval as it stands now."""

    person: str  # identifier
    seat: Seat
    at: datetime
    digest: str
    voided: bool = False
    valid_signature: bool = True
    key: str = ""  # the public key that verified it; one key is one signer, whatever the names
    recorded: bool = True  # the ledger holds this very approval


@dataclass(frozen=True, slots=True)
class FilingVerdict:
    """Whether a report may go, and what is still owed if it goes."""

    problems: tuple[str, ...]
    debts: tuple[str, ...] = ()
    second_by: datetime | None = None  # when the second signature is due; None when nothing is owed


def problems_to_launch(
    plan_digest: str,
    approvals: Sequence[Signed],
    editors: Iterable[str],
    now: datetime,
    window: tuple[datetime, datetime],
    fresh: timedelta = FRESH,
) -> list[str]:
    """Why a wave may not start now; an empty list when it may.

    `editors` have changed facts, list or words since the last approval, or prepared the plan. Asked at launch only:
    an approval that was fresh then holds for the window.
    """
    good, problems = _standing(plan_digest, approvals, frozenset(editors), now, fresh)
    return [*problems, *_quorum(good), *_window(now, window)]


def problems_to_file(
    filing_digest: str,
    approvals: Sequence[Signed],
    editors: Iterable[str],
    now: datetime,
    *,
    due: datetime | None,
    first_stage: bool,
    fresh: timedelta = FRESH,
) -> FilingVerdict:
    """Whether a report may be filed now. As for a launch, without a window.

    A first-stage report due within 24 hours, or overdue, may go with one legal or DPO signature; the second is then
    owed within 24 hours of the first and returned as a debt, to be shown loudly until it is paid.
    """
    good, problems = _standing(filing_digest, approvals, frozenset(editors), now, fresh)
    missing = _quorum(good)
    urgent = first_stage and due is not None and due - now <= URGENT
    deciding = [a for a in good if a.seat in DECIDING_SEATS]
    if not missing or not urgent or not deciding:
        return FilingVerdict((*problems, *missing))
    second_by = min(a.at for a in deciding) + SECOND_WITHIN
    debt = f"filed with one signature; the second, of another person, is owed by {second_by.isoformat()}"
    late = " and is overdue" if now > second_by else ""
    return FilingVerdict((), (debt + late, *problems), second_by)


def _standing(
    wanted: str, approvals: Sequence[Signed], editors: frozenset[str], now: datetime, fresh: timedelta
) -> tuple[list[Signed], list[str]]:
    """The approvals that count, and a sentence for each that doesn't. An unusable one never spoils a good one."""
    good: list[Signed] = []
    others: list[str] = []
    for approval in approvals:
        why = _unusable(approval, wanted, editors, now, fresh)
        if why:
            others.append(f"the approval of {approval.person} does not count: {why}")
        else:
            good.append(approval)
    return good, [] if not _quorum(good) else others


def _unusable(approval: Signed, wanted: str, editors: frozenset[str], now: datetime, fresh: timedelta) -> str:
    checks = (
        (not approval.valid_signature, "its signature does not verify"),
        (not approval.recorded, "the record holds no such approval"),
        (approval.voided, "it was voided"),
        (approval.digest != wanted, "it was given for another version; what is to go has changed since"),
        (
            name_key(approval.person) in map(name_key, editors),
            "the same person edited facts, list or words since the last approval",
        ),
        (approval.at > now, "it is dated in the future"),
        (now - approval.at > fresh, f"it is older than {fresh / timedelta(hours=1):g} hours"),
    )
    return next((why for bad, why in checks if bad), "")


# Letters of other scripts, and signs, that are read as a Latin letter; both sides folded.
_READ_AS = str.maketrans(
    "авекмнорстухіјѕԁԛԝһигпαεικνορτυχβζημ01l|",
    "abekmhopctyxijsdqwhurnaeikvoptuxbznuoiii",
)


def name_key(person: str) -> str:
    """Names that differ in case, spaces, width, unseen signs or look-alike letters alone are one person's."""
    folded = unicodedata.normalize("NFKC", person).casefold()
    seen = "".join(c for c in folded if c.isspace() or c.isprintable())
    return " ".join(seen.split()).translate(_READ_AS)


def disguise(person: str) -> str:
    """What makes a name look like another than it is; "" for an honest one."""
    if any(not c.isprintable() for c in person):
        return "holds a sign that is not seen"
    return "mixes letters of different scripts" if len(set(map(_script, filter(str.isalpha, person)))) > 1 else ""


_TOGETHER = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})  # scripts that one name may mix


def _script(letter: str) -> str:
    word = unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "?").split()[0]
    return "CJK" if word in _TOGETHER else word


def _quorum(good: Sequence[Signed]) -> list[str]:
    signers = min(len({name_key(a.person) for a in good}), len({a.key or name_key(a.person) for a in good}))
    problems = []
    if signers < 2:
        problems.append(f"two different people must approve this version; {signers} did")
    if not any(a.seat in DECIDING_SEATS for a in good):
        problems.append("one of those who approve must sit as legal or dpo; none does")
    return problems


def _window(now: datetime, window: tuple[datetime, datetime]) -> list[str]:
    start, end = window
    if now < start:
        return [f"the window opens at {start.isoformat()}"]
    return [f"the window closed at {end.isoformat()}"] if now >= end else []
