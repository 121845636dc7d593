"""Which carrier carries a channel, made from the settings. In exercise mode each carrier refuses all but loopback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.steps.desk import Desk
from models.tables import Incident
from models.values import BadInput, Channel, Message, Wording
from notifiers.contract import BatchCarrier, Carrier
from notifiers.letter.queue import Press, Pressed

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
    return EmailCarrier(
        settings.smtp_url,
        Address(sender.name or desk.profile.organisation.name, addr_spec=sender.email),
        Address(addr_spec=sender.reply_to) if sender.reply_to else None,
        bounce_domain=settings.bounce_domain,
        secret=bounce_secret(desk, incident),
        mode=settings.mode,
        now=desk.now,
    )


def _sms(desk: Desk, incident: Incident) -> Carrier:
    from notifiers.sms.carrier import SmsCarrier

    s = desk.settings
    _needed(TOCSIN_TWILIO_SID=s.twilio_sid, TOCSIN_TWILIO_TOKEN=s.twilio_token, TOCSIN_TWILIO_FROM=s.twilio_from)
    return SmsCarrier(s.twilio_sid, s.twilio_token, s.twilio_from, api_base=s.twilio_api_base, mode=s.mode)


def _letter(desk: Desk, incident: Incident) -> BatchCarrier:
    from notifiers.letter.queue import LetterQueue

    return LetterQueue(folder(desk, "letters", incident), press(desk))


def _call_list(desk: Desk, incident: Incident) -> BatchCarrier:
    from notifiers.call_list.sheet import CallList

    return CallList(folder(desk, "lists", incident))


_MAKERS: dict[Channel, Callable[[Desk, Incident], AnyCarrier]] = {
    Channel.EMAIL: _email,
    Channel.SMS: _sms,
    Channel.LETTER: _letter,
    Channel.CALL_LIST: _call_list,
}


def folder(desk: Desk, name: str, incident: Incident) -> Path:
    path = desk.settings.folder(name) / incident.slug
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def press(desk: Desk) -> Press:
    """The press with the letterhead, the civil date and, in an exercise, the watermark."""
    from templates.press import press_letters

    sender = letterhead(desk)

    def pressed(wordings: Mapping[str, Wording], messages: Sequence[Message]) -> Pressed:
        return press_letters(wordings, messages, sender=sender, date=desk.now().date(), watermark=desk.watermark)

    return pressed


def letterhead(desk: Desk) -> dict[str, Any]:
    organisation, contact = desk.profile.organisation, desk.profile.contact
    return {
        "name": organisation.name,
        "address": list(organisation.postal_address),
        "country": organisation.country,
        "phone": contact.toll_free or contact.phone,
        "email": contact.email,
        "site": organisation.website,
    }


def _needed(**settings: str) -> None:
    for name, value in settings.items():
        if not value:
            raise BadInput(name, "is not set.", "`tocsin doctor` lists what each channel needs.")
