"""The linter: a complete text passes, each missing piece is named exactly, and poor notices fail as they should."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from models.facts import parse_facts
from models.values import BadInput, Channel, Element, Finding, Mode, Role, Severity, Wording
from planning import lint
from planning.lint import (
    Cues,
    Demand,
    Form,
    Prohibition,
    Task,
    lint_parts,
    lint_wording,
    read_parts,
    sms_parts,
    task_for,
)
from planning.segment import Key, LawNotice, content_classes, fold_blocks, order_exposed
from regimes import load, schema
from templates.audit import PROFILE
from templates.render import cues, render, sheet

INSTRUMENTS = load.instruments()
CUES = {language: Cues.of(cues(language)) for language in ("en", "zh-Hans")}
NARRATIVE = {
    "what_happened": {
        "en": "A stranger got into our system and copied files.",
        "zh-Hans": "有人侵入我们的系统并复制了文件。",
    },
    "cause": {"en": "The password of an employee had been stolen.", "zh-Hans": "一名员工的密码被盗。"},
    "impact": {"en": "Thieves may write to you in our name.", "zh-Hans": "骗子可能冒充我们与您联系。"},
    "measures_taken": {"en": "We closed the way in.", "zh-Hans": "我们封堵了入口。"},
    "measures_planned": {"en": "We will check all servers.", "zh-Hans": "我们将检查全部服务器。"},
    "remedies": {"en": "We pay for a new card.", "zh-Hans": "换卡费用由我们承担。"},
}
DATA = {
    "id": "x",
    "title": "X",
    "organisation": {"name": "Example Orchard", "timezone": "UTC"},
    "times": {"occurred_from": "2026-03-02", "occurred_until": "2026-03-05", "discovered": "2026-03-09"},
    "narrative": NARRATIVE,
}
FACTS = parse_facts(DATA, "x.toml")
PROMISE = LawNotice(
    "promise",
    schema.Notice(
        elements=tuple(
            schema.ContentItem(Element(word), "Policy 9")
            for word in ["what_happened", "likely_consequences", "measures", "self_protection", "remedy", "contact"]
        )
    ),
)


def rule(law: str) -> LawNotice:
    if law == "promise":
        return PROMISE
    instrument = INSTRUMENTS[law]
    return LawNotice(law, instrument.versions[-1].notice or schema.Notice(), instrument.place)


def made(
    laws: str,
    exposed: str = "ssn password biometric name",
    language: str = "en",
    role: Role = Role.SELF,
    channel: Channel = Channel.EMAIL,
    overlay: Path | None = None,
    months: int = 24,
) -> tuple[Wording, Task]:
    """The first letter of these laws, rendered, and what it is held to."""
    rules = [rule(law) for law in laws.split()]
    own = order_exposed(exposed.split())
    letter = content_classes(rules, own, FACTS)[0]
    key = Key(letter, letter.laws, language, role, fold_blocks(own), own)
    profile = PROFILE | {
        "organisation": {"name": "Example Orchard", "parent": "Example Holding"},
        "remedy": {"monitoring": "identity monitoring", "monitoring_months": months},
    }
    facts = sheet(FACTS, profile, notice_date=date(2026, 3, 20))
    wording = render(key.spec(), channel, facts, mode=Mode.LIVE, overlay=overlay)
    names = {"organisation": "Example Orchard", "parent": "Example Holding"}
    task = task_for(letter, rules, channel, own, FACTS, **names, role=role)
    return wording, task


def errors(findings: list[Finding]) -> set[str]:
    return {finding.element for finding in findings if finding.severity is Severity.ERROR}


SETS = (
    "promise us-hipaa",
    "us-ca promise us-hipaa",
    "us-ma",
    "us-ny promise",
    "us-wa us-tx",
    "eu-gdpr",
    "cn-pipl promise",
    "au-ndb",
    "sg-pdpa",
)


@pytest.mark.parametrize("laws", SETS)
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
@pytest.mark.parametrize("role", [Role.SELF, Role.GUARDIAN, Role.NEXT_OF_KIN])
def test_our_own_words_satisfy_every_law_in_every_channel(laws, language, role):
    for channel in Channel:
        wording, task = made(laws, language=language, role=role, channel=channel)
        found = lint_wording(wording, task, CUES[language])
        assert [f for f in found if f.element != "short_form"] == [], channel


def _without(overlay: Callable[..., Path], language: str, *parts: str) -> Path:
    """Words in which these parts say nothing. `means` and `do` stand for those of every block."""
    files = {f"{language}/parts/{part}.md.j2": "" for part in parts if part not in ("means", "do")}
    for block in dict.fromkeys(fold_blocks(["ssn", "password", "biometric", "name"])):
        own = Path("templates") / language / "blocks" / f"{block}.md.j2"
        source = own.read_text("utf-8")
        if "means" in parts:
            source = source.replace("{% block means %}", "{% block means_gone %}") + "{% block means %}{% endblock %}"
        if "do" in parts:
            source = source.replace("{% block do %}", "{% block do_gone %}") + "{% block do %}{% endblock %}"
        files[f"{language}/blocks/{block}.md.j2"] = source
    return overlay(files)


@pytest.fixture
def overlay(tmp_path: Path) -> Callable[..., Path]:
    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


STEPS = ("self_protection", "do", "password_change", "biometric_instructions", "security_freeze", "credit_bureaus")
REMOVED = [
    ("promise us-hipaa", ("what_happened",), {"what_happened"}),
    ("promise us-hipaa", ("dates",), {"date_of_breach", "date_of_discovery"}),
    ("promise us-hipaa", ("likely_consequences", "means"), {"likely_consequences"}),
    ("promise us-hipaa", ("measures",), {"measures"}),
    ("promise us-hipaa", ("remedy",), {"remedy"}),
    ("promise", STEPS, {"self_protection"}),
    ("promise us-hipaa", ("contact_toll_free",), {"contact_toll_free"}),
    ("promise us-hipaa", ("contact", "contact_toll_free"), {"contact", "contact_toll_free"}),
    ("us-ca promise", ("what_happened",), {"what_happened"}),
    ("us-ca promise", ("likely_consequences", "means"), {"likely_consequences"}),
    ("us-ca promise", ("measures",), {"measures"}),
    ("us-ca promise", ("remedy", "monitoring_offer"), {"remedy", "monitoring_offer"}),
    ("us-ca promise us-hipaa", ("monitoring_offer",), {"monitoring_offer"}),
    ("us-ca", ("date_of_notice",), {"date_of_notice"}),
    ("us-ca", ("law_enforcement_delay",), {"law_enforcement_delay"}),
    ("us-ca", ("credit_bureaus",), {"credit_bureaus"}),
    ("us-ca", ("password_change",), {"password_change"}),
    ("us-ca", ("biometric_instructions",), {"biometric_instructions"}),
    ("us-ca", ("organisation", "contact", "contact_toll_free"), {"contact"}),
    ("us-ma", ("police_report_right",), {"police_report_right"}),
    ("us-ma", ("security_freeze",), {"security_freeze"}),
    ("us-ma", ("monitoring_offer",), {"monitoring_offer"}),
    ("us-ma", ("parent_name",), {"parent_name"}),
    ("cn-pipl", ("cause",), {"cause"}),
]


@pytest.mark.parametrize(("laws", "parts", "missing"), REMOVED)
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_a_removed_paragraph_is_found_and_nothing_else(laws, parts, missing, language, overlay):
    wording, task = made(laws, language=language, overlay=_without(overlay, language, *parts))
    for part in ("text", "html"):
        found = lint.lint({part: getattr(wording, part)}, task, CUES[language], language)
        assert errors(found) == missing, part


STORIES = [
    ("en", "On 2 March 2026 our database was copied. We found out on 9 March 2026 and told law enforcement."),
    ("en", "A thief could get in between 2 and 5 March 2026, due to a mistake of ours."),
    ("zh-Hans", "事件发生于2026年3月2日，由于员工失误，数据库被复制。我们于2026年3月9日发现并报告执法机关。"),
]


@pytest.mark.parametrize(("language", "story"), STORIES)
def test_a_story_that_tells_dates_and_causes_too_is_still_the_story(language, story, overlay):
    wording, task = made(
        "us-ca promise", language=language, overlay=overlay({f"{language}/parts/what_happened.md.j2": story})
    )
    assert errors(lint_wording(wording, task, CUES[language])) == set()


def test_a_list_without_its_items_names_each(overlay):
    wording, task = made("us-ny", "ssn name", overlay=overlay({"en/parts/data_involved.md.j2": "Some of it."}))
    assert errors(lint_wording(wording, task, CUES["en"])) == {"data_involved:ssn", "data_involved:name"}


@pytest.mark.parametrize(("language", "item"), [("en", "passport number"), ("zh-Hans", "护照号码")])
def test_an_element_that_nobody_of_the_segment_lost_is_an_error(language, item, overlay):
    source = (Path("templates") / language / "parts" / "data_involved.md.j2").read_text("utf-8")
    wording, task = made(
        "us-ny", language=language, overlay=overlay({f"{language}/parts/data_involved.md.j2": f"{source}- {item}\n"})
    )
    assert errors(lint_wording(wording, task, CUES[language])) == {"data_involved:passport"}


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ("An unauthorized person got in.", "nature_of_breach"),
        ("How it happened: a stolen key.", "nature_of_breach"),
        ("It concerns 1,204 residents.", "number_of_residents"),
    ],
)
def test_what_massachusetts_forbids_is_found(sentence, word, overlay):
    wording, task = made("us-ma", overlay=overlay({"en/parts/organisation.md.j2": sentence}))
    found = lint_wording(wording, task, CUES["en"])
    assert errors(found) == {word}
    assert {finding.law for finding in found} == {"us-ma"}


def test_california_wants_its_title_headings_and_order():
    wording, task = made("us-ca")
    cases = {
        "title": wording.text.replace("Notice of Data Breach", "Important notice", 1),
        "heading:measures": wording.text.replace("What We Are Doing", "Our Work"),
        "heading_order": wording.text.replace("What Happened", "TMP")
        .replace("What You Can Do", "What Happened")
        .replace("TMP", "What You Can Do"),
    }
    for element, text in cases.items():
        assert element in errors(lint.lint({"text": text}, task, CUES["en"], "en")), element


@pytest.mark.parametrize(("offered", "found"), [(11, {"monitoring_offer"}), (12, set()), (24, set())])
def test_fewer_months_of_monitoring_than_owed_are_an_error(offered, found):
    wording, task = made("us-ca", "ssn name", months=offered)
    assert errors(lint_wording(wording, task, CUES["en"])) == found


def test_an_unknown_counts_only_where_the_law_allows_it():
    text = "What happened\n---\n\nA stranger copied files.\n\nWe do not yet know when it happened."
    for unknown_ok, found in ((True, set()), (False, {"date_of_breach"})):
        task = Task(required=(Demand("l", "1", Element.DATE_OF_BREACH, unknown_ok),), channel=Channel.LETTER)
        assert errors(lint.lint({"text": text}, task, CUES["en"], "en")) == found


def test_a_heading_with_nothing_under_it_is_empty():
    text = "What happened\n\nWhat data was involved\n\nYour name was involved.\n\nWhat we are doing\n\nWe closed it."
    task = Task(required=(Demand("l", "1", Element.WHAT_HAPPENED),), channel=Channel.LETTER)
    (finding,) = lint.lint({"text": text}, task, CUES["en"], "en")
    assert finding.element == "what_happened" and "nothing under it" in finding.remedy


POOR = (
    "Subject line\n\nDear customer,\n\nAn unauthorised person had access to your data: name, email address, IBAN. "
    "It happened in October 2025.\n\nCall us: +44 1632 960001."
)


def test_a_notice_without_consequences_measures_and_advice_fails_in_exactly_these():
    gdpr = task_for(
        content_classes([PROMISE], ["name", "email", "iban"])[0], [PROMISE], Channel.EMAIL, ["name", "email", "iban"]
    )
    found = errors(lint.lint({"text": POOR}, gdpr, CUES["en"], "en"))
    assert found == {"likely_consequences", "measures", "self_protection", "remedy"}


@pytest.mark.parametrize(
    "leftover", ["{{ name }}", "{% if x %}", "[FIRST NAME]", "TODO", "XXXX", "\ue000surname\ue000", "${name}", "{code}"]
)
def test_a_leftover_placeholder_is_an_error(leftover):
    found = lint.lint({"text": f"Dear {leftover},"}, Task(), CUES["en"], "en")
    assert errors(found) == {"leftover"}


def test_a_slot_is_a_leftover_only_in_a_merged_text():
    text = "Dear \ue000name\ue000,"
    assert lint.lint({"text": text}, Task(), CUES["en"], "en") == []
    assert errors(lint.lint({"text": text}, Task(merged=True), CUES["en"], "en")) == {"leftover"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Your data may have been seen, out of an abundance of caution."),
        ("zh-Hans", "目前没有证据表明信息被滥用，不必担心。"),
    ],
)
def test_hedging_and_playing_down_are_warned_of(language, text):
    found = lint.lint({"text": text}, Task(), CUES[language], language)
    assert [(f.element, f.severity) for f in found] == [("hedging", Severity.WARNING)] * 2


@pytest.mark.parametrize(
    ("language", "text", "wrong"),
    [
        ("zh-Hans", "有人侵入系统。\n\nA stranger got into our order system and copied some of the files in it.", True),
        ("zh-Hans", "联系方式：Example Orchard, 1 Example Street, Sampletown, IL 00000", False),
        ("en", "What happened: 有人侵入我们的系统", True),
        ("en", "Mr 张伟 will answer you.", False),
    ],
)
def test_a_line_in_another_language_is_an_error(language, text, wrong):
    assert errors(lint.lint({"text": text}, Task(), CUES[language], language)) == ({"language"} if wrong else set())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Look at https://example.org/x", {"link"}),
        ("Look at www.example.org", {"link"}),
        ("Look at example.org/notice", {"link"}),
        ("Write to a@example.org", set()),
        ("Call +1 202-555-0100", set()),
        ("x" * 459, set()),
        ("x" * 460, {"length"}),
        ("信" * 201, set()),
        ("信" * 202, {"length"}),
    ],
)
def test_a_text_message_has_no_link_and_at_most_three_parts(text, found):
    task = Task(channel=Channel.SMS, exposed=frozenset({"email"}))
    language = "zh-Hans" if "信" in text else "en"
    assert errors(lint.lint({"text": text}, task, CUES[language], language)) == found


@pytest.mark.parametrize(
    ("text", "parts"),
    [("", 1), ("a" * 160, 1), ("a" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("信" * 70, 1), ("信" * 71, 2), ("’", 1)],
)
def test_parts_are_counted_as_carriers_do(text, parts):
    assert sms_parts(text) == parts


@pytest.mark.parametrize("kind", ["txt", "html", "eml"])
def test_a_file_is_linted_as_the_text_in_it(kind, tmp_path):
    wording, _ = made("us-ca", "ssn name")
    text, page = (part.replace("\ue000", "") for part in (wording.text, wording.html))
    mail = f"Subject: x\nContent-Type: text/plain; charset=utf-8\n\n{text.replace('What We Are Doing', 'Our Work')}"
    content = {"txt": text, "html": page, "eml": mail}[kind]
    path = tmp_path / f"notice.{kind}"
    path.write_text(content, encoding="utf-8")
    versions = {"us-ca": INSTRUMENTS["us-ca"].versions[-1]}
    found = lint_parts(
        read_parts(path),
        ["us-ca"],
        channel=Channel.EMAIL,
        language="en",
        role=Role.SELF,
        exposed=["ssn", "name"],
        facts=FACTS,
        versions=versions,
        cues=cues("en"),
    )
    assert errors(found) == ({"heading:measures", "measures"} if kind == "eml" else set())
    assert all(finding.law == "us-ca" and finding.citation for finding in found)


@pytest.mark.parametrize(
    ("name", "laws", "said"),
    [
        ("a.docx", ["us-ca"], "not readable"),
        ("none.txt", ["us-ca"], "cannot be read"),
        ("b.txt", ["us-zz"], "law 'us-zz': is not known"),
    ],
)
def test_a_file_or_law_that_is_not_known_is_refused(name, laws, said, tmp_path):
    if name != "none.txt":
        (tmp_path / name).write_text("x", encoding="utf-8")
    versions = {"us-ca": INSTRUMENTS["us-ca"].versions[-1]}
    with pytest.raises(BadInput, match=said):
        lint_parts(
            read_parts(tmp_path / name),
            laws,
            channel=Channel.EMAIL,
            language="en",
            role=Role.SELF,
            exposed=["name"],
            facts=None,
            versions=versions,
            cues=cues("en"),
        )


def test_findings_name_law_citation_part_and_remedy(overlay):
    wording, task = made("us-hipaa", overlay=_without(overlay, "en", "measures"))
    (text, html) = lint_wording(wording, task, CUES["en"])
    assert (text.law, text.element, text.severity) == ("us-hipaa", "measures", Severity.ERROR)
    assert text.citation.startswith("45 CFR 164.404") and "narrative.measures_taken" in text.remedy
    assert (text.where, html.where) == ("email text", "email html")


def test_a_form_of_another_law_is_not_asked_for():
    task = Task(form=Form("l", "1", "no-such-form"), prohibited=(Prohibition("l", "1", "no_such_word"),))
    assert lint.lint({"text": "Hello"}, task, CUES["en"], "en") == []


LETTERHEAD = "Example Organisation\n1 Example Street, Sampletown\n+12025550123\nincident@example.org\nAlex Example\n"
ADDRESS = "1 Example Street\nSampletown, IL 00000\nDate March 3, 2026\nReference 7K3M-9QXA\n"
LONG = "We are writing because your personal information was involved in a security incident at Example Orchard."


@pytest.mark.parametrize(
    ("above", "title", "found"),
    [
        ("", "Notice of Data Breach", False),
        (LETTERHEAD + ADDRESS, "Notice of Data Breach", False),
        ("EXERCISE\n" + LETTERHEAD + ADDRESS, "EXERCISE: Notice of Data Breach", False),
        (LETTERHEAD + ADDRESS, "EXERCISED: Notice of Data Breach", True),
        (LETTERHEAD + ADDRESS + LONG + "\n", "Notice of Data Breach", True),
        (LETTERHEAD + ADDRESS + "What Happened\n", "Notice of Data Breach", True),
    ],
)
def test_a_title_stands_below_a_letterhead_and_above_the_text_also_in_an_exercise(above, title, found):
    task = Task(channel=Channel.LETTER, form=Form("us-ca", "(d)", "us-ca"))
    text = f"{above}{title}\n{LONG}\n"
    assert ("title" in errors(lint.lint({"text": text}, task, CUES["en"], "en"))) is found
