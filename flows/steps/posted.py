"""What is out: the public notice as files, its press release, its end, and the daily look at whether it is still there.

The look fetches every file of the page from where readers find it and compares its digest with the published one. What
it saw is an event of the ledger, once a day: evidence that the notice was posted for as long as the law asks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from flows.steps.desk import Desk, find_incident
from flows.steps.open_incident import live_obligations
from models.slots import page_alone
from models.tables import Event, Filing, Incident, PublicNotice
from models.values import BadInput, Duty, Refused, Wording, digest
from notifiers.folders import csv_bytes, seal
from notifiers.public.check import Seen, look
from notifiers.public.pages import Entry, publish_page, withdraw, write_headers
from templates import site
from templates.words import table

if TYPE_CHECKING:
    from flows.steps.publish import Terms

CHECKED, WITHDRAWN = "public_checked", "public_withdrawn"
COLUMNS = ("place", "reach", "outlet", "email", "phone", "language", "release", "newspaper", "sent_at", "sent_by")
WIDE = frozenset({"statewide", "major"})


# --- the page -------------------------------------------------------------------------------------------------------


def write_page(
    desk: Desk, session: Session, incident: Incident, notice: PublicNotice, pages: Mapping[str, Wording], terms: Terms
) -> tuple[Path, str, list[str]]:
    """The page in all its languages, with every earlier version beside it."""
    html = {language: page.html for language, page in pages.items()}
    note = {
        "changed": json.loads(notice.reason or "{}").get("changed", {}),
        "until": terms.until.isoformat() if terms.until else "",
        "toll_free_until": terms.toll_free_until.isoformat() if terms.toll_free_until else "",
    }
    folder = desk.settings.folder("pages")
    out = publish_page(
        folder,
        incident.slug,
        html,
        notice.version,
        terms.at,
        note=note,
        dress=partial(_dress, desk),
        sign=desk.vault.sign_publication,
        beside={"filings": _filed(session, incident)},
    )
    write_headers(folder, site.HEADERS)
    return out.folder, out.digest, []


def _dress(desk: Desk, entries: Sequence[Entry], pages: Mapping[int, Mapping[str, str]]) -> Mapping[str, str]:
    profile, overlay = desk.profile, desk.settings.templates
    newest = entries[-1]
    known = site.Site(
        languages=tuple(newest["languages"]),
        versions=tuple(site.Version(e["version"], _day(desk, e["at"]), e.get("changed", {})) for e in entries),
        until=_day(desk, newest.get("until", "")) if newest.get("until") else None,
        toll_free=profile.contact.toll_free,
        toll_free_until=_day(desk, newest["toll_free_until"]) if newest.get("toll_free_until") else None,
        verify=page_alone(profile.contact.verify),
        overlay=overlay,
    )
    shown = {}
    for entry in entries:
        number, own = entry["version"], pages[entry["version"]]
        below = "" if entry is newest else f"v{number}/"
        for language, page in own.items():
            shown[f"{below}{language}.html"] = site.dressed(page, language, known, number, sorted(own))
    current = pages[newest["version"]]
    banner = _banner(desk, current)
    shown["index.html"] = site.index(current, profile.organisation.name, overlay, banner)
    return shown


def _banner(desk: Desk, pages: Mapping[str, str]) -> str:
    language = "en" if "en" in pages else min(pages)
    return str(table(f"{language}/words.toml", desk.settings.templates)["exercise"]["banner"]) if desk.watermark else ""


def _day(desk: Desk, at: str) -> date:
    return datetime.fromisoformat(at).astimezone(ZoneInfo(desk.profile.organisation.timezone)).date()


def _filed(session: Session, incident: Incident) -> list[dict[str, Any]]:
    """Digests of the reports that authorities have: they prove later what was said when."""
    query = select(Filing).where(Filing.incident_id == incident.id, col(Filing.filed_at).is_not(None))
    return [
        {"report": f.obligation_key, "version": f.version, "digest": f.digest}
        for f in session.exec(query.order_by(Filing.obligation_key, col(Filing.version))).all()
    ]


# --- the press ------------------------------------------------------------------------------------------------------


def write_press(
    desk: Desk, session: Session, incident: Incident, notice: PublicNotice, pages: Mapping[str, Wording], terms: Terms
) -> tuple[Path, str, list[str]]:
    """The release, the newspaper's paragraph, and the list of outlets to send them to."""
    places = _places(session, incident, json.loads(notice.obligation_keys))
    rows = _outlets(desk, places, pages)
    files = {f"press-release.{language}.txt": page.text.encode() for language, page in pages.items()}
    files |= {f"newspaper.{language}.txt": f"{p.short}\n".encode() for language, p in pages.items() if p.short}
    files["distribution.csv"] = csv_bytes(COLUMNS, rows)
    folder = desk.settings.folder("pages") / "press" / incident.slug
    seal(folder, f"v{notice.version}", files, file_mode=0o444)
    words = {name: data.decode() for name, data in files.items() if name.startswith(("press", "newspaper"))}
    how = f"give it to outlets, then `tocsin publish {incident.slug} --what press --given OUTLET` records it"
    lacking = [f"no statewide or major outlet is listed for {p}: {how}" for p in unlisted(places, rows)]
    lacking += [f"distribution.csv is empty: {how}"] if not rows and not lacking else []
    return folder / f"v{notice.version}", digest(words), lacking


def unlisted(places: set[str], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The places that no outlet of statewide or major reach on the list serves."""
    wide = {row[0] for row in rows if row[1] in WIDE}
    return sorted(p for p in places if not any(_serves(outlet, p) for outlet in wide))


def _serves(outlet: str, place: str) -> bool:
    """An outlet serves its own place and what lies in it; a whole country is served from any part of it."""
    return outlet in ("", place) or place.startswith(f"{outlet}-") or outlet.startswith(f"{place}-")


def ungiven(
    desk: Desk, session: Session, incident: Incident, notice: PublicNotice, pages: Mapping[str, Wording]
) -> list[str]:
    """The duties for which the distribution list names nobody: their media are not told by writing the release."""
    keys: list[str] = json.loads(notice.obligation_keys)
    places = _places(session, incident, keys)
    rows = _outlets(desk, places, pages)
    lacking = set(unlisted(places, rows))
    where = {row.key: row.jurisdiction for row in live_obligations(session, incident.id)}
    return sorted(key for key in keys if not rows or where.get(key) in lacking)


def _places(session: Session, incident: Incident, keys: Sequence[str]) -> set[str]:
    """Where media are to be told."""
    rows = live_obligations(session, incident.id)
    served = [r for r in rows if r.key in keys or r.duty is Duty.MEDIA]
    return {r.jurisdiction for r in served if r.jurisdiction}


def _outlets(desk: Desk, places: set[str], pages: Mapping[str, Wording]) -> list[tuple[str, ...]]:
    """Outlets of these places, of the whole country where a place has a State; nobody's place: all."""
    wanted = places | {place.split("-")[0] for place in places}
    found = []
    for o in desk.profile.outlets:
        if places and o.place and o.place not in wanted and not any(p.startswith(f"{o.place}-") for p in places):
            continue
        language = o.language if o.language in pages else min(pages)
        paper = f"newspaper.{language}.txt" if pages[language].short else ""
        release = f"press-release.{language}.txt"
        found.append((o.place, o.reach, o.name, o.email, o.phone, language, release, paper, "", ""))
    return sorted(found)


# --- the end --------------------------------------------------------------------------------------------------------


def take_down(desk: Desk, slug: str, author: str, early: str = "") -> Path:
    """Shows that the notice has ended. Refused while the law wants it up, unless `early` gives a reason."""
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        notice = _newest(session, incident)
        if notice is None:
            raise BadInput(slug, "has no page that is out.", "`tocsin publish` puts one out.")
        if notice.until is not None and desk.now() < notice.until and not early.strip():
            raise Refused(f"{slug}: the page stays up until {notice.until.isoformat()}; --early REASON ends it now")
        start = _day(desk, (notice.published_at or desk.now()).isoformat())
        end, overlay, contact = desk.now(), desk.settings.templates, desk.profile.contact
        lines = (contact.toll_free or contact.phone, contact.email)
        words = {
            language: site.ended(
                language, desk.profile.organisation.name, start, _day(desk, end.isoformat()), lines, overlay
            )
            for language in json.loads(notice.wordings)
        }
        folder = withdraw(desk.settings.folder("pages"), slug, end, words, sign=desk.vault.sign_publication)
        notice.withdrawn_at = notice.withdrawn_at or end
        session.add(notice)
        desk.log(session, incident.id, WITHDRAWN, notice.id, version=notice.version, by=author, early=early)
    return folder


def _newest(session: Session, incident: Incident) -> PublicNotice | None:
    query = select(PublicNotice).where(
        PublicNotice.incident_id == incident.id,
        PublicNotice.kind == "page",
        col(PublicNotice.published_at).is_not(None),
    )
    return session.exec(query.order_by(col(PublicNotice.version).desc())).first()


# --- the daily look -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """One look at one page."""

    incident: str
    version: int
    at: datetime
    files: int
    problems: tuple[str, ...]  # file and what was wrong with it

    @property
    def sentence(self) -> str:
        first = f"{self.problems[0]} ({len(self.problems)} of {self.files} files)" if self.problems else "as published"
        return f"{self.incident}: public notice, version {self.version}: {first}"


def check_page(desk: Desk, slug: str, *, force: bool = False) -> Checked | None:
    """Looks once a day; None when nothing is out, or somebody looked today. BadInput without an address."""
    if not desk.settings.public_url:
        raise BadInput("TOCSIN_PUBLIC_URL", "is not set.", "Say where the folder pages/public is served.")
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        notice = _newest(session, incident)
        if notice is None or notice.withdrawn_at is not None:
            return None
        if not force and _looked_today(desk, session, incident, notice):
            return None
        version, identity = notice.version, notice.id
    folder = desk.settings.folder("pages") / "public" / slug
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    seen = look(f"{desk.settings.public_url.rstrip('/')}/{slug}", files, desk.settings.mode)
    problems = tuple(f"{one.file} {one.problem}" for one in seen if one.problem)
    done = Checked(slug, version, desk.now(), len(files), problems)
    with desk.db.write() as session:
        body = {"version": version, "ok": not problems, "url": desk.settings.public_url, "seen": _plain(seen)}
        desk.log(session, find_incident(session, slug).id, CHECKED, identity, **body)
    return done


def _plain(seen: Sequence[Seen]) -> list[list[Any]]:
    return [[one.file, one.status, one.digest, one.problem] for one in seen]


def _looked_today(desk: Desk, session: Session, incident: Incident, notice: PublicNotice) -> bool:
    query = select(Event.at).where(Event.incident_id == incident.id, Event.kind == CHECKED, Event.subject == notice.id)
    last = session.exec(query.order_by(col(Event.at).desc())).first()
    return last is not None and _day(desk, last.isoformat()) == _day(desk, desk.now().isoformat())
