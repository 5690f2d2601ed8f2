import json

import pytest

from tui_finetune.console.show import print_run, print_run_in_full, print_runs
from tui_finetune.errors import InputError
from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.about import About, write_about
from tui_finetune.runs.directory import create_run
from tui_finetune.runs.status import Status, write_status

HOSTILE = "[/]\x1b]52;c;AAAA\x07\u202egnol\x9b"


@pytest.fixture
def put_run(tmp_path):
    """Make an ended run whose status file says these values; `slug` is what its id has of it."""

    def put(slug="reviews-minilm", **values):
        content = {"name": slug, "data": {"source": "/d/a.csv"}}
        run = create_run(tmp_path, parse_recipe(content, "test"))
        status = {"state": "stopped", "data": "/d/films.csv", "model": "starter", "step": 12345,
                  "total_steps": 23456}  # fmt: skip
        write_status(run.status, Status(**{**status, **values}))
        return run

    return put


@pytest.mark.parametrize("slug", ["reviews-minilm", "a-name-of-forty-letters-or-a-few-less"])
@pytest.mark.parametrize("width", [60, 80, 160])
def test_ids_and_figures_stand_whole_at_any_width(
    slug, width, put_run, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", str(width))
    run = put_run(slug, metrics={"validation": {"accuracy": 0.8125}})
    put_run("other", metrics={"test": {"hamming_loss": 0.125}})
    print_runs(tmp_path, as_json=False)
    printed = capsys.readouterr().out
    assert run.id in printed.split()
    assert ("films.csv" in printed) == (width == 160)
    for figure in ("stopped", "12345/23456", "acc 0.8125", "hamming 0.1250"):
        assert figure in printed
    assert max(map(len, printed.splitlines())) <= width


def test_all_metrics_of_several_labels_are_legible_in_80_columns(put_run, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    metrics = {f"a_rather_long_metric_{n}": n / 16 for n in range(14)}
    print_run(put_run(metrics={"validation": metrics, "test": metrics}), as_json=False)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["validation", "test"] in lines
    for name, value in metrics.items():
        assert [name, f"{value:.4f}", f"{value:.4f}"] in lines


def test_the_command_for_a_prediction_names_the_second_text_of_a_pair(put_run, tmp_path, capsys):
    single, paired = put_run(), put_run("pairs")
    paired.recipe.write_text("data: {source: a.csv, columns: {text: q, text_pair: a}}")
    for run in (single, paired):
        run.model.mkdir()
        (run.model / "config.json").touch()
        print_run(run, as_json=False)
    first, second = (line for line in capsys.readouterr().out.splitlines() if "next" in line)
    assert first.endswith(f'predict {single.id} "a sentence"')
    assert second.endswith(f'predict {paired.id} "a sentence" --pair "its second text"')


def test_hostile_text_is_printed_harmless(put_run, tmp_path, capsys):
    metrics = {HOSTILE: {HOSTILE: 0.5}}
    run = put_run(state=HOSTILE, name=HOSTILE, reason=HOSTILE, data=HOSTILE, metrics=metrics)
    for as_json in (False, True):
        print_runs(tmp_path, as_json)
        print_run(run, as_json)
        print_run_in_full(run, as_json)
        assert not set("\x1b\x07\u202e\x9b") & set(capsys.readouterr().out)


def test_the_full_document_is_finite_json(put_run, capsys):
    run = put_run()
    line = '{"event": "log", "time": 1.0, "step": 1, "epoch": 1.0, "eval_loss": NaN}\n'
    run.journal.write_text(line)
    print_run_in_full(run, as_json=True)
    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert document["epochs"][0]["validation_loss"] is None


def test_a_filter_leaves_out_runs_and_says_when_none_is_left(put_run, tmp_path, capsys):
    put_run("good", metrics={"test": {"accuracy": 0.95}})
    put_run("bad", metrics={"test": {"accuracy": 0.5}})
    print_runs(tmp_path, True, "accuracy>0.9")
    (run,) = json.loads(capsys.readouterr().out)
    assert run["metrics"] == {"test": {"accuracy": 0.95}}
    print_runs(tmp_path, False, "tag:none")
    assert capsys.readouterr().out == "none of 2 runs is meant by: tag:none\n"
    with pytest.raises(InputError, match="did you mean accuracy"):
        print_runs(tmp_path, False, "acuracy>0.9")


def test_a_persons_name_tags_and_note_are_shown_and_a_run_without_a_recipe_too(put_run, capsys):
    run = put_run("plain")
    write_about(run, About(name="splendid", tags=("base",), note="keep"))
    run.recipe.unlink()
    run.arguments.write_text('{"learning_rate": 0.5}')
    print_run_in_full(run, as_json=False)
    printed = capsys.readouterr().out
    for words in ("splendid", "tags   base", "note   keep", "train.learning_rate: 0.5"):
        assert words in printed
    print_run_in_full(run, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert (document["name"], document["recipe"]) == ("splendid", None)
