"""Dollars of ways down a supply chain, added up by component and company, draw by draw.

Letters: D draws, S streams, K steps of all streams, M markets, P pairs of a market and a company,
N designs, R rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: Draws that are worked on together: what is touched again and again stays in the cache.
_BLOCK = 256

_ADDED, _SALES, _BOOKED, _OWN = 0, 1, 2, 3


class Streams(NamedTuple):
    """Dollars of one accelerator by way, all designs one after another.

    Attributes
    ----------
    usd : float64, shape (S, D).
    first : first stream of each design, and S: int64, shape (N + 1,).
    network : whether the part is of the network: bool, shape (S,).
    starts : first step of each stream, and K: int64, shape (S + 1,).
    steps : market of each step, the dollars end in a stream's last: int64, shape (K,).
    booked : whether the step's maker books it as a sale: bool, shape (K,).
    """

    usd: NDArray[np.float64]
    first: NDArray[np.int64]
    network: NDArray[np.bool_]
    starts: NDArray[np.int64]
    steps: NDArray[np.int64]
    booked: NDArray[np.bool_]


class Sellers(NamedTuple):
    """Who sells in each market; what pairs leave of a market is the last company's, others.

    Attributes
    ----------
    component : of each market: int64, shape (M,).
    first : first pair of each market, and P: int64, shape (M + 1,).
    company : of each pair: int64, shape (P,).
    sold : share of what is passed on to sellers further down: float64, shape (P, D).
    kept : share of what ends in the market: float64, shape (P, D).
    num_components, num_companies : rows of each kind.
    """

    component: NDArray[np.int64]
    first: NDArray[np.int64]
    company: NDArray[np.int64]
    sold: NDArray[np.float64]
    kept: NDArray[np.float64]
    num_components: int
    num_companies: int


@njit(cache=True)
def add_rows(
    streams: Streams,
    sellers: Sellers,
    bought: NDArray[np.float64],
    planned: NDArray[np.float64],
    of_year: NDArray[np.float64],
    of_designs: NDArray[np.float64],
    design_usd: NDArray[np.float64],
) -> None:
    """Add the dollars of a year to the sector's rows and to those of each design.

    Rows are: everything; the network; components by added value, then by sales; companies by added
    value, then by what they book.

    Parameters
    ----------
    bought : accelerators by design: float64, shape (N, D).
    planned : weight of the year in a design's own rows: float64, shape (N, D).
    of_year : added to: float64, shape (R, D).
    of_designs : added to: float64, shape (N, R, D).
    design_usd : set to the dollars of each design's accelerators, everything and the network:
        float64, shape (N, 2, D).
    """
    num_draws = streams.usd.shape[1]
    num_markets, num_rows = sellers.component.size, of_year.shape[0]
    sums = np.empty((4, num_markets, _BLOCK))
    rows = np.empty((num_rows, _BLOCK))
    used = np.empty(num_markets, np.bool_)
    for begin in range(0, num_draws, _BLOCK):
        num = min(_BLOCK, num_draws - begin)
        for design in range(streams.first.size - 1):
            rows[:, :num] = 0.0
            _market_sums(streams, design, begin, num, sums, used, rows)
            _company_rows(sellers, begin, num, sums, used, rows)
            now = bought[design, begin : begin + num]
            weight = planned[design, begin : begin + num]
            for row in range(num_rows):
                usd = rows[row, :num]
                if row < 2:
                    design_usd[design, row, begin : begin + num] = 0.0
                    _add_product(design_usd[design, row, begin : begin + num], now, usd)
                if usd.any():
                    _add_product(of_year[row, begin : begin + num], now, usd)
                    _add_product(of_designs[design, row, begin : begin + num], weight, usd)


@njit(cache=True)
def _market_sums(
    streams: Streams,
    design: int,
    begin: int,
    num: int,
    sums: NDArray[np.float64],
    used: NDArray[np.bool_],
    rows: NDArray[np.float64],
) -> None:
    """Fill a design's sums by market, and its first two rows."""
    used[:] = False
    for stream in range(streams.first[design], streams.first[design + 1]):
        usd = streams.usd[stream, begin : begin + num]
        last = streams.starts[stream + 1] - 1
        for step in range(streams.starts[stream], last + 1):
            market = streams.steps[step]
            if not used[market]:
                used[market] = True
                sums[:, market, :num] = 0.0
            _add(sums[_SALES, market, :num], usd)
            if streams.booked[step]:
                _add(sums[_BOOKED, market, :num], usd)
                if step == last:
                    _add(sums[_OWN, market, :num], usd)
        _add(sums[_ADDED, streams.steps[last], :num], usd)
        _add(rows[0, :num], usd)
        if streams.network[stream]:
            _add(rows[1, :num], usd)


@njit(cache=True)
def _company_rows(
    sellers: Sellers,
    begin: int,
    num: int,
    sums: NDArray[np.float64],
    used: NDArray[np.bool_],
    rows: NDArray[np.float64],
) -> None:
    """Fill the rows of components and companies from the sums by market."""
    by_sales = 2 + sellers.num_components
    companies = by_sales + sellers.num_components
    by_booking = companies + sellers.num_companies
    others = sellers.num_companies - 1
    work = np.empty((3, num))
    rest, rest_booked, passed = work[0], work[1], work[2]
    for market in range(sellers.component.size):
        if not used[market]:
            continue
        added, own = sums[_ADDED, market, :num], sums[_OWN, market, :num]
        booked = sums[_BOOKED, market, :num]
        component = sellers.component[market]
        _add(rows[2 + component, :num], added)
        _add(rows[by_sales + component, :num], sums[_SALES, market, :num])
        for at in range(num):
            rest[at] = added[at]
            rest_booked[at] = booked[at]
            passed[at] = booked[at] - own[at]
        for pair in range(sellers.first[market], sellers.first[market + 1]):
            kept = sellers.kept[pair, begin : begin + num]
            sold = sellers.sold[pair, begin : begin + num]
            company = sellers.company[pair]
            by_value, by_sale = rows[companies + company, :num], rows[by_booking + company, :num]
            for at in range(num):
                value = kept[at] * added[at]
                sale = kept[at] * own[at] + sold[at] * passed[at]
                by_value[at] += value
                by_sale[at] += sale
                rest[at] -= value
                rest_booked[at] -= sale
        _add(rows[companies + others, :num], rest)
        _add(rows[by_booking + others, :num], rest_booked)


@njit(cache=True)
def _add(to: NDArray[np.float64], usd: NDArray[np.float64]) -> None:
    for at in range(to.size):
        to[at] += usd[at]


@njit(cache=True)
def _add_product(
    to: NDArray[np.float64], number: NDArray[np.float64], usd: NDArray[np.float64]
) -> None:
    for at in range(to.size):
        to[at] += number[at] * usd[at]
