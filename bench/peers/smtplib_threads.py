"""Python's smtplib in ten threads, an EmailMessage for each person. Arguments: port, how many, the mail as JSON."""

from __future__ import annotations

import json
import smtplib
import sys
import threading
import time
from email.message import EmailMessage
from pathlib import Path

THREADS = 10


def message(mail: dict[str, str], number: int) -> EmailMessage:
    name = ("Robin Sample", "Zoë Müller", "Ana Łuczak", "李 样例")[number % 4]
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "notice@example.org", f"p{number}@example.org", mail["subject"]
    made.set_content(mail["text"].replace("NAME", name))
    made.add_alternative(mail["html"].replace("NAME", name), subtype="html")
    return made


def most_memory() -> int:
    """Megabytes. From the kernel's own account of this program: rusage's would be that of the one which started it."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1024


def send(port: int, numbers: range, mail: dict[str, str]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as line:
        for number in numbers:
            line.send_message(message(mail, number))


def main() -> None:
    port, count, mail = int(sys.argv[1]), int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text("utf-8"))
    start, cpu = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=send, args=(port, range(n, count, THREADS), mail)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, used = time.perf_counter() - start, time.process_time() - cpu
    memory = most_memory()
    print(json.dumps({"sent": count, "seconds": took, "cpu": used, "rss": memory}))


if __name__ == "__main__":
    main()
