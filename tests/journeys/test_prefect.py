"""A real Prefect server and a process worker run every deployment of prefect.yaml; people's data never enters Prefect.

One server for the whole file. Two runs fail on purpose: a wave that nobody approved, and a list that can't be read.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.steps import approvals
from flows.steps.desk import open_desk
from flows.steps.setup import init
from models import signing
from models.values import Seat
from notifiers.fake.smtp import SmtpSink

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "presence-health"
INCIDENT = "presence-health"
SCRIPTS = Path(sys.executable).parent
pytestmark = pytest.mark.prefect


@dataclass
class House:
    folder: Path
    environ: dict[str, str]
    api: httpx.Client
    sink: SmtpSink

    @property
    def home(self) -> Path:
        return Path(self.environ["TOCSIN_HOME"])

    def run(self, name: str, **parameters: Any) -> tuple[str, str]:
        """Runs a deployment to its end: the state's name and message."""
        deployment = self.api.get(f"/deployments/name/{name}/{name}").raise_for_status().json()["id"]
        made = self.api.post(f"/deployments/{deployment}/create_flow_run", json={"parameters": parameters})
        if made.status_code == 409 or made.status_code == 422:
            return "Rejected", made.text
        identity = made.raise_for_status().json()["id"]
        for _ in range(240):
            state = self.api.get(f"/flow_runs/{identity}").raise_for_status().json()["state"]
            if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return state["name"], state["message"] or ""
            time.sleep(0.5)
        raise AssertionError(f"{name} did not end: {state}")


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks the process and its children to stop; on a busy machine some of Prefect's take longer than we wait."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("prefect")
    port = free_port()
    sink = SmtpSink(folder / "sink.jsonl", folder / "home" / "inbox" / "bounces").start()
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "TOCSIN_"))},
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder / 'prefect.db'}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "DO_NOT_TRACK": "1",
        "TOCSIN_MODE": "exercise",
        "TOCSIN_HOME": str(folder / "home"),
        "TOCSIN_SMTP_URL": sink.url,
        "TOCSIN_BOUNCE_DOMAIN": "bounce.example.org",
    }
    init(environ, civil_now=datetime(2013, 10, 23, 9, tzinfo=UTC))
    for name in ("incident.toml", "people.csv", "people.mapping.toml"):
        shutil.copy(EXAMPLE / name, folder / "home" / "inbox" / name)
    server = start(
        ["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)], environ, folder / "server.log"
    )
    api = httpx.Client(base_url=environ["PREFECT_API_URL"], timeout=30)
    worker = None
    try:
        wait_for(api, server)
        call(["prefect", "work-pool", "create", "tocsin", "--type", "process"], environ, folder)
        call(["prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(ROOT / "prefect.yaml")], environ, ROOT)
        away = folder / "elsewhere"  # the worker runs in a folder that holds none of our files
        away.mkdir()
        worker = start(["prefect", "worker", "start", "--pool", "tocsin"], environ, folder / "worker.log", away)
        yield House(folder, environ, api, sink)
    finally:
        for process in (worker, server):
            if process is not None:
                end(process)
        api.close()
        sink.stop()


def start(command: list[str], environ: dict[str, str], log: Path, folder: Path = ROOT) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [str(SCRIPTS / command[0]), *command[1:]],
            env=environ,
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def call(command: list[str], environ: dict[str, str], folder: Path) -> None:
    done = subprocess.run(
        [str(SCRIPTS / command[0]), *command[1:]], env=environ, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def wait_for(api: httpx.Client, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert server.poll() is None, "the Prefect server ended; see server.log"
        try:
            if api.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise AssertionError("the Prefect server did not answer within two minutes")


def approve(house: House) -> None:
    desk = open_desk(house.environ)
    keys = house.folder / "keys"
    keys.mkdir()
    for name, seat in (("counsel", Seat.LEGAL), ("officer", Seat.DPO)):
        public = signing.make_key(keys / name)
        first = name == "counsel"
        approvals.enrol(desk, name, seat, public, "" if first else "counsel", None if first else keys / "counsel")
    for name in ("counsel", "officer"):
        approvals.approve(desk, INCIDENT, "wave:1", name, keys / name)
    desk.close()


def canaries() -> list[str]:
    made = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "make_people.py"), "presence-health", "--tokens"],
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.split()


def test_every_deployment_runs_and_people_never_enter_prefect(house: House) -> None:
    tokens = canaries()
    people = (EXAMPLE / "people.csv").read_text()
    assert len(tokens) >= 800 and all(t in people for t in tokens[:5])

    assert house.run("open-incident", facts_file="incident.toml")[0] == "Completed"
    listed = {"incident": INCIDENT, "people_file": "people.csv", "mapping_file": "people.mapping.toml"}
    assert house.run("scope-subjects", **listed)[0] == "Completed"
    assert house.run("prepare-notices", incident=INCIDENT)[0] == "Completed"

    refused, why = house.run("deliver", incident=INCIDENT, wave=1)
    assert refused == "Failed" and "two different people must approve" in why
    assert house.sink.accepted == []

    broken = house.home / "inbox" / "broken.csv"
    broken.write_bytes(people.encode().replace(tokens[0].encode(), tokens[0].encode() + b"\xff\xfe"))
    failed, why = house.run("scope-subjects", **{**listed, "people_file": "broken.csv"})
    assert failed == "Failed" and "line" in why
    assert house.run("scope-subjects", **{**listed, "people_file": "../people.csv"})[0] in ("Rejected", "Failed")

    approve(house)
    assert house.run("deliver", incident=INCIDENT, wave=1)[0] == "Completed"
    assert len(house.sink.accepted) > 20
    for name in ("settle", "file-reports", "watch-deadlines"):
        state, why = house.run(name)
        assert state == "Completed", f"{name}: {why}"
    assert house.run("publish", incident=INCIDENT)[0] == "Completed"
    early, why = house.run("erase", incident=INCIDENT)
    assert early == "Failed" and "is not closed" in why

    assert_no_token(house, tokens)
    assert_sink_agrees(house)


def assert_no_token(house: House, tokens: list[str]) -> None:
    """In Prefect's database, its logs, its files, and what its worker wrote."""
    house.api.post("/logs/filter", json={"limit": 1}).raise_for_status()
    places = [house.folder / "server.log", house.folder / "worker.log"]
    places += [p for p in house.folder.glob("prefect.db*")] + [
        p for p in (house.folder / "prefect").rglob("*") if p.is_file()
    ]
    assert any(p.name == "prefect.db" and p.stat().st_size > 100_000 for p in places)
    for place in places:
        data = place.read_bytes()
        found = [t for t in tokens if t.encode() in data]
        assert not found, f"{place.name} holds {len(found)} people's tokens"


def assert_sink_agrees(house: House) -> None:
    """Person by person: what the relay took is what the ledger says that it took."""
    from sqlmodel import select

    from models.tables import Delivery
    from models.values import Channel

    desk = open_desk(house.environ)
    with desk.db.read() as session:
        ours = session.exec(
            select(Delivery.id).where(Delivery.channel == Channel.EMAIL, Delivery.accepted_at.is_not(None))
        ).all()
    desk.close()
    taken = [json.loads(line)["delivery"] for line in (house.folder / "sink.jsonl").read_text().splitlines()]
    assert sorted(taken) == sorted(ours)
