"""What the engine answers: a function for each method that the dashboard may ask.

The heavy rooms are imported inside the functions that need them, so that the first requests are
answered while the rest still has to be loaded.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_finetune.engine.requests import Params, Reporter
from tui_finetune.engine.tracing import TraceAnswers
from tui_finetune.recipe import DataSection, ModelSection
from tui_finetune.runs.directory import find_run

if TYPE_CHECKING:
    from tui_finetune.evaluation.trained import LoadedModels, TrainedModel

Answer = Callable[[Params, Reporter], Any]


class Answers:
    """The answers for one home; keeps the models that were used last."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._models: LoadedModels | None = None
        self._traces = TraceAnswers(home, self._trained)

    def of(self, method: str) -> Answer:
        """Return what answers a method."""
        answers: dict[str, Answer] = {
            "profile": _profile,
            "models": _models,
            "model": _model,
            "predict": self._predict,
            "predict_file": self._predict_file,
            "evaluate": self._evaluate,
            "trace": self._traces.trace,
            "trace_attention": self._traces.attention,
            "trace_neighbours": self._traces.neighbours,
            "trace_attributions": self._traces.attributions,
            "trace_compare": self._traces.compare,
            "trace_export": self._traces.export,
        }
        return answers[method]

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
            overwrite=params["overwrite"],
        )
        return result.document()

    def _predict(self, params: Params, report: Reporter) -> dict[str, Any]:
        from tui_finetune.evaluation.report import prediction_document

        report({"what": "loading the model", "done": 0, "of": len(params["texts"])})
        trained = self._trained(params)
        predictions = [prediction_document(made) for made in trained.predict(params["texts"])]
        return {"model": str(trained.folder), "predictions": predictions}


def _profile(params: Params, report: Reporter) -> dict[str, Any]:
    from tui_finetune.data.profile import profile

    return profile(DataSection.model_validate(params["data"]))


def _models(params: Params, report: Reporter) -> list[dict[str, Any]]:
    from tui_finetune.models.catalogue import catalogue

    folders = [Path(folder) for folder in params["folders"]]
    return [asdict(entry) for entry in catalogue(folders)]


def _model(params: Params, report: Reporter) -> dict[str, Any]:
    from tui_finetune.models.description import describe

    return describe(ModelSection.model_validate(params["model"]))
