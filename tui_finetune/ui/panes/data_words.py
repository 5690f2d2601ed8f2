"""The words of the Data pane: what was detected, labels, lengths, problems, the next step."""

from collections.abc import Iterable, Mapping
from typing import Any

from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.draft import Finding
from tui_finetune.ui.widgets.bars import bar, sparkline
from tui_finetune.ui.words import UNKNOWN, counted

LABELS_SHOWN = 6
PROBLEMS_SHOWN = 4

# A problem names the key of the recipe; here there is a box for it.
_DROP_EMPTY = "data.drop_empty=true"
_BOX = " (the box 'leave out empty' above)"


def summary(finding: Finding, chosen: bool, page: Mapping[str, Any] | None) -> Content:
    """Return what the source is, in a line; or what to do when there is none.

    `page` are the first rows, which come before all of it was looked at.
    """
    if finding.error:
        return Content.styled(f"✗ {finding.error}", "$text-error")
    if finding.result is not None:
        profile = finding.result
        facts = [*detected_phrases(profile["detected"]), *kind_phrases(profile)]
        columns = counted(len(profile["columns"]), "column")
        shape = f"{counted(profile['rows'], 'row')} x {columns}"
        return Content.assemble((shape, "bold"), ("   " + " · ".join(facts), "$text-muted"))
    if chosen and page is not None:
        facts = detected_phrases(page["detected"])
        rows = UNKNOWN if page["total"] is None else f"{page['total']}"
        shape = f"{rows} rows x {counted(len(page['columns']), 'column')}"
        if not finding.busy:
            facts.append("not looked through; Enter in the path box does it")
        return Content.assemble((shape, "bold"), ("   " + " · ".join(facts), "$text-muted"))
    if finding.busy:
        return Content("")
    if chosen:
        return Content.styled("Not read. Enter in the path box reads it.", "$text-muted")
    return Content.assemble(
        ("Choose the data to learn from: ", "bold"),
        "type a path (Tab completes it) or press ctrl+t for the folders.\n",
        ("One row per text, with a column for the text and one for its label.", "$text-muted"),
    )


def detected_phrases(detected: Mapping[str, Any]) -> list[str]:
    """Return in words what was found out about a file: ["utf-8", "comma separated"]."""
    phrases = []
    for name, value in detected.items():
        if name == "header" and isinstance(value, bool):
            phrases.append("header line" if value else "no header line")
        elif name == "separator":
            phrases.append(f"{value} separated")
        elif name == "quote":
            phrases += [f"{value} quotes"] if value != "none" else []
        elif name == "skip_lines":
            phrases += [f"{counted(value, 'line')} above the table skipped"] if value else []
        elif name == "files":
            phrases.append(counted(value, "file"))
        elif name == "left out":
            phrases.append(f"left out: {value}")
        # "delimited text" is said by its separator.
        elif value is not None and not (name == "kind" and "separator" in detected):
            phrases.append(str(value))
    return [clean(phrase, 40) for phrase in phrases]


def kind_phrases(profile: Mapping[str, Any]) -> list[str]:
    """Return in words what is not usual: pairs of texts, several labels a row, a number."""
    phrases = []
    if profile.get("text_pair"):
        phrases.append(f"pairs with {clean(profile['text_pair'], 20)}")
    if profile.get("problem_type") == "multi_label_classification":
        phrases.append("several labels a row")
    elif profile.get("problem_type") == "regression":
        phrases.append("a number to predict")
    return phrases


def role_words(profile: Mapping[str, Any]) -> Content:
    """Return in a line what a row is labelled with, and which rows are for what."""
    kinds = {
        "single_label_classification": "one label a row",
        "multi_label_classification": "several labels a row",
        "regression": "a number a row",
    }
    parts = [kinds.get(str(profile.get("problem_type")), "labels unknown")]
    if splits := profile["splits"]:
        parts.append(" · ".join(f"{count:,} {clean(name, 20)}" for name, count in splits.items()))
    own = profile.get("source_splits") or {}
    if len(own) > 1 and own.keys() - splits.keys():  # else they have just been named
        parts.append("splits " + ", ".join(clean(name, 20) for name in own))
    return Content.assemble(
        (" │ ".join(parts), "$text-muted"), ("   ctrl+r", "bold $text-accent"), " changes it"
    )


def part_of_split(data: Mapping[str, Any], profile: Mapping[str, Any], split: str) -> str | None:
    """Return which part a split of the source is, row by row; None: none, or a slice of it."""
    brought = profile.get("source_splits") or {}
    for part in ("train", "validation", "test"):
        named = data["splits"][part]
        if named == split or (named is None and split == part and split in brought):
            return part
    return "train" if len(brought) == 1 and data["splits"]["train"] is None else None


def label_lines(profile: Mapping[str, Any], width: int, shown: int = LABELS_SHOWN) -> Content:
    """Return the labels with their bars, or of a regression how the numbers are spread."""
    numbers = profile.get("numbers")
    if not numbers:
        several = profile.get("problem_type") == "multi_label_classification"
        rows = profile["rows"] if several else None
        return label_bars(profile["labels"] or {}, width, rows, shown)
    names = ("min", "median", "mean", "max")
    cells = [f"{numbers[name]:.4g}" for name in names]
    widths = [max(len(name), len(cell)) + 1 for name, cell in zip(names, cells, strict=True)]

    def aligned(words: Iterable[str]) -> str:
        return "".join(word.rjust(room) for word, room in zip(words, widths, strict=True))

    counts = [float(count) for _, count in numbers["histogram"]]
    return Content("\n").join(
        [
            Content.assemble(("numbers", "bold"), (aligned(names), "$text-muted")),
            Content(" " * 7 + aligned(cells)),
            Content.assemble(
                (sparkline(counts, 2 * width), "$primary"),
                (f" deviation {numbers['deviation']:.4g}", "$text-muted"),
            ),
        ]
    )


def label_bars(
    labels: Mapping[str, int], width: int, rows: int | None = None, most: int = LABELS_SHOWN
) -> Content:
    """Return at most `most` labels, the most frequent first, with a bar, count and share each.

    The shares are of `rows`, which may have several labels each; None: they have one.
    """
    whole = rows or sum(labels.values())
    if not labels:
        return Content.styled("no labels", "$text-muted")
    ordered = sorted(labels.items(), key=lambda item: -item[1])
    shown = ordered[:most]
    longest = min(max(len(clean(label)) for label, _ in shown), 16)
    digits = len(str(ordered[0][1]))
    lines = [Content.styled(counted(len(labels), "label"), "bold")]
    for label, count in shown:
        lines.append(
            Content.assemble(
                clean(label, longest).ljust(longest + 1),
                (bar(count / ordered[0][1], width), "$primary"),
                f" {count:>{digits}} ",
                (f"{count / whole:4.0%}", "$text-muted"),
            )
        )
    if rest := ordered[most:]:
        more = counted(sum(count for _, count in rest), "row")
        lines.append(Content.styled(f"and {len(rest)} more with {more}", "$text-muted"))
    return Content("\n").join(lines)


def length_lines(lengths: Mapping[str, Any] | None) -> Content:
    """Return the lengths of the texts as a small table and a histogram, 40 columns at most."""
    if not lengths or not lengths.get("words"):
        return Content.styled("text lengths —", "$text-muted")
    names = ("min", "median", "p95", "max")
    rows = {
        unit: [f"{figures[name]:.0f}" for name in names]
        for unit in ("words", "characters")
        if (figures := lengths.get(unit))
    }
    widths = [max(map(len, column)) + 1 for column in zip(names, *rows.values(), strict=True)]

    def aligned(cells: Iterable[str]) -> str:
        return " ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))

    lines = [Content.assemble(("text length", "bold"), (aligned(names), "$text-muted"))]
    for unit, cells in rows.items():
        lines.append(Content.assemble((f"{unit:<11}", "$text-muted"), aligned(cells)))
    if histogram := lengths.get("histogram"):
        counts = [float(count) for _, count in histogram]
        least, _, _, most = rows["words"]
        edge = f" {least} to {most} words"
        lines.append(Content.assemble((sparkline(counts, 20), "$primary"), (edge, "$text-muted")))
    return Content("\n").join(lines)


def problem_lines(problems: list[dict[str, Any]], source: str = "") -> Content:
    """Return the problems, the grave ones first, without the name of the source before them."""
    ordered = sorted(problems, key=lambda problem: problem["severity"] != "error")
    lines = []
    for problem in ordered[:PROBLEMS_SHOWN]:
        grave = problem["severity"] == "error"
        sign, style = ("✗ ", "$text-error") if grave else ("! ", "$text-warning")
        message = clean(problem["message"]).removeprefix(f"{clean(source)}: ")
        message = message.replace(_DROP_EMPTY, _DROP_EMPTY + _BOX)
        lines.append(Content.styled(sign + message, style))
    if len(ordered) > PROBLEMS_SHOWN:
        lines.append(Content.styled(f"and {len(ordered) - PROBLEMS_SHOWN} more", "$text-muted"))
    return Content("\n").join(lines)


def next_step(finding: Finding) -> Content:
    """Return what to do next."""
    if finding.result is None:
        return Content("")
    if any(problem["severity"] == "error" for problem in finding.result["problems"]):
        return Content("Next: mend the file or choose other columns (Enter shows what is wrong)")
    return Content("Next: choose the model (F2) ▸")
