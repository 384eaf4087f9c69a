"""``netloom schema``: what an editor needs to complete and check a study file."""

from __future__ import annotations


def schema() -> None:
    """Print the JSON schema of a study file."""
    import json

    from netloom.schema.reference import json_schema

    print(json.dumps(json_schema(), indent=1, ensure_ascii=False))
