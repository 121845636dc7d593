"""Letters after they are sealed: handed to the print house, and what the print house says of them taken in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session, col, select

from flows.steps.desk import Desk, find_incident
from flows.steps.settle import Settled, letters_of, take
from models.tables import Hold, Incident, LetterBatch, Setting
from models.values import (
    BadInput,
    Channel,
    Evidence,
    HoldScope,
    Mode,
    NeedsPerson,
    Receipt,
    RecipientKind,
    Refused,
    digest,
)
from notifiers.letter.printers import Acknowledgement, FolderPrinter, HttpPrinter, Printer, PrinterTrouble, PrintState
from planning.feasibility import PrintDays

SERIALS = "imb_serial"  # the setting that counts barcodes: next serial, and when its lap began
LAP = timedelta(days=45)  # a serial may not come again sooner (USPS)
_ALL_LETTERS = (
    (HoldScope.CHANNEL, Channel.LETTER.value),
    (HoldScope.RECIPIENT_KIND, RecipientKind.NOTICES.value),
)
_ORDER = (PrintState.ACCEPTED, PrintState.PRINTED, PrintState.POSTED)  # only forward


@dataclass(slots=True)
class HandedOver:
    """What one hand-over did. `print_day` is the day on which the print house counts these letters."""

    batches: int = 0
    letters: int = 0
    before: int = 0  # batches that it had already
    held: int = 0  # batches of a wave on which a hold stands
    print_day: str = ""
    ids: dict[str, str] = field(default_factory=dict)  # batch -> the print house's id


def hand_over(desk: Desk, slug: str) -> HandedOver:
    """Gives the print house every sealed batch that it does not have. Run it again at any time.

    NeedsPerson when no print house is set; Refused while a hold stands on letters or on the whole incident.
    """
    printer = open_printer(desk)
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        held = _held_waves(session, incident, desk.now())
        query = select(LetterBatch).where(LetterBatch.incident_id == incident.id)
        batches = session.exec(query.order_by(col(LetterBatch.sealed_at), col(LetterBatch.id))).all()
    done = HandedOver(print_day=print_days(desk).counts_for(desk.now()).isoformat())
    for batch in batches:
        if batch.handed_at is not None:
            done.before += 1
            continue
        if batch.wave_id in held:
            done.held += 1
            continue
        number = printer.hand_over(_folder(desk, incident, batch), _manifest(desk, incident, batch))
        _note_handed(desk, incident, batch.id, number, done.print_day)
        done.batches, done.letters = done.batches + 1, done.letters + batch.letters
        done.ids[batch.id] = number
    return done


def open_printer(desk: Desk) -> Printer:
    settings, house = desk.settings, desk.profile.printer
    if settings.print_url:
        options = {"duplex": desk.profile.sender.duplex, "envelope": desk.profile.sender.envelope}
        return HttpPrinter(settings.print_url, settings.print_token, settings.mode, options)
    if house.folder:
        exercise = settings.mode is Mode.EXERCISE
        if exercise and not Path(house.folder).resolve().is_relative_to(settings.home.resolve()):
            raise Refused("[printer] folder: an exercise prints nowhere; it may only use a folder inside TOCSIN_HOME")
        if exercise:
            Path(house.folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        if not Path(house.folder).is_dir():
            raise BadInput(f"{settings.profile}: [printer] folder", "is not there.", "Mount it, or correct the path.")
        return FolderPrinter(Path(house.folder))
    raise NeedsPerson(
        "no print house is set: name its folder in [printer] of the profile, or set TOCSIN_PRINT_URL. "
        "Until then hand over the folders in letters/ yourself"
    )


def print_days(desk: Desk) -> PrintDays:
    house, own = desk.profile.printer, desk.profile.organisation.timezone
    return PrintDays.of(house.cut_off, house.timezone or own or "UTC", house.days)


def _held_waves(session: Session, incident: Incident, now: datetime) -> frozenset[str]:
    """The waves that are held. Refused when all letters are."""
    query = select(Hold).where(Hold.incident_id == incident.id, col(Hold.released_at).is_(None))
    holds = [h for h in session.exec(query).all() if h.until is None or h.until > now]
    for hold in holds:
        if hold.scope is HoldScope.INCIDENT or (hold.scope, hold.target) in _ALL_LETTERS:
            raise Refused(f"letters of {incident.slug} are held ({hold.reason}); release the hold {hold.id} first")
    return frozenset(hold.target for hold in holds if hold.scope is HoldScope.WAVE)


def _folder(desk: Desk, incident: Incident, batch: LetterBatch) -> Path:
    return desk.settings.folder("letters") / incident.slug / batch.folder


def _manifest(desk: Desk, incident: Incident, batch: LetterBatch) -> dict[str, object]:
    from notifiers.batches import Sealed

    return Sealed(_folder(desk, incident, batch).parent).manifest(batch.folder)


def _note_handed(desk: Desk, incident: Incident, batch: str, number: str, day: str) -> None:
    with desk.db.write() as session:
        row = session.get_one(LetterBatch, batch)
        row.handed_at, row.printer_id = desk.now(), number
        desk.log(session, incident.id, "letters_handed_over", batch, printer_id=number, print_day=day)


# --- what comes back ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Acknowledged:
    """What a print house said: letters by state, references that are on no letter of ours, and what was settled.

    `known`: letters of which it said no more than before; `backwards`: less than before, so it was not taken.
    """

    letters: Counter[str] = field(default_factory=Counter)
    known: int = 0
    backwards: int = 0
    unknown: list[str] = field(default_factory=list)
    settled: Settled = field(default_factory=Settled)


def acknowledge(desk: Desk, slug: str, file: Path | None = None) -> Acknowledged:
    """Takes in what the print house says, from a file or by asking it. A returned letter opens its person's next rung;
    the other states are kept with the batch and in the record, and move only forward."""
    from notifiers.letter.printers import read_acknowledgements

    with desk.db.read() as session:
        incident = find_incident(session, slug)
        query = select(LetterBatch).where(LetterBatch.incident_id == incident.id, LetterBatch.printer_id != "")
        batches = {b.id: b.printer_id for b in session.exec(query).all()}
    if file is not None:
        said = read_acknowledgements(file)
    else:
        printer = open_printer(desk)
        if not batches:
            raise NeedsPerson(
                f"no letters of {slug} were handed over, so the print house can't be asked; give its file"
            )
        said = [a for number in batches.values() for a in printer.acknowledgements(number)]
    return _take(desk, slug, incident, said)


def _take(desk: Desk, slug: str, incident: Incident, said: Sequence[Acknowledgement]) -> Acknowledged:
    done, receipts = Acknowledged(), []
    by_batch: dict[str, list[Acknowledgement]] = {}
    with desk.db.read() as session:
        letters = letters_of(session, incident, [one.reference for one in said])
        batches = _batches(session, incident)
        _refuse_times(desk, said, letters, batches)
        for one in said:
            found = letters.get(one.reference)
            if found is None:
                done.unknown.append(one.reference)
                continue
            delivery, carrier_reference = found
            done.letters[one.state.value] += 1
            before = batches.get(carrier_reference.partition(":")[0])
            step = _further(before.print_state if before else "", one.state)
            done.known, done.backwards = done.known + (step == 0), done.backwards + (step < 0)
            by_batch.setdefault(carrier_reference.partition(":")[0], []).append(one)
            if one.state is PrintState.RETURNED:
                mark = digest([delivery, "returned"])  # as when a person types the reference
                receipts.append(Receipt(Evidence.RETURNED, one.at, delivery, "returned", "returned_letter", mark))
    _note_states(desk, incident, by_batch)
    take(desk, slug, receipts, done.settled)
    return done


def _batches(session: Session, incident: Incident) -> dict[str, LetterBatch]:
    rows = session.exec(select(LetterBatch).where(LetterBatch.incident_id == incident.id)).all()
    return {row.id: row for row in rows}


def _refuse_times(
    desk: Desk,
    said: Sequence[Acknowledgement],
    letters: Mapping[str, tuple[str, str]],
    batches: Mapping[str, LetterBatch],
) -> None:
    """Nothing is taken in while a time can't be true: ahead of now, or before the letter was sealed."""
    now = desk.now()
    sealed = {
        ref: batches[at.partition(":")[0]].sealed_at
        for ref, (_, at) in letters.items()
        if at.partition(":")[0] in batches
    }
    ahead = sum(one.at > now for one in said)
    early = sum(one.reference in sealed and one.at < sealed[one.reference].replace(microsecond=0) for one in said)
    if ahead or early:
        wrong = [f"{ahead:,} lie ahead of now ({now.isoformat(timespec='minutes')})"] if ahead else []
        wrong += [f"{early:,} lie before their letters were sealed"] if early else []
        raise BadInput(
            "at", f"has times that can't be true: {'; '.join(wrong)}.", "Nothing was taken in; correct them."
        )


def _further(before: str, state: PrintState) -> int:
    """Above zero: further than the batch was; zero: known; below: backwards. Returned and failed are always news."""
    if not before or state not in _ORDER:
        return 1
    return _ORDER.index(state) - _ORDER.index(PrintState(before))


def _note_states(desk: Desk, incident: Incident, by_batch: dict[str, list[Acknowledgement]]) -> None:
    """The furthest state of a batch is that of the letter that is least far; failed letters are named in the record."""
    with desk.db.write() as session:
        for batch, said in by_batch.items():
            row = session.get(LetterBatch, batch)
            if row is None:
                continue
            counts = Counter(a.state.value for a in said)
            whole = sum(counts.values()) >= row.letters
            steps = [_ORDER.index(a.state) for a in said if a.state in _ORDER]
            state = _ORDER[min(steps)].value if steps and whole else row.print_state
            known = list(map(str, _ORDER))
            if state and (not row.print_state or known.index(state) > known.index(row.print_state)):
                row.print_state, row.print_state_at = state, max(a.at for a in said)
                desk.log(session, incident.id, f"letters_{state}", batch, letters=counts)
            for one in (a for a in said if a.state is PrintState.FAILED):
                desk.log(session, incident.id, "letter_failed", one.reference, batch=batch, printer_id=one.printer_id)


# --- serials of barcodes --------------------------------------------------------------------------------------------


def reserve_serials(desk: Desk, mailer_id: str, count: int) -> int:
    """The first of `count` serials of the US barcode that nobody else gets within 45 days.

    Refused when the mailer's serials would begin again sooner than that.
    """
    room = 10 ** (15 - len(mailer_id)) if len(mailer_id) in (6, 9) else 0
    if count > room:
        raise BadInput(
            f"{desk.settings.profile}: [sender] mailer_id", "must be 6 or 9 digits.", "USPS gives it to you."
        )
    name = f"{SERIALS}.{mailer_id}"
    with desk.db.write() as session:
        row = session.exec(select(Setting).where(Setting.name == name).with_for_update()).first()
        following, began = row.value.split(";", 1) if row else ("0", desk.now().isoformat())
        first = int(following)
        if first + count > room:
            if desk.now() - datetime.fromisoformat(began) < LAP:
                raise Refused("barcode serials would begin again within 45 days; use a mailer id of 6 digits")
            first, began = 0, desk.now().isoformat()
        session.merge(Setting(name=name, value=f"{first + count};{began}"))
    return first


__all__ = [
    "Acknowledged",
    "HandedOver",
    "PrinterTrouble",
    "acknowledge",
    "hand_over",
    "open_printer",
    "print_days",
    "reserve_serials",
]
