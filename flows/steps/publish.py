"""Notice to the public: a page for those who can't be reached, and a release to the media where the law demands one.

`judge` says what the counts come to; `draft` makes a version; `publish` puts out the newest version whose words were
approved, with the wave or on their own. Publishing the same version twice changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from flows.steps import approvals, posted
from flows.steps.delayed import refuse_delayed
from flows.steps.desk import Desk, find_incident
from flows.steps.freshness import refuse_old_words
from flows.steps.launching import unsigned
from flows.steps.law import versions
from flows.steps.obligations import covered, dispatched, update_met
from flows.steps.open_incident import current_facts, live_obligations
from flows.steps.posting import wording_of
from models.sums import Standing, standings
from models.tables import Event, Incident, ObligationRow, PublicNotice, Wave, WordingRow
from models.values import Channel, Duty, NeedsPerson, RecipientKind, Refused, Role, Wording, canonical, digest
from planning.release import FRESH, problems_to_launch
from planning.substitute import Decision, Reach, decide, problems_to_publish
from regimes.assess import assess
from regimes.schema import Means

MEDIA_MEANS = frozenset({Means.MAJOR_MEDIA, Means.STATEWIDE_MEDIA})


class Kind(StrEnum):
    """What is put before the public. Each has versions of its own."""

    PAGE = "page"  # on the organisation's own site
    PRESS = "press"  # a release to media outlets; the record is that it went out


@dataclass(slots=True)
class Judged:
    """What the law says of those who could not be reached, and of the media."""

    decisions: list[tuple[str, Decision]] = field(default_factory=list)  # obligation id, decision
    media: list[str] = field(default_factory=list)  # ids of duties to tell the media
    public: list[str] = field(default_factory=list)  # ids of duties to tell the public

    def serves(self, kind: Kind) -> list[str]:
        """Ids of the obligations that this kind would serve as things stand."""
        own = self.public if kind is Kind.PAGE else self.media
        substitutes = [key for key, d in self.decisions if d.allowed and self._means(kind, d)]
        return list(dict.fromkeys([*own, *substitutes]))

    def owed(self, kind: Kind) -> bool:
        own = self.public if kind is Kind.PAGE else self.media
        return bool(own) or any(d.owed and self._means(kind, d) for _, d in self.decisions)

    def days(self) -> int:
        return max((d.days or 0 for _, d in self.decisions if d.allowed and d.public), default=0)

    def toll_free_days(self) -> int:
        """How long the law wants a toll-free number to be answered beside the notice."""
        return max((d.toll_free_days or 0 for _, d in self.decisions if d.allowed and d.public), default=0)

    def both(self, serves: list[str]) -> list[str]:
        """Ids of those whose law wants page and release together: one alone does not meet them."""
        return [key for key, d in self.decisions if key in serves and d.allowed and _needs_both(d)]

    @staticmethod
    def _means(kind: Kind, decision: Decision) -> bool:
        if kind is Kind.PAGE:
            return decision.public
        return bool(MEDIA_MEANS.intersection(decision.means))


def _needs_both(decision: Decision) -> bool:
    return decision.needed > 1 and Means.WEBSITE in decision.means and bool(MEDIA_MEANS.intersection(decision.means))


@dataclass(frozen=True, slots=True)
class Published:
    incident: str
    kind: Kind
    version: int
    languages: tuple[str, ...]
    folder: Path
    again: bool
    met: tuple[str, ...] = ()
    until: datetime | None = None  # that the page must stay up
    toll_free_until: datetime | None = None
    warnings: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        return {
            "version": self.version,
            "languages": len(self.languages),
            "again": int(self.again),
            "met": len(self.met),
        }


def judge(desk: Desk, slug: str) -> Judged:
    """Reads only."""
    with desk.db.read() as session:
        return _judge(desk, session, find_incident(session, slug))


def _judge(desk: Desk, session: Session, incident: Incident) -> Judged:
    facts = current_facts(session, incident)
    terms = versions(assess(facts, desk.now()), facts)
    people = standings(session, incident.id)
    judged = Judged()
    for row in live_obligations(session, incident.id):
        if row.duty is Duty.MEDIA:
            judged.media.append(row.key)
        elif row.duty is Duty.PUBLIC:
            judged.public.append(row.key)
        elif row.duty is Duty.INDIVIDUALS and row.key in terms and (reach := _reach(row, people)) is not None:
            judged.decisions += [(row.key, d) for d in decide(reach, terms[row.key].substitute, facts)]
    return judged


def _reach(row: ObligationRow, people: Sequence[Standing]) -> Reach | None:
    counted = dispatched(row, people, posted=False)
    if counted is None:
        return None
    own = [p for p in people if p.stands == "unreached" and covered(row, p)]
    kin = sum(p.people for p in own if p.role is Role.NEXT_OF_KIN)
    return Reach(row.regime, row.jurisdiction, counted.owed, sum(p.people for p in own) - kin, kin)


# --- drafting -------------------------------------------------------------------------------------------------------


def draft(
    desk: Desk,
    slug: str,
    author: str,
    kind: Kind = Kind.PAGE,
    why: str = "",
    changed: Mapping[str, str] | None = None,
) -> PublicNotice:
    """The next version, from the words of the newest wave. Refused when no law needs it, or leaves a reason to give.

    `changed` (language -> sentence) says on the page what a later version changes.
    """
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        judged = _judge(desk, session, incident)
        serves = judged.serves(kind)
        last = newest(session, incident, kind)
        why = why or (json.loads(last.reason).get("why", "") if last and last.reason else "")
        _refuse(slug, kind, judged, serves, why)
        wordings = _newest_words(session, incident)
        marks = {k: m for k, (_, m) in wordings.items()}
        if last is not None and last.digest == digest(_bound(kind, marks, serves, why, _changed(last))):
            session.expunge(last)
            return last
        changed = dict(changed or {})
        _refuse_silence(slug, kind, last, wordings, changed)
        mark = digest(_bound(kind, marks, serves, why, changed))
        row = PublicNotice(
            incident_id=incident.id,
            kind=kind.value,
            version=last.version + 1 if last else 1,
            obligation_keys=canonical(serves),
            wordings=canonical({language: identity for language, (identity, _) in wordings.items()}),
            digest=mark,
            prepared_at=desk.now(),
            until=desk.now() + timedelta(days=judged.days()) if kind is Kind.PAGE and judged.days() else None,
            reason=canonical(
                {
                    "because": [because(d) for _, d in judged.decisions if d.allowed],
                    "why": why,
                    "both": judged.both(serves),
                    "changed": changed,
                    "toll_free_days": judged.toll_free_days(),
                }
            ),
        )
        session.add(row)
        session.flush()
        desk.log(
            session, incident.id, "public_drafted", row.id, what=kind, version=row.version, digest=mark, author=author
        )
        session.expunge(row)
    return row


def _changed(row: PublicNotice) -> dict[str, str]:
    return dict(json.loads(row.reason or "{}").get("changed", {}))


def _refuse_silence(
    slug: str, kind: Kind, last: PublicNotice | None, languages: Mapping[str, Any], changed: Mapping[str, str]
) -> None:
    """Readers of a page are told what a later version changes, each in their language."""
    if kind is not Kind.PAGE or last is None or last.published_at is None:
        return
    if missing := sorted(languages.keys() - changed.keys()):
        raise NeedsPerson(
            f"{slug}: page {last.version} is out; say what the next version changes in {', '.join(missing)}"
            " (--changed LANGUAGE=TEXT)"
        )


def _bound(kind: str, wordings: Mapping[str, str], serves: list[str], why: str, changed: Any) -> dict[str, Any]:
    """What a signature over a public notice binds."""
    return {"kind": kind, "wordings": dict(wordings), "serves": serves, "why": why, "changed": dict(changed)}


def _refuse(slug: str, kind: Kind, judged: Judged, serves: list[str], why: str) -> None:
    if not serves:
        raise Refused(f"{slug}: no law allows or demands a {kind} as things stand; `tocsin substitute {slug}` says why")
    decisions = [d for key, d in judged.decisions if key in serves and d.public]
    problems = [p for d in decisions if not judged.owed(kind) for p in problems_to_publish(d, why)]
    if problems:
        raise NeedsPerson(f"{slug}: {'; '.join(problems)} (--why TEXT)")


def because(decision: Decision) -> str:
    """One line: what, by which law, why."""
    what = "owed" if decision.owed else "allowed" if decision.allowed else "undetermined"
    days = f" for {decision.days} days" if decision.days else ""
    missing = f"; missing: {', '.join(decision.missing)}" if decision.missing else ""
    return f"{decision.citation}: {what}, {decision.means_said}{days}; {'; '.join(decision.because)}{missing}"


def newest(session: Session, incident: Incident, kind: Kind) -> PublicNotice | None:
    query = select(PublicNotice).where(PublicNotice.incident_id == incident.id, PublicNotice.kind == kind)
    return session.exec(query.order_by(col(PublicNotice.version).desc())).first()


def _newest_words(session: Session, incident: Incident) -> dict[str, tuple[str, str]]:
    """Language -> id and digest of the public wording that the newest standing wave carries."""
    query = select(WordingRow).where(WordingRow.incident_id == incident.id, WordingRow.channel == Channel.PUBLIC)
    rows = {row.digest: row for row in session.exec(query).all()}
    waves = select(Wave).where(Wave.incident_id == incident.id).order_by(col(Wave.number).desc())
    for wave in session.exec(waves).all():
        plan: Mapping[str, str] = json.loads(wave.plan or "{}").get("substitute", {})
        if plan and not wave.stopped_why.startswith("replaced"):
            return {language: (rows[mark].id, mark) for language, mark in plan.items() if mark in rows}
    raise NeedsPerson(f"{incident.slug}: the public notice is written with the first wave; run `tocsin prepare` first")


# --- publishing -----------------------------------------------------------------------------------------------------


def publish(
    desk: Desk,
    slug: str,
    author: str,
    kind: Kind = Kind.PAGE,
    why: str = "",
    changed: Mapping[str, str] | None = None,
) -> Published:
    """Puts out the newest version if its words were approved. NeedsPerson says what is missing."""
    row = draft(desk, slug, author, kind, why, changed)
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        notice = session.get_one(PublicNotice, row.id)
        held = approvals.held(approvals.active_holds(session, incident.id, desk.now()), kind=RecipientKind.PUBLIC)
        if held:
            raise Refused(f"{slug}: public notices are held: {held}")
        refuse_delayed(desk, session, incident, lambda: json.loads(notice.obligation_keys), f"{slug}: {kind}")
        pages = _approved_pages(desk, session, incident, notice)
        again = _was_published(session, notice)
        terms = _terms(desk, slug, notice, again)
        folder, mark, warnings = _WRITERS[kind](desk, session, incident, notice, pages, terms)
        if not again:
            notice.until = terms.until
            notice.published_at = terms.at
            if kind is Kind.PRESS:
                said = json.loads(notice.reason or "{}")
                notice.reason = canonical(said | {"ungiven": posted.ungiven(desk, session, incident, notice, pages)})
            session.add(notice)
            desk.log(
                session,
                incident.id,
                "public_published",
                notice.id,
                what=kind,
                version=notice.version,
                digest=mark,
                by=author,
            )
        met = update_met(desk, session, incident)
    done = Published(slug, kind, row.version, tuple(sorted(pages)), folder, again, tuple(met))
    return replace(done, until=terms.until, toll_free_until=terms.toll_free_until, warnings=tuple(warnings))


@dataclass(frozen=True, slots=True)
class Terms:
    """Since when a version is out, and how long what belongs to it must last."""

    at: datetime
    until: datetime | None
    toll_free_until: datetime | None


def _terms(desk: Desk, slug: str, notice: PublicNotice, again: bool) -> Terms:
    """Days count from the posting, not from the draft. NeedsPerson where the law wants a number that nobody has."""
    at = notice.published_at if again and notice.published_at else desk.now()
    until = notice.until
    if until is not None and not again:
        until = at + (until - notice.prepared_at)
    days = int(json.loads(notice.reason or "{}").get("toll_free_days", 0))
    if days and not desk.profile.contact.toll_free:
        where = f"{desk.settings.profile}: [contact] toll_free"
        raise NeedsPerson(
            f"{slug}: the law wants a toll-free number for {days} days beside this notice; fill in {where}"
        )
    return Terms(at, until, at + timedelta(days=days) if days else None)


_WRITERS: Mapping[Kind, Any] = {Kind.PAGE: posted.write_page, Kind.PRESS: posted.write_press}


def _approved_pages(desk: Desk, session: Session, incident: Incident, notice: PublicNotice) -> Mapping[str, Wording]:
    """The words of a version, held against what was linted, what was signed, and the facts of now."""
    ids: dict[str, str] = json.loads(notice.wordings)
    rows = {language: session.get_one(WordingRow, identity) for language, identity in ids.items()}
    pages = {language: wording_of(row) for language, row in rows.items()}
    marks = {language: page.digest() for language, page in pages.items()}
    why = json.loads(notice.reason or "{}").get("why", "")
    bound = _bound(notice.kind, marks, json.loads(notice.obligation_keys), why, _changed(notice))
    if not pages or digest(bound) != notice.digest:
        raise Refused(f"{incident.slug}: {notice.kind} {notice.version} is not what was drafted; prepare again")
    again = _was_published(session, notice)
    wave = _wave_of(session, incident, set(marks.values()))
    if not again:
        refuse_old_words(session, incident, wave.facts_number if wave else 0, f"{notice.kind} {notice.version}")
    if wave is None or wave.launched_at is None or unsigned(session, wave):
        problems = _unapproved(desk, session, incident, notice, again)
        if problems:
            raise NeedsPerson(f"{notice.kind} {notice.version} of {incident.slug} can't go out: " + "; ".join(problems))
    return pages


def _was_published(session: Session, notice: PublicNotice) -> bool:
    """By the ledger, which can only be added to; the row alone proves nothing."""
    query = select(Event.seq).where(Event.incident_id == notice.incident_id, Event.kind == "public_published")
    return session.exec(query.where(Event.subject == notice.id)).first() is not None


def _wave_of(session: Session, incident: Incident, marks: set[str]) -> Wave | None:
    """The newest wave whose plan, unchanged since it was signed, carries exactly these words."""
    query = select(Wave).where(Wave.incident_id == incident.id).order_by(col(Wave.number).desc())
    for wave in session.exec(query).all():
        plan = json.loads(wave.plan or "{}")
        if plan and digest(plan) == wave.digest and marks <= set(plan["substitute"].values()):
            return wave
    return None


def _unapproved(desk: Desk, session: Session, incident: Incident, notice: PublicNotice, again: bool) -> list[str]:
    standing = approvals.signed(session, "public_notice", notice.id)
    editors = () if again else approvals.editors(session, incident, notice)
    window = (notice.prepared_at, desk.now() + timedelta(days=1))
    fresh = timedelta.max if again else FRESH
    return problems_to_launch(notice.digest, standing, editors, desk.now(), window, fresh)
