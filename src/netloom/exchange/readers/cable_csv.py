"""Cable CSV: one row per cable with both ends by device and port, as netloom's own ``cables.csv``.

Needed are ``a_device``, ``a_port``, ``b_device`` and ``b_port``. A device's role is ``a_role`` or
``b_role``, and without them what its name is before its number: ``leaf0012`` is a leaf,
``node0003`` houses endpoints. An endpoint is a port of such a device, without the plane behind a
slash: ``node0003:nic2`` has the ports ``nic2/1`` and ``nic2/2``.

A switch port is a number, or ``cage/place`` where links share a cage; a cage alone is all its
links, ``2/3-4`` the third and fourth of cage 2. ``links`` overrides that; ``rate`` is of one link.
Other columns are left alone. No port may be used twice.
"""

from __future__ import annotations

import csv
import io
import re

from netloom.exchange.graph_file import ENDPOINT_ROLES, Sketch

SUFFIXES = (".csv",)

_NEEDED = ("a_device", "a_port", "b_device", "b_port")
_CAGE = re.compile(r"(.+?)/(\d+)(?:-(\d+))?$")


def read(text: str, sketch: Sketch) -> None:
    """Add a cable list to a sketch; nodes are sorted by name, numbers in names by value."""
    reader = csv.DictReader(io.StringIO(text))
    columns = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        sketch.wrong(1, f"lacks the columns {', '.join(missing)}", f"needed: {', '.join(_NEEDED)}")
        return
    roles: dict[str, tuple[str, int]] = {}
    taken: dict[tuple[str, str], int] = {}
    for row in reader:
        line = reader.line_num
        empty = [name for name in _NEEDED if not (row[name] or "").strip()]
        if empty:
            sketch.wrong(line, f"a cable lacks {', '.join(empty)}")
            continue
        ends, counts = [], []
        for side in ("a", "b"):
            device, port = row[f"{side}_device"].strip(), row[f"{side}_port"].strip()
            role = (row.get(f"{side}_role") or re.sub(r"[^A-Za-z]*\d*$", "", device)).strip()
            if role.lower() in ENDPOINT_ROLES:
                places, name = [port], f"{device}:{port.partition('/')[0]}"
            else:
                places, name = _places(port, sketch.cage_ports), device
                counts.append(len(places))
            for place in places:
                first = taken.setdefault((device, place), line)
                if first != line:
                    sketch.wrong(
                        line, f"port {place} of {device} is used twice, first on line {first}"
                    )
            known = roles.setdefault(name, (role, line))
            if known[0] != role:
                sketch.wrong(line, f"{name} is {role} here and {known[0]} on line {known[1]}")
            ends.append(name)
        if len(set(counts)) > 1 and not row.get("links"):
            sketch.wrong(line, f"one end of the cable has {counts[0]} links, the other {counts[1]}")
        links = row.get("links") or (counts[0] if counts else 1)
        sketch.link(line, ends[0], ends[1], links, row.get("rate"))
    for name in sorted(roles, key=_natural):
        role, line = roles[name]
        sketch.node(line, name, role)


def _places(port: str, cage_ports: int) -> list[str]:
    """Return the logical ports of a switch end.

    Examples
    --------
    >>> _places("3", 1), _places("3", 2), _places("3/2", 2), _places("2/3-4", 4)
    (['3'], ['3/1', '3/2'], ['3/2'], ['2/3', '2/4'])
    """
    match = _CAGE.match(port)
    if match is None:
        return [port] if cage_ports == 1 else [f"{port}/{n}" for n in range(1, cage_ports + 1)]
    first, last = int(match[2]), int(match[3] or match[2])
    return [f"{match[1]}/{n}" for n in range(first, last + 1)]


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key in which numbers inside names count by value."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
