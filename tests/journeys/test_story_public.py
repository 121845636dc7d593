"""Those whom no channel reaches: when the law wants another notice, when a public one, and what it then counts for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from console.cli.advice import next_steps
from flows.steps import media, publish, settle
from flows.steps.status import status
from models.values import BadInput, NeedsPerson, Refused

PEOPLE = "us-hipaa/individuals/US/initial"


def tiers(office: Any) -> list[tuple[str, bool, bool]]:
    """Tier, owed, public: what the law says of those who can't be reached."""
    return [(d.tier, d.owed, d.public) for _, d in publish.judge(office.desk, office.slug).decisions]


def open_case(office: Any, unreachable: int, kin: int = 0) -> None:
    """Five who can be told by email, one by letter only, and those without any contact."""
    office.declare(office.HIPAA)
    told = [office.person(n) for n in range(5)] + [office.person(5, consent="", email="")]
    lost = [office.person(100 + n, **office.NOWHERE) for n in range(unreachable)]
    dead = [office.person(200 + n, **office.NOWHERE, deceased="yes", kin="Kim Example") for n in range(kin)]
    office.scope([*told, *lost, *dead])


@pytest.mark.parametrize("kin", [0, 3])
def test_nine_unreachable_people_ask_for_another_way_and_not_for_the_public(office: Any, kin: int) -> None:
    open_case(office, 9, kin)
    office.launch()
    assert tiers(office) == [("hipaa-fewer-than-10", True, False)]
    office.refuses(Refused, "no law allows or demands a page", publish.publish, office.desk, office.slug, "responder")
    assert office.rows("public_notice") == []


def test_the_tenth_unreachable_person_makes_a_public_notice_owed_and_its_posting_meets_the_duty(office: Any) -> None:
    open_case(office, 9, kin=3)
    office.launch()
    assert office.deadlines()[PEOPLE]["met"] is None
    letter = next(row for row in office.rows("delivery") if row["channel"].value == "letter")
    office.pass_time(days=3)
    settle.returned_letters(office.desk, office.slug, [office.rows("notice", id=letter["notice_id"])[0]["reference"]])
    assert tiers(office) == [("hipaa-10-or-more", True, True)]
    assert office.people() == {"told": 5, "unreached": 13}

    office.pass_time(days=1)
    page = publish.publish(office.desk, office.slug, "responder")
    assert page.met == (PEOPLE,) and not page.again
    assert office.people() == {"told": 5, "public_only": 13}
    assert office.deadlines()[PEOPLE]["met"] == office.desk.now().isoformat()
    posted = office.rows("public_notice")
    assert [(row["kind"], row["version"]) for row in posted] == [("page", 1)]
    assert (posted[0]["until"] - posted[0]["prepared_at"]).days == 90

    before = {path: path.read_bytes() for path in page.folder.rglob("*") if path.is_file()}
    office.pass_time(days=1)
    again = publish.publish(office.desk, office.slug, "responder")
    assert (again.again, again.version, again.met) == (True, 1, ())
    assert {path: path.read_bytes() for path in page.folder.rglob("*") if path.is_file()} == before
    assert len(office.events("public_published")) == 1
    assert office.rows("public_notice") == posted


MEDIA = "us-hipaa/media/US-OH/initial"


def release_in_ohio(office: Any, outlet: str = "") -> publish.Published:
    """A release that the law demands for Ohio, written; `outlet` is a table of the profile."""
    if outlet:
        office.profile("[sender]", f"{outlet}\n[sender]")
    office.declare(office.HIPAA, people={"US-OH": 501})
    office.scope([office.person(n) for n in range(3)])
    office.launch()
    return publish.publish(office.desk, office.slug, "responder", publish.Kind.PRESS)


def test_a_release_with_an_empty_distribution_list_tells_no_media_until_a_person_gave_it_to_outlets(
    office: Any,
) -> None:
    done = release_in_ohio(office)
    assert done.met == () and "no statewide or major outlet is listed for US-OH" in done.warnings[0]
    assert office.deadlines()[MEDIA]["met"] is None
    asked = [step.command for step in next_steps(status(office.desk, office.slug))]
    assert 'tocsin publish clinic --what press --given "OUTLET" --at ISO --by NAME' in asked
    written = office.desk.now()
    office.pass_time(hours=3)
    for problem, outlets, at, place in (
        ("names no outlet", [" "], None, ""),
        ("lies ahead of now", ["Ohio Examiner"], office.desk.now() + timedelta(minutes=1), ""),
        ("before the release", ["Ohio Examiner"], written - timedelta(minutes=1), ""),
        ("US-TX waits for no outlet", ["Ohio Examiner"], None, "US-TX"),
    ):
        office.refuses(BadInput, problem, media.give, office.desk, office.slug, "responder", outlets, at, place)
    given = media.give(office.desk, office.slug, "responder", ["Ohio Examiner"], office.desk.now())
    assert (given.met, given.left) == ((MEDIA,), ())
    assert office.deadlines()[MEDIA]["met"] == office.desk.now().isoformat()
    (event,) = office.events("press_given")
    assert event["body"]["outlets"] == ["Ohio Examiner"] and event["body"]["by"] == "responder"


@pytest.mark.parametrize(
    ("outlet", "met"),
    [
        ('place = "US-OH"\nreach = "statewide"', (MEDIA,)),
        ('place = "US"\nreach = "major"', (MEDIA,)),
        ('place = "US-OH"\nreach = "local"', ()),
        ('place = "US-TX"\nreach = "statewide"', ()),
    ],
)
def test_a_release_meets_the_duty_only_with_a_wide_outlet_of_the_place_on_its_list(
    office: Any, outlet: str, met: tuple[str, ...]
) -> None:
    assert release_in_ohio(office, f'[[outlet]]\nname = "Examiner"\n{outlet}').met == met


def test_a_page_whose_words_no_launched_wave_bound_needs_approvals_of_its_own(office: Any) -> None:
    open_case(office, 10)
    office.prepare()
    asked = (office.desk, office.slug, "responder")
    office.refuses(
        NeedsPerson, "page 1 of clinic can't go out: two different people must approve", publish.publish, *asked
    )
    assert not list((office.folder / "home").glob("pages/public/**/*.html"))
    office.sign("page:1", "counsel")
    office.refuses(NeedsPerson, "1 did", publish.publish, *asked)
    office.pass_time(hours=20)
    office.sign("page:1", "officer")
    assert not publish.publish(*asked).again
    row = office.rows("public_notice")[0]
    assert (row["until"] - row["published_at"]).days == 90, "the days count from the posting, not from the draft"
    assert list((office.folder / "home").glob("pages/**/*.html"))


def test_a_page_whose_stored_words_were_changed_is_refused(office: Any) -> None:
    open_case(office, 10)
    office.launch()
    office.tamper("UPDATE wording SET body = REPLACE(body, 'records', 'recipes') WHERE channel = 'public'")
    office.refuses(Refused, "is not what was drafted", publish.publish, office.desk, office.slug, "responder")


def test_the_promise_uses_its_own_channels_and_its_own_public_notice(office: Any) -> None:
    office.declare(office.SHOP)
    phone = {**office.NOWHERE, "phone": "+12025550123"}
    office.scope([office.customer(1), office.customer(2, **phone), office.customer(3, **office.NOWHERE)])
    prepared = office.prepare()
    assert prepared.ladders == {"email>letter": 1, "sms>call_list": 1, "none": 1}
    office.sign("wave:1")
    office.send(1)
    assert office.people() == {"told": 2, "unreached": 1}
    decision = publish.judge(office.desk, office.slug).decisions[0][1]
    assert (decision.regime, decision.owed, decision.public) == ("promise", True, True)
    assert publish.publish(office.desk, office.slug, "responder").met == (
        "promise/individuals/1-privacy-policy-section-8/initial",
    )
    assert office.people() == {"told": 2, "public_only": 1}


def test_a_promise_without_the_public_clause_never_publishes(office: Any) -> None:
    promise = {k: v for k, v in office.SHOP["promise"][0].items() if k != "public_when_difficult"}
    office.declare(office.SHOP, promise=[promise])
    office.scope([office.customer(1), office.customer(3, **office.NOWHERE)])
    office.launch()
    office.refuses(Refused, "no law allows or demands a page", publish.publish, office.desk, office.slug, "responder")


def test_a_processor_owes_its_controllers_and_does_not_write_to_their_people(office: Any) -> None:
    own = {**office.HIPAA["organisation"], "role": "processor", "sectors": ["hipaa_business_associate"]}
    contract = {"customer": "Big Hospital", "deadline": {"value": 24, "unit": "hours", "from": "aware"}}
    office.declare(office.HIPAA, organisation=own, contract=[contract])
    office.scope([office.person(n, customer="Big Hospital") for n in range(3)])
    recipients = {key: row["recipient"] for key, row in office.deadlines().items()}
    for key in ("promise/contract/1-big-hospital/initial", "us-hipaa/processor_to_controller/US/initial"):
        assert recipients[key] == "controller"
    assert not {"individuals", "media", "public"} & set(recipients.values())
    office.refuses(NeedsPerson, "a processor tells its controllers", office.prepare)
    assert office.rows("notice") == [] and office.rows("delivery") == []
