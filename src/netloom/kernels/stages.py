"""How layers fall onto pipeline stages."""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from netloom.kernels.inputs import ShapeInputs

#: Stages that can differ: the first, those between, the last; those between with a layer less.
FIRST, MIDDLE, LAST, SHORT = 0, 1, 2, 3
NUM_PLACES = 4


class Split(NamedTuple):
    """Layers on the first stage, on each between, on the last; all zero when they do not split.

    Of the stages between, `num_short` have a layer less.
    """

    first: float
    middle: float
    last: float
    num_short: float


class Stage(NamedTuple):
    """What one stage holds.

    Attributes
    ----------
    num_alike : stages of this kind; 0 when the pipeline is too short to have one.
    num_dense, num_sparse : layers without and with experts.
    extra_parameters : of embedding and head, before tensor parallelism.
    logit_columns : vocabulary where the loss is computed, else 0.
    layers_in_flight : layers whose activations are alive at once, over all microbatches.
    """

    num_alike: float
    num_dense: float
    num_sparse: float
    extra_parameters: float
    logit_columns: float
    layers_in_flight: float


@njit(cache=True)
def split_layers(num_layers: float, pipeline: float, interleave: float) -> Split:
    """Return how layers split into equal chunks.

    Embedding and loss may take a layer's place each, as in Llama 3 (arXiv:2407.21783, section
    3.3.2) and with Megatron's ``--account-for-embedding-in-pipeline-split`` and
    ``--account-for-loss-in-pipeline-split``; the loss alone comes second to none and to both.

    Layers that do not split evenly are dealt out as evenly as they can be, embedding and loss
    taking a place each and the longer stages standing in between; chunks of one stage then differ
    too, which their mean stands for.

    Examples
    --------
    >>> split_layers(126.0, 16.0, 8.0)
    Split(first=7.0, middle=8.0, last=7.0, num_short=0.0)

    61 layers on 16 stages with 63 places: 15 stages have 4 places, the last has 3.

    >>> split_layers(61.0, 16.0, 1.0)
    Split(first=3.0, middle=4.0, last=2.0, num_short=0.0)
    """
    chunks = pipeline * interleave
    for extra in (0.0, 2.0, 1.0):
        if (num_layers + extra) % chunks == 0.0 and (extra == 0.0 or pipeline > 1.0):
            slots = (num_layers + extra) / pipeline
            first = slots - 1.0 if extra == 2.0 else slots
            return Split(first, slots, slots - min(extra, 1.0), 0.0)
    places = num_layers + 2.0
    if pipeline < 2.0 or places < 2.0 * pipeline or places < chunks:
        return Split(0.0, 0.0, 0.0, 0.0)
    num_long = places % pipeline
    shorter = (places - num_long) / pipeline
    # one more than stand between makes the first stage long too
    first = shorter - 1.0 + max(0.0, num_long - (pipeline - 2.0))
    num_short = max(0.0, pipeline - 2.0 - num_long)
    return Split(first, shorter + 1.0, shorter - 1.0, num_short)


@njit(cache=True)
def splits_evenly(num_layers: float, pipeline: float, interleave: float) -> bool:
    """Return whether every chunk gets the same layers, counting places for embedding and loss."""
    chunks = pipeline * interleave
    for extra in (0.0, 1.0, 2.0):
        if (num_layers + extra) % chunks == 0.0 and (extra == 0.0 or pipeline > 1.0):
            return True
    return False


@njit(cache=True)
def chunks_in_flight(stage: float, pipeline: float, interleave: float, num_micro: float) -> float:
    """Return microbatch chunks that stage `stage` (from 0) keeps at once.

    1F1B keeps ``p - stage`` microbatches; interleaving keeps the chunks of its warm-up,
    ``2 (p - stage - 1) + (v - 1) p + 1`` (Megatron-LM's schedule; arXiv:2104.04473, section 2.2).
    """
    ahead = pipeline - stage - 1.0
    if interleave == 1.0:
        return min(num_micro, ahead + 1.0)
    return min(num_micro * interleave, 2.0 * ahead + (interleave - 1.0) * pipeline + 1.0)


@njit(cache=True)
def make_stage(
    place: int,
    split: Split,
    pipeline: float,
    interleave: float,
    num_micro: float,
    shape: ShapeInputs,
) -> Stage:
    """Return the stage of one kind; a model's dense layers lead, so they are on the first stage."""
    if pipeline == 1.0:
        num_alike = 1.0 if place == FIRST else 0.0
    else:
        num_alike = 1.0
        if place == MIDDLE:
            num_alike = pipeline - 2.0 - split.num_short
        elif place == SHORT:
            num_alike = split.num_short
    layers = split.middle - (1.0 if place == SHORT else 0.0)
    if place == FIRST:
        layers = split.first
    elif place == LAST:
        layers = split.last
    num_dense = layers
    if shape.num_experts > 0.0:
        num_dense = min(shape.num_dense_layers, layers) if place == FIRST else 0.0
    is_last = place == LAST or pipeline == 1.0
    extra = shape.embedding_parameters if place == FIRST else 0.0
    if is_last:
        extra += shape.head_parameters
    number = 0.0 if place == FIRST else (pipeline - 1.0 if place == LAST else 1.0)
    chunks = chunks_in_flight(number, pipeline, interleave, num_micro)
    return Stage(
        num_alike,
        num_dense,
        layers - num_dense,
        extra,
        shape.vocab if is_last else 0.0,
        chunks * layers / interleave,
    )
