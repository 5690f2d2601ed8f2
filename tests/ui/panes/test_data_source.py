import asyncio

import pytest
from textual.app import App
from textual.containers import Container

from tui_finetune.ui.panes.data_source import SourceInput, read_source, write_source


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder, whose own name looks like a pattern, with parts of a table in it."""
    here = tmp_path / "[data]"
    here.mkdir()
    for name in ("part-1.csv", "part-2.csv", "other.csv", "odd [x].csv"):
        (here / name).write_text("text,label\n")
    monkeypatch.chdir(here)
    return here


def test_a_path_becomes_absolute_and_is_written_short_again(folder):
    source, piece = read_source(" other.csv ")
    assert (source, piece) == (str(folder / "other.csv"), None)
    assert write_source(source) == "other.csv"


def test_several_files_stand_between_semicolons(folder):
    source, _ = read_source("part-1.csv ; other.csv")
    assert source == [str(folder / "part-1.csv"), str(folder / "other.csv")]
    assert write_source(source) == "part-1.csv ; other.csv"


def test_a_pattern_means_all_files_that_fit(folder):
    assert read_source("part-*.csv")[0] == [str(folder / f"part-{number}.csv") for number in (1, 2)]
    assert read_source(f"{folder}/odd [x].csv")[0] == str(folder / "odd [x].csv")
    assert read_source("none-*.csv")[0] == "none-*.csv"


def test_a_name_on_the_hub_may_have_a_slice_behind_it(folder):
    assert read_source("user/name:config") == ("user/name:config", None)
    assert read_source("user/name:config train[:1%]") == ("user/name:config", "train[:1%]")
    assert read_source("user/name train[:1%]+test[:5]")[1] == "train[:1%]+test[:5]"
    assert write_source("user/name", "train[:1%]") == "user/name train[:1%]"
    assert write_source("user/name", "training") == "user/name"


async def test_the_last_of_several_paths_is_completed(folder):
    suggester = SourceInput().suggester
    assert await suggester.get_suggestion("other.csv ; pa") == "other.csv ; part-1.csv"
    assert await suggester.get_suggestion("ot") == "other.csv"
    assert await suggester.get_suggestion("other.csv ; none") is None


async def test_keys_count_in_their_order_while_what_stands_around_is_still_being_made():
    sent = []

    class Slow(App[None]):
        """Looks at each key a while, as a pane does that is being made."""

        def compose(self):
            with Around():
                yield SourceInput(id="path")

        def on_input_submitted(self, event):
            sent.append(event.value)

    class Around(Container):
        async def on_key(self):
            await asyncio.sleep(0.2)

    app = Slow()
    async with app.run_test() as pilot:
        app.query_one(SourceInput).focus()
        app.query_one(SourceInput).value = "old"
        await pilot.pause()
        for key in ("ctrl+u", "a", "b", "backspace", "enter", "c"):
            app.simulate_key(key)
        await pilot.pause(1.5)
        assert sent == ["a"]
        assert app.query_one(SourceInput).value == "ac"
