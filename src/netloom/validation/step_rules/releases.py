"""Which training software ran a published step, by source and date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netloom.validation.step_rules.patterns import first_match, table
from netloom.workload.flops import Convention


@dataclass(frozen=True)
class Release:
    """What a source's software is, and what its tables leave unsaid.

    Attributes
    ----------
    software : part of the catalogue.
    stand_in : why that part is only the nearest one; empty when it is the software itself.
    sharding, recompute : of rows that do not say; empty lets netloom choose.
    local_batch : whether the source's batch is that of one data-parallel rank.
    attention_flops : how much of attention the source's FLOP/s count, ``causal`` or ``full``.
    recompute_in_flops : whether they count layers that are computed again.
    """

    software: str
    stand_in: str = ""
    sharding: str = ""
    recompute: str = ""
    local_batch: bool = False
    attention_flops: Convention = "full"
    recompute_in_flops: bool = False


def release_of(words: Mapping[str, str]) -> Release:
    """Return the first entry of ``data/step-releases.yaml`` that a row's words match.

    The last entry has no pattern, so that every row has a release.
    """
    return Release(**first_match(table("step-releases.yaml"), words))
