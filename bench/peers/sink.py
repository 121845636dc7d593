"""A relay that takes everything and keeps nothing. Arguments: port; plain, tls or auth; a folder for a certificate."""

from __future__ import annotations

import asyncio
import ssl
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

ANSWERS = {
    b"EHLO": b"250-sink.example.org\r\n250-PIPELINING\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n",
    b"DATA": b"354 go\r\n",
    b"AUTH": b"235 ok\r\n",
    b"QUIT": b"221 bye\r\n",
}


class Sink(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer, self.body = transport, b"", False
        transport.write(b"220 sink.example.org\r\n")  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        answers = b""
        while found := self._next():
            answers += found
        if answers:
            self.transport.write(answers)  # type: ignore[attr-defined]

    def _next(self) -> bytes:
        """The answer to the next whole command or body; nothing while it is not whole."""
        end = b"\r\n.\r\n" if self.body else b"\r\n"
        head, found, rest = self.buffer.partition(end)
        if not found:
            return b""
        self.buffer = rest
        was, self.body = self.body, not self.body and head[:4].upper() == b"DATA"
        return b"250 2.0.0 Ok\r\n" if was else ANSWERS.get(head[:4].upper(), b"250 2.1.0 Ok\r\n")


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate of our own for 127.0.0.1, in folder/sink.pem."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=sink.example.org")
    now, local = datetime.now(UTC), x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    made = made.add_extension(local, False).add_extension(x509.BasicConstraints(True, None), True)
    (folder / "sink.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    coded = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "sink.key").write_bytes(key.private_bytes(*coded))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "sink.pem", folder / "sink.key")
    return context


async def main() -> None:
    port, kind, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    context = None if kind == "plain" else certificate(folder)
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, ssl=context, backlog=100)
    await server.serve_forever()


asyncio.run(main())
