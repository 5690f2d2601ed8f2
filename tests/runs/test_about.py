import json
import os

import pytest

from tui_finetune.errors import InputError
from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.about import (
    LONGEST_NAME,
    About,
    change_about,
    name_of,
    parse_tags,
    read_about,
    write_about,
)
from tui_finetune.runs.directory import create_run, find_run
from tui_finetune.runs.status import Status, read_status, write_status


@pytest.fixture
def run(tmp_path):
    made = create_run(tmp_path, parse_recipe({"data": {"source": "a.csv"}}, "test"))
    write_status(made.status, Status(name="its-own-name", state="finished"))
    return made


def test_nothing_is_written_about_a_new_run(run):
    assert read_about(run) == About()
    assert name_of(run, read_status(run.status)) == "its-own-name"


def test_what_is_written_is_read_back_and_the_status_file_is_not_touched(run):
    before = run.status.read_bytes(), run.status.stat().st_mtime_ns
    about = About(name="größer", tags=("base", "[/]"), note="two\nlines\x1b")
    write_about(run, about)
    assert read_about(run) == about
    assert (run.status.read_bytes(), run.status.stat().st_mtime_ns) == before
    assert sorted(path.name for path in run.path.iterdir()) == [
        "about.json", "control", "recipe.yaml", "status.json",
    ]  # fmt: skip


def test_a_change_leaves_the_rest_as_it_was(run):
    write_about(run, About(name="a", tags=("b",), note="c"))
    change_about(run, note="d")
    change_about(run, name=None)
    assert read_about(run) == About(name=None, tags=("b",), note="d")


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", "null", "3", '{"name": 3, "tags": "abc", "note": []}', "[" * 100_000, "\xff"],
)
def test_a_damaged_file_says_nothing(run, content):
    run.about.write_text(content)
    assert read_about(run) == About()


def test_what_is_no_tag_is_left_out(run):
    run.about.write_text(json.dumps({"tags": ["a", 1, None, "b"]}))
    assert read_about(run).tags == ("a", "b")


def test_a_name_that_is_too_long_is_refused(run):
    with pytest.raises(InputError, match=f"at most {LONGEST_NAME} characters"):
        write_about(run, About(name="x" * (LONGEST_NAME + 1)))
    assert read_about(run) == About()


def test_a_folder_that_cannot_be_written_is_named(run, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError, match="cannot write about it \\(Permission denied\\)"):
        write_about(run, About(note="x"))


def test_a_run_is_found_by_the_name_that_a_person_gave_it_and_no_longer_by_its_own(tmp_path, run):
    write_about(run, About(name="the good one"))
    assert find_run(tmp_path, "the good one") == run
    with pytest.raises(InputError, match="no such run"):
        find_run(tmp_path, "its-own-name")


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", ()),
        (" , ", ()),
        ("a b,c", ("a", "b", "c")),
        ("b a b", ("b", "a")),
        ("x\ty", ("x", "y")),
    ],
)
def test_tags_are_words_set_apart_by_blanks_or_commas(text, tags):
    assert parse_tags(text) == tags
