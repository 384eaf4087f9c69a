"""Shadow prices: what more of a resource is worth that nobody sells by the piece.

The resource is changed by one percent in the model and the best plan is searched again. Where
another resource holds the step a percent is worth nothing, though twice as much may make another
plan the best; so that is tried too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from netloom.catalog.parts import Part
from netloom.catalog.quantity import Quantity
from netloom.errors import NetloomError
from netloom.resolve import Resolved

_PERCENT, _DOUBLE = 1.01, 2.0

_AnyPart = TypeVar("_AnyPart", bound=Part)


@dataclass(frozen=True)
class ShadowPrice:
    """What more of a resource is worth.

    Attributes
    ----------
    resource : in words.
    saved_days : of the run, by one percent more of it, or one percent less of what is a burden.
    worth_usd : the same at what a day of the run costs.
    doubled_saved_days, doubled_worth_usd : by twice of it, or half of what is a burden.
    """

    resource: str
    saved_days: float
    worth_usd: float
    doubled_saved_days: float
    doubled_worth_usd: float


@dataclass(frozen=True)
class LargerDomain:
    """What larger scale-up domains that nobody sells would be worth.

    Attributes
    ----------
    num_accelerators : of one domain.
    saved_days : of the run.
    worth_usd : the same at what a day of the run costs.
    """

    num_accelerators: int
    saved_days: float
    worth_usd: float


def shadow_price(
    resource: str,
    more: Callable[[float], Resolved],
    days: float,
    day_usd: float,
    days_of: Callable[[Resolved], float],
) -> ShadowPrice:
    """Return what more of one resource is worth.

    Parameters
    ----------
    resource, more : one of `resources_of`.
    days, day_usd : of the run as it is, and what a day of it costs.
    days_of : of a changed study with its best plan.
    """
    percent, double = (days - days_of(more(factor)) for factor in (_PERCENT, _DOUBLE))
    return ShadowPrice(resource, percent, percent * day_usd, double, double * day_usd)


def resources_of(resolved: Resolved) -> dict[str, Callable[[float], Resolved]]:
    """Return what gives a study with so many times as much of a resource, by its name."""
    accelerator, network, rates = resolved.accelerator, resolved.networks[0], resolved.rates
    protocol = network.protocol

    def flops(factor: float) -> Resolved:
        peaks = {name: _times(peak, factor) for name, peak in accelerator.peak_flops_per_s.items()}
        changed = accelerator.model_copy(update={"peak_flops_per_s": peaks})
        return replace(resolved, accelerator=changed)

    def memory(factor: float) -> Resolved:
        return replace(resolved, accelerator=_scaled(accelerator, "hbm_bytes_per_s", factor))

    def scale_up(factor: float) -> Resolved:
        return replace(resolved, scale_up=_scaled(resolved.scale_up, "bytes_per_s", factor))

    def rate(factor: float) -> Resolved:
        faster = _scaled(protocol, "transport_efficiency", factor)
        return replace(resolved, networks=(replace(network, protocol=faster),))

    def latency(factor: float) -> Resolved:
        nearer = _scaled(protocol, "base_latency_s", 1 / factor)
        nearer = _scaled(nearer, "hop_latency_s", 1 / factor)
        return replace(resolved, networks=(replace(network, protocol=nearer),))

    def failures(factor: float) -> Resolved:
        changed = rates
        for field in ("accelerator_per_s", "node_other_per_s", "nic_per_s", "software_per_s"):
            changed = _scaled(changed, field, 1 / factor)
        return replace(resolved, rates=changed)

    return {
        "FLOP/s of an accelerator": flops,
        "memory bandwidth": memory,
        "scale-up rate": scale_up,
        "network rate, hosts to cores": rate,
        "network latency": latency,
        "failures outside the network": failures,
    }


def larger_domain(
    resolved: Resolved, days: float, day_usd: float, days_of: Callable[[Resolved], float]
) -> LargerDomain | None:
    """Return what domains twice as large would be worth; None where the network cannot have them.

    Only the domain changes: its rate, the nodes and their price stay.
    """
    node = resolved.node
    larger = node.model_copy(update={"scale_up_domain": 2 * node.scale_up_domain})
    try:
        saved = days - days_of(replace(resolved, node=larger))
    except NetloomError:
        return None
    return LargerDomain(larger.scale_up_domain, saved, saved * day_usd)


def _scaled(part: _AnyPart, field: str, factor: float) -> _AnyPart:
    return part.model_copy(update={field: _times(getattr(part, field), factor)})


def _times(quantity: Quantity, factor: float) -> Quantity:
    return quantity.model_copy(
        update={name: getattr(quantity, name) * factor for name in ("low", "mode", "high")}
    )
