"""A finished PDF read back: what the printer prints is what the linter reads, and what the manifest says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from models.values import BadInput, Channel, Contacts, Message, Slot, Wording
from templates.letters import Pressed, press_letters
from templates.readback import Row, differences, normal, pdf_text
from templates.sheets import profile_of

TEXT = "Some of your information was involved. Call us about it."
WORDING = Wording(segment="s", channel=Channel.LETTER, language="en", subject="Notice", typst=TEXT)
ARABIC = replace(WORDING, language="ar", typst="تم نسخ بياناتك.", subject="إشعار")
SENDER = {"name": "Example", "country": "DE"}
BOX = profile_of("DE").box


def message(n: int, name: str, *lines: str, wording: str = "w") -> Message:
    slots = {Slot.REFERENCE: f"7K3M-9Q{n:02}", Slot.ADDRESSEE: name, Slot.ADDRESS: "\n".join(lines)}
    return Message(
        f"d{n}", f"n{n}", Channel.LETTER, "en", Contacts(), {k.value: v for k, v in slots.items()}, wording=wording
    )


PEOPLE = [
    message(1, "Alex Example", "1 Example Street", "Sampletown"),
    message(2, "Łukasz Żółć", "Lindenweg 4", "50667 Köln"),
    message(3, "محمد العربي", "شارع الملك فهد 15", "الرياض 12345"),
    message(4, "陈小明", "世纪大道100号", "200120 上海"),
    message(5, "सुनीता शर्मा", "12 गांधी मार्ग", "110001 नई दिल्ली"),
    message(6, "خالد منصور", "طريق المطار 7", "جدة 21577", wording="ar"),
    message(7, "Nguyễn Thị Ánh", "12 Đường Lê Lợi", "Hà Nội"),
]


@pytest.fixture(scope="module")
def pressed() -> Pressed:
    return press_letters({"w": WORDING, "ar": ARABIC}, PEOPLE, sender=SENDER, date=date(2026, 11, 24))


def rows(pressed: Pressed) -> list[Row]:
    return [
        Row(m.slots[Slot.REFERENCE], start, start + pages - 1, lines)
        for m, start, pages, lines in zip(PEOPLE, pressed.starts, pressed.pages, pressed.printed, strict=True)
    ]


def test_a_pressed_letter_reads_back_as_its_words(tmp_path: Path, pressed: Pressed) -> None:
    path = tmp_path / "letter.pdf"
    path.write_bytes(pressed.pdf)
    assert TEXT in " ".join(pdf_text(path).split())


@pytest.mark.parametrize("content", [b"", b"not a PDF", b"%PDF-1.7 cut short"])
def test_what_is_no_pdf_is_refused_with_its_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"broken\.pdf"):
        pdf_text(path)


def test_a_batch_in_seven_scripts_agrees_with_its_manifest(pressed: Pressed) -> None:
    assert differences(pressed.pdf, rows(pressed), BOX) == []


Spoil = Callable[[list[Row]], list[Row]]


def swapped(field: str, one: int, other: int) -> Spoil:
    def spoil(given: list[Row]) -> list[Row]:
        a, b = given[one], given[other]
        given[one], given[other] = replace(a, **{field: getattr(b, field)}), replace(b, **{field: getattr(a, field)})
        return given

    return spoil


WRONG: dict[str, tuple[Spoil, str]] = {
    "two addresses": (swapped("lines", 0, 1), "does not show the address.*7K3M-9Q01"),
    "two references": (swapped("reference", 0, 1), "page 1 does not bear the reference 7K3M-9Q02"),
    "addresses in Arabic": (swapped("lines", 2, 5), "does not show the address.*7K3M-9Q03"),
    "Arabic and Latin": (swapped("lines", 1, 2), "does not show the address.*7K3M-9Q02"),
    "another house number in Arabic": (
        lambda r: [replace(x, lines=tuple(li.replace("15", "51") for li in x.lines)) for x in r],
        "does not show the address.*7K3M-9Q03",
    ),
    "one letter of a name": (
        lambda r: [replace(x, lines=tuple(li.replace("Alex", "Alez") for li in x.lines)) for x in r],
        "7K3M-9Q01",
    ),
    "a letter left out": (lambda r: r[:-1], "page 7 belongs to no letter"),
    "a page too many": (lambda r: [*r, Row("7K3M-9Q99", 8, 8, ("x",))], "pages 8 to 8 are in the manifest"),
}


@pytest.mark.parametrize(("spoil", "said"), WRONG.values(), ids=WRONG)
def test_a_manifest_that_says_something_else_is_noticed(spoil: Spoil, said: str, pressed: Pressed) -> None:
    import re

    found = differences(pressed.pdf, spoil(rows(pressed)), BOX)
    assert any(re.search(said, one) for one in found), found
    assert not any(name in one for one in found for name in ("Alex", "Köln", "محمد", "陈"))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ﻣﺤﻤﺪ", "محمد"),  # presentation forms
        ("\u2067محمد\u2069", "محمد"),  # marks of direction
        ("Zoe\u0308", "Zoë"),  # a letter in two parts
        ("Feather-\nstone", "Featherstone"),
        ("ﬁne １２", "fine12"),
    ],
)
def test_texts_are_compared_in_their_normal_form(written: str, read: str) -> None:
    assert normal(written) == normal(read)
