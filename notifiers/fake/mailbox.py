"""Returned mail of the stand-in relay: delivery reports, automatic replies and complaints, in a Maildir-like folder."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path

HOST = "mx.standin.invalid"


@dataclass(frozen=True, slots=True)
class Envelope:
    return_path: str
    recipient: str
    envid: str = ""
    full: bool = False  # RET=FULL


# What a mark makes of an accepted mail later: action, status, what the far host is said to have answered.
REPORTS: Mapping[str, tuple[str, str, str]] = {
    "dsn": ("failed", "5.1.1", "550 5.1.1 User unknown"),
    "dsnfull": ("failed", "5.2.2", "552 5.2.2 Mailbox full"),
    "dsnpolicy": ("failed", "5.7.1", "550 5.7.1 Message refused by policy"),
    "dsndelay": ("delayed", "4.4.7", "451 4.4.7 Not delivered yet, still trying"),
}


def returned(mark: str, envelope: Envelope, content: bytes) -> bytes | None:
    """The mail that comes back for `mark`, or None."""
    if mark in REPORTS:
        return _report(*REPORTS[mark], envelope, content)
    if mark == "autoreply":
        return _auto_reply(envelope)
    return _complaint(envelope, content) if mark == "complaint" else None


def _report(action: str, status: str, answer: str, envelope: Envelope, content: bytes) -> bytes:
    """RFC 3464: words for people, fields for programs, the headers of what was sent."""
    outer = MIMEMultipart("report", policy=SMTP)
    outer.set_param("report-type", "delivery-status")
    outer["From"] = f"Mail Delivery System <MAILER-DAEMON@{HOST}>"
    outer["To"] = envelope.return_path
    outer["Subject"] = "Delivery Status Notification"
    outer["Date"] = formatdate()
    outer["Message-ID"] = f"<{uuid.uuid4().hex}@{HOST}>"
    outer["Auto-Submitted"] = "auto-replied"
    words = f"This is the mail system at {HOST}. Your message to <{envelope.recipient}>: {action}. It said: {answer}"
    outer.attach(MIMEText(words, "plain", "utf-8"))
    outer.attach(_fields(action, status, answer, envelope))
    outer.attach(_copy(content, envelope.full))
    return outer.as_bytes()


def _fields(action: str, status: str, answer: str, envelope: Envelope) -> MIMEBase:
    whole, recipient = Message(), Message()
    whole["Reporting-MTA"] = f"dns; {HOST}"
    if envelope.envid:
        whole["Original-Envelope-Id"] = envelope.envid
    recipient["Final-Recipient"] = f"rfc822; {envelope.recipient}"
    recipient["Action"], recipient["Status"] = action, status
    recipient["Diagnostic-Code"] = f"smtp; {answer}"
    part = MIMEBase("message", "delivery-status")
    part.attach(whole)
    part.attach(recipient)
    return part


def _copy(content: bytes, full: bool) -> MIMEBase:
    part = MIMEBase("message", "rfc822") if full else MIMEBase("text", "rfc822-headers")
    head = content if full else content.split(b"\r\n\r\n", 1)[0] + b"\r\n"
    part.set_payload(head.decode("utf-8", "replace"))
    return part


def _auto_reply(envelope: Envelope) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = envelope.recipient, envelope.return_path
    mail["Subject"], mail["Date"] = "Out of office", formatdate()
    mail["Auto-Submitted"] = "auto-replied"
    mail.set_content("I am away until Monday.")
    return mail.as_bytes()


def _complaint(envelope: Envelope, content: bytes) -> bytes:
    """RFC 5965: a reader pressed "this is spam"."""
    outer = MIMEMultipart("report", policy=SMTP)
    outer.set_param("report-type", "feedback-report")
    outer["From"], outer["To"] = f"complaints@{HOST}", envelope.return_path
    outer["Subject"], outer["Date"] = "Complaint about a message", formatdate()
    outer.attach(MIMEText("This is a report about a message that our user marked as spam.", "plain", "utf-8"))
    part = MIMEBase("message", "feedback-report")
    part.set_payload(
        f"Feedback-Type: abuse\r\nUser-Agent: standin/1\r\nVersion: 1\r\nOriginal-Rcpt-To: {envelope.recipient}\r\n"
    )
    outer.attach(part)
    outer.attach(_copy(content, False))
    return outer.as_bytes()


def deliver(folder: Path, mail: bytes) -> Path:
    """Into `folder`/new by way of tmp, as Maildir does: a reader never sees half a mail."""
    for name in ("tmp", "new"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    name = f"{uuid.uuid4().hex}.eml"
    with (folder / "tmp" / name).open("wb") as f:
        f.write(mail)
        f.flush()
        os.fsync(f.fileno())
    return (folder / "tmp" / name).rename(folder / "new" / name)
