"""From a candidate's answer to its account: which inputs its money and its failures rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from netloom import catalog
from netloom.catalog.parts import Medium
from netloom.cost.bom import FIBRE
from netloom.cost.prices import Prices
from netloom.errors import ConservationError
from netloom.money.account import Account, Term
from netloom.money.failing import Cause, Failing
from netloom.money.inputs import AGE, POWER, Input, from_quantity, of_part, of_price, of_study
from netloom.resolve import Resolved, prices_of
from netloom.result import BomLine, Candidate
from netloom.units import DAY_S
from netloom.workload.parameters import count_parameters
from netloom.workload.shape import from_config

#: Numbers of a site that an account uses.
_SITE = (
    "electricity_usd_per_j", "pue", "maintenance_per_year", "depreciation_s",
    "installation_fraction", "node_spares_fraction", "network_spares_fraction",
    "loaded_power_fraction", "idle_power_fraction", "staff_usd_per_mw_year",
    "hosting_usd_per_kw_month", "capital_per_year",
)  # fmt: skip

#: Cause in a candidate's goodput -> rate of one part in the failure rates.
_RATES = {
    "accelerator": "accelerator_per_s", "node": "node_other_per_s", "nic": "nic_per_s",
    "software": "software_per_s",
}  # fmt: skip

#: Of the failure rates: what comes back after a failure takes, and what a checkpoint does.
_TIMES = ("detection_s", "restart_s", "checkpoint_bytes_per_parameter", "storage_bytes_per_s")


def account_of(resolved: Resolved, candidate: Candidate) -> Account:
    """Return the account of one candidate of a study."""
    prices = prices_of(resolved)
    inputs: dict[str, Input] = {}

    def uses(one: Input) -> str:
        inputs[one.path] = one
        return one.path

    bought = tuple(price_terms(resolved, candidate.bom, prices, uses))
    for each in [one.relative for one in inputs.values() if one.relative]:
        uses(each.base)
        uses(each.share)
    drawn = tuple(power_terms(resolved, candidate.bom, uses))
    for field in _SITE:
        uses(of_part("site-costs", resolved.site, field))
    account = Account(
        name=candidate.name,
        inputs=inputs,
        prices=bought,
        power=drawn,
        accelerator_share=_accelerator_share(resolved, candidate, uses),
        installation_factor=prices.factor("installation", "site/installation"),
        site=f"site-costs/{resolved.site.name}.",
        failing=failing_of(resolved, candidate, uses),
    )
    _check(account, candidate)
    return account


def price_terms(
    resolved: Resolved, bom: Sequence[BomLine], prices: Prices, uses: Callable[[Input], str]
) -> Iterator[Term]:
    """Yield what is bought, unit by unit; `uses` is told every input and returns its path."""
    node = resolved.node
    for key, change in resolved.study.economics.adjust.items():
        uses(of_study(f"economics.adjust.{key}", 1 + change, "fraction"))
    for line in bom:
        if line.group == "installation":
            continue
        factor = prices.factor(line.group, line.part)
        path = uses(of_price(prices, line.part))
        yield Term(line.group, path, line.quantity * factor)
        if line.group == "nodes":
            inside = uses(of_price(prices, f"nic/{node.nic}"))
            yield Term(line.group, inside, -line.quantity * factor * node.nics_per_node)


def power_terms(
    resolved: Resolved, bom: Sequence[BomLine], uses: Callable[[Input], str]
) -> Iterator[Term]:
    """Yield what draws power, unit by unit; `uses` is told every input and returns its path."""
    node = resolved.node
    for line in bom:
        if line.part == FIBRE or line.group == "installation" or not line.unit_power_w:
            continue
        kind, _, name = line.part.partition("/")
        part = catalog.get(kind, name)
        if not isinstance(part, Medium):
            path = uses(of_part(kind, part, "power_w", POWER if kind != "node" else ""))
            yield Term(line.group, path, line.quantity)
            if kind == "node":
                nic = uses(of_part("nic", catalog.get("nic", node.nic), "power_w", POWER))
                yield Term(line.group, nic, -line.quantity * node.nics_per_node)
            continue
        path = uses(of_part(kind, part, "power_per_end_w", POWER))
        # optics are bought by the end, whole cables have two
        yield Term(line.group, path, line.quantity * (1 if line.group == "optics" else 2))


def _accelerator_share(
    resolved: Resolved, candidate: Candidate, uses: Callable[[Input], str]
) -> float:
    """Return the accelerators' share of a node without NICs, at the most likely prices."""
    name, node = resolved.accelerator.name, resolved.node
    quantity = resolved.prices.accelerators.get(name)
    if quantity is None:
        return 0.0
    priced = from_quantity(
        f"price-book/{resolved.prices.name}.accelerators.{name}", f"price of {name}", quantity
    )
    bare = next(line for line in candidate.bom if line.group == "nodes").unit_usd.mode
    share = node.num_accelerators * priced.value.mode / bare
    if not 0 < share < 1:
        return 0.0  # the study's own price of the node leaves nothing to divide
    uses(priced)
    return share


def failing_of(resolved: Resolved, candidate: Candidate, uses: Callable[[Input], str]) -> Failing:
    """Return what failures do to a candidate; `uses` is told every input and returns its path."""
    rates, kept = resolved.rates, candidate.goodput
    modes: dict[str, float] = {}
    causes = []
    for stops, by_cause in (
        (True, kept.interruptions_per_day_by_cause),
        (False, kept.degradations_per_day_by_cause),
    ):
        for name, per_day in by_cause.items():
            rate = _rate(resolved, candidate, name)
            if rate is not None:
                modes[uses(rate)] = rate.value.mode
            causes.append(Cause(name, per_day, rate.path if rate else "", stops))
    times = [of_part("failure-rates", rates, field) for field in _TIMES]
    detection, restart, saved, storage = (uses(each) for each in times)
    uses(of_part("failure-rates", rates, "repair_s"))  # it shapes the candidate's own goodput
    interval_s = resolved.study.reliability.checkpoint_interval
    if interval_s is not None:
        uses(of_study("reliability.checkpoint_interval", interval_s, "time"))
    written = count_parameters(from_config(resolved.model_config, resolved.model_name)).total
    return Failing(
        causes=tuple(causes),
        modes=modes | {each.path: each.value.mode for each in times},
        steps_s=candidate.days_without_failures * DAY_S,
        effective_fraction=kept.effective_fraction,
        interval_s=interval_s,
        num_parameters=written,
        detection_path=detection,
        restart_path=restart,
        saved_path=saved,
        storage_path=storage,
    )


def _rate(resolved: Resolved, candidate: Candidate, cause: str) -> Input | None:
    """Return the rate of one part behind a cause; None where the catalogue has no range for it."""
    if cause in _RATES:
        age = "" if cause == "software" else AGE
        return of_part("failure-rates", resolved.rates, _RATES[cause], age)
    kind, _, rest = cause.partition(" ")
    if kind == "link" and rest.endswith(")"):
        medium = rest.rpartition("(")[2].removesuffix(")")
        return of_part("medium", catalog.get("medium", medium), "annual_failure_rate_per_end", AGE)
    if kind == "switch":
        for line in candidate.bom:
            if line.group == "switches" and line.used_in == rest:
                switch = catalog.get("switch", line.part.partition("/")[2])
                return of_part("switch", switch, "annual_failure_rate", AGE)
    return None


def _check(account: Account, candidate: Candidate) -> None:
    """Raise `ConservationError` where the account's groups are not those of the bill."""
    groups = account.bill(account.modes())
    for group in dict.fromkeys(line.group for line in candidate.bom):
        said = _group_usd(candidate.bom, group)
        found = float(groups.get(group, 0.0))
        if abs(found - said) > 0.005 + 1e-12 * abs(said):
            raise ConservationError(
                f"{candidate.name}: {group} is {said:.2f} US$ in the bill and {found:.2f} US$ here"
            )


def _group_usd(bom: tuple[BomLine, ...], group: str) -> float:
    return sum(line.total_usd.mode for line in bom if line.group == group)
