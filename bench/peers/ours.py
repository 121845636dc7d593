"""Sends the prepared wave of TOCSIN_HOME. Prints seconds, processor seconds and the most memory as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flows.steps.deliver import deliver
from flows.steps.desk import open_desk


def most_memory() -> int:
    """Megabytes. From the kernel's own account of this program: rusage's would be that of the one which started it."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1024


def main() -> None:
    desk = open_desk(os.environ)
    start, cpu = time.perf_counter(), time.process_time()
    done = deliver(desk, "orchard", 1, "bench")
    took, used = time.perf_counter() - start, time.process_time() - cpu
    desk.close()
    memory = most_memory()
    sent = done.outcomes["email_accepted"]
    print(json.dumps({"sent": sent, "seconds": took, "cpu": used, "rss": memory}))


main()
