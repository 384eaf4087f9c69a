"""The colours of the report, one per meaning, for a light and a dark ground.

Hues are those of Okabe and Ito, which stay apart for the common colour deficiencies (M. Okabe and
K. Ito, "Color Universal Design", 2008); compute is grey, because what the network adds is the news.
"""

from __future__ import annotations

#: Variable -> (light, dark) of the page.
GROUND = {
    "paper": ("#ffffff", "#12161c"), "ink": ("#1b2330", "#e8ecf2"), "muted": ("#5b6675", "#9ba6b5"),
    "rule": ("#d8dde4", "#313a46"), "panel": ("#f4f6f9", "#1a2028"), "box": ("#e4e9f0", "#2a3340"),
    "accent": ("#00619a", "#56b4e9"),
}  # fmt: skip

#: Meaning -> (light, dark).
COLOURS = {
    # parts of a step
    "compute": ("#b4bdc9", "#566170"), "tensor": ("#0072b2", "#3a98d8"),
    "context": ("#56b4e9", "#8ad0f5"), "expert": ("#cc79a7", "#d993bb"),
    "pipeline": ("#009e73", "#1fb88b"), "data": ("#d55e00", "#f08239"),
    "bubble": ("#f0e442", "#d8cb35"), "optimizer": ("#6b4c9a", "#a78bd0"),
    "straggler": ("#e69f00", "#f0b232"),
    # days
    "training": ("#b4bdc9", "#566170"), "lost": ("#cc79a7", "#d993bb"),
    # groups of the bill of materials
    "switches": ("#0072b2", "#3a98d8"), "optics": ("#d55e00", "#f08239"),
    "cables": ("#009e73", "#1fb88b"), "nics": ("#56b4e9", "#8ad0f5"),
    "installation": ("#cc79a7", "#d993bb"),
    # memory
    "weights": ("#0072b2", "#3a98d8"), "gradients": ("#56b4e9", "#8ad0f5"),
    "optimizer-state": ("#6b4c9a", "#a78bd0"), "activations": ("#e69f00", "#f0b232"),
    "buffers": ("#009e73", "#1fb88b"),
    # rails of a fabric, cyclic
    "rail-0": ("#0072b2", "#3a98d8"), "rail-1": ("#d55e00", "#f08239"),
    "rail-2": ("#009e73", "#1fb88b"), "rail-3": ("#cc79a7", "#d993bb"),
    "rail-4": ("#56b4e9", "#8ad0f5"), "rail-5": ("#e69f00", "#f0b232"),
    "rail-6": ("#6b4c9a", "#a78bd0"), "rail-7": ("#8c8c2c", "#d8cb35"),
}  # fmt: skip


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` (WCAG 2.2), from 0 black to 1 white.

    Examples
    --------
    >>> round(luminance("#ffffff"), 3), round(luminance("#000000"), 3)
    (1.0, 0.0)
    """
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def text_on(colour: str) -> str:
    """Return black or white, whichever contrasts more with a colour."""
    level = luminance(colour)
    return "#ffffff" if 1.05 / (level + 0.05) > (level + 0.05) / 0.05 else "#000000"


def css() -> str:
    """Return the variables: ``--f-NAME`` fills, ``--t-NAME`` is text upon it."""
    light, dark = (
        "".join(f"--{name}:{pair[theme]};" for name, pair in GROUND.items())
        + "".join(
            f"--f-{name}:{pair[theme]};--t-{name}:{text_on(pair[theme])};"
            for name, pair in COLOURS.items()
        )
        for theme in (0, 1)
    )
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    )
