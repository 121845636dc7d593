"""`tocsin assess --explain`: the reasoning behind every duty as a tree that a lawyer can read and check."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from models.facts import Facts
from models.values import Confidence, ObligationState
from regimes.assess import Assessment
from regimes.conditions import Truth
from regimes.explain import Step, reasoning
from regimes.judgement import resting
from regimes.obligations import NotOwed, Obligation, duration

if TYPE_CHECKING:
    from rich.tree import Tree

ANSWER = {Truth.TRUE: "yes", Truth.FALSE: "no", Truth.UNKNOWN: "unknown"}
KINDS = {"all": "all of these", "any": "any of these", "not": "not this"}
MANY = 6  # facts of one condition that are listed one by one


def explained(found: Assessment, facts: Facts, width: int) -> str:
    """Every duty that is owed, then what is undetermined, then what is not owed."""
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    out = StringIO()
    console = Console(file=out, width=width)
    for title, entries in (("Owed", found.obligations), ("Undetermined, to be treated as owed", found.undetermined)):
        if entries:
            tree = Tree(Text(title))
            for entry in entries:
                _obligation(tree.add(Text(_head(entry))), entry, facts)
            console.print(tree)
    if found.refused():
        tree = Tree(Text("Not owed"))
        judged = {one.id: one.keys for one in resting(facts, found)}
        for refused in found.refused():
            branch = tree.add(Text(_name(refused)))
            _refused(branch, refused, facts)
            if keys := judged.get(refused.id):
                _branch(branch, "only by a judgement, which must be on record (`tocsin judge`)", keys)
        console.print(tree)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _head(entry: Obligation) -> str:
    parts = [entry.id, due_said(entry, "no number in the law")]
    parts += [f"met {entry.met.isoformat()}"] if entry.met else []
    parts += [f"late by {late}"] if (late := duration(entry.late_by)) else []
    parts += [f"held {entry.held}"] if entry.held else []
    return ", ".join(parts)


def due_said(entry: Obligation, without: str) -> str:
    """When it is due, or what that waits for; `without` where the law gives no number."""
    if entry.due:
        return f"due {entry.due.isoformat()}"
    unknown = [key for key in entry.missing if key.startswith("times.")]
    if entry.waiting or unknown:
        return f"due after {entry.waiting}" if entry.waiting else f"due once {unknown[0]} is known"
    return without


def _name(entry: NotOwed) -> str:
    to = f" ({entry.authority})" if entry.authority else ""
    return f"{entry.regime} {entry.duty} {entry.jurisdiction or ''} {entry.stage}{to}"


def _obligation(tree: Tree, entry: Obligation, facts: Facts) -> None:
    open_ = entry.state is ObligationState.UNDETERMINED
    reasons = _branch(tree, f"verdict: {'undetermined' if open_ else 'owed'}", entry.because)
    for key in entry.missing:
        _leaf(reasons, f"not known: {key}")
    _conditions(tree, entry, facts)
    clock = _branch(tree, "clock", entry.derivation)
    if entry.qualifier:
        _leaf(clock, f"in the words of the law: {entry.qualifier}")
    _law(tree, entry.citation, entry.law_version, entry.checked.isoformat() if entry.checked else "", entry.confidence)
    changes = [*reasoning(entry, facts).changes, *(f"{key} becomes known" for key in entry.missing)]
    _branch(tree, "would change if", changes or ["nothing in these facts alone would change it"])


def _refused(tree: Tree, entry: NotOwed, facts: Facts) -> None:
    _branch(tree, "verdict: not owed", entry.because)
    _conditions(tree, entry, facts)
    if entry.rule:
        checked = entry.rule.checked.isoformat() if entry.rule.checked else ""
        _law(tree, entry.citation, entry.law_version, checked, entry.rule.confidence)
    _branch(
        tree, "would be owed if", reasoning(entry, facts).changes or ["several of these conditions came out otherwise"]
    )


def _conditions(tree: Tree, entry: Obligation | NotOwed, facts: Facts) -> None:
    parts = reasoning(entry, facts).parts
    branch = _branch(tree, "conditions", ())
    for name, step in parts:
        _step(branch, step, f"{name}: ")
    if not parts:
        _leaf(branch, "none: the organisation bound itself" if entry.rule is None else "none: it is owed in every case")


def _step(tree: Tree, step: Step, label: str = "") -> None:
    if step.leaf is None:
        branch = _branch(tree, f"{label}[{ANSWER[step.truth]}] {KINDS[step.kind]}", ())
        for part in step.of:
            _step(branch, part)
        return
    branch = _branch(tree, f"{label}[{ANSWER[step.truth]}] {step.said}", ())
    for reason in step.because:
        _leaf(branch, f"because {reason}")
    for read in step.reads[:MANY]:
        _leaf(branch, f"{read.key} = {read.value}" + (f" ({read.source})" if read.source else ""))
    if len(step.reads) > MANY:
        _leaf(branch, f"and {len(step.reads) - MANY} more places")


def _law(tree: Tree, citation: str, version: str, checked: str, confidence: Confidence) -> None:
    backing = f"checked {checked}" if checked else "not checked against a source"
    _branch(tree, "law", [citation, f"version {version}", f"{backing}, confidence {confidence}"])


def _branch(tree: Tree, label: str, leaves: Sequence[str]) -> Tree:
    from rich.text import Text

    branch = tree.add(Text(label))
    for leaf in leaves:
        branch.add(Text(leaf))
    return branch


def _leaf(tree: Tree, text: str) -> None:
    from rich.text import Text

    tree.add(Text(text))
