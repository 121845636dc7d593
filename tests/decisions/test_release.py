"""What is signed, and when a wave or a report may go."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.values import BadInput, Seat
from planning.release import (
    Plan,
    Signed,
    ladder_shape,
    merkle_proof,
    merkle_root,
    merkle_verify,
    problems_to_file,
    problems_to_launch,
    statement,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday
HOUR = timedelta(hours=1)
WINDOW = (NOW - HOUR, NOW + 48 * HOUR)
PLAN = Plan(
    incident="i1",
    wave=1,
    facts=3,
    wordings={"s1": "aa", "s2": "bb"},
    ladders={"email>letter": 900, "letter": 99, "none": 1},
    substitute={"en": "cc"},
    window_from=WINDOW[0],
    window_until=WINDOW[1],
    cap=1999,
    pilot=50,
    bounce_limit=0.05,
    people=1000,
    people_root="dd",
)
OTHER: dict[str, Any] = {
    "incident": "i2",
    "wave": 2,
    "facts": 4,
    "wordings": {"s1": "aa", "s2": "bc"},
    "ladders": {"email>letter": 901, "letter": 98, "none": 1},
    "substitute": {},
    "window_from": WINDOW[0] + timedelta(microseconds=1),
    "window_until": WINDOW[1] + HOUR,
    "cap": 2000,
    "pilot": 49,
    "bounce_limit": 0.06,
    "people": 1001,
    "people_root": "de",
    "overrides": {"ab12cd34ef": "ff"},
}


def test_the_table_of_changes_covers_every_part_of_the_plan() -> None:
    assert set(OTHER) == set(Plan.__slots__)


@pytest.mark.parametrize("part", OTHER)
def test_every_change_of_the_plan_is_another_digest(part: str) -> None:
    assert replace(PLAN, **{part: OTHER[part]}).digest() != PLAN.digest()


def test_the_digest_does_not_depend_on_order_or_zone() -> None:
    turned = replace(PLAN, wordings={"s2": "bb", "s1": "aa"}, window_from=WINDOW[0].astimezone())
    assert turned.digest() == PLAN.digest()


def test_the_plans_text_is_json_that_reads_back_as_its_data() -> None:
    assert json.loads(PLAN.text()) == PLAN.as_data()


def test_a_window_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInput, match="no zone"):
        replace(PLAN, window_from=datetime(2026, 11, 24)).digest()  # noqa: DTZ001 - that is what is refused


def test_a_ladder_has_one_name_whatever_the_order_within_a_rung() -> None:
    assert ladder_shape([{"letter", "call_list"}, {"email"}]) == "call_list+letter>email"
    assert ladder_shape([]) == "none"


# --- the tree -------------------------------------------------------------------------------------------------------

LEAVES = st.lists(st.text("0123456789abcdef", min_size=1, max_size=8), max_size=40)


@given(LEAVES, st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_root_knows_no_order_and_every_leaf_has_a_proof(leaves: list[str], chance: object) -> None:
    shuffled = list(leaves)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    root = merkle_root(leaves)
    assert merkle_root(iter(shuffled)) == root
    assert all(merkle_verify(root, leaf, merkle_proof(leaves, leaf)) for leaf in leaves)


@given(LEAVES, st.text("0123456789abcdef", min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_one_person_more_fewer_or_other_is_another_root(leaves: list[str], leaf: str) -> None:
    root = merkle_root(leaves)
    assert merkle_root([*leaves, leaf]) != root
    assert all(merkle_root([*leaves[:i], *leaves[i + 1 :]]) != root for i in range(len(leaves)))
    assert all(merkle_root([*leaves[:i], leaves[i] + "!", *leaves[i + 1 :]]) != root for i in range(len(leaves)))


@given(LEAVES.filter(bool), st.text("ghij", min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_a_stranger_has_no_proof_not_even_a_borrowed_one(leaves: list[str], stranger: str) -> None:
    root = merkle_root(leaves)
    assert not any(merkle_verify(root, stranger, merkle_proof(leaves, leaf)) for leaf in leaves)
    with pytest.raises(KeyError):
        merkle_proof(leaves, stranger)


def test_a_node_never_passes_for_a_leaf_and_an_odd_one_is_never_doubled() -> None:
    assert merkle_root(["a", "b", "b"]) != merkle_root(["a", "b"])
    assert len({merkle_root([]), merkle_root([""]), merkle_root(["", ""])}) == 3
    inner = merkle_proof(["a", "b", "c"], "c")[0].hash
    assert merkle_root([inner, "c"]) != merkle_root(["a", "b", "c"])


# --- launch ---------------------------------------------------------------------------------------------------------

DIGEST = PLAN.digest()
ANNA = Signed("anna", Seat.LEGAL, NOW - HOUR, DIGEST)
BEN = Signed("ben", Seat.COMMS, NOW - 2 * HOUR, DIGEST)


@pytest.mark.parametrize(
    ("approvals", "editors", "said"),
    [
        ([ANNA, BEN], set(), []),
        ([ANNA, replace(BEN, seat=Seat.DPO)], {"carl"}, []),
        ([replace(ANNA, at=NOW - 24 * HOUR), BEN], set(), []),
        ([], set(), ["two different people", "legal or dpo"]),
        ([ANNA], set(), ["two different people"]),
        ([ANNA, replace(ANNA, at=NOW)], set(), ["two different people"]),
        ([ANNA, replace(ANNA, seat=Seat.LEAD)], set(), ["two different people"]),
        ([BEN, replace(BEN, person="carl", seat=Seat.LEAD)], set(), ["legal or dpo"]),
        ([ANNA, BEN], {"anna"}, ["anna does not count: the same person edited", "two different", "legal or dpo"]),
        ([ANNA, BEN], {"ben"}, ["ben does not count: the same person edited", "two different"]),
        (
            [replace(ANNA, at=NOW - 25 * HOUR), BEN],
            set(),
            ["older than 24 hours", "two different", "legal or dpo"],
        ),
        ([ANNA, replace(BEN, at=NOW + HOUR)], set(), ["in the future", "two different"]),
        ([ANNA, replace(BEN, digest="ee")], set(), ["another version", "two different"]),
        ([ANNA, replace(BEN, voided=True)], set(), ["voided", "two different"]),
        ([ANNA, replace(BEN, valid_signature=False)], set(), ["does not verify", "two different"]),
        ([ANNA, BEN, replace(BEN, person="carl", voided=True)], set(), []),
        ([replace(ANNA, key="k1"), replace(BEN, key="k2")], set(), []),
        ([replace(ANNA, key="k1"), replace(BEN, key="k1")], set(), ["two different people"]),
        ([ANNA, replace(BEN, person="ANNA ")], set(), ["two different people"]),
        ([ANNA, BEN], {"Ben"}, ["ben does not count: the same person edited", "two different"]),
        ([ANNA, replace(BEN, recorded=False)], set(), ["record holds no such approval", "two different"]),
    ],
)
def test_what_keeps_a_wave_from_starting(approvals: list[Signed], editors: set[str], said: list[str]) -> None:
    problems = problems_to_launch(DIGEST, approvals, editors, NOW, WINDOW)
    assert [word for word in said if not any(word in p for p in problems)] == []
    assert len(problems) == len(said)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (NOW - timedelta(microseconds=1), ["the window opens at 2026-11-24T09:00:00+00:00"]),
        (NOW, []),
        (NOW + HOUR - timedelta(microseconds=1), []),
        (NOW + HOUR, ["the window closed at 2026-11-24T10:00:00+00:00"]),
    ],
)
def test_a_wave_starts_only_inside_its_window(now: datetime, said: list[str]) -> None:
    assert problems_to_launch(DIGEST, [ANNA, BEN], set(), now, (NOW, NOW + HOUR)) == said


SIGNED = st.builds(
    Signed,
    person=st.sampled_from(["anna", "ben", "carl"]),
    seat=st.sampled_from(list(Seat)),
    at=st.integers(-30, 2).map(lambda h: NOW + h * HOUR),
    digest=st.sampled_from([DIGEST, DIGEST, "ee"]),
    voided=st.booleans(),
    valid_signature=st.booleans(),
)


@given(st.lists(SIGNED, max_size=6), st.sets(st.sampled_from(["anna", "ben", "carl"])))
@settings(max_examples=300, deadline=None)
def test_nothing_launches_without_two_good_people_and_a_deciding_seat(
    approvals: list[Signed], editors: set[str]
) -> None:
    good = [
        a
        for a in approvals
        if a.valid_signature
        and not a.voided
        and a.digest == DIGEST
        and a.person not in editors
        and NOW - 24 * HOUR <= a.at <= NOW
    ]
    enough = len({a.person for a in good}) >= 2 and any(a.seat in (Seat.LEGAL, Seat.DPO) for a in good)
    assert (problems_to_launch(DIGEST, approvals, editors, NOW, WINDOW) == []) == enough


# --- filing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("approvals", "due", "first_stage", "may", "owed"),
    [
        ([ANNA, BEN], NOW + 2 * HOUR, True, True, False),
        ([ANNA], NOW + 24 * HOUR, True, True, True),
        ([ANNA], NOW - HOUR, True, True, True),
        ([ANNA], NOW + 24 * HOUR + timedelta(seconds=1), True, False, False),
        ([ANNA], NOW + 2 * HOUR, False, False, False),
        ([ANNA], None, True, False, False),
        ([BEN], NOW + 2 * HOUR, True, False, False),
        ([BEN, replace(BEN, person="carl")], NOW + 2 * HOUR, True, False, False),
        ([], NOW + 2 * HOUR, True, False, False),
        ([replace(ANNA, voided=True)], NOW + 2 * HOUR, True, False, False),
        ([ANNA, BEN], None, False, True, False),
        ([ANNA, replace(BEN, voided=True)], NOW + 2 * HOUR, True, True, True),
    ],
)
def test_a_first_report_due_within_a_day_may_go_with_one_deciding_signature(
    approvals: list[Signed], due: datetime | None, first_stage: bool, may: bool, owed: bool
) -> None:
    verdict = problems_to_file(DIGEST, approvals, set(), NOW, due=due, first_stage=first_stage)
    assert (verdict.problems == (), verdict.second_by is not None, bool(verdict.debts)) == (may, owed, owed)


def test_the_second_signature_is_owed_within_a_day_of_the_first_and_said_to_be_overdue_after() -> None:
    early = problems_to_file(DIGEST, [ANNA], set(), NOW, due=NOW, first_stage=True)
    assert early.second_by == ANNA.at + 24 * HOUR
    assert "owed by 2026-11-25T08:00:00+00:00" in early.debts[0]
    later = NOW + 24 * HOUR
    late = problems_to_file(DIGEST, [ANNA], set(), later, due=NOW, first_stage=True, fresh=48 * HOUR)
    assert late.debts[0].endswith("is overdue")


def test_what_is_signed_names_kind_subject_and_digest_and_nothing_else_can_pass_for_it() -> None:
    said = statement("wave", "w1", DIGEST)
    assert json.loads(said) == {
        "tocsin": "approval",
        "version": 1,
        "kind": "wave",
        "subject": "w1",
        "digest": DIGEST,
    }
    others = {statement("filing", "w1", DIGEST), statement("wave", "w2", DIGEST), statement("wave", "w1", "ee")}
    assert said not in others and len(others) == 3
