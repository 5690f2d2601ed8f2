"""An evaluation in seven views, and the ways from one to the next."""

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from tui_finetune.text import clean
from tui_finetune.ui.panes import evaluate_kinds as kinds
from tui_finetune.ui.panes import evaluate_rows as rows
from tui_finetune.ui.panes import evaluate_text as words
from tui_finetune.ui.panes.evaluate_list import LineList, ListPage, TextListPage
from tui_finetune.ui.panes.evaluate_views import ConfusionPage, Page, ViewLine, only
from tui_finetune.ui.widgets.confusion import ConfusionMatrix
from tui_finetune.ui.widgets.reliability import Reliability

VIEWS = {
    "summary": "Summary",
    "classes": "Classes",
    "confusion": "Confusion",
    "calibration": "Calibration",
    "mistakes": "Mistakes",
    "doubts": "Label errors",
    "slices": "Slices",
}

# The view in which a key means something.
_KEYS = {"sort": "classes", "all": "mistakes"}


class EvaluationResults(Vertical):
    """Shows the engine's answer to `evaluate`."""

    DEFAULT_CSS = """
    EvaluationResults {
        & ViewLine { margin-bottom: 1; }
        & ContentSwitcher { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "view(1)", "View", key_display="← →"),
        # In the matrix the arrows move its cursor.
        Binding("tab", "view(1)", "View", key_display="tab"),
        Binding("left,shift+tab", "view(-1)", "View before", show=False),
        Binding("s", "sort", "Order"),
        Binding("x", "all", "All mistakes"),
    ]

    class TraceWanted(Message):
        """The person wants to see how the model came to what it says of this text."""

        def __init__(self, text: str, true: str) -> None:
            super().__init__()
            self.text = text
            self.true = true

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._document: dict[str, Any] | None = None
        self._views = VIEWS
        self._order = 0
        self._filter = rows.Filter()
        self._classes_shown: list[rows.Row] = []
        self._mistakes_shown: list[rows.Row] = []

    def compose(self) -> ComposeResult:
        """Lay out the names of the views and the views."""
        yield ViewLine(VIEWS)
        with ContentSwitcher(initial="summary"):
            yield Page(id="summary")
            yield ListPage(ClassLines(), id="classes")
            yield ConfusionPage(id="confusion")
            yield Page(Reliability(), id="calibration")
            yield TextListPage(RowLines(), id="mistakes")
            yield TextListPage(RowLines(), id="doubts")
            yield Page(id="slices")

    def on_mount(self) -> None:
        """Mark the first view."""
        self.query_one(ViewLine).present = self.view

    def focus(self, scroll_visible: bool = True) -> "EvaluationResults":
        """Focus the present view."""
        self._target().focus(scroll_visible)
        return self

    @property
    def view(self) -> str:
        """The id of the view in front."""
        return self.query_one(ContentSwitcher).current or ""

    def show(self, document: dict[str, Any], traceable: bool = True) -> None:
        """Show another evaluation, all its mistakes, in the view that is in front.

        `traceable` says whether its rows can be traced.
        """
        self._document = document
        for lines in self.query(RowLines):
            lines.traceable = traceable
        self._filter = rows.Filter()
        kind = str(document.get("problem_type"))
        self._views = kinds.VIEWS.get(kind, VIEWS)
        self.query_one(ViewLine).offer(self._views)
        if self.view not in self._views:
            self.show_view("summary")
        if kind in kinds.VIEWS:
            self._show_kind(document)
            return
        self.query_one("#summary", Page).show(lambda width: words.summary(document, width))
        self.query_one("#calibration", Page).show(lambda width: words.calibration(document))
        self.query_one(Reliability).show(document["calibration"]["bins"])
        self.query_one("#slices", Page).show(lambda width: words.slices(document, width))
        self.query_one(ConfusionPage).show(
            document["labels"], document["confusion"], document["cells"]
        )
        self._show_classes()
        self._show_mistakes()
        self._show_doubts()
        self.refresh_bindings()

    def _show_kind(self, document: dict[str, Any]) -> None:
        """Show what there is of rows with several labels, or of numbers."""
        self.query_one("#summary", Page).show(lambda width: kinds.summary(document, width))
        self.query_one("#slices", Page).show(lambda width: kinds.slices(document, width))
        if "classes" in self._views:
            self._show_classes()
        self._show_mistakes()
        self.refresh_bindings()

    # --- the lists ---

    def _show_classes(self) -> None:
        assert self._document is not None
        classes = self._classes_shown = rows.ordered_classes(self._document["classes"], self._order)
        width = max(rows.longest([one["label"] for one in classes], 20), 6)
        title = Content.assemble(
            (f" {len(classes)} labels", "bold"), (f", {rows.ORDERS[self._order]}", "$text-muted")
        )
        self.query_one("#classes", ListPage).show(
            title,
            len(classes),
            lambda number, room: rows.class_line(classes[number], width, room),
            lambda room: rows.class_header(width, room),
            lambda number: (
                kinds.label_detail(classes[number])
                if "threshold" in classes[number]
                else rows.class_detail(classes[number])
            ),
        )

    def _show_mistakes(self) -> None:
        assert self._document is not None
        document = self._document
        if document.get("problem_type") in kinds.VIEWS:
            self._show_kinds_rows(document)
            return
        everything = document["mistakes"]
        mistakes = self._mistakes_shown = [one for one in everything if self._filter.holds(one)]
        columns = rows.RowColumns.of(mistakes, "label")
        self.query_one("#mistakes", ListPage).show(
            self._mistakes_title(len(mistakes), len(everything)),
            len(mistakes),
            lambda number, room: rows.mistake_line(mistakes[number], columns, room),
            lambda room: rows.row_header(columns, "score", "true → predicted", room),
            lambda number: rows.mistake_detail(mistakes[number]),
        )

    def _show_kinds_rows(self, document: dict[str, Any]) -> None:
        everything = kinds.listed(document)
        shown = self._mistakes_shown = [one for one in everything if self._filter.holds(one)]
        columns = rows.RowColumns.of(shown, "label")
        title = Content.styled(kinds.rows_title(document, len(shown)), "bold")
        if self._filter:
            about = f": wrong about “{clean(self._filter.true, 40)}”"
            title = Content.assemble(title, (about, "$text-accent"), "   x shows all")
        self.query_one("#mistakes", ListPage).show(
            title,
            len(shown),
            lambda number, room: rows.row_line(
                shown[number],
                columns,
                kinds.row_figure(document, shown[number]),
                shown[number]["label"],
                room,
            ),
            lambda room: rows.row_header(
                columns,
                "    error" if document["problem_type"] == kinds.NUMBERS else "   loss",
                "true → predicted",
                room,
            ),
            lambda number: kinds.row_detail(document, shown[number]),
        )

    def _mistakes_title(self, shown: int, kept: int) -> Content:
        assert self._document is not None
        total = self._document["mistakes_total"]
        if not total:
            good = f" No mistakes: all {self._document['rows']:,} rows are right."
            return Content.styled(good, "$text-success")
        parts = [(f" {only(shown, total, 'mistake')}", "bold")]
        if self._filter:
            parts.append((f": {self._filter.words()}", "$text-accent"))
            parts.append(("   x shows all", "$text-muted"))
        elif kept < total:
            parts.append((", the most confident ones", "$text-muted"))
        else:
            parts.append((", the most confident first", "$text-muted"))
        return Content.assemble(*parts)

    def _show_doubts(self) -> None:
        assert self._document is not None
        doubts: list[rows.Row] = self._document["label_errors"]
        problem = self._document["label_errors_problem"]
        note = self._document.get("label_errors_note") or ""
        columns = rows.RowColumns.of(doubts, "suggested")
        if problem:
            title = Content.styled(f" Not looked for: {clean(problem, 300)}", "$text-warning")
        elif doubts:
            title = Content.assemble(
                (
                    f" {only(len(doubts), len(doubts), 'label')} that may be wrong in the data",
                    "bold",
                ),
                (", the most doubtful first", "$text-muted"),
            )
        else:
            title = Content.styled(" No label in these rows looks wrong.", "$text-success")
        self.query_one("#doubts", ListPage).show(
            title,
            len(doubts),
            lambda number, room: rows.label_error_line(doubts[number], columns, room),
            lambda room: rows.row_header(columns, "quality", "true → suggested", room),
            lambda number: rows.label_error_detail(doubts[number], note),
        )

    @on(LineList.Chosen, "#classes LineList")
    def _class_chosen(self, event: LineList.Chosen) -> None:
        if event.lines.cursor is not None:
            self._filter_by(rows.Filter(true=self._classes_shown[event.lines.cursor]["label"]))

    @on(ConfusionPage.Wanted)
    def _cell_chosen(self, event: ConfusionPage.Wanted) -> None:
        assert self._document is not None
        labels = self._document["labels"]
        self._filter_by(rows.Filter(labels[event.true], labels[event.predicted]))

    def _filter_by(self, wanted: rows.Filter) -> None:
        self._filter = wanted
        self._show_mistakes()
        self.show_view("mistakes")

    @on(LineList.Chosen, "#mistakes LineList")
    @on(LineList.Chosen, "#doubts LineList")
    def _row_chosen(self, event: LineList.Chosen) -> None:
        assert self._document is not None
        listed = self._mistakes_shown if self.view == "mistakes" else self._document["label_errors"]
        if event.lines.cursor is not None:
            row = listed[event.lines.cursor]
            self.post_message(self.TraceWanted(row["text"], row["true"]))

    # --- from view to view ---

    def show_view(self, view: str) -> None:
        """Put a view in front."""
        focused = self.has_focus_within
        if focused:
            # A focused widget that gets hidden takes the focus away later, maybe from the next one.
            self.screen.set_focus(None)
        self.query_one(ContentSwitcher).current = view
        self.query_one(ViewLine).present = view
        if focused:
            self.screen.set_focus(self._target())
        self.refresh_bindings()

    def _target(self) -> Widget:
        page = self.query_one(f"#{self.view}")
        if isinstance(page, ListPage):
            return page.lines
        return page.matrix if isinstance(page, ConfusionPage) else page

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer each key in its view."""
        if action not in _KEYS or not self.is_mounted:
            return True
        return self.view == _KEYS[action] and (action != "all" or bool(self._filter))

    def action_view(self, step: int) -> None:
        """Go to a view beside this one."""
        names = list(self._views)
        self.show_view(names[(names.index(self.view) + step) % len(names)])

    @on(ConfusionMatrix.Left)
    def _leave_matrix(self, event: ConfusionMatrix.Left) -> None:
        self.action_view(event.side)

    @on(ViewLine.Chosen)
    def _view_clicked(self, event: ViewLine.Chosen) -> None:
        self.show_view(event.view)

    def action_sort(self) -> None:
        """Order the classes in another way."""
        self._order = (self._order + 1) % len(rows.ORDERS)
        self._show_classes()

    def action_all(self) -> None:
        """Show all mistakes again."""
        self._filter = rows.Filter()
        self._show_mistakes()
        self.refresh_bindings()


class ClassLines(LineList):
    """Classes; Enter shows their mistakes."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Its mistakes")]


class RowLines(LineList):
    """Rows of the data; Enter traces one, if they can be traced."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Trace")]

    traceable = True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to trace only what can be traced."""
        return action != "choose" or self.traceable

    def action_choose(self) -> None:
        """Tell that the line is wanted, if it can be traced."""
        if self.traceable:
            super().action_choose()
