"""A second list, sorted by sets in the database, against the same sorting one person at a time; and people merged."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.steps import likely, scope_subjects
from flows.steps.desk import find_incident
from flows.steps.sealing import staged
from models.intake import load_mapping, read_people
from models.staged import COLUMNS
from models.staging import COMPARED
from models.values import BadInput, Refused
from planning.scope import Change, Known, compare_one


def again(office: Any, rows: list[dict[str, str]], **options: Any) -> scope_subjects.Scoped:
    """Reads a list whatever it lacks."""
    office.write_list(rows)
    files = (office.folder / "people.csv", office.folder / "people.mapping.toml")
    return scope_subjects.scope(office.desk, office.slug, *files, "lister", **options)


# --- sets against one at a time -------------------------------------------------------------------------------------


def known(office: Any) -> dict[str, Known]:
    """What the list that was written last says of everybody, read and sealed one by one."""
    with office.desk.db.read() as session:
        key = office.desk.key(find_incident(session, office.slug))
    mapping, found = load_mapping(office.folder / "people.mapping.toml"), dict[str, Known]()
    folder = office.folder / "spilled"
    with read_people(office.folder / "people.csv", mapping, as_of=office.desk.now().date(), spill_dir=folder) as read:
        for person in read.people():
            row = dict(zip(COLUMNS, staged(key, person), strict=True))
            values = {name: row[name] for name in COMPARED} | {"elements": person.elements}
            found[row["id"]] = Known(**values)
    return found


def compare(old: Mapping[str, Known], new: Mapping[str, Known]) -> Iterator[tuple[str, Change]]:
    yield from ((index, compare_one(old.get(index), person)) for index, person in new.items())
    yield from ((index, Change.WITHDRAWN) for index in old if index not in new)


def some_list(office: Any, rng: random.Random) -> list[dict[str, str]]:
    """A list of up to forty people, each as usual or changed in one way or several."""
    ways = (
        {"email": "moved@example.org"},
        {"elements": "name; diagnosis; ssn"},
        {"elements": "name"},
        {"deceased": "yes"},
        {"consent": ""},
        {"street": "77 New Street"},
        {"name": "Robin Newname"},
        {"phone": "312 555 0100"},
    )
    rows = []
    for number in rng.sample(range(40), rng.randrange(40)):
        changes: dict[str, str] = {}
        for way in rng.sample(ways, rng.choice([0, 0, 0, 1, 1, 2])):
            changes |= way
        rows += [office.person(number, **changes)] * rng.choice([1, 1, 1, 2])
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_sets_in_the_database_sort_people_as_one_comparison_at_a_time_does(office: Any, seed: int) -> None:
    rng, old = random.Random(seed), dict[str, Known]()  # noqa: S311 - no secret is made of it
    office.declare(office.HIPAA)
    for _ in range(4):
        rows = some_list(office, rng)
        changes = again(office, rows, withdraw=True).changes
        new = known(office)
        assert changes == Counter(change.value for _, change in compare(old, new))
        assert {r["id"]: r["content_mark"] for r in office.rows("subject", withdrawn=False)} == {
            index: person.content_mark for index, person in new.items()
        }
        old = new
        assert set(again(office, rows).changes) <= {"unchanged"}


def test_the_same_person_has_the_same_id_whenever_a_list_is_read(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n) for n in range(3)])
    first = {row["id"] for row in office.rows("subject")}
    office.scope([office.person(n) for n in (2, 0, 1)])
    assert {row["id"] for row in office.rows("subject")} == first


# --- killed ---------------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from flows.steps import scope_subjects
from flows.steps.desk import open_desk
from flows.steps.sealing import Sealer
from models.intake import reading
from models.staging import Stage

def die(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)

def after(act):
    def both(*given, **named):
        act(*given, **named)
        die()
    return both

if __name__ == "__main__":
    reading.FEW = 1
    where = sys.argv[1]
    if where == "sealing":
        scope_subjects.Counting.merge = die
    elif where == "inserted":
        Stage.insert_all = after(Stage.insert_all)
    else:
        scope_subjects.revise = after(scope_subjects.revise)
    folder = Path(sys.argv[3])
    desk = open_desk(os.environ)
    scope_subjects.scope(desk, sys.argv[2], folder / "people.csv", folder / "people.mapping.toml", "lister")
"""


@pytest.mark.parametrize("where", ["sealing", "inserted", "assessed"])
def test_a_reader_that_was_killed_has_stored_nothing_and_the_next_one_stores_everybody_once(
    office: Any, where: str
) -> None:
    office.declare(office.HIPAA)
    rows = [office.person(n) for n in range(4_500)]
    office.write_list(rows)
    command = [sys.executable, "-c", KILLED, where, office.slug, str(office.folder)]
    environ = office.environ | {"PYTHONPATH": str(Path(scope_subjects.__file__).parents[2])}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert office.rows("subject") == office.rows("scope_run") == []

    assert again(office, rows).changes == {"new": 4_500}
    assert list(Path(office.desk.settings.folder("spill")).iterdir()) == [], "what was left behind is swept up"
    assert again(office, rows).changes == {"unchanged": 4_500}
    assert os.environ.get("TOCSIN_MODE") is None


# --- who may be one person ------------------------------------------------------------------------------------------

TWINS = {"email": "home@example.org", "street": "1 Home Street"}


def pairs(office: Any, **options: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    found, _ = likely.likely(office.desk, office.slug, **options)
    names = [tuple(sorted(record.name for record in pair.records)) for pair in found]
    return [(*name, pair.shares) for name, pair in zip(names, found, strict=True)]


def alike_people(office: Any) -> list[dict[str, str]]:
    return [
        office.person(1, name="Ada Lovelorn", **TWINS),
        office.person(2, name="Lovelorn, Ada", **TWINS),  # the same person under another id
        office.person(3, name="Bob Lovelorn", born="1982-02-02", **TWINS),
        office.person(4, name="Cyd Distant", born="1970-05-05"),
        office.person(5, name="Cyd Distannt", born="1970-05-05", elements="name; ssn"),
        office.person(6, name="Una Alone"),
    ]


def test_people_who_look_alike_are_shown_with_what_they_share_and_all_are_told_until_somebody_decides(
    office: Any,
) -> None:
    office.declare(office.HIPAA)
    office.scope(alike_people(office))
    assert pairs(office) == [
        ("Ada Lovelorn", "Lovelorn, Ada", ("birthday", "address", "email")),
        ("Cyd Distannt", "Cyd Distant", ("birthday",)),
    ]
    assert office.status()["people"]["in_scope"] == 6


def ids(office: Any, *numbers: int) -> tuple[str, ...]:
    """The ids by the numbers of the email addresses' owners; names differ, so the canary stands in the street."""
    with office.desk.db.read() as session:
        key = office.desk.key(find_incident(session, office.slug))
    rows = office.rows("subject")
    said = {row["id"]: str(key.open_record(row["id"], row["sealed"]).to_json()) for row in rows}
    return tuple(next(i for i, text in said.items() if office.canary(n) in text or f"#{n}" in text) for n in numbers)


def test_one_person_by_decision_gets_one_notice_with_what_was_exposed_of_both_and_a_new_list_keeps_it(
    office: Any,
) -> None:
    office.declare(office.HIPAA)
    rows = alike_people(office)
    office.scope(rows)
    stays, goes = ids(office, 4, 5)
    likely.decide(office.desk, office.slug, stays[:8], goes[:8], "lister", "one letter too many", same=True)

    (row,) = office.rows("subject", id=stays)
    assert json.loads(row["elements"]) == ["diagnosis", "name", "ssn"]
    assert office.status()["people"]["in_scope"] == 5
    assert json.loads(office.rows("facts_revision")[-1]["body"])["people"]["AQ"] == 5
    assert office.events("same_person_decided")[0]["body"] == {
        "one": stays, "other": goes, "same": True, "author": "lister"
    }  # fmt: skip
    assert [names[:2] for names in pairs(office)] == [("Ada Lovelorn", "Lovelorn, Ada")]

    assert office.scope(rows).changes == {"unchanged": 6}
    rows[3] |= {"street": "5 New Street"}
    rows[4] |= {"elements": "name; passport"}
    assert office.scope(rows).changes == {"changed_contact": 1, "unchanged": 5}
    (row,) = office.rows("subject", id=stays)
    assert set(json.loads(row["elements"])) == {"diagnosis", "name", "passport"}
    assert office.status()["people"]["in_scope"] == 5
    assert json.loads(office.rows("facts_revision")[-1]["body"])["people"]["AQ"] == 5

    del rows[3]
    assert office.scope(rows).changes == {"unchanged": 5}
    assert office.status()["people"]["in_scope"] == 5, "who stands for somebody that is listed stays"


def test_contacts_that_the_first_lacks_come_from_the_other(office: Any) -> None:
    office.declare(office.HIPAA)
    rows = alike_people(office)
    rows[3] |= {"email": "", "phone": ""}
    rows[4] |= {"phone": "+12025550123"}
    office.scope(rows)
    stays, goes = ids(office, 4, 5)
    likely.decide(office.desk, office.slug, stays, goes, "lister", "the same", same=True)
    (row,) = office.rows("subject", id=stays)
    assert (row["has_email"], row["has_phone"], row["has_mobile"]) == (True, True, True)
    office.launch()
    assert office.mails()[office.canary(5)] == 1 and office.people() == {"told": 5}


def test_two_people_by_decision_are_not_shown_again(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope(alike_people(office))
    one, other = ids(office, 4, 5)
    likely.decide(office.desk, office.slug, other, one, "lister", "twins", same=False)
    assert [names[:2] for names in pairs(office)] == [("Ada Lovelorn", "Lovelorn, Ada")]
    assert office.status()["people"]["in_scope"] == 6
    with pytest.raises(Refused, match="two people"):
        likely.decide(office.desk, office.slug, one, other, "officer", "one after all", same=True)


def test_one_id_beside_two_names_is_two_letters_and_a_pair_to_decide(office: Any) -> None:
    office.declare(office.HIPAA)
    rows = [office.person(1, name="Ada Example"), office.person(1, name="Zacharias Else"), office.person(2)]
    scoped = office.scope(rows)
    assert (scoped.waterfall.people, scoped.waterfall.warnings["same_id_other_name"]) == (3, 2)
    assert pairs(office) == [("Ada Example", "Zacharias Else", ("source id", "birthday", "address", "email"))]
    office.launch()
    assert office.people() == {"told": 3}


@pytest.mark.parametrize(
    ("one", "other", "why", "says"),
    [
        ("0" * 32, "1" * 32, "x", "is nobody of this incident"),
        ("", "", "x", "is nobody of this incident"),
        ("%", "_", "x", "is nobody of this incident"),
        ("mine", "mine", "x", "the same person twice"),
        ("mine", "0" * 32, " ", "is empty"),
    ],
)
def test_a_decision_names_two_people_and_a_reason(office: Any, one: str, other: str, why: str, says: str) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(1), office.person(2)])
    mine = office.subject(1)
    with pytest.raises(BadInput, match=says):
        likely.decide(
            office.desk, office.slug, one.replace("mine", mine), other.replace("mine", mine), "lister", why, same=True
        )
    assert office.rows("same_person") == []


def test_many_people_of_one_address_are_counted_and_not_compared(office: Any) -> None:
    office.declare(office.HIPAA)
    home = {"street": "1 Care Home", "email": ""}
    office.scope(
        [office.person(n, born=str(office.desk.now().date() - timedelta(9_000 + n)), **home) for n in range(61)]
    )
    found, large = likely.likely(office.desk, office.slug)
    assert (found, large) == ([], 1)


def command(office: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    from console.main import main

    for name, value in office.environ.items():
        monkeypatch.setenv(name, value)
    assert main(["people", *words]) == 0
    return capsys.readouterr().out


def test_the_commands_show_names_on_demand_only_and_take_the_decision(
    office: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office.declare(office.HIPAA)
    office.scope(alike_people(office))
    said = command(office, capsys, monkeypatch, "alike", office.slug)
    assert "names 96 % alike, same birthday" in said and "Cyd" not in said and "example.org" not in said
    assert "Cyd Distannt" in command(office, capsys, monkeypatch, "alike", office.slug, "--show")
    found = json.loads(command(office, capsys, monkeypatch, "alike", office.slug, "--json"))
    assert [pair["names_alike"] for pair in found["pairs"]] == [100, 96] and "records" not in found["pairs"][0]

    first, second = ((pair["one"][:8], pair["other"]) for pair in found["pairs"])
    said = command(office, capsys, monkeypatch, "same", office.slug, *first, "--reason", "one", "--by", "lister")
    assert "now stands for" in said
    command(office, capsys, monkeypatch, "apart", office.slug, *second, "--reason", "two", "--by", "lister")
    assert "Nobody looks like somebody else" in command(office, capsys, monkeypatch, "alike", office.slug)
    assert office.status()["people"]["in_scope"] == 5
