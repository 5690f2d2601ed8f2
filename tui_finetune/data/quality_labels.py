"""What there is to say of labels: joined, misspelt, tiny, dominating ones, those train lacks."""

from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.quality_rows import PARTS, Finding, View, counted
from tui_finetune.text import clean

# What may stand between several labels in one cell; a comma or slash is often part of a name.
_SEPARATORS = (";", "|", ",", "/")

# A label is hardly learnt from fewer, and fewer still are left to judge it by.
FEW_ROWS = 10
DOMINATING = 0.8

_NAMED = 5


def label_findings(view: View) -> list[Finding]:
    """Return what there is to say of the labels; numbers to predict have none."""
    if view.problem_type == "regression":
        return []
    names, owner = _names(view)
    if not len(names):
        return []
    return [
        *_several_in_one(view, names, owner),
        *_lacking(view, names, owner),
        *_variants(view, names, owner),
        *_blanks(view),
        *_mixed(view, names, owner),
        *_tiny(view, names, owner),
        *_dominating(view, names),
    ]


def spelling(name: str) -> str:
    """Return what names that differ only in case and blanks have in common."""
    return " ".join(name.casefold().split())


def imbalance(counts: dict[str, int]) -> dict[str, object] | None:
    """Return how unlike the labels are in rows, and the words for it; None for fewer than two.

    The words go by how many rows the largest label has for each of the smallest: up to 1.5
    balanced, up to 3 slightly imbalanced, up to 10 imbalanced, above strongly imbalanced.
    """
    if len(counts) < 2:
        return None
    largest, smallest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    ratio = counts[largest] / counts[smallest]
    words = next(
        (
            words
            for most, words in (
                (1.5, "balanced"),
                (3, "slightly imbalanced"),
                (10, "imbalanced"),
            )
            if ratio <= most
        ),
        "strongly imbalanced",
    )
    return {
        "largest": largest,
        "largest_count": counts[largest],
        "largest_share": counts[largest] / sum(counts.values()),
        "smallest": smallest,
        "smallest_count": counts[smallest],
        "ratio": ratio,
        "words": words,
    }


def _names(view: View) -> tuple[np.ndarray, np.ndarray]:
    """Return all names of labels, of several a row each, and the position of each one's row."""
    if pa.types.is_list(view.targets.type):
        names = view.targets.flatten()
        owner = np.asarray(pc.list_parent_indices(view.targets))
    else:
        names, owner = view.targets, np.arange(len(view.targets))
    known = np.asarray(pc.is_valid(names))
    return np.array(names.to_pylist(), dtype=object)[known], owner[known]


def _several_in_one(view: View, names: np.ndarray, owner: np.ndarray) -> list[Finding]:
    """Find names that are made of other names, as `news;sport` is where there is `news`."""
    if view.problem_type != "single_label_classification":
        return []
    distinct = set(names.tolist())
    for separator in _SEPARATORS:
        joined = {
            name: [part.strip() for part in name.split(separator)]
            for name in distinct
            if separator in name
        }
        pieces = Counter(part for parts in joined.values() for part in set(parts))
        made = [
            name
            for name, parts in joined.items()
            if all(part and (part in distinct or pieces[part] > 1) for part in parts)
        ]
        if made and 2 * len(made) > len(joined):
            positions = owner[np.isin(names, made)]
            return [
                Finding(
                    "Several labels in one cell",
                    f"{counted(len(made), 'label')} made of others with {separator} between them "
                    f"({_some(sorted(made))})",
                    "warning",
                    len(positions),
                    "row",
                    "read them as several labels a row",
                    **view.listed(positions),
                    fix={"data.label_separator": separator},
                )
            ]
    return []


def _lacking(view: View, names: np.ndarray, owner: np.ndarray) -> list[Finding]:
    part = view.part[owner]
    train = set(names[part == 0].tolist())
    absent = [name for name in dict.fromkeys(names[part > 0].tolist()) if name not in train]
    if not absent:
        return []
    positions = np.unique(owner[np.isin(names, absent) & (part > 0)])
    where = " and ".join(PARTS[index] for index in sorted({int(i) for i in view.part[positions]}))
    alike = {spelling(name): name for name in train}
    merges = {name: alike[spelling(name)] for name in absent if spelling(name) in alike}
    return [
        Finding(
            "Labels that train lacks",
            f"{where}: {counted(len(positions), 'row')} with a label that no row to train on has "
            f"({_some(absent)})",
            "error",
            len(absent),
            "label",
            "they are spelt otherwise: merge them"
            if len(merges) == len(absent)
            else "add rows of them to train, merge them with another label, or leave them out",
            **view.listed(positions),
            fix={"data.merge_labels": _with(view, merges)} if merges else None,
        )
    ]


def _variants(view: View, names: np.ndarray, owner: np.ndarray) -> list[Finding]:
    counts = Counter(names.tolist())
    by_spelling: dict[str, list[str]] = defaultdict(list)
    for name, _ in counts.most_common():  # the most frequent spelling comes first
        by_spelling[spelling(name)].append(name)
    several = [spellings for spellings in by_spelling.values() if len(spellings) > 1]
    if not several:
        return []
    merges = {rare: usual for usual, *others in several for rare in others}
    positions = np.unique(owner[np.isin(names, list(merges))])
    listed = "; ".join(
        ", ".join(f"“{clean(name, 40)}” ({counts[name]:,})" for name in spellings)
        for spellings in several[:_NAMED]
    ) + ("; …" if len(several) > _NAMED else "")
    return [
        Finding(
            "Spelling variants of labels",
            f"{counted(len(merges), 'label')} unlike another only in case or blanks: {listed}",
            "warning",
            len(merges),
            "label",
            "merge each with its most frequent spelling",
            **view.listed(positions),
            fix={"data.merge_labels": _with(view, merges)},
        )
    ]


def _blanks(view: View) -> list[Finding]:
    trimmed = pc.utf8_trim_whitespace(view.raw_labels)
    around = pc.and_(pc.not_equal(trimmed, view.raw_labels), pc.not_equal(trimmed, ""))
    positions = np.flatnonzero(np.asarray(pc.fill_null(around, False)))
    if not len(positions):
        return []
    return [
        Finding(
            "Blanks around labels",
            f"{counted(len(positions), 'row')} with blanks before or after the label, which is "
            "read without, so that it is one with those that have none",
            "info",
            len(positions),
            "row",
            "nothing needs to be done",
            **view.listed(positions),
        )
    ]


def _mixed(view: View, names: np.ndarray, owner: np.ndarray) -> list[Finding]:
    counts = Counter(names.tolist())
    numbers = [name for name in counts if name.lstrip("+-").replace(".", "", 1).isdigit()]
    words = [name for name in counts if name not in numbers]
    if not numbers or not words:
        return []
    rarer = min(numbers, words, key=lambda some: sum(counts[name] for name in some))
    positions = np.unique(owner[np.isin(names, rarer)])
    return [
        Finding(
            "Mixed types of labels",
            f"{counted(len(numbers), 'label')} in numbers ({_some(numbers)}), {len(words):,} in "
            f"words ({_some(words)})",
            "warning",
            len(rarer),
            "label",
            "see whether the rarer ones are other names of the others, and merge them",
            **view.listed(positions),
        )
    ]


def _tiny(view: View, names: np.ndarray, owner: np.ndarray) -> list[Finding]:
    train = view.part[owner] == 0
    counts = Counter(names[train].tolist())
    few = sorted((name for name in counts if counts[name] < FEW_ROWS), key=counts.__getitem__)
    if not few:
        return []
    positions = np.unique(owner[np.isin(names, few) & train])
    listed = ", ".join(f"{clean(name, 40)} ({counts[name]})" for name in few[:_NAMED])
    return [
        Finding(
            "Tiny labels",
            f"{len(few):,} of {counted(len(counts), 'label')} with fewer than {FEW_ROWS} rows to "
            f"train on and to cut from: {listed}" + (", …" if len(few) > _NAMED else ""),
            "warning",
            len(few),
            "label",
            "add rows, merge them with a label near to them, or leave them out",
            **view.listed(positions),
        )
    ]


def _dominating(view: View, names: np.ndarray) -> list[Finding]:
    if view.problem_type != "single_label_classification":
        return []
    (name, count), *others = Counter(names.tolist()).most_common()
    share = count / len(names)
    if share <= DOMINATING or not others:
        return []
    return [
        Finding(
            "One label dominates",
            f"{share:.0%} of the rows are {clean(name, 40)}: always answering that would be right "
            "as often",
            "warning",
            count,
            "row",
            "choose the model by the macro F1, not by accuracy, and add rows of the other labels",
            [],
            fix={"early_stopping.metric": "eval_f1"},
        )
    ]


def _with(view: View, merges: dict[str, str]) -> dict[str, str]:
    """Return the merges of the recipe and these, none of them in two steps."""
    before = {old: merges.get(new, new) for old, new in view.data.merge_labels.items()}
    return {**before, **merges}


def _some(names: list[str]) -> str:
    shown = ", ".join(clean(name, 40) for name in names[:_NAMED])
    return shown + (", …" if len(names) > _NAMED else "")
