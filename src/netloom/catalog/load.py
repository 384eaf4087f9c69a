"""Part files to frozen parts: one YAML file per part, parsed when it is asked for and not before.

A part ``qm9700`` of kind ``switch`` is the file ``data/switch/qm9700.yaml``; the file's name is the
part's name. Models are Hugging Face configurations, ``data/model/<name>.json``, and are handed out
as paths. ``data/sources.yaml`` says in one line each what the source keys stand for.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from netloom.catalog import parts
from netloom.catalog.entry import Entry
from netloom.catalog.failure_rates import FailureRates
from netloom.catalog.outlook import BuildOut, Scenario, Series
from netloom.catalog.prices import PriceBook, SiteCosts
from netloom.catalog.quantity import Quantity
from netloom.catalog.software import Software
from netloom.catalog.suppliers import Company, Component
from netloom.errors import ParameterError, Problem, StudyError, nearest

DATA = Path(__file__).parent / "data"

#: Kind of part, which is also its folder -> the model of its files.
KINDS: MappingProxyType[str, type[Entry]] = MappingProxyType(
    {
        "accelerator": parts.Accelerator,
        "scale-up": parts.ScaleUp,
        "nic": parts.Nic,
        "node": parts.Node,
        "switch": parts.Switch,
        "medium": parts.Medium,
        "protocol": parts.Protocol,
        "collective-library": parts.CollectiveLibrary,
        "software": Software,
        "failure-rates": FailureRates,
        "price-book": PriceBook,
        "site-costs": SiteCosts,
        "component": Component,
        "company": Company,
        "scenario": Scenario,
        "build-out": BuildOut,
        "series": Series,
    }
)

# libyaml's loader is ten times as fast; wheels of PyYAML without it exist
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def kinds() -> tuple[str, ...]:
    """Return the kinds of part; models are listed by ``names("model")`` alone."""
    return tuple(KINDS)


@cache
def names(kind: str) -> tuple[str, ...]:
    """Return the names of all parts of a kind, sorted; ``"model"`` lists the shipped models.

    Examples
    --------
    >>> "qm9700" in names("switch")
    True
    """
    ending = ".json" if _known(kind) == "model" else ".yaml"
    return tuple(sorted(path.stem for path in (DATA / kind).glob(f"*{ending}")))


@cache
def get(kind: str, name: str) -> Any:
    """Return one part as the model of its kind.

    Raises
    ------
    ParameterError
        When the kind or the name is unknown; the hint lists the nearest names.

    Examples
    --------
    >>> float(get("nic", "connectx-7").port_bytes_per_s)
    50000000000.0
    """
    if kind == "model":
        raise ParameterError("a model is a file, not a part", hint="use catalog.model_path(name)")
    _known(kind)
    path = DATA / kind / f"{name}.yaml"
    # the listing, not the file system, decides: it is exact about case and knows no '../'
    if name not in names(kind):
        raise ParameterError(f"unknown {kind} '{name}'", hint=nearest(name, names(kind)))
    return read_part(kind, path)


def model_path(name: str) -> Path:
    """Return the path of a shipped model's Hugging Face ``config.json``."""
    if name not in names("model"):
        raise ParameterError(f"unknown model '{name}'", hint=nearest(name, names("model")))
    return DATA / "model" / f"{name}.json"


def load_all() -> dict[str, dict[str, Entry]]:
    """Return every part by kind and name; for checks and listings, not for start-up."""
    return {kind: {name: get(kind, name) for name in names(kind)} for kind in KINDS}


def read_part(kind: str, path: Path) -> Entry:
    """Return the part that a YAML file describes, named after the file.

    Raises
    ------
    StudyError
        With one problem per field that is missing, unknown or without evidence.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        message = getattr(error, "problem", None) or str(error)
        raise StudyError([Problem(message, "", "", str(path), *place)]) from None
    if not isinstance(raw, dict):
        raise StudyError([Problem("a part file is a mapping of fields", file=str(path))])
    try:
        return KINDS[kind].model_validate(raw | {"name": path.stem})
    except ValidationError as error:
        raise StudyError(_problem(entry, path) for entry in error.errors()) from None


def price(book: PriceBook, part: str) -> Quantity:
    """Return what a price book asks for a part, written ``"kind/name"``.

    Raises
    ------
    ParameterError
        When the book has no price, with the reason that it states for that.
    """
    if part in book.prices:
        return book.prices[part]
    if part in book.unpriced:
        raise ParameterError(
            f"price book '{book.name}' has no price for {part}: {book.unpriced[part]}",
            hint="choose a part with a price",
        )
    raise ParameterError(
        f"price book '{book.name}' does not know {part}", hint=nearest(part, book.prices)
    )


def walk_quantities(part: BaseModel) -> Iterator[tuple[str, Quantity]]:
    """Yield every number of a part with its dotted path, ``("peak_flops_per_s.bf16", ...)``."""
    for field in type(part).model_fields:
        yield from _walk(field, getattr(part, field))


@cache
def sources() -> MappingProxyType[str, str]:
    """Return what each source key stands for, in one line."""
    text = (DATA / "sources.yaml").read_text(encoding="utf-8")
    return MappingProxyType(yaml.load(text, Loader=_Loader))


def _walk(path: str, value: Any) -> Iterator[tuple[str, Quantity]]:
    if isinstance(value, Quantity):
        yield path, value
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _walk(f"{path}.{field}", getattr(value, field))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(f"{path}.{key}", item)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _walk(f"{path}[{index}]", item)


def _known(kind: str) -> str:
    if kind != "model" and kind not in KINDS:
        raise ParameterError(
            f"unknown kind of part '{kind}'", hint=nearest(kind, [*KINDS, "model"])
        )
    return kind


def _problem(entry: Any, path: Path) -> Problem:
    message, _, hint = str(entry["msg"]).removeprefix("Value error, ").partition("\n")
    return Problem(message, hint.strip(), ".".join(map(str, entry["loc"])), file=str(path))
