"""Making mails: ours from a mould against Jinja2 and EmailMessage per person. Run: `python bench/merge.py`.

Processor time on one processor, median of rounds; nothing is sent. Ours is `notifiers.email.mime.build`: slots checked
and poured, headers, return path with its MAC. The bar is 25,000 mails/s.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from models.slots import MARK  # noqa: E402 - the bench runs from any folder
from models.values import Channel, Contacts, Message, Slot  # noqa: E402
from notifiers.email.mime import Sender, build  # noqa: E402
from notifiers.email.mould import mould  # noqa: E402

NAMES = ("Robin Sample", "Zoë Müller", "Ana Łuczak", "李 样例")
SENDER = Sender(Address("Example Orchard", addr_spec="notice@example.org"), None, "bounce.example.org", b"k" * 32)
DATE = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WORDING = "d" * 64
SENTENCE = "A stolen password was used to read our order system; your name and your email address were in it. "


def words(octets: int = 6_000) -> dict[str, str]:
    """A notice of about so many octets as a mail, text and page together. NAME stands where the person's name goes."""
    body = SENTENCE * (octets // 2 // len(SENTENCE))
    page = f"<!doctype html><html lang='en'><body><p>Dear NAME,</p><p>{body}</p></body></html>"
    return {"subject": "Notice of a data incident", "text": f"Dear NAME,\n\n{body}\n", "html": page}


def _message(number: int) -> Message:
    contacts = Contacts(email=f"p{number}@example.org")
    slots = {Slot.NAME: NAMES[number % 4]}
    return Message(f"d{number:031x}", f"n{number:031x}", Channel.EMAIL, "en", contacts, slots, wording=WORDING)


def ours(mail: Mapping[str, str], count: int) -> list[bytes]:
    marked = {k: v.replace("NAME", f"{MARK}{Slot.NAME}{MARK}") for k, v in mail.items()}
    moulds = {WORDING: mould(marked["subject"], marked["text"], marked["html"], (Slot.NAME,))}
    return [build(_message(n), SENDER, DATE, moulds).content for n in range(count)]


def sample(mail: Mapping[str, str]) -> bytes:
    return ours(mail, 1)[0]


def per_person(mail: Mapping[str, str], count: int) -> list[bytes]:
    from jinja2 import Environment

    text = Environment(autoescape=False).from_string(mail["text"].replace("NAME", "{{ name }}"))  # noqa: S701 - text
    page = Environment(autoescape=True).from_string(mail["html"].replace("NAME", "{{ name }}"))
    made = []
    for number in range(count):
        name, message = NAMES[number % 4], EmailMessage(policy=SMTP)
        message["From"], message["To"] = "Example Orchard <notice@example.org>", f"p{number}@example.org"
        message["Subject"] = mail["subject"]
        message.set_content(text.render(name=name))
        message.add_alternative(page.render(name=name), subtype="html")
        made.append(message.as_bytes())
    return made


def rate(make: Callable[[Mapping[str, str], int], list[bytes]], mail: Mapping[str, str], count: int) -> float:
    start = time.process_time()
    make(mail, count)
    return count / (time.process_time() - start)


def main() -> None:
    mail, rounds = words(), 5
    print(f"mails of {len(sample(mail)):,} octets, text and page, three names in four not ASCII")
    pairs = [(rate(ours, mail, 20_000), rate(per_person, mail, 100)) for _ in range(rounds)]
    print(f"ours, from a mould                 {statistics.median(a for a, _ in pairs):9,.0f} mails/s   bar 25,000")
    print(f"Jinja2 and EmailMessage per person {statistics.median(b for _, b in pairs):9,.0f} mails/s")
    print(f"ratio, median of the rounds' own   {statistics.median(a / b for a, b in pairs):9,.0f}")


if __name__ == "__main__":
    main()
