import re
import time
from pathlib import Path

import pytest

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe, parse_recipe
from tui_finetune.runs.directory import (
    RESUME_STATE,
    RunDirectory,
    all_runs,
    create_run,
    find_run,
    folder_size,
    write_whole,
)
from tui_finetune.runs.status import Status, write_status


def recipe(name: str | None = None) -> Recipe:
    return parse_recipe({"name": name, "data": {"source": "/d/reviews.csv"}}, "test")


def put_run(home: Path, run_id: str, name: str = "") -> RunDirectory:
    """A finished run with this id and name."""
    run = RunDirectory(home / "runs" / run_id)
    run.path.mkdir(parents=True)
    write_status(run.status, Status(state="finished", name=name))
    return run


def put_checkpoint(run: RunDirectory, step: object, whole: bool = True) -> Path:
    folder = run.checkpoints / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    if whole:
        (folder / RESUME_STATE).touch()
    return folder


def ids(runs: list[RunDirectory]) -> list[str]:
    return [run.id for run in runs]


def test_a_new_run_holds_its_recipe_and_room_for_requests(tmp_path):
    run = create_run(tmp_path / "home", recipe("films"))
    assert run.path.parent == tmp_path / "home" / "runs"
    assert run.load_recipe() == recipe("films")
    assert run.control.is_dir()
    assert {path.name for path in run.path.iterdir()} == {"recipe.yaml", "control"}


def test_a_run_without_a_name_gets_one_for_good(tmp_path):
    assert create_run(tmp_path, recipe()).load_recipe().name == "reviews-minilm"


def test_an_id_says_when_in_utc_and_what(tmp_path, monkeypatch):
    monkeypatch.setattr(
        time, "gmtime", lambda *_: time.struct_time((2026, 11, 21, 5, 30, 12, 5, 325, 0))
    )
    assert re.fullmatch(
        r"20261121-053012-films-[0-9a-f]{4}", create_run(tmp_path, recipe("films")).id
    )


def test_ids_of_one_second_differ(tmp_path):
    made = {create_run(tmp_path, recipe("films")).id for _ in range(20)}
    assert len(made) == 20
    assert set(ids(all_runs(tmp_path))) == made


def test_an_id_that_is_taken_is_never_used_again(tmp_path, monkeypatch):
    draws = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr("secrets.token_hex", lambda size: next(draws))
    monkeypatch.setattr(time, "strftime", lambda *_: "20261121-053012")
    first, second = (create_run(tmp_path, recipe("films")) for _ in range(2))
    assert (first.id[-4:], second.id[-4:]) == ("aaaa", "bbbb")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Films, Take 2!", "films-take-2"),
        ("../../etc/passwd", "etc-passwd"),
        ("\x1b]52;c;aGk=\x07", "52-c-agk"),
        ("a\nb\x00c", "a-b-c"),
        ("北京", "run"),
        ("...", "run"),
        ("-rf", "rf"),
        ("x" * 60, "x" * 40),
    ],
)
def test_any_name_makes_a_plain_folder_name(tmp_path, name, slug):
    run = create_run(tmp_path, recipe(name))
    assert run.path.parent == tmp_path / "runs"
    assert re.fullmatch(rf"\d{{8}}-\d{{6}}-{slug}-[0-9a-f]{{4}}", run.id)
    assert run.load_recipe().name == name


def test_a_home_that_cannot_be_made_is_wrong_input(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot make a run here \(Not a directory\)"):
        create_run(tmp_path / "file", recipe())


def test_runs_are_listed_by_time_the_newest_first(tmp_path):
    for run_id in ("20260101-000000-c", "20260301-000000-a", "20260201-000000-b"):
        put_run(tmp_path, run_id)
    assert [run_id[-1] for run_id in ids(all_runs(tmp_path))] == ["a", "b", "c"]
    assert all_runs(tmp_path / "nowhere") == []


def test_hidden_folders_are_no_runs(tmp_path):
    put_run(tmp_path, "20260101-a")
    put_run(tmp_path, ".deleted-20260102-b-ffff")
    assert ids(all_runs(tmp_path)) == ["20260101-a"]
    assert find_run(tmp_path, "last").id == "20260101-a"


def test_files_beside_the_runs_are_no_runs(tmp_path):
    put_run(tmp_path, "20260101-a")
    (tmp_path / "runs" / "notes.txt").touch()
    assert find_run(tmp_path, "last").id == "20260101-a"


@pytest.fixture
def home(tmp_path) -> Path:
    put_run(tmp_path, "20260101-000000-films-aaaa", "films")
    put_run(tmp_path, "20260102-000000-films-bbbb", "films")
    put_run(tmp_path, "20260203-000000-books-cccc", "books")
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("20260101-000000-films-aaaa", "aaaa"),  # an id
        ("20260101", "aaaa"),  # the only beginning
        ("20260102-000000-films", "bbbb"),
        ("books", "cccc"),  # a name
        ("films", "bbbb"),  # the newest of a name
        ("last", "cccc"),
    ],
)
def test_a_run_is_found_by_id_beginning_name_or_as_the_last(home, wanted, found):
    assert find_run(home, wanted).id.endswith(found)


def test_a_name_comes_before_the_beginning_of_an_id_and_an_id_before_a_name(home):
    put_run(home, "20260204-000000-odd-dddd", "20260101")
    assert find_run(home, "20260101").id.endswith("dddd")
    put_run(home, "20260205-000000-odd-eeee", "20260101-000000-films-aaaa")
    assert find_run(home, "20260101-000000-films-aaaa").id.endswith("aaaa")


def test_a_beginning_that_several_have_is_answered_with_them(home):
    with pytest.raises(InputError, match=r"run 202601: 2 runs begin so: .*bbbb, .*aaaa"):
        find_run(home, "202601")


@pytest.mark.parametrize("wanted", ["novels", "film", "Last", "*", "../runs", "2027"])
def test_what_is_no_run_is_said_so(home, wanted):
    with pytest.raises(InputError, match=r"no such run; see: tui-finetune runs"):
        find_run(home, wanted)


def test_without_runs_the_message_says_how_to_begin(tmp_path):
    with pytest.raises(InputError, match="start one with: tui-finetune train"):
        find_run(tmp_path, "last")


def test_a_hostile_name_reaches_the_message_only_as_text(home):
    put_run(home, "x\x1b[2J1")
    put_run(home, "x\x1b[2J2")
    for wanted in ("x", "\x1b]52;c;aGk=\x07"):
        with pytest.raises(InputError) as error:
            find_run(home, wanted)
        assert str(error.value).isprintable()


def test_an_empty_word_means_no_run(home):
    (home / "runs" / "20260301-000000-odd-dddd").mkdir()
    with pytest.raises(InputError):
        find_run(home, "")


def test_the_newest_checkpoint_is_the_one_with_the_highest_step(tmp_path):
    run = RunDirectory(tmp_path)
    assert run.newest_checkpoint() is None
    for step in (9, 100, 20):
        put_checkpoint(run, step)
    assert run.newest_checkpoint() == run.checkpoints / "checkpoint-100"


def test_a_checkpoint_that_was_not_written_to_its_end_is_none(tmp_path):
    run = RunDirectory(tmp_path)
    put_checkpoint(run, 30, whole=False)
    assert run.newest_checkpoint() is None
    put_checkpoint(run, 20)
    put_checkpoint(run, "best", whole=False)
    assert run.newest_checkpoint() == run.checkpoints / "checkpoint-20"


def test_the_model_to_predict_with_is_the_best_or_else_the_newest_checkpoint(tmp_path):
    run = RunDirectory(tmp_path)
    assert run.trained_model() is None
    with pytest.raises(InputError, match="no model yet; the first checkpoint is saved"):
        run.require_model()
    checkpoint = put_checkpoint(run, 20)
    run.model.mkdir()  # as long as it is being written
    assert run.trained_model() == run.require_model() == checkpoint
    (run.model / "config.json").touch()
    assert run.trained_model() == run.require_model() == run.model


def test_a_folders_size_is_that_of_all_files_below(tmp_path):
    (tmp_path / "inner" / "deep").mkdir(parents=True)
    (tmp_path / "a").write_bytes(b"x" * 10)
    (tmp_path / "inner" / "deep" / "b").write_bytes(b"x" * 5)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert folder_size(tmp_path) == 15
    assert folder_size(tmp_path / "nowhere") == 0


def test_writing_whole_replaces_the_file_and_leaves_nothing_beside_it(tmp_path):
    for content in ("naïve", "new"):
        write_whole(tmp_path / "recipe.yaml", content)
        assert (tmp_path / "recipe.yaml").read_text(encoding="utf-8") == content
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    write_whole(tmp_path / "recipe.yaml", "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "recipe.yaml", "new\ud800")
    assert (tmp_path / "recipe.yaml").read_text() == "old"
