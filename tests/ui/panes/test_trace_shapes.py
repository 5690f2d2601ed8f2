import pytest

from .trace_pane import (
    HOSTILE,
    NARROW,
    TEXT,
    WIDE,
    check_answer,
    check_screen,
    tokens_of,
    trace_answer,
)

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
