"""Bounces: standard and strange ones, matched by a MAC and measured on mails that others collected."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import random
from collections import defaultdict
from email.headerregistry import Address
from pathlib import Path

import pytest

from models.values import BadInput, Channel, Contacts, Evidence, Message, Mode, Slot
from notifiers.email import marks
from notifiers.email.bounces import classify, match, receipts, receipts_classify
from notifiers.email.carrier import EmailCarrier
from notifiers.fake.smtp import SmtpSink

SECRET = b"k" * 32
NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
CORPUS = Path(__file__).parents[3] / "shared/corpora/bounces"
HEAD = "From: MAILER-DAEMON@mx.example.org\nTo: us@example.org\nSubject: Undelivered Mail Returned to Sender\n\n"


def returned_for(mark: str, folder: Path) -> tuple[str, bytes]:
    """Send through a real socket to a relay that bounces later; the delivery and what came back."""

    async def run() -> str:
        async with SmtpSink(outbox=folder) as sink:
            who = Address("Example", "privacy", "example.org")
            carrier = EmailCarrier(sink.url, who, None, "b.example.org", SECRET, Mode.EXERCISE)
            to = Contacts(email=f"anna+{mark}@example.org")
            m = Message("d7", "n7", Channel.EMAIL, "en", to, {Slot.NAME: "Anna"}, "Your data", "Dear reader")
            await carrier.send(m)
            await carrier.close()
            return m.delivery

    delivery = asyncio.run(run())
    (file,) = (folder / "new").iterdir()
    return delivery, file.read_bytes()


@pytest.mark.parametrize(
    ("mark", "status", "kind", "evidence"),
    [
        ("dsn", "5.1.1", "hard", "hard"),
        ("dsnfull", "5.2.2", "soft", "hard"),  # soft of the address; this mail is lost
        ("dsnpolicy", "5.7.1", "policy", "policy"),
        ("dsndelay", "4.4.7", "soft", "soft"),
        ("autoreply", "", "auto_reply", "auto_reply"),
        ("complaint", "", "complaint", "complaint"),
    ],
)
def test_what_comes_back_names_its_delivery_and_says_what_it_says(
    mark: str, status: str, kind: str, evidence: str, tmp_path: Path
) -> None:
    delivery, raw = returned_for(mark, tmp_path)
    (found,) = classify(raw)
    assert (found.address, found.status, found.kind) == (f"anna+{mark}@example.org", status, kind)
    assert match(raw, SECRET) == delivery
    (receipt,) = receipts(raw, SECRET, NOW)
    assert (receipt.delivery, receipt.evidence, receipt.code) == (delivery, evidence, status)
    assert receipts(raw, SECRET, NOW)[0].digest == receipt.digest, "the same receipt twice counts once"


TEXTS = [
    (
        "qmail",
        "Hi. This is the qmail-send program.\n\n<a@example.net>:\nSorry, no mailbox here by that name. (#5.1.1)",
        "hard",
    ),
    ("full under 5.1.1", "<a@example.net>: 550 5.1.1 Mailbox is full, try later", "soft"),
    ("blocked", "<a@example.net>: host mx said: 550 5.7.1 listed at zen.spamhaus.example", "policy"),
    ("timeout", "<a@example.net>: connect to mx.example.net: Connection timed out", "soft"),
    ("name that sounds like a finding", "<mailbox-full-spam@example.net>: 550 5.1.1 User unknown", "hard"),
    ("nothing known", "<a@example.net>: something happened", "soft"),
]


@pytest.mark.parametrize(("name", "text", "kind"), TEXTS, ids=[t[0] for t in TEXTS])
def test_a_bounce_without_fields_is_read_from_its_words(name: str, text: str, kind: str) -> None:
    (found,) = classify((HEAD + text + "\n").encode())
    assert found.kind == kind
    assert found.address.endswith("@example.net")


def test_a_warning_that_the_relay_still_tries_is_no_end() -> None:
    text = "<a@example.net>: connection timed out\nThis is a warning message only. We will keep trying for 4 days.\n"
    raw = (HEAD + text).encode()
    assert [(r.kind, r.final) for r in classify(raw)] == [(Evidence.BOUNCED_SOFT, False)]
    assert [r.evidence for r in receipts(raw, SECRET, NOW)] == [Evidence.BOUNCED_SOFT]


def test_two_people_in_one_bounce_get_each_their_own() -> None:
    text = "<a@example.net>:\n5.1.1 User unknown\n\n<b@example.net>:\n5.2.2 Mailbox full\n"
    assert [(r.address, r.kind) for r in classify((HEAD + text).encode())] == [
        ("a@example.net", Evidence.BOUNCED_HARD),
        ("b@example.net", Evidence.BOUNCED_SOFT),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        b"From: anna@example.org\nSubject: Question about your letter\n\nWhat does it mean?\n",
        b"Content-Type: multipart/report; report-type=delivery-status\n\nAction: delivered\n",
    ],
)
def test_a_mail_that_is_no_bounce_says_nothing(raw: bytes) -> None:
    assert classify(raw) == []


def test_a_forged_or_ambiguous_token_matches_nothing() -> None:
    real = marks.return_path("d1", "b.example.org", SECRET)
    other = marks.return_path("d2", "b.example.org", SECRET)
    forged = marks.return_path("d1", "b.example.org", b"guess")
    cases = [
        (f"To: {real}\n\nx", "d1"),
        (f"To: {real.upper()}\n\nx", "d1"),
        (f"To: {forged}\n\nx", ""),
        ("To: b+d1.00000000@b.example.org\n\nx", ""),
        (f"To: {real}, {other}\n\nx", ""),
        (f"To: us@example.org\n\nOriginal-Envelope-Id: {marks.token('d1', SECRET)}\n", "d1"),
        (f"To: us@example.org\n\nMessage-ID: {marks.message_id('n1', 'd1', 'example.org', SECRET)}\n", "d1"),
        (f"To: {real}\n\nMessage-ID: {marks.message_id('n2', 'd2', 'example.org', SECRET)}\n", "d1"),
        ("To: us@example.org\n\nnothing\n", ""),
    ]
    assert [match(raw.encode(), SECRET) for raw, _ in cases] == [wanted for _, wanted in cases]


def test_an_id_that_could_break_a_return_path_is_refused() -> None:
    for bad in ("", "a b", "a@b", "A", "a.b", "x" * 41, "a\n"):
        with pytest.raises(BadInput):
            marks.token(bad, SECRET)


def test_a_folder_is_classified_by_file(tmp_path: Path) -> None:
    (tmp_path / "b.eml").write_bytes((HEAD + "<a@example.net>: 550 5.1.1 User unknown\n").encode())
    (tmp_path / "a.eml").write_bytes(b"Subject: hello\n\nhello\n")
    assert receipts_classify(tmp_path) == [
        {"file": "a.eml", "recipients": []},
        {"file": "b.eml", "recipients": [{"address": "a@example.net", "status": "5.1.1", "class": "hard"}]},
    ]
    with pytest.raises(BadInput, match="missing"):
        receipts_classify(tmp_path / "missing")


corpus = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of bounces is not here")
# Reasons of the corpus that are refusals for what was sent or who sent it.
POLICY = frozenset(
    {
        "rejected",
        "blocked",
        "requireptr",
        "authfailure",
        "policyviolation",
        "spamdetected",
        "norelaying",
        "securityerror",
        "contenterror",
        "virusdetected",
        "badreputation",
        "notcompliantrfc",
    }
)


def _labels() -> dict[str, list[dict[str, str]]]:
    rows = defaultdict(list)
    with (CORPUS / "labels.csv").open() as f:
        for row in csv.DictReader(f):
            rows[row["file"]].append(row)
    return rows


def _agrees(found: list[tuple[str, str]], n: int, row: dict[str, str]) -> bool:
    kind = found[n][1] if n < len(found) else ""
    if row["reason"] == "delivered":
        return not found
    if row["reason"] == "vacation":
        return kind == "auto_reply"
    return bool(kind) and (kind == "hard") is (row["hard"] == "true")


@corpus
def test_nine_in_ten_of_other_peoples_bounces_are_judged_as_labelled() -> None:
    right = policy = policies = total = 0
    for file, rows in _labels().items():
        found = [(r.status, str(r.kind)) for r in classify((CORPUS / file).read_bytes())]
        for row in rows:
            n = int(row["recipient_index"])
            total += 1
            right += _agrees(found, n, row)
            policies += row["reason"] in POLICY
            policy += row["reason"] in POLICY and n < len(found) and found[n][1] == "policy"
    print(f"hard or not: {right} of {total} ({right / total:.1%}); policy: {policy} of {policies}")
    assert right / total >= 0.9
    assert policy / policies >= 0.7


@corpus
def test_a_status_code_that_stands_in_the_mail_is_found() -> None:
    right = total = 0
    for file, rows in _labels().items():
        found = [r.status for r in classify((CORPUS / file).read_bytes())]
        for row in rows:
            invented = row["status"][2:5] == "0.9"  # the label's own code for "none given"
            if row["status"] and not invented and row["reason"] != "delivered":
                n = int(row["recipient_index"])
                total += 1
                right += n < len(found) and found[n] == row["status"]
    print(f"status: {right} of {total} ({right / total:.1%})")
    assert right / total >= 0.95


@corpus
def test_complaints_and_replies_of_the_corpus_are_named_as_such() -> None:
    kinds = {"arf-": "complaint", "rfc3834-": "auto_reply"}
    for start, kind in kinds.items():
        for file in sorted(CORPUS.glob(f"{start}*.eml")):
            assert [str(r.kind) for r in classify(file.read_bytes())] == [kind], file.name


@corpus
def test_no_damaged_mail_makes_it_stumble() -> None:
    chance = random.Random(7)  # noqa: S311 - repeatable damage, no secret
    for file in sorted(CORPUS.glob("*.eml"))[::3]:
        raw = bytearray(file.read_bytes())
        for _ in range(40):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        cut = bytes(raw[: chance.randrange(len(raw))])
        for damaged in (bytes(raw), cut):
            assert all(r.kind for r in classify(damaged))
            assert match(damaged, SECRET) == ""
