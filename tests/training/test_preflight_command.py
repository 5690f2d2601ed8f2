"""`check` and `script`, called as from a shell."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui_finetune.entry import main
from tui_finetune.recipe import Recipe, dump_recipe
from tui_finetune.runs.directory import all_runs
from tui_finetune.training.start import new_run

Call = Callable[..., tuple[int, str, str]]
Make = Callable[..., Recipe]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Call:
    """Run a command with a home of its own; return exit code, stdout, stderr."""
    monkeypatch.setenv("TUI_FINETUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tui-finetune", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capfd.readouterr()

    return run


def write(recipe: Recipe, path: Path) -> Path:
    path.write_text(dump_recipe(recipe))
    return path


def test_check_prints_a_list_of_findings_and_nothing_else(
    call: Call, make_recipe: Make, tmp_path: Path
) -> None:
    recipe = write(make_recipe(), tmp_path / "films.yaml")
    code, out, err = call("check", recipe, "--no-measure", "--json")
    assert (code, err) == (0, "")
    found: list[dict[str, Any]] = json.loads(out)
    assert {"title", "message", "severity", "count", "field", "fix"} <= found[0].keys()
    assert all_runs(tmp_path / "home") == []


def test_check_ends_with_2_where_a_start_would_and_says_how_to_mend_it(
    call: Call, make_recipe: Make, tmp_path: Path
) -> None:
    recipe = write(make_recipe(dataloader_drop_last=True), tmp_path / "films.yaml")
    code, out, _ = call("check", recipe, "--no-measure")
    assert code == 2
    assert "✗ No batch is full" in out
    assert "--set train.dataloader_drop_last=false" in out
    assert "this recipe cannot be started as it is" in out
    assert max(map(len, out.splitlines())) <= 80
    code, out, err = call("train", recipe)
    assert (code, out) == (2, "")
    assert "12 validation rows are fewer than a batch" in err
    assert len(err.strip().splitlines()) == 1
    mended = call("check", recipe, "--no-measure", "--set", "train.dataloader_drop_last=false")
    assert mended[0] == 0


def test_check_of_what_is_no_recipe_ends_in_one_line(call: Call, tmp_path: Path) -> None:
    code, out, err = call("check", tmp_path / "nowhere.yaml")
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1


def test_script_prints_the_script_or_writes_it(
    call: Call, make_recipe: Make, tmp_path: Path
) -> None:
    run = new_run(tmp_path / "home", make_recipe()).run
    code, out, _ = call("script", run.id)
    assert code == 0
    compile(out, "train.py", "exec")
    path = tmp_path / "films.py"
    code, said, _ = call("script", "films", "--out", path)
    assert code == 0
    assert "films.py" in said
    assert path.read_text().replace("films.py", "train.py") == out
    code, out, err = call("script", run.id, "--out", tmp_path / "no" / "such" / "folder.py")
    assert (code, out) == (2, "")
    assert "cannot write here" in err
