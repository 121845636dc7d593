"""Languages as a list writes them, matched to BCP 47 as our templates are named: `de`, `en`, `zh-Hans`, `zh-Hant`.

A region is dropped, since texts are written per language; Chinese keeps its script, since the texts differ.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.core import get_global

_OWN_WORDS: Final = {
    "chinese": "zh-Hans",
    "mandarin": "zh-Hans",
    "putonghua": "zh-Hans",
    "中文": "zh-Hans",
    "汉语": "zh-Hans",
    "普通话": "zh-Hans",
    "简体": "zh-Hans",
    "简体中文": "zh-Hans",
    "繁體": "zh-Hant",
    "繁體中文": "zh-Hant",
    "cantonese": "zh-Hant",
    "flemish": "nl",
}
_NAMED_IN: Final = ("en", "zh_Hans")  # the languages of the lists that we expect


@lru_cache(maxsize=4096)
def match_language(text: str) -> str:
    """The tag for a code (`en_US`, `zh-CN`, `deu`) or a name (`German`, `Deutsch`); "" when it is not understood."""
    plain = text.strip().casefold()
    return _OWN_WORDS.get(plain) or _from_tag(plain) or (_names().get(plain, "") if plain else "")


def _from_tag(text: str) -> str:
    parts = text.replace("_", "-").split("-")
    parts[0] = str(get_global("language_aliases").get(parts[0], parts[0]))
    try:
        locale = Locale.parse("-".join(parts), sep="-")
    except (ValueError, UnknownLocaleError):
        return ""
    return _tag(locale)


def _tag(locale: Locale) -> str:
    if locale.language != "zh":
        return locale.language
    traditional = locale.script == "Hant" or (locale.script is None and locale.territory in ("TW", "HK", "MO"))
    return "zh-Hant" if traditional else "zh-Hans"


@cache
def _names() -> dict[str, str]:
    """Every language's name in English, in Chinese and in itself."""
    found: dict[str, str] = {}
    for code in Locale("en").languages:
        try:
            locale = Locale.parse(str(code), sep="_")
        except (ValueError, UnknownLocaleError):
            continue
        for name in (*(locale.get_display_name(shown) for shown in _NAMED_IN), locale.get_display_name()):
            if name:
                found.setdefault(name.casefold(), _tag(locale))
    return found
