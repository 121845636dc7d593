"""A finished PDF read back: what the printer prints is what the linter reads."""

from __future__ import annotations

from datetime import date

import pytest

from models.values import BadInput, Channel, Contacts, Message, Slot, Wording
from templates.press import press_letters
from templates.readback import pdf_text

TEXT = "Some of your information was involved. Call us about it."
WORDING = Wording(segment="s", channel=Channel.LETTER, language="en", subject="Notice", typst=TEXT)


def test_a_pressed_letter_reads_back_as_its_words(tmp_path):
    slots = {Slot.REFERENCE: "R1", Slot.ADDRESSEE: "Alex Example", Slot.ADDRESS: "1 Example Street\nSampletown"}
    message = Message("d", "n", Channel.LETTER, "en", Contacts(), {k.value: v for k, v in slots.items()}, wording="w")
    pressed = press_letters({"w": WORDING}, [message], sender={"name": "Example"}, date=date(2026, 11, 24))
    path = tmp_path / "letter.pdf"
    path.write_bytes(pressed.pdf)
    assert TEXT in " ".join(pdf_text(path).split())


@pytest.mark.parametrize("content", [b"", b"not a PDF", b"%PDF-1.7 cut short"])
def test_what_is_no_pdf_is_refused_with_its_name(content, tmp_path):
    path = tmp_path / "broken.pdf"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"broken\.pdf"):
        pdf_text(path)
