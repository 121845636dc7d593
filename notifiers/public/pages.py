"""Publishes a notice as static files, for any web server to show.

    public/<notice>/index.html, en.html, zh-Hans.html   what the world sees
    history/<notice>/v1/ …, history.json                every version, never shown by itself, never changed

A version is written to the history first, whole or not at all; then each shown page is replaced, the index last.
Running it again with the same content changes nothing.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from models.values import BadInput, Refused, check_slug, digest
from notifiers.folders import replace_file, seal

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_READABLE = 0o644
_AUTONYMS: Mapping[str, str] = {
    "ar": "العربية",
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "pt": "Português",
    "vi": "Tiếng Việt",
    "zh-Hans": "简体中文",
    "zh-Hant": "繁體中文",
}


@dataclass(frozen=True, slots=True)
class Published:
    """One version as it was put out. `again` when the same content stood there already."""

    folder: Path
    version: int
    digest: str
    again: bool


def publish_page(
    folder: Path, notice: str, pages: Mapping[str, str], version: int, at: datetime, title: str = "Notice"
) -> Published:
    """Put out `pages` (language → complete HTML) as `version` of `notice`. `at` is civil time, with zone.

    BadInput for names that can't be files; Refused when the version stands with other content, or a later one is out.
    """
    check_slug(notice, "public notice")
    _check(pages)
    mark = digest(dict(pages))
    known = history(folder, notice)
    same = next((v for v in known if v["version"] == version), None)
    if same and same["digest"] != mark:
        raise Refused(f"public notice {notice}: version {version} is out with other words. Publish a new version.")
    if any(v["version"] > version for v in known):
        raise Refused(f"public notice {notice}: a later version than {version} is out. Publish a new version.")
    files = {f"{lang}.html": page.encode() for lang, page in pages.items()}
    seal(folder / "history" / notice, f"v{version}", files, file_mode=0o444)
    _record(
        folder, notice, known, {"version": version, "digest": mark, "at": at.isoformat(), "languages": sorted(pages)}
    )
    shown = _show(folder / "public" / notice, files, _index(title, sorted(pages)))
    return Published(shown, version, mark, same is not None and same.get("withdrawn") is None)


def withdraw(folder: Path, notice: str, at: datetime, words: Mapping[str, str]) -> Path:
    """Show `words` (language → complete HTML that says the notice has ended) instead. The history stays."""
    check_slug(notice, "public notice")
    _check(words)
    known = history(folder, notice)
    if not known:
        raise BadInput(f"public notice {notice}", "it was never published.")
    _record(folder, notice, known[:-1], {**known[-1], "withdrawn": known[-1].get("withdrawn") or at.isoformat()})
    files = {f"{lang}.html": page.encode() for lang, page in words.items()}
    return _show(folder / "public" / notice, files, _index("", sorted(words)))


def history(folder: Path, notice: str) -> list[dict[str, Any]]:
    """Every version so far: version, digest, at, languages, and withdrawn when it was."""
    path = folder / "history" / check_slug(notice, "public notice") / "history.json"
    if not path.exists():
        return []
    read = json.loads(path.read_bytes())
    return list(read)


def _check(pages: Mapping[str, str]) -> None:
    if not pages:
        raise BadInput("public notice", "it has no page.", "Give at least one language.")
    for language in pages:
        if not _LANGUAGE.fullmatch(language):
            raise BadInput("public notice", f"language {language!r} is not a language tag.", "Write en or zh-Hans.")


def _record(folder: Path, notice: str, known: list[dict[str, Any]], entry: dict[str, Any]) -> None:
    kept = [v for v in known if v["version"] != entry["version"]]
    old = next((v for v in known if v["version"] == entry["version"]), {})
    entry = {**entry, "at": old.get("at", entry["at"])}
    body = json.dumps([*kept, entry], ensure_ascii=False, indent=1).encode()
    replace_file(folder / "history" / notice / "history.json", body)


def _show(shown: Path, files: Mapping[str, bytes], index: str) -> Path:
    shown.mkdir(parents=True, exist_ok=True, mode=0o755)
    for name, data in files.items():
        replace_file(shown / name, data, _READABLE)
    replace_file(shown / "index.html", index.encode(), _READABLE)
    for stale in shown.glob("*.html"):
        if stale.name not in files and stale.name != "index.html":
            stale.unlink()
    return shown


def _index(title: str, languages: list[str]) -> str:
    links = "\n".join(
        f'<li><a href="{lang}.html" lang="{lang}" hreflang="{lang}">{html.escape(_AUTONYMS.get(lang, lang))}</a></li>'
        for lang in languages
    )
    name = html.escape(title or "Notice")
    return (
        f'<!doctype html>\n<html lang="{languages[0]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{name}</title>\n</head>\n'
        f"<body>\n<main>\n<h1>{name}</h1>\n<nav>\n<ul>\n{links}\n</ul>\n</nav>\n</main>\n</body>\n</html>\n"
    )
