"""The quality view: what is doubtful in the data, its rows, and what mends it on a key."""

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import ContentSwitcher

from tui_finetune.engine.client import EngineClient
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.inspection import ask
from tui_finetune.ui.panes.data_findings import (
    Item,
    counts_words,
    item_detail,
    item_header,
    item_line,
    items,
)
from tui_finetune.ui.panes.data_row import RowPlace, RowScreen
from tui_finetune.ui.panes.evaluate_list import LineList, ListPage
from tui_finetune.ui.widgets.confusion import fit
from tui_finetune.ui.widgets.dialog import is_covered
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.say import say

# So many rows around the cursor are held.
_HELD = 60

Place = tuple[str, int]


class QualityView(Vertical):
    """Lists what was found; Enter opens its rows, Enter on one of them opens it whole."""

    DEFAULT_CSS = """
    QualityView {
        & ContentSwitcher { height: 1fr; }
        & ListPage .detail { max-height: 7; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "mend", "Mend"),
        Binding("t", "tokens", "Its tokens"),
        Binding("r", "again", "Look again"),
        Binding("escape,backspace", "back", "Back"),
    ]

    class Decided(Message):
        """The recipe was changed: the data is to be looked at anew."""

    class AskedAgain(Message):
        """The list is wanted although it takes time."""

    class TokensWanted(Message):
        """The tokens of a row of a part are wanted."""

        def __init__(self, part: str, row: int) -> None:
            super().__init__()
            self.part = part
            self.row = row

    def __init__(self, draft: Draft, engine: EngineClient, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draft = draft
        self._engine = engine
        self.items: list[Item] = []
        self._opened: Item | None = None
        self._columns: list[str] = []
        self._cells: dict[Place, list[Any]] = {}
        self._error: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out the list, and the rows of one of its lines."""
        with ContentSwitcher(initial="findings"):
            yield ListPage(LineList(), id="findings")
            yield ListPage(LineList(), id="finding-rows")

    @property
    def lines(self) -> LineList:
        """The list in front."""
        current = self.query_one(ContentSwitcher).current
        return self.query_one(f"#{current}", ListPage).lines

    def focus(self, scroll_visible: bool = True) -> "QualityView":
        """Focus the list in front."""
        focus_now(self.lines, scroll_visible)
        return self

    def show(self, profile: Mapping[str, Any] | None, found: Finding, busy: Content) -> None:
        """Show what was found; `busy` is said while it is looked for."""
        listed = items(profile, found.result) if profile else []
        page = self.query_one("#findings", ListPage)
        if listed != self.items:
            self._open(None)
            self.items = listed
            cursor = page.lines.cursor or 0
            page.show(
                Content(""),
                len(listed),
                lambda number, width: item_line(listed[number], width),
                item_header,
                lambda number: item_detail(listed[number]),
            )
            page.lines.move_to(cursor)
            self.refresh_bindings()
        say(page, ".title", self._title(profile, found, busy))

    def _title(self, profile: Mapping[str, Any] | None, found: Finding, busy: Content) -> Content:
        if found.busy:
            return busy
        if found.error:
            return Content.styled(f"✗ {found.error}", "$text-error")
        if profile is None:
            return Content.styled("Nothing to judge yet: choose the data above.", "$text-muted")
        if found.result is None:
            return Content.styled("Not looked through yet; r looks for more.", "$text-muted")
        words = counts_words(self.items)
        if not words:
            title = Content.styled("Nothing doubtful was found", "$text-success")
        else:
            title = Content.styled(words, "bold")
        return Content.assemble(title, (looked_words(found.result), "$text-muted"))

    # --- the rows of one line ---

    @on(LineList.Chosen, "#findings LineList")
    def _line_chosen(self, event: LineList.Chosen) -> None:
        if event.lines.cursor is not None and self.items[event.lines.cursor].rows:
            self._open(self.items[event.lines.cursor])

    def _open(self, item: Item | None) -> None:
        """Show the rows of a line, or with None the list."""
        if item is None and self._opened is None:
            return
        focused = self.has_focus_within
        if focused:
            # A focused widget that gets hidden takes the focus away later, maybe from the next one.
            self.screen.set_focus(None)
        self._opened, self._cells, self._error = item, {}, None
        self.query_one(ContentSwitcher).current = "finding-rows" if item else "findings"
        if item is not None:
            self._show_rows(item)
            self._fetch()
        if focused:
            self.focus()
        self.refresh_bindings()

    def _show_rows(self, item: Item) -> None:
        shown = f"{len(item.rows):,}"
        whole = f"{shown} of {len(item.rows) + item.more_rows:,}" if item.more_rows else shown
        digits = max(3, *(len(f"{row + 1:,}") for _, row, _ in item.rows))
        self.query_one("#finding-rows", ListPage).show(
            Content.assemble(
                (clean(item.title, 60), "bold"), (f"  {whole} rows   Esc goes back", "$text-muted")
            ),
            len(item.rows),
            lambda number, width: self._row_line(item, number, digits),
            lambda width: Content.styled(f"{'row':>{digits}}  part        ", "$text-muted"),
            lambda number: self._row_detail(item, number),
        )

    def _row_line(self, item: Item, number: int, digits: int) -> Content:
        part, row, group = item.rows[number]
        # Rows that belong together are joined by a line at their side.
        first = number == 0 or item.rows[number - 1][2] != group
        last = number + 1 == len(item.rows) or item.rows[number + 1][2] != group
        side = (
            "  " if group is None or (first and last) else "┌ " if first else "└ " if last else "│ "
        )
        cells = self._cells.get((part, row))
        words = "…" if cells is None else " | ".join(clean(cell, 300) for cell in self._used(cells))
        return Content.assemble(
            (f"{row + 1:>{digits},}  ", "$text-muted"),
            (fit(clean(part, 20), 11), "$text-muted"),
            (side, "$text-accent"),
            words,
        )

    def _used(self, cells: list[Any]) -> list[Any]:
        """Return of a row the label and the texts, the label first."""
        profile = self._draft.data.result or {}
        names = [profile.get(role) for role in ("label", "text", "text_pair")]
        return [
            cells[self._columns.index(name)] for name in names if name in self._columns
        ] or cells

    def _row_detail(self, item: Item, number: int) -> Content:
        if self._error:
            return Content.styled(f"✗ {self._error}", "$text-error")
        part, row, _ = item.rows[number]
        cells = self._cells.get((part, row))
        if cells is None:
            return Content.styled("asking the engine …", "$text-muted")
        return Content("\n").join(
            Content.assemble((clean(name, 40), "$text-accent"), "  ", clean(cell, 2000))
            for name, cell in zip(self._columns, cells, strict=True)
        )

    @on(LineList.Moved, "#finding-rows LineList")
    def _fetch(self) -> None:
        """Ask for the rows around the cursor that are not there yet."""
        item = self._opened
        if item is None:
            return
        cursor = self.query_one("#finding-rows", ListPage).lines.cursor or 0
        near = item.rows[max(cursor - _HELD // 2, 0) : cursor + _HELD]
        wanted = [(part, row) for part, row, _ in near]
        if all(place in self._cells for place in wanted[: _HELD // 2 + 10]):
            return
        self.run_worker(self._ask_rows(item, wanted), group="finding-rows", exclusive=True)

    async def _ask_rows(self, item: Item, wanted: list[Place]) -> None:
        data = self._draft.content["data"]
        cells: dict[Place, list[Any]] = {}
        for part in dict.fromkeys(part for part, _ in wanted):
            rows = sorted({row for of_part, row in wanted if of_part == part})
            found = await ask(self._engine, "rows_at", {"data": data, "part": part, "rows": rows})
            if found.result is None:
                self._error = found.error
                break
            self._columns = found.result["columns"]
            cells |= {(part, row): values for row, values in found.result["rows"]}
        if self._opened is item:
            self._cells = cells
            page = self.query_one("#finding-rows", ListPage)
            page.lines.refresh()
            page.show_detail()

    @on(LineList.Chosen, "#finding-rows LineList")
    def _row_chosen(self, event: LineList.Chosen) -> None:
        item = self._opened
        if item is None or event.lines.cursor is None or is_covered(self):
            return

        def place(number: int) -> RowPlace:
            part, row, _ = item.rows[number]
            return RowPlace(part, row, of_part=True)

        data = self._draft.content["data"]
        self.app.push_screen(
            RowScreen(self._engine, data, len(item.rows), place, event.lines.cursor)
        )

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done with the line under the cursor."""
        match action:
            case "mend":
                return self._item() is not None and self._item_change() is not None
            case "back" | "tokens":
                return self._opened is not None
            case "again":
                return self._opened is None
            case _:
                return True

    @on(LineList.Moved)
    def _offer(self) -> None:
        self.refresh_bindings()

    def _item(self) -> Item | None:
        if self._opened is not None:
            return self._opened
        cursor = self.query_one("#findings", ListPage).lines.cursor
        return None if cursor is None or cursor >= len(self.items) else self.items[cursor]

    def _item_change(self) -> Mapping[str, Any] | None:
        item = self._item()
        return item.change if item else None

    def action_mend(self) -> None:
        """Take what mends the line into the recipe, or take a decision back."""
        item, change = self._item(), self._item_change()
        if item is None or change is None:
            return
        if problem := self._draft.change(change):
            self.notify(clean(problem, 300), severity="error", markup=False)
            return
        done = "taken back" if item.severity == "decision" else "taken into the recipe"
        self.notify(f"{clean(item.title, 60)}: {done}; ctrl+z undoes it", markup=False)
        self._open(None)
        self.post_message(self.Decided())

    def action_tokens(self) -> None:
        """Show what the model gets of the row under the cursor."""
        cursor = self.lines.cursor
        if self._opened is not None and cursor is not None:
            part, row, _ = self._opened.rows[cursor]
            self.post_message(self.TokensWanted(part, row))

    def action_again(self) -> None:
        """Look for what is doubtful, also in much data."""
        self.post_message(self.AskedAgain())

    def action_back(self) -> None:
        """Show the list again."""
        self._open(None)


def looked_words(quality: Mapping[str, Any]) -> str:
    """Return which rows were looked at, if not all."""
    some = [
        f"only the first {looked:,} of {there:,} rows of {clean(part, 20)}"
        for part, (looked, there) in quality["looked_at"].items()
        if looked < there
    ]
    looked = (quality.get("near") or {}).get("looked_at") or {}
    some += [
        f"for near duplicates at {among:,} of {there:,} rows of {clean(part, 20)}"
        for part, (among, there) in looked.items()
        if among < there
    ]
    return "   looked at " + ", ".join(some) if some else ""
