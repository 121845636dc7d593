"""Is this notice ours? Answers for the code that is printed on it, on a page or over the telephone.

Says that it is ours, of what kind, since when, and about which incident; never anything of the holder, not even whether
the code was asked about before. A notice that has not left is not ours yet. Works on after erasure: the index that a
code is found by holds nothing of a person.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import select

from flows.steps.desk import Desk
from models import verification
from models.tables import Incident, Notice, Wave, metadata
from models.values import Refused, WaveKind

DELIVERY = metadata.tables["delivery"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said of a code to anybody."""

    ours: bool
    kind: WaveKind | None = None  # first, follow_up, supplementary, correction
    sent: date | None = None  # the day on which it first left, in the organisation's zone
    incident: str = ""  # its title
    organisation: str = ""


def verify_code(desk: Desk, text: str, now: datetime) -> Verdict:
    """BadInput when the text can't be a code. A notice that left after `now` is not ours yet."""
    index = desk.vault.verification_index(verification.read(text))
    left = func.min(DELIVERY.c.handed_at)
    with desk.db.read() as session:
        rows = session.exec(select(Notice.id).where(Notice.verification == index)).all()
        query = columns(DELIVERY.c.notice_id, left).where(DELIVERY.c.notice_id.in_(list(rows)))
        sent = [(n, at) for n, at in session.connection().execute(query.group_by(DELIVERY.c.notice_id)) if at]
        if not (own := min(((at, n) for n, at in sent if at <= now), default=None)):
            return Verdict(False)
        notice = session.get_one(Notice, own[1])
        incident = session.get_one(Incident, notice.incident_id)
        kind = session.get_one(Wave, notice.wave_id).kind
        return Verdict(True, kind, _day(desk, own[0]), incident.title, desk.profile.organisation.name)


def _day(desk: Desk, at: datetime) -> date:
    from zoneinfo import ZoneInfo

    return at.astimezone(ZoneInfo(desk.profile.organisation.timezone)).date()


# --- guessing -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Limiter:
    """Refuses whoever guesses: so many misses of one source in a window lock it out for a while. So many of all
    together allow each source fewer, and hide only that a code is none: a right one is answered while its source is not
    locked out. Real time, in this process; a code's 60 bits do not lean on it."""

    misses: int = 10  # of one source
    crowded: int = 3  # of one source, while too much is guessed at all
    window: float = 600.0  # seconds
    lockout: float = 3_600.0
    of_all: int = 2_000  # misses of all sources in a window
    sources: int = 50_000  # remembered, the latest
    clock: Callable[[], datetime] = field(kw_only=True)
    _seen: OrderedDict[str, list[datetime]] = field(default_factory=OrderedDict)
    _locked: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    _all: list[datetime] = field(default_factory=list)

    def check(self, source: str) -> None:
        """Refused while the source is locked out, whatever the code."""
        until = self._locked.get(source)
        if until is not None and self.clock() < until:
            raise Refused("too many codes that are none of ours; try again later, or call us")

    def missed(self, source: str) -> None:
        """Counts a whole code that is not ours. A mistyped one is told by its check character and is no guess.

        Refused while too much is guessed at all: then whoever misses isn't told so.
        """
        now = self.clock()
        self._all = [at for at in self._all[-self.of_all :] if (now - at).total_seconds() < self.window]
        busy = len(self._all) >= self.of_all
        self._all.append(now)
        recent = [at for at in self._seen.pop(source, []) if (now - at).total_seconds() < self.window]
        self._seen[source] = [*recent, now]
        if len(self._seen[source]) >= (self.crowded if busy else self.misses):
            self._locked[source] = now + timedelta(seconds=self.lockout)
            del self._seen[source]
        for kept in (self._seen, self._locked):
            while len(kept) > self.sources:
                kept.popitem(last=False)
        if busy:
            raise Refused("too many codes are tried just now; try again later, or call us")
