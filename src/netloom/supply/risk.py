"""Revenue at risk: what base minus scenario does, line by line, on the same draws.

Letters: D draws, R rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.cost.draws import Interval

#: Shares of the base below which a scenario may fall: how often it does is told.
FALLS = (0.1, 0.25, 0.5)

_ENDS = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Risk:
    """What a scenario takes from one line; negative where the line gains.

    Attributes
    ----------
    base : dollars in the base.
    loss : base minus scenario.
    loss_fraction : the same over the base of the same draw; 0 where the base is nothing.
    falls : share of the base -> probability that the loss is larger than that share of it.
    """

    base: Interval
    loss: Interval
    loss_fraction: Interval
    falls: dict[float, float]


def intervals(modes: NDArray[np.float64], drawn: NDArray[np.float64]) -> Iterator[Interval]:
    """Yield the interval of each row.

    Parameters
    ----------
    modes : float64, shape (R,).
    drawn : float64, shape (R, D).

    Examples
    --------
    >>> next(intervals(np.array([5.0]), np.arange(11.0)[None]))
    Interval(mode=5.0, mean=5.0, percentile_10=1.0, percentile_50=5.0, percentile_90=9.0)
    """
    from netloom.kernels.row_statistics import row_statistics

    ranks, of_ranks = _percentiles(drawn.shape[1])
    means, found = row_statistics(drawn, ranks)
    yield from _told(modes, means, of_ranks(found))


def risks(
    before: Iterable[Interval],
    base: NDArray[np.float64],
    drawn: NDArray[np.float64],
    base_modes: NDArray[np.float64],
    modes: NDArray[np.float64],
) -> Iterator[Risk]:
    """Yield what a scenario takes from each row.

    Parameters
    ----------
    before : intervals of the base.
    base, drawn : of the base and of the scenario on the draws, float64, shape (R, D).
    base_modes, modes : the same at the most likely values, float64, shape (R,).

    Examples
    --------
    >>> one = np.array([[100.0, 100.0, 100.0, 100.0]])
    >>> two = np.array([[95.0, 80.0, 60.0, 40.0]])
    >>> found = next(risks(intervals(one[:, 0], one), one, two, one[:, 0], two[:, 1]))
    >>> found.loss.mode, round(found.loss_fraction.percentile_50, 6), found.falls
    (20.0, 0.3, {0.1: 0.75, 0.25: 0.5, 0.5: 0.25})
    """
    from netloom.kernels.row_statistics import loss_statistics

    ranks, of_ranks = _percentiles(drawn.shape[1])
    means, found, often = loss_statistics(base, drawn, ranks, np.array(FALLS))
    lost = base_modes - modes
    fraction = np.divide(lost, base_modes, out=np.zeros_like(lost), where=base_modes > 0)
    told = zip(
        before,
        _told(lost, means[0], of_ranks(found[0])),
        _told(fraction, means[1], of_ranks(found[1])),
        often.T,
        strict=True,
    )
    for usd, of_loss, of_fraction, chances in told:
        falls = dict(zip(FALLS, map(float, chances), strict=True))
        yield Risk(usd, of_loss, of_fraction, falls)


def _told(
    modes: NDArray[np.float64], means: NDArray[np.float64], ends: NDArray[np.float64]
) -> Iterator[Interval]:
    for mode, mean, *percentiles in zip(
        modes.tolist(), means.tolist(), *ends.tolist(), strict=True
    ):
        yield Interval(mode, mean, *percentiles)


def _percentiles(
    num_draws: int,
) -> tuple[NDArray[np.int64], Callable[[NDArray[np.float64]], NDArray[np.float64]]]:
    """Return the ranks that percentiles lie between, and what makes them of the ranks' values.

    The 10th, 50th and 90th percentile are those of `np.quantile`: linear between ranks.
    """
    last = num_draws - 1
    places = [share * last for share in _ENDS]
    below = [int(place) for place in places]
    ranks = sorted({rank for each in below for rank in (each, min(each + 1, last))})

    def of_ranks(found: NDArray[np.float64]) -> NDArray[np.float64]:
        left = found[[ranks.index(each) for each in below]]
        right = found[[ranks.index(min(each + 1, last)) for each in below]]
        weights = np.array(places) - np.array(below)
        return left + weights[:, None] * (right - left)

    return np.array(ranks), of_ranks
