"""What the Predict pane says in words: who answers, what is waited for, what was said before."""

from pathlib import Path

from textual.content import Content

from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.listing import summarise
from tui_finetune.text import clean
from tui_finetune.ui.panes.predict_live import Answer, Side, newest_model
from tui_finetune.ui.words import UNKNOWN, duration, state_mark


def head(run: RunDirectory | None, answering: str | None) -> Content:
    """Return the run in a line; `answering` is the folder of the model that answered last."""
    if run is None:
        return Content.assemble(
            (" No run is chosen.  ", "bold"),
            ("ctrl+o", "bold $text-accent"),
            (" chooses one that has a model", "$text-muted"),
        )
    summary = summarise(run)
    parts = [
        Content.styled(f" {clean(summary.name, 30)}", "bold"),
        state_mark(summary.state),
        _folder(newest_model(run), answering),
        Content.styled(clean(summary.id), "$text-muted"),
    ]
    return Content("  ").join(part for part in parts if part)


def _folder(newest: Path | None, answering: str | None) -> Content:
    """Return which of the run's models answers, and whether a newer one will."""
    if newest is None:
        return Content("")
    if answering is None or answering == str(newest):
        return Content.styled(clean(newest.name, 30), "$text-accent")
    return Content.assemble(
        (clean(Path(answering).name, 30), "$text-accent"),
        f", {clean(newest.name, 30)} from the next text on",
    )


def waiting(side: Side, loaded: bool, seconds: float) -> Content:
    """Return what a side is asked for, and for how long already."""
    what = "asking" if loaded else "loading"
    which = "the model before fine-tuning" if side.version == "before" else "the model"
    gone = f"  {duration(seconds)}" if seconds >= 1 else ""
    return Content.styled(f"{what} {which} …{gone}   Esc cancels", "$text-muted")


def past_line(answers: list[Answer], width: int) -> Content:
    """Return a kept sentence in a line: what each side says of it, then the text."""
    parts: list[str | tuple[str, str]] = []
    room = width - 4
    for answer in answers:
        share, label = _said(answer)
        parts += [(f"{share}  ", "$text-muted"), label, "  "]
        room -= len(label) + 10
    text = answers[0].text + (f" | {answers[0].pair}" if answers[0].pair else "")
    return Content.assemble(*parts, (clean(text, max(room, 10)), "$text-muted"))


def _said(answer: Answer) -> tuple[str, str]:
    """Return a figure, six cells wide, and what a side says: a label, several, or a number."""
    if answer.value is not None:
        return " " * 6, f"{answer.value:.4g}"
    if answer.labels is not None:
        return f"{len(answer.labels):>6}", clean(", ".join(answer.labels) or "no label", 20)
    share = f"{UNKNOWN:>6}" if answer.score is None else f"{min(answer.score, 1):6.1%}"
    return share, clean(answer.label, 20)
