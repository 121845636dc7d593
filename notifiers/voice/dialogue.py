"""The dialogue of a spoken call as TwiML. Pure: from what Twilio says to what it is to do next.

    start    who answered? a machine: hang up without a word. Anybody else: the question, which names the person and
             nothing of the incident
    key      1: the notice is spoken; 2: a wrong number; anything else: asked once more, then the call ends
    told     the notice was spoken to its end. 9: once more. Reached without a key: heard

The notice's words are the approved wording: `prompt` (its subject) and `body` (its text).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from xml.sax.saxutils import escape, quoteattr

from notifiers.voice.codes import PERSON, Ending

# Languages as <Say> spells them, where its spelling is not ours.
SAY: Mapping[str, str] = {
    "ar": "arb",
    "de": "de-DE",
    "en": "en-US",
    "es": "es-US",
    "fr": "fr-FR",
    "hi": "hi-IN",
    "it": "it-IT",
    "ja": "ja-JP",
    "ko": "ko-KR",
    "nl": "nl-NL",
    "pl": "pl-PL",
    "pt": "pt-BR",
    "tl": "fil-PH",
    "vi": "vi-VN",
    "zh-Hans": "cmn-CN",
    "zh-Hant": "cmn-TW",
}
ASKED = 2  # times that the question is asked
_LONGEST = 4_000  # characters of one <Say>; Twilio refuses more than 4,096
_BULLET = re.compile(r"^(?:- |-{3,}$)", re.M)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


class Step(StrEnum):
    START = "start"
    KEY = "key"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Words:
    language: str
    prompt: str
    body: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What Twilio is to do, and the ending to record when there is one."""

    twiml: str
    ending: Ending | None = None


def reply(step: Step, base: str, words: Words, params: Mapping[str, str], asked: int = 1) -> Reply:
    """`base`: this call's own address, without a step. `params`: what Twilio sent, its signature checked."""
    digits = params.get("Digits", "")
    if step is Step.START:
        if params.get("AnsweredBy", "").lower() not in PERSON:
            return Reply(_response("<Hangup/>"), Ending.MACHINE)
        return Reply(_ask(base, words, 1))
    if step is Step.KEY:
        return _keyed(base, words, digits, asked)
    if digits == "9":
        return Reply(_tell(base, words))
    return Reply(_response("<Hangup/>"), Ending.HEARD) if not digits else Reply(_tell(base, words))


def _keyed(base: str, words: Words, digits: str, asked: int) -> Reply:
    if digits == "1":
        return Reply(_tell(base, words))
    if digits == "2":
        return Reply(_response("<Hangup/>"), Ending.WRONG_NUMBER)
    if asked < ASKED:
        return Reply(_ask(base, words, asked + 1))
    return Reply(_response("<Hangup/>"), Ending.NO_KEY)


def _ask(base: str, words: Words, asked: int) -> str:
    there = f"{base}/key?asked={asked}"
    gather = f'<Gather input="dtmf" numDigits="1" timeout="8" action={quoteattr(there)} method="POST">'
    return _response(
        f"{gather}{_say(words.language, words.prompt)}</Gather>", f'<Redirect method="POST">{escape(there)}</Redirect>'
    )


def _tell(base: str, words: Words) -> str:
    """The whole notice; a key during it begins it again, silence after it means that it was heard."""
    there = f"{base}/told"
    spoken = "".join(_say(words.language, part) for part in pieces(words.body))
    gather = f'<Gather input="dtmf" numDigits="1" timeout="8" action={quoteattr(there)} method="POST">'
    return _response(f"{gather}{spoken}</Gather>", f'<Redirect method="POST">{escape(there)}</Redirect>')


def _response(*verbs: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{"".join(verbs)}</Response>'


def _say(language: str, text: str) -> str:
    return f'<Say language="{SAY.get(language, language)}">{escape(_ILLEGAL.sub("", text))}</Say><Pause length="1"/>'


def pieces(text: str) -> list[str]:
    """A written notice as it is spoken: by paragraphs, none too long, without the signs of its lists and lines."""
    plain = _BULLET.sub("", text)
    found: list[str] = []
    for paragraph in filter(None, (" ".join(p.split()) for p in re.split(r"\n\s*\n", plain))):
        while len(paragraph) > _LONGEST:
            cut = paragraph.rfind(" ", 0, _LONGEST)
            cut = cut if cut > 0 else _LONGEST
            found.append(paragraph[:cut])
            paragraph = paragraph[cut:].strip()
        found.append(paragraph)
    return found
