"""What an attacker and an ordinary bad day could do, and may no longer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flows.steps import deliver, erase, publish
from models.values import BadInput, Mode, NeedsPerson, Refused

CORRECTED = {"what_happened": "A folder is missing, and it held account numbers too."}


def test_who_may_stand_on_a_rejected_line_is_not_withdrawn_and_no_duty_counts_as_met(office: Any) -> None:
    office.declare(office.HIPAA)
    rows = [office.person(n) for n in range(6)]
    office.scope(rows)
    office.prepare()
    broken = [*rows[:5], office.person(5, consent="perhaps")]
    assert office.scope(broken).changes == {"unchanged": 5, "not_listed_but_kept": 1}
    office.launch()
    assert office.people()["told"] == 6
    told = [d for key, d in office.deadlines().items() if "/individuals/" in key]
    assert told and all(d["met"] is None for d in told), "somebody unread may stand on that line"
    office.scope(rows)
    office.settle()
    assert all(d["met"] for key, d in office.deadlines().items() if "/individuals/" in key)


def test_a_rejected_line_makes_counts_a_range_so_no_threshold_is_missed(office: Any) -> None:
    office.declare(office.HIPAA)
    rows = [office.person(n, residence="US-IL") for n in range(500)]
    scoped = office.scope([*rows, office.person(500, residence="US-IL", consent="perhaps")])
    assert "us-hipaa/media/US-IL/initial" in scoped.undetermined


def test_a_list_that_lacks_most_people_changes_nothing_until_a_person_says_so(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n) for n in range(6)])
    office.refuses(NeedsPerson, "5 of 6 people are not on this list", office.scope, [office.person(0)])
    assert office.status()["people"]["in_scope"] == 6


def test_facts_corrected_after_launch_stop_the_wave_and_the_page_until_new_words_are_signed(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0), *(office.person(n, email=f"p{n}+greylist@example.org") for n in range(1, 4))])
    office.launch()
    office.declare(office.HIPAA, author="editor", narrative=office.HIPAA["narrative"] | CORRECTED)
    office.pass_time(hours=1)
    office.refuses(NeedsPerson, "says otherwise", office.send)
    assert office.prepare().people == 3
    assert office.people()["open"] == 3


def test_a_page_of_a_wave_that_only_says_it_was_launched_does_not_go_out(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n, **office.NOWHERE) for n in range(10)])
    office.prepare()
    office.tamper("UPDATE wave SET launched_at = prepared_at")
    office.refuses(NeedsPerson, "two different people", publish.publish, office.desk, office.slug, "responder")
    office.tamper("UPDATE public_notice SET published_at = prepared_at")
    office.refuses(NeedsPerson, "two different people", publish.publish, office.desk, office.slug, "responder")
    office.tamper("UPDATE public_notice SET wordings = '{}'")
    office.refuses(Refused, "is not what was drafted", publish.publish, office.desk, office.slug, "responder")


def test_a_channel_without_settings_is_told_before_anything_leaves(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0), office.person(1, consent="")])
    office.sign(f"wave:{office.prepare().wave}")

    def opener(*given: Any) -> Any:
        raise BadInput("TOCSIN_SMTP_URL", "is not set.")

    told = "TOCSIN_SMTP_URL: is not set. Nothing was sent. 1 of 2 people of this wave could be told without email."
    office.refuses(BadInput, told, deliver.deliver, office.desk, office.slug, 1, "responder", opener=opener)
    assert office.rows("wave")[0]["launched_at"] is None


@pytest.mark.parametrize("reason", ["", "the authority was told by telephone"])
def test_an_incident_with_a_duty_without_a_date_is_not_closed_without_a_reason(office: Any, reason: str) -> None:
    office.declare(
        office.SHOP, promise=[{"name": "Policy", "text": "We tell you in good time.", "to": ["individuals"]}]
    )
    if reason:
        erase.close(office.desk, office.slug, "lead", reason)
        assert office.status()["closed"]
    else:
        office.refuses(NeedsPerson, "not met", erase.close, office.desk, office.slug, "lead", reason)


def test_a_live_wave_is_not_written_under_another_name_than_the_facts_state(office: Any) -> None:
    office.declare(office.HIPAA, organisation=office.HIPAA["organisation"] | {"name": "Another Clinic"})
    office.scope([office.person(0)])
    assert office.prepare().wave == 1, "an exercise may"
    office.desk.settings = replace(office.desk.settings, mode=Mode.LIVE)
    office.refuses(BadInput, "Another Clinic", office.prepare)
