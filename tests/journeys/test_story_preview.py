"""What people read before they sign: every text beside its checklist, hard examples, what changed, an index."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from flows.steps.preview import INDEX, marked_html, of_person, preview
from flows.steps.samples import HARD, Sample
from models.values import BadInput, Slot


def wave(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope(
        [
            office.person(0),
            office.person(1, language="zh-Hans"),
            office.person(2, elements="name; diagnosis; ssn; health_record; date_of_birth"),
            office.person(3, born="2019-01-01", guardian="A Guardian"),
        ]
    )
    office.prepare()


def read(folder: Path) -> dict[str, str]:
    return {f.name: f.read_text("utf-8") for f in folder.iterdir() if f.suffix in (".html", ".txt")}


def test_every_text_has_a_page_with_its_checklist_and_the_index_leads_through_all(office: Any, tmp_path: Path) -> None:
    wave(office)
    folder = Path(os.environ.get("TOCSIN_LOOK", tmp_path / "read"))
    made = preview(office.desk, office.slug, out=folder)
    files = read(folder)
    pages = [name for name, _ in made.files if name.endswith(".review.html")]
    assert len(pages) == len(office.rows("segment")) and made.index == INDEX
    assert re.findall(r'<a href="(PREVIEW[^"]*review\.html)"', files[INDEX]) == pages
    first = files[pages[0]]
    assert "45 CFR 164.404" in first and "MISSING" not in first and 'rel="next"' in first
    assert all("PREVIEW" in text for text in files.values())
    links = {link for text in files.values() for link in re.findall(r'href="(PREVIEW[^"]+)"', text)}
    assert {link for link in links if not (folder / link).exists()} == set()


def test_hard_examples_are_made_by_rule_and_hold_nobody(office: Any, tmp_path: Path) -> None:
    wave(office)
    names = [name for name, _ in preview(office.desk, office.slug, out=tmp_path / "read").files]
    assert {hard for hard in HARD if any(f".{hard}." in name for name in names)} == set(HARD)
    assert not [text for text in read(tmp_path / "read").values() if "CNRY-" in text]
    hard = next(text for name, text in read(tmp_path / "read").items() if ".signs.html" in name)
    assert "<Test>" not in hard and "&lt;Test&gt;" in hard


def test_a_later_draft_shows_what_changed_since_the_approved_one(office: Any, tmp_path: Path) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0)])
    office.launch()
    story = office.HIPAA["narrative"] | {"measures_taken": "We searched the office twice."}
    office.declare(office.HIPAA, narrative=story)
    office.scope([office.person(0), office.person(1)])
    office.prepare()
    preview(office.desk, office.slug, out=tmp_path / "read")
    page = next(text for name, text in read(tmp_path / "read").items() if "email.review" in name)
    assert "wave 1, the last approved version" in page
    assert "<ins>What we have done: We searched the office twice.</ins>" in page
    assert "<del>What we have done: We searched the office, told the police" in page
    assert "changed</span>" in read(tmp_path / "read")[INDEX]


def test_a_read_aloud_file_has_every_sentence_and_its_figures(office: Any, tmp_path: Path) -> None:
    wave(office)
    preview(office.desk, office.slug, out=tmp_path / "read")
    aloud = next(text for name, text in read(tmp_path / "read").items() if ".en." in name and "read-aloud" in name)
    assert "[ ] Dear" in aloud or "[ ] …" in aloud
    assert "flesch kincaid" in aloud and "the aim of 8 is reached" in aloud


def test_a_warning_that_somebody_answers_for_is_named_on_the_index(office: Any, tmp_path: Path) -> None:
    from flows.steps import findings

    office.declare(
        office.HIPAA, narrative=office.HIPAA["narrative"] | {"cause": "Out of an abundance of caution we say nothing."}
    )
    office.scope([office.person(0)])
    office.prepare()
    with office.desk.db.read() as session:
        from flows.steps.desk import find_incident
        from flows.steps.preview import newest_wave

        rows = findings.findings(session, newest_wave(session, find_incident(session, office.slug)))
    hedge = next(f["id"] for _, f in rows if f["element"] == "hedging")
    findings.override(office.desk, office.slug, hedge, "counsel", "the words of the police")
    preview(office.desk, office.slug, out=tmp_path / "read")
    index = read(tmp_path / "read")[INDEX]
    assert "the words of the police" in index and "counsel" in index


def test_one_persons_notice_can_be_looked_at_and_who_looked_is_on_record(office: Any) -> None:
    wave(office)
    shown = [of_person(office.desk, office.slug, n, "counsel") for n in range(1, 5)]
    assert len({sample.slots[Slot.NAME] for sample in shown}) == 4
    assert all(sample.slots[Slot.SALUTATION] in sample.merged().text for sample in shown)
    assert {event["body"]["by"] for event in office.events("notice_viewed")} == {"counsel"}
    office.refuses(BadInput, "is not in wave 1", of_person, office.desk, office.slug, 5, "counsel")


def test_the_bar_of_a_right_to_left_page_reads_in_its_own_direction() -> None:
    page = marked_html('<html lang="ar" dir="rtl"><body class="x"><p>…</p></body></html>')
    assert '<body class="x"><p lang="en" dir="ltr"' in page and page.count("PREVIEW") == 1


def test_a_letter_that_no_window_holds_is_refused_as_expected_and_any_other_is_not(
    office: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    def pressed(desk: Any, sample: Sample) -> bytes:
        if sample.example in ("long-address", "one-name"):
            raise BadInput("letter 1", "the address has 6 lines.", "Shorten it.")
        return b"%PDF"

    monkeypatch.setattr("flows.steps.preview.letter_pdf", pressed)
    office.declare(office.HIPAA)
    office.scope([office.person(0, email="")])
    office.prepare()
    preview(office.desk, office.slug, out=tmp_path / "read")
    index = (tmp_path / "read" / INDEX).read_text()
    assert "letter: long-address: as expected" in index and "letter: one-name: REFUSED" in index
