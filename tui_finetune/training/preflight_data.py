"""What a preflight says of the rows: labels, splits, and the length of the texts in tokens."""

from collections.abc import Callable
from typing import Any

import numpy as np
from datasets import Dataset

from tui_finetune.tasks.token_lengths import mean_as_cut, suggested_max_length, token_lengths
from tui_finetune.text import clean
from tui_finetune.training.preflight_finding import Finding
from tui_finetune.training.preflight_rows import MOST_ROWS, longest_rows, rows_by_chance
from tui_finetune.training.setup import Setup

Progress = Callable[[dict[str, Any]], None]

# One row more or less moves the accuracy of so few by more than 3 points.
_FEW_TO_JUDGE_BY = 30

# A label is hardly learnt from fewer rows.
_FEW_TO_LEARN_FROM = 5

_DOMINATING = 0.8

# With more rows of the largest label for each of the smallest, class weights are advised; the
# Data pane calls it strongly imbalanced.
_MOST_EVEN = 10

# Cut from train where nothing better is known, as the recipe's default is.
_SHARE = 0.1
_LABELS_NAMED = 5

_LENGTH = "tokens.max_length"


def rows_used_twice(setup: Setup) -> list[Finding]:
    """Return errors if the model is to be chosen or judged by rows with another purpose."""
    return [*_same_files(setup), *_test_split_for_choosing(setup)]


def _same_files(setup: Setup) -> list[Finding]:
    """Return an error for each file of its own that holds what an earlier one holds."""
    data = setup.recipe.data
    origins = list(setup.data.digests)
    of_role = {"train": setup.data.digests[origins[0]]}
    found = []
    for name in ("test", "validation"):
        file = getattr(data, name)
        if not isinstance(file, str):
            continue
        digest = setup.data.digests[file]
        same = next((role for role, other in of_role.items() if other == digest), None)
        of_role[name] = digest
        if same is not None:
            use = "chosen" if name == "validation" else "judged"
            found.append(
                Finding(
                    "Test used for choosing" if same == "test" else "Judged by what was learnt",
                    f"data.{name}: {clean(file)} holds the rows of {same} once more; a model that "
                    f"is {use} by them looks better than it is: give other rows, or a share to be "
                    "cut from train",
                    "error",
                    setup.data.splits[name].num_rows,
                    f"data.{name}",
                    {f"data.{name}": _SHARE},
                )
            )
    return found


def _test_split_for_choosing(setup: Setup) -> list[Finding]:
    """Return an error if the source's test split is used up for choosing the model."""
    data = setup.recipe.data
    bases = {
        name: (getattr(data.splits, name) or "").partition("[")[0].strip()
        for name in ("validation", "test")
    }
    if isinstance(data.validation, str) or bases["validation"] != "test" or bases["test"] == "test":
        return []
    return [
        Finding(
            "Test used for choosing",
            f"data.splits.validation: {clean(data.splits.validation, 60)} is the test split; a "
            "model that was chosen by rows looks better on them than on new ones: cut the "
            "validation rows from train, or take a part, such as test[:50%], and leave the rest "
            "for test",
            "error",
            setup.data.splits["validation"].num_rows,
            "data.splits.validation",
            {"data.splits.validation": None},
        )
    ]


def data_findings(setup: Setup, longest_input: int | None, progress: Progress) -> list[Finding]:
    """Return what there is to say of columns, labels, splits and lengths.

    `longest_input` are the tokens that the model can read; None: there is no limit.
    """
    return [
        _columns(setup),
        *_splits(setup),
        *_labels(setup),
        *_lengths(setup, longest_input, progress),
    ]


def _columns(setup: Setup) -> Finding:
    data = setup.data
    columns = data.columns
    texts = f"texts from {clean(columns.text, 40)}"
    if columns.text_pair is not None:
        texts += f" and {clean(columns.text_pair, 40)}"
    label = clean(columns.label, 40)
    kinds = {
        "single_label_classification": f"one of {len(data.labels)} labels from {label}",
        "multi_label_classification": f"any of {len(data.labels)} labels from {label}",
        "regression": f"a number from {label}",
    }
    sizes = ", ".join(f"{rows.num_rows:,} {name}" for name, rows in data.splits.items())
    left_out = f"; {data.dropped:,} rows are left out" if data.dropped else ""
    return Finding(
        "Columns and rows",
        f"{texts}, {kinds[data.problem_type]}; {sizes} rows, {data.cut}{left_out}",
        "info",
        data.rows,
        "data.columns",
    )


def _splits(setup: Setup) -> list[Finding]:
    splits = setup.data.splits
    found = []
    for name, use in (("validation", "choose the model by"), ("test", "judge the model by")):
        if name not in splits:
            found.append(
                Finding(
                    "No test rows",
                    "nothing is held back to judge the model by at the end; the validation rows "
                    "flatter it, because it is chosen by them",
                    "info",
                    0,
                    "data.test",
                    {"data.test": 0.1},
                )
            )
        elif (rows := splits[name].num_rows) < _FEW_TO_JUDGE_BY:
            found.append(
                Finding(
                    f"Few {name} rows",
                    f"{rows} rows to {use}: one of them more or less right moves accuracy by "
                    f"{100 / rows:.1f} points; give more rows, or a larger share of them",
                    "warning",
                    rows,
                    f"data.{name}",
                )
            )
    return found


def _labels(setup: Setup) -> list[Finding]:
    data = setup.data
    if data.problem_type == "regression":
        return []
    counts = {name: _counts(rows, len(data.labels)) for name, rows in data.splits.items()}
    train = counts["train"]
    found = []
    few = np.flatnonzero(train < _FEW_TO_LEARN_FROM)
    if len(few):
        found.append(
            Finding(
                "Labels with few rows",
                f"rows to train on: {_named(data.labels, few, train)}; a label is hardly learnt "
                f"from fewer than {_FEW_TO_LEARN_FROM}: add some, or leave it out",
                "warning",
                len(few),
                "data.source",
            )
        )
    for name in ("validation", "test"):
        absent: np.ndarray = np.flatnonzero(counts.get(name, train) == 0)
        if len(absent):
            found.append(
                Finding(
                    f"Labels without {name} rows",
                    f"{name} has no row of {_names(data.labels, absent)}, so nothing is said "
                    "about them there",
                    "warning",
                    len(absent),
                    f"data.{name}",
                )
            )
    if data.problem_type == "single_label_classification":
        by_name = dict(zip(data.labels, train.tolist(), strict=True))
        found += [*_imbalanced(setup, by_name), *_dominated(setup, by_name)]
    return found


def _imbalanced(setup: Setup, rows: dict[str, int]) -> list[Finding]:
    """Advise class weights where some labels have far more rows to train on than others."""
    largest, smallest = max(rows, key=rows.__getitem__), min(rows, key=rows.__getitem__)
    dominated = rows[largest] > _DOMINATING * sum(rows.values())
    if not dominated and rows[largest] <= _MOST_EVEN * rows[smallest]:
        return []
    weighted = setup.recipe.train.class_weights == "balanced"
    message = (
        f"label {clean(largest, 40)} has {rows[largest]:,} rows to train on, and label "
        f"{clean(smallest, 40)} {rows[smallest]:,}: "
    )
    if weighted:
        message += (
            "class weights let each row of a rare label count more, in the loss that is trained "
            "and in eval_loss; the loss of the report at the end counts all rows the same"
        )
    else:
        message += (
            "a model learns the frequent labels first, and may never answer with a rare one; with "
            "class weights each row of a rare label counts more in the loss"
        )
    return [
        Finding(
            "Class weights even the labels out" if weighted else "Class weights are advised",
            message,
            "info" if weighted else "warning",
            len(rows),
            "train.class_weights",
            None if weighted else {"train.class_weights": "balanced"},
        )
    ]


def _dominated(setup: Setup, rows: dict[str, int]) -> list[Finding]:
    """Advise to choose the model by the macro F1 where one label is nearly always right."""
    label, most = max(rows.items(), key=lambda item: item[1])
    share = most / sum(rows.values())
    if share <= _DOMINATING:
        return []
    by_f1 = setup.recipe.early_stopping.metric == "eval_f1"
    return [
        Finding(
            "One label dominates",
            f"{share:.0%} of the rows to train on are {clean(label, 40)}: always answering that "
            "would be right as often, so accuracy says little. The macro F1 counts each label the "
            "same" + ("; the model is chosen by it" if by_f1 else ": choose the model by it"),
            "info" if by_f1 else "warning",
            most,
            "early_stopping.metric",
            None if by_f1 else {"early_stopping.metric": "eval_f1"},
        )
    ]


def _counts(rows: Dataset, labels: int) -> np.ndarray:
    column = rows["label"][:]
    if column and isinstance(column[0], list):
        column = [index for indices in column for index in indices]
    counts: np.ndarray = np.bincount(np.asarray(column, dtype=np.int64), minlength=labels)
    return counts


def _names(labels: tuple[str, ...], indices: np.ndarray) -> str:
    shown = [clean(labels[index], 40) for index in indices[:_LABELS_NAMED]]
    return ", ".join(shown) + (", …" if len(indices) > _LABELS_NAMED else "")


def _named(labels: tuple[str, ...], indices: np.ndarray, counts: np.ndarray) -> str:
    shown = [f"{clean(labels[index], 40)} {counts[index]}" for index in indices[:_LABELS_NAMED]]
    more = f", and so {len(indices) - _LABELS_NAMED} more" if len(indices) > _LABELS_NAMED else ""
    return ", ".join(shown) + more


def _lengths(setup: Setup, longest_input: int | None, progress: Progress) -> list[Finding]:
    """Say how long the texts are in tokens of the model, and how many are cut off."""
    rows = setup.data.splits["train"]
    looked_at = rows_by_chance(rows)
    lengths = token_lengths(rows.select(looked_at), setup.tokenizer, progress)
    limit = setup.recipe.tokens.max_length
    cut = int((lengths > limit).sum())
    share = cut / len(lengths)
    median, most, longest = (int(value) for value in np.percentile(lengths, [50, 99, 100]))
    if len(rows) > MOST_ROWS:
        tail = rows.select(longest_rows(rows))
        longest = max(longest, int(token_lengths(tail, setup.tokenizer, progress).max()))
    of = "" if len(rows) == len(lengths) else f" (of {len(lengths):,} rows drawn by chance)"
    spread = f"{median} tokens in the middle, {most} for 99 % of the texts, {longest} at most{of}"
    figures = {
        "median": median, "p99": most, "longest": longest, "max_length": limit,
        "mean": mean_as_cut(lengths, limit), "truncated_share": share, "rows": len(lengths),
    }  # fmt: skip
    if not cut:
        fix = _less_padding(setup, longest)
        padded = f", to which every text is padded: {fix[_LENGTH]} would do" if fix else ""
        return [
            Finding(
                "No text is cut off",
                f"{spread}; tokens.max_length is {limit}{padded}",
                "info",
                0,
                _LENGTH,
                fix,
                figures,
            )
        ]
    suggested = suggested_max_length(most, longest, longest_input)
    advice = (
        f"{suggested} would hold {(lengths <= suggested).mean():.1%} whole"
        if suggested > limit
        else "the model can read no more"
    )
    return [
        Finding(
            "Texts are cut off",
            f"{share:.1%} of the texts to train on are longer than tokens.max_length ({limit}) and "
            f"lose their end: {spread}; {advice}",
            "warning" if share >= 0.01 else "info",
            round(share * len(rows)),
            _LENGTH,
            {_LENGTH: suggested} if suggested > limit else None,
            figures,
        )
    ]


def _less_padding(setup: Setup, longest: int) -> dict[str, Any] | None:
    """Return the shorter length that holds every text, where each row is padded to the length."""
    if setup.recipe.tokens.padding == "dynamic" or _rounded(longest) >= (
        setup.recipe.tokens.max_length
    ):
        return None
    return {_LENGTH: _rounded(longest)}


def _rounded(tokens: int) -> int:
    """Round up to a multiple of 8, which suits GPUs."""
    return max(8, -(-tokens // 8) * 8)
