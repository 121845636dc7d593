"""Instruments from their TOML files, each checked on the way in. `heads()` reads only what ties a law to the facts;
`instrument(id)` reads one file in full when it is asked for, `instruments()` all of them.

Refused: an unknown word or key, a version without citation or confidence, `corpus` without a source and the date it was
checked, overlapping versions, a deadline without an anchor. Errors name the file, the version, the duty and the key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Any

from models import vocabulary
from models.values import BadInput, Channel, Confidence, Duty, Element, Recipient, Role, Stage
from regimes import reading
from regimes import schema as s
from regimes.reading import Table, anchor, condition, exposed, order_test, place

try:  # the same parser, compiled: docs/discussions/law-cache.md
    import tomli as toml
except ImportError:
    import tomllib as toml  # type: ignore[no-redef]

_RECIPIENTS = {
    Duty.INDIVIDUALS: Recipient.INDIVIDUALS,
    Duty.REGULATOR: Recipient.REGULATOR,
    Duty.MEDIA: Recipient.MEDIA,
    Duty.CRA: Recipient.CONSUMER_REPORTING_AGENCIES,
    Duty.PUBLIC: Recipient.PUBLIC,
    Duty.PROCESSOR_TO_CONTROLLER: Recipient.CONTROLLER,
    Duty.CONTRACT: Recipient.OTHER,
    Duty.INSURER: Recipient.INSURER,
    Duty.REGISTER: Recipient.OTHER,
}
_MET = {
    Duty.INDIVIDUALS: s.MetWhen.DISPATCH,
    Duty.MEDIA: s.MetWhen.POSTING,
    Duty.PUBLIC: s.MetWhen.POSTING,
}
_NOT_INSTRUMENTS = frozenset({"counting.toml", "promise.toml", "severity.toml"})


@cache
def heads() -> dict[str, s.Instrument]:
    """Every instrument by id, in the order of ids, without its versions: enough to say whether it has to do with facts.

    Why: docs/discussions/law-cache.md.
    """
    found = [head for head, _ in _texts()]
    by_id = {head.id: head for head in sorted(found, key=lambda i: i.id)}
    if len(by_id) != len(found):
        ids = [head.id for head in found]
        twice = next(id_ for id_ in ids if ids.count(id_) > 1)
        raise BadInput("regimes", f'two files hold the instrument "{twice}".', "Give one of them another id.")
    return by_id


@cache
def instrument(id_: str) -> s.Instrument:
    """One instrument in full, read once per process. KeyError when no file holds it."""
    for head, text in _texts():
        if head.id == id_:
            return load_instrument(text, head.file)
    raise KeyError(id_)


@cache
def instruments() -> dict[str, s.Instrument]:
    """Every instrument in full, by id. Read once per process."""
    return {id_: instrument(id_) for id_ in heads()}


@cache
def _texts() -> tuple[tuple[s.Instrument, str], ...]:
    return tuple((_head(text, name), text) for name, text in _files())


def _head(text: str, file: str) -> s.Instrument:
    return _instrument(_table(text.partition("\n[[version")[0], file), file, ())


@cache
def counting_rules() -> dict[str, s.CountingRule]:
    """The rules of counting.toml by name."""
    data = toml.loads((files("regimes") / "counting.toml").read_text("utf-8"))
    return {name: _counting(name, row) for name, row in data.items()}


def load_file(path: Path, today: date | None = None) -> s.Instrument:
    """One instrument that is being written. Nobody has checked a source after `today` (None: the machine's)."""
    found = load_instrument(path.read_text("utf-8"), str(path))
    reading.check_readings(found, str(path), today or datetime.now(UTC).date())
    return found


def load_instrument(text: str, file: str) -> s.Instrument:
    """One instrument from its TOML text; `file` names it in errors."""
    table = _table(text, file)
    name = table.text("id")
    rows = table.raw("version", [])
    head = _instrument(table, file, ())  # first, so that errors come in the order of the file
    versions = tuple(_version(Table(row, _version_where(file, row)), name) for row in rows)
    if not versions:
        raise BadInput(file, "has no version.", "Add [[version]].")
    return replace(head, versions=_in_order(versions, file))


def _table(text: str, file: str) -> Table:
    try:
        return Table(toml.loads(text), file)
    except toml.TOMLDecodeError as error:
        raise BadInput(file, f"is not TOML: {error}.", "Mend that line.") from error
    except RecursionError as error:
        raise BadInput(file, "is nested too deep.", "No law here needs more than ten levels.") from error
    except ValueError as error:
        raise BadInput(file, "holds a number that is too long to read.", "Write at most 18 digits.") from error


def _instrument(table: Table, file: str, versions: tuple[s.Version, ...]) -> s.Instrument:
    found = s.Instrument(
        id=reading.identity(table),
        name=table.text("name"),
        place=place(table, "place"),
        kind=table.one_of("kind", table.text("kind"), {"personal_data", "cyber_incident", "sector"}),
        nexus=table.inner("nexus", condition),
        versions=versions,
        zone=table.text("zone", ""),
        file=file,
    )
    table.done()
    return found


def _files() -> Iterator[tuple[str, str]]:
    for path in _walk(files("regimes"), "regimes"):
        yield path[0], path[1].read_text("utf-8")


def _walk(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        path = f"{name}/{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, path)
        elif entry.name.endswith(".toml") and entry.name not in _NOT_INSTRUMENTS:
            yield path, entry


def _version_where(file: str, row: Any) -> str:
    start = row.get("from") if isinstance(row, dict) else None
    return f"{file}: version from {start}" if start else f"{file}: a version without from"


def _in_order(versions: tuple[s.Version, ...], file: str) -> tuple[s.Version, ...]:
    ordered = sorted(versions, key=lambda version: version.from_)
    for before, after in pairwise(ordered):
        if before.until is None or before.until >= after.from_:
            raise BadInput(
                file,
                f"version from {before.from_} overlaps the version from {after.from_}.",
                f"Give the earlier one an until before {after.from_}.",
            )
    return tuple(ordered)


# --- a version ------------------------------------------------------------------------------------------------------


def _version(table: Table, regime: str) -> s.Version:
    start = table.day("from")
    if start is None:
        raise table.bad("from", "is missing.", "Add the day from which this version applies.")
    confidence = table.word("confidence", Confidence)
    found = s.Version(
        regime=regime,
        from_=start,
        until=table.day("until"),
        status=table.word("status", s.Status, s.Status.IN_FORCE),
        citation=table.text("citation"),
        sources=table.texts("sources"),
        checked=table.day("checked"),
        confidence=confidence,
        transition=_optional_anchor(table, "transition"),
        counting=_counting_name(table, "calendar"),
        duties=(),
        applies=table.inner("applies", condition),
        personal_information=table.inner("personal_information", condition),
        exceptions=table.rows("exceptions", condition),
        orders=table.rows("order", _order),
        law_enforcement=table.inner("law_enforcement", _law_enforcement),
        notice=table.inner("notice", _notice),
        substitute=table.rows("substitute", _substitute),
        reports=table.rows("report", _report),
        retention=table.text("retention", ""),
        notes=table.texts("notes"),
        omits=table.texts("omits"),
    )
    _check_backing(table, found)
    duties = tuple(_duty(Table(row, _duty_where(table, row)), found) for row in table.raw("duty", []))
    table.done()
    return _with_duties(found, duties)


def _with_duties(version: s.Version, duties: tuple[s.DutyRule, ...]) -> s.Version:
    parts = {name: getattr(version, name) for name in s.Version.__slots__}
    return s.Version(**parts | {"duties": duties})


def _check_backing(table: Table, version: s.Version) -> None:
    if version.confidence is Confidence.CORPUS and not (version.sources and version.checked):
        raise table.bad(
            "confidence", '"corpus" needs sources and the day they were checked.', "Add sources = […] and checked."
        )
    if version.confidence is not Confidence.CORPUS and version.checked is not None:
        raise table.bad("checked", f"cannot stand beside confidence {version.confidence}.", "Take it away.")
    if version.until is not None and version.until < version.from_:
        raise table.bad("until", "is before from.")


def _optional_anchor(table: Table, key: str) -> str:
    value = table.text(key, "")
    return anchor(table, key, value) if value else ""


def _counting_name(table: Table, default: str) -> str:
    name = table.text("counting", default)
    return table.one_of("counting", name, counting_rules().keys()) if name else ""


def _counting(name: str, row: Any) -> s.CountingRule:
    table = Table(row, f"regimes/counting.toml: {name}")
    found = s.CountingRule(
        name=name,
        citation=table.text("citation"),
        text=table.text("text"),
        confidence=table.word("confidence", Confidence),
        sources=table.texts("sources"),
        next_full_hour=table.flag("next_full_hour"),
        event_day=table.whole("event_day") or 0,
        roll=tuple(table.words("roll", s.Unit)),
        roll_hour=table.whole("roll_hour") or 24,
        weekend=tuple(table.raw("weekend", [5, 6])),
        closed=table.texts("closed"),
        working_holidays=table.texts("working_holidays"),
        disputed_working_days=table.whole("disputed_working_days") or 0,
        disputed_citation=table.text("disputed_citation", ""),
    )
    table.done()
    return found


# --- a duty ---------------------------------------------------------------------------------------------------------


def _duty_where(version: Table, row: Any) -> str:
    name = row.get("duty", "?") if isinstance(row, dict) else "?"
    file, _, rest = version.where.partition(": ")
    return f'{file}: duty "{name}", {rest}'


def _duty(table: Table, version: s.Version) -> s.DutyRule:
    duty = table.word("duty", Duty)
    confidence = table.word("confidence", Confidence, version.confidence)
    deadlines = table.rows("deadline", _deadline)
    if not deadlines:
        raise table.bad(
            "deadline", "is missing.", "Add [[version.duty.deadline]]; leave value away when the law gives no number."
        )
    _check_order(table, deadlines)
    found = s.DutyRule(
        duty=duty,
        recipient=table.word("recipient", Recipient, _RECIPIENTS[duty]),
        stage=table.word("stage", Stage, Stage.INITIAL),
        citation=table.text("citation"),
        confidence=confidence,
        checked=version.checked if confidence is Confidence.CORPUS else None,
        authorities=table.rows("authority", _authority),
        when=table.inner("when", condition),
        deadlines=deadlines,
        combine=_combine(table, len(deadlines)),
        qualifier=table.text("qualifier", ""),
        per=table.word("per", s.Per, s.Per.INSTRUMENT),
        place=place(table, "place", ""),
        reach=table.word("reach", s.Reach, s.Reach.RESIDENTS),
        met_when=table.word("met_when", s.MetWhen, _MET.get(duty, s.MetWhen.RECEIPT)),
        roles=tuple(table.one_of("roles", role, {"controller", "processor"}) for role in table.texts("roles")),
        tolled=table.flag("tolled", duty in (Duty.INDIVIDUALS, Duty.MEDIA, Duty.PUBLIC)),
        name=table.text("name", ""),
        voluntary=table.flag("voluntary"),
        despite_exceptions=table.flag("despite_exceptions"),
    )
    table.done()
    return found


def _combine(table: Table, deadlines: int) -> str:
    how = table.one_of("combine", table.text("combine", "earliest"), frozenset(s.COMBINE))
    if how == "capped" and deadlines != 2:
        raise table.bad("combine", '"capped" takes two deadlines.', "Write the period first, then its cap.")
    return how


def _check_order(table: Table, deadlines: tuple[s.Deadline, ...]) -> None:
    when = table.inner("when", condition)
    if any(period.anchor == "order" for period in deadlines) and order_test(when) is None:
        raise table.bad(
            "deadline", 'with from = "order" needs a condition that names the order.', "Add when = { ordered_by = … }."
        )


def _authority(table: Table) -> s.Authority:
    return s.Authority(table.text("slug"), table.text("name"), table.text("filing", ""), place(table, "place", ""))


_OTHER_ANCHORS = frozenset({"submission", "year_end", "harm_unlikely_determined", "order"})


def _deadline(table: Table) -> s.Deadline:
    value = table.whole("value")
    unit = table.word("unit", s.Unit) if table.has("unit") else None
    if (value is None) != (unit is None) and unit is not s.Unit.FIXED_DATE:
        raise table.bad("unit", "and value go together.", "Give both, or neither when the law gives no number.")
    if not table.has("from"):
        raise table.bad(
            "from", "is missing: a deadline needs an anchor.", 'Add from = "discovered", or what the law counts from.'
        )
    reading.check_figures(table, value, unit)
    start = anchor(table, "from", table.text("from"), _OTHER_ANCHORS)
    if start == "order" and value is not None:
        raise table.bad("value", 'does not go with from = "order".', "The order itself names the time.")
    return s.Deadline(
        value=value,
        unit=unit,
        anchor=start,
        else_from=tuple(anchor(table, "else_from", word) for word in table.texts("else_from")),
        safe_from=tuple(anchor(table, "safe_from", word) for word in table.texts("safe_from")),
        submission=_submission(table, start),
        year_of=anchor(table, "year_of", table.text("year_of")) if start == "year_end" else "",
        month=table.whole("month") or 0,
        day=table.whole("day") or 0,
        counting=_counting_name(table, ""),
        qualifier=table.text("qualifier", ""),
        citation=table.text("citation", ""),
    )


def _submission(table: Table, start: str) -> s.SubmissionRef | None:
    found = table.inner("of", _earlier)
    if (start == "submission") != (found is not None):
        raise table.bad("of", 'goes with from = "submission".', 'Write of = { duty = "individuals" }.')
    return found


def _earlier(table: Table) -> s.SubmissionRef:
    form = table.text("form", "")
    if form:
        table.one_of("form", form, {"oral", "written"})
    return s.SubmissionRef(table.word("duty", Duty), table.text("stage", ""), table.text("regime", ""), form)


def _order(table: Table) -> s.PrecedenceRule:
    return s.PrecedenceRule(
        before=table.word("before", Duty),
        after=table.word("after", Duty),
        enforcement=table.word("enforcement", s.Enforcement),
        citation=table.text("citation"),
        because=table.text("because"),
        confidence=table.word("confidence", Confidence, Confidence.CORPUS),
    )


def _law_enforcement(table: Table) -> s.LawEnforcement:
    if table.has("resume_days") and table.has("resume_business_days"):
        raise table.bad("resume_days", "and resume_business_days exclude each other.", "Keep the one of the law.")
    return s.LawEnforcement(
        citation=table.text("citation"),
        oral_days=table.whole("oral_days"),
        resume_days=table.whole("resume_days") or 0,
        resume_business_days=table.whole("resume_business_days") or 0,
        confidence=table.word("confidence", Confidence, Confidence.CORPUS),
    )


# --- texts ----------------------------------------------------------------------------------------------------------


def _notice(table: Table) -> s.Notice:
    found = _notice_of(table)
    if found.none_prescribed and found.elements:
        raise table.bad("none_prescribed", "cannot stand beside elements.", "Take one of them away.")
    if found.none_prescribed and not found.citation:
        raise table.bad("none_prescribed", "needs a citation.", "Add citation = the section that was read.")
    return found


def _notice_of(table: Table) -> s.Notice:
    return s.Notice(
        elements=table.rows("elements", _content),
        prohibited=tuple(
            table.one_of("prohibited", word, {"nature_of_breach", "number_of_residents"})
            for word in table.texts("prohibited")
        ),
        form=table.text("form", ""),
        supplement=table.text("supplement", ""),
        channels=table.rows("channels", _channel),
        monitoring=table.rows("monitoring", _monitoring),
        languages=table.texts("languages"),
        credentials_not_to_same_mailbox=table.flag("credentials_not_to_same_mailbox"),
        next_of_kin=table.flag("next_of_kin"),
        none_prescribed=table.flag("none_prescribed"),
        citation=table.text("citation", ""),
    )


def _content(table: Table) -> s.ContentItem:
    return s.ContentItem(
        element=table.word("element", Element),
        citation=table.text("citation"),
        exposed=exposed(table, "exposed"),
        when=table.inner("when", condition),
        confidence=table.word("confidence", Confidence, Confidence.CORPUS),
        note=table.text("note", ""),
    )


def _channel(table: Table) -> s.ChannelRule:
    return s.ChannelRule(
        channel=table.word("channel", Channel),
        when=table.word("when", s.ChannelWhen, s.ChannelWhen.ALWAYS),
        together_with=table.words("together_with", Channel),
        citation=table.text("citation", ""),
        because=table.text("because", ""),
        confidence=table.word("confidence", Confidence, Confidence.CORPUS),
        live=table.flag("live"),
    )


def _monitoring(table: Table) -> s.Monitoring:
    months = table.whole("months")
    if not months:
        raise table.bad("months", "is missing.")
    return s.Monitoring(
        months=months,
        exposed=exposed(table, "exposed"),
        citation=table.text("citation"),
        when=table.inner("when", condition),
        confidence=table.word("confidence", Confidence, Confidence.CORPUS),
        note=table.text("note", ""),
    )


def _substitute(table: Table) -> s.SubstituteTier:
    when = table.inner("when", condition)
    if when is None:
        raise table.bad("when", "is missing.", "Say what opens this tier.")
    return s.SubstituteTier(
        id=table.text("id"),
        when=when,
        force=table.word("force", s.Force),
        means=table.words("means", s.Means),
        mode=table.one_of("mode", table.text("mode", "all"), frozenset(s.MODES)),
        citation=table.text("citation"),
        because=table.text("because"),
        confidence=table.word("confidence", Confidence, Confidence.CORPUS),
        days=table.whole("days"),
        toll_free_days=table.whole("toll_free_days"),
        beside=table.flag("beside"),
        not_for=table.words("not_for", Role),
    )


def _report(table: Table) -> s.Report:
    known = frozenset(vocabulary.load("report")["report"])

    def item(row: Table) -> s.ReportItem:
        element = row.one_of("element", row.text("element"), known)
        return s.ReportItem(element, row.text("citation", ""), row.inner("when", condition))

    plain = tuple(s.ReportItem(table.one_of("elements", word, known)) for word in table.texts("elements"))
    return s.Report(
        form=table.text("form", ""),
        items=plain + table.rows("items", item),
        authorities=table.texts("authorities"),
        stages=table.words("stages", Stage),
        citation=table.text("citation", ""),
    )


def law_on(instrument: s.Instrument, day: date) -> s.Version | None:
    """The version in force on a day."""
    for version in instrument.versions:
        if version.from_ <= day and (version.until is None or day <= version.until):
            return version
    return None
