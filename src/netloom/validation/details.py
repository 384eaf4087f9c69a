"""Tables that a validation category shows after its rows.

A category's module may have a function ``after_rows`` that returns them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Detail:
    """One table in words: a title, headings, and lines of as many cells."""

    title: str
    headings: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


def after_rows(category: str) -> Sequence[Detail]:
    """Return the tables of a category; none where it has nothing to add to its rows."""
    from netloom.validation import CATEGORIES

    if category not in CATEGORIES.names():
        return ()
    module = CATEGORIES.get(category)
    return tuple(module.after_rows()) if hasattr(module, "after_rows") else ()
