"""Published ratios of architectures whose fabric the public facts leave open: shown only.

Notes say what each fabric that the facts allow gives, and which mix or lever would give the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.categories.attach import architecture_row
from netloom.validation.published import NOT_PROMISED, read


def rows() -> Iterator[Row]:
    """Yield the usual fabric of each architecture."""
    for name in read("attach.yaml")["unpromised"]:
        yield architecture_row("attach-unpromised", name, NOT_PROMISED)
