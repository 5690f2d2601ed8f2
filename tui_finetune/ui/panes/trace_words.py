"""What stands above a trace, and in its place as long as there is none."""

from textual.content import Content

from tui_finetune.runs.directory import RunDirectory
from tui_finetune.text import clean
from tui_finetune.ui.panes.trace_stage import LONGEST_LABEL, Document, short, stage_of
from tui_finetune.ui.words import figure


def verdict_words(document: Document) -> Content:
    """Return what the model says, and whether the trace is proven; what fails is named."""
    stage = stage_of(document, "predict")
    share = stage["probabilities"][document["labels"].index(stage["label"])]
    mark = ("", "")
    if stage["true"] is not None:
        right = stage["true"] == stage["label"]
        mark = (" ✓", "$text-success") if right else (" ✗", "bold $text-error")
    failing = [clean(check["name"], 20) for check in document["checks"] if not check["holds"]]
    whole = len(document["checks"])
    checks = (f"checks {whole} of {whole} ✓", "$text-success")
    if failing:
        words = f"checks {whole - len(failing)} of {whole} ✗ {', '.join(failing)} (c)"
        checks = (words, "bold $text-error")
    return Content.assemble(
        (short(clean(stage["label"]), LONGEST_LABEL), "bold"),
        f" {figure(share, 2)}",
        mark,
        "   ",
        checks,
    )


def start_words(run: RunDirectory | None) -> Content:
    """Return what to do in a pane without a trace."""
    if run is None:
        return Content.assemble(
            ("No run to trace yet.\n\n", "bold"),
            ("ctrl+o", "bold $text-accent"), " chooses one that has a model\n",
            ("F3", "bold $text-accent"), " Tune starts one",
        )  # fmt: skip
    return Content.assemble(
        ("How does this model come to its verdict?\n\n", "bold"),
        "Type a sentence above, then ", ("Enter", "bold $text-accent"), ":\n",
        "it is taken apart from its tokens to the probabilities, with every figure checked\n\n",
        ("ctrl+o", "bold $text-accent"), " chooses another run",
    )  # fmt: skip
