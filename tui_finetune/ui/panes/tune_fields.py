"""The fields of the Tune form: what each is called and does, and how values are written."""

import json
from dataclasses import dataclass

from tui_finetune.text import clean


@dataclass(frozen=True)
class Field:
    """A field of the form: its key in the recipe, and what it is called and does."""

    key: str
    label: str
    meaning: str
    """At most 23 characters: that is what 80 columns leave."""
    more: str
    """For whoever has the field in front of them."""
    choices: tuple[str, ...] = ()
    optional: bool = False

    @property
    def own_name(self) -> str:
        """The field's name in the recipe."""
        return self.key.rpartition(".")[2]

    @property
    def widget_id(self) -> str:
        """The id of its input."""
        return "field-" + self.key.replace(".", "-")


FIELDS = (
    Field(
        "train.num_train_epochs",
        "Epochs",
        "passes over the rows",
        "How often the training rows are gone through. Small data sets want 3 to 5.",
    ),
    Field(
        "train.learning_rate",
        "Learning rate",
        "size of a step",
        "Too high and the loss jumps, too low and it hardly falls. 2e-5 to 1e-4 is usual here.",
    ),
    Field(
        "train.per_device_train_batch_size",
        "Batch size",
        "rows taken in at once",
        "More rows make smoother and fewer steps, and need more memory.",
    ),
    Field(
        "train.gradient_accumulation_steps",
        "Accumulation",
        "batches to a step",
        "Batches whose gradients make one step: as a larger batch, without its memory.",
    ),
    Field(
        "tokens.max_length",
        "Longest text",
        "in tokens; rest is cut",
        "Texts with more tokens are cut off here. Time and memory grow with it.",
    ),
    Field(
        "train.weight_decay",
        "Weight decay",
        "pull towards zero",
        "Keeps the weights small, against learning by heart. 0 is none, 0.01 is usual.",
    ),
    Field(
        "train.warmup_steps",
        "Warmup",
        "steps; below 1 a share",
        "Steps with a rising learning rate at the start; 0.1 means a tenth of all steps.",
    ),
    Field(
        "train.lr_scheduler_type",
        "Schedule",
        "how the rate falls",
        "What the learning rate does after the warmup, until the last step.",
        choices=(
            "linear",
            "cosine",
            "constant",
            "constant_with_warmup",
            "polynomial",
            "inverse_sqrt",
        ),
    ),
    Field(
        "train.seed",
        "Seed",
        "the same gives the same",
        "Seeds the new head, the order of the rows and the dropout. The splits have their own.",
    ),
    Field(
        "train.class_weights",
        "Class weights",
        "rare labels count more",
        "balanced: a row counts more in the loss the rarer its label is. Not for regression.",
        choices=("none", "balanced"),
    ),
    Field(
        "early_stopping.patience",
        "Patience",
        "evaluations w/o gain",
        "The training ends early after so many evaluations without improvement; empty: never.",
        optional=True,
    ),
    Field(
        "early_stopping.metric",
        "Best epoch by",
        "the number that chooses",
        "The checkpoint that is best by this number on the validation rows is kept as the model.",
        choices=("eval_loss", "eval_accuracy", "eval_f1", "eval_precision", "eval_recall"),
    ),
    Field(
        "name",
        "Run name",
        "empty: data and model",
        "What the run is called in the list; several runs may share a name.",
        optional=True,
    ),
)


def shown(value: object) -> str:
    """Return a value as it stands in its input: 0.0001 as 1e-4, 3.0 as 3, None as nothing."""
    return "" if value is None else as_yaml(value)


def as_yaml(value: object) -> str:
    """Return a value in a line, such that YAML reads it back."""
    if value is None:
        return "null"
    if isinstance(value, bool | list | dict):
        return clean(json.dumps(value, ensure_ascii=False))
    if isinstance(value, float):
        if not 0 < abs(value) < 1e-3:
            return str(value).removesuffix(".0")
        digits, _, exponent = f"{value:.10e}".partition("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"
    return clean(value)  # an input writes what it holds as it is
