"""The catalogue of models, and loading them safely."""
