"""Letters per second: ours against WeasyPrint and ReportLab, in one run. Run: `python bench/letters.py [--letters N]`.

The same one-page letter, about 1,400 characters, with another name, address and reference each time. Ours is tagged,
PDF/UA-1 and PDF/A-2a, in documents of 250, with and without reading every letter back before it is sealed; then two
processes at once, and many more letters in one process to see what its memory does. The peers are installed into a
virtual environment of their own (`--peers FOLDER`) and set the same parts in the same font; WeasyPrint needs Pango on
the machine and is left out without it, ReportLab makes untagged text in one script. Each figure is the median of
rounds, by processor time on one processor.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

DAY = date(2026, 11, 24)
BATCH = 250
SENDER = {
    "name": "Example Orchard GmbH",
    "address": ["1 Example Street", "20457 Hamburg"],
    "country": "DE",
    "phone": "+49 40 5550 0100",
    "email": "privacy@orchard.example.org",
}
PARTS = (
    ("What happened", "On 3 March 2026 someone without permission copied data from our order system. We found it on "
     "the same day and closed the way in. The copy holds orders of the last two years."),
    ("What data it was", "Your name, your postal address, your email address and what you ordered. Your password and "
     "your bank account were not in the system."),
    ("What it may mean for you", "Thieves may write to you or call you in our name. They may know what you ordered, "
     "and that makes them sound true."),
    ("What we do", "We have told the supervisory authority and the police, and specialists are checking all our "
     "systems. We will write to you again if we find out more."),
    ("What you can do", "Be careful with mails and calls that claim to come from us. We never ask for a password. "
     "Look at your account statements and tell your bank about anything that you do not know."),
)  # fmt: skip
CLOSING = "Give us the reference when you call us: we answer every day from 8 to 20."


def person(n: int) -> tuple[str, str, tuple[str, str]]:
    """Reference, name and address of the n-th made-up person."""
    return f"NF-{n:07d}", f"Robin Example {n}", (f"Lindenweg {n % 200 + 1}", f"{50000 + n % 9000} Köln")


# --- ours -----------------------------------------------------------------------------------------------------------


def batch(first: int, size: int) -> tuple[dict[str, object], list[object]]:
    from models.values import Channel, Contacts, Message, Slot, Wording
    from templates.markup import Block, Section, as_typst

    sections = [Section(head, head, (Block(text),)) for head, text in PARTS]
    closing = Section("closing", "", (Block(CLOSING),))
    typst = '#s.at("salutation")\n\n' + as_typst([*sections, closing])
    slots = (Slot.SALUTATION, Slot.REFERENCE)
    words = Wording("bench", Channel.LETTER, "en", subject="Notice of a data breach", typst=typst, slots=slots)
    key, messages = words.digest(), []
    for n in range(first, first + size):
        reference, name, lines = person(n)
        filled = {"salutation": f"Dear {name},", "reference": reference, "addressee": name, "address": "\n".join(lines)}
        to = Contacts(address=lines, country="DE")
        messages.append(Message(f"d{n}", f"n{n}", Channel.LETTER, "en", to, filled, wording=key))
    return {key: words}, list(messages)


def press(first: int, size: int, *, checked: bool) -> tuple[float, int]:
    """Seconds of processor time for one batch, and the bytes of its PDF."""
    from templates.letters import press_letters
    from templates.readback import Row, differences
    from templates.sheets import profile_of

    wordings, messages = batch(first, size)
    start = time.process_time()
    made = press_letters(wordings, messages, sender=SENDER, date=DAY)  # type: ignore[arg-type]
    if checked:
        rows = [
            Row(m.slots["reference"], at, at + pages - 1, lines)  # type: ignore[attr-defined]
            for m, at, pages, lines in zip(messages, made.starts, made.pages, made.printed, strict=True)
        ]
        if found := differences(made.pdf, rows, profile_of("DE").box):
            raise SystemExit(f"the PDF is not what its manifest says: {found[0]}")
    return time.process_time() - start, len(made.pdf)


def ours(letters: int, *, checked: bool, cpu: int) -> dict[str, float]:
    """Letters per second of each batch, by processor time, and the most memory that was held."""
    os.sched_setaffinity(0, {cpu})
    press(0, 1, checked=checked)
    rates, size = [], 0
    for first in range(1, letters, BATCH):
        took, size = press(first, BATCH, checked=checked)
        rates.append(BATCH / took)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rate": statistics.median(rates), "bytes": size / BATCH, "rss": peak, "last": rates[-1]}


# --- a process each -------------------------------------------------------------------------------------------------


def apart(*arguments: str, python: str = sys.executable) -> dict[str, float]:
    """This file with other arguments, in a process of its own; its last line is JSON."""
    done = subprocess.run([python, __file__, *arguments], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def together(letters: int) -> tuple[float, float]:
    """Letters per second of one process alone, and of two at once on two processors added up.

    By the processor time of each, as all figures here: other programs may share the machine. What two of ours take from
    each other (memory, caches, locks) is in it.
    """

    def run(count: int) -> float:
        each = [sys.executable, __file__, "--one", str(letters), "--checked"]
        running = [
            subprocess.Popen([*each, "--cpu", str(cpu)], stdout=subprocess.PIPE, text=True) for cpu in range(count)
        ]
        return sum(json.loads(process.communicate()[0].splitlines()[-1])["rate"] for process in running)

    return run(1), run(2)


# --- peers ----------------------------------------------------------------------------------------------------------


STYLE = """
@font-face{font-family:Noto;src:url(file://FONT);font-weight:100 900}
@page{size:A4;margin:15mm 20mm 26mm 25mm;
  @bottom-left{content:string(ref);font:10pt Noto}
  @bottom-right{content:"Page " counter(sheet) " of 1";font:10pt Noto}}
article{break-before:page;counter-reset:sheet 1;position:relative;font:10.5pt/1.3 Noto}
header{height:84mm;border-top:0} .from{font:bold 15pt Noto} .contact{position:absolute;right:0;top:0;text-align:right}
.back{position:absolute;top:36mm;font-size:10pt} .to{position:absolute;top:44mm;font-size:10pt}
.info{position:absolute;top:44mm;right:0;text-align:right} .ref{string-set:ref content()}
.fold{position:absolute;left:-21mm;width:4mm;border-top:.4pt solid #444}
h1{font-size:12.5pt} h2{font-size:11pt}
"""


def weasyprint(count: int) -> float:
    """One document with all letters, as its users make batches; tagged, with the same font and the same parts."""
    import weasyprint as engine  # type: ignore[import-not-found]

    start = time.process_time()
    html = "".join(_html(n) for n in range(count))
    style = STYLE.replace("FONT", os.environ["BENCH_FONT"].replace("[", "%5B").replace("]", "%5D"))
    document = f"<html lang=en><head><title>Letters</title><style>{style}</style></head><body>{html}</body></html>"
    engine.HTML(string=document).write_pdf(pdf_variant="pdf/ua-1")
    return count / (time.process_time() - start)


def _html(n: int) -> str:
    reference, name, lines = person(n)
    parts = "".join(f"<h2>{head}</h2><p>{text}</p>" for head, text in PARTS)
    address = [str(line) for line in SENDER["address"]]
    contact = "<br>".join((", ".join(address), str(SENDER["phone"]), str(SENDER["email"])))
    head = (
        f"<header><p class=from>{SENDER['name']}</p><p class=contact>{contact}</p>"
        f"<p class=back>{' · '.join((str(SENDER['name']), *address))}</p><p class=to>{name}<br>{'<br>'.join(lines)}</p>"
        f"<p class=info>Date 24 November 2026<br><span class=ref>Reference {reference}</span></p>"
        f"<div class=fold style='top:90mm'></div><div class=fold style='top:195mm'></div></header>"
    )
    return f"<article>{head}<h1>Notice of a data breach</h1><p>Dear {name},</p>{parts}<p>{CLOSING}</p></article>"


def reportlab(count: int) -> float:
    """The same parts in the same font by its layout engine; it makes no tagged PDF and shapes no script."""
    import io

    from reportlab.lib.pagesizes import A4  # type: ignore[import-not-found]
    from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-not-found]
    from reportlab.pdfbase import pdfmetrics  # type: ignore[import-not-found]
    from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-not-found]
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer  # type: ignore[import-not-found]

    pdfmetrics.registerFont(TTFont("Noto", os.environ["BENCH_FONT"]))
    plain = ParagraphStyle("plain", fontName="Noto", fontSize=10.5, leading=13.5, spaceAfter=6)
    head = ParagraphStyle("head", parent=plain, fontSize=12.5, leading=16)
    start = time.process_time()
    story: list[object] = []
    letters = [person(n) for n in range(count)]
    address = [str(line) for line in SENDER["address"]]
    for reference, name, lines in letters:
        story += [Paragraph(str(SENDER["name"]), head), Paragraph(", ".join(address), plain)]
        story += [Paragraph(f"{SENDER['phone']}<br/>{SENDER['email']}", plain), Spacer(1, 40)]
        story += [Paragraph("<br/>".join((name, *lines)), plain)]
        story += [Paragraph(f"Date 24 November 2026<br/>Reference {reference}", plain), Spacer(1, 20)]
        story += [Paragraph("Notice of a data breach", head), Paragraph(f"Dear {name},", plain)]
        for title, text in PARTS:
            story += [Paragraph(title, head), Paragraph(text, plain)]
        story += [Paragraph(CLOSING, plain), PageBreak()]

    def furniture(canvas: Any, document: Any) -> None:
        canvas.setFont("Noto", 10)
        canvas.drawString(71, 40, f"Reference {letters[document.page - 1][0]}")
        canvas.drawRightString(538, 40, "Page 1 of 1")
        for y in (544, 247):
            canvas.line(11, y, 23, y)

    made = SimpleDocTemplate(io.BytesIO(), pagesize=A4, leftMargin=71, rightMargin=57, topMargin=43, bottomMargin=74)
    made.build(story, onFirstPage=furniture, onLaterPages=furniture)
    return count / (time.process_time() - start)


def font() -> str:
    """The font that ours embeds, for the peers too."""
    import manimgx_fonts  # type: ignore[import-untyped]

    return str(Path(manimgx_fonts.__file__).parent / "NotoSans[wght].ttf")


PEERS: dict[str, tuple[Callable[[int], float], int]] = {"weasyprint": (weasyprint, 60), "reportlab": (reportlab, 250)}


def install(folder: Path) -> str:
    """The python of a virtual environment with the peers; made once."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS], check=True)
    return str(python)


# --- the run --------------------------------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, default=1500, help="letters of each round of ours")
    parser.add_argument("--many", type=int, default=10_000, help="letters of one process to see its memory")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, default=Path(tempfile.gettempdir()) / "tocsin-bench-peers")
    parser.add_argument("--one", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--peer", default="", help=argparse.SUPPRESS)
    parser.add_argument("--checked", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--cpu", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def compare(a: argparse.Namespace) -> None:
    python = install(a.peers)
    os.environ["BENCH_FONT"] = font()
    names = ["ours", "ours, read back"]
    rounds: dict[str, list[float]] = {name: [] for name in [*names, *PEERS]}
    last: dict[str, float] = {}
    for _ in range(a.rounds):
        for name, more in zip(names, ((), ("--checked",)), strict=True):
            last = apart("--one", str(a.letters), *more)
            rounds[name].append(last["rate"])
        for name in PEERS:
            try:
                rounds[name].append(apart("--peer", name, python=python)["rate"])
            except subprocess.CalledProcessError as error:
                print(f"{name} does not run here: {error.stderr.strip().splitlines()[-1]}")
    found = {name: statistics.median(rates) for name, rates in rounds.items() if rates}
    print(f"{last['bytes']:,.0f} bytes a letter, {BATCH} to a document; letters a second on one processor:")
    for name, rate in found.items():
        print(f"  {name:16} {rate:8.1f}   {found['ours'] / rate:6.1f} times slower than ours" if name in PEERS
              else f"  {name:16} {rate:8.1f}   {rate / found['ours']:6.2f} of ours")  # fmt: skip
    alone, both = together(a.letters)
    print(f"two processes at once: {both / alone:.2f} times one, {both:.0f} letters a second")
    few, many = apart("--one", str(a.letters), "--checked"), apart("--one", str(a.many), "--checked")
    print(f"memory: {few['rss']:.0f} MB at {a.letters:,} letters, {many['rss']:.0f} MB at {a.many:,}")


def main() -> None:
    a = arguments()
    if a.peer:
        work, count = PEERS[a.peer]
        os.sched_setaffinity(0, {a.cpu})
        work(2)
        print(json.dumps({"rate": work(count)}))
    elif a.one:
        print(json.dumps(ours(a.one, checked=a.checked, cpu=a.cpu)))
    else:
        compare(a)


if __name__ == "__main__":
    main()
