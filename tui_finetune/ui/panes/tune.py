"""The Tune pane: the hyperparameters that matter, what follows from them, and the start."""

from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Select, Static

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.tune_fields import FIELDS, Field
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import UNKNOWN, count, counted, short_source

# With as many lines there is room for air, with as many columns for whole sentences.
_TALL = 20
_WIDE = 140


class TunePane(Vertical):
    """Edits the hyperparameters of the draft and asks for the start."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start training"),
        Binding("up", "app.focus_previous", "Field above", show=False),
        Binding("down", "app.focus_next", "Field below", show=False),
    ]

    DEFAULT_CSS = """
    TunePane {
        padding: 0 1;
        .fact { height: 1; }
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
        #go { height: 1; }
        #start { min-width: 20; }
        #reason { width: 1fr; padding: 0 0 0 2; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    TunePane.-tall {
        #form { height: auto; margin: 1 0; }
        #go { margin: 1 0 0 0; }
    }
    TunePane.-wide .field {
        & Input, & Select { width: 24; }
    }
    """

    class StartWanted(Message):
        """The training is to start."""

        def __init__(self, recipe: Recipe) -> None:
            super().__init__()
            self.recipe = recipe

    def __init__(self, draft: Draft, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draft = draft
        self._content_shown: dict[str, Any] = {}
        self._starting = False
        self._refused: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out the summary, the form and the start."""
        yield Static(id="data", classes="fact", markup=False)
        yield Static(id="model", classes="fact", markup=False)
        with VerticalScroll(id="form", can_focus=False):
            for field in FIELDS:
                with Horizontal(classes="field", id=f"row-{field.widget_id}"):
                    yield Label(field.label, classes="label", markup=False)
                    yield Label(field.own_name, classes="own-name", markup=False)
                    yield self._input(field)
                    yield Label(field.meaning, classes="meaning", markup=False)
        yield Static(id="more", markup=False)
        yield Static(id="rows", classes="fact", markup=False)
        yield Static(id="steps", classes="fact", markup=False)
        with Horizontal(id="go"):
            yield Button(
                "▶ Start training",
                id="start",
                variant="success",
                compact=True,
            )
            yield Static(id="reason", markup=False)

    def on_mount(self) -> None:
        """Show the draft as it is and follow its changes."""
        self._draft.on_change(self._show)
        self._show()

    def focus(self, scroll_visible: bool = True) -> "TunePane":
        """Focus the start, or the first field while nothing can be started."""
        start = self.query_one("#start", Button)
        first = self.query_one(f"#{FIELDS[0].widget_id}") if start.disabled else start
        first.focus(scroll_visible)
        return self

    def on_resize(self) -> None:
        """Use the room of a large terminal."""
        self.set_class(self.size.height >= _TALL, "-tall")
        self.set_class(self.size.width >= _WIDE, "-wide")
        self._show()

    def starting(self, going_on: bool, refused: str | None = None) -> None:
        """Show that the start is under way, or that it is over, and why it was refused."""
        self._starting = going_on
        self._refused = refused
        self._show_start()
        if refused and self.screen.focused is None:
            # A button that is switched off loses the focus.
            self.focus()

    def action_start(self) -> None:
        """Start if nothing is in the way."""
        if self._starting:
            return
        try:
            recipe = self._draft.recipe()
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.post_message(self.StartWanted(recipe))

    # --- what the person does ---

    @on(Button.Pressed, "#start")
    def _start_pressed(self) -> None:
        self.action_start()

    @on(Input.Changed)
    def _text_changed(self, event: Input.Changed) -> None:
        self._take(_field_of(event.input), event.value.strip())

    @on(Input.Submitted)
    def _text_entered(self) -> None:
        self.screen.focus_next()

    @on(Select.Changed)
    def _choice_changed(self, event: Select.Changed) -> None:
        self._take(_field_of(event.select), str(event.value))

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Explain the field that has the focus."""
        self._show_more(event.widget)

    def _take(self, field: Field, text: str) -> None:
        value = None if field.optional and not text else text
        if text == _shown(self._draft.value(field.key)) and field.key not in self._draft.problems:
            return
        self._refused = None
        self._draft.set(field.key, value)
        self._show_more(self.screen.focused)

    # --- what is shown ---

    def _input(self, field: Field) -> Widget:
        present = self._draft.value(field.key)
        value = _shown(present)
        if not field.choices:
            return Input(value, compact=True, id=field.widget_id, select_on_focus=True)
        return Select(
            _options(field, str(present)),
            value=str(present),
            allow_blank=False,
            compact=True,
            id=field.widget_id,
        )

    def _show(self) -> None:
        rows, steps = derived_lines(self._draft)
        for part, content in (
            ("#data", data_line(self._draft)),
            ("#model", model_line(self._draft)),
            ("#rows", rows),
            ("#steps", steps),
        ):
            say(self, part, content)
        for field in FIELDS:
            self._show_field(field)
        self._show_start()

    def _show_field(self, field: Field) -> None:
        problem = self._draft.problems.get(field.key)
        row = self.query_one(f"#row-{field.widget_id}")
        row.set_class(problem is not None, "-wrong")
        meaning = f"✗ {problem.partition(',')[0]}" if problem else self._meaning(field)
        say(row, ".meaning", Content(meaning))
        if problem is not None:
            return
        value = _shown(self._draft.value(field.key))
        if value == self._content_shown.get(field.key):
            return
        self._content_shown[field.key] = value
        entry = row.query_one(f"#{field.widget_id}")
        # What is being typed stays as typed: 5e-5 does not turn into 0.00005.
        if entry is self.screen.focused:
            return
        with self.prevent(Input.Changed, Select.Changed):
            if isinstance(entry, Input):
                entry.value = value
            elif isinstance(entry, Select):
                present = str(self._draft.value(field.key))
                entry.set_options(_options(field, present))
                entry.value = present

    def _meaning(self, field: Field) -> str:
        return field.more if self.has_class("-wide") else field.meaning

    def _show_more(self, focused: Widget | None) -> None:
        field = next((field for field in FIELDS if focused and field.widget_id == focused.id), None)
        text = ""
        if field is not None:
            problem = self._draft.problems.get(field.key)
            beside = self.has_class("-wide")
            text = f"{field.label}: {problem}" if problem else "" if beside else field.more
        say(self, "#more", Content(text))

    def _show_start(self) -> None:
        obstacle = self._draft.obstacle()
        button = self.query_one("#start", Button)
        button.disabled = obstacle is not None or self._starting
        if self._starting:
            reason = Content.styled(
                "◐ starting: the data is read, the model is loaded …", "$text-accent"
            )
        elif self._refused:
            reason = Content.styled(f"✗ {clean(self._refused)}", "$text-error")
        elif obstacle:
            reason = Content.styled(obstacle, "$text-warning")
        else:
            reason = Content.styled(
                "Enter or ctrl+s starts it; quitting leaves it running", "$text-muted"
            )
        say(self, "#reason", reason)


def data_line(draft: Draft) -> Content:
    """Return in a line what is learnt from."""
    source = str(draft.content["data"]["source"])
    parts: list[tuple[str, str]] = [("data   ", "$text-muted")]
    if not source:
        return Content.assemble(*parts, ("not chosen yet (F1)", "$text-warning"))
    parts.append((short_source(source), "bold"))
    if draft.data.busy:
        parts.append((" · being read …", "$text-accent"))
    elif draft.data.error:
        parts.append((" · cannot be read", "$text-error"))
    elif profile := draft.data.result:
        columns = (
            f"{clean(profile['text'] or UNKNOWN, 20)} → {clean(profile['label'] or UNKNOWN, 20)}"
        )
        rows = counted(profile["rows"], "row")
        labels = counted(len(profile["labels"] or {}), "label")
        parts.append((f" · {rows} · {labels} · {columns}", ""))
    return Content.assemble(*parts)


def model_line(draft: Draft) -> Content:
    """Return in a line what is trained."""
    parts: list[tuple[str, str]] = [
        ("model  ", "$text-muted"),
        (short_source(str(draft.content["model"]["source"])), "bold"),
    ]
    if draft.model.busy:
        parts.append((" · being looked at …", "$text-accent"))
    elif draft.model.error:
        parts.append((" · cannot be used", "$text-error"))
    elif model := draft.model.result:
        facts = [clean(model["architecture"] or model["model_type"], 40)]
        facts.append(f"{count(model['parameters'])} parameters")
        if model["max_length"]:
            facts.append(f"at most {model['max_length']} tokens")
        parts.append((" · " + " · ".join(facts), ""))
    return Content.assemble(*parts)


def derived_lines(draft: Draft) -> tuple[Content, Content]:
    """Return rows per split and steps, as they follow from the recipe and the rows."""
    derived = draft.derived()

    def known(value: int | None) -> str:
        return UNKNOWN if value is None else str(value)

    rows = (
        f"{known(derived.train)} train · {known(derived.validation)} validation · "
        f"{known(derived.test)} test"
    )
    steps = (
        f"{known(derived.steps_per_epoch)} an epoch · {known(derived.total_steps)} in all · "
        f"{known(derived.warmup_steps)} warmup"
    )
    return (
        Content.assemble(("rows   ", "$text-muted"), rows),
        Content.assemble(("steps  ", "$text-muted"), steps, ("  (on one device)", "$text-muted")),
    )


def _options(field: Field, value: str) -> list[tuple[Text, str]]:
    """Return the choices of a field, with the present value if a recipe brought another."""
    choices = field.choices if value in field.choices else (*field.choices, value)
    # Text, not str: what comes from a file is no markup.
    return [(Text(clean(choice.removeprefix("eval_"))), choice) for choice in choices]


def _field_of(widget: Widget) -> Field:
    return next(field for field in FIELDS if field.widget_id == widget.id)


def _shown(value: object) -> str:
    """Return a value as it stands in its input: 0.0001 as 1e-4, 3.0 as 3, None as nothing."""
    if value is None:
        return ""
    if isinstance(value, float):
        if not 0 < value < 1e-3:
            return str(value).removesuffix(".0")
        digits, _, exponent = f"{value:.10e}".partition("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"
    return clean(value)  # an input writes what it holds as it is
