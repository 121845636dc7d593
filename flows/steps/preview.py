"""Preview: a wave's words as files to read, filled with invented people. Nobody's data is opened, and nothing is sent.

Beside each text stands what its laws want and where it is said, what the linter finds, what changed since the version
that was last approved, and how hard it reads; an index page leads through them. Every file says PREVIEW in its name and
in its text, so that none can pass for a notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from flows.steps.carriers import letterhead
from flows.steps.desk import Desk, find_incident
from flows.steps.findings import findings
from flows.steps.launching import find_wave
from flows.steps.posting import wording_of
from flows.steps.review import Review, figures_said, laws_said, neighbours, read_aloud, reviewer
from flows.steps.samples import PLACE, TOO_LONG, USUAL, Sample, hard_examples, samples
from flows.steps.whose_turn import without_notice
from models.tables import Incident, Notice, Wave, WordingRow, new_id
from models.values import BadInput, Channel, Contacts, Message, NeedsPerson, Slot, Wording
from templates.review import index_page, review_page
from templates.words import right_to_left

__all__ = ["Previewed", "Sample", "newest_wave", "of_person", "preview", "sample_message", "samples"]

MARK = "PREVIEW"
INDEX = f"{MARK}-index.html"
BANNER = f"{MARK}: an invented person, not a notice. Not to be sent.\n\n"
BAR = (  # in the team's language, whatever the page's is
    '<p lang="en" dir="ltr" style="text-align:left;background:#b00020;color:#fff;padding:8px;margin:0;'
    f'font:bold 14px sans-serif">{BANNER.strip()}</p>'
)
STATES = {"there": "yes", "missing": "MISSING", "empty": "EMPTY", "unknown": "only “unknown”"}


@dataclass(frozen=True, slots=True)
class Previewed:
    """What was written, and what each file shows."""

    incident: str
    wave: int
    folder: Path
    files: tuple[tuple[str, int], ...]  # name, people who would get it (0: the public, or an example)
    segments: dict[int, str]  # the number in a file's name -> segment
    index: str = INDEX  # the page to begin with


@dataclass(frozen=True, slots=True)
class _Looked:
    """One text with its review and the files that show it."""

    sample: Sample
    stem: str
    review: Review
    files: tuple[str, ...]

    @property
    def page(self) -> str:
        return f"{self.stem}.review.html"


def preview(desk: Desk, slug: str, number: int | None = None, segment: str = "", out: Path | None = None) -> Previewed:
    """Writes every text of a wave (default: the newest) into `out`; `segment` keeps those whose name has it."""
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        wave = find_wave(session, incident, number) if number else newest_wave(session, incident)
        found = samples(session, wave, segment)
        folder = out or desk.settings.folder("previews") / slug / f"wave-{wave.number}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        numbers = _numbers(found)
        looked = list(_looked(desk, session, incident, wave, found, numbers, folder))
        public = [] if segment else list(_public(session, incident, wave))
        answered = {f["id"]: f for _, f in findings(session, wave) if f.get("overridden_by")}
        waiting = without_notice(session, incident)
    written = [(name, one.sample.people) for one in looked for name in one.files]
    written += [(_page_of(folder, looked, n, numbers), 0) for n in range(len(looked))]
    hard = list(_hard(desk, found, numbers, folder))
    written += [(name, 0) for name, _ in hard]
    pages = [pair for language, page in public for pair in _public_files(folder, language, page)]
    written += [(name, 0) for name, _ in pages]
    data = _index(slug, wave, looked, hard, pages, list(answered.values()), waiting)
    written.insert(0, (_write(folder, INDEX, index_page(data).encode()), 0))
    return Previewed(slug, wave.number, folder, tuple(written), {n: key for key, n in numbers.items()})


def newest_wave(session: Session, incident: Incident) -> Wave:
    """The newest wave that no later draft replaced."""
    query = select(Wave).where(Wave.incident_id == incident.id).order_by(col(Wave.number).desc())
    for wave in session.exec(query).all():
        if not wave.stopped_why.startswith("replaced"):
            return wave
    raise NeedsPerson(f"{incident.slug}: nothing is drafted yet; run `tocsin prepare {incident.slug}`")


def _numbers(found: Iterable[Sample]) -> dict[str, int]:
    return {key: number for number, key in enumerate(dict.fromkeys(s.segment for s in found), 1)}


# --- one text -------------------------------------------------------------------------------------------------------


def _looked(
    desk: Desk,
    session: Session,
    incident: Incident,
    wave: Wave,
    found: Sequence[Sample],
    numbers: dict[str, int],
    folder: Path,
) -> Iterator[_Looked]:
    eye = reviewer(desk, session, incident, wave)
    near = neighbours(found)
    for sample in found:
        stem = _stem(sample, numbers)
        seen = eye.review(sample, near.get((sample.segment, sample.channel)))
        names = [_write(folder, f"{stem}{ending}", data) for ending, data in _files(desk, sample)]
        aloud = read_aloud(sample.wording.text, seen.ease)
        names.append(_write(folder, f"{stem}.read-aloud.txt", (BANNER + aloud).encode()))
        yield _Looked(sample, stem, seen, tuple(names))


def _stem(sample: Sample, numbers: dict[str, int]) -> str:
    place = f"{numbers[sample.segment]:02d}.{sample.wording.language}.{sample.role.value}.{sample.channel.value}"
    return f"{MARK}-{place}" + ("" if sample.example == USUAL else f".{sample.example}")


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
    if sample.wording.short:
        yield ".questions.txt", f"{BANNER}{sample.wording.short}\n".encode()
    if merged.html:
        yield ".html", marked_html(merged.html).encode()


def _hard(desk: Desk, found: Sequence[Sample], numbers: dict[str, int], folder: Path) -> Iterator[tuple[str, str]]:
    for sample in hard_examples(found):
        what = f"{numbers[sample.segment]:02d}, {sample.wording.language}, {sample.channel}: {sample.example}"
        stem = _stem(sample, numbers)
        try:
            for ending, data in _files(desk, sample):
                yield _write(folder, f"{stem}{ending}", data), f"{what} ({ending[1:]})"
        except BadInput as error:  # such a person would be refused, by name of the letter; that is what it shows
            yield (
                _write(folder, f"{stem}.refused.txt", f"{BANNER}{error}\n".encode()),
                f"{what}: {'as expected' if sample.example in TOO_LONG else 'REFUSED'}: {error.problem}",
            )


def letter_pdf(desk: Desk, sample: Sample) -> bytes:
    """The letter as it would be printed, with the mark across each page."""
    from templates.letters import press_letters

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


def of_person(desk: Desk, slug: str, place: int, by: str, number: int | None = None) -> Sample:
    """The notice of the `place`-th person of a wave (from 1, in the order of ids), as it would be merged: real data.

    For a screen to step through, never for a file. Who looked, and at which notice, goes on record.
    """
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        wave = find_wave(session, incident, number) if number else newest_wave(session, incident)
        query = select(Notice).where(Notice.wave_id == wave.id).order_by(col(Notice.id))
        notice = session.exec(query.offset(place - 1).limit(1)).first() if place > 0 else None
        if notice is None:
            raise BadInput(f"person {place}", f"is not in wave {wave.number}.", f"It has {wave.people:,} people.")
        slots, _ = desk.key(incident).open_notice(notice.id, notice.sealed or b"")
        own = next((s for s in samples(session, wave) if s.segment == notice.segment_key), None)
        if own is None:
            raise NeedsPerson(f"notice {notice.id}: no channel is permitted for this person, so no words are rendered")
        desk.log(session, incident.id, "notice_viewed", notice.id, by=by)
    return replace(own, slots={Slot(name): value for name, value in slots.items()}, example="real")


# --- the pages to read on -------------------------------------------------------------------------------------------


def _page_of(folder: Path, looked: Sequence[_Looked], n: int, numbers: dict[str, int]) -> str:
    """The review page of one text, with the way to its neighbours."""
    one = looked[n]
    sample, seen = one.sample, one.review
    page = {
        "name": one.stem,
        "title": f"{numbers[sample.segment]:02d}. {_whom(sample)}, {sample.channel}, {sample.wording.language}",
        "about": f"People told so first: {sample.people:,}. Laws: {laws_said(sample)}. Segment: {sample.segment}",
        "place": f"{n + 1} of {len(looked)}",
        "index": INDEX,
        "previous": looked[n - 1].page if n else "",
        "next": looked[n + 1].page if n + 1 < len(looked) else "",
        "language": sample.wording.language,
        "direction": "rtl" if right_to_left(sample.wording.language) else "ltr",
        "before": seen.before,
        "lines": [(kind, _filled(sample, line)) for kind, line in seen.lines],
        "files": [(name, _what(name)) for name in one.files],
        "checks": [_check(check, sample) for check in seen.checks],
        "findings": [
            {"law": "", **f, "by": f.get("overridden_by", ""), "reason": f.get("reason", "")} for f in seen.findings
        ],
        "figures": figures_said(seen.ease) if seen.ease else [],
    }
    return _write(folder, one.page, review_page(page).encode())


def _check(check: Any, sample: Sample) -> dict[str, str]:
    law = " ".join(part for part in (check.law, check.citation) if part)
    state = check.seen.state
    line = _filled(sample, check.seen.line)
    return {"state": state, "mark": STATES[state], "element": check.element.replace("_", " "), "law": law, "line": line}


def _filled(sample: Sample, line: str) -> str:
    """A line with the invented person's values in its slots."""
    for slot, value in sample.slots.items():
        line = line.replace(f"\ue000{slot.value}\ue000", value.replace("\n", ", "))
    return line


def _what(name: str) -> str:
    ends = {".read-aloud.txt": "to read aloud", ".pdf": "the letter, as printed", ".html": "the email, as shown"}
    return next((what for end, what in ends.items() if name.endswith(end)), "plain text")


def _whom(sample: Sample) -> str:
    who = {"self": "the person", "guardian": "a guardian", "next_of_kin": "a next of kin"}
    return f"to {who.get(sample.role.value, 'an organisation that is a customer')}"


def _index(
    slug: str,
    wave: Wave,
    looked: Sequence[_Looked],
    hard: Sequence[tuple[str, str]],
    public: Sequence[tuple[str, str]],
    answered: Sequence[dict[str, Any]],
    waiting: dict[str, int],
) -> dict[str, Any]:
    rows = [{"id": f["id"], "element": f["element"], "by": f["overridden_by"], "reason": f["reason"]} for f in answered]
    return {
        "title": f"Wave {wave.number} of {slug}",
        "about": f"People: {wave.people:,}. Texts: {len(looked)}. Digest {wave.digest[:16]}…: what is signed.",
        "rows": [_row(one) for one in looked],
        "hard": list(hard),
        "public": list(public),
        "overrides": rows,
        "waiting": ", ".join(f"{language} {count:,}" for language, count in waiting.items()),
    }


def _row(one: _Looked) -> dict[str, Any]:
    sample, seen = one.sample, one.review
    lacking = sum(check.seen.state != "there" for check in seen.checks)
    errors = sum(f["severity"] == "error" for f in seen.findings)
    open_ = sum(f["severity"] == "warning" and not f.get("overridden_by") for f in seen.findings)
    said = [f"{n} {what}{'s' if n > 1 else ''}" for n, what in ((errors, "error"), (open_, "warning")) if n]
    score = seen.ease.score if seen.ease else None
    changed = seen.before.startswith("wave") and any(kind != "same" for kind, _ in seen.lines)
    return {
        "file": one.page,
        "name": one.stem.removeprefix(f"{MARK}-"),
        "laws": ", ".join(sample.laws),
        "role": sample.role.value.replace("_", " "),
        "language": sample.wording.language,
        "channel": sample.channel.value.replace("_", " "),
        "people": f"{sample.people:,}",
        "contents": f"{lacking} missing" if lacking else f"all {len(seen.checks)}",
        "contents_style": "bad" if lacking and sample.channel is not Channel.SMS else "good",
        "linter": ", ".join(said) or "nothing",
        "linter_style": "bad" if errors else "warn" if open_ else "good",
        "reads": "–" if score is None else f"{score:g}",
        "reads_style": "" if seen.ease is None or seen.ease.good else "warn",
        "changed": "changed" if changed else "",
    }


def _public(session: Session, incident: Incident, wave: Wave) -> Iterator[tuple[str, Wording]]:
    plan: dict[str, str] = json.loads(wave.plan or "{}").get("substitute", {})
    query = select(WordingRow).where(WordingRow.incident_id == incident.id, WordingRow.channel == Channel.PUBLIC)
    rows = {row.digest: row for row in session.exec(query).all()}
    yield from ((language, wording_of(rows[mark])) for language, mark in plan.items() if mark in rows)


def _public_files(folder: Path, language: str, page: Wording) -> Iterator[tuple[str, str]]:
    name = _write(folder, f"{MARK}-public.{language}.html", marked_html(page.html).encode())
    yield name, f"the page, {language}"
    name = _write(folder, f"{MARK}-press-release.{language}.txt", (BANNER + page.text).encode())
    yield name, f"the press release, {language}"
    if page.short:
        name = _write(folder, f"{MARK}-newspaper.{language}.txt", f"{BANNER}{page.short}\n".encode())
        yield name, f"the newspaper's paragraph, {language}"


def _write(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    path.chmod(0o600)
    return name
