"""Doctor's look at the sending domain: SPF, DKIM, DMARC and their alignment, the bounce domain's MX, the relay's TLS.

Asks only when TOCSIN_RESOLVER names a DNS server; without it nothing leaves this machine. Sources: RFC 7208, RFC 6376,
RFC 7489.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.cli.found import Found
from models.values import BadInput, TocsinError

if TYPE_CHECKING:
    from models.profile import Profile
    from models.settings import Settings

SECONDS = 5.0  # for one question
Lookup = Callable[[str, str], list[str]]  # (name, TXT or MX) -> records, none when there are none


@dataclass(frozen=True, slots=True)
class Domains:
    """Who a mail says it is from, in the three places that receivers compare."""

    sender: str  # of From
    bounce: str  # of the return path
    signer: str  # d= of DKIM
    selector: str


def mail_domain(settings: Settings) -> list[Found]:
    """Everything that can be looked up about the sending domain, each with its remedy."""
    if not settings.resolver or not settings.smtp_url:
        return []
    from models.profile import load_profile

    domains = domains_of(settings, load_profile(settings.profile))
    if not domains.sender or not domains.bounce:
        return []
    lookup = resolver(settings.resolver)
    policy, where = _dmarc_record(domains.sender, lookup)
    found = [_spf(domains, lookup), _mx(domains, lookup), _dkim(settings, domains, lookup), _dmarc(policy, domains)]
    return [*found, _aligned(policy, where, domains), _starttls(settings)]


def domains_of(settings: Settings, profile: Profile) -> Domains:
    sender = profile.sender.email.rpartition("@")[2].lower()
    return Domains(
        sender, settings.bounce_domain.lower(), settings.dkim_domain.lower() or sender, settings.dkim_selector
    )


def resolver(setting: str) -> Lookup:
    """A look-up by the named server. BadInput when the setting is no address, or the server does not answer."""
    import dns.exception
    import dns.resolver

    if setting == "system":
        own = dns.resolver.Resolver()
    else:
        host, _, port = setting.partition(":")
        own = dns.resolver.Resolver(configure=False)
        try:
            own.nameservers, own.port = [host], int(port or 53)
        except ValueError:
            raise BadInput("TOCSIN_RESOLVER", "is no address.", "Write 192.0.2.53, 127.0.0.1:5353 or system.") from None
    own.lifetime = SECONDS

    def lookup(name: str, kind: str) -> list[str]:
        try:
            return [_text(record) for record in own.resolve(name, kind, search=False)]
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise BadInput("TOCSIN_RESOLVER", f"gave no answer: {type(error).__name__}.", "Name another one.") from None

    return lookup


def _text(record: Any) -> str:
    strings = getattr(record, "strings", None)
    return b"".join(strings).decode("utf-8", "replace") if strings is not None else str(record)


def tags(record: str) -> dict[str, str]:
    """`v=DMARC1; p=none` as a table."""
    pairs = (part.partition("=") for part in record.split(";") if "=" in part)
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs}


# --- checks ---------------------------------------------------------------------------------------------------------


def _spf(domains: Domains, lookup: Lookup) -> Found:
    """SPF is looked up at the return path's domain, not at From's (RFC 7208 2.4)."""
    records = [r for r in lookup(domains.bounce, "TXT") if r.lower().split(" ")[0] == "v=spf1"]
    remedy = f'Publish one TXT record at {domains.bounce}: "v=spf1 ip4:YOUR-RELAY -all".'
    if len(records) != 1:
        many = "has no SPF record" if not records else f"has {len(records)} SPF records, which counts as an error"
        return Found("SPF", "mend", f"{domains.bounce} {many}", remedy)
    last = records[0].lower().split()[-1]
    if last in ("+all", "all"):
        return Found("SPF", "mend", f"{domains.bounce} lets everybody send ({last})", remedy)
    if last not in ("-all", "~all") and not last.startswith("redirect="):
        return Found("SPF", "note", f"{domains.bounce} does not say who may not send", remedy)
    return Found("SPF", "ok", f"{domains.bounce}: {records[0]}")


def _mx(domains: Domains, lookup: Lookup) -> Found:
    if lookup(domains.bounce, "MX"):
        return Found("bounces", "ok", f"{domains.bounce} has a mail server")
    return Found("bounces", "mend", f"{domains.bounce} has no MX: bounces reach nobody", "Publish one.")


def _dkim(settings: Settings, domains: Domains, lookup: Lookup) -> Found:
    if not domains.selector:
        says = "we do not sign; whether the relay does can't be seen from here"
        return Found("DKIM", "note", says, "Set TOCSIN_DKIM_KEY_FILE and TOCSIN_DKIM_SELECTOR, or let the relay sign.")
    name = f"{domains.selector}._domainkey.{domains.signer}"
    keys = [tags(r) for r in lookup(name, "TXT") if "p=" in r]
    if not keys:
        return Found("DKIM", "mend", f"{name} has no key", "Publish the public half of the key there.")
    if not keys[0]["p"]:
        return Found("DKIM", "mend", f"{name} is revoked", "Publish the key of a new selector, and set it.")
    if settings.dkim_key_file and keys[0]["p"] != _own_key(settings):
        return Found("DKIM", "mend", f"{name} is the key of another file", "Publish the one that signs.")
    return Found("DKIM", "ok", f"{name} is our key" if settings.dkim_key_file else f"{name} is there")


def _own_key(settings: Settings) -> str:
    from flows.steps.dkim_key import published

    return published(settings)


def _dmarc_record(domain: str, lookup: Lookup) -> tuple[Mapping[str, str], str]:
    """The policy, and the domain that has it: the sender's own or the next above it."""
    labels = domain.split(".")
    for n in range(len(labels) - 1):
        above = ".".join(labels[n:])
        for record in lookup(f"_dmarc.{above}", "TXT"):
            found = tags(record)
            if found.get("v", "").upper() == "DMARC1":
                return found, above
    return {}, ""


def _dmarc(policy: Mapping[str, str], domains: Domains) -> Found:
    remedy = f'Publish TXT at _dmarc.{domains.sender}: "v=DMARC1; p=quarantine; rua=mailto:you@{domains.sender}".'
    if not policy:
        return Found("DMARC", "mend", f"{domains.sender} has no policy: anybody can write in its name", remedy)
    if policy.get("p") not in ("quarantine", "reject"):
        return Found(
            "DMARC", "note", f"the policy of {domains.sender} is p={policy.get('p', '')}: forgeries pass", remedy
        )
    return Found("DMARC", "ok", f"{domains.sender}: p={policy['p']}")


def _aligned(policy: Mapping[str, str], organisation: str, domains: Domains) -> Found:
    """DMARC passes where SPF's or DKIM's domain is From's: the same, or, relaxed, of one organisation."""
    spf = _same(domains.bounce, domains.sender, organisation, policy.get("aspf", "r"))
    dkim = bool(domains.selector) and _same(domains.signer, domains.sender, organisation, policy.get("adkim", "r"))
    if not spf and not dkim:
        says = f"neither {domains.bounce} nor a DKIM domain is aligned with {domains.sender}"
        return Found("alignment", "mend", says, "Use a bounce domain below the sender's, or sign with its key.")
    by = " and ".join(name for name, on in (("return path", spf), ("DKIM", dkim)) if on)
    return Found("alignment", "ok", f"{by} with {domains.sender}")


def _same(one: str, sender: str, organisation: str, mode: str) -> bool:
    if one == sender or mode == "s":
        return one == sender
    above = organisation or sender
    return one == above or one.endswith(f".{above}") or sender.endswith(f".{one}")


def _starttls(settings: Settings) -> Found:
    """Whether the relay protects the line. It is greeted and left again; nothing is sent."""
    import smtplib

    from notifiers.email.route import route

    try:
        way = route(settings.smtp_url, settings.mode)
    except TocsinError as error:
        return Found("relay", "mend", str(error))
    kind = smtplib.SMTP_SSL if way.implicit_tls else smtplib.SMTP
    try:
        with kind(way.host, way.port, timeout=SECONDS) as line:
            line.ehlo()
            offered = way.implicit_tls or line.has_extn("starttls")
    except (OSError, smtplib.SMTPException) as error:
        return Found("relay", "mend", f"does not answer: {type(error).__name__}", "Check TOCSIN_SMTP_URL.")
    if offered:
        return Found("relay", "ok", "answers, and the line can be encrypted")
    state = "mend" if way.require_tls else "note"
    return Found("relay", state, "offers no STARTTLS: notices would travel in clear", "Switch it on at the relay.")
