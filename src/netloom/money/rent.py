"""Rent or buy: what the same accelerator hours cost from someone else, and when that is cheaper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.cost.draws import Interval, Sampling, cheaper_probability, interval
from netloom.money.account import Account
from netloom.money.inputs import Input


@dataclass(frozen=True)
class RentOrBuy:
    """One offer against buying.

    Attributes
    ----------
    offer : term and date.
    usd_per_hour : of one accelerator.
    rent_usd : the whole run; as many accelerators, as long.
    buy_probability : of buying being the cheaper, on the same draws.
    break_even_fraction : share of its life that a bought cluster must be in use to be as cheap, at
        the most likely values; above 1 renting is cheaper at any use.
    """

    offer: str
    usd_per_hour: Interval
    rent_usd: Interval
    buy_probability: float
    break_even_fraction: float


def rent_or_buy(
    words: str,
    account: Account,
    drawn: Mapping[str, NDArray[np.float64]],
    offer: Input,
    num_accelerators: int,
    sampling: Sampling,
) -> RentOrBuy:
    """Return an offer against buying.

    Notes
    -----
    A rented hour has network, power and people in it. A bought cluster that is in use for a share u
    of its life spreads what does not stop (all but energy) over fewer hours; with fixed cost F and
    energy E of the run, and rent R for it, buying is as cheap at u = F / (R - E).
    """
    modes = account.modes()
    hours_mode = num_accelerators * float(account.failing.run_s(modes)) / 3600
    hours = num_accelerators * np.asarray(account.failing.run_s(drawn)) / 3600
    usd_per_hour = offer.draw(sampling)
    rent_mode, rent_usd = hours_mode * offer.value.mode, hours * usd_per_hour
    parts = account.run(modes)
    energy = float(parts["energy"])
    fixed = float(sum(parts.values())) - energy
    left = rent_mode - energy
    return RentOrBuy(
        offer=words,
        usd_per_hour=interval(offer.value.mode, usd_per_hour),
        rent_usd=interval(rent_mode, rent_usd),
        buy_probability=cheaper_probability(np.asarray(account.run_usd(drawn)), rent_usd),
        break_even_fraction=fixed / left if left > 0 else float("inf"),
    )
