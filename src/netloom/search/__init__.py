"""Which plan on which network: all plans of each candidate, the best of each, and their ranking."""

from netloom.search.study import plan_study

__all__ = ["plan_study"]
