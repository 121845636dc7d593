"""Which file of words says what, so that a finding can name the file to mend. Paths are inside templates/. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.values import Element

# Element -> the part that says it, where its name is another.
PARTS: Final[Mapping[str, str]] = {
    Element.DATE_OF_BREACH: "dates",
    Element.DATE_OF_DISCOVERY: "dates",
    Element.ORGANISATION_NAME: "organisation",
}
# What stands in another file than a part.
FILES: Final[Mapping[str, str]] = {
    "title": "words.toml",
    "heading_order": "headings.toml",
    "short_form": "notice/sms.md.j2",
    "link": "notice/sms.md.j2",
    "length": "notice/sms.md.j2",
    "address_form": "notice/base.md.j2",
    "review": "words.toml",
}
ELEMENTS: Final = frozenset(element.value for element in Element)


def file_of(element: str, language: str) -> str:
    """The file, such as `en/parts/measures.md.j2`; empty where no single file is at fault. A role may have its own
    variant beside it (`measures.guardian.md.j2`)."""
    name = element.partition(":")[0]
    if name == "heading":
        return f"{language}/headings.toml"
    if name in FILES:
        return f"{language}/{FILES[name]}"
    return f"{language}/parts/{PARTS.get(name, name)}.md.j2" if name in ELEMENTS else ""
