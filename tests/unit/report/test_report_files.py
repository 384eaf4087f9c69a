"""bom.csv, cables.csv and the folder as a whole."""

import csv
import dataclasses
import subprocess
import sys

import pytest

from netloom import report
from netloom.errors import ConservationError
from netloom.report import bom, cables

CABLE = dict.fromkeys(cables.COLUMNS, "x") | {"id": 1, "length_m": 12.5}


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_bill_of_materials_adds_up_to_the_capex_of_each_candidate(sample, tmp_path):
    bom.write(sample, tmp_path / "bom.csv")
    rows = read(tmp_path / "bom.csv")
    assert tuple(rows[0]) == bom.COLUMNS
    for candidate in sample.candidates:
        own = [row for row in rows if row["candidate"] == candidate.name]
        for end in ("low", "mode", "high"):
            total = sum(float(row[f"total_usd_{end}"]) for row in own)
            assert total == pytest.approx(getattr(candidate.total_capex_usd, end), rel=1e-9)
            network = sum(float(row[f"total_usd_{end}"]) for row in own if row["group"] != "nodes")
            assert network == pytest.approx(getattr(candidate.network_capex_usd, end), rel=1e-9)


@pytest.mark.parametrize("field", ["network_capex_usd", "total_capex_usd"])
def test_bill_that_does_not_add_up_is_a_bug(sample, tmp_path, field):
    first = sample.candidates[0]
    wrong = dataclasses.replace(first, **{field: getattr(first, field).scaled(1.001)})
    with pytest.raises(ConservationError, match=field):
        bom.write(dataclasses.replace(sample, candidates=(wrong,)), tmp_path / "bom.csv")


def test_cables_are_written_from_mappings_and_from_sequences(tmp_path):
    path = tmp_path / "cables.csv"
    count = cables.write_cables(path, iter([CABLE, tuple(CABLE.values())]))
    first, second = read(path)
    assert count == 2
    assert first == second
    assert first["length_m"] == "12.5"


@pytest.mark.parametrize(
    ("row", "message"),
    [({"id": 1}, "a_device"), (CABLE | {"colour": "red"}, "colour"), ((1, 2), "2 columns")],
)
def test_cable_with_other_columns_is_refused(tmp_path, row, message):
    with pytest.raises(ValueError, match=message):
        cables.write_cables(tmp_path / "cables.csv", [row])


def test_folder_holds_all_files_and_the_same_bytes_each_time(sample, tmp_path):
    first = report.write(sample, tmp_path / "a" / "b", cables=[CABLE])
    second = report.write(sample, tmp_path / "c", cables=[CABLE])
    assert [path.name for path in first] == ["result.json", "bom.csv", "report.html", "cables.csv"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert [path.name for path in report.write(sample, tmp_path / "d")] == [
        "result.json", "bom.csv", "report.html",
    ]  # fmt: skip


def test_importing_the_package_loads_no_drawing_or_template_library():
    code = (
        "import sys, netloom.report; heavy = ('jinja2', 'pydantic', 'rich', 'numpy');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
