"""Makes the people lists of the examples: invented people, the same ones every time.

    python examples/make_people.py presence-health --out examples/presence-health/people.csv
    python examples/make_people.py mass-case --out people.csv
    python examples/make_people.py mass-case --tokens        # one canary token a line

Nobody here exists. Addresses lie in Example Streets, mail goes to example.org, telephone numbers are reserved for
fiction (North America 555-0100 to 0199, Ofcom's 07700 900xxx, the Bundesnetzagentur's 0171 39200xx; China reserves
none, so people there have North American ones), ids begin with 000.

Every person carries one token, CNRY-<8 hex digits>, in every text that is theirs alone: id, family name, guardian's and
next of kin's name, email, second address line; a shared mailbox carries a token of its own. One grep for the tokens
finds a leak; a text with the tokens of two people is a mix-up.

Some emails say what a test relay should do with them, by a tag in their local part:

    +hardbounce   answer RCPT with 550 5.1.1
    +softbounce   answer RCPT with 452 4.2.2, always
    +dsn          accept, and send a bounce (RFC 3464, 5.1.1) afterwards

mass-case, 5,000 people: 3 % +hardbounce (of whom two thirds have neither address nor telephone, so nothing reaches them
after the bounce), 1 % +softbounce, 1 % +dsn, 10 % by letter only, 6 % of those abroad by SMS only; 25 rows stand twice,
once with an element more. presence-health, 836 people of Illinois: 12 who cannot be reached at all, 24 +hardbounce,
8 +softbounce, 8 +dsn, 14 minors, 5 who have died, 9 shared mailboxes; 3 rows stand twice.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Final, TextIO, TypeVar

T = TypeVar("T")

# --- names and places -----------------------------------------------------------------------------------------------

ENGLISH_GIVEN: Final = (
    *("Adela", "Alma", "Amos", "Anita", "Ansel", "Beatrix", "Benedict", "Bridget", "Calvin", "Carmen", "Clara"),
    *("Damon", "Delia", "Edith", "Elias", "Elodie", "Esther", "Felix", "Flora", "Gideon", "Grace", "Harvey", "Hazel"),
    *("Imogen", "Ira", "Jasper", "Joan", "Julian", "Kamala", "Keira", "Leland", "Lorna", "Lucius", "Mabel", "Marcus"),
    *("Miriam", "Nadia", "Nathan", "Olive", "Orson", "Pearl", "Quentin", "Ramona", "Rosa", "Rufus", "Selma", "Silas"),
    *("Tamsin", "Theo", "Ursula", "Vera", "Vincent", "Wanda", "Winston", "Yolanda", "Zadie", "José", "Renée", "Zoë"),
)
ENGLISH_FAMILY: Final = (
    *("Abernall", "Ashgrove", "Barlowe", "Birchmere", "Bramhope", "Caldbeck", "Carrowell", "Coldharbour", "Dunmoor"),
    *("Eastlake", "Ellerby", "Fairholt", "Farrowby", "Glenfield", "Greystone", "Hallowell", "Hartsby", "Holloway"),
    *("Inglewood", "Jarrowe", "Kestrel", "Kingsmere", "Larkspur", "Lindqvist", "Longacre", "Maplesden", "Marchbank"),
    *("Nightingale", "Northcote", "O'Halloran", "Oakeshott", "Pemberly", "Quillfeather", "Ravensdale", "Redfern"),
    *("Sandoval", "Silverton", "Stonebridge", "Thackery", "Underhill", "Vantongeren", "Wetherby", "Whitlock", "Yarrow"),
)
GERMAN_GIVEN: Final = (
    *("Anneliese", "Bärbel", "Björn", "Clemens", "Dörte", "Eberhard", "Franziska", "Günther", "Heike", "Ingrid"),
    *("Jörg", "Käthe", "Lieselotte", "Matthias", "Nadine", "Ottilie", "Paul", "Rüdiger", "Sönke", "Ute"),
)
GERMAN_FAMILY: Final = (
    *("Ahrenbök", "Brückenthal", "Dornfelder", "Eichgrün", "Fährmann", "Grünewald", "Hasenclever", "Immergrün"),
    *("Jägerhof", "Kühlborn", "Lindenau", "Moosbrugger", "Nußbaumer", "Öttinger", "Pfeifferling", "Rosenstück"),
)
CHINESE_FAMILY: Final = ("王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "欧阳", "司马")
CHINESE_GIVEN: Final = (
    *("安然", "晨曦", "海燕", "嘉怡", "建国", "静", "俊杰", "兰", "明远", "佩", "庆丰", "书涵", "思源", "文博"),
    *("晓明", "欣悦", "雅婷", "一诺", "宇航", "子墨"),
)


@dataclass(frozen=True)
class Place:
    """Where people of one residence live, and what their names and numbers look like."""

    country: str
    region: str
    language: str
    towns: Sequence[tuple[str, str]]  # town, postal code
    streets: Sequence[str]  # with {n} for the house number
    given: Sequence[str]
    family: Sequence[str]
    numbers: Sequence[str]  # reserved numbers, each used once

    @property
    def family_first(self) -> bool:
        return self.country == "CN"


def american(region: str, towns: Sequence[tuple[str, str]], areas: Iterable[str]) -> Place:
    streets = ("{n} Example Street", "{n} Sample Avenue", "{n} Example Court", "{n} North Sample Road")
    numbers = [f"({area}) 555-01{last:02}" for last in range(100) for area in areas]
    return Place("US", region, "en", towns, streets, ENGLISH_GIVEN, ENGLISH_FAMILY, numbers)


ILLINOIS: Final = american(
    "IL",
    (("Sampleton", "60600"), ("Exampleville", "61000"), ("Port Sample", "62000")),
    ("312", "217", "309", "618", "630", "708", "773", "815", "847"),
)
MASS_PLACES: Final[tuple[tuple[Place, int], ...]] = (
    (
        american(
            "CA",
            (("Example Beach", "90000"), ("Sample Hills", "94000")),
            ("209", "213", "310", "323", "408", "415", "510", "530", "559", "562", "619", "626", "650", "707", "714"),
        ),
        1200,
    ),
    (
        american(
            "NY",
            (("Example Falls", "10000"), ("Sample Harbor", "14000")),
            ("212", "315", "347", "516", "518", "585", "607", "631", "646", "716", "718", "845", "914", "917"),
        ),
        900,
    ),
    (
        american(
            "TX",
            (("Sample Springs", "75000"), ("Exampleburg", "77000")),
            ("210", "214", "254", "281", "361", "409", "432", "469", "512", "682", "713", "806", "817", "830"),
        ),
        800,
    ),
    (american("MA", (("Examplebury", "02100"), ("Sampleford", "01000")), ("413", "508", "617", "774", "781")), 400),
    (american("WA", (("Sample Sound", "98000"), ("Mount Example", "99000")), ("206", "253", "360", "425", "509")), 400),
    (
        Place(
            "DE",
            "",
            "de",
            (("Musterstadt", "00001"), ("Beispielhausen", "00002")),
            ("Beispielstraße {n}", "Musterweg {n}", "Am Musterhügel {n}"),
            GERMAN_GIVEN,
            GERMAN_FAMILY,
            [f"0171 39200{last:02}" for last in range(100)],
        ),
        500,
    ),
    (
        Place(
            "GB",
            "",
            "en",
            (("Sampleton-on-Sea", "ZZ99 3VZ"), ("Exampleham", "ZZ99 3WZ")),
            ("{n} Example Street", "{n} Sample Lane", "Flat {n}, Example House"),
            ENGLISH_GIVEN,
            ENGLISH_FAMILY,
            [f"07700 900{last:03}" for last in range(1000)],
        ),
        400,
    ),
    (
        Place(
            "CN",
            "示例省",
            "zh-Hans",
            (("样本市", "000001"), ("范例市", "000002")),
            ("示例路{n}号", "样本街{n}号"),
            CHINESE_GIVEN,
            CHINESE_FAMILY,
            [f"+1 {area} 555 01{last:02}" for last in range(100) for area in ("808", "907", "671", "684")],
        ),
        400,
    ),
)

# --- how people can be reached --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reach:
    """What one group of people has."""

    email: bool = True
    tag: str = ""  # in the email's local part, for the test relay
    address: bool = True
    phone: float = 0.5  # share that has one, while reserved numbers last


REACH: Final = {
    "ordinary": Reach(),
    "letter": Reach(email=False, phone=0),
    "sms": Reach(email=False, address=False, phone=1),
    "hard": Reach(tag="+hardbounce", phone=0),
    "hard_sms": Reach(tag="+hardbounce", address=False, phone=1),
    "hard_only": Reach(tag="+hardbounce", address=False, phone=0),
    "soft": Reach(tag="+softbounce", phone=0),
    "dsn": Reach(tag="+dsn", phone=0),
    "none": Reach(email=False, address=False, phone=0),
}
AMERICA: Final = {"letter": 100, "hard": 10, "hard_only": 20, "soft": 10, "dsn": 10}  # of 1,000; the rest is ordinary
ABROAD: Final = {"letter": 100, "sms": 60, "hard": 5, "hard_sms": 5, "hard_only": 20, "soft": 10, "dsn": 10}


@dataclass
class Person:
    """One invented person, before a list gives the columns their names."""

    number: int
    token: str
    place: Place
    given: str
    family: str
    born: date
    exposed: frozenset[str] = frozenset()
    email: str = ""
    phone: str = ""
    street: str = ""
    town: str = ""
    postal_code: str = ""
    agreed: bool = False
    guardian: str = ""
    deceased: bool = False
    kin: str = ""
    protected: bool = False
    home: str = ""  # the token of a shared mailbox

    @property
    def id(self) -> str:
        return f"000{self.number:05}-{self.token}"


@dataclass
class Maker:
    """Makes people with one seeded source of chance, and hands every reserved number out once."""

    case: str
    today: date
    chance: Random = field(init=False)
    used: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = Random(f"tocsin {self.case}")  # noqa: S311 - invented people, not secrets

    def token(self, number: int) -> str:
        return "CNRY-" + hashlib.sha256(f"{self.case} {number}".encode()).hexdigest()[:8]

    def person(self, number: int, place: Place, reach: Reach) -> Person:
        token = self.token(number)
        given, family = self.chance.choice(place.given), self.chance.choice(place.family)
        born = self.today - timedelta(days=self.chance.randint(19 * 366, 92 * 365))
        made = Person(number, token, place, given, f"{family} {token}", born)
        town, code = self.chance.choice(place.towns)
        if reach.address:
            made.street = self.chance.choice(place.streets).format(n=self.chance.randint(1, 998))
            made.town, made.postal_code = town, code
        if reach.email:
            made.email = f"person.{number:05}.{token}{reach.tag}@example.org"
        if self.chance.random() < reach.phone:
            made.phone = self.number(place, needed=reach.phone == 1)
        return made

    def number(self, place: Place, needed: bool) -> str:
        """The next reserved number, each given out once: the first half of them is for people who need one.

        "" when a half is used up.
        """
        half = len(place.numbers) // 2
        numbers = place.numbers[:half] if needed else place.numbers[half:]
        key = f"{place.country}{place.region}{needed}"
        used = self.used[key] = self.used.get(key, -1) + 1
        return numbers[used] if used < len(numbers) else ""

    def make_minor(self, person: Person, days: int) -> None:
        person.born = self.today - timedelta(days=days)
        person.guardian = f"{self.chance.choice(person.place.given)} {person.family}"

    def make_deceased(self, person: Person) -> None:
        person.deceased = True
        person.kin = f"{self.chance.choice(person.place.given)} {person.family}"

    def shuffled(self, groups: dict[str, int], people: int) -> list[str]:
        """A group for everyone, in a mixed order; who is in none of the groups is ordinary."""
        named = [name for name, count in groups.items() for _ in range(count)]
        return self.mixed(named + ["ordinary"] * (people - len(named)))

    def mixed(self, things: Iterable[T]) -> list[T]:
        listed = list(things)
        self.chance.shuffle(listed)
        return listed


def share_mailbox(make: Maker, people: Sequence[Person]) -> None:
    """A household: several people, one mailbox, one street; each is still told on their own."""
    first = people[0]
    for person in people:
        person.home = make.token(-first.number)
        person.email = f"home.{first.number:05}.{person.home}@example.org"
        person.street, person.town, person.postal_code = first.street, first.town, first.postal_code


# --- presence-health ------------------------------------------------------------------------------------------------

HEALTH_ELEMENTS: Final = frozenset({"name", "date_of_birth", "member_number", "health_record", "diagnosis"})
HEALTH_GROUPS: Final = {"letter": 180, "hard": 24, "soft": 8, "dsn": 8, "none": 12}
HEALTH_COLUMNS: Final[dict[str, Callable[[Person], str]]] = {
    "Patient number": lambda p: p.id,
    "First name": lambda p: p.given,
    "Last name": lambda p: p.family,
    "Date of birth": lambda p: f"{p.born:%m/%d/%Y}",
    "Street": lambda p: p.street,
    "Unit": lambda p: f"Unit {p.token}" if p.street else "",
    "City": lambda p: p.town,
    "State": lambda p: p.place.region,
    "ZIP": lambda p: p.postal_code,
    "Telephone": lambda p: p.phone,
    "Email": lambda p: p.email,
    "Email agreed": lambda p: "Y" if p.agreed else "",
    "Parent or guardian": lambda p: p.guardian,
    "Deceased": lambda p: "Y" if p.deceased else "",
    "Next of kin": lambda p: p.kin,
    "In the papers": lambda p: "; ".join(sorted(p.exposed)),
}


def presence_health() -> list[Person]:
    make = Maker("presence-health", date(2013, 10, 22))
    groups = make.shuffled(HEALTH_GROUPS, 836)
    people = [make.person(n, ILLINOIS, REACH[group]) for n, group in enumerate(groups, 1)]
    ordinary = make.mixed(person for person, group in zip(people, groups, strict=True) if group == "ordinary")
    for n, person in enumerate(person for person in people if person.email):
        person.agreed = "+" in person.email or n % 3 > 0
    for person in people:
        person.exposed = HEALTH_ELEMENTS
    for person in ordinary[:14]:
        make.make_minor(person, make.chance.randint(200, 17 * 365))
    for person in ordinary[14:19]:
        make.make_deceased(person)
    for first in range(6):  # a parent who is a patient too, with a child
        share_mailbox(make, [ordinary[20 + first], ordinary[first]])
    for first in range(26, 32, 2):  # couples
        share_mailbox(make, ordinary[first : first + 2])
    return people


# --- mass-case ------------------------------------------------------------------------------------------------------

SHOP: Final = frozenset({"name", "email", "postal_address", "phone", "purchase_history"})
ABROAD_PROFILES: Final = (SHOP | {"date_of_birth"}, SHOP | {"username", "password"}, SHOP | {"payment_card"})
PROFILES: Final[dict[str, tuple[frozenset[str], ...]]] = {
    "US": (
        SHOP | {"date_of_birth", "ssn"},
        SHOP | {"payment_card"},
        SHOP | {"date_of_birth", "driver_licence"},
        SHOP | {"username", "password"},
    ),
    "DE": ABROAD_PROFILES,
    "GB": ABROAD_PROFILES,
    "CN": ABROAD_PROFILES[:2],
}
MASS_ELEMENTS: Final = {
    "Birth date": "date_of_birth",
    "SSN": "ssn",
    "Driving licence": "driver_licence",
    "Card": "payment_card",
    "Login": "username",
    "Password": "password",
    "Membership": "member_number",
}


def ticked(word: str, person: Person) -> str:
    return "yes" if word in person.exposed else "no"


MASS_COLUMNS: Final[dict[str, Callable[[Person], str]]] = {
    "Customer": lambda p: p.id,
    "Name": lambda p: f"{p.family} {p.given}" if p.place.family_first else f"{p.given} {p.family}",
    "Born": lambda p: p.born.isoformat(),
    "Email": lambda p: p.email,
    "Mobile": lambda p: p.phone,
    "Street": lambda p: p.street,
    "Line 2": lambda p: p.token if p.street else "",
    "City": lambda p: p.town,
    "Region": lambda p: p.place.region,
    "Postcode": lambda p: p.postal_code,
    "Country": lambda p: p.place.country,
    "Language": lambda p: p.place.language,
    "Mail ok": lambda p: "yes" if p.agreed else "no",
    "Guardian": lambda p: p.guardian,
    "Deceased": lambda p: "yes" if p.deceased else "no",
    "Next of kin": lambda p: p.kin,
    "Protected": lambda p: "yes" if p.protected else "no",
    **{column: partial(ticked, word) for column, word in MASS_ELEMENTS.items()},
}


def mass_case() -> list[Person]:
    make = Maker("mass-case", date(2026, 11, 2))
    people: list[Person] = []
    for place, count in MASS_PLACES:
        shares = AMERICA if place.country == "US" else ABROAD
        groups = make.shuffled({name: count * share // 1000 for name, share in shares.items()}, count)
        made = [make.person(len(people) + n, place, REACH[group]) for n, group in enumerate(groups, 1)]
        ordinary = make.mixed(person for person, group in zip(made, groups, strict=True) if group == "ordinary")
        exposures(made)
        special_cases(make, ordinary)
        people.extend(made)
    for n, person in enumerate(people):
        person.agreed = bool(person.email) and ("+" in person.email or n % 5 > 0)
    return people


def exposures(people: Sequence[Person]) -> None:
    profiles = PROFILES[people[0].place.country]
    for n, person in enumerate(people):
        person.exposed = profiles[n % len(profiles)]


def special_cases(make: Maker, ordinary: Sequence[Person]) -> None:
    """Of the ordinary ones of a place: 1 % minors, 0.4 % who have died, 1 % households, one protected person."""
    share = len(ordinary) // 100
    for person in ordinary[:share]:
        make.make_minor(person, make.chance.randint(400, 17 * 365))
    for person in ordinary[share : share + max(1, share * 2 // 5)]:
        make.make_deceased(person)
    homes = ordinary[2 * share : 3 * share]
    for first in range(0, len(homes) - 1, 2):
        share_mailbox(make, homes[first : first + 2])
    ordinary[-1].protected = True


# --- out ------------------------------------------------------------------------------------------------------------

Rows = Iterator[list[str]]


def health_rows(people: Sequence[Person]) -> Rows:
    """Everyone, and three rows a second time."""
    for person in (*people, *people[100:400:100]):
        yield [write(person) for write in HEALTH_COLUMNS.values()]


def mass_rows(people: Sequence[Person]) -> Rows:
    """Everyone, and 25 a second time from another extract, which knows of their membership too."""
    for person in people:
        yield [write(person) for write in MASS_COLUMNS.values()]
    for person in people[50:5000:200]:
        person.exposed |= {"member_number"}
        yield [write(person) for write in MASS_COLUMNS.values()]


CASES: Final = {
    "presence-health": (presence_health, HEALTH_COLUMNS, health_rows),
    "mass-case": (mass_case, MASS_COLUMNS, mass_rows),
}


def write_list(case: str, out: TextIO) -> None:
    """Writes one case's list as CSV."""
    make, columns, rows = CASES[case]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows(make()))


def tokens(case: str) -> list[str]:
    """Every canary token of a case: those of its people in their order, then those of shared mailboxes."""
    people = CASES[case][0]()
    return [*(person.token for person in people), *sorted({person.home for person in people if person.home})]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Makes the people list of an example.")
    parser.add_argument("case", choices=sorted(CASES))
    parser.add_argument("--out", type=Path, help="the file to write; standard output without it")
    parser.add_argument("--tokens", action="store_true", help="print the canary tokens instead of the list")
    given = parser.parse_args(arguments)
    if given.tokens:
        print("\n".join(tokens(given.case)))
    elif given.out:
        with given.out.open("w", encoding="utf-8", newline="") as file:
            write_list(given.case, file)
    else:
        write_list(given.case, sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
