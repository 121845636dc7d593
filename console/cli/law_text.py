"""`tocsin law show`: an instrument as a lawyer reads it in a terminal of 80 columns, part by part.

Every field of the schema is printed when the file fills it: what has no layout of its own below gets a plain one, so a
new key of the law can't be left out by forgetting it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from enum import StrEnum
from textwrap import wrap
from typing import Any

from console.cli import law_labels as labels
from models.values import Confidence, Duty
from models.vocabulary import place_name
from regimes import describe
from regimes import schema as s
from regimes.load import counting_rules

WIDTH = 80
_LABEL = 15  # columns of the names on the left


class Part(StrEnum):
    """What `--part` can ask for."""

    LAW = "law"  # the version: status, citation, sources, confidence, counting
    SCOPE = "scope"  # to whom it applies, what must have been exposed, exceptions
    DUTY = "duty"  # who is told, if what, by when
    ORDER = "order"  # who is told before whom, and what a delay for law enforcement does
    NOTICE = "notice"  # what the notice to individuals must be
    SUBSTITUTE = "substitute"  # when another notice takes its place
    REPORT = "report"  # what a report to an authority holds
    NOTES = "notes"  # retention, notes, what the file leaves out


_PARTS: dict[str, Part] = {  # where a field of a version stands; any other is among the notes
    **dict.fromkeys(("status", "citation", "sources", "checked", "confidence", "transition", "counting"), Part.LAW),
    **dict.fromkeys(("applies", "personal_information", "exceptions"), Part.SCOPE),
    "duties": Part.DUTY,
    **dict.fromkeys(("orders", "law_enforcement"), Part.ORDER),
    "notice": Part.NOTICE,
    "substitute": Part.SUBSTITUTE,
    "reports": Part.REPORT,
}
_HEADS: frozenset[str] = frozenset({"regime", "from_", "until"})  # said by the heading of the version


def parts_of(part: Part) -> tuple[str, ...]:
    """The fields of a version that belong to a part."""
    return tuple(f.name for f in fields(s.Version) if f.name not in _HEADS and _PARTS.get(f.name, Part.NOTES) is part)


def fields_of(parts: Iterable[Part]) -> frozenset[str]:
    """The keys of `describe.as_data` that belong to these parts, with those that say which version it is."""
    wanted = {name for part in parts for name in parts_of(part)}
    return frozenset({"id", "from", "until"} | wanted)


def listed(instrument: s.Instrument) -> list[str]:
    """An instrument in two or three lines, for a list of them."""
    now = instrument.versions[-1]
    standing = now.confidence.value if now.status is s.Status.IN_FORCE else f"{now.confidence}, {_plain(now.status)}"
    earlier = f", {len(instrument.versions) - 1} earlier" if len(instrument.versions) > 1 else ""
    head = f"{instrument.id:<22}{instrument.place:<7}from {now.from_}{earlier} ({standing})"
    duties = ", ".join(dict.fromkeys(_who(rule) for rule in now.duties)) or "nobody"
    return [head, *_wrapped(f"{instrument.name}; tells {duties}", "    ", hang=False)]


def text(instrument: s.Instrument, versions: Sequence[s.Version], parts: Iterable[Part] = tuple(Part)) -> str:
    """The instrument with these versions, the latest first, as far as the parts go."""
    lines = [
        *_wrapped(f"{instrument.id}: {instrument.name}", "", hang=True),
        *_row("Place", _place(instrument.place), 0),
    ]
    lines += _row("Kind", _plain(instrument.kind), 0) + _row("Tied by", _test(instrument.nexus), 0)
    lines += [*_row("Time zone", instrument.zone, 0), *_row("File", instrument.file, 0)]
    wanted = list(parts)
    for version in reversed(versions):
        lines += ["", *_version(version, wanted)]
    return "\n".join(lines)


def _version(version: s.Version, parts: Iterable[Part]) -> Iterator[str]:
    span = f"{version.from_} to {version.until}" if version.until else f"from {version.from_} on"
    yield f"VERSION {span}".ljust(WIDTH - len(version.id) - 2, " ") + f"[{version.id}]"
    yield "=" * WIDTH
    for part in parts:
        lines = [line for name in parts_of(part) for line in _field(version, name, 2)]
        if lines:
            yield from ([] if part is Part.LAW else ["", part.value.upper()])
            yield from lines[1:] if lines[0] == "" else lines


# --- fields ---------------------------------------------------------------------------------------------------------

_TITLES: dict[type, Callable[[Any], str]] = {  # values that are a block of their own
    s.DutyRule: lambda rule: f"Tell {_who(rule)}, {_plain(rule.stage)}{_named(rule)}",
    s.PrecedenceRule: lambda rule: f"{_plain(rule.before)} before {_plain(rule.after)}",
    s.LawEnforcement: lambda _: "a delay that law enforcement asks for",
    s.Notice: lambda _: "",
    s.SubstituteTier: lambda tier: f"{_plain(tier.force)}: {tier.id}",
    s.Report: lambda report: f"form {report.form}" if report.form else "report",
}
_TITLED: dict[type, frozenset[str]] = {  # the fields that a title or a head says
    s.DutyRule: frozenset({"recipient", "stage", "duty", "checked", "name"}),
    s.PrecedenceRule: frozenset({"before", "after"}),
    s.SubstituteTier: frozenset({"force", "id"}),
    s.Report: frozenset({"form"}),
    s.ContentItem: frozenset({"element"}),
    s.ChannelRule: frozenset({"channel", "when"}),
    s.Monitoring: frozenset({"months"}),
    s.Authority: frozenset({"name"}),
    s.ReportItem: frozenset({"element"}),
    s.Deadline: frozenset({"value", "unit", "anchor", "submission", "year_of", "month", "day"}),
}
_ITEMS: dict[type, Callable[[Any], str]] = {  # values that are one line of a list
    s.ContentItem: lambda item: _plain(item.element),
    s.ChannelRule: lambda rule: f"{_plain(rule.channel)}, {labels.WAYS[rule.when]}",
    s.Monitoring: lambda offer: f"{offer.months} months of monitoring",
    s.Authority: lambda authority: authority.name,
    s.ReportItem: lambda item: _plain(item.element),
    s.Deadline: describe.deadline,
}


_NOTHING: tuple[Any, ...] = (None, "", (), frozenset())


def _field(owner: Any, name: str, depth: int) -> list[str]:
    value = getattr(owner, name)
    own = labels.LABELS.get((type(owner), name)) or labels.LABELS.get((None, name))
    label = own or _plain(name).strip().capitalize()
    first = value[0] if isinstance(value, tuple) and value else value
    if type(first) in _TITLES:
        return [
            line for item in (value if isinstance(value, tuple) else (value,)) for line in ["", *_block(item, depth)]
        ]
    return _row(label, _said(owner, name, value), depth)


def _block(value: Any, depth: int) -> list[str]:
    """A value with a title and its fields; the blocks of a part stand apart."""
    title, said = _TITLES[type(value)](value), _TITLED.get(type(value), frozenset())
    inner = depth + 2 if title else depth
    lines = [f"{' ' * depth}{title}"] if title else []
    return [*lines, *(line for f in fields(value) if f.name not in said for line in _field(value, f.name, inner))]


def _said(owner: Any, name: str, value: Any) -> str | list[str]:
    """What stands to the right of a label: a text, or a list with one item per line; empty when nothing is stated."""
    if special := _SPECIAL.get((type(owner), name)):
        return special(owner)
    if value in _NOTHING or value is False or value == 0:
        return ""
    if value is True:
        return labels.YES.get(name, "yes")
    if isinstance(value, s.Condition):
        return _test(value)
    if isinstance(value, tuple):
        return _several(name, value)
    return _plain(value)


def _several(name: str, values: tuple[Any, ...]) -> str | list[str]:
    if all(isinstance(value, s.Condition) for value in values):
        return _tree(s.Either(values)) if len(values) > 1 else _test(values[0])
    if type(values[0]) in _ITEMS:
        said = [_item(value) for value in values]
        return (
            ", ".join(said) if all(item == _ITEMS[type(v)](v) for item, v in zip(said, values, strict=True)) else said
        )
    plain = [value if type(value) is str else _plain(value) for value in values]
    return plain if name in ("sources", "notes", "omits") else ", ".join(plain)


def _item(value: Any) -> str:
    """One line of a list: its head, then what else the file says of it."""
    kind = type(value)
    said = {}
    for part in fields(value):
        found = getattr(value, part.name)
        if part.name not in _TITLED[kind] and found not in (*_NOTHING, 0, Confidence.CORPUS):
            said[part.name] = labels.PHRASES.get(part.name, _plain(part.name) + " {}").format(_inline(part.name, found))
    head = [_ITEMS[kind](value), *(said.pop(name) for name in ("slug", "citation") if name in said)]
    return "; ".join([" ".join(head), *said.values()])


def _inline(name: str, value: Any) -> str:
    if isinstance(value, s.Condition):
        return describe.condition(value)
    if isinstance(value, tuple | frozenset):
        return ", ".join(_plain(item) for item in (value if isinstance(value, tuple) else sorted(value)))
    return f"{value}: {labels.BACKING[value]}" if name == "confidence" else str(value)


def _backing(owner: Any) -> str:
    checked = f" on {owner.checked}" if getattr(owner, "checked", None) else ""
    return f"{owner.confidence}: {labels.BACKING[owner.confidence]}{checked}"


def _counting(version: s.Version) -> list[str]:
    rule = counting_rules()[version.counting]
    weak = "" if rule.confidence is Confidence.CORPUS else f" {_backing(rule)}."
    return [rule.name, f"{rule.text} ({rule.citation}){weak}"]


def _which(version: s.Version) -> str:
    anchor = f"times.{version.transition}" if version.transition else "the time from which each duty counts"
    return f"the one in force at {anchor}"


def _who(rule: s.DutyRule) -> str:
    return "the internal register" if rule.duty is Duty.REGISTER else _plain(rule.recipient)


def _named(rule: s.DutyRule) -> str:
    """What tells a duty from its neighbours, when its addressee does not say it."""
    own = [] if rule.duty.value == rule.recipient.value or rule.duty is Duty.REGISTER else [_plain(rule.duty)]
    own += [rule.name] if rule.name else []
    return f" ({', '.join(own)})" if own else ""


def _form(notice: s.Notice) -> list[str]:
    """The prescribed form with its headings, in their order, as the English words have them."""
    if not notice.form:
        return []
    from templates.words import outline, table

    heads = table("en/headings.toml").get(notice.form, {})
    order = [heads.get(section["heading"], "") for section in outline("en", notice.form)]
    return [notice.form, *(f"heading: {head}" for head in order if head)]


def _open(version: s.Version, said: str) -> str:
    """Said where people must be told and the file leaves something open."""
    return said if any(rule.duty is Duty.INDIVIDUALS for rule in version.duties) else ""


def _unsaid(notice: s.Notice) -> str:
    return "" if notice.none_prescribed else labels.NO_CONTENT


def _word(words: dict[str, str], name: str) -> Callable[[Any], str]:
    return lambda owner: words.get(getattr(owner, name), _plain(getattr(owner, name)))


def _combined(rule: s.DutyRule) -> list[str]:
    lines = [_item(period) for period in rule.deadlines]
    head = labels.COMBINED.get(rule.combine, f"the {rule.combine} of:")
    return [head, *lines] if len(lines) > 1 else lines


_SPECIAL: dict[tuple[type, str], Callable[[Any], str | list[str]]] = {
    (s.Version, "transition"): _which,
    (s.Version, "counting"): _counting,
    (s.Version, "checked"): lambda _: "",  # said with the confidence
    (s.Version, "personal_information"): lambda version: (
        _test(version.personal_information) or _open(version, labels.ANY_DATA)
    ),
    (s.Version, "notice"): lambda version: _open(version, labels.NO_CONTENT),
    (s.Notice, "elements"): lambda notice: (
        _several("elements", notice.elements) if notice.elements else _unsaid(notice)
    ),
    (s.DutyRule, "deadlines"): _combined,
    (s.DutyRule, "combine"): lambda _: "",  # said with the deadlines
    (s.DutyRule, "when"): lambda rule: _test(rule.when) or "always",
    (s.DutyRule, "per"): _word(labels.PER, "per"),
    (s.DutyRule, "reach"): _word(labels.REACH, "reach"),
    (s.DutyRule, "met_when"): _word(labels.MET, "met_when"),
    (s.SubstituteTier, "mode"): _word(labels.MODES, "mode"),
    (s.Notice, "form"): _form,
    (s.DutyRule, "place"): lambda rule: _place(rule.place),
    **{(kind, "confidence"): _backing for kind in (s.Version, s.DutyRule, s.SubstituteTier, s.PrecedenceRule)},
    (s.LawEnforcement, "confidence"): _backing,
}


# --- words ----------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> str:
    """A word of ours as people write it."""
    if is_dataclass(value) and not isinstance(value, type):
        return ", ".join(_plain(getattr(value, f.name)) for f in fields(value) if getattr(value, f.name))
    return value.isoformat() if isinstance(value, date) else str(value).replace("_", " ")


def _place(place: str) -> str:
    name = place_name(place) if place else ""
    return place if name == place else f"{place} ({name})"


def _test(test: s.Condition | None) -> str | list[str]:
    """A condition: one line while it is simple, else a tree."""
    if test is None:
        return ""
    nested = isinstance(test, s.Every | s.Either) and len(test.of) > 1
    return _tree(test) if nested else _leaf(test)


def _tree(test: s.Condition, depth: int = 0) -> list[str]:
    pad = "  " * depth
    if not isinstance(test, s.Every | s.Either):
        return [f"{pad}{_leaf(test)}"]
    head = "all of:" if isinstance(test, s.Every) else "any of:"
    return [f"{pad}{head}", *(line for part in test.of for line in _tree(part, depth + 1))]


def _leaf(test: s.Condition) -> str:
    """A simple condition with its reason, and what is taken when nobody stated the fact."""
    more = list(dict.fromkeys(_asides(test)))
    return describe.condition(test) + (f" ({'; '.join(more)})" if more else "")


def _asides(test: s.Condition) -> Iterator[str]:
    match test:
        case s.Not():
            yield from _asides(test.of)
        case s.Every() | s.Either():
            for part in test.of:
                yield from _asides(part)
        case _:
            if test.because:
                yield test.because
            if isinstance(test, s.FactTest) and test.assumed is not None:
                yield f"unless stated, taken as {'so' if test.assumed else 'not so'}"


# --- lines ----------------------------------------------------------------------------------------------------------


def _row(label: str, said: str | list[str], depth: int) -> list[str]:
    """A label with what belongs to it, wrapped beside it; a list has one item per line, hanging."""
    pad = " " * (depth + _LABEL + 2)
    items = [said] if isinstance(said, str) else said
    lines = [line for item in items if item for line in _wrapped(item, pad, hang=isinstance(said, list))]
    if lines:
        lines[0] = f"{' ' * depth}{label.ljust(_LABEL)}  {lines[0].removeprefix(pad)}"
    return lines


def _wrapped(item: str, pad: str, hang: bool) -> list[str]:
    inner = pad + " " * (len(item) - len(item.lstrip()))
    return wrap(
        item.strip(),
        WIDTH,
        initial_indent=inner,
        subsequent_indent=inner + ("  " if hang else ""),
        break_long_words=False,
        break_on_hyphens=False,
    )
