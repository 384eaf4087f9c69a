"""What every file of the catalogue has: a name, a title and a note."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Entry(BaseModel):
    """One file of the catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Catalogue name, the file's name without its ending.")
    title: str = Field(description="Name in full, as a person would write it.")
    note: str = Field(
        default="", description="What a user should know before trusting the numbers."
    )
