"""The inputs of the Tune form: a line to write in, or a list to choose from."""

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Input

from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.tune_fields import FIELDS, Field, shown
from tui_finetune.ui.widgets.drop_down import DropDown


def make_input(field: Field, draft: Draft) -> Widget:
    """Return an input that holds the present value of a field."""
    present = draft.value(field.key)
    if not field.choices:
        return Input(shown(present), compact=True, id=field.widget_id, select_on_focus=True)
    return DropDown(
        options(field, str(present), draft),
        value=str(present),
        allow_blank=False,
        compact=True,
        id=field.widget_id,
    )


def field_of(widget: Widget) -> Field:
    """Return the field that an input is for."""
    return next(field for field in FIELDS if field.widget_id == widget.id)


def choices(field: Field, draft: Draft) -> tuple[str, ...]:
    """Return the choices of a field; which metrics there are hangs on the labels."""
    return draft.metrics() if field.key == "early_stopping.metric" else field.choices


def options(field: Field, value: str, draft: Draft) -> list[tuple[Text, str]]:
    """Return the choices of a field, with the present value if a recipe brought another."""
    known = choices(field, draft)
    known = known if value in known else (*known, value)
    # Text, not str: what comes from a file is no markup.
    return [(Text(clean(choice.removeprefix("eval_"))), choice) for choice in known]
