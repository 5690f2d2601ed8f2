"""The run directory: status, journal, requests to a run, lists of runs. Nothing heavy."""
