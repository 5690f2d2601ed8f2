"""The whole walk by keys: evaluate a run, open a mistake, walk through its trace, compare, export.

Every screen is kept as text in pytest's folder `walk-WIDTHxHEIGHT-N`, to be looked at.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tui_finetune.recipe import Recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.training.start import new_run
from tui_finetune.training.supervisor import run_training

from .conftest import Open, Terminal


class Walk:
    """A terminal whose screens are kept."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self._terminal = terminal
        self._folder = folder

    def step(self, name: str, keys: list[str], *wanted: str) -> str:
        """Press keys, wait for what they should show, and keep the screen."""
        self._terminal.press(*keys)
        text = self._terminal.wait_for(*wanted, seconds=90)
        number = len(list(self._folder.iterdir())) + 1
        (self._folder / f"{number:02}-{name}.txt").write_text(text, encoding="utf-8")
        width = self._terminal.process.getwinsize()[1]
        assert all(len(line) <= width for line in text.splitlines())
        return text


@pytest.fixture
def run(tmp_path: Path, make_recipe: Callable[..., Recipe]) -> RunDirectory:
    """A finished run of the tiny model, after too short a training to be always right."""
    start = new_run(tmp_path / "home", make_recipe(num_train_epochs=1, learning_rate=5e-4))
    assert run_training(start).state == "finished"
    return start.run


@pytest.fixture(
    params=[(80, 24), pytest.param((120, 40), marks=pytest.mark.exhaustive)],
    ids=lambda size: f"{size[0]}x{size[1]}",
)
def walk(
    request: pytest.FixtureRequest,
    run: RunDirectory,
    open_dashboard: Open,
    tmp_path_factory: pytest.TempPathFactory,
) -> Walk:
    width, height = request.param
    folder = tmp_path_factory.mktemp(f"walk-{width}x{height}-", numbered=True)
    return Walk(open_dashboard(size=request.param), folder)


@pytest.mark.slow
def test_from_an_evaluation_through_a_trace_to_its_page(
    walk: Walk, run: RunDirectory, tmp_path: Path
) -> None:
    walk.step("start", [], "engine: ready")
    walk.step("evaluate", ["F7"], "films", "evaluates it on the test rows")
    walk.step("summary", ["enter"], "Summary", "accuracy", "before", "majority", "95% interval")
    walk.step("classes", ["right"], "precision", "recall", "positive", "negative")
    walk.step("confusion", ["right"], "predicted →", "true ↓")
    walk.step("calibration", ["tab"], "ECE", "score")
    walk.step("mistakes", ["right"], "the most confident first")
    walk.step("label-errors", ["right"], "Label errors")
    walk.step("slices", ["right"], "length in words")
    walk.step("mistakes-again", ["left", "left"], "the most confident first")

    walk.step("tokenize", ["enter"], "● 1 Tokenize", "[CLS]", "checks 5 of 5 ✓", "The tokenizer")
    walk.step("embed", ["n"], "● 2 Embed", "norm word", "nearest in the vocabulary")
    walk.step("layers", ["n"], "● 3 Layers", "layer 1 of 2", "mean of the heads")
    walk.step("layer-2", ["right"], "layer 2 of 2")
    walk.step("head", ["n"], "● 4 Head", "bias", "= logit")
    walk.step("predict", ["n"], "● 5 Predict", "softmax of the logits", "the true label is")
    walk.step("attribution", ["n"], "● 6 Attribution", "the attributions sum to the logit")
    walk.step("checks", ["c"], "a plain forward pass", "off by")
    walk.step("back", ["escape"], "● 6 Attribution")
    walk.step("compare", ["b"], "before fine-tuning", "embed")
    page = tmp_path / "page.html"
    walk.step("export", ["escape", "x"], "html")
    walk.step("page-named", ["ctrl+u", str(page)], "page.html")
    walk.step("with-attributions", ["tab", " "], "X▌ with the attributions")
    walk.step("exported", ["shift+tab", "enter"], "written to")
    assert "What the text added" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_from_a_typed_sentence_to_its_trace(walk: Walk) -> None:
    walk.step("start", [], "engine: ready")
    walk.step("predict", ["F6"], "films")
    walk.step("typed", list("a very good film"), "positive", "negative", "%")
    walk.step("traced", ["ctrl+t"], "● 1 Tokenize", "film", "checks 5 of 5 ✓")
