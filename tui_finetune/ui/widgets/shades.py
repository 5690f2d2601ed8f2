"""A share of a whole as the shade of a cell: by colour, and by a sign for screens without."""

from textual.color import Color

_SIGNS = " ░▒▓█"
_GROUND = Color.parse("#1b1f26")
_FULL = Color.parse("#6fa3c7")


def shade(share: float) -> str:
    """Return the background colour of a share between 0 and 1, as #rrggbb."""
    return _GROUND.blend(_FULL, min(max(share, 0.0), 1.0)).hex


def sign(share: float) -> str:
    """Return one of five signs, from a blank to a full block, for a share between 0 and 1."""
    return _SIGNS[min(int(min(max(share, 0.0), 1.0) * len(_SIGNS)), len(_SIGNS) - 1)]
