"""The step's pipeline formula against schedules that are played event by event.

The players follow `schedules.py` of Megatron-LM: each rank works through a fixed order of forward
and backward chunks, and a chunk waits for its rank and for the chunk that it depends on.
"""

from __future__ import annotations

import numpy as np
import pytest

from netloom.kernels.inputs import MachineInputs, SoftwareInputs
from netloom.kernels.layer import layer_times
from netloom.kernels.step import STEP_COLUMNS, evaluate_plans
from netloom.workload.inputs import shape_inputs
from netloom.workload.shape import TransformerShape


def order(pipeline, interleave, rank, num_micro):
    """Return the rank's work as (is_forward, chunk, microbatch)."""
    total = num_micro * interleave

    def item(k, forward):
        position = k % (pipeline * interleave)
        chunk = position // pipeline
        micro = k // (pipeline * interleave) * pipeline + position % pipeline
        return forward, chunk if forward else interleave - 1 - chunk, micro

    warm_up = pipeline - rank - 1
    if interleave > 1:
        warm_up = 2 * warm_up + (interleave - 1) * pipeline
    warm_up = min(warm_up, total)
    work = [item(k, True) for k in range(warm_up)]
    for k in range(total - warm_up):
        work += [item(warm_up + k, True), item(k, False)]
    return work + [item(k, False) for k in range(total - warm_up, total)]


def play(forward_s, backward_s, interleave, num_micro):
    """Return when the last chunk ends; times are per rank and whole microbatch."""
    pipeline = len(forward_s)
    queues = [order(pipeline, interleave, rank, num_micro) for rank in range(pipeline)]
    done: dict[tuple[bool, int, int], float] = {}
    clock, place = [0.0] * pipeline, [0] * pipeline
    last = pipeline * interleave - 1
    while any(place[rank] < len(queues[rank]) for rank in range(pipeline)):
        moved = False
        for rank in range(pipeline):
            while place[rank] < len(queues[rank]):
                forward, chunk, micro = queues[rank][place[rank]]
                depth = chunk * pipeline + rank
                if forward:
                    needed = (True, depth - 1, micro) if depth else None
                else:
                    needed = (False, depth + 1, micro) if depth < last else (True, last, micro)
                if needed is not None and needed not in done:
                    break
                begin = max(clock[rank], done[needed] if needed else 0.0)
                seconds = (forward_s if forward else backward_s)[rank] / interleave
                clock[rank] = done[forward, depth, micro] = begin + seconds
                place[rank] += 1
                moved = True
        assert moved, "the schedule is deadlocked"
    return max(clock)


def test_the_player_itself_on_two_stages():
    # F0 F1 | B0: rank 0 forwards at 0-1 and 1-2, rank 1 forward 1-2 and backward 2-4,
    # rank 0 backward 4-6, and so on: (m + p - 1) (f + b) = 9 for m = 2
    assert play([1.0, 1.0], [2.0, 2.0], 1, 2) == 9.0


SEQUENCE = 1024.0
#: No embedding and no loss to speak of: without a vocabulary, and with memory that takes no time.
MACHINE = MachineInputs(
    matmul_flops_per_s=1e14, attention_forward_flops_per_s=5e13,
    attention_backward_flops_per_s=4e13, hbm_bytes_per_s=1e30, hbm_bytes=1e12, reserved_bytes=0.0,
    num_multiprocessors=108.0, tile_rows=128.0, tile_columns=256.0, ramp_depth=256.0,
    launch_s=4e-6, num_light_kernels=6.0, operand_bytes=2.0, straggler_sigma=0.0,
)  # fmt: skip
SOFTWARE = SoftwareInputs(True, False, True, True, True, True, 4.0, 12.0)
FREE = np.zeros((1, 7, 2))


def shape_of(num_layers, vocab=0.0):
    shape = TransformerShape(
        "small", 1024, num_layers, 16, 16, 64, 4096, False, max(1, int(vocab)), True
    )
    return shape_inputs(shape)._replace(vocab=float(vocab))


def step_of(shape, pipeline, interleave, num_micro):
    plan = np.array([[1, 1, pipeline, interleave, 1, 1, 1, num_micro, 1, 0]])
    answer = evaluate_plans(plan, FREE, SEQUENCE, 1.0, shape, MACHINE, SOFTWARE)[0]
    return dict(zip(STEP_COLUMNS, answer, strict=True))


def layer_of(shape):
    layer = layer_times(1.0, SEQUENCE, 1.0, 1.0, 1.0, 0, False, FREE[0], shape, MACHINE, SOFTWARE)
    return layer.forward_s, layer.backward_s


PLANS = [
    (pipeline, interleave, num_micro)
    for pipeline in (1, 2, 3, 4, 8)
    for interleave in (1, 2, 3)
    for num_micro in (pipeline, 2 * pipeline, 5 * pipeline)
    if pipeline > 1 or interleave == 1
] + [(4, 1, 1), (4, 1, 2), (4, 1, 7), (8, 1, 9)]


@pytest.mark.parametrize(("pipeline", "interleave", "num_micro"), PLANS)
def test_equal_stages_take_what_the_played_schedule_takes(pipeline, interleave, num_micro):
    shape = shape_of(2 * pipeline * interleave)
    forward, backward = (2 * interleave * seconds for seconds in layer_of(shape))
    played = play([forward] * pipeline, [backward] * pipeline, interleave, num_micro)
    step = step_of(shape, pipeline, interleave, num_micro)
    assert step["compute_s"] + step["bubble_s"] == pytest.approx(played, rel=1e-9)
    assert step["compute_s"] == pytest.approx(num_micro * (forward + backward), rel=1e-9)
    bubble = (pipeline - 1) * (forward + backward) / interleave
    assert step["bubble_s"] == pytest.approx(bubble, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("vocab", [0, 8_000, 32_000, 128_000])
@pytest.mark.parametrize(
    ("layers", "pipeline", "interleave", "num_micro"),
    [(22, 4, 1, 16), (22, 8, 1, 16), (22, 4, 2, 16), (22, 4, 3, 32), (23, 4, 1, 8), (23, 8, 3, 16)],
)
def test_unequal_stages_take_no_less_than_played_and_little_more(
    vocab, layers, pipeline, interleave, num_micro
):
    """The formula lets the pipeline fill and drain through all stages, which is never too short.

    With a layer less at the ends and a loss on the last stage it is within a twentieth.
    """
    shape = shape_of(layers, vocab)
    forward, backward = layer_of(shape)
    slots = -(-layers // (pipeline * interleave)) * interleave
    counts = [slots] * pipeline
    counts[-1] -= 1
    counts[0] -= pipeline * slots - layers == 2
    assert sum(counts) == layers
    forwards, backwards = ([n * seconds for n in counts] for seconds in (forward, backward))
    loss = step_of(shape, 1, 1, 1)["compute_s"] - layers * (forward + backward)
    # the player spreads what the last rank does over its chunks
    forwards[-1] += loss / 3
    backwards[-1] += 2 * loss / 3
    played = play(forwards, backwards, interleave, num_micro)
    step = step_of(shape, pipeline, interleave, num_micro)
    found = step["compute_s"] + step["bubble_s"]
    assert played * (1 - 1e-9) <= found <= played * 1.05
