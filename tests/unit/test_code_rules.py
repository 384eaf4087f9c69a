"""The rules that tools check: imports, style, types, locks without addresses, README and CI."""

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))


def run(*command):
    tool = shutil.which(command[0], path=str(SCRIPTS)) or command[0]
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_imports_point_down():
    assert "0 broken" in run("lint-imports")


def test_style():
    run("ruff", "check", "src", "tests", "benchmarks")
    run("ruff", "format", "--check", "src", "tests", "benchmarks")


def test_types():
    assert "Success" in run("mypy")


@pytest.mark.parametrize("lock", ["run", "test"])
def test_locks_hold_hashes_and_no_addresses(lock):
    text = (ROOT / "locks" / f"{lock}.txt").read_text()
    assert "--hash=sha256:" in text
    assert not re.search(r"https?:|file:|index-url", text)


def test_every_dependency_is_locked_and_explained():
    project = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[(.*?)\]", project, re.S | re.M)[1]
    names = [re.split(r"[>=<\[]", name)[0] for name in re.findall(r'"([^"]+)"', listed)]
    lock = (ROOT / "locks" / "run.txt").read_text().lower()
    reasons = (ROOT / "docs" / "architecture.md").read_text().lower()
    assert len(names) >= 5
    for name in names:
        assert f"\n{name.lower()}==" in "\n" + lock
        assert name.lower() in reasons


def test_ci_runs_the_test_command_of_the_readme():
    commands = re.findall(r"^```sh\n(.+)\n```$", (ROOT / "README.md").read_text(), re.M)
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci" / "run").read_text()


def test_starting_up_loads_nothing_heavy():
    code = (
        "import sys, netloom.cli.app; "
        "print([m for m in ('numpy', 'numba', 'pydantic', 'jinja2', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
