"""What a text message costs, and under which name it may go."""

from __future__ import annotations

import pytest

from models.profile import parse_profile
from models.values import BadInput, Channel, Severity
from models.vocabulary.gsm import foreign, segments
from notifiers.sms.segments import check_sender, price, sender_rule
from planning.demands import Task
from planning.lint import Cues, lint
from templates.render import cues

PARTS = [
    ("", ("GSM-7", 1)),
    ("a" * 160, ("GSM-7", 1)),
    ("a" * 161, ("GSM-7", 2)),
    ("a" * 306, ("GSM-7", 2)),
    ("a" * 307, ("GSM-7", 3)),
    ("€" * 80, ("GSM-7", 1)),
    ("€" * 81, ("GSM-7", 2)),
    ("a" * 152 + "€" + "a" * 152, ("GSM-7", 3)),  # an escape is never split from its sign: 152, then 2 + 151, then 1
    ("信" * 70, ("UCS-2", 1)),
    ("信" * 71, ("UCS-2", 2)),
    ("😀" * 35, ("UCS-2", 1)),
    ("😀" * 36, ("UCS-2", 2)),
    ("a" * 66 + "😀" + "a" * 60, ("UCS-2", 2)),
]


@pytest.mark.parametrize(("text", "counted"), PARTS)
def test_parts_are_counted_as_networks_do(text: str, counted: tuple[str, int]) -> None:
    assert segments(text) == counted


def test_the_signs_that_make_a_text_dear_are_named() -> None:
    assert foreign("Räder für 5 €: “nein”") == "“”"


def test_a_price_is_parts_times_that_countrys_price() -> None:
    assert price("a" * 161, "GB", {"GB": 0.05}, 0.01).amount == pytest.approx(0.1)
    assert price("a" * 161, "DE", {"GB": 0.05}, 0.01).amount == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("sender", "countries", "said"),
    [
        ("+12025550199", {"US": 5}, []),
        ("MG" + "0" * 32, {"US": 5}, []),
        ("Orchard", {"US": 5, "SG": 2}, ["SG: 2 people; the name must be registered", "US: 5 people; networks there"]),
        ("Orchard", {"FR": 1}, ["FR: 1 people; nobody has checked"]),
    ],
)
def test_a_name_is_held_against_each_country(sender: str, countries: dict[str, int], said: list[str]) -> None:
    found = check_sender(sender, countries)
    assert len(found) == len(said) and all(a.startswith(b) for a, b in zip(found, said, strict=True))


@pytest.mark.parametrize("sender", ["A name too long", "Örchard", "12", "Orchard!", ""])
def test_a_name_that_no_network_carries_is_refused(sender: str) -> None:
    with pytest.raises(BadInput, match="is no sender"):
        check_sender(sender, {"GB": 1})


def test_every_rule_has_a_page_that_was_read() -> None:
    for country in ("US", "IN", "PR"):
        rule = sender_rule(country)
        assert rule.source.startswith("https://") and rule.checked is not None
    assert sender_rule("XX").support == "unknown"


SITES = [
    ("Read more: example.org/incident", "https://www.example.org", set()),
    ("Read more: https://incident.example.org/x", "example.org", set()),
    ("Read more: example-incident.org", "example.org", {"link"}),
    ("Read more: https://bit.ly/abc", "example.org", {"link"}),
    ("Read more: example.org and bit.ly/abc", "example.org", {"link"}),
    ("Read more: example.org", "", {"link"}),
    ("Write to a@example.com", "example.org", set()),
]


@pytest.mark.parametrize(("text", "site", "wrong"), SITES)
def test_a_link_that_is_allowed_stays_on_the_organisations_own_domain(text: str, site: str, wrong: set[str]) -> None:
    task = Task(channel=Channel.SMS, exposed=frozenset({"health_record"}), site=site)
    found = lint({"text": text}, task, Cues.of(cues("en")), "en")
    assert {f.element for f in found if f.severity is Severity.ERROR} == wrong


def test_prices_by_country_are_read_strictly() -> None:
    own = {"organisation": {"name": "X"}}
    assert parse_profile(own | {"sms_price": {"GB": 0.05}}, "p").sms_price == {"GB": 0.05}
    for table, problem in (({"UK": 1}, "no country"), ({"GB": "x"}, "must be a number"), ({"GB": -1}, "negative")):
        with pytest.raises(BadInput, match=problem):
            parse_profile(own | {"sms_price": table}, "p")
