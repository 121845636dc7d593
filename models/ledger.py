"""The ledger in the database: append, seal, export, verify. Chaining and checking themselves are in models.chain.

One lane per writer and incident. Two writers never write one lane at once: the table's key refuses the second.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from sqlmodel import select as rows

from models.chain import (
    START,
    Check,
    Entry,
    Link,
    Sealed,
    Verdict,
    chain,
    check_chain,
    file_lines,
    fold,
    instant,
    seal_statement,
    verify_file,
)
from models.tables import Seal, metadata
from models.values import BadInput, TocsinError, canonical, micros

__all__ = [
    "Check",
    "Entry",
    "LaneBusy",
    "Link",
    "Verdict",
    "append",
    "export",
    "heads",
    "seal",
    "verify",
    "verify_file",
]

EVENT: Table = metadata.tables["event"]
Sign = Callable[[bytes], bytes]
_COLUMNS = ("incident_id", "lane", "seq", "at", "kind", "subject", "body", "previous", "hash")
_AT_A_TIME = 5_000  # rows that a check holds in memory


class LaneBusy(TocsinError):
    """Another writer wrote this lane at the same moment. Nothing of this transaction is stored; run it again."""


def append(session: Session, incident_id: str, lane: str, entries: Sequence[Entry], at: datetime) -> list[Link]:
    """Puts entries behind the lane's last one, in the session's transaction. `at` is civil time.

    LaneBusy when another writer was faster: the transaction is lost, and the caller runs it again.
    """
    if not entries:
        return []
    if not lane or not lane.isprintable() or len(lane) > 80:
        raise BadInput("lane", f"{lane!r} is no name for a lane.", "Use the writer's name, at most 80 characters.")
    session.flush()
    connection = session.connection()
    links = chain(incident_id, lane, _head(connection, incident_id, lane), entries, at)
    try:
        connection.execute(EVENT.insert(), [_row(link) for link in links])
    except IntegrityError:
        raise LaneBusy(
            f"lane {lane} of incident {incident_id} was written by another writer at the same time; "
            "nothing was stored, run the step again."
        ) from None
    return links


def _head(connection: Connection, incident_id: str, lane: str) -> tuple[int, str]:
    last = (
        select(EVENT.c.seq, EVENT.c.hash)
        .where(EVENT.c.incident_id == incident_id, EVENT.c.lane == lane)
        .order_by(EVENT.c.seq.desc())
        .limit(1)
    )
    found = connection.execute(last).first()
    return (found.seq, found.hash) if found else (0, START)


def _row(link: Link) -> dict[str, Any]:
    return dict(zip(_COLUMNS, link, strict=True)) | {"at": instant(link.at)}


def seal(session: Session, incident_id: str, at: datetime, sign: Sign | None = None) -> Seal:
    """Folds the heads of all lanes into a root. Nothing new since the last seal: that seal is returned.

    `sign` gets chain.seal_statement(root) and returns a signature (Ed25519); without it the seal stays unsigned.
    """
    last = session.exec(rows(Seal).where(Seal.incident_id == incident_id).order_by(_newest())).first()
    heads = canonical(_heads(session.connection(), incident_id))
    if last is not None and last.heads == heads and (sign is None or last.signature):
        return last
    number, previous = (last.number + 1, last.root) if last else (1, START)
    root = fold(incident_id, number, micros(at), heads, previous)
    signature = sign(seal_statement(root)).hex() if sign else ""
    made = Seal(
        incident_id=incident_id,
        number=number,
        at=at,
        heads=heads,
        previous_root=previous,
        root=root,
        signature=signature,
    )
    session.add(made)
    try:
        session.flush()
    except IntegrityError:
        raise LaneBusy(f"seal {number} of incident {incident_id} was made by another writer; run it again.") from None
    return made


def _newest() -> Any:
    return metadata.tables["seal"].c.number.desc()


def _heads(connection: Connection, incident_id: str) -> list[list[Any]]:
    last = (
        select(EVENT.c.lane, func.max(EVENT.c.seq).label("seq"))
        .where(EVENT.c.incident_id == incident_id)
        .group_by(EVENT.c.lane)
        .subquery()
    )
    heads = select(EVENT.c.lane, EVENT.c.seq, EVENT.c.hash).where(
        EVENT.c.incident_id == incident_id, EVENT.c.lane == last.c.lane, EVENT.c.seq == last.c.seq
    )
    return sorted([row.lane, row.seq, row.hash] for row in connection.execute(heads))


def export(
    session: Session, incident_id: str, path: Path, *, at: datetime | None = None, sign: Sign | None = None
) -> Seal:
    """Seals what is not sealed yet (a write session, then) and writes the whole ledger to a new file, mode 0600.

    `at` is the instant of that seal; without it, the instant of the newest entry. Returns the seal whose root the file
    ends in: keep that root elsewhere. The file holds no personal data. BadInput when the file exists.
    """
    newest = session.connection().execute(select(func.max(EVENT.c.at)).where(EVENT.c.incident_id == incident_id))
    last: datetime | None = newest.scalar_one()
    if last is None:
        raise BadInput(f"incident {incident_id}", "has no events.", "Check the incident's id.")
    made = seal(session, incident_id, at or last, sign)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise BadInput(path.name, "exists already.", "Name a new file; an export is never overwritten.") from None
    with open(handle, "w", encoding="utf-8", newline="\n") as file:
        for line in file_lines(incident_id, _links(session, incident_id), _seals(session, incident_id)):
            file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
    return made


def verify(session: Session, incident_id: str, root: str | None = None, *, check: Check | None = None) -> Verdict:
    """Checks the whole ledger of an incident; see chain.check_chain for `root` and `check`."""
    links, seals = _links(session, incident_id), _seals(session, incident_id)
    return check_chain(incident_id, links, seals, root=root, check=check)


def _links(session: Session, incident_id: str) -> Iterator[Link]:
    ordered = select(EVENT).where(EVENT.c.incident_id == incident_id).order_by(EVENT.c.lane, EVENT.c.seq)
    for row in session.connection().execution_options(yield_per=_AT_A_TIME).execute(ordered):
        yield _link(row)


def _link(row: Row[Any]) -> Link:
    values = list(row)
    values[3] = micros(row.at)
    return Link(*values)


def _seals(session: Session, incident_id: str) -> list[Sealed]:
    found = session.exec(rows(Seal).where(Seal.incident_id == incident_id)).all()
    sealed = [
        Sealed(s.incident_id, s.number, micros(s.at), s.heads, s.previous_root, s.root, s.signature) for s in found
    ]
    return sorted(sealed, key=lambda s: s.number)


def heads(session: Session, incident_id: str) -> dict[str, int]:
    """The position of each lane's last entry."""
    return {lane: seq for lane, seq, _ in _heads(session.connection(), incident_id)}
