"""What is special to German: a neutral Sie, both titles of a prescribed form, verbs at the end, ß and ss, the cues."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import vocabulary
from models.facts import Facts, parse_facts
from models.values import Channel, Element, Finding, Mode, Role, SegmentSpec, Severity, Slot, Wording
from models.vocabulary import gsm
from planning import lint, lint_rules, reading
from planning.lint import Cues, Demand, Task, lint_wording, named_elements, sms_parts, task_for
from planning.segment import Key, LawNotice, content_classes, fold_blocks, order_exposed
from regimes import load, schema
from templates import words
from templates.audit import PROFILE, audit, full_sheet
from templates.markup import MARK
from templates.press import frame_words
from templates.render import addressee, cues, merge, render, salutation, sheet

DE = Cues.of(cues("de"))
INSTRUMENTS = load.instruments()
PROMISED = ("what_happened", "likely_consequences", "measures", "self_protection", "remedy", "contact")
PROMISE = LawNotice(
    "promise", schema.Notice(tuple(schema.ContentItem(Element(word), "Richtlinie 9") for word in PROMISED))
)
STORY = {
    "what_happened": "Jemand drang in unser Bestellsystem ein und kopierte Dateien daraus.",
    "cause": "Einer Person aus der Belegschaft war das Passwort gestohlen worden.",
    "impact": "Wahrscheinlich erhalten Sie falsche Nachrichten in unserem Namen.",
    "measures_taken": "Wir haben den Zugang am selben Tag geschlossen und Anzeige erstattet.",
    "measures_planned": "Wir prüfen bis Juni alle Server.",
    "remedies": "Wir bezahlen eine neue Karte, wenn Ihre Bank sie Ihnen berechnet.",
}
TIMES = {"occurred_from": "2026-03-02", "occurred_until": "2026-03-05", "discovered": "2026-03-09"}
PROFILE_DE = PROFILE | {"organisation": {"name": "Obsthof Muster", "parent": "Muster Gruppe"}}
EVERY_KIND = tuple(words.table("de/words.toml")["kinds"])


def known(**more: Any) -> Facts:
    data = {"id": "obsthof", "title": "Obsthof", "organisation": {"name": "Obsthof Muster", "timezone": "UTC"}}
    return parse_facts(data | {"times": TIMES, "narrative": STORY} | more, "obsthof.toml")


def rule(law: str) -> LawNotice:
    found = INSTRUMENTS.get(law)
    return LawNotice(law, found.versions[-1].notice or schema.Notice(), found.place) if found else PROMISE


def made(
    laws: str,
    exposed: str = "ssn password biometric name",
    role: Role = Role.SELF,
    channel: Channel = Channel.EMAIL,
    overlay: Path | None = None,
) -> tuple[Wording, Task]:
    """The first letter of these laws, rendered in German, and what it is held to."""
    rules, own, facts = [rule(law) for law in laws.split()], order_exposed(exposed.split()), known()
    letter = content_classes(rules, own, facts)[0]
    key = Key(letter, letter.laws, "de", role, fold_blocks(own), own)
    story = sheet(facts, PROFILE_DE, notice_date=date(2026, 3, 20))
    wording = render(key.spec(), channel, story, mode=Mode.LIVE, overlay=overlay)
    names = {"organisation": "Obsthof Muster", "parent": "Muster Gruppe"}
    return wording, task_for(letter, rules, channel, own, facts, role=role, **names)


def plainly(role: Role = Role.SELF, channel: Channel = Channel.EMAIL, **more: Any) -> Wording:
    segment = SegmentSpec("s", "de", role, exposed=("name",), blocks=EVERY_KIND)
    return render(segment, channel, sheet(known(**more), PROFILE_DE), mode=Mode.LIVE)


def errors(findings: list[Finding]) -> set[str]:
    return {finding.element for finding in findings if finding.severity is Severity.ERROR}


def source(name: str) -> str:
    return files("templates").joinpath("de", *name.split("/")).read_text("utf-8")


def sources() -> list[str]:
    folders = [files("templates").joinpath("de", name) for name in ("notice", "parts", "blocks", "supplements")]
    return [source(f"{folder.name}/{entry.name}") for folder in folders for entry in folder.iterdir()]


# --- complete, and read by its own cues -----------------------------------------------------------------------------


def test_the_german_words_have_no_problem():
    assert audit(sms_parts, languages=["de"]) == []


def test_they_say_that_nobody_who_speaks_the_language_has_read_them():
    review = words.table("de/words.toml")["review"]
    assert review["needs"] is True and "speaker of the language and a lawyer" in review["note"]


SETS = (
    *("promise us-hipaa", "us-ca promise us-hipaa", "us-ma", "us-ny promise", "us-wa us-tx"),
    *("eu-gdpr", "cn-pipl promise", "au-ndb", "sg-pdpa"),
)


@pytest.mark.parametrize("laws", SETS)
@pytest.mark.parametrize("role", [Role.SELF, Role.GUARDIAN, Role.NEXT_OF_KIN])
def test_our_own_words_satisfy_every_law_in_every_channel(laws, role):
    for channel in Channel:
        wording, task = made(laws, role=role, channel=channel)
        found = lint_wording(wording, task, DE)
        assert [finding for finding in found if finding.element != "short_form"] == [], channel


@pytest.fixture
def without(overlay: Callable[..., Path]) -> Callable[..., Path]:
    """Words in which these parts say nothing. `means` and `do` stand for those of every block."""

    def emptied(*parts: str) -> Path:
        gone = {f"de/parts/{part}.md.j2": "" for part in parts if part not in ("means", "do")}
        for block in fold_blocks(["ssn", "password", "biometric", "name"]):
            text = source(f"blocks/{block}.md.j2")
            for part in {"means", "do"} & set(parts):
                text = text.replace(f"block {part} ", f"block {part}_gone ") + f"{{% block {part} %}}{{% endblock %}}"
            gone[f"de/blocks/{block}.md.j2"] = text
        return overlay(gone)

    return emptied


STEPS = ("self_protection", "do", "password_change", "biometric_instructions", "security_freeze", "credit_bureaus")


@pytest.mark.parametrize(
    ("laws", "parts", "missing"),
    [
        ("promise us-hipaa", ("what_happened",), {"what_happened"}),
        ("promise us-hipaa", ("dates",), {"date_of_breach", "date_of_discovery"}),
        ("promise us-hipaa", ("likely_consequences", "means"), {"likely_consequences"}),
        ("promise us-hipaa", ("measures",), {"measures"}),
        ("promise us-hipaa", ("remedy",), {"remedy"}),
        ("promise", STEPS, {"self_protection"}),
        ("promise us-hipaa", ("contact_toll_free",), {"contact_toll_free"}),
        ("promise us-hipaa", ("contact", "contact_toll_free"), {"contact", "contact_toll_free"}),
        ("us-ca promise", ("what_happened",), {"what_happened"}),
        ("us-ca promise", ("likely_consequences", "means"), {"likely_consequences"}),
        ("us-ca promise", ("measures",), {"measures"}),
        ("us-ca promise", ("remedy", "monitoring_offer"), {"remedy", "monitoring_offer"}),
        ("us-ca promise us-hipaa", ("monitoring_offer",), {"monitoring_offer"}),
        ("us-ca", ("date_of_notice",), {"date_of_notice"}),
        ("us-ca", ("law_enforcement_delay",), {"law_enforcement_delay"}),
        ("us-ca", ("credit_bureaus",), {"credit_bureaus"}),
        ("us-ca", ("password_change",), {"password_change"}),
        ("us-ca", ("biometric_instructions",), {"biometric_instructions"}),
        ("us-ca", ("organisation", "contact", "contact_toll_free"), {"contact"}),
        ("us-ma", ("police_report_right",), {"police_report_right"}),
        ("us-ma", ("security_freeze",), {"security_freeze"}),
        ("us-ma", ("monitoring_offer",), {"monitoring_offer"}),
        ("us-ma", ("parent_name",), {"parent_name"}),
        ("cn-pipl", ("cause",), {"cause"}),
        ("eu-gdpr", ("what_happened", "cause", "dates"), {"what_happened"}),
        ("eu-gdpr", ("likely_consequences", "means"), {"likely_consequences"}),
        ("eu-gdpr", ("measures",), {"measures"}),
        ("eu-gdpr", ("contact", "contact_toll_free"), {"contact"}),
    ],
)
def test_a_removed_paragraph_is_found_and_nothing_else(laws, parts, missing, without):
    wording, task = made(laws, overlay=without(*parts))
    for part in ("text", "html"):
        assert errors(lint.lint({part: getattr(wording, part)}, task, DE, "de")) == missing, part


@settings(max_examples=60, deadline=None)
@given(own=st.sets(st.sampled_from(sorted(vocabulary.words("elements").words)), min_size=1), role=st.sampled_from(Role))
def test_nobodys_notice_names_what_they_did_not_lose(own, role):
    exposed = order_exposed(own)
    segment = SegmentSpec("s", "de", role, exposed=exposed, blocks=fold_blocks(exposed))
    page = render(segment, Channel.EMAIL, full_sheet(), mode=Mode.LIVE).html
    told = [part for part in reading.sections(reading.html_lines(page), DE.headings) if "data_involved" in part.names]
    assert named_elements((line for part in told for line in part.lines), DE) == own


# --- other people's German ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "line"),
    [
        ("what_happened", "Unbefugte haben sich Zugriff auf unsere Systeme verschafft."),
        ("what_happened", "Wir sind Opfer eines Cyberangriffs geworden."),
        ("what_happened", "Ihre Unterlagen wurden an eine falsche Adresse geschickt."),
        ("what_happened", "Ein Laptop wurde aus einem Auto gestohlen."),
        ("cause", "Die Ursache war eine falsche Einstellung."),
        ("cause", "Der Vorfall wurde durch einen Fehler bei der Wartung ausgelöst."),
        ("cause", "Aufgrund einer Schwachstelle im Programm war der Zugang offen."),
        ("date_of_breach", "Am 3. Oktober 2025 kam es zu einem unbefugten Zugriff."),
        ("date_of_breach", "Der Angriff fand am 3.10.2025 statt."),
        ("date_of_discovery", "Am 4. Oktober 2025 haben wir festgestellt, dass Daten fehlen."),
        ("date_of_discovery", "Wir erlangten am 4. Oktober 2025 Kenntnis davon."),
        ("date_of_notice", "Musterstadt, den 20. März 2026"),
        ("date_of_notice", "Wien, 20.03.2026"),
        ("data_involved", "Folgende personenbezogene Daten sind abgeflossen."),
        ("data_involved", "Betroffen sind folgende Datenarten."),
        ("likely_consequences", "Es besteht die Gefahr eines Identitätsdiebstahls."),
        ("likely_consequences", "Ihre Daten könnten für Phishing missbraucht werden."),
        ("likely_consequences", "Es ist möglich, dass Betrüger Ihnen schreiben können."),
        ("measures", "Wir haben die betroffenen Systeme umgehend vom Netz getrennt."),
        ("measures", "Den Vorfall haben wir der Aufsichtsbehörde gemeldet."),
        ("measures", "Umgehend wurden alle Zugänge gesperrt."),
        ("self_protection", "Wir empfehlen Ihnen, wachsam zu sein."),
        ("self_protection", "Bitte seien Sie bei Anrufen besonders vorsichtig."),
        ("self_protection", "Sie sollten Ihre Kontoauszüge regelmäßig prüfen."),
        ("remedy", "Wir übernehmen die Kosten für einen neuen Ausweis."),
        ("contact", "Unsere Datenschutzbeauftragte erreichen Sie unter datenschutz@example.org."),
        ("contact", "Rufen Sie uns an: +49 30 23125 000."),
        ("contact_toll_free", "Unsere kostenlose Hotline: 0800 000 0000"),
        ("contact_toll_free", "Sie erreichen uns unter 0800 000 0000 (gebührenfrei)."),
        ("law_enforcement_delay", "Die Polizei hat uns gebeten, mit der Benachrichtigung zu warten."),
        ("password_change", "Wir bitten Sie, Ihr Passwort umgehend zu ändern."),
        ("password_change", "Setzen Sie Ihr Kennwort zurück."),
        ("police_report_right", "Sie haben ein Recht auf den Polizeibericht."),
        ("monitoring_offer", "Sie erhalten zwölf Monate Identitätsüberwachung."),
        ("parent_name", "Wir sind eine Tochtergesellschaft der Muster Gruppe."),
    ],
)
def test_the_usual_phrases_of_others_are_known(element, line):
    task = Task(required=(Demand("l", "1", Element(element)),), channel=Channel.LETTER, parent="Muster Gruppe")
    assert errors(lint.lint({"text": line}, task, DE, "de")) == set()
    empty = lint.lint({"text": "Die Apfelbäume blühen im April."}, task, DE, "de")
    assert errors(empty) == {element}


@pytest.mark.parametrize(
    ("element", "line"),
    [
        ("date_of_breach", "Wir haben den Zugang am 9. März 2026 geschlossen."),
        ("date_of_breach", "Datum dieser Benachrichtigung: 20. März 2026"),
        ("date_of_discovery", "Am 10. März 2026 haben wir Anzeige erstattet."),
        ("likely_consequences", "So kann kaum jemand ein Konto eröffnen; niemand kann mehr hinein."),
        ("contact", "Bestellen Sie kostenlose Kreditberichte: annualcreditreport.com oder 1-877-322-8228."),
        ("contact", "Rufen Sie die Bank unter einer Nummer zurück, die Sie selbst herausgesucht haben."),
        ("contact_toll_free", "Bestellen Sie kostenlose Kreditberichte: annualcreditreport.com oder 1-877-322-8228."),
        ("law_enforcement_delay", "Droht jemand? Informieren Sie die Polizei und uns."),
        ("password_change", "Geben Sie keine Codes oder Passwörter heraus."),
        ("police_report_right", "Wir haben der Polizei berichtet. Sie haben ein Recht auf Auskunft."),
        ("security_freeze", "Lassen Sie die Karte sperren. Das ist kostenlos."),
        ("monitoring_offer", "Wie Sie Identitätsdiebstahl vorbeugen, erfahren Sie bei der Behörde."),
        ("biometric_instructions", "Fingerabdruck, Gesicht und Stimme lassen sich nicht ändern."),
    ],
)
def test_a_line_that_only_sounds_like_it_does_not_count(element, line):
    task = Task(required=(Demand("l", "1", Element(element)),), channel=Channel.LETTER)
    assert errors(lint.lint({"text": line}, task, DE, "de")) == {element}


@pytest.mark.parametrize(
    "story",
    [
        "Am 2. März 2026 wurde unsere Datenbank kopiert. Am 9. März 2026 haben wir es der Strafverfolgung gemeldet.",
        "Der Vorfall ereignete sich am 2. März 2026. Aufgrund eines Fehlers von uns kam jemand hinein.",
        "Wir haben den Vorfall am 9. März 2026 entdeckt, weil Dateien fehlten.",
    ],
)
def test_a_story_that_tells_dates_and_causes_too_is_still_the_story(story, overlay):
    wording, task = made("us-ca promise", overlay=overlay({"de/parts/what_happened.md.j2": story}))
    assert errors(lint_wording(wording, task, DE)) == set()


OTHERS = """Benachrichtigung gemäß Art. 34 DSGVO

Sehr geehrte Kundin, sehr geehrter Kunde,

Was ist passiert?

Am 3. Oktober 2025 haben Unbefugte auf unsere Datenbank zugegriffen. Das haben wir am 4. Oktober 2025 bemerkt.

Welche Daten sind betroffen?

Vor- und Nachname, E-Mail-Adresse sowie Bankverbindung (IBAN).

Wahrscheinliche Folgen

Sie könnten betrügerische Nachrichten erhalten.

Ergriffene Maßnahmen

Der Zugang wurde geschlossen.

Empfehlungen

Seien Sie misstrauisch bei unerwarteten Nachrichten.

Ansprechpartner

Datenschutzbeauftragter: datenschutz@example.org
"""


@pytest.mark.parametrize("text", [OTHERS, OTHERS.replace("ß", "ss")], ids=["ß", "ss"])
def test_a_notice_by_another_hand_passes_and_misses_only_what_it_lacks(text):
    own = ["name", "email", "iban", "bank_account"]
    task = task_for(content_classes([PROMISE], own)[0], [PROMISE], Channel.EMAIL, own)
    assert errors(lint.lint({"text": text}, task, DE, "de")) == {"remedy"}
    poor = text.replace("Sie könnten betrügerische Nachrichten erhalten.", "").replace("Der Zugang wurde", "")
    assert errors(lint.lint({"text": poor.replace("geschlossen.", "")}, task, DE, "de")) == {
        *("likely_consequences", "measures", "remedy")
    }


@pytest.mark.parametrize(
    ("line", "unknown"),
    [
        ("Wir wissen noch nicht, wann sich der Vorfall ereignete.", True),
        ("Wann sich der Vorfall ereignete, ist bislang unklar.", True),
        ("Wann es passierte, wird derzeit untersucht.", True),
        ("Der Vorfall ereignete sich am 2. März 2026.", False),
    ],
)
def test_what_is_only_said_to_be_unknown_counts_where_the_law_allows_it(line, unknown):
    for allowed in (True, False):
        task = Task(required=(Demand("l", "1", Element.DATE_OF_BREACH, allowed),), channel=Channel.LETTER)
        missing = {"date_of_breach"} if unknown and not allowed else set()
        assert errors(lint.lint({"text": line}, task, DE, "de")) == missing


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("Es gibt keine Hinweise auf einen Missbrauch; es handelt sich um einen Einzelfall.", 2),
        ("Den Schutz Ihrer Daten nehmen wir sehr ernst.", 1),
        ("Wir können nicht ausschließen, dass Daten abgeflossen sind. Rein vorsorglich schreiben wir Ihnen.", 1),
        ("Jemand hat Ihren Namen und Ihre Anschrift kopiert.", 0),
    ],
)
def test_hedging_and_playing_down_are_warned_of(line, warned):
    found = lint.lint({"text": line}, Task(), DE, "de")
    assert [(f.element, f.severity) for f in found] == [("hedging", Severity.WARNING)] * warned


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ("Eine unbefugte Person hatte Zugang.", "nature_of_breach"),
        ("Wie es dazu kam: ein verlorener Schlüssel.", "nature_of_breach"),
        ("Die Dateien wurden kopiert.", "nature_of_breach"),
        ("Betroffen sind 1.204 Einwohner.", "number_of_residents"),
        ("Zahl der betroffenen Personen: etwa 1.204.", "number_of_residents"),
    ],
)
def test_what_massachusetts_forbids_is_found(sentence, word, overlay):
    wording, task = made("us-ma", overlay=overlay({"de/parts/organisation.md.j2": sentence}))
    assert errors(lint_wording(wording, task, DE)) == {word}


@pytest.mark.parametrize(
    ("list_", "named"),
    [
        ("Vor- und Nachname, Anschrift, Geburtsdatum", {"name", "postal_address", "date_of_birth"}),
        ("E-Mail-Adresse und Benutzername", {"email", "username"}),
        ("Kreditkartennummer, Prüfziffer und Ablaufdatum", {"payment_card", "card_security_code", "card_expiry"}),
        ("Geburtsname der Mutter", {"mothers_maiden_name"}),
        ("Patientendaten, Krankenversichertennummer, Diagnosen", {"health_record", "health_insurance_id", "diagnosis"}),
        ("Führerausweis, Kontrollschild, Fingerabdrücke", {"driver_licence", "licence_plate", "biometric"}),
        ("Passwörter der Firmenkonten", {"password"}),
    ],
)
def test_elements_are_known_by_their_names_in_germany_austria_and_switzerland(list_, named):
    assert named_elements([list_], DE) == named


# --- text messages, prescribed forms, salutations, dates ------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_a_text_message_keeps_to_the_cheap_alphabet(role):
    """GSM 03.38 has ä, ö, ü and ß, but no „ “ or –: one of these halves what a part holds."""
    segment = SegmentSpec("s", "de", role, exposed=("name",), blocks=EVERY_KIND)
    text = merge(render(segment, Channel.SMS, full_sheet(), mode=Mode.EXERCISE), {Slot.REFERENCE: "7K3M-9QXA"}).text
    assert set(text) <= gsm.BASIC and text.startswith("ÜBUNG: ")
    assert not lint_rules.LINK.search(text)


def test_a_prescribed_form_says_its_title_and_headings_in_english_too():
    text = made("us-ca")[0].text
    assert text.startswith("Benachrichtigung über eine Datenschutzverletzung (Notice of Data Breach)\n")
    prescribed = ("What Happened", "What Information Was Involved", "What We Are Doing", "What You Can Do")
    at = [text.index(f" ({heading})\n---") for heading in (*prescribed, "For More Information")]
    assert at == sorted(at)


@pytest.mark.parametrize(
    ("role", "name", "said"),
    [
        (Role.SELF, "Ada Muster", "Guten Tag Ada Muster,"),
        (Role.SELF, "", "Guten Tag,"),
        (Role.GUARDIAN, "", "Sehr geehrte Eltern und Sorgeberechtigte,"),
        (Role.NEXT_OF_KIN, "", "Sehr geehrte Angehörige,"),
        (Role.CUSTOMER_ORGANISATION, "", "Guten Tag,"),
    ],
)
def test_a_salutation_guesses_no_gender_and_its_sentence_may_go_on_after_the_comma(role, name, said):
    assert salutation("de", role, name) == said
    assert addressee("de", Role.GUARDIAN, "Ada Muster") == "Sorgeberechtigte von Ada Muster"
    _, after, text = plainly(role).text.partition(f"{MARK}salutation{MARK}")
    assert after and text.strip().startswith("Sie ")


GENDERED = re.compile(
    r"\b(?:geehrter|lieber?|herrn?|frau|der (?:betroffene|verstorbene|kunde|patient)|(?:ihr|der) sohn|tochter)\b"
    r"|\w[*:_]in(?:nen)?\b"
)
FAMILIAR = re.compile(r"\b(?:du|dich|dir|deine?[mnrs]?|euch|eure?[mnrs]?)\b")


@pytest.mark.parametrize(("role", "channel"), list(product(Role, Channel)))
def test_the_text_says_sie_and_agrees_with_nobody(role, channel):
    text = plainly(role, channel).text.casefold()
    assert GENDERED.findall(text) + FAMILIAR.findall(text) == []
    assert GENDERED.search("liebe kund:innen") and FAMILIAR.search("deine daten")


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({}, "Wir wissen noch nicht, wann sich der Vorfall ereignete."),
        ({"occurred_from": "2026-03-02"}, "Der Vorfall ereignete sich ab dem 2. März 2026."),
        ({"occurred_until": "2026-03-05"}, "Der Vorfall ereignete sich bis spätestens zum 5. März 2026."),
        ({"occurred_from": "2026-03-02", "occurred_until": "2026-03-02"}, "ereignete sich am 2. März 2026."),
        (TIMES, "Der Vorfall ereignete sich zwischen dem 2. März 2026 und dem 5. März 2026."),
        (TIMES, "Wir haben den Vorfall am 9. März 2026 entdeckt."),
    ],
)
def test_dates_are_said_as_people_say_them_and_the_linter_tells_them_from_the_story(times, said):
    assert said in plainly(times=times).text
    leads = [lead for cue in ("date_of_breach", "date_of_discovery") for lead in DE.elements[cue].lead]
    whole = said if said.startswith(("Der", "Wir haben")) else f"Der Vorfall {said}"
    assert any(lead.search(whole) for lead in leads) == ("noch nicht" not in said)
    assert not any(lead.search(f"{whole} Dateien wurden kopiert.") for lead in leads)


@pytest.mark.parametrize(
    ("total", "said"),
    [(1, "Personen: 1."), (12040, "Personen: 12.040."), ({"min": 90}, "Personen: etwa 90.")],
)
def test_a_number_of_people_reads_well_whatever_it_is(total, said):
    assert said in plainly(channel=Channel.PUBLIC, people_detail={"total": total}).text


def test_quotation_marks_open_low_and_close_high():
    for text in (re.sub(r"\{[%{#].*?[#}%]\}", "", text) for text in sources()):
        assert text.count("„") == text.count("“"), text
        assert not set("\"'”«»") & set(text), text


def test_letters_and_reports_say_their_few_words_in_german():
    table = tomllib.loads(files("templates").joinpath("frame", "letter.toml").read_text("utf-8"))
    assert table["de"].keys() == table["en"].keys()
    assert frame_words("de")["page"] == "Seite {n} von {m}"
    letter = plainly(channel=Channel.LETTER).text
    assert frame_words("de")["reference"] in letter  # the label on the letterhead is the word that the text uses
