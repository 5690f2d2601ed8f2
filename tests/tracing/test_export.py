"""A trace as a page and as JSON: all figures are there, nothing in it is run or fetched."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import ByT5Tokenizer, MPNetConfig, MPNetForSequenceClassification

from tui_finetune.errors import InputError
from tui_finetune.evaluation.trained import TrainedModel
from tui_finetune.recipe import parse_recipe
from tui_finetune.tracing.attention import attention_map
from tui_finetune.tracing.document import trace_document
from tui_finetune.tracing.export import (
    _between,
    _pieces,
    _png,
    export_trace,
    html_page,
    json_document,
    write_export,
)
from tui_finetune.tracing.tokens import tokenize
from tui_finetune.tracing.trace import trace

TEXT = "a good film with a bad end"
HOSTILE = "a <script>alert(1)</script> \"' onload=x & \x1b]52;c;AAAA\x07 \u202egood\u2028 end"
VOID = {"meta"}


class Page(HTMLParser):
    """Reads a page: its words, its elements, and whether each that is opened is closed."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.words, self.elements, self.open = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in {"td", "th"}:
            self.words.append(" ")

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def all(self, tag, class_=""):
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and class_ in (attrs.get("class") or "")
        ]


@pytest.fixture
def make(family):
    """Trace a text with a tiny model."""

    def made(name="bert", text=TEXT, max_length=64, model=None):
        known, tokenizer = family(name)
        tokens = {"max_length": max_length}
        recipe = parse_recipe({"data": {"source": "none"}, "tokens": tokens}, "test")
        trained = TrainedModel(Path("films"), "after", recipe, model or known, tokenizer)
        return trace(trained, text, "positive")

    return made


def page_of(made, tmp_path, attributions=False):
    path = tmp_path / "trace.html"
    export_trace(made, 1.7, path, attributions)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["bert", "roberta", "deberta-v2", "modernbert", "gpt2", "qwen3"])
def test_a_page_is_whole_and_shows_every_stage_and_check(make, tmp_path, name):
    made = make(name)
    document = trace_document(made, 1.7)
    page = Page(page_of(made, tmp_path, attributions=True))
    assert page.open == []
    for stage in document["stages"]:
        assert " × ".join(map(str, stage["shape"])) in page.text
        assert " ".join(stage["words"].split()) in page.text
    for check in document["checks"]:
        assert f"✓ {check['words']} {check['value']:.1e} {check['tolerance']:.0e}" in page.text
    held = len(document["checks"]) + 1
    assert f"{held} of {held} hold" in page.text
    for share in document["stages"][4]["probabilities"]:
        assert f"{share:.4f}" in page.text
    for entry in document["stages"][3]["logits"]:
        for part in entry["contributions"]:
            assert f"feature {part['feature']} {part['value']:+.3f}" in page.text


def test_a_page_fetches_and_runs_nothing(make, tmp_path):
    content = page_of(make(), tmp_path, attributions=True)
    page = Page(content)
    assert not page.all("script")
    assert not page.all("link")
    for _, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on")]
        for name in {"src", "href", "xlink:href", "srcset", "action"} & set(attrs):
            assert attrs[name].startswith("data:image/png")
    assert "url(" not in content
    assert "@import" not in content
    assert "http" not in content.replace('http-equiv="Content-Security-Policy"', "")
    assert page.all("meta")[2]["content"].startswith("default-src 'none'")


def test_hostile_text_is_escaped_and_made_fit(make, tmp_path):
    made = make("roberta", HOSTILE)
    document = trace_document(made)
    document["labels"] = ["<b>", "x' onload='y", "\u202eevil\x1b[2J"]
    document["model"] = "<img src=x>/films"
    document["missing"] = ["<script>missing()</script>"]
    neighbours = {made.tokens.tokens[1].id: [{"token": "<i>\x9b", "cosine": 0.5}]}
    content = html_page(document, {"<u>": [[1.0] * len(made.tokens.tokens)]}, None, neighbours)
    page = Page(content)
    assert page.open == []
    assert not page.all("script")
    assert not page.all("img")
    assert {tag for tag, _ in page.elements}.isdisjoint({"u"})
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]", content)
    assert "<script>alert(1)</script>" in "".join(page.words)
    assert not [attrs for _, attrs in page.elements if "onload" in attrs]


def test_the_lens_is_drawn_at_its_probabilities(make, tmp_path):
    made = make()
    page = Page(page_of(made, tmp_path))
    lens = made.lens.numpy()
    order = np.argsort(-lens[-1])
    lines = page.all("polyline")
    assert len(lines) == 3
    for line, label in zip(lines, order, strict=True):
        drawn = np.array(
            [[float(one) for one in pair.split(",")] for pair in line["points"].split()]
        )
        np.testing.assert_allclose(drawn[:, 0], [0, 300, 600])
        np.testing.assert_allclose(1 - drawn[:, 1] / 200, lens[:, label], atol=1e-3)


def test_every_layers_attention_is_drawn_in_its_shades(make, tmp_path):
    made = make()
    images = [opacities(attrs["href"]) for attrs in Page(page_of(made, tmp_path)).all("image")]
    maps = [attention_map(made.seen.attentions, layer, "mean").numpy() for layer in (1, 2)]
    assert len(images) == 4  # moved, lengths, and the two layers
    for image, weights in zip(images[2:], maps, strict=True):
        np.testing.assert_allclose(image / 255, np.sqrt(weights / weights.max()), atol=3e-3)


def test_an_image_has_one_colour_and_the_figures_as_its_opacity():
    shades = [[0.0, 0.5, 1.0], [0.25, 1.0, 0.0]]
    image = opacities(_png(shades))
    np.testing.assert_array_equal(image, np.round(255 * np.array(shades)))


def test_shades_go_from_the_smallest_figure_to_the_largest():
    assert _between([[2.0, 4.0], [3.0, 2.0]]) == [[0.0, 1.0], [0.5, 0.0]]
    assert _between([[5.0, 5.0]]) == [[0.0, 0.0]]


def opacities(url):
    """Decode an image and return its opacity (rows, columns)."""
    kind, content = url.split(",")
    assert kind == "data:image/png;base64"
    image = np.array(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGBA"))
    assert len(np.unique(image[..., :3].reshape(-1, 3), axis=0)) == 1
    return image[..., 3]


def test_the_text_is_coloured_by_what_each_token_adds(make, tmp_path):
    made = make("gpt2")
    document = trace_document(made)
    values = [0.5, -1.0, 0.25, 0.0, 0.1, 0.1, 0.1]
    attribution = {
        "label": "neutral", "values": values, "logit": 1.0, "baseline_logit": 0.95,
        "baseline": "nothing", "sum": 0.05, "error": 0.0, "steps": 32,
        "check": {"name": "x", "words": "w", "value": 0.0, "tolerance": 1.0, "holds": True},
    }  # fmt: skip
    page = Page(html_page(document, {}, attribution, {}))
    spans = [attrs for attrs in page.all("span") if "--share" in (attrs.get("style") or "")]
    assert [attrs["title"] for attrs in spans] == [f"{value:+.4f}" for value in values]
    assert [attrs["class"] for attrs in spans] == ["plus", "minus"] + ["plus"] * 5
    assert [attrs["style"] for attrs in spans][:3] == ["--share:35%", "--share:70%", "--share:18%"]
    assert TEXT in "".join(page.words)


def test_a_failed_check_is_marked(make):
    document = trace_document(make())
    document["checks"][1] |= {"holds": False, "value": float("nan")}
    page = Page(html_page(document, {}, None, {}))
    assert "4 of 5 hold" in page.text
    assert f"✗ {document['checks'][1]['words']} –" in page.text
    assert [attrs["class"] for attrs in page.all("tr", "bad")] == ["bad"]


def test_what_a_page_cannot_show_of_an_unknown_family_is_said(make, family, tmp_path):
    _, tokenizer = family("bert")
    torch.manual_seed(0)
    config = MPNetConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=64, num_labels=3,
    )  # fmt: skip
    made = make(model=MPNetForSequenceClassification(config).eval())
    page = Page(page_of(made, tmp_path, attributions=True))
    assert page.open == []
    assert "MPNetForSequenceClassification (mpnet) is not among the families" in page.text
    assert not page.all("polyline")
    assert "4 of 4 hold" in page.text


def test_of_many_labels_the_likeliest_are_drawn(make):
    document = trace_document(make())
    labels = [f"intent {number}" for number in range(40)]
    shares = [0.001] * 39 + [0.961]
    layers, head, predict = document["stages"][2:]
    layers |= {"lens": [shares] * 3}
    head |= {"logits": [head["logits"][0] | {"label": label} for label in labels]}
    predict |= {"probabilities": shares, "calibrated": None, "label": labels[-1]}
    page = Page(html_page(document | {"labels": labels}, {}, None, {}))
    assert len(page.all("polyline")) == 6
    assert page.text.count("34 more labels are not drawn") == 3
    assert "intent 39 0.9610" in page.text


def test_tokens_of_one_character_are_one_piece_of_the_text(make):
    """Bytes of an emoji are tokens of their own, with the place of the whole."""
    made = make("gpt2", "so \U0001f600 good")
    document = trace_document(made)
    count = len(document["tokens"])
    pieces = _pieces(document, [1.0] * count)
    assert "".join(piece["before"] + piece["text"] for piece in pieces) == "so \U0001f600 good"
    (emoji,) = [piece for piece in pieces if piece["text"] == "\U0001f600"]
    assert len(emoji["tokens"]) > 1
    assert emoji["value"] == len(emoji["tokens"])
    assert sum(len(piece["tokens"]) for piece in pieces) == count


def test_what_was_cut_off_is_the_last_piece(make):
    document = trace_document(make(text=TEXT, max_length=6))
    pieces = _pieces(document, None)
    assert "".join(piece["before"] + piece["text"] for piece in pieces[1:-2]) == "a good film with"
    assert pieces[-1] == {
        "before": "", "text": " a bad end", "tokens": [], "value": 0.0, "share": 0.0,
    }  # fmt: skip


def test_tokens_without_a_place_stand_one_after_another():
    tokens = tokenize("gut", ByT5Tokenizer(), 16)
    document = {
        "text": "gut",
        "tokens": [vars(token) for token in tokens.tokens],
        "cut": {"tokens": 0},
    }
    pieces = _pieces(document, None)
    assert "".join(piece["before"] + piece["text"] for piece in pieces) == "g u t </s>"


# --- JSON and files ---


def test_json_is_the_document_with_attention_attribution_and_neighbours(make, tmp_path):
    made = make()
    path = tmp_path / "trace.JSON"
    export_trace(made, 1.7, path, attributions=True)
    content = path.read_text(encoding="ascii")
    found = json.loads(content)
    expected = json.loads(json.dumps(trace_document(made, 1.7)))
    assert {name: found[name] for name in expected} == expected
    assert set(found) - set(expected) == {"attention", "attribution", "neighbours"}
    weights = attention_map(made.seen.attentions, 2, "mean")
    torch.testing.assert_close(
        torch.tensor(found["attention"]["layer 2"]), weights, atol=1e-5, rtol=0
    )
    assert found["attribution"]["check"]["holds"]
    ids = {str(token.id) for token in made.tokens.tokens if not token.special}
    assert set(found["neighbours"]) == ids
    assert all(len(near) == 10 for near in found["neighbours"].values())


def test_a_figure_that_is_no_number_is_null_in_json():
    content = json_document({"checks": [{"value": float("nan")}]}, {}, None, {})
    assert json.loads(content)["checks"] == [{"value": None}]


@pytest.mark.parametrize("name", ["trace", "trace.txt", "trace.html.gz"])
def test_another_ending_gives_a_clear_line_before_any_work(make, tmp_path, name):
    def never(_):
        raise AssertionError

    with pytest.raises(InputError, match=r"must end in \.html .* or in \.json"):
        export_trace(make(), None, tmp_path / name, True, never)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_gives_a_clear_line(tmp_path):
    with pytest.raises(InputError, match=r"trace\.json: cannot be written \(No such file"):
        write_export(tmp_path / "none" / "trace.json", {}, {}, None, {})
    (tmp_path / "trace.json").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write_export(tmp_path / "trace.json", {}, {}, None, {})
    assert [path.name for path in tmp_path.iterdir()] == ["trace.json"]


def test_cancelling_leaves_an_older_file_as_it_was(make, tmp_path):
    class Cancelled(Exception):
        pass

    def cancel(_):
        raise Cancelled

    path = tmp_path / "trace.html"
    path.write_text("older")
    with pytest.raises(Cancelled):
        export_trace(make(), None, path, True, cancel)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]
