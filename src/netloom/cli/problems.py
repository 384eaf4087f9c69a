"""Errors on the standard error stream: where, what is wrong, and on the next line the way out."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from netloom.errors import NetloomError, ParameterError, Problem, StudyError


def print_error(error: NetloomError) -> None:
    """Print an error; colours appear on a terminal only and carry no meaning of their own."""
    console = Console(stderr=True, highlight=False, markup=False)
    if isinstance(error, StudyError):
        problems: tuple[Problem, ...] = error.problems
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        file = f" in {problems[0].file}" if problems[0].file else ""
        console.print(Text(count + file, style="bold red"), soft_wrap=True)
    elif isinstance(error, ParameterError):
        problems = (error.problem,)
    else:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        return
    for problem in problems:
        console.print(problem_text(problem), soft_wrap=True)


def problem_text(problem: Problem) -> Text:
    """Return one problem as ``file:line:column: where: message`` with its hint below."""
    text = Text()
    if problem.line:
        text.append(f"{problem.file}:{problem.line}:{problem.column}: ", style="bold")
    elif problem.file:
        text.append(f"{problem.file}: ", style="bold")
    if problem.where:
        text.append(f"{problem.where}: ", style="cyan")
    text.append(problem.message)
    if problem.hint:
        text.append(f"\n    {problem.hint}", style="green")
    return text
