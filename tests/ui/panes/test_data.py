import pytest
from textual.app import App, ComposeResult
from textual.widgets import DataTable, Input, Select, Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.panes.data import (
    DataPane,
    detected_phrases,
    label_bars,
    length_lines,
    problem_lines,
)
from tui_finetune.ui.widgets.key_line import KeyLine
from tui_finetune.ui.widgets.path_input import DataTree, complete_path

NARROW, WIDE = (80, 24), (160, 48)


class Choosing(App[None]):
    """The pane between lines above and a footer, as in the dashboard."""

    CSS = "#above { height: 3; }"

    def __init__(self, draft, engine, sample=None):
        super().__init__()
        self.pane = DataPane(draft, engine, sample, id="data")
        self.samples = []

    def compose(self) -> ComposeResult:
        yield Static("above", id="above")
        yield self.pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.pane.focus()

    def on_data_pane_sample_wanted(self, message):
        self.samples.append(message.recipe)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with data in it."""
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "reviews.csv").write_text("text,label\n")
    (tmp_path / "reviews.csv").write_text("text,label\n")
    (tmp_path / "recipe.yaml").write_text("data:\n")
    (tmp_path / ".hidden.csv").write_text("text,label\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_path_is_completed_with_folders_and_data_files(folder):
    assert complete_path("fi") == "films/"
    assert complete_path("films/") == "films/reviews.csv"
    assert complete_path("rev") == "reviews.csv"
    assert complete_path(f"{folder}/rev") == f"{folder}/reviews.csv"
    assert complete_path("reviews.csv") is None
    assert complete_path("rec") is None
    assert complete_path("nowhere/x") is None
    assert complete_path(".h") == ".hidden.csv"


def test_a_name_that_speaks_to_the_terminal_is_not_offered(folder):
    (folder / "zz\x1b]0;x\x07.csv").write_text("")
    assert complete_path("z") is None


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_an_empty_pane_says_what_to_do_and_enter_loads_the_sample(
    size, silent_engine, screen_text, folder
):
    app = Choosing(Draft(), silent_engine, folder / "recipe.yaml")
    async with app.run_test(size=size) as pilot:
        text = screen_text(app)
        assert "Choose the data to learn from" in text
        assert "Load recipe.yaml" in text
        await pilot.press("enter")
        assert app.samples == [folder / "recipe.yaml"]


async def test_without_a_sample_enter_on_nothing_does_nothing(silent_engine, screen_text, folder):
    app = Choosing(Draft(), silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        assert "Load" not in screen_text(app)
        await pilot.press("enter")
        assert app.samples == []


async def test_tab_accepts_the_completion_and_else_goes_on(silent_engine, folder):
    app = Choosing(Draft(), silent_engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("r", "e")
        await pilot.pause(0.2)
        await pilot.press("tab")
        assert app.query_one("#path", Input).value == "reviews.csv"
        await pilot.press("tab")
        assert app.focused is app.query_one(DataTree)


async def test_while_the_engine_reads_it_says_so_and_escape_cancels(
    silent_engine, screen_text, folder
):
    draft = Draft()
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        app.pane.choose("reviews.csv")
        await pilot.pause()
        assert "reading reviews.csv" in screen_text(app)
        assert draft.content["data"]["source"] == str(folder / "reviews.csv")
        await pilot.press("escape")
        assert silent_engine.cancelled == 1


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_profile_shows_rows_columns_labels_lengths_and_the_next_step(
    size, draft, silent_engine, screen_text
):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = screen_text(app)
        for part in (
            "1000 rows x 2 columns",
            "utf-8 · comma separated · quoted · header line",
            "2 labels",
            "600  60%",
            "text length min  median  p95  max",
            "words         4      21   38   54",
            "characters   31     114  204  282",
            " 4 to 54 words",
            "a fine film",
            "[ ] leave out empty",
            "Next: choose the model (F2)",
        ):
            assert part in text
        assert app.query_one("#text", Select).value == "text"
        assert app.query_one("#label", Select).value == "label"


async def test_problems_stand_there_the_grave_ones_first(
    draft, profile, silent_engine, screen_text
):
    warning = {"title": "t", "message": "three texts twice", "severity": "warning", "count": 3}
    grave = {"title": "t", "message": "one label only", "severity": "error", "count": 1}
    draft.data = Finding(result=profile(problems=[warning, grave]))
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        text = screen_text(app)
        assert text.index("✗ one label only") < text.index("! three texts twice")
        assert "Next: mend the file" in text


async def test_what_cannot_be_read_says_why(draft, silent_engine, screen_text):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        draft.data = Finding(error="films.csv: the file is empty")
        draft.changed()
        await pilot.pause()
        text = screen_text(app)
        assert "✗ films.csv: the file is empty" in text
        assert "1000 rows" not in text


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_data_is_shown_harmless(size, profile, silent_engine, screen_text, hostile):
    draft = Draft()
    draft.set("data.source", f"/data/{hostile}.csv")
    draft.data = Finding(
        result=profile(
            columns=[{"name": hostile}, {"name": "label"}],
            text=hostile,
            labels={hostile: 3, "[red]": 2},
            detected={"kind": hostile},
            first_rows=[{hostile: hostile, "label": "[/]"}],
            problems=[{"title": "t", "message": hostile, "severity": "error", "count": 1}],
        )
    )
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = screen_text(app)
        assert "[/] �]52;c" in text
        assert not any(sign in text for sign in ("\x1b", "\x07", "\u202e"))
        app.query_one("#text", Select).focus()
        await pilot.press("enter")
        await pilot.pause()
        assert "\x1b" not in screen_text(app)


async def test_the_first_fifty_rows_are_in_the_table(profile, silent_engine):
    draft = Draft()
    rows = [{"text": f"film {number}", "label": "good"} for number in range(80)]
    draft.data = Finding(result=profile(first_rows=rows))
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert app.query_one(DataTable).row_count == 50


async def test_the_tree_stands_beside_the_facts_or_comes_by_a_key(silent_engine, folder, until):
    app = Choosing(Draft(), silent_engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert app.query_one(DataTree).display
        await pilot.resize_terminal(*NARROW)
        await pilot.pause()
        assert not app.query_one(DataTree).display
        await pilot.press("ctrl+t")
        await until(pilot, lambda: app.focused is app.query_one(DataTree))
        await until(pilot, lambda: len(app.query_one(DataTree).root.children) == 2)
        await pilot.press("end", "enter")
        await pilot.pause()
        assert app.query_one("#path", Input).has_focus
        assert app.pane._draft.content["data"]["source"] == str(folder / "reviews.csv")


@pytest.mark.slow
async def test_choosing_a_file_and_a_column_asks_the_engine(
    data_file, tmp_path, screen_text, until
):
    engine, draft = EngineClient(tmp_path), Draft()
    app = Choosing(draft, engine)
    try:
        async with app.run_test(size=NARROW) as pilot:
            app.query_one("#path", Input).value = str(data_file)
            await pilot.press("enter")
            await until(pilot, lambda: draft.data.result is not None)
            await until(pilot, lambda: "120 rows x 2 columns" in screen_text(app))
            app.query_one("#text", Select).value = "label"
            await until(pilot, lambda: draft.value("data.columns.text") == "label")
            await until(pilot, lambda: not draft.data.busy)
            app.pane.choose("/nowhere/films.csv")
            await until(pilot, lambda: draft.data.error is not None)
            await until(pilot, lambda: "✗ /nowhere/films.csv" in screen_text(app))
    finally:
        engine.close()


def test_rare_labels_are_summed_up():
    text = label_bars({f"label {number}": 10 for number in range(50)}, 8).plain
    assert text.startswith("50 labels")
    assert text.endswith("and 44 more with 440 rows")


def test_one_of_a_kind_is_singular():
    assert label_bars({"good": 1}, 8).plain.startswith("1 label\n")
    labels = {f"label {number}": 2 for number in range(6)} | {"rare": 1}
    assert label_bars(labels, 8).plain.endswith("and 1 more with 1 row")


async def test_long_texts_and_labels_keep_to_their_lines(
    draft, profile, silent_engine, screen_text
):
    figures = {"min": 1000, "median": 2000, "p95": 30000, "max": 40000}
    draft.data = Finding(
        result=profile(
            labels={"a label of many letters": 120000, "b": 3},
            lengths={"words": figures, "characters": figures, "histogram": [[40000, 9]]},
        )
    )
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        numbers = [line for line in screen_text(app).splitlines() if "1000  " in line]
        assert [line.split()[-1] for line in numbers] == ["40000", "40000"]


def test_a_problem_that_names_the_key_names_the_box_too():
    message = "row 7: empty; mend them, or leave them out with data.drop_empty=true"
    lines = problem_lines([{"title": "t", "message": message, "severity": "error"}])
    assert lines.plain.endswith("data.drop_empty=true (the box 'leave out empty' above)")


def test_unknown_lengths_are_a_dash():
    assert length_lines({"words": None, "characters": None, "histogram": []}).plain.endswith("—")


def test_a_file_without_a_header_says_so():
    assert detected_phrases({"kind": "JSON Lines"}) == ["JSON Lines"]
    assert detected_phrases({"kind": "delimited text", "separator": "tab", "header": False}) == [
        "tab separated",
        "no header line",
    ]
