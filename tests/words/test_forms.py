"""The forms of the authorities: each loads, asks only for what there is, and keeps the authority's own numbers
and codes.
"""

from __future__ import annotations

import io
import json
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from models import vocabulary
from models.facts import KEYS, parse_facts
from models.values import BadInput, Stage
from planning.answers import RULES
from planning.filing import Change, as_packet, fill
from planning.forms import Form, Kind, form_for, form_ids, generic_form, load_form, read_form
from regimes.load import instruments
from regimes.schema import Report, ReportItem
from templates.press import press_filing

SCHEMA = Path(__file__).parents[3] / "shared/corpora/forms/edpb_breach_notification_v1_draft.schema.json"
FILING = {"type", "subtype", "earlier", "withdraw_reason", "late", "late_reasons", "reference", "citation", "eea"}
FORMS = ("cn-cac", "edpb-art33", "generic", "us-ca-ag", "us-hhs")


def test_the_forms_are_there() -> None:
    assert form_ids() == FORMS


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> Form:
    return load_form(request.param)


def test_each_source_of_an_answer_exists(form: Form) -> None:
    for question in form.questions:
        for origin, name in question.sources:
            there = {
                "fact": name in KEYS or name.startswith("people."),
                "rule": name in RULES,
                "filing": name in FILING,
            }
            assert there.get(origin, True), f"{form.file}: {question.id}: {origin}:{name}"


def test_each_exposed_element_has_an_option_or_a_word(form: Form) -> None:
    asking = [q for q in form.questions if ("fact", "data.elements") in q.sources]
    assert asking
    for question in asking:
        assert set(question.words) == vocabulary.words("elements").words, f"{form.file}: {question.id}"


def test_reasons_of_a_late_filing_have_a_place(form: Form) -> None:
    assert ("filing", "late_reasons") in form.question(form.late_question).sources


def test_each_closed_fact_has_an_option_for_each_of_its_words(form: Form) -> None:
    words = {"data.nature": {"confidentiality", "integrity", "availability"}, "risk.gdpr": {"unlikely", "risk", "high"}}
    for question in form.questions:
        for origin, name in question.sources:
            if origin == "fact" and name in words and question.options:
                assert words[name] <= set(question.words), f"{form.file}: {question.id}"


def test_the_chinese_form_asks_in_chinese() -> None:
    form = load_form("cn-cac")
    asked = [form.title, form.authority, form.not_yet_known, *(q.label for q in form.questions)]
    asked += [words for q in form.questions for words in q.options.values()]
    assert all(any("\u4e00" <= c <= "\u9fff" for c in text) for text in asked)


@pytest.mark.skipif(not SCHEMA.exists(), reason="the shared schema is not beside this checkout")
def test_the_edpb_form_keeps_the_numbers_and_codes_of_the_template() -> None:
    schema: dict[str, Any] = json.loads(SCHEMA.read_text("utf-8"))["properties"]
    form = load_form("edpb-art33")
    assert [q.id for q in form.questions] == sorted(schema, key=lambda name: int(name.split("_")[1]))
    for question in form.questions:
        codes = schema[question.id].get("enum")
        if codes and len(codes) > 1:  # the draft gives the free lists of authorities (118, 123) as one code
            assert list(question.options) == codes, question.id


@pytest.mark.skipif(not SCHEMA.exists(), reason="the shared schema is not beside this checkout")
def test_what_the_template_always_demands_is_mandatory_here() -> None:
    required = json.loads(SCHEMA.read_text("utf-8"))["required"]
    form = load_form("edpb-art33")
    assert [name for name in required if not form.question(name).mandatory] == []


# --- a form made of an instrument's own list ------------------------------------------------------------------------


def test_each_word_that_an_instrument_can_ask_for_has_a_question() -> None:
    assert {q.id for q in load_form("generic").questions} == set(vocabulary.load("report")["report"])


def test_each_report_of_each_instrument_becomes_a_form_in_its_own_order() -> None:
    reports = [r for instrument in instruments().values() for version in instrument.versions for r in version.reports]
    assert reports
    for report in reports:
        form = generic_form(report, "Report", "Authority")
        wanted = [item.element for item in report.items]
        assert [q.id for q in form.questions][: len(wanted)] == wanted


SERVED = (
    ("edpb-33", "edpb-art33"),
    ("hhs-portal", "us-hhs"),
    ("us-ca-ag", "us-ca-ag"),
    ("cn-cac", "cn-cac"),
    ("cn-cac-final", "cn-cac"),
    ("ico-33", "ico-33"),  # none of ours: made of the list
    ("", "generic"),
)


@pytest.mark.parametrize(("name", "id"), SERVED)
def test_an_instrument_finds_its_form_by_its_own_name_for_it(name: str, id: str) -> None:
    form = form_for(Report(name, (ReportItem("organisation"),)), "Report", "Authority")
    assert form.id == id and (form.title == "Report") == (id in ("ico-33", "generic"))


def test_a_generic_form_always_has_room_for_the_reasons_of_lateness() -> None:
    form = generic_form(Report("", (ReportItem("organisation"),)), "Report", "Authority")
    assert [q.id for q in form.questions] == ["organisation", "reasons_for_delay"]
    assert form.question("organisation").mandatory == frozenset(Stage)
    assert not form.question("reasons_for_delay").mandatory


def test_an_item_without_a_question_is_refused() -> None:
    with pytest.raises(BadInput, match='"horoscope" has no question'):
        generic_form(Report("", (ReportItem("horoscope"),)), "Report", "Authority")


# --- what is refused ------------------------------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "id": "x",
    "title": "X",
    "language": "en",
    "not_yet_known": "Not yet known",
    "source": "a page",
    "confidence": "memory",
    "question": [{"id": "a", "label": "A"}],
}


def question(**changes: Any) -> dict[str, Any]:
    return {"question": [{"id": "a", "label": "A"} | changes]}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": ({"tilte": "X"}, 'tilte: key is unknown. Did you mean "title"?'),
    "no source": ({"source": ""}, "source: is missing"),
    "corpus without a day": ({"confidence": "corpus"}, "checked: is missing"),
    "an unknown confidence": ({"confidence": "sure"}, 'confidence: "sure" is unknown'),
    "a question without a label": (question(label=""), "needs an id and a label"),
    "an unknown key of a question": (question(kinds="text"), 'kinds: key is unknown. Did you mean "kind"?'),
    "an unknown kind": (question(kind="dates"), 'kind: "dates" is unknown. Did you mean "date"?'),
    "an unknown stage": (question(mandatory=["first"]), 'mandatory: "first" is unknown'),
    "a choice without options": (question(kind="choice"), "a choice needs options"),
    "a word for no option": (question(kind="choice", options={"a": "A"}, words={"x": "b"}), '"b" is no option'),
    "a table that is not there": (question(words="elements"), 'there is no table "elements"'),
    "a source of no kind": (question(**{"from": ["facts.title"]}), '"facts.title" is no source'),
    "an id that stands twice": ({"question": [{"id": "a", "label": "A"}] * 2}, "a: the id stands twice"),
    "shown by what comes later": (question(show={"b": ["x"]}), '"b" is no earlier question'),
    "reasons without a question": ({"late_question": "b"}, '"b" is no question'),
}


@pytest.mark.parametrize(("change", "sentence"), BAD.values(), ids=BAD)
def test_a_wrong_form_is_refused_with_file_and_key(change: dict[str, Any], sentence: str) -> None:
    assert read_form(GOOD, "x.toml").questions[0].kind is Kind.TEXT
    with pytest.raises(BadInput) as caught:
        read_form(GOOD | change, "x.toml")
    assert sentence in str(caught.value) and "x.toml" in str(caught.value)


def test_an_unknown_form_names_the_nearest() -> None:
    with pytest.raises(BadInput, match='Did you mean "us-hhs"'):
        load_form("us-hss")


def test_a_form_of_the_overlay_is_taken_first(tmp_path: Path) -> None:
    (tmp_path / "forms").mkdir()
    own = (files("templates") / "forms/us-hhs.toml").read_text("utf-8").replace('language = "en"', 'language = "es"')
    (tmp_path / "forms/us-hhs.toml").write_text(own, "utf-8")
    assert tomllib.loads(own)["language"] == "es"
    assert load_form("us-hhs", tmp_path).language == "es" and load_form("us-hhs").language == "en"


# --- a filled form on paper -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Obligation:
    id: str
    due: datetime | None
    citation: str


NOW = datetime.fromisoformat("2026-03-04T16:00:00+01:00")
STORY = {"what_happened": {"zh-Hans": "攻击者使用被盗的密码。", "en": "A stolen [#password] was used."}}
FACTS = {"id": "x", "title": "x", "organisation": {"name": "Northfield"}, "people": {"CN": 1200000}, "narrative": STORY}


def printed(form_id: str, stage: Stage, changes: tuple[Change, ...] = (), late: bool = False) -> str:
    due = NOW + timedelta(hours=-1 if late else 1)
    obligation = Obligation("regime/regulator/CN/initial", due, "Art. 1")
    facts = parse_facts(FACTS, "incident.toml")
    filled = fill(load_form(form_id), facts, {}, obligation, stage, NOW, "迟报说明" if late else "")
    pdf = press_filing(as_packet(filled, changes), country="CN")
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace("\n", "")


def test_a_chinese_report_is_printed_in_chinese_and_lists_what_is_not_yet_known() -> None:
    text = printed("cn-cac", Stage.INITIAL, late=True)
    for part in (
        "网络安全事件报告",
        "事件发生单位名称",
        "攻击者使用被盗的密码。",
        "1,200,000",
        "迟报说明",
        "首次报告",
        "未完整",
    ):
        assert part in text, part
    assert text.count("尚未查明，将在查明后补报") >= 3 and "尚待填写" in text and "事件类型" in text


@pytest.mark.parametrize("form_id", FORMS)
def test_every_form_is_printed_with_every_question_that_is_asked(form_id: str) -> None:
    text = printed(form_id, Stage.INITIAL).replace(" ", "")
    form = load_form(form_id)
    assert form.title.replace(" ", "") in text
    assert all(q.label.replace(" ", "") in text for q in form.questions if not q.show)


def test_what_stands_in_a_report_is_printed_and_never_read() -> None:
    assert "A stolen [#password] was used." in printed("edpb-art33", Stage.INITIAL)


def test_an_amendment_prints_what_changed() -> None:
    text = printed("edpb-art33", Stage.SUPPLEMENT, (Change("field_68", "Number of people", "500", "2,340,000"),))
    assert "Changes since the earlier report" in text and "2,340,000" in text
