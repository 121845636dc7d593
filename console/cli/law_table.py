"""docs/reference/regimes.md, made from the data: what each regime models and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator

from regimes import describe
from regimes.load import instruments
from regimes.schema import DutyRule, Instrument, Version

HEAD = """# What each regime models, and what it leaves out

Made from the files under `regimes/` by `tocsin law list --markdown`; a test holds it equal. It is no legal advice.
*corpus*: a source was read on the day given. *memory*: none was. *conflict*: sources disagree, and the file says which
reading was taken. Whatever rests on memory or conflict is named by `tocsin law check` and warned of by `tocsin assess`.
"""


def markdown() -> str:
    """The whole page."""
    held = list(instruments().values())
    versions = [version for instrument in held for version in instrument.versions]
    duties = sum(len(version.duties) for version in versions)
    count = f"{len(held)} instruments, {len(versions)} versions, {duties} duties.\n"
    return "\n".join([HEAD, count, *(line for instrument in held for line in _section(instrument))])


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
        yield from (f"- Leaves out: {text}" for text in version.omits)
        yield from (f"- {text}" for text in _also(version))
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
    by = f" {rule.combine} of ".join(describe.deadline(period) for period in rule.deadlines)
    weak = "" if rule.confidence is version.confidence else f" ({rule.confidence})"
    cells = (to + stage, describe.condition(rule.when) or "always", by, rule.citation + weak)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _also(version: Version) -> Iterator[str]:
    if version.personal_information is None:
        yield "What must have been exposed is not modelled: any personal data counts."
    if version.substitute:
        yield f"Substitute notice: {'; '.join(describe.condition(tier.when) for tier in version.substitute)}."
    if version.law_enforcement:
        yield f"A delay for law enforcement: {version.law_enforcement.citation}."
