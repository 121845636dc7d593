"""The page for three in the morning: what is late, what comes next, both sums, and who has to do what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from textwrap import shorten
from typing import Any

from console.cli.advice import REPLACED
from console.cli.show import heading, line, steps, table, when
from planning.deadlines import lateness, span

State = Mapping[str, Any]
Cell = tuple[str, str]
SOON = timedelta(days=2)
MANY = 6  # elements of one duty that are named
CITED = 100  # characters of a citation; a promise is cited by its whole text
DUE = 28  # columns for the time that is left and the due time below it
DOUBTFUL = {
    "memory": "from memory: nobody has checked the text of the law; check it before you rely on it",
    "conflict": "sources disagree; `tocsin law show` says which reading was chosen",
}


def show(state: State) -> None:
    title = f"{state['incident']}: {state['title']}"
    heading(title + (" [EXERCISE]" if state["mode"] == "exercise" else ""))
    line(f"now {when(state['now'])}{_ended(state)}", "dim", 0)
    line(state["next_action"], "bad" if "Overdue" in state["next_action"] else "head", 0)
    deadlines(state)
    both_sums(state)
    _waves(state)
    _filings(state)
    _public(state)
    _judgements(state)
    _holds(state)
    _exceptions(state)
    steps(state)


def _ended(state: State) -> str:
    if state["erased"]:
        return f", erased {when(state['erased'])}"
    return f", closed {when(state['closed'])}" if state["closed"] else ""


# --- deadlines ------------------------------------------------------------------------------------------------------


def deadlines(state: State) -> None:
    """Every deadline, the most pressing first, each with its reason; what is met comes last."""
    now = datetime.fromisoformat(state["now"])
    found = sorted(state["deadlines"], key=_urgency)
    if not found:
        line("\nNo duty is owed on the facts as they stand.", indent=0)
        return
    decided = [d for d in found if d["state"] == "decided_not_to_notify"]
    owed = [d for d in found if d["state"] not in ("undetermined", "decided_not_to_notify")]
    unsure = [d for d in found if d["state"] == "undetermined"]
    if owed:
        table(("due", "duty and reason"), [_row(d, now) for d in owed], title="Deadlines", narrow=DUE)
    if unsure:
        title = "Not sure whether owed: treat as owed until these facts are stated"
        table(("due", "duty and missing facts"), [_row(d, now) for d in unsure], title=title, narrow=DUE)
    for d in decided:
        who = " and ".join(d["decision"]["signed"])
        said = f"judgement {d['decision']['judgement']}, signed by {who}: {d['decision']['reasons']}"
        line(f"Decided not to notify: {d['id']} ({said})", "dim", 0)
    for confidence, warning in DOUBTFUL.items():
        weak = sorted({f"{d['id'].split('/')[0]}, {d['citation']}" for d in found if d["confidence"] == confidence})
        if weak:
            line(f"Warning: {'; '.join(weak)}: {warning}", "warn")


def _urgency(d: Mapping[str, Any]) -> tuple[bool, bool, float, str]:
    due = datetime.fromisoformat(d["due"]).timestamp() if d["due"] else 0.0
    return bool(d["met"]), not d["due"], due, d["id"]


def _row(d: Mapping[str, Any], now: datetime) -> tuple[Cell, str]:
    due = datetime.fromisoformat(d["due"]) if d["due"] else None
    told = d["authority"] or d["recipient"].replace("_", " ")
    unsure = d["state"] == "undetermined"
    reasons = [f"state {', '.join(_missing(d))}"] if unsure else (d["because"] or [])[:2]
    held = [f"HELD: {d['held']}"] if d["held"] else []
    why = f"{shorten(d['citation'], CITED, placeholder='…')}: {'; '.join(reasons)}"
    text = "\n".join([f"{d['id']} to {told}", *held, why])
    left, style = _left(d, due, now)
    return (f"{left}\n{when(d['due']) or _undated(d)}", style), text


def _missing(d: Mapping[str, Any]) -> list[str]:
    """The facts that are missing; of the elements those that decide."""
    words = d.get("deciding") or []
    more = f" and {len(words) - MANY} more" if len(words) > MANY else ""
    told = f"data.elements (whether {', '.join(words[:MANY])}{more})" if words else "data.elements"
    return [told if key == "data.elements" else key for key in d["missing"]]


def _undated(d: Mapping[str, Any]) -> str:
    return f"after {d['waiting']}" if d["waiting"] else str(d["qualifier"] or "the law gives no date")


def _left(d: Mapping[str, Any], due: datetime | None, now: datetime) -> Cell:
    if d["met"]:
        late = lateness(due, datetime.fromisoformat(d["met"]))
        return (f"met, {span(late)} LATE", "warn") if late else ("met in time", "good")
    if due is None and (d["waiting"] or any(key.startswith("times.") for key in d.get("missing") or [])):
        return ("not yet" if d["waiting"] else "time not known", "")
    if due is None:
        return ("now", "warn")
    if late := lateness(due, now):
        return (f"LATE by {span(late)}", "bad")
    return (f"in {span(due - now)}", "warn" if due - now < SOON else "")


def _judgements(state: State) -> None:
    from console.cli.judging import judgements

    judgements(state["judgements"])
    for one in state["not_recorded"]:
        why = f"rests on a judgement that is not recorded: {', '.join(one['facts'])}"
        line(f"NEEDS A PERSON  {one['id']} is not owed, and {why}", "warn", 0)


# --- the two sums ---------------------------------------------------------------------------------------------------

PEOPLE = (
    ("told", "told"),
    ("public_only", "public notice only"),
    ("suppressed", "suppressed"),
    ("unreached", "not reached"),
    ("open", "open"),
)
ENDS = ("delivered", "accepted", "undeliverable", "suppressed", "open")


def both_sums(state: State) -> None:
    """People in scope, and deliveries by channel, each spelled out as the sum that it is."""
    people = state["people"]
    if not state["scopes"]:
        return
    heading("People and deliveries")
    _sum_table(
        ["people", "in scope", *(label for _, label in PEOPLE)],
        [["", people["in_scope"], *(people[key] for key, _ in PEOPLE)]],
    )
    waiting = state.get("without_notice", {}) if state["waves"] else {}
    if waiting:
        listed = ", ".join(f"{language} {count:,}" for language, count in waiting.items())
        line(f"NOT TOLD YET, and in no wave: {sum(waiting.values()):,} people ({listed}).", "bad")
    rows = [
        [name.replace("_", " "), c["planned"], *(c[end] for end in ENDS)] for name, c in state["deliveries"].items()
    ]
    if rows:
        print()
        _sum_table(["deliveries", "planned", *ENDS], rows)
    _letters(state)


def _sum_table(heads: list[str], rows: list[list[Any]]) -> None:
    """A first column, then a sum: total = part + part + …"""
    drawn = [[row[0], *_spelled([f"{n:,}" for n in row[1:]])] for row in rows]
    table([heads[0], *_spelled(heads[1:])], drawn, right=range(1, 2 * len(heads)))


LETTERS = (("sealed", "sealed"), ("handed_over", "handed over"), ("printed", "printed"), ("posted", "posted"))


def _letters(state: State) -> None:
    found = state.get("letters", {})
    if not found.get("sealed"):
        return
    line("letters: " + ", ".join(f"{found[key]:,} {label}" for key, label in LETTERS), indent=0)
    if found["waiting"]:
        what = f"{found['waiting']:,} letters are sealed, not yet handed over"
        line(f"{what}. A duty that dispatch meets counts them as sent, though nothing is printed.", "warn", 0)


def _spelled(parts: list[str]) -> list[str]:
    total, first, *rest = parts
    return [total, "=", first, *(cell for part in rest for cell in ("+", part))]


# --- the rest -------------------------------------------------------------------------------------------------------


def _waves(state: State) -> None:
    waves = [w for w in state["waves"] if not w["stopped"].startswith(REPLACED)]
    if not waves:
        return
    rows = [
        (w["number"], w["kind"].replace("_", " "), f"{w['people']:,}", w["digest"][:8], _signatures(w), _stands(w))
        for w in waves
    ]
    table(("wave", "kind", "people", "digest", "approved by", "stands"), rows, title="Waves", right=(0, 2))


def _signatures(wave: Mapping[str, Any]) -> str:
    good = [f"{a['person']} ({a['seat']})" for a in wave["approvals"] if not a["voided"]]
    return ", ".join(good) or "nobody"


def _stands(wave: Mapping[str, Any]) -> Cell:
    if wave["stopped"]:
        return (f"STOPPED: {wave['stopped']}", "bad")
    if wave["launched"]:
        return (f"launched {when(wave['launched'])}", "good")
    return ("; ".join(wave["blocked"]), "warn") if wave["blocked"] else ("approved, not sent", "warn")


def _filings(state: State) -> None:
    rows = [
        (f"{f['obligation']}\n{f['form']}, version {f['version']}", f["unknown"], _filed(f)) for f in state["filings"]
    ]
    if rows:
        table(("report", "not yet known", "stands"), rows, title="Reports", right=(1,))


def _filed(f: Mapping[str, Any]) -> Cell:
    if f["filed"]:
        return (f"filed {when(f['filed'])}\nreceipt {f['receipt']}", "good")
    if lacks := [*f["missing"], *f["problems"]]:
        return (f"lacks {', '.join(lacks)}", "bad")
    return ("receipt noted, a second person confirms it" if f["receipt"] else "not filed", "warn")


def _public(state: State) -> None:
    rows = []
    for notice in state["public_notices"]:
        until = f", up until {when(notice['until'])}" if notice["until"] else ""
        until += f"\ntoll-free number until {when(number)}" if (number := notice.get("toll_free_until")) else ""
        until += f"\nended {when(ended)}" if (ended := notice.get("withdrawn")) else ""
        stands: Cell = (
            (f"published {when(notice['published'])}{until}", "good")
            if notice["published"]
            else ("NOT published", "warn")
        )
        if notice["published"] and (
            nobody := [k for k in notice.get("ungiven", ()) if k not in notice.get("given", {})]
        ):
            stands = (f"written {when(notice['published'])}; GIVEN TO NO OUTLET for {', '.join(nobody)}", "warn")
        rows.append((f"{notice['kind']}:{notice['version']}", "\n".join(notice["serves"]), stands))
    if rows:
        table(("public", "serves", "stands"), rows, title="Public notices")


def _holds(state: State) -> None:
    rows = [
        (h["id"], h["scope"].replace("_", " "), h["target"][:12], h["reason"], h["by"], when(h["until"]) or "released")
        for h in state["holds"]
    ]
    if rows:
        table(("hold", "on", "", "why", "by", "until"), rows, title="Held: what these name does not leave")


LISTED = {
    "unknown": "outcome unknown: a crash hid whether it left",
    "possible_duplicates": "may have reached somebody twice",
    "leaf_mismatch": "not what was approved; not sent",
}


def _exceptions(state: State) -> None:
    found = [(LISTED[name], ids) for name, ids in state["exceptions"].items() if ids]
    if not found:
        return
    heading("What a person should look at")
    for label, ids in found:
        more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
        line(f"{len(ids)} deliveries {label}: {', '.join(ids[:3])}{more}", "warn")
