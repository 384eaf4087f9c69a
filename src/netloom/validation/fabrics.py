"""Fabrics of published tables: built by the family's own rules, then counted.

``data/fabric/<family>.yaml`` lists the published fabrics of one family, so a new family brings its
published numbers as one more file. A case has

``name``, ``source``, ``place``, ``note``
    what it is and where it was published;
``cluster`` and ``given``
    endpoints, NICs per node and switch ports, from which the family sizes itself as for a study,
    and the parameters that the source fixes; or ``parameters`` to build from directly;
``over``
    another fabric (with ``family``) whose quantities the published ones are shares of;
``published``
    numbers by quantity (`measure`), exact unless ``tolerance`` says otherwise;
``money``
    a published sum with the unit prices that it was computed from.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from netloom import topology
from netloom.topology.clos import most_hosts
from netloom.topology.counts import bisection_fraction, count, hops
from netloom.topology.fabric import Fabric
from netloom.validation.published import DATA, read

#: Counts do not depend on the rate; one is needed to build.
_LINK_BYTES_PER_S = 50e9


@lru_cache(maxsize=1)
def cases() -> tuple[dict[str, Any], ...]:
    """Return the published fabrics of every family that netloom has, with their ``family``."""
    return tuple(
        {"family": family} | case
        for family in topology.kinds()
        if (DATA / "fabric" / f"{family}.yaml").exists()
        for case in read(f"fabric/{family}.yaml")
    )


def built(case: dict[str, Any]) -> Fabric:
    """Return the fabric of a case, or of its ``over``."""
    if "parameters" in case:
        return topology.build(case["family"], case["parameters"])
    cluster = case["cluster"]
    sized = topology.sized(
        case["family"],
        hosts=cluster["endpoints"],
        nics_per_node=cluster["nics_per_node"],
        num_ports=cluster["ports"],
        link_bytes_per_s=_LINK_BYTES_PER_S,
        ports_per_cage=cluster.get("ports_per_cage", 1),
        given=case.get("given"),
    )
    return topology.build(case["family"], sized)


def measure(fabric: Fabric, quantity: str) -> float:
    """Return a quantity of a built fabric by the name that the data files use.

    Examples
    --------
    >>> tree = topology.build("fat-tree", {"hosts": 2048, "radix": 64, "tiers": 2})
    >>> measure(tree, "leaf switches"), measure(tree, "inter-switch links")
    (64, 2048)
    """
    counts = count(fabric)
    known = _whole_fabric(fabric)
    if quantity in known:
        return known[quantity]()
    name, _, noun = quantity.rpartition(" ")
    table: dict[str, int] = getattr(counts, noun)
    return table[name]


def _whole_fabric(fabric: Fabric) -> dict[str, Any]:
    """Return the quantities that are no tier's and no link class's, computed when called."""
    counts, parameters = count(fabric), fabric.parameters
    host_class = fabric.link_classes[0].name
    host_links = counts.links[host_class]
    return {
        "endpoints": lambda: counts.endpoints,
        "switches": lambda: sum(counts.switches.values()),
        "inter-switch links": lambda: sum(counts.links.values()) - host_links,
        # one at either end of every link
        "transceivers": lambda: 2 * sum(counts.links.values()),
        "host-leaf and manager links": lambda: host_links + parameters["manager_links"],  # type: ignore[operator]
        "addresses": lambda: counts.addresses,
        "most endpoints": lambda: most_hosts(
            parameters["radix"],  # type: ignore[arg-type]
            parameters["tiers"],  # type: ignore[arg-type]
            parameters["taper"],  # type: ignore[arg-type]
        ),
        "bisection share": lambda: bisection_fraction(fabric),
        "bisection links": lambda: (bisection_fraction(fabric) or 0) * host_links / 2,
        "diameter": lambda: hops(fabric).diameter,
        "switches crossed": lambda: hops(fabric).diameter + 1,
    }


def published_fabrics() -> Iterator[tuple[dict[str, Any], Fabric]]:
    """Yield each case with its fabric."""
    for case in cases():
        yield case, built(case)
