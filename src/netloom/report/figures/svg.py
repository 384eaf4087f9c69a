"""SVG elements as text: numbers rounded, content escaped, colours by class.

Lengths are user units, which are CSS pixels at the picture's natural size; y grows downwards.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence

from netloom.report.figures import palette

FONT_STACK = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

#: Mean advance of a glyph over the font size, by class of glyph; wide enough for Arial, Segoe UI.
_NARROW, _NORMAL, _WIDE = 0.31, 0.56, 0.78
_NARROW_GLYPHS, _WIDE_GLYPHS = frozenset(" .,:;'|!()[]iljIftr-"), frozenset("mwMW%@")


def number(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    return f"{value:.1f}".rstrip("0").rstrip(".").replace("-0", "0" if abs(value) < 0.05 else "-0")


def text_width(content: str, size: float) -> float:
    """Return about how wide a text will be drawn, never much too small."""
    return size * sum(map(_advance, content))


def _advance(glyph: str) -> float:
    """Return about how wide a glyph is, over the font size."""
    if unicodedata.east_asian_width(glyph) in "WF":
        return 1.0
    return _NARROW if glyph in _NARROW_GLYPHS else _WIDE if glyph in _WIDE_GLYPHS else _NORMAL


def wrap(content: str, size: float, width: float) -> list[str]:
    """Return a text cut at spaces into lines that fit a width; a long word stays whole."""
    lines: list[str] = []
    for word in content.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def fit(content: str, size: float, width: float) -> str:
    """Return a text cut short with an ellipsis so that it fits a width."""
    if text_width(content, size) <= width:
        return content
    while content and text_width(content + "…", size) > width:
        content = content[:-1]
    return content.rstrip() + "…"


def text(
    x: float, y: float, content: str, size: float = 12, css: str = "ink", anchor: str = "start"
) -> str:
    """Return a line of text whose baseline starts, has its middle or ends at (x, y)."""
    place = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" class="{css}"{place}>'
        f"{html.escape(content)}</text>"
    )


def rect(
    x: float, y: float, width: float, height: float, css: str, title: str = "", radius: float = 0
) -> str:
    """Return a rectangle; `title` is shown when the pointer rests on it."""
    corner = f' rx="{number(radius)}"' if radius else ""
    tag = (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
        f'{corner} class="{css}"'
    )
    return f"{tag}><title>{html.escape(title)}</title></rect>" if title else f"{tag}/>"


def circle(x: float, y: float, radius: float, css: str, title: str = "") -> str:
    """Return a disc."""
    tag = f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" class="{css}"'
    return f"{tag}><title>{html.escape(title)}</title></circle>" if title else f"{tag}/>"


def lines(segments: Iterable[tuple[float, float, float, float]], css: str, width: float = 0) -> str:
    """Return straight lines (x1, y1, x2, y2) as one path; of the class's width unless given."""
    moves = "".join(
        f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}" for x1, y1, x2, y2 in segments
    )
    style = f' style="stroke-width:{number(width)}"' if width else ""
    return f'<path d="{moves}" class="{css}"{style}/>' if moves else ""


def polyline(points: Sequence[tuple[float, float]], css: str) -> str:
    """Return connected straight lines."""
    places = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return f'<polyline points="{places}" class="{css}"/>'


def document(width: float, height: float, title: str, body: Iterable[str]) -> str:
    """Return the picture; `title` is what a screen reader says."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" '
        f'width="{number(width)}" height="{number(height)}" role="img" '
        f'aria-label="{html.escape(title)}">'
        f"{''.join(body)}</svg>"
    )


def standalone(picture: str) -> str:
    """Return a picture that carries its own colours and ground, for use outside the report."""
    style = f"<style>{palette.css()}{rules()}svg{{background:var(--paper)}}</style>"
    opening, closing, rest = picture.partition(">")
    return f"{opening}{closing}{style}{rest}\n"


def rules() -> str:
    """Return the CSS rules that every picture needs beside the colours."""
    fills = "".join(
        f".f-{name}{{fill:var(--f-{name})}}.t-{name}{{fill:var(--t-{name})}}"
        for name in palette.COLOURS
    )
    strokes = "".join(
        f".s-{name}{{fill:none;stroke:var(--f-{name});stroke-width:1;stroke-opacity:.6}}"
        for name in palette.COLOURS
        if name.startswith("rail-")
    )
    return (
        f"svg text{{font-family:{FONT_STACK};font-variant-numeric:tabular-nums}}"
        ".ink{fill:var(--ink)}.bold{fill:var(--ink);font-weight:650}.muted{fill:var(--muted)}"
        ".paper{fill:var(--paper)}.panel{fill:var(--panel);stroke:var(--rule)}"
        ".box{fill:var(--box);stroke:var(--ink);stroke-width:1}"
        ".grid{fill:none;stroke:var(--rule);stroke-width:1}"
        ".axis{fill:none;stroke:var(--muted);stroke-width:1}"
        ".wire{fill:none;stroke:var(--muted);stroke-width:.8;stroke-opacity:.55}"
        ".front{fill:none;stroke:var(--muted);stroke-width:1.5;stroke-dasharray:5 4}"
        ".whisker{fill:none;stroke:var(--ink);stroke-width:1.2;stroke-opacity:.55}"
        ".limit{fill:none;stroke:var(--ink);stroke-width:1.5}"
        ".free{fill:none;stroke:var(--muted);stroke-dasharray:3 3}"
        ".winner{fill:var(--accent);stroke:var(--paper);stroke-width:1.5}"
        ".other{fill:var(--muted);stroke:var(--paper);stroke-width:1.5}"
        f"{fills}{strokes}"
    )
