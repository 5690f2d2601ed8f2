import pytest

from tui_finetune.errors import InputError
from tui_finetune.recipe import TrainSection, load_recipe, parse_recipe
from tui_finetune.ui.draft import Draft, Finding


def test_a_new_draft_has_the_defaults_and_no_data():
    draft = Draft()
    assert draft.content["train"] == TrainSection().model_dump()
    assert draft.value("data.source") == ""
    assert "choose a file" in draft.obstacle()
    with pytest.raises(InputError, match="choose a file"):
        draft.recipe()


def test_text_from_a_form_becomes_numbers():
    draft = Draft()
    assert draft.set("train.learning_rate", "1e-4") is None
    assert draft.set("train.num_train_epochs", "2") is None
    draft.set("data.source", "/d/films.csv")
    recipe = draft.recipe()
    assert recipe.train.learning_rate == 1e-4
    assert recipe.train.num_train_epochs == 2


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("train.learning_rate", "abc", "write a number, such as"),
        ("train.learning_rate", "0", "must be above 0"),
        ("train.learning_rate", "nan", "write a number"),
        ("train.per_device_train_batch_size", "1.5", "write a whole number"),
        ("tokens.max_length", "", "write a whole number"),
        ("early_stopping.patience", "0", "must be 1 or more"),
        ("name", "x" * 61, "at most 60 characters"),
        ("early_stopping.metric", "loss", "must be 'eval_loss'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason_and_not_taken(draft, key, value, reason):
    before = draft.value(key)
    assert reason in draft.set(key, value)
    assert draft.value(key) == before
    assert draft.obstacle() == f"{key}: {draft.problems[key]}"
    with pytest.raises(InputError, match=key):
        draft.recipe()


def test_a_right_value_takes_the_problem_away(draft):
    draft.set("train.seed", "x")
    assert draft.set("train.seed", "7") is None
    assert draft.problems == {}
    assert draft.recipe().train.seed == 7


def test_training_arguments_that_the_form_does_not_show_are_kept(tmp_path):
    recipe = parse_recipe(
        {"data": {"source": "f.csv"}, "train": {"gradient_accumulation_steps": 2}}, "test"
    )
    draft = Draft(recipe)
    draft.set("train.seed", "1")
    assert draft.recipe().train.model_extra == {"gradient_accumulation_steps": 2}


def test_steps_follow_from_rows_batch_epochs_and_warmup(draft):
    draft.set("train.per_device_train_batch_size", "30")
    draft.set("train.num_train_epochs", "2.5")
    draft.set("train.warmup_steps", "0.1")
    derived = draft.derived()
    assert derived.steps_per_epoch == 27  # 800 / 30, the last batch smaller
    assert derived.total_steps == 68
    assert derived.warmup_steps == 7


def test_gradient_accumulation_makes_fewer_steps(draft, profile):
    recipe = parse_recipe(
        {"data": {"source": "f.csv"}, "train": {"gradient_accumulation_steps": 4}}, "test"
    )
    draft.replace(recipe)
    draft.data = Finding(result=profile())
    assert draft.derived().steps_per_epoch == 13  # 50 batches of 16, four a step


def test_without_splits_nothing_is_derived(draft, profile):
    draft.data = Finding(result=profile(splits=None))
    assert draft.derived().total_steps is None


def test_a_grave_problem_of_the_data_stands_in_the_way_and_a_warning_does_not(draft, profile):
    warning = {"title": "t", "message": "twice there", "severity": "warning", "count": 3}
    grave = {"title": "t", "message": "one label only", "severity": "error", "count": 1}
    draft.data = Finding(result=profile(problems=[warning]))
    assert draft.obstacle() is None
    draft.data = Finding(result=profile(problems=[warning, grave]))
    assert "one label only" in draft.obstacle()


def test_listeners_hear_of_every_change(draft):
    heard = []
    draft.on_change(lambda: heard.append(draft.value("train.seed")))
    draft.set("train.seed", 1)
    draft.set("train.seed", "wrong")
    assert heard == [1, 1]


def test_the_sample_recipe_is_a_whole_draft():
    draft = Draft(load_recipe("sample_data/reviews.yaml"))
    assert draft.obstacle() is None
    assert draft.recipe().run_name()
