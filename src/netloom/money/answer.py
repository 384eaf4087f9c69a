"""The money of a study: every candidate on the same draws, which is cheaper, and why.

Letters: D draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.catalog.prices import RentOffer
from netloom.cost.distribution import quantile
from netloom.cost.draws import Interval, Sampling, cheaper_probability, interval
from netloom.cost.openness import OpennessByPart, openness
from netloom.errors import ParameterError, nearest
from netloom.money.account import Account, Value
from netloom.money.inputs import Input, from_quantity, worst_first
from netloom.money.ledger import account_of
from netloom.money.rent import RentOrBuy, rent_or_buy
from netloom.resolve import Resolved
from netloom.result import Candidate, Range, StudyResult

#: Common share where a price book says none.
_USUAL_COMMON = 0.5


@dataclass(frozen=True)
class Swing:
    """What one input does to a sum while all others stay at their most likely values.

    Attributes
    ----------
    path, words : of the input.
    low_usd, high_usd : the sum with the input at its 10th and at its 90th percentile.
    """

    path: str
    words: str
    low_usd: float
    high_usd: float

    @property
    def width_usd(self) -> float:
        """Distance of the two sums."""
        return abs(self.high_usd - self.low_usd)


@dataclass(frozen=True)
class CandidateMoney:
    """One candidate's money.

    Attributes
    ----------
    name : as in the study.
    capex_usd : by part, and ``total``.
    network_capex_usd : NICs, switches, optics, cables and installation.
    run_usd : the run by part, and ``total``.
    planned_run_usd : what `netloom plan` ranks by: without capital, staff, hosting, spares.
    usd_per_trillion_tokens, usd_per_pflop_day, usd_per_accelerator_hour : of the run.
    rated_w, loaded_w, idle_w, network_w : IT power.
    days, goodput : length of the run, and the share of it that is progress.
    interruptions_per_month, network_failures_per_month : of the job; of switches and cables.
    openness : shares of the network's cost.
    swings : inputs by what they do to the run, the largest first.
    rents : renting instead, by offer.
    """

    name: str
    capex_usd: Mapping[str, Interval]
    network_capex_usd: Interval
    run_usd: Mapping[str, Interval]
    planned_run_usd: Range
    usd_per_trillion_tokens: Interval
    usd_per_pflop_day: Interval
    usd_per_accelerator_hour: Interval
    rated_w: Interval
    loaded_w: Interval
    idle_w: Interval
    network_w: Interval
    days: Interval
    goodput: Interval
    interruptions_per_month: Interval
    network_failures_per_month: Interval
    openness: OpennessByPart
    swings: tuple[Swing, ...]
    rents: tuple[RentOrBuy, ...]


@dataclass(frozen=True)
class Cheaper:
    """How often one candidate's run costs less than another's on the same draw.

    Attributes
    ----------
    first, second : names.
    probability : of `first` being the cheaper; ties count half.
    saved_usd : second less first.
    """

    first: str
    second: str
    probability: float
    saved_usd: Interval


@dataclass(frozen=True)
class MoneyAnswer:
    """The money of a study.

    Attributes
    ----------
    study : name.
    num_accelerators, tokens : of the run.
    sampling : draws, seed, common share.
    candidates : the cheapest first, by the median of the run.
    pairs : every pair of candidates, the cheaper one first.
    inputs : every number that a figure rests on, the weakest evidence first.
    scale_up : the scale-up protocol, its maker, and whether a standard defines it.
    """

    study: str
    num_accelerators: int
    tokens: float
    sampling: Sampling
    candidates: tuple[CandidateMoney, ...]
    pairs: tuple[Cheaper, ...]
    inputs: tuple[Input, ...]
    scale_up: str


def money_of(
    resolved: Resolved,
    result: StudyResult,
    *,
    network: str | None = None,
    num_draws: int = 10_000,
    seed: int = 0,
) -> MoneyAnswer:
    """Return the money of a study's candidates.

    Parameters
    ----------
    resolved, result : the study and its answer.
    network : name of the only candidate to show; all when None.
    num_draws : draws of every input.
    seed : of all draws; the same seed gives the same bits.

    Raises
    ------
    ParameterError
        When no candidate can carry the run, or none has that name.
    """
    chosen = _chosen(result, network)
    sampling = Sampling(num_draws, seed, common_fraction(resolved))
    accounts = {each.name: account_of(resolved, each) for each in chosen}
    rents = _offers(resolved)
    inputs: dict[str, Input] = {}
    for account in accounts.values():
        inputs |= account.inputs
    drawn = {path: each.draw(sampling) for path, each in inputs.items()}
    runs: dict[str, NDArray[np.float64]] = {
        name: _array(account.run_usd(drawn), num_draws) for name, account in accounts.items()
    }
    candidates = sorted(
        (
            _candidate(resolved, each, accounts[each.name], drawn, runs[each.name], rents, sampling)
            for each in chosen
        ),
        key=lambda each: (each.run_usd["total"].percentile_50, each.name),
    )
    rented = {offer.path: offer for offer in rents.values()}
    scale_up = resolved.scale_up
    standard = "an open standard" if scale_up.open_standard else "no open standard"
    return MoneyAnswer(
        study=resolved.study.name,
        num_accelerators=result.num_accelerators,
        tokens=result.tokens,
        sampling=sampling,
        candidates=tuple(candidates),
        pairs=_pairs([each.name for each in candidates], runs, accounts),
        inputs=worst_first((inputs | rented).values()),
        scale_up=f"{scale_up.title}: {scale_up.vendor}, {standard}",
    )


def _chosen(result: StudyResult, network: str | None) -> tuple[Candidate, ...]:
    if not result.candidates:
        reasons = "; ".join(f"{each.name}: {each.reason}" for each in result.refused)
        raise ParameterError(f"no candidate can carry the run, so none has a cost: {reasons}")
    if network is None:
        return result.candidates
    for refusal in result.refused:
        if refusal.name == network:
            raise ParameterError(f"{network} cannot carry the run: {refusal.reason}")
    found = tuple(each for each in result.candidates if each.name == network)
    if not found:
        names = [each.name for each in result.candidates]
        raise ParameterError(f"unknown network '{network}'", hint=nearest(network, names))
    return found


def common_fraction(resolved: Resolved) -> float:
    """Return the share of inputs' normal scores that factors set: the study's, or its book's."""
    said, books = resolved.study.economics.common, resolved.prices.common_fraction
    if said is not None:
        return said
    return _USUAL_COMMON if books is None else float(books)


def _offers(resolved: Resolved) -> dict[str, Input]:
    """Return the rents of the study's accelerator by their words: the user's, or the book's."""
    said, name = resolved.study.economics.rent, resolved.accelerator.name
    if said is not None:
        words = "rent of the study"
        return {
            words: Input(
                "study.economics.rent", words, Range(said, said, said), "money", "", "A", "",
                "quote of the user", (),
            )
        }  # fmt: skip
    offers: dict[str, Input] = {}
    for index, offer in enumerate(resolved.prices.rents):
        if offer.accelerator == name:
            words = _offer_words(offer)
            path = f"price-book/{resolved.prices.name}.rents[{index}].usd_per_hour"
            offers[words] = from_quantity(path, f"rent of {name}, {words}", offer.usd_per_hour)
    return offers


def _offer_words(offer: RentOffer) -> str:
    return f"{offer.term}, {offer.usd_per_hour.date}"


def _candidate(
    resolved: Resolved,
    candidate: Candidate,
    account: Account,
    drawn: Mapping[str, NDArray[np.float64]],
    run_usd: NDArray[np.float64],
    rents: Mapping[str, Input],
    sampling: Sampling,
) -> CandidateMoney:
    modes, num_draws = account.modes(), sampling.num_draws

    def seen(mode: Value, of_draws: Value) -> Interval:
        return interval(float(mode), _array(of_draws, num_draws))

    def parts(of_modes: Mapping[str, Value], of_draws: Mapping[str, Value]) -> dict[str, Interval]:
        found = {name: seen(of_modes[name], of_draws[name]) for name in of_modes}
        return found | {"total": seen(sum(of_modes.values()), sum(of_draws.values()))}

    bills = account.bill(modes), account.bill(drawn)
    draws_w = account.draw_w(modes), account.draw_w(drawn)
    failing = account.failing
    run_mode = float(account.run_usd(modes))
    num_accelerators = resolved.study.cluster.accelerators
    flops = candidate.model_flops_per_s_per_accelerator * num_accelerators * failing.steps_s
    hours = seen(
        run_mode / (num_accelerators * failing.run_s(modes) / 3600),
        run_usd / (num_accelerators * failing.run_s(drawn) / 3600),
    )
    tokens = resolved.study.goal.tokens / 1e12
    pflop_days = flops / (1e15 * 86400)
    network = next(each for each in resolved.networks if each.name == candidate.name)
    days = [failing.run_s(each) / 86400 for each in (modes, drawn)]
    months = [365.25 / 12 * failing.per_day(each, stops=True) for each in (modes, drawn)]
    return CandidateMoney(
        name=candidate.name,
        capex_usd=parts(account.capex(modes), account.capex(drawn)),
        network_capex_usd=seen(*(_network(bill) for bill in bills)),
        run_usd=parts(account.run(modes), account.run(drawn)),
        planned_run_usd=candidate.run_cost_usd,
        usd_per_trillion_tokens=seen(run_mode / tokens, run_usd / tokens),
        usd_per_pflop_day=seen(run_mode / pflop_days, run_usd / pflop_days),
        usd_per_accelerator_hour=hours,
        rated_w=seen(draws_w[0][0], draws_w[1][0]),
        loaded_w=seen(draws_w[0][1], draws_w[1][1]),
        idle_w=seen(draws_w[0][2], draws_w[1][2]),
        network_w=seen(account.network_w(modes), account.network_w(drawn)),
        days=seen(*days),
        goodput=seen(failing.effective(modes), failing.effective(drawn)),
        interruptions_per_month=seen(*months),
        network_failures_per_month=seen(
            failing.network_per_month(modes), failing.network_per_month(drawn)
        ),
        openness=openness(candidate.bom, network.protocol, network.link_bytes_per_s),
        swings=swings(account),
        rents=tuple(
            rent_or_buy(words, account, drawn, offer, num_accelerators, sampling)
            for words, offer in rents.items()
        ),
    )


def swings(account: Account) -> tuple[Swing, ...]:
    """Return what each input does to the run's cost, the widest first (a tornado)."""
    modes = account.modes()
    found = []
    for path, each in account.inputs.items():
        if each.value.low == each.value.high:
            continue
        ends = (
            float(account.run_usd(modes | {path: quantile(each.value, share)}))
            for share in (0.1, 0.9)
        )
        found.append(Swing(path, each.words, *ends))
    moving = (swing for swing in found if swing.width_usd > 0)
    return tuple(sorted(moving, key=lambda swing: (-swing.width_usd, swing.path)))


def _pairs(
    names: Sequence[str],
    runs: Mapping[str, NDArray[np.float64]],
    accounts: Mapping[str, Account],
) -> tuple[Cheaper, ...]:
    modes = {name: float(accounts[name].run_usd(accounts[name].modes())) for name in names}
    return tuple(
        Cheaper(
            first,
            second,
            cheaper_probability(runs[first], runs[second]),
            interval(modes[second] - modes[first], runs[second] - runs[first]),
        )
        for place, first in enumerate(names)
        for second in names[place + 1 :]
    )


def _network(bill: Mapping[str, Value]) -> Value:
    return sum(value for group, value in bill.items() if group != "nodes")


def _array(value: Value, num_draws: int) -> NDArray[np.float64]:
    return np.broadcast_to(np.asarray(value, dtype=np.float64), (num_draws,))
