"""The order in which devices work off a pipeline, and what each operation waits for.

A model is cut into virtual stages, numbered from embedding to loss. A device holds one or more
chunks, each one virtual stage. An operation is a phase of one microbatch on one chunk.

Legend for shapes: N operations, device by device in order; D devices; C chunks on each; V virtual
stages; M microbatches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError


class Phase(IntEnum):
    """What is done with one microbatch on one chunk.

    A backward is done whole, or cut into the gradient of the input, which the virtual stage before
    waits for, and the gradient of the weights, which can wait. A block runs the forward of one
    microbatch and the whole backward of another one at the same time.
    """

    FORWARD = 0
    BACKWARD = 1
    BACKWARD_INPUT = 2
    BACKWARD_WEIGHT = 3
    FORWARD_BACKWARD = 4

    @property
    def words(self) -> str:
        """The phase in words.

        >>> Phase.BACKWARD_INPUT.words
        'backward input'
        """
        return self.name.lower().replace("_", " ")


class Slot(NamedTuple):
    """A place in a device's pattern: a phase on a chunk, for the next microbatch of that chunk.

    `paired_chunk` is the chunk whose backward a block runs beside the forward on `chunk`.
    """

    phase: Phase
    chunk: int = 0
    paired_chunk: int = -1


class Links(NamedTuple):
    """What operations wait for and send.

    Attributes
    ----------
    needs : int64, shape (N, 2), operations whose results this one needs; -1 for none.
    crossed : int64, shape (N, 2), number k of the crossing from virtual stage k to k + 1, or back,
        that the needed result takes from another device; -1 when it stays on its device.
    sent : int64, shape (N, 2), crossing that the forward's, and the backward's, result takes to
        another device; -1 for none.
    """

    needs: NDArray[np.int64]
    crossed: NDArray[np.int64]
    sent: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Order:
    """All operations of a step's pipeline in each device's order; arrays are read-only.

    Attributes
    ----------
    num_microbatches : M, over both directions of a bidirectional pipeline.
    virtual_stage : int64, shape (D, C), what each chunk holds. Two devices that hold the same one
        are copies; a microbatch passes through one of them.
    device_start : int64, shape (D + 1,), first operation of each device, and N.
    phase : int64, shape (N,), values of `Phase`.
    chunk, microbatch : int64, shape (N,), of the forward in a block.
    paired_chunk, paired_microbatch : int64, shape (N,), of the backward in a block; -1 elsewhere.
    links : what operations wait for.
    """

    num_microbatches: int
    virtual_stage: NDArray[np.int64]
    device_start: NDArray[np.int64]
    phase: NDArray[np.int64]
    chunk: NDArray[np.int64]
    microbatch: NDArray[np.int64]
    paired_chunk: NDArray[np.int64]
    paired_microbatch: NDArray[np.int64]
    links: Links

    @property
    def num_devices(self) -> int:
        """Return D."""
        return len(self.virtual_stage)

    @property
    def num_virtual_stages(self) -> int:
        """Return V."""
        return int(self.virtual_stage.max()) + 1

    @cached_property
    def device(self) -> NDArray[np.int64]:
        """Return the device of each operation: int64, shape (N,)."""
        return np.repeat(np.arange(self.num_devices), np.diff(self.device_start))

    @cached_property
    def stage(self) -> NDArray[np.int64]:
        """Return the virtual stage of each operation, of the forward in a block: shape (N,)."""
        return self.virtual_stage[self.device, self.chunk]

    def name(self, operation: int) -> str:
        """Return an operation in words.

        >>> from netloom.schedule import order
        >>> order("gpipe", 2, 2).name(0)
        'forward of microbatch 0 on virtual stage 0'
        """
        stages = self.virtual_stage[self.device[operation]]
        words = Phase(int(self.phase[operation])).words
        if self.phase[operation] == Phase.FORWARD_BACKWARD:
            return (
                f"forward of microbatch {self.microbatch[operation]} on virtual stage "
                f"{stages[self.chunk[operation]]} beside backward of microbatch "
                f"{self.paired_microbatch[operation]} on virtual stage "
                f"{stages[self.paired_chunk[operation]]}"
            )
        return (
            f"{words} of microbatch {self.microbatch[operation]} on virtual stage "
            f"{stages[self.chunk[operation]]}"
        )


class DeviceOrder(NamedTuple):
    """One device's operations, as arrays of equal length; fields as in `Order`."""

    phase: NDArray[np.int64]
    chunk: NDArray[np.int64]
    microbatch: NDArray[np.int64]
    paired_chunk: NDArray[np.int64]
    paired_microbatch: NDArray[np.int64]


def repeat(blocks: Sequence[tuple[int, tuple[Slot, ...]]]) -> NDArray[np.int64]:
    """Return slots in a row: int64, shape (N, 3), columns as in `Slot`.

    Parameters
    ----------
    blocks : each a number of times and the slots that are repeated.

    Examples
    --------
    >>> repeat([(2, (Slot(Phase.FORWARD),)), (1, (Slot(Phase.BACKWARD),))])[:, 0]
    array([0, 0, 1])
    """
    parts = [np.tile(np.array(slots, np.int64), (times, 1)) for times, slots in blocks if times > 0]
    return np.concatenate(parts)


def number(slots: NDArray[np.int64], first_microbatch: Sequence[int] = ()) -> DeviceOrder:
    """Return a device's operations: each chunk takes its microbatches in turn, in every phase.

    Gradients of weights follow in the order of the gradients of inputs that they belong to.

    Parameters
    ----------
    slots : int64, shape (N, 3), columns as in `Slot`.
    first_microbatch : of each chunk; 0 for those that are not listed.

    Examples
    --------
    >>> slots = repeat([(2, (Slot(Phase.FORWARD), Slot(Phase.BACKWARD)))])
    >>> number(slots).microbatch
    array([0, 0, 1, 1])
    """
    phase, chunk, paired_chunk = slots.T.copy()
    is_block = phase == Phase.FORWARD_BACKWARD
    is_forward = is_block | (phase == Phase.FORWARD)
    is_weight = phase == Phase.BACKWARD_WEIGHT
    back_chunk = np.where(is_block, paired_chunk, np.where(is_forward | is_weight, -1, chunk))
    microbatch, back_microbatch = np.full(len(phase), -1), np.full(len(phase), -1)
    for c in range(int(chunk.max()) + 1):
        first = first_microbatch[c] if c < len(first_microbatch) else 0
        for column, mine in (
            (microbatch, is_forward & (chunk == c)),
            (back_microbatch, back_chunk == c),
        ):
            column[mine] = np.arange(first, first + np.count_nonzero(mine))
        of_input = back_microbatch[(phase == Phase.BACKWARD_INPUT) & (chunk == c)]
        microbatch[is_weight & (chunk == c)] = of_input
    microbatch = np.where(is_forward | is_weight, microbatch, back_microbatch)
    return DeviceOrder(
        phase, chunk, microbatch, paired_chunk, np.where(is_block, back_microbatch, -1)
    )


def drop_after(device: DeviceOrder, num_microbatches: int) -> DeviceOrder:
    """Return the order without the microbatches from `num_microbatches` on.

    A schedule that works for more microbatches works without the last ones: no operation waits for
    another microbatch.
    """
    kept = device.microbatch < num_microbatches
    return DeviceOrder(*(column[kept] for column in device))


def assemble(
    devices: Sequence[DeviceOrder], virtual_stage: NDArray[np.int64], num_microbatches: int
) -> Order:
    """Return the order of all devices, linked.

    Raises
    ------
    ParameterError
        When a device has nothing to do, or an operation is missing, there twice, or not on the
        device that keeps its activations.
    """
    idle = [number for number, device in enumerate(devices) if len(device.phase) == 0]
    if idle:
        raise ParameterError(f"device {idle[0]} has no operations", hint="leave it out")
    operations = DeviceOrder(*map(np.concatenate, zip(*devices, strict=True)))
    device_start = np.cumsum([0, *(len(device.phase) for device in devices)])
    device = np.repeat(np.arange(len(devices)), np.diff(device_start))
    links = _link(operations, device, virtual_stage, num_microbatches)
    for array in (*operations, device_start, virtual_stage, *links):
        array.flags.writeable = False
    columns = operations._asdict()
    return Order(num_microbatches, virtual_stage, device_start, links=links, **columns)


def _link(
    operations: DeviceOrder,
    device: NDArray[np.int64],
    virtual_stage: NDArray[np.int64],
    num_microbatches: int,
) -> Links:
    """Return what each operation needs and sends.

    A forward needs the forward of the virtual stage before; a backward the backward of the one
    behind, on the last one its own forward; the gradient of weights the gradient of the input.
    """
    phase = operations.phase
    last = int(virtual_stage.max())
    stage = virtual_stage[device, operations.chunk]
    is_block = phase == Phase.FORWARD_BACKWARD
    is_forward = is_block | (phase == Phase.FORWARD)
    is_weight = phase == Phase.BACKWARD_WEIGHT
    is_backward = ~is_weight & (phase != Phase.FORWARD)
    back_stage = np.where(is_block, virtual_stage[device, operations.paired_chunk], stage)
    back_microbatch = np.where(is_block, operations.paired_microbatch, operations.microbatch)

    shape = (last + 1, num_microbatches)
    forward = _where(is_forward, stage, operations.microbatch, shape, "forward")
    backward = _where(is_backward, back_stage, back_microbatch, shape, "backward")
    completes = is_weight | (is_backward & (phase != Phase.BACKWARD_INPUT))
    weight = _where(completes, back_stage, back_microbatch, shape, "gradient of the weights")
    apart = (device[forward] != device[backward]) | (device[forward] != device[weight])
    if apart.any():
        where = tuple(np.argwhere(apart)[0])
        raise ParameterError(
            f"microbatch {where[1]} goes forward through virtual stage {where[0]} on device "
            f"{device[forward[where]]} and back on another one",
            hint="keep a microbatch on one copy of the model",
        )

    needs, crossed = np.full((len(phase), 2), -1), np.full((len(phase), 2), -1)
    sent = np.full((len(phase), 2), -1)
    n = np.flatnonzero(is_forward & (stage > 0))
    needs[n, 0] = forward[stage[n] - 1, operations.microbatch[n]]
    crossed[n, 0] = stage[n] - 1
    n = np.flatnonzero(is_backward & (back_stage < last))
    needs[n, 1] = backward[back_stage[n] + 1, back_microbatch[n]]
    crossed[n, 1] = back_stage[n]
    n = np.flatnonzero(is_backward & (back_stage == last))
    needs[n, 1] = forward[last, back_microbatch[n]]
    n = np.flatnonzero(is_weight)
    needs[n, 1] = backward[stage[n], operations.microbatch[n]]
    crossed[(needs < 0) | (device[needs] == device[:, np.newaxis])] = -1
    receiver, direction = np.nonzero(crossed >= 0)
    sent[needs[receiver, direction], direction] = crossed[receiver, direction]
    return Links(needs, crossed, sent)


def _where(
    chosen: NDArray[np.bool_],
    stage: NDArray[np.int64],
    microbatch: NDArray[np.int64],
    shape: tuple[int, int],
    noun: str,
) -> NDArray[np.int64]:
    """Return the one operation for each virtual stage and microbatch: int64, shape (V, M)."""
    operations = np.flatnonzero(chosen)
    counts = np.zeros(shape, np.int64)
    known = (microbatch[operations] >= 0) & (microbatch[operations] < shape[1])
    if not known.all():
        wrong = microbatch[operations[~known][0]]
        raise ParameterError(
            f"the order holds the {noun} of microbatch {wrong}",
            hint=f"microbatches are numbered from 0 to {shape[1] - 1}",
        )
    np.add.at(counts, (stage[operations], microbatch[operations]), 1)
    if (counts != 1).any():
        k, m = np.argwhere(counts != 1)[0]
        raise ParameterError(
            f"the order holds the {noun} of microbatch {m} on virtual stage {k} "
            f"{counts[k, m]} times",
            hint="every microbatch passes every virtual stage once, forward and backward",
        )
    found = np.empty(shape, np.int64)
    found[stage[operations], microbatch[operations]] = operations
    return found


def require(condition: bool, kind: str, needs: str, hint: str) -> None:
    """Raise `ParameterError` unless a schedule's numbers fit."""
    if not condition:
        raise ParameterError(f"schedule '{kind}' needs {needs}", hint=hint)


def require_chunks(kind: str, num_chunks: int, needed: int) -> None:
    """Raise `ParameterError` unless a device holds as many chunks as a schedule is made for."""
    noun = "chunk" if needed == 1 else "chunks"
    require(
        num_chunks == needed, kind, f"{needed} {noun} per stage, not {num_chunks}",
        f"set num_chunks to {needed}",
    )  # fmt: skip


def straight(num_stages: int) -> NDArray[np.int64]:
    """Return the placement of one chunk on each device, in the model's order: shape (D, 1)."""
    return np.arange(num_stages)[:, np.newaxis]
