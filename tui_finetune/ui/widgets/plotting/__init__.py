"""The arithmetic of a chart, without a terminal: units, axes, curves, dots and cells of text."""
