"""How layers fall onto stages, even or not."""

from __future__ import annotations

import pytest

from netloom.kernels.stages import split_layers, splits_evenly


@pytest.mark.parametrize("num_layers", [24, 59, 60, 61, 94, 126])
@pytest.mark.parametrize("pipeline", [2, 3, 4, 5, 8, 16])
def test_every_layer_is_on_one_stage_and_stages_differ_by_one_place(
    num_layers: int, pipeline: int
) -> None:
    split = split_layers(float(num_layers), float(pipeline), 1.0)
    if num_layers + 2 < 2 * pipeline and not splits_evenly(float(num_layers), pipeline, 1.0):
        # the ends would have no layer left
        assert split.middle == 0.0
        return
    between = pipeline - 2 - split.num_short
    held = split.first + split.last + between * split.middle
    held += split.num_short * (split.middle - 1)
    assert held == num_layers
    assert 0 <= split.num_short <= pipeline - 2
    if not splits_evenly(float(num_layers), float(pipeline), 1.0):
        # embedding and loss take a place each
        places = [split.first + 1, split.last + 1] + [split.middle] * (between > 0)
        places += [split.middle - 1] * (split.num_short > 0)
        assert max(places) - min(places) <= 1


def test_fewer_places_than_chunks_do_not_split() -> None:
    assert split_layers(10.0, 4.0, 8.0).middle == 0.0
