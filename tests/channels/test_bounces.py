"""Bounces: standard and strange ones, matched by a MAC and measured on mails that others collected."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from email.headerregistry import Address
from pathlib import Path

import pytest

from bench import bounces as bench
from models.values import BadInput, Channel, Contacts, Evidence, Message, Mode, Slot
from notifiers.email import marks
from notifiers.email.bounces import classify, match, receipts, receipts_classify
from notifiers.email.carrier import EmailCarrier
from notifiers.email.codes import Phase, verdict
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
    real = marks.return_path(marks.token("d1", SECRET), "b.example.org")
    other = marks.return_path(marks.token("d2", SECRET), "b.example.org")
    forged = marks.return_path(marks.token("d1", b"guess"), "b.example.org")
    cases = [
        (f"To: {real}\n\nx", "d1"),
        (f"To: {real.upper()}\n\nx", "d1"),
        (f"To: {forged}\n\nx", ""),
        ("To: b+d1.00000000@b.example.org\n\nx", ""),
        (f"To: {real}, {other}\n\nx", ""),
        (f"To: us@example.org\n\nOriginal-Envelope-Id: {marks.token('d1', SECRET)}\n", "d1"),
        (
            f"To: us@example.org\n\nMessage-ID: {marks.message_id('n1', marks.token('d1', SECRET), 'example.org')}\n",
            "d1",
        ),
        (f"To: {real}\n\nMessage-ID: {marks.message_id('n2', marks.token('d2', SECRET), 'example.org')}\n", "d1"),
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


@pytest.mark.parametrize(
    ("words", "kind", "why"),
    [
        ("550 5.1.1 User unknown (in reply to RCPT TO command)", "hard", "the address was refused"),
        ("550 User unknown (in reply to RCPT TO command)", "hard", "the address was refused"),
        ("550 Unknown user (in reply to end of DATA command)", "soft", "it had been taken: a filter speaks"),
        ("550 : User unknown", "soft", "it names nobody: a filter speaks"),
        ("550 5.2.1 User unknown", "soft", "the code says that the mailbox exists"),
        ("550 5.1.1 Refused due to recipient preferences", "soft", "the person's own filter"),
        ("550 5.1.1 The account is disabled", "soft", "it exists"),
        ("525 5.7.13 User account disabled", "soft", "it exists, and the fault is not ours"),
        ("550 5.7.1 User unknown", "soft", "policy and unknown contradict each other"),
        ("550 5.1.1 203.0.113.9 has sent to too many recipients", "soft", "our speed"),
        ("452 4.1.1 User unknown", "hard", "given up at last, and the address is named"),
        ("450 4.2.0 No such user", "soft", "a temporary code"),
        ("501 relay not welcome (in reply to MAIL FROM command)", "policy", "nobody had been named yet"),
        ("550 Rejected (in reply to EHLO command)", "policy", "nobody had been named yet"),
        ("554 5.3.0 unknown mailer error 255", "soft", "a program behind the mailbox"),
        ("550 5.4.1 Recipient address rejected: Access denied", "hard", "one large host says so of unknown mailboxes"),
    ],
)
def test_hard_wants_a_code_and_words_and_a_moment_that_agree(words: str, kind: str, why: str) -> None:
    (found,) = classify((HEAD + f"<a@example.net>: host mx.example.net said: {words}\n").encode())
    assert found.kind == kind, why


def test_what_follows_data_because_nobody_was_left_is_no_filter() -> None:
    ahead = ">>> DATA\n<<< 550 User unknown\n<<< 503 5.0.0 Need RCPT (recipient)\n"
    after = ">>> DATA\n<<< 550 User unknown\n554 5.0.0 Service unavailable\n"
    kinds = [str(classify((HEAD + f"<a@example.net>\n{said}").encode())[0].kind) for said in (ahead, after)]
    assert kinds == ["hard", "soft"]


def test_a_report_without_an_address_takes_the_one_it_was_sent_to() -> None:
    body = "Final-Recipient: rfc822; |/usr/local/bin/filter\nAction: failed\nStatus: 5.1.1\n\n"
    raw = HEAD.replace("\n\n", "\nMIME-Version: 1.0\nContent-Type: text/plain\n\n") + body + "To: b@example.net\n"
    assert [(r.address, str(r.kind)) for r in classify(raw.encode())] == [("b@example.net", "hard")]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("5.2.1 not accepting messages", "refused"),
        ("5.7.13 User account disabled", "refused"),
        ("5.1.1 Refused due to recipient preferences", "refused"),
        ("This account has been disabled", "refused"),
        ("5.2.2 Mailbox full", "deferred"),
        ("5.1.1 User unknown", "refused"),
    ],
)
def test_a_mailbox_that_will_not_take_it_is_not_asked_again_and_a_full_one_is(answer: str, outcome: str) -> None:
    assert verdict(Phase.RCPT, 550, answer).outcome == outcome


AWAY = [
    "Automatic reply: Your data",
    "Automatische Antwort: Ihre Daten",
    "Réponse automatique : vos données",
    "Respuesta automática: sus datos",
    "Out of Office: notice",
    "自动回复: 通知",
    "不在通知",
]


@pytest.mark.parametrize("subject", AWAY)
@pytest.mark.parametrize("marks_", ["", "Auto-Submitted: auto-replied\n", "Return-Path: <>\n"])
def test_an_automatic_reply_is_never_a_bounce(subject: str, marks_: str) -> None:
    raw = f"From: Anna <anna@example.net>\n{marks_}Subject: {subject}\n\nI am away until 5 December.\n".encode()
    assert [str(r.kind) for r in classify(raw)] == ["auto_reply"]
    token = marks.return_path(marks.token("d1", SECRET), "b.example.org")
    (receipt,) = receipts(b"To: " + token.encode() + b"\n" + raw, SECRET, NOW)
    assert (receipt.delivery, receipt.evidence) == ("d1", Evidence.AUTO_REPLY)


def test_an_answer_from_nobody_without_a_code_says_nothing() -> None:
    raw = b"From: Anna <anna@example.net>\nReturn-Path: <>\nSubject: hello\n\nI have moved house.\n"
    assert classify(raw) == []


HOSTILE = {
    "a run of letters": b"a" * 1_000_000,
    "a run of at signs": b"a@" * 500_000,
    "a domain without end": b"a@" + b"a." * 500_000,
    "brackets that never close": b"<" * 1_000_000,
    "words that begin a finding": b"user " * 200_000,
    "offers of help": b"contact a@b.example " * 50_000,
    "JSON without a floor": b'{"a":' + b"[" * 500_000,
    "fifty thousand recipients": b"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n" * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_mail_made_to_stall_the_reader_is_read_in_seconds(name: str) -> None:
    start = time.process_time()
    assert len(classify(HEAD.encode() + HOSTILE[name])) <= 1
    assert time.process_time() - start < 20, "bounded patterns take about one second"


def test_a_mail_nested_without_end_is_read_by_its_head() -> None:
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000))
    inner = b"Content-Type: message/rfc822\n\n" * 3000
    long_head = b"From: " + b"=?utf-8?q?a?= " * 100_000 + b"\n\nx"
    token = marks.return_path(marks.token("d1", SECRET), "b.example.org").encode()
    for raw in (parts, inner, long_head):
        classify(HEAD.encode().rstrip() + b"\n" + raw)
        assert match(b"To: " + token + b"\n" + raw, SECRET) == "d1"


corpus = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of bounces is not here")


# The second half was measured before anybody read it (95.1 % agreed, 4.9 % of soft called hard); a few rules then came
# from it too. On 309 further recipients of the same collection, 155 of them never read: see bench/bounces.py.
@corpus
@pytest.mark.parametrize("part", [0, 1], ids=["developed on", "kept back"])
def test_other_peoples_bounces_are_judged_as_labelled(part: int) -> None:
    found = bench.score(CORPUS, bench.halves(CORPUS)[part], bench.ours)
    print(found.row())
    assert found.recipients > 130
    assert found.named / found.recipients >= 0.97
    assert found.agreed / found.recipients >= 0.92
    assert found.soft_as_hard / found.not_hard <= 0.03


@corpus
def test_no_automatic_reply_of_the_corpus_is_called_a_bounce() -> None:
    assert bench.auto_replies_called_bounces(CORPUS) == 0


@corpus
def test_no_damaged_mail_makes_it_stumble() -> None:
    mails = [file.read_bytes() for file in sorted(CORPUS.glob("*.eml"))]
    assert bench.stumbles(mails, 2000, seed=7) == []


@corpus
def test_a_status_code_that_stands_in_the_mail_is_found() -> None:
    right = total = 0
    for file, rows in bench.labels(CORPUS).items():
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
