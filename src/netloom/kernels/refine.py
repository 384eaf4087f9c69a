"""Classes of flows and bundles that no traffic tells apart: colour refinement.

Flows of one class cross the same classes of bundles with the same shares, and bundles of one class
are crossed by the same classes of flows: an equitable partition. Progressive filling treats all
members of a class alike, so that max-min rates of the classes are those of the members.

Colours are 64-bit hashes. Each round hashes a flow's colour with those of its bundles, then a
bundle's with those of its flows; it ends when no class splits any more. Two different colours
collide with a probability of about (number of colours)^2 / 2^65, 3e-8 for a million.

Legend for shapes: F flows, N entries of all paths, B bundles.

References
----------
.. [1] Berkholz, Bonsma and Grohe, "Tight lower and upper bounds for the complexity of canonical
   colour refinement", Theory of Computing Systems 60, 2017.
.. [2] Grohe, Kersting, Mladenov and Selman, "Dimension reduction via colour refinement", ESA 2014:
   linear programs on the quotient.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from netloom.kernels.compiled import allocates_nothing
from netloom.kernels.hashing import mix
from netloom.kernels.loads import PathArrays

_FLOW = np.uint64(0x9E3779B97F4A7C15)
_BUNDLE = np.uint64(0xD1342543DE82EF95)


def colours(
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    number: NDArray[np.integer],
    items: NDArray[np.int32] | None = None,
) -> NDArray[np.uint64]:
    """Return equal colours for items that are equal in all three, uint64, shape (items,).

    Parameters
    ----------
    one, other : float64, one per item.
    number : integers, one per item.
    items : int32, the items to colour; all of them when not given.
    """
    if items is None:
        items = np.arange(len(one), dtype=np.int32)
    colour = np.empty(len(items), dtype=np.uint64)
    _colour(one.view(np.uint64), other.view(np.uint64), number, items, colour)
    return colour


@allocates_nothing
def _colour(one, other, number, items, colour):
    for place, item in enumerate(items):
        rest = other[item] * _BUNDLE + np.uint64(number[item])
        colour[place] = mix(mix(one[item] + _FLOW) ^ rest)


@allocates_nothing
def _insert(table, names, colour, next_name):
    """Return the name of a colour in an open-addressed table, `next_name` when it is new."""
    mask = len(table) - 1
    place = np.int64(colour >> np.uint64(1)) & mask
    while names[place] >= 0:
        if table[place] == colour:
            return names[place]
        place = (place + 1) & mask
    table[place] = colour
    names[place] = next_name
    return next_name


@njit(cache=True)
def _classes(colours, used, named):
    """Write the class of each item, int32, -1 where it is not used; return how many there are.

    Items of one colour are one class; classes are numbered in the order of their first item.
    """
    size = 1024
    table, names = np.empty(size, dtype=np.uint64), np.full(size, -1, dtype=np.int32)
    # items are mostly of a few classes: the last colours met are looked at first
    recent, recent_name = np.zeros(16, dtype=np.uint64), np.full(16, -1, dtype=np.int32)
    count = np.int32(0)
    for item in range(len(colours)):
        if not used[item]:
            named[item] = -1
            continue
        colour = colours[item]
        slot = np.int64(colour & np.uint64(15))
        if recent[slot] == colour and recent_name[slot] >= 0:
            named[item] = recent_name[slot]
            continue
        name = _insert(table, names, colour, count)
        named[item], recent[slot], recent_name[slot] = name, colour, name
        count += np.int32(name == count)
        if 2 * count > size:
            size *= 4
            wide, wide_names = np.empty(size, dtype=np.uint64), np.full(size, -1, dtype=np.int32)
            for place in range(len(table)):
                if names[place] >= 0:
                    _insert(wide, wide_names, table[place], names[place])
            table, names = wide, wide_names
    return count


@allocates_nothing
def _recolour(paths, flow_colour, bundle_colour, gathered):
    """Give flows and bundles the colours of the next round, in place.

    `gathered`, uint64, shape (B,), is zero before and after.
    """
    indptr, crosses, shares = paths.indptr, paths.bundle, paths.share.view(np.uint64)
    for flow in range(len(indptr) - 1):
        colour = np.uint64(0)
        for entry in range(indptr[flow], indptr[flow + 1]):
            colour += mix(bundle_colour[crosses[entry]] ^ (shares[entry] * _FLOW))
        colour = mix(flow_colour[flow] * _FLOW + colour)
        flow_colour[flow] = colour
        # most shares of a flow are equal
        last_share, word = np.uint64(0), mix(colour)
        for entry in range(indptr[flow], indptr[flow + 1]):
            if shares[entry] != last_share:
                last_share = shares[entry]
                word = mix(colour ^ (last_share * _BUNDLE))
            gathered[crosses[entry]] += word
    for bundle in range(len(bundle_colour)):
        bundle_colour[bundle] = mix(bundle_colour[bundle] * _BUNDLE + gathered[bundle])
        gathered[bundle] = np.uint64(0)


def refine(
    paths: PathArrays, flow_colour: NDArray[np.uint64], bundle_colour: NDArray[np.uint64]
) -> tuple[NDArray[np.int32], int, NDArray[np.int32], int]:
    """Return the coarsest equitable partition: flow classes and bundle classes, with their numbers.

    Parameters
    ----------
    paths : `kernels.loads.PathArrays`.
    flow_colour : uint64, shape (F,), equal for flows that are alike but for their paths.
    bundle_colour : uint64, shape (B,), equal for bundles that are alike but for their flows.

    Returns
    -------
    flow_class : int32, shape (F,).
    num_flow_classes : int.
    bundle_class : int32, shape (B,), -1 for bundles that no flow crosses.
    num_bundle_classes : int.
    """
    flow_colour, bundle_colour = flow_colour.copy(), bundle_colour.copy()
    num_flows, num_bundles = len(flow_colour), len(bundle_colour)
    crossed, every = np.zeros(num_bundles, dtype=np.bool_), np.ones(num_flows, dtype=np.bool_)
    _mark(paths.bundle, crossed)
    gathered = np.zeros(num_bundles, dtype=np.uint64)
    flow_class = np.empty(num_flows, dtype=np.int32)
    bundle_class = np.empty(num_bundles, dtype=np.int32)
    before = 0
    while True:
        _recolour(paths, flow_colour, bundle_colour, gathered)
        num_flow_classes = _classes(flow_colour, every, flow_class)
        num_bundle_classes = _classes(bundle_colour, crossed, bundle_class)
        if num_flow_classes + num_bundle_classes == before:
            return flow_class, num_flow_classes, bundle_class, num_bundle_classes
        before = num_flow_classes + num_bundle_classes


@allocates_nothing
def _mark(bundles, crossed):
    for bundle in bundles:
        crossed[bundle] = True


@njit(cache=True)
def quotient(paths, flow_class, num_flow_classes, bundle_class, num_bundle_classes):
    """Return the paths of the flow classes over bundle classes, and one member of each class.

    A share is what all flows of the class put on one bundle of the other class, for each byte that
    one flow sends: by counting both ways, (flows of the class) times (what one flow puts on the
    bundles of the class) over (bundles of the class).

    Returns
    -------
    indptr, bundle, share : as `PathArrays`, over classes.
    flow_member, bundle_member : int32, the first flow and bundle of each class.
    """
    indptr, crosses, shares = paths.indptr, paths.bundle, paths.share
    flow_member, flow_size = _members(flow_class, num_flow_classes)
    bundle_member, bundle_size = _members(bundle_class, num_bundle_classes)
    most = 0
    for flow in flow_member:
        most += indptr[flow + 1] - indptr[flow]
    rows = np.zeros(num_flow_classes + 1, dtype=np.int64)
    bundle, share = np.empty(most, dtype=np.int32), np.empty(most)
    size = 0
    for label in range(num_flow_classes):
        first, flow = size, flow_member[label]
        for entry in range(indptr[flow], indptr[flow + 1]):
            crossed = bundle_class[crosses[entry]]
            part = shares[entry] * flow_size[label] / bundle_size[crossed]
            place = first
            while place < size and bundle[place] != crossed:
                place += 1
            if place == size:
                bundle[size], share[size] = crossed, 0.0
                size += 1
            share[place] += part
        rows[label + 1] = size
    return rows, bundle[:size].copy(), share[:size].copy(), flow_member, bundle_member


@njit(cache=True)
def _members(label, num_labels):
    """Return the first member of each class, int32, and how many it has, int64."""
    first = np.full(num_labels, -1, dtype=np.int32)
    size = np.zeros(num_labels, dtype=np.int64)
    for item in range(len(label)):
        if label[item] >= 0:
            size[label[item]] += 1
            if first[label[item]] < 0:
                first[label[item]] = item
    return first, size
