"""One study result with numbers of a plausible size, for every test of the report."""

from __future__ import annotations

import pytest

from netloom.result import (
    BomLine,
    Candidate,
    Communication,
    Counts,
    Goodput,
    Memory,
    Openness,
    Plan,
    Range,
    Refusal,
    StepParts,
    StudyResult,
)

NUM_ACCELERATORS, TOKENS, BATCH, SEQUENCE = 16384, 15.6e12, 2048, 8192
PEAK_FLOP_PER_S, MODEL_FLOP_PER_STEP = 989.5e12, 4.33e19
NODE_USD, NIC_USD = Range(230e3, 270e3, 320e3), Range(900.0, 1300.0, 1900.0)


def bill(switch, optic, cable, switches, links, num_optics):
    """Return a bill of materials from (part, title, price, power) of switch, optic and cable."""

    def line(group, item, used_in, quantity, grade="B"):
        part, title, price, power = item
        spread = Range(0.75 * price, price, 1.35 * price)
        return BomLine(group, part, title, used_in, quantity, spread, power, grade, "reseller")

    node = BomLine("nodes", "node/dgx-h100", "8 x H100 server", "hosts", NUM_ACCELERATORS // 8,
                   NODE_USD, 10200.0, "C", "contract")  # fmt: skip
    nic = BomLine("nics", "nic/connectx-7", "400 Gb/s NIC", "hosts", NUM_ACCELERATORS, NIC_USD,
                  25.0, "C", "reseller")  # fmt: skip
    boxes = [line("switches", switch, tier, count) for tier, count in switches.items()]
    cables = [line("cables", cable, name, count) for name, count in links.items()]
    optics = [
        line("optics", optic, name, count, "recalled-medium") for name, count in num_optics.items()
    ]
    work = line("installation", ("installation/cable", "Cable pulled", 90.0, 0.0), "hall",
                sum(links.values()), "proposal")  # fmt: skip
    return (node, nic, *boxes, *optics, *cables, work)


def total(lines, groups=None):
    chosen = [line.total_usd for line in lines if groups is None or line.group in groups]
    return sum(chosen[1:], start=chosen[0])


NETWORK = ("nics", "switches", "optics", "cables", "installation")
NDR = ("switch/qm9700", "Quantum-2 64 x 400G", 32000.0, 1050.0)
ETHERNET = ("switch/tomahawk-5", "51.2T Ethernet 64 x 800G", 38000.0, 1100.0)
DSP = ("optic/ndr-dsp", "800G twin-port DSP", 720.0, 15.0)
LPO = ("optic/lpo", "800G LPO", 480.0, 7.5)
FIBRE = ("cable/mpo-12", "MPO-12 trunk, single mode", 130.0, 0.0)


def candidate(rank, name, kind, parameters, switch, optic, switches, links, exposed_s, days, limit,
              pipeline=16, warnings=()):  # fmt: skip
    """Return a candidate; `exposed_s` holds tensor, context, expert, pipeline, data seconds."""
    num_optics = {name: count for name, count in links.items()}
    bom = bill(switch, optic, FIBRE, switches, links, num_optics)
    tensor_s, context_s, expert_s, pipeline_s, data_s = exposed_s
    parts = StepParts(4.655, tensor_s, context_s, expert_s, pipeline_s, data_s, 0.482, 0.021, 0.164)
    step_s = parts.total_s
    flop_rate = MODEL_FLOP_PER_STEP / NUM_ACCELERATORS / step_s
    power_w = sum(line.power_w for line in bom if line.group != "nodes")
    gib = 2.0**30
    calls = (
        Communication("tensor", "all-gather", 8, 412e9, 1.14, tensor_s, 360e9, "NVLink"),
        Communication("pipeline", "send", pipeline, 1.7e9, 0.06, pipeline_s, 46e9, "host links"),
        Communication(
            "data", "reduce-scatter", 128, 6.4e9, 0.42, data_s, 44e9, limit.split(" set")[0]
        ),
    )
    days_quiet = TOKENS / (BATCH * SEQUENCE) * step_s / 86400
    return Candidate(
        name=name, rank=rank, fabric_kind=kind, fabric_parameters=parameters,
        plan=Plan(8, 1, pipeline, 4, NUM_ACCELERATORS // 8 // pipeline, 1, 1, pipeline, "optimizer",
                  "selective"),
        step_s=step_s, parts=parts,
        memory=Memory(6.1 * gib, 12.2 * gib, 9.4 * gib, 33.8 * gib, 3.5 * gib, 80 * gib),
        communication=calls, tokens_per_s=BATCH * SEQUENCE / step_s,
        model_flops_per_s_per_accelerator=flop_rate, mfu=flop_rate / PEAK_FLOP_PER_S,
        days_without_failures=days_quiet, days=days,
        goodput=Goodput(days_quiet / days, 7.8, 930.0,
                        {"accelerator": 4.6, "switch": 0.4, "link": 0.9, "host": 1.9},
                        days_quiet / days - 0.002, {"link": 2.1, "switch": 0.3}, 0.004),
        counts=Counts(switches, links, {key: value // 2 if "host" not in key else value
                                        for key, value in links.items()},
                      {key: 2 * value for key, value in links.items()}),
        bom=bom, network_capex_usd=total(bom, NETWORK), total_capex_usd=total(bom),
        openness=Openness(0.7, 0.8, 0.3), network_power_w=power_w,
        total_power_w=power_w + 2048 * 10200.0,
        run_cost_usd=total(bom).scaled(days / 1826), limit=limit, warnings=warnings, num_plans=6120,
    )  # fmt: skip


def study_result():
    """Return the answer to a study of six candidates and one refusal."""
    rate = 50e9
    candidates = (
        candidate(1, "multi-plane two-tier 51.2T", "fat-tree",
                  {"planes": 2, "link_bytes_per_s": rate / 2, "radix": 256, "tiers": 2},
                  ETHERNET, LPO,
                  {"leaf": 256, "spine": 128}, {"host-leaf": 32768, "leaf-spine": 32768},
                  (0.741, 0.0, 0.0, 0.031, 0.118), 74.1,
                  "host links set the rate of data-parallel traffic, 1.9 % of the step"),
        candidate(2, "rail-optimised 51.2T RoCE, LPO", "rail-optimized",
                  {"units": 64, "tiers": 3, "rails": 8, "link_bytes_per_s": rate, "taper": 1.0},
                  ETHERNET, LPO,
                  {"leaf": 256, "spine": 256, "core": 128},
                  {"host-leaf": 16384, "leaf-spine": 16384, "spine-core": 16384},
                  (0.741, 0.0, 0.0, 0.033, 0.131), 74.9,
                  "leaf uplinks set the rate of data-parallel traffic, 2.1 % of the step"),
        candidate(3, "rail-optimised NDR InfiniBand, DSP", "rail-optimized",
                  {"units": 64, "tiers": 3, "rails": 8, "link_bytes_per_s": rate, "taper": 1.0},
                  NDR, DSP,
                  {"leaf": 512, "spine": 512, "core": 256},
                  {"host-leaf": 16384, "leaf-spine": 16384, "spine-core": 16384},
                  (0.741, 0.0, 0.0, 0.030, 0.112), 75.4,
                  "leaf uplinks set the rate of data-parallel traffic, 1.8 % of the step"),
        candidate(4, "rail-only", "rail-only",
                  {"domain": 8, "radix": 128, "link_bytes_per_s": rate}, ETHERNET, LPO,
                  {"leaf": 256, "spine": 128}, {"host-leaf": 16384, "leaf-spine": 16384},
                  (0.741, 0.0, 0.0, 0.074, 0.131), 76.0,
                  "forwarding inside the node sets the rate of pipeline sends, 1.2 % of the step"),
        candidate(5, "dragonfly p16 a32 h16", "dragonfly",
                  {"p": 16, "a": 32, "h": 16, "g": 32, "link_bytes_per_s": rate}, NDR, DSP,
                  {"router": 1024}, {"host-router": 16384, "local": 15872, "global": 8192},
                  (0.741, 0.0, 0.0, 0.052, 0.388), 79.4,
                  "global links set the rate of data-parallel traffic, 5.9 % of the step",
                  warnings=("Dragonfly needs adaptive routing, which the switch must offer",)),
        candidate(6, "pod Clos, 1:7 core", "pods",
                  {"pods": 6, "pod_hosts": 3072, "link_bytes_per_s": rate,
                   "oversubscription": 7.0}, ETHERNET, LPO,
                  {"leaf": 1024, "spine": 256, "core": 20},
                  {"host-leaf": 16384, "leaf-spine": 16384, "spine-core": 2376},
                  (0.741, 0.0, 0.0, 0.066, 1.211), 91.3,
                  "spine uplinks set the rate of data-parallel traffic, 16.3 % of the step"),
    )  # fmt: skip
    return StudyResult(
        study="Llama 3.1 405B on 16,384 H100", netloom_version="0.1.0", model="llama-3.1-405b",
        num_parameters=405_853_388_800, num_active_parameters=405_853_388_800,
        num_accelerators=NUM_ACCELERATORS, tokens=TOKENS, batch_sequences=BATCH, sequence=SEQUENCE,
        precision="bf16", flop_convention="6 N D plus causal attention, recomputation not counted",
        seed=0, candidates=candidates,
        refused=(Refusal("two-tier NDR fat tree", "64 ports reach 2,048 endpoints of 16,384"),),
        winner=candidates[0].name,
        verdict="multi-plane two-tier 51.2T trains in 74.1 days: 0.8 days (1.1 %) sooner than "
                "rail-optimised 51.2T RoCE, LPO, for 1.7 M$ more network.",
        low_grade_inputs=("price of optic/lpo: recalled-medium, 2025",
                          "price of installation/cable: proposal, 2025"),
    )  # fmt: skip


@pytest.fixture
def sample():
    return study_result()
