import pytest
from textual.widgets import Input, Select

from tui_finetune.engine.client import EngineClient
from tui_finetune.errors import InputError
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.panes.data_table import RowTable
from tui_finetune.ui.panes.data_words import (
    detected_phrases,
    label_bars,
    length_lines,
    part_of_split,
    problem_lines,
)
from tui_finetune.ui.widgets.path_input import DataTree, complete_path

from .data_pane import NARROW, TOKEN_LENGTHS, WIDE, Choosing, film_rows, finding, quality


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
    (folder / "packed.jsonl.gz").write_bytes(b"")
    (folder / "packed.zip").write_bytes(b"")
    assert complete_path("pa") == "packed.jsonl.gz"


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


async def test_while_the_engine_reads_it_says_so_and_escape_takes_that_back(
    answering_engine, screen_text, folder
):
    draft = Draft()
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        app.pane.choose("reviews.csv")
        await pilot.pause()
        assert "reading reviews.csv" in screen_text(app)
        assert draft.content["data"]["source"] == str(folder / "reviews.csv")
        await pilot.press("escape")
        await pilot.pause()
        assert sorted(answering_engine.taken_back) == ["profile", "rows"]
        assert not draft.data.busy
        assert "Not read. Enter in the path box reads it." in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert len(answering_engine.of("profile")) == 2


async def test_the_first_rows_are_there_while_the_rest_is_still_looked_at(
    answering_engine, screen_text, folder
):
    answering_engine.answers["rows"] = lambda params: {**film_rows(params), "total": None}
    app = Choosing(Draft(), answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        app.pane.choose("reviews.csv")
        await pilot.pause(0.1)
        text = screen_text(app)
        assert answering_engine.asked[0][0] == "rows"
        assert "— rows x 2 columns   utf-8 · comma separated" in text
        assert "film 0" in text
        assert "reading reviews.csv" in text


async def test_enter_on_what_is_read_leads_on_and_so_does_the_last_line(
    answering_engine, profile, folder
):
    answering_engine.answers = {"profile": lambda params: profile(), "rows": film_rows}
    app = Choosing(Draft(), answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        app.query_one("#path", Input).value = "reviews.csv"
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert app.went_on == 0
        await pilot.press("enter")
        await pilot.pause()
        assert app.went_on == 1
        app.query_one("#next").focus()
        await pilot.press("enter")
        await pilot.pause()
        assert app.went_on == 2


async def test_enter_does_not_lead_on_from_data_that_cannot_be_used(
    answering_engine, draft, profile
):
    grave = {"title": "t", "message": "one label only", "severity": "error", "count": 1}
    draft.data = Finding(result=profile(problems=[grave]))
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        app.query_one("#path", Input).value = "/data/films.csv"
        await pilot.press("enter")
        await pilot.pause()
        assert app.went_on == 0
        assert app.pane.contents.view == "quality"


async def test_by_tab_from_the_path_over_the_columns_to_the_views_and_on(draft, answering_engine):
    answering_engine.answers["rows"] = film_rows
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.1)
        passed = []
        for _ in range(7):
            await pilot.press("tab")
            passed.append(app.focused.id or type(app.focused).__name__)
        assert passed == ["text", "pair", "label", "drop", "DataViews", "rows", "next"]


async def test_the_focus_stays_on_a_column_while_the_data_is_looked_at_anew(
    draft, profile, answering_engine
):
    draft.data = type(draft.data)(result=profile())
    answering_engine.answers = {"rows": film_rows, "quality": lambda params: quality()}
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.2)
        await pilot.press("tab", "tab", "tab", "tab", "enter")
        await pilot.pause(0.1)
        assert draft.data.busy
        assert app.focused.id == "drop"
        assert app.focused.display


async def test_a_pair_that_was_found_is_given_up_by_taking_its_second_text_away(
    draft, profile, answering_engine
):
    reply = {**profile()["columns"][0], "name": "reply"}
    found = profile(text_pair="reply", columns=[*profile()["columns"], reply])
    draft.data = type(draft.data)(result=found)
    answering_engine.answers = {"rows": film_rows, "quality": lambda params: quality()}
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.2)
        app.query_one("#pair", Select).clear()
        await pilot.pause(0.1)
        assert draft.data.busy
        assert draft.content["data"]["columns"] == {
            "text": profile()["text"], "text_pair": None, "label": None
        }  # fmt: skip


async def test_the_arrows_go_from_view_to_view_and_escape_back_to_the_path(
    draft, answering_engine, screen_text
):
    answering_engine.answers = {
        "rows": film_rows,
        "quality": lambda params: quality(finding()),
        "token_lengths": lambda params: TOKEN_LENGTHS,
    }
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.3)
        assert "Quality 1" in screen_text(app)
        await pilot.press("down")
        assert isinstance(app.focused, RowTable)
        for view, words in (
            ("profile", "suggested"),
            ("quality", "Repeated rows"),
            ("tokens", "What does the model get of a text?"),
        ):
            await pilot.press("right")
            await pilot.pause(0.3)
            assert app.pane.contents.view == view
            assert words in screen_text(app)
        await pilot.press("escape")
        assert app.focused is app.query_one("#path")


async def test_another_source_starts_with_nothing_said_about_the_one_before(
    draft, answering_engine, folder
):
    draft.set("data.columns.label", "label")
    draft.set("data.merge_labels", {"good": "positive"})
    draft.set("data.reading.separator", ";")
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW):
        app.pane.choose("reviews.csv train[:1%]")
        data = draft.content["data"]
        assert data["source"] == str(folder / "reviews.csv")
        assert data["splits"]["train"] == "train[:1%]"
        assert data["columns"] == {"text": None, "text_pair": None, "label": None}
        assert data["merge_labels"] == {}
        assert data["reading"]["separator"] is None
        draft.undo()
        assert draft.content["data"]["merge_labels"] == {"good": "positive"}


async def test_a_folder_of_the_tree_can_be_chosen(answering_engine, folder, until):
    (folder / "packed.jsonl.gz").write_bytes(b"")
    (folder / "packed.zip").write_bytes(b"")
    app = Choosing(Draft(), answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+t")
        await until(pilot, lambda: app.focused is app.query_one(DataTree))
        await until(pilot, lambda: len(app.query_one(DataTree).root.children) == 3)
        await pilot.press("down", "c")
        await pilot.pause()
        assert app.pane._draft.content["data"]["source"] == str(folder / "films")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_profile_shows_rows_columns_labels_lengths_and_the_next_step(
    size, draft, profile, answering_engine, screen_text
):
    draft.data = Finding(result=profile(problem_type="single_label_classification"))
    answering_engine.answers["rows"] = film_rows
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.1)
        text = screen_text(app)
        for part in (
            "1000 rows x 2 columns",
            "utf-8 · comma separated · double quotes · header line",
            "2 labels",
            "600  60%",
            "text length min  median  p95  max",
            "words         4      21   38   54",
            "characters   31     114  204  282",
            " 4 to 54 words",
            "film 0",
            "[ ] leave out empty",
            "one label a row │ 800 train · 100 validation · 100 test",
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
async def test_hostile_data_is_shown_harmless(
    size, profile, answering_engine, screen_text, hostile
):
    draft = Draft()
    draft.set("data.source", f"/data/{hostile}.csv")
    problem = {"title": hostile, "message": hostile, "severity": "error", "count": 1}
    found = profile(
        columns=[
            {"name": hostile, "type": "string", "missing": 0, "distinct": 2, "samples": [hostile]},
            {"name": "label", "type": hostile, "missing": 0, "distinct": 2, "samples": []},
        ],
        text=hostile,
        labels={hostile: 3, "[red]": 2},
        labels_by_split={"train": {hostile: 3}},
        source_splits={hostile: 5, "[/]": 1},
        imbalance={
            "largest": hostile, "largest_count": 3, "largest_share": 0.6, "smallest": "[red]",
            "smallest_count": 2, "ratio": 1.5, "words": hostile,
        },
        detected={"kind": hostile},
        decisions=[
            {"key": "data.merge_labels", "value": {hostile: "[/]"}, "rows": 1, "message": hostile}
        ],
        problems=[problem],
    )  # fmt: skip
    draft.data = Finding(result=found)
    answering_engine.answers = {
        "rows": lambda params: {
            **film_rows({**params, "limit": 1}),
            "columns": [hostile, "label"], "rows": [[hostile, "[/]"]], "total": 1,
            "split": hostile, "splits": {hostile: 1, "[red]": 3},
        },
        "quality": lambda params: quality(
            finding(title=hostile, message=hostile, advice=hostile, unit=hostile)
        ),
        "rows_at": lambda params: {
            "columns": [hostile], "rows": [[row, [hostile]] for row in params["rows"]],
        },
        "token_lengths": lambda params: {**TOKEN_LENGTHS, "rule": hostile},
        "tokens": lambda params: InputError(hostile),
    }  # fmt: skip
    app = Choosing(draft, answering_engine)

    async def harmless():
        await pilot.pause(0.2)
        text = screen_text(app)
        assert "[/] �]52;c" in text
        assert not any(sign in text for sign in ("\x1b", "\x07", "\u202e"))

    async with app.run_test(size=size) as pilot:
        await harmless()
        app.query_one("#text", Select).focus()
        await pilot.press("enter")
        await pilot.pause()
        assert "\x1b" not in screen_text(app)
        await pilot.press("escape")
        for view in ("rows", "profile", "quality", "tokens"):
            app.pane.contents.show_view(view)
            app.pane.action_enter_view()
            await harmless()
        app.pane.contents.show_view("quality")
        app.pane.action_enter_view()
        await pilot.press("down", "enter")
        await harmless()
        await pilot.press("enter")
        await harmless()


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
async def test_all_views_of_a_file_that_the_engine_reads(data_file, tmp_path, screen_text, until):
    engine, draft = EngineClient(tmp_path), Draft()
    app = Choosing(draft, engine)
    try:
        async with app.run_test(size=NARROW) as pilot:
            app.query_one("#path", Input).value = str(data_file)
            await pilot.press("enter")
            await until(pilot, lambda: draft.data.result is not None, 60)
            await until(pilot, lambda: "120 rows x 2 columns" in screen_text(app), 60)
            await until(pilot, lambda: "row 1 of 120" in screen_text(app), 60)
            app.pane.contents.show_view("quality")
            await until(pilot, lambda: app.pane.contents._quality.finding.result is not None, 60)
            app.pane.contents.show_view("rows")
            app.query_one("#text", Select).value = "label"
            await until(pilot, lambda: draft.value("data.columns.text") == "label", 60)
            await until(pilot, lambda: not draft.data.busy, 60)
            app.pane.choose("/nowhere/films.csv")
            await until(pilot, lambda: draft.data.error is not None, 60)
            await until(pilot, lambda: "✗ /nowhere/films.csv" in screen_text(app), 60)
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


def test_a_split_is_the_part_that_the_recipe_takes_it_for():
    def part(split, brought, **splits):
        data = {"splits": {"train": None, "validation": None, "test": None, **splits}}
        return part_of_split(data, {"source_splits": dict.fromkeys(brought, 9)}, split)

    assert part("all", ["all"]) == "train"
    assert part("test", ["train", "test"]) == "test"
    assert part("train", ["train", "test"], train="test") is None
    assert part("test", ["train", "test"], train="test") == "train"
    assert part("train", ["train", "test"], train="train[:1%]") is None
