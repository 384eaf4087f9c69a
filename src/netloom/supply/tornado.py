"""What each input and driver does to the sector while all others stay at their most likely values.

All inputs are moved at once: an evaluation on 1 + 2N "draws", the first with every input at its
mode, then two for each of N inputs, with that input alone at its 10th and 90th percentile. So the
same code answers as for random draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from netloom.cost.distribution import check, quantile
from netloom.cost.draws import Sampling
from netloom.money.answer import Swing
from netloom.result import Range
from netloom.supply.rows import Line, Lines

#: Percentiles at which an input is put.
ENDS = (0.1, 0.9)

#: Swing below which, over the sum, an input does nothing but round differently.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Modes(Sampling):
    """Every input at its most likely value; what is asked for is written down.

    Attributes
    ----------
    asked : range of each input that was drawn, by name.

    Examples
    --------
    >>> Modes(2, 0, 0.0).draw("a price", Range(1.0, 3.0, 8.0))
    array([3., 3.])
    """

    asked: dict[str, Range] = field(default_factory=dict)

    def draw(self, name: str, uncertain: Range, factor: str = "") -> NDArray[np.float64]:
        """Return the most likely value, float64, shape (num_draws,)."""
        check(uncertain, name)
        self.asked[name] = uncertain
        return np.full(self.num_draws, uncertain.mode)


@dataclass(frozen=True)
class OneAtATime(Modes):
    """Every input at its most likely value but on two draws of its own.

    Attributes
    ----------
    places : number of each input that moves, by name.

    Examples
    --------
    >>> OneAtATime(5, 0, 0.0, places={"a price": 1}).draw("a price", Range(0.0, 5.0, 10.0))
    array([5.        , 5.        , 5.        , 2.23606798, 7.76393202])
    """

    places: Mapping[str, int] = field(default_factory=dict)

    def draw(self, name: str, uncertain: Range, factor: str = "") -> NDArray[np.float64]:
        """Return modes, and the two percentiles at the input's own draws."""
        drawn = super().draw(name, uncertain, factor)
        place = self.places.get(name)
        if place is not None:
            drawn[1 + 2 * place : 3 + 2 * place] = [quantile(uncertain, share) for share in ENDS]
        return drawn


def moving(modes: Modes) -> OneAtATime:
    """Return a sampling that moves each input with a range that another was asked for.

    Examples
    --------
    >>> modes = Modes(1, 0, 0.0)
    >>> _ = modes.draw("fixed", Range(1.0, 1.0, 1.0)), modes.draw("free", Range(1.0, 2.0, 3.0))
    >>> moving(modes).places
    {'free': 0}
    """
    free = [name for name, each in modes.asked.items() if each.low < each.high]
    places = {name: place for place, name in enumerate(free)}
    return OneAtATime(1 + 2 * len(free), 0, 0.0, places=places)


@dataclass(frozen=True)
class Tornado:
    """Dollars of all years with one input moved at a time.

    Attributes
    ----------
    base : name of the base.
    lines : rows.
    places : number of each input that moves.
    words : what each input is, by path.
    rows : by scenario, the base too: float64, shape (R, 1 + 2N), US$.
    """

    base: str
    lines: Lines
    places: Mapping[str, int]
    words: Mapping[str, str]
    rows: Mapping[str, NDArray[np.float64]]

    def swings(self, line: Line, scenario: str = "", *, loss: bool = False) -> tuple[Swing, ...]:
        """Return what each input does to a line over all years, the widest swing first.

        Parameters
        ----------
        line : of `lines`, such as ``Line("sector", "network", "added")``.
        scenario : the base when empty.
        loss : whether base minus scenario is meant, instead of the scenario's dollars.
        """
        row = self.lines.place(line)
        usd = self.rows[scenario or self.base][row]
        if loss:
            usd = self.rows[self.base][row] - usd
        found = (
            Swing(name, self.words.get(name, name), *map(float, usd[1 + 2 * at : 3 + 2 * at]))
            for name, at in self.places.items()
        )
        moved = (each for each in found if each.width_usd > _NOTHING * abs(float(usd[0])))
        return tuple(sorted(moved, key=lambda each: (-each.width_usd, each.path)))
