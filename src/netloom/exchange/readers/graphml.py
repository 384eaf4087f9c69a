"""GraphML: nodes with data ``role`` and ``radix``, edges with ``links`` and ``rate``.

As networkx, yEd, Gephi and igraph write it; other data are left alone. A default of a key holds
where a node or an edge has none of its own.

References
----------
The GraphML file format, graphml.graphdrawing.org; GraphML primer, sections 2 and 3.
"""

from __future__ import annotations

from xml.parsers import expat

from netloom.exchange.graph_file import Sketch

SUFFIXES = (".graphml", ".xml")


class _Handler:
    """Collects one element after another; `data` belongs to the innermost node, edge or key."""

    def __init__(self, sketch: Sketch, parser: expat.XMLParserType) -> None:
        self.sketch, self.parser = sketch, parser
        self.names: dict[str, str] = {}
        self.defaults: dict[str, dict[str, str]] = {"node": {}, "edge": {}}
        self.attributes: dict[str, str] = {}
        self.data: dict[str, str] = {}
        self.key = self.text = ""
        self.scope = "all"
        self.line = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the start of an element; names may carry a namespace prefix."""
        tag = name.rpartition(":")[2]
        self.text = ""
        if tag == "key":
            self.key, self.scope = attributes.get("id", ""), attributes.get("for", "all")
            self.names[self.key] = attributes.get("attr.name", self.key)
        elif tag == "data":
            self.key = attributes.get("key", "")
        elif tag in ("node", "edge"):
            self.attributes, self.data = attributes, dict(self.defaults[tag])
            self.line = self.parser.CurrentLineNumber

    def end(self, name: str) -> None:
        """Take the end of an element."""
        tag = name.rpartition(":")[2]
        if tag == "data":
            self.data[self.names.get(self.key, self.key)] = self.text.strip()
        elif tag == "default":
            for scope in ("node", "edge"):
                if self.scope in (scope, "all"):
                    self.defaults[scope][self.names[self.key]] = self.text.strip()
        elif tag == "node":
            identity = self.attributes.get("id", "")
            self.sketch.node(self.line, identity, self.data.get("role"), self.data.get("radix"))
        elif tag == "edge":
            self.sketch.link(
                self.line, self.attributes.get("source"), self.attributes.get("target"),
                self.data.get("links"), self.data.get("rate"),
            )  # fmt: skip

    def characters(self, text: str) -> None:
        """Take a piece of text."""
        self.text += text


def read(text: str, sketch: Sketch) -> None:
    """Add a GraphML document to a sketch."""
    parser = expat.ParserCreate()
    handler = _Handler(sketch, parser)
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.characters
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        sketch.wrong(error.lineno, f"is no XML: {expat.ErrorString(error.code)}")
