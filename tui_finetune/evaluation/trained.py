"""A run's trained model: load it, predict with it, evaluate it on other data."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, set_seed

from tui_finetune.errors import InputError
from tui_finetune.models.loading import load_classifier, load_tokenizer, load_trained
from tui_finetune.models.sources import model_folder
from tui_finetune.recipe import ProblemType, Recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.tasks.predictions import Prediction
from tui_finetune.tasks.text_classification import predict, problem_type_of
from tui_finetune.text import clean

Version = Literal["after", "before"]

# Two runs, or before and after, side by side.
_KEPT = 2


@dataclass(frozen=True)
class TrainedModel:
    """A run's model in evaluation mode, ready to predict."""

    folder: Path
    version: Version
    recipe: Recipe
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def problem_type(self) -> ProblemType:
        """What kind of labels it gives."""
        return problem_type_of(self.model)

    @property
    def reads_pairs(self) -> bool:
        """Whether it was trained on two texts a row."""
        return self.recipe.data.columns.text_pair is not None

    def predict(
        self,
        texts: Sequence[str],
        progress: Callable[[int], None] | None = None,
        pairs: Sequence[str] | None = None,
        thresholds: Mapping[str, float] | None = None,
    ) -> list[Prediction]:
        """Predict texts, in their order; `pairs` are their second texts.

        `thresholds` say from which probability on a row has a label, 0.5 without them. Raises
        `InputError` for a text without content, and for second texts that are missing, or that the
        model was not trained to read.
        """
        self.check_texts(texts)
        self._check_pairs(texts, pairs)
        return predict(
            texts,
            self.model,
            self.tokenizer,
            self.recipe.tokens.max_length,
            progress=progress,
            pairs=pairs,
            thresholds=thresholds,
        )

    def _check_pairs(self, texts: Sequence[str], pairs: Sequence[str] | None) -> None:
        if pairs is None and self.reads_pairs:
            columns = self.recipe.data.columns
            raise InputError(
                f"this run was trained on pairs of texts ({clean(columns.text, 40)} and "
                f"{clean(columns.text_pair, 40)}); give each text its second one"
            )
        if pairs is None:
            return
        if not self.reads_pairs:
            raise InputError("this run was trained on single texts; leave the second ones out")
        if len(pairs) != len(texts):
            raise InputError(
                f"there are {len(texts)} texts and {len(pairs)} second ones; give as many of each"
            )
        self.check_texts(pairs)

    def check_texts(self, texts: Sequence[str]) -> None:
        """Raise `InputError` for a text without content, or that is none."""
        for number, text in enumerate(texts, 1):
            which = f"text {number} of {len(texts)}" if len(texts) > 1 else "the text"
            if not text.strip():
                raise InputError(f"{which} is empty; give a sentence to predict")
            if not text.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in text):
                raise InputError(f"{which} is not valid UTF-8; mend its bytes")


def load_run(run: RunDirectory, version: Version = "after") -> TrainedModel:
    """Load the model of a run, ready to predict, on the accelerator if there is one.

    `after` is its best model, or its newest checkpoint if it is not finished; `before` is the very
    model that the training began with: the one the recipe names, with the head that its seed gives.

    Raises `InputError` if there is no model yet, or the one it began with cannot be had.
    """
    folder = run.require_model()
    recipe = run.load_recipe()
    trusted = recipe.model.trust_remote_code
    if version == "after":
        model, tokenizer = load_trained(folder, trust_remote_code=trusted)
    else:
        labels, problem_type = _labels_of(folder)
        folder = model_folder(recipe.model)
        set_seed(recipe.train.seed)  # as before the training
        model = load_classifier(
            folder,
            labels,
            problem_type,
            allow_pickle=recipe.model.allow_pickle,
            trust_remote_code=trusted,
        ).eval()
        tokenizer = load_tokenizer(folder, trust_remote_code=trusted)
    return TrainedModel(folder, version, recipe, model.to(_device()), tokenizer)


class LoadedModels:
    """Keeps the models that were used last in memory; a newer checkpoint replaces its elder."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, Version], tuple[Path, TrainedModel]] = {}

    def get(self, run: RunDirectory, version: Version = "after") -> TrainedModel:
        """Return a run's model, loaded now or before. Raises `InputError` as `load_run` does."""
        key, folder = (run.id, version), run.require_model()
        found = self._models.pop(key, None)
        if found is None or (version == "after" and found[0] != folder):
            while len(self._models) >= _KEPT:
                self._models.pop(next(iter(self._models)))
            found = (folder, load_run(run, version))
        self._models[key] = found  # the newest stands last
        return found[1]


def _labels_of(folder: Path) -> tuple[list[str], ProblemType]:
    config = json.loads((folder / "config.json").read_bytes())
    names = [config["id2label"][str(index)] for index in range(len(config["id2label"]))]
    return names, config.get("problem_type") or "single_label_classification"


def _device() -> torch.device:
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
