"""How kernels are compiled that allocate nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

#: As numba compiles its own sorts: references to arrays are not counted, which a third of the time
#: of the flow solver would go into. Only for functions that make no arrays, and return none.
allocates_nothing: Callable[..., Any] = njit(cache=True, _nrt=False)  # type: ignore[call-overload]

#: The same; sums may be taken in any order, so that they are vectors.
adds_in_any_order: Callable[..., Any] = njit(  # type: ignore[call-overload]
    cache=True, _nrt=False, fastmath={"reassoc", "nsz"}
)
