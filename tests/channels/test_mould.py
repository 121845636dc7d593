"""A mail poured from its mould says what the merged notice says, in bytes that every relay carries."""

from __future__ import annotations

import datetime as dt
import random
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from models.slots import MARK, fault
from models.values import Channel, Contacts, Message, Slot, Wording
from notifiers.email.mime import Sender, Unmailable, build
from notifiers.email.mould import mould, quoted
from templates.merge import merge

NOW = dt.datetime(2026, 11, 24, 9, 0, 0, 5, tzinfo=dt.UTC)
SENDER = Sender(Address("Beispiel GmbH – Müller", "privacy", "example.org"), None, "b.example.org", b"k" * 32)
NAMES = [
    "Ada Sample",
    "Zoë Müller",
    "Łucja .dot",
    "李 样例",
    "محمد مثال",
    "O'Neill & Sons <x>",
    "x" * 90,
    "=?utf-8?q?x?=",
]


def template(language: str) -> tuple[str, str, str]:
    """Subject, text and page as Jinja2 sources, with the same slots that a wording has."""
    fixed = {
        "en": "What happened.\n.\n..two dots\nA line that is = to none other, and a tab\there. ",
        "de": "Was geschah: Über Nacht öffnete jemand die Tür; größere Schäden – keine. ",
        "zh-Hans": "发生了什么：有人进入了我们的系统。我们已经关闭入口。",
    }[language]
    body = fixed * 7
    text = f"{{{{ salutation }}}}\n\n{body}\n{{{{ name }}}}\n{{{{ address }}}}\n{body}{{{{ reference }}}}."
    page = f"<p>{{{{ salutation }}}}</p><p>{body}</p><p>{{{{ address }}}}</p><b>{{{{ reference }}}}</b>{body}"
    return f"{fixed[:12]} {{{{ reference }}}}", text, page


SLOTS = (Slot.SALUTATION, Slot.NAME, Slot.ADDRESS, Slot.REFERENCE)


def wording(language: str) -> Wording:
    marks = {slot.value: f"{MARK}{slot.value}{MARK}" for slot in SLOTS}
    plain = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - marks, nobody's data
    subject, text, page = (plain.from_string(t).render(**marks) for t in template(language))
    return Wording(
        segment="s", channel=Channel.EMAIL, language=language, subject=subject, text=text, html=page, slots=SLOTS
    )


def message(language: str, slots: dict[str, str], email: str = "ada@example.org") -> Message:
    return Message(
        delivery="d1", notice="n1", channel=Channel.EMAIL, language=language, to=Contacts(email=email), slots=slots,
        wording="w",
    )  # fmt: skip


def poured(language: str, slots: dict[str, str]) -> bytes:
    w = wording(language)
    return build(message(language, slots), SENDER, NOW, {"w": mould(w.subject, w.text, w.html, w.slots)}).content


def contents(raw: bytes) -> tuple[str, str, str]:
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    parts = [mail.get_body((kind,)) for kind in ("plain", "html")]
    texts = [part.get_payload(decode=True).decode() for part in parts if isinstance(part, EmailMessage)]
    return str(mail["subject"]), texts[0], texts[1]


def one(n: int, rng: random.Random) -> dict[str, str]:
    name = NAMES[n % len(NAMES)]
    return {
        "salutation": f"Dear {name},",
        "name": name,
        "address": f".{n} Example Street\nSampletown {rng.randrange(10_000):05}",
        "reference": f"REF-{n:08}",
    }


def lines(text: str) -> str:
    return text.replace("\n", "\r\n")


@pytest.mark.parametrize(("language", "people"), [("en", 4_000), ("de", 3_000), ("zh-Hans", 3_000)])
def test_ten_thousand_mails_say_byte_for_byte_what_jinja2_renders_for_each_person(language: str, people: int) -> None:
    rng, w = random.Random(20_261_124), wording(language)  # noqa: S311 - a seed, no secret
    pool = {"w": mould(w.subject, w.text, w.html, w.slots)}
    rich = Environment(undefined=StrictUndefined, autoescape=True)
    plain = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - a plain text
    subject, text, page = template(language)
    as_text, as_page, as_subject = plain.from_string(text), rich.from_string(page), plain.from_string(subject)
    for n in range(people):
        slots = one(n, rng)
        found = contents(build(message(language, slots), SENDER, NOW, pool).content)
        wanted = as_page.render(**slots | {"address": Markup("<br>").join(slots["address"].split("\n"))})
        assert found == (as_subject.render(**slots), *(lines(t) + "\r\n" for t in (as_text.render(**slots), wanted)))


@pytest.mark.parametrize("language", ["en", "de", "zh-Hans"])
@settings(max_examples=150, deadline=None)
@given(name=st.text(min_size=1, max_size=100), address=st.text(min_size=1, max_size=200))
def test_whatever_a_slot_can_hold_arrives_as_merged_in_lines_that_a_relay_carries(
    language: str, name: str, address: str
) -> None:
    slots = {"salutation": f"Dear {name}", "name": name, "address": address, "reference": "R"}
    if any(fault(slot, slots[slot]) for slot in SLOTS):
        with pytest.raises(Unmailable, match="unfit_slot"):
            poured(language, slots)
        return
    raw = poured(language, slots)
    merged = merge(wording(language), {Slot(k): v for k, v in slots.items()})
    assert contents(raw)[1:] == (lines(merged.text) + "\r\n", lines(merged.html) + "\r\n")
    assert raw.isascii()
    body = raw.partition(b"\r\n\r\n")[2].split(b"\r\n")
    assert max(map(len, body)) <= 78 and not any(line.startswith(b".") for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"")


@given(st.binary(max_size=300))
def test_quoted_printable_never_begins_a_line_with_a_dot_and_reads_back(data: bytes) -> None:
    from quopri import decodestring

    source = data.replace(b"\r", b"").replace(b"\n", b"\r\n")
    found = quoted(source)
    assert decodestring(found.replace(b"\r\n", b"\n")) == source.replace(b"\r\n", b"\n")
    assert all(len(line) <= 76 and not line.startswith(b".") for line in found.split(b"\r\n"))


def test_a_naughty_string_in_a_name_arrives_intact_or_is_refused_without_being_shown() -> None:
    path = Path(__file__).parents[3] / "shared/corpora/text/naughty_strings.json"
    if not path.is_file():
        pytest.skip("the corpus of naughty strings is not on this machine")
    import json

    told = refused = 0
    for value in json.loads(path.read_text(encoding="utf-8")):
        slots = {"salutation": "Dear reader", "name": value, "address": "1 Example Street", "reference": "R"}
        try:
            raw = poured("de", slots)
        except Unmailable as error:
            assert error.code in ("unfit_slot", "unsafe_header") and (not value or value not in error.detail)
            refused += 1
            continue
        assert value.replace("\n", "\r\n") in contents(raw)[1]
        told += 1
    assert told > 400 and refused > 5


def test_a_wording_with_a_broken_mark_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="mark is broken"):
        mould("x", f"Dear {MARK}name", "", (Slot.NAME,))


def test_a_text_without_slots_may_hold_any_sign() -> None:
    assert mould("x", f"a {MARK} b").pour({})[0] == "x"
