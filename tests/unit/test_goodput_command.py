"""`netloom goodput`: what is traced, what is judged by paths, and what is refused."""

import dataclasses
import json
from pathlib import Path

import pytest

from netloom.catalog.quantity import GRADES
from netloom.cli.app import main
from netloom.cli.study import read
from netloom.report.goodput import inputs_of, to_json
from netloom.search.runs import study_runs

EXAMPLE = Path(__file__).parents[2] / "examples" / "llama3-70b-512.yaml"
NETWORK = "rails on InfiniBand NDR"


def runs_of_example(**reliability):
    """Return runs of one network of the example, with other keys of its section reliability."""
    resolved = read(EXAMPLE)
    changed = resolved.study.reliability.model_copy(update=reliability)
    study = resolved.study.model_copy(update={"reliability": changed})
    return study_runs(dataclasses.replace(resolved, study=study), names=[NETWORK], num_runs=20)


def test_every_failing_part_and_every_price_is_traced_worst_first():
    found = runs_of_example()
    inputs = inputs_of(found)
    paths = {each.path for each in inputs}
    for failure in found.candidates[0].classes:
        kind, _, rest = failure.cause.partition(" ")
        if kind == "link":
            medium = rest.rpartition("(")[2].removesuffix(")")
            assert f"medium/{medium}.annual_failure_rate_per_end" in paths
        elif kind == "switch":
            assert "switch/qm9700.annual_failure_rate" in paths
        else:
            assert f"failure-rates/llama3-h100.components.{failure.cause}" in paths
    assert "price-book/market-2026.prices.switch/qm9700" in paths
    grades = [GRADES.index(each.grade) for each in inputs]
    assert grades == sorted(grades, reverse=True)
    assert json.loads(to_json(found))["inputs"][0]["path"] == inputs[0].path


def test_what_the_study_says_takes_the_place_of_the_catalogue():
    paths = {each.path for each in inputs_of(runs_of_example(restart=60.0))}
    assert "study.reliability.restart" in paths
    assert "failure-rates/llama3-h100.restart_s" not in paths


def test_every_key_of_the_policy_that_shapes_the_runs_is_traced():
    asked = {
        "checkpoint_interval": 900.0, "checkpoint": "in-memory", "spares": 3, "repair_crews": 2,
        "corruption_notice": 3600.0, "early_life": 864000.0, "straggler_rate": 0.1, "flaps": 2.0,
        "feed_failure_rate": 0.1,
    }  # fmt: skip
    paths = {each.path for each in inputs_of(runs_of_example(**asked))}
    usual = {"storage_every", "early_life_factor", "straggler_slowdown", "straggler_notice",
             "flap_time", "feed_nodes"}  # fmt: skip
    expected = {f"study.reliability.{key}" for key in {*asked, *usual} - {"checkpoint"}}
    assert {path for path in paths if path.startswith("study.reliability.")} == expected
    # an asynchronous write stalls the job for the copy over these lanes
    assert "accelerator/h100-sxm.host_bytes_per_s" in paths


def test_dollars_lost_are_shown_where_the_table_goes_to_a_pipe(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(["goodput", str(EXAMPLE), "--network", NETWORK, "--runs", "20"]) == 0
    heading, line = capsys.readouterr().out.splitlines()[2:4]
    assert heading.split()[-2:] == ["50", "%"]
    assert line.rstrip().endswith("$")


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("goodput", ["--plot", "x.pdf"], "SVG"),
        ("cost", ["--plot", "x.bmp"], "SVG"),
        ("goodput", ["--seed", "-1"], "a seed is 0 to"),
        ("cost", ["--seed", "-1"], "a seed is 0 to"),
        ("balance", ["--seed", "-1"], "a seed is 0 to"),
        ("goodput", ["--runs", "99999999999"], "1 to 1,000,000"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_computed(
    command, arguments, said, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main([command, str(EXAMPLE), *arguments]) != 0
    captured = capsys.readouterr()
    assert said in captured.out + captured.err
    assert not list(tmp_path.iterdir())


def test_a_loss_is_not_priced_where_adaptive_detours_would_be_forgotten(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8")
    text = text.replace("fabric: {kind: rail-only}", "fabric: {kind: dragonfly, radix: 32}")
    study = tmp_path / "dragonfly.yaml"
    study.write_text(text, encoding="utf-8")
    found = study_runs(
        read(study), names=["rails without a spine", "rails on InfiniBand NDR"], num_runs=20
    )
    detours, rails = sorted(found.candidates, key=lambda each: each.name, reverse=True)
    assert "number of paths" in detours.note
    assert detours.effects == {}
    assert rails.note == ""
    assert rails.effects
