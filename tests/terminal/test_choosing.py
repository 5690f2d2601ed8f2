"""The way to a start by keys: look at the data, mend it, choose the model and the settings.

Every screen is kept as text in pytest's folder `choosing-N`, to be looked at.
"""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_finetune.recipe import load_recipe
from tui_finetune.runs.directory import all_runs
from tui_finetune.runs.history import read_history
from tui_finetune.runs.status import read_status

from .conftest import Open, Terminal

GOOD = ["très bon film", "a good film", "lovely plot", "great scene"]
BAD = ["mauvais café", "a dull film", "boring plot", "awful scene"]


@pytest.fixture
def defective(tmp_path: Path) -> Path:
    """A CSV as a spreadsheet writes it, with what goes wrong in such files: 132 rows.

    4 have no text, 3 repeat an earlier one, 5 have the label Good for good.
    """
    chance = random.Random(0)
    rows = [(f"{chance.choice(GOOD)} {number}", "good") for number in range(60)]
    rows += [(f"{chance.choice(BAD)} {number}", "bad") for number in range(60)]
    rows += [(f"{chance.choice(GOOD)} again {number}", "Good") for number in range(5)]
    rows += [("", "bad")] * 4 + rows[:3]
    path = tmp_path / "opinions.csv"
    lines = ["opinion;verdict", *(f"{text};{label}" for text, label in rows)]
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    return path


class Walk:
    """A terminal whose screens are kept."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self._terminal = terminal
        self._folder = folder

    def __call__(self, keys: list[str], *wanted: str) -> str:
        """Press keys, wait for what they should show, and keep the screen."""
        self._terminal.press(*keys)
        text = self._terminal.wait_for(*wanted, seconds=90)
        number = len(list(self._folder.iterdir())) + 1
        (self._folder / f"{number:02}.txt").write_text(text, encoding="utf-8")
        return text

    def tab_to(self, wanted: str) -> None:
        """Press Tab until what has the focus shows this key, once around the pane at most."""
        for _ in range(10):
            if wanted in self._terminal.text():
                return
            self._terminal.press("tab")
            time.sleep(0.5)
        self([], wanted)


@pytest.mark.slow
def test_from_a_defective_file_to_a_finished_run(
    open_dashboard: Open,
    defective: Path,
    tiny_model: Callable[..., Path],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    walk = Walk(open_dashboard(), tmp_path_factory.mktemp("choosing-"))
    walk([], "File", "engine: ready")

    # how it is read
    walk(["F1", "ctrl+u", str(defective), "enter"], "132 rows x 2 columns", "semicolon separated")
    walk(["ctrl+r"], "detected: cp1252", "detected: header line", "très bon")
    walk(["right", "right", "right"], "‹ iso-8859-1 ›")
    walk(["left", "left", "left"], "‹ detected: cp1252 ›")
    walk(["down", "right", "right"], "‹ semicolon ›")
    walk(["enter"], "132 rows x 2 columns", "4 with an empty text")

    # what it holds
    walk.tab_to("Into it")
    walk(["right"], "opinion", "imbalanced")
    walk(["right"], "Empty texts", "Repeated rows", "Spelling variants of labels")
    walk(["down"], "Mend")
    walk(["enter"], "Empty texts  4 rows   Esc goes back", "126  train")
    walk(["enter"], "row 126 of train   1 of 4", "verdict")
    walk(["escape"], "Empty texts  4 rows   Esc goes back")
    walk(["escape"], "1 error")

    # decided in the order of the list
    walk(["f"], "✓          4 rows    Decided", "decide -4 rows", "▸ !          3 rows    Repeated")
    walk(["f"], "✓          3 rows    Decided", "decide -7 rows", "▸ !          1 label   Spelling")
    walk(["f"], "✓          5 rows    Decided", "decide -7 rows ▸", "101/12/12")

    # what the model gets of it
    walk(["right"], "a sentence, or the number of a row")
    walk(["3", "enter"], "‹[CLS]›", "cut off", "Batch of 16 rows")

    walk(["F2"], "a hub name, or a folder")
    walk(["/"], "esc Back")
    walk([str(tiny_model()), "enter"], "BertModel", "Chosen: tiny-bert")

    # how it is trained
    walk(["F3"], "Start training", "101 train · 12 validation · 12 test")
    walk(["ctrl+l"], "Careful defaults", "Enter sets one", "→ 5")
    walk(["enter"], "35 in all · 4 warmup")
    walk(["ctrl+f"], "name or what it does")
    walk(["warmup_steps"], "steps for a linear warmup", "○ warmup_steps")
    walk(["enter"], "Enter takes the value")
    walk(["ctrl+u", "7", "enter"], "● warmup_steps", "○ by this program")
    walk(["escape"], "name or what it does")
    walk(["escape"], "7 warmup")
    walk(["ctrl+z"], "4 warmup")
    walk(["ctrl+y"], "7 warmup")
    written = tmp_path / "opinions.yaml"
    walk(["ctrl+r"], "Save the recipe")
    walk(["ctrl+u", str(written), "enter"], "saved")
    # what the check before the start remarks is shown once; the same key then starts
    walk(["ctrl+s"], "Before it starts", "Few test rows", "Start anyway")
    walk(["ctrl+s"], "finished", "decide -7 rows")

    (run,) = all_runs(tmp_path / "home")
    assert read_status(run.status).state == "finished"
    recipe = load_recipe(run.recipe)
    saved = load_recipe(written)
    assert (recipe.train, recipe.tokens, recipe.model) == (saved.train, saved.tokens, saved.model)
    # what was found out by itself is settled in the recipe of the run
    assert saved.data.reading.encoding is None
    assert recipe.data.reading.encoding == "cp1252"
    assert recipe.data.drop_empty
    assert recipe.data.drop_duplicates
    assert recipe.data.merge_labels == {"Good": "good"}
    assert recipe.data.reading.separator == ";"
    assert recipe.train.warmup_steps == 7
    decisions = read_history(run).stages["decide"]["decisions"]
    assert {one["key"]: one["rows"] for one in decisions} == {
        "data.drop_empty": 4, "data.drop_duplicates": 3, "data.merge_labels": 5
    }  # fmt: skip
