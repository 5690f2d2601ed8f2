"""What a recipe may allow of its model, and how a run names what it began with."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tui_finetune.errors import InputError
from tui_finetune.evaluation.trained import load_run
from tui_finetune.recipe import Recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.settings import read_settings
from tui_finetune.training.preflight import preflight
from tui_finetune.training.setup import set_up
from tui_finetune.training.start import new_run


@pytest.fixture
def recipe_of(make_recipe: Callable[..., Recipe]) -> Callable[..., Recipe]:
    """Make a recipe with another model section."""

    def make(**model: Any) -> Recipe:
        recipe = make_recipe()
        return recipe.model_copy(update={"model": recipe.model.model_copy(update=model)})

    return make


@pytest.fixture
def pickled(tiny_model: Callable[..., Path], tmp_path: Path) -> Path:
    """The tiny model with its weights as a pickle."""
    folder = Path(shutil.copytree(tiny_model(), tmp_path / "pickled"))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def test_pickled_weights_are_taken_only_from_a_recipe_that_allows_them(
    recipe_of: Callable[..., Recipe], pickled: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"set model\.allow_pickle: true"):
        set_up(recipe_of(source=str(pickled)))
    allowed = recipe_of(source=str(pickled), allow_pickle=True)
    assert set_up(allowed).recipe.model.allow_pickle
    found = {finding.title: finding for finding in preflight(allowed, tmp_path, measuring=False)}
    warning = found["Pickles are allowed"]
    assert (warning.severity, warning.field) == ("warning", "model.allow_pickle")
    assert "only from people you trust" in warning.message


def test_what_is_allowed_without_need_is_said_and_taken_back(
    recipe_of: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = recipe_of(allow_pickle=True, trust_remote_code=True)
    found = {finding.title: finding for finding in preflight(recipe, tmp_path, measuring=False)}
    assert found["Pickles are allowed"].fix == {"model.allow_pickle": False}
    assert found["Its own code is run"].fix == {"model.trust_remote_code": False}


def test_the_next_run_starts_from_the_model_of_the_last(
    recipe_of: Callable[..., Recipe],
    tiny_model: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TUI_FINETUNE_HOME", str(tmp_path))
    first = tmp_path / "runs" / "20260101-120000-films-ab12"
    shutil.copytree(tiny_model(), first / "model")
    (first / "status.json").write_text(json.dumps({"state": "finished", "name": "films"}))
    recipe = recipe_of(source="run:films").model_copy(update={"name": None})
    assert recipe.run_name() == "films-films"
    run = new_run(tmp_path, recipe).run
    assert run.load_recipe().model.source == str(first / "model")
    again = run.load_recipe().model_copy(update={"name": None})
    assert again.run_name() == "films-films"
    shutil.rmtree(first)
    with pytest.raises(InputError, match="the model of run 20260101-120000-films-ab12 is gone"):
        set_up(run.load_recipe())


CODE = """
from transformers import BertConfig, BertForSequenceClassification

class MyConfig(BertConfig):
    model_type = "my_net"

class MyNet(BertForSequenceClassification):
    config_class = MyConfig
"""


@pytest.fixture
def own_code(tiny_model: Callable[..., Path], tmp_path: Path) -> Path:
    """The tiny model with its architecture in a Python file beside it."""
    folder = Path(shutil.copytree(tiny_model(), tmp_path / "own_code"))
    (folder / "my_net.py").write_text(CODE)
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "my_net",
        "auto_map": {
            "AutoConfig": "my_net.MyConfig",
            "AutoModelForSequenceClassification": "my_net.MyNet",
        },
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("made", "switch"), [("pickled", "allow_pickle"), ("own_code", "trust_remote_code")]
)
def test_what_is_switched_on_trains_and_predicts_and_the_run_says_so(
    made: str,
    switch: str,
    request: pytest.FixtureRequest,
    recipe_of: Callable[..., Recipe],
    train: Callable[[Recipe], RunDirectory],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "m"))
    folder = str(request.getfixturevalue(made))
    with pytest.raises(InputError, match=rf"set model\.{switch}: true"):
        train(_of_steps(1, recipe_of(source=folder)))
    run = train(_of_steps(1, recipe_of(source=folder, **{switch: True})))
    assert read_settings(run)[f"model.{switch}"] is True
    assert load_run(run).predict(["a good film"])[0].label in ("positive", "negative")


def test_a_run_that_starts_from_another_begins_with_what_that_learnt(
    recipe_of: Callable[..., Recipe],
    train: Callable[[Recipe], RunDirectory],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TUI_FINETUNE_HOME", str(tmp_path / "home"))
    first = train(_of_steps(12, recipe_of()))
    second = train(_of_steps(1, recipe_of(source=f"run:{first.id}"), learning_rate=1e-12))
    texts = ["a good film", "the plot was dull", "great"]
    learnt, kept = (load_run(run).predict(texts) for run in (first, second))
    for one, other in zip(learnt, kept, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)
    assert read_settings(second)["model.source"] == str(first.model)


def _of_steps(steps: int, recipe: Recipe, **train: Any) -> Recipe:
    changed = recipe.train.model_copy(update={"max_steps": steps, **train})
    return recipe.model_copy(update={"train": changed})
