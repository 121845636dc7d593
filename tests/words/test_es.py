"""What is special to Spanish: a neutral usted, cheap text messages, both titles of a prescribed form, the cues."""

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

ES = Cues.of(cues("es"))
INSTRUMENTS = load.instruments()
PROMISED = ("what_happened", "likely_consequences", "measures", "self_protection", "remedy", "contact")
PROMISE = LawNotice(
    "promise", schema.Notice(tuple(schema.ContentItem(Element(word), "Política 9") for word in PROMISED))
)
STORY = {
    "what_happened": "Una persona no autorizada entró en nuestro sistema de pedidos y copió archivos.",
    "cause": "Le habían robado la contraseña a una persona de la plantilla.",
    "impact": "Es probable que reciba mensajes falsos en nuestro nombre.",
    "measures_taken": "Ese mismo día cerramos la entrada y presentamos una denuncia.",
    "measures_planned": "Revisaremos todos los servidores antes de junio.",
    "remedies": "Pagamos una tarjeta nueva si su banco se la cobra.",
}
TIMES = {"occurred_from": "2026-03-02", "occurred_until": "2026-03-05", "discovered": "2026-03-09"}
PROFILE_ES = PROFILE | {"organisation": {"name": "Huerto Ejemplo", "parent": "Grupo Ejemplo"}}


def known(**more: Any) -> Facts:
    data = {"id": "huerto", "title": "Huerto", "organisation": {"name": "Huerto Ejemplo", "timezone": "UTC"}}
    return parse_facts(data | {"times": TIMES, "narrative": STORY} | more, "huerto.toml")


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
    """The first letter of these laws, rendered in Spanish, and what it is held to."""
    rules, own, facts = [rule(law) for law in laws.split()], order_exposed(exposed.split()), known()
    letter = content_classes(rules, own, facts)[0]
    key = Key(letter, letter.laws, "es", role, fold_blocks(own), own)
    story = sheet(facts, PROFILE_ES, notice_date=date(2026, 3, 20))
    wording = render(key.spec(), channel, story, mode=Mode.LIVE, overlay=overlay)
    names = {"organisation": "Huerto Ejemplo", "parent": "Grupo Ejemplo"}
    return wording, task_for(letter, rules, channel, own, facts, role=role, **names)


def errors(findings: list[Finding]) -> set[str]:
    return {finding.element for finding in findings if finding.severity is Severity.ERROR}


def source(name: str) -> str:
    return files("templates").joinpath("es", *name.split("/")).read_text("utf-8")


# --- complete, and read by its own cues -----------------------------------------------------------------------------


def test_the_spanish_words_have_no_problem():
    assert audit(sms_parts, languages=["es"]) == []


def test_they_say_that_nobody_who_speaks_the_language_has_read_them():
    review = words.table("es/words.toml")["review"]
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
        found = lint_wording(wording, task, ES)
        assert [finding for finding in found if finding.element != "short_form"] == [], channel


@pytest.fixture
def without(overlay: Callable[..., Path]) -> Callable[..., Path]:
    """Words in which these parts say nothing. `means` and `do` stand for those of every block."""

    def emptied(*parts: str) -> Path:
        gone = {f"es/parts/{part}.md.j2": "" for part in parts if part not in ("means", "do")}
        for block in fold_blocks(["ssn", "password", "biometric", "name"]):
            text = source(f"blocks/{block}.md.j2")
            for part in {"means", "do"} & set(parts):
                text = text.replace(f"block {part} ", f"block {part}_gone ") + f"{{% block {part} %}}{{% endblock %}}"
            gone[f"es/blocks/{block}.md.j2"] = text
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
        ("eu-gdpr", ("likely_consequences", "means"), {"likely_consequences"}),
        ("eu-gdpr", ("measures",), {"measures"}),
    ],
)
def test_a_removed_paragraph_is_found_and_nothing_else(laws, parts, missing, without):
    wording, task = made(laws, overlay=without(*parts))
    for part in ("text", "html"):
        assert errors(lint.lint({part: getattr(wording, part)}, task, ES, "es")) == missing, part


@settings(max_examples=60, deadline=None)
@given(own=st.sets(st.sampled_from(sorted(vocabulary.words("elements").words)), min_size=1), role=st.sampled_from(Role))
def test_nobodys_notice_names_what_they_did_not_lose(own, role):
    exposed = order_exposed(own)
    segment = SegmentSpec("s", "es", role, exposed=exposed, blocks=fold_blocks(exposed))
    page = render(segment, Channel.EMAIL, full_sheet(), mode=Mode.LIVE).html
    told = [part for part in reading.sections(reading.html_lines(page), ES.headings) if "data_involved" in part.names]
    assert named_elements((line for part in told for line in part.lines), ES) == own


# --- other people's Spanish -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "line"),
    [
        ("what_happened", "Un tercero no autorizado accedió a nuestros sistemas."),
        ("what_happened", "Hemos sufrido un ciberataque de tipo ransomware."),
        ("cause", "La incidencia fue causada por un error de configuración."),
        ("cause", "Se debió a una vulnerabilidad del programa."),
        ("date_of_breach", "La brecha se produjo el 3 de octubre de 2025."),
        (
            "date_of_discovery",
            "El 4 de octubre tuvimos conocimiento del incidente, y el 5 de octubre de 2025 lo cerramos.",
        ),
        ("date_of_discovery", "Detectamos el acceso el 4 de octubre de 2025."),
        ("date_of_notice", "Madrid, 20 de marzo de 2026"),
        ("data_involved", "Los datos personales que han resultado comprometidos son los siguientes."),
        ("likely_consequences", "Existe el riesgo de suplantación de identidad."),
        ("likely_consequences", "Sus datos podrían ser utilizados para enviarle correos fraudulentos."),
        ("measures", "Hemos bloqueado el acceso y notificado la brecha a la autoridad de control."),
        ("measures", "De inmediato, aislamos los equipos afectados."),
        ("self_protection", "Le recomendamos que cambie su contraseña."),
        ("self_protection", "No haga clic en enlaces de mensajes inesperados."),
        ("self_protection", "Esté atento a los movimientos de su cuenta."),
        ("remedy", "Asumiremos el coste de la renovación de su documento."),
        ("contact", "Puede contactar con nuestro delegado de protección de datos en dpd@example.org."),
        ("contact", "Llámenos al +34 910 000 000."),
        ("contact_toll_free", "Línea gratuita: 900 000 000"),
        ("contact_toll_free", "Llame sin cargo al 1-800-555-0100."),
        ("agencies", "Puede acudir a la Fiscalía General de su estado."),
        ("law_enforcement_delay", "Las autoridades policiales nos pidieron que aplazáramos este aviso."),
        ("password_change", "Restablezca cuanto antes su contraseña."),
        ("police_report_right", "Usted tiene derecho a recibir una copia del informe policial."),
        ("monitoring_offer", "Incluye doce meses de monitoreo de crédito."),
        ("parent_name", "Somos una filial de Grupo Ejemplo."),
    ],
)
def test_the_usual_phrases_of_others_are_known(element, line):
    task = Task(required=(Demand("l", "1", Element(element)),), channel=Channel.LETTER, parent="Grupo Ejemplo")
    assert errors(lint.lint({"text": line}, task, ES, "es")) == set()
    empty = lint.lint({"text": "Los manzanos florecen en abril."}, task, ES, "es")
    assert errors(empty) == {element}


OTHERS = """Notificación de una brecha de datos personales

Estimado cliente:

¿Qué ha ocurrido?

El 3 de octubre de 2025 un tercero no autorizado accedió a nuestra base de datos. Lo detectamos el 4 de octubre de 2025.

Datos personales afectados

Su nombre, su correo electrónico y el IBAN de su cuenta bancaria.

Consecuencias probables

Podría recibir mensajes fraudulentos.

Medidas adoptadas

Hemos bloqueado el acceso.

Recomendaciones

Desconfíe de los mensajes inesperados.

Contacto

Delegado de protección de datos: dpd@example.org
"""


def test_a_notice_by_another_hand_passes_and_misses_only_what_it_lacks():
    own = ["name", "email", "iban", "bank_account"]
    task = task_for(content_classes([PROMISE], own)[0], [PROMISE], Channel.EMAIL, own)
    assert errors(lint.lint({"text": OTHERS}, task, ES, "es")) == {"remedy"}
    poor = OTHERS.replace("Podría recibir mensajes fraudulentos.", "").replace("Hemos bloqueado el acceso.", "")
    assert errors(lint.lint({"text": poor}, task, ES, "es")) == {"likely_consequences", "measures", "remedy"}


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("No hay evidencia de uso indebido; es un incidente aislado.", 2),
        ("Nos tomamos muy en serio su privacidad.", 1),
        ("Una persona copió su nombre y su dirección.", 0),
    ],
)
def test_hedging_and_playing_down_are_warned_of(line, warned):
    found = lint.lint({"text": line}, Task(), ES, "es")
    assert [(f.element, f.severity) for f in found] == [("hedging", Severity.WARNING)] * warned


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ("Una persona no autorizada entró.", "nature_of_breach"),
        ("Cómo ocurrió: una clave robada.", "nature_of_breach"),
        ("Los archivos fueron copiados.", "nature_of_breach"),
        ("Afecta a 1.204 residentes.", "number_of_residents"),
        ("Número de personas afectadas: aproximadamente 1.204.", "number_of_residents"),
    ],
)
def test_what_massachusetts_forbids_is_found(sentence, word, overlay):
    wording, task = made("us-ma", overlay=overlay({"es/parts/organisation.md.j2": sentence}))
    assert errors(lint_wording(wording, task, ES)) == {word}


@pytest.mark.parametrize(
    ("list_", "named"),
    [
        ("nombres y apellidos; DNI; direcciones de correo electrónico", {"name", "national_id", "email"}),
        ("nombre de usuario y contraseñas", {"username", "password"}),
        ("números de tarjeta de crédito y código de seguridad (CVV)", {"payment_card", "card_security_code"}),
        ("apellido de soltera de la madre", {"mothers_maiden_name"}),
        ("historial médico y número de la Seguridad Social", {"health_record", "ssn"}),
        ("matrícula del vehículo, teléfono móvil, huellas dactilares", {"licence_plate", "phone", "biometric"}),
        ("la dirección de correo electrónico del automóvil club", {"email"}),
    ],
)
def test_elements_are_known_by_their_names_in_spain_and_america(list_, named):
    assert named_elements([list_], ES) == named


# --- text messages, prescribed forms, salutations, dates ------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_a_text_message_needs_no_dear_letters(role):
    """One á, í, ó or ú halves what a part holds (GSM 03.38 has é and ñ, not these)."""
    blocks = tuple(words.table("es/words.toml")["kinds"])
    segment = SegmentSpec("s", "es", role, exposed=("name",), blocks=blocks)
    text = merge(render(segment, Channel.SMS, full_sheet(), mode=Mode.EXERCISE), {Slot.REFERENCE: "7K3M-9QXA"}).text
    assert set(text) <= gsm.BASIC and text.startswith("SIMULACRO: ")
    assert not lint_rules.LINK.search(text)


def test_no_short_name_wants_another_and_before_it():
    kinds = words.table("es/words.toml")["kinds"].values()
    assert [name for name in kinds if name.casefold().startswith(("i", "hi", "í", "y"))] == []


def test_a_prescribed_form_says_its_title_and_headings_in_english_too():
    text = made("us-ca")[0].text
    assert text.startswith("Aviso de violación de datos (Notice of Data Breach)\n")
    prescribed = ("What Happened", "What Information Was Involved", "What We Are Doing", "What You Can Do")
    at = [text.index(f" ({heading})\n---") for heading in (*prescribed, "For More Information")]
    assert at == sorted(at)


@pytest.mark.parametrize(
    ("role", "name", "said"),
    [
        (Role.SELF, "Ada Muestra", "A la atención de Ada Muestra:"),
        (Role.SELF, "", "Buenos días:"),
        (Role.GUARDIAN, "", "A la atención de la madre, el padre o quien ejerza la tutela:"),
        (Role.NEXT_OF_KIN, "", "A la atención de quien represente a la familia:"),
    ],
)
def test_a_salutation_does_not_guess_a_gender(role, name, said):
    assert salutation("es", role, name) == said
    assert addressee("es", Role.GUARDIAN, "Ada Muestra") == "Representante legal de Ada Muestra"


GENDERED = (
    "estimad",
    "querid",
    "señor",
    "usted mism",
    "estar segur",
    "un menor",
    "ustedes",
    "niño",
    "niña",
    "hijo ",
    "hija ",
    "el fallecido",
)
FAMILIAR = (" tu ", " tus ", " te ", " contigo ", "puedes", "vosotros", "vuestr")


@pytest.mark.parametrize(("role", "channel"), list(product(Role, Channel)))
def test_the_text_says_usted_and_agrees_with_nobody(role, channel):
    segment = SegmentSpec("s", "es", role, exposed=("name",), blocks=tuple(words.table("es/words.toml")["kinds"]))
    wording = render(segment, channel, sheet(known(), PROFILE_ES), mode=Mode.LIVE)
    text = f" {wording.text.replace(MARK, '')} ".casefold()
    assert [word for word in (*GENDERED, *FAMILIAR) if word in text] == []


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({}, "Todavía no sabemos cuándo ocurrió."),
        ({"occurred_from": "2026-03-02"}, "Ocurrió desde el 2 de marzo de 2026."),
        ({"occurred_until": "2026-03-05"}, "Ocurrió como máximo hasta el 5 de marzo de 2026."),
        ({"occurred_from": "2026-03-02", "occurred_until": "2026-03-02"}, "Ocurrió el 2 de marzo de 2026."),
        (TIMES, "Ocurrió entre el 2 de marzo de 2026 y el 5 de marzo de 2026."),
        (TIMES, "Lo descubrimos el 9 de marzo de 2026."),
    ],
)
def test_dates_are_said_as_people_say_them(times, said):
    segment = SegmentSpec("s", "es", Role.SELF, exposed=("name",), blocks=("contact",))
    text = render(segment, Channel.EMAIL, sheet(known(times=times), PROFILE_ES), mode=Mode.LIVE).text
    assert said in text


@pytest.mark.parametrize(
    ("total", "said"),
    [(1, "personas afectadas: 1."), (12040, "personas afectadas: 12.040."), ({"min": 90}, "aproximadamente 90.")],
)
def test_a_number_of_people_reads_well_whatever_it_is(total, said):
    segment = SegmentSpec("s", "es", Role.SELF, exposed=("name",), blocks=("contact",))
    facts = sheet(known(people_detail={"total": total}), PROFILE_ES)
    assert said in render(segment, Channel.PUBLIC, facts, mode=Mode.LIVE).text


def test_questions_exclamations_and_quotation_marks_open_as_they_close():
    folders = [files("templates").joinpath("es", name) for name in ("notice", "parts", "blocks", "supplements")]
    texts = [source(f"{folder.name}/{entry.name}") for folder in folders for entry in folder.iterdir()]
    for text in (re.sub(r"\{[%{#].*?[#}%]\}", "", text) for text in texts):
        for left, right in ("¿?", "¡!", "«»", "()"):
            assert text.count(left) == text.count(right), text


def test_letters_and_reports_say_their_few_words_in_spanish():
    table = tomllib.loads(files("templates").joinpath("frame", "letter.toml").read_text("utf-8"))
    assert table["es"].keys() == table["en"].keys()
    assert frame_words("es")["page"] == "Página {n} de {m}"
