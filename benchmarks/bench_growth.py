"""Time against size, from 1,000 to 1,000,000 accelerators, with the exponent of each part.

Run it from the repository: ``python benchmarks/bench_growth.py [--plot growth.svg]``. One core,
best of three, kernels compiled before. Three-tier fat trees of the smallest even radix that holds
the accelerators. The exponent is the slope of log(time) over log(size); n log n has 1.1 here. Work
is counted too, in bundles of flows looked at for rates: it grows with the flows, while time grows
somewhat faster where random access leaves the caches (256 KB of tables at 1,024 accelerators,
hundreds of MB at a million).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from netloom.simulate.collapse import run_collapsed
from netloom.simulate.flows import FlowTimes, run
from netloom.simulate.routes import routes
from netloom.topology import build
from netloom.topology.fabric import Fabric

HASHED = "permutation, hashed, within 1 %"
SIZES = [2**power for power in range(10, 21, 2)]
LINK_BYTES_PER_S = 50e9
#: Slopes above which growth counts as worse than n log n: of the work, and of the time, to which
#: caches add up to 0.15 over this range.
MOST_WORK, MOST_TIME = 1.1, 1.25


def tree(num_hosts: int) -> Fabric:
    """Return the smallest full three-tier tree of even radix."""
    radix = 4
    while radix**3 // 4 < num_hosts:
        radix += 2
    parameters = {"hosts": num_hosts, "radix": radix, "tiers": 3}
    return build("fat-tree", {**parameters, "link_bytes_per_s": LINK_BYTES_PER_S})


def parts(num_hosts: int) -> dict[str, Callable[[], object]]:
    """Return what is timed at one size."""
    fabric = tree(num_hosts)
    hosts = np.arange(num_hosts, dtype=np.int32)
    onward = np.roll(hosts, -1)
    shuffled = np.random.default_rng(0).permutation(hosts).astype(np.int32)
    ring = routes(fabric, hosts, onward)
    hashed = routes(fabric, hosts, shuffled, "hash")
    return {
        "build the fabric": lambda: tree(num_hosts),
        "routes, spread": lambda: routes(fabric, hosts, shuffled),
        "routes, hashed": lambda: routes(fabric, hosts, shuffled, "hash"),
        "ring, flow by flow": lambda: run(ring, 1e9, link_latency_s=500e-9),
        "ring, collapsed": lambda: run_collapsed(ring, 1e9, link_latency_s=500e-9),
        HASHED: lambda: run(hashed, 1e9, tolerance=0.01),
    }


def seconds_of(action: Callable[[], object]) -> tuple[float, object]:
    """Return the seconds of the fastest of three runs, and what it returned."""
    fastest, answer = np.inf, None
    for _ in range(3):
        start = time.perf_counter()
        answer = action()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest, answer


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return the slope on double logarithmic scales."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def picture(sizes: list[int], measured: dict[str, list[float]]) -> str:
    """Return seconds against accelerators on double logarithmic scales, as SVG."""
    colours = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
    low, high = np.log10(sizes[0]), np.log10(sizes[-1])
    bottom, top = -4.0, 1.0

    def at(size: float, seconds: float) -> tuple[float, float]:
        across = 70 + 480 * (np.log10(size) - low) / (high - low)
        return across, 370 - 340 * (np.log10(seconds) - bottom) / (top - bottom)

    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 420" font-family="sans-serif" '
        'font-size="12"><rect width="800" height="420" fill="white"/>'
    ]
    for power in range(int(bottom), int(top) + 1):
        _, y = at(sizes[0], 10.0**power)
        lines.append(f'<path d="M70 {y:.0f}H550" stroke="#ddd"/>')
        lines.append(f'<text x="62" y="{y + 4:.0f}" text-anchor="end">{10.0**power:g} s</text>')
    for size in sizes:
        x, _ = at(size, 1.0)
        lines.append(f'<text x="{x:.0f}" y="390" text-anchor="middle">{size:,}</text>')
    lines.append('<text x="310" y="410" text-anchor="middle">accelerators</text>')
    for place, (name, seconds) in enumerate(measured.items()):
        points = " ".join(
            "{:.1f},{:.1f}".format(*at(*pair)) for pair in zip(sizes, seconds, strict=True)
        )
        colour, y = colours[place % len(colours)], 50 + 22 * place
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        lines.append(f'<path d="M562 {y - 4}h20" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="588" y="{y}">{name}, n^{exponent(sizes, seconds):.2f}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> None:
    """Print the table; draw it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--plot", type=Path, help="file for the picture, SVG")
    arguments = parser.parse_args()
    for action in parts(SIZES[0]).values():
        action()
    measured: dict[str, list[float]] = {}
    looks: list[float] = []
    for size in SIZES:
        for name, action in parts(size).items():
            seconds, answer = seconds_of(action)
            measured.setdefault(name, []).append(seconds)
            if name == HASHED and isinstance(answer, FlowTimes):
                looks.append(answer.num_looks)
    print(f"{'seconds':32s}" + "".join(f"{size:>11,d}" for size in SIZES) + "   exponent")
    for name, each in measured.items():
        print(
            f"{name:32s}" + "".join(f"{s:11.4f}" for s in each) + f"{exponent(SIZES, each):11.2f}"
        )
    per_flow = [count / size for count, size in zip(looks, SIZES, strict=True)]
    work = exponent(SIZES, looks)
    print(
        f"{'looks per flow, last line':32s}"
        + "".join(f"{s:11.1f}" for s in per_flow)
        + f"{work:11.2f}"
    )
    if arguments.plot:
        arguments.plot.write_text(picture(SIZES, measured), encoding="utf-8")
    slowest = max(exponent(SIZES, each) for each in measured.values())
    if work > MOST_WORK or slowest > MOST_TIME:
        raise SystemExit(f"worse than n log n: work n^{work:.2f}, time n^{slowest:.2f}")


if __name__ == "__main__":
    main()
