"""What a status advises: the one step to begin with, from every place where an incident can stand."""

from __future__ import annotations

from typing import Any

import pytest

from console.cli.advice import missed, next_steps

WAVE = {
    "number": 2,
    "stopped": "",
    "launched": None,
    "blocked": ["two different people must approve this version; 0 did"],
    "errors": 0,
}
DUTY = {"id": "us-x/individuals/US/initial", "recipient": "individuals", "met": None, "due": None, "missing": []}
REPORT = DUTY | {"id": "us-x/regulator/US/initial", "recipient": "regulator"}
FILED = {"obligation": REPORT["id"], "missing": [], "problems": [], "packet": None, "receipt": ""}
SENT = WAVE | {"launched": "2026-03-02T09:00:00+00:00", "blocked": []}
NEWS = DUTY | {"id": "us-x/media/US-IL/initial", "recipient": "media"}
PAGE = {"kind": "page", "published": "2026-03-01T09:00:00+00:00", "until": "2026-05-30T09:00:00+00:00"}
RELEASE = {"kind": "press", "published": "2026-03-01T09:00:00+00:00", "ungiven": [NEWS["id"]]}
OPEN = {"email": {"planned": 3, "open": 3}}
NOTHING = {"told": 0, "public_only": 0, "suppressed": 0, "unreached": 0, "open": 0, "in_scope": 0}


def state(**changes: Any) -> dict[str, Any]:
    """An incident in exercise with a list that was read, and nothing else."""
    return {
        "incident": "leak",
        "mode": "exercise",
        "now": "2026-03-02T09:30:00+00:00",
        "closed": None,
        "erased": None,
        "deadlines": [],
        "people": NOTHING,
        "deliveries": {},
        "scopes": [{"number": 1}],
        "waves": [],
        "filings": [],
        "public_notices": [],
        "judgements": [],
        "not_recorded": [],
        "exceptions": {"unknown": [], "possible_duplicates": [], "leaf_mismatch": []},
    } | changes


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "no list yet": (state(scopes=[]), "tocsin scope leak --people FILE --mapping FILE"),
    "no wave yet": (state(), "tocsin prepare leak"),
    "a draft that misses something": (state(waves=[WAVE | {"errors": 1}]), "tocsin prepare leak"),
    "a draft to read": (state(waves=[WAVE]), "tocsin preview leak --wave 2"),
    "a replaced draft is none": (state(waves=[WAVE | {"stopped": "replaced by a later draft"}]), "tocsin prepare leak"),
    "approved": (state(waves=[WAVE | {"blocked": []}]), "tocsin send leak 2"),
    "approved, live": (state(mode="live", waves=[WAVE | {"blocked": []}]), "tocsin send leak 2 --live"),
    "stopped by itself": (
        state(waves=[SENT | {"stopped": "2 of 20"}]),
        'tocsin send leak 2 --resume "what was found and mended"',
    ),
    "something left to send": (state(waves=[SENT], deliveries=OPEN), "tocsin send leak 2"),
    "people without a notice": (state(waves=[SENT], people=NOTHING | {"open": 2}), "tocsin prepare leak"),
    "an unknown outcome": (
        state(waves=[SENT], exceptions={"unknown": ["d"], "leaf_mismatch": []}),
        "tocsin reconcile leak",
    ),
    "people not reached": (state(waves=[SENT], people=NOTHING | {"unreached": 12}), "tocsin substitute leak"),
    "the media to tell": (
        state(waves=[SENT], deadlines=[DUTY | {"id": "us-x/media/US-IL/initial", "recipient": "media"}]),
        "tocsin publish leak --what press",
    ),
    "a report to fill": (state(waves=[SENT], deadlines=[REPORT]), "tocsin report leak"),
    "a report that lacks answers": (
        state(waves=[SENT], deadlines=[REPORT], filings=[FILED | {"missing": ["cause"]}]),
        f"tocsin report leak --obligation {REPORT['id']} --answers FILE",
    ),
    "a report to approve": (
        state(waves=[SENT], deadlines=[REPORT], filings=[FILED]),
        f"tocsin approve leak filing:{REPORT['id']} --person NAME --key FILE",
    ),
    "a receipt to confirm": (
        state(waves=[SENT], deadlines=[REPORT], filings=[FILED | {"receipt": "R-1"}]),
        f"tocsin report leak --obligation {REPORT['id']} --receipt NUMBER --at ISO --by NAME",
    ),
    "a fact that decides": (
        state(waves=[SENT], deadlines=[DUTY | {"missing": ["data.encrypted"]}]),
        "tocsin declare FILE",
    ),
    "a fact that the list will tell": (
        state(scopes=[], deadlines=[DUTY | {"missing": ["people.US-MA"]}]),
        "tocsin scope leak --people FILE --mapping FILE",
    ),
    "a judgement to record": (
        state(waves=[SENT], not_recorded=[{"id": "eu-gdpr/individuals/EU/initial", "facts": ["risk.gdpr"]}]),
        "tocsin judge leak",
    ),
    "a judgement to sign": (
        state(waves=[SENT], judgements=[{"number": 2, "problems": ["two must"], "ended": ""}]),
        "tocsin approve leak judgement:2 --person NAME --key FILE",
    ),
    "a judgement that lapsed is none": (
        state(waves=[SENT], judgements=[{"number": 2, "problems": ["two must"], "ended": "lapsed"}]),
        "tocsin close leak",
    ),
    "a late duty of which it was decided not to tell": (
        state(waves=[SENT], deadlines=[REPORT | {"decision": {"judgement": 1}}]),
        "tocsin close leak",
    ),
    "all done": (state(waves=[SENT]), "tocsin close leak"),
    "letters that nobody has": (
        state(waves=[SENT], letters={"sealed": 3, "waiting": 3}),
        "tocsin letters hand-over leak",
    ),
    "letters that were handed over": (state(waves=[SENT], letters={"sealed": 3, "waiting": 0}), "tocsin close leak"),
    "a page that must stay up": (state(waves=[SENT], public_notices=[PAGE]), "tocsin watch"),
    "a number that must be answered": (
        state(waves=[SENT], public_notices=[PAGE | {"until": None, "toll_free_until": "2026-03-02T09:31:00+00:00"}]),
        "tocsin watch",
    ),
    "a page that may end": (
        state(waves=[SENT], public_notices=[PAGE | {"until": "2026-03-02T09:00:00+00:00"}]),
        "tocsin publish leak --end",
    ),
    "a page that ended": (state(waves=[SENT], public_notices=[PAGE | {"withdrawn": "x"}]), "tocsin close leak"),
    "a release that nobody has": (
        state(waves=[SENT], deadlines=[NEWS], public_notices=[RELEASE]),
        'tocsin publish leak --what press --given "OUTLET" --at ISO --by NAME',
    ),
    "a release that was given": (
        state(
            waves=[SENT],
            deadlines=[NEWS | {"met": "2026-03-02T09:00:00+00:00"}],
            public_notices=[RELEASE | {"given": {NEWS["id"]: "2026-03-02T09:00:00+00:00"}}],
        ),
        "tocsin close leak",
    ),
    "closed": (state(closed="2026-03-02T09:00:00+00:00"), "tocsin erase leak"),
    "erased": (state(closed="x", erased="y"), "tocsin verify leak"),
}


@pytest.mark.parametrize(("found", "first"), CASES.values(), ids=CASES)
def test_the_first_step_is_the_one_to_begin_with(found: dict[str, Any], first: str) -> None:
    assert next_steps(found)[0].command == first


@pytest.mark.parametrize(
    ("due", "met", "is_missed"),
    [
        ("2026-03-02T09:29:59+00:00", None, True),
        ("2026-03-02T10:29:59+01:00", None, True),  # the same instant in another zone
        ("2026-03-02T09:30:00+00:00", None, False),
        ("2026-03-02T09:29:59+00:00", "2026-03-03T09:00:00+00:00", False),  # late, but done
        (None, None, False),
    ],
)
def test_missed_is_past_due_and_unmet(due: str | None, met: str | None, is_missed: bool) -> None:
    assert bool(missed(state(deadlines=[DUTY | {"due": due, "met": met}]))) is is_missed


FINDING = {"id": "one-address", "what": "12 people share one address", "remedy": "Look at the list."}


@pytest.mark.parametrize(
    ("severity", "commands"),
    [
        (
            "warning",
            [
                "tocsin preview leak --wave 2",
                "tocsin guard leak 2 --override one-address --reason TEXT",
                "tocsin approve leak wave:2 --person NAME --key FILE",
            ],
        ),
        ("error", ["tocsin preview leak --wave 2", "tocsin guard leak 2"]),
    ],
)
def test_what_the_guard_found_comes_before_the_approval(severity: str, commands: list[str]) -> None:
    found = next_steps(state(waves=[WAVE | {"guard": [FINDING | {"severity": severity}]}]))
    assert [step.command for step in found] == commands
