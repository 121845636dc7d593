"""Who gets the same words: people with the same content, language, role and exposed elements are one segment.

Places whose laws ask for the same are merged; laws that contradict each other are split into separate letters. Pure.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final, Protocol

from models.facts import Facts
from models.values import BadInput, Duty, Element, Person, Refused, Role, SegmentSpec
from regimes import promise, schema
from regimes.conditions import Truth, evaluate

GENERAL: Final = "general"
_ORDER: Final = {element: n for n, element in enumerate(Element)}

# What a prohibition forbids a law's companions to demand.
FORBIDS: Final[Mapping[str, frozenset[Element]]] = {
    "nature_of_breach": frozenset({Element.WHAT_HAPPENED, Element.CAUSE}),
    "number_of_residents": frozenset(),
}
# What every notice says anyway: a law that demands it asks for the same as one that does not.
ALWAYS: Final = frozenset(
    {
        Element.WHAT_HAPPENED,
        Element.CAUSE,
        Element.DATE_OF_BREACH,
        Element.DATE_OF_DISCOVERY,
        Element.DATA_INVOLVED,
        Element.LIKELY_CONSEQUENCES,
        Element.MEASURES,
        Element.SELF_PROTECTION,
        Element.REMEDY,
        Element.CONTACT,
        Element.CONTACT_TOLL_FREE,
        Element.ORGANISATION_NAME,
        Element.PARENT_NAME,
    }
)
TOLD: Final = frozenset({Duty.INDIVIDUALS})
TOLD_CUSTOMERS: Final = frozenset({Duty.PROCESSOR_TO_CONTROLLER, Duty.CONTRACT})


class Owed(Protocol):
    """What segments need of an obligation (regimes.assess.Obligation)."""

    @property
    def regime(self) -> str: ...
    @property
    def duty(self) -> Duty: ...
    @property
    def jurisdiction(self) -> str | None: ...
    @property
    def law_version(self) -> str: ...
    def covers(self, residence: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class LawNotice:
    """What one law demands of the notice to individuals."""

    law: str  # regime id
    notice: schema.Notice
    place: str = ""


@dataclass(frozen=True, slots=True)
class ContentClass:
    """Content that one letter carries: a prescribed form or the general one, and what laws add to it."""

    form: str
    elements: tuple[Element, ...]
    prohibited: tuple[str, ...]
    supplements: tuple[str, ...]
    monitoring_months: int
    laws: tuple[str, ...]

    @property
    def id(self) -> str:
        """The same for laws that ask for the same words."""
        extra = [element.value for element in self.elements if element not in ALWAYS]
        months = [f"monitoring-{self.monitoring_months}"] if self.monitoring_months else []
        return "+".join([self.form, *self.supplements, *extra, *months])


@dataclass(frozen=True, slots=True)
class Key:
    """A segment without its channel."""

    content_class: ContentClass
    laws: tuple[str, ...]
    language: str
    role: Role
    blocks: tuple[str, ...]
    exposed: tuple[str, ...]

    @property
    def text(self) -> str:
        """Stable: the same people get the same text in every run. Laws that ask for the same share it."""
        return "/".join((self.content_class.id, self.language, self.role.value, "+".join(self.exposed) or "-"))

    def spec(self) -> SegmentSpec:
        content = self.content_class
        return SegmentSpec(
            segment=self.text,
            language=self.language,
            role=self.role,
            form=content.form,
            laws=self.laws,
            elements=content.elements,
            supplements=content.supplements,
            blocks=self.blocks,
            exposed=self.exposed,
            monitoring_months=content.monitoring_months,
        )


# --- blocks ---------------------------------------------------------------------------------------------------------


@cache
def block_table() -> Mapping[str, str]:
    """Element -> the block that explains it, in the blocks' order (planning/blocks.toml)."""
    rows: dict[str, list[str]] = tomllib.loads((files("planning") / "blocks.toml").read_text("utf-8"))
    return {element: block for block, elements in rows.items() for element in elements}


def fold_blocks(elements: Iterable[str]) -> tuple[str, ...]:
    """The blocks that explain these elements, each once, the most pressing first."""
    table = block_table()
    own = set(elements)
    if unknown := sorted(own - table.keys()):
        raise BadInput("planning/blocks.toml", f"element {unknown[0]!r} has no block.", "Add it to one.")
    return tuple(dict.fromkeys(block for element, block in table.items() if element in own))


def order_exposed(elements: Iterable[str]) -> tuple[str, ...]:
    """Elements in the order in which a notice names them: by block, the most pressing first."""
    own = set(elements)
    fold_blocks(own)
    return tuple(element for element in block_table() if element in own)


# --- laws -----------------------------------------------------------------------------------------------------------


def laws_for(person: Person, obligations: Iterable[Owed]) -> tuple[str, ...]:
    """Regime ids of the laws and promises by which this person must be told, in a stable order."""
    return tuple(sorted({owed.regime for owed in obligations if _concerns(person, owed)}))


def _concerns(person: Person, owed: Owed) -> bool:
    if person.role is Role.CUSTOMER_ORGANISATION:
        return owed.duty in TOLD_CUSTOMERS
    return owed.duty in TOLD and owed.covers(person.residence)


def notices_for(
    person: Person,
    obligations: Iterable[Owed],
    instruments: Mapping[str, schema.Instrument],
    facts: Facts | None = None,
) -> tuple[LawNotice, ...]:
    """What each law that concerns this person demands of the notice; a law that demands nothing has an empty rule."""
    return _rules((owed for owed in obligations if _concerns(person, owed)), instruments, facts)


def rules_for(
    laws: Iterable[str],
    obligations: Iterable[Owed],
    instruments: Mapping[str, schema.Instrument],
    facts: Facts,
) -> tuple[LawNotice, ...]:
    """What the laws of a segment demand: each version that an obligation rests on, every promise by itself."""
    own = set(laws)
    told = TOLD | TOLD_CUSTOMERS
    return _rules((owed for owed in obligations if owed.regime in own and owed.duty in told), instruments, facts)


def _rules(
    obligations: Iterable[Owed], instruments: Mapping[str, schema.Instrument], facts: Facts | None
) -> tuple[LawNotice, ...]:
    found: dict[tuple[str, str], LawNotice] = {}
    for owed in obligations:
        at = (owed.regime, owed.law_version)
        if at not in found:
            found[at] = LawNotice(owed.regime, notice_of(owed, instruments, facts), owed.jurisdiction or "")
    return tuple(found[at] for at in sorted(found))


def notice_of(owed: Owed, instruments: Mapping[str, schema.Instrument], facts: Facts | None = None) -> schema.Notice:
    """What the version that an obligation rests on demands; a promise's terms stand in the facts."""
    if owed.regime == promise.REGIME:
        found = promise.version(facts, owed.law_version).notice if facts and owed.law_version else None
    else:
        found = instruments[owed.regime].version(owed.law_version).notice
    return found or schema.Notice()


def demanded(rule: LawNotice, exposed: Iterable[str], facts: Facts | None) -> tuple[schema.ContentItem, ...]:
    """The items that a law demands of people who lost these elements. An open condition counts as met."""
    own = set(exposed)
    return tuple(
        item
        for item in rule.notice.elements
        if (not item.exposed or item.exposed & own) and _holds(item.when, facts, rule.place)
    )


def _holds(condition: schema.Condition | None, facts: Facts | None, place: str) -> bool:
    if condition is None or facts is None:
        return True
    return evaluate(condition, facts, place).truth is not Truth.FALSE


def offers(rule: LawNotice, exposed: Iterable[str], facts: Facts | None) -> tuple[schema.Monitoring, ...]:
    """The identity-theft services that a law demands to be offered free to people who lost these elements."""
    own = set(exposed)
    return tuple(m for m in rule.notice.monitoring if m.exposed & own and _holds(m.when, facts, rule.place))


# --- content classes ------------------------------------------------------------------------------------------------


def content_classes(
    rules: Sequence[LawNotice], exposed: Iterable[str], facts: Facts | None = None
) -> tuple[ContentClass, ...]:
    """The letters that satisfy all these laws: one, unless two of them contradict each other.

    Prescribed forms come first, and every other law joins the first letter that it does not contradict.
    """
    own = tuple(exposed)
    letters: list[ContentClass] = []
    for rule in sorted(rules, key=lambda rule: (not rule.notice.form, bool(rule.notice.prohibited), rule.law)):
        wanted = _class(rule, own, facts)
        at = next((n for n, letter in enumerate(letters) if _agree(letter, wanted)), None)
        if at is None:
            letters.append(wanted)
        else:
            letters[at] = _joined(letters[at], wanted)
    return tuple(letters) or (ContentClass(GENERAL, (), (), (), 0, ()),)


def _class(rule: LawNotice, exposed: tuple[str, ...], facts: Facts | None) -> ContentClass:
    notice = rule.notice
    items = {item.element for item in demanded(rule, exposed, facts)}
    months = max((offer.months for offer in offers(rule, exposed, facts)), default=0)
    if months:
        items.add(Element.MONITORING_OFFER)
    form = notice.form or (rule.law if "nature_of_breach" in notice.prohibited else GENERAL)
    supplements = (notice.supplement,) if notice.supplement and notice.supplement != form else ()
    return ContentClass(form, _sorted(items), notice.prohibited, supplements, months, (rule.law,))


def _agree(one: ContentClass, two: ContentClass) -> bool:
    """Whether one letter can serve both: at most one prescribed form, and nothing demanded that is forbidden."""
    if one.form != two.form and GENERAL not in (one.form, two.form):
        return False
    return not (_forbidden(one) & set(two.elements) or _forbidden(two) & set(one.elements))


def _forbidden(letter: ContentClass) -> frozenset[Element]:
    return frozenset(element for word in letter.prohibited for element in FORBIDS[word])


def _joined(one: ContentClass, two: ContentClass) -> ContentClass:
    return ContentClass(
        form=one.form if one.form != GENERAL else two.form,
        elements=_sorted({*one.elements, *two.elements}),
        prohibited=tuple(sorted({*one.prohibited, *two.prohibited})),
        supplements=tuple(sorted({*one.supplements, *two.supplements})),
        monitoring_months=max(one.monitoring_months, two.monitoring_months),
        laws=tuple(sorted({*one.laws, *two.laws})),
    )


def _sorted(elements: Iterable[Element]) -> tuple[Element, ...]:
    return tuple(sorted(elements, key=_ORDER.__getitem__))


# --- keys -----------------------------------------------------------------------------------------------------------


def key_for(
    person: Person,
    obligations: Sequence[Owed],
    instruments: Mapping[str, schema.Instrument],
    facts: Facts | None = None,
    language: str = "",
) -> tuple[Key, ...]:
    """The segments of one person: one, or several where laws contradict. `language` is the person's unless another is
    given (a language without words falls back, and the caller decides to which)."""
    rules = notices_for(person, obligations, instruments, facts)
    exposed = order_exposed(person.elements)
    blocks = fold_blocks(exposed)
    return tuple(
        Key(letter, letter.laws, language or person.language, person.role, blocks, exposed)
        for letter in content_classes(rules, exposed, facts)
    )


def merge_keys(keys: Iterable[Key]) -> dict[str, Key]:
    """Segments by text. Places that ask for the same share one, held to what any of their laws demands."""
    found: dict[str, Key] = {}
    for key in keys:
        other = found.get(key.text)
        if other is None or other == key:
            found[key.text] = key
        else:
            content = _joined(other.content_class, key.content_class)
            found[key.text] = replace(other, content_class=content, laws=content.laws)
    return found


AXES: Final[Mapping[str, str]] = {
    "exposed": "exposed elements",
    "language": "languages",
    "role": "roles",
    "content_class": "contents (laws)",
}


def check_count(keys: Iterable[Key], limit: int = 2000) -> int:
    """The number of segments. Refused above the limit, naming the axis without which there would be fewest."""
    parts = {key.text: _axes(key) for key in keys}
    if len(parts) <= limit:
        return len(parts)
    rest = {axis: len({_without(values, axis) for values in parts.values()}) for axis in AXES}
    worst = min(rest, key=lambda axis: rest[axis])
    many = len({values[worst] for values in parts.values()})
    raise Refused(
        f"{len(parts)} segments are more than {limit}, too many for people to read. The cause is {AXES[worst]}: "
        f"{many} different; without them there would be {rest[worst]}. Send them in other waves, or raise the limit."
    )


def _axes(key: Key) -> dict[str, Any]:
    return {
        "exposed": key.exposed,
        "language": key.language,
        "role": key.role.value,
        "content_class": key.content_class.id,
    }


def _without(values: Mapping[str, Any], axis: str) -> tuple[Any, ...]:
    return tuple(value for name, value in values.items() if name != axis)
