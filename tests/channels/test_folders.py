"""Letters, call lists, public pages and packets: what lies in the folders, and that it is whole or absent."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from models.values import BadInput, Channel, Contacts, Evidence, Handoff, Message, Outcome, Refused, Slot, Wording
from notifiers.batches import content_hash
from notifiers.call_list.outcomes import CallOutcome, read_outcomes
from notifiers.call_list.sheet import COLUMNS, CallList
from notifiers.folders import PART, neutral, replace_file, seal
from notifiers.letter.queue import LetterQueue, manifests
from notifiers.portal.packet import write_packet
from notifiers.public.pages import history, publish_page, withdraw

NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
WORDINGS = {w: Wording(f"segment {w}", Channel.LETTER, "en", text="Hello", typst="Hello") for w in ("w1", "w2")}


def message(n: int = 1, name: str = "Anna Sample", **changes: Any) -> Message:
    made = Message(
        delivery=f"delivery{n:04}",
        notice=f"notice{n:04}",
        channel=Channel.LETTER,
        language="en",
        to=Contacts("", f"+1202555{n:04}", ("1 Example Street", "Sampletown", "US"), "US"),
        slots={Slot.NAME: name, Slot.REFERENCE: f"REF-{n:04}"},
        text="Say this.",
        wording="w1" if n % 2 else "w2",
    )
    return replace(made, **changes)


@dataclass(frozen=True)
class Pressed:
    pdf: bytes
    pages: tuple[int, ...]

    @property
    def starts(self) -> tuple[int, ...]:
        return tuple(1 + sum(self.pages[:n]) for n in range(len(self.pages)))

    @property
    def printed(self) -> tuple[tuple[str, ...], ...]:
        return tuple(() for _ in self.pages)

    @property
    def barcodes(self) -> tuple[str, ...]:
        return tuple("" for _ in self.pages)

    @property
    def warnings(self) -> tuple[str, ...]:
        return ()


def press(wordings: Any, messages: Sequence[Message]) -> Pressed:
    if any("\N{SNOWMAN}" in m.slots[Slot.NAME] for m in messages):
        raise BadInput("letter", "no font has U+2603.", "Take it out.")
    return Pressed(b"%PDF-1.7", tuple(2 for _ in messages))


def letters(folder: Path, *messages: Message) -> list[Handoff]:
    return asyncio.run(LetterQueue(folder, press).send_batch(messages, WORDINGS, "wave-1"))


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


# --- letters --------------------------------------------------------------------------------------------------------


def test_a_letter_batch_lies_under_its_hash_with_pages_that_follow_each_other(tmp_path: Path) -> None:
    many = [message(n) for n in range(1, 5)]
    found = letters(tmp_path, *many)
    (folder,) = tmp_path.iterdir()
    assert folder.name == content_hash(many, {})
    assert sorted(p.name for p in folder.iterdir()) == [
        "letters.pdf",
        *(f"manifest.{kind}" for kind in ("csv", "json", "jsonl", "xlsx")),
    ]
    rows = rows_of(folder / "manifest.csv")
    assert [(r["delivery"], r["page_from"], r["page_to"], r["wording"]) for r in rows] == [
        ("delivery0001", "1", "2", "w1"),
        ("delivery0002", "3", "4", "w2"),
        ("delivery0003", "5", "6", "w1"),
        ("delivery0004", "7", "8", "w2"),
    ]
    assert [h.reference for h in found] == [f"{folder.name}:{a}-{a + 1}" for a in (1, 3, 5, 7)]
    data = json.loads((folder / "manifest.json").read_bytes())
    assert (data["letters"], data["pages"], data["name"]) == (4, 8, "wave-1")
    assert data["entries"][0]["address"] == ["1 Example Street", "Sampletown", "US"]


def test_the_name_of_a_batch_changes_with_words_people_and_order_and_nothing_else() -> None:
    base = [message(1), message(2)]
    others = [
        [message(2), message(1)],
        [message(1)],
        [message(1, wording="w9"), message(2)],
        [message(1, name="Other"), message(2)],
        [message(1, to=Contacts(address=("2 Example Street",))), message(2)],
    ]
    names = [content_hash(m, {}) for m in [base, *others]]
    assert len(set(names)) == len(names)
    assert content_hash([replace(m, attempt=3) for m in base], {}) == names[0]


def test_a_letter_that_cannot_be_printed_does_not_stop_the_others(tmp_path: Path) -> None:
    many = [message(n, name="\N{SNOWMAN}" if n == 5 else "Anna") for n in range(1, 9)]
    found = letters(tmp_path, *many)
    assert [h.code for h in found] == ["sealed"] * 4 + ["unprintable"] + ["sealed"] * 3
    assert (found[4].outcome, found[4].host_wide) == (Outcome.BLOCKED, False)
    assert found[4].detail == "", "it would spell out characters of a name"
    again = letters(tmp_path, *many)
    assert [h.reference for h in again] == [h.reference for h in found]
    assert len(list(tmp_path.iterdir())) == 1


def test_words_that_cannot_be_printed_stop_the_channel_and_burn_nobody(tmp_path: Path) -> None:
    many = [message(n, name="Anna" if n % 2 else "\N{SNOWMAN}") for n in range(1, 7)]
    found = letters(tmp_path, *many)
    assert [(h.outcome, h.host_wide) for h in found] == [
        (Outcome.ACCEPTED, False) if n % 2 else (Outcome.BLOCKED, True) for n in range(1, 7)
    ]


def test_a_press_that_miscounts_seals_nothing(tmp_path: Path) -> None:
    queue = LetterQueue(tmp_path, lambda w, m: Pressed(b"%PDF", (1,)))
    with pytest.raises(BadInput, match="press"):
        asyncio.run(queue.send_batch([message(1), message(2)], WORDINGS, "w"))
    assert list(tmp_path.iterdir()) == []


def test_a_tampered_manifest_is_noticed(tmp_path: Path) -> None:
    letters(tmp_path, message(1))
    (folder,) = tmp_path.iterdir()
    replace_file(folder / "manifest.json", b'{"batch": "another", "entries": []}')
    with pytest.raises(BadInput, match=r"manifest\.json"):
        letters(tmp_path, message(2))


def test_a_long_address_keeps_every_line(tmp_path: Path) -> None:
    lines = tuple(f"line {n}" for n in range(1, 10))
    letters(tmp_path, message(1, to=Contacts(address=lines)))
    (row,) = rows_of(next(tmp_path.iterdir()) / "manifest.csv")
    assert [row[f"address_{n}"] for n in (1, 6, 7)] == ["line 1", "line 6", "line 7, line 8, line 9"]


def test_the_manifest_for_people_has_the_address_as_it_is_printed() -> None:
    entry = {"delivery": "d", "reference": "r", "page_from": 1, "page_to": 2, "wording": "w", "barcode": ""}
    entry |= {"addressee": "Anna Example", "address": ["1 example street", "us"]}
    entry |= {"printed": ["Anna Example", "1 EXAMPLE STREET", "UNITED STATES"]}
    (row,) = csv.DictReader(io.StringIO(manifests([entry])["manifest.csv"].decode("utf-8-sig")))
    assert (row["addressee"], row["address_1"], row["address_2"]) == (
        "Anna Example",
        "1 EXAMPLE STREET",
        "UNITED STATES",
    )
    assert row["address_3"] == ""


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "\0x", "＝1+1", "＋1", "－1", "＠x"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_a_spreadsheet_would_compute_is_neutralised(cell: str, tmp_path: Path) -> None:
    assert neutral(cell) == f"'{cell}"
    letters(tmp_path, message(1, name=cell.replace("\0", "") or "x"))
    raw = (next(tmp_path.iterdir()) / "manifest.csv").read_text("utf-8-sig")
    rows = list(csv.reader(io.StringIO(raw, newline="")))
    assert all(c[:1] not in "=+-@\t\r\n＝＋－＠" or not c for row in rows for c in row)


def test_plain_cells_stay_as_they_are() -> None:
    assert [neutral(c) for c in ("", "Anna", "'x", "1 Example Street", "a=b")] == [
        "",
        "Anna",
        "'x",
        "1 Example Street",
        "a=b",
    ]


def test_two_who_seal_the_same_at_once_make_one_folder(tmp_path: Path) -> None:
    assert seal(tmp_path, "x", {"a": b"1"}) is True
    assert seal(tmp_path, "x", {"a": b"2"}) is False
    assert (tmp_path / "x" / "a").read_bytes() == b"1"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_what_a_killed_process_left_is_swept_away_once_it_is_old(tmp_path: Path) -> None:
    for name in (f"{PART}old", f"{PART}new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "letters.pdf").write_bytes(b"%PDF")
    os.utime(tmp_path / f"{PART}old", (1, 1))
    letters(tmp_path, message(1))
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(PART)] == [f"{PART}new"]


# --- call lists -----------------------------------------------------------------------------------------------------


def call_list(folder: Path, *messages: Message) -> Path:
    asyncio.run(CallList(folder).send_batch(messages, WORDINGS, "wave-1"))
    (made,) = folder.iterdir()
    return made


def test_a_call_list_has_a_script_and_a_number_for_every_person(tmp_path: Path) -> None:
    folder = call_list(tmp_path, message(1), message(2, name="=cmd()"))
    rows = rows_of(folder / "calls.csv")
    assert [(r["name"], r["phone"], r["script"], r["outcome"]) for r in rows] == [
        ("Anna Sample", "'+12025550001", "Say this.", ""),
        ("'=cmd()", "'+12025550002", "Say this.", ""),
    ]
    sheet = CalamineWorkbook.from_path(folder / "calls.xlsx").get_sheet_by_name("calls").to_python()
    assert tuple(sheet[0]) == COLUMNS
    assert [row[3] for row in sheet[1:]] == ["+12025550001", "+12025550002"]
    assert sheet[2][2] == "=cmd()"


def test_no_cell_of_the_workbook_is_a_formula_or_a_number(tmp_path: Path) -> None:
    folder = call_list(tmp_path, *[message(n, name=f) for n, f in enumerate(["=1+1", "+1", "@x", "12"], 1)])
    with zipfile.ZipFile(folder / "calls.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and '<c r="C2"' in sheet
    assert all('t="s"' in cell.split(">", 1)[0] for cell in sheet.split("<c ")[1:] if "<v>" in cell)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_outcomes_are_read_back_however_the_office_saved_them(separator: str, tmp_path: Path) -> None:
    folder = call_list(tmp_path, *[message(n) for n in range(1, 6)])
    rows = rows_of(folder / "calls.csv")
    for row, word in zip(rows, ["reached", "No answer", "WRONG_NUMBER", " refused ", ""], strict=True):
        row["outcome"] = word
    path = tmp_path / "filled.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as f:
        writer = csv.DictWriter(f, COLUMNS, delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    found = read_outcomes(path)
    assert [(c.delivery, c.outcome) for c in found] == [
        ("delivery0001", CallOutcome.REACHED),
        ("delivery0002", CallOutcome.NO_ANSWER),
        ("delivery0003", CallOutcome.WRONG_NUMBER),
        ("delivery0004", CallOutcome.REFUSED),
    ]
    evidence = [c.receipt(NOW).evidence for c in found]
    assert evidence == [
        Evidence.DELIVERED,
        Evidence.BOUNCED_SOFT,
        Evidence.BOUNCED_HARD,
        Evidence.BOUNCED_HARD,
    ]
    assert found[0].receipt(NOW).digest == read_outcomes(path)[0].receipt(NOW + dt.timedelta(days=1)).digest


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("a.csv", b"delivery,outcome\nd1,maybe\n", "a.csv line 2"),
        ("a.csv", b"delivery,result\nd1,reached\n", "a.csv"),
        ("a.csv", b"delivery,outcome\nd1,\xff\n", "a.csv"),
        ("a.csv", b"", "a.csv"),
        ("a.xlsx", b"PK", "a.xlsx"),
        ("a.csv", b'delivery,outcome\n"d1,reached\n', "a.csv line"),
    ],
)
def test_a_wrong_outcome_file_is_named_with_its_line(name: str, content: bytes, where: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=where):
        read_outcomes(tmp_path / name)


# --- public pages ---------------------------------------------------------------------------------------------------

PAGES = {"en": "<!doctype html><p>We lost data.", "zh-Hans": "<!doctype html><p>数据泄露"}


def test_a_page_is_put_out_in_every_language_with_links_between(tmp_path: Path) -> None:
    out = publish_page(tmp_path, "notice-1", PAGES, 1, NOW)
    assert sorted(p.name for p in out.folder.iterdir()) == ["en.html", "hashes.json", "index.html", "zh-Hans.html"]
    index = (out.folder / "index.html").read_text()
    assert 'href="en.html" lang="en"' in index and 'href="zh-Hans.html" lang="zh-Hans"' in index
    assert "<script" not in index
    assert {p.stat().st_mode & 0o777 for p in out.folder.iterdir()} == {0o644}


def test_every_version_stays_in_the_history_and_the_latest_is_shown(tmp_path: Path) -> None:
    publish_page(tmp_path, "notice-1", PAGES, 1, NOW)
    out = publish_page(tmp_path, "notice-1", {"en": "<p>More is known."}, 2, NOW + dt.timedelta(days=3))
    assert sorted(p.name for p in out.folder.iterdir()) == ["en.html", "hashes.json", "index.html"]
    assert [(v["version"], v["languages"]) for v in history(tmp_path, "notice-1")] == [
        (1, ["en", "zh-Hans"]),
        (2, ["en"]),
    ]
    assert (tmp_path / "history/notice-1/v1/zh-Hans.html").read_text() == PAGES["zh-Hans"]


def test_the_same_version_again_changes_nothing_and_another_content_is_refused(tmp_path: Path) -> None:
    first = publish_page(tmp_path, "notice-1", PAGES, 1, NOW)
    again = publish_page(tmp_path, "notice-1", PAGES, 1, NOW + dt.timedelta(days=9))
    assert (first.again, again.again, again.digest) == (False, True, first.digest)
    assert history(tmp_path, "notice-1")[0]["at"] == NOW.isoformat()
    with pytest.raises(Refused, match="version 1"):
        publish_page(tmp_path, "notice-1", {"en": "<p>other"}, 1, NOW)
    publish_page(tmp_path, "notice-1", {"en": "<p>other"}, 2, NOW)
    with pytest.raises(Refused, match="later version"):
        publish_page(tmp_path, "notice-1", PAGES, 1, NOW)


def test_a_withdrawn_notice_says_so_and_keeps_its_history(tmp_path: Path) -> None:
    publish_page(tmp_path, "notice-1", PAGES, 1, NOW)
    folder = withdraw(tmp_path, "notice-1", NOW + dt.timedelta(days=90), {"en": "<p>This notice has ended."})
    assert sorted(p.name for p in folder.iterdir()) == ["en.html", "hashes.json", "index.html"]
    assert "ended" in (folder / "en.html").read_text()
    assert history(tmp_path, "notice-1")[0]["withdrawn"] == (NOW + dt.timedelta(days=90)).isoformat()
    with pytest.raises(BadInput, match="never published"):
        withdraw(tmp_path, "notice-2", NOW, {"en": "x"})


@pytest.mark.parametrize(
    ("notice", "pages"),
    [
        ("../evil", PAGES),
        ("a/b", PAGES),
        ("", PAGES),
        ("notice-1", {}),
        ("notice-1", {"../en": "x"}),
        ("notice-1", {"en/../../x": "x"}),
        ("notice-1", {"index": "x"}),
        ("notice-1", {"e n": "x"}),
    ],
)
def test_no_name_leads_out_of_the_folder(notice: str, pages: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        publish_page(tmp_path / "pages", notice, pages, 1, NOW)
    assert list(tmp_path.iterdir()) == []


# --- packets --------------------------------------------------------------------------------------------------------


def test_a_packet_is_written_once_and_other_answers_need_a_new_filing(tmp_path: Path) -> None:
    answers = {"people": 836, "what": "数据", "unknown": ["cause"]}
    first = write_packet(tmp_path, "incident-1", "filing-1", b"%PDF-1.7 a", answers)
    again = write_packet(tmp_path, "incident-1", "filing-1", b"%PDF-1.7 b", answers)
    assert (first.again, again.again, first.digest) == (False, True, again.digest)
    assert json.loads((first.folder / "report.json").read_bytes()) == answers
    assert (first.folder / "report.pdf").read_bytes() == b"%PDF-1.7 a"
    assert first.folder == tmp_path / "incident-1" / "filing-1"
    with pytest.raises(Refused, match="filing-1"):
        write_packet(tmp_path, "incident-1", "filing-1", b"%PDF-1.7", {**answers, "people": 837})


@pytest.mark.parametrize(
    ("incident", "filing", "pdf"),
    [("..", "f", b"%PDF-"), ("i", "../f", b"%PDF-"), ("i", "f", b"<html>"), ("i", "", b"%PDF-")],
)
def test_a_packet_with_a_wrong_name_or_no_pdf_is_refused(
    incident: str, filing: str, pdf: bytes, tmp_path: Path
) -> None:
    with pytest.raises(BadInput):
        write_packet(tmp_path, incident, filing, pdf, {})
    assert list(tmp_path.iterdir()) == []
