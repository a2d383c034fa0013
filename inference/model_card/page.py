"""The card's template, once: whole, or reduced for a window that knows a part of HTML and no style variables."""

from __future__ import annotations

from collections.abc import Sequence
from string import Template

from inference.model_card.claim import claim_section
from inference.model_card.data_sections import (
    Picture,
    bias_section,
    data_section,
    facts_section,
    failures_section,
    files_section,
    making_section,
    no_picture,
    verdict,
    warnings,
)
from inference.model_card.map_sections import maps_section
from inference.model_card.markup import escape, listed, paragraph, section
from inference.model_card.plots import SVG_STYLE
from inference.model_card.sections import (
    calibration_section,
    controls_section,
    gate_section,
    groups_section,
    outside_section,
    worth_section,
)
from inference.model_card.source import CardSource

NOTICE = "Research and education only. Not a medical device; not for diagnosis, triage or treatment decisions."


def model_card(source: CardSource) -> str:
    """Return the whole card as one HTML file that fetches nothing: light and dark, on screen and on paper."""
    body = [*_sections(source, drawn=True), making_section(source), claim_section(source), files_section(source)]
    return whole_page(f"Model card: {source.card['title']}", _head(source), body)


def reduced_card(source: CardSource, picture: Picture = no_picture) -> str:
    """Return the card without drawings, recipe and checklist, as plain tags with classes: "warning", "note", "muted" ...

    Parameters
    ----------
    picture
        Where the picture of a held-out film can be had at the moment of looking; none is kept in what is returned.
    """
    body = [*_sections(source, drawn=False, picture=picture), files_section(source)]
    title = f"<h1>{escape(source.card['title'])}</h1>"
    return "\n".join(("<html><body>", title, *_head(source), *filter(None, body), "</body></html>"))


def _head(source: CardSource) -> list[str]:
    card = source.card
    return [
        paragraph(f"{card['name']}, version {card['version']}", "note"),
        paragraph(NOTICE, "purpose"),
        paragraph(verdict(source), "verdict"),
        section("warnings", "Warnings", listed(warnings(source))),
    ]


def _sections(source: CardSource, drawn: bool, picture: Picture = no_picture) -> list[str]:
    return [
        facts_section(source),
        worth_section(source, drawn),
        outside_section(source),
        controls_section(source),
        calibration_section(source, drawn),
        groups_section(source),
        gate_section(source),
        maps_section(source),
        bias_section(source),
        failures_section(source, picture),
        data_section(source),
    ]


def whole_page(title: str, head: Sequence[str], body: Sequence[str]) -> str:
    """Return a page of our own look; ``head`` and ``body`` are markup, ``title`` is plain text."""
    style = STYLE.substitute(plots=Template(SVG_STYLE).substitute(
        ink="var(--ink)", line="var(--line)", quiet="var(--quiet)", first="var(--first)", second="var(--second)",
        third="var(--third)",
    ))  # fmt: skip
    content = "\n".join((f"<h1>{escape(title)}</h1>", *head, *filter(None, body)))
    return PAGE.substitute(title=escape(title), style=style, content=content)


STYLE = Template("""\
:root { --paper: #ffffff; --ink: #1a1a1a; --quiet: #6a6a6a; --line: #dcdcdc; --alert: #b03a00; --alert-paper: #fdf1ea;
  --first: #0072b2; --second: #c44e00; --third: #00805f; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --paper: #141312; --ink: #e4dfd6; --quiet: #a09a90; --line: #37332e;
  --alert: #f0a070; --alert-paper: #2d1f17; --first: #6cb8e6; --second: #f0975a; --third: #5cc7a6; } }
body { max-width: 1160px; margin: 2rem auto; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 "Noto Sans", "DejaVu Sans", Verdana, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin-bottom: 0.25rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 0.5rem; border-top: 1px solid var(--line); padding-top: 0.8rem; }
h3 { font-size: 0.98rem; margin: 1.2rem 0 0.3rem; }
.verdict { font-size: 1.05rem; }
.purpose { border-left: 4px solid var(--alert); padding-left: 0.75rem; font-weight: bold; }
.warning, #warnings { background: var(--alert-paper); border-left: 4px solid var(--alert); padding: 0.5rem 0.9rem; }
#warnings h2 { border: 0; margin-top: 0; padding: 0; }
.note, figcaption { color: var(--quiet); font-size: 0.87rem; }
table { border-collapse: collapse; margin: 0.5rem 0 1rem; font-size: 0.92rem; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid var(--line); }
thead th { font-weight: 600; }
tbody th, tr th[scope=row] { font-weight: normal; color: var(--quiet); max-width: 26rem; }
td { font-variant-numeric: tabular-nums; }
td:last-child { overflow-wrap: anywhere; }
tr.muted th, tr.muted td { color: var(--quiet); font-style: italic; opacity: 0.75; }
figure { margin: 1rem 0 1.5rem; max-width: 460px; }
figure svg { display: block; width: 100%; height: auto; }
$plots
@media print {
  :root { --paper: #ffffff; --ink: #000000; --quiet: #555555; --line: #cccccc; --alert: #b03a00; --alert-paper: #ffffff;
    --first: #0072b2; --second: #c44e00; --third: #00805f; }
  body { max-width: none; margin: 0; padding: 0; font-size: 9.5pt; }
  h2, h3 { break-after: avoid; }
  figure { max-width: 10cm; }
  figure, tr { break-inside: avoid; }
}
""")

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>
$style</style>
</head>
<body>
$content
</body>
</html>
""")
