import json

import pytest

from tui_finetune.console.comparison import print_comparison
from tui_finetune.entry import main

HOSTILE = "[/]\x1b]52;c;AAAA\x07\u202egnol\x9b"


@pytest.fixture
def three(put_trained):
    """Two seeds and a run with another learning rate that is wrong on ten rows more."""
    wide = range(60)
    return [
        put_trained("films", losses=(0.5, 0.4), train__seed=1, tested=wide, wrong={0, 1}),
        put_trained("films", losses=(0.5, 0.6), train__seed=2, tested=wide, wrong={1, 2}, speed=50),
        put_trained("hot", train__learning_rate=5e-4, tested=wide, wrong=range(12)),
    ]


def test_the_document_has_the_figures_the_groups_the_differences_and_the_pairs(three, capsys):
    print_comparison(three, as_json=True)
    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    one, two, hot = (run.id for run in three)
    assert [run["run"] for run in document["runs"]] == [one, two, hot]
    assert [run["label"] for run in document["runs"]] == ["films seed 1", "films seed 2", "hot"]
    assert document["metrics"]["eval_loss"][two] == {"final": 0.6, "best": 0.5, "best_epoch": 1.0}
    assert document["best"]["eval_loss"] == [one]
    assert document["groups"][0]["runs"] == [one, two]
    assert document["groups"][0]["metrics"]["eval_loss"] == {
        "n": 2,
        "mean": pytest.approx(0.45),
        "deviation": pytest.approx(0.1 / 2**0.5),
    }
    assert document["differs"]["train.learning_rate"] == {one: 1e-4, two: 1e-4, hot: 5e-4}
    assert document["same"]["train.num_train_epochs"] == 3
    first, second, _ = document["pairs"]
    assert (first["b"], first["c"], first["n"], first["p_value"]) == (1, 1, 60, 1.0)
    assert (second["first"], second["second"]) == (one, hot)
    assert (second["b"], second["c"], second["both_wrong"]) == (10, 0, 2)
    assert second["p_value"] == pytest.approx(2 / 2**10)
    assert second["p_holm"] == pytest.approx(3 * 2 / 2**10)


def test_a_pair_that_cannot_be_tested_says_why_in_the_document(put_trained, capsys):
    print_comparison([put_trained("a", tested=()), put_trained("b")], as_json=True)
    (pair,) = json.loads(capsys.readouterr().out)["pairs"]
    assert pair["p_value"] is None
    assert pair["why_not"] == "a: no predictions of test rows"


@pytest.mark.parametrize("width", [80, 160])
def test_the_tables_say_it_to_a_reader(three, width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    print_comparison(three, as_json=False)
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert max(map(len, lines)) <= width
    hot = next(line for line in lines if line.startswith("#3"))
    assert "lr 5e-4" in hot
    assert "2.0x slower" in next(line for line in lines if line.startswith("#2"))
    loss = next(line for line in lines if line.startswith("validation loss"))
    assert "★ 0.4000" in loss
    assert ("0.5000, 0.6000" in loss) == (width == 160)  # best, last
    assert "0.4500 ± 0.0707" in printed
    assert "train.learning_rate" in printed
    assert "10 against 0 of 60 rows, p = 0.002" in printed


def test_ten_runs_fit_into_eighty_columns(put_trained, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_comparison([put_trained(f"run-{n}", train__seed=n) for n in range(10)], as_json=False)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "#10" in printed


def test_hostile_names_and_settings_are_printed_harmless(put_trained, capsys):
    runs = [put_trained(f"{HOSTILE}{n}") for n in range(2)]
    for number, run in enumerate(runs):
        run.recipe.unlink()
        run.arguments.write_text(json.dumps({HOSTILE: f"{HOSTILE}{number}"}))
        run.environment.write_text(json.dumps({"host": f"{HOSTILE}{number}"}))
        with run.journal.open("a") as journal:
            journal.write(json.dumps({"event": "test", "metrics": {HOSTILE: 0.5}}) + "\n")
            entry = {"event": "log", "time": 1, "step": 1, "epoch": 1, f"eval_{HOSTILE}loss": 1.0}
            journal.write(json.dumps(entry) + "\n")
    for as_json in (False, True):
        print_comparison(runs, as_json)
        assert not set("\x1b\x07\u202e\x9b") & set(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a"], "2 to 10 runs can be compared, not 1"),
        ([*"abcdefghijk"], "2 to 10 runs can be compared, not 11"),
        (["a", "b", "a"], "named 2 times"),
        (["a", "nobody"], "no such run"),
    ],
)
def test_a_choice_that_cannot_be_compared_is_refused_in_a_line(
    put_trained, tmp_path, names, reason, capsys, monkeypatch
):
    for name in dict.fromkeys(names):
        if name != "nobody":
            put_trained(name, tested=())
    words = ["tui-finetune", "runs", "compare", *names, "--home", str(tmp_path)]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert reason in printed.err
    assert len(printed.err.strip().splitlines()) == 1
