"""Widgets that more than one pane could use."""
