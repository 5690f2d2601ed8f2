"""Loading tokenizers and classifiers from folders."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, GPT2Config, GPT2Model, GPT2Tokenizer

from tui_finetune.errors import InputError
from tui_finetune.models.description import describe
from tui_finetune.models.loading import load_classifier, load_tokenizer, load_trained
from tui_finetune.recipe import ModelSection


@pytest.fixture
def gpt(tmp_path: Path) -> Path:
    """A GPT-2 as it comes: without a pad token."""
    folder = tmp_path / "tiny-gpt"
    vocabulary = {"<|endoftext|>": 0, "g": 1, "o": 2, "d": 3, "Ġ": 4}
    GPT2Tokenizer(vocab=vocabulary, merges=[]).save_pretrained(folder)
    config = GPT2Config(
        vocab_size=5,
        n_embd=16,
        n_layer=2,
        n_head=2,
        n_positions=32,
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2Model(config).save_pretrained(folder)
    return folder


def refusal_of_classifier(folder: Path) -> str:
    with pytest.raises(InputError) as refusal:
        load_classifier(folder, ["bad", "good"])
    message = str(refusal.value)
    assert message.isprintable()
    return message


def test_the_tokenizer_encodes(encoder: Path) -> None:
    tokenizer = load_tokenizer(encoder)
    assert tokenizer.convert_ids_to_tokens(tokenizer("a good film")["input_ids"]) == [
        "[CLS]",
        "a",
        "good",
        "film",
        "[SEP]",
    ]


def test_the_tokenizer_is_saved_as_plainly_as_it_came(encoder: Path, tmp_path: Path) -> None:
    load_tokenizer(encoder).save_pretrained(tmp_path / "saved")
    saved = json.loads((tmp_path / "saved" / "tokenizer_config.json").read_text())
    assert "local_files_only" not in saved


def test_a_tokenizer_of_a_vocabulary_file_is_loaded_too(encoder: Path) -> None:
    tokens = load_tokenizer(encoder).get_vocab()
    (encoder / "vocab.txt").write_text("\n".join(sorted(tokens, key=lambda token: tokens[token])))
    (encoder / "tokenizer.json").unlink()
    assert load_tokenizer(encoder).get_vocab() == tokens


def test_a_tokenizer_without_pad_token_pads_with_its_end_token(gpt: Path) -> None:
    tokenizer = load_tokenizer(gpt)
    assert tokenizer.pad_token == "<|endoftext|>"
    assert load_classifier(gpt, ["bad", "good"]).config.pad_token_id == tokenizer.pad_token_id


def test_a_classifier_of_a_padded_batch_works_without_a_pad_token_of_its_own(gpt: Path) -> None:
    tokenizer, model = load_tokenizer(gpt), load_classifier(gpt, ["bad", "good"]).eval()
    alone = model(**tokenizer(["god"], return_tensors="pt")).logits
    padded = model(**tokenizer(["god", "god god god"], padding=True, return_tensors="pt")).logits
    torch.testing.assert_close(padded[:1], alone)


def test_a_tokenizer_with_neither_token_is_refused(encoder: Path) -> None:
    config = json.loads((encoder / "tokenizer_config.json").read_text())
    (encoder / "tokenizer_config.json").write_text(
        json.dumps(config | {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": None})
    )
    with pytest.raises(InputError, match="neither a pad token nor an end token"):
        load_tokenizer(encoder)


def test_a_damaged_tokenizer_is_refused(encoder: Path) -> None:
    (encoder / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match="its tokenizer cannot be loaded"):
        load_tokenizer(encoder)


def test_the_classifier_knows_the_labels_by_name(encoder: Path) -> None:
    model = load_classifier(encoder, ["bad", "fair", "good"])
    assert model.config.id2label == {0: "bad", 1: "fair", 2: "good"}
    assert model.config.label2id == {"bad": 0, "fair": 1, "good": 2}
    assert model.classifier.out_features == 3
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_the_body_is_the_folders(encoder: Path) -> None:
    body = load_classifier(encoder, ["bad", "good"]).bert.state_dict()
    torch.testing.assert_close(body, AutoModel.from_pretrained(encoder).state_dict())


def test_half_precision_weights_are_trained_in_single_precision(encoder: Path) -> None:
    AutoModel.from_pretrained(encoder, dtype=torch.bfloat16).save_pretrained(encoder)
    model = load_classifier(encoder, ["bad", "good"])
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_head_with_as_many_labels_is_kept(encoder: Path) -> None:
    first = load_classifier(encoder, ["bad", "good"])
    first.save_pretrained(encoder)
    again = load_classifier(encoder, ["no", "yes"])
    torch.testing.assert_close(again.classifier.weight, first.classifier.weight)
    assert again.config.id2label == {0: "no", 1: "yes"}


def test_a_head_with_other_labels_is_made_anew(encoder: Path) -> None:
    load_classifier(encoder, ["bad", "good"]).save_pretrained(encoder)
    model = load_classifier(encoder, ["one", "two", "three", "four"])
    assert model.classifier.out_features == 4


def test_the_seed_decides_the_new_head(encoder: Path) -> None:
    heads = []
    for _ in range(2):
        torch.manual_seed(7)
        heads.append(load_classifier(encoder, ["bad", "good"]).classifier.weight)
    torch.testing.assert_close(heads[0], heads[1], rtol=0, atol=0)


def test_a_former_life_with_several_labels_a_row_does_not_change_the_loss(encoder: Path) -> None:
    first = load_classifier(encoder, ["bad", "good"])
    first.config.problem_type = "multi_label_classification"
    first.save_pretrained(encoder)
    model = load_classifier(encoder, ["bad", "good"]).eval()
    answer = model(torch.tensor([[2, 5, 3]]), labels=torch.tensor([1]))
    expected = torch.nn.functional.cross_entropy(answer.logits, torch.tensor([1]))
    torch.testing.assert_close(answer.loss, expected)


def test_options_reach_the_model(encoder: Path) -> None:
    model = load_classifier(encoder, ["bad", "good"], attn_implementation="eager")
    assert model.config._attn_implementation == "eager"


def test_an_unknown_architecture_is_refused(encoder: Path) -> None:
    (encoder / "config.json").write_text('{"model_type": "no_such_net"}')
    assert "its config cannot be loaded" in refusal_of_classifier(encoder)


def test_an_architecture_without_such_a_head_is_refused(encoder: Path) -> None:
    (encoder / "config.json").write_text('{"model_type": "clip_vision_model"}')
    assert "its model cannot be loaded" in refusal_of_classifier(encoder)


def test_damaged_weights_are_refused(encoder: Path) -> None:
    (encoder / "model.safetensors").write_bytes(b"no weights at all")
    assert "its model cannot be loaded" in refusal_of_classifier(encoder)


def test_weights_of_another_model_are_refused(encoder: Path, gpt: Path) -> None:
    shutil.copy(gpt / "model.safetensors", encoder)
    assert "its weights do not belong to its config.json" in refusal_of_classifier(encoder)


def test_weights_of_another_size_are_refused_for_any_number_of_labels(encoder: Path) -> None:
    config = json.loads((encoder / "config.json").read_text())
    (encoder / "config.json").write_text(json.dumps(config | {"hidden_size": 24}))
    with pytest.raises(InputError):
        load_classifier(encoder, ["bad", "good"])
    with pytest.raises(InputError, match="its weights do not belong"):
        load_classifier(encoder, ["bad", "fair", "good"])


def test_an_encoder_without_a_pooler_is_accepted(encoder: Path) -> None:
    weights = load_file(encoder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "pooler" not in name}
    save_file(kept, encoder / "model.safetensors", metadata={"format": "pt"})
    assert load_classifier(encoder, ["bad", "good"]).classifier.out_features == 2


def test_a_trained_model_comes_back_as_it_was_saved(encoder: Path) -> None:
    saved = load_classifier(encoder, ["bad", "good"]).eval()
    saved.save_pretrained(encoder)
    model, tokenizer = load_trained(encoder)
    assert not model.training
    batch = tokenizer(["a good film", "bad"], padding=True, return_tensors="pt")
    torch.testing.assert_close(model(**batch).logits, saved(**batch).logits)


def test_a_model_without_a_head_is_not_taken_for_a_trained_one(encoder: Path) -> None:
    with pytest.raises(InputError, match="holds no trained classifier"):
        load_trained(encoder)


def test_a_trained_folder_must_be_whole(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        load_trained(tmp_path / "model")
    with pytest.raises(InputError, match=r"has no config\.json"):
        load_trained(tmp_path)


def pickle_weights(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def test_pickled_weights_are_loaded_only_where_they_are_allowed(encoder: Path) -> None:
    body = AutoModel.from_pretrained(encoder).state_dict()
    pickle_weights(encoder)
    assert "its model cannot be loaded" in refusal_of_classifier(encoder)
    model = load_classifier(encoder, ["bad", "good"], allow_pickle=True)
    torch.testing.assert_close(model.bert.state_dict(), body)


class Mischief:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.trace,)


def test_a_pickle_that_holds_code_is_refused_even_where_pickles_are_allowed(
    encoder: Path, tmp_path: Path
) -> None:
    pickle_weights(encoder)
    trace = tmp_path / "it ran"
    torch.save({"weight": Mischief(trace)}, encoder / "pytorch_model.bin")
    with pytest.raises(InputError, match="its model cannot be loaded"):
        load_classifier(encoder, ["bad", "good"], allow_pickle=True)
    with pytest.raises(InputError, match="are damaged or hold more than tensors"):
        describe(ModelSection(source=str(encoder), allow_pickle=True))
    assert not trace.exists()


CODE = """
from transformers import BertConfig, BertForSequenceClassification

class MyConfig(BertConfig):
    model_type = "my_net"

class MyNet(BertForSequenceClassification):
    config_class = MyConfig
"""


@pytest.fixture
def own_code(encoder: Path) -> Path:
    """A model whose architecture is in a Python file beside it."""
    (encoder / "my_net.py").write_text(CODE)
    places = {
        "AutoConfig": "my_net.MyConfig",
        "AutoModelForSequenceClassification": "my_net.MyNet",
    }
    config = json.loads((encoder / "config.json").read_text())
    config |= {"model_type": "my_net", "auto_map": places}
    (encoder / "config.json").write_text(json.dumps(config))
    return encoder


def test_code_that_comes_with_a_model_is_run_only_where_it_is_trusted(
    own_code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "m"))
    assert "its config cannot be loaded" in refusal_of_classifier(own_code)
    assert not (tmp_path / "m").exists()
    model = load_classifier(own_code, ["bad", "good"], trust_remote_code=True)
    assert type(model).__name__ == "MyNet"
    # what was trained from it needs the code again, and has it
    model.save_pretrained(tmp_path / "saved")
    load_tokenizer(own_code, trust_remote_code=True).save_pretrained(tmp_path / "saved")
    with pytest.raises(InputError, match="needs code of its own"):
        load_trained(tmp_path / "saved")
    again, _ = load_trained(tmp_path / "saved", trust_remote_code=True)
    assert type(again).__name__ == "MyNet"
