"""What a model says of one text, or of two."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tui_finetune.recipe import ProblemType
from tui_finetune.runs.journal import finite
from tui_finetune.tasks.metrics import THRESHOLD


@dataclass(frozen=True)
class Prediction:
    """What a model says of one text, or of a text and a second one.

    `scores` has the model's output for each label: probabilities that sum to 1 with one label a
    row, probabilities of their own with several, and the predicted number of a regression, under
    the name of its column. With several labels a row `thresholds` say from which probability on a
    row has a label, 0.5 where it has none.
    """

    text: str
    scores: dict[str, float]
    text_pair: str | None = None
    problem_type: ProblemType = "single_label_classification"
    thresholds: Mapping[str, float] | None = None

    @property
    def label(self) -> str:
        """The likeliest label."""
        return max(self.scores, key=lambda label: self.scores[label])

    @property
    def score(self) -> float:
        """The probability of the likeliest label."""
        return self.scores[self.label]

    @property
    def labels(self) -> list[str]:
        """The labels whose probability reaches their threshold, in the model's order."""
        thresholds = self.thresholds or {}
        return [
            label
            for label, score in self.scores.items()
            if score >= thresholds.get(label, THRESHOLD)
        ]

    @property
    def value(self) -> float:
        """The number of a regression."""
        return self.score

    def document(self) -> dict[str, Any]:
        """Return it as the commands and files give it; null is no finite number."""
        document: dict[str, Any] = {"text": self.text}
        if self.text_pair is not None:
            document["text_pair"] = self.text_pair
        if self.problem_type == "regression":
            document["value"] = self.value
        else:
            if self.problem_type == "multi_label_classification":
                document["labels"] = self.labels
            document |= {"scores": self.scores, "label": self.label, "score": self.score}
        return {name: finite(value) for name, value in document.items()}
