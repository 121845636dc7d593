"""Plain words: figures that are right to about half a grade, and our own texts below the aim."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import pytest

from models.values import Channel, Role
from planning.readability import FORMULAS, SYLLABLES, Counted, count, ease, prose

SYLLABLE_CASES = {
    "en": "information 4 security 4 number 2 police 2 people 2 take 1 you 1 were 1 involved 2 created 3 wanted 2"
    " closed 1 identity 4 credit 2 bureau 2 telephone 3 statement 2 misuse 2 science 2 being 2 quiet 2 offices 3"
    " services 3"
    " little 2 table 2 special 2 religion 3 private 2 different 3 patient 2",
    "es": "información 4 ciudad 2 datos 2 contraseña 4 país 2 usted 2 correo 3 electrónico 5 guerra 2 quien 1"
    " muy 1 hoy 1 ahora 3 policía 4",
    "fr": "information 4 sécurité 4 personne 2 données 2 banque 1 compte 1 identité 4 numéro 3 peuvent 1 police 2",
    "de": "Sicherheit 3 Daten 2 Bank 1 Passwort 2 Polizei 3 Personen 3 Nummer 2 neue 2 Bäume 2 schreiben 2 Identität 4",
}


@pytest.mark.parametrize("language", SYLLABLE_CASES)
def test_syllables_are_counted_as_they_are_spoken(language: str) -> None:
    words = SYLLABLE_CASES[language].split()
    wrong = [
        (w, SYLLABLES[language](w.lower()))
        for w, n in zip(words[::2], words[1::2], strict=True)
        if SYLLABLES[language](w.lower()) != int(n)
    ]
    assert wrong == []


# words, sentences, syllables, long, six letters, one syllable
C = Counted(100, 10, 150, 10, 20, 60)
FIGURES = [
    ("flesch_kincaid", 0.39 * 10 + 11.8 * 1.5 - 15.59),
    ("fernandez_huerta", 206.84 - 90 - 10.2),
    ("kandel_moles", 207 - 10.15 - 110.4),
    ("amstad", 180 - 10 - 87.75),
    ("wiener", 1.935 + 1.672 + 2.594 - 1.962 - 0.875),
]


@pytest.mark.parametrize(("name", "figure"), FIGURES)
def test_each_formula_is_that_of_its_source(name: str, figure: float) -> None:
    assert FORMULAS[name](C) == pytest.approx(figure)


def test_only_what_is_read_as_sentences_counts() -> None:
    told = "What happened\n---\n\nA stranger copied files. We closed the way in."
    text = f"{told}\n\n- Telephone: +1 202-555-0100\n- a@example.org"
    assert prose(text) == ["A stranger copied files.", "We closed the way in."]
    assert count(prose(text), "en").sentences == 2


def test_long_sentences_passives_and_jargon_are_named() -> None:
    text = "Pursuant to the law your records were accessed by a threat actor, " + "and then " * 20 + "it stopped."
    found = ease(text, "en")
    assert found is not None and not found.good
    assert found.longest and found.passive == ("were accessed",)
    assert dict(found.jargon) == {"pursuant to": "under", "threat actor": "thief"}


def test_chinese_has_lengths_and_no_formula() -> None:
    found = ease("有人侵入我们的系统并复制了文件。我们当天封堵了入口。", "zh-Hans")
    assert found is not None and (found.score, found.sentences, found.good) == (None, 2, True)


def test_a_language_without_a_list_has_no_figures() -> None:
    assert ease("Hej", "sv") is None


def test_every_formula_of_the_list_is_there() -> None:
    table = tomllib.loads((files("planning") / "plain.toml").read_text("utf-8"))
    assert {row["formula"] for row in table.values()} - {""} <= FORMULAS.keys()


@pytest.mark.parametrize("language", ["en", "es", "fr", "de"])
@pytest.mark.parametrize("role", list(Role))
def test_our_own_notice_can_be_read_at_thirteen(language: str, role: Role, rendered: Any) -> None:
    for channel in (Channel.EMAIL, Channel.LETTER):
        found = ease(rendered(language, role, channel).text, language)
        assert found is not None and found.good, (found.score, found.longest[:2])
        if role is not Role.CUSTOMER_ORGANISATION:  # whose own law calls it a personal data breach
            assert found.jargon == ()
