"""What pydantic refuses, in the words of someone who writes a study file, or a scenario."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from netloom.errors import Problem, nearest
from netloom.schema.document import KeyPath, dotted
from netloom.schema.values import described

#: Pydantic error type -> what was meant there.
_MEANT = {
    "string_type": "a text",
    "dict_type": "a section with entries",
    "model_type": "a section with entries",
    "tuple_type": "a list",
    "list_type": "a list",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}

#: Pydantic error type -> the comparison that its context's only number takes part in.
_BOUNDS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def explained(
    error: ValidationError, model: type[BaseModel]
) -> Iterator[tuple[ErrorDetails, Problem]]:
    """Yield each error of a validation with the problem that it is to a person.

    Parameters
    ----------
    error : what pydantic raised when it validated `model`.
    model : the model, for the keys that it knows.
    """
    for detail in error.errors(include_url=False):
        kind = detail["type"]
        if kind == "too_short" and detail["input"]:
            continue  # pydantic counts only valid entries; the invalid ones speak for themselves
        path = _own_path(model, detail["loc"])
        if kind == "refused" and detail["ctx"]["key"]:
            path = (*path, detail["ctx"]["key"])
        message, hint = _words(detail, model, path)
        of_key = kind == "extra_forbidden" or "[key]" in detail["loc"]
        yield detail, Problem(message, hint, where=dotted(path), of_key=of_key)


def _words(detail: ErrorDetails, model: type[BaseModel], path: KeyPath) -> tuple[str, str]:
    """Return message and hint of one pydantic error."""
    kind, context, got = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "refused":
        return context["message"], context["hint"]
    if kind == "value_error":
        message, _, hint = str(context["error"]).partition("\n")
        return message, hint
    if kind == "extra_forbidden":
        known = fields(section(model, path[:-1]))
        return f"unknown key '{path[-1]}'", nearest(str(path[-1]), known)
    if kind == "missing":
        about = fields(section(model, path[:-1])).get(str(path[-1]), "")
        return f"'{path[-1]}' is missing", f"add {path[-1]}: {about}".rstrip(" .")
    if kind == "literal_error":
        choices = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        if "[key]" in detail["loc"]:
            return f"unknown key '{got}'", nearest(str(got), choices)
        name = next(step for step in reversed(path) if isinstance(step, str))
        return f"{described(got)} is no choice for {name}", nearest(str(got), choices)
    if kind in _MEANT:
        return f"{described(got)} is given, {_MEANT[kind]} is meant", _rewritten(kind, got)
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"must be {words} {context[bound]:,.15g}", ""
    if kind in ("too_short", "string_too_short"):
        return "must not be empty", ""
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}", ""


def _rewritten(kind: str, got: Any) -> str:
    """Return a hint with the same value in the form that is meant, where there is one."""
    if not isinstance(got, str | int | float) or isinstance(got, bool):
        return ""
    if kind == "string_type":
        return f'write "{got}"'
    return f"write [{got}]" if kind in ("tuple_type", "list_type") else ""


def fields(model: type[BaseModel] | None) -> dict[str, str]:
    """Return the keys of a section with a sentence on each."""
    if model is None:
        return {}
    return {
        name: field.description or (section(model, (name,)) or model).__doc__ or ""
        for name, field in model.model_fields.items()
    }


def section(model: Any, path: KeyPath) -> type[BaseModel] | None:
    """Return the model of the section at a path, None when it is no section of fixed keys.

    Examples
    --------
    >>> from netloom.schema.study import Study
    >>> section(Study, ("networks", 2, "media")).__name__
    'Media'
    """
    for step in path:
        if typing.get_origin(model) is dict:  # the step is one of its free keys
            model = _model_inside(typing.get_args(model)[1])
            continue
        if not _is_model(model):
            return None
        if isinstance(step, int):
            continue
        field = model.model_fields.get(step)
        inside = field.annotation if field is not None else None
        model = inside if typing.get_origin(inside) is dict else _model_inside(inside)
    return model if _is_model(model) else None


def _own_path(model: type[BaseModel], location: tuple[int | str, ...]) -> KeyPath:
    """Return an error's location without the words that pydantic adds for itself.

    Inside a value that is no section, pydantic appends the branch of a union or a validator.
    """
    path: KeyPath = ()
    for step in location:
        if step == "[key]":
            continue
        inside_value = path and section(model, path) is None
        if inside_value and isinstance(step, str) and not _has_entries(model, path):
            break
        path = (*path, step)
    return path


def _has_entries(model: type[BaseModel], path: KeyPath) -> bool:
    """Return whether the value at a path is a dictionary with free keys."""
    outer, name = section(model, path[:-1]), path[-1]
    field = outer.model_fields.get(str(name)) if outer is not None else None
    return field is not None and typing.get_origin(field.annotation) is dict


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _model_inside(annotation: Any) -> Any:
    """Return the model in an annotation such as ``tuple[Network, ...]``."""
    if _is_model(annotation):
        return annotation
    inner = (_model_inside(argument) for argument in typing.get_args(annotation))
    return next((model for model in inner if model is not None), None)
