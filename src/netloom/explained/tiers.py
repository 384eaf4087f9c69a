"""Messages of a step by what sets their rate: the network tier that they wait for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netloom.result import Communication


@dataclass(frozen=True)
class TierTime:
    """Messages of all dimensions whose rate one tier sets, per accelerator and step.

    Attributes
    ----------
    tier : links, or what else sets the rate, such as ``"leaf uplinks"`` or ``"scale-up links"``.
    dimensions : whose messages these are.
    bytes, total_s, exposed_s : of them all.
    """

    tier: str
    dimensions: tuple[str, ...]
    bytes: float
    total_s: float
    exposed_s: float

    @property
    def hidden_s(self) -> float:
        """The part that computation hides."""
        return max(0.0, self.total_s - self.exposed_s)

    @property
    def bytes_per_s(self) -> float:
        """Rate reached over all its messages."""
        return self.bytes / self.total_s if self.total_s else 0.0


def tier_times(communication: Sequence[Communication]) -> tuple[TierTime, ...]:
    """Return the messages of each tier, the one that is waited for longest first.

    Examples
    --------
    >>> send = Communication("pipeline", "send-recv", 16, 8e9, 0.2, 0.1, 40e9, "leaf uplinks")
    >>> tier_times([send])[0].hidden_s
    0.1
    """
    by_tier: dict[str, list[Communication]] = {}
    for message in communication:
        by_tier.setdefault(message.limited_by, []).append(message)
    found = (
        TierTime(
            tier,
            tuple(message.dimension for message in mine),
            sum(message.bytes for message in mine),
            sum(message.total_s for message in mine),
            sum(message.exposed_s for message in mine),
        )
        for tier, mine in by_tier.items()
    )
    return tuple(sorted(found, key=lambda tier: -tier.exposed_s))
