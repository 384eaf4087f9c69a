"""Matrix products against waves counted by hand, rooflines, and limits."""

from __future__ import annotations

import itertools

import pytest

from netloom.kernels.inputs import MachineInputs
from netloom.kernels.matmul import matmul_s
from netloom.kernels.messages import hidden_rest_s, interleaved_s

FLOPS, HBM = 1e15, 3e12
#: 132 multiprocessors, tiles of 128 x 256, as on an H100.
MACHINE = MachineInputs(
    matmul_flops_per_s=FLOPS, attention_forward_flops_per_s=FLOPS,
    attention_backward_flops_per_s=FLOPS, hbm_bytes_per_s=HBM, hbm_bytes=80e9, reserved_bytes=0.0,
    num_multiprocessors=132.0, tile_rows=128.0, tile_columns=256.0, ramp_depth=0.0, launch_s=0.0,
    num_light_kernels=0.0, operand_bytes=2.0, straggler_sigma=0.0,
)  # fmt: skip
DEPTH = 65536.0
#: The same without a limit from memory, so that waves alone decide.
WAVES = MACHINE._replace(hbm_bytes_per_s=1e18)


def test_a_full_wave_runs_at_the_sustained_rate():
    rows, columns = 12 * 128.0, 11 * 256.0
    assert matmul_s(1.0, rows, columns, DEPTH, MACHINE) == pytest.approx(
        2 * rows * columns * DEPTH / FLOPS, rel=1e-12
    )


def test_one_tile_more_than_a_wave_costs_a_second_wave():
    full = matmul_s(1.0, 128.0, 132 * 256.0, DEPTH, WAVES)
    assert matmul_s(1.0, 128.0, 132 * 256.0 + 1.0, DEPTH, WAVES) == 2 * full
    assert matmul_s(1.0, 129.0, 132 * 256.0, DEPTH, WAVES) == 2 * full
    assert matmul_s(1.0, 128.0, 264 * 256.0, DEPTH, WAVES) == 2 * full


def test_groups_fill_waves_together():
    one = matmul_s(1.0, 128.0, 256.0, DEPTH, WAVES)
    assert matmul_s(132.0, 128.0, 256.0, DEPTH, WAVES) == one
    assert matmul_s(133.0, 128.0, 256.0, DEPTH, WAVES) == 2 * one


def test_a_matrix_times_a_vector_is_bound_by_memory():
    depth, columns = 8192.0, 132 * 256.0
    moved = 2 * (depth + depth * columns + columns)
    assert matmul_s(1.0, 1.0, columns, depth, MACHINE) == pytest.approx(moved / HBM, rel=1e-12)


def test_eight_bit_operands_move_half_as_much():
    narrow = MACHINE._replace(operand_bytes=1.0)
    depth, columns = 8192.0, 132 * 256.0
    moved = depth + depth * columns + 2 * columns
    assert matmul_s(1.0, 1.0, columns, depth, narrow) == pytest.approx(moved / HBM, rel=1e-12)


def test_the_ramp_costs_as_much_as_depth_and_the_launch_comes_once():
    bare = matmul_s(1.0, 1536.0, 2816.0, 4096.0, MACHINE)
    ramped = MACHINE._replace(ramp_depth=256.0, launch_s=4e-6)
    expected = bare * (4096 + 256) / 4096 + 4e-6
    assert matmul_s(1.0, 1536.0, 2816.0, 4096.0, ramped) == pytest.approx(expected, rel=1e-12)


SIZES = [1.0, 100.0, 128.0, 129.0, 1000.0, 4096.0, 5000.0, 16384.0]


def test_never_faster_than_the_peak_or_the_memory():
    for groups, rows, columns, depth in itertools.product([1.0, 3.0, 64.0], SIZES, SIZES, SIZES):
        seconds = matmul_s(groups, rows, columns, depth, MACHINE)
        assert seconds >= 2 * groups * rows * columns * depth / FLOPS * (1 - 1e-12)
        moved = 2 * groups * (rows * depth + depth * columns + rows * columns)
        assert seconds >= moved / HBM * (1 - 1e-12)


@pytest.mark.parametrize("position", range(4))
def test_more_work_never_takes_less_time(position):
    for others in itertools.product(SIZES, repeat=3):
        times = []
        for size in SIZES:
            arguments = [*others[:position], size, *others[position:]]
            times.append(matmul_s(*arguments, MACHINE))
        assert times == sorted(times)


@pytest.mark.parametrize("position", range(4))
def test_nothing_takes_no_time(position):
    sizes = [10.0] * 4
    sizes[position] = 0.0
    assert matmul_s(*sizes, MACHINE._replace(launch_s=1.0)) == 0.0


def chunked_s(message_s, compute_s, chunks):
    """Seconds of a pipeline of two machines that work off chunks one after the other."""
    link = machine = 0.0
    for _ in range(chunks):
        link += message_s / chunks
        machine = max(machine, link) + compute_s / chunks
    return machine


@pytest.mark.parametrize("chunks", [1, 2, 8, 100])
@pytest.mark.parametrize(("message", "compute"), [(0.0, 2.0), (1.0, 2.0), (2.0, 2.0), (5.0, 2.0)])
def test_interleaved_messages_equal_a_pipeline_of_chunks(message, compute, chunks):
    expected = chunked_s(message, compute, chunks) - compute
    assert interleaved_s(message, compute, float(chunks)) == pytest.approx(expected, abs=1e-12)


def test_interleaved_limits():
    assert interleaved_s(1.0, 3.0, 1.0) == 1.0
    assert interleaved_s(1.0, 0.0, 8.0) == 1.0
    assert interleaved_s(0.0, 3.0, 8.0) == 0.0
    assert interleaved_s(1.0, 3.0, 1e12) == pytest.approx(0.0, abs=1e-9)
    assert interleaved_s(5.0, 3.0, 1e12) == pytest.approx(2.0, abs=1e-9)


def test_hidden_rest_limits():
    assert hidden_rest_s(4.0, 10.0, 8.0, False) == 4.0
    assert hidden_rest_s(4.0, 10.0, 8.0, True) == 0.5
    assert hidden_rest_s(4.0, 1.0, 8.0, True) == 3.0
    assert hidden_rest_s(4.0, 0.0, 8.0, True) == 4.0
    assert hidden_rest_s(4.0, 10.0, 1.0, True) == 4.0
    assert hidden_rest_s(0.0, 10.0, 1.0, True) == 0.0
