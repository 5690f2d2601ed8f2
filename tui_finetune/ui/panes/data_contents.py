"""What the source holds, in four views: its rows, its profile, its quality, its tokens."""

from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.recipe import source_words
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.panes.data_asking import Asking
from tui_finetune.ui.panes.data_findings import items
from tui_finetune.ui.panes.data_profile import profile_words
from tui_finetune.ui.panes.data_quality import QualityView
from tui_finetune.ui.panes.data_rows import RowsView
from tui_finetune.ui.panes.data_tokens import TokensView
from tui_finetune.ui.panes.data_views import VIEWS, DataViews
from tui_finetune.ui.panes.data_words import (
    label_lines,
    length_lines,
    part_of_split,
    problem_lines,
)
from tui_finetune.ui.panes.evaluate_views import Page, ViewLine
from tui_finetune.ui.widgets.focus import about_to_show, focus_now
from tui_finetune.ui.widgets.say import say

# Up to so many rows the quality list is made at once; of more when it is looked at.
_LIST_AT_ONCE = 20_000

_TICK_SECONDS = 0.5
_SETTLE_SECONDS = 0.1


class DataContents(Vertical):
    """Shows the views of the draft's source, and asks the engine what is in them."""

    DEFAULT_CSS = """
    DataContents {
        height: 1fr;
        #views { height: 1fr; }
        DataViews { height: 1; }
        #figures { height: auto; }
        #labels { width: auto; max-width: 50%; height: auto; }
        #lengths { width: 1fr; height: auto; margin: 0 0 0 3;
            text-wrap: nowrap; text-overflow: ellipsis; }
        #problems { height: auto; max-height: 3; text-wrap: nowrap; text-overflow: ellipsis; }
        RowsView { height: 1fr; }
        &.-low.-paging #figures, &.-low.-paging #problems { display: none; }
        &.-high { DataViews { margin: 1 0; } RowsView { margin: 1 0 0 0; } }
    }
    """

    def __init__(self, draft: Draft, engine: EngineClient) -> None:
        super().__init__()
        self._draft = draft
        self._engine = engine
        self._shown: Finding | None = None
        self._wide = False
        self._known: object = None
        """The source that is in sight."""
        self._complete = False
        """Whether all views are there; without data nobody needs them."""
        self._quality = Asking(self, engine, "quality", self._show_quality)
        self._lengths = Asking(self, engine, "token_lengths", self._lengths_told)

    def compose(self) -> ComposeResult:
        """Lay out the names of the views, and the first of them."""
        yield DataViews(VIEWS)
        with ContentSwitcher(initial="view-rows", id="views"), Vertical(id="view-rows"):
            with Horizontal(id="figures"):
                yield Static(id="labels", markup=False)
                yield Static(id="lengths", markup=False)
            yield Static(id="problems", markup=False)
            yield RowsView(self._draft, self._engine)

    def on_mount(self) -> None:
        """Begin with the rows, and count the seconds of what is waited for."""
        self.query_one(DataViews).present = "rows"
        self.set_interval(_TICK_SECONDS, self._tick)

    async def _make_views(self) -> None:
        """Make the views that are looked at later: so the pane itself is there sooner."""
        if self.query(QualityView):
            return
        views = (
            Page(id="view-profile"),
            QualityView(self._draft, self._engine, id="view-quality"),
            TokensView(self._draft, self._engine, id="view-tokens"),
        )
        for view in views:
            view.display = False
        await self.query_one("#views").mount(*views)
        self._complete, self._shown = True, None
        self.follow()
        self.refresh_bindings()

    def set_room(self, wide: bool, high: bool) -> None:
        """Show as much as there is room for."""
        self._wide = wide
        self.set_class(not high, "-low")
        self.set_class(high, "-high")
        if self._draft.data.result:
            self._show_figures(self._draft.data.result)

    # --- from view to view ---

    @property
    def rows(self) -> RowsView:
        """The view of the rows."""
        return self.query_one(RowsView)

    @property
    def view(self) -> str:
        """The view in front."""
        return self.query_one(DataViews).present

    @property
    def in_sight(self) -> bool:
        """Whether there is something to view."""
        return not self.query_one("#views").has_class("-hidden")

    def inside(self, view: str | None = None) -> bool:
        """Return whether the focus is in the view in front, or in that one."""
        front = self.query_one(f"#view-{self.view}")
        return front.has_focus_within and view in (None, self.view)

    def show_view(self, view: str) -> None:
        """Put a view in front."""
        if not self._complete:
            return
        inside = self.inside()
        if inside:
            # A focused widget that gets hidden takes the focus away later, maybe from the next one.
            self.screen.set_focus(None)
        if view != self.view:
            about_to_show(self.query_one(f"#view-{view}"))
        self.query_one("#views", ContentSwitcher).current = f"view-{view}"
        self.query_one(DataViews).present = view
        self._ask_for_view()
        if inside:
            self.enter_view()
        self.refresh_bindings()

    def show_beside(self, step: int) -> None:
        """Put a view beside the present one in front."""
        names = list(VIEWS)
        self.show_view(names[(names.index(self.view) + step) % len(names)])

    def enter_view(self) -> None:
        """Focus what is in the view."""
        if self.view == "rows":
            focus_now(self.rows.table)
        elif self.view == "profile":
            focus_now(self.query_one("#view-profile"))
        else:
            self.query_one(f"#view-{self.view}").focus()  # at once too

    def on_descendant_focus(self) -> None:
        """Give the rows room while somebody pages through them."""
        self._note_paging()

    def on_descendant_blur(self) -> None:
        """Give back the room."""
        self._note_paging()

    def _note_paging(self) -> None:
        self.set_class(self.rows.has_focus_within, "-paging")

    @on(ViewLine.Chosen)
    def _view_chosen(self, event: ViewLine.Chosen) -> None:
        event.stop()
        self.show_view(event.view)

    @on(DataViews.Entered)
    def _view_entered(self) -> None:
        self.enter_view()

    @on(RowsView.TokensWanted)
    def _tokens_of_split(self, event: RowsView.TokensWanted) -> None:
        profile = self._draft.data.result
        part = part_of_split(self._draft.content["data"], profile, event.split) if profile else None
        if part is None:
            words = f"the rows of {clean(event.split, 40)} as they stand are no part of the recipe"
            self.notify(f"{words}; type a number in Tokens", markup=False)
        else:
            self._show_tokens(part, event.row)

    @on(QualityView.TokensWanted)
    def _tokens_of_part(self, event: QualityView.TokensWanted) -> None:
        self._show_tokens(event.part, event.row)

    def _show_tokens(self, part: str, row: int) -> None:
        self.show_view("tokens")
        self.query_one(TokensView).show_row(part, row)
        focus_now(self.query_one("#token-page"))

    # --- what is asked ---

    @property
    def waiting(self) -> bool:
        """Whether an answer is waited for."""
        askings = (self._quality.finding.busy, self._lengths.finding.busy)
        tokens = self._complete and self.query_one(TokensView).waiting
        return any(askings) or self.rows.waiting or tokens

    def take_back(self) -> None:
        """Take back all that was asked; the engine goes on."""
        self.rows.take_back()
        if self._complete:
            self.query_one(TokensView).take_back()
        self._quality.take_back()
        self._lengths.take_back()

    def _question(self) -> dict[str, Any]:
        return {name: self._draft.content[name] for name in ("data", "problem_type")}

    def _ask_for_view(self) -> None:
        """Ask what the view in front shows, and for the quality list of little data at once."""
        finding = self._draft.data
        if not self.is_attached or finding.result is None or finding.busy:
            return
        if self.view == "quality" or finding.result["rows"] <= _LIST_AT_ONCE:
            self._quality.ask(self._question())
        if self.view == "profile":
            sections = {name: self._draft.content[name] for name in ("model", "tokens")}
            self._lengths.ask({**self._question(), **sections})

    @on(QualityView.AskedAgain)
    def _list_again(self) -> None:
        self._quality.forget()
        if self._draft.data.result is not None:
            self._quality.ask(self._question())

    @property
    def can_count_tokens(self) -> bool:
        """Whether nobody knows or counts how long the texts are in tokens, though it is asked."""
        return self.inside("profile") and self._lengths.finding.result is None

    def count_tokens(self) -> None:
        """Count the tokens after all."""
        self._lengths.forget()
        self._ask_for_view()

    @property
    def suggestion(self) -> dict[str, Any] | None:
        """The suggested longest length in tokens, while it is in sight."""
        return (self._lengths.finding.result or {}).get("fix") if self.inside("profile") else None

    def _lengths_told(self) -> None:
        lengths = self._lengths.finding.result
        if lengths is not None and self._lengths.params is not None:
            self._draft.note_tokens(self._lengths.params, lengths["mean"])
        self._show_profile_page()

    # --- what is shown ---

    def follow(self) -> None:
        """Show the draft as it is now, and ask what is missing."""
        self.rows.follow()
        data, finding = self._draft.content["data"], self._draft.data
        if self._complete:
            self.query_one(TokensView).follow()
        elif data["source"] and not self.query(QualityView):
            self.call_later(self._make_views)
        self.set_timer(_SETTLE_SECONDS, self._ask_for_view)
        if finding.result is not None or self.rows.page is not None:
            self._known = data["source"]
        # The views stay while the same is looked at anew: what is hidden loses the focus.
        again = finding.busy and data["source"] == self._known
        nothing = finding.result is None and self.rows.page is None and not again
        nothing = nothing or not data["source"] or finding.error is not None
        for part in (self.query_one(DataViews), self.query_one("#views")):
            part.set_class(nothing, "-hidden")
        self.query_one("#figures").set_class(finding.result is None, "-hidden")
        problems = finding.result["problems"] if finding.result else []
        self.query_one("#problems").set_class(not problems, "-hidden")
        if finding is not self._shown:
            self._shown = finding
            if finding.result is not None:
                say(self, "#problems", problem_lines(problems, source_words(data["source"])))
                self._show_figures(finding.result)
            self._show_quality()
            self._show_profile_page()

    def _tick(self) -> None:
        if self._quality.finding.busy:
            self._show_quality()
        if self._lengths.finding.busy:
            self._show_profile_page()

    def _show_figures(self, profile: dict[str, Any]) -> None:
        width, shown = 16 if self._wide else 8, 6 if self.has_class("-high") else 2
        say(self, "#labels", label_lines(profile, width, shown))
        say(self, "#lengths", length_lines(profile["lengths"]))

    def _show_profile_page(self) -> None:
        if not self._complete or not self.is_attached or self._draft.data.result is None:
            return
        profile, found, busy = self._draft.data.result, self._lengths.finding, Content("")
        if found.busy:
            busy = self._lengths.busy_words()
        self.query_one("#view-profile", Page).show(
            lambda width: profile_words(profile, found, busy, width)
        )
        self.refresh_bindings()

    def _show_quality(self) -> None:
        if not self._complete or not self.is_attached:
            return
        found, profile = self._quality.finding, self._draft.data.result
        busy = self._quality.busy_words() if found.busy else Content("")
        self.query_one(QualityView).show(profile, found, busy)
        listed = items(profile, found.result) if profile else []
        number = sum(item.severity != "decision" for item in listed)
        quality = f"Quality {number}" if number else "Quality"
        self.query_one(DataViews).offer({**VIEWS, "quality": quality})
        self.refresh_bindings()
