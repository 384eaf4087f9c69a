"""Constants of training software from a user's own runs: `calibrate` fits them to measured steps.

For each accelerator and software release at most two constants are fitted, never one for a row: the
efficiency of matrix products in each precision that the rows have and, where room is left and the
rows can tell it apart, one time, that of each step or that of each local expert.
"""

from netloom.calibrate.part_file import part_text
from netloom.calibrate.problem import FittedConstant
from netloom.calibrate.release_fit import Calibration, ReleaseFit, calibrate

__all__ = ["Calibration", "FittedConstant", "ReleaseFit", "calibrate", "part_text"]
