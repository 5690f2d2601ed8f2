"""The endings of the files that hold data: what is offered for choosing is what can be read."""

DELIMITED = (".csv", ".tsv", ".tab", ".txt")
JSON = (".jsonl", ".ndjson", ".json")
PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather")
KNOWN = DELIMITED + JSON + PARQUET + ARROW
