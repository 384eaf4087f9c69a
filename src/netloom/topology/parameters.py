"""Parameters that every fabric family shares, and their checking.

A family's `Parameters` model is the reference of its parameters: it fills help texts and error
messages, and a parameter cannot exist without a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
)

from netloom.errors import ParameterError, nearest

_Model = TypeVar("_Model", bound=BaseModel)


def _taper(raw: Any) -> Any:
    """Return the uplink share of a leaf's downlinks from a number or a ``"3:1"`` text."""
    if isinstance(raw, str) and ":" in raw:
        down, _, up = raw.partition(":")
        try:
            return float(up) / float(down)
        except (ValueError, ZeroDivisionError):
            raise ValueError(f"'{raw}' is no ratio of downlinks to uplinks") from None
    if isinstance(raw, str):
        raw = _number(raw)
    if isinstance(raw, int | float) and raw > 1:
        raise ValueError(
            f"a taper of {raw:g} is above 1, it is the uplink share of the downlinks; write "
            f"'{raw:g}:1' for {raw:g} downlinks to an uplink, '1:{raw:g}' for the reverse"
        )
    return raw


def _number(text: str) -> float | str:
    """Return a text's number, or the text for the model to refuse."""
    try:
        return float(text)
    except ValueError:
        return text


Taper = Annotated[float, BeforeValidator(_taper)]


def _number_list(raw: Any) -> Any:
    """Return the parts of a comma list, as the command line passes it; one number is a list too."""
    if isinstance(raw, str):
        return tuple(part.strip() for part in raw.split(","))
    return raw if isinstance(raw, list | tuple) else (raw,)


#: Whole numbers from 1, ``[4, 4]`` in a study and ``4,4`` on the command line.
NumberList = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_number_list)]


class FamilyParameters(BaseModel):
    """What every fabric family takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    link_bytes_per_s: float = Field(
        default=50e9, gt=0, description="Rate of one logical link, one way, bytes/s."
    )
    cage_ports: int = Field(
        default=1, ge=1, description="Logical links that share one cage, and one cable at full use."
    )


def validated(model: type[_Model], kind: str, parameters: Mapping[str, Any]) -> _Model:
    """Return a family's parameters; raise `ParameterError` that names each one that is wrong."""
    given = {name: value for name, value in parameters.items() if name != "kind"}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = [_explained(model, kind, detail) for detail in error.errors()]
    where = problems[0][2] if len(problems) == 1 else ""
    raise ParameterError(
        "; ".join(message for message, _, _ in problems),
        hint="; ".join(dict.fromkeys(hint for _, hint, _ in problems if hint)),
        where=where,
    )


def _explained(model: type[BaseModel], kind: str, detail: Any) -> tuple[str, str, str]:
    """Return message, hint and parameter name of one pydantic error."""
    name = ".".join(str(part) for part in detail["loc"] if not str(part).startswith("function-"))
    head = name.split(".")[0]
    if detail["type"] == "extra_forbidden":
        return f"{kind} has no parameter '{name}'", nearest(name, model.model_fields), head
    field = model.model_fields.get(head)
    meaning = f"{head}: {field.description}" if field is not None and field.description else ""
    if detail["type"] == "missing":
        return f"{kind} needs parameter '{name}'", meaning, head
    text = str(detail["msg"]).removeprefix("Value error, ")
    return (
        f"{kind} parameter '{name}' = {detail['input']!r}: {text[0].lower()}{text[1:]}",
        meaning,
        head,
    )


def refuse(
    kind: str, parameter: str, value: object, why: str, choices: Iterable[object]
) -> ParameterError:
    """Return the error for a parameter outside its domain, with the nearest valid choices."""
    # a number is a value of the parameter, a text says what to write in full
    listed = [choice if isinstance(choice, str) else f"{parameter}: {choice}" for choice in choices]
    hint = f"use {', or '.join(listed)}" if listed else ""
    return ParameterError(
        f"{kind} parameter '{parameter}' = {value}: {why}", hint=hint, where=parameter
    )


def agreed(kind: str, given: Mapping[str, Any], parameter: str, follows: Any, reason: str) -> Any:
    """Return a given parameter, or the value that follows from the cluster when it is left out.

    For parameters that the cluster fixes: raise `ParameterError` when the two contradict.
    """
    value = given.get(parameter, follows)
    if value != follows:
        raise refuse(kind, parameter, value, f"contradicts the cluster: {reason}", (follows,))
    return follows


@dataclass(frozen=True)
class Cluster:
    """What a family is sized for.

    Attributes
    ----------
    hosts : endpoints, which are NICs.
    nics_per_node : NICs of one node; NIC i is rail i.
    num_ports : ports of one switch at the link rate.
    link_bytes_per_s : one logical link, one way: the NIC's rate over its planes.
    ports_per_cage : logical links that share a cage of the switch.
    """

    hosts: int
    nics_per_node: int
    num_ports: int
    link_bytes_per_s: float
    ports_per_cage: int = 1


def from_cluster(
    model: type[BaseModel],
    kind: str,
    given: Mapping[str, Any],
    cluster: Cluster,
) -> dict[str, Any]:
    """Return the given parameters, checked, with link rate, cages and radix from the cluster.

    Raises
    ------
    ParameterError
        When a name is unknown, a value is outside its domain, the link rate contradicts the
        cluster's, or the radix exceeds the ports that the switch has at the link rate.
    """
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    checked = validated(_without(model, required), kind, given)
    filled = {name: getattr(checked, name) for name in given if name != "kind"}
    filled["link_bytes_per_s"] = agreed(
        kind,
        filled,
        "link_bytes_per_s",
        cluster.link_bytes_per_s,
        "NIC rate over planes and link_rate give another",
    )
    filled.setdefault("cage_ports", cluster.ports_per_cage)
    if "radix" in model.model_fields:
        filled.setdefault("radix", cluster.num_ports)
        radix = filled["radix"]
        if isinstance(radix, int) and radix > cluster.num_ports:
            raise refuse(
                kind,
                "radix",
                radix,
                f"the switch has {cluster.num_ports} ports at the link rate",
                (cluster.num_ports,),
            )
    return filled


def _without(model: type[BaseModel], names: Iterable[str]) -> type[BaseModel]:
    """Return the model with some required fields made optional; what is given is still checked."""
    optional: dict[str, Any] = {}
    for name in names:
        field = model.model_fields[name]
        kept = (field.annotation, *field.metadata, field.description)
        optional[name] = (Annotated[kept], None)
    return create_model(model.__name__, __base__=model, **optional)
