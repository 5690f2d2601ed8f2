"""The one place where text from data, models and files is made fit for a terminal."""

import unicodedata

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


def _clean_character(character: str) -> str:
    if character in "\t\n\r":
        return " "
    if character in _HARMLESS or unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    return REPLACEMENT
