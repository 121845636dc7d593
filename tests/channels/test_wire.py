"""The line to the relay: groups of commands, replies in whatever pieces they come, and silence that has an end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.headerregistry import Address
from typing import Any

import pytest

from models.values import Channel, Contacts, Handoff, Message, Mode, Outcome, Slot
from notifiers.email.carrier import EmailCarrier, Timeouts
from notifiers.email.wire import LineLost, Reply, Wire

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def with_wire(talk: Talk, act: Callable[[Wire], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", port)
        wire = Wire(transport)
        try:
            return await act(wire)
        finally:
            wire.abort()
            server.close()

    return asyncio.run(run())


def saying(*pieces: bytes, hang_up: bool = False) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        if hang_up:
            writer.close()
        else:
            await reader.read()

    return talk


async def three(wire: Wire) -> list[Reply]:
    wire.write(b"GO\r\n")
    return await wire.replies(3, 2)


WANTED = [Reply(250, "a\nb"), Reply(250, ""), Reply(354, "go on")]


@pytest.mark.parametrize(
    "pieces",
    [
        (b"250-a\r\n250 b\r\n250\r\n354 go on\r\n",),
        (b"25", b"0-a\r", b"\n250 b\r\n2", b"50\r\n354 go", b" on\r\n"),
        (b"250-a\n250 b\n250 \n354 go on\n",),
    ],
)
def test_replies_are_the_same_in_whatever_pieces_they_come(pieces: tuple[bytes, ...]) -> None:
    assert with_wire(saying(*pieces), three) == WANTED


@pytest.mark.parametrize("noise", [b"hello\r\n", b"25x no\r\n", b"250:no\r\n", b"250-" + b"x" * 20_000])
def test_what_is_no_reply_ends_the_line(noise: bytes) -> None:
    with pytest.raises(LineLost):
        with_wire(saying(noise), three)


def test_silence_has_an_end_and_says_what_had_come() -> None:
    async def act(wire: Wire) -> list[Reply]:
        wire.write(b"GO\r\n")
        with pytest.raises(TimeoutError):
            await wire.replies(3, 0.1)
        return wire.arrived()

    assert with_wire(saying(b"250 a\r\n550 5.1.1 no\r\n"), act) == [Reply(250, "a"), Reply(550, "5.1.1 no")]


def test_a_line_on_which_something_came_unasked_is_not_used_again() -> None:
    async def act(wire: Wire) -> bool:
        wire.write(b"GO\r\n")
        await wire.replies(1, 2)
        await asyncio.sleep(0.05)
        return wire.usable

    assert with_wire(saying(b"250 a\r\n", b"421 4.3.2 we close now\r\n"), act) is False


# --- relays that answer a group in their own ways -------------------------------------------------------------------


def relay(answers: dict[bytes, bytes], log: list[bytes], *, offers: str = "PIPELINING") -> Talk:
    """Answers each command by its first word; `DOT` is the end of the data."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay\r\n")
        while line := await reader.readline():
            word = line.split()[0].upper()
            log.append(word)
            if word == b"EHLO":
                writer.write(f"250-relay\r\n250 {offers}\r\n".encode())
                continue
            answer = answers.get(word, b"250 2.0.0 ok")
            writer.write(answer + b"\r\n")
            if word == b"QUIT":
                break
            if word == b"DATA" and answer.startswith(b"354"):
                while (data := await reader.readline()) and data != b".\r\n":
                    log.append(b"data")
                log.append(b"DOT")
                writer.write(answers.get(b"DOT", b"250 2.0.0 taken") + b"\r\n")
        writer.close()

    return talk


def send(talk: Talk, times: int = 1) -> list[Handoff]:
    async def run() -> list[Handoff]:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}?tls=off"
        waits = Timeouts(connect=2, command=2, dot=2, host_backoff=0)
        carrier = EmailCarrier(
            url, Address("", "us", "example.org"), None, "b.example.org", b"k" * 32, Mode.EXERCISE, waits
        )
        one = Message("d1", "n1", Channel.EMAIL, "en", Contacts(email="a@example.org"), {Slot.NAME: "A"}, "s", "t")
        try:
            return [await carrier.send(one) for _ in range(times)]
        finally:
            await carrier.close()
            server.close()

    return asyncio.run(run())


GO = {b"DATA": b"354 go on"}


def test_envelope_and_data_leave_in_one_group_where_the_relay_takes_groups() -> None:
    log: list[bytes] = []
    assert [h.outcome for h in send(relay(GO, log), 2)] == [Outcome.ACCEPTED] * 2
    assert [w for w in log if w != b"data"] == [b"EHLO", *[b"MAIL", b"RCPT", b"DATA", b"DOT"] * 2, b"QUIT"]


@pytest.mark.parametrize("offers", ["PIPELINING", "8BITMIME"])
@pytest.mark.parametrize(
    ("answers", "outcome", "code", "data"),
    [
        ({**GO, b"RCPT": b"550 5.1.1 nobody"}, "refused", "550 5.1.1", 0),  # it still says 354: an empty end follows
        ({b"RCPT": b"550 5.1.1 nobody", b"DATA": b"503 no recipient"}, "refused", "550 5.1.1", 0),
        ({b"MAIL": b"451 4.7.1 later", b"RCPT": b"503 no", b"DATA": b"503 no"}, "deferred", "451 4.7.1", 0),
        ({b"DATA": b"451 4.3.0 not now"}, "deferred", "451 4.3.0", 0),
        ({**GO, b"DOT": b"550 5.7.1 policy"}, "blocked", "550 5.7.1", 1),
        ({**GO, b"RCPT": b"251 will forward"}, "accepted", "250 2.0.0", 1),
    ],
)
def test_the_first_refusal_of_a_group_decides_and_no_body_leaves_after_it(
    answers: dict[bytes, bytes], outcome: str, code: str, data: int, offers: str
) -> None:
    log: list[bytes] = []
    found = send(relay(answers, log, offers=offers))[0]
    assert (found.outcome, found.code) == (outcome, code)
    assert bool(log.count(b"data")) == bool(data)
