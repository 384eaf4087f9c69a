"""Cells that the tables about suppliers share: names with groups, grades, values in few columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from netloom.report.exposure.evidence import Evidence
from netloom.report.exposure.words import Speaker, below

#: Designs beside which a line has no room for brackets.
_FEW_DESIGNS = 2


def named(kind: str, name: str, speaker: Speaker) -> str:
    """Return the name of a component or company in the speaker's language."""
    return speaker.component(name) if kind == "component" else speaker.company(name)


def labelled(kind: str, name: str, group: str, speaker: Speaker) -> Text:
    """Return the name of a row with its group below it, or with the region of its head office."""
    told = Text(named(kind, name, speaker))
    if group:
        told.append(f"\n{group}" if kind == "component" else f" ({group})", style="dim")
    return told


def evidence_cell(found: Evidence | None) -> str:
    """Return grade and date of the main way, and below it the worst grade where it is another."""
    if found is None or not found.main:
        return ""
    main = f"{found.main}, {found.as_of}" if found.as_of else found.main
    return f"{main}\nworst {found.worst}" if found.worst != found.main else main


def narrow(texts: Sequence[str]) -> list[str]:
    """Return values with their brackets on a line below where columns are many."""
    return [below(text) for text in texts] if len(texts) > _FEW_DESIGNS else list(texts)
