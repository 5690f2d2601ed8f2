import shutil

from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.directory import RunDirectory, create_run
from tui_finetune.runs.newest import NewestRun
from tui_finetune.runs.status import Status, write_status


def put_run(home, run_id, **status):
    run = RunDirectory(home / "runs" / run_id)
    run.path.mkdir(parents=True)
    write_status(run.status, Status(**status))
    return run


def test_a_home_without_runs_has_no_newest(tmp_path):
    assert NewestRun(tmp_path / "gone").find() is None
    assert NewestRun(tmp_path / "gone").newer() is None


def test_a_run_that_comes_is_newer_once(tmp_path):
    first = put_run(tmp_path, "20260101-000000-a-0000")
    newest = NewestRun(tmp_path)
    assert newest.newer() == first
    assert newest.newer() is None
    second = put_run(tmp_path, "20260102-000000-b-0000")
    assert newest.newer() == second
    assert newest.newer() is None
    assert newest.find() == second


def test_a_run_that_is_being_made_is_found_when_it_has_a_status(tmp_path):
    newest = NewestRun(tmp_path)
    run = create_run(tmp_path, parse_recipe({"data": {"source": "/d/films.csv"}}, "test"))
    run.status.unlink(missing_ok=True)
    assert newest.newer() is None
    write_status(run.status, Status(state="starting"))
    assert newest.newer() == run


def test_an_imported_run_is_not_followed(tmp_path):
    own = put_run(tmp_path, "20260101-000000-a-0000")
    put_run(tmp_path, "20260102-000000-b-0000", origin="import")
    assert NewestRun(tmp_path).find() == own


def test_a_removed_run_makes_no_older_one_newer(tmp_path):
    put_run(tmp_path, "20260101-000000-a-0000")
    second = put_run(tmp_path, "20260102-000000-b-0000")
    newest = NewestRun(tmp_path)
    newest.newer()
    shutil.rmtree(second.path)
    assert newest.newer() is None
