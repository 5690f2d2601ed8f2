"""What the engine answers: a function for each method that the dashboard may ask.

The heavy rooms are imported inside the functions that need them, so that the first requests are
answered while the rest still has to be loaded.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_finetune.engine.data import DataAnswers
from tui_finetune.engine.requests import Params, Reporter
from tui_finetune.engine.tracing import TraceAnswers
from tui_finetune.recipe import DataSection, ModelSection, parse_recipe
from tui_finetune.runs.directory import find_run

if TYPE_CHECKING:
    from tui_finetune.data.encodings import Progress
    from tui_finetune.data.pages import Pages
    from tui_finetune.evaluation.trained import LoadedModels, TrainedModel

Answer = Callable[[Params, Reporter], Any]


class Answers:
    """The answers for one home; keeps the models that were used last."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._models: LoadedModels | None = None
        self._traces = TraceAnswers(home, self._trained)
        self._data = DataAnswers()
        self._pages: Pages | None = None

    def of(self, method: str) -> Answer:
        """Return what answers a method."""
        answers: dict[str, Answer] = {
            "profile": self._data.profile,
            "quality": self._data.quality,
            "token_lengths": self._data.token_lengths,
            "tokens": self._data.tokens,
            "rows_at": self._data.rows_at,
            "rows": self._rows,
            "read_whole": self._read_whole,
            "models": self._catalogue,
            "search_models": _search_models,
            "preflight": self._preflight,
            "model": _model,
            "predict": self._predict,
            "predict_file": self._predict_file,
            "evaluate": self._evaluate,
            "training_fields": _training_fields,
            "check_training": _check_training,
            "trace": self._traces.trace,
            "trace_attention": self._traces.attention,
            "trace_neighbours": self._traces.neighbours,
            "trace_attributions": self._traces.attributions,
            "trace_compare": self._traces.compare,
            "trace_export": self._traces.export,
        }
        return answers[method]

    def _paged(self) -> "Pages":
        from tui_finetune.data.pages import Pages

        if self._pages is None:
            self._pages = Pages()
        return self._pages

    def _read_whole(self, params: Params, report: Reporter) -> dict[str, int]:
        """Read the source to its end, so that all its pages are at hand; answer its splits."""
        return self._paged().read_whole(DataSection.model_validate(params["data"]), report)

    def page_at_hand(self, params: Params) -> dict[str, Any] | None:
        """Answer `rows` if that takes no long reading, else None."""
        data = DataSection.model_validate(params["data"])
        at_hand = self._paged().at_hand(data, params["offset"], params.get("split"))
        return self._rows(params, lambda progress: None) if at_hand else None

    def _rows(self, params: Params, report: "Progress") -> dict[str, Any]:
        return self._paged().page(
            DataSection.model_validate(params["data"]),
            params["offset"],
            params["limit"],
            params.get("split"),
            params.get("cut", 200),
            report,
        )

    def _preflight(self, params: Params, report: Reporter) -> list[dict[str, Any]]:
        """Say what is wrong with a recipe and what it takes; with `measure` false, not the last."""
        from tui_finetune.training.preflight import preflight

        recipe = parse_recipe(params["recipe"], "the recipe")
        found = preflight(recipe, self._home, report, params.get("measure", True))
        return [finding.document() for finding in found]

    def _catalogue(self, params: Params, report: Reporter) -> list[dict[str, Any]]:
        from tui_finetune.models.catalogue import catalogue

        folders = [Path(folder) for folder in params["folders"]]
        return [asdict(entry) for entry in catalogue(folders, self._home)]

    def _loaded(self) -> "LoadedModels":
        from tui_finetune.evaluation.trained import LoadedModels

        if self._models is None:
            self._models = LoadedModels()
        return self._models

    def _trained(self, params: Params) -> "TrainedModel":
        """Return the model of the run and version that a request names."""
        run = find_run(self._home, params["run"])
        return self._loaded().get(run, params.get("version", "after"))

    def _evaluate(self, params: Params, report: Reporter) -> dict[str, Any]:
        from tui_finetune.evaluation.judging import judge

        run = find_run(self._home, params["run"])
        return judge(run, self._loaded(), params["data"], params["before"], report)

    def _predict_file(self, params: Params, report: Reporter) -> dict[str, Any]:
        from tui_finetune.evaluation.prediction_files import predict_file

        report({"what": "loading the model", "done": 0, "of": 0})
        result = predict_file(
            self._trained(params),
            Path(params["source"]),
            Path(params["out"]),
            params["column"],
            report,
            pair_column=params.get("pair_column"),
            overwrite=params["overwrite"],
        )
        return result.document()

    def _predict(self, params: Params, report: Reporter) -> dict[str, Any]:
        report({"what": "loading the model", "done": 0, "of": len(params["texts"])})
        trained = self._trained(params)
        made = trained.predict(params["texts"], pairs=params.get("pairs"))
        return {
            "model": str(trained.folder),
            "predictions": [prediction.document() for prediction in made],
        }


def _search_models(params: Params, report: Reporter) -> list[dict[str, Any]]:
    """Ask the hub for models; nothing else ever does."""
    from tui_finetune.models.hub_process import search_apart

    return search_apart(params["words"], report)


def _model(params: Params, report: Reporter) -> dict[str, Any]:
    from tui_finetune.models.description import look_at

    return look_at(ModelSection.model_validate(params["model"]), report)


def _training_fields(params: Params, report: Reporter) -> dict[str, Any]:
    from tui_finetune.training.argument_fields import argument_fields
    from tui_finetune.training.arguments import RESERVED

    return argument_fields(RESERVED)


def _check_training(params: Params, report: Reporter) -> dict[str, Any]:
    """Answer which fields of a recipe's `train` are refused, and what the silent ones become."""
    from tui_finetune.training.arguments import own_defaults, refusals

    recipe, rows = parse_recipe(params["recipe"], "the recipe"), params["train_rows"]
    return {"refused": refusals(recipe, rows), "defaults": own_defaults(recipe, rows)}
