"""A heap of which only the smallest key is ever looked at, raised or removed.

Keys stand beside the items in heap order, four children to a node, so that going down one level
touches one line of the cache: the heap of all bundles of a large fabric is larger than the cache.
"""

from __future__ import annotations

from netloom.kernels.compiled import allocates_nothing


@allocates_nothing
def sink_top(keys, items, size, hole, key, item):
    """Move an item from a hole towards the bottom, as far as its key goes."""
    while True:
        first = 4 * hole + 1
        if first >= size:
            break
        below, least = first, keys[first]
        for child in range(first + 1, min(first + 4, size)):
            if keys[child] < least:
                below, least = child, keys[child]
        if least >= key:
            break
        keys[hole], items[hole] = least, items[below]
        hole = below
    keys[hole], items[hole] = key, item


@allocates_nothing
def order_all(keys, items, size):
    """Make a heap of items in any order, in linear time."""
    for hole in range((size + 2) // 4, -1, -1):
        if hole < size:
            sink_top(keys, items, size, hole, keys[hole], items[hole])
