"""The third stage of a trace: attention, what the head would say, and how far each layer moved."""

from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui_finetune.text import clean
from tui_finetune.ui.panes.trace_stage import (
    SIDE_BY_SIDE,
    Document,
    Place,
    Stage,
    column,
    heading,
    label_name,
    missing_lines,
    position,
    stage_of,
    token_names,
    token_width,
    window,
)
from tui_finetune.ui.widgets.attention_map import AttentionMap
from tui_finetune.ui.widgets.bars import bar
from tui_finetune.ui.widgets.lens import lens_lines
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import figure

# Beside the token that the head reads.
_READ = " ◂ read"

Lines = Callable[[int, int], list[Content]]

_VIEWS = {"map": "attention", "lens": "lens", "norms": "norms"}


class LayersStage(Stage):
    """One layer at a time; on a narrow screen one view at a time too."""

    DEFAULT_CSS = """
    LayersStage {
        & > Static { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & #layers-parts { height: 1fr; layout: vertical; }
        & #layers-side { height: 1fr; }
        & .part { height: 1fr; }
        &.-narrow .part { display: none; }
        &.-narrow #layers-side { display: none; }
        &.-narrow.-map #layers-map { display: block; }
        &.-narrow.-lens #layers-side, &.-narrow.-lens #layers-lens { display: block; }
        &.-narrow.-norms #layers-side, &.-narrow.-norms #layers-norms { display: block; }
        &.-wide #layers-parts { layout: horizontal; }
        &.-wide .part { border: round $foreground 35%; border-title-color: $foreground; }
        &.-wide #layers-map { width: 1fr; }
        &.-wide #layers-side { width: 45%; max-width: 64; }
        &.-wide #layers-lens { max-height: 60%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "layer(1)", "Layer", key_display="←→"),
        Binding("left", "layer(-1)", "Layer before", show=False),
        Binding("down", "head(1)", "Head", key_display="↑↓"),
        Binding("up", "head(-1)", "Head before", show=False),
        Binding("v", "view", "Map / lens / norms"),
        Binding("shift+down,j", "token(1)", "Row", key_display="jk"),
        Binding("shift+up,k", "token(-1)", "Row above", show=False),
        Binding("shift+right,l", "to(1)", "Column", key_display="hl"),
        Binding("shift+left,h", "to(-1)", "Column before", show=False),
        Binding("home", "token_edge(0)", "First row", show=False),
        Binding("end", "token_edge(-1)", "Last row", show=False),
    ]

    class AttentionWanted(Message):
        """The map of this layer and head is wanted; a head is an index, `mean` or `rollout`."""

        def __init__(self, layer: int, head: int | str) -> None:
            super().__init__()
            self.layer = layer
            self.head = head

    def __init__(self, place: Place, *, id: str) -> None:
        super().__init__(place, id=id)
        self._shown: tuple[int, int | str] | None = None
        self._view = "map"

    def compose(self) -> ComposeResult:
        """Lay out the heading, the three views, and the present token in words."""
        yield Static(id="layers-head", markup=False)
        with Container(id="layers-parts"):
            with _Part(id="layers-map", classes="part"):
                yield AttentionMap()
                yield _Drawing(id="layers-none")
            with Vertical(id="layers-side"):
                yield _Drawing(id="layers-lens", classes="part")
                yield _Drawing(id="layers-norms", classes="part")
        yield Static(id="layers-words", markup=False)

    def on_mount(self) -> None:
        """Give the views their titles."""
        self.query_one("#layers-lens").border_title = Content(
            "what the head would say (a diagnostic)"
        )
        self.query_one("#layers-norms").border_title = Content(
            "how far this layer moved each token"
        )
        self._choose_layout()

    def on_resize(self) -> None:
        """Put the views side by side where there is room."""
        self._choose_layout()

    @property
    def wide(self) -> bool:
        """Whether all views are in sight."""
        return self.size.width >= SIDE_BY_SIDE - 2

    def _choose_layout(self) -> None:
        self.set_class(self.wide, "-wide")
        self.set_class(not self.wide, "-narrow")
        for view in _VIEWS:
            self.set_class(view == self._view, f"-{view}")
        self.refresh_bindings()
        if self.document is not None:
            self.redraw()

    def render(self) -> Content:
        """Return nothing: the views draw."""
        return Content("")

    # --- what is shown ---

    def show(self, document: Document) -> None:
        """Show another trace; the map of the one before goes."""
        self._shown = None
        self.query_one(AttentionMap).show(token_names(document), [], [])
        super().show(document)

    def enter(self) -> None:
        """Ask for the map, if it is not there."""
        super().enter()
        self._ask()

    def show_attention(self, layer: int, head: int | str, answer: dict[str, Any]) -> None:
        """Show the map of this layer and head, if they are still looked at."""
        if self.document is None or (layer, head) != (self.place.layer, self._head()):
            return
        self._shown = (layer, head)
        names = token_names(self.document)
        self.query_one(AttentionMap).show(names, answer["rows"], answer["sums"])
        self.redraw()

    def attention_failed(self, reason: str) -> None:
        """Say why there is no map."""
        self._shown = None
        self.query_one(AttentionMap).say(clean(reason, 200))
        self.redraw()

    def redraw(self) -> None:
        """Draw the views anew."""
        document = self.document
        if document is None or not self.is_mounted:
            return
        stage, place = stage_of(document, "layers"), self.place
        say(self, "#layers-head", self._heading(stage))
        say(self, "#layers-words", self._words(document, stage))
        seen = stage["heads"] is not None
        part, drawn = self.query_one("#layers-map"), self.query_one(AttentionMap)
        drawn.display = seen
        self.query_one("#layers-none").display = not seen
        self._drawing("none").show(lambda width, height: missing_lines(document, width))
        shown = self._shown
        words = f"attention, layer {shown[0]}, {head_words(shown[1])}" if shown else "attention"
        part.border_title = Content(words)
        drawn.move_to(place.token, place.to)
        self._drawing("lens").show(lambda width, height: _lens(document, place, width, height))
        lens = self.query_one("#layers-lens")
        lens.styles.height = len(stage["norms"]) + 3 if self.wide and stage["lens"] else "1fr"
        self._drawing("norms").show(lambda width, height: _norms(document, place, width, height))

    def _drawing(self, name: str) -> "_Drawing":
        return self.query_one(f"#layers-{name}", _Drawing)

    def _heading(self, stage: dict[str, Any]) -> Content:
        heads = stage["heads"]
        parts = [
            Content.assemble(("layer ", "$text-muted"), (f"{self.place.layer}", "bold $accent"),
                             f" of {len(stage['moved'])}")
        ]  # fmt: skip
        if heads is not None:
            of = f" of {heads}" if isinstance(self._head(), int) else ""
            parts.append(Content.assemble((head_words(self._head()), "bold $accent"), of))
        if self.wide:
            words = "← → layer   ↑ ↓ mean, rollout, heads   h j k l or a click: crosshair"
            parts.append(Content.styled(words, "$text-muted"))
        else:
            # Reverse video, not only a colour: it must be seen without colours too.
            views = [
                Content.styled(
                    f" {title} ", "bold reverse" if view == self._view else "$text-muted"
                )
                for view, title in _VIEWS.items()
            ]
            parts.append(Content("").join(views))
            parts.append(Content.styled("v: next view", "$text-muted"))
        return Content("   ").join(parts)

    def _words(self, document: Document, stage: dict[str, Any]) -> Content:
        layer, token = self.place.layer, self.place.token
        if not stage["moved"]:
            return Content("")
        return Content.assemble(
            (f"layer {layer} moved ", "$text-muted"),
            (token_names(document)[token], "bold"), (" by ", "$text-muted"),
            (figure(stage["moved"][layer - 1][token], 2), "bold"),
            (f", to a norm of {figure(stage['norms'][layer][token], 2)}", "$text-muted"),
            ("; the head reads it" if token == stage["pooled"] else "", "$accent"),
        )  # fmt: skip

    # --- keys and the mouse ---

    def _head(self) -> int | str:
        return ("mean", "rollout")[self.place.head] if self.place.head < 2 else self.place.head - 2

    def _ask(self) -> None:
        if self.document is None or not stage_of(self.document, "layers")["heads"]:
            return
        wanted = (self.place.layer, self._head())
        if self._shown != wanted:
            self.post_message(self.AttentionWanted(*wanted))

    def action_layer(self, by: int) -> None:
        """Go to the next layer or the one before."""
        if self.document is not None:
            layers = len(stage_of(self.document, "layers")["moved"])
            self.place.layer = max(min(self.place.layer + by, layers), 1)
            self.redraw()
            self._ask()

    def action_head(self, by: int) -> None:
        """Go to the next choice of a head or the one before."""
        if self.document is not None:
            choices = (stage_of(self.document, "layers")["heads"] or 0) + 2
            self.place.head = (self.place.head + by) % choices
            self.redraw()
            self._ask()

    def action_to(self, by: int) -> None:
        """Move the crosshair to the side."""
        if self.document is not None:
            last = len(self.document["tokens"]) - 1
            self.place.to = max(min(self.place.to + by, last), 0)
            self.redraw()

    def action_view(self) -> None:
        """Show the next view."""
        views = list(_VIEWS)
        self._view = views[(views.index(self._view) + 1) % len(views)]
        self._choose_layout()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer other views only where not all are in sight."""
        return action != "view" or not self.wide

    def on_attention_map_moved(self, event: AttentionMap.Moved) -> None:
        """Follow the mouse."""
        event.stop()
        self.place.to = event.column
        self.move_token(event.row)
        self.redraw()


class _Part(Container):
    """A view with a border where there is room."""


class _Drawing(Widget):
    """Draws itself from a function of its width and height."""

    DEFAULT_CSS = "_Drawing { text-wrap: nowrap; text-overflow: clip; }"

    def __init__(self, *, id: str, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: Lines = lambda width, height: []

    def show(self, lines: Lines) -> None:
        """Draw with another function."""
        self._lines = lines
        self.refresh()

    def render(self) -> Content:
        """Return the lines."""
        return Content("\n").join(self._lines(self.size.width, self.size.height))


def head_words(head: int | str) -> str:
    """Return a head in words; people count from 1."""
    if head == "mean":
        return "mean of the heads"
    if head == "rollout":
        return "rollout from layer 1 on"
    return f"head {int(head) + 1}"


def _lens(document: Document, place: Place, width: int, height: int) -> list[Content]:
    stage = stage_of(document, "layers")
    if not stage["lens"]:
        return missing_lines(document, width)
    labels = [label_name(document, number) for number in range(len(document["labels"]))]
    notes = {len(stage["lens"]) - 1: "the output"}
    if stage["turn"]:  # 0: it has led since the embedding
        notes[stage["turn"]] = "turns here"
    return lens_lines(
        stage["lens"], labels, width=width, height=height, layer=place.layer, notes=notes
    )


def _norms(document: Document, place: Place, width: int, height: int) -> list[Content]:
    stage = stage_of(document, "layers")
    names = token_names(document)
    if not stage["moved"]:
        return missing_lines(document, width)
    norms, moved = stage["norms"][place.layer], stage["moved"][place.layer - 1]
    tokens = token_width(names)
    room = max((width - tokens - 3 - len(_READ)) // 2 - 9, 4)
    most = max((norm or 0.0 for norm in norms), default=0.0) or 1.0
    place_words = position(place.token, height - 1, len(names))
    title = f"  {column('token', tokens)}{'moved by':<{room + 9}}{'norm after it':<{room}}"
    lines = [heading(title, place_words)]
    for row in window(place.token, height - 1, len(names)):
        here = row == place.token
        name = ("▸ " if here else "  ") + column(names[row], tokens)
        mark = _READ if row == stage["pooled"] else ""
        lines.append(
            Content.assemble(
                (name, "bold" if here else ""),
                (bar((moved[row] or 0.0) / most, room), "$accent"),
                f" {figure(moved[row], 2):>6}  ",
                (bar((norms[row] or 0.0) / most, room), "$primary"),
                f" {figure(norms[row], 2):>6}", (mark, "$accent"),
            ).truncate(width)
        )  # fmt: skip
    return lines
