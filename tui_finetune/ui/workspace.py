"""The panes, what they share, and what leads from one to the next."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe, load_recipe
from tui_finetune.runs.about import name_of
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import HistoryReader
from tui_finetune.runs.newest import NewestRun
from tui_finetune.runs.status import ACTIVE, Status, read_status
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.finding import active_run, goes_on, newest_run, newest_with_model
from tui_finetune.ui.inspection import list_models, look_again, look_at_changed
from tui_finetune.ui.making import PANES, make_pane
from tui_finetune.ui.stages import draft_stages, run_stages
from tui_finetune.ui.starting import none_beside_or_wanted, resume, start
from tui_finetune.ui.widgets.focus import about_to_show
from tui_finetune.ui.widgets.rail import Stage
from tui_finetune.ui.wishes import (
    CompareWanted,
    EvaluateWanted,
    FieldWanted,
    FollowWanted,
    ImportWanted,
    ModelWanted,
    PredictWanted,
    RecipeWanted,
    ResumeWanted,
    SampleWanted,
    StartGivenUp,
    StartWanted,
    TraceWanted,
    WatchWanted,
)

if TYPE_CHECKING:  # each pane is imported when it is made
    from tui_finetune.ui.panes.compare import ComparePane
    from tui_finetune.ui.panes.run_pane import RunPane
    from tui_finetune.ui.panes.trace import TracePane
    from tui_finetune.ui.panes.tune import TunePane
    from tui_finetune.ui.panes.watch import WatchPane

# How often the header and the rail look at the run that is watched.
_LOOK_SECONDS = 1.0

# The panes that show one run.
OF_A_RUN = ("watch", "predict", "evaluate", "trace")
OfARun: TypeAlias = "WatchPane | RunPane"

# Starts or resumes a run for the Tune pane; None if the person does not want that after all.
Beginning: TypeAlias = "Callable[[TunePane], Awaitable[RunDirectory | None]]"

# The pane in front is painted before the others are made.
_PAUSE_BEFORE_OTHER_PANES = 0.3


class Workspace(ContentSwitcher):
    """Holds the panes, the draft, and the run that is watched."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "undo", "Undo a change of the recipe", show=False),
        Binding("ctrl+y", "redo", "Redo it", show=False),
    ]

    DEFAULT_CSS = "Workspace { height: 1fr; } Workspace > * { height: 1fr; }"

    class Changed(Message):
        """The pane in front, the stages, or the state of the run or the engine changed."""

    def __init__(
        self, home: Path, engine: EngineClient, recipe: Recipe | None, run: RunDirectory | None
    ) -> None:
        self._home = home
        self._engine = engine
        self._active = active_run(home)
        self.draft = Draft(recipe)
        self.run = run or self._active
        """The run that is watched."""
        self.status: Status | None = None
        self.going_on: Status | None = None
        """How the run stood that goes on, be it watched or not, when it was last looked at."""
        self.following = run is None
        """Whether Watch turns to a newer run of the home by itself."""
        self._newest = NewestRun(home)
        self._newest.newer()
        self.engine_state = "engine: loading"
        self._mounting = asyncio.Lock()
        self._reader: HistoryReader | None = None
        self._looked_at: RunDirectory | None = None
        self._first = "tune" if recipe is not None else "watch" if self.run else "data"
        super().__init__(initial=self._first)

    def compose(self) -> ComposeResult:
        """Make the pane in front; the others come when it is painted."""
        yield self._make(self._first)

    def on_mount(self) -> None:
        """Say what is going on, then get the other panes and the engine ready."""
        if self._active is not None:
            name = clean(name_of(self._active, read_status(self._active.status)), 60)
            hint = "F4 shows it" if self._first == "tune" else "here it is, whole"
            self.notify(f"{name} is going on: {hint}", markup=False)
        self.draft.on_change(self._tell)
        self.set_interval(_LOOK_SECONDS, self._look)
        self._look()
        self._tell()
        self.call_after_refresh(self._focus_first)
        self.call_after_refresh(lambda: self.run_worker(self._wake_engine(), group="engine"))
        self.set_timer(_PAUSE_BEFORE_OTHER_PANES, self._mount_all)

    def _focus_first(self) -> None:
        if self.current == self._first:  # a key may have brought another one
            self.get_child_by_id(self._first).focus()

    def on_unmount(self) -> None:
        """Let the engine's last answers change nothing on panes that are gone."""
        self.draft.silence()

    async def show_pane(self, pane: str) -> None:
        """Put a pane in front and give the focus to its first useful widget."""
        await self._mounted(pane)
        if self.run is None and pane in OF_A_RUN:
            await self._take_newest(newest_run if pane == "watch" else newest_with_model)
        if pane != self.current:
            # A focused widget that gets hidden takes the focus away later, maybe from the next one.
            self.screen.set_focus(None)
            about_to_show(self.get_child_by_id(pane))
        self.current = pane
        # At once, not after a refresh: the next key may already be on its way to this pane.
        self.get_child_by_id(pane).focus()
        self._tell()

    async def _take_newest(self, find: Callable[[Path], RunDirectory | None]) -> None:
        """Show the newest run that the pane in front can show, so that it is not empty."""
        run = await asyncio.to_thread(find, self._home)
        if run is not None and self.run is None:  # still: one may have begun meanwhile
            await self.watch_run(run)

    def stages(self) -> list[Stage]:
        """Return the stages for the rail: of the draft while it is edited, else of the run."""
        if self._reader is None or self.status is None or self.current in ("data", "model", "tune"):
            return draft_stages(self.draft)
        return run_stages(self._reader.history, self.status)

    async def start_training(self) -> None:
        """Start what the Tune pane shows."""
        await self.show_pane("tune")
        cast("TunePane", self.get_child_by_id("tune")).action_start()

    # --- the panes ---

    async def _mounted(self, pane: str) -> Widget:
        # A key may ask for the very pane that is being mounted, which has no parts yet.
        async with self._mounting:
            try:
                return self.get_child_by_id(pane)
            except NoMatches:
                widget = self._make(pane)
                widget.display = False
                await self.mount(widget)
                if pane in OF_A_RUN:
                    cast("OfARun", widget).show_run(self.run)
                return widget

    def _make(self, pane: str) -> Widget:
        made = make_pane(pane, self.draft, self._engine, self._home)
        if pane == "watch":
            watch = cast("WatchPane", made)
            watch.show_run(self.run)
            watch.show_following(self.following)
        return made

    async def _mount_all(self) -> None:
        for pane in PANES:
            await self._mounted(pane)

    async def _wake_engine(self) -> None:
        if self._first == "tune":
            self._inspect()
        await list_models(self.draft, self._engine)
        self.engine_state = "engine: failed" if self.draft.catalogue.error else "engine: ready"
        if self.draft.catalogue.error:
            self._complain(self.draft.catalogue.error)
        self._tell()

    def _inspect(self) -> None:
        look_at_changed(self.draft, self._engine, self.app, ("data", "model"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Undo and redo only where the recipe is in sight."""
        return action not in ("undo", "redo") or self.current in ("data", "model", "tune")

    def action_undo(self) -> None:
        """Take the last change of the recipe back."""
        if not self.draft.undo():
            self.notify("nothing to undo", markup=False)
        look_again(self.draft, self._engine, self.app)

    def action_redo(self) -> None:
        """Make again what was taken back last."""
        if not self.draft.redo():
            self.notify("nothing to redo", markup=False)
        look_again(self.draft, self._engine, self.app)

    # --- from one pane to the next ---

    @on(SampleWanted)
    async def _load_sample(self, event: SampleWanted) -> None:
        await self._take_over(partial(load_recipe, event.recipe))

    @on(RecipeWanted)
    async def _load_recipe(self, event: RecipeWanted) -> None:
        await self._take_over(lambda: event.run.load_recipe().model_copy(update={"name": None}))

    async def _take_over(self, load: Callable[[], Recipe]) -> None:
        """Put another recipe in front, ready to be started."""
        try:
            self.draft.replace(load())
        except InputError as error:
            self._complain(str(error))
            return
        self._inspect()
        await self.show_pane("tune")

    @on(ModelWanted)
    async def _choose_model(self) -> None:
        await self.show_pane("model")

    @on(StartWanted)
    def _start(self) -> None:
        self._begin(partial(start, self.app, self.draft, self._engine))

    @on(ResumeWanted)
    def _resume(self, event: ResumeWanted) -> None:
        self._begin(partial(resume, event.run, self._engine))

    def _begin(self, beginning: Beginning) -> None:
        """Start or resume a run, unless that is under way already: a key may be pressed twice."""
        if not self._under_way("begin"):
            self.run_worker(self._ask_to_begin(beginning), group="begin")

    async def _ask_to_begin(self, beginning: Beginning) -> None:
        if not await none_beside_or_wanted(self.app, self._home):
            return
        tune = cast("TunePane", await self._mounted("tune"))
        tune.give_up_counting()  # a start does not wait for that
        try:
            run = await beginning(tune)
        except (InputError, EngineError) as error:
            tune.starting(False, refused=str(error))
            self._complain(str(error))
            return
        if run is None:
            return
        # From here on that engine belongs to the run; the next question starts another.
        self.engine_state = ""
        self._active = run
        await self.watch_run(run)
        await self.show_pane("watch")

    @on(StartGivenUp)
    async def _give_up(self) -> None:
        tune = cast("TunePane", await self._mounted("tune"))
        if tune.is_checking:
            self.workers.cancel_group(self, "begin")
            tune.starting(False)

    @on(FieldWanted)
    async def _go_to_field(self, event: FieldWanted) -> None:
        """Go where a field of the recipe is set."""
        section = event.field.partition(".")[0]
        await self.show_pane(section if section in ("data", "model") else "tune")
        tune = cast("TunePane", await self._mounted("tune"))
        tune.go_to(event.field)

    @on(WatchWanted)
    async def _watch(self, event: WatchWanted) -> None:
        await self._choose(event.run)
        await self.show_pane("watch")

    @on(PredictWanted)
    async def _predict(self, event: PredictWanted) -> None:
        await self._choose(event.run)
        await self.show_pane("predict")

    @on(EvaluateWanted)
    async def _evaluate(self, event: EvaluateWanted) -> None:
        await self._choose(event.run)
        await self.show_pane("evaluate")

    @on(CompareWanted)
    async def _compare(self, event: CompareWanted) -> None:
        pane = cast("ComparePane", await self._mounted("compare"))
        pane.compare(event.runs)
        await self.show_pane("compare")

    @on(ImportWanted)
    def _import(self) -> None:
        from tui_finetune.ui.panes.import_runs import ImportScreen

        self.app.push_screen(ImportScreen(self._home))

    @on(TraceWanted)
    async def _trace(self, event: TraceWanted) -> None:
        pane = cast("TracePane", await self._mounted("trace"))
        await self.show_pane("trace")
        pane.trace(event.run, event.text, event.true)

    async def watch_run(self, run: RunDirectory) -> None:
        """Make a run the one that Watch, Predict, Evaluate and Trace show."""
        self.run = run
        async with self._mounting:  # one that is made later shows it by itself
            for pane in self.children:
                if pane.id in OF_A_RUN:
                    cast("OfARun", pane).show_run(run)
        self._look()

    async def _choose(self, run: RunDirectory) -> None:
        """Watch a run that the person named: it stays, whichever newer one starts."""
        if run != self.run:
            self._set_following(False)
        await self.watch_run(run)

    # --- following the newest run ---

    @on(FollowWanted)
    async def _toggle_following(self) -> None:
        self._set_following(not self.following)
        if self.following:
            newest = await asyncio.to_thread(lambda: self._newest.newer() or self._newest.find())
            if newest is not None and self.following:  # still
                await self.watch_run(newest)

    def _set_following(self, following: bool) -> None:
        self.following = following
        for pane in self.query("#watch"):
            cast("WatchPane", pane).show_following(following)

    async def _turn_to_newest(self) -> None:
        """Watch a run that has just begun, unless the person works with another one."""
        if self.current in ("predict", "evaluate", "trace"):
            return
        newer = await asyncio.to_thread(self._newest.newer)
        if newer is not None and self.following:  # still: the person may have named one meanwhile
            await self.watch_run(newer)

    def _complain(self, reason: str) -> None:
        self.notify(clean(reason, 400), severity="error", timeout=10, markup=False)

    # --- what the header and the rail show ---

    def _look(self) -> None:
        if self.following and not self._under_way("newest"):
            self.run_worker(self._turn_to_newest(), group="newest")
        # A long journal takes longer than a pause, and two threads cannot read it at once.
        if self._under_way("look") and self._looked_at == self.run:
            return
        self._looked_at = self.run
        if self.run is not None or self._active is not None:
            self.run_worker(self._read(self.run), group="look", exclusive=True)

    def _under_way(self, group: str) -> bool:
        return any(worker.group == group and worker.is_running for worker in self.workers)

    async def _read(self, run: RunDirectory | None) -> None:
        if run is not None:
            reader = self._reader
            if reader is None or reader.run != run:
                reader = HistoryReader(run)
            with suppress(OSError):  # the Watch pane says it
                await asyncio.to_thread(reader.update)
            self._reader, self.status = reader, read_status(run.status)
            if self._active is None and goes_on(self.status):
                self._active = run
        await self._look_at_active()
        self._tell()

    async def _look_at_active(self) -> None:
        """Read how the run that goes on stands; once it has ended, look for another."""
        looked_at = self._active
        if looked_at is None:
            return
        self.going_on = read_status(looked_at.status)
        self.going_on.name = name_of(looked_at, self.going_on)
        if self.going_on.state not in ACTIVE:
            other = await asyncio.to_thread(active_run, self._home)  # among thousands, maybe
            if self._active == looked_at:
                self._active = other

    def _tell(self) -> None:
        self.post_message(self.Changed())
