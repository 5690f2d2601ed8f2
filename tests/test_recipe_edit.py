import pytest

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe, load_recipe, parse_recipe
from tui_finetune.recipe_edit import dump_recipe_over
from tui_finetune.ui.panes.tune_files import save_recipe

BY_HAND = """\
# Films of the nineties.
data:
  source: films.csv   # from the archive
  # the label was made by two people
  columns: {text: review}
train:
  learning_rate: 5.0e-5 # tried 1e-4: too hot
  optim: adafactor

  max_steps: 20  # a look

tokens: {max_length: 64}
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "films.csv").touch()
    path = tmp_path / "films.yaml"
    path.write_text(BY_HAND)
    return path


def changed(recipe: Recipe, **sections) -> Recipe:
    content = recipe.model_dump(mode="json")
    for name, values in sections.items():
        content[name] = {**content[name], **values} if isinstance(values, dict) else values
    return parse_recipe(content, "test")


def test_nothing_changed_is_written_letter_by_letter(path):
    assert dump_recipe_over(load_recipe(path), BY_HAND, path) == BY_HAND


def test_a_changed_value_leaves_all_else_as_it_was(path):
    recipe = changed(load_recipe(path), train={"learning_rate": 3e-5})
    text = dump_recipe_over(recipe, BY_HAND, path)
    assert text == BY_HAND.replace("5.0e-5 #", "3e-05  #")  # the comment keeps its column


def test_what_is_new_is_added_and_what_is_gone_goes(path):
    recipe = load_recipe(path)
    recipe = changed(recipe, name="films: x", data={"seed": 7}, early_stopping={"patience": None})
    del recipe.train.__pydantic_extra__["max_steps"]
    text = dump_recipe_over(recipe, BY_HAND, path)
    path.write_text(text)
    assert load_recipe(path) == recipe
    assert "max_steps" not in text
    for kept in ("# Films of", "# from the archive", "# the label was", "# tried 1e-4", "review}"):
        assert kept in text
    assert "weight_decay" not in text  # the default, and nobody wrote it


def test_a_file_beside_the_recipe_stays_relative_until_it_is_another(path):
    recipe = changed(load_recipe(path), data={"source": "/d/other.csv"})
    assert "source: films.csv " in dump_recipe_over(load_recipe(path), BY_HAND, path)
    assert "source: /d/other.csv " in dump_recipe_over(recipe, BY_HAND, path)


def test_a_value_that_stood_for_another_becomes_one_of_its_own(path):
    text = "data: {source: films.csv}\ntrain: {learning_rate: &x 0.1, weight_decay: *x}\n"
    path.write_text(text)
    recipe = changed(load_recipe(path), train={"weight_decay": 0.2})
    assert "weight_decay: 0.2" in dump_recipe_over(recipe, text, path)


def test_a_key_of_a_former_version_that_would_win_is_named(path):
    text = "data: {source: films.csv, header: true}\n"
    path.write_text(text)
    recipe = changed(load_recipe(path), data={"reading": {"header": False}})
    with pytest.raises(InputError, match=r"films\.yaml: .*cannot be changed in place"):
        dump_recipe_over(recipe, text, path)


@pytest.mark.parametrize("text", ["a: b: c", "[1, 2]", "", "data: 3"])
def test_a_file_that_is_no_recipe_is_not_written_over(path, text):
    with pytest.raises(InputError, match=r"films\.yaml: "):
        dump_recipe_over(load_recipe(path), text, path)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (  # indented by four, with room, lists further in than they must
            "data:\n    source:\n        - films.csv\ntrain:\n    learning_rate:   1e-4 # hot\n"
            "    lr_scheduler_kwargs: {num_cycles:   2}\n    optim:    sgd   # x\n",
            {"    learning_rate:   1e-4 # hot": "    learning_rate: 3e-05  # hot"},
        ),
        (  # each section as its writer liked it
            "data:\n  source: films.csv\n  columns:\n        text:   a # x\n"
            "train:\n    learning_rate: 1e-4\n    seed:   7\n",
            {"    learning_rate: 1e-4": "    learning_rate: 3e-05"},
        ),
        ("\ufeffdata: {source:  films.csv}\r\ntrain:\r\n  learning_rate: 1e-4\r\n",
         {"  learning_rate: 1e-4\r": "  learning_rate: 3e-05\r"}),
    ],
)  # fmt: skip
def test_only_the_line_of_what_was_changed_is_another(path, text, lines):
    path.write_bytes(text.encode())
    recipe = changed(load_recipe(path), train={"learning_rate": 3e-5})
    made = dump_recipe_over(recipe, text, path)
    assert made.split("\n") == [lines.get(line, line) for line in text.split("\n")]
    save_recipe(recipe, path)
    assert path.read_bytes() == made.encode()
    assert load_recipe(path) == recipe
