"""A binary heap of numbered items whose keys may change, on arrays that the caller owns.

``key[item]`` orders the items; ``items[: size[0]]`` is the heap; ``place[item]`` is where an item
stands in it, -1 outside. One `Heap` per kind of item, made once, so that pushing allocates nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit


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


@njit(cache=True)
def empty_heap(num_items):
    """Return a heap for items below `num_items`, without any."""
    return Heap(
        np.zeros(num_items),
        np.empty(num_items, dtype=np.int32),
        np.full(num_items, -1, dtype=np.int32),
        np.zeros(1, dtype=np.int64),
    )


@njit(cache=True)
def _rise(heap, hole, item, key):
    """Move an item from a hole towards the top, as far as its key goes."""
    while hole > 0:
        above = (hole - 1) >> 1
        other = heap.items[above]
        if heap.key[other] <= key:
            break
        heap.items[hole] = other
        heap.place[other] = hole
        hole = above
    heap.items[hole] = item
    heap.place[item] = hole


@njit(cache=True)
def _sink(heap, hole, item, key):
    """Move an item from a hole towards the bottom, as far as its key goes."""
    size = heap.size[0]
    while True:
        below = 2 * hole + 1
        if below >= size:
            break
        other = heap.items[below]
        if below + 1 < size:
            sibling = heap.items[below + 1]
            if heap.key[sibling] < heap.key[other]:
                below, other = below + 1, sibling
        if heap.key[other] >= key:
            break
        heap.items[hole] = other
        heap.place[other] = hole
        hole = below
    heap.items[hole] = item
    heap.place[item] = hole


@njit(cache=True)
def put(heap, item, key):
    """Insert an item, or give it another key."""
    hole = heap.place[item]
    if hole < 0:
        hole = heap.size[0]
        heap.size[0] += 1
        heap.key[item] = key
        _rise(heap, hole, item, key)
        return
    before = heap.key[item]
    heap.key[item] = key
    if key < before:
        _rise(heap, hole, item, key)
    elif key > before:
        _sink(heap, hole, item, key)


@njit(cache=True)
def pop(heap):
    """Remove the item of the smallest key and return it."""
    first = heap.items[0]
    heap.place[first] = -1
    heap.size[0] -= 1
    size = heap.size[0]
    if size > 0:
        last = heap.items[size]
        _sink(heap, 0, last, heap.key[last])
    return first


@njit(cache=True)
def append(heap, item, key):
    """Add an item at the end without ordering; `order` must follow before the next `pop`."""
    heap.key[item] = key
    heap.items[heap.size[0]] = item
    heap.place[item] = heap.size[0]
    heap.size[0] += 1


@njit(cache=True)
def remove(heap, item):
    """Take an item out of a list in any order; the last one takes its place."""
    heap.size[0] -= 1
    last = heap.items[heap.size[0]]
    hole = heap.place[item]
    heap.items[hole] = last
    heap.place[last] = hole
    heap.place[item] = -1


@njit(cache=True)
def order(heap):
    """Make a heap of items in any order, in linear time."""
    for hole in range(heap.size[0] // 2 - 1, -1, -1):
        item = heap.items[hole]
        _sink(heap, hole, item, heap.key[item])


@njit(cache=True)
def clear(heap):
    """Remove all items."""
    for position in range(heap.size[0]):
        heap.place[heap.items[position]] = -1
    heap.size[0] = 0
