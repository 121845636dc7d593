"""An authority's form as data: its questions in its own order, and where the answer to each comes from.

Forms are the TOML files of templates/forms/, one each. A form never holds an answer, a deadline or a figure of a
law; it says which fact, ledger count, profile entry or judgement answers a question, how a word of ours becomes an
option of the authority's, and which words of "not yet known" the authority takes while a notification is
incomplete.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from models.values import BadInput, Confidence, Stage
from regimes.schema import Report


class Kind(StrEnum):
    TEXT = "text"
    DATE = "date"
    TIME = "time"  # a date and a time of day
    COUNT = "count"
    CHOICE = "choice"  # one code of the options
    CHOICES = "choices"  # several codes
    FLAG = "flag"  # a box to tick
    BREAKDOWN = "breakdown"  # a number per place


ORIGINS = frozenset({"fact", "ledger", "profile", "filing", "rule"})


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    label: str
    kind: Kind
    section: str = ""
    sources: tuple[tuple[str, str], ...] = ()  # (origin, name), the first that knows wins; none: a person answers
    options: Mapping[str, str] = field(default_factory=dict)  # the authority's code -> its words
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # our word -> codes, or words for a reader
    mandatory: frozenset[Stage] = frozenset()
    unknown: str = ""  # code or words that stand for "not yet known" while incomplete; "" takes none
    edge: str = "earliest"  # which end of an interval a single date takes
    show: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # question or filing.x -> values that make it visible


@dataclass(frozen=True, slots=True)
class Form:
    id: str
    title: str
    authority: str
    language: str
    not_yet_known: str
    yes: str
    no: str
    questions: tuple[Question, ...]
    complete: frozenset[Stage]  # a filing of these stages says that it is complete
    serves: tuple[str, ...] = ()  # the names by which instruments call it, beside its id
    late_question: str = ""  # where the reasons of a late filing go; "" : into a note of their own
    source: str = ""
    checked: date | None = None
    confidence: Confidence = Confidence.MEMORY
    file: str = ""

    def question(self, id: str) -> Question:
        return next(q for q in self.questions if q.id == id)


TOP = frozenset(
    {"id", "title", "authority", "language", "not_yet_known", "yes", "no", "complete", "late_question", "source"}
    | {"checked", "confidence", "words", "question", "serves"}
)
KEYS = frozenset({"id", "label", "kind", "section", "from", "options", "words", "mandatory", "unknown", "edge", "show"})
Word = TypeVar("Word", bound=StrEnum)


def load_form(form_id: str, overlay: Path | None = None) -> Form:
    """A form by id; a file of the same name in `overlay`/forms is taken first. BadInput when there is none, or a
    file is wrong.
    """
    mine = overlay / "forms" / f"{form_id}.toml" if overlay else None
    path = mine if mine is not None and mine.is_file() else files("templates") / "forms" / f"{form_id}.toml"
    if form_id not in form_ids(overlay):
        raise BadInput(f"form {form_id}", "there is no such form.", _near(form_id, form_ids(overlay)))
    name = f"templates/forms/{form_id}.toml"
    try:
        return read_form(tomllib.loads(path.read_text("utf-8")), name)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(name, f"is not TOML: {error}.", "Mend that line.") from error


def form_ids(overlay: Path | None = None) -> tuple[str, ...]:
    """Every form that can be loaded, sorted."""
    found = {p.name[:-5] for p in (files("templates") / "forms").iterdir() if p.name.endswith(".toml")}
    if overlay is not None:
        found |= {p.stem for p in (overlay / "forms").glob("*.toml")}
    return tuple(sorted(found))


def read_form(data: Mapping[str, Any], file: str) -> Form:
    """A form from parsed TOML; `file` only names it in errors."""
    _refuse_unknown(data, TOP, file)
    for key in ("id", "title", "language", "not_yet_known", "source", "confidence"):
        if not data.get(key):
            raise BadInput(
                f"{file}: {key}", "is missing.", "A form names its language, its words and where it was read."
            )
    confidence = _word(Confidence, data["confidence"], f"{file}: confidence")
    if confidence is Confidence.CORPUS and not isinstance(data.get("checked"), date):
        raise BadInput(
            f"{file}: checked", "is missing.", "Give the day on which the source was read, or confidence memory."
        )
    shared: dict[str, Mapping[str, Any]] = dict(data.get("words", {}))
    questions = tuple(
        _question(row, shared, f"{file}: question {n}") for n, row in enumerate(data.get("question", ()), 1)
    )
    _check_ids(questions, str(data.get("late_question", "")), file)
    plain = {
        k: str(data.get(k, ""))
        for k in ("id", "title", "authority", "language", "not_yet_known", "yes", "no", "source")
    }
    return Form(
        **plain,
        questions=questions,
        complete=_stages(data.get("complete", ()), f"{file}: complete"),
        serves=tuple(str(name) for name in data.get("serves", ())),
        late_question=str(data.get("late_question", "")),
        checked=data.get("checked"),
        confidence=confidence,
        file=file,
    )


def _question(row: Mapping[str, Any], shared: Mapping[str, Mapping[str, Any]], where: str) -> Question:
    _refuse_unknown(row, KEYS, where)
    if not row.get("id") or not row.get("label"):
        raise BadInput(where, "needs an id and a label.", "Keep the authority's own number as the id.")
    where = f"{where} ({row['id']})"
    options = {str(k): str(v) for k, v in row.get("options", {}).items()}
    kind = _word(Kind, row.get("kind", "text"), f"{where}: kind")
    if kind in (Kind.CHOICE, Kind.CHOICES) and not options:
        raise BadInput(f"{where}: options", "a choice needs options.", "List the authority's codes and words.")
    words = _words(row.get("words", {}), shared, options, f"{where}: words")
    return Question(
        id=str(row["id"]),
        label=str(row["label"]),
        kind=kind,
        section=str(row.get("section", "")),
        sources=tuple(_source(s, f"{where}: from") for s in row.get("from", ())),
        options=options,
        words=words,
        mandatory=_stages(row.get("mandatory", ()), f"{where}: mandatory"),
        unknown=str(row.get("unknown", "")),
        edge=str(row.get("edge", "earliest")),
        show={str(k): tuple(v) for k, v in row.get("show", {}).items()},
    )


def _words(
    given: Any, shared: Mapping[str, Mapping[str, Any]], options: Mapping[str, str], where: str
) -> dict[str, tuple[str, ...]]:
    table = shared.get(given) if isinstance(given, str) else given
    if table is None:
        raise BadInput(where, f'there is no table "{given}".', "Name a table of [words].")
    found = {str(word): (codes,) if isinstance(codes, str) else tuple(codes) for word, codes in table.items()}
    strange = sorted({code for codes in found.values() for code in codes} - options.keys()) if options else []
    if strange:
        raise BadInput(where, f'"{strange[0]}" is no option.', "Each word of ours needs options of the authority's.")
    return found


def _source(text: str, where: str) -> tuple[str, str]:
    origin, _, name = text.partition(":")
    if origin not in ORIGINS or not name:
        raise BadInput(
            where,
            f'"{text}" is no source.',
            'Write "fact:data.cause", "ledger:told", "profile:dpo.name", "filing:…", "rule:…".',
        )
    return origin, name


def _stages(words: Iterable[str], where: str) -> frozenset[Stage]:
    return frozenset(_word(Stage, w, where) for w in words)


def _word(kind: type[Word], text: Any, where: str) -> Word:
    try:
        return kind(text)
    except ValueError:
        raise BadInput(where, f'"{text}" is unknown.', _near(str(text), [str(k) for k in kind])) from None


def _refuse_unknown(row: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    for key in row:
        if key not in known:
            raise BadInput(f"{where}: {key}", "key is unknown.", _near(key, sorted(known)))


def _near(text: str, known: Iterable[str]) -> str:
    close = get_close_matches(text, list(known), 1)
    return f'Did you mean "{close[0]}"?' if close else f"Known: {', '.join(known)}."


def _check_ids(questions: tuple[Question, ...], late_question: str, file: str) -> None:
    """Ids are unique, and a question is shown by earlier questions only."""
    seen: set[str] = set()
    for q in questions:
        if q.id in seen:
            raise BadInput(f"{file}: {q.id}", "the id stands twice.", "Ids are the authority's own numbers, each once.")
        for other in q.show:
            if other not in seen and not other.startswith("filing."):
                raise BadInput(
                    f"{file}: {q.id}.show", f'"{other}" is no earlier question.', "Name a question that stands above."
                )
        seen.add(q.id)
    if late_question and late_question not in seen:
        raise BadInput(
            f"{file}: late_question", f'"{late_question}" is no question.', "Name the question of the reasons."
        )


def form_for(report: Report, title: str, authority: str, overlay: Path | None = None) -> Form:
    """The form that an instrument's report asks for, or one made of the report's own list when we have none by
    that name.
    """
    for form_id in form_ids(overlay):
        form = load_form(form_id, overlay)
        if report.form and report.form in (form.id, *form.serves):
            return form
    return generic_form(report, title, authority, overlay)


def generic_form(report: Report, title: str, authority: str, overlay: Path | None = None) -> Form:
    """A form made of an instrument's own report list, in its order, for an authority that has no form of its own.

    The words of the questions are those of forms/generic.toml; an item that has none there is a mistake of ours, so
    BadInput.
    """
    base = load_form("generic", overlay)
    known = {q.id: q for q in base.questions}
    lacking = [item.element for item in report.items if item.element not in known]
    if lacking:
        raise BadInput("templates/forms/generic.toml", f'"{lacking[0]}" has no question.', "Add one with that id.")
    always = frozenset(report.stages) or frozenset(Stage)
    asked = [item.element for item in report.items]
    wanted = [*asked, *(w for w in ("reasons_for_delay",) if w not in asked)]
    return Form(
        **{
            k: getattr(base, k)
            for k in ("language", "not_yet_known", "yes", "no", "source", "checked", "confidence", "file")
        },
        id=report.form or "generic",
        title=title,
        authority=authority,
        questions=tuple(_asked(known[w], always if w in asked else frozenset()) for w in wanted),
        complete=base.complete,
        late_question=base.late_question,
    )


def _asked(question: Question, stages: frozenset[Stage]) -> Question:
    values = {name: getattr(question, name) for name in question.__slots__}
    return Question(**values | {"mandatory": stages, "show": {}})
