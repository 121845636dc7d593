"""README's tutorial, typed as it stands: in a fresh folder, in a fresh environment. What README shows must be printed.

`…` in README stands for what was cut. The program that runs is this checkout's, whatever else is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 400  # it takes half a minute on an idle machine of two cores; a bound against hanging, not a measure
MARK = "----- tutorial command {} -----"


@dataclass
class Typed:
    command: str
    shown: list[str] = field(default_factory=list)


def tutorial() -> list[Typed]:
    """Every command of README's ```console blocks, with the lines that README shows below it."""
    found: list[Typed] = []
    for block in re.findall(r"^```console\n(.*?)^```$", ROOT.joinpath("README.md").read_text("utf-8"), re.M | re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Typed(line[2:]))
            elif line.startswith("> "):
                found[-1].command += f"\n{line[2:]}"
            elif line.strip() not in ("", "…"):
                found[-1].shown.append(line)
    return found


def folder(tmp_path: Path) -> Path:
    """A checkout in small: the examples, and the two programs that `make demo` installs."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, module in (("tocsin", "-m console.main "), ("python", "")):
        programs.joinpath(name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n', "utf-8")
        programs.joinpath(name).chmod(0o755)
    return tmp_path


def play(typed: list[Typed], where: Path) -> list[str]:
    """What each command printed. A command that fails ends the whole and fails the test with what was said."""
    script = "".join(f"echo '{MARK.format(n)}'\n{t.command}\n" for n, t in enumerate(typed))
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(where),
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
    }
    shell = subprocess.Popen(
        ["bash", "-e"],
        cwd=where,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        out, _ = shell.communicate(script, timeout=SECONDS)
    finally:
        stop(shell)
    assert shell.returncode == 0, out[-2000:]
    parts = re.split("|".join(re.escape(MARK.format(n)) for n in range(len(typed))), out)
    return parts[1:]


def stop(shell: subprocess.Popen[str]) -> None:
    """Ends the shell and what it left running, such as the relay of a tutorial that broke off."""
    try:
        os.killpg(shell.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    shell.wait(10)


def plain(text: str) -> str:
    return " ".join(text.split())


def pattern(line: str) -> str:
    """A shown line as a pattern: white space is equal to white space, and `…` is anything."""
    return ".*?".join(re.escape(plain(part)) for part in line.split("…"))


def test_the_tutorial_of_the_readme_runs_as_it_is_written(tmp_path: Path) -> None:
    typed = tutorial()
    assert len(typed) > 30, "README's tutorial was not found"
    printed = play(typed, folder(tmp_path))
    assert len(printed) == len(typed)
    for step, out in zip(typed, printed, strict=True):
        said, at = plain(out), 0
        for line in step.shown:
            found = re.compile(pattern(line)).search(said, at)
            assert found, f"$ {step.command}\nREADME shows: {line}\nit printed:\n{out}"
            at = found.end() if found.end() > found.start() else at
