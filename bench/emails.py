"""Emails per second, from a signed wave to the relay's answer on record: ours against its peers, in one run.

Run: `python bench/emails.py [--people 30000] [--rounds 3] [--peers FOLDER] [--only WORD ...]`. Prints a Markdown table.

Ours is the whole path: claim, decryption, the leaf of each person, suppression and hold, merging, the ledger, every
outcome; strict and in batches, on SQLite (synchronous=FULL) and PostgreSQL. `smtp-source` sends one fixed mail of the
same size and records nothing: the wire. The peers send the same words; they queue and record what their own makers let
them. Rounds are interleaved; figures are medians; a ratio is the median of the rounds' own ratios. Processor time is
the sender's alone. smtp-sink and smtp-source come from PATH or from Debian's package, unpacked into the peers' folder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from bench.wave import Postgres, Ready, again, postgres, ready, save  # noqa: E402 - the bench runs from any folder

SLOW = 2_000  # people for peers that send a few hundred a second
Figures = dict[str, float]  # sent, seconds, cpu, rss


class Missing(Exception):
    """What a row needs is not on this machine; the row is left out by name."""


@dataclass(slots=True)
class Bench:
    folder: Path
    peers: Path
    people: int
    mail: Path  # the words that the peers send
    size: int  # octets of one of our mails, as the relay gets them
    waves: dict[str, tuple[Ready, Postgres | None]]
    tools: Mapping[str, Path]
    libraries: str
    port: int = 0

    def environ(self) -> dict[str, str]:
        return os.environ | {"LD_LIBRARY_PATH": self.libraries} if self.libraries else dict(os.environ)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    run: Callable[[Bench], Figures]
    note: str = ""


# --- rows -----------------------------------------------------------------------------------------------------------


def _ours(database: str, commit: str = "strict", sink: str = "", **settings: str) -> Callable[[Bench], Figures]:
    def run(bench: Bench) -> Figures:
        if database not in bench.waves:
            raise Missing("PostgreSQL does not start here")
        made, server = bench.waves[database]
        home, address = again(made, bench.folder, server)
        with (home / "organisation.toml").open("a", encoding="utf-8") as profile:
            profile.write(f'commit = "{commit}"\n')
        with ExitStack() as stack:
            own = _key(bench) if settings.get("TOCSIN_DKIM_KEY_FILE") else {}
            if sink:
                own |= {"TOCSIN_SMTP_URL": stack.enter_context(_our_sink(bench, sink))}
            return _told([sys.executable, str(HERE / "peers" / "ours.py")],
                         made.environ(home, address, bench.port, **(settings | own)))  # fmt: skip

    return run


def _key(bench: Bench) -> dict[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    path = bench.folder / "dkim.pem"
    if not path.is_file():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        coded = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL)
        path.write_bytes(key.private_bytes(*coded, serialization.NoEncryption()))
        path.chmod(0o600)
    return {"TOCSIN_DKIM_KEY_FILE": str(path)}


def _source(bench: Bench) -> Figures:
    if "smtp-source" not in bench.tools:
        raise Missing("smtp-source is not here")
    command = [bench.tools["smtp-source"], "-d", "-s", "20", "-m", str(bench.people), "-l", str(bench.size)]
    command += ["-f", "notice@example.org", "-t", "p@example.org", f"127.0.0.1:{bench.port}"]
    start = time.perf_counter()
    child = subprocess.Popen(command, env=bench.environ())
    _, status, used = os.wait4(child.pid, 0)
    took = time.perf_counter() - start
    child.returncode = status
    if status:
        raise Missing(f"smtp-source ended with {status}")
    return {"sent": bench.people, "seconds": took, "cpu": used.ru_utime + used.ru_stime, "rss": 0}


def _python(script: str) -> Callable[[Bench], Figures]:
    def run(bench: Bench) -> Figures:
        return _told([sys.executable, str(HERE / "peers" / script), *_peer_arguments(bench)])

    return run


def _nodemailer(bench: Bench) -> Figures:
    folder = bench.peers / "node"
    if not shutil.which("npm"):
        raise Missing("npm is not here")
    if not (folder / "node_modules" / "nodemailer").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _install(["npm", "install", "--silent", "--no-audit", "--no-fund", "nodemailer"], folder)
    return _told(["node", str(HERE / "peers" / "nodemailer_pool.js"), *_peer_arguments(bench)], cwd=folder)


def _post_office(bench: Bench) -> Figures:
    python = _environment(bench, "django", "django", "django-post_office")
    return _told([str(python), str(HERE / "peers" / "django_office.py"), *_peer_arguments(bench)])


def _celery(bench: Bench) -> Figures:
    program, environ = _redis(bench.peers)
    python, port = _environment(bench, "celery", "celery[redis]"), _free_port()
    quiet = ["--save", "", "--appendonly", "yes", "--dir", str(bench.folder), "--loglevel", "warning"]
    server = subprocess.Popen([program, "--port", str(port), "--bind", "127.0.0.1", *quiet], env=environ)
    try:
        _until_open(port)
        script = str(HERE / "peers" / "celery_mail.py")
        return _told([str(python), script, *_peer_arguments(bench), f"redis://127.0.0.1:{port}/0"])
    finally:
        server.terminate()
        server.wait()


def _peer_arguments(bench: Bench) -> list[str]:
    return [str(bench.port), str(min(bench.people, SLOW)), str(bench.mail)]


ROWS = (
    Row("smtp-source (the wire)", _source, "records nothing"),
    Row("ours, strict, SQLite", _ours("sqlite"), "all on record"),
    Row("ours, batch, SQLite", _ours("sqlite", "batch"), "all on record"),
    Row("ours, strict, PostgreSQL", _ours("postgresql"), "all on record"),
    Row("ours, batch, PostgreSQL", _ours("postgresql", "batch"), "all on record"),
    Row("ours, strict, DKIM", _ours("sqlite", TOCSIN_DKIM_KEY_FILE="made", TOCSIN_DKIM_SELECTOR="bench"), "RSA 2048"),
    Row("ours, strict, sink in Python", _ours("sqlite", sink="plain"), "to compare the next two with"),
    Row("ours, strict, TLS", _ours("sqlite", sink="tls"), "sink in Python"),
    Row("ours, strict, TLS and AUTH", _ours("sqlite", sink="auth"), "sink in Python"),
    Row("nodemailer, pool of 20", _nodemailer, "sends only"),
    Row("smtplib, 10 threads", _python("smtplib_threads.py"), "sends only"),
    Row("aiosmtplib, 20 connections", _python("aiosmtplib_pool.py"), "sends only"),
    Row("django-post_office, SQLite", _post_office, "queues, records"),
    Row("Celery, Redis, smtplib", _celery, "queues"),
)


# --- programs -------------------------------------------------------------------------------------------------------


def _told(command: list[str], environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Figures:
    """Runs a sender, which says what it sent, how long it took and what it used."""
    ran = subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Missing((ran.stderr.strip().splitlines() or ["it ended badly"])[-1][:160])
    told: Figures = json.loads(ran.stdout.strip().splitlines()[-1])
    return told


def _install(command: list[str], folder: Path) -> None:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Missing(f"{command[0]} could not install it")


def _environment(bench: Bench, name: str, *packages: str) -> Path:
    """The Python of a virtual environment of the peer's own."""
    folder = bench.peers / name
    if not (folder / "bin" / "python").exists():
        bench.peers.mkdir(parents=True, exist_ok=True)
        _install([sys.executable, "-m", "venv", str(folder)], bench.peers)
        _install([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages], bench.peers)
    return folder / "bin" / "python"


def _postfix(peers: Path) -> tuple[dict[str, Path], str]:
    """smtp-sink and smtp-source, and where their libraries are: of this machine, or unpacked from Debian's package."""
    found = {name: Path(path) for name in ("smtp-sink", "smtp-source") if (path := shutil.which(name))}
    if len(found) == 2:
        return found, ""
    root = _unpacked(peers / "postfix", "usr/sbin/smtp-sink", "postfix")
    own = {name: root / "usr/sbin" / name for name in ("smtp-sink", "smtp-source")}
    return {name: path for name, path in own.items() if path.exists()}, str(root / "usr/lib/postfix")


REDIS = ("redis-tools", "libhiredis0.14", "libhiredis1.1.0", "liblua5.1-0", "liblzf1", "lua-bitop", "lua-cjson",
         "libjemalloc2", "libatomic1")  # fmt: skip


def _redis(peers: Path) -> tuple[Path, dict[str, str]]:
    """Redis's server and its environment: of this machine, or unpacked from Debian's packages."""
    if found := shutil.which("redis-server"):
        return Path(found), dict(os.environ)
    root = _unpacked(peers / "redis", "usr/bin/redis-check-rdb", *REDIS)
    server = root / "redis-server"
    if not server.exists():
        if not (root / "usr/bin/redis-check-rdb").exists():
            raise Missing("redis-server is not here")
        server.symlink_to(root / "usr/bin/redis-check-rdb")  # one program, which its name tells what to be
    libraries = ":".join(str(path) for path in (root / "usr/lib").glob("*-linux-*"))
    return server, os.environ | {"LD_LIBRARY_PATH": libraries}


def _unpacked(root: Path, wanted: str, *packages: str) -> Path:
    """Debian packages unpacked below `root`, nothing installed. Those that are not to be had are passed over."""
    if not (root / wanted).exists() and shutil.which("apt-get"):
        root.mkdir(parents=True, exist_ok=True)
        for package in packages:
            subprocess.run(["apt-get", "download", package], cwd=root, capture_output=True, check=False)
        for file in root.glob("*.deb"):
            subprocess.run(["dpkg", "-x", file, root], check=True)
    return root


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_open(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Missing("a server did not come up")


@contextmanager
def _sink(bench: Bench) -> Iterator[None]:
    if "smtp-sink" not in bench.tools:
        raise SystemExit("smtp-sink is not here: install Debian's package postfix, or put it on PATH")
    bench.port = _free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    server = subprocess.Popen(
        [bench.tools["smtp-sink"], *user, f"127.0.0.1:{bench.port}", "1000"],
        env=bench.environ(),
        stderr=subprocess.DEVNULL,
    )
    try:
        _until_open(bench.port)
        yield
    finally:
        server.terminate()
        server.wait()


@contextmanager
def _our_sink(bench: Bench, kind: str) -> Iterator[str]:
    """A sink that can do what smtp-sink can't: TLS and AUTH. Yields its address."""
    port = _free_port()
    server = subprocess.Popen([sys.executable, HERE / "peers" / "sink.py", str(port), kind, bench.folder])
    try:
        _until_open(port)
        ca = bench.folder / "sink.pem"
        urls = {
            "plain": f"smtp://127.0.0.1:{port}?tls=off",
            "tls": f"smtps://127.0.0.1:{port}?ca={ca}",
            "auth": f"smtps://user:secret@127.0.0.1:{port}?ca={ca}",
        }
        yield urls[kind]
    finally:
        server.terminate()
        server.wait()


# --- the run --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Results:
    rounds: list[dict[str, Figures]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def median(self, name: str, figure: Callable[[Figures], float]) -> float:
        return statistics.median(figure(r[name]) for r in self.rounds if name in r)

    def ratio(self, name: str, to: str) -> str:
        pairs = [_rate(r[name]) / _rate(r[to]) for r in self.rounds if name in r and to in r]
        return f"{statistics.median(pairs):.2f}" if pairs else "-"


def _rate(figures: Figures) -> float:
    return figures["sent"] / figures["seconds"]


def measure(bench: Bench, rows: tuple[Row, ...], rounds: int) -> Results:
    results = Results()
    for number in range(rounds):
        found: dict[str, Figures] = {}
        for row in rows:
            if row.name in results.left_out:
                continue
            try:
                with _sink(bench):
                    found[row.name] = row.run(bench)
            except Missing as why:
                results.left_out[row.name] = str(why)
                continue
            print(f"round {number + 1}: {row.name}: {_rate(found[row.name]):,.0f}/s", file=sys.stderr)
        results.rounds.append(found)
    return results


def table(bench: Bench, rows: tuple[Row, ...], results: Results) -> str:
    wire, node, office = (next(r.name for r in ROWS if r.name.startswith(w)) for w in ("smtp-so", "nodem", "django"))
    lines = [
        f"{bench.people:,} people, mails of {bench.size:,} octets ({min(bench.people, SLOW):,} mails for the peers), "
        f"medians of {len(results.rounds)} interleaved rounds. {_machine()}",
        "",
        "| sender | mails/s | of smtp-source | × nodemailer | × post_office | CPU µs a mail | MB | |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        if not any(row.name in found for found in results.rounds):
            continue
        rate = results.median(row.name, _rate)
        cpu = results.median(row.name, lambda f: f["cpu"] / f["sent"] * 1e6)
        memory = results.median(row.name, lambda f: f["rss"]) or "-"
        ratios = " | ".join(results.ratio(row.name, to) for to in (wire, node, office))
        lines.append(f"| {row.name} | {rate:,.0f} | {ratios} | {cpu:,.0f} | {memory} | {row.note} |")
    lines += ["", *(f"Left out: {name}: {why}." for name, why in results.left_out.items())]
    return "\n".join(lines)


def _machine() -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit.stdout.strip() or 'unknown'}, {os.cpu_count()} processors "
        f"({platform.machine()}), Python {platform.python_version()}, load {load:.1f} before the run ended."
    )


def _size(made: Ready) -> int:
    """Octets of one of our mails: head and body as they leave."""
    from bench.merge import sample

    return len(sample(made.mail))


def main() -> None:
    parser = argparse.ArgumentParser(description="Emails per second: ours against its peers.")
    parser.add_argument("--people", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, default=Path(tempfile.gettempdir()) / "tocsin-bench-peers")
    parser.add_argument("--only", nargs="*", default=[], help="words of the rows to run")
    given = parser.parse_args()
    rows = tuple(r for r in ROWS if not given.only or any(word in r.name for word in given.only))
    given.peers.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        waves: dict[str, tuple[Ready, Postgres | None]] = {}
        if any("PostgreSQL" in r.name for r in rows):
            server = stack.enter_context(postgres(folder))
            if server:
                waves["postgresql"] = (ready(folder / "on-pg", given.people, server.new()), server)
        waves["sqlite"] = (ready(folder / "on-sqlite", given.people), None)
        made = waves["sqlite"][0]
        tools, libraries = _postfix(given.peers)
        mail = save(made.mail, folder / "mail.json")
        bench = Bench(folder, given.peers, given.people, mail, _size(made), waves, tools, libraries)
        print(table(bench, rows, measure(bench, rows, given.rounds)))


if __name__ == "__main__":
    main()
