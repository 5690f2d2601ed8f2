"""The Data pane: choose a file, see what it holds, set its columns."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widgets import Button, DataTable, Input, Label, Select, Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.inspection import profile_data
from tui_finetune.ui.widgets.bars import bar, sparkline
from tui_finetune.ui.widgets.busy import BusyLine
from tui_finetune.ui.widgets.path_input import DataTree, PathInput
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import UNKNOWN, counted

ROWS_SHOWN = 50
LABELS_SHOWN = 6
PROBLEMS_SHOWN = 4
WIDE = 120

# A problem names the key of the recipe; here there is a box for it.
_DROP_EMPTY = "data.drop_empty=true"
_BOX = " (the box 'leave out empty' above)"


class DataPane(Vertical):
    """Chooses the data of the draft."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "toggle_tree", "Folders"),
        Binding("escape", "cancel", "Cancel"),
    ]

    DEFAULT_CSS = """
    DataPane {
        padding: 0 1;
        .row { height: 1; }
        .row Label { width: auto; color: $text-muted; padding: 0 1 0 0; }
        #path { width: 1fr; }
        #sample { margin: 1 0 0 0; width: auto; }
        #body { height: 1fr; }
        DataTree { width: 34; display: none; margin: 0 1 0 0; background: $surface; }
        DataTree.-shown { display: block; }
        &.-narrow DataTree.-shown { width: 1fr; margin: 0; }
        &.-narrow.-tree #facts { display: none; }
        #facts { height: 1fr; }
        #summary { height: auto; }
        #columns Select { width: 20; margin: 0 2 0 0; }
        #drop { width: auto; min-width: 1; padding: 0; background: $background; }
        #figures { height: auto; margin: 1 0 0 0; }
        #labels { width: auto; max-width: 50%; height: auto; }
        #lengths { width: 1fr; height: auto; margin: 0 0 0 3;
            text-wrap: nowrap; text-overflow: ellipsis; }
        #problems { height: auto; }
        #rows { height: 1fr; min-height: 4; margin: 1 0 0 0; scrollbar-size-vertical: 1;
            background: transparent; }
        #next { height: 1; color: $text-muted; }
        .-hidden { display: none; }
    }
    """

    class SampleWanted(Message):
        """The sample recipe was asked for."""

        def __init__(self, recipe: Path) -> None:
            super().__init__()
            self.recipe = recipe

    def __init__(
        self,
        draft: Draft,
        engine: EngineClient,
        sample: Path | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._draft = draft
        self._engine = engine
        self._sample = sample
        self._shown: Finding | None = None
        self._tree_wanted: bool | None = None

    def compose(self) -> ComposeResult:
        """Lay out the path, the folder tree and the facts."""
        with Horizontal(classes="row"):
            yield Label("File")
            yield PathInput(placeholder="a CSV, TSV, JSON Lines or Parquet file", id="path")
        with Horizontal(id="body"):
            yield DataTree(Path.cwd())
            with VerticalScroll(id="facts", can_focus=False):
                yield BusyLine(id="busy")
                yield Static(id="summary", markup=False)
                yield Button("", id="sample", compact=True, classes="-hidden")
                with Horizontal(id="columns", classes="row"):
                    yield Label("Text")
                    yield Select[str]([], id="text", compact=True, prompt=UNKNOWN)
                    yield Label("Label")
                    yield Select[str]([], id="label", compact=True, prompt=UNKNOWN)
                    yield Button("", id="drop", compact=True)
                with Horizontal(id="figures"):
                    yield Static(id="labels", markup=False)
                    yield Static(id="lengths", markup=False)
                yield Static(id="problems", markup=False)
                yield DataTable[Text](id="rows", cursor_type="row", zebra_stripes=True)
        yield Static(id="next", markup=False)

    def on_mount(self) -> None:
        """Show the draft as it is and follow its changes."""
        self.query_one("#drop").tooltip = "leave out rows with an empty text or label"
        if self._sample is not None:
            self.query_one("#sample", Button).label = Content(
                f"▶ Load {shortened(self._sample)}   (Enter)"
            )
        self._draft.on_change(self._show)
        self._show()

    def focus(self, scroll_visible: bool = True) -> "DataPane":
        """Focus the path."""
        self.query_one("#path").focus(scroll_visible)
        return self

    def on_resize(self, event: Resize) -> None:
        """Show the tree beside the facts where there is room."""
        self.set_class(event.size.width < WIDE, "-narrow")
        self._show_tree()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to cancel only while something goes on, or the tree covers the facts."""
        return action != "cancel" or self._draft.data.busy or bool(self._tree_wanted)

    def action_toggle_tree(self) -> None:
        """Show or hide the folder tree."""
        tree = self.query_one(DataTree)
        self._tree_wanted = not tree.has_class("-shown")
        # A focused widget that gets hidden takes the focus away later, maybe from the next one.
        self.screen.set_focus(self.query_one("#path"))
        self._show_tree()
        if self._tree_wanted:
            self.call_after_refresh(tree.focus)

    async def action_cancel(self) -> None:
        """Leave the tree, or end the profiling."""
        if self._tree_wanted:
            self.action_toggle_tree()
        else:
            await self._engine.cancel()

    def _show_tree(self) -> None:
        narrow = self.has_class("-narrow")
        shown = self._tree_wanted if self._tree_wanted is not None else not narrow
        self.query_one(DataTree).set_class(shown, "-shown")
        self.set_class(shown and narrow, "-tree")
        self.refresh_bindings()

    # --- what the person does ---

    @on(Input.Submitted, "#path")
    def _path_entered(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.choose(event.value.strip())
        elif not self._draft.content["data"]["source"]:
            self._ask_for_sample()

    @on(DataTree.FileSelected)
    def _file_chosen(self, event: DataTree.FileSelected) -> None:
        event.stop()
        if self._tree_wanted and self.has_class("-narrow"):
            self.action_toggle_tree()
        self.choose(str(event.path))

    @on(Button.Pressed, "#sample")
    def _ask_for_sample(self) -> None:
        if self._sample is not None:
            self.post_message(self.SampleWanted(self._sample))

    @on(Select.Changed, "#text")
    @on(Select.Changed, "#label")
    def _column_chosen(self, event: Select.Changed) -> None:
        if event.value is not Select.NULL:
            self._set(f"data.columns.{event.select.id}", event.value)

    @on(Button.Pressed, "#drop")
    def _drop_pressed(self) -> None:
        self._set("data.drop_empty", not self._draft.value("data.drop_empty"))

    def choose(self, path: str) -> None:
        """Take another file; its columns are guessed anew."""
        place = Path(path).expanduser()
        self._draft.set("data.columns", {"text": None, "label": None})
        self._draft.set("data.header", None)
        self._set("data.source", str(place.absolute() if place.exists() else place))

    def _set(self, key: str, value: object) -> None:
        if self._draft.set(key, value) is None:
            # On the app: an answer must arrive while another pane is in front too.
            self.app.run_worker(
                profile_data(self._draft, self._engine), group="data", exclusive=True
            )

    # --- what is shown ---

    def _show(self) -> None:
        finding = self._draft.data
        source = str(self._draft.content["data"]["source"])
        self.query_one(BusyLine).show(
            f"reading {clean(Path(source).name, 60)}" if finding.busy else None
        )
        if finding is self._shown:
            return
        self._shown = finding
        path = self.query_one("#path", Input)
        if source and not path.has_focus:
            path.value = clean(shortened(source))
        empty = not source and self._sample is not None
        self.query_one("#sample").set_class(not empty, "-hidden")
        for name in ("columns", "figures", "rows"):
            self.query_one(f"#{name}").set_class(finding.result is None, "-hidden")
        problems = finding.result["problems"] if finding.result else []
        self.query_one("#problems").set_class(not problems, "-hidden")
        say(self, "#summary", summary(finding, bool(source)))
        say(self, "#next", next_step(finding))
        if finding.result is not None:
            self._show_profile(finding.result)
        self.refresh_bindings()

    def _show_profile(self, profile: dict[str, Any]) -> None:
        names = [str(column["name"]) for column in profile["columns"]]
        for kind in ("text", "label"):
            select = self.query_one(f"#{kind}", Select)
            with self.prevent(Select.Changed):
                # Text, not str: a column name is no markup.
                select.set_options([(Text(clean(name, 60)), name) for name in names])
                select.value = profile[kind] if profile[kind] in names else Select.NULL
        # A sign of its own for each state: Textual's checkbox differs in its colour only.
        sign = "[x]" if self._draft.value("data.drop_empty") else "[ ]"
        self.query_one("#drop", Button).label = Content(f"{sign} leave out empty")
        wide = (self.size.width or 80) >= WIDE
        say(self, "#labels", label_bars(profile["labels"] or {}, 16 if wide else 8))
        say(self, "#lengths", length_lines(profile["lengths"]))
        say(self, "#problems", problem_lines(profile["problems"]))
        self._show_rows(profile, names)

    def _show_rows(self, profile: dict[str, Any], names: list[str]) -> None:
        chosen = [name for name in (profile["label"], profile["text"]) if name in names]
        # The label first: a long text leaves no room behind it.
        ordered = chosen + [name for name in names if name not in chosen]
        table = self.query_one("#rows", DataTable)
        table.clear(columns=True)
        for name in ordered:
            table.add_column(Text(clean(name, 40)))
        for row in profile["first_rows"][:ROWS_SHOWN]:
            table.add_row(*(Text(clean(row.get(name, ""), 300)) for name in ordered))


def shortened(source: str | Path) -> str:
    """Return a path as it is best read: relative to the working folder if it lies below it."""
    path = Path(source)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(source)


def summary(finding: Finding, chosen: bool) -> Content:
    """Return what the file is, in a line; or what to do when there is none."""
    if finding.error:
        return Content.styled(f"✗ {finding.error}", "$text-error")
    if finding.result is None:
        if finding.busy:
            return Content("")
        if chosen:
            return Content.styled("Not read. Enter in the path box reads it.", "$text-muted")
        return Content.assemble(
            ("Choose the data to learn from: ", "bold"),
            "type a path (Tab completes it) or press ctrl+t for the folders.\n",
            ("One row per text, with a column for the text and one for its label.", "$text-muted"),
        )
    profile = finding.result
    facts = " · ".join(detected_phrases(profile["detected"]))
    shape = f"{counted(profile['rows'], 'row')} x {counted(len(profile['columns']), 'column')}"
    return Content.assemble((shape, "bold"), ("   " + facts, "$text-muted"))


def detected_phrases(detected: Mapping[str, Any]) -> list[str]:
    """Return in words what was found out about a file: ["utf-8", "comma separated"]."""
    phrases = []
    for name, value in detected.items():
        if name == "header" and isinstance(value, bool):
            phrases.append("header line" if value else "no header line")
        elif name == "separator":
            phrases.append(f"{value} separated")
        elif isinstance(value, bool):
            phrases += [name] if value else []
        # "delimited text" is said by its separator.
        elif value is not None and not (name == "kind" and "separator" in detected):
            phrases.append(str(value))
    return [clean(phrase, 40) for phrase in phrases]


def label_bars(labels: Mapping[str, int], width: int) -> Content:
    """Return the labels, the most frequent first, each with a bar, its count and its share."""
    whole = sum(labels.values())
    if not whole:
        return Content.styled("no labels", "$text-muted")
    ordered = sorted(labels.items(), key=lambda item: -item[1])
    shown = ordered[:LABELS_SHOWN]
    longest = min(max(len(clean(label)) for label, _ in shown), 16)
    digits = len(str(ordered[0][1]))
    lines = [Content.styled(counted(len(labels), "label"), "bold")]
    for label, count in shown:
        lines.append(
            Content.assemble(
                clean(label, longest).ljust(longest + 1),
                (bar(count / ordered[0][1], width), "$primary"),
                f" {count:>{digits}} ",
                (f"{count / whole:4.0%}", "$text-muted"),
            )
        )
    if rest := ordered[LABELS_SHOWN:]:
        more = counted(sum(count for _, count in rest), "row")
        lines.append(Content.styled(f"and {len(rest)} more with {more}", "$text-muted"))
    return Content("\n").join(lines)


def length_lines(lengths: Mapping[str, Any] | None) -> Content:
    """Return the lengths of the texts as a small table and a histogram, 40 columns at most."""
    if not lengths or not lengths.get("words"):
        return Content.styled("text lengths —", "$text-muted")
    names = ("min", "median", "p95", "max")
    rows = {
        unit: [f"{figures[name]:.0f}" for name in names]
        for unit in ("words", "characters")
        if (figures := lengths.get(unit))
    }
    widths = [max(map(len, column)) + 1 for column in zip(names, *rows.values(), strict=True)]

    def aligned(cells: Iterable[str]) -> str:
        return " ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))

    lines = [Content.assemble(("text length", "bold"), (aligned(names), "$text-muted"))]
    for unit, cells in rows.items():
        lines.append(Content.assemble((f"{unit:<11}", "$text-muted"), aligned(cells)))
    if histogram := lengths.get("histogram"):
        counts = [float(count) for _, count in histogram]
        least, _, _, most = rows["words"]
        edge = f" {least} to {most} words"
        lines.append(Content.assemble((sparkline(counts, 20), "$primary"), (edge, "$text-muted")))
    return Content("\n").join(lines)


def problem_lines(problems: list[dict[str, Any]]) -> Content:
    """Return the problems, the grave ones first."""
    ordered = sorted(problems, key=lambda problem: problem["severity"] != "error")
    lines = []
    for problem in ordered[:PROBLEMS_SHOWN]:
        grave = problem["severity"] == "error"
        sign, style = ("✗ ", "$text-error") if grave else ("! ", "$text-warning")
        message = clean(problem["message"]).replace(_DROP_EMPTY, _DROP_EMPTY + _BOX)
        lines.append(Content.styled(sign + message, style))
    if len(ordered) > PROBLEMS_SHOWN:
        lines.append(Content.styled(f"and {len(ordered) - PROBLEMS_SHOWN} more", "$text-muted"))
    return Content("\n").join(lines)


def next_step(finding: Finding) -> Content:
    """Return what to do next."""
    if finding.result is None:
        return Content("")
    if any(problem["severity"] == "error" for problem in finding.result["problems"]):
        return Content("Next: mend the file or choose other columns")
    return Content("Next: choose the model (F2)")
