"""The law's speed: reading it, one incident against all of it, a cold `tocsin assess`. Run: `python bench/law.py`.

Processor time, best of several runs: the machine may be shared, the work is the same in each. Our limits: under 20 ms
for people in 60 places once loaded, under 0.6 s from a cold start, 10,000 assessments a minute.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from models import vocabulary  # noqa: E402 - the bench runs from any folder
from models.facts import Facts, parse_facts  # noqa: E402
from regimes import load  # noqa: E402
from regimes.assess import assess  # noqa: E402

AS_OF = datetime.fromisoformat("2026-11-24T09:00:00+01:00")
WHOLE = """
from regimes.load import heads, instrument
import time; start = time.process_time(); heads()
if {all}: [instrument(i) for i in heads()]
print(time.process_time() - start)
"""


def places(number: int) -> list[str]:
    """The first places that an instrument is about, States of the US and countries in turn."""
    own = dict.fromkeys(head.place for head in load.heads().values() if not vocabulary.members(head.place))
    states, countries = ([p for p in own if ("-" in p) is part] for part in (True, False))
    mixed = [place for pair in zip(states, countries, strict=False) for place in pair]
    return [*dict.fromkeys([*mixed, *own])][:number]


def incident(number: int, seed: int = 0) -> dict[str, Any]:
    """A controller that lost names with account data, with people in so many places."""
    return {
        "id": f"bench-{seed}",
        "organisation": {"country": "US", "role": "controller", "sectors": ["general"], "timezone": "America/New_York"},
        "times": {
            "discovered": "2026-11-01T10:00:00-05:00",
            "aware": "2026-11-01T10:00:00-05:00",
            "determined": "2026-11-03",
        },
        "data": {"elements": ["name", "ssn", "email", "iban"], "encrypted": False, "acquired": True},
        "people": {place: 700 + seed for place in places(number)},
        "risk": {"gdpr": "high"},
    }


def best(work: Callable[[], float], runs: int) -> float:
    return min(work() for _ in range(runs))


def _program(*arguments: str) -> float:
    start = _children()
    subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return _children() - start


def _children() -> float:
    """Processor time of the programs that were started: what the command costs however busy the machine is."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reading(all_: bool) -> float:
    code = WHOLE.format(all=all_)
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return float(ran.stdout)


def _once(facts: Facts) -> float:
    start = time.process_time()
    assess(facts, AS_OF)
    return time.process_time() - start


def _cold(number: int, folder: str) -> float:
    path = Path(folder) / f"{number}.toml"
    path.write_text(_toml(incident(number)), "utf-8")
    return best(lambda: _program("-m", "console.main", "assess", str(path), "--json"), 5)


def _toml(data: dict[str, Any]) -> str:
    import json

    top = [f"{key} = {json.dumps(value)}" for key, value in data.items() if not isinstance(value, dict)]
    tables = [
        "\n".join([f"[{key}]", *(f"{name} = {json.dumps(value)}" for name, value in table.items())])
        for key, table in data.items()
        if isinstance(table, dict)
    ]
    return "\n".join([*top, *tables])


def main() -> None:
    heads, everything = best(lambda: _reading(False), 3), best(lambda: _reading(True), 3)
    held = load.instruments()
    print(f"{len(held)} instruments, {sum(len(v.duties) for i in held.values() for v in i.versions)} duties")
    print(f"reading what ties them to facts   {heads * 1000:7.1f} ms")
    print(f"reading all of them in full       {everything * 1000:7.1f} ms   {everything / heads:.0f} times as long")
    for number in (8, 60):
        assess(parse_facts(incident(number), "bench"), AS_OF)  # the instruments that it needs are read
        took = best(lambda n=number: _once(parse_facts(incident(n), "bench")), 15)  # type: ignore[misc]
        print(
            f"one incident, {number:2} places, loaded    {took * 1000:7.1f} ms"
            + ("   limit 20 ms" if number == 60 else "")
        )
    facts = [parse_facts(incident(8, seed), "bench") for seed in range(300)]
    start = time.process_time()
    for one in facts:
        assess(one, AS_OF)
    rate = 60 * len(facts) / (time.process_time() - start)
    print(f"assessments in one process        {rate:7,.0f} a minute   limit 10,000")
    with tempfile.TemporaryDirectory() as folder:
        for number in (8, 60):
            print(f"tocsin assess, cold, {number:2} places    {_cold(number, folder):7.2f} s    limit 0.6 s")


if __name__ == "__main__":
    main()
