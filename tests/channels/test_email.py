"""Email: what each answer in each phase comes to, over real sockets; headers that can't be broken."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import replace
from email import message_from_bytes, message_from_string
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path
from typing import Any

import pytest

from models.values import BadInput, Channel, Contacts, Handoff, Message, Mode, Outcome, Refused, Slot
from notifiers.email import marks
from notifiers.email.carrier import EmailCarrier, Timeouts
from notifiers.email.codes import Phase, verdict
from notifiers.email.mime import Sender, Unmailable, build
from notifiers.email.route import route
from notifiers.fake.smtp import EXTENSIONS, SmtpSink, decoded
from notifiers.fake.standin import CANARY

SECRET = b"k" * 32
NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
SENDER = Sender(Address("Example Health", "privacy", "example.org"), None, "b.example.org", SECRET)
NAUGHTY = Path(__file__).parents[3] / "shared/corpora/text/naughty_strings.json"


def message(address: str, **changes: Any) -> Message:
    made = Message(
        delivery="d1",
        notice="n1",
        channel=Channel.EMAIL,
        language="en",
        to=Contacts(email=address),
        slots={Slot.NAME: "Anna Sample"},
        subject="A notice about your data",
        text="Dear reader,\n.\n..two dots\nthe end",
        html="<p>Dear reader</p>",
    )
    return replace(made, **changes)


def carrier(url: str, **options: Any) -> EmailCarrier:
    options = {"timeouts": Timeouts(connect=5, command=5, dot=0.5, host_backoff=0.05), **options}
    return EmailCarrier(url, SENDER.address, None, "b.example.org", SECRET, Mode.EXERCISE, **options)


def play(sink: SmtpSink, *messages: Message, **options: Any) -> list[Handoff]:
    """Send one after the other, waiting out the host's rest in between."""

    async def run() -> list[Handoff]:
        async with sink:
            sender = carrier(sink.url, **options)
            found = []
            for m in messages:
                found.append(await sender.send(m))
                await asyncio.sleep(0.06 if found[-1].host_wide else 0)
            await sender.close()
            return found

    return asyncio.run(run())


# --- answers over the wire ------------------------------------------------------------------------------------------

ONCE = [
    # mark, first outcome, code, second outcome, copies at the relay
    ("", "accepted", "250 2.0.0", "accepted", 2),
    ("hardbounce", "refused", "550 5.1.1", "refused", 0),
    ("disabled", "refused", "550 5.2.1", "refused", 0),
    ("policy", "blocked", "550 5.7.1", "blocked", 0),
    ("content", "blocked", "554 5.7.1", "blocked", 0),
    ("full", "deferred", "452 4.2.2", "deferred", 0),
    ("softbounce", "deferred", "452 4.2.2", "accepted", 1),
    ("greylist", "deferred", "451 4.7.1", "accepted", 1),
    ("busy", "deferred", "421 4.3.2", "accepted", 1),
    ("hangup", "deferred", "connection_lost", "accepted", 1),  # before the dot: nothing can have been taken
    ("drop", "unknown", "connection_lost", "accepted", 2),  # after the dot: it was taken, and we can't know
    ("silent", "unknown", "timeout", "accepted", 2),
]


@pytest.mark.parametrize(("mark", "first", "code", "second", "copies"), ONCE)
def test_each_ending_of_a_transaction_is_told_apart(mark: str, first: str, code: str, second: str, copies: int) -> None:
    sink = SmtpSink()
    m = message(f"anna+{mark}@example.org" if mark else "anna@example.org")
    found = play(sink, m, replace(m, attempt=2))
    assert [h.outcome for h in found] == [first, second]
    assert found[0].code == code
    assert [e["copy"] for e in sink.accepted] == list(range(1, copies + 1)), "the Message-ID stays over attempts"


def test_a_mailbox_can_stay_full() -> None:
    sink = SmtpSink(soft_times=0)
    found = play(sink, *[message("anna+softbounce@example.org")] * 3)
    assert {h.outcome for h in found} == {Outcome.DEFERRED} and sink.accepted == []


def test_a_line_cut_in_the_middle_of_a_big_body_is_safe_to_repeat() -> None:
    sink = SmtpSink()
    m = message("anna+cutbody@example.org", text="a line of words\n" * 300_000, html="")
    patient = Timeouts(connect=5, command=5, dot=20, host_backoff=0.05)
    found = play(sink, m, replace(m, attempt=2), timeouts=patient)
    assert [h.outcome for h in found] == [Outcome.DEFERRED, Outcome.ACCEPTED]
    assert len(sink.accepted) == 1


def test_a_421_rests_the_host_without_the_network_and_without_burning_the_person() -> None:
    sink = SmtpSink()

    async def run() -> list[Handoff]:
        async with sink:
            sender = carrier(sink.url, timeouts=Timeouts(host_backoff=30))
            found = [await sender.send(message("a+busy@example.org")), await sender.send(message("b@example.org"))]
            await sender.close()
            return found

    busy, resting = asyncio.run(run())
    assert (busy.code, busy.host_wide, busy.retry_after) == ("421 4.3.2", True, 30)
    assert (resting.outcome, resting.code, resting.host_wide) == (Outcome.DEFERRED, "host_backoff", True)
    assert resting.retry_after is not None and 0 < resting.retry_after <= 30
    assert sink.connections == 1 and sink.accepted == []


def test_connections_are_kept_and_renewed_after_their_number_of_mails() -> None:
    sink = SmtpSink()
    play(sink, *[message(f"p{n}@example.org") for n in range(10)], messages_per_connection=4)
    assert (len(sink.accepted), sink.connections) == (10, 3)


def test_a_refusal_does_not_cost_the_connection() -> None:
    sink = SmtpSink()
    found = play(sink, message("a+hardbounce@example.org"), message("b@example.org"))
    assert [h.outcome for h in found] == [Outcome.REFUSED, Outcome.ACCEPTED]
    assert sink.connections == 1


def test_an_idle_line_that_the_server_closed_is_opened_again_without_a_word() -> None:
    sink = SmtpSink()

    async def run() -> Handoff:
        async with sink:
            sender = carrier(sink.url)
            await sender.send(message("a@example.org"))
            for client in list(sink._clients):
                client.cancel()
            await asyncio.sleep(0.05)
            found = await sender.send(message("b@example.org"))
            await sender.close()
            return found

    assert asyncio.run(run()).outcome is Outcome.ACCEPTED
    assert sink.connections == 2


def test_bounces_carry_the_id_where_the_server_offers_dsn_and_the_envelope_always_does() -> None:
    for extensions, envid in ((EXTENSIONS, True), (("8BITMIME",), False)):
        sink = SmtpSink(extensions=extensions)
        m = message("anna@example.org")
        play(sink, m)
        entry = sink.accepted[0]
        assert entry["from"] == marks.return_path(marks.token(m.delivery, SECRET), "b.example.org")
        assert bool(entry["envid"]) is envid
        assert entry["delivery"] == m.delivery


@pytest.mark.parametrize(
    ("extensions", "outcome", "code"),
    [(EXTENSIONS, "accepted", "250 2.0.0"), (("8BITMIME", "DSN"), "refused", "smtputf8_not_offered")],
)
def test_an_address_in_another_script_needs_smtputf8(extensions: tuple[str, ...], outcome: str, code: str) -> None:
    sink = SmtpSink(extensions=extensions)
    (found,) = play(sink, message("安娜@example.org"))
    assert (found.outcome, found.code) == (outcome, code)
    assert len(sink.accepted) == (outcome == "accepted")


def test_what_arrives_is_what_was_meant_down_to_the_dots() -> None:
    kept: list[bytes] = []

    class Keeping(SmtpSink):
        def _keep(self, session: Any, content: bytes) -> None:
            kept.append(content)
            super()._keep(session, content)

    m = message("anna@example.org", slots={Slot.NAME: "Zoë Müller-Ωmega, née O'Neil"}, subject="Über Ihre Daten 数据")
    play(Keeping(), m)
    mail = message_from_bytes(kept[0], policy=default)
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == m.text.splitlines()
    assert mail["to"].addresses[0].display_name == m.slots[Slot.NAME]
    assert mail["to"].addresses[0].addr_spec == "anna@example.org"
    assert mail["subject"] == m.subject
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["message-id"] == marks.message_id(m.notice, marks.token(m.delivery, SECRET), "example.org")
    assert mail["list-unsubscribe"] is None, "nobody can opt out of a notice that law owes them"
    assert kept[0].isascii() and max(map(len, kept[0].split(b"\r\n"))) <= 998


# --- TLS and credentials --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for 127.0.0.1, and a server context with it."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay.invalid")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = made.public_bytes(serialization.Encoding.PEM)
    raw = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(pem)
    (folder / "both.pem").write_bytes(raw + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return folder / "cert.pem", context


@pytest.mark.parametrize(
    ("trusted", "given", "outcome", "code"),
    [
        (True, ("mailer", "right"), "accepted", "250 2.0.0"),
        (True, ("mailer", "wrong"), "blocked", "535 5.7.8"),
        (True, None, "blocked", "530 5.7.0"),
        (False, ("mailer", "right"), "blocked", "tls_failed"),
    ],
)
def test_starttls_is_used_when_offered_and_checked_and_credentials_go_over_it(
    certificate: tuple[Path, ssl.SSLContext], trusted: bool, given: tuple[str, str] | None, outcome: str, code: str
) -> None:
    sink = SmtpSink(tls=certificate[1], credentials=("mailer", "right"))

    async def run() -> Handoff:
        async with sink:
            who = f"{given[0]}:{given[1]}@" if given else ""
            query = f"?ca={certificate[0]}" if trusted else ""
            sender = carrier(f"smtp://{who}127.0.0.1:{sink.port}{query}")
            found = await sender.send(message("anna@example.org"))
            await sender.close()
            return found

    found = asyncio.run(run())
    assert (found.outcome, found.code) == (outcome, code)
    assert found.host_wide is (outcome == "blocked")


@pytest.mark.parametrize(
    ("url", "mode", "expected"),
    [
        ("smtp://127.0.0.1", Mode.EXERCISE, {"port": 25, "require_tls": False, "allow_tls": True}),
        ("smtp://relay.example.org:587", Mode.LIVE, {"port": 587, "require_tls": True, "allow_tls": True}),
        ("smtp://relay.example.org?tls=off", Mode.LIVE, {"require_tls": False, "allow_tls": False}),
        ("smtps://u:p%40ss@relay.example.org", Mode.LIVE, {"port": 465, "implicit_tls": True, "password": "p@ss"}),
    ],
)
def test_a_url_says_how_the_line_is_protected(url: str, mode: Mode, expected: Mapping[str, object]) -> None:
    found = route(url, mode)
    assert {k: getattr(found, k) for k in expected} == dict(expected)


@pytest.mark.parametrize(
    ("url", "mode", "error"),
    [
        ("relay.example.org", Mode.LIVE, BadInput),
        ("http://relay.example.org", Mode.LIVE, BadInput),
        ("smtp://relay.example.org:99999", Mode.LIVE, BadInput),
        ("smtp://relay.example.org?tls=maybe", Mode.LIVE, BadInput),
        ("smtp://relay.example.org?verify=no", Mode.LIVE, BadInput),
        ("smtp://u:s3cret@relay.example.org?tls=off", Mode.LIVE, BadInput),
        ("smtp://u:s3cret@relay.example.org", Mode.EXERCISE, Refused),
    ],
)
def test_a_wrong_url_is_refused_and_its_password_not_repeated(url: str, mode: Mode, error: type[Exception]) -> None:
    with pytest.raises(error, match="TOCSIN_SMTP_URL") as caught:
        route(url, mode)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("domain", "secret", "named"),
    [
        ("", SECRET, "TOCSIN_BOUNCE_DOMAIN"),
        ("b.example.org\r\nX: y", SECRET, "TOCSIN_BOUNCE_DOMAIN"),
        ("b.example.org> SIZE=1", SECRET, "TOCSIN_BOUNCE_DOMAIN"),
        ("b.example.org", b"", "bounce secret"),
    ],
)
def test_a_wrong_setting_is_named_before_anybody_is_written_to(domain: str, secret: bytes, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        EmailCarrier("smtp://127.0.0.1", SENDER.address, None, domain, secret, Mode.EXERCISE)


# --- the table of answers -------------------------------------------------------------------------------------------

ANSWERS = [
    (Phase.CONNECT, 554, "5.7.1 no service for you", "blocked"),
    (Phase.CONNECT, 421, "4.3.2 busy", "deferred"),
    (Phase.AUTH, 535, "5.7.8 bad credentials", "blocked"),
    (Phase.AUTH, 454, "4.7.0 try later", "deferred"),
    (Phase.MAIL, 550, "5.1.8 your domain is unknown", "blocked"),
    (Phase.MAIL, 451, "4.3.0 local trouble", "deferred"),
    (Phase.MAIL, 501, "bad sender", "blocked"),
    (Phase.MAIL, 452, "4.3.1 no room", "deferred"),
    (Phase.RCPT, 250, "ok", "accepted"),
    (Phase.RCPT, 501, "bad address syntax", "refused"),
    (Phase.DOT, 552, "5.3.4 too big", "refused"),
    (Phase.RCPT, 552, "5.2.3 message length exceeds limit", "refused"),
    (Phase.RCPT, 550, "5.1.1 user unknown", "refused"),
    (Phase.RCPT, 550, "5.1.10 null MX", "refused"),
    (Phase.RCPT, 550, "no such user", "refused"),
    (Phase.RCPT, 553, "5.1.3 bad syntax", "refused"),
    (Phase.RCPT, 550, "5.2.1 disabled", "refused"),
    (Phase.RCPT, 552, "5.2.2 mailbox full", "deferred"),
    (Phase.RCPT, 552, "storage", "deferred"),
    (Phase.RCPT, 452, "4.2.2 mailbox full", "deferred"),
    (Phase.RCPT, 450, "4.7.1 greylisted", "deferred"),
    (Phase.RCPT, 550, "5.7.1 relaying denied", "blocked"),
    (Phase.RCPT, 550, "rejected: listed at zen.spamhaus.example", "blocked"),
    (Phase.RCPT, 421, "shutting down", "deferred"),
    (Phase.RCPT, 530, "5.7.0 authentication required", "blocked"),
    (Phase.RCPT, 551, "user not local", "refused"),
    (Phase.DATA, 503, "5.5.1 RCPT first", "blocked"),
    (Phase.DOT, 451, "4.3.0 later", "deferred"),
    (Phase.DOT, 421, "closing", "deferred"),
    (Phase.DOT, 550, "5.7.26 unauthenticated mail", "blocked"),
    (Phase.DOT, 554, "refused", "blocked"),
    (Phase.DOT, 550, "5.1.1 user unknown", "refused"),
]


@pytest.mark.parametrize(("phase", "code", "text", "outcome"), ANSWERS)
def test_an_answer_means_the_same_every_time(phase: Phase, code: int, text: str, outcome: str) -> None:
    assert verdict(phase, code, text).outcome == outcome


# --- headers --------------------------------------------------------------------------------------------------------

BREAKS = ["\r\n", "\n", "\r", "\0", "\x0b", "\x0c", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("sign", BREAKS)
@pytest.mark.parametrize("field", ["name", "addressee", "subject", "email", "language"])
def test_a_control_character_in_a_header_is_refused_before_any_network(sign: str, field: str) -> None:
    evil = f"Anna{sign}Bcc: everyone@example.org"
    changes: dict[str, dict[str, Any]] = {
        "name": {"slots": {Slot.NAME: evil}},
        "addressee": {"slots": {Slot.ADDRESSEE: evil}},
        "subject": {"subject": evil},
        "email": {"to": Contacts(email=f"anna{sign}@example.org")},
        "language": {"language": f"en{sign}x"},
    }
    sink = SmtpSink()
    (found,) = play(sink, message("anna@example.org", **changes[field]))
    assert (found.outcome, found.code) == (Outcome.REFUSED, "unsafe_header")
    assert sink.connections == 0


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("", "bad_address"),
        ("anna", "bad_address"),
        ("@example.org", "bad_address"),
        ("anna@", "bad_address"),
        ("anna@example.org,eve@example.org", "bad_address"),
        ("<anna@example.org>", "bad_address"),
        ("anna@example.org> SIZE=1", "bad_address"),
        ("anna@straße.example", "ambiguous_domain"),
    ],
)
def test_an_address_that_is_not_one_is_refused(email: str, code: str) -> None:
    with pytest.raises(Unmailable) as caught:
        build(message(email), SENDER, NOW)
    assert caught.value.code == code


def test_a_domain_in_another_script_is_written_in_ascii() -> None:
    assert build(message("anna@例子.example"), SENDER, NOW).recipient == "anna@xn--fsqu00a.example"


@pytest.mark.skipif(not NAUGHTY.exists(), reason="the corpus of naughty strings is not here")
@pytest.mark.parametrize("field", ["name", "subject", "email"])
def test_no_naughty_string_adds_a_header_a_recipient_or_a_part(field: str) -> None:
    strings = json.loads(NAUGHTY.read_text())
    clean = message_from_bytes(build(message("anna@example.org"), SENDER, NOW).content, policy=default)
    refused = 0
    for text in strings:
        m = {
            "name": message("anna@example.org", slots={Slot.NAME: text}),
            "subject": message("anna@example.org", subject=text),
            "email": message(f"{text}@example.org"),
        }[field]
        try:
            mail = build(m, SENDER, NOW)
        except Unmailable:
            refused += 1
            continue
        seen = message_from_string(mail.content.decode(), policy=default)
        assert [k.lower() for k in seen] == [k.lower() for k in clean], ascii(text)
        assert [a.addr_spec for a in seen["to"].addresses] == [mail.recipient], ascii(text)
        assert len(list(seen.walk())) == 3, ascii(text)
    print(f"{field}: {len(strings)} strings, {refused} refused")
    assert refused < len(strings) * (0.8 if field == "email" else 0.1)


NAMES = [
    "Anna",
    "Anna Sample",
    "O'Neil, Anna",
    'Anna "Ann" Sample',
    "Anna \\ Sample",
    "Anna (Sample)",
    "anna@example.net",
    "<anna@example.net>",
    "a, b@example.net",
    "=?utf-8?q?Bcc=3A?=",
    "Zoë Müller-Ωmega",
    "数据" * 40,
    "Anna " * 30 + "x",
    "x" * 300,
    "😀👨‍👩‍👧‍👦" * 10,
    "\u202eanna",
    "two  blanks",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_any_name_and_subject_is_read_back_by_the_standard_library(name: str) -> None:
    m = message("anna@example.org", slots={Slot.NAME: name}, subject=name)
    content = build(m, SENDER, NOW).content
    seen = message_from_bytes(content, policy=default)
    (to,) = seen["to"].addresses
    assert to.addr_spec == "anna@example.org"
    phrase = message_from_bytes(content)["to"].rpartition("<")[0].strip()
    bare = re.sub(r"\\(.)", r"\1", phrase[1:-1]) if phrase.startswith('"') else phrase
    assert str(make_header(decode_header(bare))) == name  # the new parser puts blanks between encoded words
    assert seen["subject"] == name
    assert not seen.defects and not seen["to"].defects and not seen["subject"].defects
    assert max(map(len, content.split(b"\r\n"))) <= 100


TEXTS = [
    "short",
    "ends in a line break\n",
    "a\r\nb\rc\nd",
    "trailing blanks  \nand tabs\t\n",
    ".\n..\n.x\nFrom the beginning",
    "=3D is not an equals sign = here\n--=_boundary\n",
    "été à la plage, " * 40,
    "数据泄露通知。" * 60 + "\n",
    "x" * 3000,
    "ü" + "x" * 3000,
    "mixed 数 in a long English sentence that goes on and on\n" * 50,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("html", ["", "<p>数据 &amp; mehr</p>\n"])
def test_any_text_is_read_back_by_the_standard_library_as_from_its_own_mail(text: str, html: str) -> None:
    content = build(message("anna@example.org", text=text, html=html), SENDER, NOW).content
    reference = EmailMessage(policy=SMTP)
    reference.set_content(text)
    if html:
        reference.add_alternative(html, subtype="html")
    seen = message_from_bytes(content, policy=default)
    wanted = message_from_bytes(reference.as_bytes(), policy=default)
    assert [p.get_content_type() for p in seen.walk()] == [p.get_content_type() for p in wanted.walk()]
    for ours, theirs in zip(seen.walk(), wanted.walk(), strict=True):
        assert not ours.defects
        if not ours.is_multipart():
            assert ours.get_content().splitlines() == theirs.get_content().splitlines()
    assert content.isascii() and max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"") and b"\r" not in content.replace(b"\r\n", b"")


def test_canaries_are_found_in_encoded_mail() -> None:
    m = message("anna@example.org", slots={Slot.NAME: "Ünna canary-77aa"}, text="数据 CNRY-0a1b2c3d")
    shown = decoded(build(m, SENDER, NOW).content)
    assert CANARY.findall(shown) == ["canary-77aa", "CNRY-0a1b2c3d"]
