"""Which carrier carries a channel, made from the settings. In exercise mode each carrier refuses all but loopback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.steps.desk import Desk
from flows.steps.night import Hushed, night
from models.tables import Incident
from models.values import BadInput, Channel, Message, Wording
from models.verification import link
from notifiers.contract import BatchCarrier, Carrier
from notifiers.letter.queue import Press, Pressed, ReadBack

AnyCarrier = Carrier | BatchCarrier


def open_carrier(desk: Desk, incident: Incident, channel: Channel) -> AnyCarrier:
    """A carrier ready to send. BadInput names the setting that is missing."""
    return _MAKERS[channel](desk, incident)


def bounce_secret(desk: Desk, incident: Incident) -> bytes:
    """The key of the return paths' MACs. Goes with the incident's key."""
    return desk.key(incident).token("bounce", incident.id, 51).encode()


def _email(desk: Desk, incident: Incident) -> Carrier:
    from email.headerregistry import Address

    from notifiers.email.carrier import EmailCarrier

    settings, sender = desk.settings, desk.profile.sender
    _needed(TOCSIN_SMTP_URL=settings.smtp_url, TOCSIN_BOUNCE_DOMAIN=settings.bounce_domain)
    if not sender.email:
        raise BadInput(f"{settings.profile}: [sender] email", "is missing.", "Notices come from it.")
    from flows.steps.dkim_key import signer

    carrier = EmailCarrier(
        settings.smtp_url,
        Address(sender.name or desk.profile.organisation.name, addr_spec=sender.email),
        Address(addr_spec=sender.reply_to) if sender.reply_to else None,
        bounce_domain=settings.bounce_domain,
        secret=bounce_secret(desk, incident),
        mode=settings.mode,
        now=desk.now,
        signer=signer(settings, sender.email.rpartition("@")[2]),
    )
    hours = desk.profile.emails
    return carrier if (hours.first, hours.last) == (0, 24) else Hushed(carrier, night(desk, incident, hours))


def _sms(desk: Desk, incident: Incident) -> Carrier:
    from models.intake.regions import country_of
    from notifiers.sms.carrier import Privacy, SmsCarrier

    s, texts = desk.settings, desk.profile.texts
    _needed(TOCSIN_TWILIO_SID=s.twilio_sid, TOCSIN_TWILIO_TOKEN=s.twilio_token, TOCSIN_TWILIO_FROM=s.twilio_from)
    return SmsCarrier(
        s.twilio_sid,
        s.twilio_token,
        s.twilio_from,
        api_base=s.twilio_api_base,
        mode=s.mode,
        status_callback=f"{s.callback_url.rstrip('/')}/sms" if s.callback_url else "",
        privacy=Privacy(texts.discard_content, texts.obfuscate_address, round(texts.validity_hours * 3600)),
        senders=desk.profile.sms_sender,
        country=country_of,
        hours=night(desk, incident, texts),
    )


def _voice(desk: Desk, incident: Incident) -> Carrier:
    from models.intake.contacts import zones_of
    from notifiers.voice.carrier import VoiceCarrier
    from planning.hours import wait

    s, hours, home = desk.settings, desk.profile.calls, desk.profile.organisation.timezone
    _needed(TOCSIN_TWILIO_SID=s.twilio_sid, TOCSIN_TWILIO_TOKEN=s.twilio_token)
    _needed(TOCSIN_TWILIO_VOICE_FROM=s.twilio_voice_from, TOCSIN_CALLBACK_URL=s.callback_url)

    def quiet(phone: str) -> float:
        return wait(desk.now(), zones_of(phone), hours.first, hours.last, home)

    who = (s.twilio_sid, s.twilio_token, s.twilio_voice_from)
    return VoiceCarrier(*who, api_base=s.twilio_api_base, callback=s.callback_url, mode=s.mode, quiet=quiet)


def _push(desk: Desk, incident: Incident) -> Carrier:
    from notifiers.push.carrier import PushCarrier

    s = desk.settings
    _needed(TOCSIN_PUSH_URL=s.push_url, TOCSIN_PUSH_SECRET=s.push_secret)
    return PushCarrier(s.push_url, s.push_secret, s.mode, desk.clock.lease)


def _letter(desk: Desk, incident: Incident) -> BatchCarrier:
    from notifiers.letter.queue import LetterQueue

    return LetterQueue(folder(desk, "letters", incident), press(desk), read_back=read_back(desk))


def _call_list(desk: Desk, incident: Incident) -> BatchCarrier:
    from notifiers.call_list.sheet import CallList

    return CallList(folder(desk, "lists", incident))


_MAKERS: dict[Channel, Callable[[Desk, Incident], AnyCarrier]] = {
    Channel.EMAIL: _email,
    Channel.SMS: _sms,
    Channel.VOICE: _voice,
    Channel.PUSH: _push,
    Channel.LETTER: _letter,
    Channel.CALL_LIST: _call_list,
}


def folder(desk: Desk, name: str, incident: Incident) -> Path:
    path = desk.settings.folder(name) / incident.slug
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def press(desk: Desk) -> Press:
    """The press with the letterhead, the civil date and, in an exercise, the watermark."""
    from flows.steps.letters import reserve_serials
    from templates.letters import press_letters

    sender, large = letterhead(desk), desk.profile.sender.large_print

    def pressed(wordings: Mapping[str, Wording], messages: Sequence[Message]) -> Pressed:
        first = reserve_serials(desk, sender["mailer_id"], len(messages)) if sender["mailer_id"] else 0
        more: dict[str, Any] = {"watermark": desk.watermark, "large_print": large, "first_serial": first}
        return press_letters(wordings, messages, sender=sender, date=desk.now().date(), **more)

    return pressed


def read_back(desk: Desk) -> ReadBack:
    """What holds a printed batch against its manifest before it is sealed."""
    from templates.readback import Row, differences
    from templates.sheets import profile_of

    box = profile_of(desk.profile.organisation.country, desk.profile.sender.envelope).box

    def compared(pdf: bytes, entries: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        rows = [Row(e["reference"], e["page_from"], e["page_to"], tuple(e["printed"])) for e in entries]
        return differences(pdf, rows, box)

    return compared


def letterhead(desk: Desk) -> dict[str, Any]:
    organisation, contact = desk.profile.organisation, desk.profile.contact
    return {
        "name": organisation.name,
        "address": list(organisation.postal_address),
        "country": organisation.country,
        "phone": contact.toll_free or contact.phone,
        "email": contact.email,
        "site": organisation.website,
        "verify": link(contact.verify, "{code}") if contact.verify else "",
        **{name: getattr(desk.profile.sender, name) for name in ("envelope", "duplex", "mailer_id", "service_type")},
    }


def _needed(**settings: str) -> None:
    for name, value in settings.items():
        if not value:
            raise BadInput(name, "is not set.", "`tocsin doctor` lists what each channel needs.")
