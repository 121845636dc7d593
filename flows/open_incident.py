"""Declare an incident from a facts file in the inbox and work out what is owed."""

from flows.common import InboxName, author, desk, step
from flows.steps import open_incident as steps


@step("open-incident")
def open_incident(facts_file: InboxName) -> dict[str, int]:
    """Store the incident and its first facts, and assess it. Opening it again with the same facts changes nothing."""
    with desk() as d:
        return steps.declare(d, steps.inbox_file(d, facts_file), author()).counts()
