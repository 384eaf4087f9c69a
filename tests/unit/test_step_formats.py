"""Tables of published steps: cells, names, systems, software, and what comes of unseen rows."""

from __future__ import annotations

import csv
import json
import random

import pytest
from scipy import stats

from netloom import catalog
from netloom.cli.app import main
from netloom.errors import ParameterError
from netloom.validation.categories.step import fitted, score_file, shipped
from netloom.validation.published import DATA
from netloom.validation.step_categories import categories_of, measurement_of
from netloom.validation.step_formats import FORMATS, read_rows
from netloom.validation.step_rows import RefusedRow, StepRow, predict
from netloom.validation.step_rules.assemble import model_flops_per_token
from netloom.validation.step_rules.models import named_shape
from netloom.validation.step_rules.systems import system_of
from netloom.validation.step_score import rank_correlation, regrets, score
from netloom.workload.parameters import count_parameters


def lines_of(name):
    with (DATA / "steps" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


#: Parameters as the publishers count them in their weights, or as they print them.
PUBLISHED_PARAMETERS = {
    "GPT OSS 120B": (116_829_156_672, 1e-6),
    "Kimi-K2": (1_026_408_232_448, 1e-9),
    "Qwen3-30B-A3B": (30_532_122_624, 1e-9),
    "mixtral-8x22b": (140_630_071_296, 1e-9),
    "grok-1": (314e9, 0.01),
    "nemotron4-340b": (340e9, 0.01),
    "Llama-3.1-405B": (405_853_388_800, 1e-9),
    "Qwen3-235B-a22b": (235_093_634_560, 1e-9),
    "DeepSeekV3 (w/o MTP)": (671_026_419_200, 1e-9),
    # the sizes of Korthikanti et al., arXiv:2205.05198, table 3
    "gpt-22B (48L h6144 64x96)": (22e9, 0.02),
    "gpt-530B (105L h20480 128x160)": (529.6e9, 0.002),
    "gpt-1T (128L h25600 160x160)": (1008e9, 0.002),
    # Narayanan et al., arXiv:2104.04473, table 1
    "gpt-39.1B (48L h8192 64 heads V51200)": (39.1e9, 0.002),
    "gpt-145.6B (80L h12288 96 heads V51200)": (145.6e9, 0.002),
}


@pytest.mark.parametrize("name", PUBLISHED_PARAMETERS)
def test_names_stand_for_shapes_of_the_published_size(name):
    published, tolerance = PUBLISHED_PARAMETERS[name]
    shape, _ = named_shape(name, 2048)
    assert count_parameters(shape).total == pytest.approx(published, rel=tolerance)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("llama3-405b", "Llama-3.1-405B"),
        ("llama3.1-8b", "Llama-3-8B"),
        ("gpt3-175b", "gpt-175B (gpt3-175b)"),
        ("nemotron4-15b", "Nemotron-4-15B"),
        ("DeepSeekV3", "deepseek-v3"),
    ],
)
def test_spellings_of_a_model_are_one_shape(one, other):
    assert named_shape(one, 2048)[0] == named_shape(other, 2048)[0]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Nemotron-3-Nano", "hybrid of Mamba"),
        ("Nemotron-3-Some-New-One", "hybrid of Mamba"),
        ("mystery-7b", "not known"),
        ("gpt-9B (48L h6144 64x100)", "64 heads of 100"),
    ],
)
def test_models_that_cannot_be_computed_say_why(name, reason):
    with pytest.raises(ParameterError, match=reason):
        named_shape(name, 2048)


@pytest.mark.parametrize(
    ("text", "node", "protocol", "fabric"),
    [
        ("a100-80g", "dgx-a100", "infiniband-hdr", "fat-tree"),
        ("a100-80g, 8x200G HDR per node", "dgx-a100", "infiniband-hdr", "fat-tree"),
        ("a100-80g, 4x200G HDR per node", "dgx-a100-4nic", "infiniband-hdr", "fat-tree"),
        ("dgx-h100, 8x400G IB per node", "dgx-h100", "infiniband-ndr", "rail-optimized"),
        (
            "h100-sxm, RoCE 400G per GPU, 3-tier Clos 1:7 at aggregation",
            "hgx-h100", "roce-v2-adaptive", "pods pod_hosts=3072 oversubscription=7",
        ),
        ("h200, 8x400G IB per node", "hgx-h200", "infiniband-ndr", "rail-optimized"),
        (
            "h800 (NVLink 400 GB/s), 8x400G per node, multi-plane fat tree",
            "hgx-h800", "infiniband-ndr", "rail-only",
        ),
        (
            "h800 (NVLink 400 GB/s), 8x400G per node, multi-rail fat tree",
            "hgx-h800", "infiniband-ndr", "rail-optimized",
        ),
        ("gb200-nvl72, 400G per GPU", "gb200-nvl72-tray", "infiniband-ndr", "rail-optimized"),
        ("HGX_H100 8 x 400G RoCE per node", "hgx-h100", "roce-v2-adaptive", "rail-optimized"),
        ("B200", "dgx-b200", "infiniband-ndr", "rail-optimized"),
        ("GB300", "gb300-nvl72-tray", "infiniband-xdr", "rail-optimized"),
        ("h100-sxm, Spectrum-X 400G per GPU", "dgx-h100", "spectrum-x", "rail-optimized"),
    ],
)  # fmt: skip
def test_systems_stand_for_parts_of_the_catalogue(text, node, protocol, fabric):
    system = system_of(text)
    assert (system.node, system.protocol, system.fabric) == (node, protocol, fabric)
    for kind in ("node", "protocol", "switch"):
        catalog.get(kind, getattr(system, kind))


def test_memory_and_power_of_a_system_are_read():
    system = system_of("h100 96GB 500W, 400G per GPU")
    assert system.memory_gib == 96
    assert "500 W" in system.note
    assert system_of("h800 (NVLink 400 GB/s), 8x400G per node").memory_gib == 0


@pytest.mark.parametrize("text", ["", "tpu-v9", "h100-sxm, 3x100G per node"])
def test_systems_that_are_not_in_the_catalogue_are_refused(text):
    with pytest.raises(ParameterError):
        system_of(text)


def write(path, lines):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, lines[0].keys())
        writer.writeheader()
        writer.writerows(lines)
    return path


def test_every_line_of_every_table_becomes_a_row_or_a_refusal():
    rows = shipped()
    # one line of the Megatron-Bridge table with two precisions is two rows
    pairs = sum("(" in line["precision"] for line in lines_of("megatron_bridge"))
    assert len(rows) == sum(len(lines_of(module.NAME)) for module in FORMATS) + pairs
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        if isinstance(row, RefusedRow):
            assert "Nemotron-3" in row.reason or "DeepSeekV4" in row.reason
        else:
            assert row.measured_step_s > 0.0


def test_rows_of_calibration_are_those_of_the_stated_rule():
    calibration = [
        row for row in shipped() if isinstance(row, StepRow) and measurement_of(row) in fitted()
    ]
    by_source = {}
    for row in calibration:
        by_source.setdefault(row.source.split()[0], []).append(row)
    # 51 steps of vTrain inside a node; five of Megatron Core 0.8; six of 70B, three of 405B, one of
    # MaxText and one on GB200 of the recipes; of every other release the smallest of its series
    assert {source: len(rows) for source, rows in by_source.items()} == {
        "VIA-Research/vTrain": 51, "Megatron-Core": 5, "NVIDIA": 11, "MLPerf": 5,
        "NVIDIA-NeMo/Megatron-Bridge": 21, "arXiv:2104.04473": 1, "arXiv:2402.15627": 2,
        "pytorch/torchtitan": 2, "arXiv:2505.09343": 1,
    }  # fmt: skip


#: Days to train on 300 billion tokens, Narayanan et al., arXiv:2104.04473, table 2.
ZERO_3_DAYS = {384: 90, 768: 74, 1536: 74}


@pytest.mark.parametrize("gpus", ZERO_3_DAYS)
def test_seconds_from_flops_are_those_of_the_published_days(gpus):
    (row,) = (row for row in shipped() if row.id == f"narayanan-zero3-175B-{gpus}")
    num_steps = 300e9 / (row.batch_sequences * row.sequence)
    days = row.measured_step_s * num_steps / 86400.0
    assert days == pytest.approx(ZERO_3_DAYS[gpus], abs=0.6)


def test_paper_formula_of_recomputed_flops():
    # F = 96 B s l h^2 (1 + s/6h + V/16lh), arXiv:2104.04473, section 5.1, per token
    layers, hidden, vocab, sequence = 96, 12288, 51200, 2048
    expected = 96 * layers * hidden**2
    expected *= 1 + sequence / (6 * hidden) + vocab / (16 * layers * hidden)
    shape, _ = named_shape("gpt3-175b", sequence)
    assert model_flops_per_token(shape, sequence, "full", True) == pytest.approx(expected)


#: Rows whose model is computed whole, against the TFLOP/s that the table prints beside tokens/s.
PRINTED_TFLOPS = [
    line
    for line in lines_of("megatron_bridge")
    if line["model"].startswith(("Llama", "Qwen3", "DeepSeekV3 (w/o", "Kimi"))
    and "(" not in line["precision"]
]


@pytest.mark.parametrize("line", PRINTED_TFLOPS, ids=lambda line: line["model"])
def test_printed_flops_follow_from_printed_tokens(line):
    sequence = int(line["seq"])
    shape, left_out = named_shape(line["model"], sequence)
    assert left_out == ""
    tflops = model_flops_per_token(shape, sequence, "causal", False) / 1e12
    tflops *= float(line["tokens_per_s_per_gpu"])
    # one line of 70B prints 2 % less than the others of the same model
    assert tflops == pytest.approx(float(line["tflops_per_gpu"]), rel=0.025)


def test_thousands_and_recipes_of_a_precision_are_read(tmp_path):
    line = next(line for line in lines_of("megatron_bridge") if line["model"] == "Llama-3-70B")
    more = {"tokens_per_s_per_gpu": "4,224", "precision": "FP8 (delayed scaling)"}
    plain, other = read_rows(write(tmp_path / "bridge.csv", [line, line | more]))
    assert other.measured_step_s == plain.measured_step_s
    assert other.peak == "fp8"


def test_flops_stand_in_for_tokens_that_are_not_printed(tmp_path):
    line = next(line for line in lines_of("megatron_bridge") if line["model"] == "Llama-3-70B")
    path = write(tmp_path / "bridge.csv", [line, line | {"tokens_per_s_per_gpu": "-"}])
    of_tokens, of_flops = read_rows(path)
    assert of_flops.id == of_tokens.id + "-2"
    assert of_flops.measured_step_s == pytest.approx(of_tokens.measured_step_s, rel=0.01)
    assert "causal attention" in of_flops.note


def test_a_cell_with_two_precisions_is_two_rows():
    rows = [row for row in shipped() if row.id.startswith("bridge-25.11-llama-3-8b-gb200")]
    assert [row.precision for row in rows] == ["FP8-CS", "FP8-MX"]
    seconds = [128 * 8192 / 8 / rate for rate in (31508, 29789)]
    assert [row.measured_step_s for row in rows] == pytest.approx(seconds)


def test_a_batch_of_one_rank_is_multiplied_by_the_ranks():
    # torchtitan prints the local batch: 16 on each of 32 ranks, 512 in all
    (row,) = (row for row in shipped() if row.id == "torchtitan-70b-vanilla")
    assert row.batch_sequences == 512
    assert row.measured_step_s == pytest.approx(512 * 8192 / 256 / 597.3)


def test_blank_cells_are_chosen_and_named(tmp_path):
    line = next(line for line in lines_of("published_runs") if line["id"] == "mcore-h100-16B")
    path = write(tmp_path / "runs.csv", [line | {"tp": "?", "vp": "", "step_s": "", "note": ""}])
    (row,) = read_rows(path)
    found = predict(row)
    assert {"tensor", "micro_batch", "recompute"} <= set(found.chosen)
    assert "context" not in found.chosen
    # a published size is never chosen, and a choice is no slower than the published one
    pinned = predict(next(read_rows(write(tmp_path / "pinned.csv", [line]))))
    assert found.step_s <= pinned.step_s


def test_a_row_without_measurement_is_predicted(tmp_path, capsys):
    line = lines_of("vtrain_a100")[0] | {"step_s": "?", "micro_batch": "-"}
    path = write(tmp_path / "mine.csv", [line])
    assert main(["validate", "step", "--rows", str(path), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["predicted_s"] > 0.0
    assert row["measured_s"] is row["error"] is row["refused"] is None
    assert set(row["chosen"]) == {"micro_batch"}


def test_rows_of_a_file_are_the_shipped_ones_in_any_order(tmp_path):
    lines = [line for line in lines_of("published_runs") if line["id"].startswith("dgxc-gpt3")]
    random.Random(1).shuffle(lines)
    shipped_rows = {row.id: row for row in shipped()}
    for row in read_rows(write(tmp_path / "shuffled.csv", lines)):
        assert row == shipped_rows[row.id]


def test_an_unseen_row_is_a_test_even_in_a_series_of_calibration(tmp_path):
    line = lines_of("vtrain_a100")[3]
    path = write(tmp_path / "unseen.csv", [line, line | {"micro_batch": "4", "step_s": "4.1"}])
    assert [item.role for item in score(read_rows(path), fitted())] == ["calibration", "test"]


def test_software_of_the_table_goes_before_the_rules(tmp_path):
    line = lines_of("vtrain_a100")[3]
    lines = [line | {"software": name} for name in ("", "megatron-2022", "megatron-2202")]
    first, second, third = read_rows(write(tmp_path / "named.csv", lines))
    assert (first.software, second.software) == ("megatron-deepspeed-2022", "megatron-2022")
    assert isinstance(third, RefusedRow)
    assert "megatron-2022" in third.reason


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("gpus", "many", "gpus is 'many'"),
        ("gpus", "?", "gpus is blank"),
        ("tp", "0", "tp is '0'"),
        ("pp", "3", "are not 64 GPUs"),
        ("step_s", "fast", "step_s is 'fast'"),
        ("step_s", "nan", "step_s is 'nan'"),
    ],
)
def test_wrong_cells_refuse_their_row_only(tmp_path, column, cell, reason):
    line = lines_of("vtrain_a100")[0]
    wrong, right = read_rows(write(tmp_path / "wrong.csv", [line | {column: cell}, line]))
    assert isinstance(wrong, RefusedRow)
    assert reason in wrong.reason
    assert isinstance(right, StepRow)


def test_a_plan_that_breaks_a_rule_is_listed_with_the_reason(tmp_path, capsys):
    line = lines_of("published_runs")[0] | {"tp": "5"}
    path = write(tmp_path / "broken.csv", [line])
    assert main(["validate", "step", "--rows", str(path)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "refused rows" in text
    assert "tensor 5 does not divide 64 heads" in text


def test_an_unknown_header_lists_the_known_tables(tmp_path, capsys):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    assert main(["validate", "step", "--rows", str(path)]) == 2
    text = capsys.readouterr().err
    assert all(module.NAME in text for module in FORMATS)


@pytest.mark.parametrize("words", [["validate"], ["validate", "radix"]])
def test_rows_are_for_the_category_step(words, tmp_path):
    assert main([*words, "--rows", str(tmp_path / "x.csv")]) == 2


def test_categories_are_by_what_is_computed():
    rows = {row.id: row for row in shipped()}
    expected = {
        "korthikanti-22B-full": ("dense-a100",),
        "megascale-megatron-256": ("strong-scaling", "dense-a100"),
        "mlperf-v3.1-eos-gpt3-8192": ("strong-scaling", "fp8", "dense-h100"),
        "narayanan-zero3-175B-384": ("zero-3",),
        "dgxc-grok1-314b-bf16-512": ("moe",),
        "bridge-26.08-deepseekv3-gb200-256-mxfp8": ("moe", "nvl72", "fp8"),
        "bridge-26.02-gpt-oss-120b-b200-64-bf16": ("moe",),
        "vtrain-3.6b-01": ("vtrain",),
    }
    assert {name: categories_of(rows[name]) for name in expected} == expected


def test_rank_correlation_is_scipys():
    draw = random.Random(7)
    for size in (3, 10, 57):
        # few distinct values, so that ranks are shared
        first = [float(draw.randrange(8)) for _ in range(size)] + [0.0, 9.0]
        second = [value + draw.randrange(4) for value in first]
        expected = stats.spearmanr(first, second).statistic
        assert rank_correlation(first, second) == pytest.approx(expected, abs=1e-12)
    assert rank_correlation([1.0, 2.0], [1.0, 2.0]) is None
    assert rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None


def test_regret_is_of_the_plan_ranked_first():
    rows = [row for row in shipped() if row.id.startswith("vtrain-3.6b")]
    (found,) = regrets(score(rows, fitted()))
    ranked = sorted(rows, key=lambda row: predict(row).step_s)
    best_s = min(row.measured_step_s for row in rows)
    assert found.num_plans == 15
    assert found.regret == pytest.approx(ranked[0].measured_step_s / best_s - 1.0)


@pytest.mark.parametrize(
    ("release", "part", "stands_in"),
    [
        ("26.04.01", "megatron-bridge-26.04", False),
        ("26.03", "megatron-bridge-26.02", True),
        ("26.07", "megatron-bridge-26.06", True),
        ("26.10", "megatron-bridge-26.08", True),
        ("27.02", "megatron-bridge-26.08", True),
        ("25.09", "megatron-bridge-25.11", True),
    ],
)
@pytest.mark.parametrize("shards", ["0", "64"])
def test_a_release_between_two_is_that_of_the_one_before(
    tmp_path, release, part, stands_in, shards
):
    line = lines_of("megatron_bridge")[0] | {"release": release, "fsdp": shards}
    (row,) = read_rows(write(tmp_path / "release.csv", [line]))
    assert row.software == part
    assert bool(row.stand_in) == stands_in
    assert row.bounds.recompute == (("offload",) if shards == "64" else None)


@pytest.mark.parametrize("name", ["Llama 3 70B", "Meta-Llama-3.1-70B", "llama3.1-70b"])
def test_spellings_of_one_model(tmp_path, name):
    line = lines_of("megatron_bridge")[0] | {"model": name}
    (row,) = read_rows(write(tmp_path / "model.csv", [line]))
    assert row.shape.num_layers == 80


def test_a_dense_nemotron_is_no_hybrid(tmp_path):
    line = lines_of("megatron_bridge")[0]
    dense, hybrid = read_rows(
        write(
            tmp_path / "two.csv",
            [line | {"model": m} for m in ("Nemotron-340B", "Nemotron 3 Nano")],
        )
    )
    assert dense.shape.num_layers == 96
    assert "hybrid" in hybrid.reason


def test_a_size_that_follows_from_the_others_is_told(tmp_path):
    """A batch of 127 sequences is for one replica, so that context ranks take what is left."""
    line = {
        "model": "llama-3.1-70b", "system": "h100", "gpus": "64", "seq": "8192",
        "global_batch": "127", "micro_batch": "1", "tp": "4", "pp": "4", "step_s": "16",
    }  # fmt: skip
    (scored,) = score_file(write(tmp_path / "odd.csv", [line]))
    assert scored.chosen["context"] == 4
