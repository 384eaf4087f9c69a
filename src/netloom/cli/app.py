"""The `netloom` command: its sub-commands by import path, and what an error looks like.

A command's module is imported only when it is called, and heavy imports stand inside functions, so
that ``netloom --help`` costs no more than the parser.
"""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from netloom import __version__
from netloom.errors import NetloomError, ParameterError

#: Command -> where its function or app stands, and its line in the help.
COMMANDS = {
    "plan": ("plan:plan", "Rank the candidate networks of a study."),
    "collective": (
        "collective:collective",
        "Price a collective at many sizes, in the columns of nccl-tests.",
    ),
    "step": ("step:step", "Predict one training step, and say where its time goes."),
    "cost": ("cost:cost", "Say what the candidates cost, how sure that is, and which is cheaper."),
    "balance": (
        "balance:balance",
        "Show what one more dollar in each part of a cluster buys in days to train.",
    ),
    "exposure": (
        "exposure:exposure",
        "Say which components and companies the money goes to, and what scenarios do to them.",
    ),
    "goodput": ("goodput:goodput", "Simulate whole runs under random failures."),
    "traffic": ("traffic:traffic", "Show what one training step puts on every link."),
    "validate": (
        "validate:validate",
        "Compute published numbers again and show the error of each.",
    ),
    "calibrate": ("calibrate:app", "Fit constants of the catalogue to your own measurements."),
    "catalog": ("catalog:app", "List the parts, and show each number with its source."),
    "fabric": ("fabric:app", "List the fabric families and their parameters."),
    "export": ("export:export", "Write a fabric and its traffic in another simulator's format."),
    "schema": ("schema:schema", "Print the JSON schema of a study file."),
}

app = App(
    name="netloom",
    help="Which network should carry this training run?",
    version=__version__,
)
for _name, (_path, _help) in COMMANDS.items():
    app.command(f"netloom.cli.commands.{_path}", name=_name, help=_help)


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Parameters
    ----------
    tokens : words after ``netloom``; those of the process when left out.

    Returns
    -------
    int
        0; 2 for wrong input; 3 when the question has no answer; what an error says otherwise.
    """
    _write_any_letter()
    try:
        code = app(tokens, exit_on_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError:
        return 2  # the parser has printed it
    except NetloomError as error:
        from netloom.cli.problems import print_error

        print_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # the reader has seen enough
        _silence_output()
        return 0
    except (OSError, csv.Error) as error:
        from netloom.cli.problems import print_error

        print_error(_file_error(error))
        _silence_output()
        return ParameterError.exit_code
    return code if isinstance(code, int) else 0


def _file_error(error: OSError | csv.Error) -> ParameterError:
    """Return what a file that cannot be read or written is refused with."""
    if isinstance(error, csv.Error):
        return ParameterError(
            f"a table is no CSV: {error}", hint="look for a quotation mark that is not closed"
        )
    return ParameterError(
        error.strerror or str(error),
        hint="free or unlock it, or name another file or folder",
        where=str(error.filename or ""),
    )


def _write_any_letter() -> None:
    """Make files and pipes UTF-8 whatever the locale says; a terminal shows what it can."""
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return
    if sys.stdout.isatty():
        sys.stdout.reconfigure(errors="replace")
    else:
        sys.stdout.reconfigure(encoding="utf-8")


def _silence_output() -> None:
    """Send what standard output does not take nowhere, so that the exit does not fail on it too."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
