"""Collectives message by message: rounds of messages on fixed routes, each waiting for the last.

In round t route r sends a message when round t - 1 is over on r itself and on the routes that r
follows: the ring's neighbour must have received a piece before it can pass it on. Where the routes
never meet, messages have nothing to share and their times add up along the chains of waiting;
otherwise they run as flows that wait for flows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.simulate.flows import latencies_s, run
from netloom.simulate.routes import Routes
from netloom.topology.fabric import Paths


@dataclass(frozen=True)
class RoundTimes:
    """When rounds ended.

    Attributes
    ----------
    end_s : float64, shape (R,), last message of each route.
    num_messages : messages sent.
    shared : whether routes met, so that rates had to be shared.
    """

    end_s: NDArray[np.float64]
    num_messages: int
    shared: bool

    @property
    def makespan_s(self) -> float:
        """End of the last message, from zero."""
        return float(self.end_s.max(initial=0.0))


def ring_follows(num_ranks: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return, in sparse rows, that the route from rank i follows the route into rank i."""
    return np.arange(num_ranks + 1), np.roll(np.arange(num_ranks, dtype=np.int32), 1)


def run_rounds(
    routes: Routes,
    message_bytes: float,
    num_rounds: int,
    follows: tuple[NDArray[np.int64], NDArray[np.int32]],
    *,
    link_latency_s: float = 0.0,
    switch_latency_s: float = 0.0,
) -> RoundTimes:
    """Run `num_rounds` messages on each of R routes.

    Parameters
    ----------
    routes : see `netloom.simulate.routes.routes`.
    message_bytes : of every message.
    follows : int64, shape (R + 1,), and int32, the routes that each route follows.
    link_latency_s, switch_latency_s : of each link and switch, once per message.

    Examples
    --------
    All-reduce of 1 GB in a ring of four on one switch: 6 rounds of a quarter, 5 ms each.

    >>> from netloom.simulate.routes import routes
    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 4, "radix": 8, "tiers": 2, "link_bytes_per_s": 50e9})
    >>> ranks = np.arange(4)
    >>> ring = routes(fabric, ranks, (ranks + 1) % 4)
    >>> round(run_rounds(ring, 1e9 / 4, 6, ring_follows(4)).makespan_s, 12)
    0.03
    """
    from netloom.kernels.rounds import alone_rates, last_ends

    rates, fit = alone_rates(routes.arrays, routes.bytes_per_s)
    num_messages = len(rates) * num_rounds
    if not fit:
        return _shared(routes, message_bytes, num_rounds, follows, link_latency_s, switch_latency_s)
    seconds = latencies_s(routes, link_latency_s, switch_latency_s) + message_bytes / rates
    start, before = np.asarray(follows[0], dtype=np.int64), np.asarray(follows[1], dtype=np.int32)
    return RoundTimes(last_ends(seconds, start, before, num_rounds), num_messages, False)


def _shared(
    routes: Routes,
    message_bytes: float,
    num_rounds: int,
    follows: tuple[NDArray[np.int64], NDArray[np.int32]],
    link_latency_s: float,
    switch_latency_s: float,
) -> RoundTimes:
    """Run the messages as flows; flow ``t * R + r`` is the message of round t on route r."""
    paths = routes.paths
    num_routes, num_entries = len(paths.num_hops), len(paths.bundle)
    rounds = np.arange(num_rounds)
    first = (paths.indptr[:-1] + num_entries * rounds[:, None]).ravel()
    copies = Routes(
        Paths(
            np.append(first, num_entries * num_rounds),
            np.tile(paths.bundle, num_rounds),
            np.tile(paths.share, num_rounds),
            np.tile(paths.num_hops, num_rounds),
        ),
        routes.bytes_per_s,
        routes.stage,
        routes.stage_names,
    )
    # who follows route r: r itself, and every route that names it
    follower = np.repeat(np.arange(num_routes), np.diff(follows[0]))
    leader = np.r_[np.arange(num_routes), follows[1]]
    follower = np.r_[np.arange(num_routes), follower]
    order = np.argsort(leader, kind="stable")
    one_round = np.searchsorted(leader[order], np.arange(num_routes + 1))
    later = np.arange(num_rounds - 1)
    after = (follower[order] + num_routes * (later[:, None] + 1)).ravel()
    start = (one_round[:-1] + len(leader) * later[:, None]).ravel()
    # the last round's messages let nobody start
    start = np.r_[start, np.full(num_routes + 1, len(after))]
    times = run(
        copies, message_bytes,
        link_latency_s=link_latency_s, switch_latency_s=switch_latency_s,
        waits=(start, after.astype(np.int32)),
    )  # fmt: skip
    return RoundTimes(times.end_s[-num_routes:], num_routes * num_rounds, True)
