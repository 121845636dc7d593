"""Publish an approved notice to the public."""

from typing import Annotated

from pydantic import Field

from flows.common import IncidentId, author, desk, step
from flows.steps import publish as steps

What = Annotated[
    steps.Kind,
    Field(title="What to put out", description="page: the notice on your own site. press: the release to the media."),
]


@step("publish")
def publish(incident: IncidentId, what: What = steps.Kind.PAGE) -> dict[str, int]:
    """Publish the newest version whose approvals stand. The same version twice changes nothing."""
    with desk() as d:
        return steps.publish(d, incident, author(), what).counts()
