"""Perfetto traces, read back by a decoder of the protocol-buffer wire format written for this test.

Numbers of fields are those of github.com/google/perfetto, protos/perfetto/trace.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from netloom import schedule
from netloom.cli.app import main
from netloom.report.perfetto import Track, encode
from netloom.report.step_trace import operation_names

STUDY = str(Path(__file__).parents[2] / "examples" / "llama3-70b-512.yaml")


def varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def fields(data):
    """Return {field number: [values]}; nested messages stay bytes."""
    found, at = defaultdict(list), 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            assert key & 7 == 2, "only numbers and bytes are written"
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
            assert len(value) == length
        found[key >> 3].append(value)
    return found


def decoded(trace):
    """Return {(process, thread): [(name, start_ns, end_ns)]}, and the number of interned names."""
    packets = [fields(packet) for packet in fields(trace)[1]]
    assert all(packet[10] == [1] for packet in packets), "one sequence"
    assert packets[0][13] == [1], "names are cleared before they are written"
    names, processes, threads = {}, {}, {}
    slices, running = defaultdict(list), {}
    for packet in packets:
        for interned in packet[12]:
            for entry in fields(interned)[2]:
                one = fields(entry)
                names[one[1][0]] = one[2][0].decode()
        for descriptor in map(fields, packet[60]):
            for process in map(fields, descriptor[3]):
                processes[process[1][0]] = process[6][0].decode()
            for thread in map(fields, descriptor[4]):
                label = processes[thread[1][0]], thread[5][0].decode()
                assert descriptor[1][0] not in threads, "a track has a number of its own"
                threads[descriptor[1][0]] = label
        for event in map(fields, packet[11]):
            (kind,), (track,), (time,) = event[9], event[11], packet[8]
            assert packet[13] == [2], "events need the interned names"
            if kind == 1:
                assert track not in running, "slices of a track do not overlap"
                running[track] = names[event[10][0]], time
            else:
                assert kind == 2
                slices[threads[track]].append((*running.pop(track), time))
    assert not running
    return dict(slices), len(names)


def test_slices_come_back_with_names_processes_and_threads():
    tracks = [
        Track("device 0", "compute", np.array([0.0, 1.5]), np.array([1.5, 1.5]),
              np.array([1, 0]), ["backward", "forward"]),
        Track("device 0", "sends", np.array([2.0]), np.array([1e5]), np.array([0]), ["forward"]),
        Track("device 1", "compute", np.array([1e-9]), np.array([2e-9]), np.array([0]), ["ende µ"]),
    ]  # fmt: skip
    found, num_names = decoded(encode(tracks))
    assert found == {
        ("device 0", "compute"): [
            ("forward", 0, 1_500_000_000), ("backward", 1_500_000_000, 1_500_000_000),
        ],
        ("device 0", "sends"): [("forward", 2_000_000_000, 100_000_000_000_000)],
        ("device 1", "compute"): [("ende µ", 1, 2)],
    }  # fmt: skip
    assert num_names == 3


def test_many_tracks_and_names_have_numbers_of_their_own():
    names = [f"slice {k}" for k in range(300)]
    at = np.arange(300.0)
    tracks = [
        Track(f"device {d}", "compute", at, at + 1.0, np.arange(300), names) for d in range(200)
    ]
    found, num_names = decoded(encode(tracks))
    assert (len(found), num_names) == (200, 300)
    assert found["device 199", "compute"][299] == ("slice 299", 299 * 10**9, 300 * 10**9)


@pytest.mark.parametrize("kind", ["one-f-one-b", "interleaved", "dualpipe", "zb-v"])
def test_operations_have_names_that_tell_them_apart(kind):
    num_chunks = 1 if kind == "one-f-one-b" else 2
    order = schedule.order(kind, 4, 8, num_chunks)
    names, number = operation_names(order)
    assert len(set(names)) == len(names)
    for device in range(4):
        mine = number[order.device_start[device] : order.device_start[device + 1]]
        assert len(set(mine.tolist())) == len(mine), "on one device all differ"
    n = int(np.flatnonzero(order.phase == order.phase[0])[1])
    expected = f"forward mb {order.microbatch[n]} chunk {order.chunk[n]}"
    assert names[number[n]] == expected


PLAN = "tp=4,cp=1,pp=4,vp=5,mbs=1,recompute=none"


@pytest.mark.parametrize("kind", [None, "zb-v"])
def test_the_trace_of_a_step_holds_every_operation_and_ends_with_the_step(kind, tmp_path, capsys):
    trace = tmp_path / "step.pftrace"
    words = ["step", STUDY, "--plan", PLAN, "--trace", str(trace), "--json"]
    assert main(words + (["--schedule", kind] if kind else [])) == 0
    answer = json.loads(capsys.readouterr().out)
    found, _ = decoded(trace.read_bytes())
    num_micro, chunks = answer["plan"]["num_micro_batches"], 2 if kind else 5
    end_ns = 1e9 * answer["played"]["step_s"]
    processes = {process for process, _ in found}
    assert len(processes) == 4
    for process in processes:
        compute = found[process, "compute"]
        words = Counter(name.split(" mb ")[0] for name, *_ in compute)
        backward = "backward input" if kind else "backward"
        assert words["forward"] == words[backward] == num_micro * chunks
        assert words["optimizer"] == 1
        # one after the other, to the end of the step
        assert all(a[2] <= b[1] for a, b in pairwise(compute))
        assert compute[-1][2] == pytest.approx(end_ns, abs=1)
        busy_ns = sum(end - start for name, start, end in compute if " mb " in name)
        idle_s = answer["played"]["bubble_s"][int(process.split(":")[0].split()[1])]
        assert busy_ns + 1e9 * idle_s == pytest.approx(1e9 * answer["played"]["pipeline_s"], 1e-6)
        # a message lies inside its phase
        phases = {name: (start, end) for name, start, end in compute}
        for name, start, end in found[process, "tensor messages"]:
            assert phases[name][0] <= start < end <= phases[name][1]
    sends = sum(
        len(slices) for (_, thread), slices in found.items() if thread.startswith("pipeline sends")
    )
    # between 4 devices a V of 8 stages has 6 crossings, a straight line of 20 has 19; both ways
    assert sends == 2 * num_micro * (6 if kind else 19)


def test_phases_of_a_dualpipe_trace_name_both_microbatches(tmp_path, capsys):
    trace = tmp_path / "step.pftrace"
    plan = "tp=4,cp=1,pp=4,vp=1,mbs=1,recompute=full"
    assert main(["step", STUDY, "--plan", plan, "--schedule", "dualpipe", "--trace", str(trace),
                 "--json"]) == 0  # fmt: skip
    answer = json.loads(capsys.readouterr().out)
    found, _ = decoded(trace.read_bytes())
    names = [name for (_, thread), slices in found.items() if thread == "compute"
             for name, *_ in slices]  # fmt: skip
    blocks = [name for name in names if ", backward mb" in name]
    num_micro = answer["plan"]["num_micro_batches"]
    assert 0 < len(blocks) < 4 * num_micro
    # every microbatch goes forward through four stages, alone or in a block
    assert sum(name.startswith("forward") for name in names) == 4 * num_micro
