"""Answers while somebody types: for the newest text, one request at a time."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory

# What a model is asked for the first time, before there is a text.
_WARM_UP = "a first sentence"
_WARM_UP_PAIR = "and a second one"


@dataclass(frozen=True)
class Side:
    """A model that answers: of a run, as it came out of the fine-tuning or as it went in."""

    run: RunDirectory
    version: Literal["after", "before"] = "after"


@dataclass(frozen=True)
class Answer:
    """What a side says of a text, or of two: probabilities, a number, or why there is nothing."""

    text: str
    label: str = ""
    score: float | None = None
    scores: Mapping[str, float | None] | None = None
    problem: str | None = None
    pair: str = ""
    """The second text of a side that reads two."""
    labels: tuple[str, ...] | None = None
    """The labels that it gives the text, where it may give several."""
    value: float | None = None
    """The number of a regression."""


class LiveAnswers:
    """Asks all sides for the newest text, and loads their models before there is one.

    `run` is the loop that asks; it ends when nothing is left to ask. `on_change` is called after
    each answer. An answer to a text that is not the newest any more is dropped.
    """

    def __init__(self, engine: EngineClient, on_change: Callable[[], None]) -> None:
        self._engine = engine
        self._on_change = on_change
        self._sides: list[Side] = []
        self._answers: dict[Side, Answer] = {}
        self._to_load: set[Side] = set()
        self._request: asyncio.Task[Any] | None = None
        self._given_up = False
        self._reading_pairs: dict[RunDirectory, bool] = {}
        self.text = ""
        """The newest text; empty: there is none."""
        self.pair = ""
        """Its second text, for the sides that read two."""
        self.asked: Side | None = None
        """The side that is asked now."""
        self.since = 0.0
        """When it was asked, by the monotonic clock."""
        self.folders: dict[Side, str] = {}
        """The folders of the models that have answered."""
        self.running = False

    @property
    def complete(self) -> bool:
        """Whether all sides have answered the newest text."""
        answers = [self.answer(side) for side in self._sides]
        return bool(self.text and answers) and None not in answers

    def answer(self, side: Side) -> Answer | None:
        """Return what a side says of the newest text, if it has answered."""
        found = self._answers.get(side)
        newest = found is not None and (found.text, found.pair) == (self.text, self.pair)
        return found if newest else None

    def set_sides(self, sides: list[Side]) -> None:
        """Ask these from now on, and load their models; what others are asked is taken back."""
        self._sides = sides
        self._to_load = {side for side in sides if side not in self.folders}
        if self.asked is not None and self.asked not in sides:
            self._take_back()

    def set_text(self, text: str, pair: str = "") -> None:
        """Ask for this text from now on; empty: for none. Answers to others are forgotten.

        `pair` is its second text, which the sides that read single texts are not asked for.
        """
        self.text, self.pair = text, pair
        self._answers.clear()

    def load(self) -> None:
        """Load the models of all sides again that have a newer one, or failed before."""
        for side in self._sides:
            newest = newest_model(side.run)
            has_loaded = self.folders.get(side)
            if newest is not None and (
                has_loaded is None or (side.version == "after" and has_loaded != str(newest))
            ):
                self._to_load.add(side)

    def give_up(self) -> None:
        """Take back what is asked, and ask nothing more until there is another text."""
        self._to_load.clear()
        self.set_text("")
        self._take_back()

    def _take_back(self) -> None:
        if self._request is not None:
            self._given_up = True
            self._request.cancel()

    async def run(self) -> None:
        """Ask until there is an answer of each side to the newest text."""
        if self.running:
            return
        self.running = True
        try:
            while (question := self._next_question()) is not None:
                await self._ask(*question)
                self._on_change()
        finally:
            self.running = False

    def _reads_pairs(self, run: RunDirectory) -> bool:
        if run not in self._reading_pairs:
            self._reading_pairs[run] = reads_pairs(run)
        return self._reading_pairs[run]

    def _next_question(self) -> tuple[Side, tuple[str, str] | None] | None:
        for side in self._sides:
            if self.text and self.answer(side) is None:
                return side, (self.text, self.pair)
        for side in self._sides:
            if side in self._to_load:
                return side, None
        return None

    async def _ask(self, side: Side, texts: tuple[str, str] | None) -> None:
        self._to_load.discard(side)
        text, pair = texts or ("", "")
        params = {"run": side.run.id, "version": side.version, "texts": [text or _WARM_UP]}
        if self._reads_pairs(side.run):
            params["pairs"] = [pair or _WARM_UP_PAIR]
        self.asked, self.since = side, time.monotonic()
        self._request = asyncio.ensure_future(self._engine.request("predict", params))
        try:
            reply = await self._request
        except asyncio.CancelledError:
            if not self._given_up:  # the dashboard ends
                raise
        except (InputError, EngineError) as error:
            if isinstance(error, EngineError):
                self.folders.clear()  # the next engine has loaded nothing yet
            if side in self._sides:
                self._answers[side] = Answer(text, problem=str(error), pair=pair)
        else:
            self.folders[side] = reply["model"]
            if text and (text, pair) == (self.text, self.pair) and side in self._sides:
                self._answers[side] = _answer(text, pair, reply["predictions"][0])
        finally:
            self._request = self.asked = None
            self._given_up = False


def _answer(text: str, pair: str, made: dict[str, Any]) -> Answer:
    if "value" in made:
        return Answer(text, pair=pair, value=made["value"])
    labels = tuple(made["labels"]) if "labels" in made else None
    return Answer(text, made["label"], made["score"], made["scores"], pair=pair, labels=labels)


def reads_pairs(run: RunDirectory) -> bool:
    """Return whether a run was trained on two texts a row."""
    with suppress(InputError, OSError):
        return run.load_recipe().data.columns.text_pair is not None
    return False


def traceable(run: RunDirectory) -> bool:
    """Return whether a run gives one text one label: only such a prediction can be traced."""
    with suppress(InputError, OSError):
        kind = run.load_recipe().problem_type or "single_label_classification"
        return kind == "single_label_classification" and not reads_pairs(run)
    return True


def newest_model(run: RunDirectory) -> Path | None:
    """Return the folder that answers for a run, if there is one that can be read now."""
    with suppress(OSError):
        return run.trained_model()
    return None
