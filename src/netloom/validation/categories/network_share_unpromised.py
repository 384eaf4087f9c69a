"""Shares of the network in measures whose parts nobody published, each with why it is in or not."""

from __future__ import annotations

from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.network_shares import site_rows


def rows() -> Iterator[Row]:
    """Yield the other builds of every published range."""
    yield from site_rows("network-share-unpromised", promised=False)
