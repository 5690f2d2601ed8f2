"""The engine process: answers requests one after another, then trains if asked to.

The heavy rooms are imported inside the functions that need them, so that the first requests are
answered while the rest still has to be loaded.
"""

import importlib
import json
import os
import select
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tui_finetune.errors import InputError
from tui_finetune.home import choose_home
from tui_finetune.recipe import DataSection, ModelSection, parse_recipe
from tui_finetune.runs.directory import RunDirectory, find_run
from tui_finetune.text import clean

if TYPE_CHECKING:
    from tui_finetune.evaluation.trained import TrainedModel
    from tui_finetune.training.start import Start

Params = dict[str, Any]

# The dashboard's keys go first when both want the same core.
_NICENESS = 5

# Loaded one by one while nobody asks for anything, the lightest first.
_PRELOADED = (
    "tui_finetune.models.catalogue",
    "tui_finetune.data.profile",
    "tui_finetune.evaluation.trained",
    "tui_finetune.training.supervisor",
)


def serve(home: Path, request_end: int, reply_end: int) -> None:
    """Answer requests until the other side lets go or a run is started; then train it to its end.

    A request is a line `{"id", "method", "params"}`, a reply a line with the id and `result`, or
    `error` and its `kind` (input, failure). The replies have a descriptor of their own, because
    libraries write to stdout.
    """
    os.nice(_NICENESS)
    choose_home(home)
    with os.fdopen(request_end, "rb", 0) as requests, os.fdopen(reply_end, "wb", 0) as replies:
        start = _answer_until_training(home, _requests(requests), replies)
    if start is not None:
        from tui_finetune.training.supervisor import output_to, run_training

        with output_to(start.run.log):
            run_training(start)


def _requests(pipe: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the requests as they come; while none is there, load the libraries they will need."""
    for module in _PRELOADED:
        while select.select([pipe], [], [], 0)[0]:
            if not (line := pipe.readline()):
                return
            yield json.loads(line)
        importlib.import_module(module)
    for line in pipe:
        yield json.loads(line)


def _answer_until_training(
    home: Path, requests: Iterator[dict[str, Any]], replies: IO[bytes]
) -> "Start | None":
    predictor = _Predictor(home)
    answers: dict[str, Callable[[Params], Any]] = {
        "profile": _profile,
        "models": _models,
        "model": _model,
        "predict": predictor.predict,
    }
    starts: dict[str, Callable[[Path, Params], Start]] = {"train": _train, "resume": _resume}
    for request in requests:
        number, method, params = request["id"], request["method"], request["params"]
        try:
            if method in starts:
                start = starts[method](home, params)
                started = {"run": start.run.id, "dir": str(start.run.path)}
                with suppress(BrokenPipeError):  # whoever asked is gone, the run goes on
                    _reply(replies, number, result=started)
                return start
            _reply(replies, number, result=answers[method](params))
        except BrokenPipeError:  # nobody waits for the answer any more
            return None
        except InputError as error:
            _reply(replies, number, error=str(error), kind="input")
        except Exception as error:  # the engine goes on; its log has the traceback
            traceback.print_exc()
            message = f"{type(error).__name__}: {clean(error, 300)}"
            _reply(replies, number, error=message, kind="failure")
    return None


def _reply(replies: IO[bytes], number: int, **content: Any) -> None:
    line = json.dumps({"id": number, **content}).encode() + b"\n"
    while line:  # a raw pipe may take only a part
        line = line[replies.write(line) :]


def _profile(params: Params) -> dict[str, Any]:
    from tui_finetune.data.profile import profile

    return profile(DataSection.model_validate(params["data"]))


def _models(params: Params) -> list[dict[str, Any]]:
    from tui_finetune.models.catalogue import catalogue

    folders = [Path(folder) for folder in params["folders"]]
    return [asdict(entry) for entry in catalogue(folders)]


def _model(params: Params) -> dict[str, Any]:
    from tui_finetune.models.description import describe

    return describe(ModelSection.model_validate(params["model"]))


def _train(home: Path, params: Params) -> "Start":
    from tui_finetune.training.start import new_run

    return new_run(home, parse_recipe(params["recipe"], "the recipe"))


def _resume(home: Path, params: Params) -> "Start":
    from tui_finetune.training.start import resumed_run

    return resumed_run(find_run(home, params["run"]))


class _Predictor:
    """Keeps the model of the last prediction loaded, until another folder is asked for."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._trained: TrainedModel | None = None

    def predict(self, params: Params) -> dict[str, Any]:
        from tui_finetune.evaluation.report import prediction_document

        trained = self._load(find_run(self._home, params["run"]))
        predictions = [prediction_document(made) for made in trained.predict(params["texts"])]
        return {"model": str(trained.folder), "predictions": predictions}

    def _load(self, run: RunDirectory) -> "TrainedModel":
        from tui_finetune.evaluation.trained import load_run

        if self._trained is None or self._trained.folder != run.trained_model():
            self._trained = load_run(run)
        return self._trained
