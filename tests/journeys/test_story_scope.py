"""A list against what was declared, and a second list against the first."""

from __future__ import annotations

from typing import Any

import pytest

from models.values import NeedsPerson, Refused

MEDIA = "us-hipaa/media/US-IL/initial"


@pytest.mark.parametrize(("listed", "media"), [(500, False), (501, True)])
def test_the_501st_resident_on_the_list_makes_the_media_duty_and_480_stays_as_declared(
    office: Any, listed: int, media: bool
) -> None:
    office.declare(office.HIPAA, people={"US-IL": 480}, people_detail={"total": 480})
    assert MEDIA not in office.deadlines()

    scoped = office.scope([office.person(n, residence="US-IL") for n in range(listed)])

    assert (MEDIA in office.deadlines()) is media
    if media:
        because = " ".join(office.deadlines()[MEDIA]["because"])
        assert "501" in because and "more than 500" in because
    assert any("480" in line and str(listed) in line for line in scoped.contradictions)
    declared, current = office.rows("facts_revision", number=1)[0], office.rows("facts_revision", number=2)[0]
    assert '"US-IL":480' in declared["body"] and f'"US-IL":{listed}' in current["body"]
    assert (declared["source"], current["source"]) == ("declared", "list:people.csv")
    assert office.events("facts_contradicted")[0]["body"]["keys"] == ["people.US-IL", "people_detail.total"]


def test_a_list_that_is_shorter_than_declared_names_each_duty_that_falls_away(office: Any) -> None:
    office.declare(office.HIPAA, people={"US-IL": 501}, people_detail={"total": 501})
    assert MEDIA in office.deadlines()

    scoped = office.scope([office.person(n, residence="US-IL") for n in range(3)])

    assert MEDIA not in office.deadlines()
    (why,) = [line for line in scoped.fallen if line.startswith(f"{MEDIA}: ")]
    assert "3 residents of US-IL" in why
    assert office.scope([office.person(n, residence="US-IL") for n in range(501)]).fallen == ()


def test_the_same_list_again_changes_nobody(office: Any) -> None:
    office.declare(office.HIPAA)
    rows = [office.person(n) for n in range(5)]
    office.scope(rows)
    before = office.rows("subject")
    assert office.scope(rows).changes == {"unchanged": 5}
    assert [row["id"] for row in office.rows("subject")] == [row["id"] for row in before]
    assert all(row["changed_at"] is None for row in office.rows("subject"))


def second_list(office: Any) -> list[dict[str, str]]:
    """Of ten people: 2 moved, 3 is gone, 4 has died, 5 no longer wants email, 10 is new."""
    rows = {n: office.person(n) for n in range(10)}
    rows[2] = office.person(2, email="moved.CNRY-00000002@example.org")
    del rows[3]
    kin = {"kin": "Kim CNRY-000000aa", "kin_email": "", "kin_address": "4 Kin Street|Sampleton, IL 60600"}
    rows[4] = office.person(4, deceased="yes", **kin)
    rows[5] = office.person(5, consent="")
    return [*rows.values(), office.person(10)]


def test_who_changes_between_signing_and_sending_leaves_the_wave_and_the_next_one_has_them(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n) for n in range(10)])
    office.sign(f"wave:{office.prepare().wave}")

    changes = office.scope(second_list(office), author="lister").changes
    assert changes == {"new": 1, "changed_contact": 2, "deceased_since": 1, "unchanged": 6, "withdrawn": 1}

    office.send(1)
    assert sorted(office.mails()) == sorted(office.canary(n) for n in (0, 1, 6, 7, 8, 9))
    assert office.people() == {"told": 6, "open": 4}

    follow_up = office.launch()
    assert office.rows("wave", number=follow_up.wave)[0]["kind"].value == "follow_up"
    assert office.people() == {"told": 10}
    assert office.mails()["CNRY-00000002"] == 1 and office.mails()["CNRY-0000000a"] == 1
    assert office.mails()["CNRY-00000005"] == 0, "no email after the agreement to it was withdrawn"
    assert office.states()["letter", "accepted"] == 2, "the next of kin, and who no longer wants email"
    with pytest.raises(NeedsPerson, match="everybody in scope has a notice already"):
        office.prepare()


def test_more_exposed_elements_after_being_told_make_a_supplementary_wave_and_what_was_sent_stays(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n) for n in range(6)])
    office.launch()
    sent = {row["id"]: row["state"] for row in office.rows("delivery")}

    rows = [office.person(n) for n in range(6)]
    rows[1] = office.person(1, elements="name; diagnosis; ssn")
    rows[2] = office.person(2, deceased="yes")
    rows[3] = office.person(3, elements="name")
    del rows[5]
    changes = office.scope(rows, author="lister").changes
    assert changes == {
        "changed_more_elements": 1,
        "deceased_since": 1,
        "changed_other": 1,
        "unchanged": 2,
        "withdrawn": 1,
    }

    wave = office.prepare()
    assert (wave.kind.value, wave.people) == ("supplementary", 1)
    office.sign(f"wave:{wave.wave}")
    office.send(wave.wave)
    assert office.mails() == {office.canary(n): 2 if n == 1 else 1 for n in range(6)}
    assert {row["id"]: row["state"] for row in office.rows("delivery") if row["id"] in sent} == sent
    assert office.people() == {"told": 5}, "the withdrawn one was told and is no longer counted"


def test_a_person_who_is_listed_again_after_being_withdrawn_is_told(office: Any) -> None:
    office.declare(office.HIPAA)
    rows = [office.person(n) for n in range(3)]
    office.scope(rows)
    office.sign(f"wave:{office.prepare().wave}")
    office.scope(rows[:2], author="lister")
    office.send(1)
    assert office.people() == {"told": 2}
    office.scope(rows, author="lister")
    assert office.people() == {"told": 2, "open": 1}
    office.launch()
    assert office.people() == {"told": 3}


def test_a_rung_that_opens_late_does_not_go_to_an_address_that_has_changed_since(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0), office.person(1, email=office.marked(1, "dsn"))])
    office.launch()
    moved = office.person(1, email=office.marked(1, "dsn"), street="77 New Street")
    office.scope([office.person(0), moved], author="lister")
    office.settle()
    office.send(1)
    assert office.states()["letter", "suppressed"] == 1
    assert office.people() == {"told": 1, "open": 1}
    office.launch()
    office.settle()
    office.send(2)
    assert office.people() == {"told": 2}
    manifests = [path.read_text("utf-8") for path in (office.folder / "home" / "letters").rglob("manifest.json")]
    assert len(manifests) == 1 and "77 New Street" in manifests[0]


def test_preparing_anew_voids_the_approvals_of_what_was_not_launched(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n) for n in range(3)])
    office.prepare()
    office.sign("wave:1")
    assert office.prepare().wave == 2
    assert [row["voided_why"] for row in office.rows("approval")] == ["the wave was prepared anew"] * 2
    office.refuses(NeedsPerson, "two different people must approve this version; 0 did", office.send, 2)
    assert {row["wave_id"] for row in office.rows("notice")} == {office.rows("wave", number=2)[0]["id"]}


def test_whoever_a_closed_window_left_behind_is_in_the_next_wave_and_nobody_is_told_twice(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n, email=f"p{n}+greylist@example.org") for n in range(4)] + [office.person(9)])
    office.launch()
    assert (office.people()["told"], office.people()["open"]) == (1, 4)

    office.pass_time(days=31)
    office.refuses(Refused, "window closed", office.send)
    wave = office.prepare()
    assert (wave.wave, wave.kind, wave.people) == (2, "follow_up", 4)
    assert office.people()["open"] == 4
    assert {d["suppressed_why"] for d in office.rows("delivery", state="suppressed")} == {"window_over"}

    office.sign("wave:2")
    office.send(2)
    office.pass_time(hours=1)
    office.send(2)
    assert office.people()["told"] == 5 and set(office.mails().values()) == {1}
