"""The command line parses, calls and shows; errors are messages, never tracebacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netloom import __version__
from netloom.cli.app import COMMANDS, app, main
from netloom.errors import ConservationError, InfeasibleError, ParameterError
from netloom.result import SCHEMA_VERSION, Refusal, StudyResult
from netloom.validation import Row, ValidationReport

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "examples" / "llama3-70b-512.yaml")
MISTAKES = ROOT / "examples" / "bad" / "three-mistakes.yaml"


def answer(winner: str, seed: int) -> StudyResult:
    """Return a result without candidates, for what the command line does around it."""
    return StudyResult(
        study="Llama 3.1 70B on 512 H100",
        netloom_version=__version__,
        model="llama-3.1-70b",
        num_parameters=70_553_706_496,
        num_active_parameters=70_553_706_496,
        num_accelerators=512,
        tokens=300e9,
        batch_sequences=512,
        sequence=8192,
        precision="bf16",
        flop_convention="6N + attention",
        seed=seed,
        candidates=(),
        refused=(Refusal("rails", "needs more memory"),),
        winner=winner,
        verdict="The verdict.",
        low_grade_inputs=(),
    )


@pytest.fixture
def planned(monkeypatch):
    """Put a fake search behind the command; what it was asked for is in the list."""
    asked = []

    def plan_study(resolved, progress, seed):
        progress(1, 2, "half")
        asked.append((resolved, seed))
        return answer("rails", seed)

    monkeypatch.setattr("netloom.search.plan_study", plan_study, raising=False)
    return asked


def test_plan_resolves_the_study_and_prints_the_verdict(planned, capsys):
    assert main(["plan", EXAMPLE]) == 0
    ((resolved, seed),) = planned
    assert resolved.study.name == "Llama 3.1 70B on 512 H100"
    assert resolved.networks[0].switch.name == "qm9700"
    assert seed == 0
    printed = capsys.readouterr()
    assert "The verdict." in printed.out
    assert printed.err == ""


def test_plan_prints_nothing_but_json_with_json(planned, capsys):
    assert main(["plan", EXAMPLE, "--json", "--seed", "7"]) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert (document["schema_version"], document["seed"]) == (SCHEMA_VERSION, 7)
    assert printed.err == ""


def test_plan_writes_a_folder(planned, monkeypatch, tmp_path, capsys):
    written = []
    monkeypatch.setattr("netloom.evaluate.built", lambda resolved, name: (name, "placed", {}))
    monkeypatch.setattr("netloom.layout.cable_rows", lambda fabric, placed: [fabric, placed])
    monkeypatch.setattr("netloom.report.fabric.hall_of", lambda fabric, *rest: fabric)
    monkeypatch.setattr("netloom.report.fabric.drawings", lambda hall: {"floor-plan": hall})
    monkeypatch.setattr("netloom.report.write", lambda result, *rest: written.append(rest) or ())
    assert main(["plan", EXAMPLE, "--out", str(tmp_path)]) == 0
    assert written == [(tmp_path, ["rails", "placed"], {"floor-plan": "rails"}, ())]


def test_plan_gives_top_to_the_table(planned, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "netloom.report.terminal.print_result",
        lambda result, console, top: shown.append(top),
    )
    assert main(["plan", EXAMPLE, "--top", "3"]) == 0
    assert shown == [3]


def test_plan_without_a_winner_is_exit_3(monkeypatch, capsys):
    monkeypatch.setattr("netloom.search.plan_study", lambda *_, **__: answer("", 0), raising=False)
    assert main(["plan", EXAMPLE]) == 3
    assert "needs more memory" in capsys.readouterr().out


@pytest.mark.parametrize("top", ["0", "-1", "many"])
def test_wrong_option_values_are_exit_2(planned, capsys, top):
    assert main(["plan", EXAMPLE, "--top", top]) == 2
    assert "--top" in capsys.readouterr().err
    assert planned == []


@pytest.mark.parametrize("seed", ["-1", str(2**53 + 1), "99999999999999999999"])
@pytest.mark.parametrize(
    "command",
    [
        ("plan", EXAMPLE), ("step", EXAMPLE), ("traffic", EXAMPLE), ("goodput", EXAMPLE),
        ("collective", "all-reduce", "--ranks", "8", "--study", EXAMPLE),
        ("export", "htsim", "--study", EXAMPLE, "--out", "unwritten"),
    ],
)  # fmt: skip
def test_seeds_that_kernels_cannot_count_on_from_are_refused(capsys, command, seed):
    assert main([*command, f"--seed={seed}"]) == 2
    assert f"a seed is 0 to {2**53}" in " ".join(capsys.readouterr().err.replace("│", "").split())


@pytest.mark.parametrize(
    "tokens",
    [
        ("step", EXAMPLE, "--trace"),
        ("goodput", EXAMPLE, "--plot"),
        ("collective", "all-reduce", "--ranks", "8", "--study", EXAMPLE, "--plot"),
        ("calibrate", "step", "rows.csv", "--write"),
    ],
)
@pytest.mark.parametrize(("place", "said"), [("", "is a folder"), ("none/x.svg", "no folder")])
def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    tmp_path, capsys, tokens, place, said
):
    assert main([*tokens, str(tmp_path / place)]) == 2
    assert said in capsys.readouterr().err


def test_a_collective_is_drawn_as_svg_only(tmp_path, capsys):
    tokens = ("collective", "all-reduce", "--ranks", "8", "--study", EXAMPLE, "--plot")
    assert main([*tokens, str(tmp_path / "busbw.png")]) == 2
    assert "busbw.svg" in capsys.readouterr().err


def test_what_the_system_refuses_is_a_message(tmp_path, capsys):
    (tmp_path / "fabric.json").mkdir()
    tree = ("--set", "hosts=16", "--set", "radix=16", "--set", "tiers=2")
    assert main(["fabric", "fat-tree", *tree, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{tmp_path / 'fabric.json'}: Is a directory\n")


def test_a_quote_that_swallows_a_table_is_a_message(tmp_path, capsys):
    table = tmp_path / "flows.csv"
    table.write_text('source,target,bytes\n0,1,"100\n' + "0,1,100\n" * 20_000)
    tree = ("--fabric", "fat-tree", "--set", "hosts=16", "--set", "radix=16", "--set", "tiers=2")
    assert main(["export", "htsim", *tree, "--flows", str(table), "--out", str(tmp_path)]) == 2
    assert "quotation mark that is not closed" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_a_full_disk_is_a_message():
    done = subprocess.run(
        f"{sys.executable} -m netloom.cli.app catalog list > /dev/full",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "No space left on device"
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("columns", ["0", "-5", "wide"])
def test_columns_that_are_no_width_are_passed_over(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["catalog", "list", "nic"]) == 0
    assert "connectx-7" in capsys.readouterr().out


def test_a_pipe_is_utf_8_whatever_the_locale():
    done = subprocess.run(
        [sys.executable, "-m", "netloom.cli.app", "catalog", "show", "innolight", "--json"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout.decode("utf-8"))["names"]["zh"] == "中际旭创"


def test_three_mistakes_are_printed_with_place_and_fix(capsys):
    assert main(["plan", str(MISTAKES)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert lines[:6] == [
        f"3 problems in {MISTAKES}",
        f"{MISTAKES}:16:17: cluster.accelerators: 16383 accelerators do not fill nodes of 8",
        "    write 16376 or 16384",
        f"{MISTAKES}:19:13: cluster.nic_rate: '400 Gb' is an amount of data, a rate is meant",
        "    write 400 Gb/s",
        f"{MISTAKES}:24:13: networks[0].switch: unknown switch 'qm9701'",
    ]
    assert lines[6].startswith("    did you mean qm9700 or qm8700? Known: ")
    assert len(lines) == 7


def test_missing_study_is_exit_2(tmp_path, capsys):
    assert main(["plan", str(tmp_path / "none.yaml")]) == 2
    assert capsys.readouterr().err.splitlines()[1].endswith("there is no such file")


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        (InfeasibleError("fits on no plan"), 3, "fits on no plan\n"),
        (ConservationError("bytes do not add up"), 70, "bytes do not add up\n"),
        (
            ParameterError("radix is too small", "use 64", "radix"),
            2,
            "radix: radix is too small\n    use 64\n",
        ),
    ],
)
def test_errors_are_messages_with_their_exit_code(monkeypatch, capsys, error, code, printed):
    def plan_study(*_, **__):
        raise error

    monkeypatch.setattr("netloom.search.plan_study", plan_study, raising=False)
    assert main(["plan", EXAMPLE]) == code
    assert capsys.readouterr().err == printed


def test_a_bug_keeps_its_traceback(monkeypatch):
    def plan_study(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("netloom.search.plan_study", plan_study, raising=False)
    with pytest.raises(ZeroDivisionError):
        main(["plan", EXAMPLE])


@pytest.fixture
def validated(monkeypatch):
    """Put three known rows behind the command; what it was asked for is in the list."""
    asked = []
    rows = (
        Row("steps", "405B on 16,384", "TFLOP/s", 400.0, 412.0, 0.1, "a paper"),
        Row("steps", "405B on 8,192", "TFLOP/s", 430.0, 387.0, 0.05, "a paper"),
        Row("steps", "fitted", "s", 2.0, 2.0, 0.1, "a paper", role="calibration"),
        Row("counts", "SuperPOD of 4 units", "", 32, 32, 0.0, "a manual"),
        Row("counts", "nothing", "", 0, 1, 0.0, "a manual"),
    )

    def run(categories):
        asked.append(tuple(categories))
        return ValidationReport(
            tuple(row for row in rows if row.category in categories or not categories)
        )

    monkeypatch.setattr("netloom.validation.run", run)
    return asked


def test_validate_prints_rows_and_the_errors_of_each_group(validated, capsys):
    assert main(["validate"]) == 1
    lines = capsys.readouterr().out.splitlines()
    (missed,) = (line for line in lines if "405B on 8,192" in line)
    assert missed.split()[-4:] == ["%", "5", "%", "MISSED"]
    assert "-10 %" in missed
    assert "430 TFLOP/s" in missed
    assert (
        "steps: 2 rows, 1 missed; error median 6.5 %, 90th percentile 9.3 %, bias -3.5 %" in lines
    )
    assert any(line.startswith("steps (calibration): 1 rows, 0 missed") for line in lines)


def test_validate_takes_categories_and_prints_json(validated, capsys):
    assert main(["validate", "counts", "--json"]) == 1
    assert validated == [("counts",)]
    document = json.loads(capsys.readouterr().out)
    assert document["passed"] is False
    assert [row["error_fraction"] for row in document["rows"]] == [0.0, None]
    assert document["summaries"][0]["num_missed"] == 1


def test_validate_refuses_unknown_categories(capsys):
    assert main(["validate", "no-such-category"]) == 2
    assert "unknown validation category 'no-such-category'" in capsys.readouterr().err


def test_schema_prints_the_study_schema(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["version"]["const"] == 1


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


def test_unknown_command_is_exit_2(capsys):
    assert main(["plam", EXAMPLE]) == 2
    assert "plan" in capsys.readouterr().err


def test_help_imports_nothing_heavy():
    heavy = ("numpy", "numba", "pydantic", "yaml", "matplotlib", "scipy", "jinja2")
    script = (
        "import sys; from netloom.cli.app import main; code = main(['--help']); "
        f"print([name for name in {heavy!r} if name in sys.modules], code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] 0"


def test_a_closed_pipe_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m netloom.cli.app catalog list | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["kind", "part", "in", "full"]
    assert done.stderr == ""


def documented() -> dict[str, str]:
    """Return the sections of docs/cli.md by the words of their command."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    sections = text.split("\n## netloom ")[1:]
    return {
        " ".join(word for word in section.split("\n")[0].split() if word.islower()): section
        for section in sections
    }


def commands(parent=app, words=()):
    """Yield the words and the app of every command that runs something."""
    for name in parent:
        if name.startswith("-"):
            continue
        child = parent[name]
        if child.default_command is not None:
            yield " ".join((*words, name)), child
        yield from commands(child, (*words, name))


def test_every_command_and_option_is_documented():
    sections = documented()
    found = dict(commands())
    assert set(sections) == set(found)
    assert {words.split()[0] for words in found} == set(COMMANDS)
    for words, command in found.items():
        for argument in command.assemble_argument_collection():
            # an option stands in a list entry, a positional argument in the heading
            name = argument.name
            written = f"- `{name}" if name.startswith("--") else name
            assert written in sections[words], f"{words}: {name} is not in docs/cli.md"
