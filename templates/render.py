"""One segment's words in one channel, rendered once. Slots stay as markers; `merge` fills them per person.

The pieces are composed into a list of sections; text, HTML and Typst are laid out from that list. Nothing here knows a
person, and no template can branch on one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from models.slots import MARK
from models.values import BadInput, Channel, Mode, Role, SegmentSpec, Slot, Wording
from templates import words
from templates.markup import Block, Section, as_text, as_typst, block_text, data, parse, typst_escape
from templates.merge import Merged, merge
from templates.sheet import Sheet, sheet
from templates.words import addressee, salutation

__all__ = [
    "MARK",
    "Document",
    "Merged",
    "Sheet",
    "addressee",
    "compose",
    "cues",
    "merge",
    "render",
    "salutation",
    "sheet",
    "typst_escape",
]

NOTICES: Final[Mapping[Channel, str]] = {
    Channel.EMAIL: "email",
    Channel.SMS: "sms",
    Channel.LETTER: "letter",
    Channel.CALL_LIST: "call",
    Channel.VOICE: "call",
    Channel.PUSH: "email",
    Channel.PUBLIC: "public",
}
GENERAL: Final = "general"
OWN_STEPS: Final = frozenset({Role.NEXT_OF_KIN, Role.CUSTOMER_ORGANISATION})  # the blocks' steps are not for them
_SLOT: Final = re.compile(f"{MARK}([a-z_]+){MARK}")


@dataclass(frozen=True, slots=True)
class Document:
    """A composed notice before any medium: what every layout is made from."""

    language: str
    direction: str
    subject: str
    title: str
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]
    closing: tuple[Block, ...]
    exercise: str = ""

    def all_sections(self) -> list[Section]:
        """Everything in order, the opening and the closing as sections without a heading."""
        marks = (Block(text=self.exercise),) if self.exercise else ()
        found = [Section("opening", "", marks + self.opening), *self.sections, Section("closing", "", self.closing)]
        return [section for section in found if section.blocks]


def render(
    spec: SegmentSpec,
    channel: Channel,
    facts: Sheet,
    *,
    sender: Mapping[str, str] | None = None,
    mode: Mode,
    overlay: Path | None = None,
) -> Wording:
    """The wording of a segment in a channel. `sender` may set `signatory`. BadInput names the template at fault."""
    signed = {"signatory": sender["signatory"]} if sender and sender.get("signatory") else {}
    context = _context(spec, channel, facts, overlay) | {"mode": mode}
    context["sheet"] = context["sheet"] | {key: data(value) for key, value in signed.items()}
    made = LAYOUTS[channel](spec, context, overlay)
    used = {name for part in (made.subject, made.text, made.html) for name in _SLOT.findall(part)}
    return replace(made, slots=tuple(slot for slot in Slot if slot.value in used))


def compose(spec: SegmentSpec, notice: str, context: Mapping[str, Any], overlay: Path | None) -> Document:
    """The document of a notice kind (a file of <language>/notice): opening, the outline's sections, closing."""
    exercise = context["words"]["exercise"] if context["mode"] is Mode.EXERCISE else {}
    title = _one_line(spec, notice, "title", context, overlay)
    return Document(
        language=spec.language,
        direction="rtl" if words.right_to_left(spec.language) else "ltr",
        subject=exercise.get("prefix", "") + _one_line(spec, notice, "subject", context, overlay),
        title=title,
        opening=_channel_blocks(spec, notice, "opening", context, overlay),
        sections=tuple(_sections(spec, notice, context, overlay)),
        closing=_channel_blocks(spec, notice, "closing", context, overlay),
        exercise=exercise.get("banner", ""),
    )


def cues(language: str, overlay: Path | None = None) -> Mapping[str, Any]:
    """What a linter looks for in this language: headings, patterns, names of elements, hedging words."""
    found = words.table(f"{language}/cues.toml", overlay)
    headings = words.table(f"{language}/headings.toml", overlay)
    texts = words.table(f"{language}/words.toml", overlay)
    parties = words.table("agencies.toml", overlay)
    own = {"own_headings": headings, "element_names": texts["elements"], "titles": texts["titles"]}
    return {
        **found,
        **own,
        "agencies": parties["agency"],
        "bureaus": parties["bureau"],
        "exercise": texts["exercise"]["prefix"],
    }


# --- what templates see ---------------------------------------------------------------------------------------------


def _context(spec: SegmentSpec, channel: Channel, facts: Sheet, overlay: Path | None) -> dict[str, Any]:
    texts = words.table(f"{spec.language}/words.toml", overlay)
    known = facts.strings(spec.language, texts)
    parties = words.table("agencies.toml", overlay)
    names = [_name(texts, element, spec.language) for element in spec.exposed]
    kinds = [texts["kinds"][block] for block in spec.blocks]

    def shown(value: str) -> str:
        return data(words.isolated(spec.language, value)) if value else ""

    return {
        "sheet": {key: shown(value) for key, value in known.items()},
        "slot": words.slots(spec.language),
        "words": texts,
        "who": texts["roles"][spec.role.value],
        "role": spec.role.value,
        "prescribed_title": texts["titles"][spec.form] if spec.form in texts["titles"] and spec.form != GENERAL else "",
        "channel": channel.value,
        "blocks": spec.blocks,
        "exposed": spec.exposed,
        "exposed_names": names,
        "kinds": _joined(kinds, spec.language),
        "monitoring_months": spec.monitoring_months,
        "full_languages": _full_languages(spec, facts, overlay),
        "bureaus": parties["bureau"],
        "offices": _offices(spec, parties["agency"]),
        "agencies": {row["id"]: row for row in parties["agency"]},
    }


def _offices(spec: SegmentSpec, agencies: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The offices that the segment's laws want named, but the FTC, which is always printed."""
    own = set(spec.laws)
    named = (row for row in agencies if own & row.get("laws", {}).keys() and row["id"] != "ftc")
    return [{"address": "", "site": "", **row} for row in named]


def _name(texts: Mapping[str, Any], element: str, language: str) -> str:
    if element not in texts["elements"]:
        where = f"templates/{language}/words.toml: [elements] {element}"
        raise BadInput(where, "is missing.", "Say there what this element is called.")
    return str(texts["elements"][element])


def _joined(names: list[str], language: str) -> str:
    from babel.lists import format_list

    return format_list(names, locale=words.locale_of(language)) if names else ""


def _full_languages(spec: SegmentSpec, facts: Sheet, overlay: Path | None) -> str:
    """In which languages the full notice can be had: complete, read by a speaker, and with a story to tell."""
    ready = [
        language
        for language in words.languages(overlay)
        if language != spec.language
        and words.coverage(language, overlay) == words.COMPLETE
        and (not words.needs_review(language, overlay) or language in facts.reviewed)
        and facts.facts.narrative_in(language).what_happened
    ]
    return words.named(ready, spec.language)


# --- composing ------------------------------------------------------------------------------------------------------


def _sections(spec: SegmentSpec, notice: str, context: Mapping[str, Any], overlay: Path | None) -> Iterable[Section]:
    outline = words.outline(spec.language, spec.form, overlay)
    with_block = words.table("outlines.toml", overlay)["with_block"]
    brought = {part for block in spec.blocks for part in with_block.get(block, ())}
    wanted = brought | {element.value for element in spec.elements} | ({"agencies"} if context["offices"] else set())
    headings = words.table(f"{spec.language}/headings.toml", overlay)
    for row in outline:
        parts = [part.rstrip("?") for part in row["parts"] if not part.endswith("?") or part.rstrip("?") in wanted]
        found = tuple(block for part in parts for block in _part(spec, notice, part, context, overlay))
        heading = headings.get(spec.form, {}).get(row["heading"]) or headings["general"].get(row["heading"])
        if heading is None:
            where = f"templates/{spec.language}/headings.toml: [general] {row['heading']}"
            raise BadInput(where, "is missing.", "Translate the heading.")
        if found:
            yield Section(row["heading"], heading, _one_list(found))


def _one_list(found: Iterable[Block]) -> tuple[Block, ...]:
    """Lists that follow each other become one, so that steps read as one row of steps."""
    rows: list[Block] = []
    for block in found:
        if block.items and rows and rows[-1].items:
            rows[-1] = Block(items=rows[-1].items + block.items)
        else:
            rows.append(block)
    return tuple(rows)


def _part(spec: SegmentSpec, notice: str, part: str, context: Mapping[str, Any], overlay: Path | None) -> list[Block]:
    if part.startswith("blocks."):
        return [b for name in spec.blocks for b in _block_text(spec, name, part[7:], context, overlay)]
    if part == "supplements":
        return [b for name in spec.supplements for b in _whole(spec, notice, "supplements", name, context, overlay)]
    return _whole(spec, notice, "parts", part, context, overlay)


def _whole(
    spec: SegmentSpec, notice: str, folder: str, stem: str, context: Mapping[str, Any], overlay: Path | None
) -> list[Block]:
    variants = ("public", spec.role.value) if notice in ("public", "press") else (spec.role.value,)
    template = words.find(spec.language, folder, stem, variants, overlay)
    if template is None:
        where = f"templates/{spec.language}/{folder}/{stem}.md.j2"
        raise BadInput(where, "is missing.", "Copy it from templates/en and translate it.")
    return list(words.blocks(template, context))


def _block_text(
    spec: SegmentSpec, name: str, what: str, context: Mapping[str, Any], overlay: Path | None
) -> tuple[Block, ...]:
    """`means` or `do` of a block, in the role's own words where the file has them."""
    template = words.find(spec.language, "blocks", name, (), overlay)
    if template is None:
        where = f"templates/{spec.language}/blocks/{name}.md.j2"
        raise BadInput(where, "is missing.", "Copy it from templates/en and translate it.")
    own = f"{what}_{spec.role.value}"
    if own in template.blocks:
        return words.blocks(template, context, own)
    if what == "do" and spec.role in OWN_STEPS:
        return ()
    if what not in template.blocks:
        raise BadInput(f"templates/{template.name}", f'has no block "{what}".', "See templates/en/blocks.")
    return words.blocks(template, context, what)


def _channel_source(
    spec: SegmentSpec, notice: str, block: str, context: Mapping[str, Any], overlay: Path | None
) -> str:
    """A block of notice/<kind>, the role's own first, else of notice/base."""
    for stem in (notice, "base"):
        template = words.find(spec.language, "notice", stem, (spec.form,), overlay)
        if template is None:
            raise BadInput(
                f"templates/{spec.language}/notice/{stem}.md.j2", "is missing.", "Copy it from templates/en."
            )
        for name in (f"{block}_{spec.role.value}", block):
            if name in template.blocks:
                return words.fill(template, context, name)
    raise BadInput(f"templates/{spec.language}/notice/{notice}.md.j2", f'has no block "{block}".', "See templates/en.")


def _channel_blocks(
    spec: SegmentSpec, notice: str, block: str, context: Mapping[str, Any], overlay: Path | None
) -> tuple[Block, ...]:
    return parse(_channel_source(spec, notice, block, context, overlay))


def _one_line(spec: SegmentSpec, notice: str, block: str, context: Mapping[str, Any], overlay: Path | None) -> str:
    found = parse(_channel_source(spec, notice, block, context, overlay))
    return " ".join(block_text(item) for item in found)


# --- layouts --------------------------------------------------------------------------------------------------------


def _email(spec: SegmentSpec, context: Mapping[str, Any], overlay: Path | None) -> Wording:
    document = compose(spec, "email", context, overlay)
    text = f"{document.title}\n\n{as_text(document.all_sections())}\n"
    page = _inlined(_framed("email", document, context, overlay))
    return _wording(spec, Channel.EMAIL, subject=document.subject, text=text, html=page)


def _letter(spec: SegmentSpec, context: Mapping[str, Any], overlay: Path | None) -> Wording:
    document = compose(spec, "letter", context, overlay)
    body = as_typst(document.all_sections())
    text = f"{document.title}\n\n{as_text(document.all_sections())}\n"
    return _wording(spec, Channel.LETTER, subject=document.subject, text=text, typst=body)


def _call(spec: SegmentSpec, context: Mapping[str, Any], overlay: Path | None) -> Wording:
    document = compose(spec, "call", context, overlay)
    made = _wording(spec, Channel.CALL_LIST, text=as_text(document.all_sections()) + "\n")
    return replace(made, short=_questions(spec, context, overlay))


def _questions(spec: SegmentSpec, context: Mapping[str, Any], overlay: Path | None) -> str:
    """What people ask and what may be answered, from the same facts; without a fact, without that question."""
    name = f"{spec.language}/questions.toml"
    if not words.has(name, overlay):
        return ""
    facts = context["sheet"]
    reach = filter(None, (facts["contact_email"], facts["organisation_address"]))
    known = {
        "exposed": _joined(list(context["exposed_names"]), spec.language),
        "remedies": facts["remedies"],
        "cause": facts["cause"],
        "contact": ", ".join(reach),
    }
    rows = [
        (row["ask"], row["answer"].format(**known))
        for row in words.table(name, overlay)["question"]
        if all(value for key, value in known.items() if f"{{{key}}}" in row["answer"])
    ]
    return "\n\n".join(f"{ask}\n{_plain(answer)}" for ask, answer in rows)


def _plain(text: str) -> str:
    return " ".join(block_text(block) for block in parse(text))


def _sms(spec: SegmentSpec, context: Mapping[str, Any], overlay: Path | None) -> Wording:
    prefix = context["words"]["exercise"]["prefix"] if context["mode"] is Mode.EXERCISE else ""
    return _wording(spec, Channel.SMS, text=prefix + _one_line(spec, "sms", "text", context, overlay))


def _voice(spec: SegmentSpec, context: Mapping[str, Any], overlay: Path | None) -> Wording:
    """A spoken call: `subject` asks who is there and says nothing else; `text` is spoken once that is confirmed."""
    own = words.table(f"{spec.language}/voice.toml", overlay)
    document = compose(spec, "call", context, overlay)
    given = {**words.slots(spec.language), "organisation": context["sheet"]["organisation_name"]}
    prefix = document.exercise + " " if document.exercise else ""
    prompt, greeting, closing = (
        parse(said.format(**given))
        for said in (prefix + own["prompt"], own["greeting"][spec.role.value], own["closing"])
    )
    told = [Section("greeting", "", greeting), *document.sections, Section("closing", "", closing)]
    subject = " ".join(block_text(block) for block in prompt)
    return _wording(spec, Channel.VOICE, subject=subject, text=prefix + as_text(told) + "\n")


def _push(spec: SegmentSpec, context: Mapping[str, Any], overlay: Path | None) -> Wording:
    """For the organisation's app: a title that a locked screen may show, and the whole notice to open."""
    document = compose(spec, "email", context, overlay)
    text = f"{document.title}\n\n{as_text(document.all_sections())}\n"
    return _wording(spec, Channel.PUSH, subject=document.subject, text=text)


def speaks(language: str, channel: Channel, overlay: Path | None = None) -> bool:
    """Whether a language has words for a channel. Only the spoken call may be left out: it wants a voice.toml."""
    return channel is not Channel.VOICE or words.has(f"{language}/voice.toml", overlay)


def _public(spec: SegmentSpec, context: Mapping[str, Any], overlay: Path | None) -> Wording:
    """The page as HTML and the press release as text. Neither may hold a slot."""
    document, press = (compose(spec, notice, context, overlay) for notice in ("public", "press"))
    text = f"{press.title}\n\n{as_text(press.all_sections())}\n"
    page = _framed("public", document, context, overlay)
    short = _newspaper(spec, context, overlay)
    if MARK in text + page + short:
        raise BadInput(f"templates/{spec.language}", "a public text names a slot.", "Write a .public part without it.")
    made = _wording(spec, Channel.PUBLIC, subject=document.subject, text=text, html=page)
    return replace(made, short=short)


def _newspaper(spec: SegmentSpec, context: Mapping[str, Any], overlay: Path | None) -> str:
    """The notice in one paragraph, for print: what, which kinds of data, where to call."""
    if not words.has(f"{spec.language}/page.toml", overlay):
        return ""
    facts, own = context["sheet"], words.table(f"{spec.language}/page.toml", overlay)
    prefix = context["words"]["exercise"]["prefix"] if context["mode"] is Mode.EXERCISE else ""
    said = own["newspaper"].format(
        organisation=facts["organisation_name"],
        what=facts["what_happened"],
        kinds=context["kinds"],
        phone=facts["contact_toll_free"] or facts["contact_phone"],
        site=facts["contact_website"],
    )
    return prefix + " ".join(block_text(block) for block in parse(said)).strip()


LAYOUTS: Final = {
    Channel.EMAIL: _email,
    Channel.LETTER: _letter,
    Channel.CALL_LIST: _call,
    Channel.SMS: _sms,
    Channel.VOICE: _voice,
    Channel.PUSH: _push,
    Channel.PUBLIC: _public,
}


def _wording(
    spec: SegmentSpec, channel: Channel, *, subject: str = "", text: str = "", html: str = "", typst: str = ""
) -> Wording:
    return Wording(spec.segment, channel, spec.language, subject, text, html, typst)


def _framed(frame: str, document: Document, context: Mapping[str, Any], overlay: Path | None) -> str:
    template = words.environment(overlay, True).get_template(f"frame/{frame}.html.j2")
    clean = {key: " ".join(block_text(block) for block in parse(value)) for key, value in context["sheet"].items()}
    return words.fill(template, {"document": document, "words": context["words"], "sheet": clean})


def _inlined(page: str) -> str:
    """Styles moved onto the elements, since many mail clients drop <style>; dark mode stays in it."""
    import css_inline

    inliner = css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)
    return str(inliner.inline(page))
