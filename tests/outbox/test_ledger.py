"""The ledger: chained, sealed, exported; and every way of tampering with it is found and placed."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from models import ledger
from models.chain import START, Entry, Link, Sealed, chain, check_chain, file_lines, fold
from models.ledger import LaneBusy, verify_file
from models.session import Database
from models.values import BadInput, canonical, micros

INCIDENT = "incident-1"
UNGUARD = {
    "sqlite": ("DROP TRIGGER event_no_update", "DROP TRIGGER event_no_delete"),
    "postgresql": ("DROP TRIGGER event_kept ON event",),
}
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def _holds(statement: bytes, signature: bytes) -> bool:
    try:
        KEY.public_key().verify(signature, statement)
    except InvalidSignature:
        return False
    return True


def _entries(first: int, last: int) -> list[Entry]:
    return [
        Entry("delivery.accepted", f"d{n}", {"code": "250", "n": n, "ort": "München"}) for n in range(first, last + 1)
    ]


@pytest.fixture
def two_lanes(world: Any) -> Any:
    """Lane worker-1 with entries 1 to 9, lane worker-2 with 1 to 3, one seal over both."""
    with world.db.write() as session:
        ledger.append(session, INCIDENT, "worker-1", _entries(1, 5), world.now)
        ledger.append(session, INCIDENT, "worker-2", _entries(1, 3), world.now)
        ledger.append(session, INCIDENT, "worker-1", _entries(6, 9), world.now + timedelta(microseconds=1))
        ledger.seal(session, INCIDENT, world.now, KEY.sign)
    return world


def _verdict(world: Any, **options: Any) -> ledger.Verdict:
    with world.db.read() as session:
        return ledger.verify(session, INCIDENT, **options)


def test_an_untouched_ledger_verifies(two_lanes: Any) -> None:
    verdict = _verdict(two_lanes, check=_holds)
    assert verdict.problems == ()
    assert (verdict.ok, verdict.events, dict(verdict.lanes)) == (True, 12, {"worker-1": 9, "worker-2": 3})
    assert (len(verdict.root), verdict.unsealed) == (64, 0)


def test_an_empty_ledger_verifies_and_has_no_root(world: Any) -> None:
    verdict = _verdict(world)
    assert (verdict.ok, verdict.events, verdict.root) == (True, 0, "")


def test_positions_start_at_one_and_follow_each_other(two_lanes: Any) -> None:
    rows = [r for r in two_lanes.rows("event") if r["lane"] == "worker-1"]
    assert [r["seq"] for r in rows] == list(range(1, 10))
    assert rows[0]["previous"] == START
    assert [r["previous"] for r in rows[1:]] == [r["hash"] for r in rows[:-1]]


def test_appending_nothing_stores_nothing(world: Any) -> None:
    with world.db.write() as session:
        assert ledger.append(session, INCIDENT, "worker-1", [], world.now) == []
    assert world.rows("event") == []


@pytest.mark.parametrize("lane", ["", "a\nb", "x" * 81])
def test_a_lane_needs_a_printable_name(world: Any, lane: str) -> None:
    with pytest.raises(BadInput, match="is no name for a lane"), world.db.write() as session:
        ledger.append(session, INCIDENT, lane, _entries(1, 1), world.now)


def test_a_rolled_back_transaction_leaves_no_event(world: Any) -> None:
    with pytest.raises(ZeroDivisionError), world.db.write() as session:
        ledger.append(session, INCIDENT, "worker-1", _entries(1, 2), world.now)
        raise ZeroDivisionError
    assert world.rows("event") == []


def test_entries_that_nobody_sealed_are_counted(two_lanes: Any) -> None:
    with two_lanes.db.write() as session:
        ledger.append(session, INCIDENT, "worker-2", _entries(4, 5), two_lanes.now)
        ledger.append(session, INCIDENT, "worker-3", _entries(1, 1), two_lanes.now)
    verdict = _verdict(two_lanes)
    assert (verdict.ok, verdict.unsealed) == (True, 3)


def test_sealing_again_without_news_makes_no_seal(two_lanes: Any) -> None:
    with two_lanes.db.write() as session:
        again = ledger.seal(session, INCIDENT, two_lanes.now + timedelta(hours=1))
        ledger.append(session, INCIDENT, "worker-1", _entries(10, 10), two_lanes.now)
        new = ledger.seal(session, INCIDENT, two_lanes.now + timedelta(hours=1))
    assert (again.number, new.number, new.previous_root) == (1, 2, again.root)
    assert _verdict(two_lanes, root=again.root).ok, "a root printed earlier stays good while the ledger grows"


def test_two_writers_of_one_lane_do_not_fork_it(world: Any, backend: str) -> None:
    """SQLite makes the second wait and follow; PostgreSQL lets it read the old head, so its entry is refused."""

    def append(n: int) -> None:
        with world.db.write() as session:
            ledger.append(session, INCIDENT, "worker-1", _entries(n, n), world.now)

    with ThreadPoolExecutor(1) as pool:
        with world.db.write() as session:
            ledger.append(session, INCIDENT, "worker-1", _entries(1, 1), world.now)
            second = pool.submit(append, 2)
            if backend == "postgresql":
                _wait_for_a_blocked_writer(world.db)
        if backend == "postgresql":
            with pytest.raises(LaneBusy, match=r"lane worker-1 .* another writer .* run the step again"):
                second.result(timeout=20)
            append(2)
        else:
            second.result(timeout=20)
    assert [r["subject"] for r in world.rows("event")] == ["d1", "d2"]
    assert _verdict(world).ok


def _wait_for_a_blocked_writer(db: Database) -> None:
    blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(500):
        with db.read() as session:
            if session.connection().execute(blocked).scalar_one():
                return
        sleep(0.02)
    raise AssertionError("the second writer never came to wait for the first")


# --- tampering in the database --------------------------------------------------------------------------------------

TAMPERINGS = {
    "a body changed": (
        ["UPDATE event SET body = replace(body, '250', '550') WHERE lane = 'worker-1' AND seq = 4"],
        "lane worker-1, entry 4: was changed after it was written",
    ),
    "an instant changed by a microsecond": (
        ["UPDATE event SET at = at + 1 WHERE lane = 'worker-1' AND seq = 2"],
        "lane worker-1, entry 2: was changed after it was written",
    ),
    "an entry dropped": (
        ["DELETE FROM event WHERE lane = 'worker-1' AND seq = 5"],
        "lane worker-1: entry 5 is missing",
    ),
    "three entries dropped": (
        ["DELETE FROM event WHERE lane = 'worker-1' AND seq IN (2, 3, 4)"],
        "lane worker-1: entries 2 to 4 are missing",
    ),
    "the first entry dropped": (
        ["DELETE FROM event WHERE lane = 'worker-1' AND seq = 1"],
        "lane worker-1: entry 1 is missing",
    ),
    "two entries swapped": (
        [
            "UPDATE event SET seq = 99 WHERE lane = 'worker-1' AND seq = 3",
            "UPDATE event SET seq = 3 WHERE lane = 'worker-1' AND seq = 6",
            "UPDATE event SET seq = 6 WHERE lane = 'worker-1' AND seq = 99",
        ],
        "lane worker-1, entry 3: was changed after it was written",
    ),
    "the tail cut off": (
        ["DELETE FROM event WHERE lane = 'worker-1' AND seq > 7"],
        "lane worker-1: ends at entry 7, but seal 1 knows entry 9",
    ),
    "a lane removed": (
        ["DELETE FROM event WHERE lane = 'worker-2'"],
        "lane worker-2: is missing; seal 1 knows 3 entries of it",
    ),
    "a lane renamed": (
        ["UPDATE event SET lane = 'worker-7' WHERE lane = 'worker-2'"],
        "lane worker-7, entry 1: was changed after it was written",
    ),
}


@pytest.mark.parametrize(("statements", "says"), TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_tampering_with_the_database_is_found_and_placed(
    two_lanes: Any, backend: str, statements: list[str], says: str
) -> None:
    with two_lanes.db.write() as session:
        for statement in (*UNGUARD[backend], *statements):
            session.connection().execute(text(statement))
    verdict = _verdict(two_lanes)
    assert not verdict.ok
    assert says in verdict.problems


def test_a_tail_rewritten_with_good_hashes_is_found_by_the_seal(two_lanes: Any, backend: str) -> None:
    rows = {r["seq"]: r for r in two_lanes.rows("event") if r["lane"] == "worker-1"}
    forged = chain(INCIDENT, "worker-1", (7, rows[7]["hash"]), _entries(80, 81), two_lanes.now)
    with two_lanes.db.write() as session:
        for statement in UNGUARD[backend]:
            session.connection().execute(text(statement))
        session.connection().execute(text("DELETE FROM event WHERE lane = 'worker-1' AND seq > 7"))
        session.connection().execute(ledger.EVENT.insert(), [ledger._row(link) for link in forged])
    verdict = _verdict(two_lanes)
    assert verdict.problems == (
        "lane worker-1, entry 9: is not the entry that seal 1 recorded; the lane was rewritten",
    )


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def exported(two_lanes: Any, tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "ledger.jsonl"
    with two_lanes.db.write() as session:
        root = ledger.export(session, INCIDENT, path).root
    return path, root


def test_an_export_verifies_by_itself_and_only_its_owner_may_read_it(exported: tuple[Path, str]) -> None:
    path, root = exported
    verdict = verify_file(path, root, check=_holds)
    assert (verdict.ok, verdict.problems, verdict.events, verdict.root) == (True, (), 12, root)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_export_seals_what_was_not_sealed_and_overwrites_nothing(two_lanes: Any, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with two_lanes.db.write() as session:
        ledger.append(session, INCIDENT, "worker-1", _entries(10, 10), two_lanes.now + timedelta(days=1))
        made = ledger.export(session, INCIDENT, path)
    assert (made.number, made.at) == (2, two_lanes.now + timedelta(days=1))
    assert verify_file(path, made.root).unsealed == 0
    with pytest.raises(BadInput, match="exists already"), two_lanes.db.write() as session:
        ledger.export(session, INCIDENT, path)


def test_a_read_session_exports_what_is_sealed(two_lanes: Any, tmp_path: Path) -> None:
    with two_lanes.db.read() as session:
        made = ledger.export(session, INCIDENT, tmp_path / "ledger.jsonl")
    assert verify_file(tmp_path / "ledger.jsonl", made.root).ok


def _line(lines: list[str], lane: str, seq: int) -> int:
    return next(i for i, t in enumerate(lines) if json.loads(t).get("event", [])[:2] == [lane, seq])


def _flip(lines: list[str]) -> None:
    i = _line(lines, "worker-1", 4)
    lines[i] = lines[i].replace("250", "251")


def _drop(lines: list[str]) -> None:
    del lines[_line(lines, "worker-1", 5)]


def _reorder(lines: list[str]) -> None:
    i = _line(lines, "worker-1", 5)
    lines[i], lines[i + 1] = lines[i + 1], lines[i]


def _truncate(lines: list[str]) -> None:
    del lines[_line(lines, "worker-1", 8) : _line(lines, "worker-2", 1)]


def _fork(lines: list[str]) -> None:
    link = json.loads(lines[_line(lines, "worker-1", 5)])["event"]
    twin = chain(INCIDENT, "worker-1", (4, link[6]), _entries(55, 55), datetime.fromisoformat("2026-03-02T00:00Z"))[0]
    lines.insert(_line(lines, "worker-1", 6), canonical({"event": twin[1:]}))


def _no_lane(lines: list[str]) -> None:
    lines[:] = [t for t in lines if json.loads(t).get("event", [""])[0] != "worker-2"]


def _break(lines: list[str]) -> None:
    lines[6] = lines[6][:-9]


def _other_seal(lines: list[str]) -> None:
    i = next(i for i, t in enumerate(lines) if "seal" in json.loads(t))
    values = json.loads(lines[i])["seal"]
    lines[i] = canonical({"seal": [values[0], values[1] + 1, *values[2:]]})


def _no_end(lines: list[str]) -> None:
    lines.pop()


def _resealed(lines: list[str]) -> None:
    """Cuts a tail off and forges the seal to match: only the signature and a root kept elsewhere can tell."""
    _truncate(lines)
    left = (("worker-1", 7), ("worker-2", 3))
    heads = canonical([[lane, seq, _hash(lines, lane, seq)] for lane, seq in left])
    i = next(i for i, t in enumerate(lines) if "seal" in json.loads(t))
    number, at, _, previous, _, signature = json.loads(lines[i])["seal"]
    lines[i] = canonical(
        {"seal": [number, at, heads, previous, fold(INCIDENT, number, at, heads, previous), signature]}
    )
    lines[-1] = canonical({"end": {"events": 10, "seals": 1}})


def _hash(lines: list[str], lane: str, seq: int) -> str:
    return str(json.loads(lines[_line(lines, lane, seq)])["event"][-1])


FILE_TAMPERINGS: dict[str, tuple[Callable[[list[str]], None], str]] = {
    "flip": (_flip, "lane worker-1, entry 4: was changed after it was written"),
    "drop": (_drop, "lane worker-1: entry 5 is missing"),
    "reorder": (_reorder, "lane worker-1, entry 5: is out of order"),
    "truncate": (_truncate, "lane worker-1: ends at entry 7, but seal 1 knows entry 9"),
    "fork": (_fork, "lane worker-1, entry 5: is there twice; the lane is forked"),
    "missing lane": (_no_lane, "lane worker-2: is missing; seal 1 knows 3 entries of it"),
    "broken line": (_break, "line 7: is no entry and no seal any more"),
    "changed seal": (_other_seal, "seal 1: was changed after it was made"),
    "no end": (_no_end, "the file's last line is missing or counts other entries than the file holds"),
}


@pytest.mark.parametrize(("tamper", "says"), FILE_TAMPERINGS.values(), ids=FILE_TAMPERINGS.keys())
def test_tampering_with_an_export_is_found_and_placed(
    exported: tuple[Path, str], tamper: Callable[[list[str]], None], says: str
) -> None:
    path, _ = exported
    lines = path.read_text(encoding="utf-8").splitlines()
    tamper(lines)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    verdict = verify_file(path)
    assert not verdict.ok
    assert says in verdict.problems


def test_a_tail_cut_off_together_with_its_seal_shows_against_a_root_kept_elsewhere(exported: tuple[Path, str]) -> None:
    path, root = exported
    lines = path.read_text(encoding="utf-8").splitlines()
    _resealed(lines)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert verify_file(path).ok, "by itself the forged file is sound: that is why a root is kept elsewhere"
    assert verify_file(path, root).problems == (
        f"no seal has the root {root}: entries or seals were cut off or rewritten",
    )
    assert verify_file(path, check=_holds).problems == ("seal 1: its signature is missing or does not hold",)


@pytest.mark.parametrize("content", ["", "Dear Sir\n", '{"format":"other"}\n', "[]\n"])
def test_a_file_that_is_no_ledger_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "letter.txt"
    path.write_text(content)
    with pytest.raises(BadInput, match=r"letter\.txt:1: is not an exported ledger"):
        verify_file(path)


# --- the chain as such ----------------------------------------------------------------------------------------------

TEXT = st.text(max_size=12).filter(lambda t: not any("\ud800" <= c <= "\udfff" for c in t))
BODIES = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT, max_size=3)
ENTRIES = st.lists(st.builds(Entry, kind=TEXT, subject=TEXT, body=BODIES), min_size=1, max_size=12)
AT = datetime.fromisoformat("2026-03-02T09:30:00.000001+00:00")


def _sealed(links: list[Link]) -> Sealed:
    heads = canonical([[links[-1].lane, links[-1].seq, links[-1].hash]])
    return Sealed(INCIDENT, 1, micros(AT), heads, START, fold(INCIDENT, 1, micros(AT), heads, START), "")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(entries=ENTRIES, cut=st.integers(0, 12), data=st.data())
def test_any_chain_verifies_and_any_single_change_to_it_does_not(entries: list[Entry], cut: int, data: Any) -> None:
    cut = min(cut, len(entries))
    first = chain(INCIDENT, "lane", (0, START), entries[:cut], AT)
    head = (first[-1].seq, first[-1].hash) if first else (0, START)
    links = first + chain(INCIDENT, "lane", head, entries[cut:], AT)
    assert links == chain(INCIDENT, "lane", (0, START), entries, AT), "appending in two goes is appending in one"
    seals = [_sealed(links)]
    assert check_chain(INCIDENT, links, seals).ok
    i = data.draw(st.integers(0, len(links) - 1))
    field = data.draw(st.sampled_from(["at", "kind", "subject", "body", "previous", "hash", "seq"]))
    old = getattr(links[i], field)
    changed = links[i]._replace(**{field: old + 1 if isinstance(old, int) else old + "x"})
    assert not check_chain(INCIDENT, [*links[:i], changed, *links[i + 1 :]], seals).ok
    assert not check_chain(INCIDENT, [*links[:i], *links[i + 1 :]], seals).ok
    assert not check_chain("incident-2", links, []).ok


@settings(max_examples=60, deadline=None)
@given(entries=ENTRIES)
def test_an_export_is_read_back_as_it_was_written(
    entries: list[Entry], tmp_path_factory: pytest.TempPathFactory
) -> None:
    links = chain(INCIDENT, "lane", (0, START), entries, AT)
    path = tmp_path_factory.mktemp("export") / "ledger.jsonl"
    path.write_text("".join(f"{t}\n" for t in file_lines(INCIDENT, links, [_sealed(links)])), encoding="utf-8")
    verdict = verify_file(path, _sealed(links).root)
    assert (verdict.problems, verdict.events) == ((), len(entries))


def test_a_thousand_problems_are_counted_and_a_hundred_named() -> None:
    links = chain(INCIDENT, "lane", (0, START), [Entry("k", str(n)) for n in range(1_000)], AT)
    verdict = check_chain("incident-2", links, [])
    assert (len(verdict.problems), verdict.problems[-1]) == (101, "and 900 more problems")


def test_the_ledger_of_another_incident_is_not_mixed_in(two_lanes: Any, db: Database) -> None:
    with db.write() as session:
        ledger.append(session, "incident-2", "worker-1", _entries(1, 2), two_lanes.now)
    assert _verdict(two_lanes).events == 12
    with db.read() as session:
        assert ledger.heads(session, "incident-2") == {"worker-1": 2}
