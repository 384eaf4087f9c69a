"""Attach ratios against closed forms, published counts and a second way of counting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netloom import catalog, survey
from netloom.errors import ParameterError
from netloom.resolve import checks, resolve
from netloom.schema.load import load
from netloom.search import plan_study
from netloom.supply import architectures
from netloom.supply.attach import attach_of, cabling_of_bill, count_ends, words

STUDY = Path(__file__).parents[2] / "examples" / "llama3-70b-512.yaml"


def network(**changes):
    return {
        "family": "fat-tree",
        "parameters": {"hosts": 2048, "radix": 64, "tiers": 2},
        "rate": "400 Gb/s",
        "accelerators": 2048,
        "node": "dgx-h100",
        "switch": "qm9700",
        "medium": "dsp-400g-dr4",
    } | changes


@pytest.mark.parametrize(("tiers", "hosts"), [(2, 2048), (3, 4096)])
def test_full_trees_have_two_ends_per_layer(tiers, hosts):
    parameters = {"hosts": hosts, "radix": 64, "tiers": tiers}
    single = {"num_ports": 64, "rate": "400 Gb/s", "ports_per_cage": 1}
    alone = architectures.count_network(
        network(parameters=parameters, accelerators=hosts, mode=single), "one link to a module"
    )
    packed = architectures.count_network(
        network(parameters=parameters, accelerators=hosts), "two links to a module"
    )
    assert alone.modules == {"400 Gb/s": 2 * tiers}
    assert alone.links_per_module == 1
    # the NIC keeps its own module, all other ends share them
    assert packed.modules == {"800 Gb/s": (2 * tiers - 1) / 2, "400 Gb/s": 1}
    # packing moves no rate
    assert packed.equivalents == alone.equivalents == tiers


def test_a_taper_thins_the_layer_above():
    spines = {"hosts": 1024, "radix": 96, "taper": 0.5}
    mode = {"num_ports": 96, "rate": "400 Gb/s", "ports_per_cage": 1}
    thin = architectures.count_network(
        network(family="leaf-spine", parameters=spines, accelerators=1024, mode=mode), "thin"
    )
    assert thin.oversubscription == pytest.approx(2, rel=0.01)
    assert thin.equivalents == pytest.approx(1 + 0.5, rel=0.01)
    assert "2:1 oversubscribed" in words(thin)


def test_copper_takes_modules_away():
    light = architectures.count_network(network(), "light")
    backplane = architectures.count_network(network(copper=["host-leaf"]), "backplane")
    assert backplane.copper_fraction == 0.5
    assert backplane.equivalents == light.equivalents - 1
    assert "50% of the links copper" in words(backplane)


def test_co_packaged_ends_are_no_modules():
    parameters = {"hosts": 10_368, "radix": 144, "tiers": 2}
    attach = architectures.count_network(
        network(
            parameters=parameters, rate="800 Gb/s", accelerators=10_368, switch="q3450",
            medium="auto", host_medium="dsp-800g-dr4", trunk_medium="cpo-800g",
        ), "co-packaged",
    )  # fmt: skip
    assert attach.modules == {"800 Gb/s": 1}
    # leaf down, leaf up and spine: three ends of 800 Gb/s
    assert attach.engines == pytest.approx(3 * 0.8 / 3.2)
    # one of them at a lower end
    assert attach.lower_engines == pytest.approx(0.8 / 3.2)


def test_light_of_a_circuit_switch_ends_at_accelerators_alone():
    (torus,) = architectures.architecture("tpu-7x").configurations
    assert torus.attach.modules == {"800 Gb/s": 96 / 64}
    assert torus.attach.engines == 0


def test_a_bill_counts_as_its_cables_do():
    request = survey.Request(
        "rail-optimized",
        {"units": 2, "unit_nodes": 32, "radix": 64, "link_rate": "400 Gb/s"},
        switches={"": "qm9700"},
        host_medium="dsp-400g-dr4",
        trunk_medium="dsp-400g-dr4",
    )
    found = survey.survey(request)
    of_bill = count_ends("bill", found.fabric, 512, found.links, cabling_of_bill(found.bom), ())
    of_lots = architectures.count_network(
        network(
            family="rail-optimized", parameters={"units": 2, "unit_nodes": 32, "radix": 64},
            accelerators=512,
        ), "lots",
    )  # fmt: skip
    assert of_bill.modules == of_lots.modules
    assert of_bill.layers == of_lots.layers
    assert of_bill.num_modules * 512 == sum(found.transceivers.values())


def test_candidates_are_counted_beside_the_published_ratio():
    resolved = resolve(load(STUDY, [checks(STUDY.parent)]), STUDY.parent)
    result = plan_study(resolved, seed=0)
    for candidate in result.candidates:
        attach = attach_of(candidate)
        pluggables = sum(candidate.counts.transceivers.values())
        active = sum(line.quantity for line in candidate.bom if line.part.startswith("medium/aoc"))
        # the ends of an active optical cable are modules to their makers
        ends = attach.num_modules * attach.num_accelerators
        assert ends == pytest.approx(pluggables + 2 * active)
        assert ends > 0
        assert attach.num_accelerators == 512
        beside = architectures.closest(candidate, attach)
        assert beside.name == "h100"
        said = architectures.beside_published(attach, beside)
        assert "beside published 2.5 to 3 modules of 800G" in said
        assert f"differ by tiers 3 and {attach.num_tiers}" in said
        # nobody publishes a ratio of accelerators without a name
        unknown = replace(candidate, bom=())
        assert architectures.closest(unknown, attach).published.of == "800G"


def test_differences_are_told_from_the_numbers():
    b300 = architectures.difference(architectures.architecture("b300"))
    assert "published 4.5" in b300
    # a quarter of the way from 4 to 6
    assert "25%" in b300
    h100 = architectures.difference(architectures.architecture("h100"))
    assert "Inside the published range: three tiers" in h100
    assert "two tiers is outside at 2: tiers 3 and 2" in h100
    trainium = architectures.difference(architectures.architecture("trainium"))
    assert "Published is 1.07 times the most" in trainium


def test_published_ratios_have_known_parts_and_sources():
    known = catalog.sources()
    accelerators = catalog.names("accelerator")
    for name in architectures.names():
        found = architectures.architecture(name)
        assert set(found.accelerators) <= set(accelerators), name
        cited = {
            *found.published.sources,
            *(key for c in found.configurations for key in c.sources),
        }
        assert cited <= set(known), name
        assert all(value > 0 for value in found.computed), name


def test_unknown_architectures_are_refused_by_name():
    with pytest.raises(ParameterError, match="unknown architecture 'h10'"):
        architectures.architecture("h10")
