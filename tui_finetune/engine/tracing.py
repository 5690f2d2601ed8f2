"""The engine's answers about traces. A trace is kept, so that its parts need not be made anew."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_finetune.engine.requests import Params, Reporter
from tui_finetune.runs.directory import find_run

if TYPE_CHECKING:
    from tui_finetune.evaluation.trained import TrainedModel
    from tui_finetune.tracing.trace import Trace

# The one in sight, and the one it is compared with.
_KEPT = 2


class TraceAnswers:
    """Answers for traces; every request names the run, version, text and true label anew.

    `home` has the runs, `trained` loads the model that a request names.
    """

    def __init__(self, home: Path, trained: Callable[[Params], "TrainedModel"]) -> None:
        self._home = home
        self._trained = trained
        self._traces: dict[tuple[Any, ...], Trace] = {}

    def trace(self, params: Params, report: Reporter) -> dict[str, Any]:
        """Return the stages of one prediction."""
        from tui_finetune.tracing.document import trace_document

        report({"what": "loading the model", "done": 0, "of": 1})
        made = self._trace(params)
        document = trace_document(made, self._temperature(params))
        return {"run": params["run"], **document}

    def attention(self, params: Params, report: Reporter) -> dict[str, Any]:
        """Return the map of a layer and head as rows, and the rows' sums."""
        from tui_finetune.tracing.attention import attention_map

        made = self._trace(params)
        assert made.seen.attentions is not None
        rows = attention_map(made.seen.attentions, params["layer"], params["head"])
        # five digits are more than a shade can show, and half of the pipe's load
        rounded = [[round(weight, 5) for weight in row] for row in rows.tolist()]
        return {"rows": rounded, "sums": rows.sum(dim=-1).tolist()}

    def neighbours(self, params: Params, report: Reporter) -> dict[str, Any]:
        """Return the vocabulary's tokens nearest to one of the text's."""
        from tui_finetune.tracing.embedding import nearest_tokens

        made = self._trace(params)
        token = made.tokens.tokens[params["token"]]
        nearest = nearest_tokens(made.trained.model, made.trained.tokenizer, token.id)
        return {"neighbours": [{"token": name, "cosine": cosine} for name, cosine in nearest]}

    def attributions(self, params: Params, report: Reporter) -> dict[str, Any]:
        """Return how much each token adds to a label's logit."""
        from tui_finetune.tracing.attribution import attribution_document

        return attribution_document(self._trace(params), params.get("label"), report)

    def compare(self, params: Params, report: Reporter) -> dict[str, Any]:
        """Return two traces side by side, stage by stage."""
        from tui_finetune.tracing.comparison import compare

        one = self._trace(params)
        report({"what": "tracing the other", "done": 1, "of": 2})
        return compare(one, self._trace(params["other"]))

    def export(self, params: Params, report: Reporter) -> dict[str, Any]:
        """Write the trace to a file and return where it is."""
        from tui_finetune.tracing.export import export_trace

        made = self._trace(params)
        path = Path(params["path"]).expanduser()
        export_trace(made, self._temperature(params), path, params["attributions"], report)
        return {"path": str(path)}

    def _temperature(self, params: Params) -> float | None:
        """Return the run's temperature; the model before fine-tuning was never calibrated."""
        from tui_finetune.evaluation.judging import run_temperature

        if params.get("version") == "before":
            return None
        return run_temperature(find_run(self._home, params["run"]))

    def _trace(self, params: Params) -> "Trace":
        from tui_finetune.tracing.trace import trace

        trained = self._trained(params)
        key = (trained.folder, trained.version, params["run"], params["text"], params.get("true"))
        made = self._traces.pop(key, None)
        if made is None:
            made = trace(trained, params["text"], params.get("true"))
            while len(self._traces) >= _KEPT:
                self._traces.pop(next(iter(self._traces)))
        self._traces[key] = made  # the newest stands last
        return made
