"""What all tests share."""

import pytest


@pytest.fixture(autouse=True)
def _width_of_a_pipe(monkeypatch):
    """Let commands print as into a pipe, whatever window the tests run in."""
    monkeypatch.delenv("COLUMNS", raising=False)
