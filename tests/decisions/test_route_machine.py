"""Spoken calls and the app on a ladder: only where the plan names them, and where no law wants a person to speak."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.values import Channel, Person, Role
from planning.route import LadderPolicy, because, ladder
from regimes.load import instruments
from regimes.schema import ChannelRule, Notice

E, V, P, L, C = Channel.EMAIL, Channel.VOICE, Channel.PUSH, Channel.LETTER, Channel.CALL_LIST
ADA = Person("p1", "AQ", "en", Role.SELF, frozenset({"name"}), has_phone=True, has_address=True, has_app=True)
PLAN = LadderPolicy(order=(P, V, L, C))
SILENT = Notice()  # lists no ways of notice
LIVE = Notice(channels=(ChannelRule(L), ChannelRule(C, live=True, citation="A.R.S. 18-552(F)(3)")))
ANY_VOICE = Notice(channels=(ChannelRule(L), ChannelRule(C)))
NO_PHONE = Notice(channels=(ChannelRule(L),))
APP_TOO = Notice(channels=(ChannelRule(P), ChannelRule(L)))

LADDERS = [
    ("a law that lists nothing", (SILENT,), PLAN, "push>voice>letter>call_list"),
    ("a law that asks for a live voice", (LIVE,), PLAN, "letter>call_list"),
    ("a law that says telephone", (ANY_VOICE,), PLAN, "letter>voice>call_list"),
    ("a law without the telephone", (NO_PHONE,), PLAN, "letter"),
    ("a law that names the app", (APP_TOO,), PLAN, "push>letter"),
    ("one of two wants a live voice", (SILENT, LIVE), PLAN, "letter>call_list"),
    ("a plan that does not name them", (SILENT,), LadderPolicy(order=(L, C)), "letter>call_list"),
    ("the usual plan", (SILENT,), LadderPolicy(), "letter>call_list"),
]


@pytest.mark.parametrize(("why", "laws", "plan", "shape"), LADDERS, ids=[row[0] for row in LADDERS])
def test_where_a_machine_may_speak(why: str, laws: tuple[Notice, ...], plan: LadderPolicy, shape: str) -> None:
    assert ">".join("+".join(sorted(rung)) for rung in ladder(ADA, laws, plan)) == shape


def test_the_reason_names_the_law_that_wants_a_live_voice() -> None:
    assert "voice: the law asks for a live voice (A.R.S. 18-552(F)(3))" in because(ADA, (LIVE,), PLAN)


@pytest.mark.parametrize("role", [Role.GUARDIAN, Role.NEXT_OF_KIN])
def test_whoever_speaks_for_another_is_not_told_in_that_persons_app(role: Role) -> None:
    assert P not in {c for rung in ladder(replace(ADA, role=role), (SILENT,), PLAN) for c in rung}


def test_the_laws_that_forbid_a_recording_say_so_as_data() -> None:
    live = {
        name
        for name, instrument in instruments().items()
        for version in instrument.versions
        for rule in (version.notice.channels if version.notice else ())
        if rule.live
    }
    assert {"us-az", "us-mi", "us-nc", "us-vt"} <= live
