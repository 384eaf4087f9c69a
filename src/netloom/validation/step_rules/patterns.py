"""Tables of patterns: entries whose ``when`` a row's words must match."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from netloom.validation.published import read


@cache
def table(name: str) -> Any:
    """Return a file of patterns of the data folder."""
    return read(name)


def matches(when: Mapping[str, str], words: Mapping[str, str]) -> bool:
    """Return whether every pattern is found in the word of its name, upper and lower case alike.

    Examples
    --------
    >>> matches({"source": "mlperf", "model": "^gpt3"},
    ...         {"source": "MLPerf Training results logs", "model": "gpt3-175b"})
    True
    """
    return all(
        re.search(pattern, words.get(name, ""), re.IGNORECASE) for name, pattern in when.items()
    )


def first_match(entries: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> dict[str, Any]:
    """Return the first entry that matches, without its ``when``; empty when none does."""
    for entry in entries:
        if matches(entry.get("when", {}), words):
            return {key: value for key, value in entry.items() if key != "when"}
    return {}
