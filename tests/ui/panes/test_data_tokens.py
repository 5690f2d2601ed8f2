import pytest

from tui_finetune.errors import InputError
from tui_finetune.ui.panes.data_token_words import batch_lines, cut_lines, token_grid, token_words

from .data_pane import NARROW, WIDE, Choosing, film_rows, quality


def token(text, number, special=False, unknown=False, of=0):
    """Return a token as the engine answers it."""
    place = None if special else 0
    return {"token": text, "id": number, "mask": 1, "special": special, "unknown": unknown,
            "text": of, "start": place, "end": place}  # fmt: skip


def answer(**changes):
    """Return an answer to `tokens`."""
    return {
        "texts": ["a fine film"],
        "tokens": [token("[CLS]", 101, special=True), token("fine", 2986), token("##ly", 2135),
                   token("[SEP]", 102, special=True)],
        "names": ["input_ids", "attention_mask"],
        "max_length": 128,
        "cut": {"tokens": 0, "tails": []},
        "batch": None,
        "stages": [
            {"name": "text", "shape": [1], "words": "w"},
            {"name": "input_ids", "shape": [16, 24], "words": "w"},
            {"name": "logits", "shape": [16, 2], "words": "w"},
        ],
        **changes,
    }  # fmt: skip


BATCH = {
    "rows": [{"row": ["train", 4], "length": 10, "whole_length": 10},
             {"row": ["train", 5], "length": 20, "whole_length": 33}],
    "padded_length": 20, "padding": "dynamic", "padding_share": 0.25, "padding_side": "right",
    "pad_token": "[PAD]", "pad_id": 0,
}  # fmt: skip


def plain(lines):
    """Return lines as plain text."""
    return "\n".join(line.plain for line in lines)


def test_tokens_stand_over_their_ids_and_masks_with_special_ones_marked():
    lines = [line.plain.split() for line in token_grid(answer()["tokens"], 78)]
    assert lines[0] == ["‹[CLS]›", "fine", "##ly", "‹[SEP]›"]
    assert lines[1] == ["101", "2986", "2135", "102"]
    assert lines[2] == ["1", "1", "1", "1"]


def test_many_tokens_are_broken_into_lines_that_fit():
    many = [token(f"token{number}", number) for number in range(100)]
    lines = token_grid(many, 40)
    assert all(line.cell_length <= 40 for line in lines)
    assert sum(len(line.plain.split()) for line in lines[::3]) == 100


def test_the_tail_is_shown_as_cut_off():
    cut = {"tokens": 13, "tails": [{"text": 1, "start": 80, "tail": "and so on\x1b", "tokens": 13}]}
    words = plain(cut_lines(answer(cut=cut, texts=["a", "b"])))
    assert "✂ cut off of text 2: 13 tokens the model never sees" in words
    assert "… and so on�" in words


def test_padding_fills_each_row_of_the_batch_up_to_the_longest():
    lines = plain(batch_lines(BATCH, 60)).strip().splitlines()
    assert lines[0] == "Batch of 2 rows, padded to 20 tokens (each batch to its longest row)"
    assert lines[1] == "25% of it is padding: [PAD], id 0"
    assert lines[2].startswith("Rows as they stand")
    assert abs(lines[3].count("█") - lines[3].count("░")) <= 1
    assert lines[4].count("░") == 0
    assert lines[4].endswith("20  13 cut")
    left = plain(batch_lines({**BATCH, "padding_side": "left"}, 60)).strip().splitlines()
    assert left[3].index("░") < left[3].index("█")


def test_the_shapes_of_all_stages_stand_in_a_line():
    words = token_words(answer(), 78).plain
    assert words.startswith("text 1 ▸ input_ids 16x24 ▸ logits 16x2\n")
    assert "4 tokens of at most 128 · [2 special] · nothing cut off" in words


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_sentence_and_a_row_with_its_batch(
    size, draft, profile, answering_engine, screen_text
):
    answering_engine.answers = {
        "rows": film_rows,
        "quality": lambda params: quality(),
        "tokens": lambda params: answer(batch=BATCH if "row" in params else None),
    }
    draft.data = type(draft.data)(result=profile(rows_by_part={"train": 800}))
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.2)
        app.pane.contents.show_view("tokens")
        app.pane.action_enter_view()
        await pilot.press(*"a fine film", "enter")
        await pilot.pause(0.2)
        assert "‹[CLS]›" in screen_text(app)
        asked = answering_engine.of("tokens")[-1]
        assert asked["text"] == "a fine film"
        assert asked["label_count"] == 2
        app.query_one("#sentence").focus()
        await pilot.press("ctrl+u", *"795", "enter")
        await pilot.pause(0.2)
        asked = answering_engine.of("tokens")[-1]
        assert asked["row"] == ["train", 794]
        # No more rows than there are.
        assert asked["batch"] == [["train", number] for number in range(794, 800)]
        await pilot.press("end")
        assert "25% of it is padding" in screen_text(app)
        await pilot.press(".")
        await pilot.pause(0.2)
        assert answering_engine.of("tokens")[-1]["row"] == ["train", 795]
        draft.set("tokens.max_length", 16)
        await pilot.pause(0.2)
        assert answering_engine.of("tokens")[-1]["tokens"]["max_length"] == 16


async def test_both_texts_of_a_pair_are_typed_and_go_to_the_model_together(
    draft, profile, answering_engine, screen_text
):
    draft.data = type(draft.data)(result=profile(text_pair="reply"))
    answering_engine.answers = {
        "rows": film_rows,
        "quality": lambda params: quality(),
        "tokens": lambda params: answer(texts=["a", "b"]),
    }
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.2)
        app.pane.contents.show_view("tokens")
        app.pane.action_enter_view()
        await pilot.press(*"why", "enter")
        assert app.focused.id == "sentence-pair"
        assert not answering_engine.of("tokens")
        await pilot.press(*"so", "enter")
        await pilot.pause(0.1)
        asked = answering_engine.of("tokens")[-1]
        assert (asked["text"], asked["text_pair"]) == ("why", "so")
        assert "‹[CLS]›" in screen_text(app)
        draft.data = type(draft.data)(result=profile())
        draft.changed()
        await pilot.pause(0.1)
        assert "text_pair" not in answering_engine.of("tokens")[-1]
        assert not app.query_one("#sentence-pair").display


async def test_t_in_the_table_takes_its_row(draft, profile, answering_engine, screen_text):
    looked = profile(source_splits={"train": 1000}, rows_by_part={"train": 1000})
    draft.data = type(draft.data)(result=looked)
    answering_engine.answers = {
        "rows": film_rows,
        "quality": lambda params: quality(),
        "tokens": lambda params: InputError("the model has no tokenizer"),
    }
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.2)
        await pilot.press("down", "down", "t")
        await pilot.pause(0.2)
        assert answering_engine.of("tokens")[-1]["row"] == ["train", 1]
        assert "✗ the model has no tokenizer" in screen_text(app)


async def test_waiting_for_tokens_can_be_taken_back(draft, answering_engine, screen_text):
    answering_engine.answers = {"rows": film_rows, "quality": lambda params: quality()}
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.2)
        app.pane.contents.show_view("tokens")
        app.pane.action_enter_view()
        await pilot.press("a", "enter")
        await pilot.pause(0.1)
        assert "Esc cancels" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert answering_engine.taken_back == ["tokens"]
        assert "What does the model get of a text?" in screen_text(app)
