from pathlib import Path

import platformdirs
import pytest

from tui_finetune.home import VARIABLE, home, runs_folder


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def test_a_chosen_place_comes_before_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "variable"))
    assert home(tmp_path / "chosen") == tmp_path / "chosen"
    assert home(str(tmp_path / "chosen")) == tmp_path / "chosen"


def test_the_variable_comes_before_the_platform(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "variable"))
    assert home() == tmp_path / "variable"


def test_without_either_it_is_the_platforms_data_folder():
    assert home() == Path(platformdirs.user_data_dir("tui-finetune"))


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_choice_or_variable_counts_as_none(monkeypatch, empty):
    monkeypatch.setenv(VARIABLE, "")
    assert home(empty) == Path(platformdirs.user_data_dir("tui-finetune"))


def test_a_relative_place_stays_the_same_when_the_working_folder_changes(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert home("here") == tmp_path / "here"


def test_a_tilde_is_the_persons_own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home("~/tunes") == tmp_path / "tunes"
    monkeypatch.setenv(VARIABLE, "~/others")
    assert home() == tmp_path / "others"


def test_asking_for_the_home_makes_nothing(tmp_path):
    place = home(tmp_path / "new")
    assert runs_folder(place) == tmp_path / "new" / "runs"
    assert list(tmp_path.iterdir()) == []
