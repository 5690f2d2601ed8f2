"""The recipe: everything needed to repeat a run, as one validated object and one YAML file."""

import io
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from tui_finetune.errors import InputError
from tui_finetune.text import clean

STARTER = "starter"

# Names of the numbers that the evaluation after each epoch gives.
SelectionMetric = Literal["eval_loss", "eval_accuracy", "eval_precision", "eval_recall", "eval_f1"]


FileName = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """A part of the recipe: unknown keys are refused, assignments are validated."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False)


class Columns(Section):
    """Which columns of the data hold what; None: guessed from names and contents."""

    text: str | None = None
    label: str | None = None


class DataSection(Section):
    """Where the rows come from and how they are split."""

    source: str = Field(min_length=1, description="a CSV, TSV, JSON Lines or Parquet file")
    columns: Columns = Columns()
    header: bool | None = Field(None, description="the first line names the columns; null: detect")
    drop_empty: bool = Field(False, description="leave out rows with an empty text or label")
    validation: float | FileName = Field(
        0.1, description="share cut from train for choosing the model, or a file of its own"
    )
    test: float | FileName = Field(
        0.1, description="share held back for the end, 0 for none, or a file of its own"
    )
    seed: int = Field(42, ge=0, description="seed of the splits")


class ModelSection(Section):
    """The model to start from."""

    source: str = Field(
        STARTER, min_length=1, description="starter, a local folder, or a name on the hub"
    )
    revision: str | None = Field(None, description="branch, tag or commit on the hub")


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
    weight_decay: float = Field(0.01, ge=0, description="pull of the weights towards zero")
    warmup_steps: float = Field(
        0.1, ge=0, description="steps with a rising learning rate; below 1, a share of all steps"
    )
    lr_scheduler_type: str = Field(
        "linear", description="how the learning rate falls: linear, cosine, constant, …"
    )
    seed: int = Field(42, ge=0, description="seed of the head, the order of rows and dropout")


class EarlyStopping(Section):
    """When to give up, and which number chooses the best checkpoint."""

    patience: int | None = Field(
        2, ge=1, description="evaluations without improvement before the end; null: never"
    )
    metric: SelectionMetric = Field("eval_loss", description="the number that chooses")


class Recipe(Section):
    """One fine-tuning, whole."""

    name: str | None = Field(None, min_length=1, max_length=60, description="the run's name")
    task: Literal["text-classification"] = "text-classification"
    data: DataSection
    model: ModelSection = ModelSection()
    tokens: TokensSection = TokensSection()
    train: TrainSection = TrainSection()
    early_stopping: EarlyStopping = EarlyStopping()

    def run_name(self) -> str:
        """Return the name given, else one made of the data's and the model's names."""
        if self.name:
            return self.name
        source = self.model.source
        model = "minilm" if source == STARTER else Path(source).name
        return f"{Path(self.data.source).stem}-{model}"


def parse_recipe(content: object, origin: str) -> Recipe:
    """Validate plain data (dicts, lists, numbers, strings) as a recipe.

    Raises `InputError` that names `origin`, the field and the reason of the first error.
    """
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{clean(origin)}: {first_problem(error)}") from None


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe from a YAML file; files that it names relative to itself become absolute.

    Raises `InputError` if the file is not there, is no YAML, or is no recipe.
    """
    path = Path(path)
    try:
        path = path.expanduser()
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise InputError(f"{clean(path)}: this is nested too deeply for a recipe") from None
    except (OSError, RuntimeError) as error:
        reason = clean(getattr(error, "strerror", None) or error)
        raise InputError(f"{clean(path)}: cannot read this recipe ({reason})") from None
    except (ValueError, YAMLError) as error:
        reason = clean(error, 200)
        raise InputError(f"{clean(path)}: this is not a YAML file: {reason}") from None
    recipe = parse_recipe(content, str(path))
    return with_absolute_paths(recipe, path.parent)


def dump_recipe(recipe: Recipe) -> str:
    """Return the recipe as YAML, in the order of its fields."""
    yaml = YAML()
    yaml.default_flow_style = False
    stream = io.StringIO()
    yaml.dump(_quoted(recipe.model_dump(mode="json")), stream)
    return stream.getvalue()


def with_absolute_paths(recipe: Recipe, folder: Path) -> Recipe:
    """Return the recipe with the files and folders found from `folder`, or from here, absolute.

    What is found in neither place stays as it was written: it may be a name on the hub, or an
    error that whoever opens it can name.
    """
    data = recipe.data.model_copy(
        update={
            field: _absolute(getattr(recipe.data, field), folder)
            for field in ("source", "validation", "test")
        }
    )
    model = recipe.model.model_copy(update={"source": _absolute(recipe.model.source, folder)})
    if recipe.model.source == STARTER:
        model = recipe.model
    return recipe.model_copy(update={"data": data, "model": model})


def _quoted(content: Any) -> Any:
    """Return plain data with those texts in quotes that YAML would read back otherwise."""
    if isinstance(content, dict):
        return {key: _quoted(value) for key, value in content.items()}
    if isinstance(content, str) and "\x85" in content:  # a line end in YAML
        return DoubleQuotedScalarString(content)
    return content


def _absolute(value: float | str, folder: Path) -> float | str:
    if not isinstance(value, str):
        return value
    try:
        written = Path(value).expanduser()
        for candidate in (folder / written, Path.cwd() / written):
            if candidate.exists():
                return str(candidate.resolve())
    except (OSError, RuntimeError, ValueError):  # too long, nobody's home, a zero byte
        return value
    return value


def set_value(content: dict[str, Any], assignment: str) -> None:
    """Apply `KEY=VALUE` to a recipe as plain data; KEY is dotted, VALUE is YAML.

    `train.learning_rate=1e-4` and `learning_rate=1e-4` mean the same: a key without a dot that is
    no section of the recipe belongs to `train`. Raises `InputError` for what is no assignment.
    """
    key, sign, value = assignment.partition("=")
    if not sign or not key.strip():
        raise InputError(
            f"--set {clean(assignment)}: write KEY=VALUE, such as train.learning_rate=1e-4"
        )
    keys = key.strip().split(".")
    if len(keys) == 1 and keys[0] not in Recipe.model_fields:
        keys = ["train", *keys]
    try:
        parsed = YAML(typ="safe", pure=True).load(value)
    except (YAMLError, ValueError, RecursionError):
        parsed = value
    for step in keys[:-1]:
        inner = content.setdefault(step, {})
        if not isinstance(inner, dict):
            raise InputError(f"--set {clean(key)}: {clean(step)} has no parts of its own")
        content = inner
    content[keys[-1]] = parsed


def first_problem(error: ValidationError) -> str:
    """Return the first problem of a validation in one line: the field, what is wrong, what is."""
    problem = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in problem["loc"] if part not in ("float", "str"))
    if problem["type"] == "extra_forbidden":
        return f"{clean(field)}: the recipe has no such key{_known_keys(problem['loc'])}"
    if problem["type"] == "missing":
        return f"{clean(field)}: this is missing"
    if problem["type"] in ("model_type", "model_attributes_type"):
        return f"{clean(field) or 'the recipe'}: a mapping of keys to values is expected here"
    reason = problem["msg"].removeprefix("Input should be ").replace("'", "")
    given = clean(repr(problem["input"]), 60)
    return f"{clean(field)}: {given} is not allowed here; it should be {reason}"


def _known_keys(location: tuple[int | str, ...]) -> str:
    section: type[BaseModel] = Recipe
    for part in location[:-1]:
        annotation = section.model_fields[str(part)].annotation
        assert isinstance(annotation, type)
        assert issubclass(annotation, BaseModel)
        section = annotation
    return f"; it knows {', '.join(section.model_fields)}"
