"""The line that a sentence is typed or pasted into."""

from dataclasses import dataclass
from typing import Any

from textual import events
from textual.message import Message
from textual.widgets import Input

from tui_finetune.text import clean

# Far more than a model reads; a whole file pasted by mistake must not go through the pipe.
LONGEST_TEXT = 20_000


def fit_for_input(text: str) -> str:
    """Return a text as the input holds it."""
    return clean(text[:LONGEST_TEXT])


class SentenceInput(Input):
    """One line; what is pasted on several becomes one, and is cut where it is too long."""

    @dataclass
    class Cut(Message):
        """Something pasted was longer than there is room for."""

        left_out: int

    def __init__(self, **options: Any) -> None:
        options = {"placeholder": "type a sentence, then Enter", **options}
        super().__init__(max_length=LONGEST_TEXT, **options)

    def validate_value(self, value: str) -> str:
        """Keep control characters away from the terminal, and what is far too long from the box."""
        return fit_for_input(value)

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()  # Input's own takes the first line only
        lines = (line.strip() for line in event.text.splitlines())
        text = " ".join(line for line in lines if line)
        start, end = sorted(self.selection)
        room = LONGEST_TEXT - len(self.value) + (end - start)
        if len(text) > room:
            self.post_message(self.Cut(len(text) - room))
        self.replace(text[:room], start, end)
