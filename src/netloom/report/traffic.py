"""The traffic of one training step: tables, JSON, a row per bundle of links, and pictures."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from netloom import units
from netloom.report.page import render
from netloom.report.tables import titled_table
from netloom.simulate.bundle_names import BundleNames, bundle_names
from netloom.traffic import StageLoad, StepTraffic

#: Version of the JSON layout; grows when a field changes meaning or goes away.
SCHEMA_VERSION = 1

#: Links between switches that follow where the hottest links are all hosts'.
_FEW_TRUNKS = 4


@dataclass(frozen=True)
class Answer:
    """The traffic of a step with the names around it.

    Attributes
    ----------
    study, network : names.
    order : of dimensions onto ranks, from the inside out.
    routes : file that states the routes; empty where the protocol balances the load.
    """

    study: str
    network: str
    traffic: StepTraffic
    nics_per_node: int
    order: tuple[str, ...]
    routes: str = ""

    def names(self) -> BundleNames:
        """Return the names of both ends of every bundle."""
        return bundle_names(self.traffic.fabric, self.nics_per_node)


def to_json(answer: Answer, top: int) -> str:
    """Return the answer as JSON text; `docs/cli.md` lists its keys."""
    found = answer.traffic
    document = {
        "schema_version": SCHEMA_VERSION,
        "study": answer.study,
        "network": answer.network,
        "order": list(answer.order),
        "routes": answer.routes or None,
        "plan": dataclasses.asdict(found.plan),
        "step_s": found.step_s,
        "num_draws": found.num_draws,
        "dimensions": [dataclasses.asdict(each) for each in found.dimensions],
        "stages": [_stage(each) for each in found.stages],
        "hottest": list(hottest_links(answer, top)),
        "hottest_between_switches": list(hottest_links(answer, top, between_switches=True)),
        "blocks": {
            "names": list(found.blocks.names),
            "num_together": found.blocks.num_together,
            "sent_bytes": found.blocks.sent_bytes.tolist(),
        },
        "overlap": None if found.overlap is None else _overlap(found),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _stage(stage: StageLoad) -> dict[str, Any]:
    return dataclasses.asdict(stage) | {"total_bytes": stage.total_bytes}


def _overlap(found: StepTraffic) -> dict[str, Any]:
    assert found.overlap is not None
    met = found.overlap
    return {
        "num_shared_links": met.num_shared_links,
        "num_draws": met.num_draws,
        "data": met.data._asdict(),
        "pipeline": met.pipeline._asdict(),
    }


def hottest_links(
    answer: Answer, top: int, *, between_switches: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the busiest links, one row of ``hottest`` each, the busiest first."""
    found, names = answer.traffic, answer.names()
    bundles = found.fabric.routing.bundles
    busy_s, rate = found.busy_s, found.link_bytes_per_s
    for bundle in found.hottest(top, between_switches=between_switches).tolist():
        parts = {name: float(load[bundle]) for name, load in found.bundle_bytes.items()}
        total = sum(parts.values())
        yield {
            "from": names.tail[bundle],
            "to": names.head[bundle],
            "stage": bundles.stage_names[bundles.stage[bundle]],
            "num_links": int(bundles.num_members[bundle]),
            "link_bytes_per_s": float(rate[bundle]),
            "link_bytes": float(found.link_bytes[bundle]),
            "link_bytes_low": float(found.link_bytes_low[bundle]),
            "link_bytes_high": float(found.link_bytes_high[bundle]),
            "busy_s": float(busy_s[bundle]),
            "utilisation": float(busy_s[bundle]) / found.step_s,
            "share_by_dimension": {name: load / total for name, load in parts.items()},
        }


def write_links(answer: Answer, path: Path) -> None:
    """Write ``traffic.csv``: one row per bundle of links and direction."""
    found, names = answer.traffic, answer.names()
    bundles = found.fabric.routing.bundles
    dimensions = list(found.bundle_bytes)
    busy_s, rate = found.busy_s, found.link_bytes_per_s
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["from", "to", "stage", "num_links", "link_bytes_per_s"]
            + [f"{name}_bytes" for name in dimensions]
            + ["link_bytes", "link_bytes_low", "link_bytes_high", "busy_s", "utilisation"]
        )
        for bundle, (tail, head) in enumerate(zip(*names, strict=True)):
            if not bundles.num_members[bundle]:
                continue
            writer.writerow(
                [tail, head, bundles.stage_names[bundles.stage[bundle]],
                 int(bundles.num_members[bundle]), float(rate[bundle])]
                + [float(found.bundle_bytes[name][bundle]) for name in dimensions]
                + [float(found.link_bytes[bundle]), float(found.link_bytes_low[bundle]),
                   float(found.link_bytes_high[bundle]), float(busy_s[bundle]),
                   float(busy_s[bundle]) / found.step_s]
            )  # fmt: skip


def write(answer: Answer, folder: Path, top: int) -> tuple[Path, ...]:
    """Write ``traffic.json``, ``traffic.csv``, ``traffic.svg`` and ``traffic.html``."""
    from netloom.report.figures import svg
    from netloom.report.figures import traffic as figure

    paths = tuple(folder / f"traffic.{suffix}" for suffix in ("json", "csv", "svg", "html"))
    picture = figure.draw(answer.traffic)
    paths[0].write_text(to_json(answer, top), encoding="utf-8", newline="\n")
    write_links(answer, paths[1])
    paths[2].write_text(svg.standalone(picture), encoding="utf-8", newline="\n")
    paths[3].write_text(_page(answer, picture, top), encoding="utf-8", newline="\n")
    return paths


def _page(answer: Answer, picture: str, top: int) -> str:
    """Return ``traffic.html``: one file, no request to anywhere."""
    from markupsafe import Markup

    from netloom.report.figures import palette, svg

    context = {
        "answer": answer,
        "traffic": answer.traffic,
        "picture": Markup(picture),
        "hottest": list(hottest_links(answer, top)),
        "trunks": list(hottest_links(answer, top, between_switches=True)),
        "used": used_dimensions(answer.traffic),
        "overlap": list(overlap_sentences(answer.traffic)),
        "style": Markup(palette.css() + svg.rules()),
    }
    return render("traffic.html.j2", {"show": units.show}, context)


def overlap_sentences(found: StepTraffic) -> Iterator[str]:
    """Yield what gradients and pipeline sends do to each other, in sentences."""
    met = found.overlap
    if met is None:
        yield "Gradients and pipeline sends do not meet on the network in this step."
        return
    shared = f"{met.num_shared_links:,} links carry both"
    if not met.num_shared_links:
        shared = "no link carries both"
    yield (f"Gradients of one layer under one pipeline send each way, started together: {shared}.")
    for noun, part in (("The gradients", met.data), ("The sends", met.pipeline)):
        by_draw = ""
        if met.num_draws > 1:
            by_draw = (
                f" ({part.slowdown_low:.2f} to {part.slowdown_high:.2f} over {met.num_draws} draws)"
            )
        yield (
            f"{noun} take {units.show(part.together_s, 'time')} instead of "
            f"{units.show(part.alone_s, 'time')} alone, {part.slowdown:.2f} times as long{by_draw}."
        )


def print_traffic(answer: Answer, console: Console, top: int) -> None:
    """Print who sends how much, the load of each stage of links, and the hottest links."""
    found = answer.traffic
    console.print(f"[bold]{_safe(answer.study)}[/] on [bold]{_safe(answer.network)}[/]")
    by_file = f"\nstatic routes of {_safe(answer.routes)}" if answer.routes else ""
    console.print(
        f"[cyan]{found.plan}[/]\nstep {units.show(found.step_s, 'time')}, ranks in order "
        f"{', '.join(answer.order)}{by_file}\n"
    )
    console.print(_dimensions(found, console), "")
    console.print(_stages(found, console), "")
    rows = list(hottest_links(answer, top))
    if rows:
        console.print(_hottest(found, rows, "hottest link", console))
        trunks = list(hottest_links(answer, _FEW_TRUNKS, between_switches=True))
        if trunks and not any(row["from"] == trunks[0]["from"] for row in rows):
            console.print("", _hottest(found, trunks, "hottest link between switches", console))
        if found.num_draws > 1:
            console.print(
                f"Flows are hashed: the fullest link of each bundle, mean over {found.num_draws} "
                "draws, with the range.",
                style="dim",
            )
        console.print()
    for sentence in overlap_sentences(found):
        console.print(sentence)


def _safe(content: str) -> str:
    from rich.markup import escape

    return escape(content)


def _table(title: str, console: Console, columns: tuple[str, ...], num_left: int) -> Table:
    return titled_table(title, console, columns, num_left, wrap_numbers=False)


def _dimensions(found: StepTraffic, console: Console) -> Table:
    columns = ("dimension", "operation", "algorithm", "ranks", "sent", "between nodes")
    table = _table("Sent in one step, by all ranks", console, columns, 3)
    for each in found.dimensions:
        table.add_row(
            each.dimension, each.operation, each.algorithm, f"{each.group_size:,}",
            units.show(each.sent_bytes, "data"), units.show(each.network_bytes, "data"),
        )  # fmt: skip
    return table


def used_dimensions(found: StepTraffic) -> list[str]:
    """Return the dimensions that use the network."""
    return [name for name, load in found.bundle_bytes.items() if load.any()]


def _stages(found: StepTraffic, console: Console) -> Table:
    used = used_dimensions(found)
    columns = ("links", "number", *used, "total", "mean", "peak")
    table = _table("Bytes on each stage of links, and use over the step", console, columns, 1)
    for stage in found.stages:
        parts = [units.show(stage.bytes_by_dimension[name], "data") for name in used]
        table.add_row(
            stage.stage, f"{stage.num_links:,}", *parts, units.show(stage.total_bytes, "data"),
            _percent(stage.mean_utilisation), _percent(stage.peak_utilisation),
        )  # fmt: skip
    return table


def _hottest(found: StepTraffic, rows: list[dict[str, Any]], noun: str, console: Console) -> Table:
    columns = ("from", "to", "links", "load of one", "busy", "use", "made of")
    title = f"The {noun}" if len(rows) == 1 else f"The {len(rows)} {noun.replace('link', 'links')}"
    table = _table(title, console, columns, 2)
    for row in rows:
        load = units.show(row["link_bytes"], "data")
        if found.num_draws > 1 and row["num_links"] > 1:
            low, high = (units.show(row[f"link_bytes_{end}"], "data") for end in ("low", "high"))
            load += f" ({low}-{high})"
        table.add_row(
            row["from"], row["to"], str(row["num_links"]), load,
            units.show(row["busy_s"], "time"), _percent(row["utilisation"]),
            made_of(row["share_by_dimension"]),
        )  # fmt: skip
    return table


def made_of(shares: dict[str, float]) -> str:
    """Return the dimensions of a load, the largest first.

    Examples
    --------
    >>> made_of({"pipeline": 0.142, "data": 0.858, "context": 0.0})
    'data 86, pipeline 14 %'
    """
    largest = sorted(shares.items(), key=lambda item: -item[1])
    parts = [f"{name} {100 * share:.0f}" for name, share in largest if share >= 0.005]
    return ", ".join(parts) + " %" if parts else ""


def _percent(share: float) -> str:
    return units.show(share, "fraction", 2)
