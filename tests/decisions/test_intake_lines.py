"""Text is decoded as declared and cut line by line; a bad line costs itself and nothing else."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.intake.lines import (
    LONGEST_LINE,
    Blank,
    Fault,
    Form,
    Read,
    Reject,
    Row,
    physical_lines,
    read_records,
    split_record,
    text_encoding,
)
from models.values import BadInput

ABC = ("a", "b", "c")


def read(text: str, form: Form = Form(), names: Sequence[str] = ABC) -> list[Read]:  # noqa: B008 - frozen
    lines = physical_lines(io.BytesIO(text.encode("utf-8", "surrogatepass")), "utf-8", "lf", "list.csv")
    return list(read_records(lines, tuple(names), form, 2))


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("1,2,3", ("1", "2", "3")),
        (",,", ("", "", "")),
        ('"1","2","3"', ("1", "2", "3")),
        ('"1, one",2,""', ("1, one", "2", "")),
        ('"say ""yes""",2,3', ('say "yes"', "2", "3")),
        ('1,2,""', ("1", "2", "")),
        ('1,"2",', ("1", "2", "")),
        ("1;2,3,4", ("1;2", "3", "4")),
        (" 1 ,2,3", (" 1 ", "2", "3")),
    ],
)
def test_a_record_is_cut_as_rfc_4180_says(text: str, fields: tuple[str, ...]) -> None:
    assert split_record(text, ",") == fields


@pytest.mark.parametrize(
    ("line", "fault", "column"),
    [
        ("1,2", Fault.TOO_FEW_COLUMNS, ""),
        ("1,2,3,4", Fault.TOO_MANY_COLUMNS, ""),
        ('1,"2,3', Fault.UNCLOSED_QUOTE, ""),
        ('1,2,"', Fault.UNCLOSED_QUOTE, ""),
        ('1,2" wide,3', Fault.STRAY_QUOTE, ""),
        ('1,"2"x,3', Fault.STRAY_QUOTE, ""),
        ("1,2\0,3", Fault.NUL, "b"),
        ('1,"2\0,3', Fault.NUL, ""),
        ("1,2,\ud800", Fault.LONE_SURROGATE, "c"),
        ("1,é\udfff,3", Fault.LONE_SURROGATE, "b"),
        ("1," + "x" * 4_001 + ",3", Fault.FIELD_TOO_LONG, "b"),
        ("1," + "x" * LONGEST_LINE + ",3", Fault.LINE_TOO_LONG, ""),
        ("1," + "x" * 3_000_000 + ",3", Fault.LINE_TOO_LONG, ""),
    ],
)
@pytest.mark.parametrize("multiline", [False, True])
def test_a_bad_line_is_rejected_by_number_and_reason_and_its_neighbours_stay(
    line: str, fault: Fault, column: str, multiline: bool
) -> None:
    found = read(f"1,2,3\n{line}\n4,5,6\n", Form(multiline=multiline))
    assert found == [Row(2, ("1", "2", "3")), Reject(3, fault, column), Row(4, ("4", "5", "6"))]


def test_a_field_of_exactly_the_longest_length_is_read() -> None:
    assert read("1," + "x" * 4_000 + ",3") == [Row(2, ("1", "x" * 4_000, "3"))]


@pytest.mark.parametrize("blank", ["", "   ", ",,", " , ,"])
def test_a_line_without_anything_on_it_is_blank_and_no_reject(blank: str) -> None:
    assert read(f"1,2,3\n{blank}\n4,5,6") == [Row(2, ("1", "2", "3")), Blank(3), Row(4, ("4", "5", "6"))]


def test_a_quoted_field_may_run_over_lines_only_where_the_mapping_says_so() -> None:
    text = '1,"two\nlines",3\n4,5,6\n'
    assert read(text, Form(multiline=True)) == [Row(2, ("1", "two\nlines", "3"), 2), Row(4, ("4", "5", "6"))]
    assert read(text) == [Reject(2, Fault.UNCLOSED_QUOTE), Reject(3, Fault.STRAY_QUOTE), Row(4, ("4", "5", "6"))]


@pytest.mark.parametrize("multiline", [False, True])
def test_an_open_quotation_mark_in_front_of_quoted_rows_costs_its_own_line_only(multiline: bool) -> None:
    rows = [f'"{n}","two, {n}","three"' for n in range(200)]
    rows[100] = '"100,"two","three"'.replace('"two"', '"two')
    found = read("\n".join(rows), Form(multiline=multiline))
    assert [one.line for one in found if isinstance(one, Reject)] == [102]
    assert sum(isinstance(one, Row) for one in found) == 199


def test_a_record_that_never_closes_is_given_up_after_a_bounded_number_of_lines() -> None:
    found = read('1,"2,3\n' + "4,5,6\n" * 500, Form(multiline=True))
    assert found[0] == Reject(2, Fault.UNCLOSED_QUOTE)
    assert sum(isinstance(one, Row) for one in found) == 500


ANY_LINE = st.text(st.sampled_from('ab,"\0 é\ud800'), max_size=12)


@given(st.lists(ANY_LINE, max_size=30), st.booleans())
def test_every_line_is_in_exactly_one_result_whatever_the_lines_are(lines: list[str], multiline: bool) -> None:
    found = read("\n".join([*lines, "end,end,end"]), Form(multiline=multiline))
    taken = [n for one in found for n in range(one.line, one.line + (one.lines if isinstance(one, Row) else 1))]
    assert taken == list(range(2, len(lines) + 3))


@given(st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"))] * 3), max_size=20))
def test_what_a_csv_writer_writes_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    assert [one.fields for one in read(text) if isinstance(one, Row)] == rows


# --- encodings ------------------------------------------------------------------------------------------------------

WORDS = "Zoë,王小明,Ünal\r\n"


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("utf-8", ""),
        ("utf-8", "utf-8"),
        ("utf-8-sig", ""),
        ("utf-8-sig", "utf-8"),
        ("utf-16", ""),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-32", ""),
        ("gb18030", "gb18030"),
    ],
)
def test_text_is_read_in_its_declared_encoding_or_by_its_byte_order_mark(written: str, declared: str) -> None:
    raw = WORDS.encode(written)
    lines = physical_lines(io.BytesIO(raw), text_encoding(raw[:4], declared, "list.csv"), "lf", "list.csv")
    assert list(lines) == [WORDS.strip()]


def test_cp1252_is_read_where_it_is_declared_and_refused_with_line_and_byte_where_it_is_not() -> None:
    raw = "a,b,c\nZoë,2,3\n".encode("cp1252")
    assert list(physical_lines(io.BytesIO(raw), "cp1252", "lf", "list.csv"))[1] == "Zoë,2,3"
    with pytest.raises(BadInput) as caught:
        list(physical_lines(io.BytesIO(raw), text_encoding(raw[:4], "", "list.csv"), "lf", "list.csv"))
    assert "line 2, byte 8 of the file is not utf-8" in str(caught.value)
    assert 'encoding = "cp1252"' in caught.value.remedy
    assert caught.value.__cause__ is None  # which would show the bytes


@pytest.mark.parametrize("at", [1, 262_143, 262_144, 262_145, 600_000])
def test_a_wrong_byte_is_named_exactly_wherever_the_read_blocks_end(at: int) -> None:
    good = ("é\n" * 400_000).encode()[: at - at % 3]
    with pytest.raises(BadInput) as caught:
        list(physical_lines(io.BytesIO(good + b"\xff" + good), "utf-8", "lf", "list.csv"))
    assert f"line {len(good) // 3 + 1}, byte {len(good)} " in str(caught.value)


def test_text_that_ends_within_a_character_is_refused() -> None:
    with pytest.raises(BadInput, match="line 2, byte 2"):
        list(physical_lines(io.BytesIO("a\né".encode()[:-1]), "utf-8", "lf", "list.csv"))


def test_a_byte_order_mark_that_contradicts_the_mapping_is_refused() -> None:
    with pytest.raises(BadInput, match="byte order mark of utf-16"):
        text_encoding("a".encode("utf-16"), "cp1252", "list.csv")


@pytest.mark.parametrize(
    ("raw", "end", "lines"),
    [
        (b"a\nb\n", "lf", ["a", "b"]),
        (b"a\r\nb\r\n", "lf", ["a", "b"]),
        (b"a\nb", "lf", ["a", "b"]),
        (b"a\rb\nc", "lf", ["a\rb", "c"]),
        (b"a\rb\r", "cr", ["a", "b"]),
        (b"", "lf", []),
        (b"\n", "lf", [""]),
    ],
)
def test_lines_end_where_the_mapping_says(raw: bytes, end: str, lines: list[str]) -> None:
    assert list(physical_lines(io.BytesIO(raw), "utf-8", end, "list.csv")) == lines
