"""Load tokenizers and classifiers from local folders; code and pickles only where allowed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from tui_finetune.errors import InputError
from tui_finetune.models.folders import folder_problem, weight_files
from tui_finetune.recipe import ProblemType
from tui_finetune.text import clean


def load_tokenizer(folder: Path, *, trust_remote_code: bool = False) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a model folder; one without a pad token pads with its end token.

    With `trust_remote_code`, Python files in the folder are run. Raises `InputError` if
    transformers cannot load it, or it has neither of these tokens.
    """
    with _as_input_errors(folder, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
    # else it would be saved with the fine-tuned model
    tokenizer.init_kwargs.pop("local_files_only", None)
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise InputError(
                f"model folder '{clean(folder)}': its tokenizer has neither a pad token nor an "
                "end token, so texts cannot be padded; set pad_token in tokenizer_config.json"
            )
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_classifier(
    folder: Path,
    labels: Sequence[str],
    problem_type: ProblemType = "single_label_classification",
    *,
    allow_pickle: bool = False,
    trust_remote_code: bool = False,
    **kwargs: Any,
) -> PreTrainedModel:
    """Return the model of a folder with a head that has an output for each label, in float32.

    A head in the folder is kept if it has as many labels, else a new one is made with torch's
    random numbers as they are seeded now. The config gets the labels' names, and the tokenizer's
    pad token if it has none. With `allow_pickle`, pickled weights are read where there are no
    safetensors, and refused if they hold more than tensors; with `trust_remote_code`, Python files
    in the folder are run. `kwargs` go to `from_pretrained`.

    Raises `InputError` if the architecture is unknown or has no such head, or if the weights are
    damaged or do not belong to the config.
    """
    with _as_input_errors(folder, "config"):
        config = AutoConfig.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
    safe = bool(weight_files(folder)) or not allow_pickle
    with _as_input_errors(folder, "model"):
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder,
            id2label=dict(enumerate(labels)),
            label2id={label: index for index, label in enumerate(labels)},
            # it decides the loss, whatever the model was trained for in a former life
            problem_type=problem_type,
            ignore_mismatched_sizes=config.num_labels != len(labels),
            output_loading_info=True,
            **_weights_options(kwargs, trust_remote_code, safe),
        )
    _require_body(model, report, folder)
    if model.config.get_text_config().pad_token_id is None:
        tokenizer = load_tokenizer(folder, trust_remote_code=trust_remote_code)
        model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    return model


def load_trained(
    folder: Path, *, trust_remote_code: bool = False, **kwargs: Any
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return the classifier of a fine-tuned folder, ready to predict, and its tokenizer.

    With `trust_remote_code`, Python files in the folder are run. `kwargs` go to `from_pretrained`.
    Raises `InputError` if something is missing in the folder, damaged, or was never trained: a
    model without a head would answer at random.
    """
    if problem := folder_problem(folder, trust_remote_code=trust_remote_code):
        raise InputError(f"model folder '{clean(folder)}' {problem.what}; {problem.advice}")
    with _as_input_errors(folder, "model"):
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder, output_loading_info=True, **_weights_options(kwargs, trust_remote_code)
        )
    if missing := sorted(report["missing_keys"]):
        raise InputError(
            f"model folder '{clean(folder)}' holds no trained classifier ({clean(missing[0])} is "
            "not in its weights); fine-tune it first"
        )
    return model.eval(), load_tokenizer(folder, trust_remote_code=trust_remote_code)


def _weights_options(
    kwargs: dict[str, Any], trust_remote_code: bool, safe: bool = True
) -> dict[str, Any]:
    return {
        "use_safetensors": safe,
        "weights_only": True,  # of a pickle, everything but tensors is refused
        "dtype": torch.float32,
        "trust_remote_code": trust_remote_code,
        "local_files_only": True,
        **kwargs,
    }


def _require_body(model: PreTrainedModel, report: dict[str, Any], folder: Path) -> None:
    """Raise `InputError` if weights of the model's body were replaced by random ones.

    transformers only warns of that. A single missing part is usual: encoders trained to fill in
    masked words often come without a pooler.
    """
    body = {name for name, _ in model.base_model.named_parameters(model.base_model_prefix)}
    unfit = body & {name for name, *_ in report["mismatched_keys"]}
    absent = body & set(report["missing_keys"])
    if unfit or 2 * len(absent) > len(body):
        raise InputError(
            f"model folder '{clean(folder)}': its weights do not belong to its config.json "
            f"({len(absent)} of {len(body)} tensors are missing, {len(unfit)} have another "
            "shape); copy or download it again"
        )


@contextmanager
def _as_input_errors(folder: Path, part: str) -> Iterator[None]:
    try:
        yield
    # transformers and tokenizers raise what comes, down to plain Exception
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(
            f"model folder '{clean(folder)}': its {part} cannot be loaded ({clean(lines[0], 240)})"
        ) from error
