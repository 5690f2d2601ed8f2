"""The command `profile`: what the data holds and what is to be known of it, in the terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui_finetune.console.preflight import MARKS, assignments_of
from tui_finetune.console.show import print_json
from tui_finetune.console.work_progress import progress_on_stderr
from tui_finetune.engine.data import DataAnswers
from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe
from tui_finetune.text import clean

_LABELS_SHOWN = 20
_BAR = 30

# Errors of the profile that the quality list has too, with their rows.
_SAID_TWICE = {"Empty cells", "Labels that train does not have"}


def print_profile(recipe: Recipe, with_model: bool, as_json: bool) -> None:
    """Look at the data of a recipe, and with a model at the lengths in its tokens, and print it."""
    with progress_on_stderr() as progress:
        document = profile_document(recipe, with_model, progress)
    if as_json:
        print_json(document)
    else:
        _print(document)


def profile_document(recipe: Recipe, with_model: bool, progress: Any) -> dict[str, Any]:
    """Return the profile with the findings of the quality list among its problems."""
    answers = DataAnswers()
    asked = recipe.model_dump(mode="json")
    document = answers.profile(asked, progress)
    try:
        quality = answers.quality(asked, progress)
    except InputError:  # what stands in its way is among the problems
        quality = {"findings": [], "looked_at": None, "near": None}
    problems = [
        problem
        for problem in document["problems"]
        if not quality["findings"] or problem["title"] not in _SAID_TWICE
    ]
    document["problems"] = sorted(
        [*problems, *quality["findings"]],
        key=lambda problem: list(MARKS).index(problem["severity"]),
    )
    document["looked_at"], document["near"] = quality["looked_at"], quality["near"]
    document["tokens"] = answers.token_lengths(asked, progress) if with_model else None
    return document


def _print(document: dict[str, Any]) -> None:
    console = Console()
    splits = document["splits"] or {}
    sizes = ", ".join(f"{clean(name, 40)} {rows:,}" for name, rows in splits.items())
    console.print(Text(f"{clean(document['source'])}   {document['rows']:,} rows", style="bold"))
    detected = [f"{name} {value}" for name, value in document["detected"].items()]
    console.print(Text(clean(", ".join(detected), 300), style="dim"))
    console.print(Text(f"splits {sizes} ({document['cut']})" if sizes else "splits —"))
    columns = {"text": "text", "second text": "text_pair", "label": "label"}
    roles = [f"{role} {clean(document[key], 40)}" for role, key in columns.items() if document[key]]
    console.print(Text(f"columns {', '.join(roles) or '—'}"))
    for decision in document["decisions"]:
        console.print(Text(f"decided {clean(decision['message'], 300)}"))
    console.print()
    console.print(_columns(document))
    console.print(_labels(document))
    console.print(_lengths(document))
    for problem in document["problems"]:
        console.print(_problem(problem))
    if not document["problems"]:
        console.print(Text("nothing to say of the rows", style="bold green"))
    near = document["near"] or {}
    _say_bounds(console, "looked at", document["looked_at"] or {})
    _say_bounds(console, "compared to find near duplicates", near.get("looked_at") or {})


def _say_bounds(console: Console, what: str, looked_at: dict[str, list[int]]) -> None:
    for part, (seen, there) in looked_at.items():
        if seen < there:
            words = f"of {part} the first {seen:,} of {there:,} rows were {what}"
            console.print(Text(words, style="yellow"))


def _columns(document: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("column", "part", "type", "missing", "distinct", "such as"):
        table.add_column(name, justify="right" if name in ("missing", "distinct") else "left")
    for part, columns in document["columns_by_part"].items():
        for column in columns:
            distinct = column["distinct"]
            samples = " · ".join(clean(sample, 30) for sample in column["samples"][:3])
            table.add_row(
                Text(clean(column["name"], 40)), Text(part), Text(clean(column["type"], 30)),
                f"{column['missing']:,}", "—" if distinct is None else f"{distinct:,}",
                Text(samples, style="dim", no_wrap=True, overflow="ellipsis"),
            )  # fmt: skip
    return table


def _labels(document: dict[str, Any]) -> Text:
    labels = document["labels"]
    if not labels:
        return Text()
    text = Text("\n")
    most = max(labels.values())
    for label, count in list(labels.items())[:_LABELS_SHOWN]:
        filled = "━" * max(1, round(_BAR * count / most))
        text.append(f"{clean(label, 20):<21}")
        text.append(f"{filled:<{_BAR + 1}}", style="cyan")
        text.append(f"{count:>9,}\n")
    if (rest := len(labels) - _LABELS_SHOWN) > 0:
        text.append(f"and {rest:,} more\n", style="dim")
    found = document["imbalance"]
    if found and found["smallest_count"] == found["largest_count"]:
        text.append(f"{found['words']}: {found['largest_count']:,} each\n")
    elif found:
        text.append(
            f"{found['words']}: {clean(found['largest'], 40)} has {found['ratio']:.1f} times the "
            f"rows of {clean(found['smallest'], 40)}\n"
        )
    return text


def _lengths(document: dict[str, Any]) -> Text:
    lines = []
    for unit in ("words", "characters"):
        of_unit = document["lengths"][unit]
        figures = ", ".join(f"{name} {value:,}" for name, value in of_unit.items())
        lines.append(f"{unit:<11}{figures}")
    if tokens := document["tokens"]:
        figures = ", ".join(f"{name} {tokens[name]:,}" for name in ("median", "p95", "longest"))
        lines.append(f"{'tokens':<11}{figures}")
        shares = ", ".join(f"{most:,}: {share:.1%}" for most, share, _ in tokens["truncated"])
        lines.append(f"{'cut off at':<11}{shares}")
        lines.append(f"{'suggested':<11}tokens.max_length={tokens['suggested']}")
        lines.append(f"{'':<11}({tokens['rule']})")
    return Text("\n".join(lines) + "\n")


def _problem(problem: dict[str, Any]) -> Text:
    mark, style = MARKS[problem["severity"]]
    title_style = "bold" if problem["severity"] == "info" else style
    words = Text.assemble((f"{mark} ", style), (clean(problem["title"]), title_style), "\n  ")
    words.append(clean(problem["message"], 1_000))
    if problem.get("advice"):
        words.append(f"\n  {clean(problem['advice'], 1_000)}")
    if rows := problem.get("rows"):
        listed = ", ".join(f"{part} {row + 1:,}" for part, row, _ in rows[:6])
        more = len(rows) + problem["more_rows"] > 6
        words.append(f"\n  rows {listed}{', …' if more else ''}", style="dim")
    if problem.get("fix"):
        words.append(f"\n  {assignments_of(problem['fix'])}", style="cyan")
    return words
