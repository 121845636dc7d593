"""A filing: an authority's questions answered from facts, ledger counts, the organisation's profile and people's
judgement.

What nobody knows is listed as not yet known, with the stage by which it must be known; nothing is guessed, and an
unmapped word is an error, never "other". A late filing demands its reasons; a filing that calls itself complete may
leave nothing "not yet known".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from models import vocabulary
from models.facts import Facts
from models.values import BadInput, Refused, Stage
from planning.answers import Case, State, find, given
from planning.forms import Form, Kind, Question

NOTHING = "–"  # an optional question that nobody answered
WORDED = frozenset({Kind.TEXT, Kind.CHOICE, Kind.CHOICES})  # kinds whose field can hold words of "not yet known"


class Owed(Protocol):
    """What filing needs of an obligation."""

    @property
    def id(self) -> str: ...
    @property
    def due(self) -> datetime | None: ...
    @property
    def citation(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Answer:
    id: str
    section: str
    label: str
    value: Any  # the authority's code, codes, number, ISO date or text; None is unknown
    text: str  # the same for a reader
    source: str  # declared, list:…, ledger, profile, filing, derived, person; "" is unknown
    state: State
    by_when: str = ""  # of an unknown: the due time if it is mandatory now, else the stage that demands it


@dataclass(frozen=True, slots=True)
class Filled:
    form: str
    title: str
    authority: str
    language: str
    obligation: str
    citation: str
    stage: Stage
    complete: bool
    at: datetime
    due: datetime | None
    late: bool
    late_reasons: str
    answers: tuple[Answer, ...]
    missing: tuple[str, ...]  # ids of questions that must be answered now and are not
    problems: tuple[str, ...]  # sentences; any of them stops approval

    def answer(self, id: str) -> Answer:
        return next(a for a in self.answers if a.id == id)


@dataclass(frozen=True, slots=True)
class Change:
    id: str
    label: str
    before: str  # "" when the question was not asked
    after: str


# --- filling --------------------------------------------------------------------------------------------------------


def fill(
    form: Form,
    facts: Facts,
    counts: Mapping[str, Any],
    obligation: Owed,
    stage: Stage,
    now: datetime,
    late_reasons: str = "",
    *,
    profile: Mapping[str, Any] | None = None,
    answers: Mapping[str, Any] | None = None,
    earlier: str = "",
    withdraw: str = "",
    complete: bool | None = None,
) -> Filled:
    """The form's questions answered for one obligation at one stage.

    `counts` are ledger counts and dates by name; `answers` is what people judged, by question id, and wins over the
    rest. `earlier` is the authority's number of a previous filing; `withdraw` the reason for taking that one back.
    `complete` overrides what the stage implies. Raises BadInput for an answer to a question that is not there, an
    option that the form has not, or a word of facts without an option.
    """
    whole = stage in form.complete if complete is None else complete
    late = obligation.due is not None and now > obligation.due
    words = _filing_words(obligation, late, late_reasons, earlier, withdraw, whole, facts)
    case = Case(form, facts, counts, profile or {}, _checked(form, answers or {}), words, facts.zone or UTC, now)
    found: dict[str, Answer] = {}
    missing: list[str] = []
    for question in form.questions:
        if not _visible(question, found, words):
            continue
        asked = _asked_now(question, stage, whole)
        answer = _answer(question, case, asked, obligation.due)
        found[question.id] = answer
        if asked and answer.state is State.UNKNOWN and (whole or not question.unknown):
            missing.append(question.id)
    asked_all = tuple(found.values())
    return Filled(
        form.id, form.title, form.authority, form.language, obligation.id, obligation.citation, stage, whole, now,
        obligation.due, late, late_reasons, asked_all, tuple(missing), tuple(_problems(form, asked_all, words, whole)),
    )  # fmt: skip


def _filing_words(
    obligation: Owed, late: bool, late_reasons: str, earlier: str, withdraw: str, whole: bool, facts: Facts
) -> dict[str, str]:
    country = facts.organisation.country
    return {
        "type": "follow_up" if earlier else "new",
        "subtype": "withdraw" if withdraw else "complete" if whole else "incomplete",
        "earlier": earlier,
        "withdraw_reason": withdraw,
        "late": "yes" if late else "no",
        "late_reasons": late_reasons,
        "reference": obligation.id,
        "citation": obligation.citation,
        "eea": "" if not country else "yes" if vocabulary.within("EU", country) else "no",
    }


def _checked(form: Form, answers: Mapping[str, Any]) -> Mapping[str, Any]:
    known = {q.id: q for q in form.questions}
    for id, value in answers.items():
        if id not in known:
            raise BadInput(f"answer {id}", f"form {form.id} has no such question.", "See the form's file for its ids.")
        codes = value if isinstance(value, list | tuple | set | frozenset) else [value]
        if known[id].options and any(str(c) not in known[id].options for c in codes):
            raise BadInput(f"answer {id}", "is none of the options.", f"Choose of {', '.join(known[id].options)}.")
    return answers


def _visible(question: Question, found: Mapping[str, Answer], words: Mapping[str, str]) -> bool:
    return all(_shown_by(other, values, found, words) for other, values in question.show.items())


def _shown_by(other: str, values: tuple[str, ...], found: Mapping[str, Answer], words: Mapping[str, str]) -> bool:
    if other.startswith("filing."):
        return words[other.removeprefix("filing.")] in values
    value = found[other].value if other in found else None
    return any(v in values for v in (value if isinstance(value, tuple) else (value,)))


def _asked_now(question: Question, stage: Stage, whole: bool) -> bool:
    return stage in question.mandatory or (whole and bool(question.mandatory))


def _answer(question: Question, case: Case, asked: bool, due: datetime | None) -> Answer:
    found = find(question, case)
    value, text, state = given(question, found, case) if found else (None, "", State.UNKNOWN)
    if state is not State.UNKNOWN and found:
        return Answer(question.id, question.section, question.label, value, text, found.source, state)
    words = question.options.get(question.unknown, question.unknown) or case.form.not_yet_known
    codes = question.options or {question.unknown: ""}
    code = question.unknown if asked and question.unknown in codes and question.kind in WORDED else None
    several = (code,) if code and question.kind is Kind.CHOICES else code
    by = due.isoformat() if asked and due and not question.unknown else _demanding(question, case.form)
    return Answer(
        question.id,
        question.section,
        question.label,
        several or None,
        words if question.mandatory else NOTHING,
        "",
        State.UNKNOWN,
        by,
    )


def _demanding(question: Question, form: Form) -> str:
    """The stage that must have the answer; words of "not yet known" hold until the notification is complete."""
    if not question.mandatory:
        return ""
    stages = form.complete if question.unknown else question.mandatory
    return str(next((s for s in Stage if s in stages), ""))


def _problems(form: Form, answers: tuple[Answer, ...], words: Mapping[str, str], whole: bool) -> list[str]:
    out = []
    if words["late"] == "yes" and not words["late_reasons"].strip():
        out.append("The filing is late and gives no reasons; state why.")
    if words["subtype"] == "withdraw" and not words["earlier"]:
        out.append("Only an earlier notification can be withdrawn; give its number.")
    open_ids = [a.id for a in answers if a.state is State.UNKNOWN and form.question(a.id).mandatory]
    if whole and words["subtype"] != "withdraw" and open_ids:
        out.append(f"A complete notification may leave nothing not yet known: {', '.join(open_ids)}.")
    return out


# --- what is done with a filled form --------------------------------------------------------------------------------


def completeness(filled: Filled) -> tuple[str, ...]:
    """Ids of the questions that still stand as not yet known and that a complete notification must answer."""
    return tuple(a.id for a in filled.answers if a.state is State.UNKNOWN and (a.by_when or a.id in filled.missing))


def check_ready(filled: Filled) -> None:
    """Refused while something mandatory is missing or a problem stands; says all of them at once."""
    reasons = [*filled.problems, *([f"Not answered: {', '.join(filled.missing)}."] if filled.missing else [])]
    if reasons:
        raise Refused(f"{filled.obligation}: {' '.join(reasons)}")


def difference(old: Filled, new: Filled) -> tuple[Change, ...]:
    """What an amendment changes, in the order of the new form; questions that are no longer asked come last."""
    before = {a.id: a for a in old.answers}
    after = {a.id: a for a in new.answers}
    changed = [Change(a.id, a.label, before[a.id].text if a.id in before else "", a.text) for a in new.answers]
    gone = [Change(a.id, a.label, a.text, "") for a in old.answers if a.id not in after]
    return tuple(c for c in (*changed, *gone) if c.before != c.after)


def as_json(filled: Filled) -> dict[str, Any]:
    """The authority's own fields: id -> code, number, date or text. What is unknown stands only where the form has
    a word for it.

    The draft EDPB schema takes one code even where its template lets several be ticked (its fields 55, 60, 65, 70,
    75, 79, 81, 83, 85, 94, 104, 125) and one number for the counts per country (117, 122): there a list, or a
    number per country, is given all the same.
    """
    return {
        a.id: list(a.value) if isinstance(a.value, tuple) else a.value
        for a in filled.answers
        if a.value not in (None, "")
    }


def as_packet(filled: Filled, changes: Sequence[Change] = ()) -> dict[str, Any]:
    """All of a filing as JSON: to keep, to type into a portal from, and for templates.press.press_filing to print."""
    return {
        "form": filled.form,
        "title": filled.title,
        "authority": filled.authority,
        "language": filled.language,
        "obligation": filled.obligation,
        "citation": filled.citation,
        "stage": str(filled.stage),
        "complete": filled.complete,
        "at": filled.at.isoformat(),
        "due": filled.due.isoformat() if filled.due else None,
        "late": filled.late,
        "late_reasons": filled.late_reasons,
        "answers": [_answer_data(a) for a in filled.answers],
        "fields": as_json(filled),
        "missing": list(filled.missing),
        "problems": list(filled.problems),
        "changes": [{"id": c.id, "label": c.label, "before": c.before, "after": c.after} for c in changes],
    }


def _answer_data(answer: Answer) -> dict[str, Any]:
    data = {name: getattr(answer, name) for name in ("id", "section", "label", "value", "text", "source", "by_when")}
    return data | {
        "state": str(answer.state),
        "value": list(answer.value) if isinstance(answer.value, tuple) else answer.value,
    }
