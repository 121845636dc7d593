"""Notices that somebody wrote to pass the linter without telling anybody anything, and good ones that it must pass."""

from __future__ import annotations

from functools import cache

import pytest

from models.facts import Facts, parse_facts
from models.values import Channel, Element, Role, Severity
from planning.claims import against_facts, claims
from planning.demands import Demand, Prohibition, Task
from planning.lint import Cues, lint
from planning.presence import look
from planning.reading import html_lines, lines_of, sections
from planning.type_size import smallest
from templates.render import cues


@cache
def lens(language: str) -> Cues:
    return Cues.of(cues(language))


def found(text: str, task: Task, language: str = "en", severity: Severity = Severity.ERROR) -> set[str]:
    return {f.element for f in lint({"text": text}, task, lens(language), language) if f.severity is severity}


def state(text: str, element: Element, language: str = "en") -> str:
    parts = sections(lines_of(text), lens(language).headings)
    return look(element, parts, Task(channel=Channel.EMAIL), lens(language), language).state


# --- what nobody sees -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hide",
    [
        "hidden",
        'style="display: none"',
        'style="visibility:hidden"',
        'style="opacity:0"',
        'style="opacity: 0.0"',
        'style="position:absolute;left:-9999px"',
        'style="text-indent:-5000px"',
        'style="max-height:0;overflow:hidden"',
        'style="height:0;overflow:hidden"',
        'style="font-size:0"',
        'style="font-size:0.1pt"',
        'style="color:#FFF"',
        'style="color:rgb(255, 255, 255);background:#ffffff"',
        'style="color:transparent"',
        'style="color:#123456;background-color:#123456"',
        'class="gone"',
    ],
)
def test_what_a_page_hides_does_not_count(hide: str) -> None:
    page = (
        f"<html><head><style>.gone {{ display:none }}</style></head><body><p>Seen</p><div {hide}><h2>What?</h2>"
        "<p>Never</p></div><p>Seen too</p></body></html>"
    )
    assert [line.text for line in html_lines(page)] == ["Seen", "Seen too"]


@pytest.mark.parametrize(
    "page",
    [
        '<p style="opacity:0.9">Seen</p>',
        '<p style="max-height:0.5em">Seen</p>',
        '<table><tr><td style="font-size:0"><div style="font-size:14px">Seen</div></td></tr></table>',
        '<div style="background:#003366"><a style="color:#fff">Seen</a></div>',
        '<td bgcolor="#003366" style="color:white">Seen</td>',
        '<div style="background:url(x.png)"><p style="color:white">Seen</p></div>',
        "<p hidden>No<p>Seen",
        "<html><head><title>x</title><body><p>Seen</p>",
        '<p style="line-height:0;margin-left:-10px">Seen</p>',
    ],
)
def test_what_a_page_shows_counts(page: str) -> None:
    assert [line.text for line in html_lines(page)] == ["Seen"]


def test_type_that_is_hidden_is_not_the_smallest() -> None:
    small = smallest('<p style="font-size:4pt;opacity:0">x</p><p style="font-size:11pt">Read me</p>')
    assert small is not None
    assert (small.points, small.text) == (11, "Read me")


@pytest.mark.parametrize("sign", ["\u202a", "\u202d", "\u202e"])
def test_a_sign_that_turns_the_reading_round_is_found(sign: str) -> None:
    task = Task(channel=Channel.EMAIL)
    assert "direction" in found(f"Call {sign}0010-555-202 1+", task)
    assert "direction" in found(f"<p>Call &#{ord(sign)};0010-555-202 1+</p>", task)
    assert "direction" not in found("Call \u2066+1 202-555-0100\u2069 or \u200e+1 202-555-0101", task)


# --- links in text messages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Read acme-help.health/x now.", True),
        ("Read acme.care now.", True),
        ("Read acme.fr/x now.", True),
        ("Read acme.xn--p1ai now.", True),
        ("请看acme.health/x。", True),
        ("Write to help@acme.health or help.team@mail.acme.health.", False),
        ("Call 202.555.0100 at 9 a.m. Acme Inc. will answer, e.g. on Monday.", False),
    ],
)
def test_a_link_is_one_whatever_its_top_level_domain(text: str, wrong: bool) -> None:
    for exposed in ({"email"}, {"ssn"}):
        task = Task(channel=Channel.SMS, exposed=frozenset(exposed), site="https://acme.com")
        assert ("link" in found(text, task)) is wrong, exposed


# --- prohibited -----------------------------------------------------------------------------------------------------

NATURE = [
    ("en", "A former employee downloaded your file."),
    ("en", "Somebody exfiltrated the database."),
    ("en", "They broke into our office."),
    ("en", "It began through a phishing email."),
    ("en", "The file was on a USB stick."),
    ("en", "He stole it."),
    ("en", "Your file was sold on the dark web."),
    ("en", "An employee emailed a list to the wrong company."),
    ("es", "Un antiguo empleado descargó el archivo."),
    ("es", "El archivo estaba en una memoria USB."),
    ("fr", "Un ancien salarié a téléchargé le fichier."),
    ("fr", "Le fichier se trouvait sur une clé USB."),
    ("de", "Ein ehemaliger Mitarbeiter hat die Datei heruntergeladen."),
    ("de", "Die Datei lag auf einem USB-Stick."),
    ("zh-Hans", "一名离职员工下载了文件。"),
    ("zh-Hans", "文件存放在U盘里。"),
]
NUMBER = [
    ("en", "It concerns 312 affected individuals."),
    ("en", "A total of 1,204 Illinois consumers."),
    ("en", "There are three hundred residents."),
    ("en", "Dozens of people are concerned."),
    ("es", "Son trescientos residentes."),
    ("fr", "Il s’agit de trois cents personnes."),
    ("de", "Es sind dreihundert betroffene Personen."),
    ("zh-Hans", "涉及三百名居民。"),
]


@pytest.mark.parametrize(
    ("language", "text", "word"),
    [*((*row, "nature_of_breach") for row in NATURE), *((*row, "number_of_residents") for row in NUMBER)],
)
def test_what_a_law_forbids_is_found_in_other_words_too(language: str, text: str, word: str) -> None:
    task = Task(channel=Channel.LETTER, prohibited=(Prohibition("us-ma", "c", word),))
    assert word in found(text, task, language)


@pytest.mark.parametrize(
    "text",
    [
        "We offer identity monitoring with dark web monitoring for 18 months.",
        "Be careful with phishing messages and with callers.",
        "Call 1-888-298-0045 to speak to people of the bureau.",
        "The three nationwide credit bureaus are named below.",
        "Within 24 hours of a request the bureau must lift the freeze.",
    ],
)
def test_what_a_law_does_not_forbid_passes(text: str) -> None:
    bans = tuple(Prohibition("us-ma", "c", word) for word in ("nature_of_breach", "number_of_residents"))
    assert found(text, Task(channel=Channel.LETTER, prohibited=bans)) == set()


# --- the living as dead ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Please accept our condolences."),
        ("en", "We write about your late mother."),
        ("en", "After his passing we kept the file."),
        ("en", "Your husband passed away."),
        ("en", "The deceased had an account with us."),
        ("es", "Reciba nuestras condolencias."),
        ("fr", "Nous vous présentons nos condoléances."),
        ("de", "Unser aufrichtiges Beileid."),
        ("zh-Hans", "请节哀。"),
    ],
)
def test_nobody_who_lives_is_written_to_as_dead(language: str, text: str) -> None:
    assert "address_form" in found(text, Task(channel=Channel.EMAIL), language)
    assert "address_form" not in found(text, Task(channel=Channel.EMAIL, role=Role.NEXT_OF_KIN), language)


def test_a_late_payment_is_nobodys_death() -> None:
    assert "address_form" not in found("Your late payment costs nothing.", Task(channel=Channel.EMAIL))


# --- answers that say nothing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "text", "language"),
    [
        (Element.MEASURES, "What are we doing?\n\nNone so far.", "en"),
        (Element.MEASURES, "What are we doing?\n\nNothing at all; we have not done anything.", "en"),
        (Element.LIKELY_CONSEQUENCES, "Likely consequences\n\nThere are none. Nothing could be misused.", "en"),
        (Element.SELF_PROTECTION, "What can you do?\n\nYou cannot do anything.", "en"),
        (Element.CONTACT, "Contact\n\nPlease do not contact or call us at +49 30 1234567.", "en"),
        (Element.REMEDY, "Our offer\n\nWe do not offer compensation.", "en"),
        (Element.MONITORING_OFFER, "We do not offer identity theft protection for 12 months.", "en"),
        (Element.WHAT_HAPPENED, "What happened?\n\nOn 2 March we noticed something. We cannot tell you what.", "en"),
        (Element.MEASURES, "Getroffene Maßnahmen\n\nBisher keine.", "de"),
        (Element.REMEDY, "我们不提供赔偿。", "zh-Hans"),
        (Element.REMEDY, "No le ofrecemos nada.", "es"),
        (Element.REMEDY, "Nous ne vous proposons rien.", "fr"),
    ],
)
def test_an_answer_that_says_nothing_is_none(element: Element, text: str, language: str) -> None:
    assert state(text, element, language) != "there"


def test_a_bureaus_telephone_and_address_are_held_against_the_table() -> None:
    task = Task(channel=Channel.LETTER, required=(Demand("us-ma", "c", Element.CREDIT_BUREAUS),))
    rows = {row["id"]: f"{row['name']}: {row['phone']}, {row['address']}" for row in cues("en")["bureaus"]}
    assert found("\n\n".join(rows.values()), task, severity=Severity.WARNING) == set()
    rows["equifax"] = rows["equifax"].replace("298-0045", "298-0046")
    rows["experian"] = rows["experian"].replace("Box 9554", "Box 2")
    wrong = found("\n\n".join(rows.values()), task, severity=Severity.WARNING)
    assert wrong == {"credit_bureaus:equifax", "credit_bureaus:experian"}


# --- good ones ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "text"),
    [
        (Element.DATE_OF_BREACH, "On February 20, 2026, an employee emailed a spreadsheet to the wrong company."),
        (Element.DATE_OF_BREACH, "On 20 February 2026 a thief copied the files."),
        (
            Element.MEASURES,
            "What We Are Doing\n\nThey have erased the file. We pay twelve months of credit monitoring.",
        ),
    ],
)
def test_what_a_good_notice_says_is_found(element: Element, text: str) -> None:
    assert state(text, element) == "there"


@pytest.mark.parametrize(
    "text",
    ["On March 9, 2026, we discovered it.", "On March 20, 2026, we sent you this notice."],
)
def test_another_day_is_not_the_day_of_the_breach(text: str) -> None:
    assert state(text, Element.DATE_OF_BREACH) == "missing"


@pytest.mark.parametrize(
    ("language", "text", "enough"),
    [
        ("en", "We pay for twelve months of credit monitoring.", True),
        ("en", "We pay for one year of credit monitoring.", True),
        ("en", "We pay for two years of credit monitoring.", True),
        ("en", "We pay for six weeks of credit monitoring.", False),
        ("de", "Wir übernehmen zwölf Monate Identitätsschutz.", True),
        ("zh-Hans", "我们提供十二个月的信用监控。", True),
    ],
)
def test_months_count_in_words_too(language: str, text: str, enough: bool) -> None:
    task = Task(channel=Channel.EMAIL, monitoring=(("us-ca", "c", 12),))
    assert (Element.MONITORING_OFFER not in found(text, task, language)) is enough


# --- denials --------------------------------------------------------------------------------------------------------

FACTS: Facts = parse_facts(
    {
        "id": "x",
        "title": "X",
        "organisation": {"name": "Example Orchard", "timezone": "UTC"},
        "data": {"elements": ["name", "ssn", "iban"]},
    },
    "x.toml",
)


@pytest.mark.parametrize(
    ("language", "text", "false"),
    [
        ("en", "Your Social Security number remained safe.", True),
        ("en", "Your Social Security number was safe at all times.", True),
        ("en", "Your Social Security number was not among the data.", True),
        ("en", "They did not get your Social Security number.", True),
        ("en", "No one saw your IBAN.", True),
        ("en", "Only names were taken.", True),
        ("en", "The incident was limited to your name.", True),
        ("en", "Only your name, your Social Security number and your IBAN were copied.", False),
        ("en", "Not only your name was copied.", False),
        ("en", "So that your IBAN stays safe, tell nobody.", False),
        ("en", "To remain safe, ask for a freeze of your Social Security number.", False),
        ("en", "Choose a password that is secure.", False),
        ("es", "Su IBAN está a salvo.", True),
        ("es", "Sólo se copiaron los nombres.", True),
        ("fr", "Votre IBAN reste en sécurité.", True),
        ("fr", "Ils n’ont pas obtenu votre IBAN.", True),
        ("de", "Ihre IBAN blieb sicher.", True),
        ("de", "Nur die Namen wurden kopiert.", True),
        ("de", "Wir sind nicht sicher, ob Ihre IBAN kopiert wurde.", False),
        ("zh-Hans", "您的社会安全号码仍然安全。", True),
    ],
)
def test_a_false_denial_is_known_in_other_words_too(language: str, text: str, false: bool) -> None:
    said = claims(text, lens(language), language)
    assert bool(against_facts(said, FACTS, "notice")) is false
