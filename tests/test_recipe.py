from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tui_finetune.errors import InputError
from tui_finetune.recipe import (
    STARTER,
    Reading,
    Recipe,
    dump_recipe,
    load_recipe,
    parse_recipe,
    set_value,
    source_words,
)

MINIMAL = {"data": {"source": "reviews.csv"}}


def parsed(**sections) -> Recipe:
    return parse_recipe({**MINIMAL, **sections}, "test")


def complaint(content, origin: str = "test") -> str:
    with pytest.raises(InputError) as error:
        parse_recipe(content, origin)
    return str(error.value)


def loaded(folder, text: str) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return load_recipe(path)


def assigned(*assignments: str, **content) -> dict:
    for assignment in assignments:
        set_value(content, assignment)
    return content


def test_the_data_is_all_that_a_recipe_must_say():
    recipe = parsed()
    assert recipe.task == "text-classification"
    assert recipe.model.source == STARTER
    assert (recipe.data.validation, recipe.data.test, recipe.data.seed) == (0.1, 0.1, 42)
    assert (recipe.tokens.max_length, recipe.tokens.padding) == (128, "dynamic")
    assert (recipe.train.num_train_epochs, recipe.train.learning_rate) == (3, 1e-4)
    assert (recipe.early_stopping.patience, recipe.early_stopping.metric) == (2, "eval_loss")


def test_a_file_says_the_same_after_it_was_read_and_written(tmp_path):
    recipe = parsed(
        name="films",
        data={"source": "gone.csv", "columns": {"text": "body"}, "test": 0, "header": False},
        train={"learning_rate": 5e-5, "gradient_accumulation_steps": 2, "fp16": True},
        early_stopping={"patience": None, "metric": "eval_f1"},
    )
    assert loaded(tmp_path, dump_recipe(recipe)) == recipe
    assert recipe.train.gradient_accumulation_steps == 2
    assert recipe.train.model_extra == {"fp16": True}


def test_a_small_learning_rate_stays_a_number_in_any_notation(tmp_path):
    for written in ("5e-5", "5.0e-5", "0.00005", "5E-05"):
        text = f"data: {{source: gone.csv}}\ntrain: {{learning_rate: {written}}}\n"
        assert loaded(tmp_path, text).train.learning_rate == 5e-5
    content = YAML(typ="safe").load(dump_recipe(parsed(train={"learning_rate": 5e-5})))
    assert content["train"]["learning_rate"] == 5e-5


def test_the_file_keeps_the_order_of_the_design():
    keys = [line.split(":")[0] for line in dump_recipe(parsed()).splitlines() if line[0] != " "]
    assert keys == [
        "name",
        "task",
        "data",
        "problem_type",
        "model",
        "tokens",
        "train",
        "early_stopping",
    ]


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x85")
words = st.text(characters, min_size=1, max_size=60)


@settings(max_examples=25, deadline=None)
@given(name=words, column=words)
def test_any_name_comes_back_from_the_file_as_it_was(tmp_path_factory, name, column):
    recipe = parsed(name=name, data={"source": "/gone.csv", "columns": {"text": column}})
    assert loaded(tmp_path_factory.getbasetemp(), dump_recipe(recipe)) == recipe


def test_even_a_next_line_character_comes_back_from_the_file(tmp_path):
    recipe = parsed(name="wait\x85")
    assert loaded(tmp_path, dump_recipe(recipe)) == recipe


@pytest.mark.parametrize(
    ("content", "key", "known"),
    [
        ({**MINIMAL, "epochs": 3}, "epochs", "early_stopping"),
        ({"data": {"source": "a", "path": "b"}}, "data.path", "drop_empty"),
        ({"data": {"source": "a", "columns": {"txt": "b"}}}, "data.columns.txt", "label"),
        ({**MINIMAL, "model": {"name": "b"}}, "model.name", "revision"),
        ({**MINIMAL, "tokens": {"length": 3}}, "tokens.length", "max_length"),
        ({**MINIMAL, "early_stopping": {"wait": 3}}, "early_stopping.wait", "patience"),
    ],
)
def test_an_unknown_key_is_named_with_those_that_are_known(content, key, known):
    assert complaint(content, "r.yaml").startswith(f"r.yaml: {key}: the recipe has no such key")
    assert known in complaint(content).partition("it knows ")[2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "data: this is missing"),
        ({"data": {}}, "data.source: this is missing"),
        ({"data": "reviews.csv"}, "data: a mapping of keys to values is expected here"),
        ({**MINIMAL, "train": None}, "train: a mapping"),
        (None, "the recipe: a mapping"),
        ({**MINIMAL, "name": "x" * 61}, "at most 60 characters"),
        ({**MINIMAL, "task": "chess"}, "task: 'chess' is not allowed here"),
        ({**MINIMAL, "tokens": {"max_length": 3}}, "greater than or equal to 4"),
        ({**MINIMAL, "tokens": {"max_length": 12.5}}, "tokens.max_length: 12.5"),
        ({**MINIMAL, "tokens": {"padding": "left"}}, "it should be dynamic or max_length"),
        ({**MINIMAL, "train": {"learning_rate": 0}}, "train.learning_rate: 0"),
        ({**MINIMAL, "train": {"learning_rate": "fast"}}, "train.learning_rate: 'fast'"),
        ({**MINIMAL, "train": {"num_train_epochs": float("nan")}}, "a finite number"),
        ({"data": {"source": "a", "seed": -1}}, "data.seed: -1"),
        ({"data": {"source": "a", "validation": [1]}}, "data.validation: [1]"),
        ({**MINIMAL, "early_stopping": {"metric": "loss"}}, "eval_loss, eval_accuracy"),
    ],
)
def test_a_wrong_value_is_named_with_its_field_and_what_is_expected(content, words):
    assert words in complaint(content)


def test_what_is_hostile_in_a_recipe_reaches_the_message_only_as_text():
    hostile = "\x1b]52;c;aGk=\x07\x9b\u202e\n"
    for content in (
        {**MINIMAL, hostile: 1},
        {"data": {"source": "a", "columns": {hostile: 1}}},
        {**MINIMAL, "task": hostile},
        {**MINIMAL, "name": [hostile]},
        {**MINIMAL, "name": hostile * 50},
        {**MINIMAL, "train": {hostile: 1, "learning_rate": hostile}},
    ):
        message = complaint(content, hostile)
        assert message.isprintable()
        assert len(message) < 300


def test_a_dotted_key_is_set_in_its_section_and_the_last_word_counts():
    content = assigned("data.columns.text=a", "data.columns.text=b", data={"source": "c"})
    assert content == {"data": {"source": "c", "columns": {"text": "b"}}}


def test_a_key_alone_belongs_to_the_training_unless_it_is_one_of_the_recipes():
    assert assigned("learning_rate=1e-4") == assigned("train.learning_rate=1e-4")
    assert assigned("name=films", "seed=7") == {"name": "films", "train": {"seed": 7}}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-4", 1e-4), ("3", 3), ("true", True), ("null", None), ("", None), ("no", "no"),
        ("a=b", "a=b"), ("[1, 2]", [1, 2]), ("'12'", "12"), ("[half", "[half"),
    ],
)  # fmt: skip
def test_a_value_is_read_as_yaml_or_else_as_it_stands(written, value):
    assert assigned(f"name={written}") == {"name": value}


@pytest.mark.parametrize("assignment", ["learning_rate", "=3", " =3", ""])
def test_what_is_no_assignment_is_answered_with_an_example(assignment):
    with pytest.raises(InputError, match=r"write KEY=VALUE, such as train\.learning_rate=1e-4"):
        assigned(assignment)


def test_a_value_has_no_parts():
    with pytest.raises(InputError, match=r"--set task\.x: task has no parts of its own"):
        assigned("task.x=1", task="text-classification")


def test_files_beside_the_recipe_are_found_from_anywhere(tmp_path, monkeypatch):
    for name in ("train.csv", "dev.csv", "test.csv"):
        (tmp_path / name).touch()
    (tmp_path / "bert").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    text = "data: {source: train.csv, validation: dev.csv, test: ./test.csv}\nmodel: {source: bert}"
    recipe = loaded(tmp_path, text)
    assert recipe.data.source == str(tmp_path / "train.csv")
    assert recipe.data.validation == str(tmp_path / "dev.csv")
    assert recipe.data.test == str(tmp_path / "test.csv")
    assert recipe.model.source == str(tmp_path / "bert")


def test_the_recipes_own_folder_comes_before_the_working_folder(tmp_path, monkeypatch):
    for folder in ("recipes", "work"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").touch()
    (tmp_path / "work" / "b.csv").touch()
    monkeypatch.chdir(tmp_path / "work")
    recipe = loaded(tmp_path / "recipes", "data: {source: a.csv, validation: b.csv}")
    assert recipe.data.source == str(tmp_path / "recipes" / "a.csv")
    assert recipe.data.validation == str(tmp_path / "work" / "b.csv")


def test_what_is_found_nowhere_stays_as_it_was_written(tmp_path):
    text = "data: {source: gone.csv, validation: 0.2}\nmodel: {source: google/bert_tiny}"
    recipe = loaded(tmp_path, text)
    assert (recipe.data.source, recipe.data.validation) == ("gone.csv", 0.2)
    assert recipe.model.source == "google/bert_tiny"


def test_starter_stays_the_starter_beside_a_folder_of_that_name(tmp_path):
    (tmp_path / STARTER).mkdir()
    assert loaded(tmp_path, "data: {source: gone.csv}").model.source == STARTER


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.yaml: cannot read this recipe \(No such file"):
        load_recipe(tmp_path / "gone.yaml")
    with pytest.raises(InputError, match=r"cannot read this recipe \(Is a directory"):
        load_recipe(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"data: [", b"a: b: c", b"\xff\xfe\x00", b"\x1b[31m", b"a: 1\na: 2", b"a: *nothing",
     b"a: !!python/object:os.system x"],
)  # fmt: skip
def test_what_is_no_yaml_says_so(tmp_path, content):
    (tmp_path / "r.yaml").write_bytes(content)
    with pytest.raises(InputError, match=r"r\.yaml: this is not a YAML file: ") as error:
        load_recipe(tmp_path / "r.yaml")
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "text",
    ["name: 2024-99-99", "name: !!int x", "[" * 500, "data: {source: '~nobody-here/x'}",
     f"data: {{source: {'a' * 300}}}"],
)  # fmt: skip
def test_no_file_ends_in_a_traceback(tmp_path, text):
    with suppress(InputError):
        loaded(tmp_path, text)


def test_a_value_that_is_no_date_but_looks_like_one_is_text():
    assert assigned("name=2024-99-99") == {"name": "2024-99-99"}


def test_a_run_is_called_after_its_data_and_model_unless_it_has_a_name():
    assert parsed().run_name() == "reviews-minilm"
    assert parsed(model={"source": "google/bert_tiny"}).run_name() == "reviews-bert_tiny"
    assert parsed(name="night").run_name() == "night"


def test_several_files_beside_the_recipe_are_found_and_a_pattern_becomes_its_files(tmp_path):
    for name in ("part-2.csv", "part-1.csv", "other.csv", "odd[1].csv"):
        (tmp_path / name).touch()
    named = loaded(tmp_path, "data: {source: [other.csv, part-1.csv]}").data.source
    assert named == [str(tmp_path / "other.csv"), str(tmp_path / "part-1.csv")]
    fitting = loaded(tmp_path, "data: {source: 'part-*.csv'}").data.source
    assert fitting == [str(tmp_path / "part-1.csv"), str(tmp_path / "part-2.csv")]
    assert loaded(tmp_path, "data: {source: 'odd[1].csv'}").data.source == str(
        tmp_path / "odd[1].csv"
    )
    assert loaded(tmp_path, "data: {source: 'gone-*.csv'}").data.source == "gone-*.csv"


def test_a_run_on_several_files_or_a_hub_dataset_has_a_name_and_a_line_of_words():
    recipe = parsed(data={"source": ["/d/a.csv", "/d/b.csv", "/d/c.csv"]})
    assert recipe.run_name() == "a-minilm"
    assert source_words(recipe.data.source) == "/d/a.csv and 2 more"
    assert parsed(data={"source": "glue/sst:2"}).run_name() == "sst-2-minilm"
    assert parsed(data={"source": "a/my.v2.jsonl.gz"}).run_name() == "my.v2-minilm"


def test_how_a_text_file_is_written_can_be_said_with_names_for_signs(tmp_path):
    content = assigned(
        "data.reading.separator=tab", "data.reading.quote=none", "data.reading.header=false",
        "data.reading.encoding=cp1252", "data.reading.skip_lines=2", data={"source": "a.csv"},
    )  # fmt: skip
    reading = parse_recipe(content, "test").data.reading
    assert reading == Reading(
        encoding="cp1252", separator="\t", quote="none", header=False, skip_lines=2
    )
    recipe = parsed(data={"source": "a.csv", "reading": {"separator": "|", "quote": "'"}})
    assert loaded(tmp_path, dump_recipe(recipe)) == recipe


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        ({"separator": "ab"}, "data.reading.separator: 'ab' is not allowed here; it should be one"),
        ({"separator": '"'}, "one character, or one of comma, tab, semicolon, pipe"),
        ({"encoding": "klingon"}, "an encoding that Python knows"),
        ({"encoding": "hex"}, "an encoding that Python knows"),
        ({"skip_lines": -1}, "data.reading.skip_lines: -1"),
        ({"quotes": "x"}, "it knows encoding, separator, quote, header, skip_lines"),
    ],
)
def test_a_reading_that_cannot_be_is_refused(reading, words):
    assert words in complaint({"data": {"source": "a.csv", "reading": reading}})


def test_a_recipe_of_a_former_version_says_the_header_alone():
    assert parsed(data={"source": "a.csv", "header": False}).data.reading == Reading(header=False)
    assert parsed(data={"source": "a.csv", "header": None}).data.reading == Reading()


@pytest.mark.parametrize("source", [[], ["a.csv", ""], [3], {"a": 1}])
def test_a_source_that_names_nothing_is_refused(source):
    assert complaint({"data": {"source": source}}).startswith("test: data.source")
