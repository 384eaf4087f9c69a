"""Message sizes as nccl-tests counts them: ``1M`` is 1 MiB, and a range is walked by doubling."""

from __future__ import annotations

import re

from netloom import units
from netloom.errors import ParameterError

_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([KMGTkmgt]?|(?:[kMGT]|[KMGT]i)?B)$")
_HINT = "write sizes like 1M..16G, 1M..16G*4 or 1M,4M,64M; 1M is 1 MiB, as in nccl-tests"

#: Sizes of one table at most, far above what anyone reads.
_MOST = 1000


def sizes(text: str) -> tuple[float, ...]:
    """Return message sizes in bytes.

    Parameters
    ----------
    text : a list with commas, whose entries are sizes or ranges ``first..last``. A range is walked
        by factors of two, or by the factor after a star: ``1M..16G*4``, in whole bytes. K, M, G
        and T are binary, as nccl-tests has them; so are KiB, MiB, GiB and TiB, while kB, MB and GB
        are decimal.

    Raises
    ------
    ParameterError
        When an entry is no size, or a range does not grow.

    Examples
    --------
    >>> sizes("1M..16M*4,64M")
    (1048576.0, 4194304.0, 16777216.0, 67108864.0)
    """
    found: list[float] = []
    for entry in text.split(","):
        found += _entry(entry.strip())
    if len(found) > _MOST:
        raise ParameterError(f"'{text}' is {len(found):,} sizes", hint=f"name {_MOST:,} at most")
    return tuple(found)


def _entry(text: str) -> list[float]:
    first_text, is_range, rest = text.partition("..")
    if not is_range:
        return [_bytes(text)]
    last_text, _, factor_text = rest.partition("*")
    first, last = _bytes(first_text), _bytes(last_text)
    factor = _factor(factor_text) if factor_text else 2.0
    if not 0 < first <= last:
        raise ParameterError(
            f"sizes '{text}' do not grow",
            hint=f"write the smaller size first: {last_text}..{first_text}"
            if first > 0
            else "begin above zero",
        )
    found = [first]
    # a factor such as 1.1 misses the last size by rounding only
    while found[-1] * factor <= last * (1 + 1e-9) and len(found) <= _MOST:
        found.append(found[-1] * factor)
    return list(dict.fromkeys(float(round(size)) for size in found))


def _factor(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1.0 < factor < float("inf"):
        raise ParameterError(f"'{text}' is no factor between sizes", hint="write 2, 4 or 1.5")
    return factor


def _bytes(text: str) -> float:
    """Return one size; a bare K, M, G or T is binary, a bare number is bytes."""
    match = _SIZE.match(text.strip())
    if match is None:
        raise ParameterError(f"'{text}' is no size", hint=_HINT)
    prefix = match[2].upper()
    unit = match[2] if "B" in match[2] else f"{prefix}i" * bool(prefix) + "B"
    found = units.parse(f"{match[1]} {unit}", "data")
    if found != int(found):
        raise ParameterError(f"'{text}' is {found:g} bytes", hint="write whole bytes, such as 1.5M")
    return found


def shown(size_bytes: float) -> str:
    """Return a size for people, binary where that is a whole number.

    Examples
    --------
    >>> shown(16 * 2.0**30), shown(3e6)
    ('16 GiB', '3,000,000 B')
    """
    if size_bytes >= 1024 and size_bytes % 1024 == 0:
        return units.show(size_bytes, "memory", digits=4)
    return f"{size_bytes:,.0f} B"
