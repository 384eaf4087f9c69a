"""The engine on cases that can be followed by hand: sends, critical path, windows, deadlocks."""

import numpy as np
import pytest

from netloom import schedule
from netloom.errors import InfeasibleError, ParameterError
from netloom.schedule import Phase
from netloom.schedule.operations import DeviceOrder, Slot, assemble, number, repeat, straight

F, B = Phase.FORWARD, Phase.BACKWARD


def hand_made(*devices, num_microbatches):
    """Return an order of one chunk on each device from rows of (phase, microbatch)."""
    made = []
    for device in devices:
        phase, microbatch = np.array(device).T
        none = np.full(len(phase), -1)
        made.append(DeviceOrder(phase, np.zeros_like(phase), microbatch, none, none))
    return assemble(made, straight(len(devices)), num_microbatches)


def test_an_overlapped_send_delays_only_the_receiver():
    # stage 0: F 0-1, 1-2; stage 1 gets them 0.25 + 0.5 later: F 1.75, B 2.75-4.75, ...
    durations = schedule.uniform_durations(2, 1.0, 1.0, 1.0)
    sends = schedule.uniform_sends(2, 0.25, 0.5)
    timeline = schedule.run("gpipe", 2, 2, 1, durations, sends)
    assert timeline.start_s.tolist() == [0.0, 1.0, 6.5, 8.5, 1.75, 2.75, 3.75, 5.75]
    assert timeline.makespan_s == 10.5
    assert timeline.sending_s.tolist() == [0.0, 0.0]
    assert timeline.critical_sends_s == 1.5


def test_a_send_that_occupies_its_sender_delays_it_too():
    # F 0-1, send to 1.5, F 1.5-2.5, send to 3: arrivals 1.75 and 3.25
    durations = schedule.uniform_durations(2, 1.0, 1.0, 1.0)
    sends = schedule.uniform_sends(2, 0.25, 0.5, overlapped=False)
    timeline = schedule.run("gpipe", 2, 2, 1, durations, sends)
    assert timeline.start_s.tolist() == [0.0, 1.5, 7.0, 9.5, 1.75, 3.25, 4.25, 6.75]
    assert timeline.sending_s.tolist() == [1.0, 1.0]
    assert timeline.makespan_s == 11.5


def test_nothing_is_sent_inside_a_device():
    durations = schedule.uniform_durations(2, 1.0, 1.0, 1.0)
    for overlapped in (True, False):
        timeline = schedule.run(
            "zb-v", 1, 3, 2, durations, schedule.uniform_sends(2, 5.0, 7.0, overlapped)
        )
        assert timeline.makespan_s == 18.0


def test_a_loss_on_the_last_stage_is_the_critical_path():
    # the last stage takes twice as long: F through stage 0, four times its own 6 s, B back
    durations = schedule.split_durations([1.0, 2.0], [1.0, 2.0], [1.0, 2.0])
    timeline = schedule.run("one-f-one-b", 2, 4, 1, durations)
    assert timeline.makespan_s == 1.0 + 4 * 6.0 + 2.0
    assert timeline.critical_compute_s[0].tolist() == [1.0, 2.0, 0.0, 0.0, 0.0]
    assert timeline.critical_compute_s[1].tolist() == [8.0, 16.0, 0.0, 0.0, 0.0]
    names = [timeline.order.name(n) for n in timeline.critical_path]
    assert names[0] == "forward of microbatch 0 on virtual stage 0"
    assert names[-1] == "backward of microbatch 3 on virtual stage 0"
    assert len(names) == 10


def test_gradients_of_late_chunks_are_ready_early():
    # the last chunk is done first; the first chunk ends with the pipeline on the first device
    durations = schedule.uniform_durations(8, 1.0, 1.0, 1.0)
    timeline = schedule.run("interleaved", 4, 8, 2, durations)
    assert timeline.gradients_ready_s[0, 0] == timeline.makespan_s
    assert (timeline.gradients_ready_s[:, 1] < timeline.gradients_ready_s[:, 0]).all()
    # one group of p microbatches is left of the first chunk on the first device
    assert timeline.gradients_ready_s[0, 1] == timeline.makespan_s - 4 * 2.0
    assert timeline.first_forward_s[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert timeline.first_forward_s[:, 1].tolist() == [4.0, 5.0, 6.0, 7.0]


def test_windows_of_split_backwards_end_with_the_gradient_of_the_weights():
    durations = schedule.uniform_durations(4, 1.0, 1.0, 1.0)
    timeline = schedule.run("zb-h1", 4, 8, 1, durations)
    last = timeline.order.device_start[1:] - 1
    assert (timeline.order.phase[last] == Phase.BACKWARD_WEIGHT).all()
    assert (timeline.gradients_ready_s[:, 0] == timeline.end_s[last]).all()


def test_a_block_counts_for_both_of_its_chunks():
    durations = schedule.uniform_durations(2, 1.0, 1.0, 1.0, 2.0)
    timeline = schedule.run("dualpipe", 2, 4, 2, durations)
    order = timeline.order
    block = np.flatnonzero(order.phase == Phase.FORWARD_BACKWARD)[0]
    assert timeline.end_s[block] - timeline.start_s[block] == 2.0
    assert "beside backward of microbatch" in order.name(int(block))
    assert timeline.peak_activations.tolist() == [3, 3]


def test_a_deadlock_says_who_waits_for_whom():
    # stage 0 wants microbatch 0 back before it sends microbatch 1, which stage 1 wants first
    order = hand_made(
        [(F, 0), (B, 0), (F, 1), (B, 1)], [(F, 1), (B, 1), (F, 0), (B, 0)], num_microbatches=2
    )
    with pytest.raises(InfeasibleError) as caught:
        schedule.simulate(order, schedule.uniform_durations(2, 1.0, 1.0, 1.0))
    assert str(caught.value) == (
        "the order of the pipeline is deadlocked: "
        "device 0 cannot start backward of microbatch 0 on virtual stage 0 before backward of "
        "microbatch 0 on virtual stage 1, which device 1 has later in its order; "
        "device 1 cannot start forward of microbatch 1 on virtual stage 1 before forward of "
        "microbatch 1 on virtual stage 0, which device 0 has later in its order"
    )


def test_a_backward_before_its_own_forward_is_a_deadlock():
    order = hand_made([(B, 0), (F, 0)], num_microbatches=1)
    with pytest.raises(InfeasibleError, match="device 0 cannot start backward of microbatch 0"):
        schedule.simulate(order, schedule.uniform_durations(1, 1.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ([[(F, 0), (B, 0)], [(F, 0)]], "backward of microbatch 0 on virtual stage 1 0 times"),
        ([[(F, 0), (F, 0), (B, 0)]], "forward of microbatch 0 on virtual stage 0 2 times"),
        ([[(F, 0), (B, 0), (F, 1), (B, 1)]], "forward of microbatch 1"),
    ],
)
def test_orders_with_missing_or_repeated_operations_are_refused(devices, message):
    with pytest.raises(ParameterError, match=message):
        hand_made(*devices, num_microbatches=1)


def test_a_microbatch_stays_on_one_copy_of_the_model():
    forward = number(repeat([(1, (Slot(F),))]))
    backward = number(repeat([(1, (Slot(B),))]))
    with pytest.raises(ParameterError, match="keep a microbatch on one copy"):
        assemble([forward, backward], np.array([[0], [0]]), 1)


def test_a_device_without_work_is_refused():
    nothing = DeviceOrder(*(np.zeros(0, np.int64) for _ in range(5)))
    both = number(repeat([(1, (Slot(F), Slot(B)))]))
    with pytest.raises(ParameterError, match="device 1 has no operations"):
        assemble([both, nothing], np.array([[0], [0]]), 1)


def test_durations_and_sends_of_other_pipelines_are_refused():
    with pytest.raises(ParameterError, match="durations are for 3 virtual stages"):
        schedule.run("gpipe", 4, 8, 1, schedule.uniform_durations(3, 1.0, 1.0, 1.0))
    durations = schedule.uniform_durations(4, 1.0, 1.0, 1.0)
    with pytest.raises(ParameterError, match="sends are for 2 pairs"):
        schedule.run("gpipe", 4, 8, 1, durations, schedule.uniform_sends(3, 0.0, 0.0))
    with pytest.raises(ParameterError, match="finite and not negative"):
        schedule.uniform_durations(4, -1.0, 1.0, 1.0)
    with pytest.raises(ParameterError, match="finite and not negative"):
        schedule.uniform_sends(4, 0.0, np.inf)
    with pytest.raises(ParameterError, match="rows in the order of Phase"):
        schedule.Durations(np.ones((3, 4)))
    with pytest.raises(ParameterError, match="one of each"):
        schedule.Sends(np.ones(2), np.ones(3))
