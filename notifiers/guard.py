"""An exercise can't reach the world: every carrier with a socket asks here before it opens one.

The answer rests on the literal address, never on a name look-up: a name can resolve to anything tomorrow.
A live system may use loopback too, since a relay on the same machine is the usual set-up.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from models.values import Mode, Refused


def is_loopback(host: str) -> bool:
    """Whether `host` is literally this machine: 127.0.0.0/8, ::1 or localhost."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def check_host(host: str, mode: Mode, setting: str) -> str:
    """`host`, or Refused when an exercise would talk to anything but this machine. `setting` is named in the error."""
    if mode is Mode.EXERCISE and not is_loopback(host):
        raise Refused(
            f"{setting}: an exercise may only talk to 127.0.0.0/8, ::1 or localhost, and {host!r} is none of them. "
            "Point the setting at a stand-in (python -m notifiers.fake) or use the live system."
        )
    return host


def check_url(url: str, mode: Mode, setting: str) -> str:
    """The same for the host of a URL."""
    check_host(urlsplit(url).hostname or "", mode, setting)
    return url
