"""Pairs of the compared runs: whether they differ by more than chance, and on which test rows."""

from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui_finetune.runs.comparison import Comparison
from tui_finetune.runs.paired import Disagreement, Pair, p_words
from tui_finetune.text import clean
from tui_finetune.ui.panes import compare_text as words
from tui_finetune.ui.panes.evaluate_list import LineList, ListPage, TextListPage
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import counted


class PairsPage(Vertical):
    """Pairs of runs with the test of each, and the test rows on which a pair disagrees."""

    DEFAULT_CSS = """
    PairsPage {
        & #pair-lines { height: auto; }
        & #pair-words { height: auto; max-height: 3; padding: 0 1; }
        & ListPage { height: 1fr; }
        & ListPage .detail { max-height: 3; }
        & ListPage.-tall { margin-top: 1; }
        & ListPage.-tall .detail { max-height: 8; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "pairs", "Pairs", show=False)]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._comparison: Comparison | None = None
        self._rows: list[Disagreement] = []
        self._shown: Pair | None = None

    def compose(self) -> ComposeResult:
        """Lay out the pairs, what the test says, and the rows."""
        yield LineList(id="pair-lines")
        yield Static(id="pair-words", markup=False)
        yield TextListPage(LineList(id="pair-rows"), id="pair-page")

    @property
    def _pairs(self) -> LineList:
        return self.query_one("#pair-lines", LineList)

    def focus(self, scroll_visible: bool = True) -> "PairsPage":
        """Focus the pairs, or with one pair its rows."""
        several = self._pairs.display
        (self._pairs if several else self.query_one("#pair-rows")).focus(scroll_visible)
        return self

    def show(self, comparison: Comparison) -> None:
        """Show another comparison; the pair under the cursor stays."""
        before, self._comparison = self._comparison, comparison
        if before is not None and before.pairs == comparison.pairs:
            return
        pairs, cursor = comparison.pairs, self._pairs.cursor
        self._pairs.display = len(pairs) > 1
        self.on_resize()
        self._pairs.show(
            len(pairs),
            lambda number, width: pair_line(comparison, pairs[number], width),
            lambda width: pair_header(comparison, width),
        )
        self._pairs.move_to(cursor or 0, tell=False)
        self._show_rows()

    def on_resize(self) -> None:
        """Give the pairs as much room as they need, at most a third."""
        if self._comparison is not None:
            most = max(self.size.height // 3, 3)
            self._pairs.styles.height = min(len(self._comparison.pairs) + 1, most)

    @on(LineList.Moved, "#pair-lines")
    def _show_rows(self) -> None:
        comparison, cursor = self._comparison, self._pairs.cursor
        if comparison is None or cursor is None:
            return
        pair = comparison.pairs[cursor]
        if pair == self._shown:
            return
        self._shown, rows = pair, list(pair.disagreements)
        self._rows = rows
        first, second = (comparison.labels[n] for n in (pair.first, pair.second))
        say(self, "#pair-words", pair_words(comparison, pair))
        title = Content.styled(
            f" {counted(len(rows), 'row')} that one has right and the other wrong", "bold"
        )
        self.query_one("#pair-page", ListPage).show(
            title if rows else Content(""),
            len(rows),
            lambda number, width: row_line(rows[number], pair, width),
            lambda width: row_header(width) if rows else Content(""),
            lambda number: row_detail(rows[number], clean(first, 60), clean(second, 60)),
        )

    @on(LineList.Chosen, "#pair-lines")
    def _to_rows(self) -> None:
        if self._rows:
            self.query_one("#pair-rows").focus()

    @on(LineList.Chosen, "#pair-rows")
    def _whole_row(self) -> None:
        self.query_one("#pair-page", TextListPage).action_whole()

    def action_pairs(self) -> None:
        """Go from the rows back to the pairs."""
        page = self.query_one("#pair-page")
        if page.has_class("-whole"):
            page.remove_class("-whole")
        elif self._pairs.display:
            self._pairs.focus()


def pair_header(comparison: Comparison, width: int) -> Content:
    """Return the names of the columns of pairs."""
    room = _pair_room(comparison, width)
    names = f"{'first':<{room + 2}}  {'second':<{room + 2}}  "
    return Content.styled(f"{names}only 1st  only 2nd   rows        p     Holm", "$text-muted")


def pair_line(comparison: Comparison, pair: Pair, width: int) -> Content:
    """Return two runs, what only one has right, and the p values; or why there is no test."""
    room = _pair_room(comparison, width)
    names = words.short_names(comparison.labels, room)
    parts = [
        Content.assemble(words.sample(place), f" {words.padded(names[place], room)}  ")
        for place in (pair.first, pair.second)
    ]
    if pair.p_value is None or pair.p_holm is None:
        return Content.assemble(*parts, (pair.why_not, "$text-warning"))
    values = [p_words(value).removeprefix("= ") for value in (pair.p_value, pair.p_holm)]
    counts = f"{pair.only_first:>8}  {pair.only_second:>8}  {pair.rows:>5,}"
    return Content.assemble(*parts, f"{counts}  {values[0]:>7}  ", (f"{values[1]:>7}", "bold"))


def _pair_room(comparison: Comparison, width: int) -> int:
    """Return the cells for each of the two names, beside 43 for the figures."""
    longest = max(cell_len(clean(label)) for label in comparison.labels)
    return max(min(longest, 32, (width - 43 - 8) // 2), 8)


def pair_words(comparison: Comparison, pair: Pair) -> Content:
    """Return what the test of a pair says, how it is made, and what many pairs mean for it."""
    names = words.short_names(comparison.labels, 32)
    said = Content.styled(pair.words(names[pair.first], names[pair.second]), "bold")
    if pair.p_value is None:
        common = f"; {counted(pair.common, 'row')} in both" if pair.common else ""
        return Content.assemble(said, common)
    tested = sum(other.p_value is not None for other in comparison.pairs)
    many = f"; with {tested} pairs go by Holm's values, corrected for so many tests"
    how = f"McNemar's exact test (binomial, two-sided){many if tested > 1 else ''}"
    both = f"both right {pair.both_right:,}, both wrong {pair.both_wrong:,}. "
    return Content.assemble(said, "\n", (both + how, "$text-muted"))


def row_header(width: int) -> Content:
    """Return the names of the columns of rows."""
    return Content.styled(
        f"{'row':>6}  {'right':<10}{'true':<12}  {'first':<12}  {'second':<12}  text", "$text-muted"
    )


def row_line(row: Disagreement, pair: Pair, width: int) -> Content:
    """Return a row: which run has it right, the labels, and the beginning of its text."""
    right = pair.first if row.first_is_right else pair.second
    labels = [
        Content(clean(label, 200)).truncate(12, ellipsis=True, pad=True)
        for label in (row.true, row.first, row.second)
    ]
    true, first, second = labels
    tones = ("$text-success", "$text-error")
    return Content.assemble(
        (f"{row.row + 1:>6}  ", "$text-muted"), words.sample(right),
        f" {'first' if row.first_is_right else 'second':<8}", true, "  ",
        first.stylize(tones[not row.first_is_right]), "  ",
        second.stylize(tones[row.first_is_right]), "  ", clean(row.text, 400),
    )  # fmt: skip


def row_detail(row: Disagreement, first: str, second: str) -> Content:
    """Return all about a row, with its whole text."""
    return Content.assemble(
        (f"row {row.row + 1}", "bold"), "  true ", (clean(row.true, 200), "$text-success"),
        f"   {first}: {clean(row.first, 200)}   {second}: {clean(row.second, 200)}\n",
        clean(row.text),
    )  # fmt: skip
