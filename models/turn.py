"""One turn of a stream, in as few statements as there can be: what came of some hand-offs, and that others begin.

Does what outbox.apply and outbox.hand_off do, for the case that is nearly always so: each row is as its claim left it,
nothing is held, stopped or locked. Where it is not so, nothing is done, and those two are asked instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from models.chain import START, Entry, Link, chain
from models.ledger import LaneBusy
from models.outbox import Change, Claim, event_body
from models.session import SENDING_LOCKED
from models.values import DeliveryState, micros

Values = tuple[Any, ...]

_QUIET: Final = f"""
SELECT NOT EXISTS (SELECT 1 FROM setting WHERE name = '{SENDING_LOCKED}')
   AND NOT EXISTS (SELECT 1 FROM hold WHERE incident_id = ? AND released_at IS NULL)
   AND NOT EXISTS (SELECT 1 FROM wave WHERE incident_id = ? AND stopped_at IS NOT NULL)
"""  # noqa: S608 - a constant of ours
_END: Final = """
UPDATE delivery SET state = ?, code = ?, carrier_ref = COALESCE(NULLIF(?, ''), carrier_ref), not_before = ?,
       possible_duplicate = (possible_duplicate OR ?), accepted_at = COALESCE(?, accepted_at), updated_at = ?,
       suppressed_why = NULL, lease_until = NULL, worker = ''
 WHERE id = ? AND fence = ? AND state = 'handing_off'
"""
_BEGIN: Final = """
UPDATE delivery SET state = 'handing_off', handed_at = ?, updated_at = ?, lease_until = ?
 WHERE id = ? AND fence = ? AND state = 'claimed'
"""
_HEAD: Final = "SELECT seq, hash FROM event WHERE incident_id = ? AND lane = ? ORDER BY seq DESC LIMIT 1"
_EVENT: Final = """
INSERT INTO event (incident_id, lane, seq, at, kind, subject, body, previous, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def turn(
    connection: Connection,
    incident_id: str,
    lane: str,
    ended: Sequence[Change],
    begun: Sequence[Claim],
    now: datetime,
    lease_until: datetime,
) -> bool:
    """Records `ended` and commits us to sending `begun`, each with its ledger event, in the connection's transaction.

    False: a row has moved on, or something is held, stopped or locked. The caller rolls back and goes the long way.
    LaneBusy as in ledger.append.
    """
    at, until, marks = micros(now), micros(lease_until), connection.dialect.name
    with _cursor(connection) as cursor:
        if begun and not _one(cursor, _spelt(_QUIET, marks), (incident_id, incident_id))[0]:
            return False
        if not _all(cursor, _spelt(_END, marks), [_end(change, at) for change in ended]):
            return False
        if not _all(cursor, _spelt(_BEGIN, marks), [(at, at, until, claim.delivery, claim.fence) for claim in begun]):
            return False
        head = _one(cursor, _spelt(_HEAD, marks), (incident_id, lane)) or (0, START)
        entries = [*map(_ended, ended), *map(_begun, begun)]
        _append(cursor, _spelt(_EVENT, marks), chain(incident_id, lane, (head[0], head[1]), entries, now))
    return True


def _end(change: Change, at: int) -> Values:
    accepted = micros(change.at) if change.to_state is DeliveryState.ACCEPTED else None
    later = micros(change.not_before) if change.not_before else None
    return (
        change.to_state.value, change.code, change.reference, later, change.possible_duplicate, accepted, at,
        change.delivery, change.fence,
    )  # fmt: skip


def _ended(change: Change) -> Entry:
    assert change.fence is not None  # noqa: S101 - a worker's own
    return Entry(change.kind, change.delivery, event_body(change, DeliveryState.HANDING_OFF, change.fence))


def _begun(claim: Claim) -> Entry:
    return Entry("delivery.handing_off", claim.delivery, {"attempt": claim.attempt, "fence": claim.fence})


@contextmanager
def _cursor(connection: Connection) -> Iterator[Any]:
    """The driver's own cursor: SQLAlchemy's way to it would cost more than the statements. Errors stay SQLAlchemy's."""
    driver: Any = connection.dialect.dbapi
    cursor = connection.connection.cursor()
    try:
        yield cursor
    except driver.Error as error:
        told = type(error)(_unquoted(error)) if hasattr(error, "diag") else error
        made = DBAPIError.instance("a turn", None, told, driver.Error, hide_parameters=True, dialect=connection.dialect)
        if isinstance(made, IntegrityError):
            raise LaneBusy("a lane was written by another writer at the same time; nothing was stored.") from None
        raise made from None
    finally:
        cursor.close()


def _unquoted(error: Any) -> str:
    """What PostgreSQL says without the row that it quotes."""
    return error.diag.message_primary or "a turn failed"


def _append(cursor: Any, statement: str, links: Iterable[Link]) -> None:
    rows = [tuple(link) for link in links]
    if rows:
        cursor.executemany(statement, rows)


def _one(cursor: Any, statement: str, values: Values) -> Any:
    return cursor.execute(statement, values).fetchone()


def _all(cursor: Any, statement: str, rows: list[Values]) -> bool:
    """Whether every row was found and changed."""
    if not rows:
        return True
    cursor.executemany(statement, rows)
    return bool(cursor.rowcount == len(rows))


@cache
def _spelt(statement: str, dialect: str) -> str:
    """The statement with the dialect's own marks for parameters."""
    return statement if dialect == "sqlite" else statement.replace("?", "%s")
