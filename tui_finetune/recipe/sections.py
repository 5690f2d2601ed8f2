"""The sections of a recipe: what each key is, and which values it takes."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tui_finetune.data_endings import endings
from tui_finetune.home import run_of_model

STARTER = "starter"

# Before the id or name of a run whose model is to be started from.
RUN_PREFIX = "run:"

# When, which, and what tells it from others of the same second.
_RUN_ID = re.compile(r"^\d{8}-\d{6}-(.+)-[0-9a-f]{4}$")

# What kind of label a row has, as transformers names it in a model's config.
ProblemType = Literal["single_label_classification", "multi_label_classification", "regression"]

# The numbers that the evaluation after each epoch gives, for each kind.
SELECTION_METRICS: dict[ProblemType, tuple[str, ...]] = {
    "single_label_classification": (
        "eval_loss", "eval_accuracy", "eval_precision", "eval_recall", "eval_f1",
    ),
    "multi_label_classification": (
        "eval_loss", "eval_f1", "eval_f1_micro", "eval_f1_weighted", "eval_f1_samples",
        "eval_precision", "eval_recall", "eval_subset_accuracy", "eval_hamming_loss",
        "eval_average_precision",
    ),
    "regression": (
        "eval_loss", "eval_mse", "eval_rmse", "eval_mae", "eval_r2", "eval_pearson",
        "eval_spearman",
    ),
}  # fmt: skip

# Of these errors less is better.
LOWER_IS_BETTER = frozenset({"eval_loss", "eval_hamming_loss", "eval_mse", "eval_rmse", "eval_mae"})

SelectionMetric = Literal[
    "eval_loss", "eval_accuracy", "eval_precision", "eval_recall", "eval_f1",
    "eval_f1_micro", "eval_f1_weighted", "eval_f1_samples", "eval_subset_accuracy",
    "eval_hamming_loss", "eval_average_precision",
    "eval_mse", "eval_rmse", "eval_mae", "eval_r2", "eval_pearson", "eval_spearman",
]  # fmt: skip


FileName = Annotated[str, Field(min_length=1)]
Source = FileName | Annotated[list[FileName], Field(min_length=1)]

# Names of separators that are hard to write in a shell, beside the characters themselves.
SEPARATORS = {"comma": ",", "tab": "\t", "\\t": "\t", "semicolon": ";", "pipe": "|"}


class Section(BaseModel):
    """A part of the recipe: unknown keys are refused, assignments are validated."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False)


class Columns(Section):
    """Which columns of the data hold what; None: guessed from names and contents."""

    text: str | None = None
    text_pair: str | None = Field(
        None,
        description="a second text; null: one text a row, unless no text is named either and the "
        "columns have the usual names of a pair, such as premise and hypothesis",
    )
    label: str | None = None


class Reading(Section):
    """How a text file is written; null: detected."""

    encoding: str | None = Field(None, description="such as utf-8, cp1252, utf-16")
    separator: str | None = Field(
        None, description="the character between two fields, or comma, tab, semicolon, pipe"
    )
    quote: Literal['"', "'", '\\"', "\\'", "none"] | None = Field(
        None,
        description="the character that encloses fields, with a backslash before it if one stands "
        "before each within them, or none",
    )
    header: bool | None = Field(None, description="the first line of the table names the columns")
    skip_lines: int | None = Field(None, ge=0, description="lines above the table")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                "".encode(value)
            except (LookupError, ValueError):
                raise ValueError("an encoding that Python knows, such as utf-8 or cp1252") from None
        return value

    @field_validator("separator")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        value = SEPARATORS.get(value, value) if value else value
        if value is not None and (len(value) != 1 or value in "\r\n\"'"):
            raise ValueError("one character, or one of comma, tab, semicolon, pipe")
        return value


class Splits(Section):
    """Which split of the data is which, such as test or train[:10%]; null: the one of that name.

    Where validation or test is the split that train is, it is cut from that.
    """

    train: str | None = Field(None, min_length=1)
    validation: str | None = Field(None, min_length=1)
    test: str | None = Field(None, min_length=1)


class DataSection(Section):
    """Where the rows come from and how they are split."""

    source: Source = Field(
        description="a file, several of the same columns, a pattern such as part-*.csv, a folder, "
        "or a hub name user/name:config@revision"
    )
    columns: Columns = Columns()
    reading: Reading = Reading()
    splits: Splits = Splits()
    label_separator: str | None = Field(
        None, min_length=1, description="between several labels of a row, such as ; in a;b"
    )
    drop_empty: bool = Field(False, description="leave out rows with an empty text or label")
    drop_duplicates: bool = Field(
        False,
        description="leave out rows that repeat an earlier row's text and label, and those whose "
        "text stands in a split that the model is chosen or judged by",
    )
    merge_labels: dict[str, str] = Field(
        {}, description="other names of labels, such as {Positive: positive}"
    )
    validation: float | FileName = Field(
        0.1, description="share cut from train for choosing the model, or a file of its own"
    )
    test: float | FileName = Field(
        0.1, description="share held back for the end, 0 for none, or a file of its own"
    )
    seed: int = Field(42, ge=0, description="seed of the splits")

    @field_validator("merge_labels", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        """Take numbers for names too, and names without the blanks around them."""
        if not isinstance(value, dict):
            return value
        return {_label_name(old): _label_name(new) for old, new in value.items()}

    @field_validator("merge_labels")
    @classmethod
    def _merged_once(cls, value: dict[str, str]) -> dict[str, str]:
        merges = {old: new for old, new in value.items() if old != new}
        if "" in merges or "" in merges.values() or set(merges) & set(merges.values()):
            raise ValueError("names of labels, none of them merged and merged into at once")
        return merges

    @model_validator(mode="before")
    @classmethod
    def _header_among_the_reading(cls, content: object) -> object:
        """Take recipes of former versions, in which `header` stood alone."""
        if not isinstance(content, dict) or "header" not in content:
            return content
        reading = content.get("reading") or {}
        if not isinstance(reading, dict):
            return content
        others = {key: value for key, value in content.items() if key != "header"}
        header = content["header"]
        return others if header is None else {**others, "reading": {**reading, "header": header}}


def _label_name(value: object) -> object:
    """Return a label's name as the data room writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, str | int) else value


class ModelSection(Section):
    """The model to start from."""

    source: str = Field(
        STARTER,
        min_length=1,
        description="starter, a local folder, run:NAME for a run's model, or a name on the hub",
    )
    revision: str | None = Field(None, description="branch, tag or commit on the hub")
    allow_pickle: bool = Field(
        False,
        description="take pickled weights where there are no safetensors; a pickle can hold code, "
        "and the guard against it had holes before: only from those you trust",
    )
    trust_remote_code: bool = Field(
        False,
        description="run the Python files that come with the model; they may do all that you may: "
        "only after reading them",
    )


class TokensSection(Section):
    """How texts become tokens."""

    max_length: int = Field(128, ge=4, description="longer texts are cut off here, in tokens")
    padding: Literal["dynamic", "max_length"] = Field(
        "dynamic", description="pad to the longest text of the batch, or always to max_length"
    )


class TrainSection(BaseModel):
    """The hyperparameters. Any other field of `transformers.TrainingArguments` may be added."""

    model_config = ConfigDict(extra="allow", validate_assignment=True, allow_inf_nan=False)

    num_train_epochs: float = Field(3, gt=0, description="passes over the training rows")
    learning_rate: float = Field(
        1e-4, gt=0, description="size of a step; 1e-4 suits small models, 2e-5 to 5e-5 larger ones"
    )
    per_device_train_batch_size: int = Field(16, ge=1, description="rows a device takes in at once")
    gradient_accumulation_steps: int = Field(
        1, ge=1, description="batches whose gradients make one step"
    )
    weight_decay: float = Field(0.01, ge=0, description="pull of the weights towards zero")
    warmup_steps: float = Field(
        0.1, ge=0, description="steps with a rising learning rate; below 1, a share of all steps"
    )
    lr_scheduler_type: str = Field(
        "linear", description="how the learning rate falls: linear, cosine, constant, …"
    )
    seed: int = Field(42, ge=0, description="seed of the head, the order of rows and dropout")
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: rows of rare labels count more in the loss"
    )

    def arguments(self) -> dict[str, Any]:
        """Return the fields of `TrainingArguments`; the others are this program's own."""
        return self.model_dump(exclude={"class_weights"})


class EarlyStopping(Section):
    """When to give up, and which number chooses the best checkpoint."""

    patience: int | None = Field(
        2, ge=1, description="evaluations without improvement before the end; null: never"
    )
    metric: SelectionMetric = Field(
        "eval_loss", description="the number that chooses; which there are hangs on the labels"
    )


class Recipe(Section):
    """One fine-tuning, whole."""

    name: str | None = Field(None, min_length=1, max_length=60, description="the run's name")
    task: Literal["text-classification"] = "text-classification"
    data: DataSection
    problem_type: ProblemType | None = Field(
        None, description="one label a row, several, or a number; null: from the data"
    )
    model: ModelSection = ModelSection()
    tokens: TokensSection = TokensSection()
    train: TrainSection = TrainSection()
    early_stopping: EarlyStopping = EarlyStopping()

    def run_name(self) -> str:
        """Return the name given, else one made of the data's and the model's names."""
        if self.name:
            return self.name
        source = self.model.source
        model = "minilm" if source == STARTER else model_name(source)
        first = self.data.source if isinstance(self.data.source, str) else self.data.source[0]
        path = Path(first.replace(":", "-"))
        data = Path(path.stem).stem if endings(path)[1] else path.stem  # reviews of reviews.csv.gz
        return f"{data}-{model}"[:60]


def model_name(source: str) -> str:
    """Return a model's source in short: the name of a folder, of a hub model, or of a run."""
    run = run_of_model(source) or source.removeprefix(RUN_PREFIX)
    return _RUN_ID.sub(r"\1", Path(run).name)


def source_words(source: Source) -> str:
    """Return a source in a line: its name, of several files the first and how many more."""
    if isinstance(source, str):
        return source
    return source[0] if len(source) == 1 else f"{source[0]} and {len(source) - 1} more"
