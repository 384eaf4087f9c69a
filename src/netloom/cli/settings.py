"""Options that several commands take: ``KEY=VALUE`` pairs, counts, seeds and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from netloom.errors import ParameterError


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Return ``key=value`` texts as a mapping.

    Parameters
    ----------
    texts : values of an option that may be repeated.
    option : its name, for errors.

    Examples
    --------
    >>> pairs(["hosts=16", "link-rate=400Gb/s"], "--set")
    {'hosts': '16', 'link_rate': '400Gb/s'}
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip().replace("-", "_")
        if not (equals and key and value.strip()):
            raise ParameterError(f"'{text}' sets nothing", hint=f"write {option} key=value")
        if key in found:
            raise ParameterError(f"{key} is set twice", hint=f"keep one {option} {key}=...")
        found[key] = value.strip()
    return found


def at_least_one(_: object, count: int | None) -> None:
    """Refuse a count below one, as a validator of a `cyclopts.Parameter`."""
    if count is not None and count < 1:
        raise ValueError("must be at least 1")


def at_most(most: int) -> Callable[[object, int], None]:
    """Return a validator of a `cyclopts.Parameter` that refuses counts outside 1 to `most`."""

    def check(_: object, count: int) -> None:
        if not 1 <= count <= most:
            raise ValueError(f"must be 1 to {most:,}")

    return check


def _seed(_: object, seed: int | None) -> None:
    if seed is None:
        return
    from netloom.schema.study import LARGEST_SEED

    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"a seed is 0 to {LARGEST_SEED}")


FirstSeed = Annotated[int, Parameter(validator=_seed)]
"""Seed of random draws, as an option."""

Seed = Annotated[int | None, Parameter(validator=_seed)]
"""Seed of random draws, as an option; None is the study's own."""


#: Fewer draws have no 10th percentile to speak of.
_LEAST_DRAWS = 100


def check_draws(draws: int) -> None:
    """Refuse a number of draws with which percentiles say nothing, or that memory does not hold."""
    from netloom.cost.draws import MOST_DRAWS

    if not _LEAST_DRAWS <= draws <= MOST_DRAWS:
        raise ParameterError(
            f"{draws:,} draws are " + ("too few" if draws < _LEAST_DRAWS else "too many"),
            hint=f"write {_LEAST_DRAWS} to {MOST_DRAWS:,}",
        )


def check_file(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is computed."""
    if path.is_dir():
        raise ParameterError(f"'{path}' is a folder", hint="name a file in it")
    if not path.parent.is_dir():
        raise ParameterError(f"there is no folder '{path.parent}'", hint="make it first")


def check_plot(plot: Path | None) -> None:
    """Refuse a picture that cannot be written, before anything is computed."""
    if plot is None:
        return
    check_file(plot)
    if plot.suffix.lower() != ".svg":
        raise ParameterError(
            f"pictures are SVG files, not '{plot.suffix or plot.name}'",
            hint=f"write {plot.with_suffix('.svg')}",
        )
