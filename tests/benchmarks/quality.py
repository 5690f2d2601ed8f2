"""How long the quality list takes: `python tests/benchmarks/quality.py [ROWS] [KIND ...]`.

Prints the seconds and the memory for texts of three kinds: sentences of which one in twenty is a
copy with a typing error, articles of the same, and a template, texts that differ in two numbers,
which is the worst case for the search for near duplicates. The memory is that of the whole
process, less what it had when the file was written.
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from tui_finetune.data.quality import quality
from tui_finetune.data.source import open_source
from tui_finetune.recipe import DataSection

chance = random.Random(0)
WORDS = [
    "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9)))
    for _ in range(8_000)
]


def written(rows: int, shortest: int, longest: int) -> Iterator[str]:
    """Texts of so many words; one in twenty repeats the one before but for a character."""
    text = "nothing yet"
    for row in range(rows):
        if row % 20 == 19:
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice("xyz") + text[at + 1 :]
        else:
            text = " ".join(chance.choices(WORDS, k=chance.randint(shortest, longest)))
        yield text


def template(rows: int) -> Iterator[str]:
    """Texts that differ in two numbers only."""
    return (f"review number {n} of a film that was seen {n * 7 % 1000} times" for n in range(rows))


def main() -> None:
    """Write each kind of data, look at it, and print what it took."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    every = {
        "sentences": written(rows, 8, 35),
        "articles": written(rows, 150, 250),
        "template": template(rows),
    }
    kinds = {name: texts for name, texts in every.items() if name in (sys.argv[2:] or every)}
    with tempfile.TemporaryDirectory() as folder:
        for name, texts in kinds.items():
            path = Path(folder) / f"{name}.parquet"
            labels = pa.array([f"label {n % 5}" for n in range(rows)])
            pq.write_table(pa.table({"text": list(texts), "label": labels}), path)
            del labels
            data = DataSection(source=str(path))
            open_source(data.source, cache=Path(folder))
            used = psutil.Process().memory_info().rss / 2**20
            before, cpu = time.perf_counter(), time.process_time()
            found = quality(data, Path(folder))
            near = next(
                (each["count"] for each in found["findings"] if each["title"] == "Near duplicates"),
                0,
            )
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{name:<10} {rows:,} rows  {time.perf_counter() - before:6.1f} s "
                f"({time.process_time() - cpu:.1f} s of CPU)  peak so far {peak:,.0f} MB, "
                f"before {used:,.0f}  near duplicates {near:,}  near {found['near']}"
            )


if __name__ == "__main__":
    main()
