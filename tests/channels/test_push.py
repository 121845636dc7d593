"""The app: signed, once per notice, to no address that is not the app's; and what its receipts may say."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from models.values import BadInput, Channel, Contacts, Evidence, Handoff, Message, Mode, Outcome, Refused, Slot
from notifiers.fake.app import SECRET, AppStandIn
from notifiers.push.carrier import PushCarrier, check_address, is_public, signer
from notifiers.push.codes import EVIDENCE, Receipt, outcome_of
from notifiers.push.receipts import read_receipt

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def message(person: str = "p1", notice: str = "n1") -> Message:
    slots = {Slot.REFERENCE: "REF-1", Slot.ADDRESS: "1 Example Street"}
    return Message("d1", notice, Channel.PUSH, "en", Contacts("a@example.org", app=person), slots, "A title", "A text")


def play(*messages: Message, secret: str = SECRET) -> tuple[list[Handoff], AppStandIn]:
    async def run() -> tuple[list[Handoff], AppStandIn]:
        async with AppStandIn() as app:
            carrier = PushCarrier(app.url, secret, Mode.EXERCISE, lambda: datetime.now(UTC), timeout=5)
            found = [await carrier.send(m) for m in messages]
            await carrier.close()
            return found, app

    return asyncio.run(run())


def test_a_notice_is_signed_and_says_what_the_app_needs_and_no_other_contact() -> None:
    found, app = play(message())
    assert (found[0].outcome, app.refused) == (Outcome.ACCEPTED, 0)
    assert app.seen["n1"]["data"] == {
        "notice": "n1",
        "delivery": "d1",
        "person": "p1",
        "language": "en",
        "title": "A title",
        "text": "A text",
        "reference": "REF-1",
    }


def test_the_same_notice_twice_has_one_id_and_the_app_drops_the_copy() -> None:
    found, app = play(message("p-drop"), message("p-drop"))
    assert [h.outcome for h in found] == [Outcome.UNKNOWN, Outcome.ACCEPTED]
    assert list(app.seen) == ["n1"] and app.repeats == {"n1": 1}


def test_another_secret_stops_the_channel() -> None:
    other = "whsec_" + base64.b64encode(b"another-secret-of-24-bytes!").decode()
    found, app = play(message(), secret=other)
    assert (found[0].outcome, found[0].host_wide, app.seen) == (Outcome.BLOCKED, True, {})


ANSWERS = [
    (200, Outcome.ACCEPTED),
    (202, Outcome.ACCEPTED),
    (204, Outcome.ACCEPTED),
    (301, Outcome.BLOCKED),
    (307, Outcome.BLOCKED),
    (400, Outcome.BLOCKED),
    (401, Outcome.BLOCKED),
    (404, Outcome.REFUSED),
    (409, Outcome.ACCEPTED),
    (410, Outcome.REFUSED),
    (418, Outcome.BLOCKED),
    (429, Outcome.DEFERRED),
    (500, Outcome.DEFERRED),
    (503, Outcome.DEFERRED),
]


@pytest.mark.parametrize(("status", "outcome"), ANSWERS)
def test_what_an_answer_means(status: int, outcome: Outcome) -> None:
    assert outcome_of(status) is outcome


def test_the_app_may_say_when_to_come_again() -> None:
    found, _ = play(message("p-slow"))
    assert (found[0].outcome, found[0].retry_after, found[0].host_wide) == (Outcome.DEFERRED, 60.0, True)


# --- where it may go ------------------------------------------------------------------------------------------------

PLACES = [
    ("https://app.example.org/hooks", Mode.LIVE, None),
    ("http://app.example.org/hooks", Mode.LIVE, Refused),
    ("http://127.0.0.1:8000/hooks", Mode.LIVE, None),
    ("https://10.0.0.1/hooks", Mode.LIVE, Refused),
    ("https://192.168.1.1/", Mode.LIVE, Refused),
    ("https://169.254.169.254/latest/meta-data", Mode.LIVE, Refused),
    ("https://[fd00::1]/", Mode.LIVE, Refused),
    ("https://[::ffff:10.0.0.1]/", Mode.LIVE, Refused),
    ("https://user:pass@app.example.org/", Mode.LIVE, BadInput),
    ("ftp://app.example.org/", Mode.LIVE, BadInput),
    ("file:///etc/passwd", Mode.LIVE, BadInput),
    ("https://app.example.org/hooks", Mode.EXERCISE, Refused),
    ("http://127.0.0.1:8000/hooks", Mode.EXERCISE, None),
    ("http://localhost:8000/hooks", Mode.EXERCISE, None),
]


@pytest.mark.parametrize(("url", "mode", "error"), PLACES)
def test_where_a_notice_may_be_posted(url: str, mode: Mode, error: type[Exception] | None) -> None:
    if error is None:
        assert check_address(url, mode) == url
    else:
        with pytest.raises(error, match="TOCSIN_PUSH_URL"):
            check_address(url, mode)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104 - a value, nothing binds to it
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:192.168.0.1", False),
        ("224.0.0.1", False),
        ("app.example.org", False),
    ],
)
def test_which_addresses_are_the_internets(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_name_that_leads_into_a_private_range_is_never_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name can be pointed elsewhere after it was checked, so its addresses are checked at the connection."""
    import aiohttp

    async def inside(self: Any, host: str, port: int = 0, family: Any = 0) -> list[dict[str, Any]]:
        return [{"hostname": host, "host": "10.0.0.5", "port": port, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", inside)

    async def run() -> Handoff:
        carrier = PushCarrier("https://app.example.org/", SECRET, Mode.LIVE, lambda: datetime.now(UTC), timeout=5)
        found = await carrier.send(message())
        await carrier.close()
        return found

    found = asyncio.run(run())
    assert (found.outcome, found.code) == (Outcome.DEFERRED, "connection_refused")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "not base64 at all!", "whsec_====="])
def test_a_weak_secret_is_none(secret: str) -> None:
    with pytest.raises(BadInput, match="TOCSIN_PUSH_SECRET") as error:
        signer(secret)
    assert len(secret) < 10 or secret not in str(error.value)


# --- receipts -------------------------------------------------------------------------------------------------------


def posted(body: Any, *, at: datetime | None = None, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    when, text = at or datetime.now(UTC), json.dumps(body)
    signed = Webhook(secret).sign("r1", when, text)
    return {
        "webhook-id": "r1",
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": signed,
    }, text.encode()


def said(kind: str) -> dict[str, Any]:
    return {"type": kind, "timestamp": "2026-11-24T09:00:00Z", "data": {"delivery": "d1"}}


@pytest.mark.parametrize("kind", list(Receipt))
def test_only_what_was_shown_tells_somebody(kind: Receipt) -> None:
    found = read_receipt(SECRET, *posted(said(kind)), NOW)
    assert (found.evidence if found else None) == EVIDENCE[kind]
    assert [k for k, e in EVIDENCE.items() if e is Evidence.DELIVERED] == [Receipt.SHOWN]


def test_the_same_receipt_under_another_id_counts_once() -> None:
    one, two = (read_receipt(SECRET, *posted(said("notice.shown")), NOW) for _ in range(2))
    assert one and two and one.digest == two.digest


OTHERS = "whsec_" + base64.b64encode(b"somebody-elses-secret-here!!").decode()
BAD = {
    "another's signature": (posted(said("notice.shown"), secret=OTHERS), Refused),
    "an hour old": (posted(said("notice.shown"), at=datetime.now(UTC) - timedelta(hours=1)), Refused),
    "no headers": (({}, b"{}"), Refused),
    "a body that was changed": ((posted(said("notice.shown"))[0], b'{"type":"notice.shown"}'), Refused),
    "an unknown word": (posted(said("notice.read")), BadInput),
    "no delivery": (posted({"type": "notice.shown", "data": {}}), BadInput),
    "a list": (posted([1]), BadInput),
    "an endless delivery": (posted({"type": "notice.shown", "data": {"delivery": "d" * 65}}), BadInput),
}


@pytest.mark.parametrize(("request_", "error"), BAD.values(), ids=BAD)
def test_what_is_no_receipt_of_the_app(request_: tuple[dict[str, str], bytes], error: type[Exception]) -> None:
    with pytest.raises(error):
        read_receipt(SECRET, *request_, NOW)
