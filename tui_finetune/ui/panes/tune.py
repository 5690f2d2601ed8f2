"""The Tune pane: the hyperparameters that matter, what follows from them, and the start."""

from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Select, Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.errors import InputError
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.inspection import (
    check_training,
    count_tokens,
    list_training_fields,
    look_again,
)
from tui_finetune.ui.panes.preflight import PreflightScreen
from tui_finetune.ui.panes.tune_all import FieldsScreen
from tui_finetune.ui.panes.tune_fields import FIELDS, Field, shown
from tui_finetune.ui.panes.tune_files import ask_and_open, ask_and_save
from tui_finetune.ui.panes.tune_inputs import choices, field_of, make_input, options
from tui_finetune.ui.panes.tune_lines import data_line, derived_lines, model_line, others_line
from tui_finetune.ui.panes.tune_presets import PresetScreen
from tui_finetune.ui.panes.tune_start import Stage, StartLine
from tui_finetune.ui.widgets.dialog import is_covered
from tui_finetune.ui.widgets.drop_down import DropDown
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.wishes import FieldWanted, StartGivenUp, StartWanted

# With as many lines there is room for air, with as many columns for whole sentences.
_TALL = 24
_WIDE = 140

# Stands beside a value that is not the default.
CHANGED = "●"

# The group of the worker that counts tokens, which nobody waits for.
_COUNTING = "tokens"


class TunePane(Vertical):
    """Edits the hyperparameters of the draft and asks for the start."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start"),
        # Before the input that has the focus, which would delete a word, or the rest of the line.
        Binding("ctrl+k", "check", "Check", priority=True),
        Binding("ctrl+f", "all_fields", "Fields", priority=True),
        Binding("ctrl+l", "presets", "Presets"),
        Binding("ctrl+o", "open", "Open"),
        Binding("ctrl+r", "save", "Save"),
        Binding("escape", "give_up", "Do not start"),
        Binding("up", "app.focus_previous", "Field above", show=False),
        Binding("down", "app.focus_next", "Field below", show=False),
    ]

    DEFAULT_CSS = """
    TunePane {
        padding: 0 1;
        .fact { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #form { height: 1fr; }
        .field { height: 1; }
        .field .label { width: 14; }
        .field .own-name { width: 28; color: $text-muted; }
        .field Input, .field Select { width: 12; }
        .field .meaning { width: 1fr; padding: 0 0 0 1; color: $text-muted; text-wrap: nowrap;
            text-overflow: ellipsis; }
        .field.-wrong .meaning { color: $text-error; }
        .field.-wrong Input { background: $error-muted; }
        #more { height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    TunePane.-tall {
        #form { height: auto; margin: 1 0; }
        #go { margin: 1 0 0 0; }
    }
    TunePane.-wide .field {
        & Input, & Select { width: 24; }
    }
    """

    def __init__(
        self, draft: Draft, engine: EngineClient, home: Path, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._draft = draft
        self._engine = engine
        self._home = home
        self._content_shown: dict[str, Any] = {}
        self._version_shown = draft.version
        self._asked: object = None
        self._counted: object = None

    def compose(self) -> ComposeResult:
        """Lay out the summary, the form and the start."""
        yield Static(id="data", classes="fact", markup=False)
        yield Static(id="model", classes="fact", markup=False)
        with VerticalScroll(id="form", can_focus=False):
            for field in FIELDS:
                with Horizontal(classes="field", id=f"row-{field.widget_id}"):
                    yield Label(field.label, classes="label", markup=False)
                    yield Static(field.own_name, classes="own-name", markup=False)
                    yield make_input(field, self._draft)
                    yield Label(field.meaning, classes="meaning", markup=False)
        yield Static(id="others", classes="fact", markup=False)
        yield Static(id="more", markup=False)
        yield Static(id="rows", classes="fact", markup=False)
        yield Static(id="steps", classes="fact", markup=False)
        yield Static(id="batch", classes="fact", markup=False)
        yield StartLine(self._draft, id="go")

    def on_mount(self) -> None:
        """Show the draft as it is and follow its changes."""
        self._draft.on_change(self._show)
        self._show()

    @property
    def _start_line(self) -> StartLine:
        return self.query_one(StartLine)

    def focus(self, scroll_visible: bool = True) -> "TunePane":
        """Focus the start, or the first field while nothing can be started."""
        start = self._start_line.button
        first = self.query_one(f"#{FIELDS[0].widget_id}") if start.disabled else start
        focus_now(first, scroll_visible)
        return self

    def on_resize(self) -> None:
        """Use the room of a large terminal."""
        self.set_class(self.size.height >= _TALL, "-tall")
        self.set_class(self.size.width >= _WIDE, "-wide")
        self._show()
        self._show_more(self.screen.focused)

    def on_show(self) -> None:
        """Ask what the other panes had no need of: the model, and the tokens of a text."""
        source = self._draft.content["model"]["source"]
        models = self._draft.catalogue.result or []
        # One that is not here would be downloaded.
        if any(model["source"] == source and model["ready"] for model in models):
            look_again(self._draft, self._engine, self.app)
        self._count_tokens()

    @property
    def is_checking(self) -> bool:
        """Whether a start is under way that can still be given up."""
        return self._start_line.stage == "checking"

    def checking(self) -> None:
        """Show that the recipe is checked before it starts."""
        self._under_way("checking")

    def starting(self, going_on: bool, refused: str | None = None) -> None:
        """Show that the start is under way, or that it is over, and why it was refused."""
        self._under_way("starting" if going_on else "", refused)

    def _under_way(self, stage: Stage, refused: str | None = None) -> None:
        for line in self.query(StartLine):
            line.turn_to(stage, refused)
        self.refresh_bindings()

    # --- what the person does ---

    def action_start(self) -> None:
        """Start if nothing is in the way."""
        if self._start_line.stage:
            return
        try:
            self._draft.recipe()
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.post_message(StartWanted())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to give the start up only while that can be had."""
        return action != "give_up" or (self.is_mounted and self.is_checking)

    def action_give_up(self) -> None:
        """Do not start after all."""
        self.post_message(StartGivenUp())

    @work
    async def action_check(self) -> None:
        """Look what is wrong with the recipe, and what the run takes."""
        if is_covered(self):
            return
        try:
            self._draft.as_written()
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        answer = await self.app.push_screen_wait(PreflightScreen(self._draft, self._engine))
        if answer.start:
            self.action_start()
        elif answer.field is not None:
            self.post_message(FieldWanted(answer.field))

    def go_to(self, field: str) -> None:
        """Focus a field of the form, else find it among all fields."""
        of_form = [each for each in FIELDS if each.key == field]
        section, _, name = field.partition(".")
        if of_form:
            focus_now(self.query_one(f"#{of_form[0].widget_id}"))
        elif section == "train":
            self._show_fields(name)

    def action_all_fields(self) -> None:
        """Show all fields of `TrainingArguments`."""
        self._show_fields()

    def _show_fields(self, find: str = "") -> None:
        if not self._draft.fields.result and not self._draft.fields.busy:
            fields = list_training_fields(self._draft, self._engine)
            self.app.run_worker(fields, group="fields", exclusive=True)
        self.app.push_screen(FieldsScreen(self._draft, find), lambda _: self._show())
        self._check()

    @work
    async def action_presets(self) -> None:
        """Let the person choose a preset, and take over its values."""
        if is_covered(self):
            return
        chosen = await self.app.push_screen_wait(PresetScreen(self._draft, self._home))
        if chosen is None:
            return
        if problem := self._draft.change(chosen.values):
            self.notify(problem, severity="error", markup=False)
        else:
            self.notify(f"{clean(chosen.title, 60)}: set; ctrl+z takes it back", markup=False)

    @work
    async def action_open(self) -> None:
        """Open a recipe file."""
        if not is_covered(self) and await ask_and_open(self.app, self._draft):
            look_again(self._draft, self._engine, self.app)

    @work
    async def action_save(self) -> None:
        """Save the recipe to a file."""
        if not is_covered(self):
            await ask_and_save(self.app, self._draft)

    @on(Button.Pressed, "#start")
    def _start_pressed(self) -> None:
        self.action_start()

    @on(Input.Changed)
    def _text_changed(self, event: Input.Changed) -> None:
        self._take(field_of(event.input), event.value.strip())

    @on(Input.Submitted)
    def _text_entered(self) -> None:
        self.screen.focus_next()

    @on(Select.Changed)
    def _choice_changed(self, event: Select.Changed) -> None:
        self._take(field_of(event.select), str(event.value))

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Explain the field that has the focus."""
        self._draft.end_step()
        self._show_more(event.widget)

    def _take(self, field: Field, text: str) -> None:
        value = None if field.optional and not text else text
        if text == shown(self._draft.value(field.key)) and field.key not in self._draft.problems:
            return
        self._draft.set(field.key, value)
        self._show_more(self.screen.focused)

    # --- what the engine says ---

    def _check(self) -> None:
        """Ask whether `TrainingArguments` takes the recipe, if only that can say it."""
        draft = self._draft
        known = {field.key: field.choices for field in FIELDS}["train.lr_scheduler_type"]
        usual = not draft.others_set() and draft.content["train"]["lr_scheduler_type"] in known
        if usual and not draft.refused and not draft.fields.result and not draft.fields.busy:
            return  # the form has said it already
        sections = [draft.content[name] for name in ("train", "tokens", "early_stopping")]
        asked = (sections, draft.derived().train)
        if asked != self._asked:
            self._asked = asked
            self._ask_to_check()

    @work(group="arguments", exclusive=True)
    async def _ask_to_check(self) -> None:
        await check_training(self._draft, self._engine)

    def _count_tokens(self) -> None:
        """Count how many tokens a text has, once for each recipe and while somebody looks here."""
        draft = self._draft
        known = draft.data.result is not None and draft.model.result is not None
        if not known or draft.knows_tokens() or draft.obstacle() or not self.display:
            return
        asked = [draft.content[name] for name in ("data", "problem_type", "model", "tokens")]
        if asked != self._counted:
            self._counted = asked
            self._ask_to_count()

    @work(group=_COUNTING, exclusive=True)
    async def _ask_to_count(self) -> None:
        await count_tokens(self._draft, self._engine)

    def give_up_counting(self) -> None:
        """Count the tokens no further; it is done anew when it is needed."""
        self.workers.cancel_group(self, _COUNTING)

    # --- what is shown ---

    def _show(self) -> None:
        if len(self.query(".field")) < len(FIELDS) or not self.query("#start"):
            return  # the screen is being taken apart, and an answer still came
        if isinstance(self.app.screen, FieldsScreen):  # it covers all of this, and typing is fast
            self._check()
            return
        rows, steps, batch = derived_lines(self._draft)
        for part, content in (
            ("#data", data_line(self._draft)),
            ("#model", model_line(self._draft)),
            ("#others", others_line(self._draft)),
            ("#rows", rows),
            ("#steps", steps),
            ("#batch", batch),
        ):
            say(self, part, content)
        changed_whole = self._draft.version != self._version_shown
        self._version_shown = self._draft.version
        for field in FIELDS:
            self._show_field(field, changed_whole)
        self._start_line.show()
        self._check()
        self._count_tokens()

    def _show_field(self, field: Field, changed_whole: bool) -> None:
        problem = self._problem(field)
        row = self.query_one(f"#row-{field.widget_id}")
        row.set_class(problem is not None, "-wrong")
        meaning = f"✗ {problem.partition(',')[0]}" if problem else self._meaning(field)
        say(row, ".meaning", Content(meaning))
        mark = " " if self._draft.is_default(field.key) else CHANGED
        name = Content.assemble(f"{field.own_name:<27}", (mark, "$text-accent"))
        say(row, ".own-name", name)
        if field.key in self._draft.problems:
            return
        value = shown(self._draft.value(field.key)), choices(field, self._draft)
        if value == self._content_shown.get(field.key) and not changed_whole:
            return
        self._content_shown[field.key] = value
        entry = row.query_one(f"#{field.widget_id}")
        # What is being typed stays as typed: 5e-5 does not turn into 0.00005.
        if entry is self.screen.focused and not changed_whole:
            return
        with self.prevent(Input.Changed, Select.Changed):
            if isinstance(entry, Input):
                entry.value = value[0]
            elif isinstance(entry, DropDown):
                present = str(self._draft.value(field.key))
                entry.set_options(options(field, present, self._draft))
                entry.value = present

    def _problem(self, field: Field) -> str | None:
        refused = self._draft.refused.get(field.own_name) if "train." in field.key else None
        return self._draft.problems.get(field.key) or refused

    def _meaning(self, field: Field) -> str:
        return field.more if self.has_class("-wide") else field.meaning

    def _show_more(self, focused: Widget | None) -> None:
        field = next((field for field in FIELDS if focused and field.widget_id == focused.id), None)
        text = ""
        if field is not None:
            problem = self._problem(field)
            beside = self.has_class("-wide")
            text = f"{field.label}: {problem}" if problem else "" if beside else field.more
        say(self, "#more", Content(text))
        # On a low screen they share a line.
        low = not self.has_class("-tall")
        self.query_one("#others").display = not (text and low)
        self.query_one("#more").display = bool(text) or not low
