"""What a model folder must hold."""

import json
from pathlib import Path

import pytest

from tui_finetune.models.folders import folder_problem, read_tensors, weights_size


def test_a_folder_written_by_save_pretrained_is_whole(encoder: Path) -> None:
    assert folder_problem(encoder) is None


@pytest.mark.parametrize(
    ("removed", "what"),
    [
        ("config.json", "has no config.json"),
        ("model.safetensors", "has no weights (model.safetensors is missing)"),
        ("tokenizer.json", "has no tokenizer"),
    ],
)
def test_a_missing_file_is_named(encoder: Path, removed: str, what: str) -> None:
    (encoder / removed).unlink()
    problem = folder_problem(encoder)
    assert problem is not None
    assert problem.what.startswith(what)
    assert problem.advice


def test_pickled_weights_are_refused_with_the_reason(encoder: Path) -> None:
    (encoder / "model.safetensors").rename(encoder / "pytorch_model.bin")
    problem = folder_problem(encoder)
    assert problem is not None
    assert problem.what == (
        "has only pickled weights (pytorch_model.bin), and loading those can run code"
    )


def test_weights_that_were_cut_off_are_damaged(encoder: Path) -> None:
    weights = encoder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    problem = folder_problem(encoder)
    assert problem is not None
    assert problem.what.startswith("has damaged weights (model.safetensors: ")


def test_weights_in_parts_need_every_part(encoder: Path) -> None:
    weights = encoder / "model.safetensors"
    size = weights.stat().st_size
    parts = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = {"weight_map": dict(zip(read_tensors(weights), parts * 99, strict=False))}
    (encoder / "model.safetensors.index.json").write_text(json.dumps(index))
    weights.rename(encoder / parts[0])
    problem = folder_problem(encoder)
    assert problem is not None
    assert problem.what == f"has only a part of its weights ({parts[1]} is missing)"
    assert weights_size(encoder) is None

    (encoder / parts[1]).write_bytes((encoder / parts[0]).read_bytes())
    assert folder_problem(encoder) is None
    assert weights_size(encoder) == 2 * size


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", "[" * 100_000, "\ufffd"])
def test_a_config_that_is_no_json_object_is_a_problem(encoder: Path, content: str) -> None:
    (encoder / "config.json").write_text(content)
    problem = folder_problem(encoder)
    assert problem is not None
    assert problem.what == "has a config.json that is no JSON object"


def change_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


def test_an_architecture_with_code_of_its_own_is_refused(encoder: Path) -> None:
    change_config(encoder, model_type="my_net", auto_map={"AutoModel": "modeling.MyNet"})
    problem = folder_problem(encoder)
    assert problem is not None
    assert "needs code of its own" in problem.what


def test_code_beside_an_architecture_of_transformers_is_simply_not_run(encoder: Path) -> None:
    change_config(encoder, auto_map={"AutoModel": "modeling.MyNet"})
    assert folder_problem(encoder) is None


def test_a_config_without_model_type_is_a_problem(encoder: Path) -> None:
    change_config(encoder, model_type=None)
    problem = folder_problem(encoder)
    assert problem is not None
    assert "without model_type" in problem.what


@pytest.mark.parametrize("files", [["vocab.txt"], ["spiece.model"], ["vocab.json", "merges.txt"]])
def test_other_kinds_of_tokenizers_count(encoder: Path, files: list[str]) -> None:
    (encoder / "tokenizer.json").unlink()
    for file in files[:-1]:
        (encoder / file).touch()
        assert folder_problem(encoder) is not None
    (encoder / files[-1]).touch()
    assert folder_problem(encoder) is None


def test_a_tokenizer_of_bytes_needs_no_vocabulary(encoder: Path) -> None:
    (encoder / "tokenizer.json").unlink()
    (encoder / "tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer"}')
    assert folder_problem(encoder) is None


def test_pickled_weights_need_to_be_allowed_by_name(encoder: Path) -> None:
    (encoder / "model.safetensors").rename(encoder / "pytorch_model.bin")
    problem = folder_problem(encoder, trust_remote_code=True)
    assert problem is not None
    assert problem.switch == "model.allow_pickle"
    assert folder_problem(encoder, allow_pickle=True) is None
    (encoder / "pytorch_model.bin").rename(encoder / "weights.pt")
    unknown = folder_problem(encoder, allow_pickle=True)
    assert unknown is not None
    assert unknown.what == "has only pickled weights (weights.pt) that transformers does not know"


def test_pickled_weights_in_parts_need_every_part(encoder: Path) -> None:
    (encoder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "pytorch_model-1.bin", "b": "pytorch_model-2.bin"}}
    (encoder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    (encoder / "pytorch_model-1.bin").touch()
    problem = folder_problem(encoder, allow_pickle=True)
    assert problem is not None
    assert problem.what == "has only a part of its weights (pytorch_model-2.bin is missing)"


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ("modeling.MyNet", None),
        ("gone.MyNet", "lacks the code it needs (gone.py)"),
        ("who/else--modeling.MyNet", "takes its code from another repository (who/else)"),
    ],
)
def test_trusted_code_has_to_lie_beside_the_model(
    encoder: Path, place: str, what: str | None
) -> None:
    change_config(encoder, model_type="my_net", auto_map={"AutoModel": place})
    (encoder / "modeling.py").touch()
    refused = folder_problem(encoder, allow_pickle=True)
    assert refused is not None
    assert refused.switch == "model.trust_remote_code"
    problem = folder_problem(encoder, trust_remote_code=True)
    assert (problem is None) if what is None else (problem and problem.what.startswith(what))
