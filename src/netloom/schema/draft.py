"""What is usable of a section that may be malformed, so that later checks can go on.

A draft has the attributes of its model; where the file holds nothing usable the attribute is None.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

Model = TypeVar("Model", bound=BaseModel)


def draft(model: type[Model], raw: Any) -> Model:
    """Return an unvalidated instance of a model with the usable entries of a raw section.

    Examples
    --------
    >>> from netloom.schema.study import Cluster
    >>> drafted = draft(Cluster, {"accelerators": "many", "nic_rate": "400 Gb/s"})
    >>> drafted.accelerators, drafted.nic_rate
    (None, 50000000000.0)
    """
    entries = raw if isinstance(raw, Mapping) else {}
    return model.model_construct(
        **{name: _usable(model, name, entries) for name in model.model_fields}
    )


def _usable(model: type[BaseModel], name: str, entries: Mapping[Any, Any]) -> Any:
    field = model.model_fields[name]
    if name not in entries and not field.is_required():
        return field.get_default(call_default_factory=True)
    section = _section(field.annotation)
    value = entries.get(name)
    if section is not None and typing.get_origin(field.annotation) is not tuple:
        return draft(section, value)
    if section is not None:
        return tuple(draft(section, entry) for entry in value) if isinstance(value, list) else ()
    try:
        return _adapter(model, name).validate_python(value)
    except ValidationError:
        return None


@functools.cache
def _adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    kind: Any = field.annotation
    return TypeAdapter(Annotated[kind, *field.metadata] if field.metadata else kind)


def _section(annotation: Any) -> Any:
    """Return the model of a section or of the entries of a list of sections."""
    for candidate in (annotation, *typing.get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
