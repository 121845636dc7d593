"""A person's wish for large print, from the list to the letter."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from flows.steps.leaves import leaf_text
from flows.steps.sealing import record_of
from models.intake import Mapping
from models.intake.people import read_person
from models.vault import Record

AS_OF = date(2026, 11, 24)


def asked(*rows: dict[str, str]) -> bool:
    mapping = Mapping(file="m.toml", columns={}, language="en", country="US")
    usual = {"source_id": "7", "name": "Ada Sample", "elements": "name", "residence": "US-IL"}
    person = read_person([(n, usual | row) for n, row in enumerate(rows, 2)], mapping, AS_OF)
    return Record.from_json(record_of(person).to_json()).contacts().large_print


@pytest.mark.parametrize(
    ("rows", "large"),
    [
        ([{}], False),
        ([{"large_print": "yes"}], True),
        ([{"large_print": "no"}], False),
        ([{"large_print": "no"}, {"large_print": "yes"}], True),
        ([{"large_print": "yes", "deceased": "yes"}], False),  # the next of kin reads it
        ([{"large_print": "yes", "minor": "yes"}], False),  # the guardian reads it
    ],
)
def test_the_wish_is_a_persons_own_and_goes_with_their_contacts(rows: list[dict[str, str]], large: bool) -> None:
    assert asked(*rows) is large


def test_the_wish_is_part_of_what_is_approved() -> None:
    def leaf(large: bool) -> str:
        contacts = Record(name="Ada", address=("1 Street", "Town"), large_print=large).contacts()
        return leaf_text("n", "s", "seg", "[]", {}, contacts)

    one: Any = leaf(True)
    assert one != leaf(False)
