"""The pictures: valid, in proportion, with the true numbers on them."""

import dataclasses
import re
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest

from netloom.report.figures import (
    cost_time,
    days,
    fabric,
    memory,
    network_cost,
    palette,
    stacked,
    step,
    svg,
)
from netloom.result import Range
from netloom.topology import parameter_model

NAMESPACE = "{http://www.w3.org/2000/svg}"
DRAWERS = [
    step.draw, step.draw_beyond_compute, cost_time.draw, network_cost.draw, memory.draw, days.draw,
]  # fmt: skip


def parsed(picture):
    return ElementTree.fromstring(picture)


def texts(picture):
    return [element.text for element in parsed(picture).iter(f"{NAMESPACE}text")]


def segments(picture, colour):
    """Return the widths of the bars of one colour, legend swatches left out."""
    return [
        float(rect.get("width"))
        for rect in parsed(picture).iter(f"{NAMESPACE}rect")
        if rect.get("class") == f"f-{colour}" and rect.get("rx") is None
    ]


@pytest.mark.parametrize("draw", DRAWERS)
def test_pictures_stay_valid_and_inside_their_frame_with_hostile_names(sample, draw):
    hostile = "<script>&\"'" + "x" * 90
    odd = dataclasses.replace(sample.candidates[0], name=hostile)
    root = parsed(draw(dataclasses.replace(sample, candidates=(odd, *sample.candidates[1:]))))
    width, height = float(root.get("width")), float(root.get("height"))
    for rect in root.iter(f"{NAMESPACE}rect"):
        assert float(rect.get("x")) >= 0
        assert float(rect.get("x")) + float(rect.get("width")) <= width + 0.2
        assert float(rect.get("y")) + float(rect.get("height")) <= height


@pytest.mark.parametrize("draw", DRAWERS)
def test_one_candidate_can_be_drawn(sample, draw):
    parsed(draw(dataclasses.replace(sample, candidates=sample.candidates[:1])))


def test_segments_of_the_step_are_in_proportion(sample):
    widths = segments(step.draw(sample), "data")
    longest_s = max(candidate.step_s for candidate in sample.candidates)
    for width, candidate in zip(widths, sample.candidates, strict=True):
        assert width + 1 == pytest.approx(
            stacked.WIDTH * candidate.parts.data_s / longest_s, abs=0.06
        )


def test_parts_without_time_are_in_no_legend(sample):
    labels = texts(step.draw(sample))
    assert "pipeline" in labels
    assert "context" not in labels
    assert "expert" not in labels


def test_groups_of_the_network_bill_add_up_to_the_network_capex(sample):
    for candidate in sample.candidates:
        total = sum(network_cost.dollars(candidate).values())
        assert total == pytest.approx(candidate.network_capex_usd.mode, rel=1e-9)


def test_front_is_what_no_candidate_beats_on_both_axes(sample):
    front = cost_time.pareto(sample.candidates)
    for candidate in sample.candidates:
        better = [
            other
            for other in sample.candidates
            if other.days <= candidate.days
            and other.total_capex_usd.mode <= candidate.total_capex_usd.mode
            and other is not candidate
        ]
        assert (candidate in front) == (not better)
    assert [c.days for c in front] == sorted(c.days for c in front)


def test_candidates_at_one_place_are_all_on_the_front_and_drawn(sample):
    first = sample.candidates[0]
    twins = (first, dataclasses.replace(first, name="twin", rank=2))
    assert cost_time.pareto(twins) == twins
    parsed(cost_time.draw(dataclasses.replace(sample, candidates=twins)))


def test_labels_of_the_scatter_cover_neither_points_nor_each_other(sample):
    root = parsed(cost_time.draw(sample))
    points = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter(f"{NAMESPACE}circle")]
    labels = {}
    rank = 0
    for element in root.iter(f"{NAMESPACE}text"):
        if element.get("class") != "ink":
            continue
        size = float(element.get("font-size"))
        x, y = float(element.get("x")), float(element.get("y"))
        if found := re.match(r"(\d+): ", element.text):
            rank = int(found[1])
        box = (x, y - 0.75 * size, x + svg.text_width(element.text, size), y + 0.2 * size)
        labels.setdefault(rank, []).append(box)
    assert sorted(labels) == [candidate.rank for candidate in sample.candidates]
    for one, other in combinations(labels, 2):
        for a in labels[one]:
            for b in labels[other]:
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    for left, top, right, bottom in (box for boxes in labels.values() for box in boxes):
        for x, y in points:
            assert not (left < x + 8 and x - 8 < right and top < y + 8 and y - 8 < bottom)


@pytest.mark.parametrize(
    ("low", "high"), [(73.2, 91.4), (5.0, 5.0), (0.0, 1.0), (611.0, 702.5), (1e-3, 2e6)]
)
def test_ticks_are_few_even_and_embrace_the_data(low, high):
    found = cost_time.ticks(low, high)
    gaps = [b - a for a, b in pairwise(found)]
    assert found[0] <= low
    assert found[-1] >= high
    assert 2 <= len(found) <= 8
    assert max(gaps) == pytest.approx(min(gaps))


def test_memory_bar_shows_the_capacity(sample):
    assert "65 GiB of 80 GiB" in texts(memory.draw(sample))


def test_fabrics_carry_their_true_counts_rates_and_tapers(sample):
    for candidate in sample.candidates:
        content = " ".join(texts(fabric.draw(candidate)))
        for count in (*candidate.counts.switches.values(), *candidate.counts.links.values()):
            assert f"{count:,}" in content
        assert "16,384 NICs" in content
    rail, dragonfly, pods = (
        " ".join(texts(fabric.draw(sample.candidates[rank - 1]))) for rank in (2, 5, 6)
    )
    assert "16,384 × 400 Gb/s" in rail
    assert "32 groups" in dragonfly
    assert "32 routers each" in dragonfly
    assert "in 64 units" in rail
    assert "in 6 pods" in pods
    assert "6.9 : 1 tapered" in pods
    planes = texts(fabric.draw(sample.candidates[0]))
    assert {"plane 1", "plane 2"} <= set(planes)


def test_sketches_read_parameters_that_the_families_have():
    for kind, names in {
        "dragonfly": {"a", "g", "link_bytes_per_s"},
        "fat-tree": {"planes"},
        "pods": {"pods"},
        "rail-only": {"domain"},
        "rail-optimized": {"rails", "units", "planes"},
    }.items():
        assert names <= set(parameter_model(kind).model_fields), kind


def ink(picture):
    """Return the number of lines of all wires, each times its width."""
    total = 0.0
    for path in parsed(picture).iter(f"{NAMESPACE}path"):
        if width := re.search(r"stroke-width:([\d.]+)", path.get("style", "")):
            total += float(width[1]) * path.get("d").count("M")
    return total


@pytest.mark.parametrize(
    ("rank", "links"), [(6, "spine-core"), (2, "spine-core"), (1, "leaf-spine")]
)
def test_tier_with_less_rate_is_drawn_with_less_ink(sample, rank, links):
    candidate = sample.candidates[rank - 1]
    drawn = [
        ink(
            fabric.draw(
                dataclasses.replace(
                    candidate,
                    counts=dataclasses.replace(
                        candidate.counts, links=candidate.counts.links | {links: count}
                    ),
                )
            )
        )
        for count in (2048, 8192, 16384)
    ]
    assert drawn[0] < drawn[1] < drawn[2]


@pytest.mark.parametrize(
    ("kind", "switches", "links", "parameters"),
    [
        ("torus", {"switch": 64}, {"host-switch": 512, "x": 64, "y": 64}, {}),
        ("leaf-spine", {"leaf": 1}, {"host-leaf": 8}, {"radix": 64}),
        ("rail-only", {"leaf": 8}, {"host-leaf": 64}, {"domain": 72}),
        ("fat-tree", {"leaf": 9, "spine": 9}, {"host-leaf": 64, "leaf-spine": 64}, {"planes": 8}),
        (
            "rail-optimized",
            {"leaf": 16, "spine": 1},
            {"host-leaf": 64, "leaf-spine": 16},
            {"rails": 4},
        ),
        ("dragonfly", {"router": 4}, {"host-router": 8, "local": 2, "global": 1}, {"g": 2}),
        ("unheard-of", {"a": 3, "b": 0}, {"host-a": 0}, {"link_bytes_per_s": None}),
    ],
)
def test_every_shape_of_fabric_can_be_drawn(sample, kind, switches, links, parameters):
    first = sample.candidates[0]
    counts = dataclasses.replace(first.counts, switches=switches, links=links)
    odd = dataclasses.replace(first, fabric_kind=kind, fabric_parameters=parameters, counts=counts)
    content = " ".join(texts(fabric.draw(odd)))
    for count in switches.values():
        assert f"{count:,} " in content


def test_text_on_a_colour_contrasts_by_the_accessibility_rule():
    for pair in palette.COLOURS.values():
        for colour in pair:
            ground, ink = palette.luminance(colour), palette.luminance(palette.text_on(colour))
            ratio = (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05)
            assert ratio >= 4.5, colour


def test_picture_for_use_elsewhere_brings_its_own_colours(sample):
    picture = svg.standalone(step.draw(sample))
    root = parsed(picture)
    used = set(re.findall(r"var\((--[\w-]+)\)", picture))
    defined = set(re.findall(r"(--[\w-]+):", root.find(f"{NAMESPACE}style").text))
    assert used <= defined


def test_bill_without_spread_draws(sample):
    flat = [
        dataclasses.replace(
            c, network_capex_usd=Range(80e6, 80e6, 80e6), total_capex_usd=Range(6e8, 6e8, 6e8)
        )
        for c in sample.candidates
    ]
    parsed(cost_time.draw(dataclasses.replace(sample, candidates=tuple(flat))))
