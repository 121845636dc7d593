"""Plays both acts, then proves what they came to."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from console.cli.demo import mass, presence, proof
from console.cli.demo.stage import Stage, set_stage
from models.values import ERROR, OK


def run(home: Path | None = None, as_json: bool = False) -> int:
    """Plays the demo in a fresh folder under `home` (./tocsin-demo). Returns an exit code."""
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {line}", file=sys.stderr if as_json else sys.stdout, flush=True)

    say("Tocsin demo: two incidents, synthetic people, an exercise database, nothing leaves this machine")
    stage = set_stage(home or Path("tocsin-demo"), presence.START, say)
    try:
        say("--- Presence Health, 2013-14: 836 people of one State ---")
        presence.play(stage)
        say("--- A retailer, 2026: 5,000 people in eight jurisdictions ---")
        mass.play(stage)
        proved = proof.prove(stage)
    except AssertionError as error:
        print(f"The demo found a fault: {error}", file=sys.stderr)
        return int(ERROR)
    finally:
        stage.close()
    _close(stage, proved, as_json, say_all=not as_json)
    return int(OK)


def _close(stage: Stage, proved: list[str], as_json: bool, *, say_all: bool) -> None:
    home = stage.folder / "home"
    places = {
        "letters": home / "letters",
        "call lists": home / "lists",
        "public pages": home / "pages" / "public",
        "press releases": home / "pages" / "press",
        "reports": home / "reports",
        "ledgers": stage.folder,
    }
    if as_json:
        print(json.dumps({"proved": proved, "places": {k: str(v) for k, v in places.items()}}, indent=2))
    if say_all:
        print("\nProved:")
        for sentence in proved:
            print(f"  - {sentence}")
        print("\nLook at:")
        for name, place in places.items():
            print(f"  {name:<15} {place}")
