import asyncio
import math
import re

import pytest

from .trace_pane import (
    NARROW,
    TEXT,
    WIDE,
    attention_answer,
    attributions_answer,
    lens_of,
    logit_of,
    softmax,
    tokens_of,
    trace_answer,
)

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


async def test_a_map_that_comes_after_the_layer_was_left_is_not_shown(traced):
    async with traced(WIDE) as here:
        await here.press("n", "n")
        await here.sees("attention, layer 1")
        asked, let = here.engine.request, asyncio.Event()

        async def late(*question):
            await let.wait()
            return await asked(*question)

        here.engine.request = late
        await here.press("right", "left")
        let.set()
        await here.until(lambda: len(here.engine.of("trace_attention")) == 2)
        await here.press("j")
        assert "attention, layer 1" in here.text


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


async def test_attributions_given_up_for_another_trace_are_called_cancelled(traced):
    async with traced(NARROW) as here:
        here.engine.wait = asyncio.Event()
        await here.press("n", "n", "n", "n", "n")
        await here.sees("3 of 50")
        await here.press("m")
        await here.until(lambda: here.engine.cancelled == ["trace_attributions"])
        await here.press("escape")
        await here.sees("a asks again")


async def test_leaving_the_stage_cancels_its_attributions(traced):
    async with traced(NARROW) as here:
        here.engine.wait = asyncio.Event()
        await here.press("n", "n", "n", "n", "n")
        await here.sees("3 of 50")
        await here.press("p")
        await here.sees("● 5 Predict")
        assert here.engine.cancelled == ["trace_attributions"]
