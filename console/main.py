"""`tocsin`: where the command line begins and where everything that goes wrong in it ends.

A colleague's sentence for what we expected to go wrong, the kind and the place for what we did not: never a traceback,
never the text of a stranger's exception, which may quote a row.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from typer import Abort, Exit
from typer.exceptions import TyperException

from models.values import ERROR, OK, BadInput, TocsinError

INTERRUPTED = 130  # as a shell has it: 128 + SIGINT
PIPE_CLOSED = 141  # 128 + SIGPIPE: whoever read our output had enough


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code (docs/reference/exit-codes.md)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(given or ["--help"])
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        return PIPE_CLOSED
    except (KeyboardInterrupt, Abort):
        print("\nStopped. Whatever was handed off is on record; running the command again is safe.", file=sys.stderr)
        return INTERRUPTED


def _run(given: list[str]) -> int:
    from console.cli.app import command

    as_json = "--json" in given
    try:
        code = command().main(given, prog_name="tocsin", standalone_mode=False)
    except TocsinError as error:
        return _fail(as_json, str(error), error.where if isinstance(error, BadInput) else "", error.exit_code)
    except TyperException as error:  # its exit code is 2, usage
        return _fail(as_json, _usage(error), "command line", error.exit_code)
    except SystemExit:  # Typer's own way out when whoever reads our output has left
        return PIPE_CLOSED
    except (Abort, BrokenPipeError):
        raise
    except Exit as leave:
        return leave.exit_code
    except Exception as error:
        return _fail(as_json, _unexpected(error), "", ERROR)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    return int(code or OK)


def _fail(as_json: bool, sentence: str, where: str, code: int) -> int:
    from console.cli.terminal import emit

    if as_json:
        emit({"error": sentence, "where": where, "exit": int(code)})
    print(sentence, file=sys.stderr)
    return int(code)


def _usage(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    sentence = error.format_message().rstrip(".") + "."
    return f"{sentence} `{context.command_path} --help` shows how." if context else sentence


def _unexpected(error: Exception) -> str:
    """The kind of exception and the place, never its text."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, RecursionError | ValueError) and (read := _reader(frames)):
        return (
            f"A {read} file of this command is nested too deeply, or holds a number too long to read. Mend that file."
        )
    ours = [f for f in frames if "site-packages" not in f.filename] or frames
    place = f"{os.path.basename(ours[-1].filename)}, line {ours[-1].lineno}, in {ours[-1].name}"
    return (
        f"Tocsin met something it does not know: {type(error).__name__} at {place}. "
        "The step that failed stored nothing. Please report the kind and the place."
    )


def _reader(frames: Sequence[traceback.FrameSummary]) -> str:
    """Which format was being read when it went wrong, or an empty text."""
    folders = {os.path.basename(os.path.dirname(f.filename)) for f in frames[-3:]}
    return next((word for folder, word in (("tomllib", "TOML"), ("json", "JSON")) if folder in folders), "")


if __name__ == "__main__":
    raise SystemExit(main())
