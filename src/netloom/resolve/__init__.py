"""From a study's names to the parts they stand for, and all names and sizes that do not fit."""

from netloom.resolve.checks import checks
from netloom.resolve.resolved import Resolved, ResolvedNetwork, prices_of, resolve

__all__ = ["Resolved", "ResolvedNetwork", "checks", "prices_of", "resolve"]
