"""`tocsin scope`: the same list, with every reject by its line, sealed, compared with what is known, and assessed."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

FACTS = """
id = "bench"
title = "A list to measure by"
[organisation]
name = "Example"
country = "US"
role = "controller"
sectors = ["general"]
timezone = "America/Chicago"
[times]
discovered = "2026-02-27"
[data]
elements = ["name", "email", "ssn"]
"""


def main(people: str, out: str) -> None:
    from flows.steps import open_incident, scope_subjects
    from flows.steps.desk import open_desk
    from flows.steps.setup import init

    with tempfile.TemporaryDirectory(dir=Path(out).parent) as home:
        environ = {"TOCSIN_MODE": "exercise", "TOCSIN_HOME": home, "TOCSIN_DATABASE_URL": f"sqlite:///{out}"}
        init(environ)
        desk, facts = open_desk(environ), Path(home) / "facts.toml"
        facts.write_text(FACTS, encoding="utf-8")
        open_incident.declare(desk, facts, "bench")
        mapping = Path(people).parent / "people.mapping.toml"
        print(scope_subjects.scope(desk, "bench", Path(people), mapping, "bench").waterfall.people)
        desk.close()


if __name__ == "__main__":  # its workers import this file too
    main(*sys.argv[1:])
