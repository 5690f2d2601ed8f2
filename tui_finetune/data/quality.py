"""The quality list: what about the rows a person should know before training on them."""

from pathlib import Path
from typing import Any

from tui_finetune.data.encodings import Progress
from tui_finetune.data.quality_labels import label_findings
from tui_finetune.data.quality_rows import view_of
from tui_finetune.data.quality_texts import (
    contradictions,
    empty_texts,
    long_texts,
    mixed_texts,
    nearly_the_same,
    odd_characters,
    repeated_rows,
    shared_texts,
)
from tui_finetune.recipe import DataSection, ProblemType

_SEVERITIES = ("error", "warning", "info")


def quality(
    data: DataSection,
    cache: Path | None = None,
    progress: Progress | None = None,
    problem_type: ProblemType | None = None,
) -> dict[str, Any]:
    """Return what is found in the rows as plain data, the gravest first.

    `findings` are those of `Finding`; `looked_at` says for each part how many rows were looked at,
    the first ones, and how many there are; `near` the same of near duplicates, how alike texts must
    be, and by how many of their characters they were compared. Nothing is cleaned.

    Raises `InputError` if the source cannot be opened, or no row be read as text and label.
    """
    view = view_of(data, cache, progress, problem_type)
    steps = (
        empty_texts, repeated_rows, contradictions, shared_texts, label_findings, odd_characters,
        mixed_texts, long_texts,
    )  # fmt: skip
    findings = []
    for number, step in enumerate(steps, 1):
        findings += step(view)
        if progress is not None:
            progress({"what": "looking at the rows", "done": number, "of": len(steps)})
    near, about = nearly_the_same(view, progress)
    findings += near
    findings.sort(key=lambda finding: _SEVERITIES.index(finding.severity))
    return {
        "findings": [finding.document() for finding in findings],
        "looked_at": view.sizes,
        "near": about,
    }
