"""Seeded random graphs of equal degree: any of them, and random lifts of the complete graph.

A graph is an int64 array of shape (K, 2), one row per edge; V vertices. The same seed gives the
same graph.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def random_regular(num_vertices: int, degree: int, seed: int) -> NDArray[np.int64]:
    """Return a connected random graph without loops or parallel edges.

    Free ends are paired at random; pairs that would be a loop or a second edge are paired again,
    and the last ones take the ends of random edges that are there (Jellyfish's incremental rule).
    With an odd number of ends one vertex has one edge less. Components are joined by exchanging
    ends (`connected`).

    Parameters
    ----------
    num_vertices, degree : ``degree < num_vertices``, and at least 2 beyond two vertices.

    Examples
    --------
    >>> random_regular(10, 3, seed=1).shape
    (15, 2)
    """
    rng = np.random.default_rng(seed)
    degrees = np.full(num_vertices, degree)
    if num_vertices * degree % 2:
        degrees[rng.integers(num_vertices)] -= 1
    # a dense graph is what a sparse one leaves of the complete graph
    dense = 2 * degree >= num_vertices
    drawn = None
    while drawn is None:
        drawn = _paired(num_vertices - 1 - degrees if dense else degrees, rng)
    edges = np.array(sorted(drawn), dtype=np.int64).reshape(-1, 2)
    if dense:
        near, far = np.triu_indices(num_vertices, 1)
        kept = ~np.isin(near * num_vertices + far, edges[:, 0] * num_vertices + edges[:, 1])
        edges = np.stack([near[kept], far[kept]], axis=1)
    return connected(edges, np.zeros(len(edges), dtype=np.int64), num_vertices, rng)


def _paired(degrees: NDArray[np.int64], rng: np.random.Generator) -> set[tuple[int, int]] | None:
    """Return random edges that give each vertex its degree; None when the last ends do not fit."""
    ends = np.repeat(np.arange(len(degrees)), degrees)
    edges: set[tuple[int, int]] = set()
    while len(ends):
        rng.shuffle(ends)
        left: list[int] = []
        for one, other in ends.reshape(-1, 2).tolist():
            pair = (one, other) if one < other else (other, one)
            if one == other or pair in edges:
                left += pair
            else:
                edges.add(pair)
        if len(left) == len(ends):
            if not _insert(edges, left[0], left[1], rng):
                return None
            left = left[2:]
        ends = np.array(left, dtype=np.int64)
    return edges


def _insert(edges: set[tuple[int, int]], one: int, other: int, rng: np.random.Generator) -> bool:
    """Join two free ends to those of a random edge, taken apart; return whether any fitted."""
    listed = sorted(edges)
    for place in rng.permutation(len(listed)).tolist():
        near, far = listed[place]
        for a, b in ((near, far), (far, near)):
            new = [(min(one, a), max(one, a)), (min(other, b), max(other, b))]
            if one == a or other == b or new[0] == new[1] or any(pair in edges for pair in new):
                continue
            edges.remove((near, far))
            edges.update(new)
            return True
    return False


def random_lift(degree: int, lift: int, seed: int) -> NDArray[np.int64]:
    """Return a connected random lift of the complete graph on ``degree + 1`` vertices.

    Vertex v of the complete graph becomes ``lift`` vertices ``v * lift + i``, and each of its edges
    a random matching of the two sets.

    Parameters
    ----------
    degree : at least 2 unless `lift` is 1.

    Examples
    --------
    >>> random_lift(2, 1, seed=0).tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    rng = np.random.default_rng(seed)
    near, far = np.triu_indices(degree + 1, 1)
    copies = np.arange(lift)
    matched = np.stack([rng.permutation(lift) for _ in near]) if len(near) else copies[None, :0]
    lower = (near[:, None] * lift + copies).ravel()
    upper = (far[:, None] * lift + matched).ravel() if len(near) else lower
    edges = np.stack([lower, upper], axis=1).astype(np.int64)
    matching = np.repeat(np.arange(len(near)), lift)
    return connected(edges, matching, (degree + 1) * lift, rng)


def connected(
    edges: NDArray[np.int64], kind: NDArray[np.int64], num_vertices: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the graph joined to one component by exchanging ends of edges of one kind.

    Two edges (a, b) and (c, d) in different components become (a, d) and (c, b); this joins the
    components when one of the edges lies on a cycle, and keeps degrees and kinds.
    """
    edges = edges.copy()
    component = components(edges, num_vertices)
    while component.any():
        inside = component[edges[:, 0]]
        one = rng.choice(np.flatnonzero(inside == 0))
        others = np.flatnonzero((inside != 0) & (kind == kind[one]))
        if not len(others):
            continue
        other = rng.choice(others)
        edges[[one, other], 1] = edges[[other, one], 1]
        joined = components(edges, num_vertices)
        if joined.max() < component.max():
            component = joined
        else:
            edges[[one, other], 1] = edges[[other, one], 1]
    return edges


def components(edges: NDArray[np.int64], num_vertices: int) -> NDArray[np.int64]:
    """Return the component of each vertex, numbered from 0 by lowest vertex, int64, shape (V,).

    Examples
    --------
    >>> components(np.array([[0, 2], [1, 3]]), 5).tolist()
    [0, 1, 0, 1, 2]
    """
    label = np.arange(num_vertices)
    while True:
        lowest = np.minimum(label[edges[:, 0]], label[edges[:, 1]])
        new = label.copy()
        np.minimum.at(new, edges.ravel(), np.repeat(lowest, 2))
        new = new[new]
        if (new == label).all():
            return np.unique(label, return_inverse=True)[1]
        label = new
