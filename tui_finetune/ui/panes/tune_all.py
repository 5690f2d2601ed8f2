"""All fields of `TrainingArguments`: find one by typing, read what it does, set it."""

from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from tui_finetune.presets import UNSET
from tui_finetune.recipe import parse_value
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.tune_fields import as_yaml
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.key_line import KeyLine
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import UNKNOWN

# The longest name of a field has 39 characters.
_NAME, _VALUE, _DEFAULT = 40, 17, 15

# With as many columns the help stands beside each field too.
_WIDE = 120


class FieldsScreen(ModalScreen[None]):
    """Lists the fields, as the engine names them, and sets those of the draft."""

    DEFAULT_CSS = """
    FieldsScreen {
        background: $background;
        & > Vertical { padding: 0 1; }
        & #title-line { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & .row { height: 1; }
        & .row Label { width: 7; color: $text-muted; }
        & #find { width: 30; }
        & #value { width: 1fr; }
        & #legend { width: 1fr; padding: 0 0 0 2; color: $text-muted; text-wrap: nowrap;
            text-overflow: ellipsis; }
        & OptionList {
            height: 1fr; padding: 0; border: none; background: transparent;
            scrollbar-size-vertical: 1;
            & > .option-list--option { padding: 0; }
        }
        & #detail { height: auto; max-height: 8; min-height: 3; }
        & #verdict { height: auto; max-height: 2; min-height: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("enter", "edit", "Set it"),
        Binding("ctrl+d", "to_default", "To default", priority=True),
        Binding("ctrl+t", "only_changed", "Only changed"),
        Binding("ctrl+z", "undo", "Undo"),
        Binding("ctrl+y", "redo", "Redo", show=False),
        Binding("up", "move('cursor_up')", "Field above", show=False),
        Binding("down", "move('cursor_down')", "Field below", show=False),
        Binding("pageup", "move('page_up')", "Page up", show=False),
        Binding("pagedown", "move('page_down')", "Page down", show=False),
    ]

    def __init__(self, draft: Draft, find: str = "") -> None:
        super().__init__()
        self._draft = draft
        self._find = find
        self._only_changed = False
        self._names: list[str] = []
        self._rows: list[Content] = []
        self._editing: str | None = None
        self._before: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        """Lay out the search, the list, what the field does, and its value."""
        with Vertical():
            yield Static(id="title-line", markup=False)
            with Horizontal(classes="row"):
                yield Label("Find", markup=False)
                yield Input(self._find, placeholder="name or what it does", compact=True, id="find")
                yield Static(id="legend", markup=False)
            fields = OptionList()
            fields.can_focus = False  # typing goes on in the search
            yield fields
            yield Static(id="detail", markup=False)
            with Horizontal(classes="row"):
                yield Label("Value", markup=False)
                yield Input(compact=True, id="value", disabled=True)
            yield Static(id="verdict", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Follow the draft, which also learns what the engine answers."""
        self._forget = self._draft.on_change(self._show)
        self._show()

    def on_unmount(self) -> None:
        """Follow the draft no more."""
        self._forget()

    def on_resize(self, event: events.Resize) -> None:
        """Use the room."""
        self.set_class(event.size.width >= _WIDE, "-wide")
        self._show()

    # --- what the person does ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Move and choose only while no value is being written."""
        if not self.is_mounted:
            return False
        return self._editing is None or action not in ("edit", "only_changed", "move")

    def action_move(self, how: str) -> None:
        """Move in the list, while the search keeps the focus."""
        getattr(self.query_one(OptionList), f"action_{how}")()

    def action_only_changed(self) -> None:
        """Show only what was set or refused, or all again."""
        self._only_changed = not self._only_changed
        self._show()

    def action_undo(self) -> None:
        """Take the last change back."""
        self._draft.undo()

    def action_redo(self) -> None:
        """Make it again."""
        self._draft.redo()

    def action_to_default(self) -> None:
        """Let the field be as it is where nobody sets it."""
        field = self._field()
        if field is not None and not field["reserved"]:
            self._draft.end_step()
            self._draft.change({_key(field): UNSET})
            if self._editing is not None:
                self._fill()

    def action_back(self) -> None:
        """Leave the value as it was before, else empty the search, else go back."""
        find = self.query_one("#find", Input)
        if self._editing is not None:
            key = f"train.{self._editing}"
            while self._draft.content != self._before or key in self._draft.problems:
                if not self._draft.undo():
                    break
            self._end_editing()
        elif find.value:
            find.value = ""
        else:
            self.dismiss(None)

    @on(Input.Changed, "#find")
    def _search_changed(self) -> None:
        self._show()

    @on(Input.Submitted, "#find")
    def _chosen(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_edit()

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        if self._editing is None:
            self._show_detail()

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        if self._editing is None:
            self.action_edit()

    def action_edit(self) -> None:
        """Write the value of the field."""
        field = self._field()
        if field is None or field["reserved"]:
            return
        self._draft.end_step()
        self._editing, self._before = field["name"], self._draft.content
        entry = self.query_one("#value", Input)
        entry.suggester = SuggestFromList(known) if (known := _known_words(field)) else None
        entry.disabled = False
        self._fill()
        focus_now(entry)
        self._show()
        self.refresh_bindings()

    def _fill(self) -> None:
        entry = self.query_one("#value", Input)
        with self.prevent(Input.Changed):
            value = self._draft.value(f"train.{self._editing}")
            isset = self._editing in self._draft.content["train"]
            entry.value = as_yaml(value) if isset else ""
            entry.select_all()

    @on(Input.Changed, "#value")
    def _value_changed(self, event: Input.Changed) -> None:
        if self._editing is not None:
            text = event.value.strip()
            self._draft.set(f"train.{self._editing}", parse_value(text) if text else UNSET)

    @on(Input.Submitted, "#value")
    def _value_entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self._editing is not None and not self._problem(self._editing):
            self._end_editing()

    def _end_editing(self) -> None:
        self._editing = None
        # The focus first: a disabled input loses it to nobody.
        focus_now(self.query_one("#find"))
        self.query_one("#value", Input).disabled = True
        self._show()
        self.refresh_bindings()

    # --- what is shown ---

    def _fields(self) -> list[dict[str, Any]]:
        fields: list[dict[str, Any]] = (self._draft.fields.result or {}).get("fields", [])
        return fields

    def _field(self) -> dict[str, Any] | None:
        highlighted = self.query_one(OptionList).highlighted
        name = self._names[highlighted] if highlighted is not None and self._names else None
        return next((field for field in self._fields() if field["name"] == name), None)

    def _problem(self, name: str) -> str | None:
        return self._draft.problems.get(f"train.{name}") or self._draft.refused.get(name)

    def _show(self) -> None:
        if not self.query("#find") or not self.query("#value") or not self.query(OptionList):
            return  # the screen is being made, or taken apart
        say(self, "#title-line", self._head())
        legend = "● set   ○ by this program   – reserved   ✗ refused"
        if self._editing is not None:
            legend = "Enter takes the value, Esc leaves it"
        elif self._only_changed:
            legend = "only ● and ✗   (ctrl+t: all)"
        say(self, "#legend", Content(legend))
        self._show_list()
        self._show_detail()

    def _head(self) -> Content:
        finding = self._draft.fields
        if finding.error:
            return Content.styled(f"✗ {clean(finding.error)}", "$text-error")
        if not finding.result:
            words = "◐ the fields of TrainingArguments: the engine loads transformers …"
            return Content.styled(words, "$text-accent")
        fields = self._fields()
        changed = sum(self._mark(field)[0] in "●✗" for field in fields)
        return Content.assemble(
            (f"All {len(fields)} fields of TrainingArguments", "bold"),
            (f" in transformers {clean(finding.result['version'], 20)}", "$text-muted"),
            f" · {changed} set",
        )

    def _show_list(self) -> None:
        options = self.query_one(OptionList)
        found = matching(self._fields(), self.query_one("#find", Input).value)
        if self._only_changed:
            found = [field for field in found if self._mark(field)[0] in "●✗"]
        names, rows = [field["name"] for field in found], [self._row(field) for field in found]
        if names == self._names:
            for index, (old, new) in enumerate(zip(self._rows, rows, strict=True)):
                if not old.is_same(new):
                    options.replace_option_prompt_at_index(index, new)
        elif self._editing is None:  # what is being set stays in sight
            present = self._field()
            options.clear_options()
            options.add_options([Option(row) for row in rows])
            searched = bool(self.query_one("#find", Input).value)
            keep = present is not None and present["name"] in names and not searched
            options.highlighted = names.index(present["name"]) if keep and present else 0
        else:
            return
        self._names, self._rows = names, rows

    def _mark(self, field: dict[str, Any]) -> tuple[str, str]:
        name = field["name"]
        if self._problem(name):
            return "✗", "$text-error"
        if field["reserved"]:
            return "–", "$text-muted"
        if not self._draft.is_default(f"train.{name}"):
            return "●", "$text-accent"
        if name in self._draft.own_defaults and self._value(field) != field["default"]:
            return "○", "$text-muted"
        return " ", ""

    def _value(self, field: dict[str, Any]) -> Any:
        """Return what the field will be, by the recipe, this program, or the class itself."""
        train = self._draft.content["train"]
        own = self._draft.own_defaults.get(field["name"], field["default"])
        return train.get(field["name"], own)

    def _row(self, field: dict[str, Any]) -> Content:
        mark, style = self._mark(field)
        quiet = "$text-muted" if mark == "–" else ""
        value = UNKNOWN if field["name"] == "output_dir" else as_yaml(self._value(field))
        room = self.size.width - _NAME - _VALUE - _DEFAULT - 8  # a row is one line
        beside = f"  {clean(field['help'], room)}" if self.has_class("-wide") else ""
        return Content.assemble(
            (f"{mark} ", style),
            (f"{clean(field['name'], _NAME):<{_NAME}}", quiet),
            (f"{clean(value, _VALUE - 1):<{_VALUE}}", style or quiet),
            (f"{clean(as_yaml(field['default']), _DEFAULT):<{_DEFAULT}}{beside}", "$text-muted"),
        )

    def _show_detail(self) -> None:
        field = self._field()
        if field is None:
            words = "no field has this in its name or help" if self._fields() else ""
            say(self, "#detail", Content.styled(words, "$text-muted"))
            say(self, "#verdict", Content(""))
            return
        say(self, "#detail", detail(field, self._draft.own_defaults))
        entry = self.query_one("#value", Input)
        if self._editing is None:
            with self.prevent(Input.Changed):
                is_set = field["name"] in self._draft.content["train"]
                entry.value = as_yaml(self._value(field)) if is_set else ""
        entry.placeholder = "" if field["reserved"] else "Enter sets it; empty is the default"
        say(self, "#verdict", self._verdict(field))

    def _verdict(self, field: dict[str, Any]) -> Content:
        if field["reserved"]:
            return Content.styled(f"– reserved: {clean(field['reserved'])}", "$text-muted")
        if problem := self._problem(field["name"]):
            return Content.styled(f"✗ {field['name']}: {clean(problem)}", "$text-error")
        if self._draft.checked != self._draft.content:
            return Content.styled("◐ being checked …", "$text-accent")
        if other := next(iter(self._draft.refused.items()), None):
            words = f"✗ {other[0] or 'train'}: {clean(other[1])}"
            return Content.styled(words, "$text-warning")
        if self._editing is not None:
            return Content.styled("✓ taken", "$text-success")
        return Content("")


def matching(fields: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """Return the fields with all words of the text: first that of this name, then in the name."""
    words = text.lower().replace("_", " ").split()

    def named(field: dict[str, Any]) -> bool:
        return all(word in field["name"].replace("_", " ") for word in words)

    def told(field: dict[str, Any]) -> bool:
        everything = f"{field['name'].replace('_', ' ')} {field['help'].lower()}"
        return all(word in everything for word in words)

    whole = "_".join(words)
    first = [field for field in fields if named(field)]
    first.sort(key=lambda field: field["name"] != whole)
    return first + [field for field in fields if told(field) and not named(field)]


def detail(field: dict[str, Any], own_defaults: dict[str, Any]) -> Content:
    """Return what a field is, what it is by default, and what it does."""
    name, default = field["name"], field["default"]
    parts: list[Any] = [
        (clean(name), "bold"),
        (f"  {clean(field['type'])}", "$text-accent"),
        (f" · default {clean(as_yaml(default), 40)}", "$text-muted"),
    ]
    if name in own_defaults and own_defaults[name] != default:
        parts.append((f" · in this program {clean(as_yaml(own_defaults[name]), 40)}", ""))
    parts += ["\n", clean(field["help"], 700)]
    if known := _known_words(field):
        parts += ["\n", (clean(" ".join(known), 1200), "$text-accent")]
    return Content.assemble(*parts)


def _known_words(field: dict[str, Any]) -> list[str]:
    truths = ["true", "false"] if "bool" in field["type"] else []
    return [*field["choices"], *truths]


def _key(field: dict[str, Any]) -> str:
    return f"train.{field['name']}"
