"""A leaf switch lost under a training job: nodes cut off on one plane, a longer step on two.

Promised: inside the bounds that are said of such fabrics, shown as the middles of their ranges.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.lost_leaf import lost_leaf
from netloom.validation.published import between, cite, read


def rows() -> Iterator[Row]:
    """Yield what a job on one plane and on two does without one leaf."""
    case = read("failure.yaml")["leaf"]
    single, dual = lost_leaf(case, 1), lost_leaf(case, 2)
    found = {
        # where the step runs on without the leaf, no node is cut off
        "one_plane": (
            "one plane, share of nodes cut off",
            single.nodes_fraction if math.isinf(single.slowdown) else 0.0,
        ),
        "two_planes": ("two planes, step longer by", dual.slowdown),
    }
    for key, (words, computed) in found.items():
        middle, tolerance = between(*case[key])
        yield Row(
            "lost-leaf",
            f"{case['name']}: {words}",
            "",
            middle,
            computed,
            tolerance,
            cite(case["source"]),
            note=case["note"],
        )
