"""Gradients under pipeline sends: by how much each slows the other on the links that they share.

Both start at once: the gradients of one layer, reduced over the data ranks, and one send of every
pipeline stage, either way. The fluid solver runs them to completion, alone and together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.simulate import flows as fluid
from netloom.simulate.network import NetworkModel
from netloom.simulate.placement import EndpointFlows
from netloom.simulate.routes import Balancing, routes
from netloom.simulate.step_flows import Traffic


class Slowed(NamedTuple):
    """One of two kinds of traffic that meet.

    Attributes
    ----------
    message_bytes : that all ranks together send between nodes.
    alone_s, together_s : until the last flow has ended, mean over the draws of the hash.
    slowdown, slowdown_low, slowdown_high : together over alone: mean, least and most over draws.
    """

    message_bytes: float
    alone_s: float
    together_s: float
    slowdown: float
    slowdown_low: float
    slowdown_high: float


@dataclass(frozen=True)
class Overlap:
    """Gradients of one layer and one pipeline send each way, started at the same time.

    Attributes
    ----------
    num_shared_links : single links of bundles that both load.
    num_draws : of the hash; 1 where nothing is drawn.
    """

    data: Slowed
    pipeline: Slowed
    num_shared_links: int
    num_draws: int


def overlap(kinds: Sequence[Traffic], network: NetworkModel, num_sends: float) -> Overlap | None:
    """Return what gradients and pipeline sends do to each other; None unless both cross nodes.

    Parameters
    ----------
    kinds : of traffic, with the bytes of the whole step.
    num_sends : of one stage to the next in the step, one way.
    """
    data = _joined(
        [(flows, kind.bucket) for kind in kinds if kind.dimension == "data" for flows in kind.flows]
    )
    # what goes round from the last stage to the first is part of the same sends
    sends = _joined(
        [
            (flows, 1.0 / num_sends)
            for kind in kinds
            if kind.dimension == "pipeline"
            for flows in kind.flows
        ]
    )
    if not (len(data.source) and len(sends.source)):
        return None
    hashing = network.hashing
    seeds = range(hashing.seed, hashing.seed + hashing.num_seeds) if hashing else range(1)
    balancing: Balancing = "hash" if hashing else "spray"
    ends = np.array([_ends_s(data, sends, network, balancing, seed) for seed in seeds])
    return Overlap(
        _slowed(data, ends[:, 0], ends[:, 2]),
        _slowed(sends, ends[:, 1], ends[:, 3]),
        _num_shared_links(data, sends, network),
        len(ends),
    )


def _joined(parts: Sequence[tuple[EndpointFlows, float]]) -> EndpointFlows:
    """Return flows one after another, each part's bytes times a factor."""
    none = np.zeros(0, dtype=np.int32)
    return EndpointFlows(
        np.concatenate([none, *(flows.source for flows, _ in parts)]),
        np.concatenate([none, *(flows.target for flows, _ in parts)]),
        np.concatenate([np.zeros(0), *(factor * flows.flow_bytes for flows, factor in parts)]),
        0.0,
    )


def _ends_s(
    data: EndpointFlows,
    sends: EndpointFlows,
    network: NetworkModel,
    balancing: Balancing,
    seed: int,
) -> tuple[float, float, float, float]:
    """Return the last ends of data alone, sends alone, data together and sends together."""
    protocol = network.protocol
    efficiency = float(protocol.framing_efficiency) * float(protocol.transport_efficiency)

    def end_s(flows: EndpointFlows) -> NDArray[np.float64]:
        ways = routes(network.fabric, flows.source, flows.target, balancing, seed)
        return fluid.run(ways, flows.flow_bytes / efficiency).end_s

    both = end_s(_joined([(data, 1.0), (sends, 1.0)]))
    first = len(data.source)
    return (
        float(end_s(data).max()), float(end_s(sends).max()),
        float(both[:first].max()), float(both[first:].max()),
    )  # fmt: skip


def _slowed(
    flows: EndpointFlows, alone_s: NDArray[np.float64], together_s: NDArray[np.float64]
) -> Slowed:
    ratio = together_s / alone_s
    return Slowed(
        float(flows.flow_bytes.sum()), float(alone_s.mean()), float(together_s.mean()),
        float(ratio.mean()), float(ratio.min()), float(ratio.max()),
    )  # fmt: skip


def _num_shared_links(data: EndpointFlows, sends: EndpointFlows, network: NetworkModel) -> int:
    routing = network.fabric.routing
    loaded = []
    for flows in (data, sends):
        mine = np.zeros(len(routing.bundles.num_members), dtype=bool)
        mine[routing.paths(flows.source, flows.target).bundle] = True
        loaded.append(mine)
    return int(routing.bundles.num_members[loaded[0] & loaded[1]].sum())
