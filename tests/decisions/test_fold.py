"""Outcomes and receipts become states: the tables, the arrows, and what can never happen."""

from __future__ import annotations

import ast
import inspect
import re

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from models import values
from models.values import BadInput, DeliveryState, Evidence, Handoff, Outcome, Refused
from planning.fold import (
    ARROWS,
    OUTCOMES,
    Patience,
    Preference,
    UnknownPolicy,
    UnknownRule,
    check_arrow,
    fold,
    fold_evidence,
    give_up_waiting,
    resolve_unknown,
)

S, O, E = DeliveryState, Outcome, Evidence  # noqa: E741 - three short names make the tables readable
FIRST = Patience(attempts=1, most=3, delays=(300.0, 600.0), soft_wait=86_400.0)
LAST = Patience(attempts=3, most=3, delays=(300.0, 600.0))


def arrows_of_the_comments() -> dict[DeliveryState, frozenset[DeliveryState]]:
    """What the comment beside each member of DeliveryState draws: `-> a | b (why); …`, or `final`."""
    lines = inspect.getsource(values).splitlines()
    tree = ast.parse("\n".join(lines))
    states = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "DeliveryState")
    drawn = {}
    for node in states.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            comment = lines[node.lineno - 1].split("#", 1)[1].strip()
            arrows = re.sub(r"\([^)]*\)", "", comment.split(";")[0])
            targets = arrows.removeprefix("->").split("|") if arrows.startswith("->") else []
            drawn[DeliveryState(str(node.value.value))] = frozenset(DeliveryState(t.strip()) for t in targets)
    return drawn


def test_the_arrows_are_those_that_the_comments_of_the_states_draw() -> None:
    assert arrows_of_the_comments() == ARROWS


@pytest.mark.parametrize(
    ("before", "what", "after", "flags"),
    [
        (S.HANDING_OFF, O.ACCEPTED, S.ACCEPTED, ""),
        (S.HANDING_OFF, O.DEFERRED, S.READY, "delay"),
        (S.HANDING_OFF, O.REFUSED, S.UNDELIVERABLE, "next"),
        (S.HANDING_OFF, O.BLOCKED, S.READY, "halt person"),
        (S.HANDING_OFF, O.UNKNOWN, S.UNKNOWN, ""),
        (S.UNKNOWN, O.ACCEPTED, S.ACCEPTED, ""),
        (S.UNKNOWN, O.DEFERRED, S.READY, "delay duplicate"),
        (S.UNKNOWN, O.BLOCKED, S.READY, "halt person duplicate"),
        (S.ACCEPTED, E.DELIVERED, S.DELIVERED, ""),
        (S.ACCEPTED, E.COMPLAINT, S.DELIVERED, ""),
        (S.ACCEPTED, E.BOUNCED_HARD, S.UNDELIVERABLE, "next"),
        (S.ACCEPTED, E.RETURNED, S.UNDELIVERABLE, "next"),
        (S.ACCEPTED, E.BOUNCED_SOFT, S.ACCEPTED, "delay"),
        (S.ACCEPTED, E.BLOCKED, S.ACCEPTED, "halt person"),
        (S.DELIVERED, E.BOUNCED_HARD, S.UNDELIVERABLE, "next"),
        (S.DELIVERED, E.RETURNED, S.UNDELIVERABLE, "next"),
        (S.DELIVERED, E.BLOCKED, S.DELIVERED, "halt person"),
        (S.HANDING_OFF, E.DELIVERED, S.ACCEPTED, ""),
        (S.HANDING_OFF, E.BOUNCED_HARD, S.UNDELIVERABLE, "next"),
        (S.UNKNOWN, E.BOUNCED_SOFT, S.ACCEPTED, "delay"),
    ],
)
def test_what_an_answer_makes_of_a_delivery(
    before: DeliveryState, what: Outcome | Evidence, after: DeliveryState, flags: str
) -> None:
    step = fold(before, what, FIRST)
    assert step is not None
    shown = {
        "delay": step.delay_seconds is not None,
        "next": step.open_next,
        "halt": step.halt_channel,
        "person": step.needs_person,
        "duplicate": step.possible_duplicate,
    }
    assert (step.state, {name for name, on in shown.items() if on}) == (after, set(flags.split()))
    assert step.because


@pytest.mark.parametrize(
    ("before", "what"),
    [
        *[(state, E.AUTO_REPLY) for state in S],
        *[(S.UNDELIVERABLE, evidence) for evidence in E],
        *[(S.SUPPRESSED, evidence) for evidence in E],
        *[(S.READY, evidence) for evidence in E],
        (S.DELIVERED, E.DELIVERED),
        (S.DELIVERED, E.BOUNCED_SOFT),
        (S.ACCEPTED, O.DEFERRED),
        (S.DELIVERED, O.ACCEPTED),
        (S.UNKNOWN, O.UNKNOWN),
    ],
)
def test_what_says_nothing_new_changes_nothing(before: DeliveryState, what: Outcome | Evidence) -> None:
    assert fold(before, what, FIRST) is None


@pytest.mark.parametrize("state", [S.PLANNED, S.READY, S.CLAIMED, S.SUPPRESSED])
@pytest.mark.parametrize("outcome", list(O))
def test_what_was_never_handed_off_has_no_outcome(state: DeliveryState, outcome: Outcome) -> None:
    with pytest.raises(Refused, match=f"a delivery that is {state}"):
        fold(state, outcome, FIRST)


@pytest.mark.parametrize(
    ("attempts", "retry_after", "delay"),
    [(1, None, 300.0), (2, None, 600.0), (5, None, 600.0), (1, 1200.0, 1200.0), (1, 10.0, 300.0)],
)
def test_a_deferral_waits_as_the_channel_or_the_carrier_asks(
    attempts: int, retry_after: float | None, delay: float
) -> None:
    step = fold(S.HANDING_OFF, O.DEFERRED, Patience(attempts, 9, (300.0, 600.0)), retry_after=retry_after)
    assert step is not None
    assert step.delay_seconds == delay


def test_the_last_deferral_opens_the_next_rung() -> None:
    step = fold(S.HANDING_OFF, O.DEFERRED, LAST)
    assert step is not None
    assert (step.state, step.open_next, step.delay_seconds) == (S.UNDELIVERABLE, True, None)


def test_a_block_never_spends_the_person_even_at_the_last_attempt() -> None:
    step = fold(S.HANDING_OFF, O.BLOCKED, LAST)
    assert step is not None
    assert (step.state, step.open_next) == (S.READY, False)


def test_a_soft_bounce_waits_as_long_as_the_channel_says() -> None:
    waits = [fold(S.ACCEPTED, E.BOUNCED_SOFT, patience) for patience in (FIRST, LAST)]
    assert [step.delay_seconds for step in waits if step is not None] == [86_400.0, 5 * 86_400.0]


@pytest.mark.parametrize(
    ("before", "evidence", "states"),
    [
        (S.UNKNOWN, E.DELIVERED, [S.ACCEPTED, S.DELIVERED]),
        (S.HANDING_OFF, E.COMPLAINT, [S.ACCEPTED, S.DELIVERED]),
        (S.UNKNOWN, E.BOUNCED_HARD, [S.UNDELIVERABLE]),
        (S.ACCEPTED, E.BOUNCED_SOFT, [S.ACCEPTED]),
        (S.DELIVERED, E.AUTO_REPLY, []),
    ],
)
def test_one_receipt_may_cause_several_steps(
    before: DeliveryState, evidence: Evidence, states: list[DeliveryState]
) -> None:
    assert [step.state for step in fold_evidence(before, evidence, FIRST)] == states


def test_after_a_soft_bounce_the_wait_ends_in_the_next_rung_unless_it_arrived() -> None:
    step = give_up_waiting(S.ACCEPTED)
    assert step is not None
    assert (step.state, step.open_next) == (S.UNDELIVERABLE, True)
    assert [give_up_waiting(state) for state in S if state is not S.ACCEPTED] == [None] * (len(S) - 1)


# --- unknown --------------------------------------------------------------------------------------------------------

R = UnknownRule
LOSE, REPEAT = UnknownPolicy(), UnknownPolicy(prefer=Preference.NEVER_REPEAT)


def found(outcome: Outcome) -> Handoff:
    return Handoff("d1", outcome, reference="carrier-1")


@pytest.mark.parametrize(
    ("rule_", "looked_up", "tried", "policy", "expected"),
    [
        (R.RESEND_ONCE_FLAGGED, None, 0, LOSE, "unknown wait"),
        (R.RESEND_ONCE_FLAGGED, None, 1, LOSE, "ready duplicate"),
        (R.RESEND_ONCE_FLAGGED, None, 2, LOSE, "unknown person"),
        (R.RESEND_ONCE_FLAGGED, None, 9, LOSE, "unknown person"),
        (R.RESEND_ONCE_FLAGGED, None, 1, REPEAT, "unknown person"),
        (R.RESEND_ONCE_FLAGGED, found(O.ACCEPTED), 0, LOSE, "accepted"),
        (R.RESEND_ONCE_FLAGGED, found(O.DEFERRED), 0, LOSE, "ready duplicate"),
        (R.RESEND_ONCE_FLAGGED, found(O.UNKNOWN), 0, LOSE, "unknown wait"),
        (R.LOOK_UP_THEN_QUEUE, found(O.ACCEPTED), 0, LOSE, "accepted"),
        (R.LOOK_UP_THEN_QUEUE, found(O.REFUSED), 0, LOSE, "undeliverable next"),
        (R.LOOK_UP_THEN_QUEUE, found(O.BLOCKED), 0, LOSE, "unknown person halt"),
        (R.LOOK_UP_THEN_QUEUE, None, 0, LOSE, "unknown wait"),
        (R.LOOK_UP_THEN_QUEUE, None, 1, LOSE, "unknown person"),
        (R.LOOK_UP_THEN_QUEUE, found(O.DEFERRED), 0, LOSE, "unknown wait"),
        (R.LOOK_UP_THEN_QUEUE, found(O.DEFERRED), 1, LOSE, "unknown person"),
        (R.REPRINT_BY_ID, None, 0, LOSE, "unknown person"),
        (R.REPRINT_BY_ID, found(O.ACCEPTED), 0, LOSE, "accepted"),
        (R.REPRINT_BY_ID, found(O.DEFERRED), 0, LOSE, "ready"),
        (R.REPRINT_BY_ID, found(O.DEFERRED), 2, LOSE, "unknown person"),
        (R.CONFIRM, None, 0, LOSE, "unknown person"),
        (R.CONFIRM, found(O.DEFERRED), 0, LOSE, "unknown person"),
    ],
)
def test_an_unknown_delivery_is_resolved_by_its_channels_rule(
    rule_: UnknownRule, looked_up: Handoff | None, tried: int, policy: UnknownPolicy, expected: str
) -> None:
    step = resolve_unknown(rule_, looked_up, tried, policy)
    shown = [
        str(step.state),
        *(["wait"] if step.delay_seconds is not None else []),
        *(["next"] if step.open_next else []),
        *(["duplicate"] if step.possible_duplicate else []),
        *(["person"] if step.needs_person else []),
        *(["halt"] if step.halt_channel else []),
    ]
    assert " ".join(shown) == expected
    check_arrow(S.UNKNOWN, step.state)


def test_an_unknown_rule_of_a_channel_is_named_with_the_words_that_exist() -> None:
    with pytest.raises(BadInput, match="'shrug' is not known"):
        resolve_unknown("shrug", None, 0, LOSE)


def test_a_text_message_is_never_repeated_by_the_machine() -> None:
    looked = [None, *(found(outcome) for outcome in O)]
    steps = [resolve_unknown(R.LOOK_UP_THEN_QUEUE, one, tried, LOSE) for one in looked for tried in range(5)]
    assert S.READY not in {step.state for step in steps}


# --- what can never happen ------------------------------------------------------------------------------------------


def test_only_listed_pairs_of_outcomes_leave_a_hand_off_and_none_leads_back_to_planned() -> None:
    reached = {S.HANDING_OFF}
    while new := {after for state in reached for after in ARROWS[state]} - reached:
        reached |= new
    assert S.PLANNED not in reached
    safe = {o for o in O if (step := OUTCOMES[S.HANDING_OFF, o]) is not None and step.state is S.READY}
    assert safe == {O.DEFERRED, O.BLOCKED}


class OneDelivery(RuleBasedStateMachine):
    """A delivery lives: the outbox moves it to the carrier, anything may then arrive, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = S.READY
        self.attempts = 0
        self.tried = 0
        self.path = [S.READY]

    def move(self, after: DeliveryState) -> None:
        check_arrow(self.state, after)
        if after is not self.state:
            self.path.append(after)
        self.state = after

    @precondition(lambda self: self.state is S.READY)
    @rule()
    def hand_off(self) -> None:
        self.move(S.CLAIMED)
        self.move(S.HANDING_OFF)
        self.attempts += 1

    @precondition(lambda self: self.state in (S.HANDING_OFF, S.UNKNOWN))
    @rule(outcome=st.sampled_from(list(O)))
    def answer(self, outcome: Outcome) -> None:
        before = self.state
        step = fold(before, outcome, Patience(self.attempts, 3, (60.0,)))
        if step is None:
            return
        if step.state is S.READY:
            assert outcome in (O.DEFERRED, O.BLOCKED), "only a failure that is known to be safe is tried again"
            assert step.possible_duplicate or before is S.HANDING_OFF
        self.move(step.state)

    @precondition(lambda self: self.attempts > 0)
    @rule(evidence=st.sampled_from(list(E)))
    def receipt(self, evidence: Evidence) -> None:
        rank = {S.HANDING_OFF: 0, S.UNKNOWN: 0, S.ACCEPTED: 1, S.DELIVERED: 2, S.UNDELIVERABLE: 3}
        for step in fold_evidence(self.state, evidence, Patience(self.attempts, 3, (60.0,))):
            assert rank[step.state] >= rank[self.state], "evidence never goes back"
            assert step.open_next == (step.state is S.UNDELIVERABLE)
            self.move(step.state)

    @precondition(lambda self: self.state is S.UNKNOWN)
    @rule(rule_=st.sampled_from(list(R)), outcome=st.sampled_from([None, *O]))
    def resolve(self, rule_: UnknownRule, outcome: Outcome | None) -> None:
        step = resolve_unknown(rule_, found(outcome) if outcome else None, self.tried, LOSE)
        self.tried += 1
        assert step.possible_duplicate == (step.state is S.READY)
        self.move(step.state)

    @invariant()
    def never_planned_again_and_ended_is_ended(self) -> None:
        assert S.PLANNED not in self.path
        assert S.UNDELIVERABLE not in self.path[:-1]


OneDelivery.TestCase.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
test_one_delivery_never_breaks_a_rule = OneDelivery.TestCase
