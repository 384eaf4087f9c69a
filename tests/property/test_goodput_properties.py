"""More spares never cost time, nothing failing gives all time, rates only ever hurt."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom.failure.classes import FailureClass, RunPolicy
from netloom.failure.evidence import certain
from netloom.failure.montecarlo import simulate

HOUR_S, DAY_S = 3600.0, 86400.0


def runs(per_h, policy, num_nodes=1, num_runs=400):
    node = FailureClass(
        "node", 1, certain(per_h / HOUR_S), detection_s=60, restart_s=300, repair_s=6 * HOUR_S,
        num_nodes=num_nodes,
    )  # fmt: skip
    return simulate([node], policy, 5 * DAY_S, num_runs, 1)


@given(st.floats(1.0, 1e5), st.integers(0, 3), st.booleans())
@settings(max_examples=20, deadline=None)
def test_nothing_fails(interval_s, num_spares, shrinks):
    policy = RunPolicy(interval_s, 0.0, 8, num_spares=num_spares, shrinks=shrinks)
    np.testing.assert_allclose(runs(0.0, policy, num_runs=3).effective, 1.0, rtol=1e-12)


@given(st.floats(0.02, 0.3), st.integers(0, 3), st.integers(1, 3), st.booleans())
@settings(max_examples=15, deadline=None)
def test_more_spares_are_never_worse(per_h, num_spares, more, shrinks):
    days = []
    for count in (num_spares, num_spares + more, None):
        policy = RunPolicy(1800.0, 5.0, 8, num_spares=count, shrinks=shrinks)
        found = runs(per_h, policy).days
        days.append((found.mean(), found.std() / len(found) ** 0.5))
    for (few, error), (many, other) in pairwise(days):
        assert many <= few + 4 * (error + other)


@given(st.floats(0.01, 0.5), st.floats(1.5, 4.0), st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_more_failures_never_help(per_h, factor, num_nodes):
    policy = RunPolicy(1800.0, 5.0, 8, num_spares=4)
    few, many = (runs(rate, policy, num_nodes).days for rate in (per_h, factor * per_h))
    error = (few.std() + many.std()) / len(few) ** 0.5
    assert many.mean() >= few.mean() - 4 * error
