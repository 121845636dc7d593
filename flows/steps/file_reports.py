"""Reports to authorities: filled from facts and the ledger's counts, approved, written as a packet, receipt recorded.

Nothing here files by itself: a packet is written for a person to send, and the receipt number that the authority gave
is typed in by one person and confirmed by a second.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from flows.steps import approvals, judgements
from flows.steps.desk import Desk, find_incident
from flows.steps.law import body_of, local, versions
from flows.steps.obligations import AUTHOR as LEDGER
from flows.steps.obligations import since, update_met
from flows.steps.open_incident import current_facts, live_obligations
from flows.steps.settle import open_incidents
from flows.steps.statements import untrue_answers
from models.facts import Facts
from models.sums import PeopleCounts, Standing, people_counts, standings
from models.tables import (
    Approval,
    FactsRevision,
    Filing,
    Incident,
    ObligationRow,
    PublicNotice,
    Segment,
    Wave,
    WordingRow,
    new_id,
)
from models.values import BadInput, Duty, NeedsPerson, RecipientKind, Refused, canonical, digest
from notifiers.portal.packet import write_packet
from planning.filing import Filled, as_packet, fill
from planning.forms import Form, form_for
from planning.release import FilingVerdict, name_key, problems_to_file
from regimes.assess import assess
from regimes.schema import Report, Version

REPORTED = frozenset(
    {Duty.REGULATOR, Duty.CRA, Duty.REGISTER, Duty.INSURER, Duty.PROCESSOR_TO_CONTROLLER, Duty.CONTRACT}
)
PACKET = "report_packet"  # the event of a packet that was written for a person to file
TYPED, RETYPED = "receipt_typed", "receipt_retyped"  # what the first person typed, and mended before the second did
FIRST = frozenset({"possibility", "assessment", "early_warning", "initial"})


@dataclass(frozen=True, slots=True)
class ReportState:
    """One report as it stands."""

    obligation: str
    form: str
    version: int
    digest: str
    unknown: int
    missing: tuple[str, ...]
    problems: tuple[str, ...]
    new: bool
    folder: Path | None = None
    debts: tuple[str, ...] = ()


@dataclass(slots=True)
class Filed:
    reports: list[ReportState] = field(default_factory=list)
    packets: int = 0
    waiting: int = 0

    def counts(self) -> dict[str, int]:
        return {"reports": len(self.reports), "packets": self.packets, "waiting": self.waiting}


def file_all(desk: Desk, author: str) -> Filed:
    """Every open incident: refills what changed, and writes the packets of reports whose approvals stand."""
    done = Filed()
    for incident in open_incidents(desk):
        for report in prepare_reports(desk, incident.slug, author):
            done.reports.append(report)
            try:
                write(desk, incident.slug, report.obligation)
                done.packets += 1
            except (NeedsPerson, Refused):
                done.waiting += 1
    return done


# --- filling --------------------------------------------------------------------------------------------------------


def prepare_reports(
    desk: Desk,
    slug: str,
    author: str,
    *,
    late_reasons: str = "",
    only: str = "",
    judged: Mapping[str, Any] | None = None,
) -> list[ReportState]:
    """Fills every report that is owed or undetermined and not filed. A changed answer makes a new version."""
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        facts = current_facts(session, incident)
        terms = versions(assess(facts, desk.now()), facts)
        counts = ledger_counts(desk, session, incident) | judgements.grounds(desk, session, incident, facts)
        found = []
        live = live_obligations(session, incident.id)
        for row in judgements.undecided(desk, session, incident, facts, live):
            if row.duty not in REPORTED or (only and row.key != only) or row.key not in terms:
                continue
            found.append(
                _fill(desk, session, incident, facts, row, terms[row.key], counts, author, late_reasons, judged)
            )
        if judged and (strange := sorted(set(judged) - _asked(session, incident, found))):
            raise BadInput(f"answer {strange[0]!r}", "is to no question of these reports.", "Check the question's id.")
    if only and not found:
        raise BadInput(f"{slug}: {only!r}", "is no report that is owed.", "`tocsin status` lists them.")
    return found


def _fill(
    desk: Desk,
    session: Session,
    incident: Incident,
    facts: Facts,
    row: ObligationRow,
    version: Version,
    counts: Mapping[str, Any],
    author: str,
    late_reasons: str,
    judged: Mapping[str, Any] | None,
) -> ReportState:
    last = newest_filing(session, incident.id, row.key)
    number = stated_facts(session, incident)
    if last is not None and not late_reasons and not judged and _stands(session, last, number):
        return _as_stored(last)
    reasons = late_reasons or (last.late_reasons if last else "")
    due = local(body_of(row).get("due"))
    answers = _judged_before(last) | dict(judged or {})
    form = report_form(desk, row, version)
    known = {q.id for q in form.questions}
    filled = fill(
        form,
        facts,
        counts,
        _Owed(row.key, due, str(body_of(row).get("citation", ""))),
        row.stage,
        desk.now().astimezone(due.tzinfo if due else facts.zone),
        reasons,
        profile=asdict(desk.profile),
        answers={k: v for k, v in answers.items() if k in known},
        earlier=last.receipt_number if last and last.filed_at else "",
    )
    wrong = untrue_answers(filled, facts, desk.settings.templates)
    filled = replace(filled, problems=(*filled.problems, *wrong))
    packet = as_packet(filled)
    mark = _mark(packet)
    if last is not None and last.digest == mark and _intact(last):
        return _report(filled, last, new=False)
    if last is not None:
        last.superseded_at = desk.now()
        session.add(last)
        approvals.void(desk, session, incident, last.id, "the report was filled anew")
    filing = Filing(
        id=new_id(),
        incident_id=incident.id,
        obligation_key=row.key,
        form=form.id,
        version=last.version + 1 if last else 1,
        prepared_at=desk.now(),
        prepared_by=author,
        facts_number=number,
        body=canonical(packet),
        digest=mark,
        unknown=sum(a.state == "unknown" for a in filled.answers),
        late_reasons=reasons,
    )
    session.add(filing)
    session.flush()
    desk.log(
        session,
        incident.id,
        "report_filled",
        filing.id,
        key=row.key,
        version=filing.version,
        digest=mark,
        unknown=filing.unknown,
        author=author,
    )
    return _report(filled, filing, new=True)


def _asked(session: Session, incident: Incident, found: Sequence[ReportState]) -> set[str]:
    """The ids of all questions of these reports."""
    rows = [newest_filing(session, incident.id, report.obligation) for report in found]
    return {a["id"] for row in rows if row is not None for a in json.loads(row.body)["answers"]}


def open_questions(desk: Desk, slug: str, key: str) -> list[dict[str, Any]]:
    """What the newest version of a report leaves open: id, label, whether it must be answered."""
    with desk.db.read() as session:
        row = newest_filing(session, find_incident(session, slug).id, key)
    packet = json.loads(row.body) if row else {"answers": [], "missing": []}
    return [
        {"id": a["id"], "label": a["label"], "must": a["id"] in packet["missing"]}
        for a in packet["answers"]
        if a["state"] == "unknown"
    ]


def stated_facts(session: Session, incident: Incident) -> int:
    """The newest revision that a person or a list made; what the ledger counts makes revisions of its own."""
    query = select(FactsRevision.number).where(FactsRevision.incident_id == incident.id, FactsRevision.source != LEDGER)
    return max(session.exec(query).all(), default=0)


def _stands(session: Session, last: Filing, number: int) -> bool:
    """Somebody has signed this version, and the facts are the same: counts that move on do not void it."""
    return last.facts_number == number and standing(session, last.id) > 0 and _intact(last)


def _mark(packet: Mapping[str, Any]) -> str:
    """What people sign of a report: all of it but the moment at which it was filled."""
    return digest({k: v for k, v in packet.items() if k != "at"})


def _intact(row: Filing) -> bool:
    """Whether the stored answers are those that the digest was taken of."""
    try:
        return _mark(json.loads(row.body)) == row.digest
    except (ValueError, AttributeError):  # no JSON any more, or no table
        return False


def _signed_packet(slug: str, row: Filing) -> dict[str, Any]:
    """The stored answers; Refused when they are not those of the digest, which is what people sign."""
    if not _intact(row):
        raise Refused(
            f"{row.obligation_key}: the stored answers of version {row.version} are not those of its digest;"
            f" somebody changed them. Run `tocsin report {slug}`: it fills a new version, to be signed anew"
        )
    packet: dict[str, Any] = json.loads(row.body)
    return packet


def standing(session: Session, subject_id: str) -> int:
    query = select(Approval.id).where(Approval.subject_id == subject_id, col(Approval.voided_at).is_(None))
    return len(session.exec(query).all())


def _judged_before(last: Filing | None) -> dict[str, Any]:
    """What people answered in the version before, by question id; nothing of one that was changed behind our back."""
    answers = json.loads(last.body)["answers"] if last and _intact(last) else []
    return {a["id"]: a["value"] for a in answers if a["source"] == "person"}


def _as_stored(row: Filing) -> ReportState:
    packet = json.loads(row.body)
    missing, problems = tuple(packet["missing"]), tuple(packet["problems"])
    return ReportState(row.obligation_key, row.form, row.version, row.digest, row.unknown, missing, problems, False)


@dataclass(frozen=True, slots=True)
class _Owed:
    id: str
    due: datetime | None
    citation: str


def _report(filled: Filled, row: Filing, *, new: bool) -> ReportState:
    return ReportState(
        row.obligation_key, row.form, row.version, row.digest, row.unknown, filled.missing, filled.problems, new
    )


def newest_filing(session: Session, incident_id: str, key: str) -> Filing | None:
    query = select(Filing).where(Filing.incident_id == incident_id, Filing.obligation_key == key)
    return session.exec(query.order_by(col(Filing.version).desc())).first()


def report_form(desk: Desk, row: ObligationRow, version: Version) -> Form:
    """The authority's own form where we have it, else one made of the instrument's list of contents."""
    report = version.report_for(str(body_of(row).get("authority_slug", "")), row.stage)
    title = f"{row.regime}: {row.duty.value}, {row.stage.value}"
    return form_for(
        report or Report("generic", ()), title, row.authority or row.recipient.value, desk.settings.templates
    )


def ledger_counts(desk: Desk, session: Session, incident: Incident) -> dict[str, Any]:
    """What the ledger can say in a report, by the names of templates/forms/README.md. Empty before a list was read."""
    notices = session.exec(select(PublicNotice).where(PublicNotice.incident_id == incident.id)).all()
    posted = [n for n in notices if n.published_at is not None]
    pages, releases = ([n for n in posted if n.kind == kind] for kind in ("page", "press"))
    releases = [n for n in releases if any(since(n, key) for key in json.loads(n.obligation_keys))]
    people = people_counts(session, incident.id, public_published=bool(pages))
    if people.in_scope == 0:
        return {}
    stands = standings(session, incident.id)
    accepted = [s.last_accepted_at for s in stands if s.last_accepted_at is not None]
    found: dict[str, Any] = {
        "people": people.in_scope,
        "people_by_place": _by_residence(stands),
        "told": people.told or None,
        "first_told": min(accepted, default=None),
        "last_told": max(accepted, default=None),
        "public_notices": len(pages) or None,
        "media_told": True if releases else None,
        "media_places": _places(releases),
        "substitute_owed": _substitute_owed(people),
        "sample_notice": _sample(session, incident),
    }
    return {name: value for name, value in found.items() if value is not None}


def _places(releases: Sequence[PublicNotice]) -> str | None:
    """The places whose media were told, from the ids of the duties that the releases serve."""
    keys = [key.split("/") for row in releases for key in json.loads(row.obligation_keys) if since(row, key)]
    return ", ".join(sorted({key[2] for key in keys if key[1] == Duty.MEDIA})) or None


def _substitute_owed(people: PeopleCounts) -> bool | None:
    """Yes as soon as somebody can't be reached; no once everybody is told; not known in between."""
    if people.unreached + people.public_only:
        return True
    return None if people.open else False


def _sample(session: Session, incident: Incident) -> str | None:
    """The wording that most people got, by its digest: the sample that goes with a report."""
    query = (
        select(Segment, WordingRow)
        .join(WordingRow, Segment.wording_id == WordingRow.id)  # type: ignore[arg-type]
        .join(Wave, Segment.wave_id == Wave.id)  # type: ignore[arg-type]
        .where(Segment.incident_id == incident.id, col(Wave.launched_at).is_not(None))
        .order_by(col(Segment.people).desc(), Segment.id)
    )
    found = session.exec(query).first()
    return None if found is None else f"notice-{found[0].channel}-{found[1].digest[:16]}.txt"


def _by_residence(stands: list[Standing]) -> dict[str, int]:
    found: dict[str, int] = {}
    for standing in stands:
        found[standing.residence] = found.get(standing.residence, 0) + standing.people
    return found


# --- the packet and the receipt -------------------------------------------------------------------------------------


def write(desk: Desk, slug: str, key: str) -> ReportState:
    """Writes the packet of the newest version, if its approvals stand. For a person to file."""
    from templates.press import press_filing

    with desk.db.write() as session:
        incident = find_incident(session, slug)
        row = newest_filing(session, incident.id, key)
        if row is None:
            raise NeedsPerson(f"{slug}: no report is filled for {key} yet; run `tocsin report {slug}`")
        verdict = _verdict(desk, session, incident, row)
        packet = _signed_packet(slug, row)
        pdf = press_filing(packet, **_letterhead(desk), watermark=desk.watermark)
        out = write_packet(desk.settings.folder("reports"), slug, file_name(row), pdf, packet)
        if not _written(session, incident, row):
            desk.log(session, incident.id, PACKET, row.id, key=key, version=row.version, digest=out.digest)
        report = ReportState(
            key, row.form, row.version, row.digest, row.unknown, (), (), False, out.folder, verdict.debts
        )
    return report


def draft_packet(desk: Desk, slug: str, key: str) -> tuple[bytes, dict[str, Any]]:
    """The newest version as PDF and JSON to read before anybody approves; marked as a draft."""
    from templates.press import press_filing

    with desk.db.read() as session:
        row = newest_filing(session, find_incident(session, slug).id, key)
    if row is None:
        raise NeedsPerson(f"{slug}: no report is filled for {key} yet; run `tocsin report {slug}`")
    packet = _signed_packet(slug, row)
    return press_filing(packet, **_letterhead(desk), watermark=desk.watermark or "DRAFT"), packet


def _letterhead(desk: Desk) -> dict[str, str]:
    return {"country": desk.profile.organisation.country, "author": desk.profile.organisation.name}


def file_name(row: Filing) -> str:
    """A safe name of a packet's folder."""
    return f"{row.obligation_key.lower().replace('/', '.')}.v{row.version}"


def _verdict(desk: Desk, session: Session, incident: Incident, row: Filing) -> FilingVerdict:
    packet = _signed_packet(incident.slug, row)
    why = approvals.held(approvals.active_holds(session, incident.id, desk.now()), kind=RecipientKind.FILINGS)
    if why:
        raise Refused(f"{incident.slug}: filings are held: {why}")
    standing = approvals.signed(session, "filing", row.id)
    due = datetime.fromisoformat(packet["due"]) if packet["due"] else None
    editors = approvals.editors(session, incident, row)
    verdict = problems_to_file(row.digest, standing, editors, desk.now(), due=due, first_stage=packet["stage"] in FIRST)
    lacking = [f"not answered: {', '.join(packet['missing'])}"] if packet["missing"] else []
    problems = [*packet["problems"], *lacking, *verdict.problems]
    if problems:
        raise NeedsPerson(f"{row.obligation_key} can't be filed: " + "; ".join(problems))
    return verdict


def _written(session: Session, incident: Incident, row: Filing) -> bool:
    return bool(approvals.recorded(session, incident.id, PACKET, row.id))


def _refuse_unwritten(desk: Desk, session: Session, incident: Incident, row: Filing) -> None:
    """A receipt belongs to a packet that was written while its approvals stood; it may come days later."""
    if not _written(session, incident, row):
        _verdict(desk, session, incident, row)
        raise NeedsPerson(f"{row.obligation_key}: its packet is not written yet; run `tocsin report {incident.slug}`")


def record_receipt(desk: Desk, slug: str, key: str, number: str, person: str, at: datetime) -> str:
    """One person types the receipt's number and when the authority had it; a second, typing the same, confirms both.

    The duty is then met as of `at`. Until then the first person may type again what was wrong. Returns typed or
    confirmed.
    """
    if not number.strip():
        raise BadInput("--receipt", "is empty.", "Type the number that the authority gave, or its date and officer.")
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        row = newest_filing(session, incident.id, key)
        if row is None:
            raise BadInput(f"{slug}: {key!r}", "has no report.", "Fill and file it first.")
        _refuse_unwritten(desk, session, incident, row)
        _refuse_time(desk, session, incident, row, at)
        if row.filed_at is not None:
            raise Refused(f"{key}: its receipt was confirmed already; a filed report keeps it")
        mine = name_key(row.receipt_by) == name_key(person)
        typed = _typed(session, incident, row)
        same = (row.receipt_number, typed) == (number, at)
        if not row.receipt_number or (mine and not same):
            kind = RETYPED if row.receipt_number else TYPED
            row.receipt_number, row.receipt_by = number, person
            session.add(row)
            turn = len(_typings(session, incident, row))
            desk.log(session, incident.id, kind, row.id, key=key, by=person, at_authority=at, turn=turn)
            return "typed"
        if mine:
            raise Refused("another person confirms the receipt number")
        if row.receipt_number != number:
            raise Refused("the two receipt numbers differ; compare them with the authority's answer")
        if not same:
            raise Refused(
                f"the two times at the authority differ: {row.receipt_by} typed {typed and typed.isoformat()};"
                " compare them with the authority's answer, then one of you types again"
            )
        row.receipt_confirmed_by, row.filed_at = person, at
        session.add(row)
        desk.log(session, incident.id, "filed", row.id, key=key, at_authority=at, by=person)
        update_met(desk, session, incident)
    return "confirmed"


def _refuse_time(desk: Desk, session: Session, incident: Incident, row: Filing, at: datetime) -> None:
    """An authority has a report after its packet was written, and not in the future."""
    if at > desk.now():
        raise BadInput("--at", f"{at.isoformat()} has not come yet.", "Say when the authority had it.")
    written = min(e.at for e in approvals.recorded(session, incident.id, PACKET, row.id))
    if at < written:
        raise BadInput(
            "--at",
            f"{at.isoformat()} is before the packet was written, at {written.isoformat()}.",
            "Say when the authority had this report.",
        )


def _typings(session: Session, incident: Incident, row: Filing) -> list[approvals.Recorded]:
    """What was typed of this report's receipt, in its order."""
    found = [e for kind in (TYPED, RETYPED) for e in approvals.recorded(session, incident.id, kind, row.id)]
    return sorted(found, key=lambda e: (int(e.body.get("turn", 0)), e.at))


def _typed(session: Session, incident: Incident, row: Filing) -> datetime | None:
    """When the authority had the report, as the first person typed it last."""
    typings = _typings(session, incident, row)
    said = typings[-1].body.get("at_authority") if typings else None
    return datetime.fromisoformat(said) if said else None
