"""`python -m notifiers.fake smtp|twilio|app|printer --port N --log FILE [--outbox FOLDER]`: a stand-in as a process.

Prints its URL on the first line and serves until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from notifiers.fake.app import AppStandIn
from notifiers.fake.printer import PrintHouse
from notifiers.fake.smtp import SmtpSink
from notifiers.fake.twilio import TwilioStandIn


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m notifiers.fake", description="A stand-in carrier on loopback.")
    parser.add_argument("kind", choices=["smtp", "twilio", "app", "printer"])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--log", type=Path, help="JSON lines of everything accepted")
    parser.add_argument("--outbox", type=Path, help="folder for returned mail (smtp)")
    parser.add_argument("--sid", default="AC" + "0" * 32, help="account (twilio)")
    parser.add_argument("--token", default="standin", help="its token (twilio, printer)")
    return parser.parse_args()


def _standin(a: argparse.Namespace) -> SmtpSink | TwilioStandIn | AppStandIn | PrintHouse:
    if a.kind == "printer":
        return PrintHouse(a.log, token=a.token, port=a.port)
    if a.kind == "app":
        return AppStandIn(a.log, port=a.port)
    if a.kind == "smtp":
        return SmtpSink(a.log, a.outbox, port=a.port)
    return TwilioStandIn(a.log, account_sid=a.sid, token=a.token, port=a.port)


async def _serve(standin: SmtpSink | TwilioStandIn | AppStandIn | PrintHouse) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with standin:
        print(standin.url, flush=True)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(_serve(_standin(_arguments())))
