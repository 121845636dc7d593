"""docs/reference/regimes.md, made from the data: what each regime models and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models.values import Confidence, Duty
from regimes import describe
from regimes.load import instruments
from regimes.schema import DutyRule, Instrument, Notice, SubstituteTier, Version, means_said

HEAD = """# What each regime models, and what it leaves out

Made from the files under `regimes/` by `tocsin law list --markdown`; a test holds it equal. It is no legal advice.
*corpus*: a source was read on the day given. *memory*: none was. *conflict*: sources disagree, and the file says which
reading was taken. `tocsin law check --all` names whatever rests on memory or conflict, and `tocsin assess` warns of it.
`tocsin law show REGIME` prints all that is held of one: sources, channels, report contents, filing addresses, notes.
"""
OVERVIEW = """
## All of them

The last version. *Exposed*: whether the file says what must have been exposed; where it does not, any personal data
counts. *Notice*: how many things the notice to individuals must contain; *none prescribed*: the text was read, and it
says nothing. *Weak*: how many parts rest on memory or conflict. A dash: the law tells no individuals.

| regime | place | status | confidence | tells | first clock | exposed | notice | substitute | left out | weak |
|---|---|---|---|---|---|---|---|---|---|---|"""


def markdown() -> str:
    """The whole page."""
    held = list(instruments().values())
    versions = [version for instrument in held for version in instrument.versions]
    duties = sum(len(version.duties) for version in versions)
    count = f"{len(held)} instruments, {len(versions)} versions, {duties} duties."
    overview = [_overview(instrument) for instrument in held]
    return "\n".join([HEAD, count, OVERVIEW, *overview, "", *(line for law in held for line in _section(law))])


# --- one line each --------------------------------------------------------------------------------------------------


def _overview(instrument: Instrument) -> str:
    now = instrument.versions[-1]
    weak = sum(part.owner == now.id for part in describe.weak([instrument]))
    cells = (
        f"[{instrument.id}](#{instrument.id})",
        instrument.place,
        now.status.value.replace("_", " "),
        now.confidence.value,
        ", ".join(dict.fromkeys(rule.duty.value.replace("_", " ") for rule in now.duties)) or "nobody",
        _first_clock(now),
        *_told(now),
        str(len(now.omits)),
        str(weak),
    )
    return _cells(cells)


def _first_clock(version: Version) -> str:
    """The clock of the first duty that gives a number, as the file has them."""
    periods = (period for rule in version.duties for period in rule.deadlines if period.unit is not None)
    first = next(periods, None)
    return describe.deadline(first) if first else "no number"


def _told(version: Version) -> tuple[str, str, str]:
    """What is known of notices to individuals: what must have been exposed, the content, substitute notice."""
    if not any(rule.duty is Duty.INDIVIDUALS for rule in version.duties):
        return ("—", "—", "—")
    notice = version.notice
    content = "not modelled"
    if notice and notice.content_settled:
        content = str(len(notice.elements)) if notice.elements else "none prescribed"
    return ("yes" if version.personal_information else "no", content, str(len(version.substitute)))


# --- one section each -----------------------------------------------------------------------------------------------


def _section(instrument: Instrument) -> Iterator[str]:
    yield f"## {instrument.id}\n"
    yield f"{instrument.name}; place {instrument.place}, {instrument.kind.replace('_', ' ')}.\n"
    for version in reversed(instrument.versions):
        status = version.status.value.replace("_", " ")
        yield f"**{_span(version)}**, {status}: {version.citation} ({_backing(version)}).\n"
        if version.duties:
            yield "| tells | when | by when | citation |"
            yield "|---|---|---|---|"
            yield from (_row(rule, version) for rule in version.duties)
            yield ""
        yield from (f"- {text}" for text in _also(version))
        yield from (f"- Leaves out: {text}" for text in version.omits)
        yield ""


def _span(version: Version) -> str:
    return f"{version.from_.isoformat()} to {version.until.isoformat()}" if version.until else f"from {version.from_}"


def _backing(version: Version) -> str:
    return f"{version.confidence}, checked {version.checked}" if version.checked else version.confidence.value


def _row(rule: DutyRule, version: Version) -> str:
    to = ", ".join(authority.name for authority in rule.authorities[:3]) or rule.recipient.value.replace("_", " ")
    more = len(rule.authorities) - 3
    to += f" and {more} more" if more > 0 else ""
    stage = "" if rule.stage == "initial" else f" ({rule.stage.replace('_', ' ')})"
    weak = "" if rule.confidence is version.confidence else f" ({rule.confidence})"
    cells = (to + stage, describe.condition(rule.when) or "always", describe.clock(rule), rule.citation + weak)
    return _cells(cells)


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _also(version: Version) -> Iterator[str]:
    if version.applies:
        yield f"Applies if: {describe.condition(version.applies)}."
    people = any(rule.duty is Duty.INDIVIDUALS for rule in version.duties)
    if version.personal_information:
        yield f"Exposed must be: {describe.condition(version.personal_information)}."
    elif people:
        yield "What must have been exposed is not modelled: any personal data counts."
    if version.exceptions:
        yield f"Nothing owed if: {'; or '.join(describe.condition(test) for test in version.exceptions)}."
    if people:
        yield _content(version.notice)
    yield from _offers(version.notice)
    if version.substitute:
        yield f"Substitute notice: {'; '.join(_tier(tier) for tier in version.substitute)}."
    for order in version.orders:
        yield f"Order: {_plain(order.before)} before {_plain(order.after)} ({order.citation})."
    if version.law_enforcement:
        yield f"A delay for law enforcement: {version.law_enforcement.citation}."
    for report in version.reports:
        yield f"Report {report.form}: {', '.join(_plain(item.element) for item in report.items)}."


def _content(notice: Notice | None) -> str:
    if notice is None or not notice.content_settled:
        return "The notice to individuals: its content is not modelled."
    if notice.none_prescribed:
        return f"The notice to individuals: the law prescribes no content ({notice.citation})."
    items = [
        _plain(item.element) + ("" if item.confidence is Confidence.CORPUS else f" ({item.confidence})")
        for item in notice.elements
    ]
    return f"The notice to individuals must contain: {', '.join(items)}."


def _offers(notice: Notice | None) -> Iterator[str]:
    if notice is None:
        return
    if notice.form:
        yield f"Prescribed form: {notice.form}."
    if notice.prohibited:
        yield f"It must not say: {', '.join(_plain(word) for word in notice.prohibited)}."
    if notice.languages:
        yield f"Languages: {', '.join(notice.languages)}."
    if notice.channels:
        yield f"Ways of telling: {', '.join(dict.fromkeys(_plain(rule.channel) for rule in notice.channels))}."
    for offer in notice.monitoring:
        yield f"Monitoring to be offered: {offer.months} months ({offer.citation})."


def _tier(tier: SubstituteTier) -> str:
    weak = "" if tier.confidence is Confidence.CORPUS else f" ({tier.confidence})"
    return f"{tier.force.value} if {describe.condition(tier.when)}: {means_said(tier.mode, tier.means)}{weak}"


def _plain(word: str) -> str:
    return str(word).replace("_", " ")
