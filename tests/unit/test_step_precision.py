"""Number formats of matrix products: peaks, bytes that they keep, and who refuses them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netloom import catalog, evaluate
from netloom.errors import ParameterError
from netloom.kernels import inputs
from netloom.kernels.step import STEP_COLUMNS, evaluate_plans
from netloom.resolve import checks, resolve
from netloom.schema.study import Study
from netloom.workload.inputs import machine_inputs, shape_inputs, software_inputs
from netloom.workload.parameters import count_parameters
from netloom.workload.precision import FORMATS, matmul_efficiency, peak_flops_per_s
from netloom.workload.shape import TransformerShape

DENSE = TransformerShape("dense", 4096, 32, 32, 8, 128, 14336, True, 128256, False)
RELEASE = catalog.get("software", "megatron-bridge-26.02")
GB200, H100 = (catalog.get("accelerator", name) for name in ("gb200", "h100-sxm"))


def step(precision, **sizes):
    machine = machine_inputs(GB200, RELEASE, precision)
    given = {"recompute": 0, "expert_tensor": 0, "context_kind": 0, "shard_group": 0} | sizes
    plan = np.array([[given.get(name, 1) for name in inputs.PLAN_COLUMNS]])
    answer = evaluate_plans(
        plan, np.zeros((1, len(inputs.PRICE_ROWS), 2)), 8192.0, 1.0, shape_inputs(DENSE), machine,
        software_inputs(RELEASE),
    )  # fmt: skip
    return dict(zip(STEP_COLUMNS, answer[0].tolist(), strict=True))


def test_formats_share_the_peak_of_their_bits():
    assert peak_flops_per_s(GB200, "mxfp8") == peak_flops_per_s(GB200, "fp8") == 5e15
    assert peak_flops_per_s(GB200, "nvfp4") == peak_flops_per_s(GB200, "fp4") == 10e15
    for eight, four in (("fp8", "fp4"), ("mxfp8", "nvfp4")):
        assert matmul_efficiency(RELEASE, GB200, eight) == 0.47
        assert matmul_efficiency(RELEASE, GB200, four) == 0.35


def test_operands_are_bits_and_their_share_of_a_scale():
    # OCP MX 1.0: 32 elements and a scale of 8 bits are 33 bytes; NVFP4: 16 elements are 9 bytes
    assert FORMATS["mxfp8"].operand_bytes == 33 / 32
    assert FORMATS["nvfp4"].operand_bytes == 9 / 16


@pytest.mark.parametrize(("precision", "kept"), [("mxfp8", 33 / 16), ("nvfp4", 9 / 8)])
def test_blocks_keep_two_narrow_weights_beside_the_wide_one(precision, kept):
    parameters = count_parameters(DENSE).total
    for sizes in ({"data": 8}, {"data": 8, "tensor": 4}):
        wide, narrow = step("bf16", **sizes), step(precision, **sizes)
        mine = parameters / sizes.get("tensor", 1)
        extra = narrow["weights_bytes"] - wide["weights_bytes"]
        assert extra == pytest.approx(kept * mine, rel=1e-12)
        for name in ("gradients_bytes", "optimizer_bytes", "data_sent_bytes"):
            assert narrow[name] == wide[name]
        rate = machine_inputs(GB200, RELEASE, precision).hbm_bytes_per_s
        cast_s = narrow["optimizer_s"] - wide["optimizer_s"]
        assert cast_s == pytest.approx((2 + kept) * mine / rate, rel=1e-9)


def test_sharded_weights_are_kept_wide_and_cast_when_gathered():
    wide, narrow = (step(precision, data=8, sharding=3) for precision in ("bf16", "nvfp4"))
    assert narrow["weights_bytes"] == wide["weights_bytes"]
    layer = count_parameters(DENSE).total / 32
    extra = narrow["buffers_bytes"] - wide["buffers_bytes"]
    assert extra == pytest.approx(2 * 9 / 8 * layer, rel=1e-12)


def test_fewer_bits_are_faster_and_keep_no_less():
    steps = [step(precision, data=8)["compute_s"] for precision in ("bf16", "fp8", "fp4")]
    assert steps == sorted(steps, reverse=True)
    whole = step("fp8", data=8)
    assert whole["weights_bytes"] == step("bf16", data=8)["weights_bytes"]


@pytest.mark.parametrize(
    ("precision", "message", "known"),
    [
        ("nvfp4", "h100-sxm has no peak rate in nvfp4", "bf16, fp16, fp8"),
        ("mxfp8", "h100-sxm has no peak rate in mxfp8", "bf16, fp16, fp8"),
    ],
)
def test_what_an_accelerator_lacks_is_refused(precision, message, known):
    with pytest.raises(ParameterError, match=message) as refusal:
        machine_inputs(H100, RELEASE, precision)
    assert known in refusal.value.problem.hint


def test_what_a_release_is_not_calibrated_in_is_refused_with_what_it_is():
    bare = RELEASE.accelerators["gb200"].model_copy(update={"fp4_matmul_efficiency": None})
    release = RELEASE.model_copy(update={"accelerators": {"gb200": bare}})
    with pytest.raises(ParameterError, match="is not calibrated in nvfp4 on gb200") as refusal:
        machine_inputs(GB200, release, "nvfp4")
    assert "write one of bf16, fp16, fp8, mxfp8, or" in refusal.value.problem.hint


def study_of(precision, node="gb200-nvl72-tray", software="megatron-bridge-26.02"):
    return {
        "version": 1, "name": "narrow", "model": "llama-3.1-8b",
        "goal": {"tokens": "1T", "batch_sequences": 64, "sequence": 8192, "precision": precision},
        "cluster": {"accelerators": 64, "node": node, "nic": "connectx-8", "software": software},
        "networks": [
            {"name": "rails", "fabric": {"kind": "rail-optimized"}, "switch": "q3400",
             "protocol": "infiniband-xdr"}
        ],
    }  # fmt: skip


def test_a_study_may_name_every_format_that_its_machines_multiply():
    for precision in FORMATS:
        run = evaluate.start(resolve(Study.model_validate(study_of(precision)), Path()))
        assert run.model.machine.operand_bytes == FORMATS[precision].operand_bytes


def test_a_study_is_told_which_format_its_software_lacks():
    found = [
        problem.message
        for problem in checks(Path())(
            study_of("nvfp4", node="dgx-h100", software="megatron-bridge-26.02")
        )
        if problem.where == "goal.precision"
    ]
    assert found == ["h100-sxm has no peak rate in nvfp4"]
