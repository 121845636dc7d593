"""What one answer of a carrier, or one later receipt, makes of a delivery.

Two literal tables decide: one for outcomes of a hand-off, one for evidence that comes later. The arrows are those that
`values.DeliveryState` states in its comments (a test reads them there). Evidence only moves forward: a delivery that
is undeliverable stays so, whatever arrives. Nothing here reads a clock or a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from models.values import BadInput, DeliveryState, Evidence, Handoff, Outcome, Refused

S = DeliveryState

ARROWS: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    S.PLANNED: frozenset({S.READY, S.SUPPRESSED}),
    S.READY: frozenset({S.CLAIMED, S.SUPPRESSED}),
    S.CLAIMED: frozenset({S.HANDING_OFF, S.READY, S.SUPPRESSED}),
    S.HANDING_OFF: frozenset({S.ACCEPTED, S.READY, S.UNDELIVERABLE, S.UNKNOWN}),
    S.ACCEPTED: frozenset({S.DELIVERED, S.UNDELIVERABLE}),
    S.DELIVERED: frozenset({S.UNDELIVERABLE}),
    S.UNDELIVERABLE: frozenset(),
    S.UNKNOWN: frozenset({S.ACCEPTED, S.READY, S.UNDELIVERABLE}),
    S.SUPPRESSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Step:
    """What to write for one delivery. The state may be the one it already has, when only a flag is new."""

    state: DeliveryState
    delay_seconds: float | None = None  # ready: not before that; accepted or unknown: look again after that
    open_next: bool = False  # this rung is spent; open the next one, or count the person for `substitute`
    possible_duplicate: bool = False  # a copy may already have left; listed by name of delivery
    halt_channel: bool = False  # nobody else is tried in this channel before a person lifts it
    needs_person: bool = False  # goes to the human queue
    because: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one channel is tried for one person. Values come from the channel's own table."""

    attempts: int  # hand-offs made so far, the present one included
    most: int  # hand-offs before the rung is given up
    delays: tuple[float, ...]  # seconds after the first, second, … deferral; the last one repeats
    soft_wait: float = 5 * 86_400.0  # seconds a soft bounce may wait; relays give up after 4-5 days (RFC 5321 4.5.4.1)

    def delay(self, retry_after: float | None = None) -> float:
        """Seconds before the next attempt; never less than what the carrier asked for."""
        own = self.delays[min(max(self.attempts, 1), len(self.delays)) - 1] if self.delays else 0.0
        return max(own, retry_after or 0.0)

    @property
    def spent(self) -> bool:
        return self.attempts >= self.most


def check_arrow(before: DeliveryState, after: DeliveryState) -> None:
    """Refuses a move that DeliveryState does not draw. Staying where one is, is no move."""
    if after != before and after not in ARROWS[before]:
        raise Refused(f"a delivery that is {before} cannot become {after}")


# --- tables ---------------------------------------------------------------------------------------------------------

_SPENT = Step(S.UNDELIVERABLE, open_next=True, because="every attempt in this channel was put off")
_REFUSED = Step(S.UNDELIVERABLE, open_next=True, because="the carrier refused this address")
_BOUNCED = Step(S.UNDELIVERABLE, open_next=True, because="it came back as undeliverable")
_RETURNED = Step(S.UNDELIVERABLE, open_next=True, because="the letter came back")
_AGAIN = Step(S.READY, because="the carrier asks us to try later")
_AGAIN_FLAGGED = replace(_AGAIN, possible_duplicate=True)
_BLOCKED = Step(
    S.READY, halt_channel=True, needs_person=True, because="refused for what we are or sent, not the address"
)
_BLOCKED_FLAGGED = replace(_BLOCKED, possible_duplicate=True)
_TAKEN = Step(S.ACCEPTED, because="the carrier took responsibility")
_HIDDEN = Step(S.UNKNOWN, because="it may have left; the answer was lost")
_ARRIVED = Step(S.DELIVERED, because="a receipt says that it arrived")
_TAKEN_SHOWN = Step(S.ACCEPTED, because="a receipt shows that the carrier had taken it")

# An outcome belongs to a hand-off. It may also come late: after the lease ended (unknown), or after a receipt that
# overtook it; then the receipt stands. Pairs that are not listed are forbidden.
OUTCOMES: Mapping[tuple[DeliveryState, Outcome], Step | None] = {
    (S.HANDING_OFF, Outcome.ACCEPTED): _TAKEN,
    (S.HANDING_OFF, Outcome.DEFERRED): _AGAIN,
    (S.HANDING_OFF, Outcome.REFUSED): _REFUSED,
    (S.HANDING_OFF, Outcome.BLOCKED): _BLOCKED,
    (S.HANDING_OFF, Outcome.UNKNOWN): _HIDDEN,
    (S.UNKNOWN, Outcome.ACCEPTED): _TAKEN,
    (S.UNKNOWN, Outcome.DEFERRED): _AGAIN_FLAGGED,
    (S.UNKNOWN, Outcome.REFUSED): _REFUSED,
    (S.UNKNOWN, Outcome.BLOCKED): _BLOCKED_FLAGGED,
    (S.UNKNOWN, Outcome.UNKNOWN): None,
    **{
        (state, outcome): None
        for state in (S.ACCEPTED, S.DELIVERED, S.UNDELIVERABLE)
        for outcome in Outcome
        if outcome is not Outcome.BLOCKED
    },
    **{
        (state, Outcome.BLOCKED): Step(state, halt_channel=True, needs_person=True, because=_BLOCKED.because)
        for state in (S.ACCEPTED, S.DELIVERED, S.UNDELIVERABLE)
    },
}

_SOFT = Step(S.ACCEPTED, because="full or busy; the relay may still deliver it")
_POLICY = Step(S.ACCEPTED, halt_channel=True, needs_person=True, because="sent back for what we are or sent")

# A receipt for a hand-off whose answer we never saw shows first that the carrier had taken it; fold_evidence goes on.
_UNSEEN: Mapping[Evidence, Step] = {
    Evidence.DELIVERED: _TAKEN_SHOWN,
    Evidence.COMPLAINT: _TAKEN_SHOWN,
    Evidence.BOUNCED_SOFT: _SOFT,
    Evidence.BLOCKED: _POLICY,
    Evidence.BOUNCED_HARD: _BOUNCED,
    Evidence.RETURNED: _RETURNED,
}

# Pairs that are not listed say nothing new: an auto-reply; whatever comes after undeliverable or suppressed; and
# receipts of an earlier attempt while the delivery waits to be tried again.
EVIDENCE: Mapping[tuple[DeliveryState, Evidence], Step] = {
    **{(state, evidence): step for state in (S.HANDING_OFF, S.UNKNOWN) for evidence, step in _UNSEEN.items()},
    (S.ACCEPTED, Evidence.DELIVERED): _ARRIVED,
    (S.ACCEPTED, Evidence.COMPLAINT): replace(_ARRIVED, because="a complaint shows that it arrived"),
    (S.ACCEPTED, Evidence.BOUNCED_SOFT): _SOFT,
    (S.ACCEPTED, Evidence.BLOCKED): _POLICY,
    (S.ACCEPTED, Evidence.BOUNCED_HARD): _BOUNCED,
    (S.ACCEPTED, Evidence.RETURNED): _RETURNED,
    (S.DELIVERED, Evidence.BLOCKED): replace(_POLICY, state=S.DELIVERED),
    (S.DELIVERED, Evidence.BOUNCED_HARD): _BOUNCED,
    (S.DELIVERED, Evidence.RETURNED): _RETURNED,
}


# --- folding --------------------------------------------------------------------------------------------------------


def fold(
    state: DeliveryState, what: Outcome | Evidence, patience: Patience, *, retry_after: float | None = None
) -> Step | None:
    """The next step, or None when it says nothing new.

    `retry_after` is the carrier's own wish in seconds. Raises Refused for an outcome of something never handed off.
    """
    step = _outcome(state, what) if isinstance(what, Outcome) else EVIDENCE.get((state, what))
    if step is None:
        return None
    step = _timed(step, what, patience, retry_after)
    check_arrow(state, step.state)
    return step


def _outcome(state: DeliveryState, outcome: Outcome) -> Step | None:
    if (state, outcome) not in OUTCOMES:
        raise Refused(f"a delivery that is {state} has no hand-off under way that could be {outcome}")
    return OUTCOMES[state, outcome]


def _timed(step: Step, what: Outcome | Evidence, patience: Patience, retry_after: float | None) -> Step:
    if what is Outcome.DEFERRED:
        return _SPENT if patience.spent else replace(step, delay_seconds=patience.delay(retry_after))
    if what is Evidence.BOUNCED_SOFT:
        return replace(step, delay_seconds=patience.soft_wait)
    return step


def fold_evidence(state: DeliveryState, evidence: Evidence, patience: Patience) -> tuple[Step, ...]:
    """Every step that one receipt causes, in order: unknown and delivered is first accepted, then delivered."""
    steps: list[Step] = []
    while (step := fold(state, evidence, patience)) is not None:
        steps.append(step)
        if step.state == state:
            break
        state = step.state
    return tuple(steps)


def give_up_waiting(state: DeliveryState) -> Step | None:
    """The wait after a soft bounce is over, or a person decided about a policy refusal: the next rung opens.

    None when evidence has settled it meanwhile.
    """
    if state is not S.ACCEPTED:
        return None
    return Step(S.UNDELIVERABLE, open_next=True, because="sent back, and no delivery was shown in time")


# --- unknown --------------------------------------------------------------------------------------------------------


class UnknownRule(StrEnum):
    """How a channel resolves a hand-off whose answer was lost."""

    RESEND_ONCE_FLAGGED = "resend_once_flagged"  # a second copy does less harm than none
    LOOK_UP_THEN_QUEUE = "look_up_then_queue"  # a second one frightens and costs: a person decides
    REPRINT_BY_ID = "reprint_by_id"  # a person names the ids to print again; that needs a new approval
    CONFIRM = "confirm"  # two people confirm what the portal or page shows


class Preference(StrEnum):
    NEVER_LOSE = "never_lose"
    NEVER_REPEAT = "never_repeat"  # a person decides instead of a second copy


@dataclass(frozen=True, slots=True)
class UnknownPolicy:
    prefer: Preference = Preference.NEVER_LOSE
    wait: float = 900.0  # seconds for a bounce, or for the carrier's own list, before we look again


_WAIT = Step(S.UNKNOWN, because="waiting for a receipt, then looked up again")
_PERSON = Step(S.UNKNOWN, needs_person=True, because="the channel's rule leaves this to a person")
_RESEND = Step(
    S.READY, possible_duplicate=True, because="sent once more under the same identity; a first copy may exist"
)

# By how often it was tried before; the last step repeats.
UNRESOLVED: Mapping[UnknownRule, tuple[Step, ...]] = {
    UnknownRule.RESEND_ONCE_FLAGGED: (_WAIT, _RESEND, _PERSON),
    UnknownRule.LOOK_UP_THEN_QUEUE: (_WAIT, _PERSON),
    UnknownRule.REPRINT_BY_ID: (_PERSON,),
    UnknownRule.CONFIRM: (_PERSON,),
}

# A look-up that says "not here" (deferred) decides where the carrier is ours and complete. A folder is sealed whole or
# not at all, so what no folder holds never left. A relay's queue may have passed it on already: sent again, and
# flagged. A public API's list may lag, so there it proves nothing.
_NEVER_LEFT = Step(S.READY, because="no sealed folder holds it: it never left")
ABSENT: Mapping[UnknownRule, Step] = {
    UnknownRule.RESEND_ONCE_FLAGGED: _RESEND,
    UnknownRule.REPRINT_BY_ID: _NEVER_LEFT,
}
MOST_ABSENCES = 2  # tried so often and lost again each time: something is wrong that a person must see

LOOKED_UP: Mapping[Outcome, Step] = {
    Outcome.ACCEPTED: replace(_TAKEN, because="found at the carrier; adopted"),
    Outcome.REFUSED: _REFUSED,
    Outcome.BLOCKED: Step(S.UNKNOWN, halt_channel=True, needs_person=True, because="the look-up itself was refused"),
}


def resolve_unknown(rule: str, looked_up: Handoff | None, tried: int, policy: UnknownPolicy) -> Step:
    """What becomes of an unknown delivery.

    `rule` is the channel's word (UnknownRule). `looked_up` is what the carrier's look-up found; None means that it
    could not tell. `tried` counts the earlier calls for this delivery, a resend included. A step that stays `unknown`
    without a delay waits for a person.
    """
    known = _rule(rule)
    if looked_up is not None and looked_up.outcome in LOOKED_UP:
        return LOOKED_UP[looked_up.outcome]
    step = _unresolved(known, looked_up, tried)
    if step.possible_duplicate and policy.prefer is Preference.NEVER_REPEAT:
        step = _PERSON
    return replace(step, delay_seconds=policy.wait) if step is _WAIT else step


def _rule(word: str) -> UnknownRule:
    try:
        return UnknownRule(word)
    except ValueError:
        known = ", ".join(UnknownRule)
        raise BadInput("channel table", f"unknown-rule {word!r} is not known.", f"Use one of: {known}.") from None


def _unresolved(rule: UnknownRule, looked_up: Handoff | None, tried: int) -> Step:
    steps = UNRESOLVED[rule]
    absent = looked_up is not None and looked_up.outcome is Outcome.DEFERRED
    if absent and rule in ABSENT and tried < MOST_ABSENCES:
        return ABSENT[rule]
    return steps[min(tried, len(steps) - 1)]
