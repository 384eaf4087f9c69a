"""How far netloom's steps are from measured ones of similar runs, as an interval for a new step.

``catalog/data/step-residuals.yaml`` holds quantiles of measured over predicted seconds of the
published test rows, none of which a constant was fitted to. The module
`netloom.validation.step_residuals` writes it, and a test holds it to what validation finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import yaml

from netloom.catalog.load import DATA

FILE = DATA / "step-residuals.yaml"

#: Fewer rows than this say little about a tenth and nine tenths.
FEWEST_ROWS = 8

#: Beginning of an accelerator's catalogue name -> generation.
_GENERATIONS = {"a100": "ampere", "h": "hopper", "b": "blackwell", "gb": "blackwell"}


@dataclass(frozen=True)
class Kind:
    """What makes two runs similar; None stands for any.

    Attributes
    ----------
    generation : of the accelerator.
    narrow : whether matrix products are of 8 bits or fewer.
    experts : whether the model has experts.
    """

    generation: str | None
    narrow: bool | None
    experts: bool | None

    @property
    def words(self) -> str:
        """The kind in words.

        >>> Kind("hopper", True, False).words
        'dense models, hopper, 8 bits or fewer'
        """
        named = (
            {None: "all models", True: "models with experts", False: "dense models"}[self.experts],
            self.generation,
            {None: None, True: "8 bits or fewer", False: "16 bits"}[self.narrow],
        )
        return ", ".join(filter(None, named))


@dataclass(frozen=True)
class Residuals:
    """Measured over predicted seconds of a kind of run.

    Attributes
    ----------
    low, middle, high : the tenth, half and nine tenths of the rows are below.
    """

    kind: Kind
    num_rows: int
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Interval:
    """Where eight of ten measured steps of similar runs lie, scaled to one step."""

    low_s: float
    high_s: float
    of: Residuals


def generation_of(accelerator: str) -> str:
    """Return the generation of an accelerator by its catalogue name; its name when unknown.

    Examples
    --------
    >>> generation_of("h800-sxm"), generation_of("gb200"), generation_of("mi300x")
    ('hopper', 'blackwell', 'mi300x')
    """
    for start, generation in _GENERATIONS.items():
        if accelerator.startswith(start):
            return generation
    return accelerator


def kinds_of(accelerator: str, narrow: bool, experts: bool) -> Iterator[Kind]:
    """Yield the kinds that a run is of, the most similar first."""
    generation = generation_of(accelerator)
    yield Kind(generation, narrow, experts)
    yield Kind(generation, None, experts)
    yield Kind(None, None, experts)
    yield Kind(None, None, None)


@cache
def shipped() -> dict[Kind, Residuals]:
    """Return the residuals that come with netloom, by kind."""
    rows = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    found = {}
    for row in rows:
        kind = Kind(row["generation"], row["narrow"], row["experts"])
        found[kind] = Residuals(kind, row["rows"], row["low"], row["middle"], row["high"])
    return found


def interval(step_s: float, accelerator: str, narrow: bool, experts: bool) -> Interval:
    """Return where a step is to be expected, from the most similar runs that are enough.

    Parameters
    ----------
    narrow : whether matrix products are of 8 bits or fewer.
    experts : whether the model has experts.
    """
    known = shipped()
    of = next(known[kind] for kind in kinds_of(accelerator, narrow, experts) if kind in known)
    return Interval(step_s * of.low, step_s * of.high, of)
