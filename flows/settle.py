"""Take in receipts and resolve what a crash left unknown."""

from flows.common import desk, step
from flows.steps import settle as steps


@step("settle")
def settle() -> dict[str, int]:
    """Bounces that wait in the inbox, statuses of texts, and outcomes in doubt, for every open incident."""
    with desk() as d:
        return steps.settle_all(d).counts()
