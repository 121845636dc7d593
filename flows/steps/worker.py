"""A sending worker as a process of its own, without Prefect: `python -m flows.steps.worker INCIDENT WAVE`.

Any number may run on one wave; each claims what no other has. Prints one JSON line with its counts.
"""

from __future__ import annotations

import json
import os
import sys

from flows.steps.deliver import deliver
from flows.steps.desk import open_desk
from models.values import TocsinError


def main(arguments: list[str]) -> int:
    slug, wave, *rest = arguments
    desk = open_desk(os.environ)
    try:
        done = deliver(desk, slug, int(wave), "worker", lease_seconds=float(rest[0]) if rest else 120)
    except TocsinError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    finally:
        desk.db.close()
    print(json.dumps(done.counts()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
