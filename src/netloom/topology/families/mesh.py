"""Mesh: a lattice of any dimension in which every line is open.

Parameters: ``L_i`` switches along dimension i (dims), p hosts per switch, ``K_i`` links to each
neighbour. D dimensions of two are the hypercube.

Closed form, ``R = prod L_i``: ``R p`` positions, R switches, ``K_i (L_i - 1) R / L_i`` links in
dimension i. Bisection ``min_i K_i R / L_i`` links over dimensions with ``L_i > 1``. Diameter
``sum (L_i - 1)``; mean distance ``R / (R - 1) sum (L_i^2 - 1) / (3 L_i)``. A hypercube has
``2^D`` switches, ``D 2^(D-1)`` links, bisection ``2^(D-1)`` and diameter D.

References
----------
Dally, Towles, "Principles and practices of interconnection networks", 2004, chapter 5.
"""

from __future__ import annotations

from typing import Any

from netloom.topology import lattice
from netloom.topology.fabric import Fabric
from netloom.topology.parameters import Cluster, from_cluster, validated

KIND = "mesh"


class Parameters(lattice.LatticeParameters):
    """Parameters of a mesh."""


def build(parameters: Parameters) -> Fabric:
    """Return the mesh."""
    return lattice.build_lattice(KIND, parameters, "line")


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    return lattice.closed_form(KIND, parameters, "line")


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a mesh for a cluster; see `netloom.topology.sized`.

    What is left out follows the rule of `netloom.topology.lattice.fill_grid`.
    """
    filled = from_cluster(Parameters, KIND, given, cluster)
    lattice.fill_grid(KIND, filled, cluster.hosts)
    return validated(Parameters, KIND, filled)
