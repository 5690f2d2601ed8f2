"""One file a task: columns, encoding, collator, head, metrics, prediction."""
