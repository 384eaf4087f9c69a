"""What the loss of each part of a candidate's fabric does to its step under its best plan."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netloom import evaluate
from netloom.evaluate import PreparedNetwork, Run
from netloom.failure.degraded import LossEffect, loss_effects
from netloom.simulate.network import NetworkModel
from netloom.simulate.step import PricedPlan, message_bytes_of, price_plans
from netloom.simulate.step_flows import step_flows
from netloom.topology.fabric import Fabric


def priced_losses(
    run: Run, prepared: PreparedNetwork, best: PricedPlan, seed: int
) -> dict[str, LossEffect]:
    """Return what the loss of one part does to a candidate's step, by class of part.

    The messages of the plan are priced again on what is left of the fabric, once for each kind of
    part that carries other traffic than the rest of its class.
    """
    last: list[NetworkModel] = []

    def network_on(fabric: Fabric) -> NetworkModel:
        # the fabric whose loads are counted is the one that is priced next
        if not last or last[0].fabric is not fabric:
            last[:] = [evaluate.network_on(run, prepared, fabric, seed)]
        return last[0]

    return loss_effects(
        prepared.fabric,
        lambda fabric: _step_s(run, best, network_on(fabric)),
        lambda fabric: _loads(run, best, network_on(fabric)),
    )


def _step_s(run: Run, best: PricedPlan, network: NetworkModel) -> float:
    """Return one step of the best plan on a fabric."""
    row = best.plan[None]
    order = run.resolved.study.search.order
    priced = price_plans(row, network, message_bytes_of(row, run.model), order)
    return float(run.model.evaluate(row, priced.prices)[0, 0])


def _loads(run: Run, best: PricedPlan, network: NetworkModel) -> NDArray[np.float64]:
    """Return the bytes of each phase of each operation on bundles, shape (K, B)."""
    from netloom.kernels.loads import PathArrays, bundle_loads

    routing = network.fabric.routing
    num_bundles = len(routing.bundles.bytes_per_s)
    found = [np.zeros(num_bundles)]
    for kind in step_flows(best.plan, run.model, network, run.resolved.study.search.order):
        for flows in kind.flows:
            paths = routing.paths(flows.source, flows.target)
            rows = PathArrays(paths.indptr, paths.bundle, paths.share)
            found.append(bundle_loads(rows, flows.flow_bytes, num_bundles))
    return np.array(found)
