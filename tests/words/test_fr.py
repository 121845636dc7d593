"""What is special to French: its typography, words that agree with nobody, text messages, and what others write."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from models.facts import Facts, parse_facts
from models.values import Channel, Contacts, Element, Finding, Message, Mode, Role, SegmentSpec, Severity, Slot, Wording
from models.vocabulary.gsm import BASIC as GSM
from models.vocabulary.gsm import EXTENDED as GSM_TWICE
from planning.lint import Cues, Task, lint, lint_wording, named_elements, sms_parts, task_for
from planning.lint_rules import MARKER
from planning.segment import Key, LawNotice, content_classes, fold_blocks, order_exposed
from regimes import load, schema
from templates import words
from templates.audit import PROFILE, audit, grid
from templates.letters import press_letters
from templates.render import addressee, cues, render, salutation, sheet

FRENCH = Path("templates/fr")
CUES = Cues.of(cues("fr"))
INSTRUMENTS = load.instruments()
STORY = {
    "what_happened": "Une personne inconnue est entrée dans notre système et a copié des fichiers.",
    "cause": "Le mot de passe d’un membre de notre personnel avait été volé.",
    "impact": "Des escrocs peuvent vous écrire en notre nom.",
    "measures_taken": "Nous avons fermé l’accès.",
    "measures_planned": "Nous allons contrôler tous nos serveurs.",
    "remedies": "Nous payons une nouvelle carte.",
}
TIMES = {"occurred_from": "2026-03-02", "occurred_until": "2026-03-05", "discovered": "2026-03-09"}
PROMISED = ["what_happened", "likely_consequences", "measures", "self_protection", "remedy", "contact"]
PROMISE = LawNotice(
    "promise", schema.Notice(elements=tuple(schema.ContentItem(Element(word), "Policy 9") for word in PROMISED))
)


def facts(times: dict[str, object] = TIMES, **more: object) -> Facts:
    data = {"id": "x", "title": "X", "organisation": {"name": "Example Orchard", "timezone": "UTC"}}
    return parse_facts(data | {"times": times, "narrative": {k: {"fr": v} for k, v in STORY.items()}} | more, "x.toml")


def made(
    laws: str, exposed: str = "ssn password biometric name", role: Role = Role.SELF, channel: Channel = Channel.EMAIL
) -> tuple[Wording, Task]:
    """The first letter of these laws in French, and what it is held to."""
    found = [(law, INSTRUMENTS.get(law)) for law in laws.split()]
    rules = [LawNotice(n, i.versions[-1].notice or schema.Notice(), i.place) if i else PROMISE for n, i in found]
    own = order_exposed(exposed.split())
    letter = content_classes(rules, own, facts())[0]
    spec = Key(letter, letter.laws, "fr", role, fold_blocks(own), own).spec()
    profile = PROFILE | {"organisation": {"name": "Example Orchard", "parent": "Example Holding"}}
    wording = render(spec, channel, sheet(facts(), profile, notice_date=date(2026, 3, 20)), mode=Mode.LIVE)
    return wording, task_for(
        letter, rules, channel, own, facts(), role=role, organisation="Example Orchard", parent="Example Holding"
    )


def missing(findings: list[Finding]) -> set[str]:
    return {finding.element for finding in findings if finding.severity is Severity.ERROR}


# --- complete, and found to be so -----------------------------------------------------------------------------------

SETS = ("promise us-hipaa", "us-ca promise us-hipaa", "us-ma", "us-ny promise", "us-wa us-tx", "eu-gdpr", "uk-gdpr")


def test_the_french_words_have_no_problem_and_say_that_a_person_must_read_them():
    assert audit(sms_parts, languages=["fr"]) == []
    assert words.table("fr/words.toml")["review"]["needs"] is True


@pytest.mark.parametrize("laws", [*SETS, "cn-pipl promise", "au-ndb", "sg-pdpa"])
@pytest.mark.parametrize("role", [Role.SELF, Role.GUARDIAN, Role.NEXT_OF_KIN])
def test_the_french_words_satisfy_every_law_in_every_channel(laws, role):
    for channel in Channel:
        wording, task = made(laws, role=role, channel=channel)
        assert [f for f in lint_wording(wording, task, CUES) if f.element != "short_form"] == [], channel


@pytest.mark.parametrize(
    ("laws", "lines", "element"),
    [
        (
            "eu-gdpr",
            r"Ce qui pourrait arriver.*|.*(?:personne malveillante|quelqu’un) .*pourrait.*",
            "likely_consequences",
        ),
        ("eu-gdpr", r"Ce que nous (?:avons fait|allons faire)\s:.*", "measures"),
        ("eu-gdpr", r"- (?:Téléphone|E-mail|Numéro gratuit|Délégué).*", "contact"),
        ("promise", r"Notre engagement envers vous.*", "remedy"),
        ("us-hipaa", r"L’incident s’est produit.*", "date_of_breach"),
        ("us-hipaa", r"Nous l’avons découvert.*", "date_of_discovery"),
        ("us-hipaa", r"- Numéro gratuit.*", "contact_toll_free"),
        ("us-ca", r"Date de cette notification.*", "date_of_notice"),
        ("us-ca", r"Cette notification n’a pas été retardée.*", "law_enforcement_delay"),
        ("us-ca", r"Nous vous proposons gratuitement.*", "monitoring_offer"),
        ("us-ca", r"Changez dès maintenant.*", "password_change"),
        ("us-ca", r"Demandez à chaque organisme.*", "biometric_instructions"),
        ("us-ca", r"- (?:Equifax|Experian|TransUnion).*", "credit_bureaus"),
        ("us-ma", r"Vous avez le droit d’obtenir un rapport.*", "police_report_right"),
        ("us-ma", r".*\bgel\b.*", "security_freeze"),
        ("us-ma", r"Example Orchard appartient à.*", "parent_name"),
        ("cn-pipl", r"Comment cela s’est produit.*", "cause"),
    ],
)
def test_a_line_taken_out_is_missed_and_nothing_else(laws, lines, element):
    wording, task = made(laws)
    text = re.sub(rf"(?im)^(?:{lines})$\n?", "", wording.text)
    assert text != wording.text
    assert missing(lint({"text": text}, task, CUES, "fr")) == {element}


def test_the_prescribed_title_and_headings_stay_in_english_with_a_translation():
    wording, _ = made("us-ca", channel=Channel.LETTER)
    headings = re.findall(r"^== (.+?) \\\(", wording.typst, re.MULTILINE)
    assert wording.subject.startswith("Notice of Data Breach (")
    assert headings == [
        "What Happened",
        "What Information Was Involved",
        "What We Are Doing",
        "What You Can Do",
        "For More Information",
    ]


# --- typography and grammar -----------------------------------------------------------------------------------------


def sources() -> list[tuple[str, str]]:
    """Every French text without its tags. Text messages are apart: their alphabet has other signs."""
    files = [path for path in sorted(FRENCH.rglob("*.j2")) if path.stem != "sms.md"]
    tables = [words.table(f"fr/{name}") for name in ("words.toml", "headings.toml")]
    plain = [(path.name, re.sub(r"\{[{%#].*?[}%#]\}", "X", path.read_text("utf-8"), flags=re.S)) for path in files]
    return plain + [(key, text) for table in tables for key, text in _strings(table)]


def _strings(table: object, key: str = "") -> list[tuple[str, str]]:
    if isinstance(table, str):
        return [(key, table)]
    skipped = ("kinds", "exercise", "review")
    rows = table.items() if isinstance(table, dict) else ()
    return [found for name, value in rows if name not in skipped for found in _strings(value, f"{key}.{name}")]


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        (r"[^\u202f][;?!»](?!\w)|[^\u202f]:(?!\w)", "a narrow no-break space stands before ; : ? ! »"),
        (r"«[^\u202f]", "a narrow no-break space stands after «"),
        (r"['\"“”„]", "the apostrophe is ’ and quotes are « »"),
        (r"\w\((?:e|s|es|ne)\)|\w[·.](?:e|es|s)\b|\bChère?s?\b|\bdésolée?s?\b", "words can't agree with a person"),
    ],
)
def test_every_french_text_is_set_as_french_is(wrong, because):
    found = [(name, match[0]) for name, text in sources() for match in re.finditer(wrong, text)]
    assert found == [], because


@pytest.mark.parametrize("role", Role)
def test_no_name_stands_after_a_word_that_would_lose_its_vowel_before_it(role):
    named = r"\{\{ (?:slot\.(?:name|minor_name|addressee)|sheet\.(?:\w*_name|signatory))"
    for path in FRENCH.rglob("*.j2"):
        assert not re.search(rf"\b(?:de|du|des|que|le|la|au|se|ne|par la) {named}", path.read_text("utf-8")), path
    assert not re.search(r"\bde Ada", addressee("fr", role, "Ada Sample") + salutation("fr", role, "Ada Sample"))


@pytest.mark.parametrize(
    ("role", "name", "said"),
    [
        (Role.SELF, "Ada Sample", "Bonjour Ada Sample,"),
        (Role.SELF, "", "Bonjour,"),
        (Role.GUARDIAN, "", "Madame, Monsieur,"),
        (Role.NEXT_OF_KIN, "", "Madame, Monsieur,"),
    ],
)
def test_a_salutation_fits_everyone(role, name, said):
    assert salutation("fr", role, name) == said


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({}, "Nous ne savons pas encore quand l’incident s’est produit."),
        ({"occurred_from": "2026-03-02"}, "L’incident s’est produit à partir du 2 mars 2026."),
        ({"occurred_until": "2026-03-05"}, "L’incident s’est produit au plus tard le 5 mars 2026."),
        ({"occurred_from": "2026-03-02", "occurred_until": "2026-03-02"}, "L’incident s’est produit le 2 mars 2026."),
        (TIMES, "L’incident s’est produit entre le 2 mars 2026 et le 5 mars 2026."),
    ],
)
def test_dates_are_written_as_in_french(times, said):
    spec = SegmentSpec("test", "fr", Role.SELF, exposed=("name",), blocks=("contact",))
    assert said in render(spec, Channel.EMAIL, sheet(facts(times), PROFILE), mode=Mode.LIVE).text


@pytest.mark.parametrize(("total", "said"), [(1, ": 1."), (480, ": 480."), (1204, ": 1\u202f204.")])
def test_a_number_of_people_needs_no_plural(total, said):
    spec = SegmentSpec("test", "fr", Role.SELF, exposed=("name",), blocks=("contact",))
    many = sheet(facts(people_detail={"total": total}), PROFILE)
    text = render(spec, Channel.PUBLIC, many, mode=Mode.LIVE).text
    assert f"Nombre de personnes concernées\u202f{said}" in text


def test_a_letter_has_a_glyph_for_each_of_its_signs():
    wording, _ = made("us-ca us-hipaa", channel=Channel.LETTER)
    own = {slot: "Zoé L’Exemple" for slot in wording.slots} | {Slot.REFERENCE: "7K3M-9QXA", Slot.ADDRESSEE: "Zoé Œuf"}
    to = Contacts(address=("1 rue de l’Exemple", "00000 VILLE"))
    message = Message("d1", "n1", Channel.LETTER, "fr", to, own, wording=wording.digest())
    sender = {"name": "Example Orchard", "address": ["1 Example Street"], "country": "FR"}
    pressed = press_letters({wording.digest(): wording}, [message], sender=sender, date=date(2026, 3, 20))
    assert pressed.pdf.startswith(b"%PDF") and b"fr-FR" in pressed.pdf


# --- text messages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", Mode)
def test_a_text_message_keeps_to_the_short_alphabet_whatever_leaked(mode):
    kinds = tuple(words.table("fr/words.toml")["kinds"])
    for spec, channel, known in grid("fr"):
        if channel is Channel.SMS:
            every = SegmentSpec(spec.segment, "fr", spec.role, blocks=kinds, exposed=spec.exposed)
            text = MARKER.sub("0", render(every, channel, known, mode=mode).text)
            assert set(text) - GSM - GSM_TWICE == set(), spec.role


@pytest.mark.parametrize("role", Role)
def test_a_text_message_in_an_exercise_takes_at_most_three_parts(role):
    spec = SegmentSpec("test", "fr", role, exposed=("name", "iban", "ssn"), blocks=("ssn", "bank", "contact"))
    assert sms_parts(render(spec, Channel.SMS, sheet(facts(), PROFILE), mode=Mode.EXERCISE).text) <= 3


# --- what other people write ----------------------------------------------------------------------------------------

OTHERS = [
    ("what_happened", "Un tiers non autorisé a eu accès à notre base de clients."),
    ("what_happened", "Nous avons été victimes d'une cyberattaque par rançongiciel."),
    ("cause", "Cette violation est due à une erreur de configuration."),
    ("date_of_breach", "L'attaque a eu lieu dans la nuit du 4 au 5 octobre 2025."),
    ("date_of_discovery", "Le 9 octobre 2025, nous avons découvert une violation de données."),
    ("date_of_discovery", "Nos équipes ont détecté cette intrusion le 9 octobre 2025."),
    ("date_of_notice", "Paris, le 12 octobre 2025"),
    ("data_involved", "Les données concernées sont vos nom, prénom et IBAN."),
    ("data_involved", "Cet incident a affecté certaines de vos informations personnelles."),
    ("likely_consequences", "Vos données pourraient être utilisées pour des tentatives d’hameçonnage."),
    ("likely_consequences", "Le principal risque est l’usurpation de votre identité."),
    ("likely_consequences", "Il existe un risque accru de fraude."),
    ("measures", "Dès la découverte, nous avons immédiatement bloqué les accès et déposé plainte."),
    ("measures", "Toutes les mesures ont été prises pour faire cesser cette violation."),
    ("self_protection", "Nous vous recommandons de changer de mot de passe."),
    ("self_protection", "Restez particulièrement vigilant face aux messages inattendus."),
    ("remedy", "Nous prenons en charge les frais de remplacement de la carte."),
    ("contact", "Vous pouvez joindre notre délégué à la protection des données à dpo@example.org."),
    ("contact", "Appelez-nous au 01 99 00 00 01."),
    ("contact", "Écrivez-nous\u202f: incident@example.org"),
    ("contact_toll_free", "Numéro vert\u202f: 0 800 00 00 00"),
    ("password_change", "Veuillez réinitialiser sans tarder votre mot de passe."),
    ("police_report_right", "Vous avez le droit de demander une copie du rapport de police."),
    ("security_freeze", "Le gel de crédit est sans frais."),
    ("monitoring_offer", "Un service de surveillance du crédit vous est offert."),
    ("agencies", "Adressez-vous au procureur général de l'État."),
]


@pytest.mark.parametrize(("element", "sentence"), OTHERS)
def test_the_linter_knows_how_others_say_it(element, sentence):
    cue = CUES.elements[element]
    if cue.every:
        assert all(pattern.search(sentence) for pattern in cue.every)
    else:
        assert any(pattern.search(sentence) for pattern in (*cue.lead, *cue.any))


POOR = (
    "Madame, Monsieur,\n\nUn tiers non autorisé a eu accès à vos données\u202f: nom, adresse e-mail, IBAN. "
    "Cela s’est produit en octobre 2025.\n\nAppelez-nous\u202f: 01 99 00 00 01."
)


def test_a_french_notice_without_consequences_measures_and_advice_fails_in_exactly_these():
    own = ["name", "email", "iban"]
    task = task_for(content_classes([PROMISE], own)[0], [PROMISE], Channel.EMAIL, own)
    assert missing(lint({"text": POOR}, task, CUES, "fr")) == {
        "likely_consequences",
        "measures",
        "self_protection",
        "remedy",
    }


@pytest.mark.parametrize(
    "text",
    [
        "Vos données ont pu être consultées.",
        "Nous n’avons à ce stade aucune preuve d’une utilisation malveillante.",
        "Nous prenons la sécurité de vos données très au sérieux.",
        "Il s'agit d'un incident isolé.",
    ],
)
def test_hedging_and_playing_down_are_warned_of(text):
    found = lint({"text": text}, Task(), CUES, "fr")
    assert [(f.element, f.severity) for f in found] == [("hedging", Severity.WARNING)]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("nature_of_breach", "Une personne non autorisée est entrée dans le système."),
        ("nature_of_breach", "Comment cela s’est produit\u202f: une clé perdue."),
        ("nature_of_breach", "Des fichiers ont été copiés."),
        ("number_of_residents", "L’incident concerne 1\u202f204 personnes."),
        ("number_of_residents", "Nombre de personnes concernées\u202f: environ 480."),
    ],
)
def test_what_massachusetts_forbids_is_found_in_french(word, sentence):
    wording, task = made("us-ma")
    assert missing(lint({"text": f"{wording.text}\n\n{sentence}"}, task, CUES, "fr")) == {word}


def test_each_name_of_an_element_names_that_element_alone():
    others = [(element, name) for element, names in cues("fr")["names"].items() for name in names]
    for element, name in [*words.table("fr/words.toml")["elements"].items(), *others]:
        for written in (name, name.upper(), name.replace("'", "’"), f"votre {name}"):
            assert named_elements([written], CUES) == {element}, written


def test_the_sentence_before_the_list_names_no_element():
    for path in sorted(FRENCH.glob("parts/data_involved*.j2")):
        assert named_elements([path.read_text("utf-8").split("{%")[0]], CUES) == set(), path.name
