"""A trace: one text through one model, with everything that its stages show."""

from dataclasses import dataclass

from torch import Tensor

from tui_finetune.errors import InputError
from tui_finetune.evaluation.trained import TrainedModel
from tui_finetune.tracing.capture import Capture, capture, plain_logits
from tui_finetune.tracing.checks import Check, checks
from tui_finetune.tracing.tokens import Tokens, tokenize

_OTHERS = {"multi_label_classification": "several labels a text", "regression": "numbers"}


@dataclass(frozen=True)
class Trace:
    """What happened to `tokens.text` in `trained`; `true` is the right label, if known."""

    trained: TrainedModel
    tokens: Tokens
    true: str | None
    seen: Capture
    checks: list[Check]

    @property
    def labels(self) -> list[str]:
        """The labels in the order of the logits."""
        names = self.trained.model.config.id2label
        return [names[index] for index in range(len(names))]

    @property
    def probabilities(self) -> Tensor:
        """(labels,), summing to 1."""
        return self.seen.logits.float().softmax(dim=-1)

    @property
    def lens(self) -> Tensor | None:
        """Probabilities (layers + 1, labels) if the head stood at each hidden state."""
        return None if self.seen.lens is None else self.seen.lens.logits.float().softmax(dim=-1)

    @property
    def token_lens(self) -> Tensor | None:
        """(layers + 1, tokens): the predicted label's probability if the head read each token.

        None for models whose head only ever read the first one.
        """
        if self.seen.lens is None or self.seen.lens.tokens is None:
            return None
        label = int(self.seen.logits.argmax())
        return self.seen.lens.tokens.float().softmax(dim=-1)[..., label]

    @property
    def turn(self) -> int | None:
        """The first hidden state from which on the final label leads in the lens to the end."""
        return None if self.lens is None else turn(self.lens)


def trace(trained: TrainedModel, text: str, true: str | None = None) -> Trace:
    """Trace the prediction of a text.

    Raises `InputError` for a text without content, and for a model that reads pairs of texts or
    gives anything but one label.
    """
    if trained.reads_pairs or trained.problem_type != "single_label_classification":
        gives = "pairs of texts" if trained.reads_pairs else _OTHERS[trained.problem_type]
        raise InputError(
            f"a trace shows how one text gets one label, and this run is for {gives}; "
            "predict and evaluate take it"
        )
    trained.check_texts([text])
    tokens = tokenize(text, trained.tokenizer, trained.recipe.tokens.max_length)
    seen = capture(trained.model, tokens)
    if not seen.logits.isfinite().all():
        raise InputError(
            "this model's weights are not numbers any more: its training diverged; train with a "
            "lower train.learning_rate"
        )
    plain = plain_logits(trained.model, tokens)
    return Trace(trained, tokens, true, seen, checks(trained.model, seen, plain))


def turn(lens: Tensor) -> int:
    """Return the first row of (states, labels) from which on the last row's leader leads."""
    leaders = lens.argmax(dim=-1).tolist()
    first = len(leaders) - 1
    while first > 0 and leaders[first - 1] == leaders[-1]:
        first -= 1
    return first
