"""The documents and tables that commands end with."""

import json
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui_finetune.console.progress_display import epoch_table, figure, headline, loss_figure
from tui_finetune.recipe import dump_recipe
from tui_finetune.runs.about import name_of, read_about
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import Epoch, History, read_history
from tui_finetune.runs.index import list_runs
from tui_finetune.runs.journal import finite
from tui_finetune.runs.listing import summarise, summary_document
from tui_finetune.runs.query import filter_runs
from tui_finetune.runs.settings import read_settings
from tui_finetune.runs.status import read_status
from tui_finetune.runs.telling import short_name
from tui_finetune.text import UNKNOWN, clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tui_finetune.runs.listing import RunSummary
    from tui_finetune.tasks.predictions import Prediction

# From this width on there is room for the data and the model in the list of runs.
_WIDE = 120

_GAP = "  "


def print_run(run: RunDirectory, as_json: bool) -> None:
    """Print how a run stands: `{"run", "dir", "state", "metrics"}`."""
    status = read_status(run.status)
    if as_json:
        document = {"run": run.id, "dir": str(run.path), "state": status.state}
        if status.reason:
            document["reason"] = status.reason
        print_json({**document, "metrics": status.metrics})
        return
    console = Console()
    status.name = name_of(run, status)
    console.print(headline(status))
    console.print(_metrics_table(status.metrics))
    if (run.model / "config.json").is_file():
        console.print(Text(f"model  {clean(run.model)}"))
        command = f'tui-finetune predict {clean(run.id)} "a sentence"'
        if read_settings(run).get("data.columns.text_pair"):
            command += ' --pair "its second text"'
        console.print(Text(f"next   {command}"), soft_wrap=True)  # to be copied whole


def print_runs(home: "Path", as_json: bool, query: str = "") -> None:
    """Print all runs that the query means, the newest first.

    Raises `InputError` if there is something wrong with the query.
    """
    every = list_runs(home)
    summaries = filter_runs(every, query)
    if as_json:
        print_json([summary_document(summary) for summary in summaries])
        return
    if every and not summaries:
        print(f"none of {len(every):,} runs is meant by: {clean(query)}")
        return
    if not summaries:
        print(f"no runs in {clean(home)} yet; start one with: tui-finetune train")
        return
    _print_list(summaries, Console())


def _print_list(runs: "Sequence[RunSummary]", console: Console) -> None:
    """Print a line for each run; where there is no room for its figures beside its id, two.

    An id is there to be copied: whatever the room, it stands whole on one line.
    """
    ids = ["run", *(clean(run.id) for run in runs)]
    longest = max(map(len, ids))
    wide = console.width >= _WIDE
    figures = _aligned([("state", "step", "best val", "test"), *map(_figures, runs)], "<>>>")
    words = [("name", "data", "model", "tags"), *map(_words, runs)]
    names = _aligned(words, "<<<<") if wide else [name for name, *_ in words]
    beside = longest + len(_GAP) + cell_len(figures[0]) <= console.width
    for place, (run_id, line, name) in enumerate(zip(ids, figures, names, strict=True)):
        if not beside:
            lines = [run_id] * (place > 0) + [f"{_GAP}{line}{_GAP}{name}"]
        else:
            lines = [f"{run_id:<{longest}}{_GAP}{line}" + f"{_GAP}{name}" * wide]
        for text in (Text(line.rstrip(), style="" if place else "bold") for line in lines):
            if text.plain != run_id:
                text.truncate(console.width, overflow="ellipsis")
            console.print(text, soft_wrap=True)


def _figures(run: "RunSummary") -> tuple[str, ...]:
    told = (run.told(split) for split in ("validation", "test"))
    metrics = (
        UNKNOWN if one is None else f"{clean(short_name(one[0]), 8)} {loss_figure(one[1])}"
        for one in told
    )
    return clean(run.state, 12), f"{run.step}/{run.total_steps or UNKNOWN}", *metrics


def _words(run: "RunSummary") -> tuple[str, ...]:
    sources = (run.data.rpartition("/")[2], run.model.rpartition("/")[2])
    return tuple(clean(word, 30) for word in (run.name, *sources, " ".join(run.tags)))


def _aligned(rows: "Sequence[tuple[str, ...]]", sides: str) -> list[str]:
    """Return rows of cells as lines; `sides` has for each column < (to the left) or >."""
    widths = [max(map(cell_len, cells)) for cells in zip(*rows, strict=True)]
    return [_GAP.join(map(_padded, row, widths, sides)) for row in rows]


def _padded(cell: str, width: int, side: str) -> str:
    blanks = " " * (width - cell_len(cell))
    return cell + blanks if side == "<" else blanks + cell


def print_run_in_full(run: RunDirectory, as_json: bool) -> None:
    """Print a run with its recipe and epochs."""
    recipe = run.load_recipe() if run.recipe.exists() else None  # a run of others has none
    history = read_history(run)
    if as_json:
        epochs = [_epoch_document(epoch) for epoch in history.epochs()]
        content = None if recipe is None else recipe.model_dump(mode="json")
        document = {"recipe": content, "decisions": _decisions(history), "epochs": epochs}
        print_json({**summary_document(summarise(run)), **document})
        return
    console = Console()
    status = read_status(run.status)
    status.name = name_of(run, status)
    console.print(headline(status))
    if history.evaluations:
        console.print(epoch_table(history))
    console.print(_metrics_table(status.metrics))
    about = read_about(run)
    if about.tags:
        console.print(Text(f"tags   {clean(' '.join(about.tags))}"))
    if about.note:
        console.print(Text(f"note   {clean(about.note)}"))
    for decision in _decisions(history):
        console.print(Text(f"data   {clean(decision.get('message', ''))}"))
    console.print(Text(f"folder {clean(run.path)}\n"))
    if recipe is not None:
        settings = dump_recipe(recipe).splitlines()
    else:
        settings = [f"{key}: {value}" for key, value in read_settings(run).items()]
    for line in settings:
        console.print(Text(clean(line, 500)))


def _decisions(history: History) -> list[dict[str, Any]]:
    """Return what the recipe decided about the rows, and how many rows each decision concerned."""
    listed = history.stages.get("decide", {}).get("decisions")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def print_predictions(predictions: "Sequence[Prediction]", as_json: bool) -> None:
    """Print the predictions' documents as a list, or a line a text."""
    if as_json:
        print_json([prediction.document() for prediction in predictions])
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for prediction in predictions:
        text = clean(prediction.text, 500)
        if prediction.text_pair is not None:
            text += f" | {clean(prediction.text_pair, 500)}"
        table.add_row(*_said(prediction), Text(text))
    Console().print(table)


def _said(prediction: "Prediction") -> tuple[Text, str]:
    """Return what a prediction says and how surely: a label, several, or a number."""
    if prediction.problem_type == "regression":
        return Text(f"{prediction.value:.4g}", style="bold"), ""
    if prediction.problem_type == "single_label_classification":
        return Text(clean(prediction.label, 40), style="bold"), f"{prediction.score:.3f}"
    labels = [f"{clean(label, 40)} {prediction.scores[label]:.3f}" for label in prediction.labels]
    if labels:
        return Text(", ".join(labels), style="bold"), ""
    likeliest = f"(none; likeliest {clean(prediction.label, 40)} {prediction.score:.3f})"
    return Text(likeliest, style="dim"), ""


def _epoch_document(epoch: Epoch) -> dict[str, Any]:
    metrics = {name: value for name, value in epoch.metrics.items() if name != "loss"}
    return {
        "number": epoch.number,
        "step": epoch.step,
        "train_loss": epoch.train_loss,
        "validation_loss": epoch.validation_loss,
        **metrics,
    }


def _metrics_table(metrics: dict[str, dict[str, float | None]]) -> Table:
    """Return a line for each metric: of several labels there are more than fit side by side."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    for split in metrics:
        table.add_column(Text(clean(split, 40)), justify="right")
    for name in dict.fromkeys(name for values in metrics.values() for name in values):
        written = loss_figure if name.endswith("loss") else figure
        cells = (written(values.get(name)) for values in metrics.values())
        table.add_row(Text(clean(name, 40)), *cells)
    return table


def print_json(document: Any) -> None:
    """Print a document in ASCII: no control or bidirectional character reaches a terminal."""
    print(json.dumps(finite(document), ensure_ascii=True, allow_nan=False, indent=2))
