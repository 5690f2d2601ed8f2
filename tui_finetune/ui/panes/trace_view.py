"""A trace on the screen: the line of its stages, the present one's words, and its view."""

from typing import Any, ClassVar

from rich.cells import cell_len
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.text import clean
from tui_finetune.ui.panes.trace_attribution import AttributionStage
from tui_finetune.ui.panes.trace_layers import LayersStage
from tui_finetune.ui.panes.trace_stage import Document, Place, Stage, stage_of
from tui_finetune.ui.panes.trace_tokens import EmbedStage, TokenizeStage
from tui_finetune.ui.panes.trace_verdict import HeadStage, PredictStage
from tui_finetune.ui.widgets.say import say

STAGES: dict[str, tuple[str, type[Stage]]] = {
    "tokenize": ("Tokenize", TokenizeStage),
    "embed": ("Embed", EmbedStage),
    "layers": ("Layers", LayersStage),
    "head": ("Head", HeadStage),
    "predict": ("Predict", PredictStage),
    "attribution": ("Attribution", AttributionStage),
}

_BETWEEN = " ▸ "

_ATTRIBUTION_WORDS = (
    "Integrated gradients: what each token adds to a label's logit, on the way from a text "
    "without content to this one."
)


def _id(stage: str) -> str:
    """Return a stage's id, which must be no pane's and none of the frame's."""
    return f"stage-{stage}"


class StageLine(Widget):
    """The stages in their order, the present one marked; a click goes to one."""

    DEFAULT_CSS = "StageLine { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: clip; }"

    present: reactive[str] = reactive("tokenize")

    class Chosen(Message):
        """A stage was clicked."""

        def __init__(self, stage: str) -> None:
            super().__init__()
            self.stage = stage

    def render(self) -> Content:
        """Return the line."""
        parts: list[tuple[str, str]] = []
        for stage, name in self._names():
            if parts:
                parts.append((_BETWEEN, "$text-disabled"))
            parts.append((name, "bold $accent" if stage == self.present else "$text-muted"))
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        """Find the stage under the mouse."""
        place = event.get_content_offset(self)
        end = 0
        for stage, name in self._names():
            end += cell_len(name) + len(_BETWEEN)
            if place is not None and place.x < end:
                self.post_message(self.Chosen(stage))
                return

    def _names(self) -> list[tuple[str, str]]:
        return [
            (stage, f"{'● ' if stage == self.present else ''}{number} {title}")
            for number, (stage, (title, _)) in enumerate(STAGES.items(), 1)
        ]


class TraceView(Vertical):
    """Shows a trace, one stage at a time, and asks the engine for the parts that a stage wants.

    The place in it is kept from trace to trace.
    """

    DEFAULT_CSS = """
    TraceView {
        & #trace-words { height: auto; max-height: 3; padding: 0 1; color: $text-muted; }
        & ContentSwitcher { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,pagedown", "stage(1)", "Next", key_display="n"),
        Binding("p,pageup", "stage(-1)", "Previous", key_display="p"),
    ]

    class Checked(Message):
        """One more figure of the trace was checked."""

        def __init__(self, check: dict[str, Any]) -> None:
            super().__init__()
            self.check = check

    def __init__(self, engine: EngineClient) -> None:
        super().__init__()
        self._engine = engine
        self._asked: dict[str, Any] = {}
        self._place = Place()
        self._document: Document | None = None

    def compose(self) -> ComposeResult:
        """Lay out the line, the words and the stages."""
        yield StageLine()
        yield Static(id="trace-words", markup=False)
        with ContentSwitcher(initial=_id("tokenize")):
            for name, (_, kind) in STAGES.items():
                yield kind(self._place, id=_id(name))

    @property
    def stage(self) -> str:
        """The name of the stage that is looked at."""
        return self.query_one(StageLine).present

    @property
    def present(self) -> Stage:
        """The stage that is looked at."""
        return self.query_one(f"#{_id(self.stage)}", Stage)

    def focus(self, scroll_visible: bool = True) -> "TraceView":
        """Focus the stage that is looked at."""
        self.present.focus(scroll_visible)
        return self

    def show(self, document: Document, asked: dict[str, Any]) -> None:
        """Show another trace, at the same stage; `asked` are the request's parameters."""
        self.cancel()
        self._document, self._asked = document, asked
        self._place.fit_into(document)
        for stage in self.query(Stage):
            stage.show(document)
        self._describe()
        self.present.enter()

    def go_to(self, name: str) -> None:
        """Look at another stage."""
        if name == self.stage:
            return
        focused = self.has_focus_within
        if focused:
            # A focused widget that gets hidden takes the focus away later, maybe from the next one.
            self.screen.set_focus(None)
        self.cancel_attributions()
        self.query_one(StageLine).present = name
        self.query_one(ContentSwitcher).current = _id(name)
        self._describe()
        self.present.enter()
        if focused:
            self.focus()
        self.refresh_bindings()

    def action_stage(self, by: int) -> None:
        """Go to the next stage or the one before."""
        names = list(STAGES)
        number = names.index(self.stage) + by
        if 0 <= number < len(names):
            self.go_to(names[number])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only stages that there are."""
        if action == "stage" and self._document is not None:
            end = list(STAGES)[-1 if parameters == (1,) else 0]
            return self.stage != end
        return True

    @on(StageLine.Chosen)
    def _stage_clicked(self, event: StageLine.Chosen) -> None:
        event.stop()
        self.go_to(event.stage)

    def _describe(self) -> None:
        if self._document is None:
            return
        if self.stage == "attribution":
            words, shape = _ATTRIBUTION_WORDS, [1, len(self._document["tokens"])]
        else:
            stage = stage_of(self._document, self.stage)
            words, shape = clean(stage["words"]), stage["shape"]
        size = " × ".join(f"{length:,}" for length in shape)
        say(self, "#trace-words", Content.assemble((size, "bold $foreground"), f"  {words}"))

    # --- a trace's parts ---

    @property
    def attributing(self) -> bool:
        """Whether attributions are waited for."""
        return any(
            worker.group == "attributions" and worker.node is self and not worker.is_finished
            for worker in self.workers
        )

    def cancel(self) -> None:
        """Wait for no part any more."""
        for group in ("attention", "neighbours", "attributions"):
            self.workers.cancel_group(self, group)

    def cancel_attributions(self) -> None:
        """Give up the attributions, if they are waited for."""
        if self.attributing:
            self.workers.cancel_group(self, "attributions")
            self.query_one(AttributionStage).failed("cancelled")

    def on_worker_state_changed(self) -> None:
        """Offer to cancel as long as there is something to cancel."""
        self.refresh_bindings()

    @on(LayersStage.AttentionWanted)
    def _attention_wanted(self, event: LayersStage.AttentionWanted) -> None:
        event.stop()
        self._ask_attention(event.layer, event.head)

    @work(exclusive=True, group="attention")
    async def _ask_attention(self, layer: int, head: int | str) -> None:
        stage = self.query_one(LayersStage)
        asked = {**self._asked, "layer": layer, "head": head}
        try:
            answer = await self._engine.request("trace_attention", asked)
        except (InputError, EngineError) as error:
            stage.attention_failed(str(error))
        else:
            stage.show_attention(layer, head, answer)

    @on(EmbedStage.NeighboursWanted)
    def _neighbours_wanted(self, event: EmbedStage.NeighboursWanted) -> None:
        event.stop()
        self._ask_neighbours(event.token)

    @work(exclusive=True, group="neighbours")
    async def _ask_neighbours(self, token: int) -> None:
        stage = self.query_one(EmbedStage)
        try:
            answer = await self._engine.request("trace_neighbours", {**self._asked, "token": token})
        except (InputError, EngineError) as error:
            stage.neighbours_failed(str(error))
        else:
            stage.show_neighbours(token, answer["neighbours"])

    @on(AttributionStage.Wanted)
    def _attributions_wanted(self, event: AttributionStage.Wanted) -> None:
        event.stop()
        self._ask_attributions(event.label)

    @work(exclusive=True, group="attributions")
    async def _ask_attributions(self, label: str) -> None:
        stage = self.query_one(AttributionStage)
        asked = {**self._asked, "label": label}
        try:
            answer = await self._engine.request("trace_attributions", asked, stage.show_progress)
        except (InputError, EngineError) as error:
            stage.failed(str(error))
        else:
            stage.show_attributions(label, answer)
            self.post_message(self.Checked(answer["check"]))
