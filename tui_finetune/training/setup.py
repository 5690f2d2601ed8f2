"""From a recipe to all that training needs, checked before anything is written."""

from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from tui_finetune.data.splits import PreparedData, prepare
from tui_finetune.errors import InputError
from tui_finetune.models.description import describe
from tui_finetune.models.hub import Progress
from tui_finetune.models.loading import load_tokenizer
from tui_finetune.models.sources import in_silence, settled_model
from tui_finetune.recipe import SELECTION_METRICS, ProblemType, Recipe
from tui_finetune.training.arguments import training_arguments

_KINDS: dict[ProblemType, str] = {
    "single_label_classification": "rows with one label each",
    "multi_label_classification": "rows with several labels",
    "regression": "a regression",
}


@dataclass(frozen=True)
class Setup:
    """A recipe whose data and model were found and fit together, with nothing left to guess."""

    recipe: Recipe
    data: PreparedData
    model_folder: Path
    tokenizer: PreTrainedTokenizerBase


def set_up(recipe: Recipe, progress: Progress = in_silence) -> Setup:
    """Open the data, find the model, and check that the recipe can be trained.

    `progress` hears of a model's download, and ends it by raising. Raises `InputError` for
    whatever is wrong with the recipe.
    """
    data = prepare(recipe.data, problem_type=recipe.problem_type)
    _check_metric(recipe, data.problem_type)
    if data.problem_type == "regression" and recipe.train.class_weights != "none":
        raise InputError(
            "train.class_weights: a regression predicts numbers, and those have no classes to "
            "weight; set it to none"
        )
    model = describe(recipe.model, progress)
    folder = Path(model["path"])
    longest, wanted = model["max_length"], recipe.tokens.max_length
    if longest is not None and longest < wanted:
        raise InputError(
            f"tokens.max_length: {wanted} is more than the {longest} tokens that this model can "
            f"read; set it to {longest} or less"
        )
    training_arguments(recipe, folder, data.splits["train"].num_rows)
    recipe = recipe.model_copy(
        update={
            "data": data.settled(recipe.data),
            "problem_type": data.problem_type,
            "model": settled_model(recipe.model, folder),
        }
    )
    tokenizer = load_tokenizer(folder, trust_remote_code=recipe.model.trust_remote_code)
    return Setup(recipe, data, folder, tokenizer)


def _check_metric(recipe: Recipe, problem_type: ProblemType) -> None:
    metric, known = recipe.early_stopping.metric, SELECTION_METRICS[problem_type]
    if metric not in known:
        raise InputError(
            f"early_stopping.metric: {metric} is no figure of {_KINDS[problem_type]}; "
            f"there are {', '.join(known)}"
        )
