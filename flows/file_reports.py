"""Prepare reports to authorities; never files one."""

from flows.common import author, desk, step
from flows.steps import file_reports as steps


@step("file-reports")
def file_reports() -> dict[str, int]:
    """For every open incident: fill the reports that are owed, and write the packets of those whose approvals stand."""
    with desk() as d:
        return steps.file_all(d, author()).counts()
