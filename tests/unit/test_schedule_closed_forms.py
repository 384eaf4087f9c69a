"""Every registered schedule: what it must hold to, and its published closed forms."""

import numpy as np
import pytest

from netloom import schedule
from netloom.errors import ParameterError
from netloom.kernels.stages import chunks_in_flight
from netloom.schedule import Phase, Uniform

NUM_CHUNKS = {
    "gpipe": (1,), "one-f-one-b": (1,), "interleaved": (2, 3), "zb-h1": (1,), "zb-h2": (1,),
    "zb-v": (2,), "dualpipe": (2,),
}  # fmt: skip
PIPELINES = [(2, 4), (2, 10), (4, 8), (4, 20), (6, 24), (8, 16), (16, 32), (16, 64)]
CASES = [
    (kind, num_stages, num_microbatches, num_chunks)
    for kind, chunks in NUM_CHUNKS.items()
    for num_chunks in chunks
    for num_stages, num_microbatches in PIPELINES
    if kind != "interleaved" or num_microbatches % num_stages == 0
]
#: Forward and both parts of the backward take equally long, as the papers draw them.
EQUAL = Uniform(1.0, 1.0, 1.0, 3.0)
#: The gradient of the weights is the shortest part, as attention makes it.
SHORT_WEIGHT = [
    Uniform(1.0, 1.25, 0.75, 3.0), Uniform(1.0, 1.5, 0.5, 2.5), Uniform(1.0, 1.0, 0.25, 2.0),
    Uniform(0.75, 1.25, 0.5, 2.0),
]  # fmt: skip
#: The forward is the longest.
LONG_FORWARD = [Uniform(1.2, 1.0, 1.0, 2.7), Uniform(1.5, 1.25, 0.25, 3.0)]


def played(kind, num_stages, num_microbatches, num_chunks, uniform):
    order = schedule.order(kind, num_stages, num_microbatches, num_chunks)
    durations = schedule.uniform_durations(order.num_virtual_stages, *uniform)
    return schedule.run(kind, num_stages, num_microbatches, num_chunks, durations)


def longest_bubble(kind, timeline):
    return getattr(timeline, schedule.SCHEDULES.get(kind).COUNTED).max()


def test_every_schedule_is_tried():
    assert set(schedule.kinds()) == set(NUM_CHUNKS)


@pytest.mark.parametrize(("kind", "num_stages", "num_microbatches", "num_chunks"), CASES)
def test_the_bubble_of_equal_phases_is_the_published_one(
    kind, num_stages, num_microbatches, num_chunks
):
    timeline = played(kind, num_stages, num_microbatches, num_chunks, EQUAL)
    expected = schedule.SCHEDULES.get(kind).bubble_s(num_stages, num_chunks, EQUAL)
    assert longest_bubble(kind, timeline) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("kind", "num_stages", "num_microbatches", "num_chunks", "uniform"),
    [
        (*case, uniform)
        for case in CASES
        for uniform in SHORT_WEIGHT + LONG_FORWARD
        if case[0] != "dualpipe" and (case[0] != "zb-v" or uniform not in LONG_FORWARD)
    ],
)
def test_the_bubble_of_unequal_phases_is_the_closed_form(
    kind, num_stages, num_microbatches, num_chunks, uniform
):
    timeline = played(kind, num_stages, num_microbatches, num_chunks, uniform)
    expected = schedule.SCHEDULES.get(kind).bubble_s(num_stages, num_chunks, uniform)
    assert longest_bubble(kind, timeline) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("uniform", LONG_FORWARD)
@pytest.mark.parametrize(("num_stages", "num_microbatches"), PIPELINES)
def test_zb_v_with_a_long_forward_is_a_little_below_its_form(num_stages, num_microbatches, uniform):
    found = played("zb-v", num_stages, num_microbatches, 2, uniform).idle_within_s.max()
    form = schedule.SCHEDULES.get("zb-v").bubble_s(num_stages, 2, uniform)
    assert form - (uniform.forward_s - uniform.input_s) - 1e-9 <= found <= form + 1e-9


@pytest.mark.parametrize(("num_stages", "num_microbatches"), PIPELINES)
@pytest.mark.parametrize("hidden_fraction", [0.0, 0.1, 0.2, 0.33])
@pytest.mark.parametrize("weight_s", [1.0, 0.9, 0.5])
def test_dualpipe_reaches_its_form_however_well_blocks_overlap(
    num_stages, num_microbatches, hidden_fraction, weight_s
):
    overlapped_s = (1.0 - hidden_fraction) * (2.0 + weight_s)
    uniform = Uniform(1.0, 1.0, weight_s, overlapped_s)
    timeline = played("dualpipe", num_stages, num_microbatches, 2, uniform)
    expected = (num_stages / 2 - 1) * (overlapped_s + 1.0 - 2 * weight_s)
    assert timeline.bubble_s.max() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("num_stages", "num_microbatches"), PIPELINES)
@pytest.mark.parametrize("uniform", SHORT_WEIGHT)
def test_dualpipe_with_short_forwards_is_below_its_form_by_what_it_says(
    num_stages, num_microbatches, uniform
):
    timeline = played("dualpipe", num_stages, num_microbatches, 2, uniform)
    form = schedule.SCHEDULES.get("dualpipe").bubble_s(num_stages, 2, uniform)
    per_device_s = uniform.input_s - uniform.forward_s
    less_s = min(uniform.forward_s, (num_stages / 2 - 1) * per_device_s)
    assert timeline.bubble_s.max() == pytest.approx(form - less_s, abs=1e-9)


@pytest.mark.parametrize(("kind", "num_stages", "num_microbatches", "num_chunks"), CASES)
def test_the_peak_of_activations_is_the_published_one(
    kind, num_stages, num_microbatches, num_chunks
):
    timeline = played(kind, num_stages, num_microbatches, num_chunks, EQUAL)
    peak = schedule.SCHEDULES.get(kind).peak_activations
    expected = [peak(d, num_stages, num_microbatches, num_chunks) for d in range(num_stages)]
    assert timeline.peak_activations.tolist() == expected


@pytest.mark.parametrize("num_chunks", [1, 2, 5])
def test_the_depth_is_that_of_the_step_model(num_chunks):
    kind = "one-f-one-b" if num_chunks == 1 else "interleaved"
    timeline = played(kind, 8, 16, num_chunks, EQUAL)
    expected = [chunks_in_flight(float(d), 8.0, float(num_chunks), 16.0) for d in range(8)]
    assert timeline.peak_activations.tolist() == expected


@pytest.mark.parametrize("kind", ["gpipe", "one-f-one-b", "zb-h1", "zb-h2", "zb-v"])
@pytest.mark.parametrize("num_stages", [1, 2, 5])
def test_any_number_of_microbatches_can_be_played(kind, num_stages):
    num_chunks = NUM_CHUNKS[kind][0]
    for num_microbatches in range(1, 2 * num_stages + 3):
        timeline = played(kind, num_stages, num_microbatches, num_chunks, EQUAL)
        assert timeline.busy_s == pytest.approx(3.0 * num_microbatches * num_chunks)
        peak = schedule.SCHEDULES.get(kind).peak_activations
        bounds = [peak(d, num_stages, num_microbatches, num_chunks) for d in range(num_stages)]
        assert (timeline.peak_activations <= bounds).all()


def test_zero_bubble_schedules_have_none():
    for kind, num_chunks in (("zb-h2", 1), ("zb-v", 2)):
        assert played(kind, 8, 32, num_chunks, EQUAL).idle_within_s == pytest.approx(0.0)


@pytest.mark.parametrize("overlapped_s", [2.0, 3.0])
def test_order_of_merit_is_that_of_the_deepseek_table(overlapped_s):
    """Table 2 of arXiv:2412.19437: 1F1B, ZB1P and DualPipe idle less and less."""
    uniform = Uniform(1.0, 1.0, 1.0, overlapped_s)
    first, second = (
        played(kind, 16, 64, 1, uniform).bubble_s.max() for kind in ("one-f-one-b", "zb-h1")
    )
    third = played("dualpipe", 16, 64, 2, uniform).bubble_s.max()
    assert third < second < first


@pytest.mark.parametrize(
    ("kind", "numbers", "message"),
    [
        ("gpipe", (4, 8, 2), "needs 1 chunk per stage, not 2"),
        ("zb-v", (4, 8, 1), "needs 2 chunks per stage, not 1"),
        ("interleaved", (4, 8, 1), "schedule 'one-f-one-b' takes 1"),
        ("interleaved", (4, 10, 2), "nearest: 8 or 12"),
        ("interleaved", (4, 3, 2), "nearest: 4"),
        ("dualpipe", (5, 20, 2), "nearest: 6"),
        ("dualpipe", (8, 15, 2), "nearest: 16"),
        ("dualpipe", (8, 21, 2), "nearest: 22"),
        ("gpipe", (0, 8, 1), "a pipeline of 0 stages"),
        ("zb-h3", (4, 8, 1), "did you mean zb-h2 or zb-h1"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_with_ones_that_do(kind, numbers, message):
    with pytest.raises(ParameterError, match=message):
        schedule.order(kind, *numbers)


def row(kind, device, *numbers):
    """Return a device's order as the figures write it: letter and microbatch from 1."""
    order = schedule.order(kind, *numbers)
    letters = {
        Phase.FORWARD: "F", Phase.BACKWARD: "B", Phase.BACKWARD_INPUT: "B",
        Phase.BACKWARD_WEIGHT: "W",
    }  # fmt: skip
    mine = slice(order.device_start[device], order.device_start[device + 1])
    return " ".join(
        f"{letters[phase]}{microbatch + 1}"
        for phase, microbatch in zip(order.phase[mine], order.microbatch[mine], strict=True)
    )


def test_1f1b_is_figure_4_of_megatron():
    assert row("one-f-one-b", 0, 4, 5) == "F1 F2 F3 F4 B1 F5 B2 B3 B4 B5"
    assert row("one-f-one-b", 3, 4, 5) == "F1 B1 F2 B2 F3 B3 F4 B4 F5 B5"


def test_zb_h1_keeps_weights_back_on_later_devices():
    assert row("zb-h1", 0, 4, 5) == "F1 F2 F3 F4 B1 W1 F5 B2 W2 B3 W3 B4 W4 B5 W5"
    assert row("zb-h1", 3, 4, 5) == "F1 B1 F2 B2 F3 B3 F4 B4 W1 F5 B5 W2 W3 W4 W5"


def test_dualpipe_is_figure_5_of_the_deepseek_report():
    """8 stages, 20 microbatches: device 0 has 7 forwards, ..., and 6 blocks before the drain."""
    order = schedule.order("dualpipe", 8, 20, 2)
    mine = slice(order.device_start[0], order.device_start[1])
    phases = order.phase[mine].tolist()
    chunks = order.chunk[mine].tolist()
    assert phases[:8] == [Phase.FORWARD] * 8
    assert chunks[:8] == [0] * 7 + [1]
    split = [Phase.BACKWARD_INPUT, Phase.BACKWARD_WEIGHT]
    assert phases[8:17] == [*split, Phase.FORWARD] * 3
    assert phases[17:23] == [Phase.FORWARD_BACKWARD] * 6
    assert phases[23:29] == [Phase.BACKWARD, Phase.FORWARD_BACKWARD] * 3
    assert phases[29:] == [Phase.BACKWARD] + split * 4
    # the middle devices run their first pair one after the other
    middle = order.phase[order.device_start[3] : order.device_start[4]].tolist()
    assert middle[:10] == [Phase.FORWARD] * 9 + [Phase.BACKWARD]


def test_the_directions_of_dualpipe_mirror_each_other():
    order = schedule.order("dualpipe", 4, 8, 2)
    assert order.virtual_stage.tolist() == [[0, 3], [1, 2], [2, 1], [3, 0]]
    for device in range(4):
        mine = slice(order.device_start[device], order.device_start[device + 1])
        other = slice(order.device_start[3 - device], order.device_start[4 - device])
        assert (order.phase[mine] == order.phase[other]).all()
        assert (order.chunk[mine] == 1 - order.chunk[other]).all()
    assert (order.microbatch[order.chunk == 0] < 4).all()


def test_orders_are_made_once_and_cannot_be_changed():
    order = schedule.order("gpipe", 2, 2)
    assert schedule.order("gpipe", 2, 2) is order
    with pytest.raises(ValueError, match="read-only"):
        order.phase[0] = 1
    timeline = played("gpipe", 2, 2, 1, EQUAL)
    for value in vars(timeline).values():
        assert not (isinstance(value, np.ndarray) and value.flags.writeable)
