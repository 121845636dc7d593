"""Body and final dot leave in one write: a relay that stops reading in the middle never gets the dot afterwards."""

from __future__ import annotations

import asyncio
from email.headerregistry import Address

from models.values import Channel, Contacts, Handoff, Message, Mode, Outcome
from notifiers.email.carrier import EmailCarrier, Timeouts

BODY = "A line of the notice that is as long as lines of notices are.\n" * 400_000  # more than any kernel keeps


class Stubborn:
    """Answers until DATA, then reads nothing until it is told to; keeps what then comes."""

    def __init__(self) -> None:
        self.go, self.heard = asyncio.Event(), b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay.example.org\r\n")
        while line := await reader.readline():
            if line.startswith(b"DATA"):
                writer.write(b"354 go\r\n")
                break
            writer.write(b"250-relay\r\n250 PIPELINING\r\n" if line.startswith(b"EHLO") else b"250 2.1.0 Ok\r\n")
        await self.go.wait()
        try:
            while chunk := await reader.read(1 << 20):
                self.heard += chunk
        except ConnectionError:
            pass  # cut off, as it must be
        finally:
            writer.close()


async def attempt() -> tuple[Handoff, bytes]:
    relay = Stubborn()
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    waits = Timeouts(connect=2, command=0.3, dot=2, host_backoff=0)
    sender = Address(addr_spec="notice@example.org")
    carrier = EmailCarrier(
        f"smtp://127.0.0.1:{port}?tls=off", sender, None, "b.example.org", b"k" * 16, Mode.EXERCISE, waits
    )
    message = Message("d1", "n1", Channel.EMAIL, "en", Contacts("p@example.org"), {}, "A notice", BODY)
    handoff = await carrier.send(message)
    relay.go.set()
    await asyncio.sleep(0.3)
    server.close()
    return handoff, relay.heard


def test_a_body_that_was_not_taken_in_time_is_safe_to_repeat_since_its_dot_never_follows() -> None:
    handoff, heard = asyncio.run(attempt())
    assert (handoff.outcome, handoff.code) == (Outcome.DEFERRED, "timeout")
    assert heard.count(b"A line of the notice") < 400_000
    assert b"\r\n.\r\n" not in heard
