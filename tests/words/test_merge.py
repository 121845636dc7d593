"""One person's data in a segment's wording: intact and inert, or refused with a reason that does not show it."""

from __future__ import annotations

import pytest
from markupsafe import escape

from models.values import BadInput, Channel, Mode, Slot, Wording
from templates.markup import MARK, Section, as_typst, parse, typst_escape, typst_inline
from templates.render import merge, render

WORDING = Wording(
    segment="s",
    channel=Channel.EMAIL,
    language="en",
    subject=f"For {MARK}name{MARK}",
    text=f"Dear {MARK}name{MARK},\n{MARK}address{MARK}",
    html=f"<p>{MARK}name{MARK}</p><p>{MARK}address{MARK}</p>",
    slots=(Slot.NAME, Slot.ADDRESS),
)

INERT = [
    "{{7*7}}",
    "{% raw %}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '#panic("x")',
    '=HYPERLINK("x")',
    "&amp; &#60;",
    "O’Neill-Şahin",
    "张伟",
    "محمد",
    "ก" * 90,
    "e\u0301 and é",
    "\\n \\x41",
    "null",
]


@pytest.mark.parametrize("payload", INERT)
def test_a_value_arrives_intact_and_inert(payload):
    merged = merge(WORDING, {Slot.NAME: payload, Slot.ADDRESS: "1 Example Street"})
    assert merged.subject == f"For {payload}"
    assert merged.text == f"Dear {payload},\n1 Example Street"
    assert merged.html == f"<p>{escape(payload)}</p><p>1 Example Street</p>"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("a\r\nBcc: x", "line break"),
        ("a\nb", "line break"),
        ("a\x00b", "control character U\\+0000"),
        ("a\x1bb", "control character U\\+001B"),
        ("a\tb", "control character U\\+0009"),
        ("a\u2028b", "control character U\\+2028"),
        ("a\u202eb", "direction character U\\+202E"),
        ("a\u2066b", "direction character U\\+2066"),
        (f"a{MARK}code{MARK}", "private-use character U\\+E000"),
        ("", "no value"),
    ],
)
def test_a_value_that_no_medium_may_carry_is_refused_without_showing_it(payload, reason):
    with pytest.raises(BadInput, match=f"slot name: has (?:a |the )?{reason}") as caught:
        merge(WORDING, {Slot.NAME: payload, Slot.ADDRESS: "1 Example Street"})
    assert "Bcc" not in str(caught.value)


def test_address_lines_break_in_html_and_stay_lines_in_text():
    merged = merge(WORDING, {Slot.NAME: "A", Slot.ADDRESS: "1 <b> Street\nSampletown"})
    assert merged.text.endswith("1 <b> Street\nSampletown")
    assert merged.html.endswith("<p>1 &lt;b&gt; Street<br>Sampletown</p>")


def test_a_missing_slot_is_named():
    with pytest.raises(BadInput, match="segment s, email, slot address: has no value"):
        merge(WORDING, {Slot.NAME: "A"})


@pytest.mark.parametrize("text", [f"Dear {MARK}name", f"Dear {MARK}password{MARK}", f"Dear {MARK}code{MARK}"])
def test_a_broken_or_unlisted_marker_is_an_error(text):
    broken = Wording(segment="s", channel=Channel.EMAIL, language="en", text=text, slots=(Slot.NAME,))
    with pytest.raises(BadInput, match="marker is broken or not listed"):
        merge(broken, {Slot.NAME: "A"})


def test_one_persons_value_does_not_reach_the_next(spec, story, values):
    wording = render(spec(), Channel.EMAIL, story(), mode=Mode.LIVE)
    first = merge(wording, values | {Slot.REFERENCE: "CANARY-1"})
    second = merge(wording, values | {Slot.REFERENCE: "CANARY-2"})
    assert "CANARY-1" in first.text and "CANARY-1" in first.html
    assert "CANARY-1" not in second.text + second.html


@pytest.mark.parametrize(
    "text", ['#panic("x")', "*b* _i_ $m$ `c`", "@ref <label>", "\\u{41} \\", "- x + y / z", "1. = ~", "http://x"]
)
def test_typst_text_is_escaped_sign_by_sign(text):
    escaped = typst_escape(text)
    rest = escaped
    for sign in text:
        prefix = "\\" if sign.isascii() and not sign.isalnum() and not sign.isspace() else ""
        assert rest.startswith(prefix + sign)
        rest = rest[len(prefix + sign) :]
    assert rest == ""


def test_a_slot_in_typst_is_a_look_up_in_data():
    assert typst_inline(f"Dear {MARK}name{MARK}!") == 'Dear #s.at("name")\\!'
    body = as_typst([Section("x", "A = b", parse("one\n\n- two\n- three"))])
    assert body == "== A \\= b\n\none\n\n- two\n- three\n"
