"""Reading a list of people: ours against pandas and plain sqlite, in one run. Run: `python bench/scoping.py`.

One line in a hundred is unreadable (none with `--clean`), one id in a hundred comes twice. Ours counts and names every
line, seals every person and stores nobody twice; the peers check email and telephone by the usual libraries, keep all
in clear and say nothing of what they drop: to them a quotation mark that never closes swallows what follows it. They
are installed into a virtual environment of their own (`--peers FOLDER`). Processor time of all processes, since the
machine may be shared; memory is the sum of all processes at its peak.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import people_list  # noqa: E402 - the bench runs from any folder

NEEDED = ("pandas", "email-validator", "phonenumbers")
PAGE = os.sysconf("SC_PAGE_SIZE")
MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    people: int
    wall: float  # seconds
    processor: float  # seconds, of all processes
    memory: int  # bytes, of all processes at once


def peers_python(folder: Path) -> Path:
    """The interpreter of the peers' environment, made when it is missing."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *NEEDED], check=True)
    return python


def family(process: int) -> list[int]:
    """A process and its children, by the kernel's own list."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [process, *(one for child in children for one in family(int(child)))]


def resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def measure(name: str, python: Path, people: Path, folder: Path) -> Figure:
    """Runs one script over the list, looking at its memory ten times a second."""
    command = [str(python), str(HERE / "peers" / f"list_{name}.py"), str(people), str(folder / f"{name}.db")]
    before, start, peak = os.times(), time.perf_counter(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        while running.poll() is None:
            peak = max(peak, sum(map(resident, family(running.pid))))
            time.sleep(0.1)
        said = running.stdout.read() if running.stdout else ""
    if running.returncode:
        raise SystemExit(f"{name} failed")
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Figure(name, int(said.split()[-1]), time.perf_counter() - start, spent, peak)


def shown(figures: list[Figure], rows: int, clean: bool) -> None:
    ours = figures[0]
    print(f"{rows:,} rows; {people_list.readable(rows, clean=clean):,} people can be read")
    print(f"{'':<8}{'people':>12}{'lost':>12}{'us/person':>11}{'rows/s':>10}{'wall s':>9}{'MB':>7}{'to ours':>9}")
    for f in figures:
        each, pace, lost = (
            f.processor / f.people * 1e6,
            rows / f.wall,
            people_list.readable(rows, clean=clean) - f.people,
        )
        ratio = each / (ours.processor / ours.people * 1e6)
        counts = f"{f.people:>12,}{lost:>12,}{each:>11.0f}{pace:>10,.0f}{f.wall:>9.1f}{f.memory // MB:>7}{ratio:>9.2f}"
        print(f"{f.name:<8}{counts}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=100_000)
    asked.add_argument("--peers", type=Path, help="where their environment is kept")
    asked.add_argument("--only", nargs="*", default=["ours", "pandas", "sqlite"])
    asked.add_argument("--clean", action="store_true", help="a list in which every line can be read")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        people, _ = people_list.write(folder, given.rows, clean=given.clean)
        python = {"ours": Path(sys.executable)}
        if {"pandas", "sqlite"} & set(given.only):
            python |= dict.fromkeys(("pandas", "sqlite"), peers_python(given.peers or folder / "peers"))
        shown([measure(name, python[name], people, folder) for name in given.only], given.rows, given.clean)


if __name__ == "__main__":
    main()
