"""Record a judgement, or a decision not to tell: on which ground, why, and which duties it keeps from being owed.

Nothing here decides for people. Two of them sign what is recorded, as they sign a wave: `approve INCIDENT judgement:N`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from flows.steps import judgements
from flows.steps.desk import Desk, find_incident, lock
from flows.steps.judgements import Standing
from flows.steps.open_incident import current_facts, live_obligations, newest
from models import vocabulary
from models.facts import Facts
from models.tables import Incident, Judgement, new_id
from models.values import BadInput, Duty, Refused, canonical, digest
from models.vocabulary.judgement import Kind, basis, kinds, kinds_for, stated
from regimes.judgement import Resting

RECORDED = "judgement_recorded"
KEPT = frozenset({Duty.REGISTER})  # records of one's own: keeping them is no telling
OFFICES = frozenset({Duty.REGULATOR})
KEYS = frozenset({"kind", "reasons", "factors", "facts", "obligations"})


# --- looking --------------------------------------------------------------------------------------------------------


def look(desk: Desk, slug: str) -> tuple[list[Standing], tuple[Resting, ...]]:
    """All judgements of an incident, and the duties that are not owed by judgement."""
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        facts = current_facts(session, incident)
        found = judgements.every(desk, session, incident, facts)
    return found, judgements.resting_now(desk, facts, found)


def draft(desk: Desk, slug: str, kind: str) -> str:
    """A file to fill in for one kind, with the duties of this incident that it would cover."""
    chosen = _kind(kind, "--new")
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        facts = current_facts(session, incident)
        covered = _offered(session, incident) if chosen.obligations else _resting(desk, facts, chosen)
    lines = [f"# {chosen.title}: {chosen.citation}", f'kind = "{chosen.name}"', 'reasons = """', '"""']
    if chosen.obligations:
        lines += ["obligations = [  # take the # away before each that is not told; the others are"]
        lines += [*covered, "]"]
    else:
        lines += ["# It covers: " + (", ".join(covered) or "no duty rests on it now")]
    lines += ["", "[factors]"] if chosen.factors else []
    lines += [line for name, said in chosen.factors.items() for line in (f"# {said}", f'{name} = """', '"""')]
    return "\n".join(lines) + "\n"


def _resting(desk: Desk, facts: Facts, kind: Kind) -> list[str]:
    return _covered(desk, facts, kind, _facts_of(kind, facts, ()))


def _offered(session: Session, incident: Incident) -> list[str]:
    """Open duties as comments, so that nobody decides by leaving a file as it was printed. A register is no choice."""
    rows = [row for row in live_obligations(session, incident.id) if row.met_at is None and row.duty not in KEPT]
    people, offices = ([r.key for r in rows if (r.duty in OFFICES) is is_office] for is_office in (False, True))
    lines = [f'    # "{key}",' for key in people]
    lines += (
        ["    # to an authority: on a ground of its own, so in a judgement that names no other kind"] if offices else []
    )
    return [*lines, *(f'    # "{key}",' for key in offices)]


# --- recording ------------------------------------------------------------------------------------------------------


def record(desk: Desk, slug: str, file: Path, author: str) -> Standing:
    """Stores a judgement from a file. It counts when two people have signed it. BadInput names what lacks."""
    data, where = _read(file), file.name
    kind = _kind(data.get("kind"), f"{where}: kind")
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        if incident.closed_at is not None:
            raise Refused(f"{slug} is closed; nothing is judged any more")
        lock(session, incident)
        facts, revision = current_facts(session, incident), newest(session, incident.id)
        about = _facts_of(kind, facts, _texts(data, "facts", where), where)
        named = _named(session, incident, kind, _texts(data, "obligations", where), where)
        body = {
            "kind": kind.name,
            "about": {key: facts.plain[key] for key in about},
            "factors": _factors(kind, data.get("factors", {}), where),
            "reasons": _text(data.get("reasons"), f"{where}: reasons"),
            "obligations": named or _covered(desk, facts, kind, about),
            "laws": judgements.laws(session, incident, named),
            "basis": basis(facts.plain),
            "facts": {"number": revision.number, "digest": revision.digest} if revision else {},
            "author": author,
        }
        row = _store(desk, session, incident, body)
        return next(s for s in judgements.every(desk, session, incident, facts) if s.id == row.id)


def _store(desk: Desk, session: Session, incident: Incident, body: dict[str, Any]) -> Judgement:
    query = select(Judgement.number).where(Judgement.incident_id == incident.id)
    number = (session.exec(query.order_by(col(Judgement.number).desc())).first() or 0) + 1
    whole = {"number": number, **body}
    row = Judgement(
        id=new_id(),
        incident_id=incident.id,
        number=number,
        kind=body["kind"],
        body=canonical(whole),
        digest=digest(whole),
        facts_number=body["facts"].get("number", 0),
        author=body["author"],
        at=desk.now(),
    )
    session.add(row)
    session.flush()
    said = {key: whole[key] for key in ("number", "kind", "about", "obligations", "facts")}
    desk.log(
        session, incident.id, RECORDED, row.id, digest=row.digest, by=row.author, judged=said
    )  # its texts: the row
    return row


def withdraw(desk: Desk, slug: str, number: int, reason: str, person: str) -> None:
    """Takes a judgement back; what it kept from being owed is owed again."""
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        query = select(Judgement).where(Judgement.incident_id == incident.id, Judgement.number == number)
        row = session.exec(query).first()
        if row is None:
            raise BadInput(f"{slug}: judgement {number}", "is not there.", f"`tocsin judge {slug}` lists them.")
        why = f"withdrawn by {person}: {_text(reason, '--reason')}"
        judgements.end(desk, session, incident, row, why, by=person)


# --- reading the file -----------------------------------------------------------------------------------------------


def _read(file: Path) -> Mapping[str, Any]:
    try:
        data = tomllib.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise BadInput(str(file), f"cannot be read ({error.strerror}).", "Check the path.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(file.name, f"is not TOML: {error}.", "Mend that line.") from None
    for key in data:
        if key not in KEYS:
            raise BadInput(file.name, f'key "{key}" is unknown.', vocabulary.did_you_mean(key, KEYS))
    return data


def _kind(name: Any, where: str) -> Kind:
    known = kinds()
    if not isinstance(name, str) or name not in known:
        raise BadInput(
            where, f'"{name or ""}" is no kind of judgement.', vocabulary.did_you_mean(str(name), set(known))
        )
    return known[name]


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadInput(where, "is empty.", "Say it in a sentence that an authority can read; name no person.")
    return value.strip()


def _texts(data: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    found = data.get(key, [])
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise BadInput(f"{where}: {key}", "must be a list of texts.")
    return tuple(dict.fromkeys(found))


def _factors(kind: Kind, given: Any, where: str) -> dict[str, str]:
    """Every factor of the kind, each with a text of its own."""
    if not isinstance(given, Mapping):
        raise BadInput(f"{where}: factors", "must be a table.", "Write [factors] and a line for each.")
    for name in given:
        if name not in kind.factors:
            near = vocabulary.did_you_mean(name, set(kind.factors))
            raise BadInput(f"{where}: factors", f'"{name}" is no factor of {kind.name}.', near)
    return {name: _text(given.get(name), f"{where}: factors.{name} ({said})") for name, said in kind.factors.items()}


# --- what it is about -----------------------------------------------------------------------------------------------


def _facts_of(kind: Kind, facts: Facts, named: Sequence[str], where: str = "") -> tuple[str, ...]:
    """The judged facts of the kind that are stated, or those of them that the file names."""
    if kind.obligations:
        return ()
    known = [key for key in stated(facts.plain) if key in kind.facts]
    for key in named:
        if key not in known:
            lacks = "is not stated." if key in kind.facts else f"is no fact of {kind.name}."
            raise BadInput(f"{where}: facts", f"{key} {lacks}", f"Known: {', '.join(known) or 'none'}.")
    if not known and where:
        raise BadInput(where, f"{' or '.join(kind.facts)} is not stated.", "State it and run `tocsin declare FILE`.")
    return tuple(named) or tuple(known)


def _covered(desk: Desk, facts: Facts, kind: Kind, about: Sequence[str]) -> list[str]:
    """The duties that these judged facts keep from being owed, under laws that accept this kind."""
    found = judgements.resting_now(desk, facts, ())
    return [r.id for r in found if any(k in r.keys and kind.name in kinds_for(k, r.regime) for k in about)]


def _named(session: Session, incident: Incident, kind: Kind, keys: Sequence[str], where: str) -> list[str]:
    """The obligations that a decision not to tell names: live ones that are not met."""
    if not kind.obligations:
        if keys:
            raise BadInput(
                f"{where}: obligations", f"do not go with {kind.name}.", "They follow from its facts; take them away."
            )
        return []
    duties = {row.key: row.duty for row in live_obligations(session, incident.id) if row.met_at is None}
    known = {key for key, duty in duties.items() if duty not in KEPT}
    for key in keys:
        if duties.get(key) in KEPT:
            raise BadInput(
                f"{where}: obligations", f"{key} tells nobody.", "A register is kept in any case; take it away."
            )
        if key not in known:
            near = vocabulary.did_you_mean(key, known) or "`tocsin status` lists them."
            raise BadInput(f"{where}: obligations", f"{key} is no open obligation.", near)
    if not keys:
        raise BadInput(
            f"{where}: obligations", "is empty.", "Name the duties that are not told; `tocsin status` has them."
        )
    if len({duties[key] in OFFICES for key in keys}) > 1:
        raise BadInput(
            f"{where}: obligations",
            "name duties to authorities beside others.",
            "Each has a ground of its own: record a judgement of its own for those to authorities.",
        )
    return list(keys)
