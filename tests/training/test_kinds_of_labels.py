"""Pairs, several labels a row, and numbers: losses and scores are those of plain transformers."""

import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    hamming_loss,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    precision_score,
    r2_score,
    recall_score,
)
from transformers import pipeline

from tui_finetune.console.evaluation import print_evaluation
from tui_finetune.console.show import print_predictions
from tui_finetune.errors import InputError
from tui_finetune.evaluation.judging import judge, run_temperature, run_thresholds
from tui_finetune.evaluation.prediction_files import predict_file
from tui_finetune.evaluation.report import read_predictions
from tui_finetune.evaluation.thresholds import best_thresholds
from tui_finetune.evaluation.trained import LoadedModels, load_run
from tui_finetune.recipe import parse_recipe
from tui_finetune.tracing.trace import trace
from tui_finetune.training.start import new_run
from tui_finetune.training.supervisor import run_training

from .plain_trainer import plain_figures, run_figures, steps_of

PLAIN = ["the", "a", "film", "plot", "actor", "was", "is", "and", "scene", "end", "very", "quite"]
GOOD, BAD = ["good", "great", "lovely", "fine"], ["bad", "dull", "awful", "poor"]


def sentences(count, seed=0):
    """Texts of which some hold a good word, some a bad one, some both or neither."""
    chance = random.Random(seed)
    for _ in range(count):
        words = chance.choices(PLAIN, k=chance.randint(2, 10))
        marks = [chance.choice(kind) for kind in (GOOD, BAD) if chance.random() < 0.5]
        words += marks
        chance.shuffle(words)
        yield " ".join(words), marks


def pairs(count):
    for (one, marks), (other, others) in zip(sentences(count, 1), sentences(count, 2), strict=True):
        alike = bool(set(GOOD) & set(marks)) == bool(set(GOOD) & set(others))
        yield {"first": one, "second": other, "label": "same" if alike else "different"}


def several(count):
    for text, marks in sentences(count, 3):
        found = [name for name, kind in (("good", GOOD), ("bad", BAD)) if set(kind) & set(marks)]
        yield {"text": text, "labels": found}


def numbers(count):
    for text, marks in sentences(count, 4):
        yield {"text": text, "stars": 2.5 + sum((1 if mark in GOOD else -1.5) for mark in marks)}


KINDS = {
    "pairs": (pairs, {"columns": {"text": "first", "text_pair": "second"}}),
    "several": (several, {}),
    "numbers": (numbers, {"columns": {"label": "stars"}}),
}
PROBLEM_TYPES = {
    "pairs": "single_label_classification",
    "several": "multi_label_classification",
    "numbers": "regression",
}


@pytest.fixture(scope="module")
def recipe_of(tmp_path_factory, tiny_model):
    folder = tmp_path_factory.mktemp("kinds")

    def make(kind, metric="eval_loss", **train):
        rows, data = KINDS[kind]
        source = folder / f"{kind}.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows(160)))
        content = {
            "data": {"source": str(source), **data},
            "model": {"source": str(tiny_model())},
            "tokens": {"max_length": 16},
            "train": {
                "num_train_epochs": 3,
                "learning_rate": 2e-3,
                "per_device_train_batch_size": 8,
                "logging_steps": 1,
                **train,
            },
            "early_stopping": {"metric": metric, "patience": None},
        }
        return parse_recipe(content, "test")

    return make


@pytest.fixture(scope="module")
def trained(recipe_of, tmp_path_factory):
    """A run of each kind, trained once."""
    runs = {}

    def get(kind):
        if kind not in runs:
            start = new_run(tmp_path_factory.mktemp("home"), recipe_of(kind))
            status = run_training(start)
            assert status.state == "finished", status.reason
            runs[kind] = start.run
        return runs[kind]

    return get


def saved(run, split="test"):
    lines = (run.evaluation / f"{split}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("kind", KINDS)
def test_losses_equal_those_of_a_plain_trainer_at_each_step(kind, trained, recipe_of, tmp_path):
    plain = plain_figures(recipe_of(kind), tmp_path, PROBLEM_TYPES[kind])
    assert len(steps_of(plain, "loss")) == 48
    assert run_figures(trained(kind)) == pytest.approx(plain)


@pytest.mark.parametrize("kind", KINDS)
def test_the_problem_type_is_written_into_the_recipe_and_the_model(kind, trained):
    run = trained(kind)
    assert run.load_recipe().problem_type == PROBLEM_TYPES[kind]
    config = json.loads((run.model / "config.json").read_text())
    assert config["problem_type"] == PROBLEM_TYPES[kind]
    names = {"pairs": ["different", "same"], "several": ["bad", "good"], "numbers": ["stars"]}
    assert list(config["id2label"].values()) == names[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_pipeline_gives_the_same_scores(kind, trained):
    run = trained(kind)
    rows = saved(run)
    classify = pipeline("text-classification", model=str(run.model), device="cpu")
    for row in rows:
        text = row["text"]
        if kind == "pairs":
            text = {"text": text, "text_pair": row["text_pair"]}
        given = classify(text, top_k=None, truncation=True, max_length=16)
        theirs = {one["label"]: one["score"] for one in given}
        ours = {"stars": row["value"]} if kind == "numbers" else row["scores"]
        assert theirs == pytest.approx(ours, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_says_how_to_use_it(kind, trained):
    card = (trained(kind).model / "README.md").read_text()
    says = {"pairs": '"text_pair"', "several": "any of the labels", "numbers": "number `stars`"}
    assert says[kind] in card


def test_metrics_of_several_labels_equal_scikit_learns_on_the_saved_predictions(trained):
    run = trained("several")
    reported = json.loads((run.evaluation / "metrics.json").read_text())
    for split in ("validation", "test"):
        rows = saved(run, split)
        true = np.array([[name in row["true"] for name in ("bad", "good")] for row in rows])
        scores = np.array([[row["scores"][name] for name in ("bad", "good")] for row in rows])
        made = scores >= 0.5
        assert [row["labels"] for row in rows] == [
            [name for name, has in zip(("bad", "good"), one, strict=True) if has] for one in made
        ]
        expected = {
            "loss": np.mean([log_loss(t, s, labels=[False, True])
                             for t, s in zip(true.T, scores.T, strict=True)]),
            "subset_accuracy": accuracy_score(true, made),
            "hamming_loss": hamming_loss(true, made),
            "f1_samples": f1_score(true, made, average="samples", zero_division=1),
            "average_precision": average_precision_score(true, scores),
        }  # fmt: skip
        for average, suffix in (("macro", ""), ("micro", "_micro"), ("weighted", "_weighted")):
            for name, score in (
                ("precision", precision_score), ("recall", recall_score), ("f1", f1_score),
            ):  # fmt: skip
                expected[name + suffix] = score(true, made, average=average, zero_division=0)
        assert reported[split] == pytest.approx(expected)


def test_metrics_of_numbers_equal_scikit_learns_and_scipys_on_the_saved_predictions(trained):
    run = trained("numbers")
    reported = json.loads((run.evaluation / "metrics.json").read_text())
    for split in ("validation", "test"):
        rows = pd.DataFrame(saved(run, split))
        squared = mean_squared_error(rows["true"], rows["value"])
        assert reported[split] == pytest.approx(
            {
                "loss": squared,
                "mse": squared,
                "rmse": np.sqrt(squared),
                "mae": mean_absolute_error(rows["true"], rows["value"]),
                "r2": r2_score(rows["true"], rows["value"]),
                "pearson": pearsonr(rows["true"], rows["value"]).statistic,
                "spearman": spearmanr(rows["true"], rows["value"]).statistic,
            }
        )
        # nothing was standardised
        source = run.load_recipe().data.source
        stars = [json.loads(line)["stars"] for line in Path(source).read_text().splitlines()]
        assert rows["true"].tolist() == [stars[row] for row in rows["row"]]


def test_the_trainers_own_figures_are_those_of_the_best_epoch(trained):
    for kind, name in (("several", "f1_samples"), ("numbers", "rmse")):
        run = trained(kind)
        log = [json.loads(line) for line in run.journal.read_text().splitlines()]
        epochs = [entry for entry in log if "eval_loss" in entry]
        best = min(epochs, key=lambda entry: entry["eval_loss"])
        reported = json.loads((run.evaluation / "metrics.json").read_text())["validation"]
        assert best[f"eval_{name}"] == pytest.approx(reported[name], abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "metric", "choose"), [("several", "f1_micro", max), ("numbers", "mae", min)]
)
def test_the_best_epoch_is_chosen_by_a_metric_of_the_kind(
    kind, metric, choose, recipe_of, tmp_path
):
    start = new_run(tmp_path, recipe_of(kind, f"eval_{metric}"))
    assert run_training(start).state == "finished"
    log = [json.loads(line) for line in start.run.journal.read_text().splitlines()]
    values = [entry[f"eval_{metric}"] for entry in log if f"eval_{metric}" in entry]
    reported = json.loads((start.run.evaluation / "metrics.json").read_text())["validation"]
    assert reported[metric] == pytest.approx(choose(values), abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "metric", "known"),
    [
        ("pairs", "eval_mae", "eval_loss, eval_accuracy"),
        ("several", "eval_accuracy", "eval_subset_accuracy"),
        ("numbers", "eval_f1", "eval_rmse"),
    ],
)
def test_a_metric_that_the_kind_does_not_have_is_refused_with_the_list(
    kind, metric, known, recipe_of, tmp_path
):
    with pytest.raises(InputError, match=rf"early_stopping.metric: {metric} .*{known}"):
        new_run(tmp_path, recipe_of(kind, metric))


def test_a_pair_is_read_with_its_segments_and_the_longer_text_is_cut_first(trained):
    run = trained("pairs")
    model = load_run(run)
    short, long = "good film", " ".join(["bad", "plot"] * 20)
    (made,) = model.predict([short], pairs=[long])
    tokens = model.tokenizer(
        short, long, truncation="longest_first", max_length=16, return_tensors="pt"
    )
    ids = tokens["input_ids"][0].tolist()
    assert len(ids) == 16
    assert tokens["token_type_ids"][0].tolist() == [0] * 4 + [1] * 12
    assert model.tokenizer.convert_ids_to_tokens(ids[:4]) == ["[CLS]", "good", "film", "[SEP]"]
    with torch.inference_mode():
        expected = model.model(**tokens).logits.softmax(-1)[0].tolist()
    assert list(made.scores.values()) == pytest.approx(expected, abs=1e-6)
    (turned,) = model.predict([long], pairs=[short])
    assert turned.scores != pytest.approx(made.scores, abs=1e-4)


def test_pairs_are_asked_for_where_they_belong_and_only_there(trained):
    with pytest.raises(InputError, match=r"trained on pairs .*first and second"):
        load_run(trained("pairs")).predict(["a film"])
    with pytest.raises(InputError, match="1 texts and 2 second ones"):
        load_run(trained("pairs")).predict(["a film"], pairs=["a", "b"])
    with pytest.raises(InputError, match="trained on single texts"):
        load_run(trained("several")).predict(["a film"], pairs=["a plot"])


def test_predictions_are_documents_of_their_kind(trained):
    pair = load_run(trained("pairs")).predict(["a film"], pairs=["a plot"])[0].document()
    assert set(pair) == {"text", "text_pair", "label", "score", "scores"}
    model = load_run(trained("several"))
    several = model.predict(["the good end was bad"])[0].document()
    assert set(several) == {"text", "labels", "label", "score", "scores"}
    assert several["labels"] == [
        label for label, score in several["scores"].items() if score >= 0.5
    ]
    assert several["label"] == max(several["scores"], key=several["scores"].get)
    strict = model.predict(["the good end was bad"], thresholds={"bad": 0.0, "good": 1.0})
    assert strict[0].labels == ["bad"]
    number = load_run(trained("numbers")).predict(["a good film"])[0].document()
    assert set(number) == {"text", "value"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_judged_as_its_kind_beside_the_model_before(kind, trained, capsys, monkeypatch):
    run = trained(kind)
    document = judge(run, LoadedModels())
    assert json.loads(json.dumps(document)) == document
    assert document["problem_type"] == PROBLEM_TYPES[kind]
    of_the_run = json.loads((run.evaluation / "metrics.json").read_text())["test"]
    for name, value in of_the_run.items():
        assert document["metrics"][name] == pytest.approx(value), name
    before = document["baselines"]["before"]
    assert before["metrics"]["loss"] > document["metrics"]["loss"]
    if kind == "pairs":
        second = {row["row"]: row["text_pair"] for row in saved(run)}
        for row in document["mistakes"]:
            assert row["text_pair"] == second[row["row"]]
    monkeypatch.setenv("COLUMNS", "80")
    print_evaluation(document, as_json=False)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    says = {"pairs": "accuracy ↑", "several": "subset accuracy ↑", "numbers": "RMSE"}
    assert says[kind] in printed or "root mean squared error" in printed


@pytest.mark.parametrize("kind", KINDS)
def test_other_rows_are_judged_with_the_columns_of_the_run(kind, trained, tmp_path):
    run = trained(kind)
    source = Path(run.load_recipe().data.source)
    other = tmp_path / "other.jsonl"
    other.write_text("".join(source.read_text().splitlines(keepends=True)[:30]))
    document = judge(run, LoadedModels(), str(other), before=False)
    assert (document["rows"], document["data"]) == (30, str(other))


def test_saved_predictions_come_back_as_their_kind(trained):
    several = read_predictions(trained("several").evaluation / "test.jsonl")
    assert several.labels == ["bad", "good"]
    assert several.references == [row["true"] for row in saved(trained("several"))]
    numbers = read_predictions(trained("numbers").evaluation / "test.jsonl")
    assert numbers.probabilities[:, 0].tolist() == [
        row["value"] for row in saved(trained("numbers"))
    ]
    pairs = read_predictions(trained("pairs").evaluation / "test.jsonl")
    assert pairs.pairs == [row["text_pair"] for row in saved(trained("pairs"))]


def test_thresholds_are_those_of_the_validation_rows(trained):
    run = trained("several")
    assert run_thresholds(run) == best_thresholds(
        read_predictions(run.evaluation / "validation.jsonl")
    )
    assert run_temperature(run) is None
    with pytest.raises(InputError, match="several labels a row; it does not"):
        run_thresholds(trained("numbers"))


def test_a_file_gets_the_columns_of_its_kind(trained, tmp_path):
    quiet = {"progress": lambda step: None, "text_column": None}
    rows = [{"first": "good film", "second": "bad plot"}, {"first": "the end", "second": ""}]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pairs = load_run(trained("pairs"))
    predict_file(pairs, source, tmp_path / "pairs.jsonl", **quiet)
    first, second = pd.read_json(tmp_path / "pairs.jsonl", lines=True).to_dict("records")
    (expected,) = pairs.predict(["good film"], pairs=["bad plot"])
    assert first["label"] == expected.label
    assert first["score_same"] == pytest.approx(expected.scores["same"], abs=1e-6)
    assert pd.isna(second["label"])  # half a pair
    several = load_run(trained("several"))
    thresholds = {"bad": 0.0, "good": 1.0}
    out = tmp_path / "several.jsonl"
    predict_file(several, source, out, text_column="first", progress=lambda step: None,
                 thresholds=thresholds)  # fmt: skip
    made = pd.read_json(out, lines=True).iloc[0]
    assert made["labels"] == ["bad"]
    assert {"score_bad", "score_good"} <= set(made.index)
    assert "label" not in made.index
    numbers = load_run(trained("numbers"))
    out = tmp_path / "numbers.csv"
    predict_file(numbers, source, out, text_column="first", progress=lambda step: None)
    value = numbers.predict(["good film"])[0].value
    assert pd.read_csv(out)["value"][0] == pytest.approx(value, abs=1e-5)
    with pytest.raises(InputError, match="leave the pair column out"):
        predict_file(numbers, source, tmp_path / "x.csv", pair_column="second", **quiet)


def test_predictions_are_printed_as_their_kind(trained, capsys):
    made = load_run(trained("numbers")).predict(["a good film"])
    print_predictions(made, as_json=False)
    assert f"{made[0].value:.4g}" in capsys.readouterr().out
    several = load_run(trained("several")).predict(["a film"], thresholds={"bad": 0, "good": 0})
    print_predictions(several, as_json=False)
    assert f"bad {several[0].scores['bad']:.3f}, good" in capsys.readouterr().out
    pair = load_run(trained("pairs")).predict(["a film"], pairs=["a plot"])
    print_predictions(pair, as_json=False)
    assert "a film | a plot" in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_of_another_kind_is_refused_in_one_line(kind, trained):
    with pytest.raises(InputError, match=r"one text gets one label, and this run is for"):
        trace(load_run(trained(kind)), "a good film")
