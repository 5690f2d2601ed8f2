import pytest

from tui_finetune.errors import InputError
from tui_finetune.presets import UNSET
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
    recipe = parse_recipe({"data": {"source": "f.csv"}, "train": {"max_grad_norm": 2}}, "test")
    draft = Draft(recipe)
    draft.set("train.seed", "1")
    assert draft.recipe().train.model_extra == {"max_grad_norm": 2}


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


def test_undo_goes_back_change_by_change_and_redo_forth_again(draft):
    draft.set("train.seed", "1")
    draft.set("train.weight_decay", "0.1")
    assert draft.undo()
    assert draft.value("train.weight_decay") == 0.01
    assert draft.value("train.seed") == 1
    assert draft.undo()
    assert draft.value("train.seed") == 42
    assert draft.redo()
    assert draft.redo()
    assert not draft.redo()
    assert draft.value("train.weight_decay") == 0.1


def test_what_is_typed_into_one_field_is_one_step_until_the_field_is_left(draft):
    for text in ("1", "1e", "1e-", "1e-3"):
        draft.set("train.learning_rate", text)
    draft.end_step()
    draft.set("train.learning_rate", "2")
    draft.undo()
    assert draft.value("train.learning_rate") == 1e-3
    draft.undo()
    assert draft.value("train.learning_rate") == 5e-5


def test_undo_takes_a_refused_value_away_first(draft):
    draft.set("train.seed", "1")
    draft.set("train.seed", "x")
    draft.undo()
    assert draft.problems == {}
    assert draft.value("train.seed") == 1


def test_a_new_change_ends_what_could_be_made_again(draft):
    draft.set("train.seed", "1")
    draft.undo()
    draft.set("name", "films")
    assert not draft.redo()


def test_several_values_are_set_together_or_not_at_all(draft):
    assert draft.change({"train.seed": 1, "train.max_steps": 5, "tokens.max_length": 64}) is None
    assert (draft.value("train.max_steps"), draft.value("tokens.max_length")) == (5, 64)
    before = draft.content
    assert "tokens.max_length" in draft.change({"train.seed": 2, "tokens.max_length": 1})
    assert draft.content is before
    assert draft.change({"train.max_steps": UNSET, "train.seed": UNSET}) is None
    assert "max_steps" not in draft.content["train"]
    assert draft.value("train.seed") == 42
    draft.undo()
    draft.undo()
    assert draft.value("tokens.max_length") == 128


def test_undo_brings_back_other_data_with_what_was_known_of_it(draft, profile, model):
    known = draft.data
    draft.model = Finding(result=model())
    draft.change({"data.source": "/data/other.csv"})
    draft.data = Finding(result=profile(rows=3))
    draft.undo()
    assert draft.value("data.source") == "/data/films.csv"
    assert draft.data is known
    draft.redo()
    assert draft.data.result["rows"] == 3
    assert draft.model.result == model()


def test_data_that_was_still_being_read_is_unknown_after_undo(draft):
    draft.data = Finding(busy=True)
    draft.replace(parse_recipe({"data": {"source": "/data/other.csv"}}, "test"))
    draft.undo()
    assert draft.value("data.source") == "/data/films.csv"
    assert draft.data == Finding()


def test_what_differs_from_the_default_is_known(draft):
    assert not draft.is_default("train.learning_rate")
    assert draft.is_default("train.seed")
    assert draft.is_default("train.max_steps")
    draft.set("train.max_steps", 5)
    assert not draft.is_default("train.max_steps")
    draft.fields = Finding(result={"fields": [{"name": "max_steps", "default": -1}]})
    draft.set("train.max_steps", -1)
    assert draft.is_default("train.max_steps")
    draft.own_defaults = {"eval_strategy": "epoch"}
    draft.set("train.eval_strategy", "epoch")
    assert draft.is_default("train.eval_strategy")


def test_what_the_engine_refuses_stops_the_start_until_it_is_mended(draft):
    draft.set("train.optim", "adamm")
    draft.refused = {"optim": "no such optimizer"}
    assert draft.obstacle() == "train.optim: no such optimizer"
    assert draft.as_written().train.model_extra == {"optim": "adamm"}
    draft.set("train.optim", "sgd")
    assert draft.obstacle() is None


def test_a_step_takes_in_the_rows_of_all_its_batches(draft):
    draft.set("train.gradient_accumulation_steps", "4")
    assert draft.derived().effective_batch == 64
    assert draft.derived().tokens_per_step is None
    draft.note_tokens({name: draft.content[name] for name in ("data", "model", "tokens")}, 20.5)
    assert draft.derived().tokens_per_step == 64 * 20.5
    draft.set("tokens.max_length", "50")  # some may be cut off now: who knows
    assert draft.derived().tokens_per_step is None
    draft.set("tokens.padding", "max_length")
    assert draft.derived().tokens_per_step == 64 * 50


def test_a_number_of_steps_counts_for_more_than_the_epochs(draft):
    draft.set("train.max_steps", 30)
    draft.set("train.warmup_steps", "0.1")
    assert (draft.derived().total_steps, draft.derived().warmup_steps) == (30, 3)
