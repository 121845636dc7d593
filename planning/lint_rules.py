"""What must not stand in a text, and how things must be said: the linter's rules beside the lists of contents. Pure.

The rules that are data (size of type, terms, forms of address, scripts) stand in rules.toml.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from models.values import Channel, Element, Finding, Role, Severity, Slot
from models.vocabulary.gsm import segments
from planning.cues import Agency, Cue, Cues
from planning.demands import Form, Prohibition, Task, mailbox_lost
from planning.reading import Line, Part, is_html, lines_of, plain, sentences
from planning.segment import order_exposed
from planning.type_size import smallest

MARKER: Final = re.compile("\ue000([a-z_]+)\ue000")
LEFTOVER: Final = re.compile(
    r"[\ue000-\uf8ff]|\{\{|\}\}|\{%|<%|\$\{|\bTODO\b|\bTBD\b|\bX{4,}\b|(?i:lorem ipsum)"
    r"|(?<![{$])\{[A-Za-z_][\w.]*\}"
    r"|\[(?!EXERCISE\])[A-Z][A-Z _/-]{2,}\]|【(?:填写|待定)[^】]*】"
)
# A domain, whatever its top level; letters of another script may touch it, an address of email is none.
HOST: Final = re.compile(
    r"(?<![@a-z0-9_.-])(?:https?://)?((?:[a-z0-9-]+\.)+(?:xn--[a-z0-9-]+|[a-z]{2,}))(?![a-z0-9_.-]*@)", re.IGNORECASE
)
LINK: Final = re.compile(rf"https?://|www\.|{HOST.pattern}", re.IGNORECASE)
OVERRIDE: Final = re.compile("[\u202a-\u202e]")  # embeddings and overrides; isolates and marks are allowed
# What thieves need to write or call in the organisation's name.
FEEDS_PHISHING: Final = frozenset({"email", "phone", "username", "name", "account_number", "member_number", "password"})
# A text message carries these itself; for the rest it points to the full notice.
SHORT: Final = frozenset({Element.ORGANISATION_NAME, Element.DATA_INVOLVED, Element.CONTACT})
# Where a prescribed title and headings stand: a press release, a script and a text message have none.
FORMED: Final = frozenset({"email text", "email html", "letter text", "letter html", "public html"})
SMS_PARTS: Final = 3
TOP: Final = 6  # lines above which a title stands
HEAD: Final = 20  # the most lines of a letterhead, an address, date and reference
SENTENCE: Final = 60  # characters: a longer line is no letterhead any more
SLOT_LENGTH: Final[Mapping[str, int]] = {Slot.REFERENCE: 12, Slot.CODE: 20, Slot.VERIFICATION_CODE: 12}
SLOTS: Final = frozenset(slot.value for slot in Slot)


@cache
def table() -> Mapping[str, Any]:
    return tomllib.loads((files("planning") / "rules.toml").read_text("utf-8"))


def every_text(
    text: str, name: str, task: Task, cues: Cues, language: str, where: str, points: float | None
) -> list[Finding]:
    """What holds for every part of a text, its subject too."""
    lines = lines_of(MARKER.sub("—", text))
    found = (
        _leftovers(text, task, where)
        + _steering(text, where)
        + _hedging(lines, cues, where)
        + _terms(lines, task, language, where)
    )
    if name == "subject":
        return found
    found += _language(lines, cues, language, where) + _language_of_law(task, language, where)
    found += _address_form(lines, task, language, where)
    return found + _type_size(text, task, where, points) + _mailbox(task, where)


def rules_of_content(
    lines: list[Line],
    parts: list[Part],
    task: Task,
    cues: Cues,
    where: str,
    missed: set[tuple[str, str]],
    language: str,
) -> list[Finding]:
    """What must not be there, what must be named, and in which form. `missed`: what was found missing already."""
    found = [finding for ban in task.prohibited for finding in _prohibited(ban, parts, cues, where)]
    found += _names(parts, task, cues, where)
    if task.form and where in FORMED:
        found += _form(task.form, lines, cues, where)
    if task.channel is not Channel.SMS:
        found += _months(lines, task, cues, where, missed, language)
        found += _agencies(lines, task, cues, where, missed, language)
        found += _bureaus(lines, task, cues, where)
    return found


# --- cues -----------------------------------------------------------------------------------------------------------


def cued(element: Element, lines: Sequence[str], cues: Cues) -> bool:
    """Whether these lines say an element in words that the cues know."""
    cue = cues.elements.get(element)
    if cue is None:
        return False
    free = [line for line in lines if not any(matches(cues.elements[other], line) for other in cue.unless)]
    if cue.every:
        return all(any(pattern.search(line) for line in free) for pattern in cue.every)
    return any(pattern.search(line) for pattern in (*cue.lead, *cue.any) for line in free)


def matches(cue: Cue, line: str) -> bool:
    return any(pattern.search(line) for pattern in (*cue.lead, *cue.any, *cue.every))


def has_words(line: str) -> bool:
    return sum(char.isalnum() for char in line) >= 4


def no_step(line: str, language: str) -> bool:
    """Whether a line under "what you can do" says something else, such as where to complain."""
    return any(re.search(pattern, line, re.IGNORECASE) for pattern in table()["not_steps"].get(language, ()))


def filled(line: str, language: str) -> str:
    """A line without its sentences that say nothing or offer nothing: "None so far.", "We do not offer …"."""
    hollow = table()["hollow"].get(language, ())
    said = sentences(line)
    kept = [one for one in said if not any(re.search(pattern, one, re.IGNORECASE) for pattern in hollow)]
    return line if len(kept) == len(said) else " ".join(kept)


# --- prohibited, named, prescribed ----------------------------------------------------------------------------------


def _prohibited(ban: Prohibition, parts: list[Part], cues: Cues, where: str) -> list[Finding]:
    told = ban.word == "nature_of_breach" and any(
        Element.WHAT_HAPPENED in part.names and any(map(has_words, part.lines)) for part in parts
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

    title = cues.titles[form.name]
    if not {plain(title), plain(cues.exercise + title)} & set(_top(lines, frozenset(map(plain, wanted.values())))):
        say("title", f"The title “{title}” is missing at the top.")
    at = {name: shown.index(plain(text)) for name, text in wanted.items() if plain(text) in shown}
    for name, text in wanted.items():
        if name not in at:
            say(f"heading:{name}", f"The heading “{text}” is missing.")
    if list(at.values()) != sorted(at.values()):
        say("heading_order", "The prescribed headings are not in the prescribed order.")
    return found


def _top(lines: Sequence[Line], headings: frozenset[str]) -> list[str]:
    """Where a title may stand: the first lines, and on a printed page the letterhead and address above it."""
    shown = [plain(line.text) for line in lines[:HEAD]]
    ends = (n for n, line in enumerate(shown) if line in headings or len(line) > SENTENCE)
    return shown[: max(TOP, next(ends, HEAD))]


def _months(
    lines: list[Line], task: Task, cues: Cues, where: str, missed: set[tuple[str, str]], language: str
) -> list[Finding]:
    """An offer names its months, and no fewer than each law demands."""
    offer = cues.elements[Element.MONITORING_OFFER]
    offers = [text for line in lines if matches(offer, text := filled(line.text, language))]
    named = [int(m[1]) for text in offers for m in cues.months.finditer(text)]
    spelled = table()["spelled_months"].get(language, {}).items()
    named += [months for text in offers for words, months in spelled if re.search(words, text, re.IGNORECASE)]
    return [
        Finding(law, citation, Element.MONITORING_OFFER, Severity.ERROR, where, _few(named, owed))
        for law, citation, owed in task.monitoring
        if (law, Element.MONITORING_OFFER) not in missed and max(named, default=0) < owed
    ]


def _few(named: list[int], owed: int) -> str:
    if named:
        return f"{max(named)} months are offered, {owed} are owed."
    return f"The offer does not say for how many months; {owed} are owed. Write the number of months in the offer."


def _agencies(
    lines: list[Line], task: Task, cues: Cues, where: str, missed: set[tuple[str, str]], language: str
) -> list[Finding]:
    """Each office that a law names stands there with what the law wants of it: telephone, address, site."""
    whole = [_bare(line.text) for line in lines]
    found: list[Finding] = []
    part = f"{language}/parts/agencies.md.j2"
    for law, _ in task.laws:
        cited = _asked(law, task)
        if not cited or (law, Element.AGENCIES) in missed:
            continue
        for agency in cues.agencies:
            lacking = _lacking(agency, law, whole)
            if lacking:
                remedy = f"{agency.name}: {', '.join(lacking)} missing. The part agencies prints it."
                element = f"{Element.AGENCIES}:{agency.id}"
                found.append(Finding(law, cited, element, Severity.ERROR, where, remedy, part))
    return found


def _bureaus(lines: list[Line], task: Task, cues: Cues, where: str) -> list[Finding]:
    """A bureau's telephone or address that is not the one we know: it may be another genuine one, so a warning."""
    asked = next((demand for demand in task.required if demand.element is Element.CREDIT_BUREAUS), None)
    whole = [_bare(line.text) for line in lines]
    found: list[Finding] = []
    for bureau in cues.bureaus if asked else ():
        near = [line for line in whole if _bare(bureau.name) in line and re.search(r"\d{5}", line)]
        lacking = _differing(bureau, near)
        if asked and lacking:
            remedy = f"{bureau.name}: {', '.join(lacking)} not as in agencies.toml. Read it on the bureau's site."
            element = f"{Element.CREDIT_BUREAUS}:{bureau.id}"
            found.append(Finding(asked.law, asked.citation, element, Severity.WARNING, where, remedy))
    return found


def _differing(bureau: Agency, near: Sequence[str]) -> list[str]:
    digits = [re.sub(r"\D", "", line) for line in near]
    boxes = [box for box in re.findall(r"\d+", bureau.address) if len(box) == 5][-1:]
    box = re.search(r"\bbox (\d+)", _bare(bureau.address))
    wanted = [*boxes, *([box[1]] if box else [])]
    phone = re.sub(r"\D", "", bureau.phone)[-10:]
    found = ["telephone"] if near and not any(phone in line for line in digits) else []
    whole = [line for line in near if all(re.search(rf"\b{number}\b", line) for number in wanted)]
    return [*found, *(["address"] if near and not whole else [])]


def _asked(law: str, task: Task) -> str:
    """The citation by which a law wants offices named to these people: as such, or as part of the advice."""
    cited = {demand.element: demand.citation for demand in task.required if demand.law == law}
    return cited.get(Element.AGENCIES) or cited.get(Element.SELF_PROTECTION, "")


def _lacking(agency: Agency, law: str, lines: Sequence[str]) -> list[str]:
    """What a law wants of an office and no line that names it has."""
    wanted = agency.laws.get(law)
    if wanted is None:
        return []
    near = [line for line in lines if any(_bare(name) in line for name in (agency.name, agency.site) if name)]
    if not near:
        return ["name"]
    signs = {"phone": re.sub(r"\D", "", agency.phone)[-10:], "site": agency.site, "address": agency.postcode}
    digits = [re.sub(r"[^\d ]", "", line).replace(" ", "") for line in near]
    return [
        what for what in wanted if not any(_bare(signs[what]) in line for line in (digits if what == "phone" else near))
    ]


def _bare(text: str) -> str:
    return text.casefold().replace("’", "'")


# --- every text -----------------------------------------------------------------------------------------------------


def _leftovers(text: str, task: Task, where: str) -> list[Finding]:
    shown = text if task.merged else MARKER.sub(lambda m: "—" if m[1] in SLOTS else m[0], text)
    found = LEFTOVER.search(shown)
    if found is None:
        return []
    sign = f"U+{ord(found[0][0]):04X}" if len(found[0]) == 1 else found[0]
    return [Finding("", "", "leftover", Severity.ERROR, where, f"A placeholder was left in the text: {sign}.")]


def _steering(text: str, where: str) -> list[Finding]:
    """No sign that turns what is read round: with it a text, a name or an address reads as another."""
    hit = OVERRIDE.search(html.unescape(text) if is_html(text) else text)
    if hit is None:
        return []
    remedy = f"U+{ord(hit[0]):04X} turns the order of what is read. Take it out."
    return [Finding("", "", "direction", Severity.ERROR, where, remedy)]


def _hedging(lines: list[Line], cues: Cues, where: str) -> list[Finding]:
    text = "\n".join(line.text for line in lines).casefold()
    used = [word for word in cues.hedging if word.casefold() in text]
    return [
        Finding("", "", "hedging", Severity.WARNING, where, f"“{word}” hedges or plays down. Say what is known.")
        for word in used
    ]


def _terms(lines: list[Line], task: Task, language: str, where: str) -> list[Finding]:
    """Words that the law's regulator does not accept for what happened."""
    cited = dict(task.laws)
    found: list[Finding] = []
    for row in table()["term"]:
        if row["law"] not in cited or language.split("-")[0] != row["language"]:
            continue
        for banned in row["banned"]:
            hit = next((m for line in lines if (m := re.search(banned, line.text, re.IGNORECASE))), None)
            if hit:
                remedy = f"“{hit[0]}” is not the law's word. Say: {row['say']} ({row['why']})."
                found.append(Finding(row["law"], cited[row["law"]], "term", Severity.ERROR, where, remedy))
    return found


def _address_form(lines: list[Line], task: Task, language: str, where: str) -> list[Finding]:
    """The living are not written to as dead, nor a next of kin as the person who died, nor a child as an adult."""
    rows = table()["address"].get(language)
    if rows is None or task.channel is Channel.PUBLIC:
        return []
    said = {name: _first(rows[name], lines) for name in ("dead", "own", "child")}
    problem = ""
    if task.role is Role.SELF and said["dead"]:
        problem = f"“{said['dead']}” is said to somebody who lives."
    elif task.role is Role.NEXT_OF_KIN and said["own"]:
        problem = f"“{said['own']}” speaks to a next of kin as if it were their own."
    elif task.channel is Channel.SMS:
        return []
    elif task.role is Role.NEXT_OF_KIN and not said["dead"]:
        problem = "A next of kin is not told that it is about somebody who has died."
    elif task.role is Role.GUARDIAN and not said["child"]:
        problem = "A guardian is not told that it is about a child."
    return [Finding("", "", "address_form", Severity.ERROR, where, problem)] if problem else []


def _first(patterns: Sequence[str], lines: list[Line]) -> str:
    return next((m[0] for p in patterns for line in lines if (m := re.search(p, line.text, re.IGNORECASE))), "")


def _language(lines: list[Line], cues: Cues, language: str, where: str) -> list[Finding]:
    """A line that is plainly in another language: foreign script, or another language's little words."""
    for n, line in enumerate(lines, 1):
        text = _without_offices(line.text, cues)
        if _foreign_script(text, language) or _foreign_words(text, language):
            remedy = f"Line {n} is not in {language}. Give the text in that language (narrative.*.{language})."
            return [Finding("", "", "language", Severity.ERROR, where, remedy)]
    return []


def _without_offices(text: str, cues: Cues) -> str:
    """A line without the names and addresses of offices, which stay in their own language."""
    for agency in cues.agencies:
        if agency.name in text:
            text = text.replace(agency.name, "").replace(agency.address or agency.name, "")
    return text


_LATIN_RUN: Final = re.compile(r"(?:[A-Za-z’'-]{2,}[\s,;.]+){8,}")


def _foreign_script(text: str, language: str) -> bool:
    own, others = _scripts(language.split("-")[0])
    return (own and bool(_LATIN_RUN.search(text))) or len(others.findall(text)) >= 4


@cache
def _scripts(base: str) -> tuple[bool, re.Pattern[str]]:
    """Whether a language has a script of its own, and the letters of all scripts that it does not have."""
    own = table()["own_scripts"].get(base, [])
    others = "".join(signs for script, signs in table()["scripts"].items() if script not in own)
    return bool(own), re.compile(f"[{others}]")


@cache
def _function_words() -> Mapping[str, frozenset[str]]:
    return {name: frozenset(word.casefold() for word in words) for name, words in table()["function_words"].items()}


def _foreign_words(text: str, language: str) -> bool:
    """Whether a line has several little words of another language, and hardly any of its own."""
    known, base = _function_words(), language.split("-")[0]
    words = _WORD.findall(text.casefold())
    if base not in known or len(words) < 8:
        return False
    mine = sum(word in known[base] for word in words)
    least = max(4, 3 * mine + 1)
    return any(
        sum(word in theirs and word not in known[base] for word in words) >= least
        for name, theirs in known.items()
        if name != base
    )


_WORD: Final = re.compile(r"[^\W\d_]+")


def _language_of_law(task: Task, language: str, where: str) -> list[Finding]:
    return [
        Finding(
            law,
            citation,
            "language_of_law",
            Severity.WARNING,
            where,
            f"This law prescribes {' or '.join(wanted)}, and the text is in {language}. Send it in that language too.",
        )
        for law, citation, wanted in task.languages
        if not any(language == own or language.startswith(f"{own}-") for own in wanted)
    ]


def _type_size(text: str, task: Task, where: str, points: float | None) -> list[Finding]:
    """Type no smaller than the law says (an error), or than we think readable (a warning)."""
    shown = ""
    if points is None and is_html(text):
        small = smallest(text)
        points, shown = (small.points, f" (“{small.text}”)") if small else (None, "")
    if points is None:
        return []
    cited = dict(task.laws)
    rows = [row for row in table()["type_size"] if row["law"] in cited or not row["law"]]
    for row in rows:
        if points + 0.05 < row["points"]:
            severity = Severity.ERROR if row["law"] else Severity.WARNING
            remedy = f"The smallest type is {points:g} points{shown}; {row['points']:g} are the least. Set it larger."
            return [Finding(row["law"], row["citation"], "type_size", severity, where, remedy)]
    return []


def _mailbox(task: Task, where: str) -> list[Finding]:
    """No email into a mailbox whose credentials leaked: a thief may read it first."""
    if task.channel is not Channel.EMAIL or not mailbox_lost(task):
        return []
    remedy = "The way into these people's mailbox may have leaked, and a thief may read it first. Use another channel."
    laws = task.mailbox or (("", ""),)
    severity = Severity.ERROR if task.mailbox else Severity.WARNING
    return [Finding(law, citation, "mailbox", severity, where, remedy) for law, citation in laws]


# --- text messages --------------------------------------------------------------------------------------------------


def rules_of_text_message(text: str, task: Task) -> list[Finding]:
    """No link where thieves will send links too, and no longer than people read."""
    where = f"{task.channel} text"
    found: list[Finding] = []
    links = LINK.search(shown := MARKER.sub("", text))
    if task.exposed & FEEDS_PHISHING and links:
        remedy = "These people will get false messages. Take the link out; give a telephone number and the reference."
        found.append(Finding("", "", "link", Severity.ERROR, where, remedy))
    elif links and not _own_site(shown, task.site):
        remedy = "A link goes to another domain than the organisation's own. Point to its own site, or take it out."
        found.append(Finding("", "", "link", Severity.ERROR, where, remedy))
    if (parts := sms_parts(text)) > SMS_PARTS:
        remedy = f"The message takes {parts} parts, more than {SMS_PARTS}. Shorten it."
        found.append(Finding("", "", "length", Severity.ERROR, where, remedy))
    return found


def _own_site(text: str, site: str) -> bool:
    """Whether every address in a text is on the organisation's own domain: no shortener, no look-alike."""
    own = re.sub(r"^https?://(?:www\.)?|^www\.|/.*$", "", site.strip().lower())
    hosts = [host.lower().removeprefix("www.") for host in HOST.findall(text)]
    return bool(own) and bool(hosts) and all(host == own or host.endswith(f".{own}") for host in hosts)


def sms_parts(text: str) -> int:
    """How many parts a text message takes, slots at their usual length."""
    return segments(MARKER.sub(lambda m: "0" * SLOT_LENGTH.get(m[1], 40), text))[1]
