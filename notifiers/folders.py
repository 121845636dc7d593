"""Files that must be whole or absent: written beside, flushed to the disk, then renamed into place.

A crash half-way leaves only a folder whose name begins with ".part-", which nobody reads and a later run sweeps away.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

PART = ".part-"
# What a spreadsheet takes for a formula, with the full-width forms that some of them fold.
_FORMULA = frozenset("=+-@\t\r\n\0＝＋－＠")


def neutral(cell: str) -> str:
    """`cell` so that no spreadsheet computes it: an apostrophe goes before what could begin a formula."""
    return f"'{cell}" if cell[:1] in _FORMULA and cell else cell


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV with every cell quoted and neutralised, UTF-8 with a mark so that office programs read it right."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def xlsx_bytes(header: Sequence[str], rows: Iterable[Sequence[str]], sheet: str) -> bytes:
    """A workbook in which every cell is a string cell: no number becomes a sum, no name a formula."""
    import xlsxwriter  # made rarely, and the package is not small

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "constant_memory": False})
    page = book.add_worksheet(sheet)
    page.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    for column, name in enumerate(header):
        page.write_string(0, column, name, bold)
    for line, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            page.write_string(line, column, cell)
    book.close()
    return out.getvalue()


def write_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write and flush to the disk. The mode holds whatever the umask is."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(fd, "wb") as f:
        f.write(data)
        f.flush()
        os.fchmod(f.fileno(), mode)
        os.fsync(f.fileno())


def replace_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """The same, over whatever stands there: a reader sees the old file or the new one."""
    part = path.with_name(f"{PART}{uuid.uuid4().hex}")
    write_file(part, data, mode)
    part.replace(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make a rename in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def seal(parent: Path, name: str, files: Mapping[str, bytes], *, file_mode: int = 0o400, mode: int = 0o700) -> bool:
    """Make the folder `parent/name` with exactly `files`, or nothing. False when it was there before."""
    parent.mkdir(parents=True, exist_ok=True, mode=mode)
    final, part = parent / name, parent / f"{PART}{uuid.uuid4().hex}"
    if final.exists():
        return False
    part.mkdir(mode=mode)
    try:
        part.chmod(mode)
        for file, data in files.items():
            write_file(part / file, data, file_mode)
        sync(part)
        return _into_place(part, final)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _into_place(part: Path, final: Path) -> bool:
    try:
        part.rename(final)
    except OSError:
        if final.exists():  # somebody sealed the same content a moment before us
            return False
        raise
    sync(final.parent)
    return True


def sweep(parent: Path, older_than: float) -> int:
    """Remove what crashes left, if nobody touched it for `older_than` seconds (real time); how many there were.

    They hold people's data that no manifest lists, so erasure would not find them.
    """
    limit = time.time() - older_than
    stale = [p for p in parent.glob(f"{PART}*") if p.stat().st_mtime < limit] if parent.exists() else []
    for part in stale:
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    return len(stale)


def sealed(parent: Path) -> list[Path]:
    """Finished folders, by name."""
    if not parent.exists():
        return []
    return sorted(p for p in parent.iterdir() if p.is_dir() and not p.name.startswith("."))
