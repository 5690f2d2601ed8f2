"""A run's trained model: load it, predict with it, evaluate it on other data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tui_finetune.data.splits import labelled_rows
from tui_finetune.errors import InputError
from tui_finetune.evaluation.report import Report, evaluate_rows
from tui_finetune.models.loading import load_trained
from tui_finetune.recipe import Recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.tasks.text_classification import Prediction, predict
from tui_finetune.text import clean


@dataclass(frozen=True)
class TrainedModel:
    """A run's model in evaluation mode, ready to predict."""

    folder: Path
    recipe: Recipe
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    def predict(
        self, texts: Sequence[str], progress: Callable[[int], None] | None = None
    ) -> list[Prediction]:
        """Predict texts, in their order. Raises `InputError` for a text without content."""
        for number, text in enumerate(texts, 1):
            which = f"text {number} of {len(texts)}" if len(texts) > 1 else "the text"
            if not text.strip():
                raise InputError(f"{which} is empty; give a sentence to predict")
            if not text.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in text):
                raise InputError(f"{which} is not valid UTF-8; mend its bytes")
        length = self.recipe.tokens.max_length
        return predict(texts, self.model, self.tokenizer, length, progress=progress)

    def evaluate(self, source: str, progress: Callable[[int], None] | None = None) -> Report:
        """Evaluate on a labelled file with the columns of the run's own data.

        Raises `InputError` if the file is wrong, or has labels that the model does not know.
        """
        trained = self.recipe.data
        data = trained.model_copy(update={"source": source})
        texts, labels = labelled_rows(data)
        unknown = sorted(set(labels) - set(self.model.config.label2id))
        if unknown:
            names = ", ".join(clean(name, 40) for name in unknown[:5])
            raise InputError(
                f"{clean(source)}: labels that this model was not trained on: {names}; "
                "choose a file with the run's labels"
            )
        length = self.recipe.tokens.max_length
        return evaluate_rows(texts, labels, self.model, self.tokenizer, length, progress)


def load_run(run: RunDirectory) -> TrainedModel:
    """Load the best model of a run, or its newest checkpoint if it is not finished.

    Raises `InputError` if there is no model yet.
    """
    folder = run.require_model()
    model, tokenizer = load_trained(folder)
    return TrainedModel(folder, run.load_recipe(), model, tokenizer)
