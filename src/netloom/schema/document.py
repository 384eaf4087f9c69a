"""A YAML text with the place of every value in it.

YAML 1.2 core schema: ``yes`` is a text and ``010`` is ten. Paths are tuples of keys and list
indices, ``("networks", 2, "switch")``; in a `Problem` they are written ``networks[2].switch``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yamlcore import CCoreLoader

from netloom.errors import Problem, StudyError

KeyPath = tuple[str | int, ...]

#: What PyYAML says of a syntax error -> what to write instead.
_SYNTAX_HINTS = (
    ("mapping values are not allowed", "put a text that holds ': ' in quotes"),
    (
        "cannot start any token",
        "indent with spaces; put a text that starts with %, @ or ` in quotes",
    ),
    ("expected <block end>", "give all entries of a section the same indentation"),
    ("could not find expected ':'", "write each entry as 'key: value'"),
    ("unexpected end of stream", "close the quote or bracket that opens before"),
    ("but found another document", "keep one study per file, without a second '---'"),
    ("found undefined alias", "define the anchor (&name) before its alias (*name)"),
    ("could not determine a constructor", "leave out the tag (!...)"),
    ("found unhashable key", "use a plain word as the key"),
)


class Place(NamedTuple):
    """Line and column, counted from 1."""

    line: int
    column: int


def dotted(path: KeyPath) -> str:
    """Return a path as people write it.

    Examples
    --------
    >>> dotted(("networks", 2, "switch"))
    'networks[2].switch'
    """
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


class Document:
    """One parsed YAML text.

    Attributes
    ----------
    data : the values as plain Python; None when the text has no document or does not parse.
    problems : syntax errors and duplicate keys, with their place.
    """

    def __init__(self, text: str) -> None:
        self.data: Any = None
        self.problems: list[Problem] = []
        self._root: yaml.Node | None = None
        loader = None
        try:
            loader = CCoreLoader(text)
            self._root = loader.get_single_node()
            if self._root is not None:
                self.problems = list(_drop_duplicate_keys(self._root))
                self.data = loader.construct_document(self._root)
        except yaml.YAMLError as error:
            self.problems.append(_syntax_problem(error, text))
        finally:
            if loader is not None:
                loader.dispose()

    def placed(self, problem: Problem, file: str | Path) -> Problem:
        """Return a problem of this document, in a file, with the line and column it is about."""
        if problem.line:
            return dataclasses.replace(problem, file=str(file))
        line, column = self.place(_undotted(problem.where, self.data), problem.of_key)
        return dataclasses.replace(problem, file=str(file), line=line, column=column)

    def place(self, path: KeyPath, of_key: bool = False) -> Place:
        """Return where a value stands, or where the nearest section around it does.

        A value written on one line is placed at its first character; a block of several lines, a
        value left empty, and with `of_key` any value, at its key.
        """
        node, key = self._root, None
        for step in path:
            child = _child(node, step)
            if child is None:
                # a key that is not there: blame the section that lacks it
                return _start(key if key is not None else node)
            # an entry of a list has no key; its own start is the place
            key, node = child
        if key is not None and (of_key or _is_spread(node)):
            return _start(key)
        return _start(node)


def read_document(path: Path) -> Document:
    """Return the document in a file.

    Raises
    ------
    StudyError
        When the file cannot be read.
    """
    text = _read_text(path)
    if isinstance(text, Problem):
        raise StudyError([text])
    return Document(text)


def _undotted(where: str, data: Any) -> KeyPath:
    """Return the path that `dotted` wrote; keys of the data may have dots and brackets."""
    path: KeyPath = ()
    while where and isinstance(data, dict | list):
        index = re.match(r"\[(\d+)\]", where)
        if index and isinstance(data, list) and int(index[1]) < len(data):
            step: str | int = int(index[1])
            data, where = data[int(index[1])], where[index.end() :]
        else:
            written = f"{index[1]}{where[index.end() :]}" if index else where
            keys = [key for key in data if re.match(rf"{re.escape(str(key))}($|[.\[])", written)]
            if isinstance(data, list) or not keys:
                break
            key = max(keys, key=lambda each: len(str(each)))
            step, where, data = str(key), written[len(str(key)) :], data[key]
        path, where = (*path, step), where.removeprefix(".")
    return (*path, where) if where else path


def _read_text(path: Path) -> str | Problem:
    """Return the text of a file, or what keeps it from being read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return Problem("there is no such file", hint=_files_beside(path), file=str(path))
    except IsADirectoryError:
        return Problem("this is a folder", hint=_files_beside(path / "x"), file=str(path))
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        return Problem(
            "the file is not UTF-8 text",
            hint="save it as UTF-8",
            file=str(path),
            line=line,
            column=column,
        )
    except OSError as error:
        return Problem(f"cannot read the file: {error.strerror}", file=str(path))


def _files_beside(path: Path) -> str:
    names = sorted(entry.name for entry in path.parent.glob("*.y*ml"))
    return f"files beside it: {', '.join(names[:8])}" if names else ""


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node] | None:
    """Return the key node (None in a list) and value node of one entry, None when not there."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return (None, node.value[step]) if 0 <= step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key, value
    return None


def _is_spread(node: yaml.Node | None) -> bool:
    """Return whether a value has no place of its own on the line of its key."""
    if isinstance(node, yaml.ScalarNode):
        return node.value == "" and not node.style
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _start(node: yaml.Node | None) -> Place:
    if node is None:
        return Place(1, 1)
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _drop_duplicate_keys(root: yaml.Node) -> Iterator[Problem]:
    """Take every second entry of the same key out of the tree, and return a problem for each."""
    # aliases make the same node reachable twice, even from inside itself
    seen: set[int] = set()
    pending: list[tuple[KeyPath, yaml.Node]] = [((), root)]
    while pending:
        path, node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            pending.extend(((*path, index), child) for index, child in enumerate(node.value))
        elif isinstance(node, yaml.MappingNode):
            first: dict[tuple[str, str], tuple[yaml.Node, yaml.Node]] = {}
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    return  # no plain key: constructing the data says so
                earlier, _ = first.setdefault((key.tag, key.value), (key, value))
                if earlier is not key:
                    yield Problem(
                        f"key '{key.value}' is written twice",
                        hint=f"keep one; the other is in line {_start(earlier).line}",
                        where=dotted((*path, key.value)),
                        line=_start(key).line,
                        column=_start(key).column,
                    )
            node.value = list(first.values())
            pending.extend(((*path, key.value), value) for key, value in node.value)


def _syntax_problem(error: yaml.YAMLError, text: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        said = ", ".join(part for part in (error.context, error.problem) if part)
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
    else:
        # a reader error counts bytes from the start of the file
        position = getattr(error, "position", 0)
        before = text.encode()[:position].decode(errors="ignore")
        said = str(getattr(error, "reason", error))
        place = Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
    hint = next((hint for words, hint in _SYNTAX_HINTS if words in said), "")
    return Problem(f"not valid YAML: {said}", hint, line=place.line, column=place.column)
