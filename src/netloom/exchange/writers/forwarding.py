"""netloom's own forwarding tables: the static routes of a fabric as a CSV to edit and read back."""

from __future__ import annotations

from netloom.exchange.writers import (
    COMMON_LOSS,
    Scenario,
    Written,
    check_forwards,
    plain_flows,
)


def write(scenario: Scenario) -> Written:
    """Return ``forwarding.csv``, which `netloom.simulate.route_file` reads; flows as a table."""
    from netloom.simulate.forwarding import forwarding_csv

    check_forwards(scenario, "forwarding")
    files = {"forwarding.csv": forwarding_csv(scenario.fabric, scenario.nics_per_node)}
    lost = (COMMON_LOSS, "rates and latencies: the fabric is built from its family as before")
    return Written(files | plain_flows(scenario), lost)
