"""From a recipe to all that training needs, checked before anything is written."""

from dataclasses import dataclass
from pathlib import Path

from transformers import AutoConfig, PreTrainedTokenizerBase

from tui_finetune.data.splits import PreparedData, prepare
from tui_finetune.errors import InputError
from tui_finetune.models.loading import load_tokenizer
from tui_finetune.models.sources import model_folder
from tui_finetune.recipe import Recipe
from tui_finetune.training.arguments import training_arguments


@dataclass(frozen=True)
class Setup:
    """A recipe whose data and model were found and fit together."""

    recipe: Recipe
    data: PreparedData
    model_folder: Path
    tokenizer: PreTrainedTokenizerBase


def set_up(recipe: Recipe) -> Setup:
    """Open the data, find the model, and check that the recipe can be trained.

    Raises `InputError` for whatever is wrong with it.
    """
    data = prepare(recipe.data)
    folder = model_folder(recipe.model)
    tokenizer = load_tokenizer(folder)
    _check_max_length(recipe.tokens.max_length, folder)
    training_arguments(recipe, folder, data.splits["train"].num_rows)
    return Setup(recipe, data, folder, tokenizer)


def _check_max_length(max_length: int, folder: Path) -> None:
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    positions = getattr(config, "max_position_embeddings", None)
    if positions is not None and positions < max_length:
        raise InputError(
            f"tokens.max_length: {max_length} is more than the {positions} tokens that this model "
            f"can read; set it to {positions} or less"
        )
