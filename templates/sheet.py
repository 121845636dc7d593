"""The fact sheet: what templates may say of an incident, as plain strings. Known, estimated or unknown is said so.

An unknown fact is the empty string, and a template says in its own words that it is not known. Control and private-use
characters are refused here, so no fact can break a text, forge a slot or turn the reading direction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from models.facts import Count, Facts, Moment, Narrative
from models.slots import page_alone
from models.values import BadInput
from templates.words import counted, locale_of

_REFUSED: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ue000-\uf8ff]")
NARRATIVE: Final = tuple(Narrative.__slots__)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Facts and profile, ready for every language. Made by `sheet`."""

    facts: Facts
    fixed: Mapping[str, str]  # what reads the same in every language
    notice_date: date | None = None
    reviewed: frozenset[str] = frozenset()  # languages that a speaker has read, as the profile says
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # language -> the profile's words in it

    def strings(self, language: str, words: Mapping[str, Any]) -> dict[str, str]:
        """Every string that a template of this language may name as `sheet.…`."""
        story = self.facts.narrative_in(language)
        told = {name: _clean(f"narrative.{name}", getattr(story, name)) for name in NARRATIVE}
        when = words["when"]
        begin, end, found = (self.facts.moment(name) for name in ("occurred_from", "occurred_until", "discovered"))
        held = self.facts.value("law_enforcement.from")
        return {
            **self.fixed,
            **{_SAID[key]: _clean(key, text) for key, text in self.own.get(language, {}).items()},
            **told,
            "date_of_breach": _period(begin, end, language, when),
            "date_of_discovery": _point(found, language, when),
            "date_of_notice": _day(self.notice_date, language),
            "delayed_from": _point(held if isinstance(held, Moment) else None, language, when),
            "monitoring_term": self._term(language, words),
            "people_total": _count(self.facts.count("people_detail.total"), language, words["about"]),
        }

    def _term(self, language: str, words: Mapping[str, Any]) -> str:
        """The months of monitoring in the language's own plural form; empty when none are offered."""
        months = self.fixed["monitoring_months"]
        return counted(words, language, "months", int(months)) if months.isdecimal() else ""


def sheet(facts: Facts, organisation: Mapping[str, Any], *, notice_date: date | None = None) -> Sheet:
    """The sheet of one incident. `organisation` is the profile's tables; the name there wins over the facts'."""
    table = {name: _table(organisation, name) for name in ("organisation", "contact", "dpo", "sender", "remedy")}
    firm, contact, dpo, sender, remedy = table.values()
    name = str(firm.get("name") or facts.organisation.name)
    if not name:
        raise BadInput("organisation.name", "is missing.", "Every notice names the organisation.")
    address = [str(line) for line in firm.get("postal_address", ())]
    fixed = {
        "incident": facts.id,
        "organisation_name": name,
        "organisation_address": ", ".join(address),
        "organisation_website": firm.get("website", ""),
        "parent_name": firm.get("parent", ""),
        "contact_name": contact.get("name", ""),
        "contact_email": contact.get("email", ""),
        "contact_phone": contact.get("phone", ""),
        "contact_toll_free": contact.get("toll_free", ""),
        "contact_hours": contact.get("hours", ""),
        "contact_website": contact.get("website", "") or firm.get("website", ""),
        "contact_verify": page_alone(str(contact.get("verify", ""))),
        "dpo_name": dpo.get("name", ""),
        "dpo_email": dpo.get("email", ""),
        "dpo_phone": dpo.get("phone", ""),
        "signatory": sender.get("signatory", "") or name,
        "monitoring": remedy.get("monitoring", ""),
        "monitoring_months": str(remedy.get("monitoring_months", "") or ""),
    }
    reviewed = frozenset(_table(organisation, "reviewed"))
    return Sheet(
        facts,
        {key: _clean(key, str(value)) for key, value in fixed.items()},
        notice_date,
        reviewed,
        _table(organisation, "in_language"),
    )


_SAID: Final = {"name": "contact_name", "hours": "contact_hours", "signatory": "signatory"}
NAMES: Final = frozenset(
    {
        *NARRATIVE,
        *["date_of_breach", "date_of_discovery", "date_of_notice", "delayed_from", "people_total", "incident"],
        *["organisation_name", "organisation_address", "organisation_website", "parent_name", "signatory"],
        *["contact_name", "contact_email", "contact_phone", "contact_toll_free", "contact_hours", "contact_website"],
        "contact_verify",
        *["dpo_name", "dpo_email", "dpo_phone", "monitoring", "monitoring_months", "monitoring_term"],
    }
)


def _table(organisation: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = organisation.get(name) or {}
    if not isinstance(found, Mapping):
        raise BadInput(f"profile: [{name}]", "must be a table.", "`tocsin init` writes an example.")
    return found


def _clean(key: str, text: str) -> str:
    found = _REFUSED.search(text.replace("\r\n", "\n"))
    if found:
        raise BadInput(key, f"has the character U+{ord(found[0]):04X}, which texts can't carry.", "Remove it.")
    return text.replace("\r\n", "\n").strip()


# --- dates and numbers in the reader's language ---------------------------------------------------------------------


def _period(begin: Moment | None, end: Moment | None, language: str, when: Mapping[str, str]) -> str:
    """`between … and …`, `from …`, `until …`, `on …`, or "" : an end that nobody knows is never made up."""
    if begin is None or end is None:
        one = begin or end
        words = "since" if begin else "until"
        return _point(one, language, when, words) if one else ""
    return _point(Moment(begin.earliest, end.latest, True, _first(begin), _last(end)), language, when)


def _point(moment: Moment | None, language: str, when: Mapping[str, str], single: str = "on") -> str:
    """A moment in words; one that is known only as a range says so."""
    first, last = _first(moment), _last(moment)
    known = {"from": _day(first, language), "until": _day(last, language), "date": _day(first or last, language)}
    if first and last:
        return when["between" if first != last else single].format(**known)
    return when["since" if first else "until"].format(**known) if first or last else ""


def _first(moment: Moment | None) -> date | None:
    if moment is None:
        return None
    return moment.first or (moment.earliest.date() if moment.earliest else None)


def _last(moment: Moment | None) -> date | None:
    if moment is None:
        return None
    return moment.last or (moment.latest.date() if moment.latest else None)


def _day(day: date | None, language: str) -> str:
    if day is None:
        return ""
    from babel.dates import format_date

    return format_date(day, "long", locale=locale_of(language))


def _count(count: Count | None, language: str, about: str) -> str:
    if count is None:
        return ""
    from babel.numbers import format_decimal

    locale = locale_of(language)
    ends = [format_decimal(end, locale=locale) for end in (count.min, count.max) if end is not None]
    if not ends:
        return ""
    return ends[0] if count.exact is not None else about.format(number=" – ".join(ends))
