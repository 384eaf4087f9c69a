"""Pictures of a result as SVG text, one module per picture.

Drawn by hand and not by a plotting library: text stays text, colours follow the reader's light or
dark theme through CSS variables, and the same result gives the same bytes.
"""
