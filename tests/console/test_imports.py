import json
from pathlib import Path

import pytest

from tui_finetune.console.imports import print_imports
from tui_finetune.errors import InputError
from tui_finetune.runs.directory import all_runs

HOSTILE = "films \x1b]52;c;AAAA\x07"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of others with a hostile name, and an event file beside it that is none."""
    place = tmp_path / HOSTILE
    (place / "runs").mkdir(parents=True)
    log = [{"step": 900, "epoch": 1.0, "loss": 0.5}]
    content = {"global_step": 900, "max_steps": 1120, "log_history": log}
    (place / "trainer_state.json").write_text(json.dumps(content))
    (place / "runs" / "events.out.tfevents.1").write_bytes(b"no event file at all")
    return place


def test_each_run_has_a_line_and_each_file_that_was_left_out(tmp_path, folder, capsys):
    print_imports(tmp_path / "home", [folder], as_json=False)
    (run,) = all_runs(tmp_path / "home")
    line, problem, following = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{run.id}  interrupted at step 900 of 1,120  films ")
    assert problem.strip().startswith("events.out.tfevents.1: damaged at byte 0")
    assert following == f"next   tui-finetune runs show {run.id}"
    assert not {"\x1b", "\x07"} & {*line, *problem, *following}


def test_the_document_is_that_of_the_list_of_runs(tmp_path, folder, capsys):
    print_imports(tmp_path / "home", [folder], as_json=True)
    (document,) = json.loads(capsys.readouterr().out)
    assert (document["state"], document["step"], document["origin"]) == (
        "interrupted",
        900,
        "import",
    )
    assert document["run"] == all_runs(tmp_path / "home")[0].id


def test_nothing_is_taken_if_one_of_the_folders_has_no_run(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: no run"):
        print_imports(tmp_path / "home", [folder, tmp_path / "empty"], as_json=False)
    assert all_runs(tmp_path / "home") == []
