"""What to do next, read from a status: for whoever is tired, in the order in which it is done. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

State = Mapping[str, Any]
REPLACED = "replaced"


class Step(NamedTuple):
    why: str
    command: str


def next_steps(state: State) -> list[Step]:
    """What a person can do now; the first is the one to begin with."""
    slug = state["incident"]
    if state["erased"]:
        return [Step("The people are erased; the record still verifies.", f"tocsin verify {slug}")]
    if state["closed"]:
        return [Step("The incident is closed. When retention is over, erase its people.", f"tocsin erase {slug}")]
    found = [
        *_people(state),
        *_facts(state),
        *_wave(state),
        *_letters(state),
        *_doubts(state),
        *_public(state),
        *_reports(state),
        *_judgements(state),
    ]
    return found or [*_up(state)] or [Step("Nothing is left to do.", f"tocsin close {slug}")]


def missed(state: State) -> list[Mapping[str, Any]]:
    """Deadlines that are past due and not met."""
    now = datetime.fromisoformat(state["now"])
    return [d for d in _owed(state) if d["met"] is None and d["due"] and datetime.fromisoformat(d["due"]) < now]


def _owed(state: State) -> list[Mapping[str, Any]]:
    """The deadlines but for those of which it was decided not to tell."""
    return [d for d in state["deadlines"] if not d.get("decision")]


def _judgements(state: State) -> Iterator[Step]:
    slug = state["incident"]
    for one in state["judgements"]:
        if one["problems"] and not one["ended"]:
            why = "; ".join(one["problems"])
            yield Step(
                f"Judgement {one['number']}: {why}.",
                f"tocsin approve {slug} judgement:{one['number']} --person NAME --key FILE",
            )
    if state["not_recorded"]:
        names = _some([one["id"] for one in state["not_recorded"]])
        yield Step(f"Not owed only by a judgement that is not recorded: {names}.", f"tocsin judge {slug}")


def current_wave(state: State) -> Mapping[str, Any] | None:
    """The newest wave that no later draft replaced."""
    waves = [w for w in state["waves"] if not w["stopped"].startswith(REPLACED)]
    return waves[-1] if waves else None


def _facts(state: State) -> Iterator[Step]:
    missing = {key for d in _owed(state) for key in d["missing"]}
    if not state["scopes"]:  # the list will say these
        missing = {key for key in missing if not key.startswith("people")}
    if missing:
        yield Step(f"State what decides open duties: {_some(sorted(missing))}.", "tocsin declare FILE")


def _people(state: State) -> Iterator[Step]:
    slug = state["incident"]
    if not state["scopes"]:
        yield Step("Read the list of people.", f"tocsin scope {slug} --people FILE --mapping FILE")
    elif current_wave(state) is None:
        yield Step("Draft the notices.", f"tocsin prepare {slug}")


def _wave(state: State) -> Iterator[Step]:
    wave, slug = current_wave(state), state["incident"]
    if wave is None:
        return
    number = wave["number"]
    if not wave["launched"]:
        yield from _draft(state, wave)
    elif wave["stopped"]:
        yield Step(
            f"Wave {number} stopped by itself: {wave['stopped']}. Find out why, then let it go on.",
            f'tocsin send {slug} {number}{_live(state)} --resume "what was found and mended"',
        )
    elif waiting := sum(c["open"] for c in state["deliveries"].values()):
        yield Step(f"{waiting:,} deliveries are not sent yet.", f"tocsin send {slug} {number}{_live(state)}")
    elif state["people"]["open"]:
        yield Step(f"{state['people']['open']:,} people have no notice under way.", f"tocsin prepare {slug}")


def _draft(state: State, wave: Mapping[str, Any]) -> Iterator[Step]:
    slug, number = state["incident"], wave["number"]
    if wave.get("errors"):
        yield Step(
            f"The words of wave {number} miss what a law demands ({wave['errors']} errors). Mend them, draft again.",
            f"tocsin prepare {slug}",
        )
        return
    if not wave["blocked"]:
        yield Step(f"Wave {number} is approved. Send it.", f"tocsin send {slug} {number}{_live(state)}")
        return
    yield Step(f"Read what wave {number} says.", f"tocsin preview {slug} --wave {number}")
    guarded = list(_guarded(slug, wave))
    yield from guarded
    if any(one["severity"] == "error" for one in wave.get("guard", ())):
        return
    why = "; ".join(wave["blocked"])
    yield Step(f"Approve it: {why}.", f"tocsin approve {slug} wave:{number} --person NAME --key FILE")


def _guarded(slug: str, wave: Mapping[str, Any]) -> Iterator[Step]:
    """What the second-breach guard found: nothing is signed or sent while it stands."""
    for one in wave.get("guard", ()):
        look = f"tocsin guard {slug} {wave['number']}"
        how = look if one["severity"] == "error" else f"{look} --override {one['id']} --reason TEXT"
        yield Step(f"The guard stops wave {wave['number']}: {one['what'].rstrip('.')}. {one['remedy']}", how)


def _letters(state: State) -> Iterator[Step]:
    slug = state["incident"]
    if waiting := state.get("letters", {}).get("waiting"):
        what = f"{waiting:,} letters are sealed, and the print house does not have them yet"
        yield Step(
            f"{what}: hand them over, or carry letters/{slug}/ there and take in what it says.",
            f"tocsin letters hand-over {slug}",
        )


def _live(state: State) -> str:
    return " --live" if state["mode"] == "live" else ""


def _doubts(state: State) -> Iterator[Step]:
    slug = state["incident"]
    if count := len(state["exceptions"]["unknown"]):
        yield Step(f"{count} deliveries have an unknown outcome.", f"tocsin reconcile {slug}")
    if count := len(state["exceptions"]["leaf_mismatch"]):
        yield Step(f"{count} rows are not what was approved, and were not sent.", f"tocsin verify {slug}")


def _public(state: State) -> Iterator[Step]:
    slug = state["incident"]
    if current_wave(state) is None:
        return
    if state["people"]["unreached"]:
        yield Step(f"{state['people']['unreached']:,} people could not be reached.", f"tocsin substitute {slug}")
    waits = waiting_for_outlets(state)
    unmet = [d for d in _owed(state) if d["recipient"] in _PUBLIC and d["met"] is None and d["id"] not in waits]
    yield from (Step(f"{d['id']} is owed.", f"tocsin publish {slug} --what {_PUBLIC[d['recipient']]}") for d in unmet)
    if waits:
        yield Step(
            f"The release is written, and nobody has it: no outlet is listed for {_some(waits)}. Give it to outlets.",
            f'tocsin publish {slug} --what press --given "OUTLET" --at ISO --by NAME',
        )


def waiting_for_outlets(state: State) -> list[str]:
    """Unmet duties whose release is out, though no outlet is listed and nobody recorded to whom it was given."""
    met = {d["id"] for d in state["deadlines"] if d["met"] or d.get("decision")}
    out = [n for n in state["public_notices"] if n["kind"] == "press" and n["published"]]
    found = [key for n in out for key in n.get("ungiven", ()) if key not in n.get("given", {}) and key not in met]
    return list(dict.fromkeys(found))


def _up(state: State) -> Iterator[Step]:
    """What must last after everything is done: the page, and the number beside it. Then the page is ended."""
    slug, now = state["incident"], datetime.fromisoformat(state["now"])
    pages = [n for n in state["public_notices"] if n["kind"] == "page" and n["published"]]
    if not pages or pages[-1].get("withdrawn"):
        return
    lasting = [
        f"{what} until {pages[-1][key]}"
        for key, what in (("until", "the page must stay up"), ("toll_free_until", "the toll-free number be answered"))
        if pages[-1].get(key) and datetime.fromisoformat(pages[-1][key]) > now
    ]
    if lasting:
        yield Step(f"Only this lasts: {', '.join(lasting)}. The daily look goes on.", "tocsin watch")
    else:
        yield Step("The public notice may come down.", f"tocsin publish {slug} --end")


def _reports(state: State) -> Iterator[Step]:
    slug, filled = state["incident"], {f["obligation"]: f for f in state["filings"]}
    unmet = [d for d in _owed(state) if d["met"] is None and d["recipient"] in _REPORTED]
    unfilled = [d["id"] for d in unmet if d["id"] not in filled]
    if unfilled:
        yield Step(f"Not filled yet: {_some(unfilled)}.", f"tocsin report {slug}")
    for found in (filled[d["id"]] for d in unmet if d["id"] in filled):
        yield _filing(slug, found)


def _some(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


_PUBLIC = {"media": "press", "public": "page"}
_REPORTED = ("regulator", "consumer_reporting_agencies", "insurer")


def _filing(slug: str, found: Mapping[str, Any]) -> Step:
    name = found["obligation"]
    if found["missing"] or found["problems"]:
        open_ = ", ".join([*found["missing"], *found["problems"]]).rstrip(".")
        return Step(f"The report {name} lacks: {open_}.", f"tocsin report {slug} --obligation {name} --answers FILE")
    if found["receipt"]:
        return Step(
            f"A second person confirms the receipt number of {name}.",
            f"tocsin report {slug} --obligation {name} --receipt NUMBER --at ISO --by NAME",
        )
    if found["packet"]:
        return Step(
            f"The packet of {name} is written. File it with the authority, then type in the receipt.",
            f"tocsin report {slug} --obligation {name} --receipt NUMBER --at ISO --by NAME",
        )
    return Step(
        f"The report {name} is filled. Two people approve it, then write its packet with --write and file it.",
        f"tocsin approve {slug} filing:{name} --person NAME --key FILE",
    )
