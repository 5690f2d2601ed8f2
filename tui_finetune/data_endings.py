"""The endings of the files that hold data: what is offered for choosing is what can be read."""

from pathlib import Path

DELIMITED = (".csv", ".tsv", ".tab", ".txt")
JSON = (".jsonl", ".ndjson", ".json")
PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather")
KNOWN = DELIMITED + JSON + PARQUET + ARROW

# Text may be compressed: reviews.csv.gz.
PACKED = (".gz", ".bz2", ".xz", ".zst")
READ = KNOWN + tuple(ending + packed for ending in DELIMITED + JSON for packed in PACKED)


def endings(path: Path) -> tuple[str, str]:
    """Return the ending that tells the kind of a file, and that of its compression, else ""."""
    last, before = path.suffix.lower(), Path(path.stem).suffix.lower()
    packed = last in PACKED and before in DELIMITED + JSON
    return (before, last) if packed else (last, "")
