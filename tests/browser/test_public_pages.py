"""Public pages in a real browser: no fault that axe knows, no script, nothing wider than a telephone, printable.

Skipped by name where no Chromium is. Run `TOCSIN_PICTURES=folder pytest tests/browser` to look at them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.facts import parse_facts
from models.values import Channel, Element, Mode, Role, SegmentSpec
from planning.segment import fold_blocks, order_exposed
from templates import site, words
from templates.audit import PROFILE
from templates.render import render, sheet

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe_module = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")

LANGUAGES = tuple(language for language in words.languages() if words.has(f"{language}/page.toml"))
EXPOSED = order_exposed(["name", "ssn", "payment_card", "password", "email", "diagnosis"])
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PICTURES = os.environ.get("TOCSIN_PICTURES", "")


def story(language: str) -> str:
    told = "A stranger copied files from our order system between March 2 and March 5, 2026."
    return {"zh-Hans": "有人从我们的订单系统复制了文件。", "ar": "نسخ شخص مجهول ملفات من نظام الطلبات."}.get(
        language, told
    )


def page(language: str) -> str:
    names = ("what_happened", "cause", "impact", "measures_taken", "measures_planned", "remedies")
    narrative = {name: {language: story(language)} for name in names}
    times = {"occurred_from": "2026-03-02", "occurred_until": "2026-03-05", "discovered": "2026-03-09"}
    data = {"id": "shop", "title": "Shop", "organisation": {"name": "Example Organisation"}, "times": times}
    facts = sheet(parse_facts(data | {"narrative": narrative}, "shop.toml"), PROFILE, notice_date=date(2026, 3, 20))
    spec = SegmentSpec(
        f"public/{language}", language, Role.SELF, elements=tuple(Element), blocks=fold_blocks(EXPOSED), exposed=EXPOSED
    )
    return render(spec, Channel.PUBLIC, facts, mode=Mode.EXERCISE).html


@pytest.fixture(scope="module")
def pages() -> Mapping[str, str]:
    return {language: page(language) for language in LANGUAGES}


@pytest.fixture(scope="module")
def folder(pages: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of a notice in every language, its index, its end, and the page that checks codes."""
    place = tmp_path_factory.mktemp("site")
    changed = dict.fromkeys(pages, "We now know that payment cards were involved.")
    versions = (site.Version(1, date(2026, 3, 20)), site.Version(2, date(2026, 4, 2), changed))
    known = site.Site(
        tuple(sorted(pages)),
        versions,
        date(2026, 7, 1),
        "+1 800-555-0100",
        date(2026, 7, 1),
        "https://www.example.org/v",
    )
    (place / "v1").mkdir()
    for language, html in pages.items():
        (place / f"{language}.html").write_text(site.dressed(html, language, known, 2), "utf-8")
        (place / "v1" / f"{language}.html").write_text(site.dressed(html, language, known, 1), "utf-8")
        lines = ("+1 800-555-0100", "incident@example.org")
        over = site.ended(language, "Example Organisation", date(2026, 3, 20), date(2026, 7, 1), lines, None)
        (place / f"ended.{language}.html").write_text(over, "utf-8")
        own = words.table(f"{language}/page.toml")
        form = {"label": own["verify_code"], "button": own["verify_check"], "value": ""}
        texts = [{"text": own["verify_not"], "style": "answer no"}, {"text": own["verify_ask"]}]
        check = site.plain(
            language,
            own["verify_title"],
            "Example Organisation",
            None,
            form="'self'",
            **{"fields": form, "texts": texts},
        )
        (place / f"verify.{language}.html").write_text(check, "utf-8")
    (place / "index.html").write_text(site.index(pages, "Example Organisation", None, "EXERCISE"), "utf-8")
    return place


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as tools:
        opened = tools.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


def look(browser: Any, path: Path, width: int, scheme: str) -> list[str]:
    """What is wrong with a page at a width, in light or dark."""
    # The page's own policy forbids every script, and axe is one; a test of its own holds the policy.
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    tab = context.new_page()
    try:
        tab.goto(path.as_uri())
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            name = "-".join(path.parts[-2:]).replace(".html", "")
            tab.screenshot(path=f"{PICTURES}/{name}.{width}.{scheme}.png", full_page=True)
        found = axe_module.Axe().run(tab, options={"runOnly": {"type": "tag", "values": RULES}}).response
        problems = [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found["violations"]]
        if tab.evaluate("document.documentElement.scrollWidth") > width:
            problems.append(f"is wider than {width}")
        return problems
    finally:
        context.close()


THOROUGH = ("en", "zh-Hans", "ar")  # in every view; the others share their frame and style
VIEWS = [(360, "light"), (360, "dark"), (1280, "light")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_has_no_fault_in_any_width_or_scheme(browser: Any, folder: Path, language: str) -> None:
    views = VIEWS if language in THOROUGH else VIEWS[:1]
    found = {view: look(browser, folder / f"{language}.html", *view) for view in views}
    assert found == {view: [] for view in views}


@pytest.mark.parametrize("kind", ["v1/{}.html", "ended.{}.html", "verify.{}.html"])
@pytest.mark.parametrize("language", [language for language in LANGUAGES if language in THOROUGH])
def test_what_stands_around_a_notice_has_no_fault(browser: Any, folder: Path, kind: str, language: str) -> None:
    assert look(browser, folder / kind.format(language), 360, "dark") == []


def test_the_index_has_no_fault_and_names_every_language(browser: Any, folder: Path) -> None:
    assert {view: look(browser, folder / "index.html", *view) for view in VIEWS} == {view: [] for view in VIEWS}
    text = (folder / "index.html").read_text("utf-8")
    assert [language for language in LANGUAGES if f'href="{language}.html"' not in text] == []


def test_axe_does_find_a_planted_fault(browser: Any, tmp_path: Path) -> None:
    """Else the tests above would pass without looking."""
    bad = tmp_path / "bad.html"
    bad.write_text("<!doctype html><html><head></head><body><img src='x.png'><h4>T</h4></body></html>")
    assert {"image-alt", "html-has-lang", "document-title"} <= {
        p.split(":")[0] for p in look(browser, bad, 360, "light")
    }


def test_the_policy_lets_no_script_run_and_the_style_apply(browser: Any, folder: Path, tmp_path: Path) -> None:
    page = (folder / "en.html").read_text("utf-8")
    planted = page.replace(
        "</body>", "<script>document.title = 'run'</script><img src=x onerror=\"document.title='run'\"></body>"
    )
    (tmp_path / "en.html").write_text(planted, "utf-8")
    tab = browser.new_page()
    refused: list[str] = []
    tab.on("console", lambda m: refused.append(m.text))
    tab.goto((tmp_path / "en.html").as_uri())
    assert tab.title() != "run" and any("Content Security Policy" in line for line in refused)
    assert tab.evaluate("getComputedStyle(document.querySelector('h2')).fontWeight") == "700"
    assert tab.evaluate("getComputedStyle(document.body).marginTop") == "0px", "the page's own style applies"
    tab.close()


def test_the_print_leaves_out_what_only_a_screen_needs(browser: Any, folder: Path) -> None:
    tab = browser.new_page()
    tab.goto((folder / "en.html").as_uri())
    tab.emulate_media(media="print")
    hidden = "[...document.querySelectorAll('nav, .skip')].every(e => getComputedStyle(e).display === 'none')"
    assert tab.evaluate(hidden)
    pdf = tab.pdf(format="A4")
    assert pdf[:5] == b"%PDF-"
    if PICTURES:
        Path(PICTURES, "print.pdf").write_bytes(pdf)
    tab.close()


def test_every_link_of_the_site_leads_to_a_file_of_it(browser: Any, folder: Path) -> None:
    wrong = []
    for path in [*folder.glob("*.html"), *folder.glob("v1/*.html")]:
        if path.name.startswith(("ended", "verify")):
            continue
        tab = browser.new_page()
        tab.goto(path.as_uri())
        targets = tab.evaluate("[...document.querySelectorAll('a[href], link[href]')].map(a => a.href)")
        for target in targets:
            file, _, anchor = target.removeprefix("file://").partition("#")
            if target.startswith("file:") and not Path(file).is_file():
                wrong.append(f"{path.name}: {target}")
            if anchor and anchor not in {"notice"} and f'id="{anchor}"' not in Path(file).read_text("utf-8"):
                wrong.append(f"{path.name}: #{anchor}")
        tab.close()
    assert wrong == []
