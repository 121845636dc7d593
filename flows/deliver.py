"""Send what is approved. A run started here is nobody's approval."""

from flows.common import IncidentId, WaveNumber, author, safely, step
from flows.steps import worker


@step("deliver")
def deliver(incident: IncidentId, wave: WaveNumber) -> dict[str, int]:
    """Launch the wave if its approvals stand, and hand off what is still to do, in a process of its own."""
    with safely():
        return worker.spawn(incident, wave, author())
