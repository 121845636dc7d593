"""Reads a list of people: every line counted, every person once, in memory that does not grow with the list.

Two passes. The first decodes and cuts the source, rejects what cannot be read, and writes each row's mapped columns,
with the person's key, to a private file. Then DuckDB sorts that file, and the second pass makes people of it. So a
wrong byte in the last line refuses the list before anybody is stored, and columns that the mapping does not name go
nowhere.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TextIO, TypeVar

from models import vocabulary
from models.intake.candidate import Candidate
from models.intake.keeping import Keeper, Kept
from models.intake.lines import LONGEST_LINE
from models.intake.mapping import Mapping
from models.intake.people import RULE, read_everybody
from models.intake.private import private_database, private_folder, private_writer
from models.intake.sources import Opened, Source, open_source, source_digest, source_name
from models.intake.workers import in_order, processors
from models.values import BadInput, TocsinError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY: Final = "512MB"  # of the sort; what does not fit spills to the private folder
_FETCH: Final = 2_000
_LARGE: Final = 1 << 20  # characters of a part
FEW: Final = 20  # parts of `_FETCH` rows; a list of no more is read in this process alone
FEW_LINES: Final = 100  # the same, where lines are only cut and kept: less work, so a process pays later
Done = TypeVar("Done")
Use = Callable[[list[Candidate]], Done]  # what is done with a part of the people
SortedRow = tuple[str, int, str]  # person's key, line, body
_ROWS: Final = f"""read_csv(?, delim = '\t', quote = '', escape = '', header = false, auto_detect = false,
    max_line_size = {LONGEST_LINE * 16}, columns = {{'key': 'VARCHAR', 'line': 'BIGINT', 'body': 'VARCHAR'}})"""
_COUNT: Final = f"SELECT count(*) FROM {_ROWS}"  # noqa: S608 - our own constant
_SORT: Final = f"""
    WITH rows AS MATERIALIZED (SELECT * FROM {_ROWS}), people AS (SELECT key, min(line) AS first FROM rows GROUP BY key)
    SELECT key, line, body FROM rows JOIN people USING (key) ORDER BY first, line
"""  # noqa: S608 - our own constant


@dataclass(slots=True)
class Tally:
    """How the lines of a source were spent: physical lines of a text, rows (with the heading) of a table."""

    lines: int = 0  # counted apart from the rest, so that the sum can be wrong
    heading: int = 0
    blank: int = 0
    continued: int = 0  # further lines of records that run over several
    rows: int = 0
    rejected: Counter[str] = field(default_factory=Counter)  # reason -> records

    def add(self, kept: Kept) -> None:
        self.rows += kept.rows
        self.blank += kept.blank
        self.continued += kept.continued
        self.rejected.update(kept.rejected)


@dataclass(slots=True)
class Reading:
    """An opened list whose every line was read. `people()` may be run through once; the counts are final before it."""

    source: str
    digest: str
    mapping_digest: str
    rule: str  # how a person is told from another
    tally: Tally
    rows_digest: str  # SHA-256 over the rows as they were kept: the same for the same list in any format
    rejects_file: Path
    warnings_file: Path
    folder: Path = field(repr=False)  # private, and gone at the end
    workers: int
    _sorted: Iterator[SortedRow] = field(repr=False)
    _keeper: Keeper = field(repr=False)
    _as_of: date = field(repr=False)

    def people(self) -> Iterator[Candidate]:
        """Every person once, in the order of the list. The warnings file is complete when this has run through."""
        for part in self.through(_as_they_are, workers=1):
            yield from part

    def through(self, make: Callable[[], Use[Done]], workers: int | None = None) -> Iterator[Done]:
        """What `make()` says of the people, part by part in the order of the list; in place of `people()`.

        The parts are worked on in `workers` processes; `make` is called in each and must pickle.
        """
        with _private_text(self.folder / "warnings.csv") as file:
            out = csv.writer(file)
            out.writerow(("line", "warning"))
            make_reader = partial(_PersonReader, self._keeper, self._as_of, make)
            for warnings, done in in_order(make_reader, _whole_people(self._sorted), workers or self.workers, FEW):
                out.writerows(warnings)
                yield done
        _hand_out(self.folder / "warnings.csv", self.warnings_file)


def _as_they_are() -> Use[list[Candidate]]:
    return list


def _whole_people(rows: Iterator[SortedRow]) -> Iterator[list[SortedRow]]:
    """Parts of which each holds all rows of everybody in it."""
    part: list[SortedRow] = []
    size = 0
    for row in rows:
        if (len(part) >= _FETCH or size >= _LARGE) and row[0] != part[-1][0]:
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row[2])
    if part:
        yield part


class _PersonReader(Generic[Done]):
    """Makes people of kept rows and hands them on, in whichever process."""

    def __init__(self, keeper: Keeper, as_of: date, make: Callable[[], Use[Done]]) -> None:
        self._keeper, self._as_of, self._use = keeper, as_of, make()

    def __call__(self, rows: list[SortedRow]) -> tuple[list[tuple[int, str]], Done]:
        people = list(self._people(rows))
        warnings = [(person.line, str(warning)) for person in people for warning in person.warnings]
        return warnings, self._use(people)

    def _people(self, rows: list[SortedRow]) -> Iterator[Candidate]:
        cells = self._keeper.cells
        for _, group in groupby(rows, itemgetter(0)):
            own = [(line, cells(body)) for _, line, body in group]
            yield from read_everybody(own, self._keeper.mapping, self._as_of)


@contextmanager
def read_people(
    source: Source,
    mapping: Mapping,
    *,
    as_of: date,
    spill_dir: Path,
    rejects_file: Path | None = None,
    warnings_file: Path | None = None,
    memory: str = MEMORY,
    workers: int | None = None,
) -> Iterator[Reading]:
    """Opens a list, reads every line, and gives the people.

    `as_of` decides who is a minor. `spill_dir` gets a private folder that is removed at the end; without names of their
    own the rejects file (line, reason, column) and the warnings file (line, warning) go with it. Both are 0600 and hold
    no value of the list. `workers`: processes for a long list, by default as many as there are processors. BadInput
    for a list that cannot be read as the mapping says; then nothing has been given out.
    """
    workers = workers or processors()
    with private_folder(spill_dir) as folder, open_source(source, mapping, folder, memory) as opened:
        keeper = Keeper(mapping, opened.names, tuple(_place_columns(opened, mapping, source)))
        tally, rows_digest = _keep_rows(opened, keeper, folder, workers)
        with private_database(folder / "sort", memory, (folder / "rows",)) as database:
            ((kept,),) = _sorted_rows(database, _COUNT, folder / "rows", memory)
            if kept != tally.rows:
                raise TocsinError(
                    f"{source_name(source)}: {tally.rows} rows were read, {kept} were kept. Nothing was stored."
                )
            _hand_out(folder / "rejects.csv", rejects_file)
            yield Reading(
                source=source_name(source),
                digest=source_digest(source, mapping),
                mapping_digest=mapping.digest(),
                rule="source id" if "source_id" in mapping.columns else RULE,
                tally=tally,
                rows_digest=rows_digest,
                rejects_file=rejects_file or folder / "rejects.csv",
                warnings_file=warnings_file or folder / "warnings.csv",
                folder=folder,
                workers=workers,
                _sorted=_sorted_rows(database, _SORT, folder / "rows", memory),
                _keeper=keeper,
                _as_of=as_of,
            )


def _sorted_rows(database: DuckDBPyConnection, query: str, rows: Path, memory: str) -> Iterator[Any]:
    """Runs a query over the kept rows, in batches. DuckDB's own words are not passed on: they quote the row."""
    import duckdb

    try:
        cursor = database.execute(query, [str(rows)])
        while batch := cursor.fetchmany(_FETCH):
            yield from batch
    except duckdb.OutOfMemoryException:
        raise BadInput("memory", f"{memory} is too little for this list.", "Allow more, such as 1GB.") from None
    except duckdb.Error as error:
        kind = type(error).__name__
        raise TocsinError(
            f"the private sort failed ({kind}). Is {rows.parent.parent} full? Nothing was stored."
        ) from None


def _place_columns(opened: Opened, mapping: Mapping, source: Source) -> list[tuple[str, int]]:
    """Where each target stands in a row. A heading is only quoted in an error when it is surely one."""
    wanted = dict(mapping.columns) | {f"elements:{word}": column for word, column in mapping.element_columns.items()}
    there = Counter(opened.names)
    surely = any(column in there for column in wanted.values())
    for target, column in wanted.items():
        where = f"{mapping.file}: {target.replace(':', '.') if ':' in target else f'columns.{target}'}"
        if there[column] > 1:
            raise BadInput(
                where, f'{source_name(source)} has {there[column]} columns "{column}".', "Rename one in the source."
            )
        if column not in there:
            near = vocabulary.nearest(column, set(there)) if surely else None
            hint = f'Did you mean "{near}"?' if near else "The first line must name the columns, delimiter must cut it."
            raise BadInput(where, f'{source_name(source)} has no column "{column}".', hint)
    return [(target, opened.names.index(column)) for target, column in wanted.items()]


def _keep_rows(opened: Opened, keeper: Keeper, folder: Path, workers: int) -> tuple[Tally, str]:
    """First pass: counts every line, and writes what is readable to the private file `rows`."""
    tally = Tally(heading=opened.heading - opened.blank_above, blank=opened.blank_above)
    hashed = hashlib.sha256()
    with _private_text(folder / "rows") as file, _private_text(folder / "rejects.csv") as refused:
        out = csv.writer(refused)
        out.writerow(("line", "reason", "column"))
        for kept in in_order(partial(_same, keeper), opened.parts, workers, FEW_LINES):
            tally.add(kept)
            out.writerows(kept.rejects)
            hashed.update(kept.bodies)
            file.write(kept.text)
    tally.lines = opened.seen.lines
    return tally, hashed.hexdigest()


def _same(keeper: Keeper) -> Keeper:
    return keeper


def _hand_out(made: Path, wanted: Path | None) -> None:
    """Copies a finished file to where it was asked for; a list that is refused leaves none."""
    if wanted is None or wanted == made:
        return
    try:
        with made.open("rb") as source, open(private_writer(wanted), "wb") as target:
            shutil.copyfileobj(source, target)
    except OSError as error:
        raise BadInput(str(wanted), f"cannot be written ({error.strerror}).", "Name another file.") from error


def _private_text(path: Path) -> TextIO:
    return open(private_writer(path), "w", encoding="utf-8", newline="")
