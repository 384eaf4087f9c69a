"""Node-link JSON: ``{"nodes": [{"id", "role", "radix"}], "links": [{"source", "target", ...}]}``.

As networkx's ``node_link_data`` and D3 write it; ``edges`` may stand for ``links``. A link's own
``links`` and ``rate`` are its parallel links and their rate; other keys are left alone.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator
from typing import Any

from netloom.exchange.graph_file import Sketch

SUFFIXES = (".json",)

_SPACE = re.compile(r"\s*")
_decode = json.JSONDecoder().raw_decode


def read(text: str, sketch: Sketch) -> None:
    """Add a node-link document to a sketch."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def line(place: int) -> int:
        return bisect.bisect_right(starts, place)

    seen: set[str] = set()
    try:
        for key, place, value in _entries(text):
            known = "links" if key == "edges" else key
            if known not in ("nodes", "links"):
                continue
            seen.add(known)
            if not isinstance(value, dict):
                sketch.wrong(line(place), f"an entry of '{key}' is no object", "write {...}")
            elif known == "nodes" and value.get("id") is None:
                sketch.wrong(line(place), "a node lacks its id")
            elif known == "nodes":
                sketch.node(line(place), str(value["id"]), value.get("role"), value.get("radix"))
            else:
                sketch.link(
                    line(place), value.get("source"), value.get("target"),
                    value.get("links"), value.get("rate"),
                )  # fmt: skip
    except json.JSONDecodeError as error:
        sketch.wrong(line(error.pos), f"is no JSON: {error.msg}")
        return
    for key in sorted({"nodes", "links"} - seen):
        sketch.wrong(0, f"lacks '{key}'", 'write {"nodes": [...], "links": [...]}')


def _entries(text: str) -> Iterator[tuple[str, int, Any]]:
    """Yield key, place and value of each entry of the lists of the outer object.

    The outer object is walked by hand, because the decoder forgets where a value stood.
    """
    place = _expect(text, 0, "{")
    while text[place : place + 1] != "}":
        key, place = _decode(text, place)
        place = _expect(text, place, ":")
        if text[place : place + 1] == "[":
            place = _expect(text, place, "[")
            while text[place : place + 1] != "]":
                value, end = _decode(text, place)
                yield str(key), place, value
                place = _comma(text, end, "]")
            place += 1
        else:
            _, place = _decode(text, place)
        place = _comma(text, place, "}")


def _comma(text: str, place: int, closing: str) -> int:
    """Return the place after a comma, or of the closing bracket."""
    place = _space(text, place)
    return place if text[place : place + 1] == closing else _expect(text, place, ",")


def _expect(text: str, place: int, sign: str) -> int:
    """Return the place of what follows a sign; raise `JSONDecodeError` when it is another."""
    place = _space(text, place)
    if text[place : place + 1] != sign:
        raise json.JSONDecodeError(f"expecting '{sign}'", text, place)
    return _space(text, place + 1)


def _space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
