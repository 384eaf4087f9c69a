"""The folder that a command writes into, made before anything is computed."""

from __future__ import annotations

from pathlib import Path

from netloom.errors import ParameterError


def make_folder(folder: Path) -> None:
    """Make a folder for results.

    Raises
    ------
    ParameterError
        When it cannot be made, with the system's reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(
            f"cannot make the folder '{folder}': {error.strerror}",
            hint="give --out a folder that can be written",
        ) from None
