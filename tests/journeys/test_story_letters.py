"""Letters from the seal to the post: handed over once, followed, returned; barcodes that nobody else has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.cli.advice import next_steps
from console.cli.status import both_sums
from flows.steps import approvals, letters
from models.values import BadInput, HoldScope, NeedsPerson, Refused
from notifiers.fake.printer import PrintHouse


@pytest.fixture
def house(office: Any, tmp_path: Path) -> Iterator[PrintHouse]:
    found = PrintHouse(tmp_path / "printed.jsonl").start()
    office.desk.settings = replace(office.desk.settings, print_url=found.url, print_token=found.token)
    yield found
    found.stop()


def posted(office: Any, people: int = 3) -> list[str]:
    """People without an email who got letters; their references."""
    office.declare(office.HIPAA)
    office.scope([office.person(n, consent="") for n in range(1, people + 1)])
    office.launch()
    return [row["reference"] for row in office.rows("notice")]


def test_sealed_letters_are_handed_over_once_and_the_record_says_for_which_day(office: Any, house: PrintHouse) -> None:
    posted(office)
    first = letters.hand_over(office.desk, office.slug)
    again = letters.hand_over(office.desk, office.slug)
    assert (first.batches, first.letters, again.batches, again.before) == (1, 3, 0, 1)
    (job,) = house.jobs.values()
    (batch,) = office.rows("letter_batch")
    assert (batch["printer_id"], job.key) == (job.id, batch["id"]) and batch["handed_at"] == office.desk.now()
    (event,) = office.events("letters_handed_over")
    assert event["body"] == {"printer_id": job.id, "print_day": first.print_day}
    assert office.verifies()


def test_status_says_how_far_letters_are_and_that_sealed_is_not_handed_over(
    office: Any, house: PrintHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    posted(office)
    seen = [office.status()["letters"]]
    both_sums(office.status())
    assert "3 letters are sealed, not yet handed over" in capsys.readouterr().out
    assert "tocsin letters hand-over clinic" in [step.command for step in next_steps(office.status())]
    letters.hand_over(office.desk, office.slug)
    seen.append(office.status()["letters"])
    house.move("posted", office.desk.now())
    letters.acknowledge(office.desk, office.slug)
    seen.append(office.status()["letters"])
    both_sums(office.status())
    assert "letters: 3 sealed, 3 handed over, 3 printed, 3 posted\n" in capsys.readouterr().out
    assert [(s["waiting"], s["handed_over"], s["posted"]) for s in seen] == [(3, 0, 0), (0, 3, 0), (0, 3, 3)]


def test_a_print_house_that_is_down_loses_nothing(office: Any, house: PrintHouse) -> None:
    posted(office)
    house.refuse_next = [503]
    with pytest.raises(letters.PrinterTrouble, match="503"):
        letters.hand_over(office.desk, office.slug)
    assert office.rows("letter_batch")[0]["handed_at"] is None
    assert letters.hand_over(office.desk, office.slug).letters == 3 and len(house.jobs) == 1


def test_what_the_print_house_says_moves_only_forward_and_a_return_opens_the_next_way(
    office: Any, house: PrintHouse
) -> None:
    references = posted(office)
    letters.hand_over(office.desk, office.slug)
    now = office.desk.now()
    seen = []
    for state in ("accepted", "posted", "printed"):
        house.move(state, now)
        letters.acknowledge(office.desk, office.slug)
        seen.append(office.rows("letter_batch")[0]["print_state"])
    assert seen == ["accepted", "posted", "posted"]
    assert office.people() == {"told": 3}
    office.pass_time(days=9)
    house.move("returned", office.desk.now(), references[1])
    done = letters.acknowledge(office.desk, office.slug)
    assert done.letters == {"printed": 2, "returned": 1} and office.people() == {"told": 2, "unreached": 1}
    assert letters.acknowledge(office.desk, office.slug).settled.repeats == 1
    assert [e["kind"] for e in office.events("letters_posted")] == ["letters_posted"]


def test_a_file_of_acknowledgements_does_the_same_and_names_what_is_nobodys(office: Any) -> None:
    references = posted(office)
    path = office.folder / "acks.csv"
    at = office.desk.now().isoformat()
    lines = [f"{r.lower()},posted,{at}" for r in references] + [f"NOBODYS-1,posted,{at}"]
    path.write_text("reference,state,at\n" + "\n".join(lines), "utf-8")
    done = letters.acknowledge(office.desk, office.slug, path)
    assert (done.letters, done.unknown, done.known) == ({"posted": 3}, ["NOBODYS-1"], 0)
    assert office.rows("letter_batch")[0]["print_state"] == "posted"
    again = letters.acknowledge(office.desk, office.slug, path)
    assert (again.known, again.backwards) == (3, 0)
    path.write_text("reference;state;at\n" + "\n".join(f"{r};printed;{at}" for r in references), "utf-8")
    less = letters.acknowledge(office.desk, office.slug, path)
    assert (less.known, less.backwards) == (0, 3), "a semicolon separates too"
    assert office.rows("letter_batch")[0]["print_state"] == "posted"


@pytest.mark.parametrize(
    ("minutes", "sentence"), [(61, "3 lie ahead of now"), (-1, "3 lie before their letters were sealed")]
)
def test_times_that_cannot_be_true_are_refused_and_nothing_is_taken_in(
    office: Any, minutes: int, sentence: str
) -> None:
    references = posted(office)
    path, at = office.folder / "acks.csv", (office.desk.now() + timedelta(minutes=minutes)).isoformat()
    office.pass_time(hours=1)
    path.write_text("reference,state,at\n" + "\n".join(f"{r},posted,{at}" for r in references), "utf-8")
    office.refuses(BadInput, sentence, letters.acknowledge, office.desk, office.slug, path)
    assert office.rows("letter_batch")[0]["print_state"] == ""


def test_a_print_house_that_was_given_nothing_is_not_asked(office: Any, house: PrintHouse) -> None:
    posted(office)
    office.refuses(NeedsPerson, "give its file", letters.acknowledge, office.desk, office.slug)


def test_without_a_print_house_a_person_carries_the_folders(office: Any) -> None:
    posted(office)
    with pytest.raises(NeedsPerson, match="no print house is set"):
        letters.hand_over(office.desk, office.slug)


def test_an_exercise_puts_letters_in_no_folder_outside_its_home(office: Any) -> None:
    posted(office)
    for folder, allowed in ((office.folder / "sftp", False), (office.desk.settings.home / "sftp", True)):
        office.profile("[sender]", f'[printer]\nfolder = "{folder}"\n[sender]') if not allowed else office.profile(
            str(office.folder / "sftp"), str(folder)
        )
        if allowed:
            assert letters.hand_over(office.desk, office.slug).letters == 3
        else:
            with pytest.raises(Refused, match="exercise"):
                letters.hand_over(office.desk, office.slug)
        assert folder.is_dir() is allowed, "a folder inside is made"


def test_held_letters_are_not_handed_over(office: Any, house: PrintHouse) -> None:
    posted(office)
    approvals.hold(office.desk, office.slug, HoldScope.CHANNEL, "letter", "a mistake in the words", "responder")
    with pytest.raises(Refused, match="a mistake in the words"):
        letters.hand_over(office.desk, office.slug)
    assert house.jobs == {}


def test_no_two_letters_get_the_same_barcode_within_45_days(office: Any) -> None:
    assert [letters.reserve_serials(office.desk, "123456789", 400_000) for _ in range(2)] == [0, 400_000]
    with pytest.raises(Refused, match="45 days"):
        letters.reserve_serials(office.desk, "123456789", 400_000)
    office.pass_time(days=45)
    assert letters.reserve_serials(office.desk, "123456789", 400_000) == 0
    assert letters.reserve_serials(office.desk, "123456", 400_000) == 0
    with pytest.raises(BadInput, match="mailer_id"):
        letters.reserve_serials(office.desk, "12345", 1)


def test_letters_of_a_mailer_bear_barcodes_in_their_manifest(office: Any) -> None:
    office.profile("[sender]", '[sender]\nmailer_id = "123456"\nservice_type = "300"')
    posted(office)
    (manifest,) = (office.desk.settings.home / "letters").rglob("manifest.csv")
    text = manifest.read_text("utf-8-sig")
    assert all(f"00300123456{n:09d}" in text for n in range(3))
