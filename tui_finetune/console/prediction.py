"""Predict a file from the command line: progress while it goes on, then what came of it."""

import sys
from collections.abc import Mapping
from pathlib import Path

from tui_finetune.console.show import print_json
from tui_finetune.console.work_progress import progress_on_stderr
from tui_finetune.evaluation.prediction_files import FileResult, predict_file
from tui_finetune.evaluation.trained import TrainedModel
from tui_finetune.text import clean


def predict_file_with_progress(
    trained: TrainedModel,
    source: Path,
    out: Path,
    text_column: str | None,
    overwrite: bool,
    pair_column: str | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> FileResult:
    """Do what `predict_file` does, with a progress bar on stderr.

    Raises `InputError` as it does. An interrupt says that the same command goes on later.
    """
    try:
        with progress_on_stderr() as progress:
            return predict_file(
                trained,
                source,
                out,
                text_column,
                progress,
                pair_column=pair_column,
                thresholds=thresholds,
                overwrite=overwrite,
            )
    except KeyboardInterrupt:
        kept = "interrupted; what is done is kept: the same command goes on there"
        print(kept, file=sys.stderr)
        raise


def print_file_result(result: FileResult, as_json: bool) -> None:
    """Print `{"out", "rows", "empty", "resumed_from"}`, or a line for each that is not 0."""
    if as_json:
        print_json(result.document())
        return
    print(f"{result.rows:,} rows written to {clean(result.out)}")
    if result.resumed_from:
        print(f"{result.resumed_from:,} of them were predicted before the interruption")
    if result.empty:
        print(f"{result.empty:,} without a text have no prediction")
