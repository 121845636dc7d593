"""Celery on Redis, two processes, smtplib with a kept connection, a task for each person.

Arguments: port, how many, the mail as JSON, the address of Redis.
"""

from __future__ import annotations

import json
import os
import resource
import smtplib
import subprocess
import sys
import time
from pathlib import Path

from celery import Celery

sys.path.insert(0, str(Path(__file__).parent))
from smtplib_threads import message

app = Celery("celery_mail", broker=os.environ.get("BENCH_REDIS", ""), backend=os.environ.get("BENCH_REDIS", ""))
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=4, worker_hijack_root_logger=False)
_line: list[smtplib.SMTP] = []


@app.task
def send(port: int, number: int, path: str) -> None:
    if not _line:
        _line.append(smtplib.SMTP("127.0.0.1", port))
    _line[0].send_message(message(json.loads(Path(path).read_text("utf-8")), number))


def main() -> None:
    port, count, path, redis = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    environ = os.environ | {"BENCH_REDIS": redis, "C_FORCE_ROOT": "1"}
    if "BENCH_REDIS" not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], environ)  # noqa: S606 - ourselves, with the broker's name
    command = [sys.executable, "-m", "celery", "-A", "celery_mail", "worker", "-c", "2", "-l", "ERROR"]
    worker = subprocess.Popen(command, env=environ, cwd=Path(__file__).parent)
    try:
        send.delay(port, 0, path).get(timeout=60)  # it is up
        start = time.perf_counter()
        for done in [send.delay(port, n, path) for n in range(count)]:
            done.get(timeout=600)
        took = time.perf_counter() - start
    finally:
        worker.terminate()
        worker.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss // 1024
    print(json.dumps({"sent": count, "seconds": took, "cpu": cpu, "rss": memory}))


if __name__ == "__main__":
    main()
