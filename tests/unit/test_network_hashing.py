"""Hashed flows fall on links as balls fall into bins."""

from __future__ import annotations

import numpy as np
import pytest

from netloom.kernels.hashing import mix
from netloom.kernels.loads import PathArrays, member_loads

NUM_FLOWS, NUM_LINKS = 1000, 16


def loads_of(seed: int, num_queue_pairs: int = 1) -> np.ndarray:
    """Return the loads of one bundle's links under flows of one byte."""
    paths = PathArrays(
        np.arange(NUM_FLOWS + 1),
        np.zeros(NUM_FLOWS, dtype=np.int32),
        np.ones(NUM_FLOWS),
    )
    # endpoints are small numbers side by side, the hardest input for a hash
    keys = (np.arange(NUM_FLOWS, dtype=np.uint64) << np.uint64(32)) | np.arange(
        8, NUM_FLOWS + 8, dtype=np.uint64
    )
    first_member = np.array([0, NUM_LINKS])
    return member_loads(paths, np.ones(NUM_FLOWS), keys, first_member, num_queue_pairs, seed)


def test_mix_is_the_published_splitmix64_sequence() -> None:
    """First outputs of SplitMix64 seeded with 1234567."""
    golden = 0x9E3779B97F4A7C15
    states = [np.uint64((1234567 + step * golden) % 2**64) for step in (1, 2, 3)]
    assert [int(mix(state)) for state in states] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_imbalance_is_that_of_random_choice() -> None:
    """Mean of max over mean for 1,000 flows on 16 links, against NumPy's generator: 1.2 or so."""
    hashed = np.mean([loads_of(seed).max() for seed in range(400)]) / (NUM_FLOWS / NUM_LINKS)
    rng = np.random.default_rng(1)
    drawn = rng.multinomial(NUM_FLOWS, np.full(NUM_LINKS, 1 / NUM_LINKS), size=20000)
    expected = drawn.max(axis=1).mean() / (NUM_FLOWS / NUM_LINKS)
    assert hashed == pytest.approx(expected, rel=0.01)
    assert 1.18 < hashed < 1.26


def test_queue_pairs_choose_independently() -> None:
    one = np.mean([loads_of(seed, 1).std() for seed in range(100)])
    four = np.mean([loads_of(seed, 4).std() for seed in range(100)])
    assert four == pytest.approx(one / 2, rel=0.1)
