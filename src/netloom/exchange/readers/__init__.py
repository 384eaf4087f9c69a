"""One module per graph format that can be read: `SUFFIXES` and ``read(text, sketch)``."""
