"""The email frame in clients that know little: Outlook's Word engine, Gmail's clipping, dark mode, narrow screens.

What a client without support does must leave the notice readable; the lists are those of caniemail.com's subjects.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from models.values import Channel, Mode
from templates.render import render
from templates.words import languages

CLIP = 102 * 1024  # octets after which Gmail hides the rest behind a link
# What Word's engine lays out, or may leave out without harm when the fallback is there.
# fmt: off
KNOWN = frozenset((
    "margin", "padding", "color", "font-family", "font-size", "font-weight",
    "line-height", "text-align", "background-color", "width", "max-width", "border-bottom",
    "border-color",
))
# fmt: on
FALLBACK = {"max-width": "width"}  # property -> attribute that says the same
EVERYTHING = (
    "ssn password name email phone postal_address payment_card card_security_code bank_account iban health_record"
)
CASES = [("en", "name email"), ("en", EVERYTHING)] + [(lang, EVERYTHING) for lang in languages() if lang != "en"]


class Page(HTMLParser):
    """Every tag with its attributes and its path of tags."""

    VOID = frozenset(("meta", "br", "img", "link", "hr"))

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.media = "".join(re.findall(r"<style>(.*?)</style>", html, re.DOTALL))
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def styles(self) -> list[tuple[str, dict[str, str], dict[str, str]]]:
        """Tag, attributes, inline declarations."""
        return [(t, a, declarations(a["style"])) for t, a in self.tags if "style" in a]


def declarations(style: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in style.split(";") if part.strip())
    return {name.strip().lower(): value.replace("!important", "").strip() for name, _, value in pairs}


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{len(case[1].split())}")
def html(request: Any, spec: Any, story: Any) -> str:
    language, exposed = request.param
    return render(spec(language=language, exposed=exposed), Channel.EMAIL, story(), mode=Mode.EXERCISE).html


def test_tables_are_layout_and_say_so(html: str) -> None:
    tables = [a for t, a in Page(html).tags if t == "table"]
    assert tables
    for table in tables:
        assert table["role"] == "presentation"
        assert table["width"] in ("100%", "600") and table["dir"] in ("ltr", "rtl")
        assert [table[name] for name in ("cellpadding", "cellspacing", "border")] == ["0", "0", "0"]


def test_every_style_is_one_that_word_lays_out_or_has_its_fallback(html: str) -> None:
    for tag, attributes, styles in Page(html).styles():
        assert set(styles) <= KNOWN | {"padding-left", "padding-right"}, (tag, set(styles) - KNOWN)
        for name, attribute in FALLBACK.items():
            assert name not in styles or attribute in attributes, f"{tag}: {name} without {attribute}"


def test_measures_are_pixels_and_colours_six_digits(html: str) -> None:
    for tag, _, styles in Page(html).styles():
        for name, value in styles.items():
            assert not re.search(r"\d(?:em|rem|vw|vh|pt|ch)\b|calc|var\(|rgba?\(|hsl", value), (tag, name, value)
            if name == "line-height":
                assert value.endswith("px")
            for colour in re.findall(r"#\w+", value):
                assert re.fullmatch(r"#[0-9a-f]{6}", colour), (tag, name, value)


def test_nothing_is_fetched_and_nothing_runs(html: str) -> None:
    assert not re.search(r"url\(|@import|@font-face|<(?:link|script|img|iframe|object|form|input|svg|video)\b", html)
    assert not re.search(r"\b(?:src|background|on\w+)=", html)
    assert not re.search(r"position\s*:|float\s*:|display\s*:\s*(?:flex|grid)|background-image", html)


def test_it_knows_its_language_direction_and_dark_mode(html: str) -> None:
    page = Page(html)
    root = next(a for t, a in page.tags if t == "html")
    assert root["lang"] and root["dir"] == ("rtl" if root["lang"] == "ar" else "ltr")
    metas = {a["name"]: a["content"] for t, a in page.tags if t == "meta" and "name" in a}
    assert metas["color-scheme"] == metas["supported-color-schemes"] == "light dark"
    assert page.open == [], "every tag is closed"
    assert "prefers-color-scheme: dark" in page.media


def test_rules_for_narrow_and_dark_screens_win_over_inline_styles(html: str) -> None:
    rules = re.findall(r"\{([^{}]*)\}", Page(html).media)
    said = [one for rule in rules for one in rule.split(";") if ":" in one]
    assert said and all("!important" in one for one in said), said


def test_no_client_clips_it(html: str) -> None:
    assert len(html.encode()) < CLIP


def test_headings_go_down_one_by_one(html: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(html).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


# --- contrast -------------------------------------------------------------------------------------------------------

AA = 4.5  # WCAG 2.2, 1.4.3
SCHEMES = [
    # text, ground; as templates/frame/email.html.j2 has them
    ("light body", "#1c1c1c", "#ffffff"),
    ("light heading", "#1f3a5f", "#ffffff"),
    ("exercise", "#ffffff", "#8a1c1c"),
    ("dark body", "#ececec", "#1f2226"),
    ("dark heading", "#a9c6ee", "#1f2226"),
]


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("where", "text", "ground"), SCHEMES)
def test_text_stands_out_from_its_ground_in_both_schemes(
    where: str, text: str, ground: str, spec: Any, story: Any
) -> None:
    html = render(spec(), Channel.EMAIL, story(), mode=Mode.EXERCISE).html
    assert text in html and ground in html, f"{where}: the frame has other colours now"
    light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= AA
