"""Which models can be chosen here."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_finetune.models import sources
from tui_finetune.models.catalogue import ModelEntry, catalogue, describe
from tui_finetune.models.sources import model_folder
from tui_finetune.recipe import ModelSection

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def nothing_of_this_machine(
    tmp_path: Path, use_cache: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cache(tmp_path / "no-cache")
    monkeypatch.setenv("TUI_FINETUNE_HOME", str(tmp_path / "no-home"))


def entries(kind: str, *folders: Path) -> list[ModelEntry]:
    return [entry for entry in catalogue(folders) if entry.kind == kind]


def test_the_starter_comes_first(encoder: Path) -> None:
    first, *others = catalogue([encoder])
    assert (first.kind, first.source, first.name) == ("starter", "starter", "all-MiniLM-L6-v2")
    assert [entry.kind for entry in others] == ["local"]


def test_a_starter_without_its_package_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "STARTER_PACKAGE", "a_package_that_is_not_there")
    (starter,) = entries("starter")
    assert not starter.ready
    assert starter.path is None
    assert starter.size_bytes is None
    assert 'pip install "tui-finetune[starter]"' in starter.note


def test_local_models_are_found_two_levels_deep(encoder: Path, tmp_path: Path) -> None:
    top = tmp_path / "top"
    for place in ("one", "deep/two", "too/deep/three", ".hidden"):
        shutil.copytree(encoder, top / place)
    found = entries("local", top)
    assert [entry.name for entry in found] == ["one", "two"]
    assert found[0] == ModelEntry(
        source=str(top / "one"),
        kind="local",
        name="one",
        path=str(top / "one"),
        size_bytes=(encoder / "model.safetensors").stat().st_size,
        last_used=None,
        ready=True,
        note="",
    )


def test_the_working_folder_is_searched_by_default(
    encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(encoder.parent)
    assert [entry.name for entry in entries("local")] == ["tiny-bert"]


def test_a_model_is_listed_once(encoder: Path) -> None:
    assert len(entries("local", encoder, encoder.parent, encoder.parent / "." / "tiny-bert")) == 1


def test_an_incomplete_local_model_is_listed_with_the_reason(encoder: Path) -> None:
    (encoder / "model.safetensors").unlink()
    (found,) = entries("local", encoder)
    assert not found.ready
    assert found.note == "has no weights (model.safetensors is missing)"
    assert found.size_bytes is None


def test_links_in_circles_and_closed_folders_end_the_search(tmp_path: Path) -> None:
    os.symlink(tmp_path, tmp_path / "again")
    (tmp_path / "closed").mkdir(mode=0)
    assert entries("local", tmp_path, tmp_path / "nothing") == []


def test_models_of_the_cache_are_listed(
    encoder: Path, put_in_cache: Callable[..., Path], use_cache: Callable[..., None]
) -> None:
    cache = put_in_cache(encoder, "owner/tiny-bert")
    put_in_cache(encoder, "half", leave_out="model.safetensors")
    shutil.copytree(cache / "models--half", cache / "datasets--owner--data", symlinks=True)
    use_cache(cache)
    half, whole = entries("cache")
    assert whole.source == whole.name == "owner/tiny-bert"
    assert whole.ready
    assert whole.last_used is not None
    assert whole.size_bytes == (encoder / "model.safetensors").stat().st_size
    assert whole.path == str(cache / "models--owner--tiny-bert" / "snapshots" / COMMIT)
    assert (half.ready, half.note) == (False, "has no weights (model.safetensors is missing)")


def test_a_lone_revision_in_the_cache_is_taken_by_its_name(
    encoder: Path, put_in_cache: Callable[..., Path], use_cache: Callable[..., None]
) -> None:
    use_cache(put_in_cache(encoder, "tiny-bert", ref=None))
    (found,) = entries("cache")
    assert (found.ready, found.revision, found.commit) == (True, COMMIT, COMMIT)
    assert model_folder(ModelSection(source=found.source, revision=found.revision)).is_dir()


def test_each_revision_in_the_cache_is_listed_with_its_size(
    encoder: Path, put_in_cache: Callable[..., Path], use_cache: Callable[..., None]
) -> None:
    cache = put_in_cache(encoder, "tiny-bert")
    repo, other = cache / "models--tiny-bert", "f" * 40
    shutil.copytree(repo / "snapshots" / COMMIT, repo / "snapshots" / other, symlinks=True)
    (repo / "snapshots" / other / "more.txt").write_text("x" * 1000)
    (repo / "refs" / "v2").write_text(other)
    use_cache(cache)
    main, second = entries("cache")
    assert (main.revision, main.commit) == (None, COMMIT)
    assert (second.revision, second.commit) == ("v2", other)
    assert main.disk_bytes == sum(file.stat().st_size for file in encoder.iterdir())
    assert second.disk_bytes == main.disk_bytes + 1000
    described = describe(ModelSection(source="tiny-bert", revision="v2"))
    assert described["revision"] == other


def test_finished_runs_are_there_to_start_from(encoder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for run_id in ("20260101-120000-films-ab12", "20260102-120000-films-cd34"):
        (home / "runs" / run_id).mkdir(parents=True)
    finished, _ = sorted((home / "runs").iterdir())
    shutil.copytree(encoder, finished / "model")
    status = {
        "state": "finished", "name": "films", "model": "starter", "data": "/d/films.csv",
        "ended": 1.5e9, "metrics": {"validation": {"accuracy": 0.8825}},
    }  # fmt: skip
    (finished / "status.json").write_text(json.dumps(status))
    (found,) = [entry for entry in catalogue([encoder], home) if entry.kind == "run"]
    assert (found.source, found.name) == ("run:20260101-120000-films-ab12", "films")
    assert (found.ready, found.last_used) == (True, 1.5e9)
    assert found.about == "starter fine-tuned on films.csv, validation accuracy 0.882"


def test_a_broken_cache_is_no_obstacle(
    encoder: Path,
    put_in_cache: Callable[..., Path],
    use_cache: Callable[..., None],
    tmp_path: Path,
) -> None:
    cache = put_in_cache(encoder, "tiny-bert")
    (cache / "models--without--snapshots").mkdir()
    (cache / "models--two words" / "snapshots" / "x").mkdir(parents=True)
    (cache / "a file").touch()
    use_cache(cache)
    assert [entry.name for entry in entries("cache")] == ["tiny-bert"]

    (tmp_path / "file").touch()
    use_cache(tmp_path / "file")
    assert entries("cache") == []


def test_the_variables_of_the_cache_are_obeyed_and_nothing_heavy_is_imported(
    encoder: Path, put_in_cache: Callable[..., Path], tmp_path: Path
) -> None:
    cache = put_in_cache(encoder, "tiny-bert")
    home = tmp_path / "home"
    home.mkdir()
    cache.rename(home / "hub")
    script = (
        "import sys; from tui_finetune.models.catalogue import catalogue, describe;"
        "from tui_finetune.recipe import ModelSection;"
        "print([entry.source for entry in catalogue() if entry.kind == 'cache'],"
        "describe(ModelSection(source='tiny-bert'))['layers'],"
        "{'torch', 'transformers', 'datasets'} & set(sys.modules))"
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    for variables in ({"HF_HOME": str(home)}, {"HF_HUB_CACHE": str(home / "hub")}):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=clean | variables | {"HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert (done.stdout, done.stderr) == ("['tiny-bert'] 2 set()\n", "")
