"""Doctor's look at a sending domain, asked of a DNS server of our own on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from console.cli.doctor_mail import mail_domain
from console.cli.found import Found
from flows.steps.dkim_key import published
from models.settings import read_settings
from notifiers.fake.smtp import SmtpSink

GOOD = {
    ("bounce.example.org", "TXT"): ['"v=spf1 ip4:192.0.2.1 -all"', '"something else"'],
    ("bounce.example.org", "MX"): ["10 mx.example.org."],
    ("s1._domainkey.example.org", "TXT"): ['"v=DKIM1; p=OURS"'],
    ("_dmarc.example.org", "TXT"): ['"v=DMARC1; p=reject"'],
}
Zone = Mapping[tuple[str, str], list[str]]


class Server:
    """Answers from a table; NXDOMAIN for what is not in it."""

    def __init__(self) -> None:
        self.zone: Zone = {}
        self.asked: list[str] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
            except OSError:
                return
            self.socket.sendto(self._answer(dns.message.from_wire(query)).to_wire(), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer, question = dns.message.make_response(query), query.question[0]
        name, kind = question.name.to_text().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(name)
        records = self.zone.get((name, kind))
        if records is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
        return answer


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.socket.close()


@pytest.fixture(scope="module")
def key() -> bytes:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def look(server: Server, folder: Path, key: bytes, zone: Zone, **more: str) -> dict[str, Found]:
    (folder / "dkim.pem").write_bytes(key)
    (folder / "dkim.pem").chmod(0o600)
    (folder / "organisation.toml").write_text(
        '[organisation]\nname = "Ex"\n[sender]\nemail = "notice@example.org"\n', encoding="utf-8"
    )
    environ = {
        "TOCSIN_MODE": "exercise",
        "TOCSIN_HOME": str(folder),
        "TOCSIN_SMTP_URL": "smtp://127.0.0.1:1?tls=off",
        "TOCSIN_BOUNCE_DOMAIN": "bounce.example.org",
        "TOCSIN_DKIM_KEY_FILE": str(folder / "dkim.pem"),
        "TOCSIN_DKIM_SELECTOR": "s1",
        "TOCSIN_RESOLVER": f"127.0.0.1:{server.port}",
    }
    settings = read_settings({k: v for k, v in (environ | more).items() if v})
    own = published(settings) if settings.dkim_key_file else ""
    halves = f'"{own[:200]}" "{own[200:]}"'  # a record of more than 255 octets comes in pieces
    server.zone = {k: [r.replace('OURS"', f'" {halves}') for r in records] for k, records in zone.items()}
    return {found.what: found for found in mail_domain(settings)}


def test_a_domain_in_order_has_only_the_relay_to_mend(server: Server, tmp_path: Path, key: bytes) -> None:
    found = look(server, tmp_path, key, GOOD)
    states = {what: one.state for what, one in found.items()}
    assert states == {"SPF": "ok", "bounces": "ok", "DKIM": "ok", "DMARC": "ok", "alignment": "ok", "relay": "mend"}
    assert found["alignment"].says == "return path and DKIM with example.org"
    assert found["relay"].says == "does not answer: ConnectionRefusedError"


SPF, MX, DKIM, DMARC = GOOD
WRONG = [
    # record, what it holds instead, settings, what is looked at, state, words
    (SPF, None, {}, "SPF", "mend", "has no SPF record"),
    (SPF, ['"v=spf1 -all"', '"v=spf1 ~all"'], {}, "SPF", "mend", "has 2 SPF records"),
    (SPF, ['"v=spf1 +all"'], {}, "SPF", "mend", "lets everybody send"),
    (SPF, ['"v=spf1 ip4:192.0.2.1"'], {}, "SPF", "note", "does not say who may not"),
    (SPF, ['"v=spf1 redirect=_spf.example.org"'], {}, "SPF", "ok", "redirect"),
    (MX, None, {}, "bounces", "mend", "no MX"),
    (DKIM, None, {}, "DKIM", "mend", "has no key"),
    (DKIM, ['"v=DKIM1; p="'], {}, "DKIM", "mend", "revoked"),
    (DKIM, ['"v=DKIM1; p=QUJD"'], {}, "DKIM", "mend", "another file"),
    (DKIM, ['"v=DKIM1; p=QUJD"'], {"TOCSIN_DKIM_KEY_FILE": ""}, "DKIM", "ok", "is there"),
    (DKIM, None, {"TOCSIN_DKIM_KEY_FILE": "", "TOCSIN_DKIM_SELECTOR": ""}, "DKIM", "note", "we do not sign"),
    (DMARC, None, {}, "DMARC", "mend", "no policy"),
    (DMARC, ['"v=DMARC1; p=none"'], {}, "DMARC", "note", "p=none"),
    (DMARC, ['"v=DMARC1; p=reject; aspf=s"'], {}, "alignment", "ok", "DKIM with"),
    (DMARC, ['"v=DMARC1; p=reject; adkim=s; aspf=s"'], {"TOCSIN_DKIM_DOMAIN": "mail.example.org"}, "alignment", "mend",
     "neither"),
    (DMARC, ['"v=DMARC1; p=reject"'], {"TOCSIN_BOUNCE_DOMAIN": "example.net", "TOCSIN_DKIM_SELECTOR": "",
                                      "TOCSIN_DKIM_KEY_FILE": ""}, "alignment", "mend", "neither example.net"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "holds", "settings", "what", "state", "words"), WRONG)
def test_what_is_wrong_with_a_domain_is_said_with_its_remedy(
    record: tuple[str, str],
    holds: list[str] | None,
    settings: dict[str, str],
    what: str,
    state: str,
    words: str,
    server: Server,
    tmp_path: Path,
    key: bytes,
) -> None:
    zone = {**GOOD, record: holds} if holds else {k: v for k, v in GOOD.items() if k != record}
    found = look(server, tmp_path, key, zone, **settings)[what]
    assert (found.state, words in found.says) == (state, True), found
    assert bool(found.remedy) is (state != "ok")


def test_a_policy_of_the_domain_above_counts(server: Server, tmp_path: Path, key: bytes) -> None:
    look(server, tmp_path, key, GOOD)
    profile = tmp_path / "organisation.toml"
    changed = profile.read_text("utf-8").replace("notice@example.org", "notice@post.example.org")
    profile.write_text(changed, "utf-8")
    settings = read_settings(
        {
            "TOCSIN_MODE": "exercise",
            "TOCSIN_HOME": str(tmp_path),
            "TOCSIN_SMTP_URL": "smtp://127.0.0.1:1?tls=off",
            "TOCSIN_BOUNCE_DOMAIN": "bounce.example.org",
            "TOCSIN_RESOLVER": f"127.0.0.1:{server.port}",
        }
    )
    found = {one.what: one for one in mail_domain(settings)}
    assert found["DMARC"].state == "ok"
    assert found["alignment"].says == "return path with post.example.org"


def test_a_relay_that_can_not_encrypt_is_named(server: Server, tmp_path: Path, key: bytes) -> None:
    sink = SmtpSink().start()
    try:
        found = look(server, tmp_path, key, GOOD, TOCSIN_SMTP_URL=sink.url)
    finally:
        sink.stop()
    assert (found["relay"].state, found["relay"].says) == (
        "note",
        "offers no STARTTLS: notices would travel in clear",
    )


def test_without_a_resolver_nobody_is_asked(server: Server, tmp_path: Path, key: bytes) -> None:
    assert look(server, tmp_path, key, GOOD, TOCSIN_RESOLVER="") == {}
    assert server.asked == []
