"""What the commands print: tables, the progress display, JSON documents. Nothing heavy."""
