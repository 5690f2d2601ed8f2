"""The commands. Each one parses, calls the room that does the work, and prints.

They import what they need themselves, so that each loads no more than that.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui_finetune import __version__, home
from tui_finetune.cli_data import Assignments, check, profile, recipe_of, script
from tui_finetune.cli_runs import Home, Json, Run, find, runs_app
from tui_finetune.errors import InputError

if TYPE_CHECKING:
    from tui_finetune.runs.directory import RunDirectory

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(runs_app, name="runs")

Detach = Annotated[bool, typer.Option("--detach", help="Return at once; the run goes on.")]


@app.callback(invoke_without_command=True)
def dashboard(
    context: typer.Context,
    recipe: Annotated[Path | None, typer.Option(help="Open the dashboard on this recipe.")] = None,
    home_folder: Home = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Fine-tune Hugging Face models from a dashboard in the terminal.

    Without a command, the dashboard opens (`entry` sees to that).
    """
    if version:
        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is not None:
        if home_folder is not None:
            home.choose_home(home_folder)  # named before the command, it counts for it too
        return
    from tui_finetune.ui.start import open_dashboard

    open_dashboard(home.choose_home(home_folder), recipe)


@app.command()
def train(
    recipe: Annotated[Path | None, typer.Argument(help="A recipe (YAML).")] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="A file, a folder or a hub name; repeatable, or a pattern in quotes."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="'starter', a folder, or a hub name.")] = None,
    text: Annotated[str | None, typer.Option(help="The column with the texts.")] = None,
    text_pair: Annotated[
        str | None, typer.Option(help="The column with second texts, for pairs.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="The column with the labels.")] = None,
    label_separator: Annotated[
        str | None, typer.Option(help="Between several labels of a row, such as ';'.")
    ] = None,
    epochs: Annotated[str | None, typer.Option(help="Passes over the training rows.")] = None,
    drop_empty: Annotated[
        bool, typer.Option("--drop-empty", help="Leave out rows with an empty text or label.")
    ] = False,
    assignments: Assignments = None,
    name: Annotated[str | None, typer.Option(help="The run's name.")] = None,
    detach: Detach = False,
    as_json: Json = False,
    home_folder: Home = None,
) -> None:
    """Train from a recipe, or from flags; in the foreground, or detached."""
    flags = {
        "data.source": data[0] if data and len(data) == 1 else data or None,
        "model.source": model,
        "data.columns.text": text,
        "data.columns.text_pair": text_pair,
        "data.columns.label": label,
        "data.label_separator": label_separator,
        "train.num_train_epochs": epochs,
        "data.drop_empty": drop_empty or None,
        "name": name,
    }
    wanted = recipe_of(recipe, flags, assignments or [])
    place = home.choose_home(home_folder)
    if detach:
        _detached(place, "train", {"recipe": wanted.model_dump(mode="json")}, as_json)
        return
    from tui_finetune.console.foreground import train_in_foreground
    from tui_finetune.console.work_progress import progress_on_stderr
    from tui_finetune.training.start import Start, new_run

    def begin() -> Start:
        with progress_on_stderr() as report:  # of a model's download
            return new_run(place, wanted, report)

    _end_of_run(train_in_foreground(begin, as_json), as_json)


for command in (profile, check, script):
    app.command()(command)


@app.command()
def resume(
    run: Run, detach: Detach = False, as_json: Json = False, home_folder: Home = None
) -> None:
    """Go on with a stopped or interrupted run from its newest checkpoint."""
    found = find(home_folder, run)
    if detach:
        _detached(home.choose_home(home_folder), "resume", {"run": found.id}, as_json)
        return
    from tui_finetune.console.foreground import train_in_foreground
    from tui_finetune.training.start import resumed_run

    _end_of_run(train_in_foreground(lambda: resumed_run(found), as_json), as_json)


@app.command()
def attach(run: Run = "last", home_folder: Home = None) -> None:
    """Watch a run until it ends; Ctrl-C leaves it going. `last` goes over to newer runs."""
    from tui_finetune.console.follow import follow

    found = find(home_folder, run)
    follow(found, home.choose_home(home_folder) if run == "last" else None)


@app.command()
def stop(
    run: Run,
    after_epoch: Annotated[
        bool, typer.Option("--after-epoch", help="Let the epoch and its evaluation end first.")
    ] = False,
    kill: Annotated[
        bool, typer.Option("--kill", help="End it at once, without a checkpoint.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it has stopped.")] = True,
    as_json: Json = False,
    home_folder: Home = None,
) -> None:
    """Stop a run with a checkpoint saved, so that it can be resumed."""
    from tui_finetune.console.follow import wait_until_ended
    from tui_finetune.console.show import print_run
    from tui_finetune.runs.control import kill_run, request_stop

    found = find(home_folder, run)
    if kill:
        kill_run(found)
    else:
        request_stop(found, "stop-after-epoch" if after_epoch else "stop-now")
    if wait:
        wait_until_ended(found)
    print_run(found, as_json)


@app.command()
def predict(
    run: Run,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT...", help="Texts to predict.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file of texts to predict.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where its rows go with their predictions.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="The file's column of texts.")] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option("--pair", metavar="TEXT", help="The second text of each text, in order."),
    ] = None,
    pair_column: Annotated[
        str | None, typer.Option(help="The file's column of second texts.")
    ] = None,
    best_thresholds: Annotated[
        bool,
        typer.Option(
            "--best-thresholds",
            help="Of several labels, take those above the threshold with the best F1 on the "
            "validation rows; else above 0.5.",
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output.")] = False,
    as_json: Json = False,
    home_folder: Home = None,
) -> None:
    """Predict texts with a run's model, or a whole file: CSV, TSV, JSON Lines or Parquet."""
    found = find(home_folder, run)
    if bool(texts) == bool(file) or (file is None) != (out is None):
        raise InputError('predict: give texts, or --file IN with --out OUT, such as "a good film"')
    found.require_model()  # before the heavy libraries are loaded
    from tui_finetune.evaluation.judging import run_thresholds
    from tui_finetune.evaluation.trained import load_run

    thresholds = run_thresholds(found) if best_thresholds else None
    if file and out:
        from tui_finetune.console.prediction import predict_file_with_progress, print_file_result

        result = predict_file_with_progress(
            load_run(found), file, out, column, overwrite, pair_column, thresholds
        )
        print_file_result(result, as_json)
        return
    from tui_finetune.console.show import print_predictions

    made = load_run(found).predict(texts or [], pairs=pairs, thresholds=thresholds)
    print_predictions(made, as_json)


@app.command()
def evaluate(
    run: Run,
    data: Annotated[str | None, typer.Option(help="A labelled file; else the test rows.")] = None,
    before: Annotated[
        bool, typer.Option(help="Judge the model before fine-tuning beside it.")
    ] = True,
    as_json: Json = False,
    home_folder: Home = None,
) -> None:
    """Say how good a run's model is on its test rows or on a file, and where it fails."""
    found = find(home_folder, run)
    found.require_model()  # before the heavy libraries are loaded
    from tui_finetune.console.evaluation import print_evaluation
    from tui_finetune.console.work_progress import progress_on_stderr
    from tui_finetune.evaluation.judging import judge
    from tui_finetune.evaluation.trained import LoadedModels

    with progress_on_stderr() as progress:
        document = judge(found, LoadedModels(), data, before, progress)
    print_evaluation(document, as_json)


@app.command()
def trace(
    run: Run,
    text: Annotated[str, typer.Argument(help="The text whose prediction is traced.")],
    true: Annotated[str | None, typer.Option("--true", help="The right label, if known.")] = None,
    before: Annotated[
        bool, typer.Option("--before", help="Trace the model as it was before fine-tuning.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write a page (.html) or all figures (.json) here.")
    ] = None,
    as_json: Json = False,
    home_folder: Home = None,
) -> None:
    """Show how a prediction comes about: tokens, embedding, layers, head, label."""
    found = find(home_folder, run)
    found.require_model()  # before the heavy libraries are loaded
    from tui_finetune.console.trace import print_trace
    from tui_finetune.evaluation.judging import run_temperature
    from tui_finetune.evaluation.trained import load_run
    from tui_finetune.tracing.document import trace_document
    from tui_finetune.tracing.export import export_trace
    from tui_finetune.tracing.trace import trace as trace_text

    made = trace_text(load_run(found, "before" if before else "after"), text, true)
    temperature = None if before else run_temperature(found)
    if out is not None:
        export_trace(made, temperature, out)
    print_trace({"run": found.id, **trace_document(made, temperature)}, as_json)


@app.command()
def doctor(as_json: Json = False, home_folder: Home = None) -> None:
    """Say what this machine and this installation can do."""
    from tui_finetune.console.doctor import print_doctor

    print_doctor(home.choose_home(home_folder), as_json)


def _detached(place: Path, method: str, params: dict[str, Any], as_json: bool) -> None:
    """Let an engine start a run and leave it alone."""
    from tui_finetune.engine.client import EngineError, request_once

    try:
        started = request_once(place, method, params)
    except EngineError as error:
        print(f"tui-finetune: {error}", file=sys.stderr)
        raise typer.Exit(EXIT_FAILED) from None
    document = {**started, "state": "starting", "metrics": {}}
    if as_json:
        print(json.dumps(document))
    else:
        print(f"started {started['run']}\nwatch it with: tui-finetune attach {started['run']}")


def _end_of_run(run: "RunDirectory", as_json: bool) -> None:
    """Print how a foreground run ended and exit accordingly."""
    from tui_finetune.console.show import print_run
    from tui_finetune.runs.status import read_status

    print_run(run, as_json)
    state = read_status(run.status).state
    if state == "failed":
        raise typer.Exit(EXIT_FAILED)
    if state != "finished":
        raise typer.Exit(EXIT_INTERRUPTED)
