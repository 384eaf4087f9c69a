"""Calibration: known constants come back, and a fitted part is one that a study can name."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from netloom import catalog
from netloom.calibrate import calibrate, part_text
from netloom.calibrate.measured_row import MeasuredRow, measured_row, measured_rows
from netloom.catalog.load import read_part
from netloom.cli.app import main
from netloom.cli.study import read
from netloom.errors import ParameterError, StudyError
from netloom.validation.published import DATA, with_values
from netloom.validation.step_formats import read_rows
from netloom.validation.step_rows import StepRow, predict
from netloom.workload.inputs import machine_inputs, software_inputs

ROOT = Path(__file__).parents[2]

DENSE = """\
id,source,model,system,gpus,seq,global_batch,micro_batch,tp,cp,pp,vp,sharding,precision,recompute,step_s,software
a,ours,llama3.1-70b,h100-sxm,64,8192,128,1,4,1,4,5,zero1,bf16,none,1,nemo-25.04
b,ours,llama3.1-70b,h100-sxm,128,8192,128,1,4,1,4,5,zero1,bf16,none,1,nemo-25.04
c,ours,llama3.1-70b,h100-sxm,256,8192,128,1,4,1,4,5,zero1,bf16,none,1,nemo-25.04
d,ours,llama3.1-8b,h100-sxm,8,8192,128,1,1,1,1,1,zero1,bf16,none,1,nemo-25.04
e,ours,llama3.1-8b,h100-sxm,64,8192,128,1,1,1,1,1,zero1,bf16,none,1,nemo-25.04
f,ours,nemotron4-15b,h100-sxm,64,4096,256,1,2,1,1,1,zero1,bf16,none,1,nemo-25.04
"""

EXPERTS = """\
id,source,model,system,gpus,seq,global_batch,micro_batch,tp,cp,pp,vp,ep,sharding,precision,recompute,step_s,software
a,ours,qwen3-30b-a3b,h100-sxm,16,4096,512,1,1,1,1,1,8,zero1,bf16,none,1,nemo-25.04
b,ours,qwen3-30b-a3b,h100-sxm,16,4096,512,1,1,1,1,1,16,zero1,bf16,none,1,nemo-25.04
c,ours,qwen3-30b-a3b,h100-sxm,32,4096,512,2,1,1,1,1,8,zero1,bf16,none,1,nemo-25.04
d,ours,mixtral-8x7b,h100-sxm,64,4096,256,1,2,1,1,1,8,zero1,bf16,none,1,nemo-25.04
e,ours,llama3.1-8b,h100-sxm,8,8192,128,1,1,1,1,1,1,zero1,bf16,none,1,nemo-25.04
"""


def table(folder: Path, text: str) -> Path:
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return path


def rows_of(folder: Path, text: str) -> list[MeasuredRow]:
    found, left_out = measured_rows(read_rows(table(folder, text)))
    assert left_out == {}
    return found


def synthetic(
    rows: list[MeasuredRow], constants: dict[str, float], noise: float = 0.01
) -> list[StepRow]:
    """Return rows whose steps are those of known constants, but for noise."""
    random = np.random.default_rng(7)
    return [
        replace(row.row, measured_step_s=row.step_s(constants) * np.exp(random.normal(0, noise)))
        for row in rows
    ]


@pytest.mark.parametrize(
    ("text", "constants"),
    [
        (DENSE, {"matmul_efficiency": 0.5}),
        (DENSE, {"matmul_efficiency": 0.7, "step_overhead_s": 0.4}),
        (EXPERTS, {"matmul_efficiency": 0.6, "expert_launch_s": 4e-4}),
    ],
)
def test_known_constants_are_within_their_intervals(tmp_path, text, constants):
    (fit,) = calibrate(synthetic(rows_of(tmp_path, text), constants)).fits
    assert {constant.name for constant in fit.constants} == set(constants)
    for constant in fit.constants:
        true = constants[constant.name]
        assert constant.low < true < constant.high, constant
        assert constant.value == pytest.approx(true, rel=0.1)
        assert constant.catalogue == pytest.approx(
            {"matmul_efficiency": 0.66}.get(constant.name, 0.0), abs=0.05
        )
    before, after, left_out = fit.median_errors
    assert after < 0.01 < before
    assert left_out < 0.05
    assert not fit.warnings


def test_one_row_that_nothing_explains_hardly_moves_the_constant(tmp_path):
    rows = synthetic(rows_of(tmp_path, DENSE), {"matmul_efficiency": 0.6})
    (clean,) = calibrate(rows).fits
    rows[0] = replace(rows[0], measured_step_s=2.0 * rows[0].measured_step_s)
    (spoilt,) = calibrate(rows).fits
    assert spoilt.constants[0].value == pytest.approx(clean.constants[0].value, rel=0.03)
    assert spoilt.rows[0].weight < 0.1 < 0.4 < min(row.weight for row in spoilt.rows[1:])
    assert any("count less than half: a" in note for note in spoilt.notes)


def test_a_step_with_other_constants_is_that_of_a_part_with_them(tmp_path):
    """The shortcut of the search against the whole way from the part to the kernels."""
    for row in rows_of(tmp_path, EXPERTS):
        assert row.step_s({}) == predict(row.row).step_s
        part = with_values(
            catalog.get("software", "nemo-25.04"), step_overhead_s=0.2, expert_launch_s=1e-4
        )
        rated = with_values(part.accelerators["h100-sxm"], matmul_efficiency=0.5)
        part = part.model_copy(update={"accelerators": {"h100-sxm": rated}})
        machine = machine_inputs(catalog.get("accelerator", "h100-sxm"), part, "bf16")
        model = replace(row.model, machine=machine, software=software_inputs(part))
        constants = {"matmul_efficiency": 0.5, "step_overhead_s": 0.2, "expert_launch_s": 1e-4}
        expected = model.evaluate(row.plan, row.prices)[0, 0]
        assert row.step_s(constants) == pytest.approx(expected, rel=1e-12)


def test_the_published_rows_of_vtrain_give_the_catalogues_efficiency():
    rows = list(read_rows(DATA / "steps" / "vtrain_a100.csv"))
    (fit,) = calibrate(rows).fits
    assert (fit.software, fit.accelerator) == ("megatron-deepspeed-2022", "a100-sxm-80g")
    efficiency = fit.constants[0]
    assert efficiency.catalogue == 0.81
    assert efficiency.value == pytest.approx(0.81, abs=0.02)
    assert efficiency.low < 0.81 < efficiency.high


def test_a_constant_that_only_one_row_knows_is_the_catalogues_without_it(tmp_path):
    rows = synthetic(rows_of(tmp_path, DENSE), {"matmul_efficiency": 0.6})
    narrow = replace(rows[0], id="narrow", peak="fp8", precision="fp8")
    (fit,) = calibrate([*rows, narrow]).fits
    assert [constant.name for constant in fit.constants] == [
        "matmul_efficiency", "fp8_matmul_efficiency",
    ]  # fmt: skip
    last = fit.rows[-1]
    assert last.row.row.id == "narrow"
    assert last.left_out_s == last.before_s != last.after_s
    assert any("fp8_matmul_efficiency rests on 1 row" in warning for warning in fit.warnings)


def test_no_more_than_two_constants_are_fitted_to_three_precisions():
    rows = [
        replace(row, precision=peak, peak=peak, id=f"{peak}-{index}")
        for index, row in enumerate(read_rows(DATA / "steps" / "megatron_bridge.csv"))
        if isinstance(row, StepRow) and row.system.node == "gb200-nvl72-tray"
        if row.software == "megatron-bridge-26.06"
        for peak, num in (("bf16", 3), ("fp8", 2), ("fp4", 1))
        for _ in range(num)
    ]
    found = calibrate(rows)
    assert {fit.software for fit in found.fits} == {"megatron-bridge-26.06"}
    for fit in found.fits:
        assert [constant.name for constant in fit.constants] == [
            "matmul_efficiency", "fp8_matmul_efficiency",
        ]  # fmt: skip
    assert found.left_out
    assert all(name.startswith("fp4") for name in found.left_out)
    assert all("no more than 2 constants" in reason for reason in found.left_out.values())


def test_a_single_row_has_no_interval_and_a_constant_at_its_bound_warns(tmp_path):
    row = rows_of(tmp_path, DENSE)[0].row
    (fit,) = calibrate([replace(row, measured_step_s=1.0)]).fits
    (constant,) = fit.constants
    assert (constant.value, constant.low, constant.high) == (1.0, None, None)
    assert any("sits at its bound of 100 %" in warning for warning in fit.warnings)
    assert any("rests on 1 row, too few" in warning for warning in fit.warnings)


def test_a_release_on_two_accelerators_keeps_its_times(tmp_path):
    rows = synthetic(rows_of(tmp_path, DENSE), {"matmul_efficiency": 0.7, "step_overhead_s": 0.4})
    other = replace(rows[0], id="other", system=replace(rows[0].system, node="hgx-h200"))
    fits = calibrate([*rows, other]).fits
    assert [fit.accelerator for fit in fits] == ["h100-sxm", "h200-sxm"]
    for fit in fits:
        assert [constant.name for constant in fit.constants] == ["matmul_efficiency"]
    assert "rows of several accelerators" in fits[0].notes[0]


def test_rows_that_cannot_be_fitted_to_are_listed_with_their_reason(tmp_path):
    text = DENSE.replace("a,ours,llama3.1-70b", "a,ours,no-such-model")
    text = text.replace("none,1,nemo-25.04\nc", "none,,nemo-25.04\nc")
    found = calibrate(read_rows(table(tmp_path, text)))
    assert found.left_out["b"] == "no measured step"
    assert "no-such-model" in found.left_out["a"]
    assert [row.row.row.id for row in found.fits[0].rows] == ["c", "d", "e", "f"]
    with pytest.raises(ParameterError, match="no row has a step"):
        calibrate([])


# --- the file


def fitted_part(folder: Path) -> tuple[Path, float]:
    rows = synthetic(
        rows_of(folder, DENSE), {"matmul_efficiency": 0.5, "step_overhead_s": 0.4}, 0.001
    )
    fits = calibrate(rows).fits
    path = folder / "software.yaml"
    path.write_text(part_text(fits, "rows.csv", datetime.date(2026, 11, 24)), encoding="utf-8")
    return path, fits[0].constants[0].value


def test_the_written_part_is_the_catalogues_but_for_what_was_fitted(tmp_path):
    path, value = fitted_part(tmp_path)
    written, base = read_part("software", path), catalog.get("software", "nemo-25.04")
    rated = written.accelerators["h100-sxm"].matmul_efficiency
    assert rated.mode == pytest.approx(value, rel=1e-3)
    assert rated.low < rated.mode < rated.high
    assert (rated.source, rated.date, rated.grade) == (("rows.csv",), "2026-11", "derived")
    assert "6 rows" in rated.basis
    assert written.step_overhead_s.mode == pytest.approx(0.4, rel=0.05)
    changed = {"name", "title", "step_overhead_s", "accelerators"}
    assert written.model_dump(exclude=changed) == base.model_dump(exclude=changed)
    assert written.accelerators.keys() == base.accelerators.keys()
    assert written.accelerators["h200-sxm"] == base.accelerators["h200-sxm"]


STUDY = (ROOT / "examples" / "llama3-70b-512.yaml").read_text(encoding="utf-8")


def study_with(folder: Path, software: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(
        STUDY.replace("cluster:\n", f"cluster:\n  software: {software}\n"), encoding="utf-8"
    )
    return path


def test_a_study_names_the_part_by_its_path(tmp_path):
    _, value = fitted_part(tmp_path)
    resolved = read(study_with(tmp_path, "./software.yaml"))
    assert resolved.software.name == "software"
    rated = resolved.software.accelerators["h100-sxm"]
    assert float(rated.matmul_efficiency) == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "'./software.yaml' is a missing file"),
        ("title: x\n", "fused_attention: Field required"),
        ("title: [x\n", "'./software.yaml', line 2, column 1"),
    ],
)
def test_a_wrong_part_is_refused_where_the_study_names_it(tmp_path, content, said):
    if content is not None:
        (tmp_path / "software.yaml").write_text(content, encoding="utf-8")
    path = study_with(tmp_path, "./software.yaml")
    line = 1 + path.read_text(encoding="utf-8").splitlines().index("  software: ./software.yaml")
    with pytest.raises(StudyError) as caught:
        read(path)
    assert any(said in problem.message for problem in caught.value.problems)
    for problem in caught.value.problems:
        assert (problem.file, problem.line, problem.column) == (str(path), line, 13)
        assert problem.hint


def test_a_part_for_other_accelerators_is_refused(tmp_path):
    path, _ = fitted_part(tmp_path)
    text = path.read_text(encoding="utf-8").replace("h100-sxm:", "mi300x:")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match="software is not calibrated on h100-sxm"):
        read(study_with(tmp_path, "./software.yaml"))


# --- the command


def measured_table(folder: Path) -> Path:
    """Return a file whose steps are the model's at an efficiency of 0.5, written to 4 digits."""
    rows = rows_of(folder, DENSE)
    lines = DENSE.splitlines()
    for place, row in enumerate(rows, start=1):
        step_s = row.step_s({"matmul_efficiency": 0.5})
        lines[place] = lines[place].replace("none,1,", f"none,{step_s:.4g},")
    return table(folder, "\n".join(lines) + "\n")


def test_the_command_prints_json_and_writes_the_part(tmp_path, capsys):
    path, target = measured_table(tmp_path), tmp_path / "ours.yaml"
    assert main(["calibrate", "step", str(path), "--json", "--write", str(target)]) == 0
    printed = capsys.readouterr()
    assert printed.err == f"wrote {target}\n"
    (fit,) = json.loads(printed.out)["fits"]
    (constant,) = fit["constants"]
    assert constant["name"] == "matmul_efficiency"
    assert constant["value"] == pytest.approx(0.5, rel=1e-3)
    assert [row["id"] for row in fit["rows"]] == list("abcdef")
    for row in fit["rows"]:
        assert row["after_error"] == pytest.approx(row["after_s"] / row["measured_s"] - 1)
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = page.split("\n## netloom calibrate step")[1].split("\n## ")[0]
    for key in (*fit, *fit["rows"][0], *constant):
        assert f"`{key}`" in section, key
    assert read_part("software", target).name == "ours"


def test_the_command_prints_a_table_for_the_software_that_the_user_names(tmp_path, capsys):
    path = measured_table(tmp_path)
    assert main(["calibrate", "step", str(path), "--software", "megatron-core-0.8"]) == 0
    out = capsys.readouterr().out
    assert "megatron-core-0.8 on h100-sxm" in out
    assert "median, absolute" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--software", "nemo-25"), "unknown software 'nemo-25'"),
        (("--write", "ours.txt"), "does not end in .yaml"),
        (("--write", "no/such/folder/ours.yaml"), "there is no folder"),
    ],
)
def test_wrong_options_are_refused(tmp_path, capsys, words, said):
    assert main(["calibrate", "step", str(table(tmp_path, DENSE)), *words]) == 2
    assert said in capsys.readouterr().err


def test_one_file_holds_one_release(tmp_path, capsys):
    text = DENSE.replace("nemo-25.04\nb", "megatron-core-0.8\nb")
    target = tmp_path / "ours.yaml"
    words = ["calibrate", "step", str(table(tmp_path, text)), "--write", str(target)]
    assert main(words) == 2
    assert "2 software releases: megatron-core-0.8, nemo-25.04" in capsys.readouterr().err
    assert not target.exists()


def test_a_row_of_a_table_keeps_the_plan_that_it_had(tmp_path):
    row = rows_of(tmp_path, DENSE)[0]
    assert measured_row(row.row).plan_text == "TP4 CP1 PP4x5 DP4 mbs1 optimizer none"
    assert row.num_micro_batches == 32
