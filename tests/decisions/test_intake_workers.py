"""Work in processes beside ours: in order, errors as they were, and no process outlives the one that asked for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from models.intake import load_mapping
from models.intake.workers import in_order
from models.values import BadInput, TocsinError


def run(work: Callable[[Any], Any], parts: Iterable[Any], workers: int = 2, few: int = 1) -> list[Any]:
    """The work must be importable in another process, so it is one of Python's own."""
    return list(in_order(partial(partial, work), parts, workers, few))


PLACED = [f"({number}, __import__('os').getpid())" for number in range(40)]


def test_results_come_in_the_order_of_the_parts_from_several_processes() -> None:
    found = run(eval, PLACED)
    assert [number for number, _ in found] == list(range(40))
    processes = {process for _, process in found}
    assert len(processes) == 2 and os.getpid() not in processes


@pytest.mark.parametrize(("parts", "workers", "few"), [(40, 1, 1), (5, 2, 5), (0, 2, 0)])
def test_little_work_starts_no_process(parts: int, workers: int, few: int) -> None:
    assert run(eval, PLACED[:parts], workers, few) == [(number, os.getpid()) for number in range(parts)]


def test_an_error_of_ours_is_raised_here_as_it_was_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read") as caught:
        run(load_mapping, [tmp_path / "none.toml"] * 5)
    assert (caught.value.where, caught.value.remedy) == (str(tmp_path / "none.toml"), "Check the path.")


def test_another_error_is_told_by_its_kind_and_place_and_quotes_nothing() -> None:
    with pytest.raises(TocsinError, match=r"ValueError at \w+\.py:\d+") as caught:
        run(int, ["1", "2", "CNRY-00000001"])
    assert "CNRY" not in str(caught.value)


def test_a_process_that_died_is_said() -> None:
    with pytest.raises(TocsinError, match="ended"):
        run(os._exit, [9] * 5)


KILLED = """
import os, signal
from functools import partial
from models.intake.workers import in_order

if __name__ == "__main__":
    found = in_order(partial(partial, eval), ["__import__('os').getpid()"] * 99, 2)
    print(next(found), next(found), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_ends_with_the_one_who_asked_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, timeout=60, check=False)
    workers = [int(process) for process in done.stdout.split()]
    assert len(workers) == 2, done.stderr
    for _ in range(100):
        if not any(map(alive, workers)):
            return
        time.sleep(0.1)
    pytest.fail("a worker is an orphan")


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
