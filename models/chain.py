"""The ledger as plain values: how entries hash into lanes, lanes into seals, and how a copy is checked.

Needs no database and no third party, so that anybody who holds an exported file can check it. An entry's hash covers
its incident, lane, position, instant, kind, subject, body and the hash of the entry before it in its lane. A seal's
root covers the heads of all lanes and the root before it. What a chain can't show by itself (a tail cut off together
with the seals that knew it) shows against a root that was kept elsewhere: in a report, in an export, on paper.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring as _json
from pathlib import Path
from typing import Any, NamedTuple

from models.values import BadInput, canonical, digest, micros, sha256

START = "0" * 64  # what the first entry of a lane, and the first seal, name as their predecessor
FORMAT = "tocsin-ledger-1"
Check = Callable[[bytes, bytes], bool]  # (statement, signature) -> whether the signature holds


@dataclass(frozen=True, slots=True)
class Entry:
    """What a writer has to say. `body` holds identifiers, codes and counts: never a name, an address or a number."""

    kind: str
    subject: str
    body: Mapping[str, Any] = field(default_factory=dict)


class Link(NamedTuple):
    """An entry in its place. `body` is the text that was hashed; `at` is microseconds since 1970, UTC."""

    incident: str
    lane: str
    seq: int
    at: int
    kind: str
    subject: str
    body: str
    previous: str
    hash: str


class Sealed(NamedTuple):
    """The heads of all lanes at one instant. `heads` is canonical JSON: [[lane, seq, hash], ...] sorted by lane."""

    incident: str
    number: int
    at: int
    heads: str
    previous_root: str
    root: str
    signature: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking came to. `root` is the newest seal's; `unsealed` counts the entries that no seal covers yet."""

    ok: bool
    problems: tuple[str, ...]
    events: int
    lanes: Mapping[str, int]  # lane -> position of its last entry
    root: str
    unsealed: int


def link_hash(incident: str, lane: str, seq: int, at: int, kind: str, subject: str, body: str, previous: str) -> str:
    """SHA-256 over the canonical JSON of a list: a fixed order costs less than sorted keys and is as unambiguous.

    Written out, since it is made for each entry of a wave; a test holds it against `canonical`.
    """
    last = f"{_json(kind)},{_json(subject)},{_json(body)},{_json(previous)}"
    return sha256(f"[{_json(incident)},{_json(lane)},{seq:d},{at:d},{last}]")


def chain(incident: str, lane: str, head: tuple[int, str], entries: Iterable[Entry], at: datetime) -> list[Link]:
    """Entries put behind `head`, the position and hash of the lane's last entry; (0, START) for a new lane."""
    (seq, previous), instant = head, micros(at)
    links = []
    for entry in entries:
        seq, body = seq + 1, canonical(entry.body)
        own = link_hash(incident, lane, seq, instant, entry.kind, entry.subject, body, previous)
        links.append(Link(incident, lane, seq, instant, entry.kind, entry.subject, body, previous, own))
        previous = own
    return links


def fold(incident: str, number: int, at: int, heads: str, previous_root: str) -> str:
    """The root of one seal."""
    return digest([incident, number, at, heads, previous_root])


def seal_statement(root: str) -> bytes:
    """The bytes that a seal's signature is made over."""
    return f"{FORMAT} seal {root}".encode()


# --- checking -------------------------------------------------------------------------------------------------------

_NAMED = 100  # problems named in a verdict; the rest are counted


@dataclass(slots=True)
class _Lane:
    seq: int = 0
    hash: str = START
    gaps: list[tuple[int, int]] = field(default_factory=list)  # first and last position of each

    def fill(self, seq: int) -> bool:
        """Whether a position was missing so far."""
        for i, (first, last) in enumerate(self.gaps):
            if first <= seq <= last:
                around = [(first, seq - 1), (seq + 1, last)]
                self.gaps[i : i + 1] = [(a, b) for a, b in around if a <= b]
                return True
        return False


@dataclass(slots=True)
class _Check:
    """State of one pass over entries that come lane by lane, position by position."""

    incident: str
    sealed: Mapping[tuple[str, int], Sequence[tuple[int, str]]]  # (lane, seq) -> [(seal number, hash)]
    problems: list[str] = field(default_factory=list)
    lanes: dict[str, _Lane] = field(default_factory=dict)
    met: set[tuple[str, int]] = field(default_factory=set)
    events: int = 0

    def take(self, link: Link) -> None:
        self.events += 1
        lane = self.lanes.setdefault(link.lane, _Lane())
        where = f"lane {link.lane}, entry {link.seq}"
        if link_hash(self.incident, *link[1:-1]) != link.hash:
            self.problems.append(f"{where}: was changed after it was written")
        self._place(lane, link, where)
        self._against_seals(link, where)

    def _place(self, lane: _Lane, link: Link, where: str) -> None:
        if link.seq <= lane.seq:
            late = lane.fill(link.seq)
            self.problems.append(f"{where}: " + ("is out of order" if late else "is there twice; the lane is forked"))
            return
        if link.seq > lane.seq + 1:
            lane.gaps.append((lane.seq + 1, link.seq - 1))
        elif link.previous != lane.hash:
            self.problems.append(f"{where}: does not follow entry {lane.seq}")
        lane.seq, lane.hash = link.seq, link.hash

    def _against_seals(self, link: Link, where: str) -> None:
        for number, known in self.sealed.get((link.lane, link.seq), ()):
            self.met.add((link.lane, link.seq))
            if known != link.hash:
                self.problems.append(f"{where}: is not the entry that seal {number} recorded; the lane was rewritten")

    def finish(self) -> None:
        for name, lane in self.lanes.items():
            self.problems += [f"lane {name}: {_missing(gap)}" for gap in lane.gaps]
        for (name, seq), seals in self.sealed.items():
            if (name, seq) in self.met:
                continue
            number = seals[0][0]
            if name not in self.lanes:
                self.problems.append(f"lane {name}: is missing; seal {number} knows {seq} entries of it")
            elif seq > self.lanes[name].seq:
                self.problems.append(
                    f"lane {name}: ends at entry {self.lanes[name].seq}, but seal {number} knows entry {seq}"
                )


def _missing(gap: tuple[int, int]) -> str:
    first, last = gap
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


def check_chain(
    incident: str,
    links: Iterable[Link],
    seals: Sequence[Sealed],
    *,
    root: str | None = None,
    check: Check | None = None,
) -> Verdict:
    """Checks every entry, every seal and, where given, a root that was kept elsewhere and each seal's signature."""
    heads, problems = _check_seals(incident, seals, check)
    state = _Check(incident, _positions(heads), problems)
    for link in links:
        state.take(link)
    state.finish()
    if root is not None and root not in {s.root for s in seals}:
        state.problems.append(f"no seal has the root {root}: entries or seals were cut off or rewritten")
    lanes = {name: lane.seq for name, lane in sorted(state.lanes.items())}
    covered = {lane: seq for _, lane, seq, _ in heads}  # seals come in order, so the newest one's positions remain
    unsealed = sum(max(0, seq - covered.get(name, 0)) for name, seq in lanes.items())
    newest = seals[-1].root if seals else ""
    return Verdict(not state.problems, _named(state.problems), state.events, lanes, newest, unsealed)


def _named(problems: Sequence[str]) -> tuple[str, ...]:
    rest = len(problems) - _NAMED
    return (*problems[:_NAMED], *([f"and {rest} more problems"] if rest > 0 else []))


_Head = tuple[int, str, int, str]  # seal number, lane, position, hash


def _positions(heads: Iterable[_Head]) -> dict[tuple[str, int], list[tuple[int, str]]]:
    known: dict[tuple[str, int], list[tuple[int, str]]] = {}
    for number, lane, seq, own in heads:
        known.setdefault((lane, seq), []).append((number, own))
    return known


def _check_seals(incident: str, seals: Sequence[Sealed], check: Check | None) -> tuple[list[_Head], list[str]]:
    """The heads that sound seals vouch for, and what is wrong with the others."""
    heads: list[_Head] = []
    problems: list[str] = []
    previous = START
    for number, seal in enumerate(seals, start=1):
        if seal.number != number or seal.previous_root != previous:
            problems.append(f"seal {seal.number}: does not follow seal {number - 1}")
        if fold(incident, seal.number, seal.at, seal.heads, seal.previous_root) != seal.root:
            problems.append(f"seal {seal.number}: was changed after it was made")
        else:
            heads += [(seal.number, str(lane), int(seq), str(own)) for lane, seq, own in json.loads(seal.heads)]
        if check is not None and not _signed(seal, check):
            problems.append(f"seal {seal.number}: its signature is missing or does not hold")
        previous = seal.root
    return heads, problems


def _signed(seal: Sealed, check: Check) -> bool:
    try:
        signature = bytes.fromhex(seal.signature)
    except ValueError:
        return False
    return bool(signature) and check(seal_statement(seal.root), signature)


# --- files ----------------------------------------------------------------------------------------------------------


def file_lines(incident: str, links: Iterable[Link], seals: Sequence[Sealed]) -> Iterator[str]:
    """An export, a line at a time: a header, the entries lane by lane, the seals, and an end that counts them."""
    yield canonical({"format": FORMAT, "incident": incident})
    events = 0
    for link in links:
        events += 1
        yield canonical({"event": link[1:]})
    for seal in seals:
        yield canonical({"seal": seal[1:]})
    yield canonical({"end": {"events": events, "seals": len(seals)}})


def verify_file(path: Path, root: str | None = None, *, check: Check | None = None) -> Verdict:
    """Checks an exported ledger by itself. `root` is one that was kept elsewhere; `check` verifies signatures.

    Reads the file twice and keeps only the seals, so its size does not matter. BadInput when it is no ledger at all;
    whatever may be tampering is a problem in the verdict, by line, lane or seal.
    """
    incident = _header(path)
    others = [line for line in _lines(path) if line[0] != "event"]
    seals = [Sealed(incident, *values) for word, values in others if word == "seal"]
    links = (Link(incident, *values) for word, values in _lines(path) if word == "event")
    verdict = check_chain(incident, links, seals, root=root, check=check)
    problems = [problem for word, problem in others if word == "broken"]
    if [v for word, v in others if word == "end"] != [{"events": verdict.events, "seals": len(seals)}]:
        problems.append("the file's last line is missing or counts other entries than the file holds")
    return replace(verdict, ok=verdict.ok and not problems, problems=(*verdict.problems, *_named(problems)))


def _header(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as lines:
        header = _object(lines.readline())
    if header.get("format") != FORMAT or not isinstance(header.get("incident"), str):
        raise BadInput(f"{path.name}:1", "is not an exported ledger.", f"Expected a first line with format {FORMAT}.")
    return str(header["incident"])


_SHAPES: dict[str, tuple[type, ...]] = {
    "event": (str, int, int, str, str, str, str, str),
    "seal": (int, int, str, str, str, str),
}


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    """Each line after the header as (event | seal | end | broken, its values or what is wrong with it)."""
    with path.open(encoding="utf-8", errors="replace") as lines:  # a flipped byte is a changed entry, no crash
        next(lines)
        for number, text in enumerate(lines, start=2):
            word, values = next(iter(_object(text).items()), ("", None))
            shape = _SHAPES.get(word)
            if word == "end" or (shape and isinstance(values, list) and tuple(map(type, values)) == shape):
                yield word, values
            else:
                yield "broken", f"line {number}: is no entry and no seal any more"


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def instant(at: int) -> datetime:
    """Microseconds since 1970 as an instant in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
