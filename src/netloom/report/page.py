"""Self-contained HTML pages from the templates of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def render(
    template: str, filters: Mapping[str, Callable[..., Any]], context: dict[str, Any]
) -> str:
    """Return a page; a name that its template asks for and nobody gives is an error.

    Parameters
    ----------
    template : file name in ``templates``.
    filters : what the template may call by name.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("netloom.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template(template).render(context)
