"""Reports to authorities from the command line: fill, draft, write, and the receipt that two people type."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.cli import show
from console.cli.terminal import answer, desk, moment
from models.values import BadInput

if TYPE_CHECKING:
    from flows.steps.desk import Desk
    from flows.steps.file_reports import ReportState


def fill(
    slug: str,
    only: str,
    late_reasons: str,
    answers: Path | None,
    draft: Path | None,
    write: bool,
    by: str,
    as_json: bool,
) -> None:
    """Fills what is owed; then writes drafts, or the packets of what is approved, where asked to."""
    from flows.steps import file_reports
    from flows.steps.status import status

    judged = read_answers(answers) if answers else None
    with desk() as d:
        found = file_reports.prepare_reports(d, slug, by, late_reasons=late_reasons, only=only, judged=judged)
        drafts = _drafts(d, slug, found, draft) if draft else []
        if write:
            found = [file_reports.write(d, slug, report.obligation) for report in found]
        state = status(d, slug)
    answer(as_json, {"reports": found, "drafts": drafts}, lambda: _show(found, drafts, state))


def _show(found: Sequence[ReportState], drafts: Sequence[Path], state: Mapping[str, Any]) -> None:
    show.reports(found, state)
    if drafts:
        show.files(drafts, drafts[0].parent, "Drafts to read; they are not filed:")


def _drafts(d: Desk, slug: str, found: Sequence[ReportState], folder: Path) -> list[Path]:
    import json

    from flows.steps.file_reports import draft_packet

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for report in found:
        pdf, packet = draft_packet(d, slug, report.obligation)
        name = f"DRAFT-{report.obligation.lower().replace('/', '.')}.v{report.version}"
        text = json.dumps(packet, ensure_ascii=False, indent=1)
        blank = _blank_answers(d, slug, report).encode()
        files = {".pdf": pdf, ".json": text.encode(), ".answers.toml": blank}
        for path, data in ((folder / f"{name}{ending}", data) for ending, data in files.items()):
            path.write_bytes(data)
            path.chmod(0o600)
            written.append(path)
    return written


def _blank_answers(d: Desk, slug: str, report: ReportState) -> str:
    """A file for --answers with every open question as a comment, to fill in and hand back."""
    from flows.steps.file_reports import open_questions
    from planning.forms import form_ids, load_form

    overlay = d.settings.templates
    form = load_form(report.form, overlay) if report.form in form_ids(overlay) else None
    lines = [
        f"# Open questions of {report.obligation}.",
        "# Take away the # before an answer and fill it in; leave out what nobody knows.",
    ]
    for q in open_questions(d, slug, report.obligation):
        options = form.question(q["id"]).options if form else {}
        one_of = f" One of: {', '.join(options)}." if options else ""
        lines += ["", f"# {q['label']}{' (must be answered)' if q['must'] else ''}{one_of}", f'# {q["id"]} = ""']
    return "\n".join(lines) + "\n"


def read_answers(path: Path) -> dict[str, Any]:
    """What people judged, by question id. BadInput names the file."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(str(path), f"cannot be read ({error.strerror}).", "Check the path.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(str(path), f"is not TOML: {error}.", 'Write question = "answer".') from None


def receipt(slug: str, only: str, number: str, at: str, by: str, as_json: bool) -> None:
    """The first person types the number, the second confirms it by typing the same."""
    from flows.steps.file_reports import record_receipt

    if not only:
        raise BadInput(
            "--obligation", "is missing.", "Name the report that the receipt is for; `tocsin status` lists them."
        )
    if not at:
        raise BadInput("--at", "is missing.", "Say when the authority had the report: 2026-11-24T09:00:00+01:00.")
    instant = moment("--at", at)
    with desk() as d:
        if instant > d.now():
            raise BadInput(
                "--at", f"{at} has not come yet; it is {show.when(d.now())}.", "Say when the authority had it."
            )
        came = record_receipt(d, slug, only, number, by, instant)
    told = {
        "typed": f"Receipt of {only} is noted by {by}. It counts once a second person types the same number and time.",
        "confirmed": f"Receipt of {only} is confirmed by {by}: filed {show.when(instant)}.",
    }
    answer(as_json, {"obligation": only, "receipt": came, "at": instant, "by": by}, lambda: print(told[came]))
