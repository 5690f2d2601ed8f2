"""The Compare pane: two to ten runs side by side, their curves, figures, settings and mistakes."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import ContentSwitcher, Static

from tui_finetune.errors import InputError
from tui_finetune.runs.comparison import Comparer, Comparison
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.figures import direction
from tui_finetune.ui.panes import compare_tables as tables
from tui_finetune.ui.panes import compare_text as words
from tui_finetune.ui.panes.compare_charts import CompareCharts
from tui_finetune.ui.panes.compare_choice import ChoicePage
from tui_finetune.ui.panes.compare_lists import AcrossPage, RunLines
from tui_finetune.ui.panes.compare_pairs import PairsPage
from tui_finetune.ui.panes.evaluate_list import LineList
from tui_finetune.ui.panes.evaluate_views import ViewLine
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.wishes import WatchWanted
from tui_finetune.ui.words import counted, unreadable

VIEWS = {
    "curves": "Curves",
    "figures": "Figures",
    "settings": "Settings",
    "pairs": "Test rows",
}

# How often the runs are looked at: while one goes on, and once all have ended.
LIVE_SECONDS = 1.0
ENDED_SECONDS = 4.0

_PROGRESS_SECONDS = 0.3

# From this height on there is room for all that follows from the comparison.
TALL = 32


class ComparePane(Vertical):
    """Shows the runs that `compare` names; until then the newest runs of `home`, to choose from."""

    DEFAULT_CSS = """
    ComparePane {
        & #compare-head { height: 1; display: none; }
        & #compare-head ViewLine { width: 44; }
        & #compare-title {
            width: 1fr; height: 1; padding: 0 1; text-align: right; text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        & ContentSwitcher { height: 1fr; }
        & #curves { height: 1fr; }
        & CompareCharts { height: 1fr; min-height: 7; }
        & RunLines { height: 3; margin: 0 0 0 0; }
        & #compare-follows { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-comparing #compare-head { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "view(1)", "View", key_display="tab"),
        Binding("shift+tab", "view(-1)", "View before", show=False),
        Binding("a", "all", "All or what differs"),
        Binding("ctrl+o", "choose", "Other runs…"),
    ]

    def __init__(self, home: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._home = home
        self._comparer: Comparer | None = None
        self._comparison: Comparison | None = None
        self._everything = False
        self._wake = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Lay out the views, and the choice of runs."""
        with Horizontal(id="compare-head"):
            yield ViewLine(VIEWS)
            yield Static(id="compare-title", markup=False)
        with ContentSwitcher(initial="choice"):
            yield ChoicePage(self._home, id="choice")
            with Vertical(id="curves"):
                yield CompareCharts(id="compare-charts")
                yield RunLines(id="compare-runs")
                yield Static(id="compare-follows", markup=False)
            yield AcrossPage(id="figures")
            yield AcrossPage(id="settings")
            yield PairsPage(id="pairs")

    def on_mount(self) -> None:
        """Begin to follow."""
        if self._comparer is not None:
            self._front("curves")
        self.run_worker(self._follow(), group="follow", exclusive=True)

    def focus(self, scroll_visible: bool = True) -> "ComparePane":
        """Focus the first useful part of what is in front."""
        part = "#compare-charts" if self.view == "curves" else f"#{self.view}"
        target = self.query_one(part)
        (target.lines if isinstance(target, AcrossPage) else target).focus(scroll_visible)
        return self

    @property
    def view(self) -> str:
        """What is in front: "choice" or one of `VIEWS`."""
        return self.query_one(ContentSwitcher).current or "choice"

    @property
    def runs(self) -> list[RunDirectory]:
        """The runs that are compared."""
        return list(self._comparer.runs) if self._comparer else []

    def compare(self, runs: Sequence[RunDirectory]) -> None:
        """Compare these runs from now on; what cannot be compared is said and changes nothing."""
        try:
            comparer = Comparer(runs)
        except InputError as error:
            self.notify(str(error), severity="warning", markup=False)
            return
        self._give_up()
        self._comparer, self._comparison = comparer, None
        if self.is_mounted:
            self._front("curves")
        self._wake.set()

    def on_unmount(self) -> None:
        """Let no reading hold up the end of the program."""
        self._give_up()

    def _give_up(self) -> None:
        if self._comparer is not None:
            self._comparer.given_up = True

    # --- following ---

    async def _follow(self) -> None:
        """Read what is new, show it, wait; only while the pane is in sight."""
        while True:
            self._wake.clear()
            comparer, pause = self._comparer, LIVE_SECONDS
            if self.display and self.view == "choice":
                await self.query_one(ChoicePage).read()
            elif self.display and comparer is not None:
                try:
                    comparison = await self._read(comparer)
                except OSError as error:
                    say(self, "#compare-title", unreadable("the runs", error))
                else:
                    if comparison is not None and comparer is self._comparer:
                        with suppress(NoMatches):  # the pane is being taken apart
                            self._show(comparison)
                        going = any(run.summary.active for run in comparison.runs)
                        pause = LIVE_SECONDS if going else ENDED_SECONDS
            try:
                await asyncio.wait_for(self._wake.wait(), pause)
            except TimeoutError:
                continue

    async def _read(self, comparer: Comparer) -> Comparison | None:
        """Read the runs in a thread; the first time, say how far it is. None: given up."""
        reading = asyncio.ensure_future(asyncio.to_thread(comparer.read))
        while not (await asyncio.wait([reading], timeout=_PROGRESS_SECONDS))[0]:
            if comparer.given_up:
                return None
            if self._comparison is None:
                far = f"reading the runs: {comparer.runs_read} of {len(comparer.runs)} done"
                say(self, "#compare-title", Content.styled(far, "$text-muted"))
        return reading.result()

    def on_show(self) -> None:
        """Look at the runs at once when the pane comes into sight."""
        self._wake.set()

    def on_resize(self) -> None:
        """Fit what is said to the new size."""
        if self._comparison is not None:
            self._show(self._comparison)

    def _show(self, comparison: Comparison) -> None:
        before, self._comparison = self._comparison, comparison
        with self.app.batch_update():
            say(self, "#compare-title", self._title(comparison))
            match self.view:
                case "curves":
                    self._show_follows(comparison)
                    self.query_one(CompareCharts).show(comparison)
                    self._show_runs()
                case "figures":
                    self._show_figures(comparison)
                case "settings":
                    self._show_settings(comparison)
                case "pairs":
                    self.query_one(PairsPage).show(comparison)
        if before is None:
            self.focus()
            self.refresh_bindings()

    def _title(self, comparison: Comparison) -> Content:
        going = sum(run.summary.active for run in comparison.runs)
        return Content.assemble(
            (counted(len(comparison.runs), "run"), "bold"),
            (f", {going} going on" if going else "", "$text-success"),
        )

    def _show_follows(self, comparison: Comparison) -> None:
        most = 6 if self.size.height >= TALL else 2
        lines = words.summary_lines(comparison, most)
        # With many runs on a low screen the runs and a chart have all the room.
        room = self.size.height - 1 - 8 - len(comparison.runs) - 1
        lines = lines[: max(room, 0)]
        follows = self.query_one("#compare-follows")
        follows.display = bool(lines)
        say(self, "#compare-follows", Content("\n").join(lines))

    @on(CompareCharts.MetricChanged)
    def _show_runs(self) -> None:
        """Bring the list of runs up to date, with the figures of the metric in front."""
        comparison = self._comparison
        if comparison is None:
            return
        metric = self.query_one(CompareCharts).metric
        if metric is None or metric not in comparison.metrics or direction(metric) is None:
            metric = next((name for name in comparison.metrics if direction(name)), None)
        lines = self.query_one(RunLines)
        lines.styles.height = len(comparison.runs) + 1

        def columns(width: int) -> words.RunColumns:
            return words.RunColumns(comparison, metric, width)

        lines.show(
            len(comparison.runs),
            lambda number, width: words.run_line(columns(width), number),
            lambda width: words.run_header(columns(width)),
        )

    def _show_figures(self, comparison: Comparison) -> None:
        title = Content.assemble(
            (" best → last", "bold"), ("   ★ the best of all runs", "$text-muted"),
            ("   ", ""), words.spread_line(comparison),
        )  # fmt: skip
        shown = tables.figure_lines(comparison)
        groups = words.seed_groups(comparison)
        self.query_one("#figures", AcrossPage).show_lines(title, comparison, groups, shown)

    def _show_settings(self, comparison: Comparison) -> None:
        what = "all settings" if self._everything else "what differs"
        other = "only what differs" if self._everything else "all"
        title = Content.assemble(
            (f" {what}", "bold"), ("   a", "bold $text-accent"), (f" {other}", "$text-muted")
        )
        shown = tables.setting_lines(comparison, self._everything)
        self.query_one("#settings", AcrossPage).show_lines(title, comparison, (), shown)

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what means something in the view in front."""
        if not self.is_mounted:
            return True
        if action in ("view", "choose"):
            return self._comparer is not None and (action == "view" or self.view != "choice")
        return self.view == "settings" if action == "all" else True

    def action_view(self, direction: int) -> None:
        """Go to the next view, or the one before."""
        names = list(VIEWS)
        if self.view in names:
            self._front(names[(names.index(self.view) + direction) % len(names)])

    @on(ViewLine.Chosen)
    def _choose_view(self, event: ViewLine.Chosen) -> None:
        event.stop()
        self._front(event.view)

    def _front(self, view: str) -> None:
        """Put a view in front, brought up to date."""
        had_focus = self.has_focus_within
        self.set_class(view != "choice", "-comparing")
        self.query_one(ContentSwitcher).current = view
        self.query_one(ViewLine).present = view
        if self._comparison is not None and view != "choice":
            self._show(self._comparison)
        if had_focus:
            self.call_after_refresh(self.focus)
        self.refresh_bindings()

    def action_all(self) -> None:
        """Show all settings, or only those that differ."""
        self._everything = not self._everything
        if self._comparison is not None:
            self._show_settings(self._comparison)

    def action_choose(self) -> None:
        """Let the person choose other runs."""
        self.query_one(ChoicePage).mark(self.runs)
        self._front("choice")
        self._wake.set()

    @on(ChoicePage.Compared)
    def _compare_chosen(self, event: ChoicePage.Compared) -> None:
        event.stop()
        self.compare(event.runs)

    @on(ChoicePage.Cancelled)
    def _back_from_choice(self, event: ChoicePage.Cancelled) -> None:
        event.stop()
        if self._comparer is not None:
            self._front("curves")

    @on(CompareCharts.LeftDownwards)
    def _to_runs(self) -> None:
        self.query_one(RunLines).focus()

    @on(RunLines.LeftUpwards)
    def _to_charts(self) -> None:
        self.query_one(CompareCharts).focus()

    @on(LineList.Chosen, "#compare-runs")
    def _open(self, event: LineList.Chosen) -> None:
        event.stop()
        cursor = event.lines.cursor
        if cursor is not None and self._comparison is not None:
            self.post_message(WatchWanted(self._comparison.runs[cursor].summary.run))
