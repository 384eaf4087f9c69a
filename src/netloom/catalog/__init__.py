"""Parts, prices, rates and models, each number with unit, basis, date, source and grade."""

from __future__ import annotations

from netloom.catalog.load import (
    get,
    kinds,
    load_all,
    model_path,
    names,
    price,
    read_part,
    sources,
    walk_quantities,
)

__all__ = [
    "get",
    "kinds",
    "load_all",
    "model_path",
    "names",
    "price",
    "read_part",
    "sources",
    "walk_quantities",
]
