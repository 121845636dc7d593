"""Who must be told, by when, by which law and promise: facts in, an `Assessment` out. Pure; `as_of` is only "now".

Every duty of every version in force is owed, not owed or undetermined, and says why. What is undetermined is worked out
as if owed and names the facts that are missing. Laws of places that the facts do not name are not mentioned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from models import vocabulary
from models.facts import Facts, Moment, Order, day_bounds
from models.values import Confidence, Duty, ObligationState, Stage
from regimes import clock, conditions, load, promise, scope, slips, warn
from regimes import schema as s
from regimes.conditions import Truth, Verdict
from regimes.obligations import Assessment, NotOwed, Obligation, Precedence, by_due, covers
from regimes.reading import order_test
from regimes.severity import severity
from regimes.slips import by_then

__all__ = ["UNTIL_CLEARED", "Assessment", "NotOwed", "Obligation", "Precedence", "assess", "covers", "delayed", "terms"]

UNTIL_CLEARED = "until cleared"  # `held` of a delay without an end


@dataclass(frozen=True, slots=True)
class _Ask:
    facts: Facts
    as_of: datetime
    on: date | None
    thorough: bool = False


def assess(
    facts: Facts,
    as_of: datetime,
    on: date | None = None,
    instruments: Mapping[str, s.Instrument] | None = None,
    thorough: bool = False,
) -> Assessment:
    """What is owed on these facts. `on` takes the law of one day instead of each duty's own; `instruments` replaces the
    law that ships; `thorough` adds disputed readings to the derivations. ValueError when `as_of` has no zone; BadInput
    when a fact is off a scale."""
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a zone")
    stated, facts = facts, by_then(facts, as_of)
    ask = _Ask(facts, as_of, on, thorough)
    heads = load.heads() if instruments is None else instruments
    held = {
        id_: load.instrument(id_) if instruments is None else head for id_, head in heads.items() if _tied(head, facts)
    }
    found = [entry for instrument in held.values() for entry in _instrument(instrument, ask)]
    found += [_pledge(pledge, ask) for pledge in promise.pledges(facts, _carried(found, facts))]
    open_ = [entry for entry in found if isinstance(entry, Obligation)]
    orders = tuple(_orders(open_, held, facts))
    open_ = [warn.told_too_early(entry, orders, open_) for entry in open_]
    day = ask.on or as_of.date()
    return Assessment(
        as_of,
        by_due([entry for entry in open_ if entry.state is ObligationState.OWED]),
        tuple(entry for entry in found if isinstance(entry, NotOwed)),
        by_due([entry for entry in open_ if entry.state is ObligationState.UNDETERMINED]),
        severity(facts),
        (
            *warn.warnings(stated, open_, orders, held, heads.values(), day),
            *slips.warnings(stated, as_of),
        ),
        orders,
        tuple(warn.not_held(facts, held, open_, day)),
    )


def terms(obligation: Obligation, facts: Facts) -> s.Version:
    """The version of law, or the promise, that an obligation rests on: its notice, substitute and report terms."""
    if obligation.regime == promise.REGIME:
        return promise.version(facts, obligation.law_version)
    return load.instrument(obligation.regime).version(obligation.law_version)


def delayed(obligation: Obligation, facts: Facts, as_of: datetime) -> str | None:
    """Until when law enforcement's delay keeps a telling back, also one that came too late to move its due time; None
    where it may go out. `held` says less: that the clock is stopped."""
    hold = clock.hold_of(facts, terms(obligation, facts).law_enforcement) if obligation.tolled else None
    return _until(hold, as_of) if hold is not None else None


def _carried(found: list[Obligation | NotOwed], facts: Facts) -> frozenset[Order]:
    """Orders that a law's own duty already answers, so that they are not listed a second time."""
    if not facts.orders:
        return frozenset()
    tests = [order_test(entry.rule.when) for entry in found if isinstance(entry, Obligation) and entry.rule]
    return frozenset(row for test in tests if test for row in clock.orders(test, facts)[0])


# --- one instrument -------------------------------------------------------------------------------------------------


def _tied(instrument: s.Instrument, facts: Facts) -> bool:
    """Whether an instrument may have to do with these facts."""
    return conditions.evaluate(instrument.nexus, facts, instrument.place).truth is not Truth.FALSE


def _instrument(instrument: s.Instrument, ask: _Ask) -> Iterator[Obligation | NotOwed]:
    for version in instrument.versions:
        rules = [rule for rule in version.duties if version.status in s.APPLIED and _in_force(version, rule, ask)]
        if rules:
            common, exempt = _common(instrument, version, ask.facts), _exempt(instrument, version, ask.facts)
            both = conditions.every([common, exempt])
            for rule in rules:
                yield from _duty(instrument, version, rule, common if rule.despite_exceptions else both, ask)


def _common(instrument: s.Instrument, version: s.Version, facts: Facts) -> Verdict:
    """What all duties of a version have in common: its tie to the facts, to whom it applies, what must be exposed."""
    nexus = conditions.evaluate(instrument.nexus, facts, instrument.place)
    tie = Verdict(nexus.truth, () if nexus.truth is Truth.TRUE else nexus.because, nexus.missing)
    about = [version.applies, version.personal_information]
    return conditions.every([tie, *(conditions.evaluate(part, facts, instrument.place) for part in about)])


def _exempt(instrument: s.Instrument, version: s.Version, facts: Facts) -> Verdict:
    """True when none of the version's exceptions holds."""
    found = [conditions.evaluate(part, facts, instrument.place) for part in version.exceptions]
    return conditions.every(conditions.negate(part) for part in found)


def _in_force(version: s.Version, rule: s.DutyRule, ask: _Ask) -> bool:
    day = ask.on or _day_of_law(version, rule, ask)
    return version.from_ <= day and (version.until is None or day <= version.until)


_ANY_TIME = ("discovered", "aware", "detected", "determined", "suspected", "confirmed", "occurred_from")


def _day_of_law(version: s.Version, rule: s.DutyRule, ask: _Ask) -> date:
    """The day whose law applies: of the version's transition, the duty's anchor, any other time stated, else today."""
    anchors = [(d.anchor, *d.else_from) for d in rule.deadlines if d.anchor not in ("submission", "year_end", "order")]
    names = (*((version.transition,) if version.transition else ()), *(n for part in anchors for n in part), *_ANY_TIME)
    return ask.facts.once(("day", names), lambda: _first_day(names, ask.facts)) or ask.as_of.date()


def _first_day(names: tuple[str, ...], facts: Facts) -> date | None:
    for name in names:
        _, moment = clock.first_stated((name,), facts)
        if moment and (day := _day(moment, facts.zone or UTC)):
            return day
    return None


def _day(at: Moment, zone: tzinfo) -> date | None:
    if at.dated:
        return at.last or at.first
    instant = at.latest or at.earliest
    return instant.astimezone(zone).date() if instant else None


# --- one duty -------------------------------------------------------------------------------------------------------


def _duty(
    instrument: s.Instrument, version: s.Version, rule: s.DutyRule, common: Verdict, ask: _Ask
) -> Iterator[Obligation | NotOwed]:
    for landing in scope.landings(rule, instrument, ask.facts):
        when = conditions.evaluate(rule.when, ask.facts, landing.jurisdiction)
        told = _told_otherwise(version, rule, landing, ask.facts)
        verdict = conditions.every([when, landing.verdict, _bound(rule, ask.facts), common, told])
        if verdict.truth is Truth.FALSE:
            yield _not_owed(version, rule, landing, verdict)
        else:
            yield _owed(instrument, version, rule, landing, verdict, ask)


def _bound(rule: s.DutyRule, facts: Facts) -> Verdict:
    return conditions.evaluate(role_test(rule.roles), facts) if rule.roles else conditions.TRUE


def _told_otherwise(version: s.Version, rule: s.DutyRule, landing: scope.Landing, facts: Facts) -> Verdict:
    """False when the earlier telling, after whose form a further one is owed, had another form."""
    for period in rule.deadlines:
        ref = period.submission
        if ref and ref.form and clock.earlier(ref, facts, version.regime, landing.jurisdiction)[1]:
            return Verdict(Truth.FALSE, (f"the {ref.duty} was not told in {ref.form} form: nothing follows",))
    return conditions.TRUE


@cache
def role_test(roles: tuple[str, ...]) -> s.FactTest:
    """The condition that a duty binds the organisation in the role that it has."""
    return s.FactTest("organisation.role", roles)


def _not_owed(version: s.Version, rule: s.DutyRule, landing: scope.Landing, verdict: Verdict) -> NotOwed:
    return NotOwed(
        regime=version.regime,
        duty=rule.duty,
        recipient=rule.recipient,
        jurisdiction=landing.jurisdiction,
        stage=rule.stage,
        because=verdict.because,
        authority=landing.authority.name if landing.authority else None,
        law_version=version.id,
        citation=rule.citation,
        id=_id(version, rule, landing),
        rule=rule,
    )


def _owed(
    instrument: s.Instrument,
    version: s.Version,
    rule: s.DutyRule,
    landing: scope.Landing,
    verdict: Verdict,
    ask: _Ask,
) -> Obligation:
    setting = _setting(instrument, version, rule, landing, ask.facts)
    due = _due(version, rule, setting, ask)
    hold = clock.hold_of(ask.facts, version.law_enforcement) if rule.tolled else None
    due = clock.tolled(due, hold, version.law_enforcement, setting, load.counting_rules()[version.counting])
    met = _met(version.regime, rule.duty, rule.stage, landing, ask.facts, setting.zone)
    held = _until(hold, ask.as_of) if hold is not None and clock.stops(hold, due) else None
    missing = tuple(dict.fromkeys((*verdict.missing, *due.missing)))
    return Obligation(
        id=_id(version, rule, landing),
        regime=version.regime,
        duty=rule.duty,
        recipient=rule.recipient,
        authority=landing.authority.name if landing.authority else None,
        jurisdiction=landing.jurisdiction,
        stage=rule.stage,
        due=due.due,
        due_safe=due.due_safe,
        qualifier=rule.qualifier,
        met=met,
        late_by=None if held else _late_by(due, met, ask.as_of),
        held=held,
        voluntary=rule.voluntary or version.status in (s.Status.VOLUNTARY, s.Status.RECOMMENDED_STANDARD),
        clock_from=due.clock_from,
        because=verdict.because or (f"{instrument.name} applies",),
        citation=rule.citation,
        checked=rule.checked,
        confidence=rule.confidence,
        state=ObligationState.UNDETERMINED if missing else ObligationState.OWED,
        missing=missing,
        law_version=version.id,
        authority_slug=landing.authority.slug if landing.authority else "",
        derivation=due.derivation,
        reach=landing.reach,
        met_when=rule.met_when,
        tolled=rule.tolled,
        waiting=due.waiting,
        rule=rule,
    )


def _id(version: s.Version, rule: s.DutyRule, landing: scope.Landing) -> str:
    """`regime/duty/jurisdiction/stage`, with the authority's slug where several stand at one stage."""
    parts = [version.regime, rule.duty.value, landing.jurisdiction]
    alike = [r for r in version.duties if (r.duty, r.stage) == (rule.duty, rule.stage)]
    several = len(alike) > 1 or (rule.per is not s.Per.SUPERVISOR and len(rule.authorities) > 1)
    if several and (name := rule.name or (landing.authority.slug if landing.authority else "")):
        parts.append(name)
    return "/".join((*parts, rule.stage.value))


def _setting(
    instrument: s.Instrument, version: s.Version, rule: s.DutyRule, landing: scope.Landing, facts: Facts
) -> clock.Setting:
    place = (landing.authority.place if landing.authority else "") or landing.jurisdiction
    name = vocabulary.zone_of(place) or instrument.zone
    zone = _zone(name) if name else facts.zone or UTC
    own = facts.zone or zone
    return clock.Setting(version.regime, landing.jurisdiction, zone, own, place, order_test(rule.when))


@cache
def _zone(name: str) -> tzinfo:
    """A zone, kept: ZoneInfo itself keeps only the last few and would read the others again."""
    return ZoneInfo(name)


def _due(version: s.Version, rule: s.DutyRule, setting: clock.Setting, ask: _Ask) -> clock.Due:
    rules = load.counting_rules()
    counted = [(d, rules[d.counting or version.counting]) for d in rule.deadlines]
    due = clock.combine([clock.work_out(d, ask.facts, by, setting) for d, by in counted], rule.combine)
    if not ask.thorough:
        return due
    said = [line for d, by in counted if (line := clock.disputed(d, ask.facts, by, setting))]
    return replace(due, derivation=(*due.derivation, *said))


def _until(hold: clock.Hold, as_of: datetime) -> str | None:
    """The end of a delay that runs at `as_of`; None before it begins and once it is over."""
    if (hold.start is not None and hold.start > as_of) or (hold.end is not None and hold.end <= as_of):
        return None
    return hold.end.isoformat() if hold.end else UNTIL_CLEARED


# --- what has been done ---------------------------------------------------------------------------------------------


def _met(regime: str, duty: Duty, stage: Stage, landing: scope.Landing, facts: Facts, zone: tzinfo) -> datetime | None:
    """When the duty was met: the first complete telling on record; for people else the time given for all."""
    rows = [
        row.at
        for row in facts.submissions
        if row.complete
        and clock.matches(row, regime, duty, stage, landing.jurisdiction)
        and (
            landing.authority is None
            or clock.same_authority(row.authority, landing.authority.slug, landing.authority.name)
        )
    ]
    if not rows and duty is Duty.INDIVIDUALS and (told := facts.moment("individuals_notified")):
        rows = [told]
    return min((at for row in rows if (at := _done(row, zone))), default=None)


def _done(at: Moment, zone: tzinfo) -> datetime | None:
    """The instant of a telling; one known by its day counts at the end of that day where its deadline ends."""
    day = at.last or at.first
    return day_bounds(day, zone)[1] if at.dated and day else at.latest or at.earliest


def _late_by(due: clock.Due, met: datetime | None, as_of: datetime) -> timedelta | None:
    """How long after the due time: whole days where the period is one of days, else elapsed. None when in time."""
    done = met or as_of
    if due.due is None or done <= due.due:
        return None
    if not due.by_days:
        return done - due.due
    return timedelta(days=(done.astimezone(due.due.tzinfo).date() - due.due.date()).days)


# --- promises -------------------------------------------------------------------------------------------------------


def _pledge(pledge: promise.Pledge, ask: _Ask) -> Obligation:
    due = _pledge_due(pledge, ask.facts)
    landing = scope.Landing("", s.Authority(pledge.slug, pledge.authority or ""), s.Reach.EVERYONE)
    met = _met(promise.REGIME, pledge.duty, Stage.INITIAL, landing, ask.facts, ask.facts.zone or UTC)
    return Obligation(
        id=f"{promise.REGIME}/{pledge.duty.value}/{pledge.slug}/{Stage.INITIAL.value}",
        regime=promise.REGIME,
        duty=pledge.duty,
        recipient=pledge.recipient,
        authority=pledge.authority,
        jurisdiction=None,
        stage=Stage.INITIAL,
        due=due.due,
        due_safe=due.due_safe,
        qualifier="" if due.due else "as promised, without a number",
        met=met,
        late_by=_late_by(due, met, ask.as_of),
        held=None,
        voluntary=False,
        clock_from=due.clock_from,
        because=(pledge.because,),
        citation=pledge.citation,
        checked=None,
        confidence=Confidence.CORPUS,
        state=ObligationState.UNDETERMINED if due.missing else ObligationState.OWED,
        missing=due.missing,
        law_version=f"{promise.REGIME}@{pledge.slug}",
        authority_slug=pledge.slug if pledge.authority else "",
        derivation=due.derivation,
        reach=s.Reach.EVERYONE,
        met_when=s.MetWhen.DISPATCH if pledge.duty is Duty.INDIVIDUALS else s.MetWhen.RECEIPT,
    )


def _pledge_due(pledge: promise.Pledge, facts: Facts) -> clock.Due:
    if pledge.due is not None:
        return clock.Due(
            pledge.due.latest, pledge.due.earliest, "order", ("the order names the time",), by_days=pledge.due.dated
        )
    if pledge.deadline is None:
        return clock.Due(None, None, "", ("the promise names no deadline",))
    zone: tzinfo = facts.zone or UTC
    setting = clock.Setting(promise.REGIME, "", zone, zone, facts.organisation.country)
    return clock.work_out(
        pledge.deadline, facts, load.counting_rules()[pledge.deadline.counting or "calendar"], setting
    )


# --- orders between duties ------------------------------------------------------------------------------------------


def _orders(open_: list[Obligation], held: Mapping[str, s.Instrument], facts: Facts) -> Iterator[Precedence]:
    by_version: dict[str, list[Obligation]] = {}
    for entry in open_:
        by_version.setdefault(entry.law_version, []).append(entry)
    for version_id, mine in by_version.items():
        for rule in held[mine[0].regime].version(version_id).orders if mine[0].regime in held else ():
            before = [entry for entry in mine if entry.duty is rule.before and entry.stage is Stage.INITIAL]
            after = [entry for entry in mine if entry.duty is rule.after]
            if before and after:
                yield Precedence(rule, mine[0].regime, _ids(before), _ids(after), _broken(before, after))


def _ids(entries: Iterable[Obligation]) -> tuple[str, ...]:
    return tuple(entry.id for entry in entries)


def _broken(before: list[Obligation], after: list[Obligation]) -> bool:
    first = min((entry.met for entry in after if entry.met), default=None)
    return first is not None and any(entry.met is None or entry.met > first for entry in before)
