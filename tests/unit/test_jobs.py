"""Jobs beside one another: times worked out by hand, and the price of a call alone."""

from __future__ import annotations

import numpy as np
import pytest

from netloom import catalog
from netloom.collective import OPERATIONS
from netloom.collective.groups import Communicator
from netloom.errors import InfeasibleError
from netloom.simulate.busiest import Hashing
from netloom.simulate.jobs import Job, PhaseTraffic, job, payload_fraction, run_jobs
from netloom.simulate.network import NetworkModel
from netloom.simulate.placement import Placement
from netloom.topology import build

LIBRARY = catalog.get("collective-library", "nccl-2.30")


def fabric(spines: int = 1):
    """Two leaves of four endpoints with one link of 1 B/s to each spine."""
    given = {"hosts": 8, "radix": 4 + spines, "taper": spines / 4, "spines": spines}
    return build("leaf-spine", given | {"link_bytes_per_s": 1.0})


def call(name, source, target, num_bytes, *, inside_s=0.0, latency_s=0.0, start_s=0.0):
    """Return a job of one phase, `num_bytes` from each source to its target."""
    source, target = np.array(source, np.int32), np.array(target, np.int32)
    moved = np.broadcast_to(np.asarray(num_bytes, dtype=np.float64), source.shape)
    return Job(name, (PhaseTraffic(source, target, moved, None, inside_s),), latency_s, start_s)


def times(*jobs, spines=1, hashing=None, network_fraction=1.0):
    found = run_jobs(fabric(spines), jobs, network_fraction, hashing)
    return {each.name: (each.alone_s.tolist(), each.together_s.tolist()) for each in found}


def test_two_equal_jobs_on_one_trunk_take_twice_as_long():
    found = times(call("a", [0], [4], 6.0), call("b", [1], [5], 6.0))
    assert found == {"a": ([6.0], [12.0]), "b": ([6.0], [12.0])}


def test_the_smaller_job_ends_first_and_frees_the_trunk():
    # half of the trunk each until 4 s, when 6 of the larger job's 8 bytes are left
    found = times(call("small", [0], [4], 2.0), call("large", [1], [5], 8.0))
    assert found["small"] == ([2.0], [4.0])
    assert found["large"] == ([8.0], [10.0])


def test_a_job_that_starts_later_counts_its_time_from_its_start():
    # alone until 3 s; then shared until 9 s, when the first has its last 3 bytes through
    found = times(call("first", [0], [4], 6.0), call("late", [1], [5], 5.0, start_s=3.0))
    assert found["first"] == ([6.0], [9.0])
    assert found["late"] == ([5.0], [8.0])


def test_latency_comes_before_the_flows():
    found = times(call("a", [0], [4], 2.0, latency_s=1.0), call("b", [1], [5], 3.0, latency_s=9.0))
    assert found == {"a": ([3.0], [3.0]), "b": ([12.0], [12.0])}


def test_a_job_held_back_inside_its_nodes_leaves_the_trunk_to_others():
    # 2 bytes in 8 s inside: a quarter of the trunk, three quarters are left for the other
    found = times(call("held", [0], [4], 2.0, inside_s=8.0), call("free", [1], [5], 3.0))
    assert found["held"] == ([8.0], [8.0])
    assert found["free"] == ([3.0], [4.0])


def test_jobs_on_leaves_of_their_own_do_not_feel_each_other():
    found = times(call("a", [0], [1], 6.0), call("b", [4], [5], 6.0))
    assert found == {"a": ([6.0], [6.0]), "b": ([6.0], [6.0])}


def test_a_phase_waits_for_all_flows_of_the_one_before():
    first = call("", [0, 1], [4, 5], [1.0, 2.0]).phases
    then = call("", [2], [6], 4.0).phases
    # 2 s shared, 1 s for what is left of the longer, then 4 s
    assert times(Job("phases", first + then, 0.0)) == {"phases": ([7.0], [7.0])}


def test_what_protocols_leave_of_a_link_is_shared():
    assert times(call("a", [0], [4], 3.0), network_fraction=0.75) == {"a": ([4.0], [4.0])}


def test_a_job_inside_one_node_takes_its_scale_up_time():
    found = times(call("inside", [], [], 1.0, inside_s=5.0), call("b", [1], [5], 3.0))
    assert found == {"inside": ([5.0], [5.0]), "b": ([3.0], [3.0])}


def test_streams_of_switches_share_the_links_they_load():
    bundles = fabric().routing.bundles
    up = np.flatnonzero(bundles.stage == bundles.stage_names.index("leaf uplinks"))[:1]
    streams = np.zeros(len(bundles.stage))
    streams[up] = 6.0
    none = np.zeros(0, dtype=np.int32)
    reduced = Job("reduced", (PhaseTraffic(none, none, np.zeros(0), streams, 0.0),), 0.0)
    found = times(reduced, call("b", [1], [5], 6.0))
    assert found == {"reduced": ([6.0], [12.0]), "b": ([6.0], [12.0])}
    with pytest.raises(InfeasibleError, match="adaptive routing"):
        times(reduced, hashing=Hashing(1, 2, 0))


def test_hashed_jobs_are_a_distribution_over_seeds():
    jobs = (call("a", [0], [4], 6.0), call("b", [1], [5], 6.0))
    found = times(*jobs, spines=2, hashing=Hashing(1, 64, 0))
    slow = np.array(found["a"][1])
    # two flows on two spines: together with probability one half, and then twice as slow
    assert set(slow.tolist()) == {6.0, 12.0}
    assert 0.3 < (slow == 12.0).mean() < 0.7
    assert found["a"][0] == [6.0] * 64
    assert times(*jobs, spines=2, hashing=Hashing(1, 64, 0)) == found


def test_queue_pairs_spread_a_flow():
    lone = times(call("a", [0], [4], 6.0), spines=2, hashing=Hashing(1, 32, 0))["a"][0]
    spread = times(call("a", [0], [4], 6.0), spines=2, hashing=Hashing(64, 32, 0))["a"][0]
    # the host's own link holds both to 6 s; no queue pair makes it faster or slower
    assert lone == pytest.approx([6.0] * 32)
    assert spread == pytest.approx([6.0] * 32)
    pair = (call("a", [0], [4], 6.0), call("b", [1], [5], 6.0))
    many = times(*pair, spines=2, hashing=Hashing(64, 32, 0))["a"][1]
    # sixty-four pairs lie nearly evenly: nobody doubles any more
    assert max(many) < 9.0


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "barrier"])
@pytest.mark.parametrize("per_node", [1, 8])
def test_a_call_alone_takes_what_the_network_model_says(operation, per_node):
    # equal flows on spread paths: the solver and the load bound are two ways to one number
    nodes = np.array([5, 2, 9, 14])
    accelerator = (8 * nodes[:, None] + np.arange(per_node)).ravel().astype(np.int32)
    model = NetworkModel(
        build("fat-tree", {"hosts": 128, "radix": 16, "tiers": 2, "link_bytes_per_s": 50e9}),
        catalog.get("protocol", "infiniband-ndr"),
        catalog.get("scale-up", "nvlink-4"),
        8,
        8,
        len(accelerator),
        LIBRARY,
        placement=Placement(8, 8, accelerator),
    )
    communicator = Communicator(operation, len(accelerator), 1)
    size_bytes = 2.0**26
    offered = model.candidates(communicator, size_bytes)
    assert offered
    for price in offered:
        made = job("alone", model, communicator, price, size_bytes)
        (found,) = run_jobs(model.fabric, [made], payload_fraction(model), model.hashing)
        expected_s = price.latency_s + size_bytes * price.s_per_byte
        assert found.alone_s == pytest.approx([expected_s], rel=1e-9), price.algorithm
        assert found.slowdown == pytest.approx([1.0])


def test_detours_are_taken_together_as_the_price_has_them():
    dragonfly = build(
        "dragonfly", {"p": 2, "a": 4, "h": 2, "g": 9, "link_bytes_per_s": 50e9, "route": "adaptive"}
    )
    model = NetworkModel(
        dragonfly,
        catalog.get("protocol", "infiniband-ndr"),
        catalog.get("scale-up", "nvlink-4"),
        1,
        1,
        16,
        LIBRARY,
    )
    communicator = Communicator("all-to-all", 16, 1)
    price = model.chosen(communicator, 2.0**26)
    made = job("detours", model, communicator, price, 2.0**26)
    (found,) = run_jobs(dragonfly, [made], payload_fraction(model), None)
    assert found.alone_s == pytest.approx([price.latency_s + 2.0**26 * price.s_per_byte])
    # the same again on the same links, as if it were another job's: half of each link
    twin = run_jobs(dragonfly, [made, made], payload_fraction(model), None)[0]
    assert twin.together_s - price.latency_s == pytest.approx(2.0**27 * price.s_per_byte)
