"""The dashboard: the frame around the panes. Light, so that the first paint comes at once."""

import os

# Before Textual is imported: animations flood a slow connection.
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

import asyncio
import signal
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.css.query import NoMatches
from textual.reactive import reactive
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.errors import InputError
from tui_finetune.text import clean
from tui_finetune.ui.widgets.key_line import KeyLine
from tui_finetune.ui.widgets.rail import PipelineRail
from tui_finetune.ui.widgets.tab_line import TabLine

if TYPE_CHECKING:
    from tui_finetune.recipe import Recipe
    from tui_finetune.runs.directory import RunDirectory
    from tui_finetune.runs.status import Status
    from tui_finetune.ui.workspace import Workspace

PANES = {
    "data": "Data",
    "model": "Model",
    "tune": "Tune",
    "watch": "Watch",
    "runs": "Runs",
    "predict": "Predict",
    "evaluate": "Evaluate",
    "trace": "Trace",
    "compare": "Compare",
}

CALM = Theme(
    name="calm",
    primary="#6fa3c7",
    secondary="#8a9bb0",
    accent="#d9a860",
    success="#8db97a",
    warning="#d9a860",
    error="#d8737a",
    foreground="#d3d7de",
    background="#14171c",
    surface="#1b1f26",
    panel="#232831",
    variables={
        # Textual's own are "auto" colours, which come out white in text that is drawn in spans.
        "text-muted": "#8d95a3",
        "text-disabled": "#5b6370",
        "block-cursor-background": "#2c3f50",
        "block-cursor-foreground": "#e8ebf0",
        "scrollbar": "#3a4250",
        "scrollbar-hover": "#4a5466",
        "scrollbar-active": "#6fa3c7",
        "scrollbar-background": "#1b1f26",
        "scrollbar-corner-color": "#1b1f26",
    },
)

# After a signal the process is gone at the latest after this, even if the terminal hangs.
_GRACE_SECONDS = 1.5


class MainScreen(Screen[None]):
    """The screen under all others. Textual paints a screen anew whenever the focus moves."""

    # The widgets that lose and get the focus paint themselves; that is all there is to see.
    focused: reactive[Widget | None] = reactive(None, repaint=False)


class Dashboard(App[InputError]):
    """Data, Model, Tune, Watch, Runs, Predict, Evaluate, Trace and Compare in one terminal.

    With `recipe`, or its file, it opens on its start, with `run` on that run. Its result is what
    was wrong with the recipe's file.
    """

    TITLE = "tui-finetune"
    CSS_PATH = "styles.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"f{number}", f"pane('{pane}')", title, show=False, priority=True)
            for number, (pane, title) in enumerate(PANES.items(), 1)
        ),
        *(
            Binding(f"{number}", f"pane('{pane}')", title, show=False)
            for number, (pane, title) in enumerate(PANES.items(), 1)
        ),
        # In a text box `?` and `q` are typed, so the line of keys names those that always work.
        Binding("f10", "help", "Help", key_display="F10", priority=True),
        Binding("question_mark", "help", "Help", show=False, key_display="?"),
        Binding("ctrl+q", "quit", "Quit", priority=True),
        Binding("q", "quit", "Quit", show=False),
    ]

    def __init__(
        self, home: Path, recipe: "Recipe | Path | None" = None, run: "RunDirectory | None" = None
    ) -> None:
        super().__init__()
        self.VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-high")]
        self._home = home
        self._recipe = recipe
        self._run = run
        self._engine = EngineClient(home)
        self._workspace: Workspace | None = None

    def get_default_screen(self) -> MainScreen:
        """Return the screen that the frame stands on."""
        return MainScreen(id="_default")

    def compose(self) -> ComposeResult:
        """Lay out the frame; the panes come after the first paint."""
        with Container(id="head"):
            yield Static("tui-finetune", id="title", markup=False)
            yield Static(id="run", markup=False)
            yield Static("engine: loading", id="engine", markup=False)
        yield TabLine(PANES, id="tabs")
        yield PipelineRail(id="rail")
        yield Container(id="content")
        yield KeyLine()

    def on_mount(self) -> None:
        """Set the colours, catch the signals, and let the first paint happen."""
        self.register_theme(CALM)
        self.theme = CALM.name
        if not self.is_headless:
            self._catch_signals()
        self.call_after_refresh(self._open)

    async def _open(self) -> None:
        from tui_finetune.recipe import load_recipe
        from tui_finetune.ui.workspace import Workspace

        recipe = self._recipe
        if isinstance(recipe, Path):
            try:
                recipe = load_recipe(recipe)
            except InputError as error:
                self.exit(error)
                return
        self._workspace = Workspace(self._home, self._engine, recipe, self._run)
        if isinstance(self._recipe, Path):
            self._workspace.draft.file = self._recipe.absolute()
        await self.query_one("#content").mount(self._workspace)

    def on_unmount(self) -> None:
        """Let go of the engine: it ends, or trains on."""
        self._engine.close()

    # --- keys and the mouse ---

    async def action_pane(self, pane: str) -> None:
        """Put a pane in front."""
        if self._workspace is not None and len(self.screen_stack) == 1:
            await self._workspace.show_pane(pane)

    @on(TabLine.Chosen)
    async def _tab_chosen(self, event: TabLine.Chosen) -> None:
        await self.action_pane(event.tab)

    def action_help(self) -> None:
        """Show the keys that work here, or take them away again."""
        from tui_finetune.ui.panes.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.pop_screen()
            return
        bindings = [active.binding for active in self.screen.active_bindings.values()]
        self.push_screen(HelpScreen(bindings))

    async def action_quit(self) -> None:
        """Quit; if a run goes on, say first that it does."""
        from tui_finetune.ui.finding import active_run
        from tui_finetune.ui.panes.leave import LeaveScreen

        active = await asyncio.to_thread(active_run, self._home)  # among thousands, maybe
        if active is None:
            self.exit()
        elif not isinstance(self.screen, LeaveScreen):
            self.push_screen(LeaveScreen(active), self._leave)

    def _leave(self, wanted: bool | None) -> None:
        if wanted:
            self.exit(message="A run goes on. Come back to it with: tui-finetune")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer the panes and the start in the command palette."""
        for number, (pane, title) in enumerate(PANES.items(), 1):
            shown = f"Show the pane {title} (F{number})"
            yield SystemCommand(title, shown, lambda pane=pane: self.run_action(f"pane('{pane}')"))
        if self._workspace is not None:
            start = self._workspace.start_training
            yield SystemCommand("Start training", "Start what Tune shows (ctrl+s there)", start)
        yield SystemCommand("Keys", "Show the keys that work here (F10)", self.action_help)
        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)
        yield SystemCommand("Quit", "Leave; a run goes on", self.action_quit)

    # --- the frame ---

    def on_workspace_changed(self) -> None:
        """Bring the frame up to date."""
        workspace = self._workspace
        if workspace is None:
            return
        self.query_one(TabLine).present = workspace.current
        self.query_one(PipelineRail).show(workspace.stages())
        self.query_one("#run", Static).update(run_line(workspace.going_on), layout=False)
        engine = self.query_one("#engine", Static)
        if engine.content != workspace.engine_state:  # its width is a matter of layout
            engine.update(workspace.engine_state)

    # --- leaving ---

    def _handle_exception(self, error: Exception) -> None:
        # A pane that was just being made, or was just answered, misses its parts while the
        # dashboard is taken apart; whoever quits early is not to read about that.
        missing = isinstance(getattr(error, "error", error), NoMatches)
        if self.is_running or not missing:
            super()._handle_exception(error)

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def leave(number: int, frame: FrameType | None) -> None:
            # A handler of the loop would never run while a dead terminal blocks a write.
            backstop = threading.Timer(_GRACE_SECONDS, os._exit, (128 + number,))
            backstop.daemon = True
            backstop.start()
            loop.call_soon_threadsafe(lambda: self.exit(return_code=128 + number))

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGHUP, leave)


def run_line(status: "Status | None") -> Content:
    """Return the state of the run for the header; nothing if no run is going."""
    if status is None or status.state not in ("starting", "running", "stopping"):
        return Content("")
    share = f" {status.step / status.total_steps:.0%}" if status.total_steps else ""
    return Content.assemble(
        (clean(status.name, 40), "bold"), (f" ● {clean(status.state)}{share}", "$text-success")
    )
