"""What doctor says of one thing it looked at."""

from __future__ import annotations

from typing import NamedTuple


class Found(NamedTuple):
    """One thing looked at. `state` is ok, note (worth knowing) or mend (must be mended)."""

    what: str
    state: str
    says: str
    remedy: str = ""
