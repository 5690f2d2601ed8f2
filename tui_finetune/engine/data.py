"""What the engine answers about the data: its profile, quality, lengths in tokens, and its rows.

The heavy rooms are imported inside the functions that need them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_finetune.engine.requests import Params, Reporter
from tui_finetune.recipe import DataSection, ModelSection, TokensSection

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class DataAnswers:
    """The answers about data; keeps the tokenizer that was used last."""

    def __init__(self) -> None:
        self._model: ModelSection | None = None
        self._tokenizer: PreTrainedTokenizerBase | None = None
        self._facts: dict[str, Any] = {}

    def profile(self, params: Params, report: Reporter) -> dict[str, Any]:
        """Describe the data."""
        from tui_finetune.data.profile import profile

        return profile(_data(params), None, report, params.get("problem_type"))

    def quality(self, params: Params, report: Reporter) -> dict[str, Any]:
        """Say what there is to know of the rows before training on them."""
        from tui_finetune.data.quality import quality

        return quality(_data(params), None, report, params.get("problem_type"))

    def rows_at(self, params: Params, report: Reporter) -> dict[str, Any]:
        """Return rows whole."""
        from tui_finetune.data.row_texts import rows_at

        return rows_at(_data(params), params["part"], params["rows"])

    def token_lengths(self, params: Params, report: Reporter) -> dict[str, Any]:
        """Say how long the texts to train on are in tokens, and what a maximum cuts off."""
        import numpy as np

        from tui_finetune.data.profile_lengths import histogram
        from tui_finetune.data.row_texts import train_texts
        from tui_finetune.errors import InputError
        from tui_finetune.tasks import token_lengths as task

        tokens = TokensSection.model_validate(params["tokens"])
        texts = train_texts(_data(params), None, report)
        if not len(texts):
            raise InputError("every row has an empty text; choose another column for the text")
        tokenizer, facts = self._loaded(params, report)
        lengths = task.token_lengths(texts.select(task.drawn(len(texts))), tokenizer, report)
        median, p95, p99, longest = (
            int(each) for each in np.percentile(lengths, [50, 95, 99, 100])
        )
        readable, maximum = facts["max_length"], tokens.max_length
        suggested = task.suggested_max_length(p99, longest, readable)
        # more than is needed costs nothing with dynamic padding, and new texts may be longer
        needed = suggested > maximum or (suggested < maximum and tokens.padding == "max_length")
        too_long = readable is not None and maximum > readable
        return {
            "rows": len(lengths),
            "of": len(texts),
            "median": median,
            "p95": p95,
            "p99": p99,
            "longest": longest,
            "mean": task.mean_as_cut(lengths, maximum),
            "histogram": histogram(lengths),
            "truncated": task.truncated_shares(lengths, readable, (maximum, suggested)),
            "max_length": maximum,
            "truncated_share": float((lengths > maximum).mean()),
            "suggested": suggested,
            "rule": task.RULE,
            "longest_input": readable,
            "fix": {"tokens.max_length": suggested} if needed or too_long else None,
        }

    def tokens(self, params: Params, report: Reporter) -> dict[str, Any]:
        """Show what becomes of a text, or of a row's, and of a batch of rows."""
        from tui_finetune.data.row_texts import texts_at
        from tui_finetune.tasks.token_preview import batch_preview, shapes, token_preview

        tokens = TokensSection.model_validate(params["tokens"])
        tokenizer, facts = self._loaded(params, report)
        if params.get("row") is not None:
            part, row = params["row"]
            (texts,) = texts_at(_data(params), [(part, row)])
        else:
            texts = (params["text"], params.get("text_pair"))
        document = token_preview(texts, tokenizer, tokens)
        count = len(document["tokens"])
        batch, shape = None, (1, count)
        if places := params.get("batch"):
            rows = texts_at(_data(params), [(part, row) for part, row in places])
            batch = batch_preview(rows, tokenizer, tokens)
            for place, row in zip(places, batch["rows"], strict=True):
                row["row"] = place
            shape = (len(rows), batch["padded_length"])
        labels = params.get("label_count") or 0
        stages = shapes(texts, count, shape, facts["hidden_size"], labels)
        return {**document, "batch": batch, "stages": stages}

    def _loaded(
        self, params: Params, report: Reporter
    ) -> tuple["PreTrainedTokenizerBase", dict[str, Any]]:
        """Return the tokenizer of a model, and what is known of it."""
        from tui_finetune.models.description import describe
        from tui_finetune.models.loading import load_tokenizer

        model = ModelSection.model_validate(params["model"])
        if self._tokenizer is None or model != self._model:
            facts = describe(model, report)
            self._tokenizer = load_tokenizer(
                Path(facts["path"]), trust_remote_code=model.trust_remote_code
            )
            self._model, self._facts = model, facts
        return self._tokenizer, self._facts


def _data(params: Params) -> DataSection:
    return DataSection.model_validate(params["data"])
