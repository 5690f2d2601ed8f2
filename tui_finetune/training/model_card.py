"""The card that lies beside a trained model."""

from pathlib import Path

from tui_finetune import __version__
from tui_finetune.data.splits import PreparedData
from tui_finetune.recipe import ProblemType, Recipe, model_name, source_words

_AVERAGES: dict[ProblemType, str] = {
    "single_label_classification": "Precision, recall and F1 are macro averages. ",
    "multi_label_classification": "A text has a label from a probability of 0.5 on. Precision, "
    "recall and F1 are macro averages\nwhere nothing else is said. ",
    "regression": "",
}

_CARD = """---
library_name: transformers
pipeline_tag: text-classification
tags: [text-classification, tui-finetune]
---

# {name}

{what}, fine-tuned from `{model}` on `{data}`
({split}; {cut}) with tui-finetune {version}.{decisions}

```python
from transformers import pipeline

classify = pipeline("text-classification", model="path/to/this/folder")
classify({example})
```

| rows | {metric_names} |
|---|{metric_rule}
{metric_rows}

{averages}The model was chosen by `{selection}` on the
validation rows; test rows, if there are any above, were used once, at the end.

| hyperparameter | value |
|---|---|
{hyperparameters}
"""


def model_card(
    recipe: Recipe, data: PreparedData, metrics: dict[str, dict[str, float | None]]
) -> str:
    """Return the card as Markdown; `metrics` are by split, as computed from the predictions."""
    names = list(next(iter(metrics.values())))
    rows = [
        f"| {split} | {' | '.join(_figure(values[name]) for name in names)} |"
        for split, values in metrics.items()
    ]
    chosen = {"max_length": recipe.tokens.max_length, **recipe.train.model_dump()}
    split = ", ".join(f"{rows.num_rows} {name}" for name, rows in data.splits.items())
    return _CARD.format(
        name=recipe.run_name(),
        what=_what(data),
        example=_example(data),
        averages=_AVERAGES[data.problem_type],
        cut=data.cut,
        decisions="".join(f"\n- {decision.message}" for decision in data.decisions),
        model=model_name(recipe.model.source),
        data=Path(source_words(recipe.data.source)).name,
        split=split,
        version=__version__,
        metric_names=" | ".join(names),
        metric_rule="---|" * len(names),
        metric_rows="\n".join(rows),
        selection=recipe.early_stopping.metric,
        hyperparameters="\n".join(f"| {name} | {value} |" for name, value in chosen.items()),
    )


def _what(data: PreparedData) -> str:
    """Return in words what the model does."""
    labels = ", ".join(f"`{label}`" for label in data.labels)
    of = " for pairs of texts" if data.columns.text_pair is not None else ""
    if data.problem_type == "regression":
        return f"A regression model{of} that predicts the number {labels}"
    if data.problem_type == "multi_label_classification":
        return f"A text classifier{of} that gives a text any of the labels {labels}"
    return f"A text classifier{of} with the labels {labels}"


def _example(data: PreparedData) -> str:
    text = '"a text"'
    if data.columns.text_pair is not None:
        text = '{"text": "a text", "text_pair": "a second text"}'
    return text + (", top_k=None" if data.problem_type == "multi_label_classification" else "")


def _figure(value: float | None) -> str:
    return "—" if value is None else f"{value:.4f}"
