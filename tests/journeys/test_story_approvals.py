"""Nothing leaves without two people's signatures over exactly what is stored; and nothing leaves twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flows.steps import approvals, deliver
from flows.steps.desk import find_incident
from models import ledger, signing
from models.chain import Entry
from models.values import BadInput, NeedsPerson, Refused, Seat, micros
from planning import release


def signed_wave(office: Any, people: int = 4, **facts: Any) -> None:
    office.declare({**office.HIPAA, **facts})
    office.scope([office.person(n) for n in range(people)])
    office.prepare()


def one_person(office: Any) -> None:
    office.sign("wave:1", "counsel")


def same_person_twice(office: Any) -> None:
    office.sign("wave:1", "counsel", "counsel")


def two_of_other_seats(office: Any) -> None:
    for name, seat in (("press", Seat.COMMS), ("lead", Seat.LEAD)):
        office.enrol(name, seat)
    office.sign("wave:1", "press", "lead")


def a_day_ago(office: Any) -> None:
    office.sign("wave:1")
    office.pass_time(hours=25)


def facts_have_changed(office: Any) -> None:
    office.sign("wave:1")
    narrative = {**office.HIPAA["narrative"], "impact": "Somebody has put the records on the internet."}
    office.declare({**office.HIPAA, "id": office.slug}, author="lister", narrative=narrative)


def an_approver_edited_the_list(office: Any) -> None:
    office.sign("wave:1")
    office.scope([office.person(n) for n in range(5)], author="officer")


def window_is_over(office: Any) -> None:
    office.pass_time(days=31)
    office.sign("wave:1")


CASES: list[tuple[str, Callable[[Any], None], str]] = [
    ("nobody", lambda office: None, "two different people must approve this version; 0 did"),
    ("one", one_person, "two different people must approve this version; 1 did"),
    ("one-twice", same_person_twice, "two different people must approve this version; 1 did"),
    ("seats", two_of_other_seats, "one of those who approve must sit as legal or dpo; none does"),
    ("stale", a_day_ago, "the approval of counsel does not count: it is older than 24 hours"),
    ("facts", facts_have_changed, "was written from facts revision 2, and revision 3 says otherwise"),
    ("editor", an_approver_edited_the_list, "the same person edited facts, list or words since the last approval"),
    ("window", window_is_over, "the window closed at"),
]


def test_a_wave_without_good_approvals_is_refused_and_nothing_is_sent(office: Any) -> None:
    for name, given, sentence in CASES:
        signed_wave(office, id=name)
        given(office)
        office.refuses(NeedsPerson, sentence, office.send, 1)
    assert office.states() == {("email", "planned"): 4 * len(CASES)} and office.sink.accepted == []
    assert not any(wave["launched_at"] for wave in office.rows("wave"))


def test_who_prepared_or_holds_another_key_cannot_sign_and_further_people_need_a_sponsor(office: Any) -> None:
    signed_wave(office)
    desk, keys = office.desk, office.folder / "keys"
    office.enrol("responder", Seat.LEGAL)
    office.refuses(Refused, "prepared this or edited facts or list", office.sign, "wave:1", "responder")
    wrong = (desk, office.slug, "wave:1", "counsel", keys / "officer")
    office.refuses(Refused, "not the one that counsel was enrolled with", approvals.approve, *wrong)
    public = signing.make_key(keys / "stranger")
    office.refuses(Refused, "give --by NAME and --key FILE", approvals.enrol, desk, "stranger", Seat.DPO, public)
    borrowed = (desk, "stranger", Seat.DPO, public, "counsel", keys / "stranger")
    office.refuses(Refused, "not the one that counsel was enrolled with", approvals.enrol, *borrowed)
    assert len(office.rows("approver")) == 3 and office.rows("approval") == []


SAME_AGAIN = [
    ("second", "counsel", "has a key that 'counsel' is enrolled with"),
    ("Counsel", "fresh", "is enrolled already as 'counsel'"),
    ("counsel ", "fresh", "is enrolled already as 'counsel'"),
    (" ", "fresh", "is no name"),
    ("\uff23ounsel", "fresh", "is enrolled already as 'counsel'"),
    ("c0unse1", "fresh", "is enrolled already as 'counsel'"),
    ("\u0421ounsel", "fresh", "mixes letters of different scripts"),
    ("coun\u200bsel", "fresh", "is not seen"),
    ("Counsel\u00a0", "fresh", "is not seen"),
]


@pytest.mark.parametrize(("name", "key", "sentence"), SAME_AGAIN)
def test_one_key_and_one_name_are_one_person_whatever_else_is_said(
    office: Any, name: str, key: str, sentence: str
) -> None:
    keys = office.folder / "keys"
    signing.make_key(keys / "fresh")
    given = (office.desk, name, Seat.DPO, keys / f"{key}.pub", "counsel", keys / "counsel")
    office.refuses(BadInput, sentence, approvals.enrol, *given)
    assert len(office.rows("approver")) == 2


# --- rows that somebody changed behind our back ---------------------------------------------------------------------

TAMPERED = [
    ("UPDATE notice SET leaf = 'x' || leaf", "its people are not those of the plan"),
    ("UPDATE segment SET wording_id = (SELECT id FROM wording WHERE channel = 'public')", "wording of segment"),
    ("UPDATE wording SET body = REPLACE(body, 'records', 'recipes')", "wording of segment"),
    ("UPDATE wave SET cap = 9", "its cap is not that of the plan"),
    ("UPDATE wave SET bounce_limit = 0.5", "its bounce_limit is not that of the plan"),
    ("UPDATE wave SET window_until = window_until + 1", "its window is not that of the plan"),
    ("UPDATE wave SET plan = REPLACE(plan, 'clinic', 'klinic')", "its plan is not the one that its digest names"),
    ("UPDATE approval SET signature = REPLACE(signature, '0', '1')", "its signature does not verify"),
    ("UPDATE approver SET public_key = REPLACE(public_key, '0', '1')", "its signature does not verify"),
    ("UPDATE approver SET seat = 'lead'", "its signature does not verify"),
    ("UPDATE approver SET name = 'x' || name", "its signature does not verify"),
    ("UPDATE approval SET digest = 'x' || digest", "its signature does not verify"),
]


def test_a_letter_of_another_script_makes_no_second_person_and_honest_names_do(office: Any) -> None:
    keys = office.folder / "keys"
    for n, name in enumerate(("Caco", "José O’Neil", "山田 たろう", "Ольга Ким", "नीता")):
        public = signing.make_key(keys / f"more{n}")
        approvals.enrol(office.desk, name, Seat.DPO, public, "counsel", keys / "counsel")
    public = signing.make_key(keys / "caco")
    given = (office.desk, "\u0421\u0430\u0441\u043e", Seat.DPO, public, "counsel", keys / "counsel")
    office.refuses(BadInput, "is enrolled already as 'Caco'", approvals.enrol, *given)


def test_who_is_retired_signs_no_more_and_what_was_signed_before_holds(office: Any) -> None:
    signed_wave(office)
    keys = office.folder / "keys"
    office.enrol("second", Seat.DPO)
    office.sign("wave:1", "officer")
    office.pass_time(minutes=1)
    own = (office.desk, "officer", "officer", keys / "officer")
    office.refuses(Refused, "by another enrolled person", approvals.retire, *own)
    stolen = (office.desk, "officer", "counsel", keys / "officer")
    office.refuses(Refused, "not the one that counsel was enrolled with", approvals.retire, *stolen)
    approvals.retire(office.desk, "officer", "counsel", keys / "counsel")
    office.refuses(BadInput, "is not enrolled", office.sign, "wave:1", "officer")
    office.sign("wave:1", "counsel")
    office.send(1)
    assert len(office.events("approver_retired")) == 1 and office.verifies()


def test_a_row_that_forgets_its_retirement_signs_nothing_that_counts(office: Any) -> None:
    signed_wave(office)
    approvals.retire(office.desk, "officer", "counsel", office.folder / "keys" / "counsel")
    office.pass_time(minutes=1)
    office.tamper("UPDATE approver SET retired_at = NULL")
    office.sign("wave:1")
    office.refuses(NeedsPerson, "officer does not count: its signature does not verify", office.send, 1)


def test_a_row_changed_in_the_database_stops_the_launch(office: Any) -> None:
    signed_wave(office)
    office.sign("wave:1")
    for statement, sentence in TAMPERED:
        with office.desk.db.write() as session:
            changed = session.connection().exec_driver_sql(statement).rowcount
            wave = deliver.find_wave(session, deliver.find_incident(session, office.slug), 1)
            assert changed, statement
            with pytest.raises((Refused, NeedsPerson), match=sentence):
                deliver.launch(office.desk, session, deliver.find_incident(session, office.slug), wave, "x")
            session.rollback()
    office.send(1)
    assert office.people() == {"told": 4}, "what was rolled back is as it was signed"


def test_somebody_whom_the_record_never_enrolled_does_not_count(office: Any) -> None:
    signed_wave(office)
    office.sign("wave:1", "counsel")
    wave, now = office.rows("wave")[0], micros(office.desk.now())
    path = office.folder / "keys" / "ghost"
    key = signing.read_private(path) if signing.make_key(path) else None
    assert key is not None
    signature = signing.sign(key, release.statement("wave", wave["id"], wave["digest"]))
    office.tamper(
        "INSERT INTO approver (id, name, seat, public_key, enrolled_at, enrolled_by)"
        " VALUES ('g', 'ghost', 'dpo', :key, :now, 'counsel')",
        key=signing.public_of(key),
        now=now,
    )
    office.tamper(
        "INSERT INTO approval (id, incident_id, subject_kind, subject_id, digest, approver_id, signature, at, reason,"
        " voided_why) VALUES ('a', :incident, 'wave', :wave, :digest, 'g', :signature, :now, '', '')",
        incident=wave["incident_id"],
        wave=wave["id"],
        digest=wave["digest"],
        signature=signature,
        now=now,
    )
    office.refuses(NeedsPerson, "the approval of ghost does not count: its signature does not verify", office.send, 1)
    body = {"seat": "dpo", "key": signing.public_of(key), "by": "counsel", "signature": signature}
    with office.desk.db.write() as session:
        ledger.append(session, "people", "forged", [Entry("approver_enrolled", "g", body)], office.desk.now())
    office.refuses(NeedsPerson, "the approval of ghost does not count: its signature does not verify", office.send, 1)
    with office.desk.db.write() as session:
        unsigned = body | {"by": "", "signature": ""}
        ledger.append(session, "people", "forged", [Entry("approver_enrolled", "g", unsigned)], office.desk.now())
    office.refuses(NeedsPerson, "two different people must approve this version; 0 did", office.send, 1)


def test_an_approval_is_as_old_as_the_record_says_and_one_without_record_does_not_count(office: Any) -> None:
    signed_wave(office)
    office.sign("wave:1")
    office.pass_time(hours=25)
    office.tamper("UPDATE approval SET at = :now", now=micros(office.desk.now()))
    office.refuses(NeedsPerson, "counsel does not count: it is older than 24 hours", office.send, 1)
    office.sign("wave:1")
    office.tamper("UPDATE approval SET approver_id = (SELECT id FROM approver WHERE name = 'officer')"
                  ", digest = 'x' WHERE approver_id = (SELECT id FROM approver WHERE name = 'counsel')")  # fmt: skip
    office.refuses(NeedsPerson, "two different people must approve this version; 1 did", office.send, 1)


def test_a_voided_approval_stays_voided_when_its_row_forgets_it(office: Any) -> None:
    signed_wave(office)
    office.sign("wave:1")
    office.pass_time(minutes=1)
    wave = office.rows("wave")[0]["id"]
    with office.desk.db.write() as session:
        incident = find_incident(session, office.slug)
        assert approvals.void(office.desk, session, incident, wave, "changed") == 2
    office.tamper("UPDATE approval SET voided_at = NULL, voided_why = ''")
    office.refuses(NeedsPerson, "the approval of counsel does not count: it was voided", office.send, 1)
    office.pass_time(minutes=1)
    office.sign("wave:1")
    office.send(1)
    assert office.people() == {"told": 4}, "signed again, after it was voided"


AT_CLAIM = [
    'UPDATE notice SET ladder = \'[["email"],["sms"]]\' WHERE id = :notice',
    "UPDATE notice SET sealed = (SELECT sealed FROM notice WHERE id <> :notice LIMIT 1) WHERE id = :notice",
    "UPDATE notice SET sealed = NULL WHERE id = :notice",
    "UPDATE notice SET segment_key = segment_key || 'x' WHERE id = :notice",
    "UPDATE delivery SET subject_id = (SELECT MAX(id) FROM subject s WHERE s.id <> subject_id)"
    " WHERE notice_id = :notice",
    "UPDATE delivery SET segment_id = (SELECT id FROM segment WHERE channel = 'letter') WHERE notice_id = :notice",
    "UPDATE delivery SET channel = 'letter' WHERE notice_id = :notice",
    "UPDATE delivery SET rung = 1 WHERE notice_id = :notice",
]


def test_a_row_changed_in_the_database_is_suppressed_when_it_is_claimed_and_the_others_go(office: Any) -> None:
    signed_wave(office, len(AT_CLAIM) + 2)
    office.sign("wave:1")
    notices = sorted(row["id"] for row in office.rows("notice"))
    for statement, notice in zip(AT_CLAIM, notices, strict=False):
        assert office.tamper(statement, notice=notice) == 1, statement
    office.send(1)
    wrong = {row["notice_id"]: row["suppressed_why"] for row in office.rows("delivery") if row["suppressed_why"]}
    assert wrong == dict.fromkeys(notices[: len(AT_CLAIM)], "leaf_mismatch")
    assert len(office.sink.accepted) == 2
    assert len(office.status()["exceptions"]["leaf_mismatch"]) == len(AT_CLAIM)
    assert office.prepare().kind.value == "follow_up", "they wait for a new draft"


def test_words_changed_after_the_launch_stop_the_next_run(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0), office.person(1, email=office.marked(1, "greylist"))])
    office.launch()
    office.pass_time(minutes=10)
    office.tamper("UPDATE wording SET body = REPLACE(body, 'records', 'recipes')")
    office.refuses(Refused, "is not the one that was signed", office.send, 1)


def test_a_wave_that_only_says_it_was_launched_sends_nothing(office: Any) -> None:
    signed_wave(office)
    office.sign("wave:1", "counsel")
    office.tamper("UPDATE wave SET launched_at = window_from, launched_by = 'x'")
    office.tamper("UPDATE delivery SET state = 'ready'")
    office.refuses(Refused, "says that it was launched, but two different people must approve", office.send, 1)


# --- nothing twice --------------------------------------------------------------------------------------------------


def test_sending_a_wave_again_sends_nothing_again(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n, consent="yes" if n % 2 else "") for n in range(8)])
    office.launch()
    events = len(office.rows("event"))
    for _ in range(2):
        again = office.send(1)
        assert (again.outcomes, again.open) == ({}, 0)
    assert set(office.mails().values()) == {1} and len(office.sink.accepted) == 4
    assert len(list((office.folder / "home" / "letters").rglob("letters.pdf"))) == 1
    assert len(office.rows("event")) == events and office.verifies()
    later = office.pass_time(days=2)
    assert later is None and office.send(1).outcomes == {}, "an approval that was fresh at launch holds for the window"


def test_a_wave_never_hands_off_more_than_its_cap_and_says_why_it_stopped(office: Any) -> None:
    office.profile("pilot = 0", "pilot = 0\ncap = 7")
    office.declare(office.HIPAA)
    office.scope([office.person(n, email=office.marked(n, "hardbounce" if n < 2 else "plain")) for n in range(25)])
    done = office.launch()
    assert done.stopped == "its cap of 7 hand-offs is reached"
    assert sum(row["handed_at"] is not None for row in office.rows("delivery")) == 7
    assert not any(row["state"].value in ("claimed", "handing_off") for row in office.rows("delivery"))
    assert office.send(1).outcomes == {}
    deliver.resume(office.desk, office.slug, 1, "responder", "looked into it")
    assert office.send(1).stopped == "its cap of 7 hand-offs is reached"
    assert sum(row["handed_at"] is not None for row in office.rows("delivery")) == 7
