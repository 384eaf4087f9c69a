"""Time of matrix products on one accelerator."""

from __future__ import annotations

import math

from numba import njit

from netloom.kernels.inputs import MachineInputs


@njit(cache=True)
def matmul_s(
    groups: float, rows: float, columns: float, depth: float, machine: MachineInputs
) -> float:
    """Return seconds of `groups` products (rows x depth) by (depth x columns) in one launch.

    The results are cut into tiles that multiprocessors work off in waves; the last wave is partly
    idle (wave quantisation: NVIDIA, Matrix Multiplication Background User's Guide, section 4), and
    each tile pays for filling its pipeline and writing its result, which costs as much as
    `ramp_depth` of depth. A product is never faster than its operands move to and from memory.
    """
    if groups * rows * columns * depth <= 0.0:
        return 0.0
    tiles = groups * math.ceil(rows / machine.tile_rows) * math.ceil(columns / machine.tile_columns)
    waves = math.ceil(tiles / machine.num_multiprocessors)
    # work of full tiles in full waves: what the machine is busy with or waiting for
    work = waves * machine.num_multiprocessors * machine.tile_rows * machine.tile_columns
    busy_s = 2.0 * work * (depth + machine.ramp_depth) / machine.matmul_flops_per_s
    operands = machine.operand_bytes * (rows * depth + depth * columns) + 2.0 * rows * columns
    return max(busy_s, groups * operands / machine.hbm_bytes_per_s) + machine.launch_s
