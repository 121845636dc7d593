"""Write the notices of everybody who has none yet, as a wave to approve."""

from flows.common import IncidentId, author, desk, step
from flows.steps import prepare_notices as steps


@step("prepare-notices")
def prepare_notices(incident: IncidentId) -> dict[str, int]:
    """Segments, wordings, lint, ladders and the plan that people will sign. Sends nothing."""
    with desk() as d:
        return steps.prepare(d, incident, author()).counts()
