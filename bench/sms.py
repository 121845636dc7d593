"""Texts a second, ours against what a user would pick. Run: `python bench/sms.py [--texts 2000] [--rounds 3]`.

One stub on loopback in its own process answers every POST as the provider does; each client sends the same texts to it,
in turn, several rounds, and the table shows medians. Our limit: 600 requests/s, the provider's sync client beside it.
Real accounts allow a sender 1 to 100 parts of a text a second: nobody waits for us.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from models.values import Channel, Contacts, Message, Mode, Outcome  # noqa: E402 - the bench runs from any folder

ACCOUNT, TOKEN, FROM, TO = "AC" + "0" * 32, "standin", "+12025550100", "+12025550123"
TEXT = "Example Clinic: some of your personal data was exposed. Read what happened and what you can do at example.org/n"
MADE = json.dumps(
    {"sid": "SM" + "0" * 32, "status": "queued", "body": TEXT, "to": TO, "from": FROM, "account_sid": ACCOUNT}
).encode()
ANSWER = (b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(MADE)) + MADE


class Stub(asyncio.Protocol):
    """Answers each whole request at once; knows nothing of texts."""

    def __init__(self) -> None:
        self.seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen += data
        while (end := self.seen.find(b"\r\n\r\n")) >= 0:
            head = self.seen[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if len(self.seen) < end + 4 + length:
                return
            self.seen = self.seen[end + 4 + length :]
            self.transport.write(ANSWER)  # type: ignore[attr-defined]


def stub(told: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def ours(base: str, texts: int, lanes: int) -> None:
    """The carrier: sender by country, hours, error table and all."""
    from notifiers.sms.carrier import SmsCarrier

    async def run() -> None:
        carrier = SmsCarrier(ACCOUNT, TOKEN, FROM, base, Mode.EXERCISE, connections=lanes)
        message = Message("d1", "n1", Channel.SMS, "en", Contacts(phone=TO), {}, text=TEXT)

        async def lane(number: int) -> None:
            for _ in range(number):
                if (await carrier.send(message)).outcome is not Outcome.ACCEPTED:
                    raise RuntimeError("the stub did not take it")

        await asyncio.gather(*(lane(texts // lanes) for _ in range(lanes)))
        await carrier.close()

    asyncio.run(run())


def _client(base: str, http: Any = None) -> Any:
    from twilio.rest import Client

    client = Client(ACCOUNT, TOKEN, http_client=http, environment={"TOCSIN": "1"})
    client.api.base_url = base
    return client


def sync(base: str, texts: int, lanes: int) -> None:
    """The provider's sync client with its pooled session, in threads."""
    import logging

    from twilio.http.http_client import TwilioHttpClient

    logging.disable(logging.INFO)
    client = _client(base, TwilioHttpClient(pool_connections=True))
    with ThreadPoolExecutor(lanes) as pool:
        list(pool.map(lambda _: client.messages.create(to=TO, from_=FROM, body=TEXT), range(texts)))


def theirs(base: str, texts: int, lanes: int) -> None:
    """The provider's async client over its own transport."""
    from twilio.http.async_http_client import AsyncTwilioHttpClient

    async def run() -> None:
        async with AsyncTwilioHttpClient(pool_connections=True) as http:
            client = _client(base, http)

            async def lane(number: int) -> None:
                for _ in range(number):
                    await client.messages.create_async(to=TO, from_=FROM, body=TEXT)

            await asyncio.gather(*(lane(texts // lanes) for _ in range(lanes)))

    asyncio.run(run())


def direct(base: str, texts: int, lanes: int) -> None:
    """aiohttp alone: one POST, the answer parsed. What our comforts cost."""
    import aiohttp

    async def run() -> None:
        url = f"{base}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        told = {"Authorization": "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()}
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=lanes), headers=told) as session:

            async def lane(number: int) -> None:
                for _ in range(number):
                    async with session.post(url, data={"To": TO, "From": FROM, "Body": TEXT}) as answer:
                        json.loads(await answer.text())

            await asyncio.gather(*(lane(texts // lanes) for _ in range(lanes)))

    asyncio.run(run())


CLIENTS: dict[str, tuple[Callable[[str, int, int], None], int]] = {
    "ours": (ours, 20),
    "twilio, sync, threads": (sync, 10),
    "twilio, async": (theirs, 20),
    "aiohttp, direct": (direct, 20),
}


def timed(name: str, base: str, texts: int) -> tuple[float, float]:
    """Requests a second by the wall clock, and microseconds of processor for each."""
    send, lanes = CLIENTS[name]
    wall, processor = time.perf_counter(), time.process_time()
    send(base, texts, lanes)
    return texts / (time.perf_counter() - wall), (time.process_time() - processor) / texts * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    ear, mouth = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=stub, args=(mouth,), daemon=True)
    server.start()
    base = f"http://127.0.0.1:{ear.recv()}"
    for name in CLIENTS:
        timed(name, base, 100)  # imports and first connections
    rounds = [{name: timed(name, base, given.texts) for name in CLIENTS} for _ in range(given.rounds)]
    server.terminate()
    print("| client | at once | requests/s | processor us each | ours is |")
    print("|---|---|---|---|---|")
    for name, (_, lanes) in CLIENTS.items():
        rate = statistics.median(r[name][0] for r in rounds)
        cost = statistics.median(r[name][1] for r in rounds)
        ratio = statistics.median(r["ours"][0] / r[name][0] for r in rounds)
        print(f"| {name} | {lanes} | {rate:.0f} | {cost:.0f} | {ratio:.2f} x |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
