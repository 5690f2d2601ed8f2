"""Predictions with a run's model, and how good they are."""
