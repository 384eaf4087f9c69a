"""Layers on stages and chunks in flight, against brute force and a schedule walked by hand."""

from __future__ import annotations

import pytest

from netloom.kernels.stages import chunks_in_flight, split_layers, splits_evenly


def test_llama_405b_has_a_layer_less_at_both_ends():
    # arXiv:2407.21783 section 3.3.2: one layer removed from the first and from the last stage
    assert tuple(split_layers(126.0, 16.0, 8.0)) == (7.0, 8.0, 7.0, 0.0)


@pytest.mark.parametrize("pipeline", range(1, 9))
@pytest.mark.parametrize("interleave", range(1, 6))
def test_every_even_split_adds_up_and_none_is_missed(pipeline, interleave):
    chunks = pipeline * interleave
    for layers in range(1, 41):
        split = split_layers(float(layers), float(pipeline), float(interleave))
        # places of embedding and loss among equal chunks: none, the loss's, both
        places = (0, 1, 2) if pipeline > 1 else (0,)
        fits = [extra for extra in places if (layers + extra) % chunks == 0]
        assert splits_evenly(float(layers), float(pipeline), float(interleave)) == bool(fits)
        if not fits:
            continue
        assert split.num_short == 0.0
        if pipeline == 1:
            assert split.first == layers
            continue
        total = split.first + (pipeline - 2) * split.middle + split.last
        assert total == layers
        assert split.middle % interleave == 0
        taken = (split.middle - split.first, split.middle - split.last)
        assert taken in {0: [(0, 0)], 1: [(0, 1)], 2: [(1, 1)]}[round(sum(taken))]
        if 0 in fits:
            assert taken == (0, 0)


def orders(pipeline, interleave, rank, num_micro):
    """Yield +1 for a forward and -1 for a backward chunk, in the order of Megatron-LM's schedules.

    `schedules.py` of Megatron-LM: warm-up forwards, then one forward and one backward in turn,
    then the backwards that are left.
    """
    total = num_micro * interleave
    if interleave == 1:
        warm_up = pipeline - rank - 1
    else:
        warm_up = 2 * (pipeline - rank - 1) + (interleave - 1) * pipeline
    warm_up = min(warm_up, total)
    yield from [1] * warm_up
    for _ in range(total - warm_up):
        yield 1
        yield -1
    yield from [-1] * warm_up


@pytest.mark.parametrize("pipeline", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("interleave", [1, 2, 3, 4])
def test_chunks_in_flight_equal_the_walked_schedule(pipeline, interleave):
    if pipeline == 1 and interleave > 1:
        return
    rounds = range(1, 5)
    sizes = [r * pipeline for r in rounds] if interleave > 1 else range(1, 3 * pipeline)
    for num_micro in sizes:
        for rank in range(pipeline):
            alive = most = 0
            for step in orders(pipeline, interleave, rank, num_micro):
                alive += step
                most = max(most, alive)
            assert alive == 0
            found = chunks_in_flight(
                float(rank), float(pipeline), float(interleave), float(num_micro)
            )
            assert found == most
