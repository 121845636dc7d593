"""What stands around a public notice on its site: languages, versions, how long it is shown, its end. Pure.

A page's words are an approved wording and are never touched here; the pieces go where its frame has left a mark. Every
page carries a policy that lets nothing run and nothing load, with the digest of its own style.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from templates import words
from templates.words import locale_of, right_to_left

_MARK: Final = "<!--tocsin:{}-->"
_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.S)
_TITLE: Final = re.compile(r"<h1>(.*?)</h1>", re.S)
POLICY: Final = "default-src 'none'; style-src '{style}'; img-src 'self'; base-uri 'none'; form-action {form}"
HEADERS: Final = (  # what a web server should add; a page's own meta can't say these
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-cache"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a notice as its history has it."""

    number: int
    posted: date
    changed: Mapping[str, str] = field(default_factory=dict)  # language -> what changed; the first has nothing to say


@dataclass(frozen=True, slots=True)
class Site:
    """What all pages of one notice share."""

    languages: tuple[str, ...]  # of the current version
    versions: tuple[Version, ...]  # in order
    until: date | None = None
    toll_free: str = ""  # the number
    toll_free_until: date | None = None
    verify: str = ""  # address of the page that checks codes
    overlay: Path | None = None


def dressed(page: str, language: str, site: Site, number: int, languages: Sequence[str] = ()) -> str:
    """A version's page in one language, ready to be served. Links are relative: earlier versions lie in v<number>/."""
    own = words.table(f"{language}/page.toml", site.overlay)
    current = site.versions[-1].number
    inside = number != current
    listed = tuple(languages) or site.languages
    pieces = {
        "head": _head(page, listed, inside),
        "languages": _languages(language, listed, site.overlay),
        "standing": _standing(own, language, site, current if inside else None),
        "versions": _versions(own, language, site, number, inside),
    }
    for name, piece in pieces.items():
        page = page.replace(_MARK.format(name), piece, 1)
    return page


def index(pages: Mapping[str, str], organisation: str, overlay: Path | None, exercise: str = "") -> str:
    """Where a reader chooses a language: each by its own name, with the notice's own title."""
    languages = sorted(pages)
    first = "en" if "en" in pages else languages[0]
    rows = [
        {
            "href": f"{language}.html",
            "language": language,
            "direction": _direction(language),
            "name": autonym(language),
            "title": title_of(pages[language]),
        }
        for language in languages
    ]
    title = words.table(f"{first}/page.toml", overlay)["title"]
    return plain(first, title, organisation, overlay, choose=rows, exercise=exercise)


def ended(
    language: str, organisation: str, start: date, end: date, contact: Sequence[str], overlay: Path | None
) -> str:
    """What is shown when a notice is no longer posted. The number to call stays."""
    own = words.table(f"{language}/page.toml", overlay)
    said = own["ended"].format(start=day_in(start, language), end=day_in(end, language))
    texts = [{"text": said}, *({"text": line} for line in contact if line)]
    return plain(language, own["ended_title"], organisation, overlay, texts=texts)


def plain(
    language: str, title: str, organisation: str, overlay: Path | None, *, form: str = "'none'", **more: Any
) -> str:
    """A page without a notice. `form` is where the policy lets a form go, `fields` what stands in it."""
    given = {"choose": (), "fields": None, "exercise": "", **more}
    given["texts"] = [{"style": "", **text} for text in more.get("texts", ())]
    template = words.environment(overlay, True).get_template("frame/plain.html.j2")
    context = {"language": language, "direction": _direction(language), "title": title, "organisation": organisation}
    page = words.fill(template, {**context, **given})
    return page.replace(_MARK.format("head"), policy_meta(page, form), 1).replace(_MARK.format("languages"), "", 1)


def title_of(page: str) -> str:
    found = _TITLE.search(page)
    return html.unescape(re.sub(r"<[^>]+>", "", found[1]).strip()) if found else ""


def autonym(language: str) -> str:
    """A language's name in that language."""
    from babel import Locale

    name = Locale.parse(language.replace("-", "_")).get_display_name() or language
    return name[:1].upper() + name[1:]


def policy(page: str, form: str = "'none'") -> str:
    """The content security policy of a page: no script, no foreign source, its own style by digest."""
    found = _STYLE.search(page)
    digest = base64.b64encode(hashlib.sha256((found[1] if found else "").encode()).digest()).decode()
    return POLICY.format(style=f"sha256-{digest}", form=form)


def policy_meta(page: str, form: str = "'none'") -> str:
    return f'<meta http-equiv="Content-Security-Policy" content="{policy(page, form)}">'


# --- pieces ---------------------------------------------------------------------------------------------------------


def _head(page: str, languages: Sequence[str], inside: bool) -> str:
    links = [f'<link rel="alternate" hreflang="{one}" href="{one}.html">' for one in languages]
    links.append(f'<link rel="alternate" hreflang="x-default" href="{"../" if inside else ""}index.html">')
    robots = ['<meta name="robots" content="noindex">'] if inside else []
    return "\n".join([policy_meta(page), '<meta name="referrer" content="no-referrer">', *robots, *links])


def _languages(language: str, languages: Sequence[str], overlay: Path | None) -> str:
    if len(languages) < 2:
        return ""
    label = html.escape(words.table(f"{language}/words.toml", overlay)["page"]["language"])
    rows = "\n".join(_choice(one, one == language) for one in languages)
    return f'<nav aria-label="{label}"><ul>\n{rows}\n</ul></nav>'


def _choice(language: str, current: bool) -> str:
    mark = ' aria-current="page"' if current else ""
    name = html.escape(autonym(language))
    tag = f'lang="{language}" hreflang="{language}" dir="{_direction(language)}"'
    return f'<li><a href="{language}.html" {tag}{mark}>{name}</a></li>'


def _standing(own: Mapping[str, str], language: str, site: Site, current: int | None) -> str:
    """Above an earlier version: that it is one, and where the current one is."""
    if current is None:
        return ""
    home = language if language in site.languages else "index"
    link = f'<a href="../{home}.html">{html.escape(own["version"].format(number=current))}</a>'
    return f'<p class="older" role="note">{html.escape(own["older"])} {link}</p>'


def _versions(own: Mapping[str, str], language: str, site: Site, number: int, inside: bool) -> str:
    said = [own["until"].format(date=day_in(site.until, language))] if site.until and not inside else []
    if site.toll_free and site.toll_free_until and not inside:
        said.append(own["toll_free"].format(number=site.toll_free, date=day_in(site.toll_free_until, language)))
    rows = "\n".join(
        _version(own, language, one, number, site.versions[-1].number, inside) for one in reversed(site.versions)
    )
    parts = [f"<p>{html.escape(line)}</p>" for line in said]
    parts.append(f"<h2>{html.escape(own['versions'])}</h2>\n<ul>\n{rows}\n</ul>")
    if site.verify:
        parts.append(f'<p><a href="{html.escape(site.verify)}">{html.escape(own["verify"])}</a></p>')
    return "\n".join(parts)


def _version(own: Mapping[str, str], language: str, one: Version, number: int, current: int, inside: bool) -> str:
    name = html.escape(own["version"].format(number=one.number))
    up = "../" if inside else ""
    home = f"{up}{language}.html" if one.number == current else f"{up}v{one.number}/{language}.html"
    shown = f'<a href="{home}">{name}</a>' if one.number != number else f"<strong>{name}</strong>"
    line = f"{shown}. {html.escape(own['posted'].format(date=day_in(one.posted, language)))}."
    if changed := one.changed.get(language, ""):
        line += f" {html.escape(own['changed'])} {html.escape(changed)}"
    return f"<li>{line}</li>"


def _direction(language: str) -> str:
    return "rtl" if right_to_left(language) else "ltr"


def day_in(day: date | None, language: str) -> str:
    """A day as a reader of this language writes it; empty for none."""
    from babel.dates import format_date

    return format_date(day, "long", locale=locale_of(language)) if day else ""
