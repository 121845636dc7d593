"""Settle: take in what came back, ask about what is unknown, let late evidence open the next rung. Forward only."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Table, func, or_, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from flows.steps import posting
from flows.steps.carriers import AnyCarrier, bounce_secret, open_carrier
from flows.steps.desk import Desk, find_incident
from flows.steps.leaves import message
from flows.steps.obligations import update_met
from models import outbox
from models.outbox import Change
from models.tables import Delivery, Incident, Notice, ReceiptRow, Segment, metadata
from models.values import BadInput, Channel, DeliveryState, Evidence, Handoff, Mode, Outcome, Receipt, digest
from notifiers.contract import CHANNELS, BatchCarrier, Carrier
from planning.fold import Step, UnknownPolicy, fold_evidence, give_up_waiting, resolve_unknown

DELIVERY: Table = metadata.tables["delivery"]
RECEIPT: Table = metadata.tables["receipt"]
ORPHANS = "orphans"  # the folder of returned mails that belong to nobody
_AT_A_TIME = 500


@dataclass(slots=True)
class Settled:
    """What one round of settling changed."""

    evidence: Counter[str] = field(default_factory=Counter)
    orphans: int = 0
    repeats: int = 0
    resolved: Counter[str] = field(default_factory=Counter)
    opened: int = 0
    released: int = 0
    met: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        moved = {"opened": self.opened, "orphans": self.orphans, "repeats": self.repeats, "released": self.released}
        return moved | dict(self.evidence) | {f"unknown_{k}": v for k, v in self.resolved.items()}


def settle_all(desk: Desk) -> Settled:
    """Every open incident: receipts in the inbox, leases that ended, unknown outcomes, waits that are over."""
    from flows.steps import texted, voicing  # they take their receipts through us

    done = Settled()
    slugs = [incident.slug for incident in open_incidents(desk)]
    _read_mails(desk, slugs, desk.settings.folder("inbox") / "bounces", done)
    for slug in slugs:
        reconcile(desk, slug, done)
    for slug in slugs:
        texted.texts(desk, slug, done)
        voicing.calls(desk, slug, done)
    return done


def open_incidents(desk: Desk) -> list[Incident]:
    with desk.db.read() as session:
        rows = session.exec(
            select(Incident).where(col(Incident.closed_at).is_(None), col(Incident.erased_at).is_(None))
        ).all()
        session.expunge_all()
        return list(rows)


# --- receipts -------------------------------------------------------------------------------------------------------


def bounces(desk: Desk, slug: str, folder: Path, done: Settled | None = None) -> Settled:
    """Mails that came back, one per file (a Maildir's `new` or a plain folder).

    Read ones move to `<folder>.done/<incident>`, those that belong to nobody to `<folder>.done/orphans`: erasure finds
    them there.
    """
    done = done or Settled()
    _read_mails(desk, [slug], folder, done)
    return done


def _read_mails(desk: Desk, slugs: Sequence[str], folder: Path, done: Settled) -> None:
    """One folder for all incidents: each mail goes to the one whose key signed its return path."""
    source = folder / "new" if (folder / "new").is_dir() else folder
    files = sorted(p for p in source.iterdir() if p.is_file()) if source.is_dir() and slugs else []
    with desk.db.read() as session:
        secrets = {slug: bounce_secret(desk, find_incident(session, slug)) for slug in slugs}
    read_away = folder.with_name(folder.name + ".done")
    for start in range(0, len(files), _AT_A_TIME):
        by_incident: dict[str, list[Path]] = {}
        for path in files[start : start + _AT_A_TIME]:
            by_incident.setdefault(_incident_of(path, secrets), []).append(path)
        for owner, part in by_incident.items():
            slug = owner or slugs[0]  # an orphan is written down where somebody looks
            take(desk, slug, _receipts(part, secrets[slug], desk.now()), done)
            _put_away(part, read_away / (owner or ORPHANS))


def _incident_of(path: Path, secrets: Mapping[str, bytes]) -> str:
    from notifiers.email.bounces import match

    raw = path.read_bytes()
    return next((slug for slug, secret in secrets.items() if match(raw, secret)), "")


def _receipts(files: Iterable[Path], secret: bytes, now: datetime) -> list[Receipt]:
    from notifiers.email.bounces import receipts

    return [receipt for path in files for receipt in receipts(path.read_bytes(), secret, now)]


def _put_away(files: Iterable[Path], folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in files:
        path.rename(folder / path.name)


def returned_letters(desk: Desk, slug: str, references: Sequence[str]) -> Settled:
    """Letters that came back, by the reference printed on them."""
    done = Settled()
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        wanted = [reference.strip().upper() for reference in references]
        letters = letters_of(session, incident, wanted)
        found = []
        for reference in wanted:
            if reference not in letters:
                raise BadInput(
                    f"reference {reference!r}", "is on no letter of this incident.", "Check the letter again."
                )
            row = letters[reference][0]
            mark = digest([row, "returned"])
            found.append(Receipt(Evidence.RETURNED, desk.now(), row, "returned", "returned_letter", mark))
    take(desk, slug, found, done)
    return done


def letters_of(session: Session, incident: Incident, references: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Reference printed on a letter -> its delivery, and the batch and pages where it stands."""
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(references), 500):
        query = (
            select(Notice.reference, Delivery.id, Delivery.carrier_ref)
            .join(Delivery, Delivery.notice_id == Notice.id)  # type: ignore[arg-type]
            .where(Notice.incident_id == incident.id, Delivery.channel == Channel.LETTER)
            .where(col(Notice.reference).in_(list(references[start : start + 500])))
        )
        found |= {reference: (delivery, where) for reference, delivery, where in session.exec(query).all()}
    return found


def call_outcomes(desk: Desk, slug: str, path: Path) -> Settled:
    """A filled-in call list."""
    from notifiers.call_list.outcomes import read_outcomes

    done = Settled()
    take(desk, slug, [called.receipt(desk.now()) for called in read_outcomes(path)], done)
    return done


def take(desk: Desk, slug: str, found: Sequence[Receipt], done: Settled) -> None:
    """Stores each receipt once and folds it into its delivery, in one transaction."""
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        for receipt in found:
            _take_one(desk, session, incident, receipt, done)
        _halt_by_share(desk, session, incident, found)
        done.met += update_met(desk, session, incident)


# Providers that promise no order of their callbacks: of two endings that contradict each other the first one stands.
FIRST_STANDS = frozenset({"twilio"})


def ended(session: Session, receipt: Receipt) -> bool:
    """Whether an earlier receipt of the same source has settled the delivery."""
    query = select(ReceiptRow.id).where(
        ReceiptRow.delivery_id == receipt.delivery, ReceiptRow.source == receipt.source, ReceiptRow.delivery_id != ""
    )
    return session.exec(query).first() is not None


def _take_one(desk: Desk, session: Session, incident: Incident, receipt: Receipt, done: Settled) -> None:
    seen = select(ReceiptRow.id).where(ReceiptRow.source == receipt.source, ReceiptRow.digest == receipt.digest)
    if session.exec(seen).first() is not None:
        done.repeats += 1
        return
    if receipt.source in FIRST_STANDS and ended(session, receipt):
        done.repeats += 1
        return
    row = session.get(Delivery, receipt.delivery) if receipt.delivery else None
    if row is not None and row.incident_id != incident.id:
        row = None
    session.add(
        ReceiptRow(
            incident_id=incident.id,
            delivery_id=row.id if row else "",
            source=receipt.source,
            evidence=receipt.evidence,
            code=receipt.code,
            digest=receipt.digest,
            at=receipt.at,
            applied_at=desk.now() if row else None,
        )
    )
    session.flush()
    if row is None:
        done.orphans += 1
        desk.log(
            session, incident.id, "receipt_orphan", receipt.digest, source=receipt.source, evidence=receipt.evidence
        )
        return
    done.evidence[receipt.evidence.value] += 1
    steps = fold_evidence(row.state, receipt.evidence, posting.patience(row.channel, row.attempts))
    _walk(desk, session, incident, row, steps, receipt, done)


def _halt_by_share(desk: Desk, session: Session, incident: Incident, found: Sequence[Receipt]) -> None:
    """Stops the texts when too large a share of them is filtered: one alone says little, many speak of us."""
    from notifiers.sms.codes import FEWEST, HALTING_SHARES

    d, r = DELIVERY.c, RECEIPT.c
    for code in {receipt.code for receipt in found if receipt.source == "twilio"} & HALTING_SHARES.keys():
        taken = columns(func.count()).where(
            d.incident_id == incident.id, d.channel == Channel.SMS, d.accepted_at.is_not(None)
        )
        ended = columns(func.count()).where(r.incident_id == incident.id, r.source == "twilio", r.code == code)
        session.flush()
        texts, bad = (int(session.connection().execute(query).scalar_one()) for query in (taken, ended))
        if texts >= FEWEST and bad / texts > HALTING_SHARES[code]:
            posting.halt(desk, session, incident, Channel.SMS, f"{bad} of {texts} texts ended with {code}")


def _walk(
    desk: Desk,
    session: Session,
    incident: Incident,
    row: Delivery,
    steps: Sequence[Step],
    receipt: Receipt,
    done: Settled,
) -> None:
    state, identity, channel = row.state, row.id, row.channel
    for step in steps:
        change = Change(
            delivery=identity,
            from_states=frozenset({state}),
            to_state=step.state,
            kind=f"delivery.{receipt.source}.{receipt.evidence}",
            code=receipt.code,
            not_before=posting.later(desk.now(), step.delay_seconds),
            possible_duplicate=step.possible_duplicate,
            at=receipt.at,
        )
        outbox.apply(session, incident.id, desk.lane, [change], desk.now())
        state = step.state
        if step.halt_channel:
            posting.halt(desk, session, incident, channel, "mail came back for what we are or sent")
        if step.open_next:
            session.expire_all()
            done.opened += len(posting.open_next(desk, session, incident, [identity]))


# --- unknown outcomes and waits -------------------------------------------------------------------------------------


def reconcile(desk: Desk, slug: str, done: Settled | None = None) -> Settled:
    """Ends leases that are over, resolves unknown outcomes by each channel's rule, and ends waits for soft bounces."""
    done = done or Settled()
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        released, _ = outbox.expire(session, incident.id, desk.lane, desk.clock.lease(), desk.now())
        done.released += len(released)
        session.flush()
        doubtful = _doubtful(desk, session, incident)
        session.expunge_all()
    if doubtful:
        answers = asyncio.run(_look_up(desk, incident, doubtful))
        with desk.db.write() as session:
            incident = find_incident(session, slug)
            _resolve(desk, session, incident, answers, done)
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        _end_waits(desk, session, incident, done)
        done.met += update_met(desk, session, incident)
    return done


def _doubtful(desk: Desk, session: Session, incident: Incident) -> list[Delivery]:
    query = select(Delivery).where(
        Delivery.incident_id == incident.id,
        Delivery.state == DeliveryState.UNKNOWN,
        or_(col(Delivery.not_before).is_(None), col(Delivery.not_before) <= desk.now()),
    )
    return list(session.exec(query).all())


async def _look_up(desk: Desk, incident: Incident, rows: Sequence[Delivery]) -> list[tuple[Delivery, Handoff | None]]:
    """Asks the carrier about each, where a carrier can be asked."""
    carriers: dict[Channel, AnyCarrier] = {}
    found: list[tuple[Delivery, Handoff | None]] = []
    try:
        for row in rows:
            if row.channel not in carriers:
                carriers[row.channel] = open_carrier(desk, incident, row.channel)
            found.append((row, await _ask(desk, incident, row, carriers[row.channel])))
    finally:
        for carrier in carriers.values():
            await carrier.close()
    return found


async def _ask(desk: Desk, incident: Incident, row: Delivery, carrier: AnyCarrier) -> Handoff | None:
    if not isinstance(carrier, Carrier):
        return _sealed(row, carrier)
    with desk.db.read() as session:
        notice = session.get_one(Notice, row.notice_id)
        book = posting.open_book(desk, session, incident, row.wave_id)
        segment = session.get_one(Segment, row.segment_id)
        slots, contacts = book.key.open_notice(notice.id, notice.sealed or b"")
        wording, mark = book.wordings[segment.wording_id]
    claim = _Asked(row.id, row.notice_id, row.attempts)
    # In an exercise our clock is not the provider's: its newest messages are compared, whenever they were sent.
    since = row.handed_at if desk.settings.mode is Mode.LIVE else None
    return await carrier.look_up(message(claim, row.channel, wording, mark, slots, contacts), since)


def _sealed(row: Delivery, carrier: BatchCarrier) -> Handoff | None:
    """A folder is sealed whole or not at all, so it can tell whether a letter or a call is in one."""
    where = carrier.where(row.id)
    if where:
        return Handoff(row.id, Outcome.ACCEPTED, "sealed", reference=where)
    return Handoff(row.id, Outcome.DEFERRED, "not_found")


@dataclass(frozen=True, slots=True)
class _Asked:
    delivery: str
    notice: str
    attempt: int


def _resolve(
    desk: Desk,
    session: Session,
    incident: Incident,
    answers: Sequence[tuple[Delivery, Handoff | None]],
    done: Settled,
) -> None:
    for row, found in answers:
        rule = CHANNELS[row.channel].unknown
        step = resolve_unknown(rule, found, row.looked_up, UnknownPolicy())
        session.connection().execute(
            update(DELIVERY).where(DELIVERY.c.id == row.id).values(looked_up=DELIVERY.c.looked_up + 1)
        )
        change = Change(
            delivery=row.id,
            from_states=frozenset({DeliveryState.UNKNOWN}),
            to_state=step.state,
            kind="delivery.resolved" if step.state is not DeliveryState.UNKNOWN else "delivery.asked",
            code=found.code if found else "cannot tell",
            reference=found.reference if found else "",
            not_before=posting.later(desk.now(), step.delay_seconds),
            possible_duplicate=step.possible_duplicate,
            at=desk.now(),
        )
        if outbox.apply(session, incident.id, desk.lane, [change], desk.now()):
            done.resolved["needs_person" if step.needs_person else step.state.value] += 1
        if step.open_next:
            session.expire_all()
            done.opened += len(posting.open_next(desk, session, incident, [row.id]))


def _end_waits(desk: Desk, session: Session, incident: Incident, done: Settled) -> None:
    """Soft bounces whose wait is over without a delivery: the next rung opens."""
    d = DELIVERY.c
    query = columns(d.id).where(
        d.incident_id == incident.id,
        d.state == DeliveryState.ACCEPTED,
        d.not_before.is_not(None),
        d.not_before <= desk.now(),
    )
    over = list(session.connection().execute(query).scalars())
    step = give_up_waiting(DeliveryState.ACCEPTED)
    if not over or step is None:
        return
    changes = [
        Change(
            delivery=identity,
            from_states=frozenset({DeliveryState.ACCEPTED}),
            to_state=step.state,
            kind="delivery.wait_over",
            at=desk.now(),
        )
        for identity in over
    ]
    changed = outbox.apply(session, incident.id, desk.lane, changes, desk.now())
    session.expire_all()
    done.opened += len(posting.open_next(desk, session, incident, sorted(changed)))


def decide_unknown(
    desk: Desk, slug: str, delivery: str, outcome: Outcome, person: str, reason: str, at: datetime | None = None
) -> None:
    """A person settles what no rule may: it arrived, it must go again, or it is lost."""
    states = {
        Outcome.ACCEPTED: DeliveryState.ACCEPTED,
        Outcome.DEFERRED: DeliveryState.READY,
        Outcome.REFUSED: DeliveryState.UNDELIVERABLE,
    }
    if outcome not in states or not reason.strip():
        raise BadInput("--as", "must be accepted, deferred or refused, with a reason.")
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        change = Change(
            delivery=delivery,
            from_states=frozenset({DeliveryState.UNKNOWN}),
            to_state=states[outcome],
            kind="delivery.decided",
            code=f"decided by {person}",
            detail=reason,
            possible_duplicate=outcome is Outcome.DEFERRED,
            at=at or desk.now(),
        )
        if not outbox.apply(session, incident.id, desk.lane, [change], desk.now()):
            raise BadInput(f"delivery {delivery!r}", "is not unknown.", "`tocsin status` lists those that are.")
        if outcome is Outcome.REFUSED:
            session.expire_all()
            posting.open_next(desk, session, incident, [delivery])
        update_met(desk, session, incident)
