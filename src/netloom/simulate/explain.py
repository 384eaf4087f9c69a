"""What limits a step, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from netloom.result import Communication, StepParts
from netloom.units import show

#: Share of the step that exposed messages need to be called its limit, rather than a cost.
_NETWORK_LIMITS = 0.10

_OTHER = {
    "bubble_s": "the pipeline bubble",
    "optimizer_s": "the optimizer",
    "straggler_s": "waiting for stragglers",
}


def limit_sentence(parts: StepParts, communication: Sequence[Communication]) -> str:
    """Return one sentence that says what limits a candidate.

    A network that is waited for longer than `_NETWORK_LIMITS` of the step is the limit; otherwise
    computation is, and the sentence names what comes next, network or not.
    """
    total_s = parts.total_s
    exposed_s = sum(message.exposed_s for message in communication)
    waited = max(communication, key=lambda message: message.exposed_s, default=None)
    if waited is not None and exposed_s > _NETWORK_LIMITS * total_s:
        return (
            f"The network limits it: {show(exposed_s / total_s, 'fraction', 2)} of the step waits "
            f"for messages, {show(waited.exposed_s / total_s, 'fraction', 2)} for "
            f"{_message(waited)}."
        )
    other, other_s = max(
        ((text, getattr(parts, name)) for name, text in _OTHER.items()), key=lambda item: item[1]
    )
    sentence = (
        f"Computation limits it: {show(parts.compute_s / total_s, 'fraction', 2)} of the step; "
        f"{other} takes {show(other_s / total_s, 'fraction', 2)}"
    )
    if waited is None or waited.exposed_s == 0.0:
        return f"{sentence} and no message is waited for."
    return (
        f"{sentence} and messages that are waited for {show(exposed_s / total_s, 'fraction', 2)}, "
        f"most of it {_message(waited)}."
    )


def _message(message: Communication) -> str:
    return (
        f"{message.dimension}-parallel {message.operation} over {message.group_size} ranks, which "
        f"{message.limited_by} hold to {show(message.bytes_per_s, 'rate')} per accelerator"
    )
