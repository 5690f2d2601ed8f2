"""What there is to say of texts: empty, repeated, in two splits, odd characters, very long."""

from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.decisions import keys_of
from tui_finetune.data.encodings import Progress
from tui_finetune.data.near_duplicates import CHARACTERS, SIMILARITY, near_duplicates
from tui_finetune.data.quality_rows import PARTS, Finding, View, counted

NEAR_ROWS = 100_000

_LONG_TIMES = 10  # the median
_LONG_CHARACTERS = 2_000

# All that is no sign of its own, but line ends and tabs; and what turns the writing direction.
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2060}\x{2066}-\x{2069}\x{feff}]"  # noqa: E501
_BROKEN = "\ufffd"
_NUMBER = r"^\s*[-+]?[0-9][0-9.,]*\s*$"
_NOTHING = r"(?i)^\s*(nan|null|none|n/a|na|#n/a|<na>|undefined)\s*$"

_REPEATS = {"data.drop_duplicates": True}


def empty_texts(view: View) -> list[Finding]:
    """Return what there is to say of rows without a text or a label."""
    positions = np.flatnonzero(view.empty)
    if not len(positions):
        return []
    unlabelled = int(view.targets.null_count)
    decided = view.data.drop_empty
    return [
        Finding(
            "Empty texts",
            f"{counted(len(positions), 'row')} with an empty text or label ({unlabelled:,} without "
            "a label)",
            "info" if decided else "error",
            len(positions),
            "row",
            "they are left out, as the recipe says" if decided else "mend them, or leave them out",
            **view.listed(positions),
            fix=None if decided else {"data.drop_empty": True},
        )
    ]


def repeated_rows(view: View) -> list[Finding]:
    """Return what there is to say of rows with the text and label of an earlier row of the part."""
    whole = np.flatnonzero(view.code >= 0)
    keys = view.labelled[whole] * len(PARTS) + view.part[whole]
    _, group, counts = np.unique(keys, return_inverse=True, return_counts=True)
    again = int((counts - 1).sum())
    if not again:
        return []
    many = counts[group] > 1
    decided = view.data.drop_duplicates
    return [
        Finding(
            "Repeated rows",
            f"{counted(again, 'row')} with the text and label of an earlier row; a text that "
            "stands often counts often in training",
            "info" if decided else "warning",
            again,
            "row",
            "they are left out, as the recipe says"
            if decided
            else "leave them out, unless the repeats are meant",
            **view.listed(whole[many], view.code[whole[many]]),
            fix=None if decided else _REPEATS,
        )
    ]


def contradictions(view: View) -> list[Finding]:
    """Return what there is to say of texts with more than one label."""
    pairs, first = np.unique(view.labelled, return_index=True)
    codes, counts = np.unique(view.code[first[pairs >= 0]], return_counts=True)
    torn = codes[counts > 1]
    if not len(torn):
        return []
    positions = np.flatnonzero(np.isin(view.code, torn))
    return [
        Finding(
            "Same text, different labels",
            f"{counted(len(torn), 'text')} with more than one label, in {len(positions):,} rows; "
            "no model can get all of these right",
            "warning",
            len(torn),
            "text",
            "decide on one label and mend the rows",
            **view.listed(positions, view.code[positions]),
        )
    ]


def shared_texts(view: View) -> list[Finding]:
    """Return what there is to say of texts that stand in two splits, letter by letter."""
    found = []
    most = view.code.max(initial=0) + 1
    stands = [
        np.bincount(view.code[(view.goes == split) & (view.code >= 0)], minlength=most) > 0
        for split in range(len(PARTS))
    ]
    for one, other in combinations(range(len(PARTS)), 2):
        codes = np.flatnonzero(stands[one] & stands[other])
        if not len(codes):
            continue
        shared = np.isin(view.code, codes)
        later = int((shared & (view.goes == other)).sum())
        positions = np.flatnonzero(shared & np.isin(view.goes, (one, other)))
        found.append(
            Finding(
                f"Texts in both {PARTS[one]} and {PARTS[other]}",
                f"{counted(later, 'row')} of the {(view.goes == other).sum():,} for {PARTS[other]} "
                f"with a text that stands in {PARTS[one]} too; this makes the model look better "
                "than it is",
                "warning",
                later,
                "row",
                "leave out repeats, so that each text stands in one split"
                if not view.data.drop_duplicates
                else "they have different labels: mend those",
                **view.listed(positions, view.code[positions]),
                fix=None if view.data.drop_duplicates else _REPEATS,
            )
        )
    return found


def nearly_the_same(
    view: View, progress: Progress | None
) -> tuple[list[Finding], dict[str, object]]:
    """Return what there is to say of texts that are nearly the same, and what was looked at.

    Of each part the first rows are looked at: of validation and test at most a quarter each of
    `NEAR_ROWS`, of train what is left.
    """
    looked_at = {}
    chosen = []
    room = NEAR_ROWS
    for index in reversed(range(len(PARTS))):
        of_part = np.flatnonzero(view.part == index)
        if len(of_part):
            some = of_part[: room if index == 0 else NEAR_ROWS // 4]
            room -= len(some)
            looked_at[PARTS[index]] = [len(some), view.sizes[PARTS[index]][1]]
            chosen.append(some)
    positions = np.sort(np.concatenate(chosen))
    positions = positions[view.code[positions] >= 0]
    codes, first, inverse = np.unique(view.code[positions], return_index=True, return_inverse=True)
    texts = keys_of(view.texts).take(pa.array(positions[first]))
    near = near_duplicates(texts, progress)
    about = {
        "similarity": SIMILARITY,
        "characters": CHARACTERS,
        "looked_at": looked_at,
        "complete": near.complete,
    }
    if not near.groups:
        return [], about
    group = np.full(len(codes), -1)
    for number, members in enumerate(near.groups):
        group[members] = number
    at_least = "" if near.complete else "at least "
    count = sum(len(members) - 1 for members in near.groups)
    firsts = np.sort(positions[first][group >= 0])
    by_position = dict(zip(positions[first].tolist(), group.tolist(), strict=True))
    found = [
        Finding(
            "Near duplicates",
            f"{at_least}{counted(count, 'text')} nearly the same as an earlier one: "
            f"{SIMILARITY:.0%} or more of the pieces of five characters are the same, case and "
            f"punctuation aside, in the first {CHARACTERS:,} characters",
            "info",
            count,
            "text",
            "look at some: a template or copies with small changes say less than their number; "
            "they are never left out by themselves",
            **view.listed(firsts, np.array([by_position[at] for at in firsts.tolist()])),
        )
    ]
    return found + _nearly_in_both(view, positions, group[inverse], at_least), about


def _nearly_in_both(
    view: View, positions: np.ndarray, group: np.ndarray, at_least: str
) -> list[Finding]:
    goes = view.goes[positions]
    found = []
    for other in (1, 2):
        shared = np.intersect1d(group[goes == 0], group[goes == other])
        touched = np.isin(group, shared[shared >= 0])
        # texts that stand there letter by letter are told of elsewhere
        same = np.isin(view.code[positions], view.code[positions][goes == 0])
        later = touched & (goes == other) & ~same
        if not later.any():
            continue
        chosen = later | (touched & (goes == 0) & np.isin(group, group[later]))
        found.append(
            Finding(
                f"Nearly the same in train and {PARTS[other]}",
                f"{at_least}{counted(int(later.sum()), 'row')} for {PARTS[other]} with a text that "
                "is nearly the same as one of train, which is easier than a new text",
                "warning",
                int(later.sum()),
                "row",
                f"look at them, and leave out those of {PARTS[other]} that are copies",
                **view.listed(positions[chosen], group[chosen]),
            )
        )
    return found


def odd_characters(view: View) -> list[Finding]:
    """Return what there is to say of characters that a person does not see or did not write."""
    control = _matching(view, _CONTROL)
    broken = _matching(view, _BROKEN)
    found = []
    if control.any():
        found.append(
            Finding(
                "Control characters",
                f"{counted(int(control.sum()), 'row')} with characters that are not seen: control "
                "characters, zero-width ones, or marks that turn the writing direction",
                "warning",
                int(control.sum()),
                "row",
                "take them out of the file, unless new texts will have them too",
                **view.listed(np.flatnonzero(control)),
            )
        )
    if broken.any():
        found.append(
            Finding(
                "Broken characters",
                f"{counted(int(broken.sum()), 'row')} with the sign for a character that could not "
                "be read (U+FFFD): the file was once decoded wrongly",
                "warning",
                int(broken.sum()),
                "row",
                "go back to the file before that, or mend data.reading.encoding",
                **view.listed(np.flatnonzero(broken)),
            )
        )
    return found


def mixed_texts(view: View) -> list[Finding]:
    """Return what there is to say of texts that are a number, or a word for nothing."""
    whole = ~view.empty
    found = []
    numbers = _matching(view, _NUMBER) & whole
    if 0 < numbers.sum() < whole.sum() / 2:
        found.append(
            Finding(
                "Mixed types",
                f"{counted(int(numbers.sum()), 'text')} of a number only",
                "info",
                int(numbers.sum()),
                "row",
                "see whether these rows are shifted, or from another table",
                **view.listed(np.flatnonzero(numbers)),
            )
        )
    nothing = _matching(view, _NOTHING) & whole
    if nothing.any():
        found.append(
            Finding(
                "Words for nothing",
                f"{counted(int(nothing.sum()), 'text')} of only a word such as nan, null or None: "
                "a missing text that was written out",
                "warning",
                int(nothing.sum()),
                "row",
                "make these cells empty in the file, then leave them out",
                **view.listed(np.flatnonzero(nothing)),
            )
        )
    return found


def long_texts(view: View) -> list[Finding]:
    """Return what there is to say of texts that are far longer than the others."""
    lengths = sum(
        np.asarray(pc.fill_null(pc.utf8_length(column), 0), dtype=np.int64)
        for column in view.texts.columns
    )
    whole = lengths[~view.empty]
    if not len(whole):
        return []
    limit = max(_LONG_CHARACTERS, _LONG_TIMES * int(np.median(whole)))
    positions = np.flatnonzero(lengths > limit)
    if not len(positions):
        return []
    return [
        Finding(
            "Very long texts",
            f"{counted(len(positions), 'text')} of more than {limit:,} characters, the longest "
            f"{lengths.max():,}; the one in the middle has {int(np.median(whole)):,}",
            "info",
            len(positions),
            "row",
            "see whether they are several rows in one; what is beyond tokens.max_length is cut off",
            **view.listed(positions[np.argsort(-lengths[positions], kind="stable")]),
        )
    ]


def _matching(view: View, pattern: str) -> np.ndarray:
    """Return which rows have a text that the pattern fits somewhere."""
    found: np.ndarray = np.zeros(len(view.row), dtype=bool)
    for column in view.texts.columns:
        found |= np.asarray(pc.fill_null(pc.match_substring_regex(column, pattern), False))
    return found
