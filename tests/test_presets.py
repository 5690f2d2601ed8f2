import pytest

from tui_finetune.errors import InputError
from tui_finetune.presets import (
    UNSET,
    delete_preset,
    differences,
    learning_rate,
    look_up,
    own_presets,
    presets,
    save_preset,
)
from tui_finetune.recipe import parse_recipe


def recipe(**sections):
    content = {"data": {"source": "films.csv"}, **sections}
    return parse_recipe(content, "test").model_dump(mode="json")


DEFAULTS = recipe()


def preset(title, content=DEFAULTS, parameters=None, rows=None):
    return next(made for made in presets(content, parameters, rows) if made.title == title)


def changes(made, content):
    return {key: after for key, _, after in differences(content, made.values, DEFAULTS)}


def applied(made, content):
    """Return the recipe that a preset makes of another, checked as every recipe is."""
    sections = {name: dict(content[name]) for name in ("tokens", "train", "early_stopping")}
    for key, value in made.values.items():
        section, name = key.split(".")
        sections[section].pop(name, None)
        if value is not UNSET:
            sections[section][name] = value
    return recipe(**sections)


@pytest.mark.parametrize(
    ("parameters", "rate"),
    [(22_700_000, 1e-4), (66_000_000, 5e-5), (110_000_000, 3e-5), (335_000_000, 1e-5), (7e9, 5e-6)],
)
def test_the_larger_the_model_the_smaller_the_careful_step(parameters, rate):
    assert learning_rate(parameters) == rate
    made = preset("Careful defaults", parameters=int(parameters), rows=5000)
    assert made.values["train.learning_rate"] == rate
    assert f"{parameters / 1e6:.0f} M" in made.meaning


def test_while_the_size_is_not_known_the_learning_rate_stays():
    made = preset("Careful defaults")
    assert "train.learning_rate" not in made.values
    assert "not known yet" in made.meaning


def test_few_rows_are_gone_through_more_often():
    assert preset("Careful defaults", rows=300).values["train.num_train_epochs"] == 5
    assert preset("Careful defaults", rows=3000).values["train.num_train_epochs"] == 3


def test_careful_defaults_take_back_what_the_other_presets_set():
    content = recipe()
    for title in ("Quick look", "Avoid overfitting", "Memory-lean"):
        content = applied(preset(title, content), content)
    back = applied(preset("Careful defaults", content), content)["train"]
    assert back == {**DEFAULTS["train"], "gradient_checkpointing": True}


def test_a_quick_look_takes_few_steps_on_short_texts_and_never_lengthens_them():
    assert changes(preset("Quick look"), DEFAULTS) == {
        "train.max_steps": 30,
        "tokens.max_length": 64,
        "early_stopping.patience": None,
    }
    short = recipe(tokens={"max_length": 32})
    assert "tokens.max_length" not in changes(preset("Quick look", short), short)


def test_against_overfitting_it_evaluates_within_the_epochs_and_stops_early():
    made = applied(preset("Avoid overfitting"), DEFAULTS)
    assert made["train"]["num_train_epochs"] == 3
    assert (made["train"]["eval_strategy"], made["train"]["eval_steps"]) == ("steps", 0.1)
    assert made["early_stopping"] == {"patience": 3, "metric": "eval_loss"}


@pytest.mark.parametrize(("batch", "steps"), [(16, 1), (2, 3), (32, 4)])
def test_memory_lean_halves_the_batch_and_keeps_the_rows_of_a_step(batch, steps):
    train = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": steps}
    content = recipe(train=train)
    made = applied(preset("Memory-lean", content), content)["train"]
    assert made["per_device_train_batch_size"] == batch // 2
    assert made["per_device_train_batch_size"] * made["gradient_accumulation_steps"] == (
        batch * steps
    )
    assert made["gradient_checkpointing"] is True


def test_what_cannot_be_halved_stays():
    content = recipe(train={"per_device_train_batch_size": 1})
    made = preset("Memory-lean", content)
    assert changes(made, content) == {"train.gradient_checkpointing": True}


def test_what_would_change_is_told_before_and_after_and_nothing_else():
    content = recipe(train={"max_steps": 5, "weight_decay": 0.1})
    values = {
        "train.max_steps": UNSET, "train.weight_decay": UNSET, "train.seed": 42,
        "train.optim": "sgd", "train.fp16": UNSET,
    }  # fmt: skip
    assert differences(content, values, DEFAULTS) == [
        ("train.max_steps", 5, UNSET),
        ("train.weight_decay", 0.1, 0.01),
        ("train.optim", UNSET, "sgd"),
    ]


def test_a_key_that_is_not_there_is_unset():
    assert look_up({"a": {"b": None}}, "a.b") is None
    assert look_up({"a": {"b": 1}}, "a.c") is UNSET
    assert look_up({"a": 1}, "a.b") is UNSET


def test_own_settings_come_back_as_a_preset(tmp_path):
    content = recipe(train={"learning_rate": 3e-5, "optim": "sgd"}, tokens={"max_length": 64})
    path = save_preset(tmp_path, "  For the night! ", content)
    assert path == tmp_path / "presets" / "for-the-night.yaml"
    (made,), problems = own_presets(tmp_path)
    assert (made.title, made.path, problems) == ("For the night!", path, [])
    assert applied(made, DEFAULTS) == {**content}


def test_a_preset_written_by_hand_may_say_little(tmp_path):
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "slow.yaml").write_text(
        "train: {learning_rate: 1e-6}  # slow\ntokens:\n"
    )
    (made,), _ = own_presets(tmp_path)
    assert (made.title, made.values) == ("slow", {"train.learning_rate": 1e-6})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train: {learning_rate: fast}", "train.learning_rate: 'fast'"),
        ("data: {source: x}", "a preset knows title, tokens, train, early_stopping"),
        ("[1]", "this is no preset"),
        ("a: b: c", "cannot read this preset"),
        ("train: {seed: 1, seed: 2}", "cannot read this preset"),
        ("train: [1]", "train: a mapping of keys to values is expected"),
        ("train: {1: 2}", "train"),
        ("train: {hub_token: hf_abc}", "train.hub_token: this cannot be set"),
        ("tokens: {max_lenght: 3}", "tokens.max_lenght: the recipe has no such key"),
    ],
)
def test_a_file_that_is_no_preset_is_named_and_the_others_are_there(tmp_path, text, words):
    save_preset(tmp_path, "good", DEFAULTS)
    (tmp_path / "presets" / "bad.yaml").write_text(text)
    found, (problem,) = own_presets(tmp_path)
    assert [made.title for made in found] == ["good"]
    assert "bad.yaml" in problem
    assert words in problem
    assert "\n" not in problem


def test_a_deleted_preset_is_gone(tmp_path):
    path = save_preset(tmp_path, "good", DEFAULTS)
    delete_preset(path)
    assert own_presets(tmp_path) == ([], [])
    delete_preset(path)  # somebody else was faster
    path.mkdir()
    with pytest.raises(InputError, match="cannot be deleted"):
        delete_preset(path)


def test_a_preset_without_a_name_is_refused(tmp_path):
    with pytest.raises(InputError, match="letters or digits"):
        save_preset(tmp_path, " ../ ", DEFAULTS)
    assert own_presets(tmp_path) == ([], [])
