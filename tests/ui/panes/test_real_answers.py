"""With a real engine: what it answers fits what Predict and Trace read."""

import json

import pytest
from textual.widgets import Input

from tui_finetune.engine.client import EngineClient
from tui_finetune.recipe import dump_recipe, parse_recipe
from tui_finetune.ui.panes.trace import TracePane

from .predict_pane import HOSTILE, NARROW, Predicting, fill_in
from .trace_pane import WIDE, Tracing


def put_model(start, folder, *labels):
    """Save a classifier as a run would, with random weights in its head."""
    from tui_finetune.models.loading import load_classifier, load_tokenizer

    load_classifier(start, list(labels)).save_pretrained(folder)
    load_tokenizer(start).save_pretrained(folder)


@pytest.mark.slow
async def test_predictions_of_a_real_engine(tmp_path, put_run, tiny_model, screen_text, until):
    """Live, beside the model before fine-tuning, and of a file."""
    run = put_run()
    content = {"data": {"source": "none.csv"}, "model": {"source": str(tiny_model())}}
    run.recipe.write_text(dump_recipe(parse_recipe(content, "test")))
    put_model(tiny_model(), run.model, "[/]\x1b]0;x\x07", "good")
    texts = ["a good film", "bad", ""]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"text": text, "id": text}) + "\n" for text in texts))
    app = Predicting(tmp_path, run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "loading the model" in screen_text(app))
        app.query_one(Input).value = f"a good film {HOSTILE}"
        await until(pilot, lambda: "%  █" in screen_text(app), 60)
        lines = [line for line in screen_text(app).splitlines() if "%  █" in line]
        shares = [float(line.split("%")[0].split()[-1]) for line in lines]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(100, abs=0.11)
        assert "[/]" in screen_text(app)
        assert not set("\x1b\x07\u202e") & set(screen_text(app))

        await pilot.press("ctrl+l")
        await until(pilot, lambda: screen_text(app).count("%") == 4, 60)
        await pilot.press("enter")
        await until(pilot, lambda: "“a good film" in screen_text(app))

        await fill_in(pilot, app, until, source)
        await until(pilot, lambda: "✓ 3 rows written" in screen_text(app), 60)
        assert "1 without a text" in screen_text(app)
    out = (tmp_path / "in-predicted.jsonl").read_text()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["id"] for row in rows] == texts
    assert rows[2]["label"] is None


@pytest.mark.slow
async def test_a_real_model_is_traced_to_its_attributions(
    tmp_path, put_run, tiny_model, screen_text, until
):
    """With a real engine: what it answers fits what the pane reads."""
    run = put_run()
    put_model(tiny_model(), run.model, "good", "bad")
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
