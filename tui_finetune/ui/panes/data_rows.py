"""The rows of the data, page by page: only the page in sight is held."""

import time
from functools import partial
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import Worker

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.data_row import RowPlace, RowScreen
from tui_finetune.ui.panes.data_table import RowTable
from tui_finetune.ui.widgets.busy import busy_line
from tui_finetune.ui.widgets.dialog import is_covered
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import UNKNOWN

_TICK_SECONDS = 0.5

# What comes sooner than this is not worth a word.
_PATIENCE_SECONDS = 0.3


class _NumberInput(Input):
    """Comes and goes, and keeps the focus if it went and came again at once."""

    def on_hide(self, event: events.Hide) -> None:
        """Ignore the news of having been hidden if it is late."""
        if self.display:
            event.prevent_default()


class RowsView(Vertical):
    """Shows the rows of the draft's source, as they stand in its splits."""

    DEFAULT_CSS = """
    RowsView {
        & #rows-line { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "go", "Go to row"),
        Binding("s", "split", "Split"),
        Binding("t", "tokens", "Its tokens"),
        Binding("escape", "leave", "Back", show=False),
    ]

    class TokensWanted(Message):
        """The tokens of a row of a split are wanted."""

        def __init__(self, split: str, row: int) -> None:
            super().__init__()
            self.split = split
            self.row = row

    class DetectedEarly(Message):
        """The first rows tell how the source is written."""

    def __init__(self, draft: Draft, engine: EngineClient, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draft = draft
        self._engine = engine
        self._about: tuple[Any, Any] | None = None
        self._split: str | None = None
        self._page: dict[str, Any] | None = None
        self._error: str | None = None
        self._wanted: tuple[int | None, int] | None = None
        self._worker: Worker[None] | None = None
        self._since = 0.0
        self._progress: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        """Lay out the table, and the line below it."""
        yield RowTable(id="rows")
        yield Static(id="rows-line", markup=False)
        go = _NumberInput(placeholder="the number of a row, then Enter", compact=True, id="rows-go")
        go.display = False
        yield go

    def on_mount(self) -> None:
        """Count the seconds of what is waited for."""
        self.set_interval(_TICK_SECONDS, self._tick)

    @property
    def table(self) -> RowTable:
        """The table."""
        return self.query_one(RowTable)

    @property
    def page(self) -> dict[str, Any] | None:
        """The page in sight."""
        return self._page

    @property
    def waiting(self) -> bool:
        """Whether a page is waited for."""
        return self._worker is not None

    def follow(self) -> None:
        """Show the first rows if the draft names another source, or reads it in another way."""
        data = self._draft.content["data"]
        about = (data["source"], data["reading"])
        profile = self._draft.data.result
        if profile:
            self.table.use([profile["label"], profile["text"], profile.get("text_pair")])
        if about != self._about:
            self._about, self._split = about, None
            self._forget()
            if data["source"]:
                self._ask(0, 0)
        elif profile and self._page is None and self._error:
            self._ask(0, 0)
        elif profile and self._page is not None and self._page["total"] is None:
            # By now the source was read to its end.
            self._ask(self._page["offset"], self.table.row or 0)

    def take_back(self) -> None:
        """Give up waiting for a page."""
        if self._worker is not None:
            self._worker.cancel()
            self._worker, self._wanted = None, None
            self.table.show(self._page, self.table.row or 0)
            self._say()

    def _forget(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
        self._worker = self._wanted = self._page = self._error = None
        self.table.show(None)
        self._say()

    # --- asking ---

    def _ask(self, offset: int | None, row: int) -> None:
        """Ask for a page; while one is waited for, only the last that was wanted comes next."""
        self._wanted = (offset, row)
        if self._worker is None:
            self._since, self._progress = time.monotonic(), {}
            self._worker = self.run_worker(
                partial(self._wait, self._about), group="rows", exclusive=True
            )
            self._say()

    async def _wait(self, about: tuple[Any, Any] | None) -> None:
        error = None
        while self._wanted is not None and error is None:
            offset, row = self._wanted
            self._wanted = None
            try:
                page, row = await self._fetch(offset, row)
            except (InputError, EngineError) as problem:
                # Whoever cancels wants to go on, not to read about it.
                error = "" if str(problem) == "cancelled" else clean(problem, 500)
            else:
                if self._wanted is None or self._page is None:
                    self._show_page(page, row)
        if about == self._about:
            self._worker, self._wanted = None, None
            self._error = error or None
            if error is not None:
                self.table.show(self._page, self.table.row or 0)
            self._say()

    async def _fetch(self, offset: int | None, row: int) -> tuple[dict[str, Any], int]:
        room = self.table.room
        asked = {"data": self._draft.content["data"], "split": self._split, "limit": room}
        total = self._page["total"] if self._page else None
        if offset is None:
            sizes = await self._engine.request("read_whole", {"data": asked["data"]}, self._note)
            total = sizes[self._page["split"]] if self._page else None
            offset, row = max((total or 0) - room, 0), max((total or 0) - 1, 0)
        page = await self._engine.request("rows", {**asked, "offset": offset}, self._note)
        if not page["rows"] and offset and page["total"]:  # beyond the end
            last = max(page["total"] - room, 0)
            page = await self._engine.request("rows", {**asked, "offset": last}, self._note)
            row = page["total"] - 1
        return page, row

    def _note(self, progress: dict[str, Any]) -> None:
        self._progress = progress

    def _show_page(self, page: dict[str, Any], row: int) -> None:
        early = self._page is None
        self._page = page
        self._split = page["split"]
        self.table.show(page, row)
        self.refresh_bindings()
        if early:
            self.post_message(self.DetectedEarly())

    @on(RowTable.Wanted)
    def _page_wanted(self, event: RowTable.Wanted) -> None:
        event.stop()
        self._ask(event.offset, event.row or 0)

    def on_resize(self) -> None:
        """Fill the room that came."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        if self.is_attached and self.table.lacks_rows and self._page is not None:
            last = self._page["total"]
            offset = int(self._page["offset"])
            if last is not None:
                offset = max(min(offset, last - self.table.room), 0)
            if self._wanted is None and self._worker is None:
                self._ask(offset, self.table.row or 0)

    # --- showing ---

    def _tick(self) -> None:
        if self._worker is not None:
            self._say()

    @on(RowTable.Moved)
    def _say(self) -> None:
        say(self, "#rows-line", self._words())

    def _words(self) -> Content:
        seconds = time.monotonic() - self._since
        if self._worker is not None and (self._page is None or seconds >= _PATIENCE_SECONDS):
            return busy_line(self._progress or {"what": "asking for the rows"}, seconds)
        if self._error:
            return Content.styled(f"✗ {self._error}", "$text-error")
        if self._page is None or self.table.row is None:
            return Content("")
        total = self._page["total"]
        parts = [f"row {self.table.row + 1:,} of {UNKNOWN if total is None else f'{total:,}'}"]
        if total is None:
            parts.append("not read to its end yet")
        if len(self._page["splits"]) > 1:
            names = ", ".join(clean(name, 20) for name in self._page["splits"])
            parts.append(f"split {clean(self._page['split'], 20)} of {names} (s)")
        parts += [self.table.columns_words()] if self.table.columns_words() else []
        return Content.styled(" · ".join(parts), "$text-muted")

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what there is something for."""
        match action:
            case "split":
                return self._page is not None and len(self._page["splits"]) > 1
            case "leave":
                return self._going
            case "go" | "tokens":
                return self._page is not None and not self._going
            case _:
                return True

    @on(RowTable.Chosen)
    def _open_row(self, event: RowTable.Chosen) -> None:
        event.stop()
        if self._page is None or is_covered(self):
            return
        split, page = str(self._page["split"]), self._page
        total = page["total"] or page["offset"] + len(page["rows"])
        self.app.push_screen(
            RowScreen(
                self._engine,
                self._draft.content["data"],
                total,
                lambda number: RowPlace(split, number),
                event.row,
            )
        )

    def action_split(self) -> None:
        """Show the rows of the next split."""
        if self._page is not None:
            names = list(self._page["splits"])
            self._split = names[(names.index(self._page["split"]) + 1) % len(names)]
            self._ask(0, 0)

    def action_tokens(self) -> None:
        """Show what the model gets of this row."""
        if self._page is not None and self.table.row is not None:
            self.post_message(self.TokensWanted(str(self._page["split"]), self.table.row))

    def action_go(self) -> None:
        """Ask for the number of a row."""
        self._set_going(True)
        go = self.query_one("#rows-go", Input)
        go.value = ""
        self.screen.set_focus(go)  # at once: the next key may already be on its way
        self.refresh_bindings()

    @property
    def _going(self) -> bool:
        return self.query_one("#rows-go").display

    def _set_going(self, going: bool) -> None:
        self.query_one("#rows-go").display = going
        self.query_one("#rows-line").display = not going

    def action_leave(self) -> None:
        """Leave the number."""
        self.screen.set_focus(self.table)
        self._set_going(False)
        self.refresh_bindings()

    @on(Input.Submitted, "#rows-go")
    def _number_entered(self, event: Input.Submitted) -> None:
        event.stop()
        number = "".join(sign for sign in event.value if sign not in " ,._'")
        if number.isascii() and number.isdigit() and int(number):
            self.action_leave()
            self.table.action_go(int(number) - 1)
        else:
            self.notify("write the number of a row, such as 120", markup=False)
