"""Scenarios and build-outs by catalogue name or from a user's file, refused with line and column.

A user's file has the keys of the shipped ones; a scenario may leave out `names`, and then its title
is its name in all languages. A name with a slash or the ending of YAML is a file's path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from netloom import catalog
from netloom.catalog.entry import Entry
from netloom.catalog.outlook import MOVES, BuildOut, Driver, Scenario
from netloom.catalog.suppliers import Group
from netloom.errors import ParameterError, Problem, StudyError, nearest
from netloom.schema.document import Document, read_document
from netloom.schema.explain import explained
from netloom.supply.bill import Bill

_ENDINGS = (".yaml", ".yml")

#: Kinds of drivers that aim at accelerators, and so at a design or at all.
_OF_DESIGNS = ("accelerators", "training accelerators", "inference accelerators", "mix")


def is_path(name: str) -> bool:
    """Return whether a name is that of a file, by a slash or an ending.

    Examples
    --------
    >>> is_path("ours.yaml"), is_path("base")
    (True, False)
    """
    return "/" in name or name.endswith(_ENDINGS)


def read_scenario(name: str, designs: Sequence[str] | None = None) -> Scenario:
    """Return a scenario of the catalogue or of a file.

    Parameters
    ----------
    name : in the catalogue, or a path.
    designs : names of the build-out's designs, which a driver may aim at; unchecked when None.

    Raises
    ------
    StudyError
        With every problem of the file, unknown targets among them, with line and column.

    Examples
    --------
    >>> read_scenario("cpo-early").names.ja
    'CPOの早期普及'
    """
    if not is_path(name):
        found: Scenario = catalog.get("scenario", name)
        problems = list(target_problems(found, designs))
        if problems:
            raise StudyError(problems)
        return found
    document, entry = _read(Path(name), Scenario)
    assert isinstance(entry, Scenario)
    problems = [document.placed(each, name) for each in target_problems(entry, designs)]
    if problems:
        raise StudyError(problems)
    return entry


def read_build_out(name: str) -> tuple[BuildOut, Path]:
    """Return a build-out of the catalogue or of a file, and the folder that its paths begin in.

    Raises
    ------
    StudyError
        With every problem of the file, with line and column.

    Examples
    --------
    >>> build_out, folder = read_build_out("merchant-2026")
    >>> (folder / build_out.designs["servers, LPO"].study).exists()
    True
    """
    if not is_path(name):
        found: BuildOut = catalog.get("build-out", name)
        return found, catalog.load.DATA / "build-out"
    _, entry = _read(Path(name), BuildOut)
    assert isinstance(entry, BuildOut)
    return entry, Path(name).parent


def mixed_designs(build_out: BuildOut) -> tuple[str, ...]:
    """Return the designs of all years' mixes, in order of appearance."""
    return tuple(dict.fromkeys(name for year in build_out.years.values() for name in year.mix))


def design_bills(
    build_out: BuildOut,
    folder: Path,
    bills_of_study: Callable[[Path, Sequence[str]], Mapping[str, Bill]],
    here: Mapping[str, Bill],
) -> dict[str, Bill]:
    """Return the bill of each design of a build-out's mixes.

    Parameters
    ----------
    build_out, folder : as read.
    bills_of_study : from a study file and names of its networks to their bills; it plans the study.
    here : bills of the study at hand by network, for designs that the build-out does not say.

    Raises
    ------
    ParameterError
        When a design is neither in the build-out nor a network of the study at hand, or its study
        is not there.
    """
    wanted: dict[Path, list[str]] = {}
    for name in mixed_designs(build_out):
        design = build_out.designs.get(name)
        if design is not None:
            path = folder / design.study
            if not path.is_file():
                raise ParameterError(
                    f"design '{name}' of build-out {build_out.name} is in a study that is not "
                    f"there: {path}",
                    hint="write the path of a study file, from the build-out's own folder",
                )
            wanted.setdefault(path, []).append(design.network)
        elif name not in here:
            raise ParameterError(
                f"the mix of build-out {build_out.name} has an unknown design '{name}'",
                hint=f"say its study under designs, or name a network of the study at hand; "
                f"{nearest(name, [*build_out.designs, *here])}",
            )
    found = {
        path: bills_of_study(path, tuple(dict.fromkeys(names))) for path, names in wanted.items()
    }
    bills = {}
    for name in mixed_designs(build_out):
        design = build_out.designs.get(name)
        bills[name] = here[name] if design is None else found[folder / design.study][design.network]
    return bills


def target_problems(scenario: Scenario, designs: Sequence[str] | None = None) -> Iterator[Problem]:
    """Yield a problem for each driver that aims at something unknown.

    Parameters
    ----------
    scenario : as read.
    designs : names of the build-out's designs; unchecked when None.

    Examples
    --------
    >>> drivers = {"d": catalog.get("scenario", "fiercer-competition").drivers["leader-share"]}
    >>> drivers["d"] = drivers["d"].model_copy(update={"target": "inolight"})
    >>> scenario = catalog.get("scenario", "base").model_copy(update={"drivers": drivers})
    >>> next(target_problems(scenario)).message
    "unknown company 'inolight'"
    """
    for name, driver in scenario.drivers.items():
        for key, kind, known in _aims(driver, designs):
            aim = getattr(driver, key)
            if known is not None and aim and aim not in known:
                yield Problem(
                    f"unknown {kind} '{aim}'", nearest(aim, known), f"drivers.{name}.{key}"
                )


def check_years(scenario: Scenario, build_out: BuildOut) -> None:
    """Refuse a driver that holds in none of the build-out's years."""
    years = sorted(build_out.years)
    for name, driver in scenario.drivers.items():
        if driver.years and not set(driver.years) & set(years):
            raise ParameterError(
                f"driver {name} of scenario {scenario.name} holds in {_listed(driver.years)}, none "
                f"of which is in the build-out",
                hint=f"its years are {_listed(years)}",
                where=f"drivers.{name}.years",
            )


def _aims(
    driver: Driver, designs: Sequence[str] | None
) -> Iterator[tuple[str, str, Sequence[str] | None]]:
    """Yield the keys of a driver that name something, what that is, and the names it may have."""
    if driver.what in _OF_DESIGNS:
        yield "target", "design", designs
    elif driver.what == "company share":
        yield "target", "company", catalog.names("company")
        yield "within", "component or group of components", _components_and_groups()
    elif driver.what == "region price":
        companies = (catalog.get("company", name) for name in catalog.names("company"))
        yield "target", "region", sorted({each.region for each in companies})
    else:
        yield "target", "component or group of components", _components_and_groups()
    if driver.what in MOVES:
        if driver.what == "mix":
            yield "to", "design", designs
        else:
            yield "to", "component", catalog.names("component")


def _components_and_groups() -> tuple[str, ...]:
    return (*catalog.names("component"), *get_args(Group))


def _read(path: Path, model: type[Entry]) -> tuple[Document, Entry]:
    """Return a file and what it says, named after the file."""
    document = read_document(path)
    problems = list(document.problems)
    raw = document.data
    entry = None
    if isinstance(raw, dict):
        given: dict[str, Any] = {"name": path.stem, **raw}
        if model is Scenario and "names" not in raw and isinstance(raw.get("title"), str):
            given["names"] = dict.fromkeys(("en", "zh", "ja"), raw["title"])
        try:
            entry = model.model_validate(given)
        except ValidationError as error:
            problems += [problem for _, problem in explained(error, model)]
    elif not problems:
        problems.append(Problem("the file holds no entries", "begin with 'title:'"))
    if problems or entry is None:
        raise StudyError(sorted(
            (document.placed(each, path) for each in problems),
            key=lambda each: (each.line, each.column),
        ))  # fmt: skip
    return document, entry


def _listed(years: Sequence[int]) -> str:
    return ", ".join(map(str, years))
