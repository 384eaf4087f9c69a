"""Every example study answers what is written beside it."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from netloom import search
from netloom.cli.app import main
from netloom.cli.study import read
from netloom.report.terminal import print_result

EXAMPLES = Path(__file__).parents[2] / "examples"
STUDIES = sorted(EXAMPLES.glob("*.yaml"))


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_an_example_prints_its_expected_output(study):
    text = io.StringIO()
    print_result(search.plan_study(read(study)), Console(file=text, width=120))
    expected = (EXAMPLES / "expected" / f"{study.stem}.txt").read_text(encoding="utf-8")
    # written by: netloom plan examples/NAME.yaml > examples/expected/NAME.txt
    assert [line.rstrip() for line in text.getvalue().splitlines()] == [
        line.rstrip() for line in expected.splitlines()
    ]


def test_the_supply_example_says_who_gains_and_loses(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["exposure", str(EXAMPLES / "supply-16k.yaml")]) == 0
    expected = (EXAMPLES / "expected" / "supply-16k.exposure.txt").read_text(encoding="utf-8")
    # written by: netloom exposure examples/supply-16k.yaml
    #     > examples/expected/supply-16k.exposure.txt
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        line.rstrip() for line in expected.splitlines()
    ]


def test_every_example_begins_with_a_story():
    assert len(STUDIES) >= 2
    for study in STUDIES:
        head = study.read_text(encoding="utf-8").split("\nversion:")[0]
        assert head.startswith("# ")
        assert len(head.split()) > 40
