"""Preview: a wave's words as files to read, filled with invented people. Nobody's data is opened, and nothing is sent.

Every file says PREVIEW in its name and in its text, so that none can pass for a notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlmodel import Session, col, select

from flows.steps.carriers import letterhead
from flows.steps.desk import Desk, find_incident
from flows.steps.launching import find_wave
from flows.steps.posting import wording_of
from models.tables import Incident, Segment, Wave, WordingRow, new_id
from models.values import BadInput, Channel, Contacts, Message, NeedsPerson, Role, Slot, Wording
from templates.merge import Merged, merge
from templates.words import addressee, salutation

MARK = "PREVIEW"
BANNER = f"{MARK}: an invented person, not a notice. Not to be sent.\n\n"
BAR = f'<p style="background:#b00020;color:#fff;padding:8px;margin:0;font:bold 14px sans-serif">{BANNER.strip()}</p>'


@dataclass(frozen=True, slots=True)
class Previewed:
    """What was written, and what each file shows."""

    incident: str
    wave: int
    folder: Path
    files: tuple[tuple[str, int], ...]  # name, people who would get it (0: the public)
    segments: dict[int, str]  # the number in a file's name -> segment


@dataclass(frozen=True, slots=True)
class Sample:
    """One segment's words in one channel, with an invented person of its role."""

    segment: str
    channel: Channel
    role: Role
    people: int
    wording: Wording
    slots: Mapping[Slot, str]

    def merged(self) -> Merged:
        return merge(self.wording, self.slots)


def preview(desk: Desk, slug: str, number: int | None = None, segment: str = "", out: Path | None = None) -> Previewed:
    """Writes every text of a wave (default: the newest) into `out`; `segment` keeps those whose name has it."""
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        wave = find_wave(session, incident, number) if number else newest_wave(session, incident)
        found = samples(session, wave, segment)
        public = [] if segment else list(_public(session, incident, wave))
    folder = out or desk.settings.folder("previews") / slug / f"wave-{wave.number}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = _numbers(found)
    written: list[tuple[str, int]] = []
    for sample in found:
        stem = (
            f"{MARK}-{names[sample.segment]:02d}.{sample.wording.language}.{sample.role.value}.{sample.channel.value}"
        )
        written += [(_write(folder, f"{stem}{ending}", data), sample.people) for ending, data in _files(desk, sample)]
    for language, page in public:
        written.append((_write(folder, f"{MARK}-public.{language}.html", marked_html(page.html).encode()), 0))
        written.append((_write(folder, f"{MARK}-press-release.{language}.txt", (BANNER + page.text).encode()), 0))
    return Previewed(slug, wave.number, folder, tuple(written), {number: key for key, number in names.items()})


def newest_wave(session: Session, incident: Incident) -> Wave:
    """The newest wave that no later draft replaced."""
    query = select(Wave).where(Wave.incident_id == incident.id).order_by(col(Wave.number).desc())
    for wave in session.exec(query).all():
        if not wave.stopped_why.startswith("replaced"):
            return wave
    raise NeedsPerson(f"{incident.slug}: nothing is drafted yet; run `tocsin prepare {incident.slug}`")


def samples(session: Session, wave: Wave, segment: str = "") -> list[Sample]:
    """Each segment and channel of a wave with an invented person. BadInput when `segment` is in no name."""
    query = select(Segment, WordingRow).join(WordingRow, Segment.wording_id == WordingRow.id)  # type: ignore[arg-type]
    rows = session.exec(query.where(Segment.wave_id == wave.id).order_by(Segment.key, Segment.channel)).all()
    found = [
        Sample(own.key, own.channel, own.role, own.people, wording_of(row), invented(own.language, own.role))
        for own, row in rows
        if segment in own.key
    ]
    if not found:
        known = "; ".join(sorted({own.key for own, _ in rows}))
        raise BadInput(
            f"--segment {segment!r}", f"is in the name of no segment of wave {wave.number}.", f"Segments: {known}."
        )
    return found


# Nobody: names that say so, numbers kept for fiction.
NAMES: Mapping[str, tuple[str, str, str]] = {  # language -> person, guardian or kin, minor
    "en": ("Sample Person", "Sample Guardian", "Sample Child"),
    "zh": ("样例某", "样例监护人", "样例儿童"),
}
PLACE = "1 Sample Street\nSampletown\nUNITED STATES"


def invented(language: str, role: Role) -> dict[Slot, str]:
    """A value for every slot, of nobody."""
    person, speaker, child = NAMES.get(language.split("-")[0], NAMES["en"])
    named = person if role in (Role.SELF, Role.CUSTOMER_ORGANISATION) else speaker
    return {
        Slot.SALUTATION: salutation(language, role, named),
        Slot.NAME: person,
        Slot.ADDRESSEE: addressee(language, role, person, named),
        Slot.ADDRESS: PLACE,
        Slot.REFERENCE: "SAMPLE0000",
        Slot.CODE: "SAMPLE-CODE-0000",
        Slot.VERIFICATION_CODE: "SAMPLE00",
        Slot.MINOR_NAME: child,
        Slot.OWN_DATES: date(2000, 1, 1).isoformat(),
    }


def marked_html(page: str) -> str:
    """A page with the bar at the top of its body."""
    head, tag, rest = page.partition("<body")
    end = rest.find(">") + 1
    return f"{head}{tag}{rest[:end]}{BAR}{rest[end:]}" if tag and end else BAR + page


def _files(desk: Desk, sample: Sample) -> Iterator[tuple[str, bytes]]:
    merged = sample.merged()
    if sample.channel is Channel.LETTER:
        yield ".pdf", letter_pdf(desk, sample)
        return
    subject = f"Subject: {merged.subject}\n\n" if merged.subject else ""
    yield ".txt", f"{BANNER}{subject}{merged.text}".encode()
    if merged.html:
        yield ".html", marked_html(merged.html).encode()


def letter_pdf(desk: Desk, sample: Sample) -> bytes:
    """The letter as it would be printed, with the mark across each page."""
    from templates.press import press_letters

    digest = sample.wording.digest()
    message = sample_message(sample, Contacts(address=tuple(PLACE.split("\n")), country="US"), digest)
    mark = f"{desk.watermark} {MARK}".strip()
    wordings = {digest: sample.wording}
    return press_letters(wordings, [message], sender=letterhead(desk), date=desk.now().date(), watermark=mark).pdf


def sample_message(sample: Sample, to: Contacts, digest: str = "", prefix: str = "") -> Message:
    """A message of nobody's delivery: its ids are in no table."""
    merged = sample.merged()
    identity = new_id()
    slots = {slot.value: value for slot, value in sample.slots.items()}
    return Message(
        delivery=identity,
        notice=identity,
        channel=sample.channel,
        language=sample.wording.language,
        to=to,
        slots=slots,
        subject=prefix + merged.subject,
        text=merged.text,
        html=merged.html,
        wording=digest,
    )


def _public(session: Session, incident: Incident, wave: Wave) -> Iterator[tuple[str, Wording]]:
    plan: dict[str, str] = json.loads(wave.plan or "{}").get("substitute", {})
    query = select(WordingRow).where(WordingRow.incident_id == incident.id, WordingRow.channel == Channel.PUBLIC)
    rows = {row.digest: row for row in session.exec(query).all()}
    yield from ((language, wording_of(rows[mark])) for language, mark in plan.items() if mark in rows)


def _numbers(found: Iterable[Sample]) -> dict[str, int]:
    return {key: number for number, key in enumerate(dict.fromkeys(s.segment for s in found), 1)}


def _write(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    path.chmod(0o600)
    return name
