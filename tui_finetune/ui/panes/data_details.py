"""How the source is read, and what of it is what: a form, with the rows as they would be read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import ValidationError
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.recipe import Reading, first_problem
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.data_asking import Asking
from tui_finetune.ui.panes.data_form import Choice, FormLines
from tui_finetune.ui.panes.data_words import detected_phrases
from tui_finetune.ui.widgets.dialog import Dialog
from tui_finetune.ui.widgets.say import say

_ENCODINGS = ("utf-8", "cp1252", "iso-8859-1", "utf-16", "utf-8-sig", "gb18030", "shift_jis")
_PREVIEW_ROWS = 3
_ASK_AFTER_SECONDS = 0.3


def _number(written: str) -> int:
    if not (written.isascii() and written.isdigit()):
        raise ValueError("write a whole number of lines, such as 2")
    return int(written)


_READING = (
    Choice(
        "data.reading.encoding",
        "Encoding",
        [(None, "detected"), *((name, name) for name in _ENCODINGS)],
        "← → or type another that Python knows",
        str,
    ),
    Choice(
        "data.reading.separator",
        "Separator",
        [(None, "detected"), (",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe")],
        "between two fields; ← → or type another character",
        str,
    ),
    Choice(
        "data.reading.quote",
        "Quotes",
        [
            (None, "detected"),
            ('"', "double quotes"),
            ("'", "single quotes"),
            ('\\"', 'double quotes, \\" within fields'),
            ("\\'", "single quotes, \\' within fields"),
            ("none", "none"),
        ],
        "around fields that hold a separator or a line end",
    ),
    Choice(
        "data.reading.header",
        "Header",
        [
            (None, "detected"),
            (True, "the first line names the columns"),
            (False, "none: the first line is a row"),
        ],
        "whether the first line of the table names its columns",
    ),
    Choice(
        "data.reading.skip_lines",
        "Lines above",
        [(None, "detected"), *((number, str(number)) for number in range(6))],
        "lines above the table that are no part of it; ← → or type a number",
        _number,
    ),
)

_KINDS = (
    (None, "as the labels tell"),
    ("single_label_classification", "one label a row"),
    ("multi_label_classification", "several labels a row"),
    ("regression", "a number"),
)


def fields_of(
    detected: Mapping[str, Any], said: Mapping[str, Any], splits: Sequence[str], failed: bool
) -> list[Choice]:
    """Return the fields for a source; how it is read is offered only for text.

    `said` is what the recipe says of the reading, which then was not detected.
    """
    reading: Sequence[Choice] = []
    if "separator" in detected or failed:
        reading = _READING
    elif "encoding" in detected:
        reading = _READING[:1]
    found = {name: value for name, value in detected.items() if said.get(name) is None}
    reading = [_with_detected(field, found) for field in reading]
    names = [(clean(name, 40)) for name in splits]
    roles = [
        Choice(
            "data.label_separator",
            "Between labels",
            [(None, "nothing: one label a cell"), *((sign, sign) for sign in (";", ",", "|", " "))],
            "where a cell holds several labels, what stands between them",
            lambda written: written,
        ),
        Choice("problem_type", "To learn", _KINDS, "what a row is labelled with"),
    ]
    for part, silent in (
        ("train", "the split called train, or the only one"),
        ("validation", "the split of that name, or a share cut from train"),
        ("test", "the split of that name, or a share cut from train"),
    ):
        roles.append(
            Choice(
                f"data.splits.{part}",
                f"{part.capitalize()} rows",
                [(None, silent), *((name, name) for name in names)],
                "← → or type a slice, such as train[:10%]",
                lambda written: written,
            )
        )
    return [*reading, *roles]


def _with_detected(field: Choice, detected: Mapping[str, Any]) -> Choice:
    """Return a field that says what was found out."""
    name = field.key.rpartition(".")[2]
    words = "detected"
    if name in detected:
        words += f": {', '.join(detected_phrases({name: detected[name]})) or 'none'}"
    return replace(field, values=[(None, words), *field.values[1:]])


class DetailsScreen(Dialog[bool]):
    """Changes the draft, with the first rows as they would be read; answers whether it did."""

    DEFAULT_CSS = """
    DetailsScreen {
        & > Vertical { width: 78; max-width: 100%; max-height: 100%; padding: 0 2; }
        & Static { text-wrap: nowrap; text-overflow: ellipsis; }
        & #details-problem { text-wrap: wrap; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take over"),
        Binding("escape", "close", "Back"),
    ]

    def __init__(
        self, draft: Draft, engine: EngineClient, detected: Mapping[str, Any], splits: Sequence[str]
    ) -> None:
        super().__init__()
        self._draft = draft
        fields = fields_of(
            detected,
            draft.content["data"]["reading"],
            splits,
            failed=draft.data.error is not None,
        )
        values = {field.key: draft.value(field.key) for field in fields}
        self._before = values
        self._form = FormLines(fields, values)
        self._asking = Asking(self, engine, "rows", self._show)
        self._delay: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out the fields, and what they would make of the source."""
        with Vertical():
            yield Static(
                Content.assemble(
                    ("How it is read, and what is what", "bold"),
                    ("   Enter takes it over, Esc goes back", "$text-muted"),
                ),
                markup=False,
            )
            yield self._form
            yield Static(id="details-problem", markup=False)
            yield Static(id="details-rows", markup=False)

    def on_mount(self) -> None:
        """Show how the source is read now."""
        self._ask()

    @on(FormLines.Changed)
    def _changed(self) -> None:
        self._complain("")
        if self._delay is not None:
            self._delay.stop()
        self._delay = self.set_timer(_ASK_AFTER_SECONDS, self._ask)

    def _ask(self) -> None:
        try:
            values = self._form.values()
            own = {key.rpartition(".")[2]: value for key, value in values.items()}
            names = [name for name in Reading.model_fields if name in own]
            reading = Reading.model_validate({name: own[name] for name in names})
        except ValidationError as error:
            self._complain(first_problem(error))
        except ValueError as error:
            self._complain(str(error))
        else:
            data = {**self._draft.content["data"], "reading": reading.model_dump()}
            self._asking.ask({"data": data, "offset": 0, "limit": _PREVIEW_ROWS, "split": None})

    def _show(self) -> None:
        found = self._asking.finding
        if found.error:
            self._complain(found.error)
        say(self, "#details-rows", preview_words(found.result))

    def _complain(self, problem: str) -> None:
        words = (
            Content.styled(f"✗ {clean(problem, 300)}", "$text-error") if problem else Content("")
        )
        say(self, "#details-problem", words)

    def action_take(self) -> None:
        """Change the draft, if the values can be taken."""
        try:
            values = self._form.values()
        except ValueError as error:
            self._complain(str(error))
            return
        changed = {key: value for key, value in values.items() if value != self._before[key]}
        if changed and (problem := self._draft.change(changed)):
            self._complain(problem)
        else:
            self.dismiss(bool(changed))

    def action_close(self) -> None:
        """Leave everything as it is."""
        self.dismiss(False)


def preview_words(page: Mapping[str, Any] | None) -> Content:
    """Return how a source is read: what was found out, its columns and its first rows."""
    if page is None:
        return Content("")
    facts = " · ".join(detected_phrases(page["detected"])) or "as it tells itself"
    names = ", ".join(clean(name, 24) for name in page["columns"])
    columns = len(page["columns"])
    lines = [
        Content.assemble(("read as  ", "$text-muted"), facts),
        Content.assemble((f"{columns} column{'s' * (columns != 1)}  ", "$text-muted"), names),
    ]
    for row in page["rows"][:_PREVIEW_ROWS]:
        cells = " │ ".join(clean("" if cell is None else cell, 80) for cell in row)
        lines.append(Content(cells))
    return Content("\n").join(lines)
