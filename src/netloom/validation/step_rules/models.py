"""Names of models in published tables, and the shapes that they stand for."""

from __future__ import annotations

import re
from functools import cache

from netloom import catalog
from netloom.errors import ParameterError, nearest
from netloom.validation.step_rules.patterns import table
from netloom.workload.shape import TransformerShape, from_config, read_config

#: Vocabulary of GPT-2, padded to a multiple of 1,024 as Megatron-LM does over 8 tensor ranks.
GPT_VOCABULARY = 51200

#: ``48L h6144 64x96`` or ``24L h2304 24 heads V51200``.
_SIZES = re.compile(r"(\d+)L h(\d+) (\d+)(?:x(\d+)| heads)(?: V(\d+))?", re.IGNORECASE)


def gpt_shape(
    name: str, *, layers: int, hidden: int, heads: int, sequence: int, vocab: int = GPT_VOCABULARY
) -> TransformerShape:
    """Return a GPT of the Megatron-LM papers: feed-forward of 4 hidden, learned positions, tied.

    Examples
    --------
    >>> gpt_shape("22B", layers=48, hidden=6144, heads=64, sequence=2048).ffn
    24576
    """
    config = {
        "model_type": "gpt2", "n_layer": layers, "n_embd": hidden, "n_head": heads,
        "vocab_size": vocab, "n_positions": sequence,
    }  # fmt: skip
    return from_config(config, name)


def named_shape(text: str, sequence: int) -> tuple[TransformerShape, str]:
    """Return the shape of a model as a table names it, and what is left out of it.

    A name is sizes in brackets, a model of the catalogue in any spelling, or an alias of
    ``data/step-models.yaml``; brackets may also hold the name itself, as in ``gpt-175B
    (gpt3-175b)``.

    Raises
    ------
    ParameterError
        When the model is unknown, or known and not one that netloom can compute.
    """
    bare, _, rest = text.partition("(")
    inside, bare = rest.rstrip(") "), bare.strip()
    if sizes := _SIZES.search(inside):
        return _from_sizes(bare, *sizes.groups(), sequence=sequence), ""
    for entry in table("step-models.yaml")["refused"]:
        if re.search(entry["pattern"], bare, re.IGNORECASE):
            raise ParameterError(f"{text}: {entry['reason']}", hint=entry.get("hint", ""))
    for spelling in (bare, inside):
        if name := _catalogue_name(spelling):
            return read_config(catalog.model_path(name)), _left_out(text)
    raise ParameterError(
        f"model '{text}' is not known" if text else "model is blank",
        hint=nearest(bare.lower(), catalog.names("model"))
        + "; or give sizes, such as gpt-22B (48L h6144 64x96 V51200)",
    )


def _from_sizes(
    name: str, layers: str, hidden: str, heads: str, head: str | None, vocab: str | None,
    *, sequence: int,
) -> TransformerShape:  # fmt: skip
    if head and int(heads) * int(head) != int(hidden):
        raise ParameterError(
            f"{heads} heads of {head} are not a hidden size of {hidden}",
            hint="write layers, hidden size and heads x head size, such as 48L h6144 64x96",
        )
    return gpt_shape(
        name, layers=int(layers), hidden=int(hidden), heads=int(heads), sequence=sequence,
        vocab=int(vocab or GPT_VOCABULARY),
    )  # fmt: skip


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _catalogue_name(spelling: str) -> str:
    """Return the catalogue's name for a spelling, empty when there is none."""
    for entry in table("step-models.yaml")["aliases"]:
        spelling = re.sub(entry["pattern"], entry["name"], spelling, flags=re.IGNORECASE)
    known = {_letters(name): name for name in catalog.names("model")}
    return known.get(_letters(spelling), "") if spelling else ""


def _left_out(text: str) -> str:
    notes = [
        entry["note"]
        for entry in table("step-models.yaml")["left_out"]
        if re.search(entry["pattern"], text, re.IGNORECASE)
    ]
    return "; ".join(notes)
