"""Parts out of order by name: ``spine:3``, ``plane:1``, ``nic:17``, ``link:leaf:0-spine:3``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from netloom.errors import ParameterError, nearest
from netloom.simulate.degrade import Loss
from netloom.topology.fabric import HOST, Fabric

_NIC, _PLANE, _LINK = "nic", "plane", "link"


def loss_of(texts: Iterable[str], fabric: Fabric) -> Loss:
    """Return what is lost, for `netloom.simulate.degrade.degrade`.

    Parameters
    ----------
    texts : each a part of the fabric: a switch by the name of its tier and its number there, a
        plane, a NIC, or one link between two neighbours. A link named twice is two links.

    Raises
    ------
    ParameterError
        When the fabric has no such part.

    Examples
    --------
    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 2048, "radix": 64, "tiers": 2})
    >>> loss_of(["spine:3", "nic:17"], fabric)
    Loss(trunk_links={}, switches=(67,), planes=(), endpoints=(17,))
    """
    switches: list[int] = []
    planes: list[int] = []
    endpoints: list[int] = []
    trunks: Counter[int] = Counter()
    for text in texts:
        kind, colon, rest = text.partition(":")
        if not colon:
            raise ParameterError(
                f"'{text}' names no part of the fabric", hint="write " + _examples(fabric)
            )
        if kind == _LINK:
            trunks[_trunk(rest, text, fabric)] += 1
        elif kind == _PLANE:
            planes.append(_number(rest, int(fabric.switch_plane.max(initial=-1)) + 1, kind))
        else:
            is_nic, number = _end(text, fabric)
            (endpoints if is_nic else switches).append(number)
    return Loss(dict(trunks), tuple(switches), tuple(planes), tuple(endpoints))


def _examples(fabric: Fabric) -> str:
    top = fabric.tiers[-1].name
    return f"{top}:0, plane:0, nic:0 or link:nic:0-{fabric.tiers[0].name}:0"


def _end(text: str, fabric: Fabric) -> tuple[bool, int]:
    """Return whether a part is a NIC, and its number on the fabric."""
    kind, _, number = text.partition(":")
    if kind == _NIC:
        return True, _number(number, fabric.num_endpoints, kind)
    names = [tier.name for tier in fabric.tiers]
    if kind not in names:
        raise ParameterError(
            f"fabric '{fabric.kind}' has no part '{kind}'",
            hint=nearest(kind, [*names, _NIC, _PLANE, _LINK]),
        )
    tier = names.index(kind)
    first = int(np.searchsorted(fabric.switch_tier, tier))
    return False, first + _number(number, fabric.tiers[tier].num_switches, kind)


def _number(text: str, count: int, kind: str) -> int:
    if not text.isdecimal() or int(text) >= count:
        hint = f"they are numbered 0 to {count - 1}" if count else f"the fabric has no {kind}s"
        raise ParameterError(f"there is no {kind} '{text}'", hint=hint)
    return int(text)


def _trunk(ends: str, text: str, fabric: Fabric) -> int:
    """Return the trunk between two neighbours."""
    one, dash, other = ends.partition("-")
    if not dash:
        raise ParameterError(
            f"'{text}' has not two ends", hint=f"write link:nic:0-{fabric.tiers[0].name}:0"
        )
    (one_is_nic, lower), (other_is_nic, upper) = _end(one, fabric), _end(other, fabric)
    if other_is_nic:
        one_is_nic, other_is_nic, lower, upper = other_is_nic, one_is_nic, upper, lower
    is_host = np.array([kind.lower == HOST for kind in fabric.link_classes])[fabric.trunk_class]
    low, high = fabric.trunk_lower, fabric.trunk_upper
    joined = (low == lower) & (high == upper)
    if not one_is_nic:
        joined |= (low == upper) & (high == lower)
    found = np.flatnonzero(joined & (is_host == one_is_nic))
    if other_is_nic or not len(found):
        raise ParameterError(
            f"no link joins {one} and {other}",
            hint=f"neighbours of {one}: {_neighbours(lower, one_is_nic, is_host, fabric)}",
        )
    return int(found[0])


def _neighbours(number: int, is_nic: bool, is_host: np.ndarray, fabric: Fabric) -> str:
    """Return up to five switches that a part is joined to."""
    above = fabric.trunk_upper[(is_host == is_nic) & (fabric.trunk_lower == number)]
    below = fabric.trunk_lower[~is_host & (fabric.trunk_upper == number)]
    found = np.unique(above if is_nic else np.concatenate([above, below]))
    names = [
        f"{fabric.tiers[tier].name}:{switch - np.searchsorted(fabric.switch_tier, tier)}"
        for switch, tier in zip(found[:5], fabric.switch_tier[found[:5]], strict=True)
    ]
    return ", ".join(names) + (", ..." if len(found) > 5 else "")
