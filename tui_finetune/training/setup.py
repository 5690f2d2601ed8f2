"""From a recipe to all that training needs, checked before anything is written."""

from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from tui_finetune.data.splits import PreparedData, prepare
from tui_finetune.errors import InputError
from tui_finetune.models.description import describe
from tui_finetune.models.loading import load_tokenizer
from tui_finetune.recipe import Recipe
from tui_finetune.training.arguments import training_arguments


@dataclass(frozen=True)
class Setup:
    """A recipe whose data and model were found and fit together, with nothing left to guess."""

    recipe: Recipe
    data: PreparedData
    model_folder: Path
    tokenizer: PreTrainedTokenizerBase


def set_up(recipe: Recipe) -> Setup:
    """Open the data, find the model, and check that the recipe can be trained.

    Raises `InputError` for whatever is wrong with it.
    """
    data = prepare(recipe.data)
    model = describe(recipe.model)
    folder = Path(model["path"])
    longest, wanted = model["max_length"], recipe.tokens.max_length
    if longest is not None and longest < wanted:
        raise InputError(
            f"tokens.max_length: {wanted} is more than the {longest} tokens that this model can "
            f"read; set it to {longest} or less"
        )
    training_arguments(recipe, folder, data.splits["train"].num_rows)
    recipe = recipe.model_copy(update={"data": data.settled(recipe.data)})
    return Setup(recipe, data, folder, load_tokenizer(folder))
