"""Tables of published steps: `read_rows` finds the format by the columns of the header.

A format is a module with a `NAME`, the `COLUMNS` that its header must have, and `runs`, which takes
one line and returns the runs in it. A cell may be blank, ``?`` or ``-``: netloom then chooses. Any
table may have a column `software`, a part of the catalogue.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from netloom.errors import ParameterError
from netloom.validation.step_formats import megatron_bridge, published_runs, vtrain
from netloom.validation.step_rows import RefusedRow, StepRow
from netloom.validation.step_rules.assemble import step_row

FORMATS: tuple[ModuleType, ...] = (published_runs, vtrain, megatron_bridge)


def format_of(header: Sequence[str], file: str) -> ModuleType:
    """Return the format that has all its columns in a header.

    Raises
    ------
    ParameterError
        When none has; the hint lists the formats and their columns.
    """
    for module in FORMATS:
        if set(module.COLUMNS) <= set(header):
            return module
    known = "\n    ".join(f"{module.NAME}: {', '.join(module.COLUMNS)}" for module in FORMATS)
    raise ParameterError(
        f"{file}: columns {', '.join(header) or '(none)'} are those of no known table",
        hint=f"the first line must have all columns of one of\n    {known}",
    )


def read_rows(path: Path) -> Iterator[StepRow | RefusedRow]:
    """Yield the rows of a CSV file; what netloom cannot compute comes as a `RefusedRow`.

    Raises
    ------
    ParameterError
        When the file cannot be read or its header is that of no known table.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ParameterError(f"{path}: there is no such file") from None
    except UnicodeDecodeError:
        raise ParameterError(
            f"{path} is no text in UTF-8", hint="save the table as CSV in UTF-8"
        ) from None
    except OSError as error:
        raise ParameterError(f"cannot read {path}: {error.strerror}") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    module = format_of(tuple(name.strip() for name in reader.fieldnames or ()), str(path))
    reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    taken: dict[str, int] = {}
    for position, raw in enumerate(reader, start=1):
        for row in _rows(module, raw, position):
            # ids stay apart where a table repeats a run
            taken[row.id] = taken.get(row.id, 0) + 1
            times = taken[row.id]
            yield row if times == 1 else replace(row, id=f"{row.id}-{times}")


def _rows(
    module: ModuleType, raw: dict[str, str | None], position: int
) -> Iterator[StepRow | RefusedRow]:
    try:
        runs = list(module.runs(raw, position))
    except ParameterError as error:
        yield _refused(module, raw, f"row {position}", error)
        return
    for run in runs:
        try:
            yield step_row(run)
        except ParameterError as error:
            yield _refused(module, raw, run.id, error)


def _refused(
    module: ModuleType, raw: dict[str, str | None], name: str, error: ParameterError
) -> RefusedRow:
    problem = error.problem
    reason = "; ".join(filter(None, (problem.message, problem.hint)))
    source, model = raw.get("source") or "", raw.get("model") or ""
    return RefusedRow(raw.get("id") or name, source, module.NAME, model, reason)
