"""Every number of every part file carries its evidence, read without the catalogue's own models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from netloom import catalog
from netloom.catalog import load
from netloom.catalog.parts import Part

FILES = sorted(path for kind in catalog.kinds() for path in (load.DATA / kind).glob("*.yaml"))
EVIDENCE = {"basis", "date", "source", "grade"}
GRADES = {"A", "B", "C", "derived", "recalled-high", "recalled-medium", "recalled-low", "proposal"}
# counts that a design fixes, and calendar years: whole numbers that need no evidence
PLAIN = {
    "num_multiprocessors", "num_ports", "ports_per_cage", "num_accelerators", "scale_up_domain",
    "nics_per_node", "height_u", "nodes_per_rack", "pluggable_ends", "max_endpoint_addresses",
    "num_cables", "connectors", "events", "years", "period", "base_year",
}  # fmt: skip
UNITLESS = re.compile(r"^\d*\.?\d+$")


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield quantities (mappings with value or mode) and all other scalars, with their path."""
    if isinstance(value, dict) and not isinstance(value.get("value", value.get("mode", {})), dict):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, path)
    else:
        yield path, value


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_number_has_unit_basis_date_source_and_grade(path):
    for where, leaf in leaves(read(path), ""):
        if not isinstance(leaf, dict):
            # the mix of a build-out is its author's choice, its sources are the file's
            plain = where.rsplit(".", 1)[-1] in PLAIN or ".mix." in where
            assert plain or isinstance(leaf, (str, bool)), f"{where}: bare number {leaf}"
            continue
        assert leaf.keys() >= EVIDENCE, where
        assert len(leaf["basis"]) >= 3, where
        assert re.fullmatch(r"20\d\d(-\d\d)?", str(leaf["date"])), where
        assert leaf["grade"] in GRADES, where
        keys = [leaf["source"]] if isinstance(leaf["source"], str) else leaf["source"]
        assert keys, where
        assert set(keys) <= catalog.sources().keys(), where


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_file_loads_with_all_its_numbers(path):
    part = catalog.get(path.parent.name, path.stem)
    quantities = [leaf for _, leaf in leaves(read(path), "") if isinstance(leaf, dict)]
    assert len(list(catalog.walk_quantities(part))) == len(quantities)
    assert part.title
    if isinstance(part, Part):
        assert part.vendor


def test_a_recalled_number_never_claims_a_document_grade():
    for kind, parts in catalog.load_all().items():
        for name, part in parts.items():
            for path, quantity in catalog.walk_quantities(part):
                if quantity.source == ("general-knowledge-2026",):
                    where = f"{kind}/{name} {path}"
                    assert quantity.grade not in {"A", "B", "C"}, where


def test_a_number_that_rests_on_memory_is_not_called_derived():
    for kind, parts in catalog.load_all().items():
        for name, part in parts.items():
            for path, quantity in catalog.walk_quantities(part):
                if quantity.grade == "derived":
                    assert "general-knowledge-2026" not in quantity.source, f"{kind}/{name} {path}"


def test_proposed_numbers_say_how():
    for kind, parts in catalog.load_all().items():
        for name, part in parts.items():
            for path, quantity in catalog.walk_quantities(part):
                if quantity.grade == "proposal":
                    assert quantity.note, f"{kind}/{name} {path}"


def test_every_kind_has_a_part_and_every_source_one_line():
    assert all(catalog.names(kind) for kind in (*catalog.kinds(), "model"))
    for key, line in catalog.sources().items():
        assert isinstance(line, str), key
        assert len(line) > 5, key
        assert "\n" not in line, key
