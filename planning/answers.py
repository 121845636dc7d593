"""Where one answer comes from, and how it is given: facts, ledger counts, profile, judgement, and a few rules that
work one out.

A source that does not know leaves the question open. A rule concludes only what the facts force: that a breach
still goes on, or that people will not be told, is never concluded from silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from enum import StrEnum
from typing import Any

from models import vocabulary
from models.facts import UNKNOWN, Count, Elements, Facts, Moment
from models.values import BadInput
from planning.forms import Form, Kind, Question


class State(StrEnum):
    KNOWN = "known"
    ESTIMATED = "estimated"  # a range, or a list that may still grow
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Case:
    """All that an answer may come from."""

    form: Form
    facts: Facts
    counts: Mapping[str, Any]
    profile: Mapping[str, Any]
    answers: Mapping[str, Any]
    filing: Mapping[str, str]
    zone: tzinfo
    now: datetime


@dataclass(frozen=True, slots=True)
class Found:
    value: Any
    source: str
    state: State = State.KNOWN


# --- where an answer comes from -------------------------------------------------------------------------------------


def find(question: Question, case: Case) -> Found | None:
    if question.id in case.answers:
        return Found(case.answers[question.id], "person")
    for origin, name in question.sources:
        found = ORIGINS[origin](name, case)
        if found is not None and not _blank(found.value):
            return found
    return None


def _blank(value: Any) -> bool:
    return value in (None, UNKNOWN) or (isinstance(value, str) and not value.strip())


def _from_fact(key: str, case: Case) -> Found | None:
    if key.startswith("narrative."):
        name = key.removeprefix("narrative.")
        text = getattr(case.facts.narrative_in(case.form.language), name) or getattr(case.facts.narrative, name)
        return Found(text.strip(), case.facts.source(key))
    return Found(case.facts.value(key), case.facts.source(key))


def _from_ledger(name: str, case: Case) -> Found | None:
    return Found(case.counts[name], "ledger") if name in case.counts else None


def _from_profile(key: str, case: Case) -> Found | None:
    part: Any = case.profile
    for step in key.split("."):
        part = part.get(step) if isinstance(part, Mapping) else None
    return Found(part, "profile")


def _from_filing(name: str, case: Case) -> Found | None:
    return Found(case.filing[name], "filing")


def _from_rule(name: str, case: Case) -> Found | None:
    return RULES[name](case)


ORIGINS: Mapping[str, Callable[[str, Case], Found | None]] = {
    "fact": _from_fact,
    "ledger": _from_ledger,
    "profile": _from_profile,
    "filing": _from_filing,
    "rule": _from_rule,
}

# --- rules: answers that are worked out -----------------------------------------------------------------------------


def _people(case: Case) -> Found | None:
    """How many people: the list's count, else the total that was declared, else the sum over places."""
    if "people" in case.counts:
        return Found(case.counts["people"], "ledger")
    total = case.facts.value("people_detail.total")
    if isinstance(total, Count):
        return Found(total, case.facts.source("people_detail.total"))
    return _sum(case.facts.people, case)


def _sum(people: Mapping[str, Count], case: Case) -> Found | None:
    if not people:
        return None
    low, high = [c.min for c in people.values()], [c.max for c in people.values()]
    total = Count(
        sum(n for n in low if n is not None) if any(n is not None for n in low) else None,
        sum(n for n in high if n is not None) if all(n is not None for n in high) else None,
    )
    sources = {case.facts.source(f"people.{place}") for place in people}
    return None if total.min is None and total.max is None else Found(total, "; ".join(sorted(sources)))


def _exactness(found: Found | None) -> Found | None:
    if found is None:
        return None
    exact = not isinstance(found.value, Count) or found.value.exact is not None
    return Found("exact" if exact else "approximate", found.source)


def _records(case: Case) -> Found | None:
    return _from_ledger("records", case)


def _breach_dates(case: Case) -> Found | None:
    """Day or range. That a breach still goes on is never concluded from an end that nobody stated."""
    start, end = case.facts.moment("occurred_from"), case.facts.moment("occurred_until")
    if start is None or end is None:
        return None
    days = {_day(start.earliest, case), _day(end.latest, case)}
    return (
        None if None in days else Found("day" if len(days) == 1 else "range", case.facts.source("times.occurred_from"))
    )


def _dates_estimated(case: Case) -> Found | None:
    """Whether a stated time of the breach is a range of more than one day."""
    keys = ("occurred_from", "occurred_until")
    moments = [m for m in (case.facts.moment(k) for k in keys) if m is not None]
    if not moments:
        return None
    return Found(any(_day(m.earliest, case) != _day(m.latest, case) for m in moments), "derived")


def _unintelligible(case: Case) -> Found | None:
    encrypted, key = case.facts.value("data.encrypted"), case.facts.value("data.key_compromised")
    words = {(True, False): "intact", (True, True): "subverted"}
    word = "no" if encrypted is False else words.get((encrypted, key)) if isinstance(key, bool) else None  # type: ignore[arg-type]
    return Found(word, case.facts.source("data.encrypted")) if word else None


def _told(case: Case) -> Found | None:
    """Only a yes can be worked out; why people are not told is somebody's judgement."""
    if case.counts.get("told") or case.counts.get("public_notices"):
        return Found("yes", "ledger")
    if _past(case.facts.moment("individuals_notified"), case):
        return Found("yes", case.facts.source("times.individuals_notified"))
    told = any(s.duty == "individuals" and _past(s.at, case) for s in case.facts.submissions)
    return Found("yes", "declared") if told else None


def _told_from(case: Case) -> Found | None:
    """The first day on which people were told: by the ledger, the fact, or a submission of the facts."""
    if "first_told" in case.counts:
        return Found(case.counts["first_told"], "ledger")
    fact = case.facts.moment("individuals_notified")
    if fact is not None and _past(fact, case):
        return Found(fact, case.facts.source("times.individuals_notified"))
    told = [s.at for s in case.facts.submissions if s.duty == "individuals" and _past(s.at, case)]
    return Found(min(told, key=_begin), "declared") if told else None


def _past(moment: Moment | None, case: Case) -> bool:
    """What lies after the filing cannot be in it."""
    return moment is not None and moment.earliest is not None and moment.earliest <= case.now


def _begin(moment: Moment) -> datetime:
    return moment.earliest or datetime.max.replace(tzinfo=UTC)


def _all_told(case: Case) -> Found | None:
    if not {"told", "people"} <= case.counts.keys():
        return None
    return Found("all" if case.counts["told"] >= case.counts["people"] else "some", "ledger")


def _means(case: Case) -> Found | None:
    """Individual and public; the truth per channel is the ledger's."""
    used = {word for word, name in (("individual", "told"), ("public", "public_notices")) if case.counts.get(name)}
    return Found(frozenset(used), "ledger") if used else None


def _eea_people(case: Case) -> dict[str, Count]:
    people = {p: c for p, c in _by_place(case).items() if vocabulary.within("EU", p)}
    return {p: c for p, c in sorted(people.items()) if c.max != 0}


def _by_place(case: Case) -> Mapping[str, Count]:
    listed = case.counts.get("people_by_place")
    return {p: Count(n, n) for p, n in listed.items()} if listed else case.facts.people


def _cross_border(case: Case) -> Found | None:
    """People in more than one EEA State; one place alone does not prove the contrary while counts are open."""
    places = {p.split("-")[0] for p in _eea_people(case)}
    if len(places) > 1:
        return Found(True, "derived")
    settled = case.counts.get("people_by_place") and case.facts.organisation.establishments is not None
    alone = len({e for e in case.facts.organisation.establishments or () if vocabulary.within("EU", e)}) <= 1
    return Found(False, "derived") if settled and alone else None


def _eea_places(case: Case) -> Found | None:
    places = _eea_people(case)
    return Found(", ".join(places), "derived") if places else None


def _eea_counts(case: Case) -> Found | None:
    places = _eea_people(case)
    return Found(places, "derived") if places else None


def _establishments(case: Case) -> Found | None:
    places = sorted(e for e in case.facts.organisation.establishments or () if vocabulary.within("EU", e))
    return Found(", ".join(places), case.facts.source("organisation.establishments")) if places else None


def _measures(case: Case) -> Found | None:
    """What was done and what will be, in one text."""
    story = case.facts.narrative_in(case.form.language)
    text = "\n".join(t.strip() for t in (story.measures_taken, story.measures_planned) if t.strip())
    return Found(text, case.facts.source("narrative.measures_taken") or case.facts.source("narrative.measures_planned"))


def _residents(case: Case) -> Found | None:
    """Residents of the obligation's own place, which stands in its id: regime/duty/place/stage."""
    places = [p for p in case.filing["reference"].split("/") if p in _by_place(case)]
    return Found(_by_place(case)[places[0]], "derived") if places else None


def _media(case: Case) -> Found | None:
    """Places whose media were told, from the ledger or the submissions of the facts."""
    if "media_told" in case.counts:
        return Found(case.counts["media_told"], "ledger")
    told = any(s.duty == "media" and _past(s.at, case) for s in case.facts.submissions)
    return Found(True, "declared") if told else None


def _hold(case: Case) -> Found | None:
    return Found(True, case.facts.source("law_enforcement.form")) if case.facts.value("law_enforcement.form") else None


def _dpo(case: Case) -> Found | None:
    named = _from_profile("dpo.name", case)
    return Found(True, "profile") if named is not None and not _blank(named.value) else None


RULES: Mapping[str, Callable[[Case], Found | None]] = {
    "people": _people,
    "people_exactness": lambda case: _exactness(_people(case)),
    "records_exactness": lambda case: _exactness(_records(case)),
    "breach_dates": _breach_dates,
    "dates_estimated": _dates_estimated,
    "unintelligible": _unintelligible,
    "told": _told,
    "told_from": _told_from,
    "all_told": _all_told,
    "means": _means,
    "cross_border": _cross_border,
    "eea_places": _eea_places,
    "eea_counts": _eea_counts,
    "establishments": _establishments,
    "measures": _measures,
    "residents": _residents,
    "media": _media,
    "law_enforcement_delay": _hold,
    "dpo_designated": _dpo,
}

# --- how a value is given -------------------------------------------------------------------------------------------

Given = tuple[Any, str, State]


def given(question: Question, found: Found, case: Case) -> Given:
    if question.kind in (Kind.CHOICE, Kind.CHOICES):
        return _as_codes(question, found, case)
    return GIVERS[question.kind](question, found, case)


def _as_codes(question: Question, found: Found, case: Case) -> Given:
    words, state = _words_of(found)
    chosen = set(words) if found.source == "person" else {c for w in words for c in _codes(question, w, case)}
    codes = sorted(chosen, key=list(question.options).index)
    if not codes:
        return None, "", State.UNKNOWN
    text = "; ".join(question.options[c] for c in codes)
    if question.unknown in codes:
        state = State.UNKNOWN
    return (codes[0] if question.kind is Kind.CHOICE else tuple(codes)), text, state


def _words_of(found: Found) -> tuple[list[str], State]:
    value = found.value
    if isinstance(value, Elements):
        return sorted(value.at_least), State.KNOWN if value.at_most == value.at_least else State.ESTIMATED
    if isinstance(value, bool):
        return ["true" if value else "false"], found.state
    return [str(v) for v in value] if isinstance(value, list | tuple | set | frozenset) else [str(value)], found.state


def _codes(question: Question, word: str, case: Case) -> tuple[str, ...]:
    if word in question.words:
        return question.words[word]
    where, remedy = f"{case.form.file}: {question.id}", f"Add it to the words of {question.id}."
    raise BadInput(where, f'no option is given for "{word}".', remedy)


def _as_count(question: Question, found: Found, case: Case) -> Given:
    if not isinstance(found.value, Count):
        return int(found.value), f"{int(found.value):,}", found.state
    if found.value.exact is not None:
        return found.value.exact, str(found.value), State.KNOWN
    known = [n for n in (found.value.max, found.value.min) if n is not None]
    return (known[0], str(found.value), State.ESTIMATED) if known else (None, "", State.UNKNOWN)


def _as_date(question: Question, found: Found, case: Case) -> Given:
    value = found.value
    if not isinstance(value, Moment):
        day = _day(value, case) if isinstance(value, datetime) else value
        return str(day), str(day), found.state
    first, last = (value.first, value.last) if value.dated else (_day(value.earliest, case), _day(value.latest, case))
    chosen = (last or first) if question.edge == "latest" else (first or last)
    if chosen is None:
        return None, "", State.UNKNOWN
    if first == last:
        return str(chosen), str(chosen), State.KNOWN
    return str(chosen), f"{first or '?'} – {last or '?'}", State.ESTIMATED


def _as_time(question: Question, found: Found, case: Case) -> Given:
    """A day without a time of day is given from its start (or to its end), and as an estimate."""
    value = found.value
    ends = (value.earliest, value.latest) if isinstance(value, Moment) else (value, value)
    chosen = next((e for e in (reversed(ends) if question.edge == "latest" else ends) if e is not None), None)
    if chosen is None:
        return None, "", State.UNKNOWN
    iso = chosen.astimezone(case.zone).isoformat(timespec="seconds")
    if ends[0] == ends[1]:
        return iso, f"{chosen.astimezone(case.zone):%Y-%m-%d %H:%M %z}", State.KNOWN
    return iso, _as_date(question, found, case)[1], State.ESTIMATED


def _as_flag(question: Question, found: Found, case: Case) -> Given:
    return bool(found.value), case.form.yes if found.value else case.form.no, found.state


def _as_text(question: Question, found: Found, case: Case) -> Given:
    value = found.value
    if isinstance(value, bool):
        text = case.form.yes if value else case.form.no
        return text, text, found.state
    if isinstance(value, Moment):
        return _as_date(question, found, case)
    if isinstance(value, Count):
        return str(value), str(value), State.KNOWN if value.exact is not None else State.ESTIMATED
    words, state = _words_of(found)
    joint = "\n" if found.source == "profile" else ", "  # a list of the profile is lines, such as an address
    text = joint.join(" ".join(question.words.get(w, (w,))) for w in words)
    return text, text, State.UNKNOWN if text == question.unknown else state


def _as_breakdown(question: Question, found: Found, case: Case) -> Given:
    counts = {place: _as_count(question, Found(n, found.source), case) for place, n in found.value.items()}
    text = "; ".join(f"{place}: {given[1] or case.form.not_yet_known}" for place, given in counts.items())
    exact = all(given[2] is State.KNOWN for given in counts.values())
    return {p: g[0] for p, g in counts.items() if g[0] is not None}, text, State.KNOWN if exact else State.ESTIMATED


GIVERS: Mapping[Kind, Callable[[Question, Found, Case], Given]] = {
    Kind.TEXT: _as_text,
    Kind.DATE: _as_date,
    Kind.TIME: _as_time,
    Kind.COUNT: _as_count,
    Kind.FLAG: _as_flag,
    Kind.BREAKDOWN: _as_breakdown,
}


def _day(at: datetime | None, case: Case) -> date | None:
    return at.astimezone(case.zone).date() if at is not None else None
