"""Who of a wave is told first."""

from __future__ import annotations

import pytest

from models import vocabulary
from planning.urgency import _AT_ONCE, _IDENTITY, FIRST, LAST, SECOND, urgency

CASES = [
    ("name email", LAST),
    ("", LAST),
    ("name diagnosis", LAST),
    ("name ssn", SECOND),
    ("name ssn password", FIRST),
    ("iban", FIRST),
    ("location", FIRST),
]


@pytest.mark.parametrize(("exposed", "expected"), CASES)
def test_those_who_can_act_today_come_first(exposed: str, expected: int) -> None:
    assert urgency(exposed.split()) == expected


def test_every_word_is_one_of_the_vocabulary() -> None:
    for word in _AT_ONCE | _IDENTITY:
        assert word in vocabulary.words("elements").words
