"""The Runs pane with a line of keys below it, and what its tests read from the screen."""

import time

from textual.app import App, ComposeResult

from tui_finetune.ui.panes.runs import RunsPane
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (160, 48)


class Listing(App[None]):
    def __init__(self, home):
        super().__init__()
        self._home = home
        self.messages = []

    def compose(self) -> ComposeResult:
        yield RunsPane(self._home)
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(RunsPane).focus()

    def on_watch_wanted(self, message):
        self.messages.append(("open", message.run))

    def on_predict_wanted(self, message):
        self.messages.append(("predict", message.run))

    def on_resume_wanted(self, message):
        self.messages.append(("resume", message.run))

    def on_recipe_wanted(self, message):
        self.messages.append(("recipe", message.run))

    def on_compare_wanted(self, message):
        self.messages.append(("compare", message.runs))

    def on_import_wanted(self, message):
        self.messages.append(("import", None))


def line_of(text: str, word: str) -> str:
    return next((line for line in text.splitlines() if word in line), "")


def names_shown(text):
    """The second words of the lines with a state: the names."""
    marks = {"✓", "■", "✗", "●", "◌"}
    words = [line.replace("▸", " ").split() for line in text.splitlines()]
    return [line[2] for line in words if len(line) > 4 and line[0] in marks]


def put_three(put_run):
    now = time.time()
    for name, accuracy, started in (("b-run", 0.7, 300), ("c-run", 0.9, 200), ("a-run", None, 100)):
        put_run(
            name, started=now - started, ended=now - started / 2,
            metrics={"validation": {"accuracy": accuracy}} if accuracy else {},
        )  # fmt: skip
