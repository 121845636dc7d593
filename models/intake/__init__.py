"""People from a list: `load_mapping`, then `read_people`. reading.py says how, mapping.py what the file may say."""

from models.intake.candidate import Candidate, ListWarning
from models.intake.lines import Fault, Reject
from models.intake.mapping import Mapping, load_mapping, parse_mapping
from models.intake.reading import Reading, Tally, read_people
from models.intake.sources import Source, SqlSource

__all__ = [
    "Candidate",
    "Fault",
    "ListWarning",
    "Mapping",
    "Reading",
    "Reject",
    "Source",
    "SqlSource",
    "Tally",
    "load_mapping",
    "parse_mapping",
    "read_people",
]
