"""A trace of 128 tokens against a plain forward pass with hidden states and attentions.

    python tests/benchmarks/trace_speed.py [ROUNDS]

The model is the starter with a new head. All are timed in turns in one process, after a round that
is not counted. The stages are what they show, as plain data, from the text on; the proof is the
second, plain forward pass with which their logits are compared.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tui_finetune import process

process.settle()

import torch  # noqa: E402

from tui_finetune.evaluation.trained import TrainedModel  # noqa: E402
from tui_finetune.models.loading import load_classifier, load_tokenizer  # noqa: E402
from tui_finetune.models.sources import model_folder  # noqa: E402
from tui_finetune.recipe import ModelSection, parse_recipe  # noqa: E402
from tui_finetune.tracing.capture import plain_logits  # noqa: E402
from tui_finetune.tracing.document import trace_document  # noqa: E402
from tui_finetune.tracing.tokens import tokenize  # noqa: E402
from tui_finetune.tracing.trace import trace  # noqa: E402

TEXT = "this film was a pleasure from its first scene to the last of them, and " * 12


def main(rounds: int) -> None:
    """Print the median times and their ratio."""
    folder = model_folder(ModelSection())
    torch.manual_seed(0)
    model = load_classifier(folder, ["negative", "positive"]).eval()
    tokenizer = load_tokenizer(folder)
    recipe = parse_recipe({"data": {"source": "none"}}, "benchmark")
    trained = TrainedModel(Path(folder), "after", recipe, model, tokenizer)
    eager = load_classifier(folder, ["negative", "positive"], attn_implementation="eager").eval()
    inputs = tokenizer(TEXT, truncation=True, max_length=128, return_tensors="pt")
    assert inputs["input_ids"].shape == (1, 128)

    def plain() -> None:
        with torch.inference_mode():
            eager(**inputs, output_hidden_states=True, output_attentions=True)

    def stages() -> None:
        trace_document(trace(trained, TEXT))

    def proof() -> None:
        plain_logits(model, tokenize(TEXT, tokenizer, 128))

    works = {"plain": plain, "whole trace": stages, "proof": proof}
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            seconds = timed(work)
            if number:
                times[name].append(seconds)
    median = {name: statistics.median(values) for name, values in times.items()}
    plain_pass = median["plain"]
    stages_alone = median["whole trace"] - median["proof"]
    print(f"plain forward pass {plain_pass * 1000:.0f} ms")
    print(f"the stages {stages_alone * 1000:.0f} ms: {stages_alone / plain_pass:.2f} x")
    whole = median["whole trace"]
    print(f"with the proof {whole * 1000:.0f} ms: {whole / plain_pass:.2f} x")


def timed(work: Callable[[], None]) -> float:
    """Return the seconds that something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
