"""Residuals of the published test steps by kind of run, for the interval beside every step.

``python -m netloom.validation.step_residuals`` writes ``catalog/data/step-residuals.yaml`` again;
it has to be run when a change moves the published steps.
"""

from __future__ import annotations

from collections.abc import Iterable

from netloom import catalog
from netloom.explained.residuals import FEWEST_ROWS, FILE, Kind, Residuals, kinds_of
from netloom.validation import quantile
from netloom.validation.step_rows import StepRow
from netloom.validation.step_score import ScoredRow

_HEADER = """\
# Measured over predicted seconds of the published steps that no constant was fitted to, by kind of
# run; null stands for any. A tenth of the rows is below `low`, half below `middle`, nine tenths
# below `high`. Written by `python -m netloom.validation.step_residuals`; not to be edited.
"""


def residuals(scored: Iterable[ScoredRow]) -> tuple[Residuals, ...]:
    """Return the residuals of every kind of run that has enough test rows."""
    ratios: dict[Kind, list[float]] = {}
    for item in scored:
        row = item.row
        if isinstance(row, StepRow) and item.role == "test" and item.error is not None:
            accelerator = str(catalog.get("node", row.system.node).accelerator)
            narrow = row.peak in ("fp8", "fp4")
            for kind in kinds_of(accelerator, narrow, row.shape.experts is not None):
                ratios.setdefault(kind, []).append(1.0 / (1.0 + item.error))
    return tuple(
        Residuals(kind, len(found), *(quantile(sorted(found), share) for share in (0.1, 0.5, 0.9)))
        for kind, found in ratios.items()
        if len(found) >= FEWEST_ROWS
    )


def to_yaml(found: Iterable[Residuals]) -> str:
    """Return the text of ``catalog/data/step-residuals.yaml``."""
    words = {None: "null", True: "true", False: "false"}
    lines = sorted(
        f"- {{generation: {each.kind.generation or 'null'}, narrow: {words[each.kind.narrow]}, "
        f"experts: {words[each.kind.experts]}, rows: {each.num_rows}, low: {each.low:.4f}, "
        f"middle: {each.middle:.4f}, high: {each.high:.4f}}}\n"
        for each in found
    )
    return _HEADER + "".join(lines)


def main() -> None:
    """Write the file."""
    from netloom.validation.categories.step import fitted, shipped
    from netloom.validation.step_score import score

    text = to_yaml(residuals(score(shipped(), fitted())))
    FILE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
