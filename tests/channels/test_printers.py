"""The print house: a batch is taken once, whatever breaks; and what it says comes back in our words."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from models.values import BadInput, Channel, Contacts, Message, Mode, Outcome, Refused, Slot, Wording
from notifiers.fake.printer import PrintHouse
from notifiers.letter.printers import FolderPrinter, HttpPrinter, PrinterTrouble, PrintState, read_acknowledgements
from notifiers.letter.queue import LetterQueue
from templates.letters import press_letters
from templates.readback import Row, differences
from templates.sheets import profile_of

NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
WORDS = Wording("seg", Channel.LETTER, "en", subject="Notice", typst="Data was copied.", slots=(Slot.REFERENCE,))
SENDER = {"name": "Example Orchard", "address": ["1 Example Street"], "country": "US"}
WORDINGS = {WORDS.digest(): WORDS}


def message(n: int, name: str = "Ann Sample") -> Message:
    lines = (f"{n} Example Street", "Reno, NV 89501", "UNITED STATES")
    slots = {Slot.REFERENCE: f"REF-{n:04}", Slot.ADDRESSEE: f"{name} {n}", Slot.ADDRESS: "\n".join(lines)}
    to = Contacts(address=lines, country="US")
    return Message(f"d{n}", f"n{n}", Channel.LETTER, "en", to, slots, wording=WORDS.digest())


def press(wordings: Any, messages: Sequence[Message]) -> Any:
    return press_letters(wordings, messages, sender=SENDER, date=dt.date(2026, 11, 24))


def read_back(pdf: bytes, entries: Sequence[Any]) -> Sequence[str]:
    rows = [Row(e["reference"], e["page_from"], e["page_to"], tuple(e["printed"])) for e in entries]
    return differences(pdf, rows, profile_of("US").box)


def sealed(folder: Path, many: int = 3) -> tuple[Path, dict[str, Any]]:
    queue = LetterQueue(folder, press, read_back=read_back)
    found = asyncio.run(queue.send_batch([message(n) for n in range(1, many + 1)], WORDINGS, "wave-1"))
    assert {h.outcome for h in found} == {Outcome.ACCEPTED}
    (batch,) = folder.iterdir()
    return batch, queue.manifest(batch.name)


# --- before sealing -------------------------------------------------------------------------------------------------


def test_a_sealed_manifest_says_what_each_window_shows_in_every_form(tmp_path: Path) -> None:
    batch, manifest = sealed(tmp_path)
    lines = [json.loads(line) for line in (batch / "manifest.jsonl").read_text("utf-8").splitlines()]
    assert lines == manifest["entries"]
    assert [e["printed"][-1] for e in lines] == ["RENO, NV 89501"] * 3
    assert [(e["page_from"], e["page_to"]) for e in lines] == [(1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize("swap", ["pages", "addresses", "references"])
def test_a_batch_whose_letters_are_crossed_is_not_sealed_and_burns_nobody(swap: str, tmp_path: Path) -> None:
    """A press that mixes two people up, as a printer's software might: everything stops, and a person looks."""

    def crossed(wordings: Any, messages: Sequence[Message]) -> Any:
        first, second, *rest = messages
        if swap == "pages":
            return press(wordings, [second, first, *rest])
        names = {Slot.ADDRESSEE, Slot.ADDRESS} if swap == "addresses" else {Slot.REFERENCE}
        one = {**first.slots, **{k: second.slots[k] for k in names}}
        other = {**second.slots, **{k: first.slots[k] for k in names}}
        made = press(wordings, [_with(first, one), _with(second, other), *rest])
        true = press(wordings, messages)
        return type(made)(made.pdf, made.pages, made.starts, true.printed, true.barcodes)

    def _with(m: Message, slots: dict[str, str]) -> Message:
        return Message(m.delivery, m.notice, m.channel, m.language, m.to, slots, wording=m.wording)

    def checked(pdf: bytes, entries: Sequence[Any]) -> Sequence[str]:
        return read_back(pdf, entries)

    queue = LetterQueue(tmp_path, crossed, read_back=checked)
    found = asyncio.run(queue.send_batch([message(1), message(2), message(3)], WORDINGS, "wave-1"))
    assert [(h.outcome, h.code, h.host_wide) for h in found] == [(Outcome.BLOCKED, "crossed", True)] * 3
    assert list(tmp_path.iterdir()) == []
    assert all("Ann" not in h.detail and "Street" not in h.detail for h in found)


def test_a_rule_that_forbids_the_press_stops_the_channel_by_its_own_name(tmp_path: Path) -> None:
    def forbidden(wordings: Any, messages: Sequence[Message]) -> Any:
        raise Refused("barcode serials would begin again within 45 days")

    found = asyncio.run(LetterQueue(tmp_path, forbidden).send_batch([message(1)], WORDINGS, "wave-1"))
    assert [(h.outcome, h.code, h.host_wide) for h in found] == [(Outcome.BLOCKED, "refused", True)]
    assert "45 days" in found[0].detail and not list(tmp_path.iterdir())


# --- a folder -------------------------------------------------------------------------------------------------------


def test_a_batch_lies_in_the_print_houses_folder_whole_and_once(tmp_path: Path) -> None:
    batch, manifest = sealed(tmp_path / "letters")
    house = FolderPrinter(tmp_path / "sftp")
    house.folder.mkdir()
    assert house.hand_over(batch, manifest) == house.hand_over(batch, manifest) == batch.name
    assert [p.name for p in house.folder.iterdir()] == [batch.name]
    there = house.folder / batch.name
    assert sorted(p.name for p in there.iterdir()) == ["letters.pdf", "manifest.csv", "manifest.jsonl"]
    assert (there / "letters.pdf").read_bytes() == (batch / "letters.pdf").read_bytes()


def test_a_folder_that_is_gone_is_trouble_and_leaves_nothing_behind(tmp_path: Path) -> None:
    batch, manifest = sealed(tmp_path / "letters")
    with pytest.raises(PrinterTrouble, match=r"\[printer\] folder"):
        FolderPrinter(tmp_path / "gone").hand_over(batch, manifest)
    (tmp_path / "sftp").mkdir()
    (batch / "manifest.jsonl").unlink()
    with pytest.raises(PrinterTrouble):
        FolderPrinter(tmp_path / "sftp").hand_over(batch, manifest)
    assert list((tmp_path / "sftp").iterdir()) == []


def test_what_the_folder_brings_back_is_read_by_the_batchs_name(tmp_path: Path) -> None:
    house = FolderPrinter(tmp_path)
    assert house.acknowledgements("b1") == []
    (tmp_path / "acknowledgements").mkdir()
    text = "reference,state,at,id\nref-0001,Posted,2026-11-25T17:00:00+01:00,7\n"
    (tmp_path / "acknowledgements" / "b1.csv").write_text(text, "utf-8")
    (one,) = house.acknowledgements("b1")
    assert (one.reference, one.state, one.printer_id) == ("REF-0001", PrintState.POSTED, "7")
    assert one.at == dt.datetime(2026, 11, 25, 16, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reference,state\nR,posted\n", "lacks a column"),
        ("reference,state,at\nR,vanished,2026-11-25T17:00:00Z\n", "line 2.*vanished"),
        ("reference,state,at\nR,posted,yesterday\n", "line 2.*no time"),
        ("reference,state,at\nR,posted,2026-11-25T17:00:00\n", "line 2.*no offset"),
        ('reference,state,at\n"R,posted\n', "can't be read"),
    ],
)
def test_a_wrong_line_of_acknowledgements_is_named(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "acks.csv").write_text(text, "utf-8")
    with pytest.raises(BadInput, match=said):
        read_acknowledgements(tmp_path / "acks.csv")


# --- an interface ---------------------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path) -> Iterator[PrintHouse]:
    found = PrintHouse(tmp_path / "printed.jsonl").start()
    yield found
    found.stop()


def test_the_print_house_is_told_references_and_pages_and_no_name(house: PrintHouse, tmp_path: Path) -> None:
    batch, manifest = sealed(tmp_path / "letters")
    printer = HttpPrinter(house.url, house.token, Mode.EXERCISE)
    number = printer.hand_over(batch, manifest)
    job = house.jobs[number]
    assert job.document == (batch / "letters.pdf").read_bytes() and job.status == "received"
    assert [piece["reference"] for piece in job.letters] == ["REF-0001", "REF-0002", "REF-0003"]
    assert "Ann" not in json.dumps([job.letters, house.accepted]) and "Street" not in json.dumps(job.letters)
    assert house.token not in repr(printer)


@pytest.mark.parametrize("refused", [[503], [201, 503], [200, 429]], ids=str)
def test_whatever_breaks_off_the_next_try_ends_with_one_job(
    refused: list[int], house: PrintHouse, tmp_path: Path
) -> None:
    batch, manifest = sealed(tmp_path / "letters")
    printer = HttpPrinter(house.url, house.token, Mode.EXERCISE)
    if refused[0] == 503:
        house.refuse_next = [503]
    else:
        house._create(str(manifest["batch"]), {"document_sha256": manifest["pdf_sha256"], "letters": []})
        house.refuse_next = [refused[1]]
    with pytest.raises(PrinterTrouble, match="TOCSIN_PRINT_URL"):
        printer.hand_over(batch, manifest)
    first = printer.hand_over(batch, manifest)
    assert printer.hand_over(batch, manifest) == first
    assert len(house.jobs) == 1 and len(house.accepted) == 1


def test_states_come_back_by_reference(house: PrintHouse, tmp_path: Path) -> None:
    batch, manifest = sealed(tmp_path / "letters")
    printer = HttpPrinter(house.url, house.token, Mode.EXERCISE)
    number = printer.hand_over(batch, manifest)
    assert {a.state for a in printer.acknowledgements(number)} == {PrintState.ACCEPTED}
    house.move("posted", NOW)
    house.move("returned", NOW, "REF-0002")
    said = {a.reference: (a.state, a.at) for a in printer.acknowledgements(number)}
    assert said["REF-0001"] == (PrintState.POSTED, NOW) and said["REF-0002"] == (PrintState.RETURNED, NOW)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://127.0.0.1:1"])
def test_no_answer_is_trouble_and_not_a_crash(url: str, tmp_path: Path) -> None:
    with pytest.raises(PrinterTrouble, match="no answer"):
        HttpPrinter(url, "t", Mode.EXERCISE).acknowledgements("job-1")


def test_a_wrong_token_is_trouble_and_the_token_is_not_in_it(house: PrintHouse) -> None:
    with pytest.raises(PrinterTrouble, match="401") as caught:
        HttpPrinter(house.url, "not-the-token", Mode.EXERCISE).acknowledgements("job-1")
    assert "not-the-token" not in str(caught.value)


def test_an_exercise_reaches_no_print_house() -> None:
    with pytest.raises(Refused, match="TOCSIN_PRINT_URL"):
        HttpPrinter("https://printer.example.org", "t", Mode.EXERCISE).acknowledgements("job-1")
