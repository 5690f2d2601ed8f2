import subprocess
import sys
from pathlib import Path

import pytest

from tui_finetune.entry import EXIT_INPUT, dashboard_options

ROOT = Path(__file__).parents[1]


def run(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the program without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "tui_finetune", *map(str, words)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_no_words_open_the_dashboard():
    options = dashboard_options([])
    assert options is not None
    assert options.home is None
    assert options.recipe is None


@pytest.mark.parametrize(
    "words",
    [
        ["--home", "/h", "--recipe", "r.yaml"],
        ["--recipe", "r.yaml", "--home", "/h"],
        ["--home=/h", "--recipe=r.yaml"],
    ],
)
def test_a_home_and_a_recipe_open_the_dashboard_with_them(words):
    options = dashboard_options(words)
    assert options is not None
    assert options.home == "/h"
    assert options.recipe == Path("r.yaml")


@pytest.mark.parametrize(
    "words",
    [
        ["train", "r.yaml"],
        ["runs", "--json"],
        ["runs", "--home", "/h"],
        ["--home", "/h", "runs"],
        ["--recipe", "r.yaml", "train"],
        ["nonsense"],
        ["--help"],
        ["-h"],
        ["--version"],
        ["--home", "/h", "--help"],
        ["--unknown"],
        ["--hom", "/h"],  # abbreviations are not guessed
        ["--home"],  # its value is missing, which the commands explain
        ["--recipe"],
    ],
)
def test_everything_else_goes_to_the_commands(words, capsys):
    assert dashboard_options(words) is None
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_the_dashboard_says_what_to_do_instead(tmp_path):
    done = run("--home", tmp_path)
    assert done.returncode == EXIT_INPUT == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("tui-finetune: the dashboard needs a terminal")
    assert "tui-finetune train --help" in line
    assert list(tmp_path.iterdir()) == []


def test_an_option_without_its_value_is_wrong_input():
    done = run("--home")
    assert done.returncode == EXIT_INPUT
    assert done.stdout == ""
    assert "--home" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_answers_under_the_programs_own_name():
    done = run("runs", "--help")
    assert done.returncode == 0
    assert "tui-finetune runs" in done.stdout
    assert done.stderr == ""
