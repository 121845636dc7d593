"""The linter: reads a finished text and says what its laws miss in it. Pure; it sees only what a reader sees.

An element is there when its heading has something under it, or when a line says it in words that the cues know.
What it can't see: whether a sentence is true. It errs on the side of a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.facts import Facts
from models.values import BadInput, Channel, Element, Finding, Role, Severity, Slot, Wording
from planning.cues import Cue, Cues
from planning.reading import Line, Part, lines_of, parts_of_file, plain, sections
from planning.segment import ContentClass, LawNotice, content_classes, demanded, offers, order_exposed
from regimes import schema

__all__ = [
    "Cues",
    "Demand",
    "Form",
    "Prohibition",
    "Task",
    "lint",
    "lint_parts",
    "lint_wording",
    "named_elements",
    "read_parts",
    "sms_parts",
    "task_for",
]

MARKER: Final = re.compile("\ue000([a-z_]+)\ue000")
LEFTOVER: Final = re.compile(
    r"[\ue000-\uf8ff]|\{\{|\}\}|\{%|<%|\$\{|\bTODO\b|\bTBD\b|\bX{4,}\b|(?i:lorem ipsum)"
    r"|\[(?!EXERCISE\])[A-Z][A-Z _/-]{2,}\]|【(?:填写|待定)[^】]*】"
)
LINK: Final = re.compile(
    r"https?://|www\.|(?<![@\w.])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|gov|edu|cn|eu|uk|de|io|ly|me|info|example)\b(?!@)",
    re.IGNORECASE,
)
# What thieves need to write or call in the organisation's name.
FEEDS_PHISHING: Final = frozenset({"email", "phone", "username", "name", "account_number", "member_number", "password"})
# A text message carries these itself; for the rest it points to the full notice.
SHORT: Final = frozenset({Element.ORGANISATION_NAME, Element.DATA_INVOLVED, Element.CONTACT})
# In a text with headings these must stand under their own: a word in passing does not count.
HEADED: Final = frozenset(
    {Element.WHAT_HAPPENED, Element.DATA_INVOLVED, Element.MEASURES, Element.SELF_PROTECTION, Element.CONTACT}
)
# Where a prescribed title and headings stand: a press release, a script and a text message have none.
FORMED: Final = frozenset({"email text", "email html", "letter text", "letter html", "public html"})
STRUCTURED: Final = 3  # so many recognised headings make a text with headings
SMS_PARTS: Final = 3
GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_TWICE: Final = frozenset("^{}\\[~]|€")
SLOT_LENGTH: Final[Mapping[str, int]] = {Slot.REFERENCE: 12, Slot.CODE: 20, Slot.VERIFICATION_CODE: 12}
IF_KNOWN: Final = ("if known", "if possible", "if it can be determined")  # in the note of an item of law
FACT: Final[Mapping[Element, str]] = {
    Element.WHAT_HAPPENED: "narrative.what_happened",
    Element.CAUSE: "narrative.cause",
    Element.DATE_OF_BREACH: "times.occurred_from and occurred_until",
    Element.DATE_OF_DISCOVERY: "times.discovered",
    Element.LIKELY_CONSEQUENCES: "narrative.impact",
    Element.MEASURES: "narrative.measures_taken and measures_planned",
    Element.SELF_PROTECTION: "narrative.advice",
    Element.REMEDY: "narrative.remedies",
    Element.MONITORING_OFFER: "remedy.monitoring of the profile",
    Element.CONTACT: "contact of the profile",
    Element.CONTACT_TOLL_FREE: "contact.toll_free of the profile",
    Element.DATE_OF_NOTICE: "the date of the notice",
    Element.PARENT_NAME: "organisation.parent of the profile",
}


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing that a law wants in the text. `unknown_ok`: saying that it is not yet known is enough."""

    law: str
    citation: str
    element: Element
    unknown_ok: bool = False


@dataclass(frozen=True, slots=True)
class Prohibition:
    law: str
    citation: str
    word: str  # nature_of_breach, number_of_residents


@dataclass(frozen=True, slots=True)
class Form:
    """A prescribed title, headings and their order."""

    law: str
    citation: str
    name: str  # a form of the language's headings.toml


@dataclass(frozen=True, slots=True)
class Task:
    """What a text is held to, besides its language."""

    required: tuple[Demand, ...] = ()
    prohibited: tuple[Prohibition, ...] = ()
    form: Form | None = None
    channel: Channel = Channel.EMAIL
    exposed: frozenset[str] = frozenset()
    organisation: str = ""
    parent: str = ""
    monitoring: tuple[tuple[str, str, int], ...] = ()  # law, citation, months that it demands
    merged: bool = False  # a person's finished text: not even a known slot may be left


# --- what the laws demand -------------------------------------------------------------------------------------------


def task_for(
    letter: ContentClass,
    rules: Sequence[LawNotice],
    channel: Channel,
    exposed: Iterable[str],
    facts: Facts | None = None,
    *,
    organisation: str = "",
    parent: str = "",
) -> Task:
    """What a letter is held to: every demand, prohibition and form of the laws that it serves."""
    own = [rule for rule in rules if rule.law in letter.laws]
    lost = tuple(exposed)
    return Task(
        required=tuple(demand for rule in own for demand in _demands(rule, lost, facts)),
        prohibited=tuple(Prohibition(r.law, r.notice.citation, word) for r in own for word in r.notice.prohibited),
        form=next((Form(r.law, r.notice.citation, r.notice.form) for r in own if r.notice.form), None),
        channel=channel,
        exposed=frozenset(lost),
        organisation=organisation,
        parent=parent,
        monitoring=tuple(
            (rule.law, offer.citation, offer.months) for rule in own for offer in offers(rule, lost, facts)
        ),
    )


def _demands(rule: LawNotice, exposed: tuple[str, ...], facts: Facts | None) -> list[Demand]:
    found = [
        Demand(rule.law, item.citation, item.element, any(words in item.note for words in IF_KNOWN))
        for item in demanded(rule, exposed, facts)
    ]
    if offers(rule, exposed, facts) and all(demand.element is not Element.MONITORING_OFFER for demand in found):
        found.append(Demand(rule.law, rule.notice.monitoring[0].citation, Element.MONITORING_OFFER))
    return list(dict.fromkeys(found))


# --- linting --------------------------------------------------------------------------------------------------------


def lint_wording(wording: Wording, task: Task, cues: Cues) -> list[Finding]:
    """Findings about a segment's wording. Slots stand for text, so they are not leftovers."""
    parts = {"subject": wording.subject, "text": wording.text, "html": wording.html}
    return lint({name: text for name, text in parts.items() if text}, task, cues, wording.language)


def lint(text_by_part: Mapping[str, str], task: Task, cues: Cues, language: str) -> list[Finding]:
    """Findings about a text, part by part (subject, text, html), errors first. Each part must be complete by itself."""
    found: list[Finding] = []
    for name, text in text_by_part.items():
        where = f"{task.channel} {name}"
        found += _leftovers(text, task, where)
        shown = MARKER.sub("—", text)
        lines = lines_of(shown)
        found += _hedging(lines, cues, where)
        if name != "subject":
            found += _language(lines, language, where)
            found += _content(lines, task, cues, where, language)
    if task.channel is Channel.SMS:
        found += _sms("".join(text_by_part.values()), task)
    return sorted(dict.fromkeys(found), key=lambda finding: finding.severity is not Severity.ERROR)


def _content(lines: list[Line], task: Task, cues: Cues, where: str, language: str) -> list[Finding]:
    parts = sections(lines, cues.headings)
    found: list[Finding] = []
    for demand in task.required:
        if task.channel is Channel.SMS and demand.element not in SHORT:
            continue
        found += _missing(demand, parts, task, cues, where, language)
    found += _short_form(task, where)
    found += [finding for ban in task.prohibited for finding in _prohibited(ban, parts, cues, where)]
    found += _names(parts, task, cues, where)
    if task.form and where in FORMED:
        found += _form(task.form, lines, cues, where)
    found += _months(lines, task, cues, where)
    return found


# --- required elements ----------------------------------------------------------------------------------------------


def _missing(demand: Demand, parts: list[Part], task: Task, cues: Cues, where: str, language: str) -> list[Finding]:
    if demand.element is Element.PARENT_NAME and not task.parent:
        return []
    state = _state(demand.element, parts, task, cues)
    if state == "there" or (state == "unknown" and demand.unknown_ok):
        return []
    problem = {"unknown": "is only said to be unknown, which this law does not allow", "empty": "has nothing under it"}
    fact = FACT.get(demand.element, "")
    remedy = f"{demand.element} {problem.get(state, 'is missing')}. Mend the part {demand.element}" + (
        f", or give {fact}{f' in {language}' if fact.startswith('narrative') else ''}." if fact else "."
    )
    return [Finding(demand.law, demand.citation, demand.element, Severity.ERROR, where, remedy)]


def _state(element: Element, parts: list[Part], task: Task, cues: Cues) -> str:
    """`there`, `unknown` (only said to be), `empty` (a heading alone) or `missing`."""
    lines = [line for part in parts for line in part.lines]
    if element is Element.ORGANISATION_NAME and task.organisation:
        return "there" if any(task.organisation in line for line in lines) else "missing"
    if element is Element.PARENT_NAME:
        return "there" if any(task.parent in line for line in lines) else "missing"
    if task.channel is Channel.SMS:
        return "there" if _cued(element, lines, cues) else "missing"
    under = [part for part in parts if element in part.names]
    own = [line for part in under for line in part.lines if not _of_another(element, line, cues)]
    said = [line for line in own if not _unknown(line, cues)]
    cue = cues.elements.get(element)
    if not (cue and cue.only) and any(_has_words(line) for line in said):
        return "there"
    structured = sum(bool(part.names) for part in parts) >= STRUCTURED
    if (cue and cue.only) or not (structured and element in HEADED):
        free = [line for line in lines if not _unknown(line, cues)]
        if _cued(element, free, cues):
            return "there"
    if (own and not said) or any(_unknown(line, cues) and _cued(element, [line], cues) for line in lines):
        return "unknown"
    return "empty" if under and not any(part.lines for part in under) else "missing"


def _cued(element: Element, lines: Sequence[str], cues: Cues) -> bool:
    cue = cues.elements.get(element)
    if cue is None:
        return False
    free = [line for line in lines if not any(_matches(cues.elements[other], line) for other in cue.unless)]
    if cue.every:
        return all(any(pattern.search(line) for line in free) for pattern in cue.every)
    return any(pattern.search(line) for pattern in (*cue.lead, *cue.any) for line in free)


def _matches(cue: Cue, line: str) -> bool:
    return any(pattern.search(line) for pattern in (*cue.lead, *cue.any, *cue.every))


def _of_another(element: Element, line: str, cues: Cues) -> bool:
    """Whether a line under this element's heading says something else instead."""
    own = cues.elements.get(element)
    others = [cue for name, cue in cues.elements.items() if name != element]
    if any(pattern.search(line) for cue in others for pattern in cue.lead):
        return True
    if own and (own.free or _matches(own, line)):
        return False
    return any(_matches(cue, line) for cue in others)


def _unknown(line: str, cues: Cues) -> bool:
    return any(pattern.search(line) for pattern in cues.unknown)


def _has_words(line: str) -> bool:
    return sum(char.isalnum() for char in line) >= 4


def _short_form(task: Task, where: str) -> list[Finding]:
    rest = sorted({demand.element.value for demand in task.required if demand.element not in SHORT})
    if task.channel is not Channel.SMS or not rest:
        return []
    laws = sorted({demand.law for demand in task.required})
    remedy = f"A text message does not carry {', '.join(rest)}: it counts only beside the full notice."
    return [Finding(", ".join(laws), "", "short_form", Severity.WARNING, where, remedy)]


# --- what must not be there, and what must be named -----------------------------------------------------------------


def _prohibited(ban: Prohibition, parts: list[Part], cues: Cues, where: str) -> list[Finding]:
    told = ban.word == "nature_of_breach" and any(
        Element.WHAT_HAPPENED in part.names and any(map(_has_words, part.lines)) for part in parts
    )
    lines = [line for part in parts for line in part.lines]
    if told or any(pattern.search(line) for pattern in cues.prohibited.get(ban.word, ()) for line in lines):
        remedy = f"{ban.word} must not stand in this notice. Take the sentence out."
        return [Finding(ban.law, ban.citation, ban.word, Severity.ERROR, where, remedy)]
    return []


def _names(parts: list[Part], task: Task, cues: Cues, where: str) -> list[Finding]:
    """The list of what was involved names exactly what these people lost."""
    if not task.exposed or task.channel is Channel.SMS:
        return []
    under = [line for part in parts if Element.DATA_INVOLVED in part.names for line in part.lines]
    named = named_elements(under or [line for part in parts for line in part.lines], cues)
    found = [
        _name_finding(element, where, f"{element} was exposed and is not named. Name it in the list.")
        for element in order_exposed(task.exposed - named)
    ]
    if under:
        found += [
            _name_finding(element, where, f"{element} is named, but these people did not lose it. Take it out.")
            for element in order_exposed(named - task.exposed)
        ]
    return found


def _months(lines: list[Line], task: Task, cues: Cues, where: str) -> list[Finding]:
    """An offer that names its months names no fewer than each law demands."""
    offer = cues.elements[Element.MONITORING_OFFER]
    named = [int(m[1]) for line in lines if _matches(offer, line.text) for m in cues.months.finditer(line.text)]
    return [
        Finding(
            law,
            citation,
            Element.MONITORING_OFFER,
            Severity.ERROR,
            where,
            f"{max(named)} months are offered, {owed} are owed.",
        )
        for law, citation, owed in task.monitoring
        if named and max(named) < owed
    ]


def _name_finding(element: str, where: str, remedy: str) -> Finding:
    return Finding("", "", f"{Element.DATA_INVOLVED}:{element}", Severity.ERROR, where, remedy)


def named_elements(lines: Iterable[str], cues: Cues) -> frozenset[str]:
    """The exposed elements that these lines name. The longest name wins: "user name" is no "name"."""
    rest = "\n".join(plain(line) for line in lines)
    found: set[str] = set()
    for pattern, element in cues.names:
        rest, count = pattern.subn("\x00", rest)
        if count:
            found.add(element)
    return frozenset(found)


def _form(form: Form, lines: list[Line], cues: Cues, where: str) -> list[Finding]:
    """Title near the top, each prescribed heading there, all in the prescribed order."""
    wanted = cues.forms.get(form.name)
    if wanted is None or form.name not in cues.titles:
        return []
    shown = [plain(line.text) for line in lines]
    found: list[Finding] = []

    def say(element: str, remedy: str) -> None:
        found.append(Finding(form.law, form.citation, element, Severity.ERROR, where, remedy))

    if plain(cues.titles[form.name]) not in shown[:6]:
        say("title", f"The title “{cues.titles[form.name]}” is missing at the top.")
    at = {name: shown.index(plain(text)) for name, text in wanted.items() if plain(text) in shown}
    for name, text in wanted.items():
        if name not in at:
            say(f"heading:{name}", f"The heading “{text}” is missing.")
    if list(at.values()) != sorted(at.values()):
        say("heading_order", "The prescribed headings are not in the prescribed order.")
    return found


# --- every text -----------------------------------------------------------------------------------------------------


def _leftovers(text: str, task: Task, where: str) -> list[Finding]:
    shown = text if task.merged else MARKER.sub(lambda m: "—" if m[1] in SLOTS else m[0], text)
    found = LEFTOVER.search(shown)
    if found is None:
        return []
    sign = f"U+{ord(found[0][0]):04X}" if len(found[0]) == 1 else found[0]
    return [Finding("", "", "leftover", Severity.ERROR, where, f"A placeholder was left in the text: {sign}.")]


SLOTS: Final = frozenset(slot.value for slot in Slot)


def _hedging(lines: list[Line], cues: Cues, where: str) -> list[Finding]:
    text = "\n".join(line.text for line in lines).casefold()
    used = [word for word in cues.hedging if word.casefold() in text]
    return [
        Finding("", "", "hedging", Severity.WARNING, where, f"“{word}” hedges or plays down. Say what is known.")
        for word in used
    ]


_HAN: Final = re.compile("[\u4e00-\u9fff]")
_LATIN_RUN: Final = re.compile(r"(?:[A-Za-z’'-]{2,}[\s,;.]+){8,}")


def _language(lines: list[Line], language: str, where: str) -> list[Finding]:
    """A line that is plainly in another language: a run of English words in Chinese, or Han in a Latin text."""
    chinese = language.startswith("zh")
    for n, line in enumerate(lines, 1):
        foreign = bool(_LATIN_RUN.search(line.text)) if chinese else len(_HAN.findall(line.text)) >= 4
        if foreign:
            remedy = f"Line {n} is not in {language}. Give the text in that language (narrative.*.{language})."
            return [Finding("", "", "language", Severity.ERROR, where, remedy)]
    return []


def _sms(text: str, task: Task) -> list[Finding]:
    where = f"{task.channel} text"
    found: list[Finding] = []
    if task.exposed & FEEDS_PHISHING and LINK.search(MARKER.sub("", text)):
        remedy = "These people will get false messages. Take the link out; give a telephone number and the reference."
        found.append(Finding("", "", "link", Severity.ERROR, where, remedy))
    if (parts := sms_parts(text)) > SMS_PARTS:
        remedy = f"The message takes {parts} parts, more than {SMS_PARTS}. Shorten it."
        found.append(Finding("", "", "length", Severity.ERROR, where, remedy))
    return found


def sms_parts(text: str) -> int:
    """How many parts a text message takes, slots at their usual length (GSM 03.38: 160/153 units, else 70/67)."""
    shown = MARKER.sub(lambda m: "0" * SLOT_LENGTH.get(m[1], 40), text)
    if all(char in GSM or char in GSM_TWICE for char in shown):
        units, one, many = sum(2 if char in GSM_TWICE else 1 for char in shown), 160, 153
    else:
        units, one, many = len(shown.encode("utf-16-be")) // 2, 70, 67
    return 1 if units <= one else -(-units // many)


# --- a file ---------------------------------------------------------------------------------------------------------


def read_parts(path: Path) -> dict[str, str]:
    """The parts of a finished file (.txt, .html, .eml): name -> text. BadInput when it can't be read."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput(str(path), f"cannot be read ({error.strerror}).", "Check the path.") from None
    return parts_of_file(path.name, raw)


def lint_parts(
    parts: Mapping[str, str],
    laws: Sequence[str],
    *,
    channel: Channel,
    language: str,
    role: Role,
    exposed: Iterable[str],
    facts: Facts | None,
    versions: Mapping[str, schema.Version],
    cues: Mapping[str, Any],
) -> list[Finding]:
    """Findings about a finished text held to all these laws at once. BadInput for an unknown law.

    `parts`: read_parts(path), or a PDF's text as part "text"; `versions`: each law's version of the day that counts, by
    regime id; `cues`: templates.render.cues(language).
    """
    if unknown := sorted(set(laws) - versions.keys()):
        raise BadInput(f"law {unknown[0]!r}", "is not known.", "`tocsin law list` shows them.")
    rules = [LawNotice(law, versions[law].notice or schema.Notice()) for law in laws]
    lost = order_exposed(exposed)
    name = facts.organisation.name if facts else ""
    letters = content_classes(rules, lost, facts)
    tasks = [task_for(letter, rules, channel, lost, facts, organisation=name) for letter in letters]
    whole = Task(
        required=tuple(demand for task in tasks for demand in task.required),
        prohibited=tuple(ban for task in tasks for ban in task.prohibited),
        form=next((task.form for task in tasks if task.form), None),
        channel=channel,
        exposed=frozenset(lost),
        organisation=name,
        monitoring=tuple(offer for task in tasks for offer in task.monitoring),
        merged=True,
    )
    return lint(parts, whole, Cues.of(cues), language)
