"""The documents are held to the program: links lead somewhere, commands exist, tables are complete."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from console.cli.app import command
from models.chain import START, Entry, Sealed, chain, file_lines, fold
from models.facts import KEYS, ROWS, parse_facts
from models.intake.mapping import DEFAULTS, TARGETS
from models.intake.mapping import SETTINGS as MAPPING_SETTINGS
from models.profile import _TABLES as PROFILE_TABLES
from models.settings import SETTINGS
from models.values import Channel, DeliveryState, canonical
from models.vocabulary.kinds import WORDS
from notifiers.contract import CHANNELS, UnknownRule
from planning.fold import ARROWS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("templates/**/README.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
CODE = re.compile(r"^(`{3,}).*?^\1$", re.M | re.S)


def text(name: str) -> str:
    return ROOT.joinpath(name).read_text("utf-8")


def prose(page: str) -> str:
    """A page without its fenced code."""
    return CODE.sub("", page)


def rows(page: str) -> list[list[str]]:
    """The cells of every table row of a page. A bar behind a backslash is no border."""
    found = [re.split(r"(?<!\\)\|", line.strip()) for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row[1:-1]] for row in found]


# --- links ----------------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", prose(page.read_text("utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        found = re.findall(r"\]\(([^)\s#]+)", page.read_text("utf-8"))
        todo += [(page.parent / t).resolve() for t in found if not re.match(r"[a-z]+:", t)]
    assert [name for name, page in zip(NAMES, PAGES, strict=True) if page not in seen and name.startswith("docs")] == []


# --- commands -------------------------------------------------------------------------------------------------------


def known(group: Any, words: list[str]) -> Any:
    """The command that words name, as far as they name one; None when the first is none."""
    found = group
    for word in words:
        inner = getattr(found, "commands", None)
        if inner is None:
            break
        if word not in inner:
            return None
        found = inner[word]
    return found


def calls(page: str) -> Iterator[list[str]]:
    """Every `tocsin …` of a page: in a code span, or as a command in a block."""
    spans = re.findall(r"`(?:\$ )?tocsin ([^`]+)`", prose(page))
    lines = [line for line in page.splitlines() if not re.match(r" *(createuser|createdb|prefect)\b", line)]
    blocks = re.findall(r"^(?:\$ | {4,}.*?|)(?:\S*/)?tocsin ([a-z-].*)$", "\n".join(lines), re.M)
    for call in [*spans, *blocks]:
        yield call.split("#")[0].split("   ")[0].split()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    program, wrong = command(), []
    for words in calls(page.read_text("utf-8")):
        found = known(program, [w for w in words if re.fullmatch(r"[a-z-]+", w) and not w.startswith("-")][:2])
        options = {o for p in getattr(found, "params", ()) for o in p.opts} | {"--json", "--help"}
        strange = [w for w in words if w.startswith("--") and w.rstrip("`,.;)") not in options]
        if found is None or strange:
            wrong.append(" ".join(words))
    assert wrong == []


def test_the_pages_do_name_commands() -> None:
    assert len([c for page in PAGES for c in calls(page.read_text("utf-8"))]) > 100


def test_every_command_has_its_heading_in_the_reference() -> None:
    page, program = text("docs/reference/commands.md"), command()
    named = []
    for name, found in program.commands.items():
        named += [f"{name} {inner}" for inner in found.commands] if hasattr(found, "commands") else [name]
    assert [name for name in named if not re.search(rf"^### `tocsin {name}\b", page, re.M)] == []


# --- tables ---------------------------------------------------------------------------------------------------------


def test_the_readme_lists_exactly_the_settings() -> None:
    listed = {row[0].strip("`"): row[1] for row in rows(text("README.md")) if row[0].startswith("`TOCSIN_")}
    assert listed == SETTINGS


def test_the_facts_page_lists_every_key_with_its_kind() -> None:
    page = text("docs/reference/facts-file.md")
    listed = {row[0].strip("`"): row for row in rows(page) if len(row) == 3 and "." in row[0]}
    assert listed.keys() == KEYS.keys()
    for key, (_, meaning, kind) in listed.items():
        assert meaning and kind.startswith(KEYS[key].value), key
        assert set(re.findall(r"`(\w+)`", kind)) >= WORDS.get(key, frozenset()), key


def test_the_facts_page_lists_every_list_with_its_keys() -> None:
    found = {
        row[0].strip("`[]"): row[1] for row in rows(text("docs/reference/facts-file.md")) if row[0].startswith("`[[")
    }
    expected = {
        name: ", ".join(f"`{f.name}`" + (" (must)" if f.default is MISSING else "") for f in fields(kind))
        for name, kind in ROWS.items()
    }
    assert found == expected


def test_the_mapping_page_names_every_target_and_setting() -> None:
    named = set(re.findall(r"`(\w+)`", text("docs/reference/mapping-file.md")))
    assert TARGETS | DEFAULTS | MAPPING_SETTINGS.keys() <= named


def test_the_profile_page_lists_every_key() -> None:
    listed = {
        row[0].strip("`[]"): set(re.findall(r"`(\w+)`", row[1])) for row in rows(text("docs/reference/profile.md"))
    }
    for name, kind in PROFILE_TABLES.items():
        names = {f.name for f in fields(kind)}
        assert listed[name] >= names or name == "dpo", name


def test_the_states_page_draws_every_arrow() -> None:
    table = [row for row in rows(text("docs/reference/states.md")) if row[0].startswith("`") and len(row) == 2]
    drawn = dict(table[: len(DeliveryState)])
    assert {name.strip("`"): set(re.findall(r"`(\w+)`", to)) for name, to in drawn.items()} == {
        state.value: {s.value for s in to} for state, to in ARROWS.items()
    }


def test_the_channels_page_has_the_numbers_of_the_table() -> None:
    listed = {row[0].strip("`"): row for row in rows(text("docs/reference/channels.md")) if len(row) == 8}
    assert listed.keys() - {"channel", "---"} == {c.value for c in Channel}
    for channel, spec in CHANNELS.items():
        _, kind, lanes, tries, _, final, rule, second = listed[channel.value]
        assert kind.startswith(spec.kind.value) and str(spec.batch_size or "") in kind
        assert (lanes, tries, final) == (str(spec.lanes), str(spec.attempts), f"{spec.evidence_days} days")
        assert rule == f"`{spec.unknown.value}`" and second == ("yes" if spec.possible_duplicate else "no")
    assert all(f"`{rule.value}`" in text("docs/reference/channels.md") for rule in UnknownRule)


# --- examples -------------------------------------------------------------------------------------------------------


def test_the_facts_of_the_first_hour_can_be_read() -> None:
    block = re.findall(r"^```toml\n(.*?)^```$", text("docs/how-to/first-hour.md"), re.M | re.S)[0]
    assert parse_facts(tomllib.loads(block), "first-hour.md").id == "warehouse-2026"


def export(path: Path) -> None:
    """A ledger of two lanes and two seals, the second after a further entry."""
    at, links, seals, previous = datetime(2026, 11, 24, tzinfo=UTC), [], [], START
    for number, lanes in enumerate((("a", "b"), ("b",)), start=1):
        for lane in lanes:
            head = next(((x.seq, x.hash) for x in reversed(links) if x.lane == lane), (0, START))
            links += chain("i1", lane, head, [Entry("kind", "é", {"n": number}), Entry("kind", "x")], at)
        heads = canonical(sorted([x.lane, x.seq, x.hash] for x in {x.lane: x for x in links}.values()))
        root = fold("i1", number, number, heads, previous)
        seals.append(Sealed("i1", number, number, heads, previous, root, ""))
        previous = root
    path.write_text("\n".join(file_lines("i1", sorted(links, key=lambda x: (x.lane, x.seq)), seals)) + "\n", "utf-8")


@pytest.mark.parametrize("harm", ["", '"n\\":1', "drop"], ids=["as written", "a changed entry", "an entry less"])
def test_the_ledger_page_verifies_an_export_without_tocsin(tmp_path: Path, harm: str) -> None:
    script = re.findall(r"^```python\n(.*?)^```$", text("docs/reference/ledger.md"), re.M | re.S)[0]
    file = tmp_path / "ledger.jsonl"
    export(file)
    lines = file.read_text("utf-8").splitlines()
    if harm == "drop":
        lines.pop(2)
    elif harm:
        assert '\\"n\\":1' in lines[1]
        lines[1] = lines[1].replace('\\"n\\":1', '\\"n\\":7')
    file.write_text("\n".join(lines) + "\n", "utf-8")
    done = subprocess.run([sys.executable, "-I", "-c", script, str(file)], capture_output=True, text=True)
    assert (done.returncode == 0) == (not harm), done.stderr


# --- prefect.yaml ---------------------------------------------------------------------------------------------------


def flows() -> dict[str, str]:
    """Deployed name -> dotted entrypoint of every function of flows/*.py under `@step(name)`; nothing is imported."""
    found = {}
    for path in sorted(ROOT.joinpath("flows").glob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            for mark in getattr(node, "decorator_list", ()):
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "step":
                    name = ast.literal_eval(mark.args[0])
                    found[name] = f"flows.{path.stem}.{node.name}"  # type: ignore[attr-defined]
    return found


def test_prefect_yaml_deploys_exactly_the_flows() -> None:
    deployed = yaml.safe_load(text("prefect.yaml"))
    assert {d["name"]: d["entrypoint"] for d in deployed["deployments"]} == flows()
    assert len(flows()) == 9
    assert deployed["pull"] == []


def test_the_page_about_prefect_lists_every_deployment() -> None:
    listed = {row[0].strip("`") for row in rows(text("docs/how-to/run-with-prefect.md"))}
    assert flows().keys() <= listed


# --- manners --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_page_names_somebody_elses_machine(page: Path) -> None:
    assert re.findall(r"/home/\w+/|/root/|/Users/\w+|pypi\.\w+|/tmp/", page.read_text("utf-8")) == []
