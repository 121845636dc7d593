"""What the schema can say beside plain duties: orders, forms of an earlier telling, caps, names, means, judgements."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from models.facts import parse_facts
from models.values import BadInput
from models.vocabulary import load as vocabulary
from models.vocabulary.judgement import basis, judged_facts, kinds, kinds_for
from regimes.assess import assess
from regimes.clock import same_authority
from regimes.explain import deciding, reasoning
from regimes.judgement import resting
from regimes.load import instrument, instruments, load_instrument
from regimes.obligations import Assessment
from regimes.schema import Means, means_needed, means_said

GOOD = """
id = "xx-law"
name = "A law"
place = "US-CA"
kind = "personal_data"
[[version]]
from = 2020-01-01
citation = "s 1"
sources = ["https://law.example.org/s1"]
checked = 2026-11-24
confidence = "corpus"
[[version.duty]]
duty = "individuals"
citation = "s 2"
when = { count = "residents", more_than = 5 }
deadline = [{ value = 30, unit = "calendar_days", from = "discovered" }]
"""
AS_OF = datetime(2026, 11, 24, 9, tzinfo=UTC)


def law(duty: str = "", version: str = "", text: str = GOOD) -> Any:
    return load_instrument(text.replace("[[version.duty]]", f"{version}\n[[version.duty]]\n{duty}", 1), "law.toml")


REFUSED = [
    ("", "[version.notice]\nnone_prescribed = true", "none_prescribed needs a citation"),
    (
        "",
        '[version.notice]\nnone_prescribed = true\ncitation = "s 3"\n'
        'elements = [{ element = "contact", citation = "s 3" }]',
        "none_prescribed cannot stand beside elements",
    ),
    ('combine = "capped"', "", '"capped" takes two deadlines'),
    ('combine = "caped"', "", 'Did you mean "capped"?'),
    ("", 'law_enforcement = { citation = "s 4", resume_days = 7, resume_business_days = 7 }', "exclude each other"),
]


@pytest.mark.parametrize(("duty", "version", "problem"), REFUSED)
def test_what_does_not_go_together_is_refused(duty: str, version: str, problem: str) -> None:
    with pytest.raises(BadInput) as error:
        law(duty, version)
    assert problem in str(error.value)


CLOCKS = [
    ('from = "order"', "needs a condition that names the order"),
    ('value = 3, unit = "hours", from = "order"', "does not go with"),
    (
        'value = 3, unit = "hours", from = "submission", of = { duty = "regulator", form = "spoken" }',
        '"spoken" is unknown',
    ),
]


@pytest.mark.parametrize(("clock", "problem"), CLOCKS)
def test_a_clock_that_cannot_be_counted_is_refused(clock: str, problem: str) -> None:
    text = GOOD.replace('value = 30, unit = "calendar_days", from = "discovered"', clock)
    with pytest.raises(BadInput, match=problem):
        load_instrument(text, "law.toml")


def test_a_law_that_prescribes_no_content_is_an_answer_and_no_open_point() -> None:
    from console.cli.law_tools import gaps

    silent = law()
    said = law("", '[version.notice]\nnone_prescribed = true\ncitation = "s 3"')
    assert any("no content" in line for line in gaps([silent]))
    assert not any("content" in line for line in gaps([said]))
    notice = said.versions[0].notice
    assert notice.content_settled and not notice.elements


ORDERED = """
when = { ordered_by = "Data Board", duty = "individuals" }
deadline = [{ from = "order", citation = "s 5" }]
"""


def ordered(*orders: dict[str, Any]) -> Assessment:
    text = GOOD.split("when =")[0] + ORDERED
    made = load_instrument(text.replace('"US-CA"', '"AQ"'), "law.toml")
    facts = parse_facts({"people": {"AQ": 3}, "order": list(orders)}, "f")
    return assess(facts, AS_OF, instruments={"xx-law": made})


def test_a_duty_by_order_is_owed_once_and_at_the_time_of_the_order() -> None:
    row = {"authority": "Data Board of AQ", "due": "2026-12-01T12:00:00+00:00", "duty": "individuals"}
    later = row | {"due": "2026-12-09T12:00:00+00:00"}
    found = ordered(later, row)
    (owed,) = found.obligations
    assert owed.id == "xx-law/individuals/AQ/initial" and owed.due == datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert "the order of Data Board names the time" in owed.derivation[0] and not found.undetermined


def test_an_order_of_another_duty_is_listed_for_itself() -> None:
    found = ordered({"authority": "Data Board", "due": "2026-12-01", "duty": "individuals"}, OTHER)
    ids = {entry.id.rsplit("/", 1)[0]: entry.recipient.value for entry in found.all()}
    assert ids == {"xx-law/individuals/AQ": "individuals", "promise/public/2-order-data-board": "public"}


OTHER = {"authority": "Data Board", "due": "2026-12-05", "duty": "public"}

SAME = [
    ("de", "de", "supervisory authority of Germany", True),
    ("de", "se", "supervisory authority of Sweden", False),
    ("de", "fr", "competent authority under DORA Art 46, France", False),
    ("ICO", "x", "the ICO (Information Commissioner)", True),
    ("information commissioner", "ico", "Information Commissioner's Office", True),
    ("", "ico", "Information Commissioner's Office", True),
    ("个人信息保护委员会", "x", "国家个人信息保护委员会", True),
    ("DPC", "ie", "Data Protection Commission", False),
]


@pytest.mark.parametrize(("written", "slug", "name", "same"), SAME)
def test_an_abbreviation_is_a_whole_word_of_the_authoritys_name(written: str, slug: str, name: str, same: bool) -> None:
    assert same_authority(written, slug, name) is same


def test_the_authority_of_every_state_bears_the_name_that_the_law_gives_it() -> None:
    data = {
        "organisation": {"country": "IE", "role": "controller", "sectors": ["dora_entity"]},
        "times": {"aware": "2026-11-23T09:00:00+00:00", "classified": "2026-11-23T10:00:00+00:00"},
        "risk": {"significant_incident": True, "gdpr": "risk"},
    }
    found = {o.id: o for o in assess(parse_facts(data, "f"), AS_OF).all()}
    dora = found["eu-dora/regulator/IE/noon-rule/initial"]
    assert (dora.authority, dora.authority_slug) == ("competent authority under DORA Art 46, Ireland", "ie")
    assert found["eu-gdpr/regulator/IE/initial"].authority == "Data Protection Commission"


THREE = (Means.EMAIL, Means.WEBSITE, Means.STATEWIDE_MEDIA)
MEANS = [
    ("all", THREE, 3, "email and website and statewide media"),
    ("any", THREE, 1, "email or website or statewide media"),
    ("any_2", THREE, 2, "two of email, website, statewide media"),
    ("any_2", THREE[:2], 2, "email and website"),
    ("any_2", THREE[:1], 1, "email"),
]


@pytest.mark.parametrize(("mode", "means", "needed", "said"), MEANS)
def test_how_many_means_of_substitute_notice_are_used_together(
    mode: str, means: tuple[Means, ...], needed: int, said: str
) -> None:
    assert (means_needed(mode, means), means_said(mode, means)) == (needed, said)


@pytest.mark.parametrize("law_id", ["us-ok", "us-wv", "us-gu"])
def test_two_of_three_means_are_enough_in_oklahoma_west_virginia_and_guam(law_id: str) -> None:
    tiers = instrument(law_id).versions[-1].substitute
    assert [means_needed(tier.mode, tier.means) for tier in tiers if len(tier.means) == 3] == [2]


# --- judgements -----------------------------------------------------------------------------------------------------


def test_every_kind_says_what_it_must_speak_to_and_hipaa_has_its_four_factors() -> None:
    known = vocabulary("judgement")["kinds"]
    assert set(kinds()) == set(known) and all(kind.title and kind.citation for kind in kinds().values())
    four = kinds()["hipaa_low_probability"].factors.values()
    assert [said.split(" ")[0] for said in four] == ["(i)", "(ii)", "(iii)", "(iv)"]
    assert {"risk.gdpr", "risk.harm_unlikely", "data.recipient_trusted"} <= judged_facts()
    assert not any(key.startswith("people") for key in judged_facts())
    assert kinds_for("risk.harm_unlikely", "us-hipaa") == {"hipaa_low_probability"}
    assert kinds_for("risk.harm_unlikely", "us-fl") == {"general"}


EUROPE: dict[str, Any] = {
    "organisation": {"country": "DE", "role": "controller", "sectors": ["hipaa_covered_entity"]},
    "times": {"aware": "2026-11-20T10:00:00+01:00", "discovered": "2026-11-20"},
    "data": {"elements": ["name", "ssn"], "encrypted": False, "acquired": True, "unsecured_phi": True},
    "people": {"DE": 10, "US-OH": 400},
}
DE, HIPAA = "eu-gdpr/regulator/DE/initial", "us-hipaa/individuals/US/initial"
MEDIA = "us-hipaa/media/US-OH/initial"
RESTING = [
    ({"gdpr": "risk", "harm_unlikely": False}, set(), {"eu-gdpr/individuals/EU/initial"}),
    ({"gdpr": "high"}, set(), set()),
    ({"gdpr": "unlikely"}, set(), {DE}),
    ({"gdpr": "unlikely"}, {("risk.gdpr", "gdpr_risk")}, set()),
    ({"harm_unlikely": True, "gdpr": "high"}, {("risk.harm_unlikely", "general")}, {HIPAA}),
    ({"harm_unlikely": True, "gdpr": "high"}, {("risk.harm_unlikely", "hipaa_low_probability")}, set()),
    ({"gdpr": "unlikely", "harm_unlikely": True}, {("risk.gdpr", "gdpr_risk")}, {HIPAA}),
]


@pytest.mark.parametrize(("risk", "recorded", "missing"), RESTING)
def test_a_duty_that_only_a_judgement_keeps_from_being_owed_is_named_until_it_is_recorded(
    risk: dict[str, Any], recorded: set[tuple[str, str]], missing: set[str]
) -> None:
    facts = parse_facts(EUROPE | {"risk": risk}, "f")
    found = resting(facts, assess(facts, AS_OF), recorded)
    open_ = {one.id for one in found if one.missing and one.regime in ("eu-gdpr", "us-hipaa")}
    assert open_ >= missing and (missing or not open_)
    assert MEDIA not in {one.id for one in found}  # 400 are not more than 500: a figure, no judgement


def test_what_a_figure_decides_or_what_is_owed_rests_on_no_judgement() -> None:
    facts = parse_facts(EUROPE, "f")
    assert resting(facts, assess(facts, AS_OF)) == ()


def test_the_ground_of_a_judgement_is_data_risk_people_and_times_and_not_the_words_about_it() -> None:
    more = {"risk": {"gdpr": "risk", "reasons": "x"}, "narrative": {"impact": "x", "cause": "y"}}
    ground = basis(parse_facts(EUROPE | more, "f").plain)
    assert {"risk.gdpr", "data.elements", "people.DE", "organisation.sectors", "narrative.impact"} <= ground.keys()
    assert "narrative.cause" not in ground
    assert not {"risk.reasons", "times.aware", "organisation.name"} & ground.keys()


def test_every_obligation_that_is_not_owed_has_the_id_it_would_have() -> None:
    facts = parse_facts(EUROPE | {"risk": {"gdpr": "unlikely", "harm_unlikely": True}}, "f")
    refused = assess(facts, AS_OF)
    owed = assess(parse_facts(EUROPE | {"risk": {"gdpr": "high", "harm_unlikely": False}}, "f"), AS_OF)
    ids = {entry.id for entry in refused.not_owed}
    assert {DE, HIPAA} <= ids and {DE, HIPAA} <= {entry.id for entry in owed.all()}
    assert all(entry.id for entry in refused.not_owed)


# --- what would decide ----------------------------------------------------------------------------------------------

PARTLY: dict[str, Any] = {"elements": {"min": ["name"]}, "encrypted": False, "acquired": True}


def test_an_undetermined_duty_names_the_elements_on_which_it_turns() -> None:
    at_most = {"elements": {"min": ["name"], "max": ["name", "ssn", "email"]}, "encrypted": False, "acquired": True}
    for data, wanted in ((PARTLY, {"ssn", "driver_licence"}), (at_most, {"ssn"})):
        facts = parse_facts({"people": {"US-WA": 900}, "times": {"discovered": "2026-11-20"}, "data": data}, "f")
        entry = next(o for o in assess(facts, AS_OF).undetermined if o.id == "us-wa/individuals/US-WA/initial")
        words = set(deciding(entry, facts))
        assert wanted <= words and "name" not in words
        assert data is PARTLY or words == wanted
        assert reasoning(entry, facts).parts


def test_each_of_those_elements_does_decide_it() -> None:
    data = {"people": {"US-WA": 900}, "times": {"discovered": "2026-11-20"}, "data": PARTLY}
    facts = parse_facts(data | {"risk": {"harm_unlikely": False}, "organisation": {"role": "controller"}}, "f")
    entry = next(o for o in assess(facts, AS_OF).undetermined if o.id == "us-wa/individuals/US-WA/initial")
    alone = {"ssn", "driver_licence", "passport", "biometric"}
    for word in set(deciding(entry, facts)) & alone:
        told = facts.revised({"data.elements": ["name", word]}, "test")
        assert entry.id in {o.id for o in assess(told, AS_OF).obligations}, word
    without = facts.revised({"data.elements": ["name"]}, "test")
    assert entry.id in {o.id for o in assess(without, AS_OF).not_owed}


def test_every_law_that_waits_for_an_order_names_an_authority_and_the_duty() -> None:
    from regimes.reading import order_test

    found = {
        rule.citation: test
        for held in instruments().values()
        for version in held.versions
        for rule in version.duties
        if (test := order_test(rule.when))
    }
    assert len(found) >= 3 and all(test.authority and test.duty for test in found.values())
