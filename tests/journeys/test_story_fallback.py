"""From one channel to the next: refusals, bounces, returned letters, lost texts, and who gets nothing."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import Any

import pytest

from flows.steps import settle
from models.tables import Suppression
from models.values import BadInput, SuppressionReason

AT_ONCE = [  # what the relay does with the person's address, and where the person's deliveries stand after one run
    ("plain", {"email": "accepted"}),
    ("hardbounce", {"email": "undeliverable", "letter": "accepted"}),
    ("disabled", {"email": "undeliverable", "letter": "accepted"}),
    ("greylist", {"email": "ready"}),
    ("no agreement", {"letter": "accepted"}),
]


def test_a_refused_email_becomes_a_letter_in_the_same_run_and_who_did_not_agree_gets_no_email(office: Any) -> None:
    office.declare(office.HIPAA)
    rows = [office.person(n, email=office.marked(n, mark.replace(" ", ""))) for n, (mark, _) in enumerate(AT_ONCE)]
    rows[-1]["consent"] = ""
    office.scope(rows)
    office.launch()
    assert [(mark, office.states_of(n)) for n, (mark, _) in enumerate(AT_ONCE)] == AT_ONCE
    assert office.people() == {"told": 4, "open": 1}
    office.pass_time(minutes=6)
    office.send(1)
    assert office.states_of(3) == {"email": "accepted"} and office.people() == {"told": 5}


COMES_BACK = [  # what comes back, state of the email once that is read, whether a letter opens
    ("dsn", "undeliverable", True),
    ("dsnfull", "undeliverable", True),  # full, and the relay has given up
    ("dsndelay", "accepted", False),
    ("autoreply", "accepted", False),
    ("complaint", "delivered", False),
]


def test_mail_that_comes_back_moves_the_delivery_and_opens_a_letter_where_it_must(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n, email=office.marked(n, mark)) for n, (mark, _, _) in enumerate(COMES_BACK)])
    office.launch()
    settled = office.settle()
    expected = [{"email": state, **({"letter": "ready"} if opens else {})} for _, state, opens in COMES_BACK]
    assert [office.states_of(n) for n in range(len(COMES_BACK))] == expected
    assert settled.opened == 2
    again = office.settle()
    assert (again.opened, again.evidence, again.repeats) == (0, {}, 0)
    office.send(1)
    assert office.people() == {"told": 5}
    folder = office.folder / "home" / "inbox" / "bounces.done" / office.slug
    assert len(list(folder.iterdir())) == 5, "the mails are kept with their incident"


def test_the_same_mail_twice_counts_once(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(1, email=office.marked(1, "dsn"))])
    office.launch()
    inbox = office.folder / "home" / "inbox" / "bounces" / "new"
    mail = next(inbox.iterdir())
    mail.with_name("again.eml").write_bytes(mail.read_bytes())
    settled = office.settle()
    assert (settled.opened, settled.repeats, len(office.rows("receipt"))) == (1, 1, 1)


def test_a_soft_bounce_waits_and_then_opens_the_next_rung(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(1, email=office.marked(1, "dsndelay"))])
    office.launch()
    office.settle()
    office.pass_time(days=4)
    assert office.settle().opened == 0
    office.pass_time(days=2)
    assert office.settle().opened == 1
    office.send(1)
    assert office.states() == {("email", "undeliverable"): 1, ("letter", "accepted"): 1}


def test_a_mail_goes_to_the_incident_that_sent_it_and_a_stranger_is_an_orphan(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(1)])
    office.launch()
    office.declare(office.SHOP)
    office.scope([office.customer(2, email=office.marked(2, "dsn"))])
    office.launch()
    stranger = b"From: a@example.org\r\nSubject: Undelivered\r\n\r\n550 5.1.1 <c@example.org>: unknown\r\n"
    (office.folder / "home" / "inbox" / "bounces" / "new" / "stranger.eml").write_bytes(stranger)
    settled = office.settle()
    assert (settled.opened, settled.orphans) == (1, 1)
    assert office.states() == {("email", "accepted"): 1, ("email", "undeliverable"): 1, ("letter", "ready"): 1}
    done = office.folder / "home" / "inbox" / "bounces.done"
    assert sorted(p.name for p in done.iterdir()) == ["orphans", "shop"]


def test_a_returned_letter_is_found_by_its_reference_and_leaves_nobody_unaccounted(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(1, consent=""), office.person(2, consent="")])
    office.launch()
    reference = office.rows("notice", subject_id=office.subject(1))[0]["reference"]
    with pytest.raises(BadInput, match="is on no letter of this incident"):
        settle.returned_letters(office.desk, office.slug, ["NOSUCHREF0"])
    settle.returned_letters(office.desk, office.slug, [reference.lower()])
    assert office.people() == {"told": 1, "unreached": 1}
    assert settle.returned_letters(office.desk, office.slug, [reference]).repeats == 1
    facts = office.rows("facts_revision")[-1]
    assert '"insufficient_contact":1' in max(office.rows("facts_revision"), key=lambda r: r["number"])["body"], facts[
        "source"
    ]


def test_a_returned_letter_puts_the_person_on_the_call_list_and_the_call_tells_them(office: Any) -> None:
    office.declare(office.SHOP)
    promise = {**office.SHOP["promise"][0], "channels": ["letter", "telephone"]}
    office.declare(office.SHOP, promise=[promise])
    office.scope([office.customer(n, phone=f"+1202555011{n}") for n in (1, 2)])
    office.launch()
    letters = [row["reference"] for row in office.rows("notice")]
    settle.returned_letters(office.desk, office.slug, letters)
    office.send(1)
    assert office.states() == {("letter", "undeliverable"): 2, ("call_list", "accepted"): 2}
    assert office.people() == {"open": 2}, "a list to dial from has told nobody yet"

    sheet = next((office.folder / "home" / "lists").rglob("*.csv"))
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        calls = list(csv.DictReader(file))
    for call, outcome in zip(calls, ("reached", "wrong number"), strict=True):
        call["outcome"] = outcome
    filled = office.folder / "filled.csv"
    with filled.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(calls[0]))
        writer.writeheader()
        writer.writerows(calls)
    settle.call_outcomes(office.desk, office.slug, filled)
    assert office.people() == {"told": 1, "unreached": 1}


TEXTS = [  # number, state of the text after it was asked about, whether a letter opens
    ("+12025550123", "delivered", False),
    ("+12025550192", "undeliverable", True),  # undelivered, unknown handset
    ("+12025550193", "undeliverable", True),  # undelivered, unreachable
    ("+12025550199", "accepted", False),  # stays "sent"
]


def test_a_text_is_asked_about_and_one_that_did_not_arrive_becomes_a_letter(office: Any) -> None:
    office.declare(office.SHOP)
    refused = office.customer(9, email="", phone="+12025550190")  # at once: not a number
    office.scope([refused, *(office.customer(n, email="", phone=phone) for n, (phone, _, _) in enumerate(TEXTS))])
    office.launch()
    assert office.states() == {("sms", "accepted"): 4, ("sms", "undeliverable"): 1, ("letter", "accepted"): 1}
    assert office.settle().opened == 2
    expected = [{"sms": state, **({"letter": "ready"} if opens else {})} for _, state, opens in TEXTS]
    assert [office.states_of(n) for n in range(len(TEXTS))] == expected
    again = office.settle()
    assert (again.opened, again.evidence, again.repeats) == (0, {}, 0)
    office.send(1)
    assert office.people() == {"told": 5}


def test_a_text_that_is_filtered_for_what_we_sent_halts_the_channel_and_burns_nobody(office: Any) -> None:
    office.declare(office.SHOP)
    office.scope([office.customer(1, email="", phone="+12025550194")])
    office.launch()
    office.settle()
    assert office.states() == {("sms", "accepted"): 1}
    assert [(row["scope"].value, row["target"], row["placed_by"]) for row in office.rows("hold")] == [
        ("channel", "sms", "tocsin")
    ]


def test_texts_are_asked_about_until_their_window_is_over_and_at_least_once(office: Any) -> None:
    office.declare(office.SHOP)
    office.scope([office.customer(1, email="", phone="+12025550199")])
    office.launch()
    office.pass_time(days=30)
    for _ in range(2):
        office.settle()
    assert [row["looked_up"] for row in office.rows("delivery")] == [1]


# --- who gets nothing -----------------------------------------------------------------------------------------------


def suppress(office: Any, value: str, until: datetime | None = None) -> None:
    index = office.desk.vault.suppression_index(value)
    with office.desk.db.write() as session:
        session.add(
            Suppression(contact_index=index, reason=SuppressionReason.DIRECTED, since=office.desk.now(), until=until)
        )


def test_the_lasting_list_is_read_when_a_notice_is_claimed_and_not_before(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n) for n in range(3)])
    office.sign(f"wave:{office.prepare().wave}")
    suppress(office, office.person(1)["email"].lower())
    suppress(office, office.person(2)["email"].lower(), until=office.desk.now())
    office.send(1)
    assert sorted(office.mails()) == [office.canary(0), office.canary(2)]
    assert office.people() == {"told": 2, "suppressed": 1}
    assert office.deadlines()["us-hipaa/individuals/US/initial"]["met"] is not None, "who is excused stops no duty"


def test_a_protected_person_gets_nothing_is_counted_as_suppressed_and_needs_no_public_notice(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0), office.person(1, protected="yes")])
    assert office.people() == {"open": 1, "suppressed": 1}
    office.launch()
    assert sorted(office.mails()) == [office.canary(0)]
    assert office.people() == {"told": 1, "suppressed": 1}
    assert '"insufficient_contact":0' in max(office.rows("facts_revision"), key=lambda r: r["number"])["body"]
    assert office.deadlines()["us-hipaa/individuals/US/initial"]["met"] is not None


def test_who_is_protected_after_the_wave_was_signed_gets_nothing(office: Any) -> None:
    office.declare(office.HIPAA)
    rows = [office.person(0), office.person(1)]
    office.scope(rows)
    office.sign(f"wave:{office.prepare().wave}")
    office.scope([rows[0], office.person(1, protected="yes")], author="lister")
    office.send(1)
    assert sorted(office.mails()) == [office.canary(0)]
    assert office.people() == {"told": 1, "suppressed": 1}
