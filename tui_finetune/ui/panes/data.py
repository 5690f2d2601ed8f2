"""The Data pane: choose a source, see what it holds, say what of it is learnt."""

from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.widgets import Button, DirectoryTree, Input, Label

from tui_finetune.engine.client import EngineClient
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.inspection import look_at_changed
from tui_finetune.ui.panes.data_contents import DataContents
from tui_finetune.ui.panes.data_details import DetailsScreen
from tui_finetune.ui.panes.data_head import DataHead
from tui_finetune.ui.panes.data_quality import QualityView
from tui_finetune.ui.panes.data_rows import RowsView
from tui_finetune.ui.panes.data_source import SourceInput, read_source, write_source
from tui_finetune.ui.panes.data_words import next_step
from tui_finetune.ui.widgets.dialog import is_covered
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.path_input import DataTree
from tui_finetune.ui.wishes import ModelWanted, SampleWanted

WIDE = 120
_HIGH = 28


class DataPane(Vertical):
    """Chooses the data of the draft."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "details", "How it is read"),
        Binding("ctrl+t", "toggle_tree", "Folders"),
        Binding("left", "view(-1)", "View before", show=False),
        Binding("right", "view(1)", "View", key_display="← →"),
        Binding("down", "enter_view", "Into the view", show=False),
        Binding("m", "take_length", "Take the suggestion"),
        Binding("r", "count_tokens", "Count tokens"),
        Binding("c", "take_folder", "Choose folder"),
        Binding("escape", "cancel", "Cancel"),
        Binding("escape", "leave_view", "Back"),
    ]

    DEFAULT_CSS = """
    DataPane {
        padding: 0 1;
        .row { height: 1; }
        .row Label { width: auto; color: $text-muted; padding: 0 1 0 0; }
        #path { width: 1fr; }
        #body { height: 1fr; }
        DataTree { width: 34; display: none; margin: 0 1 0 0; background: $surface; }
        DataTree.-shown { display: block; }
        &.-narrow DataTree.-shown { width: 1fr; margin: 0; }
        &.-narrow.-tree #facts { display: none; }
        #facts { height: 1fr; }
        #next { width: auto; min-width: 1; height: 1; padding: 0; background: $background; }
        .-hidden { display: none; }
    }
    """

    def __init__(
        self,
        draft: Draft,
        engine: EngineClient,
        sample: Path | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._draft = draft
        self._engine = engine
        self._sample = sample
        self._tree_wanted: bool | None = None

    def compose(self) -> ComposeResult:
        """Lay out the path, the folder tree, what the source is and what it holds."""
        with Horizontal(classes="row"):
            yield Label("File")
            yield SourceInput(
                placeholder="a file, several between ' ; ', a folder, or a hub name", id="path"
            )
        with Horizontal(id="body"):
            yield DataTree(Path.cwd())
            with Vertical(id="facts"):
                yield DataHead(self._draft, self._sample)
                yield DataContents(self._draft, self._engine)
        yield Button("", id="next", compact=True)

    def on_mount(self) -> None:
        """Show the draft as it is and follow its changes."""
        self._draft.on_change(self._show)
        self._show()

    def focus(self, scroll_visible: bool = True) -> "DataPane":
        """Focus the path."""
        focus_now(self.query_one("#path"), scroll_visible)
        return self

    def on_resize(self, event: Resize) -> None:
        """Show the tree beside the facts where there is room."""
        self.set_class(event.size.width < WIDE, "-narrow")
        self.contents.set_room(event.size.width >= WIDE, event.size.height >= _HIGH)
        self._show_tree()

    @property
    def contents(self) -> DataContents:
        """What the source holds."""
        return self.query_one(DataContents)

    # --- what the person does ---

    @on(Input.Submitted, "#path")
    def _path_entered(self, event: Input.Submitted) -> None:
        event.stop()
        written = event.value.strip()
        if not written:
            if not self._draft.content["data"]["source"]:
                self._ask_for_sample()
        elif self._is_read(written):
            self._go_on()
        else:
            self.choose(written)

    def _is_read(self, written: str) -> bool:
        source, piece = read_source(written)
        data = self._draft.content["data"]
        here = written == written_words(data) or source == data["source"]
        same = here and (piece is None or piece == data["splits"]["train"])
        return same and self._draft.data.result is not None

    @on(DirectoryTree.FileSelected)
    def _file_chosen(self, event: DirectoryTree.FileSelected) -> None:
        event.stop()
        self._take_path(event.path)

    def action_take_folder(self) -> None:
        """Choose the folder under the cursor of the tree."""
        node = self.query_one(DataTree).cursor_node
        if node is not None and node.data is not None:
            self._take_path(node.data.path)

    def _take_path(self, path: Path) -> None:
        if self._tree_wanted and self.has_class("-narrow"):
            self.action_toggle_tree()
        self.choose(str(path))

    @on(Button.Pressed, "#sample")
    def _ask_for_sample(self) -> None:
        if self._sample is not None:
            self.post_message(SampleWanted(self._sample))

    @on(Button.Pressed, "#next")
    def _go_on(self) -> None:
        finding = self._draft.data
        if finding.result is None:
            self.focus()
        elif any(problem["severity"] == "error" for problem in finding.result["problems"]):
            self.contents.show_view("quality")
            self.contents.enter_view()
        else:
            self.post_message(ModelWanted())

    def choose(self, written: str) -> None:
        """Take another source; what is said about the one before goes."""
        source, piece = read_source(written)
        silent: dict[str, object] = {
            "data.columns": {}, "data.label_separator": None, "problem_type": None,
            "data.reading": {}, "data.splits": {"train": piece}, "data.merge_labels": {},
        }  # fmt: skip
        if problem := self._draft.change({**silent, "data.source": source}):
            self.notify(clean(problem, 300), severity="error", markup=False)
        else:
            self.query_one("#path", Input).value = written_words(self._draft.content["data"])
            self._profile()

    @on(DataHead.Decided)
    @on(QualityView.Decided)
    def _profile(self) -> None:
        look_at_changed(self._draft, self._engine, self.app, ("data",))

    @work
    async def action_details(self) -> None:
        """Show how the source is read and what of it is what, to be changed."""
        if is_covered(self):
            return
        page, profile = self.contents.rows.page or {}, self._draft.data.result or {}
        detected = profile.get("detected") or page.get("detected") or {}
        splits = list(profile.get("source_splits") or page.get("splits") or {})
        screen = DetailsScreen(self._draft, self._engine, detected, splits)
        if await self.app.push_screen_wait(screen):
            self._profile()

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done now."""
        if not self.is_mounted:
            return False
        match action:
            case "cancel":
                busy = self._draft.data.busy or self.contents.waiting
                return bool(busy or self._tree_wanted)
            case "leave_view":
                return self.contents.inside()
            case "details":
                return bool(self._draft.content["data"]["source"])
            case "view" | "enter_view":
                return self.contents.in_sight
            case "take_length":
                return bool(self.contents.suggestion)
            case "count_tokens":
                return self.contents.can_count_tokens
            case "take_folder":
                return self.query_one(DataTree).has_focus
            case _:
                return True

    def action_view(self, step: int) -> None:
        """Go to a view beside this one."""
        self.contents.show_beside(step)

    def action_enter_view(self) -> None:
        """Focus what is in the view."""
        self.contents.enter_view()

    def action_leave_view(self) -> None:
        """Go back to the path."""
        self.focus()

    def action_count_tokens(self) -> None:
        """Count the tokens after all."""
        self.contents.count_tokens()

    def action_take_length(self) -> None:
        """Take the suggested longest length."""
        if fix := self.contents.suggestion:
            self._draft.change(fix)

    def action_cancel(self) -> None:
        """Leave the tree, or give up what goes on."""
        if self._tree_wanted:
            self.action_toggle_tree()
        else:
            self._take_back()

    def _take_back(self) -> None:
        self.contents.take_back()
        if self._draft.data.busy:
            self.app.workers.cancel_group(self.app, "data")
            self._draft.data = Finding()
            self._draft.changed()
        self.refresh_bindings()

    def action_toggle_tree(self) -> None:
        """Show or hide the folder tree."""
        tree = self.query_one(DataTree)
        self._tree_wanted = not tree.has_class("-shown")
        # A focused widget that gets hidden takes the focus away later, maybe from the next one.
        self.screen.set_focus(self.query_one("#path"))
        self._show_tree()
        if self._tree_wanted:
            self.call_after_refresh(tree.focus)

    def _show_tree(self) -> None:
        narrow = self.has_class("-narrow")
        shown = self._tree_wanted if self._tree_wanted is not None else not narrow
        self.query_one(DataTree).set_class(shown, "-shown")
        self.set_class(shown and narrow, "-tree")
        self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        """Offer the keys of what has the focus now."""
        self.refresh_bindings()

    # --- what is shown ---

    @on(RowsView.DetectedEarly)
    def _show(self) -> None:
        if not self.is_attached:
            return
        data, finding = self._draft.content["data"], self._draft.data
        path = self.query_one("#path", Input)
        if data["source"] and not path.has_focus:
            path.value = written_words(data)
        self.contents.follow()
        self.query_one(DataHead).show(self.contents.rows.page)
        step = next_step(finding)
        button = self.query_one("#next", Button)
        button.set_class(not step, "-hidden")
        if str(button.label) != step.plain:
            button.label = step
        self.refresh_bindings()


def written_words(data: dict[str, Any]) -> str:
    """Return the source as it stands in the box."""
    return clean(write_source(data["source"], data["splits"]["train"]))
