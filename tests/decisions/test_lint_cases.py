"""Poor notices as they have been sent, each with exactly what the linter must say of it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from models.facts import parse_facts
from models.values import Channel, Finding, Role, Severity
from planning.lint import lint_parts
from regimes import load
from templates.pdf_type import smallest_type
from templates.readback import pdf_text
from templates.render import cues

HERE = Path(__file__).parent / "lint_cases"
CASES: list[dict[str, Any]] = tomllib.loads((HERE / "poor.toml").read_text("utf-8"))["case"]
FACTS = parse_facts({"id": "x", "title": "X", "organisation": {"name": "Example Orchard", "timezone": "UTC"}}, "x.toml")


def linted(case: dict[str, Any], parts: dict[str, str], sizes: dict[str, float] | None = None) -> list[Finding]:
    held = load.instruments()
    return lint_parts(
        parts,
        case["laws"],
        channel=Channel(case["channel"]),
        language=case["language"],
        role=Role(case.get("role", "self")),
        exposed=case["exposed"],
        facts=FACTS,
        versions={law: held[law].versions[-1] for law in case["laws"]},
        cues=cues(case["language"]),
        sizes=sizes,
    )


def said(found: list[Finding], severity: Severity) -> list[str]:
    return sorted({(f.element, f.where, f.remedy): f.element for f in found if f.severity is severity}.values())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_poor_notice_fails_with_exactly_these_findings(case: dict[str, Any]) -> None:
    found = [f for f in linted(case, {"text": case["text"].strip()}) if f.element != "short_form"]
    assert sorted(set(said(found, Severity.ERROR))) == sorted(case.get("errors", []))
    assert said(found, Severity.WARNING) == sorted(case.get("warnings", []))
    assert all(f.remedy and f.where for f in found)


# --- a Californian letter as a PDF ----------------------------------------------------------------------------------

HEADINGS = ["What Happened", "What Information Was Involved", "What We Are Doing", "What You Can Do"]
HEADINGS.append("For More Information")
BODY = {
    "What Happened": "On March 20, 2026 we tell you this. Date of this notice: March 20, 2026.\n\n"
    "A stranger got into our system. It happened on March 2, 2026. "
    "This notice was not delayed by a law enforcement investigation.",
    "What Information Was Involved": "Your name was involved.",
    "What We Are Doing": "We closed the way in.",
    "What You Can Do": "You should be careful with unexpected messages.",
    "For More Information": "Call Example Orchard: +1 202-555-0100.",
}
CALIFORNIA = {"laws": ["us-ca"], "channel": "letter", "language": "en", "exposed": ["name"]}
FAULTS: list[tuple[str, dict[str, Any], set[str]]] = [
    ("nothing", {}, set()),
    ("another title", {"title": "Important information"}, {"title"}),
    ("small type", {"size": 9}, {"type_size"}),
    ("small type in one note only", {"note": 7}, {"type_size"}),
    ("another order", {"order": [1, 0, 2, 3, 4]}, {"heading_order"}),
    *[
        (f"no heading {name}", {"rename": name}, {f"heading:{key}"})
        for name, key in (
            ("What Happened", "what_happened"),
            ("What Information Was Involved", "data_involved"),
            ("What We Are Doing", "measures"),
            ("What You Can Do", "self_protection"),
            ("For More Information", "contact"),
        )
    ],
]


def pdf(
    path: Path,
    title: str = "Notice of Data Breach",
    size: int = 10,
    note: int = 10,
    order: Any = None,
    rename: str = "",
) -> Path:
    typst = pytest.importorskip("typst")
    names = [HEADINGS[n] for n in (order or range(5))]
    shown = "\n\n".join(f"= {'Note' if name == rename else name}\n\n{BODY[name]}" for name in names)
    source = f"#set text(size: {size}pt)\n{title}\n\nDear reader,\n\n{shown}\n\n#text(size: {note}pt)[Thank you.]"
    path.write_bytes(typst.compile(source.replace("@", "\\@").encode()))
    return path


@pytest.mark.parametrize(("fault", "how", "wanted"), FAULTS, ids=[row[0] for row in FAULTS])
def test_a_californian_pdf_fails_for_title_headings_order_and_type(
    fault: str, how: dict[str, Any], wanted: set[str], tmp_path: Path
) -> None:
    path = pdf(tmp_path / "letter.pdf", **how)
    found = linted(CALIFORNIA, {"text": pdf_text(path)}, {"text": smallest_type(path) or 0})
    of_form = {f.element for f in found if f.element.startswith(("title", "heading", "type_size"))}
    assert of_form == wanted
    assert all(f.law == "us-ca" and "1798.82" in f.citation for f in found if f.element in of_form)
