"""Publishes a notice as static files, for any web server to show.

    public/<notice>/index.html, en.html, zh-Hans.html   what the world sees now
    public/<notice>/v1/en.html …                        earlier versions, which say that they are
    public/<notice>/hashes.json                         SHA-256 of every file beside it, signed
    public/_headers                                     response headers, in the form that several hosts read
    history/<notice>/v1/ …, history.json                the words of every version, never shown by themselves or changed

A version's words are written to the history first, whole or not at all; then each shown page is replaced, the index and
the hashes last. Running it again with the same content changes nothing.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from models.values import BadInput, Refused, canonical, check_slug, digest, sha256
from notifiers.folders import replace_file, seal

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_READABLE = 0o644
HASHES, FORMAT = "hashes.json", "tocsin-hashes-1"

Entry = dict[str, Any]
# From the history (oldest first) and the words of every version (number -> language -> HTML) to the files that are
# shown: path below the notice's folder -> content. `index.html` is among them.
Dress = Callable[[Sequence[Entry], Mapping[int, Mapping[str, str]]], Mapping[str, str]]
Sign = Callable[[bytes], tuple[str, str]]  # statement -> public key and signature, both hex


@dataclass(frozen=True, slots=True)
class Published:
    """One version as it was put out. `again` when the same content stood there already."""

    folder: Path
    version: int
    digest: str
    again: bool
    files: Mapping[str, str]  # path below the folder -> SHA-256


def publish_page(
    folder: Path,
    notice: str,
    pages: Mapping[str, str],
    version: int,
    at: datetime,
    *,
    note: Mapping[str, Any] | None = None,
    dress: Dress | None = None,
    sign: Sign | None = None,
    beside: Mapping[str, Any] | None = None,
) -> Published:
    """Put out `pages` (language → complete HTML) as `version` of `notice`. `at` is civil time, with zone.

    `note` is kept in the history with the version, `beside` goes into the hashes (digests of filings). BadInput for
    names that can't be files; Refused when the version stands with other content, or a later one is out.
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
    entry = {"version": version, "digest": mark, "at": at.isoformat(), "languages": sorted(pages), **(note or {})}
    _record(folder, notice, known, entry)
    shown = _all(folder, notice, dress or _bare)
    out, hashes = _show(folder, notice, shown, at, sign, beside)
    return Published(out, version, mark, same is not None and same.get("withdrawn") is None, hashes)


def withdraw(folder: Path, notice: str, at: datetime, words: Mapping[str, str], *, sign: Sign | None = None) -> Path:
    """Show `words` (language → complete HTML that says the notice has ended) instead. The history stays."""
    check_slug(notice, "public notice")
    _check(words)
    known = history(folder, notice)
    if not known:
        raise BadInput(f"public notice {notice}", "it was never published.")
    _record(folder, notice, known[:-1], {**known[-1], "withdrawn": known[-1].get("withdrawn") or at.isoformat()})
    files = {f"{lang}.html": page for lang, page in words.items()}
    shown = {**files, "index.html": files.get("en.html") or files[min(files)]}
    return _show(folder, notice, shown, at, sign, None)[0]


def history(folder: Path, notice: str) -> list[Entry]:
    """Every version so far: version, digest, at, languages, what was noted, and withdrawn when it was."""
    path = folder / "history" / check_slug(notice, "public notice") / "history.json"
    if not path.exists():
        return []
    read = json.loads(path.read_bytes())
    return list(read)


def words_of(folder: Path, notice: str, version: int) -> dict[str, str]:
    """The words of a version, by language, as they were approved."""
    kept = folder / "history" / check_slug(notice, "public notice") / f"v{version}"
    return {path.stem: path.read_text("utf-8") for path in sorted(kept.glob("*.html"))}


def statement(hashes: Mapping[str, Any]) -> bytes:
    """What the signature in hashes.json is made over: all of it but key and signature."""
    return canonical({k: v for k, v in hashes.items() if k not in ("key", "signature")}).encode()


def _check(pages: Mapping[str, str]) -> None:
    if not pages:
        raise BadInput("public notice", "it has no page.", "Give at least one language.")
    for language in pages:
        if not _LANGUAGE.fullmatch(language):
            raise BadInput("public notice", f"language {language!r} is not a language tag.", "Write en or zh-Hans.")


def _record(folder: Path, notice: str, known: list[Entry], entry: Entry) -> None:
    kept = [v for v in known if v["version"] != entry["version"]]
    old = next((v for v in known if v["version"] == entry["version"]), {})
    withdrawn = {"withdrawn": entry["withdrawn"]} if "withdrawn" in entry else {}
    entry = {**entry, **old, **withdrawn} if old else entry  # what was noted first stands
    if old and not withdrawn:
        entry.pop("withdrawn", None)
    body = json.dumps([*kept, entry], ensure_ascii=False, indent=1).encode()
    replace_file(folder / "history" / notice / "history.json", body)


# --- what is shown --------------------------------------------------------------------------------------------------


def _all(folder: Path, notice: str, dress: Dress) -> Mapping[str, str]:
    entries = history(folder, notice)
    return dress(entries, {entry["version"]: words_of(folder, notice, entry["version"]) for entry in entries})


def _bare(entries: Sequence[Entry], pages: Mapping[int, Mapping[str, str]]) -> Mapping[str, str]:
    """The newest version as it is, with a list of its languages."""
    newest = pages[entries[-1]["version"]]
    links = "\n".join(
        f'<li><a href="{one}.html" lang="{one}" hreflang="{one}">{html.escape(one)}</a></li>' for one in sorted(newest)
    )
    index = (
        f'<!doctype html>\n<html lang="{min(newest)}">\n<head>\n<meta charset="utf-8">\n<title>Notice</title>\n'
        f"</head>\n"
        f"<body>\n<main>\n<h1>Notice</h1>\n<ul>\n{links}\n</ul>\n</main>\n</body>\n</html>\n"
    )
    return {**{f"{one}.html": page for one, page in newest.items()}, "index.html": index}


def _show(
    folder: Path,
    notice: str,
    files: Mapping[str, str],
    at: datetime,
    sign: Sign | None,
    beside: Mapping[str, Any] | None,
) -> tuple[Path, Mapping[str, str]]:
    shown = folder / "public" / notice
    shown.mkdir(parents=True, exist_ok=True, mode=0o755)
    for name in sorted(files, key=lambda n: n == "index.html"):
        _place(shown / name, files[name].encode())
    hashes = {name: sha256(data) for name, data in sorted(files.items())}
    _place(shown / HASHES, _hashes(folder, notice, hashes, at, sign, beside))
    for stale in _stale(shown, {*files, HASHES}):
        stale.unlink()
    return shown, hashes


def _place(path: Path, data: bytes) -> None:
    """Leaves a file that is the same already, so that a second run changes nothing."""
    path.parent.mkdir(exist_ok=True, mode=0o755)
    if not path.exists() or path.read_bytes() != data:
        replace_file(path, data, _READABLE)


def _stale(shown: Path, wanted: set[str]) -> Iterator[Path]:
    yield from (p for p in shown.rglob("*") if p.is_file() and p.relative_to(shown).as_posix() not in wanted)


def _hashes(
    folder: Path,
    notice: str,
    files: Mapping[str, str],
    at: datetime,
    sign: Sign | None,
    beside: Mapping[str, Any] | None,
) -> bytes:
    """Keeps its time while what it states is the same."""
    versions = [{k: v[k] for k in ("version", "digest", "at")} for v in history(folder, notice)]
    said: Entry = {"format": FORMAT, "notice": notice, "files": dict(files), "versions": versions, **(beside or {})}
    path = folder / "public" / notice / HASHES
    old = json.loads(path.read_bytes()) if path.exists() else {}
    same = {k: v for k, v in old.items() if k not in ("at", "key", "signature")} == said
    said["at"] = old["at"] if same else at.isoformat()
    if sign is not None:
        said["key"], said["signature"] = sign(statement(said))
    return json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def write_headers(folder: Path, headers: Sequence[tuple[str, str]]) -> Path:
    """`_headers` at the root of what is served: response headers for every path."""
    path = folder / "public" / "_headers"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    _place(path, ("/*\n" + "".join(f"  {name}: {value}\n" for name, value in headers)).encode())
    return path
