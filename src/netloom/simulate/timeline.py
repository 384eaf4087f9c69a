"""One plan's pipeline in time: its layers on virtual stages, what each phase takes, who waits.

The seconds are those of the step's kernels, layer by layer; what the closed form of
`netloom.kernels.step` takes from the number of stages the schedule engine plays operation by
operation.

Legend for shapes: V virtual stages, numbered from embedding to loss; D devices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom import schedule
from netloom.errors import ParameterError
from netloom.kernels import inputs
from netloom.kernels.inputs import RECOMPUTES, SoftwareInputs
from netloom.schedule.durations import Sends, split_durations
from netloom.schedule.timeline import Timeline
from netloom.simulate.step import StepModel

if TYPE_CHECKING:
    from netloom.kernels.stages import Split

#: Schedules with two chunks a device, whatever the plan's interleaving.
_TWO_CHUNKS = ("zb-v", "dualpipe")

#: Dimensions whose messages are part of a phase.
DIMENSIONS = ("tensor", "context", "expert")


class VirtualStages(NamedTuple):
    """What each virtual stage holds; all float64, shape (V,).

    Attributes
    ----------
    num_dense, num_sparse : layers without and with experts; whole numbers but where chunks of one
        stage differ, which the step's closed form takes at their mean.
    has_embedding, has_loss : 1 where the embedding, and head and loss, are.
    """

    num_dense: NDArray[np.float64]
    num_sparse: NDArray[np.float64]
    has_embedding: NDArray[np.float64]
    has_loss: NDArray[np.float64]


class PhaseSeconds(NamedTuple):
    """Seconds of one microbatch on each virtual stage, each float64, shape (V,).

    Attributes
    ----------
    forward_s, input_s, weight_s : phases as a device runs them alone, the messages that it waits
        for included.
    block_s : a forward beside a whole backward.
    forward_compute_s, backward_compute_s : of forward and whole backward, work alone.
    forward_waits_s, backward_waits_s : by `DIMENSIONS`, float64, shape (3, V), messages that these
        wait for when they run alone.
    forward_messages_s, backward_messages_s : the same messages, hidden part included.
    """

    forward_s: NDArray[np.float64]
    input_s: NDArray[np.float64]
    weight_s: NDArray[np.float64]
    block_s: NDArray[np.float64]
    forward_compute_s: NDArray[np.float64]
    backward_compute_s: NDArray[np.float64]
    forward_waits_s: NDArray[np.float64]
    backward_waits_s: NDArray[np.float64]
    forward_messages_s: NDArray[np.float64]
    backward_messages_s: NDArray[np.float64]


class PlayedPlan(NamedTuple):
    """A plan's pipeline in time.

    Attributes
    ----------
    kind : of schedule.
    num_chunks : on each device.
    send_s : of one activation or gradient from stage to stage.
    without_sends_s : makespan of the same pipeline were sends to take no time.
    """

    kind: str
    num_chunks: int
    stages: VirtualStages
    phases: PhaseSeconds
    send_s: float
    without_sends_s: float
    timeline: Timeline


def schedule_of(plan: NDArray[np.int64], software: SoftwareInputs) -> str:
    """Return the schedule that a plan runs under the software's own rules.

    Examples
    --------
    >>> plan = np.array([8, 1, 16, 8, 128, 1, 1, 128, 1, 0])
    >>> schedule_of(plan, SoftwareInputs(True, False, True, False, True, True, 4.0, 12.0))
    'interleaved'
    """
    if plan[inputs.PIPELINE] == 1:
        return "one-f-one-b"
    if software.dualpipe:
        return "dualpipe"
    return "interleaved" if plan[inputs.INTERLEAVE] > 1 else "one-f-one-b"


def num_chunks_of(plan: NDArray[np.int64], kind: str) -> int:
    """Return the chunks that each device holds under a schedule.

    Examples
    --------
    >>> plan = np.array([8, 1, 16, 8, 128, 1, 1, 128, 1, 0])
    >>> [num_chunks_of(plan, kind) for kind in ("interleaved", "zb-v", "gpipe")]
    [8, 2, 1]
    """
    if kind == "interleaved":
        return int(plan[inputs.INTERLEAVE])
    return 2 if kind in _TWO_CHUNKS else 1


def virtual_stages(plan: NDArray[np.int64], kind: str, model: StepModel) -> VirtualStages:
    """Return the layers of each virtual stage of a plan's pipeline.

    Stages are those of `kernels.stages`; the chunks of an interleaved stage take its places, with
    embedding and loss in the first and in the last one, as evenly as they can. Under ``zb-v`` the
    layers are split over twice as many stages instead.

    Raises
    ------
    ParameterError
        When the layers do not split.
    """
    from netloom.kernels.stages import split_layers

    pipeline, interleave = int(plan[inputs.PIPELINE]), num_chunks_of(plan, kind)
    if kind == "zb-v":
        pipeline, interleave = 2 * pipeline, 1
    elif kind == "dualpipe":
        interleave = 1
    shape = model.shape
    split = split_layers(shape.num_layers, float(pipeline), float(interleave))
    leading = int(shape.num_dense_layers) if shape.num_experts else 0
    if split.middle == 0.0 or split.first < leading:
        without = f", the first {leading} without experts," if leading else ""
        raise ParameterError(
            f"{shape.num_layers:.0f} layers{without} do not split into {pipeline} stages of "
            f"{interleave} chunks",
            hint="another schedule or another number of stages",
        )
    chunks = _layers_of_chunks(pipeline, interleave, split, shape.num_layers)
    dense = np.zeros_like(chunks) if shape.num_experts else chunks.copy()
    if leading:
        # the first stage holds them, its first chunks first
        before = np.cumsum(chunks[0]) - chunks[0]
        dense[0] = np.clip(leading - before, 0.0, chunks[0])
    ends = np.zeros((2, chunks.size))
    ends[0, 0] = ends[1, -1] = 1.0
    # chunk c of stage d is virtual stage c p + d
    return VirtualStages(dense.T.ravel(), (chunks - dense).T.ravel(), *ends)


def _layers_of_chunks(
    pipeline: int, interleave: int, split: Split, num_layers: float
) -> NDArray[np.float64]:
    """Return the layers of each stage's chunks: float64, shape (stages, chunks)."""
    from netloom.kernels.stages import splits_evenly

    layers = np.full(pipeline, split.middle)
    layers[pipeline - 1 - int(split.num_short) :] -= 1.0
    layers[-1], layers[0] = split.last, split.first
    # places that embedding and loss take of the first and of the last stage
    taken = np.array([1.0, 1.0])
    if splits_evenly(num_layers, float(pipeline), float(interleave)):
        taken = np.array([split.middle - split.first, split.middle - split.last])
    places = layers.copy()
    places[0] += taken[0]
    places[-1] += taken[1] if pipeline > 1 else 0.0
    bounds = np.floor(places[:, None] * np.arange(interleave + 1) / interleave)
    chunks = np.diff(bounds, axis=1)
    chunks[0, 0] -= taken[0]
    chunks[-1, -1] -= taken[1] if pipeline > 1 else 0.0
    return chunks


def phase_seconds(
    plan: NDArray[np.int64],
    prices: NDArray[np.float64],
    kind: str,
    stages: VirtualStages,
    model: StepModel,
) -> PhaseSeconds:
    """Return what each phase takes on each virtual stage.

    Where nothing overlaps expert messages, or the step's closed form hides them behind the work of
    the same layer, a phase is its work and the messages that it waits for. Under DualPipe, and
    software made for it, messages hide in overlapped blocks alone: a forward or a backward that
    runs alone waits for all of its expert messages, and a block for what its work does not hide
    and for what messages keep from the work.

    Parameters
    ----------
    prices : float64, shape (7, 2), the plan's, see `inputs.PRICE_ROWS`.
    """
    software = model.software
    by_block = bool(kind == "dualpipe" or software.dualpipe) and plan[inputs.EXPERT] > 1
    plain = software._replace(overlaps_expert=False, communication_multiprocessors=0.0)
    alone = _of_stages(plan, prices, stages, model, plain)
    times = alone if by_block else _of_stages(plan, prices, stages, model, software)
    ends = _ends(plan, stages, model)
    forward = times["forward_s"] + ends[0]
    backward = times["backward_s"] + ends[1]
    weight = times["weight_s"] + ends[2]
    waits = np.array(
        [[times[f"{way}_{name}_s"] for name in DIMENSIONS] for way in ("forward", "backward")]
    )
    messages = _messages(plan, times, alone, software)
    forward_s, backward_s = forward + waits[0].sum(axis=0), backward + waits[1].sum(axis=0)
    block_s = forward_s + backward_s[::-1]
    if by_block:
        hiding = _of_stages(plan, prices, stages, model, software)
        block_s = forward + backward[::-1]
        for name in DIMENSIONS:
            block_s += hiding[f"forward_{name}_s"] + hiding[f"backward_{name}_s"][::-1]
    return PhaseSeconds(
        forward_s, backward_s - weight, weight, block_s, forward, backward, waits[0], waits[1],
        messages[0], messages[1],
    )  # fmt: skip


def _of_stages(
    plan: NDArray[np.int64],
    prices: NDArray[np.float64],
    stages: VirtualStages,
    model: StepModel,
    software: SoftwareInputs,
) -> dict[str, NDArray[np.float64]]:
    """Return the fields of `LayerTimes` summed over each virtual stage's layers, shape (V,)."""
    from netloom.kernels.layer import LayerTimes, layer_times
    from netloom.kernels.memory import shards_of

    shards = shards_of(plan)
    micro_batch, tensor, context, expert = (
        float(plan[column])
        for column in (inputs.MICRO_BATCH, inputs.TENSOR, inputs.CONTEXT, inputs.EXPERT)
    )
    total = np.zeros((len(LayerTimes._fields), len(stages.num_dense)))
    for has_experts, count in ((False, stages.num_dense), (True, stages.num_sparse)):
        if count.any():
            layer = layer_times(
                micro_batch, float(model.sequence), tensor, context, expert,
                int(plan[inputs.RECOMPUTE]), has_experts, prices, model.shape, model.machine,
                software, shards.expert_tensor, shards.context_kind,
            )  # fmt: skip
            total += np.outer(layer, count)
    return dict(zip(LayerTimes._fields, total, strict=True))


def _ends(plan: NDArray[np.int64], stages: VirtualStages, model: StepModel) -> NDArray[np.float64]:
    """Return seconds of embedding, head and loss: forward, backward, and of it the weights'.

    The embedding's whole backward is the gradient of its weights.
    """
    from netloom.kernels.layer import linear_times
    from netloom.kernels.step import end_times

    tensor = float(plan[inputs.TENSOR])
    tokens = plan[inputs.MICRO_BATCH] * float(model.sequence) / plan[inputs.CONTEXT]
    embedding_s, forward_s, backward_s = end_times(tokens, tensor, model.shape, model.machine)
    head = linear_times(1.0, tokens, model.shape.vocab / tensor, model.shape.hidden, model.machine)
    at_embedding = np.array([embedding_s, embedding_s, embedding_s])
    at_loss = np.array([forward_s, backward_s, head.weight_s])
    return np.outer(at_embedding, stages.has_embedding) + np.outer(at_loss, stages.has_loss)


def _messages(
    plan: NDArray[np.int64],
    times: dict[str, NDArray[np.float64]],
    alone: dict[str, NDArray[np.float64]],
    software: SoftwareInputs,
) -> NDArray[np.float64]:
    """Return whole messages, hidden part included: float64, shape (2, 3, V), ways, dimensions.

    Forward's part of a tensor message's time is 2 of 5 with sequence parallelism and 1 of 2
    without, of a context message's 1 of 3; doing forward again repeats it. Expert messages differ
    in their sizes and are taken from a layer that hides none.
    """
    again = 1.0 if RECOMPUTES[plan[inputs.RECOMPUTE]] == "full" else 0.0
    shares = (0.4 if software.sequence_parallel else 0.5, 1.0 / 3.0)
    found = [
        (share / (1.0 + again * share) * times[f"{name}_total_s"], times[f"{name}_total_s"])
        for share, name in zip(shares, DIMENSIONS, strict=False)
    ]
    expert = alone["forward_expert_s"]
    found.append((expert, expert + alone["backward_expert_s"]))
    return np.array([[first for first, _ in found], [total - first for first, total in found]])


def play_plan(
    plan: NDArray[np.int64],
    prices: NDArray[np.float64],
    model: StepModel,
    kind: str | None = None,
) -> PlayedPlan:
    """Return a plan's pipeline in time.

    Parameters
    ----------
    plan : int64, shape (10,), columns `inputs.PLAN_COLUMNS`.
    prices : float64, shape (7, 2), rows `inputs.PRICE_ROWS`.
    kind : of schedule, one of `schedule.kinds`; the software's own when left out.

    Raises
    ------
    ParameterError
        When the layers or microbatches do not fit the schedule.
    """
    kind = schedule_of(plan, model.software) if kind is None else kind
    num_chunks = num_chunks_of(plan, kind)
    if kind == "interleaved" and num_chunks == 1:
        raise ParameterError(
            "schedule 'interleaved' needs more than one chunk a stage",
            hint="add vpp=2 to the plan, or take the schedule one-f-one-b",
        )
    order = schedule.order(
        kind, int(plan[inputs.PIPELINE]), int(plan[inputs.NUM_MICRO_BATCHES]), num_chunks
    )
    stages = virtual_stages(plan, kind, model)
    phases = phase_seconds(plan, prices, kind, stages, model)
    latency_s, s_per_byte = prices[inputs.PIPELINE_SEND].tolist()
    tokens = plan[inputs.MICRO_BATCH] * float(model.sequence) / plan[inputs.CONTEXT]
    transfer_s = 2.0 * tokens * model.shape.hidden / plan[inputs.TENSOR] * s_per_byte
    crossings = np.ones(len(stages.num_dense) - 1)
    overlapped = bool(model.software.overlaps_pipeline)
    sends = Sends(latency_s * crossings, transfer_s * crossings, overlapped)
    durations = split_durations(phases.forward_s, phases.input_s, phases.weight_s, phases.block_s)
    return PlayedPlan(
        kind, num_chunks, stages, phases, latency_s + float(transfer_s),
        schedule.simulate(order, durations).makespan_s,
        schedule.simulate(order, durations, sends),
    )  # fmt: skip
