"""The strict audit of the words: every language, every placeholder, every notice that could be rendered.

Templates are read as syntax trees: a slot may only be printed, plainly; a placeholder that no sheet has is named before
anything renders; no tag but those listed here is used. Then a grid of segments is rendered in every channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import product
from pathlib import Path
from typing import Any, Final

from jinja2 import TemplateError, nodes

from models import vocabulary
from models.facts import parse_facts
from models.values import BadInput, Channel, Element, Mode, Role, SegmentSpec, Slot, Wording
from templates import words
from templates.markup import PRIVATE_USE
from templates.render import LAYOUTS, NOTICES, cues, merge, render, speaks
from templates.sheet import NAMES, NARRATIVE, Sheet, sheet

FOLDERS: Final = ("notice", "parts", "blocks", "supplements")
TABLES: Final = ("words.toml", "headings.toml", "cues.toml", "page.toml")
MODEL: Final = "en"  # the language that the others are measured against
SHORT_PARTS: Final = ("short_means", "short_do", "full_notice")  # what only a short notice has
SMS_PARTS: Final = 3
CONTEXT: Final = frozenset(
    [
        "sheet",
        "slot",
        "words",
        "who",
        "role",
        "prescribed_title",
        "channel",
        "blocks",
        "exposed",
        "exposed_names",
        "kinds",
        "monitoring_months",
        "full_languages",
        "bureaus",
        "agencies",
        "offices",
    ]
)
FRAME_CONTEXT: Final = frozenset({"document", "words", "sheet", "layout"})
ALLOWED: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Const,
    nodes.If,
    nodes.For,
    nodes.Block,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    where: str
    what: str


def audit(
    sms_parts: Callable[[str], int] | None = None,
    overlay: Path | None = None,
    languages: Iterable[str] | None = None,
) -> list[Problem]:
    """Everything that is wrong with the words. `sms_parts` counts a text message's parts (planning.lint.sms_parts)."""
    chosen = words.languages(overlay) if languages is None else tuple(languages)
    found: list[Problem] = []
    for language in chosen:
        found += _missing_files(language, overlay)
        found += _missing_words(language, overlay)
        for name in sorted(_names(language, overlay)):
            found += check_template(name, overlay)
        found += _rendered(language, overlay, sms_parts)
    return sorted(set(found))


# --- files and words ------------------------------------------------------------------------------------------------


def _roots(overlay: Path | None) -> list[Traversable]:
    return [files("templates"), *([overlay] if overlay and overlay.is_dir() else [])]


def _names(language: str, overlay: Path | None) -> set[str]:
    return {
        f"{language}/{folder}/{entry.name}"
        for root in _roots(overlay)
        for folder in FOLDERS
        if root.joinpath(language, folder).is_dir()
        for entry in root.joinpath(language, folder).iterdir()
        if entry.name.endswith(".j2")
    }


def standing(language: str, overlay: Path | None = None) -> words.Standing:
    """What a language can do: complete or short, read by a speaker or not, and which files it does without."""
    lacks = tuple(sorted(_model() - _own(language, overlay)))
    return words.Standing(language, words.coverage(language, overlay), words.needs_review(language, overlay), lacks)


def _own(language: str, overlay: Path | None) -> set[str]:
    return {name.removeprefix(f"{language}/") for name in _names(language, overlay)}


def _model() -> set[str]:
    return _own(MODEL, None)


def _wanted(language: str, overlay: Path | None) -> set[str]:
    """The files that a language of its coverage has. A short one needs the parts of its outlines, in every role."""
    if words.coverage(language, overlay) == words.COMPLETE:
        return _model()
    outlines = words.table("outlines.toml", overlay)
    rows = [row for form in outlines[words.SHORT].values() for row in form["sections"]]
    stems = {part.rstrip("?") for row in rows for part in row["parts"]}
    stems |= {part for parts in outlines["with_block"].values() for part in parts}
    served = {name for name in _model() if name.startswith("notice/") or _stem(name) in stems}
    return served | {f"parts/{part}.md.j2" for part in SHORT_PARTS} | {"parts/full_notice.public.md.j2"}


def _stem(name: str) -> str:
    folder, _, file = name.partition("/")
    return file.split(".")[0] if folder == "parts" else ""


def _missing_files(language: str, overlay: Path | None) -> Iterator[Problem]:
    own, wanted = _own(language, overlay), _wanted(language, overlay)
    for name in sorted(wanted - own):
        yield Problem(f"templates/{language}/{name}", f"is missing; templates/{MODEL} has it.")
    for name in sorted(own - wanted - _model()):
        yield Problem(f"templates/{language}/{name}", f"has no counterpart in templates/{MODEL}.")


def _missing_words(language: str, overlay: Path | None) -> list[Problem]:
    found: list[Problem] = []
    for name in TABLES:
        try:
            own, model = words.table(f"{language}/{name}", overlay), words.table(f"{MODEL}/{name}")
        except BadInput as error:
            found.append(Problem(error.where, error.problem))
            continue
        skip = ("headings", "names") if name == "cues.toml" else ("plural",)
        found += [
            Problem(f"templates/{language}/{name}: {key}", f"is missing; templates/{MODEL} has it.")
            for key in _keys(model, skip)
            if key not in set(_keys(own, skip))
        ]
    found += _missing_plurals(language, overlay)
    elements = words.table(f"{language}/words.toml", overlay).get("elements", {})
    for element in sorted(vocabulary.words("elements").words ^ elements.keys()):
        found.append(Problem(f"templates/{language}/words.toml: elements.{element}", "is not what the vocabulary has."))
    return found


def _missing_plurals(language: str, overlay: Path | None) -> Iterator[Problem]:
    """Each noun in every plural form that its language has; a form that no whole number takes is not asked for."""
    from babel import Locale, UnknownLocaleError

    try:
        rule = Locale.parse(words.locale_of(language)).plural_form
    except UnknownLocaleError:
        yield Problem(f"templates/{language}", "is no language that Babel knows: no dates, numbers or lists in it.")
        return
    needed = {rule(number) for number in range(201)}
    own = words.table(f"{language}/words.toml", overlay).get("plural", {})
    for noun in words.table(f"{MODEL}/words.toml")["plural"]:
        for form in sorted((needed | {"other"}) - own.get(noun, {}).keys()):
            yield Problem(f"templates/{language}/words.toml: plural.{noun}.{form}", "is missing.")


def _keys(table: Any, skip: tuple[str, ...] = (), before: str = "") -> Iterator[str]:
    for key, value in table.items():
        if key in skip:
            continue
        yield before + key
        if isinstance(value, dict):
            yield from _keys(value, (), f"{before}{key}.")


# --- placeholders ---------------------------------------------------------------------------------------------------


def check_template(name: str, overlay: Path | None = None) -> list[Problem]:
    """What is wrong with one template's placeholders, without rendering it."""
    engine = words.environment(overlay, False)
    where = words.shown(name, overlay)
    try:
        source, _, _ = engine.loader.get_source(engine, name)  # type: ignore[union-attr]
        tree = engine.parse(source, name)
    except TemplateError as error:
        return [Problem(where, f"does not compile: {error}.")]
    if found := PRIVATE_USE.search(source):
        return [Problem(where, f"holds the private-use character U+{ord(found[0]):04X}.")]
    return [Problem(where, what) for what in (*_foreign(tree), *_unknown(tree), *_slot_misuse(tree))]


def _foreign(tree: nodes.Template) -> Iterator[str]:
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, ALLOWED):
            yield f"uses {type(node).__name__}, which templates do not need."


def _unknown(tree: nodes.Template) -> Iterator[str]:
    own = {target.name for loop in tree.find_all(nodes.For) for target in _targets(loop)}
    for node in tree.find_all(nodes.Name):
        if node.ctx == "load" and node.name not in CONTEXT | own:
            yield f"names {node.name!r}, which is no placeholder.{words.nearest(node.name, CONTEXT)}"
    for attribute in tree.find_all(nodes.Getattr):
        base = attribute.node
        if isinstance(base, nodes.Name) and base.name == "sheet" and attribute.attr not in NAMES:
            near = words.nearest(attribute.attr, NAMES, "sheet.")
            yield f"names sheet.{attribute.attr}, which the fact sheet does not have.{near}"
        if isinstance(base, nodes.Name) and base.name == "slot" and attribute.attr not in set(Slot):
            near = words.nearest(attribute.attr, set(Slot), "slot.")
            yield f"names slot.{attribute.attr}, which is no slot.{near}"


def _targets(loop: nodes.For) -> list[nodes.Name]:
    return [loop.target] if isinstance(loop.target, nodes.Name) else list(loop.target.find_all(nodes.Name))


def _slot_misuse(tree: nodes.Template) -> Iterator[str]:
    """A slot is printed and nothing else: no filter, no condition, no joining, no handing on."""
    printed = {
        id(child.node)
        for output in tree.find_all(nodes.Output)
        for child in output.nodes
        if isinstance(child, nodes.Getattr) and isinstance(child.node, nodes.Name)
    }
    for node in tree.find_all(nodes.Name):
        if node.name == "slot" and id(node) not in printed:
            yield "does something with a slot; a slot can only be printed as {{ slot.name }}."


# --- rendering ------------------------------------------------------------------------------------------------------


def _rendered(language: str, overlay: Path | None, sms_parts: Callable[[str], int] | None) -> list[Problem]:
    found: list[Problem] = []
    try:
        cues(language, overlay)
        for spec, channel, facts in grid(language, overlay):
            wording = render(spec, channel, facts, mode=Mode.LIVE, overlay=overlay)
            found += _checked(wording, spec, sms_parts)
    except BadInput as error:
        found.append(Problem(error.where, error.problem))
    return found


def _checked(wording: Wording, spec: SegmentSpec, sms_parts: Callable[[str], int] | None) -> Iterator[Problem]:
    where = f"templates/{spec.language}/notice/{NOTICES[wording.channel]}.md.j2"
    if wording.channel is Channel.PUBLIC and wording.slots:
        yield Problem(where, "names a slot, and a public text has none.")
    if wording.channel is Channel.SMS and sms_parts and sms_parts(wording.text) > SMS_PARTS:
        yield Problem(where, f"takes more than {SMS_PARTS} parts with {len(spec.exposed)} elements ({spec.role}).")
    merged = merge(wording, {slot: f"<{slot.value}>" for slot in wording.slots})
    if PRIVATE_USE.search(merged.subject + merged.text + merged.html):
        yield Problem(where, "leaves a private-use character.")


def grid(language: str, overlay: Path | None = None) -> Iterator[tuple[SegmentSpec, Channel, Sheet]]:
    """Segments that between them use every role, form, block, part and supplement, with all facts and with none."""
    blocks = tuple(words.table(f"{language}/words.toml", overlay)["kinds"])
    supplements = tuple(
        sorted(
            name.split("/")[-1].removesuffix(".md.j2")
            for name in _names(language, overlay)
            if name.startswith(f"{language}/supplements/")
        )
    )
    for role, form, channel in product(Role, words.forms(overlay), LAYOUTS):
        if not speaks(language, channel, overlay):
            continue
        for facts, own in ((full_sheet(), blocks[:3]), (empty_sheet(), blocks if channel is not Channel.SMS else ())):
            exposed = tuple(sorted(vocabulary.words("elements").words)) if own == blocks else ("name", "email")
            yield (
                SegmentSpec(
                    segment=f"audit/{form}/{language}/{role}",
                    language=language,
                    role=role,
                    form=form,
                    elements=tuple(Element),
                    supplements=supplements,
                    blocks=own,
                    exposed=exposed,
                    monitoring_months=12,
                ),
                channel,
                facts,
            )


PROFILE: Final[dict[str, dict[str, Any]]] = {
    "organisation": {
        "name": "Example Organisation",
        "postal_address": ["1 Example Street", "Sampletown, IL 00000"],
        "website": "www.example.org",
        "parent": "Example Holding",
    },
    "contact": {
        "name": "Incident response line",
        "email": "incident@example.org",
        "phone": "+1 202-555-0100",
        "toll_free": "+1 800-555-0100",
        "hours": "Monday to Friday, 8 am to 8 pm",
    },
    "dpo": {"name": "Data protection officer", "email": "dpo@example.org"},
    "sender": {"signatory": "The incident response team"},
    "remedy": {"monitoring": "identity monitoring by Example Monitoring", "monitoring_months": 24},
}


def full_sheet() -> Sheet:
    """A made-up incident in which everything is known."""
    story = {name: f"Example of {name}." for name in NARRATIVE}
    times = {"occurred_from": "2026-03-02", "occurred_until": "2026-03-05", "discovered": "2026-03-09"}
    data = {"id": "audit", "title": "Audit", "organisation": {"timezone": "UTC"}, "times": times, "narrative": story}
    return sheet(parse_facts(data, "audit"), PROFILE)


def empty_sheet() -> Sheet:
    """One in which nothing is known but the organisation's name."""
    name = {"organisation": {"name": "Example Organisation"}}
    return sheet(parse_facts({"id": "audit", "title": "Audit"}, "audit"), name)
