"""Take in receipts and resolve what a crash left unknown."""

from flows.common import desk, step
from flows.steps import settle as steps


@step("settle")
def settle() -> dict[str, int]:
    """Bounces, status look-ups and returned letters waiting in the inbox, for every open incident. Only moves forward."""
    with desk() as d:
        return steps.settle_all(d).counts()
