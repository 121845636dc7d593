"""A sending worker as a process of its own, without Prefect: `python -m flows.steps.worker INCIDENT WAVE`.

Any number may run on one wave; each claims what no other has. Prints one JSON line with its counts; a refusal is one
sentence on standard error and an exit code of the command line's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping

from flows.steps.deliver import deliver
from flows.steps.desk import open_desk
from models.values import ERROR, Exit, NeedsPerson, Refused, TocsinError

LEASE = 120.0  # seconds


class WorkerFailed(TocsinError):
    """A worker process ended badly. Its sentence holds no person's data."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m flows.steps.worker")
    parser.add_argument("incident")
    parser.add_argument("wave", type=int)
    parser.add_argument("lease", type=float, nargs="?", default=LEASE, help="seconds that a claim is ours")
    parser.add_argument("--by", default="worker")
    given = parser.parse_args(arguments)
    try:
        desk = open_desk(os.environ)
        try:
            done = deliver(desk, given.incident, given.wave, given.by, lease_seconds=given.lease)
        finally:
            desk.close()
    except TocsinError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    print(json.dumps(done.counts()))
    return 0


def spawn(incident: str, wave: int, by: str, environ: Mapping[str, str] | None = None) -> dict[str, int]:
    """Runs a worker as a child and waits for it: what a flow does, so that Prefect's memory is not the sender's.

    Raises what the child's exit code stands for, with its sentence.
    """
    command = [sys.executable, "-m", "flows.steps.worker", incident, str(wave), "--by", by]
    child = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    if child.returncode == 0:
        counts: dict[str, int] = json.loads(child.stdout)
        return counts
    kinds: dict[int, type[TocsinError]] = {NeedsPerson.exit_code: NeedsPerson, Refused.exit_code: Refused}
    failed = kinds.get(child.returncode, WorkerFailed)
    known = child.returncode in (*kinds, int(ERROR)) and "Traceback" not in child.stderr
    raise failed(child.stderr.strip() if known else f"the worker ended with code {Exit(child.returncode)}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
