"""The card that lies beside a trained model."""

from pathlib import Path

from tui_finetune import __version__
from tui_finetune.data.splits import PreparedData
from tui_finetune.recipe import Recipe

_CARD = """---
library_name: transformers
pipeline_tag: text-classification
tags: [text-classification, tui-finetune]
---

# {name}

A text classifier with the labels {labels}, fine-tuned from `{model}` on `{data}`
({split}) with tui-finetune {version}.

```python
from transformers import pipeline

classify = pipeline("text-classification", model="path/to/this/folder")
```

| rows | {metric_names} |
|---|{metric_rule}
{metric_rows}

Precision, recall and F1 are macro averages. The model was chosen by `{selection}` on the
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
        labels=", ".join(f"`{label}`" for label in data.labels),
        model=Path(recipe.model.source).name,
        data=Path(recipe.data.source).name,
        split=split,
        version=__version__,
        metric_names=" | ".join(names),
        metric_rule="---|" * len(names),
        metric_rows="\n".join(rows),
        selection=recipe.early_stopping.metric,
        hyperparameters="\n".join(f"| {name} | {value} |" for name, value in chosen.items()),
    )


def _figure(value: float | None) -> str:
    return "—" if value is None else f"{value:.4f}"
