"""Pages of rows through the pipe: quick, right, and in bounded memory."""

import asyncio
import csv
import random
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tui_finetune.engine.client import EngineClient
from tui_finetune.errors import InputError

from ..waiting import wait_for

ROWS = 10_000_000
GROUP = 1_000_000
PAGE = 50


@pytest.fixture
async def engine(tmp_path: Path) -> Any:
    client = EngineClient(tmp_path / "home")
    yield client
    client.close()


def asked(path: Path, offset: int, **more: Any) -> dict[str, Any]:
    return {"data": {"source": str(path)}, "offset": offset, "limit": PAGE, **more}


async def test_pages_come_through_the_pipe(engine: EngineClient, tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_text("text,label\n" + "".join(f"film {n},{n % 2}\n" for n in range(5_000)))
    first = await engine.request("rows", asked(path, 0))
    assert first["rows"] == [[f"film {n}", str(n % 2)] for n in range(PAGE)]
    assert first["detected"]["separator"] == "comma"
    steps: list[dict[str, Any]] = []
    last = await engine.request("rows", asked(path, 4_990), steps.append)
    assert last["rows"] == [[f"film {n}", str(n % 2)] for n in range(4_990, 5_000)]
    assert last["total"] == 5_000
    assert {step["what"] for step in steps} >= {"reading the rows"}
    with pytest.raises(InputError, match=r"gone\.csv: no such file"):
        await engine.request("rows", asked(tmp_path / "gone.csv", 0))


async def test_reading_a_file_for_a_profile_is_taken_back(
    engine: EngineClient, tmp_path: Path
) -> None:
    path = tmp_path / "many.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows((f"film number {n}", n % 2) for n in range(300_000))
    started = asyncio.Event()

    def note(step: dict[str, Any]) -> None:
        if step["what"] == "reading the rows":
            started.set()

    waiting = asyncio.create_task(engine.request("profile", {"data": {"source": str(path)}}, note))
    await started.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    page = await asyncio.wait_for(engine.request("rows", asked(path, 0)), timeout=20)
    assert page["total"] is None
    # the page may be answered while what was written of the copy is being thrown away
    cache = tmp_path / "home" / "cache"
    wait_for(lambda: not any(file.is_file() for file in cache.rglob("*")))


def own_memory(process: psutil.Process) -> int:
    """Return the bytes that a process holds itself, without the files that it has mapped."""
    memory = process.memory_info()
    return int(memory.rss - memory.shared)


def ten_million_rows(path: Path) -> None:
    words = ["the film", "a plot", "was good", "was dull", "the end", "and so on", "very"]
    chance = random.Random(0)
    some = pa.array([" ".join(chance.choices(words, k=6)) for _ in range(10_000)])
    writer = None
    for start in range(0, ROWS, GROUP):
        number = pa.array(range(start, start + GROUP))
        place = pc.cast(pc.bit_wise_and(number, 8191), pa.int32())
        text = pc.binary_join_element_wise(pc.cast(number, pa.string()), some.take(place), " ")
        table = pa.table({"text": text, "label": pc.bit_wise_and(number, 1)})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


@pytest.mark.exhaustive
async def test_ten_million_rows_are_paged_at_once(engine: EngineClient, tmp_path: Path) -> None:
    path = tmp_path / "ten_million.parquet"
    ten_million_rows(path)
    small = tmp_path / "small.csv"
    small.write_text("text,label\na,1\nb,0\n")
    await engine.request("rows", asked(small, 0))

    async def timed(offset: int) -> float:
        start = time.perf_counter()
        page = await engine.request("rows", asked(path, offset))
        seconds = time.perf_counter() - start
        assert page["total"] == ROWS
        numbers = [int(row[0].split()[0]) for row in page["rows"]]
        assert numbers == list(range(offset, min(offset + PAGE, ROWS)))
        return seconds

    assert await timed(0) < 1
    await timed(ROWS - PAGE)  # of a row group that was not read yet
    assert engine._process is not None
    process = psutil.Process(engine._process.pid)
    while process.cpu_percent(0.5) > 10:  # it loads libraries while nobody asks
        await asyncio.sleep(0)
    before = own_memory(process)
    await engine.request("read_whole", {"data": {"source": str(path)}})
    chance = random.Random(1)
    times = [await timed(chance.randrange(ROWS)) for _ in range(100)]
    times.sort()
    assert times[94] < 0.1
    assert own_memory(process) - before < 150e6
