"""Letters for window envelopes: where the address stands, measured in the PDF, on every sheet that we know."""

from __future__ import annotations

import ctypes
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from pdfua import validate
from pypdf import PdfReader
from pypdfium2 import raw

from models.values import BadInput, Channel, Contacts, Message, Slot, Wording
from templates import letters
from templates.codes import bars
from templates.letters import Pressed, press_letters
from templates.press import unprintable
from templates.readback import Row, differences, page_texts
from templates.sheets import PROFILES, Envelope, Profile, Rect, in_sight, profile_of, resting

DAY = date(2026, 3, 10)
NAUGHTY = Path(__file__).parents[3] / "shared/corpora/text/naughty_strings.json"
POINT = 25.4 / 72
TEXT = '#s.at("salutation")\n\n== What happened\nData was copied.\n\nYour reference is #s.at("reference").\n'
WORDS = Wording("seg", Channel.LETTER, "en", subject="Notice", typst=TEXT, slots=(Slot.SALUTATION, Slot.REFERENCE))
COUNTRY = {"us-10": "US", "c5-fr": "FR", "c5-uk": "GB", "c5": "CH"}
SENDER = {"name": "Example Orchard", "address": ["1 Example Street", "Sampletown"], "country": "US"}


def sender(profile: str, **more: Any) -> dict[str, Any]:
    return SENDER | {"country": COUNTRY.get(profile, "DE"), "envelope": profile} | more


def message(name: str, *lines: str, country: str = "", n: int = 1, **more: Any) -> Message:
    slots = {
        Slot.SALUTATION: "Hello,",
        Slot.REFERENCE: f"NF-{n:05d}",
        Slot.ADDRESSEE: name,
        Slot.ADDRESS: "\n".join(lines),
    }
    to = Contacts(address=lines, country=country, **more)
    return Message(f"d{n}", f"n{n}", Channel.LETTER, "en", to, slots, wording=WORDS.digest())


def press(*messages: Message, **about: Any) -> Pressed:
    more = {k: about.pop(k) for k in ("first_serial", "large_print", "watermark") if k in about}
    return press_letters({WORDS.digest(): WORDS}, messages, sender=about or sender("us-10"), date=DAY, **more)


def place(pdf: bytes, first: str, last: str) -> Rect:
    """The rectangle round all characters from `first` to the end of `last` on page 1, in mm from the top left."""
    page = pypdfium2.PdfDocument(pdf)[0]
    text, height = page.get_textpage(), page.get_height()
    whole = text.get_text_range()
    start = whole.index(first)
    end = whole.index(last, start) + len(last)
    sides = [ctypes.c_double() for _ in range(4)]
    boxes = []
    for at in range(start, end):
        if whole[at].isspace():
            continue
        raw.FPDFText_GetCharBox(text, at, *map(ctypes.byref, sides))
        left, right, bottom, top = (side.value for side in sides)
        boxes.append((left, height - top, right, height - bottom))
    edges = zip(*boxes, strict=True)
    left, top, right, bottom = (pick(edge) * POINT for pick, edge in zip((min, min, max, max), edges, strict=True))
    return Rect(left, top, right, bottom)


# --- the window -----------------------------------------------------------------------------------------------------

FITS = [(profile, envelope) for profile in PROFILES.values() for envelope in profile.envelopes]
NAMES = [f"{profile.name} in {envelope.name}" for profile, envelope in FITS]
ADDRESSES = {
    "three lines": ("Mara Feldmann", "Lindenweg 4", "50667 Köln"),
    "four lines": ("Alexandra Sample", "742 Evergreen Terrace", "Apartment 12", "Springfield, IL 62704"),
    "six lines": ("Mara Feldmann", "c/o Sample", "Building 5", "Entrance C", "Lindenweg 4", "50667 Köln"),
    "a long name": ("Maria Theresia von und zu Hohenstein Wallersdorf Langenfeld", "Lindenweg 4", "50667 Köln"),
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
@pytest.mark.parametrize(("profile", "envelope"), FITS, ids=NAMES)
def test_the_whole_address_shows_clear_of_the_windows_edges(
    profile: Profile, envelope: Envelope, address: tuple[str, ...]
) -> None:
    made = press(message(*address), **sender(profile.name))
    lines = made.printed[0]
    at = place(made.pdf, lines[0].split()[0], lines[-1])
    assert resting(profile, envelope).shrunk(profile.clear).holds(at, slack=0.9), "0.9 mm is a descender's depth"
    assert in_sight(profile, envelope).holds(at)


ROOMY = [(p, e) for p, e in FITS if p.name not in ("us-10", "c5-uk")]


@pytest.mark.parametrize(("profile", "envelope"), ROOMY, ids=[f"{p.name} in {e.name}" for p, e in ROOMY])
def test_the_address_stays_in_sight_even_when_the_letter_is_shaken_up(profile: Profile, envelope: Envelope) -> None:
    assert in_sight(profile, envelope, lifted=True).holds(profile.box)


@pytest.mark.parametrize(("profile", "envelope"), FITS, ids=NAMES)
def test_the_place_of_the_address_is_within_the_window_by_arithmetic_too(profile: Profile, envelope: Envelope) -> None:
    assert profile.clear >= (3.17 if profile.name == "us-10" else 5.0)
    assert resting(profile, envelope).shrunk(profile.clear).holds(profile.box)
    assert profile.package <= envelope.height and profile.width <= envelope.width
    assert profile.body > profile.box.bottom


def test_the_resting_window_of_din_5008_is_its_address_field() -> None:
    seen = {name: resting(PROFILES[name], PROFILES[name].envelopes[0]) for name in ("din-5008-a", "din-5008-b")}
    assert (seen["din-5008-b"].top, seen["din-5008-b"].bottom) == (45.0, 90.0)
    assert (seen["din-5008-a"].top, seen["din-5008-a"].bottom) == (27.0, 72.0)


@pytest.mark.parametrize(
    ("country", "name"),
    [
        ("DE", "din-5008-b"),
        ("US", "us-10"),
        ("CA", "us-10"),
        ("FR", "c5-fr"),
        ("GB", "c5-uk"),
        ("CH", "c5"),
        ("", "din-5008-b"),
    ],
)
def test_the_senders_country_chooses_the_sheet(country: str, name: str) -> None:
    assert profile_of(country).name == name
    assert profile_of(country, "din-5008-a").name == "din-5008-a"


def test_an_unknown_envelope_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(BadInput, match=r"\[sender\] envelope.*us-10"):
        profile_of("US", "legal")


def test_the_senders_line_stands_above_the_address_and_not_in_it() -> None:
    made = press(message("Mara Feldmann", "Lindenweg 4", "50667 Köln"), **sender("din-5008-b"))
    back = place(made.pdf, "Example Orchard ·", "·")
    at = place(made.pdf, "Mara", "Köln")
    assert back.bottom < at.top - 1 and back.top >= 45


def test_lines_are_joined_only_where_the_window_holds_no_more() -> None:
    lines = ("c/o Sample", "Building 5", "Entrance C", "742 Evergreen Terrace", "Springfield, IL 62704")
    (plain,) = press(message("Ann", *lines, country="US")).printed
    assert plain == ("Ann", *lines[:-1], "SPRINGFIELD, IL 62704")
    about = sender("us-10", mailer_id="123456", service_type="300")
    (beside,) = press(message("Ann", *lines, country="US"), **about).printed
    assert beside == ("Ann", "c/o Sample, Building 5, Entrance C", "742 Evergreen Terrace", "SPRINGFIELD, IL 62704")
    (abroad,) = press(message("Ann", *lines, country="US"), **sender("din-5008-b")).printed
    assert len(abroad) == 6 and abroad[-1] == "VEREINIGTE STAATEN"


# --- barcode --------------------------------------------------------------------------------------------------------

HOME = ("742 Evergreen Terrace", "Springfield, IL 62704-1234", "UNITED STATES")


def test_a_letter_within_the_united_states_bears_a_barcode_of_its_own() -> None:
    many = [message("Ann", *HOME, country="US", n=n) for n in range(3)]
    made = press(*many, **sender("us-10", mailer_id="123456", service_type="300"), first_serial=999_999_998)
    assert made.barcodes == ("00300123456999999998", "00300123456999999999", "00300123456000000000")


@pytest.mark.parametrize(
    ("more", "country"),
    [
        ({}, "US"),
        ({"mailer_id": "123456", "service_type": "300"}, "CA"),
        ({"mailer_id": "123456", "country": "CA"}, "US"),
    ],
    ids=["no mailer id", "a letter abroad", "a sender abroad"],
)
def test_other_letters_bear_none(more: dict[str, Any], country: str) -> None:
    assert press(message("Ann", *HOME, country=country), **(sender("us-10") | more)).barcodes == ("",)


def test_a_long_address_takes_the_barcodes_room_and_loses_no_line() -> None:
    name = "The parent or guardian of Maximilian Featherstonehaugh of Cholmondeley"
    lines = ("c/o Sample Family", "Building 5", *HOME)
    made = press(message(name, *lines, country="US"), **sender("us-10", mailer_id="123456", service_type="300"))
    assert made.barcodes == ("",)
    (shown,) = made.printed
    assert name in shown and "SPRINGFIELD, IL 62704-1234" in shown


def test_the_barcode_is_printed_in_the_size_that_the_post_reads() -> None:
    about = sender("us-10", mailer_id="123456", service_type="300")
    page = pypdfium2.PdfDocument(press(message("Ann", *HOME, country="US"), **about).pdf)[0]
    box, dots = PROFILES["us-10"].box, 600 / 25.4
    corner = (box.left - 1, box.top - 0.3, box.left + 76, box.top + 3.9)
    area = page.render(scale=600 / 72, grayscale=True).to_pil().crop([round(mm * dots) for mm in corner])
    wide, high = area.size
    dark = area.point(lambda shade: 255 if shade < 128 else 0)
    columns = [dark.crop((n, 0, n + 1, high)).getbbox() is not None for n in range(wide)]
    starts = [n for n in range(1, wide) if columns[n] and not columns[n - 1]]
    _, top, _, bottom = dark.getbbox()
    assert len(starts) == 65
    assert 20 <= 64 * 600 / (starts[-1] - starts[0]) <= 24, "bars to the inch"
    assert 0.125 <= (bottom - top) / 600 <= 0.165, "inches from top to bottom"
    assert 0.015 <= sum(columns) / 65 / 600 <= 0.025, "inches of one bar"
    ends = [dark.crop((n + 4, 0, n + 5, high)).getbbox() for n in starts]
    read = "".join(_shape(bar[1] <= top + 3, bar[3] >= bottom - 3) for bar in ends)
    assert read == bars("00300123456000000000", "627041234"), "the picture reads as what was meant"


def _shape(ascends: bool, descends: bool) -> str:
    return {(True, True): "F", (True, False): "A", (False, True): "D", (False, False): "T"}[ascends, descends]


# --- code, large print, standards -----------------------------------------------------------------------------------


def figures(pdf: bytes) -> list[str]:
    """The alternative texts of the figures in the structure tree."""
    found: list[str] = []

    def walk(node: Any) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for kid in node:
                walk(kid)
        elif isinstance(node, dict) and "/S" in node:
            if node["/S"] == "/Figure":
                found.append(str(node.get("/Alt", "")))
            walk(node.get("/K", []))

    walk(PdfReader(io.BytesIO(pdf)).trailer["/Root"]["/StructTreeRoot"]["/K"])
    return found


def test_the_code_that_proves_a_letter_stands_in_it_as_picture_and_as_words() -> None:
    one = message("Ann", *HOME, country="US")
    one = replace(one, slots={**one.slots, Slot.VERIFICATION_CODE: "ABCD-2345"})
    made = press(one, **sender("us-10", verify="https://orchard.example.org/letter/{code}"))
    said = " ".join(page_texts(made.pdf)[0].split())
    assert "https://orchard.example.org/letter with the code ABCD-2345" in said
    assert figures(made.pdf) == ["https://orchard.example.org/letter/ABCD-2345"]
    assert figures(press(one, **sender("us-10")).pdf) == [], "without a page of the sender there is no code"


def sizes(pdf: bytes) -> set[float]:
    page = pypdfium2.PdfDocument(pdf)[0]
    text = page.get_textpage()
    return {round(raw.FPDFText_GetFontSize(text, at), 1) for at in range(text.count_chars())}


def test_large_print_is_one_persons_choice_or_all_of_a_wave() -> None:
    plain, asked = message("Ann", *HOME, country="US"), message("Bo", *HOME, country="US", n=2, large_print=True)
    made = press(plain, asked)
    assert 18.0 not in sizes(press(plain).pdf) and 18.0 in sizes(press(asked).pdf)
    assert 18.0 in sizes(press(plain, large_print=True).pdf)
    assert page_texts(made.pdf)[0].count("NF-00001") == 3
    assert min(sizes(press(asked).pdf) - {1.0}) == 10.0, (
        "1.0 is that of line ends; the address keeps its size: it must fit the window"
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_the_pdf_says_that_it_is_accessible_and_lasting_and_passes_what_can_be_checked(
    profile: str, tmp_path: Path
) -> None:
    about = sender(profile, mailer_id="123456", service_type="300", verify="https://orchard.example.org/{code}")
    one = message("Ann", *HOME, country="US")
    one = replace(one, slots={**one.slots, Slot.VERIFICATION_CODE: "ABCD-2345"})
    path = tmp_path / "letters.pdf"
    path.write_bytes(press(one, message("Bo", *HOME, country="US", n=2, large_print=True), **about).pdf)
    about_it = PdfReader(path).trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert "pdfuaid:part" in about_it and "<pdfaid:part>2</pdfaid:part>" in about_it
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in about_it
    assert [f"{f.rule_id}: {f.message}" for f in validate(str(path)).findings] == []


# --- pages ----------------------------------------------------------------------------------------------------------


def test_letters_that_turn_out_longer_than_guessed_are_numbered_right() -> None:
    letters._guesses.clear()
    long = replace(WORDS, typst=TEXT + "Watch your account. " * 300)
    both = {WORDS.digest(): WORDS, long.digest(): long}
    many = [message("Ann", *HOME, country="US", n=n) for n in range(6)]
    many = [replace(m, wording=long.digest()) if n % 2 else m for n, m in enumerate(many)]
    made = press_letters(both, many, sender=sender("us-10"), date=DAY)
    assert (made.pages, made.starts) == ((1, 2, 1, 2, 1, 2), (1, 2, 4, 5, 7, 8))
    shown = [page.split("Page ")[-1][:6] for page in page_texts(made.pdf)]
    assert shown == ["1 of 1", "1 of 2", "2 of 2"] * 3
    assert len(set(letters._guesses.values())) == 2, "the next batch is guessed right at once"


def test_a_letter_that_just_fills_its_page_has_one_footer_and_settles() -> None:
    """Line by line over the edge: nothing of the first page is pushed on to a second by the footer alone."""
    by_length = {n: replace(WORDS, typst=TEXT + "\n\n".join(["One line."] * n)) for n in range(6, 30)}
    many = [replace(message("Ann", *HOME, country="US", n=n), wording=w.digest()) for n, w in by_length.items()]
    made = press_letters({w.digest(): w for w in by_length.values()}, many, sender=sender("us-10"), date=DAY)
    assert list(made.pages) == sorted(made.pages) and set(made.pages) == {1, 2}
    pages = page_texts(made.pdf)
    for n, (start, count) in enumerate(zip(made.starts, made.pages, strict=True), 6):
        own = pages[start - 1 : start - 1 + count]
        assert [page.count("Page ") for page in own] == [1] * count
        assert sum(page.count("One line.") for page in own) == n


def test_the_empty_backs_of_leaves_bear_nothing() -> None:
    many = [message("Ann", *HOME, country="US", n=n) for n in range(3)]
    made = press(*many, **sender("us-10", duplex=True))
    assert made.starts == (1, 3, 5)
    assert [bool(page.strip()) for page in page_texts(made.pdf)] == [True, False, True, False, True]


# --- bad input ------------------------------------------------------------------------------------------------------


def naughty() -> list[str]:
    return json.loads(NAUGHTY.read_text("utf-8"))


@pytest.mark.skipif(not NAUGHTY.exists(), reason="the shared corpora are not beside this checkout")
def test_every_naughty_string_as_a_name_is_printed_as_it_is_or_refused_by_its_code_point() -> None:
    """One press for all that can be printed: whatever one string does, the letters beside it stay what they are."""
    missing = unprintable(naughty())
    good: list[Message] = []
    refused: dict[str, str] = {}
    for n, text in enumerate(naughty()):
        one = message(text, "742 Evergreen Terrace", text or "x", "Springfield, IL 62704", country="US", n=n)
        try:
            letters._envelope(one, WORDS, letters._Job(sender("us-10"), DAY, PROFILES["us-10"], False, 0))
            if missing & set(text):
                press(one)
            good.append(one)
        except BadInput as error:
            refused[text] = str(error)
    assert len(good) + len(refused) == len(naughty()) == 515
    assert all("U+" in why or "is missing" in why or "does not fit" in why for why in refused.values())
    assert all(text not in why for text, why in refused.items() if len(text) > 3)
    printed, long = split_by_fit(good)
    rows = [
        Row(m.slots[Slot.REFERENCE], start, start, shown)
        for m, start, shown in zip(printed[0], printed[1].starts, printed[1].printed, strict=True)
    ]
    assert differences(printed[1].pdf, rows, PROFILES["us-10"].box) == []
    assert len(rows) > 300 and len(long) < 60


def split_by_fit(messages: list[Message]) -> tuple[tuple[list[Message], Pressed], list[Message]]:
    """Those whose address fits, pressed together, and those whose does not."""
    left, long = list(messages), []
    for _ in range(40):
        try:
            return (left, press(*left)), long
        except BadInput as error:
            assert "does not fit" in str(error), error
            lost = {r for r in str(error).replace(",", " ").replace(":", " ").split() if r.startswith("NF-")}
            long += [m for m in left if m.slots[Slot.REFERENCE] in lost]
            left = [m for m in left if m.slots[Slot.REFERENCE] not in lost]
    raise AssertionError("the letters that do not fit are not named")
