"""A design's bill of materials with the uncertain inputs that its prices are made of.

Prices are the inputs of `netloom cost`, by the same paths: what two designs buy is drawn once for
both, and a bill's draws are that command's capex without spares in stock.

A book of market prices has what resellers and integrators ask; the shares of components are shares
of what makers are paid. Where a book names the contract book of the same parts, the part of a price
above the contract's is `RESALE`, at the most likely prices of both, and the maker's chain begins
below it. A study's own quote is what its maker is paid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from netloom import catalog
from netloom.cost.draws import Interval, Sampling, interval
from netloom.cost.prices import Prices
from netloom.errors import ConservationError, ParameterError, nearest
from netloom.money.account import INSTALLED, Term, Value, Values
from netloom.money.answer import common_fraction
from netloom.money.inputs import Input, of_part
from netloom.money.ledger import price_terms
from netloom.resolve import Resolved, prices_of
from netloom.result import BomLine, Candidate, StudyResult

#: Part of the bill that is labour.
INSTALLATION = "site/installation"

#: What resellers and integrators add to the prices of parts, as a part of its own.
RESALE = "resale/margin"

_HALF_CENT_USD = 0.005


@dataclass(frozen=True)
class Bill:
    """One design that is bought.

    Attributes
    ----------
    name : of the candidate network.
    num_accelerators : that it connects.
    lines : of the bill of materials.
    terms : what each line's price is a sum of; empty for installation.
    installation_factor : the study's change of installation; 1 for none.
    installation_path : of the input that says what share of the network installation is.
    installed : terms of the parts that installation is a share of.
    inputs : every input of the terms, by path.
    makers_fraction : share of a part's price that its maker is paid, where it is below 1.
    """

    name: str
    num_accelerators: int
    lines: tuple[BomLine, ...]
    terms: tuple[tuple[Term, ...], ...]
    installation_factor: float
    installation_path: str
    installed: tuple[Term, ...]
    inputs: Mapping[str, Input]
    makers_fraction: Mapping[str, float] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        """What is bought, in order of appearance, and `RESALE` where resellers take a part."""
        bought = dict.fromkeys(line.part for line in self.lines)
        return (*bought, RESALE) if self.makers_fraction else tuple(bought)

    @property
    def total_usd(self) -> float:
        """The bill at the most likely prices, US$."""
        return math.fsum(line.total_usd.mode for line in self.lines)

    @property
    def modes(self) -> dict[str, Value]:
        """Every input at its most likely value."""
        return {path: each.value.mode for path, each in self.inputs.items()}

    def usd(self, values: Values) -> dict[str, Value]:
        """Return what the makers of all units are paid by part, and `RESALE`, US$.

        Parameters
        ----------
        values : of the inputs by path, floats or float64 of shape (D,).
        """
        found: dict[str, Value] = dict.fromkeys(self.parts, 0.0)
        for line, terms in zip(self.lines, self.terms, strict=True):
            price = self._installation(values) if line.part == INSTALLATION else _sum(terms, values)
            makers = self.makers_fraction.get(line.part, 1.0)
            found[line.part] = found[line.part] + makers * price
            if makers < 1:
                found[RESALE] = found[RESALE] + (1 - makers) * price
        return found

    def _installation(self, values: Values) -> Value:
        share = values[self.installation_path]
        return self.installation_factor * share * _sum(self.installed, values)


def bill_of(resolved: Resolved, candidate: Candidate) -> Bill:
    """Return the bill of one candidate of a study.

    Raises
    ------
    ConservationError
        When the inputs do not add up to a line of the candidate's bill.
    """
    prices = prices_of(resolved)
    inputs: dict[str, Input] = {}

    def uses(one: Input) -> str:
        inputs[one.path] = one
        return one.path

    terms = tuple(tuple(price_terms(resolved, (line,), prices, uses)) for line in candidate.bom)
    bill = Bill(
        name=candidate.name,
        num_accelerators=resolved.study.cluster.accelerators,
        lines=candidate.bom,
        terms=terms,
        installation_factor=prices.factor("installation", INSTALLATION),
        installation_path=uses(of_part("site-costs", resolved.site, "installation_fraction")),
        installed=tuple(term for line in terms for term in line if term.group in INSTALLED),
        inputs=inputs,
        makers_fraction=dict(_makers_fractions(prices, candidate.bom)),
    )
    _check(bill)
    return bill


def bills_of(
    resolved: Resolved, result: StudyResult, networks: Sequence[str] | None = None
) -> dict[str, Bill]:
    """Return the bills of a study's candidates by name.

    Parameters
    ----------
    resolved, result : the study and its answer.
    networks : names of the candidates, the one that others are compared with first; when None all
        that can carry the run, in the order of the study.

    Raises
    ------
    ParameterError
        When no candidate can carry the run, or one that is asked for cannot or is unknown.
    """
    found = {each.name: each for each in result.candidates}
    refused = {each.name: each.reason for each in result.refused}
    if not found:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
        raise ParameterError(f"no candidate can carry the run, so none has a bill: {reasons}")
    if networks is None:
        networks = [each.name for each in resolved.networks if each.name in found]
    for name in networks:
        if name in refused:
            raise ParameterError(f"{name} cannot carry the run: {refused[name]}")
        if name not in found:
            raise ParameterError(f"unknown network '{name}'", hint=nearest(name, found))
    return {name: bill_of(resolved, found[name]) for name in networks}


def network_of(bill: Bill) -> Bill:
    """Return a bill without its nodes: NICs, switches, optics, cables and their installation."""
    both = list(zip(bill.lines, bill.terms, strict=True))
    kept = [(line, terms) for line, terms in both if line.group != "nodes"]
    used = {term.path for _, terms in kept for term in terms}
    unused = {term.path for _, terms in both for term in terms} - used
    return replace(
        bill,
        lines=tuple(line for line, _ in kept),
        terms=tuple(terms for _, terms in kept),
        inputs={path: each for path, each in bill.inputs.items() if path not in unused},
        makers_fraction={
            line.part: bill.makers_fraction[line.part]
            for line, _ in kept
            if line.part in bill.makers_fraction
        },
    )


def total_of(bill: Bill, sampling: Sampling) -> Interval:
    """Return what a bill adds up to on the draws, US$."""
    values = {path: each.draw(sampling) for path, each in bill.inputs.items()}
    usd = sum(bill.usd(values).values(), np.zeros(sampling.num_draws))
    return interval(bill.total_usd, np.asarray(usd))


def sampling_of(resolved: Resolved, num_draws: int, seed: int) -> Sampling:
    """Return how `netloom cost` draws a study's inputs.

    Parameters
    ----------
    resolved : the study.
    num_draws : draws of every input.
    seed : of all draws.
    """
    return Sampling(num_draws, seed, common_fraction(resolved))


def _sum(terms: Sequence[Term], values: Values) -> Value:
    total: Value = 0.0
    for term in terms:
        total = total + term.coefficient * values[term.path]
    return total


def _makers_fractions(prices: Prices, bom: Sequence[BomLine]) -> Iterator[tuple[str, float]]:
    """Yield the parts of a bill that cost less by contract, with the contract's share."""
    book = prices.book
    if not book.contract_book:
        return
    contract = catalog.get("price-book", book.contract_book)
    for part in dict.fromkeys(line.part for line in bom):
        if part in book.prices and part in contract.prices and part not in prices.quotes:
            fraction = float(contract.prices[part]) / float(book.prices[part])
            if fraction < 1:
                yield part, fraction


def _check(bill: Bill) -> None:
    """Raise `ConservationError` where the inputs do not add up to the lines."""
    paid = math.fsum(float(usd) for usd in bill.usd(bill.modes).values())
    if abs(paid - bill.total_usd) > _HALF_CENT_USD + 1e-12 * bill.total_usd:
        raise ConservationError(
            f"{bill.name}: {bill.total_usd:.2f} US$ in the bill and {paid:.2f} US$ here"
        )
    said: dict[str, float] = {}
    for line in bill.lines:
        makers = bill.makers_fraction.get(line.part, 1.0)
        said[line.part] = said.get(line.part, 0.0) + makers * line.total_usd.mode
    found = bill.usd(bill.modes)
    for part, usd in said.items():
        if abs(float(found[part]) - usd) > _HALF_CENT_USD + 1e-12 * abs(usd):
            raise ConservationError(
                f"{bill.name}: {part} is {usd:.2f} US$ in the bill and {found[part]:.2f} US$ here"
            )
