"""Names, sizes and rates of a study are checked against the catalogue and the fabric families."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netloom.errors import StudyError
from netloom.resolve import checks, resolve
from netloom.schema.draft import draft
from netloom.schema.load import load
from netloom.schema.study import Study

EXAMPLES = Path(__file__).parents[2] / "examples"

GOOD = """\
version: 1
name: small
model: llama-3.1-8b
goal:
  tokens: 1T
  batch_sequences: 64
  sequence: 4096
cluster:
  accelerators: 64
  node: dgx-h100
  nic: connectx-7
networks:
  - name: one
    fabric: {kind: rail-optimized}
    switch: qm9700
    protocol: infiniband-ndr
"""

SECOND = """\
  - name: two
    fabric: {kind: rail-optimized, planes: 2}
    switch: tomahawk-5
    protocol: roce-v2
"""


#: A switch that has an 800 Gb/s mode, so that the NIC alone is to blame.
FAST_SWITCH = GOOD.replace("qm9700", "tomahawk-5").replace("infiniband-ndr", "roce-v2")


def written(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[tuple[int, int, str, str, str]]:
    path = written(folder, text)
    with pytest.raises(StudyError) as caught:
        load(path, [checks(folder)])
    return [
        (found.line, found.column, found.where, found.message, found.hint)
        for found in caught.value.problems
    ]


def one(folder: Path, old: str, new: str, text: str = GOOD) -> tuple[int, int, str, str, str]:
    assert old in text
    (found,) = problems(folder, text.replace(old, new))
    return found


def resolved(folder: Path, text: str):
    return resolve(load(written(folder, text), [checks(folder)]), folder)


def test_parts_rates_and_sizes_are_looked_up(tmp_path):
    found = resolved(tmp_path, GOOD + SECOND)
    assert (found.node.name, found.accelerator.name, found.scale_up.name) == (
        "dgx-h100",
        "h100-sxm",
        "nvlink-4",
    )
    assert (found.num_nodes, found.nics_per_node) == (8, 8)
    assert found.model_config["model_type"] == "llama"
    assert (found.prices.name, found.site.name) == ("market-2026", "us-2026")
    assert (found.rates.name, found.software.name) == ("llama3-h100", "nemo-25.04")
    one, two = found.networks
    assert (one.name, one.switch.name, one.protocol.name) == ("one", "qm9700", "infiniband-ndr")
    assert (one.port_mode.num_ports, one.link_bytes_per_s, one.num_planes) == (64, 50e9, 1)
    assert one.host_medium is None
    assert one.trunk_medium is None
    # a 400 Gb/s NIC over two planes is two links of 200 Gb/s, of which the box has 256
    assert (two.port_mode.num_ports, two.link_bytes_per_s, two.num_planes) == (256, 25e9, 2)
    assert two.nic_bytes_per_s == 50e9
    assert two.fabric_parameters.hosts == 64


def test_rates_of_a_network_override_those_of_the_cluster(tmp_path):
    text = (GOOD + SECOND).replace("nic: connectx-7", "nic: connectx-7\n  nic_rate: 200 Gb/s")
    text += "    nic_rate: 400 Gb/s\n    media: {host: dac-200g}\n"
    one, two = resolved(tmp_path, text).networks
    assert (one.nic_bytes_per_s, one.port_mode.num_ports) == (25e9, 128)
    assert (two.nic_bytes_per_s, two.link_bytes_per_s) == (50e9, 25e9)
    assert two.host_medium is not None
    assert two.host_medium.name == "dac-200g"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("node: dgx-h100", "node: dgx-h10", (10, 9, "cluster.node", "unknown node 'dgx-h10'")),
        ("nic: connectx-7", "nic: conectx-7", (11, 8, "cluster.nic", "unknown nic 'conectx-7'")),
        (
            "switch: qm9700",
            "switch: qm9701",
            (15, 13, "networks[0].switch", "unknown switch 'qm9701'"),
        ),
        (
            "protocol: infiniband-ndr",
            "protocol: infiniband",
            (16, 15, "networks[0].protocol", "unknown protocol 'infiniband'"),
        ),
        (
            "switch: qm9700",
            "switch: qm9700\n    media: {host: dac-401g}",
            (16, 19, "networks[0].media.host", "unknown medium 'dac-401g'"),
        ),
        (
            "goal:",
            "economics: {prices: market-2025}\ngoal:",
            (4, 21, "economics.prices", "unknown price book 'market-2025'"),
        ),
        (
            "goal:",
            "economics: {site: us-2025}\ngoal:",
            (4, 19, "economics.site", "unknown site costs 'us-2025'"),
        ),
        (
            "goal:",
            "reliability: {rates: llama3}\ngoal:",
            (4, 22, "reliability.rates", "unknown failure rates 'llama3'"),
        ),
        (
            "nic: connectx-7",
            "nic: connectx-7\n  software: nemo",
            (12, 13, "cluster.software", "unknown software 'nemo'"),
        ),
        (
            "kind: rail-optimized",
            "kind: rail-optimised",
            (14, 20, "networks[0].fabric.kind", "unknown fabric family 'rail-optimised'"),
        ),
        (
            "model: llama-3.1-8b",
            "model: llama-3.1-9b",
            (3, 8, "model", "unknown model 'llama-3.1-9b'"),
        ),
    ],
)
def test_unknown_names_are_placed_and_answered_with_the_nearest(tmp_path, old, new, expected):
    *place, message, hint = one(tmp_path, old, new)
    assert (*place, message) == expected
    # what the file said before is the nearest name
    known = {
        "economics.prices": "market-2026",
        "economics.site": "us-2026",
        "reliability.rates": "llama3-h100",
        "networks[0].media.host": "dac-400g",
        "cluster.software": "nemo-25.04",
        "networks[0].fabric.kind": "rail-optimized",
    }
    right = known.get(place[2], old.split(": ")[-1])
    assert right in hint.split("Known")[0]


def test_accelerators_fill_nodes(tmp_path):
    assert one(tmp_path, "accelerators: 64", "accelerators: 16383") == (
        9,
        17,
        "cluster.accelerators",
        "16383 accelerators do not fill nodes of 8",
        "write 16376 or 16384",
    )
    assert one(tmp_path, "accelerators: 64", "accelerators: 5")[4] == "write 8"


def test_nics_are_shared_evenly(tmp_path):
    found = one(tmp_path, "nic: connectx-7", "nic: connectx-7\n  nics_per_node: 3")
    assert found[2:] == (
        "cluster.nics_per_node",
        "8 accelerators of a node cannot share 3 NICs evenly",
        "write one of 1, 2, 4, 8",
    )


def test_switch_speaks_the_protocol(tmp_path):
    assert one(tmp_path, "infiniband-ndr", "roce-v2") == (
        16,
        15,
        "networks[0].protocol",
        "switch qm9700 does not speak roce-v2",
        "it speaks infiniband-ndr",
    )


def test_nic_speaks_the_protocol(tmp_path):
    found = one(tmp_path, "infiniband-ndr", "uec", GOOD.replace("qm9700", "tomahawk-ultra"))
    assert found[3] == "nic connectx-7 does not speak uec"
    assert "roce-v2" in found[4]


def test_port_modes_are_listed_when_none_has_the_link_rate(tmp_path):
    found = one(tmp_path, "{kind: rail-optimized}", "{kind: rail-optimized, planes: 4}")
    assert found == (
        15,
        13,
        "networks[0].switch",
        "qm9700 has no port mode of 100 Gb/s",
        "its port modes are 64 x 400 Gb/s, 128 x 200 Gb/s; set link_rate, or planes of the fabric",
    )
    found = one(tmp_path, "switch: qm9700", "switch: qm9700\n    link_rate: 50 Gb/s")
    assert found[:3] == (16, 16, "networks[0].link_rate")


def test_a_nic_gives_no_more_than_its_rate(tmp_path):
    found = one(tmp_path, "nic: connectx-7", "nic: connectx-7\n  nic_rate: 800 Gb/s", FAST_SWITCH)
    assert found == (
        12,
        13,
        "cluster.nic_rate",
        "800 Gb/s is more than the 400 Gb/s of connectx-7",
        "write 400 Gb/s or less, or name a faster NIC",
    )
    found = one(
        tmp_path, "switch: tomahawk-5", "switch: tomahawk-5\n    link_rate: 800 Gb/s", FAST_SWITCH
    )
    assert found[2:4] == (
        "networks[0].link_rate",
        "800 Gb/s is more than the 400 Gb/s of connectx-7",
    )


def test_pinned_media_fit_link_and_cage(tmp_path):
    found = one(tmp_path, "switch: qm9700", "switch: qm9700\n    media: {trunk: dac-1600g}")
    assert found[2:4] == (
        "networks[0].media.trunk",
        "a cable of dac-1600g carries 1.6 Tb/s, the links run at 400 Gb/s, 2 to a cage",
    )
    # one link of 400 Gb/s on a cable, or the two of a twin-port cage
    assert "dac-400g" in found[4]
    assert "dac-800g" in found[4]
    assert "dac-200g" not in found[4]


def test_names_of_networks_differ(tmp_path):
    found = one(tmp_path, "name: two", "name: one", GOOD + SECOND)
    assert found[:4] == (
        17,
        11,
        "networks[1].name",
        "networks[0] has the name 'one' too",
    )


def test_fabric_parameters_are_known_and_well_formed(tmp_path):
    found = one(tmp_path, "rail-optimized}", "rail-optimized, planez: 2}")
    assert found[:4] == (14, 36, "networks[0].fabric.planez", "unknown key 'planez'")
    assert found[4].startswith("did you mean planes?")
    found = one(tmp_path, "rail-optimized}", "rail-optimized, units: many}")
    assert found[:4] == (
        14,
        43,
        "networks[0].fabric.units",
        "'many' is given, a whole number is meant",
    )
    found = one(tmp_path, "{kind: rail-optimized}", "{planes: 2}")
    assert found[:4] == (14, 13, "networks[0].fabric", "'kind' is missing")
    assert "rail-optimized" in found[4]


def test_a_fabric_too_small_for_the_cluster_is_refused(tmp_path):
    line, _, where, message, hint = one(
        tmp_path, "rail-optimized}", "rail-optimized, unit_nodes: 4, units: 1}"
    )
    assert (line, where) == (14, "networks[0].fabric.units")
    assert message.endswith("1 units of 4 nodes do not hold 8 nodes")
    assert hint == "use units: 2"


def test_precision_needs_a_peak_rate_and_a_calibration(tmp_path):
    text = GOOD.replace("dgx-h100", "dgx-a100")
    found = problems(tmp_path, text.replace("sequence: 4096", "sequence: 4096\n  precision: fp8"))
    assert ("goal.precision", "a100-sxm-80g has no peak rate in fp8") in {
        (where, message) for _, _, where, message, _ in found
    }
    found = one(tmp_path, "nic: connectx-7", "nic: connectx-7\n  software: megatron-2022")
    assert found[2:4] == ("cluster.software", "megatron-2022 is not calibrated on h100-sxm")
    assert "nemo-25.04" in found[4]


def test_model_files_are_read_from_beside_the_study(tmp_path):
    path = tmp_path / "models" / "mine" / "config.json"
    path.parent.mkdir(parents=True)
    text = GOOD.replace("llama-3.1-8b", "models/mine/config.json")
    assert problems(tmp_path, text)[0][3] == "there is no file 'models/mine/config.json'"
    path.write_text("{", encoding="utf-8")
    assert "is not valid JSON" in problems(tmp_path, text)[0][3]
    path.write_text("[]", encoding="utf-8")
    assert problems(tmp_path, text)[0][3].endswith("holds no JSON object")
    path.write_text(json.dumps({"model_type": "llama"}), encoding="utf-8")
    found = resolved(tmp_path, text)
    assert (found.model_name, found.model_path) == ("mine", path)
    assert found.model_config == {"model_type": "llama"}
    folder = problems(tmp_path, GOOD.replace("llama-3.1-8b", "models/mine/"))[0]
    assert folder[3:] == ("'models/mine/' is a folder", "write models/mine/config.json")


def test_checks_go_on_beside_malformed_entries(tmp_path):
    text = GOOD.replace("accelerators: 64", "accelerators: many").replace("qm9700", "qm9701")
    assert [found[2] for found in problems(tmp_path, text)] == [
        "cluster.accelerators",
        "networks[0].switch",
    ]


@pytest.mark.parametrize("value", ["", "[]", "{}", "7", "text", "[[], 3, {}]"])
@pytest.mark.parametrize("key", ["model", "goal", "cluster", "networks", "economics", "search"])
def test_checks_survive_any_shape(tmp_path, key, value):
    lines = GOOD.splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith(f"{key}:")]
    first = starts[0] if starts else len(lines)
    after = range(first + 1, len(lines))
    last = next((index for index in after if not lines[index].startswith(" ")), len(lines))
    text = "\n".join([*lines[:first], f"{key}: {value}", *lines[last:]]) + "\n"
    path = written(tmp_path, text)
    # only optional sections may be empty
    if (key, value) in {("economics", "{}"), ("search", "{}")}:
        assert load(path, [checks(tmp_path)]).name == "small"
        return
    with pytest.raises(StudyError) as caught:
        load(path, [checks(tmp_path)])
    assert all(problem.line for problem in caught.value.problems)


def test_resolve_refuses_what_no_file_has_checked():
    study = draft(Study, {"name": "x", "model": "no-such-model"})
    with pytest.raises(StudyError, match="unknown model 'no-such-model'"):
        resolve(study, Path())


def test_three_mistakes_are_three_problems_word_for_word():
    path = EXAMPLES / "bad" / "three-mistakes.yaml"
    with pytest.raises(StudyError) as caught:
        load(path, [checks(path.parent)])
    first, second, third = caught.value.problems
    assert str(first) == (
        f"{path}:16:17: cluster.accelerators: 16383 accelerators do not fill nodes of 8\n"
        "    write 16376 or 16384"
    )
    assert str(second) == (
        f"{path}:19:13: cluster.nic_rate: '400 Gb' is an amount of data, a rate is meant\n"
        "    write 400 Gb/s"
    )
    assert str(third).startswith(
        f"{path}:24:13: networks[0].switch: unknown switch 'qm9701'\n"
        "    did you mean qm9700 or qm8700? Known: "
    )


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_resolves_to_networks_that_hold_it(path):
    from netloom import topology

    found = resolve(load(path, [checks(path.parent)]), path.parent)
    for network in found.networks:
        fabric = topology.build(network.fabric_kind, network.fabric_parameters)
        assert fabric.num_endpoints == found.num_nodes * found.nics_per_node, network.name
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# "), "an example begins with its story"
