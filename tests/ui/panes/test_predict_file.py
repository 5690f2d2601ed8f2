import asyncio
from typing import ClassVar

import pytest

from tui_finetune.errors import InputError
from tui_finetune.ui.panes.predict_file import PredictFileScreen, progress_line

from .predict_pane import HOSTILE, NARROW, WIDE, AnsweringEngine, Predicting, fill_in


class FileEngine(AnsweringEngine):
    """Says how far a file is, and ends when it is let."""

    last: ClassVar = {"what": "predicting", "done": 500, "of": 1000}

    async def request(self, method, params, on_progress=None):
        if method == "predict":
            return await super().request(method, params, on_progress)
        self.asked.append(params)
        try:
            on_progress({"what": "predicting", "done": 200, "of": 1000})
            await asyncio.sleep(1.1)
            on_progress(self.last)
            await self._let.wait()
            if self.error:
                raise self.error
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return {"out": f"/d/{HOSTILE}.csv", "rows": 1000, "empty": 3, "resumed_from": 200}


async def test_while_the_file_is_written_no_rate_is_made_up(tmp_path, run, screen_text, until):
    app = Predicting(tmp_path, run, FileEngine(tmp_path))
    app.engine.last = {"what": "writing", "done": 0, "of": 1000}
    async with app.run_test(size=NARROW) as pilot:
        await fill_in(pilot, app, until, tmp_path / "in.csv")
        await until(pilot, lambda: "writing" in screen_text(app))
        assert "0 of 1,000" in screen_text(app)
        assert "rows/s" not in screen_text(app)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_file_is_predicted_with_its_progress_in_sight(
    tmp_path, run, screen_text, until, size
):
    app = Predicting(tmp_path, run, FileEngine(tmp_path))
    async with app.run_test(size=size) as pilot:
        await fill_in(pilot, app, until, tmp_path / "in.csv")
        await until(pilot, lambda: "500 of 1,000" in screen_text(app))
        await until(pilot, lambda: "rows/s" in screen_text(app))
        assert app.engine.asked[-1] == {
            "run": run.id,
            "source": str(tmp_path / "in.csv"),
            "out": str(tmp_path / "in-predicted.csv"),
            "column": None,
            "overwrite": False,
        }
        app.engine.release()
        await until(pilot, lambda: "✓ 1,000 rows written" in screen_text(app))
        assert "3 without a text have no prediction" in screen_text(app)
        assert "200 of them were done before" in screen_text(app)
        assert not set("\x1b\x07\u202e") & set(screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, PredictFileScreen))


async def test_a_cancelled_file_is_kept_for_going_on_and_that_is_said(
    tmp_path, run, screen_text, until
):
    app = Predicting(tmp_path, run, FileEngine(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await fill_in(pilot, app, until, tmp_path / "in.csv")
        await until(pilot, lambda: "200 of 1,000" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "cancelled; what is done is kept" in screen_text(app))
        assert app.engine.cancelled == 1
        app.engine.error = InputError(f"this file {HOSTILE}")
        await pilot.press("enter")  # the paths are still there
        await until(pilot, lambda: "200 of 1,000" in screen_text(app))
        app.engine.release()
        await until(pilot, lambda: "this file [/]" in screen_text(app))


async def test_a_file_that_exists_is_overwritten_only_after_a_question(
    tmp_path, run, screen_text, until
):
    out = tmp_path / "out.csv"
    out.write_text("precious")
    app = Predicting(tmp_path, run, FileEngine(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await fill_in(pilot, app, until, tmp_path / "in.csv", out)
        await until(pilot, lambda: "This file exists already." in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, PredictFileScreen))
        assert "source" not in app.engine.asked[-1]
        await pilot.press("enter")
        await until(pilot, lambda: "This file exists already." in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: app.engine.asked[-1].get("overwrite") is True)


async def test_without_paths_it_says_what_is_missing(tmp_path, run, screen_text, until):
    app = Predicting(tmp_path, run, FileEngine(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await fill_in(pilot, app, until, "")
        await until(pilot, lambda: "Name the file to read first." in screen_text(app))


def test_the_rate_is_said_only_where_it_is_known():
    told = {"what": "predicting", "done": 2000, "of": 10000}
    assert "rows/s" not in progress_line(told, 0.5, None).plain
    line = progress_line(told, 20.0, 100.0).plain
    assert "2,000 of 10,000" in line
    assert "100 rows/s   about 1m20 left" in line
    assert "reading" in progress_line({"what": "reading x", "done": 0, "of": 0}, 1, None).plain
