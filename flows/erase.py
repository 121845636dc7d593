"""Erase the people of a closed incident when their retention is over."""

from flows.common import IncidentId, author, desk, step
from flows.steps import erase as steps


@step("erase")
def erase(incident: IncidentId) -> dict[str, int]:
    """Names, contacts and the incident's key go; obligations, events, digests and counts stay and still verify."""
    with desk() as d:
        return steps.erase(d, incident, author()).counts()
