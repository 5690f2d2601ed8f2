"""A trace as plain data, against a forward pass made here; and two traces side by side."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from tui_finetune.errors import InputError
from tui_finetune.evaluation.trained import TrainedModel
from tui_finetune.models.loading import load_classifier, load_tokenizer
from tui_finetune.recipe import parse_recipe
from tui_finetune.tracing.comparison import compare
from tui_finetune.tracing.document import trace_document
from tui_finetune.tracing.embedding import nearest_tokens
from tui_finetune.tracing.trace import trace, turn

LABELS = ["negative", "neutral", "positive"]
TEXT = "the film was good and the end was bad"


@pytest.fixture(scope="module")
def trained(tiny_model):
    """Make a tiny classifier with a random head; `seed` is that of the head."""

    def make(seed=0, version="after", max_length=32):
        folder = tiny_model()
        torch.manual_seed(seed)
        model = load_classifier(folder, LABELS).eval()
        tokens = {"max_length": max_length}
        recipe = parse_recipe({"data": {"source": "none"}, "tokens": tokens}, "test")
        return TrainedModel(Path(folder), version, recipe, model, load_tokenizer(folder))

    return make


@pytest.fixture
def plain(trained):
    """A forward pass by hand of the model that `trained` makes first."""
    made = trained()
    model = AutoModelForSequenceClassification.from_pretrained(
        made.folder, num_labels=3, attn_implementation="eager"
    )
    model.load_state_dict(made.model.state_dict())
    inputs = made.tokenizer(TEXT, return_tensors="pt")
    with torch.no_grad():
        output = model.eval()(**inputs, output_hidden_states=True, output_attentions=True)
    return model, output


def test_the_stages_have_the_shapes_and_figures_of_a_plain_forward_pass(trained, plain):
    _, output = plain
    document = trace_document(trace(trained(), TEXT))
    tokenize, embed, layers, head, predict = document["stages"]
    count = output.hidden_states[0].shape[1]
    assert tokenize["shape"] == [1, count] == [1, len(document["tokens"])]
    assert embed["shape"] == [1, count, 32]
    assert layers["shape"] == [2, count, 32]
    assert layers["heads"] == 4
    assert head["shape"] == predict["shape"] == [1, 3]
    states = torch.cat(output.hidden_states)
    close(embed["norms"], states[0].norm(dim=-1))
    close(layers["norms"], states.norm(dim=-1))
    close(layers["moved"], (states[1:] - states[:-1]).norm(dim=-1))
    close(list(document["logits"].values()), output.logits[0])
    assert list(document["logits"]) == LABELS
    close(predict["probabilities"], output.logits[0].softmax(dim=-1))


def test_the_lens_is_the_head_on_every_hidden_state(trained, plain):
    model, output = plain
    document = trace_document(trace(trained(), TEXT))
    with torch.no_grad():
        shares = [
            model.classifier(model.bert.pooler(state)).softmax(dim=-1)[0]
            for state in output.hidden_states
        ]
    close(document["stages"][2]["lens"], torch.stack(shares))
    assert document["stages"][2]["token_lens"] is None


def test_a_logit_is_its_bias_its_largest_contributions_and_the_rest(trained):
    document = trace_document(trace(trained(), TEXT))
    for entry in document["stages"][3]["logits"]:
        values = [part["value"] for part in entry["contributions"]]
        assert len(values) == 10
        assert [abs(value) for value in values] == sorted(map(abs, values), reverse=True)
        total = entry["bias"] + sum(values) + entry["rest"]
        assert total == pytest.approx(entry["logit"], abs=1e-5)


def test_a_document_is_plain_json_and_all_its_checks_hold(trained):
    document = trace_document(trace(trained(), TEXT, "positive"), temperature=2.0)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert len(document["checks"]) == 5
    assert all(check["holds"] for check in document["checks"])
    assert document["missing"] == []
    assert document["true"] == "positive"


def test_calibration_divides_the_logits_by_the_temperature(trained):
    made = trace(trained(), TEXT)
    stage = trace_document(made, temperature=2.5)["stages"][4]
    close(stage["calibrated"], (made.seen.logits / 2.5).softmax(dim=-1))
    assert trace_document(made)["stages"][4]["calibrated"] is None


def test_what_does_not_fit_is_said(trained):
    document = trace_document(trace(trained(max_length=8), TEXT))
    assert document["cut"] == {
        "tokens": 3,
        "from": len("the film was good and the"),
        "max_length": 8,
    }
    assert "3 more did not fit into 8" in document["stages"][0]["words"]


def test_the_attention_mask_is_said_as_it_is(trained):
    made = trace(trained(), TEXT)
    words = trace_document(made)["stages"][0]["words"]
    assert words.endswith("each is a number in the vocabulary, with 1 in the attention mask.")
    made.tokens.inputs["attention_mask"][0, -2:] = 0
    count = len(made.tokens.tokens) - 2
    assert f"{count} of them with 1 in" in trace_document(made)["stages"][0]["words"]


def test_of_a_megabyte_only_the_beginning_is_given_back(trained):
    text = "film " * 200_000
    document = trace_document(trace(trained(), text))
    assert document["characters"] == len(text)
    assert len(document["text"]) < 5000
    assert text.startswith(document["text"])


@pytest.mark.parametrize(
    ("text", "reason"), [("", "is empty"), (" \n", "is empty"), ("\ud800", "not valid UTF-8")]
)
def test_a_text_without_content_gives_a_clear_line(trained, text, reason):
    with pytest.raises(InputError, match=reason):
        trace(trained(), text)


def test_a_model_of_no_numbers_gives_a_clear_line(trained):
    broken = trained()
    with torch.no_grad():
        broken.model.classifier.weight.fill_(torch.nan)
    with pytest.raises(InputError, match="training diverged"):
        trace(broken, TEXT)


def test_nearest_tokens_are_those_with_the_largest_cosine(trained):
    made = trained()
    table = made.model.get_input_embeddings().weight.detach()
    token = made.tokenizer.convert_tokens_to_ids("good")
    cosines = {
        made.tokenizer.convert_ids_to_tokens(index): float(
            table[index] @ table[token] / (table[index].norm() * table[token].norm()).clamp(1e-8)
        )
        for index in range(len(table))
        if index != token
    }
    found = nearest_tokens(made.model, made.tokenizer, token)
    expected = sorted(cosines, key=lambda name: -cosines[name])[:10]
    assert [name for name, _ in found] == expected
    assert [value for _, value in found] == pytest.approx([cosines[name] for name in expected])


@pytest.mark.parametrize(
    ("leaders", "expected"), [([0, 1, 1], 1), ([1, 1, 1], 0), ([1, 0, 1], 2), ([0, 0, 1], 2)]
)
def test_the_verdict_turns_where_the_final_label_begins_to_lead_for_good(leaders, expected):
    lens = torch.nn.functional.one_hot(torch.tensor(leaders), 2).float()
    assert turn(lens) == expected


def test_another_word_changes_its_own_embedding_and_all_that_follows(trained):
    model = trained()
    one, other = trace(model, TEXT), trace(model, TEXT.replace("good", "dull"))
    document = compare(one, other)
    differing = [pair for pair in document["tokens"] if not pair["same"]]
    assert differing == [{"one": "good", "other": "dull", "same": False}]
    moved = [value for value in document["embedding"] if value > 0]
    assert len(moved) == 1
    assert [row["layer"] for row in document["layers"]] == [0, 1, 2]
    assert document["layers"][0]["distance"] == 0  # what the head reads is the first token
    expected = (one.seen.hidden[2][0] - other.seen.hidden[2][0]).norm().item()
    assert document["layers"][2]["distance"] == pytest.approx(expected)
    for entry in document["logits"]:
        assert entry["difference"] == pytest.approx(entry["one"] - entry["other"])


def test_a_text_with_a_word_more_is_aligned(trained):
    model = trained()
    document = compare(trace(model, "a good film"), trace(model, "a very good film"))
    assert [pair["one"] for pair in document["tokens"]] == [
        "[CLS]", "a", None, "good", "film", "[SEP]",
    ]  # fmt: skip
    assert document["embedding"][2] is None
    assert not document["same_tokens"]


def test_two_models_on_one_text_part_where_their_heads_do(trained):
    one, other = trace(trained(1), TEXT), trace(trained(2, "before"), TEXT)
    document = compare(one, other)
    assert document["same_tokens"]
    assert document["one"]["title"] == "fine-tuned"
    assert document["other"]["title"] == "before fine-tuning"
    leaders = [
        [
            max(LABELS, key=dict(zip(LABELS, row[side], strict=True)).get)
            for row in document["layers"]
        ]
        for side in ("one", "other")
    ]
    parting = document["turn"]["parting"]
    if leaders[0][-1] == leaders[1][-1]:
        assert parting is None
    else:
        assert all(a != b for a, b in zip(leaders[0][parting:], leaders[1][parting:], strict=True))
        assert parting == 0 or leaders[0][parting - 1] == leaders[1][parting - 1]


def close(found, expected):
    torch.testing.assert_close(torch.tensor(found), expected, atol=1e-5, rtol=1e-5)
