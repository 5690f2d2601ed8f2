"""Presets of one's own: saved, replaced and deleted by keyboard."""

from textual.app import App
from textual.widgets import Input, OptionList

from tui_finetune.presets import own_presets, save_preset
from tui_finetune.ui.panes.tune_presets import PresetScreen

NARROW = (80, 24)


class Choosing(App[None]):
    def __init__(self, draft, home):
        super().__init__()
        self.presets = PresetScreen(draft, home)

    def on_mount(self) -> None:
        self.push_screen(self.presets)


async def test_an_own_preset_is_replaced_or_deleted_only_after_a_question(
    draft, tmp_path, screen_text, until
):
    """The titles Night! and night share a file."""
    save_preset(tmp_path, "Night!", draft.content)
    draft.set("train.learning_rate", 1e-3)
    app = Choosing(draft, tmp_path)

    def saved():
        return [
            (made.title, made.values["train.learning_rate"]) for made in own_presets(tmp_path)[0]
        ]

    async with app.run_test(size=NARROW) as pilot:
        for answer, expected in (("n", ("Night!", 5e-5)), ("y", ("night", 1e-3))):
            name = app.presets.query_one(Input)
            if not name.has_focus:
                await pilot.press("s")
            name.value = "night"
            await pilot.press("enter")
            await until(pilot, lambda: "Night! is there already" in screen_text(app))
            await pilot.press(answer)
            await until(pilot, lambda: app.screen is app.presets)
            await until(pilot, lambda: saved() == [expected])  # noqa: B023
        listed = app.presets.query_one(OptionList)
        await until(pilot, lambda: listed.highlighted == listed.option_count - 1)
        await until(pilot, lambda: " d Delete" in screen_text(app))
        for answer, left in (("n", 1), ("y", 0)):
            await pilot.press("d")
            await until(pilot, lambda: "Delete the preset night?" in screen_text(app))
            await pilot.press(answer)
            await until(pilot, lambda: app.screen is app.presets)
            await until(pilot, lambda: len(saved()) == left)  # noqa: B023
        await until(pilot, lambda: " d Delete" not in screen_text(app))
        await pilot.press("d")  # those of the program stay
        await pilot.pause()
        assert app.screen is app.presets


async def test_a_preset_that_was_edited_badly_is_named_in_a_line_and_the_others_are_there(
    draft, tmp_path, screen_text, until
):
    save_preset(tmp_path, "good", draft.content)
    (tmp_path / "presets" / "bad.yaml").write_text("train: {learning_rate: fast}")
    (tmp_path / "presets" / "worse.yaml").write_text("a: b: c")
    app = Choosing(draft, tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "good (saved)" in screen_text(app))
        said = "".join(screen_text(app).replace("│", " ").split())
        assert "bad.yaml:train.learning_rate:'fast'isnotallowedhere" in said
        assert "(and1morefile)" in said
