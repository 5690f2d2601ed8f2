"""Which model answers for a run, and which models stay in memory."""

import shutil

import pytest
import torch

from tui_finetune.errors import InputError
from tui_finetune.evaluation.trained import LoadedModels, load_run
from tui_finetune.models.loading import load_classifier, load_tokenizer
from tui_finetune.runs.directory import RESUME_STATE, create_run

LABELS = ["negative", "positive"]
TEXTS = ["a good film", "the end was bad"]


@pytest.fixture
def put(tmp_path, tiny_model, make_recipe):
    """Save a classifier with a random head in a new run, or in `folder` of one."""

    def make(run=None, folder="model", seed=0):
        source = tiny_model()
        run = run or create_run(tmp_path, make_recipe())
        torch.manual_seed(seed)
        place = run.path / folder
        load_classifier(source, LABELS).save_pretrained(place)
        load_tokenizer(source).save_pretrained(place)
        (place / RESUME_STATE).touch()
        return run

    return make


def scores(trained):
    return [list(made.scores.values()) for made in trained.predict(TEXTS)]


def test_a_run_that_trains_answers_with_its_newest_checkpoint(put):
    models = LoadedModels()
    run = put(folder="checkpoints/checkpoint-5", seed=1)
    first = models.get(run)
    assert first.folder.name == "checkpoint-5"
    assert models.get(run) is first

    put(run, "checkpoints/checkpoint-10", seed=2)
    newer = models.get(run)
    assert newer.folder.name == "checkpoint-10"
    assert scores(newer) != scores(first)

    put(run, "model", seed=3)
    assert models.get(run).folder == run.model


def test_before_and_after_are_kept_side_by_side_and_the_oldest_goes(put):
    models = LoadedModels()
    one, other = put(), put()
    after, before = models.get(one), models.get(one, "before")
    assert models.get(one) is after
    models.get(other)
    assert models.get(one) is after  # used since
    assert models.get(one, "before") is not before


def test_before_is_the_recipes_model_with_the_head_of_its_seed(put, tiny_model):
    run = put(seed=7)
    before = load_run(run, "before")
    torch.manual_seed(run.load_recipe().train.seed)
    expected = load_classifier(tiny_model(), LABELS).state_dict()
    found = before.model.state_dict()
    assert all(found[name].equal(tensor) for name, tensor in expected.items())
    assert list(before.model.config.id2label.values()) == LABELS


def test_a_run_without_any_model_says_when_there_will_be_one(put):
    run = put()
    shutil.rmtree(run.model)
    for version in ("after", "before"):
        with pytest.raises(InputError, match="no model yet"):
            load_run(run, version)
