"""The lines of the Tune pane that no person edits: what is trained on what, and what follows."""

from typing import Any

from textual.content import Content

from tui_finetune.recipe import source_words
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.tune_fields import as_yaml
from tui_finetune.ui.words import UNKNOWN, count, counted, short_source


def data_line(draft: Draft) -> Content:
    """Return in a line what is learnt from."""
    source = source_words(draft.content["data"]["source"])
    parts: list[tuple[str, str]] = [("data   ", "$text-muted")]
    if not source:
        return Content.assemble(*parts, ("not chosen yet (F1)", "$text-warning"))
    parts.append((short_source(source), "bold"))
    if draft.data.busy:
        parts.append((" · being read …", "$text-accent"))
    elif draft.data.error:
        parts.append((" · cannot be read", "$text-error"))
    elif profile := draft.data.result:
        columns = (
            f"{clean(profile['text'] or UNKNOWN, 20)} → {clean(profile['label'] or UNKNOWN, 20)}"
        )
        rows = counted(profile["rows"], "row")
        labels = counted(len(profile["labels"] or {}), "label")
        if profile.get("problem_type") == "regression":
            labels = "a number"
        if profile.get("text_pair"):
            columns = f"{clean(profile['text_pair'], 20)} + {columns}"
        parts.append((f" · {rows} · {labels} · {columns}", ""))
    return Content.assemble(*parts)


def model_line(draft: Draft) -> Content:
    """Return in a line what is trained."""
    parts: list[tuple[str, str]] = [
        ("model  ", "$text-muted"),
        (short_source(str(draft.content["model"]["source"])), "bold"),
    ]
    if draft.model.busy:
        parts.append((" · being looked at …", "$text-accent"))
    elif draft.model.error:
        parts.append((" · cannot be used", "$text-error"))
    elif model := draft.model.result:
        facts = [clean(model["architecture"] or model["model_type"], 40)]
        facts.append(f"{count(model['parameters'])} parameters")
        if model["max_length"]:
            facts.append(f"at most {model['max_length']} tokens")
        parts.append((" · " + " · ".join(facts), ""))
    return Content.assemble(*parts)


def derived_lines(draft: Draft) -> tuple[Content, Content, Content]:
    """Return rows per split, steps, and what a step takes in, as they follow from the recipe."""
    derived = draft.derived()

    def known(value: int | None) -> str:
        return UNKNOWN if value is None else str(value)

    rows = (
        f"{known(derived.train)} train · {known(derived.validation)} validation · "
        f"{known(derived.test)} test"
    )
    steps = (
        f"{known(derived.steps_per_epoch)} an epoch · {known(derived.total_steps)} in all · "
        f"{known(derived.warmup_steps)} warmup"
    )
    tokens = UNKNOWN
    if derived.tokens_per_step is not None:
        about = "" if derived.tokens_per_step.is_integer() else "about "
        tokens = f"{about}{derived.tokens_per_step:,.0f}"
    batch = f"{known(derived.effective_batch)} rows a step (effective batch) · {tokens} tokens"
    return (
        Content.assemble(("rows   ", "$text-muted"), rows),
        Content.assemble(("steps  ", "$text-muted"), steps, ("  (on one device)", "$text-muted")),
        Content.assemble(("batch  ", "$text-muted"), batch),
    )


def others_line(draft: Draft) -> Content:
    """Return which fields of `TrainingArguments` are set beside those of the form."""
    head = ("others ", "$text-muted")
    others = draft.others_set()
    if not others and not draft.refused:
        return Content.assemble(
            head, ("ctrl+f sets any other field of TrainingArguments", "$text-muted")
        )
    parts: list[Any] = [head]
    for number, (name, value) in enumerate(others.items()):
        style = "$text-error" if name in draft.refused else ""
        mark = "✗ " if name in draft.refused else ""
        words = f"{mark}{clean(name, 40)} {clean(as_yaml(value), 30)}"
        parts += [" · " if number else "", (words, style)]
    return Content.assemble(*parts)
