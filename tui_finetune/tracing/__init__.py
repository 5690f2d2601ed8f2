"""One prediction, stage by stage, and the checks that what is shown is what happened."""
