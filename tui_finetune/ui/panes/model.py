"""The Model pane: choose the model to start from, and see what it is."""

import time
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.inspection import describe_model, list_models
from tui_finetune.ui.panes.data_asking import Asking
from tui_finetune.ui.panes.model_lines import (
    SWITCHES,
    chosen_line,
    description,
    hub_title,
    risk,
    title_line,
)
from tui_finetune.ui.panes.model_list import (
    ORDERS,
    Entries,
    EntryOption,
    Place,
    is_listed,
    line_meant,
    matching,
    ordered,
    place_of,
    typed_options,
)
from tui_finetune.ui.panes.model_looks import Looks
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.widgets.busy import busy_line
from tui_finetune.ui.widgets.dialog import is_covered
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import counted, short_source

# With as many lines there is room for air.
_TALL = 24

# How often the line of what goes on is drawn.
_BUSY_SECONDS = 0.5

# These lie here whole or are refused at once: to look at one never starts a download.
_NEVER_FETCHED = ("local", "run")


class ModelPane(Vertical):
    """Chooses the model of the draft."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "type", "Find", key_display="/"),
        Binding("h", "search", "Search the hub"),
        Binding("s", "sort", "Sort"),
        Binding("a", "allow", "Allow"),
        Binding("r", "look_again", "Look again"),
        Binding("escape", "back", "Back"),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
    ]

    DEFAULT_CSS = """
    ModelPane {
        padding: 0 1;
        .row { height: 1; }
        .row Label { width: auto; color: $text-muted; padding: 0 1 0 0; }
        #source { width: 1fr; }
        #choice { height: 1fr; }
        #models { width: 1fr; height: 1fr; }
        #title { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #list { height: 1fr; border: none; padding: 0; background: $surface; }
        #facts { width: 1fr; height: 1fr; margin: 0 0 0 2; scrollbar-size-vertical: 1; }
        #description, #chosen { height: auto; }
        #busy { height: 1; display: none; text-wrap: nowrap; text-overflow: ellipsis; }
        #busy.-busy { display: block; }
    }
    ModelPane.-tall {
        .row { margin: 0 0 1 0; }
        #chosen { margin: 1 0 0 0; }
    }
    """

    def __init__(self, draft: Draft, engine: EngineClient, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draft = draft
        self._engine = engine
        self._listed: object = None
        self._here: Entries = []
        self._shown: Entries = []
        self._order = {kind: orders[0] for kind, orders in ORDERS.items()}
        self._hub = Asking(self, engine, "search_models", self._hub_answered)
        self._looks = Looks(self, engine, self._show_facts)
        self._looking_at: Place = ("", None)
        self._busy_shown: tuple[str | None, float] = (None, 0.0)

    def compose(self) -> ComposeResult:
        """Lay out the name to type, the list and the facts."""
        with Horizontal(classes="row"):
            yield Label("Find")
            yield Input(
                placeholder="words of a name here, a hub name, or a folder",
                compact=True,
                id="source",
            )
        with Horizontal(id="choice"):
            with Vertical(id="models"):
                yield Static(id="title", markup=False)
                yield OptionList(id="list", markup=False)
            with VerticalScroll(id="facts"):
                yield Static(id="description", markup=False)
        yield Static(id="busy", markup=False)
        yield Static(id="chosen", markup=False)

    def on_mount(self) -> None:
        """Show the draft as it is and follow its changes."""
        self._draft.on_change(self._show)
        self.set_interval(_BUSY_SECONDS, self._show_busy)
        self._show()

    def focus(self, scroll_visible: bool = True) -> "ModelPane":
        """Focus the list."""
        focus_now(self.query_one("#list"), scroll_visible)
        return self

    def on_show(self) -> None:
        """Look for models if nobody has yet, or could not."""
        if self._draft.catalogue.result is None and not self._draft.catalogue.busy:
            self.action_look_again()

    def on_resize(self) -> None:
        """Use the room there is: fit the columns of the list to its width."""
        self.set_class(self.size.height >= _TALL, "-tall")
        self.call_after_refresh(self._show_list)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what there is something for."""
        if not self.is_mounted:
            return False
        if action == "back":
            typed = self.query_one("#source", Input)
            return bool(self._busy() or self._on_hub or typed.value or typed.has_focus)
        return action != "allow" or self._switch() is not None or bool(self._allowed())

    # --- what the person does ---

    def action_type(self) -> None:
        """Go to the box for words, a hub name or a folder."""
        focus_now(self.query_one("#source"))

    def action_move(self, by: int) -> None:
        """Move the highlight from the box that is typed in."""
        options = self.query_one("#list", OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_sort(self) -> None:
        """Go on to the next order."""
        orders = ORDERS[self._kind]
        place = orders.index(self._order[self._kind])
        self._order[self._kind] = orders[(place + 1) % len(orders)]
        self._show_list()

    def action_search(self) -> None:
        """Ask the hub for the typed words; without any, for what is downloaded most."""
        self._hub.ask({"words": self.query_one("#source", Input).value.strip()})
        focus_now(self.query_one("#list"))

    def action_look_again(self) -> None:
        """Look for the models here anew."""
        self._hub.forget()
        self._looks.forget()
        self._list()

    def _list(self) -> None:
        # On the app, and not with the look at a model: choosing another one does not end it.
        models = list_models(self._draft, self._engine)
        self.app.run_worker(models, group="models", exclusive=True)

    def action_back(self) -> None:
        """End what goes on, else leave the hub's answer, else the words."""
        typed = self.query_one("#source", Input)
        self._looks.give_up()
        if self._draft.model.busy:
            self.app.workers.cancel_group(self.app, "model")
            self._draft.model = Finding()
            self._draft.changed()
        elif self._on_hub:
            self._hub.forget()
        elif typed.value:
            typed.value = ""
        focus_now(self.query_one("#list"))
        self.call_after_refresh(self._show_facts)

    @work
    async def action_allow(self) -> None:
        """Ask whether what is unsafe is to be allowed; what is allowed is taken back unasked."""
        if allowed := self._allowed():
            self._draft.change(dict.fromkeys(allowed, False))
            self._describe()
        elif (switch := self._switch()) is not None and not is_covered(self):
            model = self._draft.content["model"]
            code = (self._draft.model.result or {}).get("code", [])
            words = risk(switch, str(model["source"]), code)
            if await self.app.push_screen_wait(Question(*words)) and (
                self._draft.content["model"] == model
            ):
                self._draft.change({switch: True})
                self._describe()

    @on(Input.Changed, "#source")
    def _words_typed(self) -> None:
        self._show_list()
        self.refresh_bindings()

    @on(Input.Submitted, "#source")
    def _words_entered(self) -> None:
        self.query_one("#list", OptionList).action_select()

    @on(OptionList.OptionSelected)
    def _option_chosen(self, event: OptionList.OptionSelected) -> None:
        # The keys for a model that is chosen are not to be typed into the box.
        focus_now(self.query_one("#list"))
        if isinstance(event.option, EntryOption):
            self.choose(*place_of(event.option.entry))
        elif event.option_id == "search":
            self.action_search()
        else:
            self.choose(self.query_one("#source", Input).value.strip())

    @on(OptionList.OptionHighlighted)
    def _option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if not isinstance(event.option, EntryOption):
            return
        entry = event.option.entry
        self._looking_at = place_of(entry)
        self._show_facts()
        # What is not here is only downloaded when it is chosen.
        here = entry.get("ready", False) or entry["kind"] in _NEVER_FETCHED
        if here and not (self._is_chosen() and self._draft.model.busy):
            self._looks.look(self._looking_at)

    def choose(self, source: str, revision: str | None = None) -> None:
        """Take this model, with nothing unsafe allowed, and find out what it is."""
        self._draft.change(
            {
                "model.source": source,
                "model.revision": revision,
                "model.allow_pickle": False,
                "model.trust_remote_code": False,
            }
        )
        self._describe()

    def _describe(self) -> None:
        model = self._draft.content["model"]
        self._looking_at = str(model["source"]), model["revision"]
        # On the app: an answer must arrive while another pane is in front too.
        self.app.run_worker(self._describe_and_list(), group="model", exclusive=True)

    async def _describe_and_list(self) -> None:
        await describe_model(self._draft, self._engine)
        source = self._draft.content["model"]["source"]
        is_new = not any(entry["source"] == source for entry in self._here)
        if self._draft.model.result is not None and is_new:  # downloaded just now, maybe
            self._list()

    # --- what is shown ---

    @property
    def _on_hub(self) -> bool:
        return self._hub.params is not None

    @property
    def _kind(self) -> str:
        return "hub" if self._on_hub else "here"

    def _switch(self) -> str | None:
        """Return the key of the recipe that would allow the chosen model, if one would."""
        problem = (self._draft.model.result or {}).get("problem") or {}
        return problem.get("switch")

    def _allowed(self) -> list[str]:
        return [key for key in SWITCHES if self._draft.value(key)]

    def _hub_answered(self) -> None:
        self._show_list()
        self._show_facts()
        self.refresh_bindings()

    def _show(self) -> None:
        if not self.query("#chosen"):
            return  # the screen is being taken apart
        catalogue = self._draft.catalogue
        if catalogue is not self._listed:
            self._listed = catalogue
            if not catalogue.busy:  # till then the former list stays
                self._here = list(catalogue.result or [])
            self._show_list()
        model = self._draft.content["model"]
        if not self._looking_at[0]:
            self._looking_at = str(model["source"]), model["revision"]
        self._show_facts()
        say(self, "#chosen", chosen_line(model, self._draft.model))
        self.refresh_bindings()

    def _show_list(self) -> None:
        if not self.query("#list"):
            return  # the screen is being taken apart
        options = self.query_one("#list", OptionList)
        typed = self.query_one("#source", Input).value.strip()
        entries = (self._hub.finding.result or []) if self._on_hub else self._here
        found = entries if self._on_hub else matching(entries, typed)
        self._shown = ordered(found, self._order[self._kind])
        width, now = max(options.size.width - 1, 30), time.time()
        lines: list[Option] = [EntryOption(entry, width, now) for entry in self._shown]
        if typed and not self._on_hub:
            lines += typed_options(typed, width, is_listed(entries, typed))
        options.clear_options()
        options.add_options(lines)
        if lines:
            words = "" if self._on_hub else typed
            options.highlighted = line_meant(self._shown, words, self._looking_at)
        say(self, "#title", self._title(len(entries), typed, width))

    def _title(self, count: int, typed: str, width: int) -> Content:
        """Return how many models the list has, or why it has none."""
        order = self._order[self._kind]
        if self._on_hub:
            return hub_title(
                self._hub.finding, str((self._hub.params or {})["words"]), order, width
            )
        if not count:
            looking = "looking for models …" if self._draft.catalogue.busy else "no models here"
            return Content.styled(looking, "$text-muted")
        number = f"{len(self._shown)} of {count}" if typed else counted(count, "model")
        return title_line(f"{number}, {order}", "here", width)

    def _finding(self) -> Finding:
        if self._is_chosen() and self._draft.model != Finding():
            return self._draft.model
        return self._looks.of(self._looking_at)

    def _is_chosen(self) -> bool:
        model = self._draft.content["model"]
        return self._looking_at == (model["source"], model["revision"])

    def _busy(self) -> str | None:
        if self._draft.model.busy:
            return f"looking at {short_source(str(self._draft.content['model']['source']))}"
        if self._on_hub and self._hub.finding.busy:
            return "asking the hub"
        if self._finding().busy:
            return f"looking at {short_source(self._looking_at[0])}"
        if self._draft.catalogue.busy:
            return "looking for models"
        return None

    def _show_busy(self) -> None:
        """Say what goes on, and how far it is."""
        if not self.query("#busy"):
            return  # the screen is being taken apart, and an answer still came
        what = self._busy()
        if what != self._busy_shown[0]:
            self._busy_shown = what, time.monotonic()
        self.query_one("#busy").set_class(what is not None, "-busy")
        if what is not None:
            told = self._draft.model_progress if self._draft.model.busy else {}
            progress: dict[str, Any] = told if told.get("of") else {"what": what}
            say(self, "#busy", busy_line(progress, time.monotonic() - self._busy_shown[1]))

    def _show_facts(self) -> None:
        self._show_busy()
        listed = [*self._shown, *self._here]
        entry = next((one for one in listed if place_of(one) == self._looking_at), None)
        found = self._finding()
        if found.error is None and self._draft.catalogue.error and not self._here:
            found = self._draft.catalogue
        about = description(self._looking_at[0], entry, found, self._is_chosen())
        if self._on_hub and self._hub.finding.error:
            about = Content.styled(f"✗ {self._hub.finding.error}", "$text-error")
        say(self, "#description", about)
