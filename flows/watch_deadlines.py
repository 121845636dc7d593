"""Ask our own clock which deadlines come near, and alarm."""

from flows.common import desk, step
from flows.steps import watch_deadlines as steps


@step("watch-deadlines")
def watch_deadlines() -> dict[str, int]:
    """Alarms at 50, 80 and 95 per cent of each deadline and past due, once each, for every open incident."""
    with desk() as d:
        return steps.watch(d).counts()
