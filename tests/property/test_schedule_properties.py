"""What holds for every schedule, whatever the durations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom import schedule
from netloom.schedule import Durations, Phase, Sends
from netloom.schedule.operations import DeviceOrder, assemble

KINDS = {
    "gpipe": (1, 1), "one-f-one-b": (1, 1), "interleaved": (2, 3), "zb-h1": (1, 1),
    "zb-h2": (1, 1), "zb-v": (2, 2), "dualpipe": (2, 2),
}  # fmt: skip


@st.composite
def cases(draw):
    """Return an order, durations and sends; every virtual stage has its own."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    num_chunks = draw(st.integers(*KINDS[kind]))
    num_stages = draw(st.integers(1, 5))
    num_microbatches = draw(st.integers(1, 12))
    if kind == "interleaved":
        num_microbatches *= num_stages
    if kind == "dualpipe":
        num_stages *= 2
        num_microbatches = 2 * (num_stages + num_microbatches)
    order = schedule.order(kind, num_stages, num_microbatches, num_chunks)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    seconds = rng.uniform(0.1, 2.0, (5, order.num_virtual_stages))
    latency_s, transfer_s = rng.uniform(0.0, 0.5, (2, order.num_virtual_stages - 1))
    sends = Sends(latency_s, transfer_s, overlapped=draw(st.booleans()))
    return order, Durations(seconds), sends, rng


@settings(max_examples=60, deadline=None)
@given(cases())
def test_parts_add_up_to_the_makespan(case):
    order, durations, sends, _ = case
    timeline = schedule.simulate(order, durations, sends)
    makespan = pytest.approx(timeline.makespan_s, rel=1e-9)
    assert timeline.critical_compute_s.sum() + timeline.critical_sends_s == makespan
    assert timeline.busy_s + timeline.sending_s + timeline.bubble_s == pytest.approx(
        np.full(order.num_devices, timeline.makespan_s)
    )
    assert (timeline.idle_within_s >= -1e-9).all()
    assert (timeline.idle_within_s <= timeline.bubble_s + 1e-9).all()
    path = timeline.critical_path
    assert timeline.start_s[path[0]] == 0.0
    assert timeline.end_s[path[-1]] == timeline.makespan_s


@settings(max_examples=60, deadline=None)
@given(cases())
def test_every_operation_is_there_once_and_waits_for_what_it_needs(case):
    order, durations, sends, _ = case
    timeline = schedule.simulate(order, durations, sends)
    ends: dict[tuple[str, int, int], float] = {}
    starts: dict[tuple[str, int, int], float] = {}
    device = order.device
    for n, phase in enumerate(order.phase):
        stages = order.virtual_stage[device[n]]
        letters = {
            Phase.FORWARD: "F", Phase.BACKWARD: "BW", Phase.BACKWARD_INPUT: "B",
            Phase.BACKWARD_WEIGHT: "W", Phase.FORWARD_BACKWARD: "F",
        }[Phase(int(phase))]  # fmt: skip
        done = [(letter, order.chunk[n], order.microbatch[n]) for letter in letters]
        if phase == Phase.FORWARD_BACKWARD:
            done += [(letter, order.paired_chunk[n], order.paired_microbatch[n]) for letter in "BW"]
        for letter, chunk, microbatch in done:
            key = (letter, int(stages[chunk]), int(microbatch))
            assert key not in ends
            starts[key], ends[key] = timeline.start_s[n], timeline.end_s[n]
    num_stages = order.num_virtual_stages
    assert len(ends) == 3 * num_stages * order.num_microbatches
    for (letter, stage, microbatch), start_s in starts.items():
        if letter == "F" and stage > 0:
            assert start_s >= ends["F", stage - 1, microbatch]
        if letter == "B":
            before = ("F", stage) if stage == num_stages - 1 else ("B", stage + 1)
            assert start_s >= ends[(*before, microbatch)]
            assert start_s >= ends["F", stage, microbatch]
        if letter == "W":
            assert ends["W", stage, microbatch] >= ends["B", stage, microbatch]
    same_device = device[1:] == device[:-1]
    assert (timeline.start_s[1:] >= timeline.end_s[:-1])[same_device].all()


@settings(max_examples=60, deadline=None)
@given(cases())
def test_the_makespan_is_bounded_by_the_busiest_device_and_by_one_microbatch(case):
    order, durations, sends, _ = case
    timeline = schedule.simulate(order, durations, sends)
    assert timeline.makespan_s >= timeline.busy_s.max() - 1e-9
    # one microbatch: up and down the model, in whichever operations it takes part
    of_first = (order.microbatch == 0) & (order.phase != Phase.BACKWARD_WEIGHT)
    of_first |= order.paired_microbatch == 0
    duration_s = timeline.end_s - timeline.start_s
    chain_s = duration_s[of_first].sum()
    crossings = order.links.crossed[of_first]
    # a result of another microbatch that a block waits for is no part of the chain
    if (order.phase[of_first] != Phase.FORWARD_BACKWARD).all():
        chain_s += np.append(sends.latency_s + sends.transfer_s, 0.0)[crossings].sum()
    assert timeline.makespan_s >= chain_s - 1e-9


@settings(max_examples=60, deadline=None)
@given(cases())
def test_longer_operations_and_sends_never_shorten_the_step(case):
    order, durations, sends, rng = case
    before = schedule.simulate(order, durations, sends)
    longer = Durations(durations.seconds * rng.uniform(1.0, 1.5, durations.seconds.shape))
    slower = Sends(
        sends.latency_s * 1.5,
        sends.transfer_s * rng.uniform(1.0, 2.0, sends.transfer_s.shape),
        sends.overlapped,
    )
    for after in (
        schedule.simulate(order, longer, sends),
        schedule.simulate(order, durations, slower),
    ):
        assert after.makespan_s >= before.makespan_s - 1e-9
        assert (after.end_s >= before.end_s - 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(cases())
def test_sends_that_occupy_their_sender_are_never_quicker(case):
    order, durations, sends, _ = case
    beside = Sends(sends.latency_s, sends.transfer_s, overlapped=True)
    before = Sends(sends.latency_s, sends.transfer_s, overlapped=False)
    quick = schedule.simulate(order, durations, beside)
    slow = schedule.simulate(order, durations, before)
    assert (slow.end_s >= quick.end_s - 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(cases())
def test_renumbering_devices_changes_nothing(case):
    order, durations, sends, rng = case
    columns = DeviceOrder(
        order.phase, order.chunk, order.microbatch, order.paired_chunk, order.paired_microbatch
    )
    bounds = zip(order.device_start[:-1], order.device_start[1:], strict=True)
    devices = [DeviceOrder(*(column[a:b] for column in columns)) for a, b in bounds]
    shuffled = rng.permutation(order.num_devices)
    renumbered = assemble(
        [devices[d] for d in shuffled], order.virtual_stage[shuffled], order.num_microbatches
    )
    before = schedule.simulate(order, durations, sends)
    after = schedule.simulate(renumbered, durations, sends)
    assert after.makespan_s == before.makespan_s
    assert (after.busy_s == before.busy_s[shuffled]).all()
    assert (after.peak_activations == before.peak_activations[shuffled]).all()
    assert (after.gradients_ready_s == before.gradients_ready_s[shuffled]).all()


@settings(max_examples=40, deadline=None)
@given(cases(), st.integers(-6, 6))
def test_the_unit_of_time_does_not_matter(case, exponent):
    order, durations, sends, _ = case
    factor = 2.0**exponent
    before = schedule.simulate(order, durations, sends)
    after = schedule.simulate(
        order,
        Durations(durations.seconds * factor),
        Sends(sends.latency_s * factor, sends.transfer_s * factor, sends.overlapped),
    )
    assert after.makespan_s == before.makespan_s * factor
    assert (after.critical_path == before.critical_path).all()
