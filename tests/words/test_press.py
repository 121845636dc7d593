"""Letters and reports as PDF: the pages of each, what is printed as it is, and what stops the press."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date

import pytest
from pypdf import PdfReader

from models.facts import parse_facts
from models.values import BadInput, Channel, Contacts, Element, Message, Mode, Role, SegmentSpec, Slot, Wording
from templates.letters import Pressed, press_letters, sender_of
from templates.press import Report, Section, Table, press_document, unprintable
from templates.render import render, sheet

DAY = date(2026, 3, 10)
PROFILE = {
    "organisation": {
        "name": "Northfield Outfitters GmbH",
        "postal_address": ["Hafenstraße 12", "20457 Hamburg", "Germany"],
        "country": "DE",
    },
    "contact": {"phone": "+49 40 555 0100", "email": "privacy@northfield.example.org"},
}
SENDER = sender_of(PROFILE)
SLOTS = (Slot.SALUTATION, Slot.REFERENCE)
ENGLISH = '#s.at("salutation")\n\n== What happened\nData was copied. *Keep* this letter.\n\n'
CHINESE = '#s.at("salutation")\n\n== 事件的基本情况\n有人未经授权复制了“订单系统”中的数据。\n\n'
TAIL = 'Give us the reference #s.at("reference") when you call.'


def wording(language: str = "en", typst: str = ENGLISH + TAIL, subject: str = "Notice of Data Breach") -> Wording:
    return Wording(f"seg-{language}", Channel.LETTER, language, subject=subject, typst=typst, slots=SLOTS)


def message(
    n: int, of: Wording, name: str = "Mara Feldmann", lines: tuple[str, ...] = ("Lindenweg 4", "50667 Köln")
) -> Message:
    slots = {
        Slot.SALUTATION: f"Hello {name},",
        Slot.REFERENCE: f"NF-{n:05d}",
        Slot.ADDRESSEE: name,
        Slot.ADDRESS: "\n".join(lines),
    }
    return Message(f"d{n}", f"n{n}", Channel.LETTER, of.language, Contacts(address=lines), slots, wording=of.digest())


def press(*messages: Message, of: Wording, **more: object) -> Pressed:
    return press_letters({of.digest(): of}, messages, sender=SENDER, date=DAY, **more)  # type: ignore[arg-type]


def texts(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


# --- pages ----------------------------------------------------------------------------------------------------------

PEOPLE = (
    ("en", "Mara Feldmann", ("Lindenweg 4", "50667 Köln", "GERMANY")),
    ("zh-Hans", "陈小明", ("上海市浦东新区世纪大道100号", "200120 上海", "中国")),
    ("en", "محمد العربي", ("شارع الملك فهد 15", "الرياض 12345", "SAUDI ARABIA")),
    ("en", "सुनीता शर्मा", ("12 गांधी मार्ग", "110001 नई दिल्ली", "INDIA")),
)


def mixed_letters(count: int) -> tuple[dict[str, Wording], list[Message]]:
    """Short and long letters in turn: of one, two, three pages."""
    base = {"en": ENGLISH, "zh-Hans": CHINESE}
    made = {
        (language, long): wording(language, body + "Watch your account. " * 200 * long + "\n\n" + TAIL)
        for language, body in base.items()
        for long in range(3)
    }
    messages = []
    for n in range(count):
        language, name, lines = PEOPLE[n % len(PEOPLE)]
        messages.append(message(n, made[language, n % 3], name, lines))
    return {w.digest(): w for w in made.values()}, messages


@pytest.mark.parametrize("duplex", [False, True])
def test_sixty_letters_in_four_scripts_keep_their_pages_apart(duplex: bool) -> None:
    wordings, messages = mixed_letters(60)
    pressed = press_letters(wordings, messages, sender=SENDER | {"duplex": duplex}, date=DAY)
    pages = texts(pressed.pdf)
    assert set(pressed.pages) >= {1, 2, 3}
    for n, (start, count) in enumerate(zip(pressed.starts, pressed.pages, strict=True)):
        for page in pages[start - 1 : start - 1 + count]:
            assert set(re.findall(r"NF-\d{5}", page)) == {f"NF-{n:05d}"}
    own = {p for s, c in zip(pressed.starts, pressed.pages, strict=True) for p in range(s, s + c)}
    between = [pages[p - 1] for p in range(1, len(pages) + 1) if p not in own]
    assert "".join(between).strip() == "" and bool(between) == duplex
    assert not duplex or all(start % 2 == 1 for start in pressed.starts)


def test_each_letter_counts_its_own_pages() -> None:
    long = wording(typst=ENGLISH + "Watch your account. " * 300 + TAIL)
    pages = texts(press(message(1, long), message(2, long), of=long).pdf)
    assert [re.findall(r"Page (\d) of (\d)", page) for page in pages] == [[("1", "2")], [("2", "2")]] * 2


def test_a_page_break_in_a_wording_only_makes_the_letter_longer() -> None:
    broken = wording(typst=ENGLISH + "#pagebreak()\n" + TAIL)
    assert press(message(1, broken), message(2, broken), of=broken).pages == (2, 2)


SAMPLES = {
    "ar": "أهلاً بكم",
    "hi": "नमस्ते",
    "zh-Hant": "個人資料外洩通知",
    "ja": "お知らせ",
    "ko": "알림",
    "de": "Maßnahmen",
    "vi": "Thông báo",
}


@pytest.mark.parametrize("language", SAMPLES)
def test_a_letter_in_any_of_these_languages_is_set_and_shows_its_address(language: str) -> None:
    body = wording(language, f'#s.at("salutation")\n\n== {SAMPLES[language]}\n{SAMPLES[language]}\n\n{TAIL}')
    pdf = press(message(1, body), of=body).pdf
    left, top, right, bottom = IN_SIGHT["DE"]
    spots = [(x, y) for text, x, y, _ in pieces(pdf) if text.strip() == "50667 Köln"]
    assert len(spots) == 1 and all(left <= x <= right and top <= y <= bottom for x, y in spots)


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_the_letters_of_our_templates_can_be_printed(language: str) -> None:
    told = (Element.WHAT_HAPPENED, Element.DATA_INVOLVED, Element.MEASURES, Element.CONTACT)
    spec = SegmentSpec("seg", language, Role.SELF, elements=told, blocks=("health",), exposed=("name", "diagnosis"))
    story = {"what_happened": "On 3 March [a #copy] was *made* of data.", "measures_taken": "Closed @once $ at once."}
    facts = parse_facts({"id": "x", "title": "x", "narrative": story | {"contact": "Call us."}}, "incident.toml")
    made = render(spec, Channel.LETTER, sheet(facts, PROFILE, notice_date=DAY), mode=Mode.LIVE)
    slots = {slot: f"<{slot}>" for slot in made.slots} | message(1, made).slots
    page = texts(press(replace(message(1, made), slots=slots), of=made).pdf)[0].replace("\n", " ")
    assert story["what_happened"] in page and made.subject in page


# --- a person's text is data ----------------------------------------------------------------------------------------

LITERAL = (
    '#panic("x")',
    "*b* _i_ `code`",
    "$x^2$",
    "back\\slash",
    "@ref <label>",
    "] ), [",
    "= Heading",
    "// comment",
    "#s.at(0)",
)


@pytest.mark.parametrize("text", LITERAL)
def test_what_stands_in_a_slot_is_printed_and_never_read(text: str) -> None:
    body = wording(typst='#s.at("salutation")\n\nCode: #s.at("code")', subject="Notice")
    one = message(1, body)
    pdf = press(replace(one, slots={**one.slots, Slot.CODE: text}), of=body).pdf
    assert f"Code: {text}" in texts(pdf)[0].replace("\n", " ")


def test_names_of_right_to_left_script_stand_in_the_address_as_they_are_written() -> None:
    body = wording()
    page = texts(press(message(1, body, "محمد", ("شارع 15", "SAUDI ARABIA")), of=body).pdf)[0]
    assert "SAUDI ARABIA" in page and any("\u0600" <= c <= "\ufeff" and c.isalpha() for c in page)


# --- what stops the press -------------------------------------------------------------------------------------------


def refused(*messages: Message, of: Wording) -> str:
    with pytest.raises(BadInput) as caught:
        press(*messages, of=of)
    return str(caught.value)


@pytest.mark.parametrize(("char", "code"), [("😀", "U+1F600"), ("Ꭰ", "U+13A0"), ("ꦲ", "U+A9B2"), ("\ue000", "U+E000")])
def test_a_character_that_no_font_has_names_its_code_point_and_the_letter(char: str, code: str) -> None:
    body = wording()
    said = refused(message(1, body), message(2, body, f"Mara {char} Feldmann"), of=body)
    assert code in said and "NF-00002" in said
    assert "Mara" not in said and char not in said


def test_every_letter_that_cannot_be_printed_is_named_at_once() -> None:
    body = wording()
    names = ("Mara", "Ma😀ra", "Jo", "J😀o", "Ꭰ")
    said = refused(*(message(n, body, name) for n, name in enumerate(names)), of=body)
    assert "NF-00001, NF-00003, NF-00004" in said and "U+13A0, U+1F600" in said


def test_names_can_be_tried_before_their_letters_are_wanted() -> None:
    assert unprintable(["Łukasz Żółć", "陈小明", "𠮷野", "محمد", "सुनीता", "Nguyễn Thị Ánh"]) == frozenset()
    assert unprintable(["a😀b", "Ꭰ 😀"]) == {"😀", "Ꭰ"}


@pytest.mark.parametrize("char", ["\x07", "\t", "\r", "\u202e", "\u2066"], ids=lambda c: f"U+{ord(c):04X}")
def test_control_characters_are_refused_by_their_code_point(char: str) -> None:
    body = wording()
    said = refused(message(2, body, f"Mara{char}Feldmann"), of=body)
    assert f"U+{ord(char):04X}" in said and "NF-00002" in said and "Mara" not in said


def test_a_character_of_the_words_names_the_segment() -> None:
    body = wording(typst=ENGLISH + "😀 " + TAIL)
    said = refused(message(1, body), of=body)
    assert "U+1F600" in said and "segment seg-en" in said


def test_an_address_that_the_window_cannot_hold_names_the_letter() -> None:
    body = wording()
    said = refused(message(7, body, lines=tuple(f"Line {n} " + "of a long address" * 3 for n in range(9))), of=body)
    assert "NF-00007" in said and "window" in said and "Line" not in said


@pytest.mark.parametrize("slot", [Slot.SALUTATION, Slot.REFERENCE, Slot.ADDRESSEE, Slot.ADDRESS])
def test_a_missing_slot_names_the_delivery_and_the_slot(slot: Slot) -> None:
    body = wording()
    one = message(3, body)
    said = refused(replace(one, slots={k: v for k, v in one.slots.items() if k != slot} | {slot: " "}), of=body)
    assert f"delivery d3: slot {slot} is missing" in said


BAD_WORDINGS = {
    "a stray bracket": "lost ] text",
    "an open bracket": "text [ lost",
    "a call of what is not there": "#nothing()",
    "a slot that is not filled": '#s.at("verification_code")',
    "an import": '#import "letter.typ": letter\n',
    "a file": '#read("/etc/hostname")',
    "a file by another name": '#let f = read; #f("letter.toml.bak")',
    "a file of the working folder": '#{ read("pyproject.toml") }',
    "the data of everybody": '#{ read("data.json") }',
}


@pytest.mark.parametrize("text", BAD_WORDINGS.values(), ids=BAD_WORDINGS)
def test_a_wording_that_is_wrong_is_refused_and_named(text: str) -> None:
    body = wording(typst=text)
    said = refused(message(1, body), of=body)
    assert "segment seg-en" in said and "Mara" not in said


def test_a_message_without_its_wording_is_refused() -> None:
    body = wording()
    assert "delivery d1" in refused(replace(message(1, body), wording="0" * 64), of=body)


def test_no_letters_and_no_sender_are_refused() -> None:
    body = wording()
    assert "no letter" in refused(of=body)
    with pytest.raises(BadInput, match="sender: name"):
        press_letters({body.digest(): body}, [message(1, body)], sender={}, date=DAY)


# --- the paper ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "width", "height", "day"), [("DE", 595, 842, "10 March 2026"), ("US", 612, 792, "March 10, 2026")]
)
def test_the_senders_country_chooses_sheet_and_date(country: str, width: int, height: int, day: str) -> None:
    body = wording()
    pressed = press_letters({body.digest(): body}, [message(1, body)], sender=SENDER | {"country": country}, date=DAY)
    page = PdfReader(io.BytesIO(pressed.pdf)).pages[0]
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (width, height)
    assert day in page.extract_text()


# Where an envelope shows the address, in points from the top left of the sheet: the rectangle that stays in sight
# wherever the folded sheet slides in the envelope.
IN_SIGHT = {"DE": (56, 127, 312, 255), "US": (63, 146, 315, 228)}


@pytest.mark.parametrize("country", IN_SIGHT)
def test_the_address_shows_through_the_window(country: str) -> None:
    body = wording()
    lines = ("Longstreet Avenue 1234", "Building 5", "Springfield", "50667")
    sender = SENDER | {"country": country}
    pdf = press_letters({body.digest(): body}, [message(1, body, lines=lines)], sender=sender, date=DAY).pdf
    left, top, right, bottom = IN_SIGHT[country]
    spots = [(x, y) for text, x, y, _ in pieces(pdf) if text.strip() in ("Mara Feldmann", *lines)]
    assert len(spots) == 5
    assert all(left <= x <= right and top <= y <= bottom for x, y in spots)


def pieces(pdf: bytes) -> list[tuple[str, float, float, float]]:
    """Text with its place from the top left and its size in points, of the first page."""
    page = PdfReader(io.BytesIO(pdf)).pages[0]
    found: list[tuple[str, float, float, float]] = []

    def visit(text: str, cm: list[float], tm: list[float], font: object, size: float) -> None:
        if text.strip():
            x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
            y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            found.append((text, x, float(page.mediabox.height) - y, size * abs(tm[3] * cm[3])))

    page.extract_text(visitor_text=visit)
    return found


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_nothing_is_smaller_than_ten_points(language: str) -> None:
    body = wording(language, {"en": ENGLISH, "zh-Hans": CHINESE}[language] + TAIL)
    sizes = [size for *_, size in pieces(press(message(1, body), of=body).pdf)]
    assert sizes and min(sizes) >= 10 - 1e-6


def test_the_file_is_tagged_titled_and_depends_on_nothing_but_the_input() -> None:
    body = wording("zh-Hans", CHINESE + TAIL, "个人信息安全事件告知书")
    first, second = (press(message(1, body), of=body).pdf for _ in range(2))
    reader = PdfReader(io.BytesIO(first))
    root = reader.trailer["/Root"]
    assert first == second
    assert root["/Lang"].lower().startswith("zh") and root["/MarkInfo"]["/Marked"]
    assert reader.metadata is not None and reader.metadata.title == "个人信息安全事件告知书"
    assert b"pdfuaid:part" in root["/Metadata"].get_object().get_data()


def test_only_fonts_of_the_listed_packages_are_embedded() -> None:
    wordings, messages = mixed_letters(4)
    reader = PdfReader(io.BytesIO(press_letters(wordings, messages, sender=SENDER, date=DAY).pdf))
    names = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"].get("/Font", {}).values()
    }
    assert names and all("Noto" in name for name in names)


def test_an_exercise_is_marked_on_every_page() -> None:
    long = wording(typst=ENGLISH + "Watch your account. " * 300 + TAIL)
    marked, plain = (texts(press(message(1, long), of=long, watermark=mark).pdf) for mark in ("EXERCISE", ""))
    assert all("EXERCISE" in page for page in marked) and len(marked) == 2
    assert not any("EXERCISE" in page for page in plain)


# --- reports --------------------------------------------------------------------------------------------------------


def test_a_report_in_chinese_is_set_in_chinese() -> None:
    section = Section(
        "一、首报事项", ("有人未经授权复制了数据。",), Table(("事项", "内容"), (("事件发生单位名称", "示例公司"),))
    )
    pdf = press_document(Report((("受理机关", "网信部门"),), (section,)), "网络安全事件报告", "zh-Hans", date=DAY)
    page = texts(pdf)[0]
    assert all(part in page for part in ("网络安全事件报告", "首报事项", "示例公司", "第 1 页", "共 1 页"))
    assert PdfReader(io.BytesIO(pdf)).trailer["/Root"]["/Lang"].lower().startswith("zh")


@pytest.mark.parametrize("text", LITERAL)
def test_what_a_report_says_is_printed_and_never_read(text: str) -> None:
    pdf = press_document(
        Report((("Key", text),), (Section(text, (text,), Table((text,), ((text,),))),)), "Report", "en"
    )
    assert texts(pdf)[0].replace("\n", " ").count(text) == 5


def test_a_character_that_no_font_has_stops_a_report_too() -> None:
    with pytest.raises(BadInput, match=r"report us-hipaa/regulator.*U\+1F600"):
        press_document(Report((("Key", "😀"),)), "Report", "en", reference="us-hipaa/regulator")
