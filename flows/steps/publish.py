"""Notice to the public: when the law allows or demands it for those who can't be reached, or demands it of the media.

`decide` says what the counts come to; `draft` makes a version of the page; `publish` puts out the newest version whose
words were approved, with the wave or on their own. Publishing the same version twice changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlmodel import Session, select

from flows.steps import approvals
from flows.steps.desk import Desk, find_incident
from flows.steps.law import versions
from flows.steps.obligations import covered, dispatched, update_met
from flows.steps.open_incident import current_facts, live_obligations
from flows.steps.posting import wording_of
from models.sums import Standing, standings
from models.tables import Incident, ObligationRow, PublicNotice, Wave, WordingRow
from models.values import Channel, Duty, NeedsPerson, RecipientKind, Refused, Role, Wording, canonical, digest
from notifiers.folders import seal
from notifiers.public.pages import publish_page
from planning.release import problems_to_launch
from planning.substitute import Decision, Reach
from planning.substitute import decide as decide_tiers
from regimes.assess import assess

MEDIA = frozenset({Duty.MEDIA, Duty.PUBLIC})


@dataclass(frozen=True, slots=True)
class Judged:
    """What the law says of the people who could not be reached, and of the media."""

    decisions: tuple[Decision, ...]
    media: tuple[str, ...]  # ids of obligations to tell the media or the public
    serves: tuple[str, ...]  # ids of obligations that a page would serve now
    days: int  # that a page must stay up at least

    @property
    def owed(self) -> bool:
        return bool(self.media) or any(d.owed for d in self.decisions)

    @property
    def allowed(self) -> bool:
        return self.owed or any(d.allowed and d.public for d in self.decisions)


@dataclass(frozen=True, slots=True)
class Published:
    incident: str
    version: int
    languages: tuple[str, ...]
    folder: Path | None
    again: bool
    met: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        return {"version": self.version, "languages": len(self.languages), "again": int(self.again), "met": len(self.met)}


def judge(desk: Desk, slug: str) -> Judged:
    """Reads only."""
    with desk.db.read() as session:
        return _judge(desk, session, find_incident(session, slug))


def _judge(desk: Desk, session: Session, incident: Incident) -> Judged:
    facts = current_facts(session, incident)
    terms = versions(assess(facts, desk.now()), facts)
    people = standings(session, incident.id)
    found: list[tuple[ObligationRow, Decision]] = []
    media: list[str] = []
    for row in live_obligations(session, incident.id):
        if row.duty in MEDIA:
            media.append(row.key)
        if row.duty is Duty.INDIVIDUALS and row.key in terms:
            reach = _reach(row, people)
            found += [(row, d) for d in decide_tiers(reach, terms[row.key].substitute, facts)] if reach else []
    public = [(row, d) for row, d in found if d.public and (d.owed or d.allowed)]
    days = max((d.days or 0 for _, d in public), default=0)
    serves = tuple(dict.fromkeys([*media, *(row.key for row, _ in public)]))
    return Judged(tuple(d for _, d in found), tuple(media), serves, days)


def _reach(row: ObligationRow, people: Sequence[Standing]) -> Reach | None:
    counted = dispatched(row, people, posted=False)
    if counted is None:
        return None
    own = [p for p in people if p.stands == "unreached"]
    kin = sum(p.people for p in own if p.role is Role.NEXT_OF_KIN and covered(row, p))
    unreachable = sum(p.people for p in own if p.role is not Role.NEXT_OF_KIN and covered(row, p))
    return Reach(row.regime, row.jurisdiction, counted.owed, unreachable, kin)


# --- drafting -------------------------------------------------------------------------------------------------------


def draft(desk: Desk, slug: str, author: str) -> PublicNotice:
    """The next version of the public notice, from the words that the newest wave carries. Refused when no law needs it."""
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        judged = _judge(desk, session, incident)
        if not judged.allowed:
            raise Refused(f"{slug}: no law allows or demands a public notice as things stand; `tocsin substitute {slug}` says why")
        wordings = _newest_words(session, incident)
        last = newest(session, incident)
        body = {"wordings": {k: v[1] for k, v in wordings.items()}, "serves": list(judged.serves)}
        if last is not None and last.digest == digest(body):
            session.expunge(last)
            return last
        row = PublicNotice(
            incident_id=incident.id,
            kind="notice",
            version=last.version + 1 if last else 1,
            obligation_keys=canonical(list(judged.serves)),
            wordings=canonical({language: identity for language, (identity, _) in wordings.items()}),
            digest=digest(body),
            prepared_at=desk.now(),
            until=desk.now() + timedelta(days=judged.days) if judged.days else None,
            reason=canonical([reason(d) for d in judged.decisions if d.allowed or d.owed]),
        )
        session.add(row)
        session.flush()
        desk.log(session, incident.id, "public_drafted", row.id, version=row.version, digest=row.digest, author=author)
        session.expunge(row)
    return row


def reason(decision: Decision) -> str:
    """One line: what, by which law, why."""
    what = "owed" if decision.owed else "allowed"
    means = f" {'and' if decision.mode == 'all' else 'or'} ".join(m.value for m in decision.means)
    days = f" for {decision.days} days" if decision.days else ""
    return f"{decision.citation}: {what}, {means}{days}; {'; '.join(decision.because)}"


def newest(session: Session, incident: Incident) -> PublicNotice | None:
    query = select(PublicNotice).where(PublicNotice.incident_id == incident.id, PublicNotice.kind == "notice")
    return session.exec(query.order_by(PublicNotice.version.desc())).first()  # type: ignore[attr-defined]


def _newest_words(session: Session, incident: Incident) -> dict[str, tuple[str, str]]:
    """Language -> id and digest of the public wording that was rendered last."""
    query = select(WordingRow).where(WordingRow.incident_id == incident.id, WordingRow.channel == Channel.PUBLIC)
    waves = session.exec(select(Wave).where(Wave.incident_id == incident.id).order_by(Wave.number.desc())).all()  # type: ignore[attr-defined]
    rows = {row.digest: row for row in session.exec(query).all()}
    for wave in waves:
        plan = json.loads(wave.plan or "{}").get("substitute", {})
        if plan and not wave.stopped_why.startswith("replaced"):
            return {language: (rows[mark].id, mark) for language, mark in plan.items() if mark in rows}
    raise NeedsPerson(f"{incident.slug}: the public notice is written with the first wave; run `tocsin prepare` first")


# --- publishing -----------------------------------------------------------------------------------------------------


def publish(desk: Desk, slug: str, author: str) -> Published:
    """Puts out the newest version if its words were approved. NeedsPerson says what is missing."""
    row = draft(desk, slug, author)
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        notice = session.get_one(PublicNotice, row.id)
        why = approvals.held(approvals.active_holds(session, incident.id, desk.now()), kind=RecipientKind.PUBLIC)
        if why:
            raise Refused(f"{slug}: public notices are held: {why}")
        pages = _approved_pages(desk, session, incident, notice)
        out = publish_page(desk.settings.folder("pages"), slug, {k: w.html for k, w in pages.items()}, notice.version, desk.now())
        _press_releases(desk, incident, notice, {k: w.text for k, w in pages.items()})
        again = notice.published_at is not None
        if not again:
            notice.published_at = desk.now()
            session.add(notice)
            desk.log(session, incident.id, "public_published", notice.id, version=notice.version, digest=out.digest, by=author)
        met = update_met(desk, session, incident)
    return Published(slug, row.version, tuple(sorted(pages)), out.folder, again, tuple(met))


def _approved_pages(desk: Desk, session: Session, incident: Incident, notice: PublicNotice) -> Mapping[str, Wording]:
    ids: dict[str, str] = json.loads(notice.wordings)
    rows = {language: session.get_one(WordingRow, identity) for language, identity in ids.items()}
    pages = {language: wording_of(row) for language, row in rows.items()}
    changed = [language for language, page in pages.items() if page.digest() != rows[language].digest]
    if changed:
        raise Refused(f"{incident.slug}: the words in {changed[0]} are not those that were linted; prepare again")
    if notice.published_at is None and not _with_wave(session, incident, {r.digest for r in rows.values()}):
        standing = approvals.signed(session, "public_notice", notice.id)
        editors = approvals.editors(session, incident, notice)
        window = (notice.prepared_at, notice.prepared_at + timedelta(days=365))
        problems = problems_to_launch(notice.digest, standing, editors, desk.now(), window)
        if problems:
            raise NeedsPerson(f"public notice {notice.version} of {incident.slug} can't go out: " + "; ".join(problems))
    return pages


def _with_wave(session: Session, incident: Incident, marks: set[str]) -> bool:
    """Whether a launched wave's approval already bound exactly these words as its substitute notice."""
    query = select(Wave.plan).where(Wave.incident_id == incident.id, Wave.launched_at.is_not(None))  # type: ignore[union-attr]
    return any(marks <= set(json.loads(plan)["substitute"].values()) for plan in session.exec(query).all())


def _press_releases(desk: Desk, incident: Incident, notice: PublicNotice, texts: Mapping[str, str]) -> None:
    files = {f"press-release.{language}.txt": text.encode() for language, text in texts.items()}
    seal(desk.settings.folder("pages") / "press" / incident.slug, f"v{notice.version}", files, file_mode=0o444)

