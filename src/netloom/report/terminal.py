"""The answer as a table in the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from netloom import units
from netloom.money.trace import Traced
from netloom.report.sources import trace_lines
from netloom.result import Candidate, Range, StudyResult

#: Parts of a step: field of `StepParts` without ``_s``, label, colour, letter for plain output.
_PARTS = (
    ("compute", "compute", "bright_black", "#"), ("tensor", "tensor", "blue", "t"),
    ("context", "context", "cyan", "c"), ("expert", "expert", "magenta", "e"),
    ("pipeline", "pipeline", "green", "p"), ("data", "data", "red", "d"),
    ("bubble", "bubble", "yellow", "b"), ("optimizer", "optimizer", "bright_magenta", "o"),
    ("straggler", "stragglers", "bright_yellow", "s"),
)  # fmt: skip
_BAR_CELLS = 40
#: Columns of the ranking, and the least width of the console at which each is shown: cut short, a
#: table would lose the names first.
_COLUMNS = {
    "days": 0, "step s": 0, "MFU %": 76, "goodput %": 76, "network M$": 0, "low-high": 120,
    "total M$": 120, "network MW": 88, "switches": 98,
}  # fmt: skip


def print_result(result: StudyResult, console: Console, top: int | None = None) -> None:
    """Print ranking, what limits each candidate, the verdict, refusals and weak inputs.

    Parameters
    ----------
    result : the answer.
    console : where to; colours and Unicode are used only if it has them.
    top : number of candidates shown; all when left out.
    """
    shown = result.candidates[:top]
    console.print(
        f"[bold]{_safe(result.study)}[/]  {_safe(result.model)}, "
        f"{result.num_accelerators:,} accelerators, {units.show(result.tokens, 'count')} tokens, "
        f"batch {result.batch_sequences:,} x {result.sequence:,}, {result.precision}",
        highlight=False,
    )
    if shown:
        console.print(_ranking(shown, console))
        console.print(_limits(shown, result, console))
    if len(shown) < len(result.candidates):
        console.print(
            f"{len(result.candidates) - len(shown)} more candidates not shown", style="dim"
        )
    console.print(Text(result.verdict, style="bold"))
    for refusal in result.refused:
        console.print(
            Text.assemble(("refused ", "red"), (refusal.name, "bold"), f": {refusal.reason}")
        )
    weak = len(result.low_grade_inputs)
    if weak:
        console.print(
            Text(
                f"The answer rests on {weak} input{'s' if weak > 1 else ''} with weak evidence: "
                + "; ".join(result.low_grade_inputs[:3])
                + (f"; and {weak - 3} more" if weak > 3 else ""),
                style="dim",
            )
        )


def _safe(content: str) -> str:
    """Return text that rich will not read as markup."""
    from rich.markup import escape

    return escape(content)


def _plain(console: Console) -> bool:
    return not console.is_terminal


def print_sources(traced: Iterable[Traced], num_networks: int, console: Console) -> None:
    """Print every number behind money, power and failures, the weakest evidence first."""
    console.print(
        "",
        "[bold]Every number of money, power and failures, the weakest evidence first[/]",
        sep="\n",
    )
    for line in trace_lines(traced, num_networks):
        console.print(Text(f"- {line}"), soft_wrap=True)


def _ranking(shown: tuple[Candidate, ...], console: Console) -> Table:
    style = box.MARKDOWN if _plain(console) else box.SIMPLE_HEAD
    table = Table(box=style, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("#", justify="right")
    table.add_column("network", overflow="fold", min_width=18)
    headings = [heading for heading, least in _COLUMNS.items() if console.width >= least]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for candidate in shown:
        cells = _cells(candidate)
        table.add_row(
            str(candidate.rank), Text(candidate.name), *(cells[heading] for heading in headings),
            style="bold green" if candidate.rank == 1 else None,
        )  # fmt: skip
    return table


def _cells(candidate: Candidate) -> dict[str, str]:
    """Return a candidate's figures by the headings of `_COLUMNS`."""
    network = candidate.network_capex_usd
    return {
        "days": f"{candidate.days:.1f}",
        "step s": f"{candidate.step_s:.3f}",
        "MFU %": f"{100 * candidate.mfu:.1f}",
        "goodput %": f"{100 * candidate.goodput.effective_fraction:.1f}",
        "network M$": _millions(network.mode),
        "low-high": _range(network),
        "total M$": _millions(candidate.total_capex_usd.mode),
        "network MW": f"{candidate.network_power_w / 1e6:.3f}",
        "switches": f"{sum(candidate.counts.switches.values()):,}",
    }


def _range(sum_usd: Range) -> str:
    return f"{_millions(sum_usd.low)}-{_millions(sum_usd.high)}"


def _millions(usd: float) -> str:
    """Return millions of dollars with three digits, whole from a hundred on."""
    millions = usd / 1e6
    decimals = 0 if millions >= 100 else 1 if millions >= 10 else 2
    return f"{millions:,.{decimals}f}"


def _limits(shown: tuple[Candidate, ...], result: StudyResult, console: Console) -> Table:
    """Return plan, bar of the step and limit of each candidate, and the legend of the bar."""
    longest_s = max(candidate.step_s for candidate in shown)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right")
    grid.add_column(overflow="fold")
    used: set[str] = set()
    for candidate in shown:
        bar, parts = _bar(candidate, longest_s, _plain(console))
        used |= parts
        grid.add_row(
            str(candidate.rank),
            Text.assemble(bar, f" {candidate.step_s:.2f} s  ", (str(candidate.plan), "cyan")),
        )
        grid.add_row("", Text(candidate.limit, style="italic"))
        for warning in candidate.warnings:
            grid.add_row("", Text(f"note: {warning}", style="yellow"))
    legend = Text()
    for name, label, colour, letter in _PARTS:
        if name in used:
            legend.append(letter if _plain(console) else "█", style=colour)
            legend.append(f" {label}  ", style="dim")
    grid.add_row("", Padding(legend, (0, 0, 1, 0)))
    return grid


def _bar(candidate: Candidate, longest_s: float, plain: bool) -> tuple[Text, set[str]]:
    """Return the step as a bar and the parts that got a cell; cells add up by largest remainder."""
    values = [getattr(candidate.parts, f"{name}_s") for name, *_ in _PARTS]
    exact = [value / longest_s * _BAR_CELLS if longest_s else 0.0 for value in values]
    cells = [int(value) for value in exact]
    missing = round(sum(exact)) - sum(cells)
    order = sorted(range(len(exact)), key=lambda index: cells[index] - exact[index])
    for index in order[:missing]:
        cells[index] += 1
    bar, used = Text(), set()
    for (name, _, colour, letter), count in zip(_PARTS, cells, strict=True):
        if count:
            used.add(name)
            bar.append((letter if plain else "█") * count, style=colour)
    bar.append(" " * (_BAR_CELLS - sum(cells)))
    return bar, used
