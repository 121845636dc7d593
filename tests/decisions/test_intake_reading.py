"""Whole lists, in every format: every line counted, everyone once, nothing left behind."""

from __future__ import annotations

import csv
import importlib.util
import os
import sqlite3
import stat
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
import xlsxwriter

from models.facts import Elements, load_facts
from models.intake import Candidate, Mapping, Reading, Source, SqlSource, load_mapping, parse_mapping, read_people
from models.intake.private import private_database
from models.values import BadInput, TocsinError
from planning.scope import Counting, Waterfall

AS_OF = date(2026, 11, 2)
EXAMPLES = Path(__file__).parents[2] / "examples"
HEAD = "Id,Name,Mail,Born,State,SSN,Dead"


def mapping(**more: Any) -> Mapping:
    columns = {
        "source_id": "Id",
        "name": "Name",
        "email": "Mail",
        "date_of_birth": "Born",
        "region": "State",
        "deceased": "Dead",
    }
    defaults = {"country": "US", "language": "en", "elements": ["name"]}
    return parse_mapping({"columns": columns, "elements": {"ssn": "SSN"}, "defaults": defaults} | more, "m.toml")


def line(n: int) -> str:
    return f"{n},Person {n:04},person.{n}@example.org,1980-01-{n % 28 + 1:02},IL,{'yes' if n % 2 else 'no'},"


@pytest.fixture
def spill(tmp_path: Path) -> Path:
    return tmp_path / "spill"


@pytest.fixture
def scope(spill: Path) -> Callable[..., tuple[list[Candidate], Waterfall, Reading]]:
    """Reads a list to its end, checks its waterfall, and that nothing is left in the private place."""

    def run(source: Source, how: Mapping, **more: Any) -> tuple[list[Candidate], Waterfall, Reading]:
        counting, people = Counting(), []
        with read_people(source, how, as_of=AS_OF, spill_dir=spill, **more) as reading:
            for person in reading.people():
                counting.add(person)
                people.append(person)
            waterfall = counting.waterfall(reading.source, reading.rule, reading.tally)
        waterfall.check()
        assert list(spill.iterdir()) == []
        return people, waterfall, reading

    return run


Scope = Callable[..., tuple[list[Candidate], Waterfall, Reading]]


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def csv_rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


# --- every line counts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("multiline", [False, True])
@pytest.mark.parametrize("quoted", [False, True])
def test_an_open_quote_in_row_500_of_1000_gives_999_people_and_one_reject_by_line(
    tmp_path: Path, scope: Scope, multiline: bool, quoted: bool
) -> None:
    rows = [line(n) for n in range(1, 1001)]
    if quoted:
        rows = [",".join(f'"{cell}"' for cell in row.split(",")) for row in rows]
    rows[499] = '500,"Person 0500,person.500@example.org,1980-01-01,IL,no,'
    rejects = tmp_path / "rejects.csv"
    source = write(tmp_path / "list.csv", HEAD, *rows)
    people, waterfall, _ = scope(source, mapping(multiline=multiline), rejects_file=rejects)
    assert (len(people), waterfall.people, waterfall.rejected) == (999, 999, {"unclosed_quote": 1})
    assert csv_rows(rejects) == [["line", "reason", "column"], ["501", "unclosed_quote", ""]]
    assert {person.person_key for person in people} == {f"id:{n}" for n in range(1, 1001) if n != 500}


def test_rejects_name_line_reason_and_column_and_never_a_value(tmp_path: Path, scope: Scope) -> None:
    lines = [
        HEAD,
        line(1),
        "2,CNRY-2",
        line(3).replace(",IL,", ",IL,CNRY-3,").replace(",yes,", ","),
        "",
        line(5).replace("Person", "CNRY\0"),
        line(6) + "CNRY-6",
        line(7) + ",CNRY-7",
        line(8).replace("Person", '"CNRY-8'),
        line(9).replace("0009", '"CNRY-9"'),
        line(10).replace("Person", "CNRY\ud800"),
        line(11).replace("Person", "CNRY" * 1_001),
        line(12).replace("Person", "CNRY" * 20_000),
        line(13),
    ]
    rejects, source = tmp_path / "rejects.csv", tmp_path / "list.csv"
    source.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    people, waterfall, _ = scope(source, mapping(), rejects_file=rejects)
    assert [person.line for person in people] == [2, 14]
    assert csv_rows(rejects)[1:] == [
        ["3", "too_few_columns", ""],
        ["4", "unknown_word", "SSN"],
        ["6", "nul", "Name"],
        ["7", "unknown_word", "Dead"],
        ["8", "too_many_columns", ""],
        ["9", "unclosed_quote", ""],
        ["10", "stray_quote", ""],
        ["11", "lone_surrogate", "Name"],
        ["12", "field_too_long", "Name"],
        ["13", "line_too_long", ""],
    ]
    assert (waterfall.lines, waterfall.blank, waterfall.rows) == (14, 1, 2)
    assert "CNRY" not in rejects.read_text()
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600


def test_warnings_are_listed_by_line_and_the_people_stay(tmp_path: Path, scope: Scope) -> None:
    warnings = tmp_path / "warnings.csv"
    rows = (line(1).replace("@", " at "), line(2).replace("IL", "Oz"), line(3).replace("Person 0003", ""))
    people, waterfall, _ = scope(write(tmp_path / "l.csv", HEAD, *rows), mapping(), warnings_file=warnings)
    assert csv_rows(warnings)[1:] == [["2", "email_unusable"], ["3", "region_unknown"], ["4", "no_name"]]
    assert (len(people), waterfall.warnings["email_unusable"]) == (3, 1)
    assert stat.S_IMODE(warnings.stat().st_mode) == 0o600


def test_wrong_bytes_in_the_last_line_give_nobody_at_all(tmp_path: Path, spill: Path) -> None:
    source = write(tmp_path / "list.csv", HEAD, line(1), line(2).replace("Person", "Zoë"), encoding="cp1252")
    given: list[Candidate] = []
    with (
        pytest.raises(BadInput, match="line 3, byte") as caught,
        read_people(source, mapping(), as_of=AS_OF, spill_dir=spill, rejects_file=tmp_path / "rejects.csv") as reading,
    ):
        given.extend(reading.people())
    assert (given, list(spill.iterdir()), (tmp_path / "rejects.csv").exists()) == ([], [], False)
    assert "encoding" in caught.value.remedy


@pytest.mark.parametrize(
    ("written", "declared"), [("cp1252", "cp1252"), ("utf-16", ""), ("utf-8-sig", ""), ("utf-16", "utf-16")]
)
def test_the_same_list_in_another_encoding_gives_the_same_people(
    tmp_path: Path, scope: Scope, written: str, declared: str
) -> None:
    lines = [HEAD, *(line(n).replace("Person", "Zoë Ünal") for n in range(20))]
    plain = scope(write(tmp_path / "a.csv", *lines), mapping())
    other = scope(
        write(tmp_path / "b.csv", *lines, encoding=written), mapping(**({"encoding": declared} if declared else {}))
    )
    assert other[0] == plain[0]
    assert other[2].rows_digest == plain[2].rows_digest


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (HEAD.replace("Mail", "Email"), 'no column "Mail"'),
        (HEAD.replace("Mail", "Name"), 'has 2 columns "Name"'),
        ("1,Ada CNRY,ada@example.org,1980-01-01,IL,no,", "must name the columns"),
        ('"Id,Name', "open quotation mark"),
    ],
)
def test_a_heading_that_does_not_fit_is_refused_and_a_row_in_its_place_is_not_quoted(
    tmp_path: Path, spill: Path, head: str, says: str
) -> None:
    source = write(tmp_path / "list.csv", head, line(1))
    with pytest.raises(BadInput, match=says) as caught, read_people(source, mapping(), as_of=AS_OF, spill_dir=spill):
        pass
    assert "CNRY" not in str(caught.value)
    assert list(spill.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("list.csv", b"", "no heading line"),
        ("list.pdf", b"x", 'cannot be ".pdf"'),
        ("list.xlsx", b"x", "no workbook"),
        ("list.parquet", b"x", "no Parquet file"),
        ("list.csv", None, "no file"),
    ],
)
def test_a_file_that_is_no_list_is_refused(
    tmp_path: Path, spill: Path, name: str, content: bytes | None, says: str
) -> None:
    source = tmp_path / name
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(BadInput, match=says), read_people(source, mapping(), as_of=AS_OF, spill_dir=spill):
        pass


# --- who is who -----------------------------------------------------------------------------------------------------


def test_a_family_with_one_mailbox_stays_as_many_people_as_it_is(tmp_path: Path, scope: Scope) -> None:
    how = parse_mapping(
        {
            "columns": {"name": "N", "email": "E", "street": "S", "city": "C", "date_of_birth": "B"},
            "defaults": {"residence": "US-IL", "country": "US", "language": "en", "elements": ["name"]},
        },
        "m.toml",
    )
    home = "home@example.org,1 Example Street,Sampleton"
    rows = [
        f"{name},{home},{born}" for name, born in (("Ada", "1980-01-01"), ("Bo", "2015-01-01"), ("Cy", "2017-01-01"))
    ]
    people, waterfall, reading = scope(write(tmp_path / "l.csv", "N,E,S,C,B", *rows, rows[0], rows[0].lower()), how)
    assert [(person.name, person.email) for person in people] == [(n, "home@example.org") for n in ("Ada", "Bo", "Cy")]
    assert (waterfall.people, waterfall.merged, waterfall.minors) == (3, 2, 2)
    assert reading.rule == "name + date of birth + address"


def test_people_come_in_the_order_of_the_list_and_rows_far_apart_are_merged(tmp_path: Path, scope: Scope) -> None:
    rows = [line(n) for n in range(3000, 0, -1)]
    people, waterfall, _ = scope(write(tmp_path / "l.csv", HEAD, *rows, line(2999)), mapping())
    assert [person.line for person in people] == list(range(2, 3002))
    assert (waterfall.merged, people[1].rows) == (1, 2)


# --- other sources --------------------------------------------------------------------------------------------------


def table() -> tuple[list[str], list[list[Any]]]:
    return HEAD.split(","), [
        [n, f"Zoë 王 {n}", f"p{n}@example.org", date(1950 + n, 1, 2), "IL" if n % 3 else "CA", bool(n % 2), None]
        for n in range(1, 70)
    ]


def as_csv(path: Path) -> Source:
    head, rows = table()
    with (path / "t.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(
            [str(cell).lower() if isinstance(cell, bool) else "" if cell is None else cell for cell in row]
            for row in rows
        )
    return path / "t.csv"


def as_xlsx(path: Path) -> Source:
    head, rows = table()
    book = xlsxwriter.Workbook(str(path / "t.xlsx"))
    sheet, day = book.add_worksheet("People"), book.add_format({"num_format": "yyyy-mm-dd"})
    for r, row in enumerate([head, *rows]):
        for c, cell in enumerate(row):
            sheet.write_datetime(r, c, cell, day) if isinstance(cell, date) else sheet.write(r, c, cell)
    book.close()
    return path / "t.xlsx"


def as_parquet(path: Path) -> Source:
    head, rows = table()
    with duckdb.connect(":memory:") as database:
        kinds = ("INT", "VARCHAR", "VARCHAR", "DATE", "VARCHAR", "BOOLEAN", "VARCHAR")
        database.execute(f"CREATE TABLE t ({', '.join(f'{c} {k}' for c, k in zip(head, kinds, strict=True))})")
        database.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        database.execute(f"COPY t TO '{path / 't.parquet'}' (FORMAT parquet)")
    return path / "t.parquet"


def as_query(path: Path) -> Source:
    head, rows = table()
    with sqlite3.connect(path / "t.db") as database:
        database.execute(f"CREATE TABLE t ({', '.join(head)})")
        plain = [[cell.isoformat() if isinstance(cell, date) else cell for cell in row] for row in rows]
        database.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", plain)
    database.close()
    return SqlSource(f"sqlite:///{path / 't.db'}", "members")


@pytest.mark.parametrize("make", [as_xlsx, as_parquet, as_query])
def test_every_kind_of_source_gives_the_same_people(
    tmp_path: Path, scope: Scope, make: Callable[[Path], Source]
) -> None:
    people, waterfall, reading = scope(as_csv(tmp_path), mapping())
    others, other, again = scope(make(tmp_path), mapping(query="SELECT * FROM t ORDER BY Id"))

    def shown(found: list[Candidate]) -> list[tuple[Any, ...]]:
        return [(p.person_key, p.name, p.email, p.born, p.residence, p.elements, p.role) for p in found]

    assert shown(others) == shown(people)
    assert len(people) == 69
    assert (other.people, other.by_residence, other.with_email) == (69, waterfall.by_residence, waterfall.with_email)
    if make is not as_query:  # sqlite has no booleans: it says 1 where the others say true
        assert again.rows_digest == reading.rows_digest


def test_a_table_is_read_whole_and_a_line_break_in_a_cell_costs_the_email_only(tmp_path: Path, scope: Scope) -> None:
    source = as_query(tmp_path)
    with sqlite3.connect(tmp_path / "t.db") as database:
        database.execute("UPDATE t SET Mail = 'a@example.org' || char(10) || 'Bcc: b@example.org' WHERE Id = 7")
        database.execute("UPDATE t SET Name = x'00ff' WHERE Id = 8")
    database.close()
    people, waterfall, _ = scope(source, mapping(table="t"))
    assert (len(people), waterfall.rejected, waterfall.warnings["email_unusable"]) == (68, {"not_text": 1}, 1)


@pytest.mark.parametrize(
    ("query", "people"),
    [
        ("SELECT * FROM listed ORDER BY id", 3),
        ("SELECT * FROM listed WHERE name LIKE 'P%'", 3),
        ("SELECT * FROM listed WHERE name <> ':n' AND CAST(id AS text) <> '1:2'", 3),
        ("", 3),  # the whole table
        ("SELECT 1; COMMIT; DELETE FROM listed", None),
        ("WITH gone AS (DELETE FROM listed RETURNING *) SELECT * FROM gone", None),
    ],
)
def test_a_query_reads_from_either_database_and_cannot_write(
    database_url: str, scope: Scope, query: str, people: int | None
) -> None:
    how = mapping(query=query) if query else mapping(table="listed")
    how = replace(how, columns={target: column.lower() for target, column in how.columns.items()}, element_columns={})
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).parent.mkdir()
    engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    with engine.begin() as database:
        database.execute(
            sa.text("CREATE TABLE listed (id int, name text, mail text, born date, state text, dead text)")
        )
        row = sa.text("INSERT INTO listed VALUES (:n, 'P', 'p@example.org', '1980-01-01', 'IL', 'no')")
        database.execute(row, [{"n": n} for n in range(3)])
    if people is None:
        with pytest.raises(BadInput, match="refuses it"):
            scope(SqlSource(database_url), how)
    else:
        found, waterfall, _ = scope(SqlSource(database_url), how)
        assert (len(found), waterfall.by_residence, found[0].born) == (people, {"US-IL": people}, "1980-01-01")
    with engine.connect() as database:
        assert database.execute(sa.text("SELECT count(*) FROM listed")).scalar() == 3


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("DELETE FROM t", "is no SELECT"),
        ("WITH x AS (SELECT 1) DELETE FROM t", "the database refuses it"),
        ("SELECT * FROM nowhere", "the database refuses it"),
        ("SELECT 1; DELETE FROM t", "the database refuses it"),
    ],
)
def test_a_query_that_is_not_a_reading_one_is_refused_and_changes_nothing(
    tmp_path: Path, spill: Path, query: str, says: str
) -> None:
    source = as_query(tmp_path)
    with pytest.raises(BadInput, match=says), read_people(source, mapping(query=query), as_of=AS_OF, spill_dir=spill):
        pass
    with sqlite3.connect(tmp_path / "t.db") as database:
        assert database.execute("SELECT count(*) FROM t").fetchone() == (69,)
    database.close()


def test_the_address_of_a_database_is_never_shown(spill: Path) -> None:
    source = SqlSource("postgresql://user:CNRY-secret@127.0.0.1:1/x", "members")
    assert "CNRY" not in repr(source)
    with (
        pytest.raises(BadInput) as caught,
        read_people(source, mapping(query="SELECT 1"), as_of=AS_OF, spill_dir=spill),
    ):
        pass
    assert "CNRY" not in str(caught.value)


@pytest.mark.parametrize(
    ("sheet", "says"), [("Peple", 'no sheet "Peple"'), ("", "has 2 sheets"), ("People", ""), ("Other", "no column")]
)
def test_a_workbook_with_two_sheets_wants_one_named(tmp_path: Path, spill: Path, sheet: str, says: str) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "t.xlsx"))
    for name, cells in (("People", HEAD.split(",")), ("Other", ["x"])):
        page = book.add_worksheet(name)
        page.write_row(2, 0, cells)  # two empty rows above
        page.write_row(4, 0, line(1).split(","))
    book.close()
    how = mapping(**({"sheet": sheet} if sheet else {}))
    try:
        with read_people(tmp_path / "t.xlsx", how, as_of=AS_OF, spill_dir=spill) as reading:
            (person,) = reading.people()
            assert (person.line, reading.tally.blank, reading.tally.lines, says) == (5, 3, 5, "")
    except BadInput as error:
        assert says and says in str(error)


def test_a_workbook_that_would_unpack_to_far_too_much_is_refused(tmp_path: Path, spill: Path) -> None:
    source = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("xl/big.xml", "w") as part:
        for _ in range(40):
            part.write(b"\0" * (1 << 20))
    with pytest.raises(BadInput, match="would unpack"), read_people(source, mapping(), as_of=AS_OF, spill_dir=spill):
        pass


# --- the private place ----------------------------------------------------------------------------------------------


def test_the_spill_is_ours_alone_and_gone_even_when_the_reader_breaks_off(tmp_path: Path, spill: Path) -> None:
    source = write(tmp_path / "list.csv", HEAD, *(line(n) for n in range(50)))
    with (
        pytest.raises(RuntimeError, match="broke"),
        read_people(source, mapping(), as_of=AS_OF, spill_dir=spill) as reading,
    ):
        (folder,) = spill.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "rows").stat().st_mode) == 0o600
        next(reading.people())
        raise RuntimeError("broke")
    assert list(spill.iterdir()) == []


def test_what_a_killed_reader_left_behind_is_swept_up_and_a_living_ones_is_not(tmp_path: Path, spill: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    dead, living = spill / f"list-{gone.pid}-x", spill / f"list-{os.getppid()}-x"
    for folder in (dead, living):
        folder.mkdir(parents=True)
        (folder / "rows").write_text("CNRY")
    with read_people(write(tmp_path / "l.csv", HEAD), mapping(), as_of=AS_OF, spill_dir=spill):
        assert (dead.exists(), living.exists()) == (False, True)


def test_columns_that_the_mapping_does_not_name_go_nowhere(tmp_path: Path, spill: Path) -> None:
    source = write(tmp_path / "list.csv", HEAD + ",Notes", line(1) + ",CNRY-notes")
    with read_people(source, mapping(), as_of=AS_OF, spill_dir=spill) as reading:
        (folder,) = spill.iterdir()
        assert "CNRY" not in (folder / "rows").read_text()
        assert len(list(reading.people())) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('{other}')",
        "SELECT * FROM read_text('{other}')",
        "COPY (SELECT 1) TO '{out}'",
        "ATTACH '{out}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
    ],
)
def test_the_sorting_database_reaches_no_other_file_and_no_extension(tmp_path: Path, statement: str) -> None:
    mine, other = write(tmp_path / "mine.csv", "a", "1"), write(tmp_path / "other.csv", "a", "2")
    with private_database(tmp_path / "sort", "100MB", (mine,)) as database:
        assert database.execute("SELECT a FROM read_csv(?)", [str(mine)]).fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            database.execute(statement.format(other=other, out=tmp_path / "out"))


def big_list(path: Path, rows: int) -> Path:
    return write(path / "list.csv", HEAD, *(f"{n},{'x' * 3_000},,,IL,no," for n in range(rows, 0, -1)))


def test_a_list_larger_than_the_memory_it_may_use_spills_and_is_complete(tmp_path: Path, spill: Path) -> None:
    source = big_list(tmp_path, 20_000)
    with read_people(source, mapping(), as_of=AS_OF, spill_dir=spill, memory="100MB") as reading:
        people = reading.people()
        keys = [next(people).person_key]
        assert any(path.stat().st_size for path in spill.glob("*/sort/*"))
        keys += [person.person_key for person in people]
    assert keys == [f"id:{n}" for n in range(20_000, 0, -1)]


def test_too_little_memory_is_said_without_quoting_a_row(tmp_path: Path, spill: Path) -> None:
    with (
        pytest.raises(BadInput, match="20MB is too little") as caught,
        read_people(big_list(tmp_path, 8_000), mapping(), as_of=AS_OF, spill_dir=spill, memory="20MB") as reading,
    ):
        list(reading.people())
    assert "xxx" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_row_that_is_lost_between_the_passes_stops_everything(
    tmp_path: Path, spill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.intake.keeping import Keeper

    row = Keeper.row
    monkeypatch.setattr(Keeper, "row", lambda own, read: ("k\t1\t{}\nk", "{}") if read.line == 3 else row(own, read))
    source = write(tmp_path / "list.csv", HEAD, line(1), line(2))
    with (
        pytest.raises(TocsinError, match="2 rows were read, 3 were kept"),
        read_people(source, mapping(), as_of=AS_OF, spill_dir=spill),
    ):
        pass


# --- the examples ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def maker() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("make_people", EXAMPLES / "make_people.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_people"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["make_people"]


def within_facts(case: str, waterfall: Waterfall) -> bool:
    """Whether the list exposes exactly what the incident's facts allow."""
    facts = load_facts(EXAMPLES / case / "incident.toml").value("data.elements")
    assert isinstance(facts, Elements) and facts.at_most is not None
    return facts.at_least <= waterfall.by_element.keys() <= facts.at_most


def test_the_list_of_presence_health_is_what_its_script_makes_and_has_836_people(
    tmp_path: Path, scope: Scope, maker: Any
) -> None:
    source = EXAMPLES / "presence-health" / "people.csv"
    maker.main(["presence-health", "--out", str(tmp_path / "again.csv")])
    assert (tmp_path / "again.csv").read_bytes() == source.read_bytes()
    people, waterfall, _ = scope(source, load_mapping(EXAMPLES / "presence-health" / "people.mapping.toml"))
    assert waterfall.by_residence == {"US-IL": 836}
    assert (waterfall.merged, waterfall.deceased, waterfall.no_contact) == (3, 5, 12)
    assert waterfall.warnings == {}
    assert within_facts("presence-health", waterfall)
    shared = [person.email for person in people if person.email.startswith("home.")]
    assert len(set(shared)) < len(shared)


def test_the_mass_case_has_5000_people_in_eight_places_and_groups_for_the_test_relay(
    tmp_path: Path, scope: Scope, maker: Any
) -> None:
    maker.main(["mass-case", "--out", str(tmp_path / "m.csv")])
    people, waterfall, _ = scope(tmp_path / "m.csv", load_mapping(EXAMPLES / "mass-case" / "people.mapping.toml"))
    assert (waterfall.people, waterfall.merged, len(waterfall.by_residence)) == (5000, 25, 8)
    assert waterfall.by_language == {"en": 4100, "de": 500, "zh-Hans": 400}
    assert waterfall.warnings == {}
    assert within_facts("mass-case", waterfall)
    tagged = {tag: [p for p in people if f"+{tag}@" in p.email] for tag in ("hardbounce", "softbounce", "dsn")}
    assert {tag: len(found) for tag, found in tagged.items()} == {"hardbounce": 149, "softbounce": 50, "dsn": 50}
    assert sum(not (p.has_address or p.has_phone) for p in tagged["hardbounce"]) == 100
    phones = [p.phone for p in people if p.phone]
    assert len(set(phones)) == len(phones)


@pytest.mark.parametrize("case", ["presence-health", "mass-case"])
def test_every_invented_person_carries_a_token_of_their_own_in_every_text(
    tmp_path: Path, scope: Scope, maker: Any, case: str
) -> None:
    maker.main([case, "--out", str(tmp_path / "l.csv")])
    people, _, _ = scope(tmp_path / "l.csv", load_mapping(EXAMPLES / case / "people.mapping.toml"))
    tokens = maker.tokens(case)
    assert len(set(tokens)) == len(tokens)
    for person, token in zip(people, tokens, strict=False):
        texts = (person.person_key, person.name, person.guardian_name, person.next_of_kin_name, "".join(person.address))
        assert all(token in text for text in texts if text)
        assert token in person.email or not person.email or person.email.startswith("home.")


# --- long lists, in several processes -------------------------------------------------------------------------------

SPOILED = {
    7: lambda text: text.replace(",", ',"', 1),
    11: lambda text: text.rsplit(",", 3)[0],
    13: lambda text: text + ",more",
    17: lambda text: text.replace("Person", "Per\0son"),
    19: lambda text: text.replace("yes", "perhaps").replace(",no,", ",perhaps,"),
    23: lambda text: "",
    29: lambda text: text.replace("Person", "Zoë\t王"),
    31: lambda text: text.replace("Person", "{Person"),
    37: lambda text: text.replace("Person", " Person  P.  "),
    41: lambda text: text + "\r",
    43: lambda text: text.replace("Person", '"Person, P. ""X""').replace(",person.", '",person.'),
}


def test_a_list_read_in_several_processes_is_the_list_read_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.intake import reading

    monkeypatch.setattr(reading, "FEW", 1)
    monkeypatch.setattr(reading, "FEW_LINES", 1)
    rows = [SPOILED.get(n % 47, str)(line(n % 5_900)) for n in range(1, 6_500)]
    source = write(tmp_path / "list.csv", HEAD, *rows)
    outcomes = []
    for workers in (1, 2):
        rejects, warnings = tmp_path / "rejects.csv", tmp_path / "warnings.csv"
        files = {"rejects_file": rejects, "warnings_file": warnings}
        with read_people(source, mapping(), as_of=AS_OF, spill_dir=tmp_path / "s", workers=workers, **files) as read:
            parts = list(read.through(reading._as_they_are))
        outcomes.append((parts, read.tally, read.rows_digest, csv_rows(rejects), csv_rows(warnings)))
    assert outcomes[0] == outcomes[1]
    people = [person for part in outcomes[0][0] for person in part]
    assert (
        len({person.person_key for person in people})
        == len(people)
        == outcomes[0][1].rows - sum(person.rows - 1 for person in people)
    )
    assert sum(outcomes[0][1].rejected.values()) == len(outcomes[0][3]) - 1 > 500


def test_lines_end_as_they_like(tmp_path: Path, scope: Scope) -> None:
    source = tmp_path / "list.csv"
    source.write_bytes(f"{HEAD}\r\n{line(1)}\n{line(2)}\r\n\r\n{line(3)}".encode())
    people, waterfall, _ = scope(source, mapping())
    assert ([person.person_key for person in people], waterfall.blank) == (["id:1", "id:2", "id:3"], 1)


def test_a_line_of_any_length_costs_itself_and_hardly_memory(tmp_path: Path, scope: Scope) -> None:
    source = tmp_path / "list.csv"
    with source.open("wb") as file:
        file.write(f"{HEAD}\n{line(1)}\n2,".encode())
        for _ in range(64):
            file.write(b"x" * (1 << 20))
        file.write(f"\n{line(3)}\n".encode())
    tracemalloc.start()
    people, waterfall, _ = scope(source, mapping(), workers=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ([person.line for person in people], waterfall.rejected) == ([2, 4], {"line_too_long": 1})
    assert peak < 24 << 20


def test_a_formula_in_a_list_is_text_and_nothing_reckons_with_it(tmp_path: Path, scope: Scope) -> None:
    source = write(tmp_path / "list.csv", HEAD, line(1).replace("Person 0001", "=HYPERLINK(1)"))
    (person,), _, _ = scope(source, mapping())
    assert person.name == "=HYPERLINK(1)"
