"""The engine against an obvious event simulation and against networkx, on random orders.

Orders are made by taking a random operation that can run next, so they hold whole and cut backwards
and overlapped blocks in any mixture, on virtual stages that are placed at random. What an operation
waits for is written down here again, from the model's order.
"""

import networkx as nx
import numpy as np
import pytest

from netloom.errors import InfeasibleError
from netloom.kernels.stages import split_layers
from netloom.schedule import (
    Durations,
    Phase,
    Sends,
    kinds,
    order,
    run,
    simulate,
    split_durations,
)
from netloom.schedule.operations import DeviceOrder, assemble

F, B, BI, BW = Phase.FORWARD, Phase.BACKWARD, Phase.BACKWARD_INPUT, Phase.BACKWARD_WEIGHT


def waits_for(part, last):
    """Return the results, as ("F" or "B", stage, microbatch), that one part needs."""
    phase, stage, micro = part
    if phase == F:
        return [("F", stage - 1, micro)] if stage else []
    if phase == BW:
        return [("B", stage, micro)]
    return [("F", last, micro)] if stage == last else [("B", stage + 1, micro)]


def gives(part):
    phase, stage, micro = part
    return {F: ("F", stage, micro), B: ("B", stage, micro), BI: ("B", stage, micro)}.get(phase)


def random_work(rng, num_devices, num_chunks, num_micro):
    """Return each device's operations, as tuples of parts, and where virtual stages are."""
    num_stages = num_devices * num_chunks
    virtual_stage = rng.permutation(num_stages).reshape(num_devices, num_chunks)
    device_of = {int(s): d for d, row in enumerate(virtual_stage) for s in row}
    left = [(F, s, k) for s in range(num_stages) for k in range(num_micro)]
    for stage in range(num_stages):
        for micro in range(num_micro):
            whole = rng.random() < 0.5
            left += [(B, stage, micro)] if whole else [(BI, stage, micro), (BW, stage, micro)]
    known, work = set(), [[] for _ in range(num_devices)]
    while left:
        ready = [p for p in left if all(r in known for r in waits_for(p, num_stages - 1))]
        first = ready[rng.integers(len(ready))]
        parts = [first]
        if first[0] == F and rng.random() < 0.5:
            here = device_of[first[1]]
            pairs = [p for p in ready if p[0] == B and device_of[p[1]] == here]
            if pairs:
                parts.append(pairs[rng.integers(len(pairs))])
        for part in parts:
            left.remove(part)
            known.add(gives(part))
        work[device_of[first[1]]].append(tuple(parts))
    return work, virtual_stage, device_of


def as_order(work, virtual_stage, num_micro):
    devices = []
    for stages, operations in zip(virtual_stage.tolist(), work, strict=True):
        rows = []
        for first, *others in operations:
            phase = Phase.FORWARD_BACKWARD if others else first[0]
            paired = (stages.index(others[0][1]), others[0][2]) if others else (-1, -1)
            rows.append((phase, stages.index(first[1]), first[2], *paired))
        devices.append(DeviceOrder(*np.array(rows, np.int64).T))
    return assemble(devices, virtual_stage, num_micro)


def duration(parts, durations):
    phase = Phase.FORWARD_BACKWARD if len(parts) == 2 else parts[0][0]
    return durations.seconds[phase, parts[0][1]]


def occupied(parts, sends, device_of):
    """Return seconds that a device sends after an operation, and does nothing else."""
    if sends.overlapped:
        return 0.0
    total = 0.0
    for phase, stage, _ in parts:
        neighbour = stage + 1 if phase == F else stage - 1
        if phase != BW and device_of.get(neighbour, device_of[stage]) != device_of[stage]:
            total += sends.transfer_s[min(stage, neighbour)]
    return total


def travel(result, stage, sends, device_of):
    """Return seconds from the end of a result's operation, sends included, to its arrival."""
    if device_of[result[1]] == device_of[stage]:
        return 0.0
    crossing = min(result[1], stage)
    overlapped_s = sends.transfer_s[crossing] if sends.overlapped else 0.0
    return sends.latency_s[crossing] + overlapped_s


def play_by_events(work, device_of, durations, sends):
    """Return start and end of each operation: look for one that can start, again and again."""
    last = len(device_of) - 1
    free_s, place = [0.0] * len(work), [0] * len(work)
    sent_s, times = {}, [[] for _ in work]
    while any(place[d] < len(work[d]) for d in range(len(work))):
        moved = False
        for d in range(len(work)):
            if place[d] == len(work[d]):
                continue
            parts = work[d][place[d]]
            needed = [(r, p[1]) for p in parts for r in waits_for(p, last)]
            if any(r not in sent_s for r, _ in needed):
                continue
            arrivals = [sent_s[r] + travel(r, stage, sends, device_of) for r, stage in needed]
            start = max([free_s[d], *arrivals])
            end = start + duration(parts, durations)
            free_s[d] = end + occupied(parts, sends, device_of)
            for part in parts:
                sent_s[gives(part)] = free_s[d]
            times[d].append((start, end))
            place[d] += 1
            moved = True
        assert moved, "deadlock"
    return np.array([pair for device in times for pair in device]).T


def longest_path(work, device_of, durations, sends):
    """Return the makespan as networkx finds it: operations are edges, results are too."""
    last = len(device_of) - 1
    graph = nx.MultiDiGraph()
    source = {
        gives(p): (d, n) for d, row in enumerate(work) for n, ps in enumerate(row) for p in ps
    }
    for d, row in enumerate(work):
        for n, parts in enumerate(row):
            graph.add_edge((d, n, "start"), (d, n, "end"), weight=duration(parts, durations))
            graph.add_edge((d, n, "end"), (d, n, "sent"), weight=occupied(parts, sends, device_of))
            if n + 1 < len(row):
                graph.add_edge((d, n, "sent"), (d, n + 1, "start"), weight=0.0)
            for part in parts:
                for result in waits_for(part, last):
                    graph.add_edge(
                        (*source[result], "sent"), (d, n, "start"),
                        weight=travel(result, part[1], sends, device_of),
                    )  # fmt: skip
    return nx.dag_longest_path_length(graph)


@pytest.mark.parametrize("seed", range(60))
def test_random_orders_take_what_the_event_simulation_takes(seed):
    rng = np.random.default_rng(seed)
    num_devices, num_chunks, num_micro = (int(rng.integers(1, high)) for high in (5, 4, 5))
    work, virtual_stage, device_of = random_work(rng, num_devices, num_chunks, num_micro)
    num_stages = num_devices * num_chunks
    durations = Durations(rng.uniform(0.0, 2.0, (5, num_stages)))
    latency_s, transfer_s = rng.uniform(0.0, 1.0, (2, num_stages - 1))
    sends = Sends(latency_s, transfer_s, bool(rng.random() < 0.5))
    made = as_order(work, virtual_stage, num_micro)
    timeline = simulate(made, durations, sends)
    start_s, end_s = play_by_events(work, device_of, durations, sends)
    assert timeline.start_s == pytest.approx(start_s, abs=1e-12)
    assert timeline.end_s == pytest.approx(end_s, abs=1e-12)
    assert timeline.makespan_s == pytest.approx(end_s.max(), abs=1e-12)
    longest_s = longest_path(work, device_of, durations, sends)
    assert timeline.makespan_s == pytest.approx(longest_s, abs=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_memory_and_windows_are_what_a_walk_through_the_order_counts(seed):
    rng = np.random.default_rng(1000 + seed)
    work, virtual_stage, _ = random_work(rng, 3, 2, 4)
    durations = Durations(rng.uniform(0.0, 2.0, (5, 6)))
    made = as_order(work, virtual_stage, 4)
    timeline = simulate(made, durations)
    n = 0
    for d, row in enumerate(work):
        alive, peak, first, ready = 0, 0, {}, {}
        for parts in row:
            alive += sum(p[0] == F for p in parts)
            peak = max(peak, alive)
            alive -= sum(p[0] in (B, BW) for p in parts)
            for phase, stage, _micro in parts:
                if phase == F:
                    first.setdefault(stage, timeline.start_s[n])
                if phase in (B, BW):
                    ready[stage] = timeline.end_s[n]
            n += 1
        stages = virtual_stage[d].tolist()
        assert alive == 0
        assert timeline.peak_activations[d] == peak
        assert timeline.first_forward_s[d].tolist() == [first[s] for s in stages]
        assert timeline.gradients_ready_s[d].tolist() == [ready[s] for s in stages]


@pytest.mark.parametrize("seed", range(30))
def test_orders_with_two_operations_exchanged_are_deadlocked_where_networkx_finds_a_cycle(seed):
    rng = np.random.default_rng(2000 + seed)
    work, virtual_stage, device_of = random_work(rng, 3, 1, 3)
    device = int(rng.integers(3))
    i, j = rng.choice(len(work[device]), 2, replace=False)
    work[device][i], work[device][j] = work[device][j], work[device][i]
    durations = Durations(np.ones((5, 3)))
    sends = Sends(np.zeros(2), np.zeros(2))
    made = as_order(work, virtual_stage, 3)
    try:
        expected = longest_path(work, device_of, durations, sends)
    except nx.NetworkXUnfeasible:
        with pytest.raises(InfeasibleError, match="has later in its order"):
            simulate(made, durations)
    else:
        assert simulate(made, durations).makespan_s == pytest.approx(expected)


def step_formula(total_s, num_micro, num_chunks):
    """Return ``m T_max + (sum of T_i - T_max) / v``, what the step model uses."""
    return num_micro * total_s.max() + (total_s.sum() - total_s.max()) / num_chunks


@pytest.mark.parametrize(("num_layers", "num_chunks"), [(126, 1), (126, 4), (128, 8), (127, 1)])
@pytest.mark.parametrize("loss_layers", [0.0, 0.5, 1.0, 2.0])
def test_the_formula_of_the_step_model_is_never_below_and_within_a_twentieth(
    num_layers, num_chunks, loss_layers
):
    """Uneven stages of 1F1B and interleaving, with the loss on the last virtual stage alone."""
    num_stages, num_micro = 16, 64
    split = split_layers(float(num_layers), float(num_stages), float(num_chunks))
    assert split.middle > 0
    num_virtual = num_stages * num_chunks
    layers = np.full(num_virtual, split.middle / num_chunks)
    layers[0] -= split.middle - split.first
    layers[-1] -= split.middle - split.last
    forward_s = layers.copy()
    forward_s[-1] += loss_layers
    kind = "one-f-one-b" if num_chunks == 1 else "interleaved"
    durations = split_durations(forward_s, forward_s, forward_s)
    timeline = run(kind, num_stages, num_micro, num_chunks, durations)
    total_s = 3 * forward_s.reshape(num_chunks, num_stages).sum(axis=0)
    formula_s = step_formula(total_s, num_micro, num_chunks)
    assert timeline.makespan_s <= formula_s * (1 + 1e-9)
    assert timeline.makespan_s >= formula_s / 1.05


def test_schedules_against_the_event_simulation():
    rng = np.random.default_rng(7)
    # dualpipe has two copies of a stage, and the simulation above knows one device for each
    for kind in sorted(set(kinds()) - {"dualpipe"}):
        num_chunks = {"interleaved": 3, "zb-v": 2}.get(kind, 1)
        made = order(kind, 4, 12, num_chunks)
        num_stages = made.num_virtual_stages
        work = [[] for _ in range(4)]
        columns = (made.device, made.phase, made.stage, made.microbatch)
        for d, phase, stage, micro in zip(*columns, strict=True):
            work[d].append(((Phase(int(phase)), int(stage), int(micro)),))
        device_of = {int(s): d for d, row in enumerate(made.virtual_stage) for s in row}
        durations = Durations(rng.uniform(0.0, 2.0, (5, num_stages)))
        sends = Sends(*rng.uniform(0.0, 0.5, (2, num_stages - 1)), overlapped=kind != "gpipe")
        start_s, _ = play_by_events(work, device_of, durations, sends)
        assert simulate(made, durations, sends).start_s == pytest.approx(start_s, abs=1e-12)
