"""One path per flow out of routes that split: at every switch a hash picks one of the ways on.

Legend: F flows, N entries of all rows, B bundles; nodes are switches and endpoints.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from netloom.kernels.hashing import choose, flow_hash

#: Shares are compared with a hash of so many steps.
_STEPS = 1 << 30

#: Shares that differ by less than this part are equally wide.
_EQUAL = 1e-9


@njit(cache=True)
def single_paths(rows, source, target, tail, head, first_member, hashed, seed):
    """Return indptr and links of one path per flow, int64, (F + 1,), and int32, (N,).

    A flow stands at its source and follows, among the bundles of its row that leave the node where
    it stands, one picked with the probability of its share; then one member of that bundle.

    Parameters
    ----------
    rows : `kernels.loads.PathArrays`, routes with their shares, without cycles.
    source, target : int32, shape (F,), nodes.
    tail, head : int32, shape (B,), nodes at both ends of each bundle.
    first_member : int64, shape (B + 1,), running sum of the bundles' members.
    hashed : whether a hash of the flow picks; otherwise the widest way and, among equals
        and among its members, the one at the target's number.
    seed : of the hash.
    """
    num_flows, crosses, shares = len(source), rows.bundle, rows.share
    indptr = np.zeros(num_flows + 1, dtype=np.int64)
    links = np.empty(rows.indptr[-1], dtype=np.int32)
    size = 0
    for flow in range(num_flows):
        begin, end = rows.indptr[flow], rows.indptr[flow + 1]
        node = source[flow]
        key = flow_hash((np.uint64(node) << np.uint64(32)) | np.uint64(target[flow]), 0, seed)
        while begin < end and node != target[flow]:
            total, widest, num_widest = 0.0, 0.0, 0
            for entry in range(begin, end):
                if tail[crosses[entry]] == node:
                    total += shares[entry]
                    if shares[entry] > widest * (1 + _EQUAL):
                        widest, num_widest = shares[entry], 0
                    num_widest += shares[entry] >= widest * (1 - _EQUAL)
            # the way at which the sum of what counts passes a mark
            mark = target[flow] % num_widest + 0.5
            if hashed:
                mark = total * (choose(key, 2 * node, _STEPS) + 0.5) / _STEPS
            chosen = -1
            for entry in range(begin, end):
                if tail[crosses[entry]] == node and mark > 0.0:
                    chosen = crosses[entry]
                    if hashed:
                        mark -= shares[entry]
                    elif shares[entry] >= widest * (1 - _EQUAL):
                        mark -= 1.0
            first = first_member[chosen]
            count = first_member[chosen + 1] - first
            member = np.int64(target[flow] % count)
            if hashed:
                member = np.int64(choose(key, 2 * node + 1, count))
            links[size] = first + member
            size += 1
            node = head[chosen]
        indptr[flow + 1] = size
    return indptr, links[:size].copy()
