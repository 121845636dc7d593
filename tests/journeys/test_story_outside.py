"""Spoken calls, the app, codes and the page that is out: told only by evidence, and nothing told to the wrong one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import uvicorn
from standardwebhooks import Webhook
from starlette.requests import Request
from starlette.testclient import TestClient

from console.web.outside import _source, create_app
from flows.steps import guarding, posted, publish, verify_notice, voicing, watch_deadlines
from flows.steps.desk import find_incident, open_desk
from models import verification
from models.tables import Notice
from models.values import BadInput, NeedsPerson, Refused
from notifiers.fake.app import SECRET, AppStandIn
from notifiers.fake.phone import AGAIN, BUSY, LEAVES, MACHINE, NOBODY, SILENT, WRONG
from notifiers.public.pages import statement


def reopened(office: Any, **environ: str) -> None:
    office.environ.update(environ)
    office.reopen()


def promised(office: Any, *channels: str) -> None:
    """The shop, whose own promise names these channels in this order."""
    office.declare(office.SHOP, promise=[{**office.SHOP["promise"][0], "channels": list(channels)}])


@contextmanager
def answering(office: Any) -> Iterator[str]:
    """`tocsin answer` in a thread, on a desk of its own."""
    desk = open_desk(office.environ, clock=office.desk.clock)
    server = uvicorn.Server(uvicorn.Config(create_app(desk), host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    reopened(office, TOCSIN_CALLBACK_URL=url, TOCSIN_TWILIO_VOICE_FROM="+12025550199")
    desk.settings = office.desk.settings
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(10)
        desk.close()


def settled(check: Callable[[], bool]) -> None:
    """Waits for calls that are under way."""
    until = time.monotonic() + 10
    while not check() and time.monotonic() < until:
        time.sleep(0.05)
    assert check()


def spoken(office: Any, *numbers: str) -> None:
    """A shop whose people have a telephone and an address, called at noon by a machine first."""
    office.profile("[wave]", '[ladder]\norder = ["voice", "letter"]\n[calls]\nfirst = 0\nlast = 24\n[wave]')
    promised(office, "telephone", "letter")
    people = [office.customer(n, email="", phone=f"+1202555{end}") for n, end in enumerate(numbers)]
    office.scope(people)


ENDINGS = [
    ("0123", "heard", "delivered"),
    (AGAIN, "heard", "delivered"),
    (MACHINE, "machine", "undeliverable"),
    (NOBODY, "no_answer", "undeliverable"),
    (WRONG, "wrong_number", "undeliverable"),
    (SILENT, "no_key", "undeliverable"),
    (LEAVES, "hung_up", "undeliverable"),
    (BUSY, "busy", "undeliverable"),
]


def test_a_call_tells_only_who_confirmed_and_heard_it_and_every_other_gets_a_letter_next(office: Any) -> None:
    spoken(office, *(number for number, _, _ in ENDINGS))
    with answering(office):
        wave = office.prepare()
        assert wave.ladders == {"voice>letter": len(ENDINGS)}
        office.sign("wave:1")
        office.send(1)
        settled(lambda: sum(n for (c, s), n in office.states().items() if c == "voice" and s != "accepted") == 8)
    heard = {c["to"][-4:]: office.twilio.phone.heard[sid] for sid, c in office.twilio.phone.calls.items()}
    for n, (number, ending, state) in enumerate(ENDINGS):
        assert office.states_of(n)["voice"] == state, number
        receipt = next(r for r in office.rows("receipt", source="voice") if r["delivery_id"] == voice_of(office, n))
        assert receipt["code"] == ending
        said = " ".join(heard[number])
        told = ending in ("heard", "hung_up")
        assert ("security incident" in said) == told, f"{number}: nothing of the incident before a key"
    assert heard[MACHINE] == [] and heard[NOBODY] == []
    assert len(heard[AGAIN]) == 3 and len(heard["0123"]) == 2, "asked, told, and told once more where asked for"
    office.send(1)
    assert office.people() == {"told": 8}, "two by voice, six by the letter that followed"


def voice_of(office: Any, number: int) -> str:
    rows = office.rows("delivery", subject_id=office.subject(number))
    return next(row["id"] for row in rows if row["channel"].value == "voice")


def test_a_call_that_was_only_placed_tells_nobody_and_its_silence_opens_the_next_rung(office: Any) -> None:
    spoken(office, "0123")
    reopened(office, TOCSIN_CALLBACK_URL="http://127.0.0.1:9", TOCSIN_TWILIO_VOICE_FROM="+12025550199")
    office.launch()
    assert office.states() == {("voice", "accepted"): 1}
    assert office.people() == {"open": 1}
    office.twilio.phone.calls.clear()  # and the provider knows nothing of it any more
    office.pass_time(days=3, minutes=1)
    office.settle()
    assert office.states()["voice", "undeliverable"] == 1 and office.states()["letter", "ready"] == 1


def test_a_call_waits_for_the_persons_morning_without_wearing_out_the_rung(office: Any) -> None:
    spoken(office, "0123")
    office.profile("first = 0\nlast = 24", "first = 9\nlast = 20")
    reopened(office, TOCSIN_CALLBACK_URL="http://127.0.0.1:9", TOCSIN_TWILIO_VOICE_FROM="+12025550199")
    assert office.desk.now().hour == 9, "UTC; it is before dawn in Washington"
    office.launch()
    row = office.rows("delivery")[0]
    assert (row["state"].value, row["code"], office.twilio.phone.calls) == ("ready", "quiet_hours", {})
    assert 14 <= row["not_before"].hour <= 15, "nine in the morning there"


def test_nobody_but_the_provider_hears_a_call(office: Any) -> None:
    spoken(office, "0123")
    reopened(office, TOCSIN_CALLBACK_URL="http://127.0.0.1:9", TOCSIN_TWILIO_VOICE_FROM="+12025550199")
    office.launch()
    client = TestClient(create_app(office.desk))
    place = f"/voice/{voice_of(office, 0)}"
    for path in (f"{place}/start", f"{place}/key", f"{place}/told", f"{place}/status"):
        assert client.post(path, data={"Digits": "1", "AnsweredBy": "human"}).status_code == 403
    with pytest.raises(BadInput, match="none of ours"):
        voicing.say(office.desk, "somebody-else", "start", {})


def test_a_hold_ends_a_call_that_rings_already(office: Any) -> None:
    from flows.steps import approvals
    from models.values import HoldScope

    spoken(office, "0123")
    reopened(office, TOCSIN_CALLBACK_URL="http://127.0.0.1:9", TOCSIN_TWILIO_VOICE_FROM="+12025550199")
    office.launch()
    own = voice_of(office, 0)
    assert "<Gather" in voicing.say(office.desk, own, "start", {"AnsweredBy": "human"})
    approvals.hold(office.desk, office.slug, HoldScope.INCIDENT, "", "the police ask", "lead")
    for step in ("start", "key", "told"):
        assert "<Say" not in voicing.say(office.desk, own, step, {"Digits": "1"})


# --- the app --------------------------------------------------------------------------------------------------------


def pushed(office: Any, app: AppStandIn, *ids: str) -> None:
    office.profile("[wave]", '[ladder]\norder = ["push", "email"]\n[wave]')
    promised(office, "notification", "email")
    office.scope([office.customer(n, app=f"app-{n}{end}") for n, end in enumerate(ids)])
    reopened(office, TOCSIN_PUSH_URL=app.url, TOCSIN_PUSH_SECRET=SECRET)


@pytest.fixture
def app() -> Iterator[AppStandIn]:
    standin = AppStandIn().start()
    yield standin
    standin.stop()


def receipt(kind: str, delivery: str, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    from datetime import UTC, datetime

    body = json.dumps({"type": kind, "timestamp": "2026-03-02T10:00:00Z", "data": {"delivery": delivery}})
    now = datetime.now(UTC)
    signed = Webhook(secret).sign("r-1", now, body)
    head = {"webhook-id": "r-1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signed}
    return head, body.encode()


def test_the_app_gets_each_notice_once_and_only_what_it_shows_counts_as_told(office: Any, app: AppStandIn) -> None:
    pushed(office, app, "", "", "-gone", "-drop", "-busy")
    assert office.prepare().ladders == {"push>email": 5}
    office.sign("wave:1")
    office.send(1)
    assert app.refused == 0
    assert office.states_of(2) == {"push": "undeliverable", "email": "accepted"}, "gone from the app: by email at once"
    assert office.states_of(3)["push"] == "unknown" and office.states_of(4)["push"] == "ready"
    office.pass_time(minutes=20)
    office.settle()  # waits once, then sends the same id again
    office.pass_time(minutes=20)
    office.settle()
    office.send(1)
    assert {office.states_of(n)["push"] for n in (0, 1, 3, 4)} == {"accepted"}
    assert len(app.seen) == 4 and sum(app.repeats.values()) == 1, "the copy of the lost answer was dropped by its id"
    assert office.people() == {"told": 1, "open": 4}, "that the app took it tells nobody"
    own = {n: next(r["id"] for r in office.rows("delivery", subject_id=office.subject(n))) for n in (0, 1)}
    client = TestClient(create_app(office.desk))
    head, body = receipt("notice.shown", own[0])
    assert [client.post("/app/receipts", content=body, headers=head).json() for _ in range(2)] == [
        {"receipt": "noted"}
    ] * 2
    head, body = receipt("notice.delivered", own[1])
    assert client.post("/app/receipts", content=body, headers=head).json() == {"receipt": "nothing"}
    head, body = receipt("notice.shown", own[1], secret="whsec_" + "b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldC1vdGhlcg==")
    assert client.post("/app/receipts", content=body, headers=head).status_code == 401
    head, body = receipt("notice.shown", "nobodys")
    assert client.post("/app/receipts", content=body, headers=head).status_code == 404
    assert office.people() == {"told": 2, "open": 3}
    office.pass_time(days=4)
    office.settle()
    office.send(1)
    assert office.people() == {"told": 5}, "not shown in three days: by email"
    assert office.verifies()


def test_the_event_holds_the_persons_id_and_words_and_no_other_contact(office: Any, app: AppStandIn) -> None:
    pushed(office, app, "")
    office.launch()
    (event,) = app.seen.values()
    assert event["type"] == "notice.created" and event["data"]["person"] == "app-0"
    text = json.dumps(event, ensure_ascii=False)
    assert "example.org" not in event["data"]["title"] and f"p0.{office.canary(0)}@" not in text
    assert "security incident" in event["data"]["text"] and office.canary(0) in text


# --- codes ----------------------------------------------------------------------------------------------------------


def code_of(office: Any, number: int) -> str:
    """What is printed on a person's notice."""
    with office.desk.db.read() as session:
        incident = find_incident(session, office.slug)
        row = next(r for r in office.rows("notice") if r["subject_id"] == office.subject(number))
        slots, _ = office.desk.key(incident).open_notice(row["id"], row["sealed"])
    return slots["verification_code"]


def test_a_code_is_confirmed_once_the_notice_has_left_and_says_nothing_of_its_holder(office: Any) -> None:
    office.declare(office.SHOP)
    office.scope([office.customer(1)])
    office.prepare()
    code = code_of(office, 1)
    ask = partial(verify_notice.verify_code, office.desk)
    assert ask(code, office.desk.now()) == verify_notice.Verdict(False), "drafted, and not ours to confirm yet"
    office.sign("wave:1")
    office.send(1)
    found = ask(code.lower().replace("0", "o").replace("-", " "), office.desk.now())
    assert (found.ours, found.kind, found.incident) == (True, "first", "A shop (exercise)")
    assert office.canary(1) not in repr(found) and "Robin" not in repr(found)
    with pytest.raises(BadInput, match="slip"):
        ask(code[:-1] + ("0" if code[-1] != "0" else "1"), office.desk.now())
    office.tamper("UPDATE incident SET wrapped_key = NULL")
    assert ask(code, office.desk.now()) == found, "a letter is asked about long after its people were erased"


def test_ten_thousand_guesses_find_nothing_and_are_locked_out(office: Any) -> None:
    import random

    office.declare(office.SHOP)
    office.scope([office.customer(n) for n in range(20)])
    office.launch()
    code, draw = code_of(office, 3), random.Random(7)  # noqa: S311 - made-up guesses
    client = TestClient(create_app(office.desk))
    assert client.get("/verify.json", params={"code": code}).json()["ours"] is True
    answers = []
    for _ in range(30):
        guess = verification.complete("".join(draw.choices(verification.ALPHABET, k=12)))
        answers.append(client.get("/verify.json", params={"code": guess}).json()["says"])
    assert answers == ["not"] * 10 + ["wait"] * 20
    assert client.get("/verify.json", params={"code": code}).status_code == 429, "locked out: no oracle either"
    hits = 0
    for _ in range(10_000 if office.environ["TOCSIN_DATABASE_URL"].startswith("sqlite") else 200):
        guess = verification.complete("".join(draw.choices(verification.ALPHABET, k=12)))
        hits += verify_notice.verify_code(office.desk, guess, office.desk.now()).ours
    assert hits == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8:0:0:ffff::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("testclient", "other", False),
    ],
)
def test_a_network_of_the_sixth_version_is_one_source_and_an_address_of_the_fourth_is(
    one: str, other: str, same: bool
) -> None:
    first, second = (Request({"type": "http", "client": (host, 1)}) for host in (one, other))
    assert (_source(first) == _source(second)) is same


def test_others_guesses_never_keep_a_right_code_from_its_reader(office: Any) -> None:
    from datetime import UTC, datetime

    office.declare(office.SHOP)
    office.scope([office.customer(1)])
    office.launch()
    code, wrong = code_of(office, 1), verification.shown(verification.complete("ABCDEFGH1234"))
    limiter = verify_notice.Limiter(of_all=20, clock=lambda: datetime(2026, 3, 2, tzinfo=UTC))
    for n in range(20):
        limiter.missed(f"192.0.2.{n}")
    client = TestClient(create_app(office.desk, limiter))

    def says(text: str) -> str:
        return str(client.get("/verify.json", params={"code": text}).json()["says"])

    assert says(code) == "ours"
    assert [says(wrong), says(code), says(wrong), says(code)] == ["wait", "ours"] * 2, "a miss is not told as one"
    assert [says(wrong), says(code)] == ["wait", "wait"], "the third miss locks its own source out"


def test_a_mistyped_code_is_no_guess(office: Any) -> None:
    office.declare(office.SHOP)
    office.scope([office.customer(1)])
    office.launch()
    code = code_of(office, 1)
    client = TestClient(create_app(office.desk))
    slip = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert {client.get("/verify.json", params={"code": slip}).json()["says"] for _ in range(30)} == {"slip"}
    assert client.get("/verify.json", params={"code": code}).json()["says"] == "ours"


def test_the_page_that_checks_codes_needs_no_script_and_keeps_the_readers_language(office: Any) -> None:
    office.declare(office.SHOP)
    office.scope([office.customer(1)])
    office.launch()
    code = code_of(office, 1)
    client = TestClient(create_app(office.desk))
    page = client.get(f"/verify?code={code}", headers={"accept-language": "de-AT,en;q=0.5"})
    assert 'lang="de"' in page.text and f'value="{code}"' in page.text and "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    done = client.post("/verify", data={"code": code, "language": "de"}).text
    assert "Ja, diese Benachrichtigung ist von uns" in done and "A shop (exercise)" in done
    wrong = verification.shown(verification.complete("ABCDEFGH1234"))
    assert "Wir kennen keine" in client.post("/verify", data={"code": wrong, "language": "de"}).text
    evil = client.post("/verify", data={"code": '"><script>alert(1)</script>', "language": "en"})
    assert "<script" not in evil.text and "cannot be a code of ours" in evil.text


# --- the page that is out -------------------------------------------------------------------------------------------


@contextmanager
def served(office: Any) -> Iterator[str]:
    folder = office.desk.settings.folder("pages") / "public"
    folder.mkdir(exist_ok=True)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def unreachable(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(1), *(office.person(100 + n, **office.NOWHERE) for n in range(10))])
    office.launch()


def test_a_page_that_is_out_is_looked_at_once_a_day_and_its_absence_is_an_alarm(office: Any) -> None:
    unreachable(office)
    with served(office) as url:
        reopened(office, TOCSIN_PUBLIC_URL=url)
        page = publish.publish(office.desk, office.slug, "responder")
        assert (page.until - office.desk.now()).days == 90 and page.toll_free_until == page.until
        for _ in range(3):
            assert watch_deadlines.watch(office.desk).pages == []
        assert len(office.events("public_checked")) == 1
        office.pass_time(days=1)
        (page.folder / "en.html").write_text("defaced", "utf-8")
        found = watch_deadlines.watch(office.desk)
        assert found.pages == []  # our own folder was changed with it, so what is served is what lies there
        (page.folder / "index.html").rename(page.folder / "gone.html")
    office.pass_time(days=1)
    found = watch_deadlines.watch(office.desk)
    assert "can't be fetched" in found.pages[0]
    assert [e["body"]["ok"] for e in office.events("public_checked")] == [True, True, False]


def test_the_hashes_beside_a_page_are_signed_and_name_every_file(office: Any) -> None:
    from models import signing
    from models.values import sha256

    unreachable(office)
    folder = publish.publish(office.desk, office.slug, "responder").folder
    hashes = json.loads((folder / "hashes.json").read_text("utf-8"))
    assert signing.holds(hashes["key"], statement(hashes), hashes["signature"])
    assert hashes["files"] == {p.name: sha256(p.read_bytes()) for p in folder.iterdir() if p.name != "hashes.json"}
    hashes["files"]["en.html"] = "0" * 64
    assert not signing.holds(hashes["key"], statement(hashes), hashes["signature"])


def test_a_second_version_says_what_it_changes_and_the_first_stays_within_reach(office: Any) -> None:
    unreachable(office)
    first = publish.publish(office.desk, office.slug, "responder")
    changes = office.HIPAA["narrative"] | {"measures_taken": "We found the records in a park and destroyed them."}
    office.pass_time(days=2)
    office.declare(office.HIPAA, narrative=changes)
    office.scope([office.person(1), office.person(2), *(office.person(100 + n, **office.NOWHERE) for n in range(10))])
    office.launch()
    asked = (office.desk, office.slug, "responder")
    office.refuses(NeedsPerson, "say what the next version changes in en", publish.publish, *asked)
    second = publish.publish(*asked, changed={"en": "We found the records."})
    assert second.version == 2
    now = (first.folder / "en.html").read_text("utf-8")
    assert "What changed: We found the records." in now and 'href="v1/en.html"' in now and "in a park" in now
    old = (first.folder / "v1" / "en.html").read_text("utf-8")
    assert "This is an earlier version" in old and 'href="../en.html"' in old and "in a park" not in old


def test_a_page_stays_up_as_long_as_the_law_wants_it(office: Any) -> None:
    unreachable(office)
    folder = publish.publish(office.desk, office.slug, "responder").folder
    with pytest.raises(Refused, match="the page stays up until"):
        posted.take_down(office.desk, office.slug, "lead")
    office.pass_time(days=91)
    assert posted.take_down(office.desk, office.slug, "lead") == folder
    assert "has ended" in (folder / "en.html").read_text("utf-8")
    assert len(office.events("public_withdrawn")) == 1 and office.verifies()


def test_where_the_law_wants_a_toll_free_number_none_is_no_notice(office: Any) -> None:
    unreachable(office)
    office.profile('toll_free = "+1 800-555-0100"\n', "")
    office.refuses(NeedsPerson, "toll-free number for 90 days", publish.publish, office.desk, office.slug, "responder")


# --- the guard ------------------------------------------------------------------------------------------------------


def test_a_list_whose_names_slid_by_a_row_is_stopped_before_anybody_signs(office: Any) -> None:
    names = [
        f"Robin{chr(97 + n % 26)}{chr(97 + n // 26)} Sample{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(60)
    ]
    mails = [name.lower().replace(" ", ".") + "@example.org" for name in names]
    office.declare(office.SHOP)
    shifted = [office.customer(n, name=names[n], email=mails[(n + 1) % 60]) for n in range(60)]
    office.scope(shifted)
    prepared = office.prepare()
    assert any("carry a name of the list" in line for line in prepared.guard)
    office.refuses(Refused, "carry a name of the list", office.sign, "wave:1", "counsel")


def test_a_warning_of_the_guard_waits_for_a_named_person_and_voids_what_was_signed(office: Any) -> None:
    office.declare(office.SHOP)
    dead = [office.customer(n, deceased="yes", kin="Kim Example", kin_email=f"kim{n}@example.org") for n in range(4)]
    office.scope([*dead, *(office.customer(n) for n in range(4, 60))])
    office.prepare()
    office.refuses(NeedsPerson, "have died, at least 3.0%", office.sign, "wave:1", "counsel")
    with pytest.raises(BadInput, match="reason"):
        guarding.override(office.desk, office.slug, 1, "guard.deceased", "lead", " ")
    guarding.override(office.desk, office.slug, 1, "guard.deceased", "lead", "A hospice: checked with the ward.")
    office.sign("wave:1")
    office.send(1)
    assert office.people()["told"] == 60
    assert [e["body"]["by"] for e in office.events("finding_overridden")] == ["lead"]


def test_a_notice_whose_stored_person_is_another_is_found(office: Any) -> None:
    office.declare(office.SHOP)
    office.scope([office.customer(n) for n in range(3)])
    office.prepare()
    with office.desk.db.write() as session:
        incident = find_incident(session, office.slug)
        key = office.desk.key(incident)
        one, other = office.rows("notice")[:2]
        slots, contacts = key.open_notice(other["id"], other["sealed"])
        session.get_one(Notice, one["id"]).sealed = key.seal_notice(one["id"], slots, contacts)
    seen = guarding.look(office.desk, office.slug, 1)
    assert {f["id"] for f in seen.findings} >= {"guard.name", "guard.address", "guard.contact", "guard.shared_code"}
    assert office.canary(0) not in json.dumps(seen.findings)
