"""What every carrier promises, tried on each. A new channel subclasses a contract and gives a rig."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path
from typing import Any

import pytest

from models.values import BadInput, Channel, Contacts, Handoff, Message, Mode, Outcome, Refused, Slot, Wording
from notifiers.call_list.sheet import CallList
from notifiers.contract import CHANNELS, BatchCarrier, Carrier, Kind, UnknownRule
from notifiers.email.carrier import EmailCarrier, Timeouts
from notifiers.fake.app import AppStandIn
from notifiers.fake.smtp import SmtpSink
from notifiers.fake.twilio import TwilioStandIn
from notifiers.guard import check_url, is_loopback
from notifiers.letter.queue import LetterQueue
from notifiers.push.carrier import PushCarrier
from notifiers.sms.carrier import SmsCarrier
from notifiers.voice.carrier import VoiceCarrier
from templates.letters import Pressed

CANARY = "canary-9f31"


def message(channel: Channel, n: int = 1, **changes: Any) -> Message:
    made = Message(
        delivery=f"delivery{n:04}",
        notice=f"notice{n:04}",
        channel=channel,
        language="en",
        to=Contacts(f"anna{n}@example.org", f"+1202555{n:04}", ("1 Example Street", "Sampletown", "US"), "US", f"p{n}"),
        slots={Slot.NAME: f"Anna Sample {CANARY}", Slot.REFERENCE: f"REF-{n:04}"},
        subject="A notice about your data",
        text=f"Dear reader, this is about your data. {CANARY}\n.\nA line with a dot above.",
        html="<p>Dear reader</p>",
        wording="w1",
    )
    return replace(made, **changes)


@dataclass
class Rig:
    """A carrier, what it talks to, and the addresses that make it misbehave."""

    carrier: Carrier
    seen: list[dict[str, Any]]
    bad: Contacts
    later: Contacts
    dead: Carrier  # nobody listens where it calls


class ChannelContract:
    """Ten promises of a single-message carrier."""

    channel: Channel

    @contextlib.asynccontextmanager
    async def rig(self) -> AsyncIterator[Rig]:
        raise NotImplementedError
        yield

    def play(
        self, *messages: Message, which: str = "carrier", at_once: bool = False
    ) -> tuple[list[Handoff], list[Any]]:
        async def run() -> tuple[list[Handoff], list[Any]]:
            async with self.rig() as rig:
                carrier: Carrier = getattr(rig, which)
                sends = [carrier.send(m) for m in messages]
                found = list(await asyncio.gather(*sends)) if at_once else [await s for s in sends]
                await carrier.close()
                return found, list(rig.seen)

        return asyncio.run(run())

    def contacts(self, name: str) -> Contacts:
        async def run() -> Contacts:
            async with self.rig() as rig:
                found: Contacts = getattr(rig, name)
                return found

        return asyncio.run(run())

    def test_it_is_a_carrier_of_its_channel(self) -> None:
        async def run() -> None:
            async with self.rig() as rig:
                assert isinstance(rig.carrier, Carrier)
                assert rig.carrier.channel is self.channel
                assert CHANNELS[self.channel].kind is Kind.SINGLE

        asyncio.run(run())

    def test_an_ordinary_message_is_accepted_once_with_a_reference(self) -> None:
        found, seen = self.play(message(self.channel))
        assert [h.outcome for h in found] == [Outcome.ACCEPTED]
        assert found[0].delivery == "delivery0001" and found[0].reference
        assert len(seen) == 1

    def test_a_bad_address_is_refused_and_nothing_arrives(self) -> None:
        found, seen = self.play(message(self.channel, to=self.contacts("bad")))
        assert (found[0].outcome, seen) == (Outcome.REFUSED, [])
        assert found[0].code

    def test_a_busy_carrier_defers_and_takes_the_second_try(self) -> None:
        m = message(self.channel, to=self.contacts("later"))
        found, seen = self.play(m, replace(m, attempt=2))
        assert [h.outcome for h in found] == [Outcome.DEFERRED, Outcome.ACCEPTED]
        assert len(seen) == 1

    def test_an_absent_carrier_defers_for_the_whole_line(self) -> None:
        found, _ = self.play(message(self.channel), which="dead")
        assert (found[0].outcome, found[0].host_wide) == (Outcome.DEFERRED, True)

    def test_many_at_once_each_get_their_own_answer_and_their_own_words(self) -> None:
        many = [message(self.channel, n, text=f"words for {n} only") for n in range(1, 61)]
        found, seen = self.play(*many, at_once=True)
        assert [h.delivery for h in found] == [m.delivery for m in many]
        assert {h.outcome for h in found} == {Outcome.ACCEPTED}
        assert len(seen) == 60 and len({h.reference for h in found}) == 60

    def test_words_that_no_encoding_carries_are_refused_and_the_line_goes_on(self) -> None:
        found, seen = self.play(message(self.channel, 1, text="half a \ud83d pair"), message(self.channel, 2))
        assert [h.outcome for h in found] == [Outcome.REFUSED, Outcome.ACCEPTED]
        assert len(seen) == 1

    def test_a_closed_carrier_works_again(self) -> None:
        async def run() -> list[Outcome]:
            async with self.rig() as rig:
                first = await rig.carrier.send(message(self.channel, 1))
                await rig.carrier.close()
                second = await rig.carrier.send(message(self.channel, 2))
                await rig.carrier.close()
                return [first.outcome, second.outcome]

        assert asyncio.run(run()) == [Outcome.ACCEPTED, Outcome.ACCEPTED]

    def test_no_answer_of_ours_repeats_a_persons_data(self) -> None:
        for to in ("bad", "later"):
            m = message(self.channel, to=self.contacts(to))
            found, _ = self.play(m)
            told = [secret for secret in (m.to.email, m.to.phone, CANARY) if secret and secret in repr(found[0])]
            assert told == []

    def test_a_carrier_never_shows_its_secrets(self) -> None:
        async def run() -> str:
            async with self.rig() as rig:
                return repr(rig.carrier)

        assert "s3cret" not in asyncio.run(run())

    def test_a_look_up_never_raises(self) -> None:
        async def run() -> list[Handoff | None]:
            async with self.rig() as rig:
                found = [await c.look_up(message(self.channel), datetime.now(UTC)) for c in (rig.carrier, rig.dead)]
                await rig.carrier.close()
                await rig.dead.close()
                return found

        alive, dead = asyncio.run(run())
        assert alive is None or (alive.outcome, alive.code) == (Outcome.DEFERRED, "not_found")
        assert dead is None


class TestEmail(ChannelContract):
    channel = Channel.EMAIL

    @contextlib.asynccontextmanager
    async def rig(self) -> AsyncIterator[Rig]:
        def carrier(url: str) -> EmailCarrier:
            who = Address("Example Health", "privacy", "example.org")
            return EmailCarrier(
                url, who, None, "b.example.org", b"s3cret-s3cret-s3cret", Mode.EXERCISE, Timeouts(dot=5, connect=5)
            )

        async with SmtpSink() as sink:
            bad, later = Contacts("x+hardbounce@example.org"), Contacts("x+greylist@example.org")
            dead = carrier("smtp://127.0.0.1:9")
            yield Rig(carrier(sink.url), sink.accepted, bad, later, dead)


class TestSms(ChannelContract):
    channel = Channel.SMS

    @contextlib.asynccontextmanager
    async def rig(self) -> AsyncIterator[Rig]:
        async with TwilioStandIn(token="s3cret") as api:
            sid = api.account_sid
            carrier = SmsCarrier(sid, "s3cret", "+12025550100", api.url, Mode.EXERCISE, timeout=5)
            dead = SmsCarrier(sid, "s3cret", "+12025550100", "http://127.0.0.1:9", Mode.EXERCISE, timeout=5)
            bad, later = Contacts(phone="+15005550001"), Contacts(phone="+12025550195")
            yield Rig(carrier, api.accepted, bad, later, dead)
            await carrier.close()
            await dead.close()


class TestVoice(ChannelContract):
    channel = Channel.VOICE

    @contextlib.asynccontextmanager
    async def rig(self) -> AsyncIterator[Rig]:
        async with TwilioStandIn(token="s3cret") as api:

            def carrier(url: str) -> VoiceCarrier:
                who = (api.account_sid, "s3cret", "+12025550100")
                return VoiceCarrier(*who, url, "http://127.0.0.1:9", Mode.EXERCISE, lambda phone: 0.0, timeout=5)

            bad, later = Contacts(phone="+12025550190"), Contacts(phone="+12025550195")
            rig = Rig(carrier(api.url), api.accepted, bad, later, carrier("http://127.0.0.1:9"))
            yield rig
            await rig.carrier.close()
            await rig.dead.close()


class TestPush(ChannelContract):
    channel = Channel.PUSH

    @contextlib.asynccontextmanager
    async def rig(self) -> AsyncIterator[Rig]:
        secret = "whsec_" + base64.b64encode(b"s3cret-s3cret-s3cret-s3cret").decode()
        async with AppStandIn(secret=secret) as app:

            def carrier(url: str) -> PushCarrier:
                return PushCarrier(url, secret, Mode.EXERCISE, lambda: datetime.now(UTC), timeout=5)

            bad, later = Contacts(app="p-gone"), Contacts(app="p-busy")
            yield Rig(carrier(app.url), app.accepted, bad, later, carrier("http://127.0.0.1:9/"))


def press(wordings: Any, messages: Sequence[Message]) -> Pressed:
    """A press for tests: as many pages as the letter's number has digits' sum, never the same bytes twice."""
    if any("\N{SNOWMAN}" in m.slots.get(Slot.NAME, "") for m in messages):
        raise BadInput("letter", "no font has U+2603.", "Take it out.")
    stamp = datetime.now(UTC).isoformat().encode()
    pages = tuple(1 + int(m.delivery[-1]) % 3 for m in messages)
    starts = tuple(1 + sum(pages[:n]) for n in range(len(pages)))
    return Pressed(b"%PDF-1.7 " + stamp, pages, starts, tuple(() for _ in pages), tuple("" for _ in pages))


WORDINGS = {"w1": Wording("seg", Channel.LETTER, "en", text="Hello", typst="Hello")}


class BatchContract:
    """Promises of a carrier that seals batches."""

    channel: Channel
    missing: Contacts
    missing_code: str

    def carrier(self, folder: Path, **options: Any) -> BatchCarrier:
        raise NotImplementedError

    def batch(self, carrier: BatchCarrier, *messages: Message) -> list[Handoff]:
        return asyncio.run(carrier.send_batch(messages, WORDINGS, "wave-1"))

    def test_it_is_a_batch_carrier_of_its_channel(self, tmp_path: Path) -> None:
        assert isinstance(self.carrier(tmp_path), BatchCarrier)
        assert CHANNELS[self.channel].kind is Kind.BATCH

    def test_each_message_has_its_answer_in_order_with_a_reference_of_its_own(self, tmp_path: Path) -> None:
        many = [message(self.channel, n) for n in range(1, 8)]
        found = self.batch(self.carrier(tmp_path), *many)
        assert [h.delivery for h in found] == [m.delivery for m in many]
        assert {h.outcome for h in found} == {Outcome.ACCEPTED}
        assert len({h.reference for h in found}) == 7

    def test_the_same_content_twice_is_sealed_once(self, tmp_path: Path) -> None:
        many = [message(self.channel, n) for n in range(1, 8)]
        first = self.batch(self.carrier(tmp_path), *many)
        files = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
        second = self.batch(self.carrier(tmp_path), *many)
        assert [h.reference for h in first] == [h.reference for h in second]
        assert {h.code for h in second} == {"already_sealed"}
        assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == files

    def test_a_delivery_never_stands_in_two_batches(self, tmp_path: Path) -> None:
        self.batch(self.carrier(tmp_path), *[message(self.channel, n) for n in range(1, 5)])
        found = self.batch(self.carrier(tmp_path), *[message(self.channel, n) for n in range(3, 7)])
        assert [h.code == "already_sealed" for h in found] == [True, True, False, False]
        assert len(list(tmp_path.iterdir())) == 2

    def test_a_new_approval_that_names_it_makes_it_again(self, tmp_path: Path) -> None:
        m = message(self.channel)
        first = self.batch(self.carrier(tmp_path), m)
        second = self.batch(self.carrier(tmp_path, reprint={m.delivery: "approval-7"}), m)
        assert second[0].code != "already_sealed" and second[0].reference != first[0].reference

    def test_who_has_no_contact_is_refused_and_the_others_go_on(self, tmp_path: Path) -> None:
        found = self.batch(self.carrier(tmp_path), message(self.channel, 1, to=self.missing), message(self.channel, 2))
        assert [(h.outcome, h.code == self.missing_code) for h in found] == [
            (Outcome.REFUSED, True),
            (Outcome.ACCEPTED, False),
        ]

    def test_a_crash_half_way_leaves_nothing_sealed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import notifiers.folders as folders

        def power_cut(part: Path, final: Path) -> bool:
            raise KeyboardInterrupt

        monkeypatch.setattr(folders, "_into_place", power_cut)
        with pytest.raises(KeyboardInterrupt):
            self.batch(self.carrier(tmp_path), message(self.channel))
        assert folders.sealed(tmp_path) == []
        monkeypatch.undo()
        assert self.batch(self.carrier(tmp_path), message(self.channel))[0].outcome is Outcome.ACCEPTED

    def test_a_full_disk_defers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import notifiers.folders as folders

        def full(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(folders, "write_file", full)
        found = self.batch(self.carrier(tmp_path), message(self.channel))
        assert (found[0].outcome, found[0].code, found[0].host_wide) == (Outcome.DEFERRED, "disk", True)
        assert list(tmp_path.iterdir()) == []

    def test_a_batch_is_closed_to_others_and_to_change(self, tmp_path: Path) -> None:
        self.batch(self.carrier(tmp_path), message(self.channel))
        folder = next(tmp_path.iterdir())
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o400}

    def test_a_wording_that_was_not_given_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="wording"):
            self.batch(self.carrier(tmp_path), message(self.channel, wording="other"))

    def test_a_big_wave_is_split(self, tmp_path: Path) -> None:
        found = self.batch(self.carrier(tmp_path, batch_size=4), *[message(self.channel, n) for n in range(1, 11)])
        assert len(list(tmp_path.iterdir())) == 3
        assert len({h.reference.split(":")[0] for h in found}) == 3


class TestLetters(BatchContract):
    channel = Channel.LETTER
    missing, missing_code = Contacts("anna@example.org"), "no_address"

    def carrier(self, folder: Path, **options: Any) -> BatchCarrier:
        return LetterQueue(folder, press, **options)


class TestCallLists(BatchContract):
    channel = Channel.CALL_LIST
    missing, missing_code = Contacts("anna@example.org"), "no_phone"

    def carrier(self, folder: Path, **options: Any) -> BatchCarrier:
        return CallList(folder, **options)


@pytest.mark.parametrize(
    ("channel", "days", "rule", "duplicate"),
    [
        (Channel.EMAIL, 5, UnknownRule.RESEND_ONCE_FLAGGED, True),
        (Channel.SMS, 3, UnknownRule.LOOK_UP_THEN_QUEUE, False),
        (Channel.LETTER, 30, UnknownRule.REPRINT_BY_ID, False),
    ],
)
def test_the_table_of_channels_says_what_the_design_says(
    channel: Channel, days: int, rule: UnknownRule, duplicate: bool
) -> None:
    spec = CHANNELS[channel]
    assert (spec.evidence_days, spec.unknown, spec.possible_duplicate) == (days, rule, duplicate)
    assert spec.attempts == len(spec.retry_delays) + 1


def test_every_channel_has_a_row_with_growing_delays() -> None:
    assert set(CHANNELS) == set(Channel)
    for spec in CHANNELS.values():
        assert list(spec.retry_delays) == sorted(spec.retry_delays)
        assert (spec.batch_size > 0) is (spec.kind is Kind.BATCH)
    assert CHANNELS[Channel.EMAIL].retry_delays[0] >= 300, "a greylisting server wants five minutes"


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("::ffff:127.0.0.1", True),
        ("", False),
        ("0.0.0.0", False),  # noqa: S104 - a value, nothing binds to it
        ("10.0.0.1", False),
        ("relay.example.org", False),
        ("127.0.0.1.example.org", False),
        ("localhost.example.org", False),
        ("2130706433", False),
        ("0x7f.1", False),
    ],
)
def test_loopback_is_told_by_the_literal_address(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours


@pytest.mark.parametrize("url", ["smtp://relay.example.org", "smtp://127.0.0.1@relay.example.org", "smtp://"])
def test_an_exercise_refuses_the_world_and_a_live_system_does_not(url: str) -> None:
    with pytest.raises(Refused, match="TOCSIN_SMTP_URL"):
        check_url(url, Mode.EXERCISE, "TOCSIN_SMTP_URL")
    assert check_url(url, Mode.LIVE, "TOCSIN_SMTP_URL") == url
    assert check_url("smtp://127.0.0.1:25", Mode.LIVE, "TOCSIN_SMTP_URL")
