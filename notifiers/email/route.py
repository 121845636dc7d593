"""Where the relay is and how the line to it is protected: read from one URL.

`smtp://user:password@relay.example.org:587` upgrades by STARTTLS and refuses a relay that offers none;
`smtps://` speaks TLS from the first byte; `?tls=off` is for a relay in one's own network, never with a password.
`?ca=FILE` names a certificate authority of one's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from models.values import BadInput, Mode
from notifiers.guard import check_host, is_loopback

SETTING = "TOCSIN_SMTP_URL"
_PORTS = {"smtp": 25, "smtps": 465}
_OPTIONS = {"tls", "ca"}


@dataclass(frozen=True, slots=True)
class Route:
    host: str
    port: int
    implicit_tls: bool
    require_tls: bool  # by STARTTLS, when not implicit
    allow_tls: bool
    username: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""


def route(url: str, mode: Mode) -> Route:
    """Read the URL. BadInput names what is wrong and never repeats the password; Refused: see notifiers.guard."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise BadInput(SETTING, "it is not an address of a mail relay.", "Write smtp://host:port or smtps://host:port.")
    options = _options(parts.query)
    host = check_host(parts.hostname, mode, SETTING)
    off = options.get("tls") == "off"
    if off and parts.password and not is_loopback(host):
        raise BadInput(SETTING, "tls=off would send the password in clear.", "Remove one of the two.")
    return Route(
        host=host,
        port=_port(parts.netloc, _PORTS[parts.scheme]),
        implicit_tls=parts.scheme == "smtps",
        require_tls=not off and not is_loopback(host),
        allow_tls=not off,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        ca=options.get("ca", ""),
    )


def _options(query: str) -> dict[str, str]:
    options = {k: v[-1] for k, v in parse_qs(query, keep_blank_values=True).items()}
    if unknown := sorted(set(options) - _OPTIONS):
        raise BadInput(SETTING, f"option {unknown[0]!r} is unknown.", "Known: tls=off, ca=FILE.")
    if options.get("tls", "off") != "off":
        raise BadInput(SETTING, "tls can only be 'off'.", "TLS is on by default: leave the option out.")
    return options


def _port(netloc: str, default: int) -> int:
    try:
        return urlsplit(f"//{netloc}").port or default
    except ValueError:
        raise BadInput(SETTING, "the port is not a number up to 65535.") from None
