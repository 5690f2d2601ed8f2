import asyncio
import json
import math
import re
from functools import cache

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from tui_finetune.engine.client import EngineClient
from tui_finetune.errors import InputError
from tui_finetune.ui.panes.trace import TracePane
from tui_finetune.ui.panes.trace_dialogs import ChecksScreen, ExportScreen
from tui_finetune.ui.panes.trace_view import TraceView
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (120, 40)
TEXT = "not a bad film , but hardly a good one"
HOSTILE = "[/] \x1b]52;c;AAAA\x07 \u202egnol " + "x" * 300


# --- answers as the engine gives them, every figure computed ---


def softmax(logits):
    shares = [math.exp(logit - max(logits)) for logit in logits]
    return [share / sum(shares) for share in shares]


def tokens_of(text):
    """[CLS], the words, [SEP]."""
    tokens, at = [special("[CLS]", 101)], 0
    for word in text.split(" "):
        tokens.append(
            {"token": word, "id": 1000 + len(word), "start": at, "end": at + len(word),
             "special": False, "unknown": False}
        )  # fmt: skip
        at += len(word) + 1
    return [*tokens, special("[SEP]", 102)]


def special(name, number):
    return {
        "token": name, "id": number, "start": None, "end": None, "special": True, "unknown": False,
    }  # fmt: skip


def logit_of(label, text):
    """More letters e make the first labels likelier."""
    return math.cos(label * 2.0) * (1 + text.count("e")) / 2


def head_of(label, text, features=384):
    logit, bias = logit_of(label, text), 0.01 * (label - 1)
    values = [math.sin(label + feature) * (0.9**feature) for feature in range(10)]
    return {
        "logit": logit,
        "bias": bias,
        "contributions": [
            {"feature": 7 * feature, "value": value} for feature, value in enumerate(values)
        ],
        "rest": logit - bias - sum(values),
    }


def lens_of(labels, text, layers):
    """From undecided to the model's own probabilities; at first the other label leads."""
    ends = [logit_of(label, text) for label in range(len(labels))]
    return [
        softmax([end * (2 * layer / layers - 1) for end in ends]) for layer in range(layers + 1)
    ]


def trace_answer(asked, labels=("negative", "positive"), layers=6, heads=12, tokens=None, **other):
    text = asked["text"]
    tokens = tokens or tokens_of(text)
    n = len(tokens)
    logits = [logit_of(label, text) for label in range(len(labels))]
    shares = softmax(logits)
    lens = lens_of(labels, text, layers)
    final = shares.index(max(shares))
    leaders = [row.index(max(row)) for row in lens]
    turn = layers
    while turn and leaders[turn - 1] == final:
        turn -= 1
    norms = [[5 + 2 * layer + math.sin(token + layer) for token in range(n)]
             for layer in range(layers + 1)]  # fmt: skip
    parts = [{"name": name, "norms": [size + 0.3 * math.sin(token) for token in range(n)]}
             for name, size in (("word", 1.4), ("position", 0.6), ("type", 0.3))]  # fmt: skip
    moved = [[1 + 0.1 * ((layer + token) % 7) for token in range(n)] for layer in range(layers)]
    document = {
        "run": asked["run"], "model": "/m", "version": asked["version"], "text": text,
        "true": asked["true"], "architecture": "BertForSequenceClassification", "family": "bert",
        "dtype": "float32", "labels": list(labels), "missing": [], "tokens": tokens,
        "cut": {"tokens": 0, "from": None, "max_length": 128},
        "stages": [
            {"name": "tokenize", "shape": [1, n], "words": f"The tokenizer made {n} tokens."},
            {"name": "embed", "shape": [1, n, 384], "words": "Each number became a vector.",
             "parts": parts, "norms": norms[0]},
            {"name": "layers", "shape": [layers, n, 384], "words": f"{layers} layers.",
             "heads": heads, "norms": norms, "moved": moved, "lens": lens, "turn": turn,
             "pooled": 0},
            {"name": "head", "shape": [1, len(labels)], "words": "The head makes logits.",
             "pooling": "the first token's vector, through a dense layer and tanh",
             "features": 384,
             "logits": [{"label": name, **head_of(label, text)}
                        for label, name in enumerate(labels)]},
            {"name": "predict", "shape": [1, len(labels)], "words": "Softmax makes shares.",
             "probabilities": shares, "temperature": 1.7,
             "calibrated": softmax([logit / 1.7 for logit in logits]),
             "label": labels[final], "true": asked["true"]},
        ],
        "logits": dict(zip(labels, logits, strict=True)),
        "checks": [check_answer("embedding", 1e-7), check_answer("logits", 2.5e-7)],
    }  # fmt: skip
    document.update(other)
    return document


def check_answer(name, value, tolerance=1e-5):
    words = f"the {name} are the same both ways"
    holds = value is not None and value <= tolerance
    return {"name": name, "words": words, "value": value, "tolerance": tolerance, "holds": holds}


@cache
def attention_answer(n, layer, head):
    seed = {"mean": 0, "rollout": 50}.get(head, head)
    rows = [softmax([3 * math.sin(seed + layer + row * 1.3 + to * to) for to in range(n)])
            for row in range(n)]  # fmt: skip
    return {"rows": rows, "sums": [sum(row) for row in rows]}


def attributions_answer(document, label):
    logit = document["logits"][label]
    n = len(document["tokens"])
    raw = [math.sin(3 * token) for token in range(n)]
    values = [value - (sum(raw) - (logit - 0.05)) / n for value in raw]
    value = abs(sum(values) + 0.05 - logit)
    return {
        "label": label, "values": values, "logit": logit, "baseline_logit": 0.05,
        "baseline": "the same text with [PAD] for every word", "sum": sum(values),
        "error": value, "steps": 50,
        "check": {**check_answer("sum", value), "words": "sum and baseline make the logit"},
    }  # fmt: skip


def compare_answer(one, other):
    labels = one["labels"]
    pairs = list(zip(one["tokens"], other["tokens"], strict=False))
    lenses = [end["stages"][2]["lens"] for end in (one, other)]
    leaders = [[row.index(max(row)) for row in lens] for lens in lenses]
    layers = len(lenses[0]) - 1
    parting = layers + 1
    while parting and leaders[0][parting - 1] != leaders[1][parting - 1]:
        parting -= 1
    ends = [
        {
            "title": end["text"] if one["text"] != other["text"] else end["version"],
            "label": end["stages"][4]["label"],
            "probabilities": dict(zip(labels, end["stages"][4]["probabilities"], strict=True)),
        }
        for end in (one, other)
    ]
    return {
        "one": ends[0],
        "other": ends[1],
        "labels": labels,
        "same_tokens": one["tokens"] == other["tokens"],
        "tokens": [
            {"one": left["token"], "other": right["token"], "same": left["id"] == right["id"]}
            for left, right in pairs
        ],
        "embedding": [0.0 if left["id"] == right["id"] else 1.25 for left, right in pairs],
        "layers": [
            {
                "layer": layer, "distance": 0.5 * layer, "relative": 0.05 * layer,
                "one": lenses[0][layer], "other": lenses[1][layer],
            }
            for layer in range(layers + 1)
        ],
        "turn": {
            "one": one["stages"][2]["turn"], "other": other["stages"][2]["turn"],
            "parting": parting if parting <= layers else None,
        },
        "logits": [
            {
                "label": label, "one": one["logits"][label], "other": other["logits"][label],
                "difference": one["logits"][label] - other["logits"][label],
            }
            for label in labels
        ],
        "words": f"One says {ends[0]['label']}, the other {ends[1]['label']}.",
    }  # fmt: skip


class AnsweringEngine:
    """Answers at once, remembers what it was asked; `wait` holds attributions up."""

    def __init__(self, **shape):
        self.shape = shape
        self.asked = []
        self.wait = None
        self.cancelled = []

    def made(self, params):
        document = trace_answer(params, **self.shape)
        if params["version"] == "before":  # another verdict than after
            document = trace_answer({**params, "text": params["text"] + " e"}, **self.shape)
            document |= {"version": "before", "text": params["text"]}
            document["tokens"] = trace_answer(params, **self.shape)["tokens"]
        return document

    async def request(self, method, params, on_progress=None):
        self.asked.append((method, params))
        if self.wait is not None and on_progress is not None:
            on_progress({"what": "waiting", "done": 3, "of": 50})
            try:
                await self.wait.wait()
            except asyncio.CancelledError:
                self.cancelled.append(method)
                raise
        if params["text"] == "refused":
            raise InputError(f"the text {HOSTILE} is refused")
        document = self.made(params)
        match method:
            case "trace":
                return document
            case "trace_attention":
                return attention_answer(len(document["tokens"]), params["layer"], params["head"])
            case "trace_neighbours":
                name = document["tokens"][params["token"]]["token"]
                near = [{"token": f"{name}{k}", "cosine": 0.9 - k / 20} for k in range(10)]
                return {"neighbours": near}
            case "trace_attributions":
                return attributions_answer(document, params["label"])
            case "trace_compare":
                return compare_answer(document, self.made(params["other"]))
            case "trace_export":
                return {"path": params["path"]}

    def of(self, method):
        return [params for name, params in self.asked if name == method]


class Tracing(App[None]):
    def __init__(self, engine, home, run=None):
        super().__init__()
        self.engine, self._home, self._run = engine, home, run

    def compose(self) -> ComposeResult:
        pane = TracePane(self.engine, self._home)
        pane.show_run(self._run)
        yield pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(TracePane).focus()


@pytest.fixture
def run(put_run, put_checkpoint):
    run = put_run()
    put_checkpoint(run)
    return run


@pytest.fixture
def traced(tmp_path, run, until, screen_text):
    """Start an app with a trace in sight, at its first stage, and give back what is needed."""

    class Opened:
        def __init__(self, size, text=TEXT, true=None, **shape):
            self.engine = AnsweringEngine(**shape)
            self.app = Tracing(self.engine, tmp_path, run)
            self._context = self.app.run_test(size=size)
            self._asked = (run, text, true)

        async def __aenter__(self):
            self.pilot = await self._context.__aenter__()
            self.app.query_one(TracePane).trace(*self._asked)
            await self.sees("● 1 Tokenize")
            await until(self.pilot, lambda: not isinstance(self.app.focused, Input))
            return self

        async def __aexit__(self, *reason):
            return await self._context.__aexit__(*reason)

        @property
        def text(self):
            return screen_text(self.app)

        @property
        def lines(self):
            return self.text.splitlines()

        def line(self, part):
            return next(line for line in self.lines if part in line)

        @property
        def cursor(self):
            """The line with the cursor; the stages in their line have that sign between them."""
            return next(line for line in self.lines if re.search(r"(^ |  |│)▸", line))

        async def sees(self, words):
            await until(self.pilot, lambda: words in self.text)

        async def press(self, *keys):
            await self.pilot.press(*keys)
            await self.pilot.pause()

    return Opened


# --- without a trace ---


async def test_without_a_run_it_says_how_to_choose_one(tmp_path, screen_text, until):
    app = Tracing(AnsweringEngine(), tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "No run to trace yet." in screen_text(app))
        await pilot.press("a", "enter")
        await until(pilot, lambda: "No run is chosen yet: ctrl+o" in screen_text(app))
        assert app.engine.asked == []


async def test_with_a_run_it_says_what_to_type(tmp_path, run, screen_text, until):
    app = Tracing(AnsweringEngine(), tmp_path, run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "Type a sentence above" in screen_text(app))
        await pilot.press("space", "enter")
        await until(pilot, lambda: "Type a sentence first." in screen_text(app))
        assert app.engine.asked == []


async def test_a_run_without_a_model_says_when_there_will_be_one(
    tmp_path, put_run, screen_text, until
):
    app = Tracing(AnsweringEngine(), tmp_path, put_run(state="failed", steps=1))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("a", "enter")
        await until(pilot, lambda: "no model yet; the first" in screen_text(app))
        assert app.engine.asked == []


async def test_a_text_that_the_engine_refuses_gives_its_reason(tmp_path, run, screen_text, until):
    app = Tracing(AnsweringEngine(), tmp_path, run)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*"refused", "enter")
        await until(pilot, lambda: "the text [/]" in screen_text(app))
        assert not set("\x1b\x07\u202e") & set(screen_text(app))
        assert "Type a sentence above" in screen_text(app)


# --- the text and the way between the stages ---


async def test_enter_traces_and_the_keys_lead_into_the_text_and_back(
    tmp_path, run, screen_text, until
):
    app = Tracing(AnsweringEngine(), tmp_path, run)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*"a new film", "enter")
        await until(pilot, lambda: "● 1 Tokenize" in screen_text(app))
        asked = {"run": run.id, "version": "after", "text": "a new film", "true": None}
        assert app.engine.asked[0] == ("trace", asked)
        await until(pilot, lambda: not isinstance(app.focused, Input))
        for key in ("slash", "e"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.focused, Input))
            assert app.query_one(Input).value == "a new film"
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.focused, Input))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_stages_follow_one_another_and_end_at_both_ends(traced, size):
    async with traced(size) as here:
        titles = ["1 Tokenize", "2 Embed", "3 Layers", "4 Head", "5 Predict", "6 Attribution"]
        await here.press("p")
        for number, title in enumerate(titles):
            await here.sees(f"● {title}")
            await here.press("n" if number % 2 else "pagedown")
        await here.sees("● 6 Attribution")
        for title in reversed(titles):
            await here.sees(f"● {title}")
            await here.press("p")


async def test_a_click_goes_to_a_stage(traced):
    async with traced(WIDE) as here:
        row, line = next((y, text) for y, text in enumerate(here.lines) if "5 Predict" in text)
        await here.pilot.click(offset=(line.index("5 Predict") + 3, row))
        await here.sees("● 5 Predict")
        await here.sees("the model says")


async def test_the_next_text_is_shown_at_the_same_stage(traced):
    async with traced(NARROW) as here:
        await here.press("n", "n", "n", "n", "slash")
        here.app.query_one(Input).value = "eee"
        await here.press("enter")
        share = softmax([logit_of(0, "eee"), logit_of(1, "eee")])[0]
        await here.sees(f"with {share:.3f}")
        assert "● 5 Predict" in here.text


async def test_the_true_label_belongs_to_the_text_it_came_with(traced):
    async with traced(NARROW, true="negative") as here:
        await here.sees("negative 0.80 ✓")
        await here.press("n", "n", "n", "n")
        await here.sees("✓ that is the true label")
        await here.press("slash", "e", "enter")
        await here.sees("no true label was given")
        assert here.engine.of("trace")[-1]["true"] is None


async def test_a_text_from_the_data_is_traced_as_it_is_and_shown_without_control_bytes(traced):
    text = " \x1b]52;c;AAAA\x07 a \u202e good film\n"
    async with traced(NARROW, text=text, true="positive") as here:
        assert here.engine.of("trace")[-1]["text"] == text
        assert not set("\x1b\x07\u202e") & set(here.text)
        # traced again unchanged it is still the same text, with its label
        await here.press("slash", "enter")
        assert here.engine.of("trace")[-1] == here.engine.of("trace")[0]
        assert here.engine.of("trace")[-1]["true"] == "positive"


async def test_a_wrong_verdict_is_marked(traced):
    async with traced(NARROW, true="positive") as here:
        await here.sees("negative 0.80 ✗")
        await here.press("n", "n", "n", "n")
        await here.sees("✗ the true label is positive")
        assert here.line("19.5%").rstrip().endswith("◂ true")


async def test_waiting_shows_progress_and_escape_gives_up(tmp_path, run, screen_text, until):
    app = Tracing(AnsweringEngine(), tmp_path, run)
    app.engine.wait = asyncio.Event()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("a", "enter")
        await until(pilot, lambda: "3 of 50" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "cancelled" in screen_text(app))
        assert app.engine.cancelled == ["trace"]
        app.engine.wait = None
        await pilot.press("enter")
        await until(pilot, lambda: "● 1 Tokenize" in screen_text(app))


async def test_another_run_takes_the_trace_away(traced, put_run):
    async with traced(NARROW) as here:
        here.app.query_one(TracePane).show_run(put_run("another"))
        await here.sees("Type a sentence above")
        assert "Tokenize" not in here.text
        assert isinstance(here.app.focused, Input)


# --- checks ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_failing_check_is_named_and_the_list_says_all(traced, size):
    checks = [check_answer("logits", 0.25), check_answer("head", None), check_answer("sum", 0.0)]
    async with traced(size, checks=checks) as here:
        await here.sees("checks 1 of 3 ✗ logits, head (c)")
        await here.press("c")
        assert isinstance(here.app.screen, ChecksScreen)
        assert "off by 2.5e-01, at most 1e-05" in here.line("✗ logits   off")
        assert "off by no number" in here.line("✗ head   off")
        assert "off by 0.0e+00" in here.line("✓ sum")
        assert "the sum are the same both ways" in here.text
        await here.press("escape")
        assert not isinstance(here.app.screen, ChecksScreen)


# --- tokens ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_cursor_lights_its_token_in_the_text(traced, size):
    async with traced(size) as here:
        await here.press("down", "down", "down")
        assert "bad" in here.cursor
        assert "7 to 9" in here.cursor
        assert lit(here.app) == "bad"
        await here.press("end")
        assert "special" in here.cursor
        assert lit(here.app) == ""


def lit(app):
    """What stands in reverse video in the stage, its cursor line left out."""
    strips = app.screen._compositor.render_strips()
    text = strips[next(y for y, strip in enumerate(strips) if "1 ×" in strip.text) + 1]
    return "".join(segment.text for segment in text if segment.style and segment.style.reverse)


async def test_what_was_cut_off_is_said(traced):
    cut = {"tokens": 7, "from": 20, "max_length": 12}
    async with traced(NARROW, cut=cut) as here:
        assert "7 tokens cut off from character 21 on: the model is given 12 at most" in here.text


async def test_a_tokenizer_without_places_says_so(traced):
    tokens = [{**token, "start": None, "end": None} for token in tokens_of("a film")]
    missing = ["this tokenizer does not say where its tokens stand"]
    async with traced(NARROW, text="a film", tokens=tokens, missing=missing) as here:
        assert "does not tell where its tokens stand" in here.text
        assert here.line(" 3  film ").count("—") == 1


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_tokens_near_the_present_one_are_asked_for_once_it_rests(traced, size):
    async with traced(size) as here:
        await here.press("n", "down", "down", "down")
        await here.sees("bad9")
        await here.press("up")
        await here.sees("a9")
        await here.press("down")
        await here.sees("bad9")
        asked = [one["token"] for one in here.engine.of("trace_neighbours")]
        assert asked[-1] == 2
        assert asked.count(3) == 1


async def test_norms_stand_beside_their_token(traced):
    async with traced(WIDE) as here:
        await here.press("n")
        figures = [size + 0.3 * math.sin(3) for size in (1.4, 0.6, 0.3)]
        shown = re.findall(r"\d\.\d\d", here.line("  bad "))
        assert [float(figure) for figure in shown[:3]] == pytest.approx(figures, abs=0.005)
        assert float(shown[3]) == pytest.approx(5 + math.sin(3), abs=0.005)


# --- layers ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_arrows_ask_for_the_map_of_another_layer_and_head(traced, size):
    async with traced(size) as here:
        await here.press("n", "n")
        await here.sees("the row sums to 1.000")
        await here.press("right", "down", "down", "down")
        await here.sees("head 2 of 12")
        asked = [(one["layer"], one["head"]) for one in here.engine.of("trace_attention")]
        assert asked == [(1, "mean"), (2, "mean"), (2, "rollout"), (2, 0), (2, 1)]
        await here.press("j", "j", "shift+right")
        weight = attention_answer(12, 2, 1)["rows"][2][1]
        await here.sees(f"a → not  {weight:.3f}")
        await here.press("up", "up", "up", "up")
        await here.sees("head 12 of 12")


async def test_layers_end_at_both_ends(traced):
    async with traced(NARROW, layers=2) as here:
        await here.press("n", "n", "left")
        await here.sees("layer 1 of 2")
        await here.press("right", "right", "right")
        await here.sees("layer 2 of 2")


async def test_a_narrow_screen_switches_between_map_lens_and_norms(traced):
    async with traced(NARROW) as here:
        await here.press("n", "n")
        await here.sees("rows look at columns")
        await here.press("v")
        await here.sees("█ negative")
        assert "rows look at columns" not in here.text
        await here.press("v")
        await here.sees("norm after it")
        await here.press("v")
        await here.sees("rows look at columns")


async def test_a_wide_screen_shows_map_lens_and_norms(traced):
    async with traced(WIDE) as here:
        await here.press("n", "n")
        await here.sees("rows look at columns")
        lens = lens_of(["negative", "positive"], TEXT, 6)
        lines = here.lines[next(y for y, line in enumerate(here.lines) if "embed" in line) :]
        for layer, shares in enumerate(lens):
            assert f" {max(shares):.2f} " in lines[layer]
        assert "turns here" in lines[3]
        assert "turns here" not in lines[4]
        assert "norm after it" in here.text
        await here.press("j", "right")
        # layer 2 moved token 1 by 1 + 0.1 * ((1 + 1) % 7)
        await here.sees("layer 2 moved not by 1.20")
        assert f"to a norm of {9 + math.sin(3):.2f}" in here.text


async def test_a_click_moves_the_crosshair(traced):
    async with traced(WIDE) as here:
        await here.press("n", "n")
        await here.sees("rows look at columns")
        row = next(y for y, line in enumerate(here.lines) if "│ film" in line)
        head = next(text for text in here.lines if "not" in text and "but" in text and "│" in text)
        await here.pilot.click(offset=(head.index("but"), row))
        weight = attention_answer(12, 1, "mean")["rows"][4][6]
        await here.sees(f"film → but  {weight:.3g}")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_what_an_architecture_does_not_show_is_said_in_its_place(traced, size):
    async with traced(size) as here:
        document = trace_answer(here.engine.of("trace")[0])
        stages = [dict(stage) for stage in document["stages"]]
        stages[1]["parts"] = []
        stages[2] |= {"heads": None, "lens": None, "turn": None, "pooled": None}
        for entry in stages[3]["logits"]:
            entry |= {"bias": None, "contributions": [], "rest": None}
        here.engine.shape = {"stages": stages, "missing": ["this kind of model hides its inside"]}
        await here.press("slash", "enter", "n")
        await here.sees("hides its inside")
        await here.press("n")
        await here.sees("hides its inside")
        assert here.engine.of("trace_attention") == []
        await here.press("n")
        await here.sees("hides its inside")
        await here.press("n")
        await here.sees("the model says")


# --- head, prediction ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
@pytest.mark.parametrize("label", [0, 1])
async def test_the_terms_that_are_shown_sum_to_the_logit(traced, size, label):
    async with traced(size) as here:
        await here.press("n", "n", "n", *["down"] * label)
        await here.sees("= logit")
        name = ("negative", "positive")[label]
        assert f"the logit of {name}" in here.text
        starts = (" bias ", "+ feature", "+ the other")
        shown = [line for line in here.lines if any(start in line for start in starts)]
        terms = [signed_figure(line) for line in shown]
        assert len(terms) >= 5
        assert sum(terms) == pytest.approx(logit_of(label, TEXT), abs=0.0005 * len(terms))
        assert signed_figure(here.line("= logit")) == pytest.approx(logit_of(label, TEXT), abs=5e-4)


def signed_figure(line):
    """The last figure with a sign: the labels' list may stand left of the sum."""
    return [float(word) for word in line.split() if re.fullmatch(r"[+-]\d+\.\d{3}", word)][-1]


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_probabilities_stand_beside_the_calibrated_ones(traced, size):
    async with traced(size) as here:
        await here.press("n", "n", "n", "n")
        await here.sees("at temperature 1.70")
        logits = [logit_of(label, TEXT) for label in (0, 1)]
        for name, share, cooled in zip(
            ("negative", "positive"), softmax(logits), softmax([x / 1.7 for x in logits]),
            strict=True,
        ):  # fmt: skip
            row = here.line(f"  {name} " if name == "positive" else f"▸ {name}")
            assert f"{share:.1%}" in row
            assert f"{cooled:.1%}" in row


async def test_without_a_temperature_it_says_so(traced):
    async with traced(NARROW) as here:
        stages = trace_answer(here.engine.of("trace")[0])["stages"]
        stages[4] |= {"temperature": None, "calibrated": None}
        here.engine.shape = {"stages": stages}
        await here.press("slash", "enter", "n", "n", "n", "n")
        await here.sees("no temperature is known")


# --- attribution ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_attributions_are_asked_for_on_entering_and_for_each_label(traced, size):
    async with traced(size) as here:
        await here.press("p", "n", "n", "n", "n", "n")
        await here.sees("✓ sum and baseline make the logit")
        answer = attributions_answer(trace_answer(here.engine.of("trace")[0]), "negative")
        top = max(range(12), key=lambda number: abs(answer["values"][number]))
        assert f"{answer['values'][top]:+.3f}" in here.cursor
        assert f"{answer['sum']:+.3f} of the tokens" in here.text
        await here.press("down")
        await here.sees("to the logit of positive")
        await here.sees(f"{logit_of(1, TEXT):+.3f} logit")
        await here.press("up")
        await here.sees(f"{logit_of(0, TEXT):+.3f} logit")
        asked = [one["label"] for one in here.engine.of("trace_attributions")]
        assert asked == ["negative", "positive"]


async def test_the_tokens_of_the_attribution_have_signs_besides_colours(traced):
    async with traced(WIDE) as here:
        await here.press("n", "n", "n", "n", "n")
        await here.sees("✓ sum and baseline")
        answer = attributions_answer(trace_answer(here.engine.of("trace")[0]), "negative")
        largest = max(map(abs, answer["values"]))
        for token, value in zip(tokens_of(TEXT), answer["values"], strict=True):
            if abs(value) / largest >= 0.1:
                assert token["token"] + ("+" if value > 0 else "−") in here.text


async def test_escape_cancels_the_attributions_and_a_asks_again(traced):
    async with traced(NARROW) as here:
        here.engine.wait = asyncio.Event()
        await here.press("n", "n", "n", "n", "n")
        await here.sees("3 of 50")
        await here.press("escape")
        await here.sees("cancelled")
        assert here.engine.cancelled == ["trace_attributions"]
        here.engine.wait = None
        await here.press("a")
        await here.sees("of the tokens")


async def test_leaving_the_stage_cancels_its_attributions(traced):
    async with traced(NARROW) as here:
        here.engine.wait = asyncio.Event()
        await here.press("n", "n", "n", "n", "n")
        await here.sees("3 of 50")
        await here.press("p")
        await here.sees("● 5 Predict")
        assert here.engine.cancelled == ["trace_attributions"]


# --- comparison ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_changed_words_are_compared_with_the_text_before(traced, size):
    async with traced(size) as here:
        await here.press("w")
        await here.sees("Change words; Enter compares")
        assert isinstance(here.app.focused, Input)
        await here.press("enter")
        await here.sees("The text is still the same")
        here.app.query_one(Input).value = "not a fine film"
        await here.press("enter")
        await here.sees("what the head would say")
        asked = here.engine.of("trace_compare")[0]
        assert (asked["text"], asked["other"]["text"]) == (TEXT, "not a fine film")
        assert TEXT in here.line("one  ")
        assert "fine" in here.line("other ")
        await here.press("escape")
        await here.sees("● 1 Tokenize")
        await until_in_view(here)


async def until_in_view(here):
    await here.pilot.pause(0.1)
    assert here.app.query_one(TraceView).has_focus_within


async def test_ctrl_t_compares_while_typing(traced):
    async with traced(NARROW) as here:
        await here.press("slash", "end", "space", "e", "ctrl+t")
        await here.sees("other " + TEXT + " e")
        assert here.engine.of("trace_compare")[0]["other"]["text"] == TEXT + " e"


async def test_the_comparison_shows_where_the_verdicts_part(traced):
    async with traced((120, 60), text="e", labels=("negative", "positive")) as here:
        one = trace_answer(here.engine.of("trace")[0])
        answer = compare_answer(one, one)
        answer["turn"] = {"one": 3, "other": 5, "parting": 4}
        answer["logits"][0] |= {"one": 1.25, "other": -0.5, "difference": 1.75}
        here.engine.request = compares_to(here.engine, answer)
        await here.press("b")
        await here.sees("◂ part")
        assert here.line("◂ part").split()[0] == "4"
        assert here.line("◂ one turns").split()[0] == "3"
        assert here.line("◂ other turns").split()[0] == "5"
        row = here.line("+1.750")
        assert row.index("+1.250") < row.index("-0.500") < row.index("+1.750")


def compares_to(engine, answer):
    before = engine.request

    async def request(method, params, on_progress=None):
        found = await before(method, params, on_progress)
        return answer if method == "trace_compare" else found

    return request


async def test_b_compares_with_the_model_before_fine_tuning(traced):
    async with traced(NARROW) as here:
        await here.press("b")
        await here.sees("the same in both")
        asked = here.engine.of("trace_compare")[0]
        assert (asked["version"], asked["other"]["version"]) == ("after", "before")
        assert asked["text"] == asked["other"]["text"] == TEXT


async def test_m_traces_with_the_model_before_fine_tuning_and_back(traced):
    async with traced(WIDE) as here:
        await here.press("m")
        await here.sees("its model before fine-tuning")
        assert here.engine.of("trace")[-1]["version"] == "before"
        await here.press("m")
        await here.pilot.pause(0.1)
        assert "its model before fine-tuning" not in here.text
        assert here.engine.of("trace")[-1]["version"] == "after"


# --- export ---


async def test_export_asks_for_a_path_that_can_be_written(traced, tmp_path):
    async with traced(NARROW) as here:
        await here.press("x")
        assert isinstance(here.app.screen, ExportScreen)
        path = here.app.screen.query_one(Input)
        for wrong, words in (("t.pdf", "must end in .html"), ("/nowhere/t.html", "no folder")):
            path.value = wrong
            await here.press("enter")
            await here.sees(words)
        path.value = str(tmp_path / "t.json")
        await here.press("enter")
        await here.sees("written to")
        asked = here.engine.of("trace_export")[0]
        assert (asked["path"], asked["attributions"]) == (str(tmp_path / "t.json"), False)


async def test_export_takes_attributions_if_they_are_wanted(traced, tmp_path):
    async with traced(NARROW) as here:
        await here.press("x")
        here.app.screen.query_one(Input).value = str(tmp_path / "t.html")
        assert "X" not in here.line("with the attributions")
        await here.press("tab", "space")
        assert "X" in here.line("with the attributions")
        await here.press("shift+tab", "enter")
        await here.sees("written to")
        assert here.engine.of("trace_export")[0]["attributions"] is True


# --- all shapes, and text of any kind ---


def hostile_shape():
    labels = [f"{number} {HOSTILE}" for number in range(3)]
    tokens = [
        {**token, "token": name, "unknown": True}
        for token, name in zip(
            tokens_of("a b c d"),
            ["[/]", "\x1b]52;c;AAAA\x07", "\u202eabc", "映画" * 40, " ", "😀"],
            strict=True,
        )
    ]
    checks = [{**check_answer(HOSTILE, 1.0), "words": HOSTILE}]
    return {"labels": labels, "tokens": tokens, "checks": checks, "missing": [HOSTILE]}


SHAPES = {
    "hostile": ("a b c d", hostile_shape()),
    "one token": ("a", {"tokens": tokens_of("a")[1:2]}),
    "512 tokens": (" ".join(f"word{number}" for number in range(510)), {}),
    "40 labels": (TEXT, {"labels": [f"intent {number}" for number in range(40)]}),
    "a wide script": ("映画 は 😀 とても よかった", {}),
    "no checks": (TEXT, {"checks": []}),
    "one layer, one head": (TEXT, {"layers": 1, "heads": 1}),
    "24 layers": (TEXT, {"layers": 24, "heads": 16}),
}


@pytest.mark.parametrize(
    ("shape", "size"),
    [*((shape, NARROW) for shape in SHAPES), ("hostile", WIDE), ("512 tokens", WIDE)],
)
async def test_every_stage_fits_the_screen(traced, shape, size):
    text, given = SHAPES[shape]
    async with traced(size, text=text, **given) as here:
        for stage in range(6):
            for keys in ([], ["down", "right", "j", "l"], ["end", "v"]):
                await here.press(*keys)
                check_screen(here)
            if stage < 5:
                await here.press("n")
        await here.sees("of the tokens")
        check_screen(here)
        await here.press("b")
        await here.sees("what the head would say")
        check_screen(here)
        await here.press("escape", "c")
        check_screen(here)


def check_screen(here):
    assert not set("\x1b\x07\u202e") & set(here.text)
    strips = here.app.screen._compositor.render_strips()
    assert {strip.cell_length for strip in strips} == {here.app.size.width}


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_figures_that_are_not_known_are_dashes(traced, size):
    async with traced(size) as here:
        document = trace_answer(here.engine.of("trace")[0])
        nothing = unknown(document["stages"])
        here.engine.shape = {"stages": nothing}
        await here.press("slash", "enter")
        for _ in range(5):
            await here.press("n")
            check_screen(here)
        await here.press("p")
        await here.sees("the model says")
        assert here.cursor.count("—") == 2


def unknown(value):
    """The same with every fraction unknown, as where a model gives NaN."""
    match value:
        case float():
            return None
        case list():
            return [unknown(one) for one in value]
        case dict():
            return {key: unknown(one) for key, one in value.items()}
        case _:
            return value


@pytest.mark.slow
async def test_a_real_model_is_traced_to_its_attributions(tmp_path, put_run, screen_text, until):
    """With a real engine: what it answers fits what the pane reads."""
    run = put_run()
    put_model(run.model)
    app = Tracing(EngineClient(tmp_path), tmp_path, run)

    def sees(words):
        return lambda: words in screen_text(app)

    try:
        async with app.run_test(size=WIDE) as pilot:
            app.query_one(TracePane).trace(run, "a good film", "good")
            await until(pilot, sees("checks 5 of 5 ✓"), 90)
            await pilot.press("n", "down", "down")
            await until(pilot, sees("nearest in the vocabulary to good"))
            await pilot.press("n")
            await until(pilot, sees("the row sums to 1.000"))
            await pilot.press("n")
            await until(pilot, sees("= logit"))
            await pilot.press("n")
            await until(pilot, sees("the model says"))
            await pilot.press("n")
            await until(pilot, sees("✓ the attributions sum"), 30)
            await pilot.press("w", "end", "space", "a", "enter")
            await until(pilot, sees("what the head would say"), 30)
            await pilot.press("escape", "x")
            app.screen.query_one(Input).value = str(tmp_path / "t.json")
            await pilot.press("enter")
            await until(pilot, sees("written to"), 30)
            written = json.loads((tmp_path / "t.json").read_text())
            assert written["logits"].keys() == {"good", "bad"}
    finally:
        app.engine.close()


def put_model(folder):
    """Save a tiny classifier with a tokenizer of nine words."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "bad", "film"]
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    names = {"id2label": {0: "good", 1: "bad"}, "label2id": {"good": 0, "bad": 1}}
    config = BertConfig(vocab_size=len(words), num_hidden_layers=2, **sizes, **names)
    BertForSequenceClassification(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizer.from_pretrained(folder).save_pretrained(folder)
