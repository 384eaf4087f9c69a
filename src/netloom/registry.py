"""Extension points: a new kind is one file, found by its module name.

A registry looks into one package of ours; a kind ``rail-optimized`` is the module
``rail_optimized``. Third-party packages add kinds through an entry point of the registry's group,
which is consulted only when a name is unknown here, so that start-up does not pay for it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from importlib.metadata import entry_points
from types import ModuleType

from netloom.errors import ParameterError, nearest


class Registry:
    """Modules of one package, by kind.

    Parameters
    ----------
    package : dotted name of the package whose public modules are the kinds.
    group : entry-point group for third-party modules.
    noun : what one kind is called in an error, such as ``"fabric family"``.
    required : attribute names that every module must define.
    """

    def __init__(self, package: str, group: str, noun: str, required: Sequence[str] = ()) -> None:
        self.package = package
        self.group = group
        self.noun = noun
        self.required = tuple(required)
        self._names: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Return the kinds of this package, sorted; third-party kinds are not listed."""
        # the folder is listed once: prices of messages ask for kinds thousands of times
        if not self._names:
            path = importlib.import_module(self.package).__path__
            self._names = tuple(
                sorted(
                    module.name.replace("_", "-")
                    for module in pkgutil.iter_modules(path)
                    if not module.name.startswith("_")
                )
            )
        return self._names

    def get(self, kind: str) -> ModuleType:
        """Return the module of a kind; raise `ParameterError` that lists the known kinds."""
        if kind in self.names():
            module = importlib.import_module(f"{self.package}.{kind.replace('-', '_')}")
        else:
            module = self._third_party(kind)
        missing = [name for name in self.required if not hasattr(module, name)]
        if missing:
            raise ParameterError(f"{self.noun} '{kind}' lacks {', '.join(missing)}")
        return module

    def _third_party(self, kind: str) -> ModuleType:
        for point in entry_points(group=self.group):
            if point.name == kind:
                return point.load()
        raise ParameterError(f"unknown {self.noun} '{kind}'", hint=nearest(kind, self.names()))
