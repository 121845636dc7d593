"""Sheets and window envelopes: where on the paper an address must stand so that the envelope shows it.

All lengths are millimetres; on a sheet they count from its top left corner, in an envelope from the edges that are
named. A folded letter has play: it rests on the envelope's lower edge and slides sideways. `resting` is what the window
shows then, with the letter in the middle; `in_sight` is what it shows wherever the letter slides sideways, and with
`lifted` also when it is pushed up, as the roomier windows allow. An address stands in `Profile.box`, at least `clear`
away from the edges of the resting window.

Sources: DIN 5008 forms A and B with DIN 680 windows; La Poste's frame for the address (85 by 33 mm, 110 mm from the
left, 55 mm from the top); the US no. 10 window of 4 1/2 by 1 1/8 in, 7/8 in from the left and 1/2 in from the bottom,
with the eighth of an inch that USPS wants free. UK C5 windows are no standard: the most common one is taken, so measure
yours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.values import BadInput

__all__ = ["PROFILES", "Envelope", "Profile", "Rect", "in_sight", "profile_of", "resting"]


@dataclass(frozen=True, slots=True)
class Rect:
    left: float
    top: float
    right: float
    bottom: float

    def shrunk(self, by: float) -> Rect:
        return Rect(self.left + by, self.top + by, self.right - by, self.bottom - by)

    def holds(self, other: Rect, slack: float = 0.05) -> bool:
        """Whether `other` lies within, up to `slack` of rounding."""
        return (
            self.left - slack <= other.left
            and self.top - slack <= other.top
            and other.right <= self.right + slack
            and other.bottom <= self.bottom + slack
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """A window envelope, its flap on top: the window's distance from the left and the lower edge, and its size."""

    name: str
    width: float
    height: float
    from_left: float
    from_bottom: float
    window_width: float
    window_height: float


DL = Envelope("DL", 220, 110, 20, 15, 90, 45)
C6_5 = Envelope("C6/5", 229, 114, 20, 15, 90, 45)
C5 = Envelope("C5", 229, 162, 20, 60, 90, 45)
C5_FRANCE = Envelope("C5, window on the right", 229, 162, 109, 60, 100, 45)
C5_UK = Envelope("C5, UK", 229, 162, 20, 60, 90, 35)
NO_10 = Envelope("no. 10", 241.3, 104.8, 22.2, 12.7, 114.3, 28.6)


@dataclass(frozen=True, slots=True)
class Profile:
    """A sheet folded for its envelopes.

    `package` is the folded letter's height, `offset` how far the sheet's upper edge lies below the package's. `back`
    is the room above the address for the sender's line (0: none); `info` is the place of date and reference, `body`
    where the text begins.
    """

    name: str
    width: float
    height: float
    envelopes: tuple[Envelope, ...]
    package: float
    box: Rect
    info: Rect
    body: float
    folds: tuple[float, ...]
    offset: float = 0.0
    back: float = 0.0
    clear: float = 5.0
    hole: float = 0.0
    left: float = 25.0
    right: float = 20.0
    top: float = 15.0
    bottom: float = 26.0

    def as_data(self) -> dict[str, Any]:
        """As frame/letter.typ and frame/document.typ read it."""
        box, info = self.box, self.info
        return {
            "width": self.width, "height": self.height, "left": self.left, "right": self.right, "top": self.top,
            "bottom": self.bottom, "body": self.body, "folds": list(self.folds), "hole": self.hole,
            "window": {"x": box.left, "y": box.top, "width": box.right - box.left,
                       "height": box.bottom - box.top, "back": self.back},
            "info": {"x": info.left, "y": info.top, "width": info.right - info.left},
        }  # fmt: skip


def resting(sheet: Profile, envelope: Envelope) -> Rect:
    """What the window shows of a sheet that rests on the envelope's lower edge, in the middle."""
    return _seen(sheet, envelope, (envelope.width - sheet.width) / 2, envelope.height - sheet.package)


def in_sight(sheet: Profile, envelope: Envelope, *, lifted: bool = False) -> Rect:
    """What the window shows wherever the letter slides sideways, and if `lifted` up and down too."""
    aside, down = envelope.width - sheet.width, envelope.height - sheet.package
    far, near = _seen(sheet, envelope, 0.0, 0.0 if lifted else down), _seen(sheet, envelope, aside, down)
    return Rect(far.left, far.top, near.right, near.bottom)


def _seen(sheet: Profile, envelope: Envelope, aside: float, down: float) -> Rect:
    """The window on a sheet whose package lies so far from the envelope's left and upper edge."""
    left = envelope.from_left - aside
    bottom = envelope.height - envelope.from_bottom - down - sheet.offset
    return Rect(left, bottom - envelope.window_height, left + envelope.window_width, bottom)


A4: dict[str, Any] = {"width": 210.0, "height": 297.0}
US_LETTER: dict[str, Any] = {"width": 215.9, "height": 279.4, "left": 25.4, "right": 22.0, "top": 14.0, "bottom": 25.0}
_HALF: dict[str, Any] = {"package": 148.5, "folds": (148.5,)}

PROFILES = {
    p.name: p
    for p in (
        Profile(
            "din-5008-b", **A4, envelopes=(DL, C6_5), package=105.0, box=Rect(25, 58.5, 91, 83.5),
            info=Rect(125, 58.5, 190, 83.5), body=99.0, folds=(105.0, 210.0), hole=148.5, back=12.0,
        ),
        Profile(
            "din-5008-a", **A4, envelopes=(DL, C6_5), package=105.0, offset=18.0, box=Rect(25, 40.5, 91, 65.5),
            info=Rect(125, 40.5, 190, 65.5), body=81.0, folds=(87.0, 192.0), hole=148.5, back=8.0, top=12.0,
        ),
        Profile(
            "c5", **A4, envelopes=(C5,), **_HALF, box=Rect(25, 58.5, 91, 83.5),
            info=Rect(125, 58.5, 190, 83.5), body=99.0, back=12.0,
        ),
        Profile(
            "c5-fr", **A4, envelopes=(C5_FRANCE,), **_HALF, box=Rect(114, 58.5, 190, 83.5),
            info=Rect(25, 58.5, 95, 83.5), body=99.0,
        ),
        Profile(
            "c5-uk", **A4, envelopes=(C5_UK,), **_HALF, box=Rect(25, 59.5, 91, 83.5),
            info=Rect(125, 59.5, 190, 83.5), body=99.0,
        ),
        Profile(
            "us-10", **US_LETTER, envelopes=(NO_10,), package=93.1, clear=3.175, box=Rect(25.4, 55.0, 107.9, 77.2),
            info=Rect(128.9, 55.0, 193.9, 77.2), body=91.0, folds=(93.1, 186.3),
        ),
    )
}  # fmt: skip

# The profile of a sender that names none, by country; all others print on A4 for the German windows.
LETTER_SIZE = frozenset({"US", "CA", "MX", "PR", "PH", "CL", "CO"})  # countries that print on 8.5 by 11 inches
_BY_COUNTRY = {
    **dict.fromkeys(LETTER_SIZE, "us-10"),
    "FR": "c5-fr",
    "MC": "c5-fr",
    "GB": "c5-uk",
    "IE": "c5-uk",
    "CH": "c5",
}


def profile_of(country: str, envelope: str = "") -> Profile:
    """The profile that `[sender] envelope` names, else that of the sender's country (ISO 3166-1)."""
    name = envelope or _BY_COUNTRY.get(country, "din-5008-b")
    if name not in PROFILES:
        raise BadInput("[sender] envelope", f"{name!r} is not known.", f"Known: {', '.join(sorted(PROFILES))}.")
    return PROFILES[name]
