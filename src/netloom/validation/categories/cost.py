"""Sums of published cost studies: with their own prices, and with the shipped price book.

Promised: to the printed digit with a study's own prices (2 % where those are not published); at
market prices that are not the study's, savings within 3 points and sums within 30 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netloom import catalog, topology
from netloom.cost.bom import FIBRE
from netloom.cost.money import capex_by_group
from netloom.cost.power import NETWORK_POWER, network_power_w, site_power_w
from netloom.result import BomLine
from netloom.topology.counts import count
from netloom.topology.fabric import Fabric
from netloom.validation import Row
from netloom.validation.fabrics import published_fabrics
from netloom.validation.money import (
    SITE,
    bill,
    parts_words,
    rack_lines,
    rack_usd,
    site_lines,
)
from netloom.validation.published import between, cite, half_digit, read

#: Promised of sums at market prices that are not the study's own.
_MARKET = 0.30

_HOURS_PER_YEAR = 8766.0

#: What the rail-only study counts: no NICs, fibre or work.
_COUNTED = ("switches", "optics")


def rows() -> Iterator[Row]:
    """Yield priced fabrics, racks, savings, shares and a site's energy."""
    for case, fabric in published_fabrics():
        if "money" in case:
            yield _priced(case, fabric)
    published = read("cost.yaml")
    for rack in published["racks"]:
        yield _rack(rack)
    yield from _rail_only(published["rail_only"])
    for case in published["retail"]["cases"]:
        yield from _retail(published["retail"], case)
    yield _energy(published["energy"])
    yield from _site(published["site"])


def _priced(case: dict[str, Any], fabric: Fabric) -> Row:
    """Price a counted fabric with the study's own unit prices."""
    money, counts = case["money"], count(fabric)
    prices = {"switches": money["switch_usd"], **money["link_usd"]}
    numbers = {"switches": sum(counts.switches.values()), **counts.links}
    usd = sum(numbers[name] * unit_usd for name, unit_usd in prices.items())
    parts = ", ".join(
        f"{numbers[name]:,} {name}{'' if name == 'switches' else ' links'} at {unit_usd:,} $"
        for name, unit_usd in prices.items()
    )
    num_planes = money.get("planes", 1)
    if num_planes > 1:
        parts += f", {num_planes} times"
    printed = money["published_musd"]
    return Row(
        "cost",
        f"{case['name']}, its own prices",
        "M$",
        float(printed),
        usd * num_planes / 1e6,
        money.get("tolerance", half_digit(printed)),
        cite(case["source"], case.get("place", "")),
        money.get("role", "test"),
        _with_parts(case.get("note", ""), parts),
    )


def _rack(case: dict[str, Any]) -> Row:
    middle, tolerance = between(*case["published_usd"])
    return Row(
        "cost",
        f"one {case['node']} rack, middle of the range",
        "M$",
        middle / 1e6,
        rack_usd(case["node"]) / 1e6,
        tolerance,
        cite(case["source"]),
        "calibration",
        _with_parts(case.get("note", ""), parts_words(rack_lines(case["node"]))),
    )


def _with_parts(note: str, parts: str) -> str:
    return f"{note}; sum of {parts}" if note else f"sum of {parts}"


def _rail_only(study: dict[str, Any]) -> Iterator[Row]:
    for case in study["cases"]:
        flat, full = (
            bill(
                _sized(family, case["endpoints"], study["ports"], given),
                "hgx-h100",
                study["switch"],
                study["medium"],
            )
            for family, given in (("rail-only", {"domain": case["domain"]}), ("fat-tree", {}))
        )
        name = f"rail-only, {case['endpoints']:,} GPUs in domains of {case['domain']}"
        for what, sum_of, parts in (
            ("cost", _counted_usd, _counted_parts),
            ("power", network_power_w, _power_parts),
        ):
            yield Row(
                "cost",
                f"{name}: {what} saved",
                "",
                case["published"][what],
                1 - sum_of(flat) / sum_of(full),
                study["tolerance"],
                cite(study["source"]),
                note=f"{study['note']}; {parts(flat)} instead of {parts(full)}"
                + (f"; {_by_counts(case, flat, full)}" if what == "cost" else ""),
            )


def _by_counts(case: dict[str, Any], flat: tuple[BomLine, ...], full: tuple[BomLine, ...]) -> str:
    """Return what counts alone save, between which any prices lie, and where the study's lie."""
    saved = {group: 1 - _quantity(flat, group) / _quantity(full, group) for group in _COUNTED}
    switches, modules = (saved[group] for group in _COUNTED)
    published = (case["published"]["cost"] - modules) / (switches - modules)
    here = sum(line.total_usd.mode for line in full if line.group == "switches")
    return (
        f"of {_quantity(full, 'switches'):,} switches {switches:.1%} are saved and of "
        f"{_quantity(full, 'optics'):,} modules {modules:.1%}, whatever they cost; the published "
        f"saving is reached where switches are {published:.0%} of the full sum, and here they are "
        f"{here / _counted_usd(full):.0%}"
    )


def _quantity(lines: tuple[BomLine, ...], group: str) -> int:
    return sum(line.quantity for line in lines if line.group == group)


def _counted_usd(lines: tuple[BomLine, ...]) -> float:
    """Return switches and transceivers, which is what the study counts."""
    return sum(line.total_usd.mode for line in lines if line.group in _COUNTED)


def _counted_parts(lines: tuple[BomLine, ...]) -> str:
    return parts_words(line for line in lines if line.group in _COUNTED)


def _power_parts(lines: tuple[BomLine, ...]) -> str:
    drawn: dict[str, float] = {}
    for line in lines:
        if line.group in NETWORK_POWER:
            drawn[line.group] = drawn.get(line.group, 0.0) + line.power_w
    return ", ".join(f"{name} {watts / 1e6:.3g} MW" for name, watts in drawn.items() if watts)


def _sized(family: str, endpoints: int, num_ports: int, given: dict[str, Any]) -> Fabric:
    parameters = topology.sized(
        family,
        hosts=endpoints,
        nics_per_node=8,
        num_ports=num_ports,
        link_bytes_per_s=50e9,
        given=given,
    )
    return topology.build(family, parameters)


def _retail(study: dict[str, Any], case: dict[str, Any]) -> Iterator[Row]:
    num, tiers = case["endpoints"], case["tiers"]
    # per accelerator a full tree has the counts of many: the study's two tiers hold more than fit
    full = min(num, 2048) if tiers == 2 else min(num, 65_536)
    fabric = topology.build("fat-tree", {"hosts": full, "radix": 64, "tiers": tiers})
    lines = bill(fabric, study["node"], study["switch"], study["medium"])
    groups = {name: total.mode / full for name, total in capex_by_group(lines).items()}
    cabling_usd = groups["optics"] + groups["cables"]
    where = f"H100 retail cluster of {num:,}, {tiers} tiers"
    switches_usd = (case["network"] - case["cables"]) * case["accelerator_usd"]
    source, note = cite(study["source"]), study["note"]
    yield Row(
        "cost",
        f"{where}: switches per accelerator",
        "$",
        switches_usd,
        groups["switches"],
        0.05,
        source,
        "calibration",
        note,
    )
    yield Row(
        "cost",
        f"{where}: cables and optics per accelerator",
        "$",
        case["cabling_usd"],
        cabling_usd,
        _MARKET,
        source,
        note=note,
    )
    yield Row(
        "cost",
        f"{where}: network share of all",
        "",
        case["network"],
        (groups["switches"] + cabling_usd) / sum(groups.values()),
        _MARKET,
        source,
        note="dearer switches, cheaper cables and a cheaper node cancel here",
    )
    fibre = sum(line.total_usd.mode for line in lines if line.part == FIBRE) / full
    yield Row(
        "cost",
        f"fibre per accelerator, {tiers} tiers",
        "$",
        study["fibre_usd"][tiers],
        fibre,
        0.01,
        cite(study["fibre_source"]),
        "calibration",
    )


def _energy(case: dict[str, Any]) -> Row:
    site_w = site_power_w(case["it_power_w"], catalog.get("site-costs", SITE)).mode
    usd = site_w / 1e3 * _HOURS_PER_YEAR * case["usd_per_kwh"]
    return Row(
        "cost",
        case["name"],
        "M$",
        float(case["published_musd"]),
        usd / 1e6,
        case["tolerance"],
        cite(case["source"]),
        note=case["note"],
    )


def _site(case: dict[str, Any]) -> Iterator[Row]:
    """Yield nodes and network of the sites whose racks are sold at prices of the same year."""
    nodes_share, network_share = (sum(case[key]) / 2 for key in ("servers", "networking"))
    for node, switch, medium in case["promised"]:
        lines, num_nodes = site_lines(case, node, switch, medium)
        total_usd = case["total_busd"][node] * 1e9
        parts = parts_words(lines, num_nodes)
        groups = capex_by_group(lines)
        racks_usd = groups["nodes"].mode + groups["nics"].mode
        network_usd = sum(total.mode for group, total in groups.items() if group != "nodes")
        for what, share, usd in (
            ("racks with their NICs", nodes_share, racks_usd),
            ("network with its NICs", network_share, network_usd),
        ):
            yield Row(
                "cost",
                f"1 GW site of {node}: {what}",
                "G$",
                share * total_usd / 1e9,
                num_nodes * usd / 1e9,
                _MARKET,
                cite(case["source"]),
                note=f"{case['promised_note']}; {num_nodes:,.0f} nodes, {parts}",
            )
