"""aiosmtplib on twenty connections, an EmailMessage for each person. Arguments as smtplib_threads.py's."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import aiosmtplib
from smtplib_threads import message, most_memory

LINES = 20


async def send(port: int, numbers: range, mail: dict[str, str]) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as line:
        for number in numbers:
            await line.send_message(message(mail, number))


async def main() -> None:
    port, count, mail = int(sys.argv[1]), int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text("utf-8"))
    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(send(port, range(n, count, LINES), mail) for n in range(LINES)))
    took, used = time.perf_counter() - start, time.process_time() - cpu
    memory = most_memory()
    print(json.dumps({"sent": count, "seconds": took, "cpu": used, "rss": memory}))


asyncio.run(main())
