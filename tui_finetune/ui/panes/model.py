"""The Model pane: choose the model to start from, and see what it is."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from tui_finetune.engine.client import EngineClient
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.inspection import ask, describe_model, list_models
from tui_finetune.ui.widgets.busy import BusyLine
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import UNKNOWN, count, short_source, size

# The highlight moves through a list faster than models can be looked at.
_REST_SECONDS = 0.15

_KINDS = {"starter": "starter", "local": "folder", "cache": "HF cache"}


class ModelPane(Vertical):
    """Chooses the model of the draft."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "type", "Type a name", key_display="/"),
        Binding("escape", "cancel", "Cancel"),
    ]

    DEFAULT_CSS = """
    ModelPane {
        padding: 0 1;
        .row { height: 1; margin: 0 0 1 0; }
        .row Label { width: auto; color: $text-muted; padding: 0 1 0 0; }
        #source { width: 1fr; }
        #choice { height: 1fr; }
        #list { width: 1fr; height: 1fr; border: none; padding: 0; background: $surface; }
        #facts { width: 1fr; height: 1fr; margin: 0 0 0 2; }
        #description, #chosen { height: auto; }
        #chosen { margin: 1 0 0 0; }
    }
    """

    def __init__(self, draft: Draft, engine: EngineClient, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draft = draft
        self._engine = engine
        self._listed: Finding | None = None
        self._entries: list[dict[str, Any]] = []
        self._known: dict[str, Finding] = {}
        self._looking_at = ""

    def compose(self) -> ComposeResult:
        """Lay out the name to type, the list and the facts."""
        with Horizontal(classes="row"):
            yield Label("Hub name or folder")
            yield Input(
                placeholder="such as distilbert-base-uncased; Enter takes it",
                compact=True,
                id="source",
            )
        with Horizontal(id="choice"):
            yield OptionList(id="list", markup=False)
            with VerticalScroll(id="facts", can_focus=False):
                yield BusyLine(id="busy")
                yield Static(id="description", markup=False)
        yield Static(id="chosen", markup=False)

    def on_mount(self) -> None:
        """Show the draft as it is and follow its changes."""
        self._draft.on_change(self._show)
        self._show()

    def focus(self, scroll_visible: bool = True) -> "ModelPane":
        """Focus the list."""
        self.query_one("#list").focus(scroll_visible)
        return self

    def on_show(self) -> None:
        """Look for models if nobody has yet, or could not."""
        if self._draft.catalogue.result is None and not self._draft.catalogue.busy:
            self.app.run_worker(list_models(self._draft, self._engine), group="models")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to cancel only while something goes on."""
        return action != "cancel" or self._busy() is not None

    def action_type(self) -> None:
        """Go to the box for a hub name or a folder."""
        self.query_one("#source").focus()

    async def action_cancel(self) -> None:
        """End what the engine does, a download maybe."""
        await self._engine.cancel()

    # --- what the person does ---

    @on(Input.Submitted, "#source")
    def _source_entered(self, event: Input.Submitted) -> None:
        if source := event.value.strip():
            self.choose(source)

    @on(OptionList.OptionSelected)
    def _model_chosen(self, event: OptionList.OptionSelected) -> None:
        self.choose(str(self._entries[event.option_index]["source"]))

    @on(OptionList.OptionHighlighted)
    def _model_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        entry = self._entries[event.option_index]
        self._looking_at = str(entry["source"])
        self._show_facts()
        # What is not here is only downloaded when it is chosen.
        if entry["ready"] and self._looking_at not in self._known:
            self.run_worker(self._look(self._looking_at), group="look", exclusive=True)

    def choose(self, source: str) -> None:
        """Take this model and find out what it is."""
        self._draft.set("model.revision", None)
        self._draft.set("model.source", source)
        self._looking_at = source
        # On the app: an answer must arrive while another pane is in front too.
        self.app.run_worker(
            describe_model(self._draft, self._engine), group="model", exclusive=True
        )

    async def _look(self, source: str) -> None:
        await asyncio.sleep(_REST_SECONDS)
        self._known[source] = Finding(busy=True)
        self._show_facts()
        found = Finding()
        try:
            params = {"model": {"source": source, "revision": None}}
            found = await ask(self._engine, "model", params)
        finally:
            self._known[source] = found
            if found == Finding():
                del self._known[source]
        self._show_facts()

    # --- what is shown ---

    def _show(self) -> None:
        if self._draft.catalogue is not self._listed:
            self._listed = self._draft.catalogue
            self._show_list()
        if not self._looking_at:
            self._looking_at = str(self._draft.content["model"]["source"])
        self._show_facts()
        say(
            self,
            "#chosen",
            chosen_line(str(self._draft.content["model"]["source"]), self._draft.model),
        )
        self.refresh_bindings()

    def _show_list(self) -> None:
        self._entries = list(self._draft.catalogue.result or [])
        options = self.query_one("#list", OptionList)
        options.clear_options()
        options.add_options([Option(entry_line(entry)) for entry in self._entries])
        sources = [str(entry["source"]) for entry in self._entries]
        wanted = str(self._draft.content["model"]["source"])
        if sources:
            options.highlighted = sources.index(wanted) if wanted in sources else 0

    def _finding(self) -> Finding:
        if self._looking_at == self._draft.content["model"]["source"] and (
            self._draft.model != Finding()
        ):
            return self._draft.model
        return self._known.get(self._looking_at, Finding())

    def _busy(self) -> str | None:
        if self._draft.model.busy:
            return f"looking at {short_source(str(self._draft.content['model']['source']))}"
        if self._finding().busy:
            return f"looking at {short_source(self._looking_at)}"
        if self._draft.catalogue.busy:
            return "looking for models"
        return None

    def _show_facts(self) -> None:
        self.query_one(BusyLine).show(self._busy())
        entry = next(
            (entry for entry in self._entries if entry["source"] == self._looking_at), None
        )
        found = self._finding()
        if found.error is None and self._draft.catalogue.error and not self._entries:
            found = self._draft.catalogue
        say(self, "#description", description(self._looking_at, entry, found))


def entry_line(entry: Mapping[str, Any]) -> Content:
    """Return a model of the list in a line: name, where it is, size."""
    sign, style = ("  ", "") if entry["ready"] else ("! ", "$text-warning")
    return Content.assemble(
        (sign, style),
        (clean(entry["name"], 40), style or "bold"),
        ("  " + _KINDS.get(entry["kind"], clean(entry["kind"])), "$text-muted"),
        ("  " + size(entry["size_bytes"]) if entry["size_bytes"] else "", "$text-muted"),
    )


def description(source: str, entry: Mapping[str, Any] | None, found: Finding) -> Content:
    """Return what is known of a model, a line for each fact."""
    name = clean(entry["name"] if entry else source, 60)
    lines = [Content.styled(name, "bold")]
    if entry is not None and entry["kind"] != "starter":
        place = "in the Hugging Face cache" if entry["kind"] == "cache" else clean(source)
        lines.append(Content.styled(place, "$text-muted"))
    if entry is not None and not entry["ready"]:
        lines.append(Content.styled(f"! {clean(entry['note'])}", "$text-warning"))
    if found.error:
        lines.append(Content.styled(f"✗ {found.error}", "$text-error"))
    elif found.result is not None:
        lines += [
            Content.assemble((f"{label:<16}", "$text-muted"), value)
            for label, value in facts(found.result)
        ]
    return Content("\n").join(lines)


def facts(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return label and value of what a person wants to know of a model."""
    head = {None: UNKNOWN, True: "has one", False: "a new one is made"}
    longest = model["max_length"]
    return [
        ("architecture", clean(model["architecture"] or model["model_type"] or UNKNOWN)),
        ("parameters", count(model["parameters"])),
        ("size on disk", size(model["size_bytes"])),
        ("layers", count(model["layers"])),
        ("hidden size", count(model["hidden_size"])),
        ("attention heads", count(model["heads"])),
        ("vocabulary", count(model["vocabulary"])),
        ("longest text", UNKNOWN if longest is None else f"{longest} tokens"),
        ("classifier head", head[model["has_head"]]),
        ("licence", clean(model["license"] or UNKNOWN)),
    ]


def chosen_line(source: str, found: Finding) -> Content:
    """Return which model is chosen, and what to do next."""
    parts: list[tuple[str, str]] = [("Chosen: ", "$text-muted"), (short_source(source), "bold")]
    if found.error:
        parts.append(("   it cannot be used; choose another", "$text-error"))
    elif not found.busy:
        parts.append(("   Enter chooses, / types a name · Next: Tune (F3)", "$text-muted"))
    return Content.assemble(*parts)
