"""Ten million rows in the dashboard: any page comes, and the dashboard stays small."""

import re
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from .conftest import Open, Terminal

ROWS = 10_000_000
GROUP = 1_000_000
MOST_BYTES = 120e6


@pytest.fixture
def ten_million_rows(tmp_path: Path) -> Path:
    path = tmp_path / "many.parquet"
    schema = pa.schema({"text": pa.string(), "label": pa.string()})
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, ROWS, GROUP):
            number = pa.array(range(start + 1, start + GROUP + 1))
            text = pc.binary_join_element_wise("film", pc.cast(number, pa.string()), " ")
            even = pc.equal(pc.bit_wise_and(number, 1), 0)
            label = pc.if_else(even, "good", "bad")
            writer.write_table(pa.table([text, label], schema=schema))
    return path


def page_with(terminal: Terminal, row: int) -> int:
    """Wait for the page on which that row is chosen, look at each row of it, return how many."""
    screen = terminal.wait_for(f"row {row:,} of {ROWS:,}", f"film {row} ")
    found = re.findall(r"([\d,]+)  film (\d+) +(good|bad)$", screen, re.MULTILINE)
    numbers = [int(number.replace(",", "")) for number, _, _ in found]
    assert row in numbers
    assert numbers == list(range(numbers[0], numbers[0] + len(found)))
    assert [int(text) for _, text, _ in found] == numbers
    assert [label for _, _, label in found] == ["bad" if n % 2 else "good" for n in numbers]
    return len(found)


@pytest.mark.slow
def test_any_page_of_ten_million_rows_in_a_small_dashboard(
    open_dashboard: Open, ten_million_rows: Path
) -> None:
    terminal = open_dashboard()
    terminal.wait_for("File", "engine: ready")
    terminal.press("F1", str(ten_million_rows), "enter")
    page_with(terminal, 1)
    terminal.press("tab", "down")
    terminal.wait_for("PgUp PgDn")
    for row in (9_876_543, 4_000_001, 17):
        terminal.press("g")
        terminal.wait_for("the number of a row, then Enter")
        terminal.press(str(row), "enter")
        page = page_with(terminal, row)

    dashboard = psutil.Process(terminal.process.pid)
    before = dashboard.memory_info().rss
    row = 17
    for _ in range(50):
        terminal.press("pagedown")
        row += page
        assert page_with(terminal, row) == page
    terminal.press("end")
    page_with(terminal, ROWS)
    after = dashboard.memory_info().rss
    assert after < MOST_BYTES
    assert after - before < 5e6
