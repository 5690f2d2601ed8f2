from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from tui_finetune.ui.widgets.say import say


class Saying(App[None]):
    def compose(self) -> ComposeResult:
        yield Static(id="words", markup=False)


async def test_a_second_change_gets_its_room_although_a_layout_came_between() -> None:
    app = Saying()
    async with app.run_test(size=(20, 10)) as pilot:
        say(app.screen, "#words", Content("a\nb"))
        app.screen._refresh_layout()
        say(app.screen, "#words", Content("a\nb\nc\nd"))
        await pilot.pause()
        assert app.query_one("#words").size.height == 4
