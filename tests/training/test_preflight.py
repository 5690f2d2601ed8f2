"""What a preflight finds before the start; each fix that it offers mends what it is offered for."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, Trainer, TrainerCallback

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe, parse_recipe
from tui_finetune.runs.directory import all_runs
from tui_finetune.training import preflight_disk
from tui_finetune.training.arguments import training_arguments
from tui_finetune.training.preflight import _smaller, preflight
from tui_finetune.training.preflight_finding import Finding
from tui_finetune.training.preflight_plan import plan
from tui_finetune.training.start import new_run

Make = Callable[..., Recipe]


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(rows)
    return path


def rows(positive: int, negative: int, text: str = "a good film") -> list[tuple[str, str]]:
    return [
        *((f"{text} {'very ' * (number % 3)}", "positive") for number in range(positive)),
        *((f"a bad plot {'very ' * (number % 3)}", "negative") for number in range(negative)),
    ]


def look(recipe: Recipe, home: Path) -> dict[str, Finding]:
    """The findings by title, without measuring."""
    return {each.title: each for each in preflight(recipe, home, measuring=False)}


def changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """The recipe with new values at dotted keys."""
    content = recipe.model_dump(mode="json")
    for key, value in changes.items():
        *sections, field = key.split(".")
        place = content
        for section in sections:
            place = place[section]
        place[field] = value
    return parse_recipe(content, "changed")


def test_a_sound_recipe_has_no_error_and_says_what_it_reads(
    make_recipe: Make, tmp_path: Path
) -> None:
    found = look(make_recipe(), tmp_path)
    assert {each.severity for each in found.values()} <= {"info", "warning"}
    assert "96 train, 12 validation, 12 test" in found["Columns and rows"].message
    assert "nothing has to be fetched" in found["Model and data are here"].message
    assert found["Few validation rows"].count == 12
    for each in found.values():
        assert set(json.loads(json.dumps(each.document()))) == {
            "title", "message", "severity", "count", "field", "fix", "figures",
        }  # fmt: skip


REFUSED = {
    "a batch that is no number": ({"train.max_steps": "abc"}, "train.max_steps", None),
    "texts longer than the model reads": (
        {"tokens.max_length": 4000}, "tokens.max_length", {"tokens.max_length": 128},
    ),
    "bfloat16 without a GPU": ({"train.bf16": True}, "train.bf16", {"train.bf16": False}),
    "settings that are wrong only together": (
        {"train.save_strategy": "steps"}, "train.save_strategy", None,
    ),
    "half floats without a GPU": ({"train.fp16": True}, "train.fp16", {"train.fp16": False}),
    "a metric of another kind of labels": (
        {"early_stopping.metric": "eval_rmse"},
        "early_stopping.metric", {"early_stopping.metric": "eval_loss"},
    ),
    "a model that is not there": ({"model.source": "./nowhere"}, "model.source", None),
    "data that is not there": ({"data.source": "nowhere.csv"}, "data.source", None),
    "shares that leave nothing": ({"data.test": 0.95}, "data.validation", None),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_trained_is_an_error_with_its_field_and_fix(
    name: str, make_recipe: Make, tmp_path: Path
) -> None:
    changes, field, fix = REFUSED[name]
    recipe = changed(make_recipe(), changes)
    first = preflight(recipe, tmp_path)[0]  # an error keeps it from measuring
    assert (first.severity, first.field, first.fix) == ("error", field, fix)
    with pytest.raises(InputError) as refused:
        new_run(tmp_path, recipe)
    assert str(refused.value) == first.message
    assert all_runs(tmp_path) == []
    if fix is not None:
        mended = preflight(changed(recipe, fix), tmp_path, measuring=False)
        assert "error" not in {each.severity for each in mended}


def test_empty_cells_are_counted_and_can_be_left_out(make_recipe: Make, tmp_path: Path) -> None:
    source = write(tmp_path / "holes.csv", [*rows(30, 30), ("", "positive"), (" ", "negative")])
    recipe = changed(make_recipe(), {"data.source": str(source)})
    (error,) = preflight(recipe, tmp_path)
    assert (error.severity, error.count) == ("error", 2)
    assert error.fix == {"data.drop_empty": True}
    left = look(changed(recipe, error.fix), tmp_path)
    assert "2 rows are left out" in left["Columns and rows"].message


def test_the_test_file_is_not_for_choosing_even_under_another_name(
    make_recipe: Make, tmp_path: Path
) -> None:
    held_back = write(tmp_path / "test.csv", rows(8, 8, "a great film"))
    copy = tmp_path / "validation.csv"
    copy.write_bytes(held_back.read_bytes())
    recipe = changed(make_recipe(), {"data.validation": str(copy), "data.test": str(held_back)})
    error = preflight(recipe, tmp_path)[0]
    assert (error.title, error.severity, error.count) == ("Test used for choosing", "error", 16)
    assert error.fix == {"data.validation": 0.1}
    with pytest.raises(InputError, match="holds the rows of test once more"):
        new_run(tmp_path, recipe)
    assert all_runs(tmp_path) == []
    assert "Test used for choosing" not in look(changed(recipe, error.fix), tmp_path)


def test_rows_that_were_learnt_do_not_judge(make_recipe: Make, tmp_path: Path) -> None:
    recipe = make_recipe()
    recipe = changed(recipe, {"data.test": str(recipe.data.source)})
    error = preflight(recipe, tmp_path)[0]
    assert (error.title, error.field) == ("Judged by what was learnt", "data.test")


def test_the_test_split_of_a_source_is_not_for_choosing(make_recipe: Make, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    write(folder / "train.csv", rows(40, 40))
    write(folder / "test.csv", rows(10, 10, "a lovely film"))
    recipe = changed(make_recipe(), {"data.source": str(folder), "data.splits.validation": "test"})
    error = preflight(recipe, tmp_path)[0]
    assert (error.title, error.field) == ("Test used for choosing", "data.splits.validation")
    assert "error" not in {each.severity for each in look(
        changed(recipe, error.fix or {}), tmp_path
    ).values()}  # fmt: skip
    halves = {"data.splits.validation": "test[:50%]", "data.splits.test": "test[50%:]"}
    assert "Test used for choosing" not in look(changed(recipe, halves), tmp_path)


def test_the_share_of_cut_texts_is_that_of_the_models_tokens(
    make_recipe: Make, tmp_path: Path
) -> None:
    recipe = changed(make_recipe(), {"tokens.max_length": 10})
    found = look(recipe, tmp_path)["Texts are cut off"]
    start = new_run(tmp_path, changed(recipe, {"tokens.max_length": 128}))
    texts = start.setup.data.splits["train"]["text"][:]
    tokenizer = AutoTokenizer.from_pretrained(recipe.model.source)
    lengths = np.array([len(tokenizer(text)["input_ids"]) for text in texts])
    cut = int((lengths > 10).sum())
    assert 0 < cut < len(texts)
    assert found.count == cut
    assert found.severity == "warning"
    assert found.figures is not None
    assert found.figures["truncated_share"] == pytest.approx(cut / len(texts))
    assert found.figures["longest"] == lengths.max()
    assert found.figures["median"] == int(np.median(lengths))
    assert found.fix is not None
    assert found.fix["tokens.max_length"] >= lengths.max()
    assert "No text is cut off" in look(changed(recipe, found.fix), tmp_path)


def test_class_weights_are_advised_where_a_label_is_rare(make_recipe: Make, tmp_path: Path) -> None:
    even = changed(make_recipe(), {"data.source": str(write(tmp_path / "even.csv", rows(50, 20)))})
    assert not {"Class weights are advised", "One label dominates"} & look(even, tmp_path).keys()
    source = write(tmp_path / "rare.csv", [*rows(50, 50), *[("the end", "mixed")] * 4])
    found = look(changed(make_recipe(), {"data.source": str(source)}), tmp_path)
    message = found["Class weights are advised"].message
    assert "has 42 rows to train on, and label mixed 2:" in message
    assert "One label dominates" not in found


def test_labels_that_are_rare_or_absent_are_named(make_recipe: Make, tmp_path: Path) -> None:
    train = write(tmp_path / "train.csv", [*rows(40, 40), *[("the end", "mixed")] * 4])
    held = write(tmp_path / "held.csv", rows(5, 5, "a great film"))
    recipe = changed(make_recipe(), {"data.source": str(train), "data.test": str(held)})
    found = look(recipe, tmp_path)
    assert "rows to train on: mixed 3;" in found["Labels with few rows"].message
    assert "no row of mixed" in found["Labels without test rows"].message
    assert "Labels without validation rows" not in found


ONE_SIDED = {"data.source": "one-sided.csv"}
STEPS = {"train.eval_strategy": "steps", "train.save_strategy": "steps"}
OFFERED: dict[str, dict[str, Any]] = {
    "Class weights are advised": ONE_SIDED,
    "One label dominates": ONE_SIDED,
    "No test rows": {"data.test": 0},
    "Texts are cut off": {"tokens.max_length": 10},
    "No text is cut off": {"tokens.padding": "max_length", "tokens.max_length": 128},
    "A batch is larger than the data": {"train.per_device_train_batch_size": 512},
    "A step takes more than the data": {"train.gradient_accumulation_steps": 50},
    "No batch is full": {"train.dataloader_drop_last": True},
    "The warmup never ends": {"train.warmup_steps": 500},
    "logging_steps is longer than the run": {"train.logging_steps": 1000},
    "eval_steps is longer than the run": STEPS | {"train.eval_steps": 100, "train.save_steps": 100},
    "save_steps is longer than the run": STEPS | {"train.eval_steps": 1, "train.save_steps": 100},
    "bfloat16 on a processor": {"train.bf16": True, "train.use_cpu": True},
    "An unusual learning rate": {"train.learning_rate": 0.5},
    "Pickles are allowed": {"model.allow_pickle": True},
    "Its own code is run": {"model.trust_remote_code": True},
}


@pytest.mark.parametrize("title", OFFERED)
def test_a_fix_that_is_offered_mends_what_it_is_offered_for(
    title: str, make_recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "one-sided.csv", rows(180, 16))
    recipe = changed(make_recipe(learning_rate=1e-4), OFFERED[title])
    found = look(recipe, tmp_path)[title]
    assert found.fix
    assert found.field in found.fix
    after = look(changed(recipe, found.fix), tmp_path)
    assert after.get(title, found).fix is None or title not in after
    assert "error" not in {each.severity for each in after.values()}
    sound = look(make_recipe(learning_rate=1e-4), tmp_path)
    assert title not in sound or sound[title].fix is None


def test_a_split_without_a_full_batch_is_an_error_where_only_full_ones_count(
    make_recipe: Make, tmp_path: Path
) -> None:
    recipe = make_recipe(dataloader_drop_last=True)  # 12 validation rows, in batches of 16
    error = preflight(recipe, tmp_path)[0]
    assert (error.title, error.severity, error.count) == ("No batch is full", "error", 12)
    with pytest.raises(InputError, match="12 validation rows are fewer than a batch of 16"):
        new_run(tmp_path, recipe)


@pytest.mark.parametrize(
    ("train", "steps", "evaluations", "checkpoints"),
    [
        ({}, 36, 3, 3),
        ({"gradient_accumulation_steps": 5}, 9, 3, 3),
        ({"num_train_epochs": 1.5}, 18, 2, 2),
        ({"max_steps": 20}, 20, 2, 2),
        ({"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 5, "save_steps": 10},
         36, 8, 4),
        (
            {
                "per_device_train_batch_size": 90,
                "per_device_eval_batch_size": 4,
                "dataloader_drop_last": True,
            },
            3, 3, 3,
        ),
    ],
)  # fmt: skip
def test_the_plan_counts_as_the_trainer_does(
    train: dict[str, Any],
    steps: int,
    evaluations: int,
    checkpoints: int,
    make_recipe: Make,
    tmp_path: Path,
) -> None:
    recipe = make_recipe(**train)
    recipe.early_stopping.patience = None
    arguments = training_arguments(recipe, tmp_path, 96)
    course = plan(arguments, 96)
    assert (course.steps, course.evaluations, course.checkpoints) == (
        steps, evaluations, checkpoints,
    )  # fmt: skip
    counter = Counting()
    sentences = [{"input_ids": [1, 2], "labels": 0.5}] * 96
    trainer = Trainer(Line(), arguments, train_dataset=sentences, eval_dataset=sentences[:12])
    trainer.add_callback(counter)
    trainer.train()
    assert (trainer.state.global_step, trainer.state.max_steps) == (steps, steps)
    assert counter.events == {"evaluation": evaluations, "checkpoint": checkpoints}


class Line(torch.nn.Module):
    """The smallest thing that a Trainer trains."""

    def __init__(self) -> None:
        super().__init__()
        self.line = torch.nn.Linear(2, 1)

    def forward(self, input_ids: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = self.line(input_ids.float())[:, 0]
        return {"loss": ((logits - labels) ** 2).mean(), "logits": logits}


class Counting(TrainerCallback):
    """Counts what happens besides steps."""

    def __init__(self) -> None:
        self.events = Counter[str]()

    def on_evaluate(self, *args: Any, **kwargs: Any) -> None:
        self.events["evaluation"] += 1

    def on_save(self, *args: Any, **kwargs: Any) -> None:
        self.events["checkpoint"] += 1


def test_a_disk_without_room_for_the_checkpoints_refuses_the_start(
    make_recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_recipe(save_total_limit=5, num_train_epochs=4)
    enough = look(recipe, tmp_path)["Room on the disk"]
    assert enough.figures is not None
    assert enough.figures["checkpoints"] == 4
    needed = enough.figures["needed_bytes"]
    assert needed == 4 * 3 * enough.figures["weight_bytes"] + enough.figures["weight_bytes"]
    monkeypatch.setattr(preflight_disk, "free_bytes", lambda folder: needed)
    assert look(recipe, tmp_path)["The disk gets full"].fix == {"train.save_total_limit": 2}
    monkeypatch.setattr(preflight_disk, "free_bytes", lambda folder: needed - 1)
    assert look(recipe, tmp_path)["The disk is too full"].severity == "error"
    with pytest.raises(InputError, match=r"train.save_total_limit: .* are free on the disk of"):
        new_run(tmp_path, recipe)
    assert all_runs(tmp_path) == []


def test_smaller_batches_divide_the_batch_so_that_accumulation_makes_up_for_them() -> None:
    assert _smaller(16) == [8, 4, 2, 1]
    assert _smaller(12) == [6, 3, 1]
    assert _smaller(7) == [1]
    assert _smaller(1) == []


def test_titles_and_messages_are_fit_for_a_terminal(make_recipe: Make, tmp_path: Path) -> None:
    source = tmp_path / "bad\x1b[31m.csv"
    write(source, [("a film", "good\x1b]52;c;x\x07")] * 90 + [("a film", "bad")] * 10)
    recipe = changed(make_recipe(), {"data.source": str(source)})
    for each in preflight(recipe, tmp_path, measuring=False):
        assert (each.title + each.message).isprintable()
