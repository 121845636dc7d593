"""After retention the people are gone from everything of ours, and what proves what happened stays and verifies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.steps import erase, proof, settle
from models import ledger
from models.values import NeedsPerson, Refused

REASON = "the exercise ends here"


def holding(folder: Path) -> dict[str, list[str]]:
    """Files with anybody's canary, sealed or not, and the names of files."""
    found: dict[str, list[str]] = {}
    for path in folder.rglob("*"):
        if path.is_file() and b"CNRY-" in path.read_bytes().upper():
            found.setdefault(path.relative_to(folder).parts[0], []).append(path.name)
    return found


def told_case(office: Any) -> None:
    office.declare(office.SHOP)
    broken = office.customer(90, email="no address at all", street="", phone="12")
    rows = [
        office.customer(1, email=office.marked(1, "dsn")),
        office.customer(2, email="", phone="+12025550123"),
        office.customer(3, email="", street="", phone="+12025550124"),
        office.customer(4, email=""),
        broken,
        {**office.customer(91), "elements": "no such element CNRY-0000005b"},
    ]
    office.scope(rows)
    office.launch()
    office.settle()
    office.send(1)
    stranger = b"From: a@example.org\r\nSubject: Undelivered\r\n\r\nCNRY-0000005c <c@example.org> 550 5.1.1 unknown\r\n"
    (office.folder / "home" / "inbox" / "bounces" / "new" / "stranger.eml").write_bytes(stranger)
    office.settle()


def test_nothing_of_the_people_is_left_after_retention_and_the_ledger_still_verifies(office: Any) -> None:
    told_case(office)
    home = office.folder / "home"
    assert {"letters", "inbox"} <= set(holding(home)), "there is something to erase"
    assert [p.name for p in (home / "rejects").iterdir()], "lines and reasons, without the people's data"
    before = office.status()
    with pytest.raises(Refused, match="only a closed incident is erased"):
        erase.erase(office.desk, office.slug, "responder")
    with pytest.raises(NeedsPerson, match="is not finished"):
        erase.close(office.desk, office.slug, "responder")
    erase.close(office.desk, office.slug, "responder", REASON)
    with pytest.raises(Refused, match="its people are kept until 2026-08-29"):
        erase.erase(office.desk, office.slug, "responder")
    assert {"letters", "inbox"} <= set(holding(home))

    office.pass_time(days=181)
    erased = erase.erase(office.desk, office.slug, "responder")
    assert erased.people == len(office.rows("subject")) and erased.files >= 4
    assert holding(home) == {} and not list((home / "rejects").iterdir())
    database = office.folder / "ready"
    assert not database.exists() or holding(database) == {}, "database and write-ahead log"
    assert all(row["sealed"] is None for table in ("subject", "notice") for row in office.rows(table))
    assert not any(row[f"{kind}_index"] for row in office.rows("subject") for kind in ("email", "phone", "address"))
    assert [message["body"] for message in office.twilio.messages.values()] == ["", ""]
    assert "backups of the database and of TOCSIN_HOME" in erased.beyond_us

    after = office.status()
    assert office.verifies() and after["erased"]
    assert {k: after[k] for k in ("people", "deliveries")} == {k: before[k] for k in ("people", "deliveries")}
    assert erase.erase(office.desk, office.slug, "responder").files == 0, "again finds nothing"


def test_after_erasure_the_people_cannot_be_opened_sent_to_or_matched(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0), office.person(1, email=office.marked(1, "dsn"))])
    office.launch()
    sealed = office.rows("subject")[0]
    wrapped = office.rows("incident")[0]["wrapped_key"]
    assert office.desk.vault.incident(sealed["incident_id"], wrapped).open_record(sealed["id"], sealed["sealed"])
    erase.close(office.desk, office.slug, "responder", REASON)
    with pytest.raises(Refused, match="are kept until"):
        erase.erase(office.desk, office.slug, "responder", early=" ")
    erase.erase(office.desk, office.slug, "responder", early="a court ordered it")
    assert office.rows("incident")[0]["wrapped_key"] is None
    for act in (
        lambda: office.send(1),
        lambda: office.prepare(),
        lambda: office.scope([office.person(5)]),
        lambda: proof.proof(office.desk, office.slug, 1, "team@example.org", "responder"),
        lambda: settle.bounces(office.desk, office.slug, office.folder / "home" / "inbox" / "bounces"),
    ):
        office.refuses(Refused, "clinic was erased; its people can no longer be read", act)


def test_erasing_one_incident_leaves_another_whose_name_begins_alike(office: Any) -> None:
    for name in ("clinic", "clinic.2"):
        office.declare({**office.HIPAA, "id": name})
        office.scope([office.person(1, consent=""), {**office.person(2), "elements": "no such element"}])
        office.launch()
    erase.close(office.desk, "clinic", "responder", REASON)
    erase.erase(office.desk, "clinic", "responder", early="asked for")
    home = office.folder / "home"
    assert [p.name for p in (home / "letters").iterdir()] == ["clinic.2"]
    assert all(p.name.startswith("clinic.2.") for p in (home / "rejects").iterdir()) and office.people() == {"told": 1}


def test_a_ledger_exported_before_the_erasure_still_agrees_with_what_is_kept(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n) for n in range(3)])
    office.launch()
    erase.close(office.desk, office.slug, "responder", REASON)
    target = office.folder / "ledger.jsonl"
    identity = office.rows("incident")[0]["id"]
    with office.desk.db.write() as session:
        root = ledger.export(session, identity, target, at=office.desk.now()).root
    erase.erase(office.desk, office.slug, "responder", early="asked for")
    assert ledger.verify_file(target, root).ok and office.verifies()
    assert b"CNRY-" not in target.read_bytes()
