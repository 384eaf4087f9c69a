"""The faces of a result: terminal table, JSON, CSV and one self-contained page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netloom.money.trace import Traced
    from netloom.result import StudyResult


def write(
    result: StudyResult,
    directory: Path | str,
    cables: Iterable[Mapping[str, object] | Sequence[object]] | None = None,
    drawings: Mapping[str, str] | None = None,
    traced: Sequence[Traced] = (),
) -> tuple[Path, ...]:
    """Write ``result.json``, ``bom.csv``, ``report.html`` and, if given, ``cables.csv``.

    Parameters
    ----------
    result : the answer.
    directory : folder, made when missing; files of the same names are replaced.
    cables : rows of the winner's cable schedule, see `netloom.report.cables.write_cables`.
    drawings : pictures of the winner's hall, see `netloom.report.fabric.drawings`.
    traced : numbers behind money, power and failures, see `netloom.money.trace`.

    Returns
    -------
    tuple of Path
        The files written.
    """
    from netloom.report import bom, html, serialise
    from netloom.report.cables import write_cables

    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    json_path, bom_path, page_path = (
        folder / name for name in ("result.json", "bom.csv", "report.html")
    )
    bom.write(result, bom_path)
    json_path.write_text(serialise.to_json(result), encoding="utf-8", newline="\n")
    page_path.write_text(html.page(result, drawings, traced), encoding="utf-8", newline="\n")
    written = [json_path, bom_path, page_path]
    if cables is not None:
        written.append(folder / "cables.csv")
        write_cables(written[-1], cables)
    return tuple(written)
