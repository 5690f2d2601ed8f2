import json

import pytest

from tui_finetune.errors import InputError
from tui_finetune.recipe import parse_recipe
from tui_finetune.runs import results
from tui_finetune.runs.directory import RunDirectory, create_run

METRICS = {"accuracy": 0.8, "f1": 0.79, "loss": None}


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    made = create_run(tmp_path, parse_recipe({"data": {"source": "/d/films.csv"}}, "test"))
    made.evaluation.mkdir()
    return made


def put_results(run: RunDirectory, content: object, rows: int = 3) -> None:
    (run.evaluation / "metrics.json").write_text(json.dumps(content), encoding="utf-8")
    lines = "".join(json.dumps({"text": f"naïve\n{row}\u2028"}) + "\n" for row in range(rows))
    (run.evaluation / "test.jsonl").write_text(lines, encoding="utf-8")


def test_the_figures_come_with_their_rows_and_where_these_are_from(run):
    put_results(run, {"validation": {"accuracy": 0.9}, "test": METRICS})
    assert results.test_results(run) == {
        "data": "test rows of /d/films.csv",
        "rows": 3,
        "metrics": METRICS,
    }


def test_figures_of_the_validation_rows_are_not_taken_for_those_of_the_test_rows(run):
    put_results(run, {"validation": {"accuracy": 0.9}})
    with pytest.raises(InputError, match="not evaluated on test rows"):
        results.test_results(run)


@pytest.mark.parametrize("content", [None, "", '{"test": ', "\x00", "{}"])
def test_without_figures_the_message_says_what_to_do(run, content):
    if content is not None:
        (run.evaluation / "metrics.json").write_text(content)
    with pytest.raises(InputError) as error:
        results.test_results(run)
    assert str(error.value).startswith(f"run {run.id}: not evaluated on test rows")
    assert "--data FILE" in str(error.value)


def test_a_hostile_run_name_reaches_the_message_only_as_text(run):
    hostile = RunDirectory(run.path.rename(run.path.with_name("\x1b]52;c;aGk=\x07")))
    with pytest.raises(InputError) as error:
        results.test_results(hostile)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("content", [[], 3, None])
def test_figures_of_another_form_are_none(run, content):
    put_results(run, content)
    with pytest.raises(InputError, match="not evaluated on test rows"):
        results.test_results(run)


def test_figures_whose_predictions_were_deleted_are_wrong_input_and_no_crash(run):
    put_results(run, {"test": METRICS})
    (run.evaluation / "test.jsonl").unlink()
    with pytest.raises(InputError):
        results.test_results(run)
