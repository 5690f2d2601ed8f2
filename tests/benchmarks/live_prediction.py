"""From a key to the new figure on the screen, while a sentence is typed into Predict.

    python tests/benchmarks/live_prediction.py

The dashboard runs without a terminal (120x40) but with a real engine, whose model is the starter
with a new head; it is loaded before the first key. The time ends when what would go to the terminal
holds the new share. `request` is the way to the engine and back, `model` the tokenizer and the
forward pass alone, timed afterwards in this process on the same texts."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui_finetune import process

process.settle()

from textual import events  # noqa: E402
from textual._compositor import CompositorUpdate  # noqa: E402
from textual.widgets import Input  # noqa: E402

import tui_finetune.ui.app  # noqa: E402
from tui_finetune.recipe import parse_recipe  # noqa: E402
from tui_finetune.runs.directory import RunDirectory, create_run  # noqa: E402
from tui_finetune.runs.status import Status, write_status  # noqa: E402
from tui_finetune.ui.app import Dashboard  # noqa: E402
from tui_finetune.ui.panes.predict import PredictPane  # noqa: E402

TEXT = "a film of rare warmth and wit, if a little long for what it has to tell us in the end"

# Between the keys of somebody who types fast.
PAUSE = 0.15


class Watched(Dashboard):
    """Looks for a figure in what goes to the terminal."""

    CSS_PATH = Path(tui_finetune.ui.app.__file__).with_name("styles.tcss")
    awaited = ""
    seen = asyncio.Event()

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        written = isinstance(renderable, CompositorUpdate) and self.awaited
        if written and self.awaited in renderable.render_segments(self.console):
            self.seen.set()


def make_run(home: Path) -> RunDirectory:
    """Make a run that has the starter with a new head as its model."""
    import torch

    from tui_finetune.models.loading import load_classifier, load_tokenizer
    from tui_finetune.models.sources import model_folder

    recipe = parse_recipe({"data": {"source": "none.csv"}, "name": "benchmark"}, "benchmark")
    run = create_run(home, recipe)
    folder = model_folder(recipe.model)
    torch.manual_seed(0)
    model = load_classifier(folder, ["negative", "positive"])
    model.classifier.weight.data *= 30  # so that each key changes the share
    model.save_pretrained(run.model)
    load_tokenizer(folder).save_pretrained(run.model)
    write_status(run.status, Status(state="finished", name="benchmark"))
    return run


async def type_text(home: Path, run: RunDirectory, shares: list[str]) -> dict[str, list[float]]:
    """Type the text key by key; `shares` are those that the screen must show after each."""
    app = Watched(home, run=run)
    keys, requests = [], []
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(1)
        await pilot.press("f6")
        while not app.query(PredictPane) or not app.query_one(PredictPane)._live.folders:
            await pilot.pause(0.1)
        engine = app._engine
        ask = engine.request

        async def request(*words: Any) -> Any:
            start = time.perf_counter()
            reply = await ask(*words)
            requests.append(time.perf_counter() - start)
            return reply

        engine.request = request  # type: ignore[method-assign]
        before = ""
        assert app._driver is not None
        for character, share in zip(TEXT, shares, strict=True):
            app.seen.clear()
            app.awaited = share
            start = time.perf_counter()
            app._driver.process_message(events.Key(character, character))
            if share != before:
                await asyncio.wait_for(app.seen.wait(), 5)
                keys.append(time.perf_counter() - start)
            before, app.awaited = share, ""
            await asyncio.sleep(PAUSE)
        assert app.query_one(PredictPane).query_one(Input).value == TEXT
    return {"key to figure": keys, "request": requests}


def main() -> None:
    """Print the median and the 95th percentile of each."""
    home = Path(tempfile.mkdtemp())
    run = make_run(home)
    from tui_finetune.evaluation.trained import load_run

    trained = load_run(run)
    shares, model = [], []
    trained.predict([TEXT])
    for length in range(1, len(TEXT) + 1):
        text = TEXT[:length].strip()
        model.append(timed(lambda text=text: trained.predict([text])))  # type: ignore[misc]
        shares.append(f"{trained.predict([text])[0].score:.1%}")
    times = {**asyncio.run(type_text(home, run, shares)), "model": model}
    for name, seconds in times.items():
        ordered = [1000 * one for one in sorted(seconds)]
        print(
            f"{name:<14} median {statistics.median(ordered):5.1f} ms, "
            f"95th {ordered[len(ordered) * 95 // 100 - 1]:5.1f} ms, worst {ordered[-1]:5.1f} ms, "
            f"{len(ordered)} times"
        )


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
