"""What the rooms write alike: text from outside made fit for a terminal, and lengths of time."""

import math
import unicodedata

UNKNOWN = "—"

REPLACEMENT = "\ufffd"

# C0 and C1 controls move the cursor or speak to the terminal (ESC, OSC 52); format characters
# include the bidirectional overrides; surrogates cannot be encoded; the last two break lines.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# Joiners are format characters too, but emoji and several scripts need them.
_HARMLESS = frozenset({"\u200c", "\u200d"})


def clean(value: object, limit: int | None = None) -> str:
    """Return `value` as one line of text that is safe to write to a terminal.

    Tabs and line ends become a space, other control, format and bidirectional characters become
    U+FFFD. With `limit`, at most that many characters are returned, the last one an ellipsis if
    anything was cut off.
    """
    text = str(value)
    cut = limit is not None and len(text) > limit
    if cut:
        text = text[:limit]
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_clean_character, text))
    return text[:-1] + "…" if cut else text


def clean_lines(value: object, limit: int | None = None) -> str:
    """Like `clean`, line by line: line ends stay."""
    return "\n".join(clean(line, limit) for line in str(value).splitlines())


def duration(seconds: float | None) -> str:
    """Return a length of time in its two largest units: 39s, 1m04, 2h05, 3d02h."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    whole = max(int(seconds + 0.5), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"


def _clean_character(character: str) -> str:
    if character in "\t\n\r":
        return " "
    if character in _HARMLESS or unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    return REPLACEMENT
