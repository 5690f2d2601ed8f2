"""A run judged on its test rows and on other files, with models really trained."""

import csv
import json
import random
import shutil

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from tui_finetune.errors import InputError
from tui_finetune.evaluation.calibration import fit_temperature
from tui_finetune.evaluation.judging import judge, run_temperature
from tui_finetune.evaluation.report import read_predictions
from tui_finetune.evaluation.trained import LoadedModels, load_run
from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.training.start import new_run
from tui_finetune.training.supervisor import run_training

GENRES = ["drama", "comedy"]
WORDS = {"positive": ["good", "great", "lovely"], "negative": ["bad", "dull", "awful"]}
PLAIN = ["the", "a", "film", "plot", "actor", "was", "scene", "end"]


def write_rows(path, count, seed, labels=("positive", "negative")):
    chance = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "genre"])
        for number in range(count):
            label = labels[number % 2]
            words = chance.choices(PLAIN, k=chance.randint(2, 10))
            # some rows say nothing of their label, so that not all can be got right
            words.append(chance.choice(WORDS.get(label, PLAIN) + PLAIN[:1]))
            chance.shuffle(words)
            writer.writerow([" ".join(words), label, chance.choice(GENRES)])
    return path


@pytest.fixture(scope="module")
def train(tmp_path_factory, tiny_model):
    """Train a run on rows of the test's own; keyword arguments go to `train`."""

    def make(**train):
        folder = tmp_path_factory.mktemp("judged")
        content = {
            "data": {"source": str(write_rows(folder / "films.csv", 200, seed=1)), "test": 0.2},
            "model": {"source": str(shutil.copytree(tiny_model(), folder / "model"))},
            "tokens": {"max_length": 32},
            "train": {"num_train_epochs": 2, "learning_rate": 2e-3, "logging_steps": 5, **train},
        }
        start = new_run(folder / "home", parse_recipe(content, "test"))
        assert run_training(start).state == "finished"
        return start.run

    return make


@pytest.fixture(scope="module")
def trained(train):
    return train()


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the trained run, to be judged and damaged at will."""
    return RunDirectory(shutil.copytree(trained.path, tmp_path / trained.path.name))


class NoModels(LoadedModels):
    def get(self, run, version="after"):
        raise AssertionError("no model is needed here")


def test_the_test_rows_are_judged_by_the_predictions_saved_at_the_end(run):
    document = judge(run, NoModels(), before=False)
    saved = read_predictions(run.evaluation / "test.jsonl")
    true = saved.references
    predicted = [saved.labels[index] for index in saved.probabilities.argmax(axis=1)]
    assert document["rows"] == len(true) == 40
    assert document["metrics"]["accuracy"] == accuracy_score(true, predicted)
    assert document["metrics"]["f1"] == pytest.approx(f1_score(true, predicted, average="macro"))
    assert document["metrics"]["mcc"] == pytest.approx(matthews_corrcoef(true, predicted))
    of_the_run = json.loads((run.evaluation / "metrics.json").read_text())["test"]
    for name, value in of_the_run.items():
        assert document["metrics"][name] == pytest.approx(value), name
    wrong = [row for row, a, b in zip(saved.rows, true, predicted, strict=True) if a != b]
    assert sorted(mistake["row"] for mistake in document["mistakes"]) == sorted(wrong)


def test_the_model_before_is_the_very_one_that_the_training_began_with(train):
    """A run that learned nothing says the same before and after."""
    run = train(learning_rate=1e-30, weight_decay=0, num_train_epochs=1)
    document = judge(run, LoadedModels())
    before = read_predictions(run.evaluation / "test-before.jsonl")
    after = read_predictions(run.evaluation / "test.jsonl")
    np.testing.assert_allclose(before.probabilities, after.probabilities, atol=1e-6)
    assert document["baselines"]["before"]["difference"]["accuracy"] == 0


def test_the_model_before_is_kept_and_not_asked_again(run):
    first = judge(run, LoadedModels())
    assert first["baselines"]["before"]["metrics"]["accuracy"] < first["metrics"]["accuracy"]
    assert judge(run, NoModels()) == first


def test_the_majority_is_that_of_the_training_rows(run):
    document = judge(run, NoModels(), before=False)
    assert document["baselines"]["majority"]["metrics"]["accuracy"] == 0.5


def test_other_columns_of_the_data_make_slices(run):
    document = judge(run, NoModels(), before=False)
    by_column = {part["column"]: part["slices"] for part in document["slices"]}
    assert {part["name"] for part in by_column["genre"]} == set(GENRES)
    assert sum(part["rows"] for part in by_column["genre"]) == 40
    with open(run.load_recipe().data.source, encoding="utf-8") as file:
        genres = [row["genre"] for row in csv.DictReader(file)]
    rows = read_predictions(run.evaluation / "test.jsonl").rows
    expected = sum(genres[row] == "drama" for row in rows)
    (drama,) = [part for part in by_column["genre"] if part["name"] == "drama"]
    assert drama["rows"] == expected


def test_data_that_changed_since_gives_no_slices_but_all_else(run, tmp_path):
    recipe = run.load_recipe()
    changed = write_rows(tmp_path / "films.csv", 100, seed=9)
    data = recipe.data.model_copy(update={"source": str(changed)})
    run.recipe.write_text(run.recipe.read_text().replace(str(recipe.data.source), str(data.source)))
    document = judge(run, NoModels(), before=False)
    assert [part["column"] for part in document["slices"]] == ["length in words"]
    assert document["rows"] == 40


def test_a_file_is_predicted_by_the_runs_model(run, tmp_path):
    path = write_rows(tmp_path / "more.csv", 60, seed=5)
    document = judge(run, LoadedModels(), str(path))
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    predictions = load_run(run).predict([row["text"] for row in rows])
    right = sum(made.label == row["label"] for made, row in zip(predictions, rows, strict=True))
    assert document["rows"] == 60
    assert document["metrics"]["accuracy"] == right / 60
    assert document["data"] == str(path)
    assert "genre" in [part["column"] for part in document["slices"]]
    # what was predicted once is kept, for these contents
    assert judge(run, NoModels(), str(path)) == document
    write_rows(path, 60, seed=6)
    with pytest.raises(AssertionError, match="no model is needed"):
        judge(run, NoModels(), str(path))


def test_labels_that_the_model_does_not_know_are_named(run, tmp_path):
    path = write_rows(tmp_path / "more.csv", 20, seed=5, labels=("positive", "mixed"))
    with pytest.raises(InputError, match=r"more\.csv: labels .* not trained on: mixed"):
        judge(run, LoadedModels(), str(path))


def test_a_run_without_test_rows_asks_for_a_file(run):
    (run.evaluation / "test.jsonl").unlink()
    with pytest.raises(InputError, match="give a labelled file"):
        judge(run, NoModels())


def test_a_model_before_that_is_gone_is_said_and_the_rest_is_judged(run):
    recipe = run.load_recipe()
    run.recipe.write_text(run.recipe.read_text().replace(recipe.model.source, "/nowhere/model"))
    document = judge(run, LoadedModels())
    assert document["baselines"]["before"] is None
    assert "no such model folder" in document["baselines"]["before_problem"]
    assert document["metrics"]["accuracy"] > 0.5


def test_the_temperature_is_fitted_on_the_validation_rows(run):
    saved = read_predictions(run.evaluation / "validation.jsonl")
    true = np.array([saved.labels.index(label) for label in saved.references])
    expected = fit_temperature(saved.probabilities, true)
    assert run_temperature(run) == expected
    document = judge(run, NoModels(), before=False)
    assert document["calibration"]["temperature"] == expected
    (run.evaluation / "validation.jsonl").unlink()
    assert run_temperature(run) is None
    assert judge(run, NoModels(), before=False)["calibration"]["temperature"] is None


def test_it_says_how_far_it_is_and_can_be_left_there(run, tmp_path):
    path = write_rows(tmp_path / "more.csv", 100, seed=5)
    steps = []

    def leave(step):
        steps.append(step)
        if step["what"] == "predicting" and step["done"] >= 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(run, LoadedModels(), str(path), progress=leave)
    assert steps[-1] == {"what": "predicting", "done": 64, "of": 100}
    assert not list(run.evaluation.glob("*-after.jsonl"))
