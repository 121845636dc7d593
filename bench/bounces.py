"""What our reading of bounces is worth, on mails that others collected and labelled.

Run: `python bench/bounces.py FOLDER`, a folder with mails (*.eml) and labels.csv (file, recipient_index, status,
smtp_reply, reason, hard). Ours, flufl.bounce where it is installed, and both together, on a seeded half that rules may
be developed on and on the half kept back. `--mutations 100000` damages mails in as many seeded ways and counts what
made the reader stumble.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from models.values import Evidence  # noqa: E402 - the bench runs from any folder
from notifiers.email.bounces import classify, match  # noqa: E402

SEED = 5
NO_BOUNCE = frozenset({"delivered", "vacation", "feedback"})
Found = list[tuple[str, bool | None]]  # address, hard
Reader = Callable[[bytes], Found]


@dataclass(slots=True)
class Score:
    """Counts of labelled recipients; `soft_as_hard` is the mistake that burns an address."""

    recipients: int = 0
    named: int = 0
    agreed: int = 0
    not_hard: int = 0
    soft_as_hard: int = 0

    def row(self) -> str:
        return (
            f"{self.recipients:5d}  {self.named / self.recipients:6.1%}  {self.agreed / self.recipients:6.1%}"
            f"  {self.soft_as_hard:3d} of {self.not_hard:3d} ({self.soft_as_hard / self.not_hard:.1%})"
        )


def labels(folder: Path) -> Mapping[str, list[dict[str, str]]]:
    rows = defaultdict(list)
    with (folder / "labels.csv").open() as lines:
        for row in csv.DictReader(lines):
            rows[row["file"]].append(row)
    return rows


def halves(folder: Path, seed: int = SEED) -> tuple[list[str], list[str]]:
    """The names of the mails to develop on, and of those kept back."""
    names = sorted(p.name for p in folder.glob("*.eml"))
    ours = set(random.Random(seed).sample(names, len(names) // 2))  # noqa: S311 - repeatable, no secret
    return sorted(ours), sorted(set(names) - ours)


def score(folder: Path, names: Sequence[str], reader: Reader) -> Score:
    known, total = labels(folder), Score()
    for name in names:
        found = reader((folder / name).read_bytes())
        for row in known.get(name, ()):
            if row["reason"] not in NO_BOUNCE:
                _count(total, row, found)
    return total


def _count(total: Score, row: Mapping[str, str], found: Found) -> None:
    index, hard = int(row["recipient_index"]), row["hard"] == "true"
    address, said = found[index] if index < len(found) else ("", None)
    total.recipients += 1
    total.named += bool(address)
    total.agreed += said is hard
    total.not_hard += not hard
    total.soft_as_hard += not hard and said is True


def ours(raw: bytes) -> Found:
    return [(r.address, r.kind is Evidence.BOUNCED_HARD) for r in classify(raw)]


def flufl() -> Reader | None:
    try:
        scan = importlib.import_module("flufl.bounce").all_failures
    except ImportError:
        return None

    def read(raw: bytes) -> Found:
        temporary, permanent = scan(message_from_bytes(raw))
        said = {**dict.fromkeys(temporary, False), **dict.fromkeys(permanent, True)}
        return [(address.decode("latin-1"), hard) for address, hard in sorted(said.items())]

    return read


def both(other: Reader) -> Reader:
    """Ours; the other's where we name nobody."""

    def read(raw: bytes) -> Found:
        found = ours(raw)
        return found if any(address for address, _ in found) else other(raw) or found

    return read


def auto_replies_called_bounces(folder: Path) -> int:
    named = {"auto_reply", "complaint"}
    wrong = 0
    for name, rows in labels(folder).items():
        if rows[0]["reason"] == "vacation":
            wrong += any(str(r.kind) not in named for r in classify((folder / name).read_bytes()))
    return wrong


# --- damage ---------------------------------------------------------------------------------------------------------


def damaged(mails: Sequence[bytes], number: int, seed: int = SEED) -> Iterator[bytes]:
    """So many mails, each damaged one to four times: bytes, lines, structure, charset, two mails in one."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    for _ in range(number):
        raw = chance.choice(mails)
        for _ in range(chance.randint(1, 4)):
            raw = chance.choice(_DAMAGES)(raw, chance, mails)
        yield raw


def _bytes(raw: bytes, chance: random.Random, mails: Sequence[bytes]) -> bytes:
    out = bytearray(raw)
    for _ in range(chance.randint(1, 40) if out else 0):
        out[chance.randrange(len(out))] = chance.randrange(256)
    return bytes(out)


def _cut(raw: bytes, chance: random.Random, mails: Sequence[bytes]) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def _without(raw: bytes, chance: random.Random, mails: Sequence[bytes]) -> bytes:
    start = chance.randrange(len(raw) + 1)
    return raw[:start] + raw[start + chance.randrange(400) :]


def _lines(raw: bytes, chance: random.Random, mails: Sequence[bytes]) -> bytes:
    lines = raw.split(b"\n")
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return (b"\r\n" if chance.random() < 0.3 else b"\n").join(lines)


def _twice(raw: bytes, chance: random.Random, mails: Sequence[bytes]) -> bytes:
    start = chance.randrange(len(raw) + 1)
    piece = raw[start : start + chance.randrange(2000)]
    return raw[:start] + piece * chance.randint(2, 5) + raw[start:]


def _spliced(raw: bytes, chance: random.Random, mails: Sequence[bytes]) -> bytes:
    other = chance.choice(mails)
    return raw[: chance.randrange(len(raw) + 1)] + other[chance.randrange(len(other)) :]


def _words(raw: bytes, chance: random.Random, mails: Sequence[bytes]) -> bytes:
    old, new = chance.choice(_SWAPS)
    return raw.replace(old, new)


_SWAPS = (
    (b"utf-8", b"utf-99"),
    (b"us-ascii", b"\xff\xfe"),
    (b"boundary=", b"boundary=\x00"),
    (b"base64", b"base46"),
    (b"7bit", b"base64"),
    (b"text/plain", b"message/rfc822"),
    (b"message/delivery-status", b"multipart/digest"),
    (b"multipart/report", b"message/delivery-status"),
    (b"text/plain", b"application/octet-stream"),
    (b"Subject: ", b"Subject: =?iso-2022-jp?B?"),
    (b"rfc822;", b";;;"),
    (b"5.1.1", b"5.999.999"),
    (b"\n", b"\r"),
    (b"@", b"@@"),
    (b": ", b":"),
)
_DAMAGES = (_bytes, _cut, _without, _lines, _twice, _spliced, _words)


def stumbles(mails: Sequence[bytes], number: int, seed: int = SEED) -> list[str]:
    """Names of the errors that damaged mails raised; empty is what we want."""
    errors = []
    for raw in damaged(mails, number, seed):
        try:
            if match(raw, b"k" * 32):
                errors.append("a token that nobody made")
            [str(r.kind) for r in classify(raw)]
        except Exception as error:
            errors.append(type(error).__name__)
    return errors


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mutations", type=int, default=0)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    parts = dict(zip(("develop", "kept back"), halves(given.folder, given.seed), strict=True))
    other = flufl()
    readers = {"ours": ours} | ({"flufl.bounce": other, "both": both(other)} if other else {})
    print("reader        half       recip.   named   agree  soft called hard")
    for name, reader in readers.items():
        for part, names in parts.items():
            print(f"{name:12}  {part:9}  {score(given.folder, names, reader).row()}")
    print(f"automatic replies called bounces: {auto_replies_called_bounces(given.folder)}")
    if given.mutations:
        mails = [p.read_bytes() for p in sorted(given.folder.glob("*.eml"))]
        start = time.process_time()
        errors = stumbles(mails, given.mutations, given.seed)
        spent = time.process_time() - start
        print(f"{given.mutations} damaged mails, seed {given.seed}: {len(errors)} stumbles, {spent:.0f} s of processor")
        return 1 if errors else 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
