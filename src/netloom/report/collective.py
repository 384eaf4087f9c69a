"""A collective at many sizes on a terminal: nccl-tests columns, then what limits each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from netloom.collective_table.allocation import Allocation
from netloom.collective_table.answer import Answer
from netloom.collective_table.sizes import shown
from netloom.collective_table.table import Spread, spread

#: More columns than any table has.
_WIDEST = 1000


def print_answers(answers: Sequence[Answer], wanted: Allocation, console: Console) -> None:
    """Print a table for each network, and the jobs beside it."""
    for answer in answers:
        _header(answer, wanted, console)
        _print_rows(answer, console)
        if answer.jobs:
            _print_jobs(answer, console)


def _header(answer: Answer, wanted: Allocation, console: Console) -> None:
    table, question, machine = answer.table, answer.table.question, answer.table.machine
    communicator = question.communicator
    groups = question.num_ranks // communicator.size
    at_once = f", {groups:,} groups at once, stride {communicator.stride}" if groups > 1 else ""
    lost = f", without {', '.join(answer.lost)}" if answer.lost else ""
    draws = (
        f"hashed, seeds {question.seed} to {question.seed + question.num_seeds - 1}, "
        "with the 10th to 90th percentile of busbw"
        if table.hashed
        else f"static routes of {machine.routes}, nothing drawn"
        if machine.routes
        else f"{machine.protocol.load_balancing}, nothing drawn"
    )
    console.print(f"[bold]{communicator.operation}[/bold]", end="")
    console.print(
        f"  {communicator.size:,} ranks{at_once} on "
        f"{table.num_nodes:,} node{'s' * (table.num_nodes > 1)}, {wanted.order}\n"
        f"{machine.name}: {machine.fabric.kind}, {machine.fabric.num_endpoints:,} endpoints{lost}; "
        f"{machine.protocol.name} ({draws}); {machine.scale_up.name}; {question.library}, "
        f"{question.chooser}",
        soft_wrap=True,
        markup=False,
    )


def _print_rows(answer: Answer, console: Console) -> None:
    made = Table(box=None)
    columns = _columns(answer)
    for heading in columns:
        made.add_column(heading, justify="right", no_wrap=True)
    for heading in ("algorithm", "limit"):
        made.add_column(heading, overflow="fold")
    for number, row in enumerate(answer.table.rows):
        cells = [cell[number] for cell in columns.values()]
        made.add_row(*cells, row.algorithm, row.limit)
    _print_table(made, console)
    if answer.table.question.exact and all(row.exact_s is None for row in answer.table.rows):
        console.print(
            "no exact: adaptive routing mixes in detours, which are no routes of single flows",
            style="dim",
            soft_wrap=True,
        )
        console.print()


def _print_table(made: Table, console: Console) -> None:
    """Print a table, in a file or a pipe as wide as it is: a line is a row there."""
    if not console.is_terminal:
        unbounded = console.options.update(max_width=_WIDEST)
        console.width = max(console.width, Measurement.get(console, unbounded, made).maximum)
    console.print(made, "")


def _columns(answer: Answer) -> dict[str, list[str]]:
    """Return the columns of numbers by heading; ranges stand where hashing draws."""
    rows = answer.table.rows
    columns = {
        "size (B)": [f"{row.size_bytes:,.0f}" for row in rows],
        "time (us)": [_figure(1e6 * row.time_s.mean) for row in rows],
        "algbw (GB/s)": [_figure(1e-9 * row.algbw_bytes_per_s.mean) for row in rows],
        "busbw (GB/s)": [_figure(1e-9 * row.busbw_bytes_per_s.mean) for row in rows],
    }
    if answer.table.hashed:
        columns["10-90 %"] = [_range(row.busbw_bytes_per_s, 1e-9) for row in rows]
    if answer.intact is not None:
        columns["intact"] = [
            _figure(1e-9 * row.busbw_bytes_per_s.mean) for row in answer.intact.rows
        ]
    columns["bound (us)"] = [_figure(1e6 * row.bound_s) for row in rows]
    exact = [row.exact_s for row in rows if row.exact_s is not None]
    if exact:
        columns["exact (us)"] = [_figure(1e6 * each.mean) for each in exact]
    return columns


def _print_jobs(answer: Answer, console: Console) -> None:
    largest = shown(max(answer.table.question.sizes_bytes))
    made = Table(
        title=f"Jobs at the same time; this job with {largest}",
        title_justify="left", title_style="bold", box=None,
    )  # fmt: skip
    for number, heading in enumerate(("job", "alone (us)", "together (us)", "slowdown")):
        made.add_column(heading, justify="right" if number else "left")
    for times in answer.jobs:
        made.add_row(
            times.name,
            _ranged(spread(times.alone_s), 1e6),
            _ranged(spread(times.together_s), 1e6),
            _ranged(spread(times.slowdown), 1.0),
        )
    _print_table(made, console)


def _ranged(values: Spread, scale: float) -> str:
    """Return the mean, and the range where there is one."""
    mean = _figure(scale * values.mean)
    return mean if values.low == values.high == values.mean else f"{mean} ({_range(values, scale)})"


def _range(values: Spread, scale: float) -> str:
    return f"{_figure(scale * values.low)}-{_figure(scale * values.high)}"


def _figure(value: float) -> str:
    """Return a number with four digits, whole from a thousand on."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
