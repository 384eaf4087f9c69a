"""How often a token crosses the network on its way to its experts.

A library that sends a token once to each node that holds some of its experts, and spreads it there
over the scale-up network (DeepEP and kin), crosses the network less often than the token has
experts. Routing limited to a few groups of experts makes nodes fewer still.

References
----------
.. [1] DeepSeek-AI, "DeepSeek-V3 technical report", arXiv:2412.19437, section 3.2.2: at most four
   nodes a token, 3.2 experts on each.
"""

from __future__ import annotations

from collections.abc import Callable

from netloom.catalog.software import Software
from netloom.workload.shape import Experts, TransformerShape


def visited_nodes(experts: Experts, num_nodes: int) -> float:
    """Return the expected nodes with experts of one token, among nodes that share experts evenly.

    Experts are taken as chosen independently, inside the groups that the token may visit.

    Examples
    --------
    Two experts on two nodes: on the same node as often as on both.

    >>> visited_nodes(Experts(8, 2, 1024, 0, 0, False), 2)
    1.5

    DeepSeek-V3 on eight nodes, one group of experts each, four of which a token may visit:

    >>> round(visited_nodes(Experts(256, 8, 2048, 2048, 3, True, 8, 4), 8), 2)
    3.6
    """
    reachable = num_nodes * experts.num_active_groups / experts.num_groups
    if reachable <= 1.0:
        return 1.0
    return reachable * (1.0 - (1.0 - 1.0 / reachable) ** experts.num_active)


def token_share(shape: TransformerShape, software: Software) -> Callable[[int], float] | None:
    """Return crossings of the network over visits of experts, by number of nodes.

    None where the software sends every visit, or the model has no experts.
    """
    experts = shape.experts
    if experts is None or not software.deduplicates_tokens:
        return None
    return lambda num_nodes: visited_nodes(experts, num_nodes) / experts.num_active
