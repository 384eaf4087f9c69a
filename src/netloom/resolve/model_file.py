"""The configuration of a study's model: a file beside the study, or one of the catalogue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from netloom import catalog
from netloom.errors import Problem, nearest

_HINT = "give the config.json of a Hugging Face model"


def model_path(model: str, directory: Path) -> Path:
    """Return the file of a model; a name without a slash or an ending is one of the catalogue."""
    return directory / model if _is_path(model) else catalog.model_path(model)


def _is_path(model: str) -> bool:
    return "/" in model or model.endswith(".json")


def model_name(model: str, path: Path) -> str:
    """Return what the model is called: its catalogue name, or that of its folder or file."""
    if not _is_path(model):
        return model
    return path.parent.name if path.name == "config.json" else path.stem


def model_problems(model: str | None, directory: Path) -> Iterator[Problem]:
    """Return why a model cannot be read; nothing for a draft without one."""
    if model is None:
        return
    known = catalog.names("model")
    if not _is_path(model) and model not in known:
        hint = f"{nearest(model, known)}; or write the path of a config.json beside the study"
        yield Problem(f"unknown model '{model}'", hint, "model")
        return
    path = model_path(model, directory)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = f"give a path from {directory}, or a catalogue model: {', '.join(known)}"
        yield Problem(f"there is no file '{model}'", hint, "model")
    except IsADirectoryError:
        yield Problem(f"'{model}' is a folder", f"write {model.rstrip('/')}/config.json", "model")
    except (OSError, UnicodeDecodeError) as error:
        yield Problem(f"cannot read '{model}': {error}", where="model")
    except json.JSONDecodeError as error:
        yield Problem(
            f"'{model}' is not valid JSON: {error.msg} in line {error.lineno}, "
            f"column {error.colno}",
            hint=_HINT,
            where="model",
        )
    else:
        if not isinstance(config, dict):
            yield Problem(f"'{model}' holds no JSON object", _HINT, "model")
