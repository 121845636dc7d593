"""A list of invented people of any length, one line in a hundred of it unreadable. Used by scoping.py."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

HEAD = "id,name,born,email,phone,street,city,region,zip,country,ssn,dead,consent"
MAPPING = """
[columns]
source_id = "id"
name = "name"
date_of_birth = "born"
email = "email"
phone = "phone"
street = "street"
city = "city"
region = "region"
postal_code = "zip"
country = "country"
deceased = "dead"
consent_email = "consent"
[elements]
ssn = "ssn"
[defaults]
language = "en"
elements = ["name", "email"]
"""
GIVEN = ("Ada", "Bo", "Cleo", "Dara", "Eli", "Fay", "Gus", "Hana", "Ivo", "Juno", "Kim", "Lou", "Mika", "Noa", "Zoë")
STATES = ("IL", "CA", "NY", "TX", "WA", "OH", "GA", "ME", "NV", "Illinois", "California")
DOMAINS = ("example.org", "example.com", "mail.example.net", "post.example.org")
AREAS = tuple(f"{a}{b}{c}" for a in "23456789" for b in "01234567" for c in "0123456789" if b + c != "11")
EVERY = 100  # one unreadable line in so many; as many ids come twice


def line(number: int, rng: random.Random) -> str:
    """One readable line; the telephone exchange 555 rings nowhere."""
    pick = rng.random()
    phone = f"{AREAS[int(pick * 1e6) % len(AREAS)]}555{number % 10_000:04}"
    written = f"+1{phone}" if pick < 0.6 else f"({phone[:3]}) {phone[3:6]}-{phone[6:]}" if pick < 0.9 else ""
    email = f"p{number}.{GIVEN[number % 14].lower()}@{DOMAINS[number % 4]}" if 0.01 < pick < 0.95 else "p at example"
    born = f"{1930 + number % 80}-{number % 12 + 1:02}-{number % 28 + 1:02}"
    name = f"{GIVEN[number % 15]} Example{number // 7}"
    ssn, dead = "yes" if pick < 0.3 else "", "yes" if 0.500 < pick < 0.505 else "no"
    code = int(40_000 * rng.random() ** 2)  # about as many post codes as the United States have, some far larger
    street, state = f"{number % 9973} Example Street", STATES[code % 11]
    return f"{number},{name},{born},{email},{written},{street},Sampleton,{state},{code:05},US,{ssn},{dead},yes"


SPOIL = (
    lambda text: text.replace(",", ',"', 1),  # a quotation mark that never closes
    lambda text: text.rsplit(",", 4)[0],
    lambda text: text + ",more,columns",
    lambda text: text.replace("Example", "Exa\0mple", 1),
    lambda text: text.replace(",no,", ",perhaps,").replace(",yes,", ",perhaps,"),
)


def lines(rows: int, *, clean: bool = False, seed: int = 5) -> Iterator[str]:
    """`rows` lines below the heading."""
    rng = random.Random(seed)  # noqa: S311 - no secret is made of it
    for number in range(rows):
        kind = number % EVERY
        text = line(number - 50 if kind == 77 else number, rng)
        yield SPOIL[number // EVERY % len(SPOIL)](text) if kind == 13 and not clean else text


def readable(rows: int, *, clean: bool = False) -> int:
    """How many people the readable lines name: of each hundred, one is unreadable and one names somebody again."""
    kinds = (number % EVERY for number in range(rows))
    return sum(kind != 77 and (clean or kind != 13) for kind in kinds)


def write(folder: Path, rows: int, *, clean: bool = False) -> tuple[Path, Path]:
    """A list and its mapping, made unless they are there."""
    people, mapping = folder / f"people-{rows}.csv", folder / "people.mapping.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    if not people.is_file():
        with people.open("w", encoding="utf-8", newline="") as file:
            file.write(HEAD + "\n")
            file.writelines(f"{text}\n" for text in lines(rows, clean=clean))
    return people, mapping
