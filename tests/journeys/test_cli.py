"""The real program, run as a person or another program runs it: sentences, exit codes, and what it left unchanged.

Every run happens in a process in which importing prefect fails, so that no command can need it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from console.cli.app import command
from console.main import main
from notifiers.fake.smtp import SmtpSink

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "presence-health"
FACTS = EXAMPLE.joinpath("incident.toml").read_text("utf-8").split("[[submission]]")[0]  # nothing was filed yet
I = "presence-health"  # noqa: E741 - the incident of every test
START = "2013-10-23T09:00:00+00:00"
PROGRAM = "import sys; sys.modules['prefect'] = None; from console.main import main; sys.exit(main())"
HEAD = (
    "Patient number,First name,Last name,Date of birth,Street,Unit,City,State,ZIP,Telephone,Email,Email agreed,"
    "Parent or guardian,Deceased,Next of kin,In the papers"
)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> object:
        return json.loads(self.out)


@dataclass(frozen=True)
class Place:
    """A home of its own, and the environment that names it."""

    home: Path
    environ: Mapping[str, str]

    def run(self, *arguments: str | Path, **environ: str) -> Ran:
        """The program in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, **self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: str | Path) -> Ran:
        done = self.run(*arguments)
        assert done.code == 0, (arguments, done)
        return done

    def rows(self) -> dict[str, int]:
        """How many rows each table holds."""
        with closing(sqlite3.connect(self.home / "tocsin.db")) as db:
            tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608


def place(home: Path, mode: str = "exercise") -> Place:
    own = {
        "TOCSIN_MODE": mode,
        "TOCSIN_HOME": str(home),
        "TOCSIN_BOUNCE_DOMAIN": "bounce.example.org",
        "COLUMNS": "100",
    }
    return Place(home, own)


def person(number: int, **columns: str) -> str:
    """One row of a list in the example's columns."""
    names = HEAD.split(",")
    row = dict.fromkeys(names, "") | {
        "Patient number": f"{number:08d}",
        "First name": "Sample",
        "Last name": f"Person{number}",
        "Date of birth": "05/10/1943",
        "State": "IL",
        "In the papers": "diagnosis; name",
    }
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([(row | columns)[name] for name in names])
    return out.getvalue()


HOUSE = {"Street": "841 Example Court", "City": "Exampleville", "ZIP": "61000"}


def people() -> str:
    """Twenty: eight by email (one refused, one that bounces), two by letter, ten who can't be reached."""
    marks = ["", "", "", "", "", "", "+hardbounce", "+dsn"]
    mail = [person(n, Email=f"p{n}{m}@example.org", **{"Email agreed": "Y"}, **HOUSE) for n, m in enumerate(marks, 1)]
    return "\n".join([HEAD, *mail, person(9, **HOUSE), person(10, **HOUSE), *(person(n) for n in range(11, 21))]) + "\n"


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An incident up to its drafted wave, and two people who may approve. Made once; tests work on copies."""
    home = tmp_path_factory.mktemp("cli") / "home"
    made = place(home)
    (home.parent / "incident.toml").write_text(FACTS)
    (home.parent / "people.csv").write_text(people())
    mapping = EXAMPLE / "people.mapping.toml"
    inside(made, "init", "--now", START)
    inside(made, "declare", home.parent / "incident.toml", "--by", "responder")
    inside(made, "scope", I, "--people", home.parent / "people.csv", "--mapping", mapping, "--by", "responder")
    inside(made, "prepare", I, "--by", "responder")
    sponsor: list[str | Path] = []
    for name, seat in (("counsel", "legal"), ("dpo", "dpo")):
        inside(made, "people", "key", home / f"{name}.key")
        inside(made, "people", "add", name, "--role", seat, "--public-key", home / f"{name}.key.pub", *sponsor)
        sponsor = ["--by", "counsel", "--key", home / "counsel.key"]
    return made


def inside(where: Place, *arguments: str | Path) -> Ran:
    """The same program in this process: quicker, for what a test only builds upon."""
    done = within(where, *arguments)
    assert done.code == 0, (arguments, done)
    return done


def within(where: Place, *arguments: str | Path, **environ: str) -> Ran:
    out, err, before = io.StringIO(), io.StringIO(), dict(os.environ)
    os.environ.update({**where.environ, **environ})
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main([str(a) for a in arguments])
    finally:
        os.environ.clear()
        os.environ.update(before)
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture
def here(drafted: Place, tmp_path: Path) -> Place:
    shutil.copytree(drafted.home, tmp_path / "home")
    return place(tmp_path / "home")


@pytest.fixture
def relay(here: Place) -> Iterator[SmtpSink]:
    sink = SmtpSink(here.home / "sink.jsonl", here.home / "inbox" / "bounces").start()
    yield sink
    sink.stop()


def approve(where: Place, what: str, names: Sequence[str] = ("counsel", "dpo")) -> None:
    for name in names:
        inside(where, "approve", I, what, "--person", name, "--key", where.home / f"{name}.key")


# --- the whole way --------------------------------------------------------------------------------------------------


def test_a_case_goes_from_approval_to_erasure(here: Place, relay: SmtpSink) -> None:
    here = replace(here, environ={**here.environ, "TOCSIN_SMTP_URL": relay.url})
    approve(here, "wave:1")

    sent = here.ok("send", I, "1", "--by", "responder", "--json").json()
    assert sent["outcomes"] == {"email_accepted": 7, "email_refused": 1, "letter_accepted": 3}
    again = here.ok("send", I, "1", "--by", "responder")
    assert "nobody gets it twice" in again.out
    assert len(relay.accepted) == 7

    assert inside(here, "settle", I, "--json").json()["evidence"] == {"hard": 1}
    status = here.ok("status", I, "--json").json()
    assert status["people"] == {
        "in_scope": 20,
        "told": 9,
        "public_only": 0,
        "suppressed": 0,
        "unreached": 10,
        "open": 1,
    }
    for counts in status["deliveries"].values():
        assert counts["planned"] == sum(n for name, n in counts.items() if name != "planned")
    inside(here, "send", I, "1")

    judged = inside(here, "substitute", I, "--json").json()
    assert [d["citation"] for d in judged["decisions"] if d["owed"]] == ["45 CFR 164.404(d)(2)(ii)"]
    assert judged["page"]["owed"] and "us-hipaa/individuals/US/initial" in inside(here, "publish", I).out
    assert "Overdue" not in inside(here, "status", I).out

    exported = here.home / "ledger.jsonl"
    root = here.ok("verify", I, "--export", exported, "--json").json()["root"]
    assert here.run("verify", "--file", exported, "--root", root).code == 0
    assert within(here, "verify", "--file", exported, "--root", "0" * 64).code == 1
    refused = here.run("close", I)
    assert refused.code == 3 and "--reason" in refused.err
    inside(here, "close", I, "--reason", "the exercise is over")
    early = within(here, "erase", I)
    assert early.code == 5 and "--early" in early.err
    assert "mail relay" in here.ok("erase", I, "--early", "the exercise is over").out
    assert "none changed, none missing" in here.ok("verify", I).out


def test_previews_and_proofs_are_marked_and_count_nowhere(here: Place, relay: SmtpSink, tmp_path: Path) -> None:
    here = replace(here, environ={**here.environ, "TOCSIN_SMTP_URL": relay.url})
    inside(here, "preview", I, "--out", tmp_path / "read")
    files = sorted((tmp_path / "read").iterdir())
    assert {f.suffix for f in files} == {".txt", ".html", ".pdf"} and all(f.name.startswith("PREVIEW-") for f in files)
    assert all("PREVIEW" in f.read_text() for f in files if f.suffix != ".pdf")
    before = here.rows()
    assert here.ok("send", I, "1", "--proof-to", "team@example.org", "--json").json()["by_channel"] == {
        "email": 1,
        "letter": 1,
    }
    assert [e["to"] for e in relay.accepted] == [["team@example.org"]] * 2
    assert {k: v for k, v in here.rows().items() if before[k] != v} == {"event": before["event"] + 1}
    refused = here.run("send", I, "1", "--proof-to", "p1@example.org")
    assert refused.code == 5 and "one of the incident's people" in refused.err and "p1@" not in refused.err
    assert len(relay.accepted) == 2


def test_a_bounce_finds_its_incident_among_several(here: Place, relay: SmtpSink, tmp_path: Path) -> None:
    here = replace(here, environ={**here.environ, "TOCSIN_SMTP_URL": relay.url})
    (tmp_path / "other.toml").write_text(FACTS.replace('id = "presence-health"', 'id = "another"'))
    inside(here, "declare", tmp_path / "other.toml")
    with closing(sqlite3.connect(here.home / "tocsin.db")) as db:
        db.execute("UPDATE incident SET rowid = 1000 WHERE slug = ?", (I,))  # the other one is asked first
        db.commit()
    approve(here, "wave:1")
    inside(here, "send", I, "1")
    settled = inside(here, "settle", "--json").json()
    assert settled["evidence"] == {"hard": 1} and settled["orphans"] == 0


# --- what must not go through ---------------------------------------------------------------------------------------


def test_nothing_leaves_without_approval(here: Place) -> None:
    before = here.rows()
    done = here.run("send", I, "1", "--json")
    assert done.code == 3
    assert done.json() == {"error": done.err.strip(), "where": "", "exit": 3}
    assert f"tocsin approve {I} wave:1" in done.err and "two different people" in done.err
    assert here.rows() == before


def test_a_wave_that_was_sent_is_not_sent_twice_by_a_second_program(here: Place, relay: SmtpSink) -> None:
    here = replace(here, environ={**here.environ, "TOCSIN_SMTP_URL": relay.url})
    approve(here, "wave:1")
    inside(here, "send", I, "1")
    before = here.rows()
    assert "Nothing was sent; nobody gets it twice." in here.ok("send", I, "1").out
    assert len(relay.accepted) == 7
    assert here.rows() == before


def test_live_is_typed_at_launch(tmp_path: Path) -> None:
    where = place(tmp_path / "home", "live")
    inside(where, "init")
    done = where.run("send", I, "1")
    assert done.code == 5 and "Add --live" in done.err


MIXED = {
    "a live environment, an exercise's database": (
        "live",
        ("status", I),
        "was made as exercise",
        "TOCSIN_DATABASE_URL",
    ),
    "an exercise can't be sent live": (
        "exercise",
        ("send", I, "1", "--live"),
        "this is an exercise",
        "Leave --live out",
    ),
    "an exercise can't become live": ("live", ("init",), "was made as exercise", "Make another database"),
    "no mode at all": ("", ("status", I), "TOCSIN_MODE", "there is no default"),
}


@pytest.mark.parametrize(("mode", "command", "problem", "remedy"), MIXED.values(), ids=MIXED)
def test_live_and_exercise_never_mix(here: Place, mode: str, command: Sequence[str], problem: str, remedy: str) -> None:
    before = here.rows()
    done = within(here, *command, TOCSIN_MODE=mode)
    assert done.code == (5 if mode else 1)
    assert problem in done.err and remedy in done.err
    assert here.rows() == before


def test_a_key_approves_for_its_owner_only(here: Place) -> None:
    before = here.rows()
    done = here.run("approve", I, "wave:1", "--person", "counsel", "--key", here.home / "dpo.key")
    assert done.code == 5 and "not the one that counsel was enrolled with" in done.err
    here.home.joinpath("counsel.key").chmod(0o644)
    done = here.run("approve", I, "wave:1", "--person", "counsel", "--key", here.home / "counsel.key")
    assert done.code == 1 and "chmod 600 counsel.key" in done.err
    assert here.rows() == before


def test_another_wrapping_key_opens_nothing(here: Place, drafted: Place, tmp_path: Path) -> None:
    other = place(tmp_path / "other")
    inside(other, "init", "--now", START)
    before = here.rows()
    done = within(here, "prepare", I, TOCSIN_KEY_FILE=str(other.home / "tocsin.key"))
    assert done.code == 1 and "key" in done.err
    assert here.rows() == before
    doctor = within(here, "doctor", "--json", TOCSIN_KEY_FILE=str(other.home / "tocsin.key"))
    assert doctor.code == 1 and "not the one in the key file" in doctor.out


def test_a_locked_database_is_said_so(
    here: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.steps import desk

    monkeypatch.setattr(desk, "open_database", partial(desk.open_database, busy_seconds=0.2))
    for name, value in here.environ.items():
        monkeypatch.setenv(name, value)
    before = here.rows()
    with closing(sqlite3.connect(here.home / "tocsin.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert main(["hold", I, "--reason", "police"]) == 1
    said = capsys.readouterr().err
    assert "is locked by another program" in said and "run again" in said
    assert here.rows() == before


# --- bad facts ------------------------------------------------------------------------------------------------------

FAULTS = {
    "a naive time": ("discovered = 2013-10-22", "discovered = 2013-10-22T10:00:00", "times.discovered", "offset"),
    "no time": ("discovered = 2013-10-22", 'discovered = "yesterday"', "times.discovered", "2026-"),
    "an unknown key": ('cause = "paper', 'kause = "paper', "kause", "cause"),
    "an unknown element": ('"diagnosis"]', '"diagnosys"]', "data.elements", "diagnosis"),
    "an unknown sector": (
        '["hipaa_covered_entity"]',
        '["hipaa_entity"]',
        "organisation.sectors",
        "hipaa_covered_entity",
    ),
    "an unknown place": ("US-IL = 836", "US-XX = 836", "US-XX", ""),
    "a negative count": ("US-IL = 836", "US-IL = -1", "people.US-IL", ""),
    "no TOML": ("[people]", "[people", "incident.toml", "Mend that line"),
}


@pytest.mark.parametrize(("good", "bad", "place_", "remedy"), FAULTS.values(), ids=FAULTS)
def test_bad_facts_change_nothing(here: Place, tmp_path: Path, good: str, bad: str, place_: str, remedy: str) -> None:
    assert good in FACTS
    file = tmp_path / "incident.toml"
    file.write_text(FACTS.replace(good, bad, 1))
    before = here.rows()
    done = within(here, "declare", file, "--json")
    assert done.code == 1
    assert "incident.toml" in done.err and place_ in done.err and remedy in done.err
    assert done.json() == {"error": done.err.strip(), "where": done.json()["where"], "exit": 1}
    assert "incident.toml" in done.json()["where"]
    assert here.rows() == before


# --- bad lists ------------------------------------------------------------------------------------------------------


def scope(where: Place, data: bytes, tmp_path: Path) -> Ran:
    file = tmp_path / "list.csv"
    file.write_bytes(data)
    return within(where, "scope", I, "--people", file, "--mapping", EXAMPLE / "people.mapping.toml", "--json")


def test_a_list_in_another_encoding_is_refused_whole(here: Place, tmp_path: Path) -> None:
    before = here.rows()
    done = scope(here, (people() + person(21, **{"Last name": "Señor"})).encode("cp1252"), tmp_path)
    assert done.code == 1 and "list.csv" in done.err and "encoding" in done.err
    assert here.rows() == before


def test_an_unclosed_quote_costs_one_person_not_five_hundred(here: Place, tmp_path: Path) -> None:
    rows = [person(n, **HOUSE) for n in range(1, 1001)]
    rows[499] = rows[499].replace(",841 Example Court", ',"841 Example Court')
    done = scope(here, "\n".join([HEAD, *rows, ""]).encode(), tmp_path)
    assert done.code == 0, done.err
    waterfall = done.json()["waterfall"]
    assert waterfall["people"] == 999 and sum(waterfall["rejected"].values()) == 1
    assert "501" in Path(done.json()["rejects"]).read_text()  # the line, its heading counted


def test_an_email_that_could_smuggle_a_header_is_not_kept(here: Place, tmp_path: Path) -> None:
    """Over two lines the record is rejected by line; with a control character the address goes and the person stays."""
    consent = {"Email agreed": "Y"} | HOUSE
    rows = [
        person(1, Email="p1@example.org\nBcc: all@example.org", **consent),
        person(2, Email="p2@example.org\x0bBcc: x", **consent),
    ]
    done = scope(here, "\n".join([HEAD, *rows, ""]).encode(), tmp_path)
    assert done.code == 0, done.err
    waterfall = done.json()["waterfall"]
    assert waterfall["people"] == 1 and waterfall["with_email"] == 0 and waterfall["with_address"] == 1
    rejected = Path(done.json()["rejects"]).read_text()
    assert rejected.splitlines()[1].startswith("2,") and "@" not in rejected


def test_a_list_and_a_query_are_not_both_given(here: Place) -> None:
    done = here.run("scope", I, "--mapping", EXAMPLE / "people.mapping.toml")
    assert done.code == 1 and "--people" in done.err and "--sql-url" in done.err


# --- the contract with other programs -------------------------------------------------------------------------------


def test_assess_needs_no_database_and_loads_nothing_heavy() -> None:
    heavy = ("sqlmodel", "sqlalchemy", "prefect", "fastapi", "holidays", "rich", "duckdb", "jinja2", "cryptography")
    code = (
        "import sys; from console.main import main; c = main(sys.argv[1:]);"
        f"print(sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr); sys.exit(c)"
    )
    facts = EXAMPLE / "incident.toml"
    done = subprocess.run(
        [sys.executable, "-c", code, "assess", facts, "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"  # warnings of the law may stand above
    found = json.loads(done.stdout)["obligations"]
    assert {o["due"][:10] for o in found} == {"2013-12-21"} and len(found) == 3


def test_watch_and_status_say_by_their_exit_code_that_a_deadline_is_missed(here: Place) -> None:
    assert inside(here, "watch").code == 0
    inside(here, "clock", "--to", "2013-12-23T09:00:00+00:00")
    for asked in (("watch",), ("status", I)):
        done = within(here, *asked)
        assert done.code == 4 and "us-hipaa/individuals/US/initial" in done.out
    back = within(here, "clock", "--to", START)
    assert back.code == 5 and "can't go back" in back.err


USAGE = {
    "an unknown command": (("shout",), "shout"),
    "a missing argument": (("declare",), "FILE"),
    "an unknown option": (("status", I, "--loud"), "--loud"),
    "a seat that is none": (("people", "add", "x", "--role", "king", "--public-key", "x"), "--role"),
}


@pytest.mark.parametrize(("command", "named"), USAGE.values(), ids=USAGE)
def test_a_wrong_command_line_is_usage(tmp_path: Path, command: Sequence[str], named: str) -> None:
    done = within(place(tmp_path), *command, "--json")
    assert done.code == 2 and named in done.err and done.json()["exit"] == 2


def test_an_unknown_incident_names_those_that_are_known(here: Place) -> None:
    done = within(here, "status", "presence-heath", "--json")
    assert done.code == 1 and I in done.json()["error"]


def test_a_reader_who_leaves_is_no_error(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "law", "list", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert program.stdout is not None and program.stderr is not None
    program.stdout.close()
    said = program.stderr.read()
    assert program.wait(timeout=30) == 141 and said == b""


def test_a_strangers_exception_is_told_by_kind_and_place_only(
    here: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.steps import status

    def fails(*_: object) -> None:
        raise ValueError("Ada Example, 1 Example Street")

    monkeypatch.setattr(status, "status", fails)
    for name, value in here.environ.items():
        monkeypatch.setenv(name, value)
    assert main(["status", I]) == 1
    said = capsys.readouterr().err
    assert "ValueError at test_cli.py" in said and "Example Street" not in said


def test_returned_mails_are_classified_without_a_database(tmp_path: Path) -> None:
    mail = tmp_path / "b1.eml"
    mail.write_text(
        "From: MAILER-DAEMON@example.org\nSubject: Undelivered Mail\n\n<p@example.org>: 550 5.1.1 no such user\n"
    )
    done = place(tmp_path).run("receipts", "classify", mail, "--json")
    assert done.json() == [
        {"file": "b1.eml", "recipients": [{"address": "p@example.org", "status": "5.1.1", "class": "hard"}]}
    ]


def test_a_report_is_filled_signed_written_and_its_receipt_typed_twice(here: Place, tmp_path: Path) -> None:
    (duty,) = [
        d["id"] for d in inside(here, "status", I, "--json").json()["deadlines"] if d["recipient"] == "regulator"
    ]
    inside(here, "report", I, "--draft", tmp_path / "drafts", "--by", "responder")
    drafts = {file.suffix: file for file in (tmp_path / "drafts").iterdir()}
    assert set(drafts) == {".pdf", ".json", ".toml"} and "must be answered" in drafts[".toml"].read_text()
    early = within(here, "report", I, "--obligation", duty, "--write")
    assert early.code == 3 and "two different people" in early.err
    (tmp_path / "wrong.toml").write_text('nonsense = "x"\n')
    before = here.rows()
    wrong = within(here, "report", I, "--answers", tmp_path / "wrong.toml")
    assert wrong.code == 1 and "nonsense" in wrong.err and here.rows() == before

    answers = 'filed_by = "covered_entity"\nentity_type = "provider"\nassociate_involved = "no"\nbreach_type = "loss"\n'
    (tmp_path / "answers.toml").write_text(answers + 'safeguards = ["physical"]\nactions = ["training"]\n')
    inside(here, "report", I, "--answers", tmp_path / "answers.toml", "--by", "responder")
    approve(here, f"filing:{duty}")
    (written,) = inside(here, "report", I, "--write", "--by", "responder", "--json").json()["reports"]
    assert Path(written["folder"], "report.pdf").read_bytes().startswith(b"%PDF-")
    receipt = ("report", I, "--obligation", duty, "--receipt", "R-1", "--at", START)
    assert within(here, *receipt[:-1], "2014-06-01T00:00:00Z").code == 1  # a receipt from the future
    assert inside(here, *receipt, "--by", "lead", "--json").json()["receipt"] == "typed"
    assert within(here, *receipt, "--by", "lead").code == 5
    assert inside(here, *receipt, "--by", "second", "--json").json()["receipt"] == "confirmed"
    met = {d["id"]: d["met"] for d in inside(here, "status", I, "--json").json()["deadlines"]}
    assert met[duty] == START


def test_lint_names_what_a_text_misses_and_exits_1(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader,\n\nSomething happened.\n")
    axes = ("law=us-hipaa", "channel=letter", "language=en", "role=self", "exposed=diagnosis,name")
    segment = [part for axis in axes for part in ("--segment", axis)]
    done = place(tmp_path).run(
        "lint", tmp_path / "letter.txt", "--facts", EXAMPLE / "incident.toml", *segment, "--json"
    )
    assert done.code == 1
    found = done.json()
    assert set(found[0]) == {"law", "citation", "element", "severity", "where", "remedy", "part", "segment"}
    assert "contact" in {f["element"] for f in found}
    wrong = place(tmp_path).run(
        "lint", tmp_path / "letter.txt", "--facts", EXAMPLE / "incident.toml", "--segment", "lore=x"
    )
    assert wrong.code == 1 and "law, channel, language, role, exposed" in wrong.err


def test_a_hold_stops_and_a_release_lets_go(here: Place, relay: SmtpSink) -> None:
    here = replace(here, environ={**here.environ, "TOCSIN_SMTP_URL": relay.url})
    approve(here, "wave:1")
    placed = here.ok("hold", I, "--kind", "notices", "--reason", "police ask for a week", "--json").json()
    done = within(here, "send", I, "1")
    assert done.code == 5 and "police ask for a week" in done.err and relay.accepted == []
    assert placed["hold"] in inside(here, "status", I).out
    assert inside(here, "release", I, placed["hold"], "--json").json() == {"released": 1}
    assert within(here, "hold", I, "--person", "nobody", "--reason", "x").code == 1
    assert within(here, "hold", I, "--wave", "1", "--channel", "sms", "--reason", "x").code == 1


def test_files_that_cannot_be_written_or_read_are_named_with_the_remedy(here: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    under, deep = tmp_path / "file" / "below", tmp_path / "deep.jsonl"
    export = here.home / "kept.jsonl"
    within(here, "verify", I, "--export", export)
    header = export.read_text("utf-8").splitlines()[0]
    deep.write_text(header + "\n" + '{"event":' + "[" * 100_000 + "\n")
    before = here.rows()
    for arguments, place_, remedy in (
        (("preview", I, "--out", tmp_path / "file"), "--out", "Name a folder"),
        (("preview", I, "--out", under), "--out", "Name a folder"),
        (("verify", I, "--export", under), "--export", "folder that exists"),
        (("verify", I, "--export", tmp_path / "none" / "x"), "--export", "folder that exists"),
        (("verify", "--file", deep), str(deep), "Give the file that"),
    ):
        done = within(here, *arguments)
        assert done.code == 1 and place_ in done.err and remedy in done.err, (arguments, done)
        assert "does not know" not in done.err
    assert here.rows() == before


def test_answers_that_are_nested_without_end_are_no_surprise(here: Place, tmp_path: Path) -> None:
    (tmp_path / "answers.toml").write_text("a = " + "[" * 3000)
    done = within(here, "report", I, "--answers", tmp_path / "answers.toml")
    assert done.code == 1 and "nested too deeply" in done.err and "does not know" not in done.err


# --- the documents --------------------------------------------------------------------------------------------------


def commands(found: Any, path: str) -> Iterator[tuple[str, Any]]:
    own = getattr(found, "commands", None)
    if own is None:
        yield path, found
        return
    for name, inner in own.items():
        yield from commands(inner, f"{path} {name}")


def test_the_reference_names_every_command_and_option_and_no_other() -> None:
    text = ROOT.joinpath("docs", "reference", "commands.md").read_text("utf-8")
    sections = {part.split("`")[1]: part for part in text.split("\n### ")[1:]}
    known = dict(commands(command(), "tocsin"))
    named = {" ".join(word for word in heading.split() if word.islower()): part for heading, part in sections.items()}
    assert set(named) == set(known)
    for path, found in known.items():
        options = {p.opts[0] for p in found.params if p.param_type_name == "option"} - {"--json", "--help"}
        assert options == {f"--{part.split()[0].strip('`')}" for part in named[path].split("| `--")[1:]}, path


def test_every_command_speaks_json() -> None:
    silent = [
        path
        for path, found in commands(command(), "tocsin")
        if "--json" not in [o for p in found.params for o in p.opts]
    ]
    assert silent == ["tocsin answer"], "it serves until it is ended, and has nothing to print"


def test_a_decision_not_to_tell_is_drafted_recorded_signed_and_shown(here: Place) -> None:
    draft = inside(here, "judge", I, "--new", "not_to_notify").out
    file = here.home.parent / "judgement.toml"
    chosen = draft.replace('# "us-hipaa/individuals/US/initial"', '"us-hipaa/individuals/US/initial"')
    file.write_text(chosen.replace('"""\n"""', '"""\nThe ground of the law, in a sentence.\n"""'), encoding="utf-8")
    recorded = within(here, "judge", I, "--file", file, "--by", "responder", "--json")
    assert recorded.code == 3 and recorded.json()["obligations"]  # type: ignore[index]
    assert within(here, "judge", I).code == 3
    approve(here, "judgement:1")
    listed = within(here, "judge", I)
    assert listed.code == 0 and "signed by counsel, dpo" in listed.out and "counts" in listed.out
    shown = within(here, "status", I).out
    assert "Decided not to notify: us-hipaa/individuals/US/initial" in " ".join(shown.split())
    assert within(here, "judge", I, "--new", "x", "--withdraw", "1").code == 1
    assert within(here, "judge", I, "--withdraw", "1", "--reason", "We were wrong.").code == 0
    assert "withdrawn by" in within(here, "judge", I).out


# --- words ----------------------------------------------------------------------------------------------------------


def test_a_language_is_chosen_by_name_and_one_without_words_is_refused(here: Place) -> None:
    wrong = within(here, "prepare", I, "--by", "responder", "--language", "xx")
    assert wrong.code == 1 and "--language 'xx'" in wrong.err and "zh-Hans" in wrong.err
    nobody = within(here, "prepare", I, "--by", "responder", "--language", "de")
    assert nobody.code == 3 and "is written in de" in nobody.err
    done = within(here, "prepare", I, "--by", "responder", "--language", "en", "--json")
    assert done.json()["prepared"]["held_back"] == {} and done.code == 0


def test_doctor_audits_the_overlay_and_names_its_own_file(here: Place) -> None:
    own = here.home / "words" / "en" / "parts" / "measures.md.j2"
    own.parent.mkdir(parents=True)
    own.write_text("{{ sheet.mesures_taken }}")
    done = within(here, "doctor", "--json", TOCSIN_TEMPLATES=str(here.home / "words"))
    found = [row for row in done.json()["found"] if row["what"] == "words" and row["state"] == "mend"]
    assert done.code == 1 and found
    assert str(own) in found[0]["says"] and "Did you mean sheet.measures_taken?" in "".join(r["says"] for r in found)


def test_a_warning_is_answered_for_by_its_id_and_a_reason(here: Place) -> None:
    facts = FACTS.replace('what_happened = "', 'what_happened = "Out of an abundance of caution we write to you. ')
    (here.home / "hedged.toml").write_text(facts)
    inside(here, "declare", here.home / "hedged.toml", "--by", "responder")
    found = inside(here, "prepare", I, "--by", "responder", "--json").json()["findings"]
    hedge = next(f for f in found if f["element"] == "hedging")
    assert set(hedge) >= {"id", "part", "segments"} and hedge["segments"]
    unknown = within(here, "override", I, "ffff", "--reason", "x", "--by", "counsel")
    assert unknown.code == 1 and hedge["id"] in unknown.err
    said = inside(here, "override", I, hedge["id"], "--reason", "the insurer's words", "--by", "counsel").out
    assert "counsel answers for" in said and "new digest" in said
    inside(here, "preview", I, "--out", here.home / "read")
    assert "the insurer’s words" in (here.home / "read" / "PREVIEW-index.html").read_text().replace("&#39;", "’")


def test_a_pdf_is_linted_by_its_text_and_the_size_of_its_type(tmp_path: Path) -> None:
    typst = pytest.importorskip("typst")
    (tmp_path / "letter.pdf").write_bytes(typst.compile(b"#set text(size: 8pt)\nNotice of Data Breach"))
    segment = [f"--segment={axis}" for axis in ("law=us-ca", "channel=letter", "language=en", "exposed=name")]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            "lint",
            tmp_path / "letter.pdf",
            "--facts",
            EXAMPLE / "incident.toml",
            *segment,
            "--json",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    sizes = [f for f in json.loads(done.stdout) if f["element"] == "type_size"]
    assert done.returncode == 1 and [f["law"] for f in sizes] == ["us-ca"] and "8 points" in sizes[0]["remedy"]
