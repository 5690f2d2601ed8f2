"""How soon the first rows of a large file are there, and any page of it.

    python tests/benchmarks/paging.py [MILLION_ROWS]

Writes so many million rows (10 by default) as Parquet, a tenth of them as CSV and JSON Lines, and
asks a warm engine for pages of 50 rows: the first, then random ones once the file was read whole.
Memory is what the engine holds itself, without the files that it has mapped."""

import asyncio
import csv
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from tui_finetune.engine.client import EngineClient

GROUP = 1_000_000
WORDS = ["the", "film", "plot", "actor", "was", "and", "scene", "end", "very", "good", "dull"]


def write_files(folder: Path, rows: int) -> list[Path]:
    """Write the rows in three formats and return the files."""
    chance = random.Random(0)
    some = [" ".join(chance.choices(WORDS, k=12)) for _ in range(10_000)]
    parquet = folder / "rows.parquet"
    writer = None
    for start in range(0, rows, GROUP):
        numbers = range(start, min(start + GROUP, rows))
        texts = [f"{number}, {some[number % 10_000]}" for number in numbers]
        table = pa.table({"text": texts, "label": [number % 2 for number in numbers]})
        writer = writer or pq.ParquetWriter(parquet, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    delimited, lines = folder / "rows.csv", folder / "rows.jsonl"
    with delimited.open("w", newline="") as one, lines.open("w") as other:
        csv_writer = csv.writer(one)
        csv_writer.writerow(["text", "label"])
        for number in range(rows // 10):
            text = f"{number}, {some[number % 10_000]}"
            csv_writer.writerow([text, number % 2])
            other.write(json.dumps({"text": text, "label": number % 2}) + "\n")
    return [parquet, delimited, lines]


async def measure(engine: EngineClient, path: Path) -> None:
    """Print the figures of one file."""

    async def timed(method: str, **params: Any) -> tuple[float, Any]:
        start = time.perf_counter()
        answer = await engine.request(method, {"data": {"source": str(path)}, **params})
        return (time.perf_counter() - start) * 1000, answer

    first, _ = await timed("rows", offset=0, limit=50)
    assert engine._process is not None
    process = psutil.Process(engine._process.pid)
    before = own_memory(process)
    whole, splits = await timed("read_whole")
    total = splits["train"]
    chance = random.Random(1)
    pages = [await timed("rows", offset=chance.randrange(total), limit=50) for _ in range(200)]
    times = sorted(milliseconds for milliseconds, _ in pages)
    print(
        f"{path.suffix:<9}{total:>11,} rows {path.stat().st_size / 1e6:5.0f} MB  "
        f"first page {first:4.0f} ms, read whole {whole / 1000:5.1f} s, any page median "
        f"{statistics.median(times):.1f} ms, 95th {times[190]:.1f} ms, worst {times[-1]:.0f} ms, "
        f"memory {(own_memory(process) - before) / 1e6:+.0f} MB"
    )


def own_memory(process: psutil.Process) -> int:
    """Return the bytes that a process holds itself."""
    memory = process.memory_info()
    return int(memory.rss - memory.shared)


async def main() -> None:
    """Measure each format with an engine that is warm."""
    rows = int(float(sys.argv[1] if len(sys.argv) > 1 else 10) * 1_000_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_files(folder, rows)
        small = folder / "small.csv"
        small.write_text("text,label\na,1\nb,0\n")
        engine = EngineClient(folder / "home")
        try:
            await engine.request("profile", {"data": {"source": str(small)}})
            await engine.request("rows", {"data": {"source": str(small)}, "offset": 0, "limit": 5})
            assert engine._process is not None
            process = psutil.Process(engine._process.pid)
            while process.cpu_percent(0.5) > 10:  # it loads libraries while nobody asks
                pass
            for path in files:
                await measure(engine, path)
        finally:
            engine.close()


if __name__ == "__main__":
    asyncio.run(main())
