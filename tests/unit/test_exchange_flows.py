"""Flow tables and patterns: read back as written, every bad line said at once."""

from __future__ import annotations

import random

import numpy as np
import pytest

from netloom.errors import ParameterError, StudyError
from netloom.exchange.flows import Flows, flows_csv, read_flows
from netloom.exchange.patterns import PATTERNS, pattern
from netloom.simulate.flows import run
from netloom.simulate.routes import routes
from netloom.topology import build
from netloom.topology.names import endpoint_names


def columns(flows):
    return [
        column.tolist() for column in (flows.source, flows.target, flows.size_bytes, flows.start_s)
    ]


def test_a_table_reads_back_exactly(tmp_path):
    flows = Flows.of([0, 3, 2], [1, 0, 3], [1, 2**40 + 1, 64_000_000], [0.1, 0.0, 1e-6 / 3])
    for names in ((), endpoint_names(4, 2)):
        path = tmp_path / "flows.csv"
        path.write_text(flows_csv(flows, names))
        assert columns(read_flows(path, 4, names)) == columns(flows)


def test_sizes_may_have_units_and_starts_be_left_out(tmp_path):
    path = tmp_path / "flows.csv"
    path.write_text("target, source, bytes\n1,0,64 MB\n\n0,1,1KiB\n")
    assert columns(read_flows(path, 2)) == [[0, 1], [1, 0], [64_000_000, 1024], [0.0, 0.0]]


def test_every_bad_line_is_reported_with_its_number(tmp_path):
    path = tmp_path / "flows.csv"
    path.write_text(
        "source,target,bytes,start_s\n"
        "0,1,100,0\n"
        "0,9,100,0\n"
        "node0001:nic1,x,100,0\n"
        "2,2,100,0\n"
        "0,1,0,0\n"
        "0,1,1.5,0\n"
        "0,1,64 Gb/s,0\n"
        "0,1,100,-1\n"
        "0,1,100,soon\n"
        "0,1,100\n"
        "0,7,-5,nan\n"
        "0,1,9007199254740993,0\n"
    )
    with pytest.raises(StudyError) as refused:
        read_flows(path, 4, endpoint_names(4, 2))
    found = [(problem.line, problem.message) for problem in refused.value.problems]
    assert found == [
        (3, "target '9' is no endpoint"),
        (4, "target 'x' is no endpoint"),
        (5, "source and target are both endpoint 2"),
        (6, "'0' is no size of a flow"),
        (7, "'1.5' is no size of a flow"),
        (8, "'64 Gb/s' is no size of a flow"),
        (9, "'-1' is no start"),
        (10, "'soon' is no start"),
        (11, "has 3 fields, 4 are meant"),
        (12, "target '7' is no endpoint"),
        (12, "'-5' is no size of a flow"),
        (12, "'nan' is no start"),
        (13, "'9007199254740993' is no size of a flow"),
    ]
    assert "0 to 3 or named like node0001:nic1" in refused.value.problems[0].hint


def test_columns_are_checked_before_rows(tmp_path):
    path = tmp_path / "flows.csv"
    path.write_text("source,target,start,source\n0,1,0,0\n")
    with pytest.raises(StudyError) as refused:
        read_flows(path, 4)
    assert [problem.message for problem in refused.value.problems] == [
        "lacks the columns bytes", "column 'source' is there twice", "there is no column 'start'",
    ]  # fmt: skip
    path.write_text("")
    with pytest.raises(StudyError, match="lacks the columns source, target, bytes"):
        read_flows(path, 4)
    with pytest.raises(ParameterError, match="cannot read flows"):
        read_flows(tmp_path / "none.csv", 4)


@pytest.mark.parametrize("kind", PATTERNS)
@pytest.mark.parametrize("num_endpoints", [2, 3, 16, 17, 100])
def test_nobody_sends_to_itself_or_outside(kind, num_endpoints):
    flows = pattern(kind, num_endpoints, 10)
    assert (flows.source != flows.target).all()
    ends = np.r_[flows.source, flows.target]
    assert ends.min() >= 0
    assert ends.max() < num_endpoints
    pairs = set(zip(flows.source.tolist(), flows.target.tolist(), strict=True))
    counts = {"ring": num_endpoints, "permutation": num_endpoints,
              "all-to-all": num_endpoints * (num_endpoints - 1),
              "incast": min(16, num_endpoints - 1)}  # fmt: skip
    assert len(pairs) == len(flows) == counts[kind]
    if kind != "incast":
        assert np.unique(np.bincount(flows.target)).size == 1  # all receive alike


def test_the_permutation_is_the_one_that_python_draws():
    draw, target = random.Random(7), list(range(20))
    draw.shuffle(target)
    while any(place == each for place, each in enumerate(target)):
        draw.shuffle(target)
    assert pattern("permutation", 20, 1, 7).target.tolist() == target


def test_patterns_take_as_long_as_another_simulator_says():
    # SimGrid 4.1 with static D-mod-k routes on 8 leaves of 16 hosts and 8 spines, two links a pair
    fabric = build("fat-tree", {"hosts": 128, "radix": 32, "tiers": 2, "link_bytes_per_s": 50e9})
    for kind, size, micros in (
        ("permutation", 64_000_000, 3842), ("all-to-all", 1_000_000, 2541),
        ("incast", 64_000_000, 20481),
    ):  # fmt: skip
        flows = pattern(kind, 128, size, 42)
        single = routes(fabric, flows.source, flows.target, "static")
        times = run(single, flows.size_bytes.astype(float), link_latency_s=500e-9)
        assert round(times.makespan_s * 1e6) == micros


def test_patterns_that_make_no_sense_are_refused():
    with pytest.raises(ParameterError, match="unknown pattern 'rings'") as refused:
        pattern("rings", 4, 1)
    assert "did you mean ring" in refused.value.problem.hint
    with pytest.raises(ParameterError, match="two endpoints"):
        pattern("ring", 1, 1)
    with pytest.raises(ParameterError, match="4,294,901,760 flows"):
        pattern("all-to-all", 65_536, 1)
