"""Which instrument is meant by what a person typed: an id, a place's name, or a file. Plain functions; no database."""

from __future__ import annotations

from datetime import date
from difflib import SequenceMatcher
from pathlib import Path

from models import vocabulary
from models.values import BadInput
from regimes.load import heads, instrument, law_on, load_file
from regimes.schema import Instrument, Version

LIST = "`tocsin law list` names them."
_CLOSE = 0.6  # of 1: how alike two ids must be to be worth naming


def regime_id(text: str) -> str:
    """The id that is meant: `US-CA`, `us_ca` and `us/ca` are `us-ca`. BadInput names the nearest ones."""
    id_ = text.strip().lower().replace("_", "-").replace("/", "-")
    id_ = id_ if id_ in heads() else own_law(text) or id_
    if id_ not in heads():
        raise BadInput(f'regime "{text}"', "is unknown.", did_you_mean(text))
    return id_


def own_law(text: str) -> str:
    """The law of a place that is typed by its whole name: the one that bears the place's code, or its only one."""
    place = _place(text) if text.strip().lower() not in heads() else ""
    found = [head.id for head in heads().values() if place and head.place == place]
    own = [id_ for id_ in found if id_ == place.lower()]
    return own[0] if own else found[0] if len(found) == 1 else ""


def did_you_mean(text: str) -> str:
    """A sentence with the regimes that may be meant, the best first, three at most; else how to list them."""
    found = list(dict.fromkeys([*_by_place(text), *_by_id(text), *_by_name(text)]))[:3]
    names = " or ".join(f'"{id_}"' for id_ in found)
    return f"Did you mean {names}?" if names else LIST


def _by_place(text: str) -> list[str]:
    """The regimes of a place that is typed by name or code."""
    place = _place(text)
    return [head.id for head in heads().values() if place and head.place == place]


def _by_id(text: str) -> list[str]:
    """The ids that look most like it: those that begin alike for longest, then by likeness; all of the first rank."""
    plain = text.strip().lower()
    inside = [id_ for id_ in heads() if len(plain) > 2 and plain in id_.split("-")]
    alike = {id_: SequenceMatcher(None, plain, id_).ratio() for id_ in heads()}
    ranked = {id_: (_begins(plain, id_), likeness) for id_, likeness in alike.items() if likeness >= _CLOSE}
    best = max(ranked.values(), default=None)
    return inside or sorted(id_ for id_, rank in ranked.items() if rank == best)


def _begins(one: str, two: str) -> int:
    """How many letters two words share from their beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _by_name(text: str) -> list[str]:
    plain = text.strip().lower()
    return [head.id for head in heads().values() if len(plain) > 3 and plain in head.name.lower()]


def matching(word: str) -> list[Instrument]:
    """The instruments with this word in their id, name or place. BadInput when there is none."""
    plain, place = word.strip().lower(), _place(word)
    found = [
        head.id
        for head in heads().values()
        if (vocabulary.within(head.place, place) or vocabulary.within(place, head.place))
        or (not place and (plain in head.id or plain in head.name.lower()))
    ]
    if not found:
        raise BadInput(f'"{word}"', "is in no regime's id, name or place.", did_you_mean(word))
    found.sort(key=lambda id_: (not place or heads()[id_].place != place, plain != id_))  # the place's own first
    return [instrument(id_) for id_ in found]


def _place(word: str) -> str:
    """The place that is typed by its code or its whole name, `EU` among them; "" when it is none."""
    code = word.strip().upper()
    if vocabulary.members(code) or vocabulary.find_place(code):
        return code
    near = vocabulary.nearest_place(word)
    return near if near and vocabulary.place_name(near).lower() == word.strip().lower() else ""


def file_or_id(text: str) -> Instrument:
    """One instrument in full, from a file or by its id. BadInput when it is neither, or the file cannot be read."""
    path = Path(text)
    if path.is_file():
        return _read(path)
    if path.is_dir():
        raise BadInput(text, "is a folder.", "Name one file in it, or give nothing to check all of the law.")
    if path.suffix in (".toml", ".draft"):
        raise BadInput(text, "is not there.", "Look at the spelling; the path starts from where you are.")
    return instrument(regime_id(text))


def _read(path: Path) -> Instrument:
    try:
        return load_file(path)
    except UnicodeDecodeError as error:
        raise BadInput(str(path), "is no text in UTF-8.", "Save it as plain text, encoding UTF-8.") from error
    except OSError as error:
        raise BadInput(str(path), "cannot be read.", "Look at its permissions.") from error


def versions_on(law: Instrument, on: date | None) -> tuple[Version, ...]:
    """All versions, or the one in force on a day. BadInput says which days have one."""
    if on is None:
        return law.versions
    found = law_on(law, on)
    if found is None:
        spans = ", ".join(f"{v.from_} to {v.until}" if v.until else f"{v.from_} on" for v in law.versions)
        raise BadInput(f"{law.id} on {on}", "has no version here.", f"Held: {spans}.")
    return (found,)
