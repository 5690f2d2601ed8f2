"""The Trace pane in an app of its own, and answers of an engine, every figure computed."""

import asyncio
import math
import re
from functools import cache

import numpy as np
from textual.app import App, ComposeResult
from textual.widgets import Input

from tui_finetune.errors import InputError
from tui_finetune.ui.panes.trace import TracePane
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
    rows, to = np.ogrid[:n, :n]
    powers = np.exp(3 * np.sin(seed + layer + rows * 1.3 + to * to))
    rows = (powers / powers.sum(axis=1, keepdims=True)).tolist()
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


class Opened:
    """An app with a trace in sight, at its first stage."""

    def __init__(self, home, run, until, screen_text, size, text=TEXT, true=None, **shape):
        self.engine = AnsweringEngine(**shape)
        self.app = Tracing(self.engine, home, run)
        self._until, self._screen_text = until, screen_text
        self._context = self.app.run_test(size=size)
        self._asked = (run, text, true)

    async def __aenter__(self):
        self.pilot = await self._context.__aenter__()
        self.app.query_one(TracePane).trace(*self._asked)
        await self.sees("● 1 Tokenize")
        await self._until(self.pilot, lambda: not isinstance(self.app.focused, Input))
        return self

    async def __aexit__(self, *reason):
        return await self._context.__aexit__(*reason)

    @property
    def text(self):
        return self._screen_text(self.app)

    @property
    def lines(self):
        return self.text.splitlines()

    def line(self, part):
        return next(line for line in self.lines if part in line)

    @property
    def cursor(self):
        """The line with the cursor; the stages in their line have that sign between them."""
        return next(line for line in self.lines if re.search(r"(^ |  |│)▸", line))

    async def until(self, condition):
        await self._until(self.pilot, condition)

    async def sees(self, words):
        await self.until(lambda: words in self.text)

    async def press(self, *keys):
        await self.pilot.press(*keys)
        await self.pilot.pause()


def check_screen(here):
    assert not set("\x1b\x07\u202e") & set(here.text)
    strips = here.app.screen._compositor.render_strips()
    assert {strip.cell_length for strip in strips} == {here.app.size.width}
