"""django-post_office on SQLite, five threads: queue, then send_queued. Arguments as smtplib_threads.py's."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from smtplib_threads import most_memory


def main() -> None:
    port, count, mail = int(sys.argv[1]), int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        _set_up(port, folder)
        from django.core.management import call_command
        from post_office import mail as office
        from post_office.mail import send_queued

        call_command("migrate", verbosity=0)
        names = ("Robin Sample", "Zoë Müller", "Ana Łuczak", "李 样例")
        start, cpu = time.perf_counter(), time.process_time()
        office.send_many(
            {
                "sender": "notice@example.org",
                "recipients": [f"p{n}@example.org"],
                "subject": mail["subject"],
                "message": mail["text"].replace("NAME", names[n % 4]),
                "html_message": mail["html"].replace("NAME", names[n % 4]),
            }
            for n in range(count)
        )
        sent = send_queued(processes=1, log_level=2)[0]
        took, used = time.perf_counter() - start, time.process_time() - cpu
    memory = most_memory()
    print(json.dumps({"sent": sent, "seconds": took, "cpu": used, "rss": memory}))


def _set_up(port: int, folder: str) -> None:
    import django
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "post_office"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/peer.db",
                               "OPTIONS": {"timeout": 30}}},
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates"},
            {"BACKEND": "post_office.template.backends.post_office.PostOfficeTemplates", "NAME": "post_office"},
        ],
        EMAIL_BACKEND="post_office.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        POST_OFFICE={"THREADS_PER_PROCESS": 5, "BATCH_SIZE": 1_000_000, "LOG_LEVEL": 2},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        SECRET_KEY="bench",  # noqa: S106 - nothing is signed with it
    )  # fmt: skip
    django.setup()


main()
