import json
from pathlib import Path

import pytest

from tui_finetune.console.prediction import predict_file_with_progress, print_file_result
from tui_finetune.evaluation.prediction_files import FileResult
from tui_finetune.evaluation.trained import TrainedModel
from tui_finetune.models.loading import load_classifier, load_tokenizer, load_trained
from tui_finetune.recipe import parse_recipe


@pytest.fixture
def trained(tiny_model, tmp_path, monkeypatch):
    """A classifier of two labels with random weights."""
    monkeypatch.setenv("TUI_FINETUNE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "model"
    load_classifier(tiny_model(), ["negative", "positive"]).save_pretrained(folder)
    load_tokenizer(tiny_model()).save_pretrained(folder)
    recipe = parse_recipe({"data": {"source": "none"}}, "test")
    return TrainedModel(folder, "after", recipe, *load_trained(folder))


def test_the_progress_goes_to_stderr_and_the_document_alone_to_stdout(trained, tmp_path, capsys):
    source = tmp_path / "[bold]in.jsonl"
    source.write_text('{"text": "good film"}\n{"text": ""}\n')
    out = tmp_path / "out.csv"
    result = predict_file_with_progress(trained, source, out, None, False)
    print_file_result(result, as_json=True)
    printed = capsys.readouterr()
    document = {"out": str(out), "rows": 2, "empty": 1, "resumed_from": 0}
    assert json.loads(printed.out) == document
    assert len(out.read_text().splitlines()) == 3


def test_an_interrupt_says_that_the_same_command_goes_on(trained, tmp_path, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("tui_finetune.console.prediction.predict_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict_file_with_progress(trained, tmp_path / "in.csv", tmp_path / "out.csv", None, False)
    assert "the same command goes on there" in capsys.readouterr().err


def test_what_came_of_it_is_printed_harmless(capsys):
    print_file_result(FileResult(Path("a\x1b]0;x\x07.csv"), 12_000, 3, 4_000), as_json=False)
    printed = capsys.readouterr().out
    assert "12,000 rows written to a\ufffd]0;x\ufffd.csv" in printed
    assert "4,000 of them" in printed
    assert "3 without a text" in printed
    print_file_result(FileResult(Path("a.csv"), 1, 0, 0), as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == 1
