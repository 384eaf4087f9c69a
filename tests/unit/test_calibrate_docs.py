"""The tables of constants in docs/step.md are those of the catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from netloom import catalog, units

PAGE = (Path(__file__).parents[2] / "docs" / "step.md").read_text(encoding="utf-8")

TIMES = {"step_overhead_s": "time", "expert_launch_s": "time", "permutation_bytes": "data"}


def lines_of(heading: str) -> tuple[list[str], list[list[str]]]:
    """Return the columns and the cells of the table whose first line begins with a heading."""
    after = PAGE[PAGE.index(f"| {heading}") :].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in after]
    return cells[0], cells[2:]


def test_efficiencies_are_the_catalogues_and_all_are_listed():
    _, lines = lines_of("software | accelerator | 16 bits")
    listed = {
        (software, accelerator): tuple(float(cell) if cell else None for cell in line[2:5])
        for line in lines
        for software in line[0].split(", ")
        for accelerator in line[1].split(", ")
    }
    known = {}
    for name in catalog.names("software"):
        for accelerator, rated in catalog.get("software", name).accelerators.items():
            found = (
                rated.matmul_efficiency,
                rated.fp8_matmul_efficiency,
                rated.fp4_matmul_efficiency,
            )
            known[name, accelerator] = tuple(
                None if each is None else float(each) for each in found
            )
    assert listed == known


@pytest.mark.parametrize("name", catalog.names("software"))
def test_constants_of_a_release_are_the_catalogues(name):
    columns, lines = lines_of("software | step_overhead_s")
    (line,) = [line for line in lines if name in line[0].split(", ")] or lines[:1]
    part = catalog.get("software", name)
    for column, cell in list(zip(columns, line, strict=True))[1:-1]:
        value = units.parse(cell, TIMES.get(column, "count"))
        assert float(getattr(part, column)) == pytest.approx(value), column
