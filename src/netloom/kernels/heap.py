"""A binary heap of numbered items whose keys may change, on arrays that the caller owns.

``key[item]`` orders the items; ``items[: size[0]]`` is the heap; ``place[item]`` is where an item
stands in it, -1 outside. One `Heap` per kind of item, made once, so that pushing allocates nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from netloom.kernels.compiled import allocates_nothing


class Heap(NamedTuple):
    """Arrays of one heap.

    Attributes
    ----------
    key : float64, shape (most items,).
    items : int32, shape (most items,).
    place : int32, shape (most items,).
    size : int64, shape (1,).
    """

    key: np.ndarray
    items: np.ndarray
    place: np.ndarray
    size: np.ndarray


def empty_heap(num_items: int) -> Heap:
    """Return a heap for items below `num_items`, without any."""
    return Heap(
        np.zeros(num_items),
        np.empty(num_items, dtype=np.int32),
        np.full(num_items, -1, dtype=np.int32),
        np.zeros(1, dtype=np.int64),
    )


@allocates_nothing
def rise(keys, items, places, base, hole, item, key):
    """Move an item from a hole towards the top, as far as its key goes.

    The heap is ``items[base:]``; holes and places count from there.
    """
    while hole > 0:
        above = (hole - 1) >> 1
        other = items[base + above]
        if keys[other] <= key:
            break
        items[base + hole] = other
        places[other] = hole
        hole = above
    items[base + hole] = item
    places[item] = hole


@allocates_nothing
def sink(keys, items, places, base, size, hole, item, key):
    """Move an item from a hole towards the bottom, as far as its key goes; see `rise`."""
    while True:
        below = 2 * hole + 1
        if below >= size:
            break
        other = items[base + below]
        if below + 1 < size:
            sibling = items[base + below + 1]
            if keys[sibling] < keys[other]:
                below, other = below + 1, sibling
        if keys[other] >= key:
            break
        items[base + hole] = other
        places[other] = hole
        hole = below
    items[base + hole] = item
    places[item] = hole


@allocates_nothing
def put_at(keys, items, places, size, item, key):
    """Insert an item into the arrays of a heap, or give it another key."""
    hole = places[item]
    if hole < 0:
        hole = size[0]
        size[0] += 1
        keys[item] = key
        rise(keys, items, places, 0, hole, item, key)
        return
    before = keys[item]
    keys[item] = key
    if key < before:
        rise(keys, items, places, 0, hole, item, key)
    elif key > before:
        sink(keys, items, places, 0, size[0], hole, item, key)


@allocates_nothing
def pop_from(keys, items, places, size):
    """Remove the item of the smallest key from the arrays of a heap and return it."""
    first = items[0]
    places[first] = -1
    size[0] -= 1
    if size[0] > 0:
        last = items[size[0]]
        sink(keys, items, places, 0, size[0], 0, last, keys[last])
    return first


@allocates_nothing
def put(heap, item, key):
    """Insert an item, or give it another key."""
    put_at(heap.key, heap.items, heap.place, heap.size, item, key)


@allocates_nothing
def pop(heap):
    """Remove the item of the smallest key and return it."""
    return pop_from(heap.key, heap.items, heap.place, heap.size)


@allocates_nothing
def append(heap, item, key):
    """Add an item at the end without ordering; `order` must follow before the next `pop`."""
    heap.key[item] = key
    heap.items[heap.size[0]] = item
    heap.place[item] = heap.size[0]
    heap.size[0] += 1


@allocates_nothing
def remove(heap, item):
    """Take an item out of a list in any order; the last one takes its place."""
    heap.size[0] -= 1
    last = heap.items[heap.size[0]]
    hole = heap.place[item]
    heap.items[hole] = last
    heap.place[last] = hole
    heap.place[item] = -1


@allocates_nothing
def order(heap):
    """Make a heap of items in any order, in linear time."""
    keys, items, places, size = heap.key, heap.items, heap.place, heap.size[0]
    for hole in range(size // 2 - 1, -1, -1):
        item = items[hole]
        sink(keys, items, places, 0, size, hole, item, keys[item])


@allocates_nothing
def clear(heap):
    """Remove all items."""
    items, places = heap.items, heap.place
    for position in range(heap.size[0]):
        places[items[position]] = -1
    heap.size[0] = 0
