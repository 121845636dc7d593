"""Prepare: everybody who has no notice yet gets one drafted, in segments whose words are rendered, linted and counted.

What comes out is a wave with a plan to sign. Nothing is sent. Preparing again before launch replaces the draft and
voids its approvals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Table
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from flows.steps import guarding, judgements, wording
from flows.steps.desk import Desk, Progress, find_incident, quiet
from flows.steps.drafting import Draft, Drafter, fit, person_of, policy_of, spoken
from flows.steps.findings import findings, overrides
from flows.steps.law import instruments_with_promises, telling_people
from flows.steps.open_incident import current_facts, newest
from flows.steps.texting import Texting, texting
from flows.steps.whose_turn import (
    chosen_people,
    end_stale,
    held_back,
    mark_changed,
    next_wave,
    replace_drafts,
)
from models import outbox, verification
from models.facts import Facts
from models.outbox import NewDelivery
from models.tables import Incident, Segment, Subject, Wave, metadata, new_id
from models.values import (
    TOLD_STATES,
    BadInput,
    Channel,
    DeliveryState,
    Mode,
    NeedsPerson,
    Slot,
    WaveKind,
    canonical,
)
from planning.release import Plan, merkle_root
from planning.segment import Key, check_count, merge_keys
from planning.urgency import urgency
from regimes.assess import assess
from regimes.obligations import Assessment
from templates.press import unprintable
from templates.words import languages

SUBJECT, NOTICE, DELIVERY, WAVE = (metadata.tables[n] for n in ("subject", "notice", "delivery", "wave"))
SEGMENT: Table = metadata.tables["segment"]
_AT_A_TIME = 2_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """One wave, ready to be read and signed, or what keeps it from being."""

    incident: str
    wave: int
    kind: WaveKind
    digest: str
    people: int
    notices: int
    segments: int
    wordings: int
    ladders: Mapping[str, int]
    first_rung: Mapping[str, int]
    no_channel: int
    errors: int
    warnings: int
    problems: Mapping[str, int]  # why a channel was taken off somebody's ladder -> people
    untranslated: Mapping[str, int]
    guard: tuple[str, ...] = ()  # what the second-breach guard says; errors stop the wave, warnings wait for a person
    held_back: Mapping[str, int] = field(default_factory=dict)  # language -> people who were left out and not told yet
    errors_in: Mapping[str, int] = field(default_factory=dict)  # language -> errors of the linter
    texting: Texting | None = None  # what text messages can cost
    dropped: tuple[str, ...] = ()  # who answered for a warning of the draft that this one replaces: it no longer counts
    unprintable: tuple[str, ...] = ()  # characters of names or addresses that no font has, as U+XXXX

    def counts(self) -> dict[str, int]:
        return {
            "wave": self.wave,
            "people": self.people,
            "notices": self.notices,
            "segments": self.segments,
            "errors": self.errors,
            "warnings": self.warnings,
            "no_channel": self.no_channel,
        }


@dataclass(slots=True)
class _Work:
    """What preparing one wave gathers on its way."""

    incident: Incident
    facts: Facts
    assessed: Assessment
    drafter: Drafter
    wave: Wave
    keys: dict[str, Key] = field(default_factory=dict)
    channels: dict[str, set[Channel]] = field(default_factory=dict)  # segment key -> channels of its ladders
    people: Counter[tuple[str, Channel]] = field(default_factory=Counter)
    shapes: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    characters: set[str] = field(default_factory=set)  # of names and addresses that are to be printed
    held_back: Counter[str] = field(default_factory=Counter)  # language -> people who wait
    texted: Counter[tuple[str, str]] = field(default_factory=Counter)  # (segment key, country) -> people


def prepare(
    desk: Desk,
    slug: str,
    author: str,
    progress: Progress = quiet,
    limit: int = 2000,
    only: Collection[str] = (),
) -> Prepared:
    """Drafts the next wave. NeedsPerson when nobody is left to draft for.

    `only`: languages; whoever is written in another one is held back, stays without a notice and is listed.
    """
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        desk.key(incident)  # refused once the people are erased
        answered = _answered(session, incident)
        replace_drafts(desk, session, incident)
        end_stale(desk, session, incident)
        kind, wanted = next_wave(session, incident)
        if not wanted:
            raise NeedsPerson(
                f"{slug}: everybody in scope has a notice already; `tocsin status {slug}` shows where it is"
            )
        wanted = judgements.to_tell(desk, session, incident, current_facts(session, incident), wanted)
        if not wanted:
            raise NeedsPerson(f"{slug}: of everybody who has no notice yet it was decided not to tell them")
        wanted, held = _held_back(desk, session, incident, wanted, only)
        work = _begin(desk, session, incident, kind, len(wanted), author)
        work.held_back.update(held)
        _survey(desk, session, work, wanted, limit)
        if not work.keys:
            raise NeedsPerson(
                f"{slug}: a processor tells its controllers, and no law or promise has it tell their people;"
                f" `tocsin report {slug}` fills what each controller gets"
            )
        texts = wording.render_all(
            desk, session, incident, work.keys, work.channels, work.drafter, work.facts, work.wave.id
        )
        notices = _write(desk, session, work, wanted, texts, progress)
        public = wording.render_public(desk, session, incident, work.keys, work.drafter, work.facts)
        prepared = _seal(desk, session, work, texts, public, notices)
        found = guarding.guard_wave(desk, session, work.incident, work.wave)
        dropped = _dropped(session, work.wave, answered)
        return replace(prepared, dropped=dropped, guard=tuple(f"{f.severity}: {f.what}" for f in found))


def _answered(session: Session, incident: Incident) -> dict[str, str]:
    """Finding -> who answers for it, over the drafts that a new one is about to replace."""
    query = select(Wave).where(
        Wave.incident_id == incident.id, col(Wave.launched_at).is_(None), col(Wave.stopped_at).is_(None)
    )
    return {name: row["by"] for wave in session.exec(query).all() for name, row in overrides(session, wave).items()}


def _dropped(session: Session, wave: Wave, answered: Mapping[str, str]) -> tuple[str, ...]:
    """An answer was part of the draft that was signed. What of it is still found is to be answered for anew."""
    now = {finding["id"]: finding["element"] for _, finding in findings(session, wave)}
    return tuple(f"{name} ({now[name]}, {by})" for name, by in answered.items() if name in now)


def _held_back(
    desk: Desk, session: Session, incident: Incident, wanted: list[str], only: Collection[str]
) -> tuple[list[str], Counter[str]]:
    """The people of the chosen languages, and how many of each other language wait."""
    known = languages(desk.settings.templates)
    if unknown := sorted(set(only) - set(known)):
        raise BadInput(f"--language {unknown[0]!r}", "has no words.", f"Languages: {', '.join(known)}.")
    if not only:
        return wanted, Counter()

    def own(language: str) -> str:
        return spoken(language, known)

    held, kept = held_back(session, wanted, only, own), chosen_people(session, wanted, only, own)
    if not kept:
        raise NeedsPerson(f"{incident.slug}: nobody who has no notice yet is written in {', '.join(sorted(only))}")
    desk.log(session, incident.id, "people_held_back", incident.id, languages=dict(sorted(held.items())))
    return kept, held


# --- drafting -------------------------------------------------------------------------------------------------------


def _refuse_other_name(desk: Desk, facts: Facts) -> None:
    """A profile that was never filled in would sign every notice. An exercise may play somebody else."""
    own, stated = desk.profile.organisation.name, facts.organisation.name
    if desk.settings.mode is Mode.LIVE and stated and own.casefold() != stated.casefold():
        where = f"{desk.settings.profile}: [organisation] name"
        raise BadInput(where, f"is {own!r}, and the facts say {stated!r}.", "Fill in the profile, or mend the facts.")


def _begin(desk: Desk, session: Session, incident: Incident, kind: WaveKind, people: int, author: str) -> _Work:
    facts = current_facts(session, incident)
    _refuse_other_name(desk, facts)
    assessed = assess(facts, desk.now())
    defaults = desk.profile.wave
    revision = newest(session, incident.id)
    numbers = session.exec(select(Wave.number).where(Wave.incident_id == incident.id)).all()
    wave = Wave(
        id=new_id(),
        incident_id=incident.id,
        number=max(numbers, default=0) + 1,
        kind=kind,
        facts_number=revision.number if revision else 0,
        prepared_by=author,
        prepared_at=desk.now(),
        plan="",
        digest="",
        people=people,
        people_root="",
        cap=defaults.cap,
        pilot=min(defaults.pilot, people),
        bounce_limit=defaults.bounce_limit,
        window_from=desk.now(),
        window_until=desk.now() + timedelta(hours=defaults.window_hours),
    )
    session.add(wave)
    session.flush()
    drafter = Drafter(
        facts=facts,
        obligations=telling_people(assessed, judgements.decided(judgements.counting(desk, session, incident, facts))),
        instruments=instruments_with_promises(assessed, facts),
        policy=policy_of(desk),
        languages=frozenset(languages(desk.settings.templates)),
        key=desk.key(incident),
    )
    return _Work(incident, facts, assessed, drafter, wave)


def _subjects(session: Session, ids: Sequence[str]) -> Iterator[Subject]:
    for start in range(0, len(ids), _AT_A_TIME):
        rows = session.exec(select(Subject).where(col(Subject.id).in_(ids[start : start + _AT_A_TIME]))).all()
        yield from rows
        for row in rows:
            session.expunge(row)


def _survey(desk: Desk, session: Session, work: _Work, wanted: Sequence[str], limit: int) -> None:
    """First pass: which segments there are, and in which channels."""
    found: list[Key] = []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    work.wave.people = 0
    for row in _subjects(session, wanted):
        person = person_of(row)
        work.wave.people += bool(work.drafter.keys(person))
        for key in work.drafter.keys(person):
            if (key.text, key.laws) not in seen:
                seen.add((key.text, key.laws))
                found.append(key)
            channels = work.channels.setdefault(key.text, set())
            for rung in work.drafter.ladder(person, key.laws):
                channels.update(rung)
    work.keys = merge_keys(found)
    check_count(work.keys.values(), limit)


def _write(
    desk: Desk,
    session: Session,
    work: _Work,
    wanted: Sequence[str],
    texts: wording.Texts,
    progress: Progress,
) -> int:
    """Second pass: every person merged once, then stored with the first rung of the ladder."""
    notices: list[dict[str, Any]] = []
    rungs: list[NewDelivery] = []
    total = 0
    for start in range(0, len(wanted), _AT_A_TIME):
        mark_changed(session, wanted[start : start + _AT_A_TIME], None)
    for done, row in enumerate(_subjects(session, wanted), 1):
        for draft in _drafts(session, work, row, texts):
            total += 1
            code = draft.slots[Slot.VERIFICATION_CODE]
            mark = desk.vault.verification_index(verification.read(code))
            notices.append(_notice(work, draft) | {"verification": mark})
            rungs += _first_rung(work, draft, texts, total)
        if len(notices) >= _AT_A_TIME:
            _flush(desk, session, notices, rungs)
            progress("notices", done, len(wanted))
    _flush(desk, session, notices, rungs)
    progress("notices", len(wanted), len(wanted))
    return total


def _still_owed(session: Session, work: _Work, row: Subject) -> list[Key]:
    """The notices that a person is to get: of two in an earlier wave, not the one that was taken already."""
    keys = list(work.drafter.keys(person_of(row)))
    if len(keys) < 2 or work.wave.kind is WaveKind.FIRST:
        return keys
    d = DELIVERY.c
    taken = (
        columns(SEGMENT.c.key)
        .join(DELIVERY, d.segment_id == SEGMENT.c.id)
        .where(d.subject_id == row.id, d.state.in_([state.value for state in TOLD_STATES]))
    )
    had = set(session.connection().execute(taken).scalars())
    return [key for key in keys if key.text not in had]


def _drafts(session: Session, work: _Work, row: Subject, texts: wording.Texts) -> Iterator[Draft]:
    record = work.drafter.key.open_record(row.id, row.sealed or b"")
    for key in _still_owed(session, work, row):
        draft, problems = fit(work.drafter.draft(row, record, key), texts.wordings)
        work.problems.update(problems)
        work.shapes[draft.shape()] += 1
        for channel in draft.ladder[0] if draft.ladder else ():
            work.people[draft.key, channel] += 1
        if any(Channel.SMS in rung for rung in draft.ladder):
            work.texted[draft.key, row.residence.split("-")[0]] += 1
        if any(Channel.LETTER in rung for rung in draft.ladder):
            work.characters.update(*draft.slots.values())
        yield draft


def _notice(work: _Work, draft: Draft) -> dict[str, Any]:
    key = work.drafter.key
    owed = [o.id for o in work.drafter.obligations if o.regime in draft.laws]  # type: ignore[attr-defined]
    return {
        "id": draft.id,
        "incident_id": work.incident.id,
        "wave_id": work.wave.id,
        "subject_id": draft.subject,
        "segment_key": draft.key,
        "ladder": draft.ladder_text(),
        "obligations": canonical(owed),
        "sealed": key.seal_notice(draft.id, draft.slots, draft.contacts),
        "leaf": draft.leaf(key),
        "reference": draft.reference,
    }


def _first_rung(work: _Work, draft: Draft, texts: wording.Texts, place: int) -> Iterator[NewDelivery]:
    for channel in draft.ladder[0] if draft.ladder else ():
        yield NewDelivery(
            incident=work.incident.id,
            wave=work.wave.id,
            notice=draft.id,
            subject=draft.subject,
            segment=texts.segments[draft.key, channel],
            channel=channel,
            rung=0,
            state=DeliveryState.PLANNED,
            pilot=place <= work.wave.pilot,
            urgency=urgency(draft.key.rpartition("/")[2].split("+")),  # a key ends in what was exposed
        )


def _flush(desk: Desk, session: Session, notices: list[dict[str, Any]], rungs: list[NewDelivery]) -> None:
    if notices:
        outbox.bulk_insert(session, NOTICE, notices)
        outbox.open_rung(session, rungs, desk.now())
    notices.clear()
    rungs.clear()


# --- the plan to sign -----------------------------------------------------------------------------------------------


def _seal(
    desk: Desk, session: Session, work: _Work, texts: wording.Texts, public: Mapping[str, str], notices: int
) -> Prepared:
    wave = work.wave
    leaves = session.connection().execute(columns(NOTICE.c.leaf).where(NOTICE.c.wave_id == wave.id)).scalars()
    plan = Plan(
        incident=work.incident.slug,
        wave=wave.number,
        facts=wave.facts_number,
        wordings={texts.segments[place]: text.digest() for place, text in texts.wordings.items()},
        ladders=dict(sorted(work.shapes.items())),
        substitute=public,
        window_from=wave.window_from,
        window_until=wave.window_until,
        cap=wave.cap,
        pilot=wave.pilot,
        bounce_limit=wave.bounce_limit,
        people=wave.people,
        people_root=merkle_root(leaves),
    )
    wave.plan, wave.digest, wave.people_root = plan.text(), plan.digest(), plan.people_root
    session.add(wave)
    _count_segments(session, work, texts)
    body = {
        "number": wave.number,
        "digest": wave.digest,
        "people": wave.people,
        "wave_kind": wave.kind,
        "author": wave.prepared_by,
    }
    desk.log(session, work.incident.id, "wave_prepared", wave.id, **body, findings=texts.errors)
    first = Counter[str]()
    for (_, channel), people in work.people.items():
        first[channel] += people
    return Prepared(
        incident=work.incident.slug,
        wave=wave.number,
        kind=wave.kind,
        digest=wave.digest,
        people=wave.people,
        notices=notices,
        segments=len(work.keys),
        wordings=len(texts.wordings),
        ladders=dict(work.shapes),
        first_rung=dict(sorted(first.items())),
        no_channel=work.shapes.get("none", 0),
        errors=texts.errors,
        warnings=texts.warnings,
        problems=dict(work.problems),
        untranslated=dict(work.drafter.untranslated),
        held_back=dict(work.held_back),
        texting=texting(desk, texts.wordings, work.texted),
        errors_in={language: count for language, count in texts.errors_in.items() if count},
        unprintable=tuple(f"U+{ord(c):04X}" for c in sorted(unprintable(work.characters))) if work.characters else (),
    )


def _count_segments(session: Session, work: _Work, texts: wording.Texts) -> None:
    for place, people in work.people.items():
        row = session.get(Segment, texts.segments[place])
        if row is not None:
            row.people = people
            session.add(row)
