"""Read the list of people from the inbox."""

from flows.common import InboxName, IncidentId, author, desk, step
from flows.steps import open_incident
from flows.steps import scope_subjects as steps


@step("scope-subjects")
def scope_subjects(incident: IncidentId, people_file: InboxName, mapping_file: InboxName) -> dict[str, int]:
    """Read people, count them in a waterfall that adds up, revise the facts and assess again."""
    with desk() as d:
        people, mapping = (open_incident.inbox_file(d, name) for name in (people_file, mapping_file))
        return steps.scope(d, incident, people, mapping, author()).counts()
