"""Options that several commands take: ``KEY=VALUE`` pairs, and counts."""

from __future__ import annotations

from collections.abc import Iterable

from netloom.errors import ParameterError


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Return ``key=value`` texts as a mapping.

    Parameters
    ----------
    texts : values of an option that may be repeated.
    option : its name, for errors.

    Examples
    --------
    >>> pairs(["hosts=16", "link-rate=400Gb/s"], "--set")
    {'hosts': '16', 'link_rate': '400Gb/s'}
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip().replace("-", "_")
        if not (equals and key and value.strip()):
            raise ParameterError(f"'{text}' sets nothing", hint=f"write {option} key=value")
        if key in found:
            raise ParameterError(f"{key} is set twice", hint=f"keep one {option} {key}=...")
        found[key] = value.strip()
    return found


def at_least_one(_: object, count: int | None) -> None:
    """Refuse a count below one, as a validator of a `cyclopts.Parameter`."""
    if count is not None and count < 1:
        raise ValueError("must be at least 1")
