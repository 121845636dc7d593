"""What must hold for any facts under every instrument that ships."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import vocabulary
from models.facts import ANCHORS, KEYS, Facts, parse_facts
from models.values import ObligationState
from models.vocabulary.kinds import WORDS, Kind
from regimes import schema as s
from regimes.assess import Assessment, assess, terms
from regimes.clock import Setting, work_out
from regimes.load import counting_rules, instruments
from regimes.schema import Deadline, Unit

AS_OF = datetime.fromisoformat("2026-11-24T09:00:00+01:00")
OWN = sorted({held.place for held in instruments().values() if not vocabulary.members(held.place)})
ELEMENTS = sorted(vocabulary.words("elements").words)
SECTORS = sorted(vocabulary.words("sectors").words)
COUNTRIES = sorted({place.split("-")[0] for place in OWN} | {"DE", "FR"})
START = datetime(2026, 1, 1, tzinfo=UTC)

moments = st.integers(0, 320 * 86_400).map(lambda seconds: (START + timedelta(seconds=seconds)).isoformat())
days = st.integers(0, 320).map(lambda number: (START + timedelta(days=number)).date().isoformat())
times = st.one_of(moments, days, st.tuples(days, days).map(lambda pair: {"min": min(pair), "max": max(pair)}))
counts = st.one_of(
    st.integers(0, 1_200_000), st.just("unknown"), st.integers(0, 1200).map(lambda n: {"min": n, "max": n + 400})
)
flags = [key for key, kind in KEYS.items() if kind is Kind.BOOL and key.startswith(("data.", "risk."))]


def _table(name: str, keys: list[str], values: Any) -> Any:
    return st.dictionaries(st.sampled_from([key.removeprefix(f"{name}.") for key in keys]), values, max_size=8)


organisation = st.fixed_dictionaries(
    {
        "country": st.sampled_from(COUNTRIES),
        "role": st.sampled_from(["controller", "processor", "unknown"]),
        "sectors": st.lists(st.sampled_from(SECTORS), max_size=3, unique=True),
        "timezone": st.sampled_from(["America/Los_Angeles", "Europe/Berlin", "Asia/Shanghai", "Pacific/Auckland"]),
    }
)
elements = st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=5, unique=True)
data = st.builds(
    lambda flagged, exposed: flagged | {"elements": exposed},
    _table("data", [key for key in flags if key.startswith("data.")], st.booleans()),
    st.one_of(elements, elements.map(lambda words: {"min": words})),
)
risk = st.builds(
    lambda flagged, gdpr: flagged | {"gdpr": gdpr},
    _table("risk", [key for key in flags if key.startswith("risk.")], st.booleans()),
    st.sampled_from([*sorted(WORDS["risk.gdpr"]), "unknown"]),
)
incidents = st.fixed_dictionaries(
    {
        "organisation": organisation,
        "times": st.dictionaries(st.sampled_from(sorted(ANCHORS)), times, max_size=8),
        "data": data,
        "people": st.dictionaries(st.sampled_from(OWN), counts, max_size=8),
        "risk": risk,
    }
)
often = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _assess(facts: Facts) -> Assessment:
    return assess(facts, AS_OF)


@often
@given(incidents)
def test_every_answer_cites_says_why_and_is_safe_before_it_is_due(given_: dict[str, Any]) -> None:
    facts = parse_facts(given_, "f")
    found = _assess(facts)
    assert len({entry.id for entry in found.all()}) == len(found.all()), "two obligations share an id"
    for entry in found.all():
        assert entry.citation and entry.because and entry.derivation, entry.id
        assert (entry.state is ObligationState.UNDETERMINED) == bool(entry.missing)
        assert (entry.due is None) == (entry.due_safe is None), entry.id
        assert entry.due is None or entry.due_safe is None or entry.due_safe <= entry.due, entry.id
        assert entry.late_by is None or entry.late_by >= timedelta()
        assert (entry.checked is not None) == (entry.confidence == "corpus"), entry.id
        assert terms(entry, facts).id == entry.law_version
    assert all(entry.because and entry.citation for entry in found.not_owed)


@often
@given(incidents)
def test_assessing_unchanged_facts_again_changes_nothing(given_: dict[str, Any]) -> None:
    facts = parse_facts(given_, "f")
    first = _assess(facts)
    assert _assess(facts) == first
    assert _assess(parse_facts(facts.as_data(), "f")).as_data() == first.as_data()


@often
@given(incidents, st.sampled_from(OWN), st.integers(0, 12_000), st.integers(1, 5_000))
def test_more_people_never_take_a_duty_away(given_: dict[str, Any], place: str, number: int, more: int) -> None:
    few, many = (
        _assess(parse_facts(given_ | {"people": given_["people"] | {place: count}}, "f"))
        for count in (number, number + more)
    )
    kept = {entry.id for entry in many.all()}
    gone = [entry.id for entry in few.all() if entry.id not in kept and not _for_few(entry.rule)]
    assert gone == []


def _for_few(rule: s.DutyRule | None) -> bool:
    """Whether a duty is written for small incidents: an annual log gives way to a report when there are more people."""
    return rule is not None and _falls(rule.when)


def _falls(test: s.Condition | None, turned: bool = False) -> bool:
    match test:
        case s.CountTest():
            return (test.op in (s.Op.LESS_THAN, s.Op.AT_MOST)) is not turned
        case s.Every() | s.Either():
            return any(_falls(part, turned) for part in test.of)
        case s.Not():
            return _falls(test.of, not turned)
        case _:
            return False


UNITS = [unit for unit in Unit if unit is not Unit.FIXED_DATE]


@pytest.mark.parametrize("rule", counting_rules(), ids=str)
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(UNITS), st.integers(1, 90), times, st.sampled_from(["DE", "JP", "US-NY", "EG", "BR", "SG"]))
def test_no_clock_ends_before_its_event(rule: str, unit: Unit, value: int, at: Any, place: str) -> None:
    facts = parse_facts({"organisation": {"timezone": "Europe/Berlin"}, "times": {"aware": at}}, "f")
    zone, event = facts.zone, facts.moment("aware")
    assert zone is not None and event is not None and event.earliest is not None
    found = work_out(
        Deadline(value, unit, "aware"), facts, counting_rules()[rule], Setting("xx", place, zone, zone, place)
    )
    assert found.due is not None and found.due_safe is not None
    assert event.earliest <= found.due_safe <= found.due
    longer = work_out(
        Deadline(value + 1, unit, "aware"), facts, counting_rules()[rule], Setting("xx", place, zone, zone, place)
    )
    limits = [d.limit or d.due for d in (found, longer)]  # before they move on: a noon roll may overtake a longer limit
    assert limits[0] is not None and limits[1] is not None and limits[1] >= limits[0]
