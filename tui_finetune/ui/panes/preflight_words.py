"""What a preflight found, in words: a line for each finding, all about one, and all in a line."""

from typing import Any

from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.check import Check
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.tune_fields import as_yaml
from tui_finetune.ui.words import counted, duration, size

Finding = dict[str, Any]

_SIGNS = {
    "error": ("✗", "$text-error"),
    "warning": ("!", "$text-warning"),
    "info": ("·", "$text-muted"),
}
_SET = ("✓", "$text-success")

# The longest title has 33 characters.
_TITLE = 34
_COUNT = 7


def counts_words(check: Check) -> str:
    """Return how many errors and warnings there are."""
    counts = {name: len(check.of(name)) for name in ("error", "warning")}
    words = [counted(number, name) for name, number in counts.items() if number]
    return ", ".join(words) or "nothing is wrong"


def cost_words(check: Check) -> str:
    """Return what the run takes, as measured: about 55s, 0.9 GB; nothing if nobody measured."""
    figures = check.figures
    if not figures:
        return ""
    return f"about {duration(figures['total_seconds'])}, {size(figures['peak_bytes'])}"


def check_words(check: Check) -> Content:
    """Return in a line what is known of the present recipe."""
    cost = cost_words(check)
    style = "$text-success"
    for severity in ("warning", "error"):
        style = _SIGNS[severity][1] if check.of(severity) else style
    parts: list[Any] = [("checked: ", "$text-muted"), (counts_words(check), style)]
    return Content.assemble(*parts, f" · {cost}" if cost else (" · not measured", "$text-muted"))


def is_set(finding: Finding, draft: Draft) -> bool:
    """Return whether the recipe is already what would mend it."""
    fix = finding["fix"]
    return bool(fix) and all(draft.value(key) == value for key, value in fix.items())


def finding_header(width: int) -> Content:
    """Return the names of the columns."""
    return Content.styled(f"  {'what was found':<{_TITLE}}{'count':>{_COUNT}}", "$text-muted")


def finding_line(finding: Finding, draft: Draft) -> Content:
    """Return a line of the list: mark, title, count, and the message as far as there is room."""
    sign, style = _SET if is_set(finding, draft) else _SIGNS[finding["severity"]]
    grave = finding["severity"] != "info"
    number = f"{finding['count']:,}" if grave and finding["count"] > 1 else ""
    return Content.assemble(
        (f"{sign} ", f"bold {style}"),
        (f"{clean(finding['title'], _TITLE - 1):<{_TITLE}}", f"bold {style}" if grave else ""),
        f"{number:>{_COUNT}}  ",
        (clean(finding["message"], 300), "$text-muted"),
    )


def finding_detail(finding: Finding, draft: Draft) -> Content:
    """Return all about a finding: the message, the field, what mends it, and what was measured."""
    sign, style = _SIGNS[finding["severity"]]
    parts = [Content.assemble((f"{sign} ", f"bold {style}"), clean(finding["message"], 2000))]
    field = finding["field"]
    if field is not None:
        value = draft.value(field)
        now = "" if value is None or isinstance(value, dict) else f" (now {_value(value)})"
        parts.append(
            Content.assemble(
                ("g", "bold $text-accent"), " goes to ", (clean(field, 80), "bold"), f"{now}"
            )
        )
    if finding["fix"]:
        changes = " and ".join(_change(key, value) for key, value in finding["fix"].items())
        if is_set(finding, draft):
            line = Content.assemble(
                ("✓ set", "bold $text-success"), f": {changes}; ",
                ("r", "bold $text-accent"), " checks it again",
            )  # fmt: skip
        else:
            line = Content.assemble(("Enter", "bold $text-accent"), f" sets {changes}")
        parts.append(line)
    if "seconds_per_step" in (finding["figures"] or {}):
        parts += [Content(""), *_measured_lines(finding["figures"])]
    return Content("\n").join(parts)


def _change(key: str, value: Any) -> str:
    wanted = "its default" if value is None else _value(value)
    return f"{clean(key, 80)} to {wanted}"


def _value(value: Any) -> str:
    return clean(as_yaml(value), 200)


def _measured_lines(figures: dict[str, Any]) -> list[Content]:
    """Return what was measured, a line for each figure; some are missing where one did not fit."""
    steps = figures.get("steps")
    rows = [
        (
            "a step",
            f"{figures['seconds_per_step']:.3g} s",
            f"mean of {counted(figures['steps_measured'], 'step')} that were really trained",
        ),
        ("peak memory", size(figures["peak_bytes"]), _of_memory(figures)),
    ]
    if steps is not None:
        evaluations = counted(figures["evaluations"], "evaluation")
        whole = f"about {duration(figures['total_seconds'])}"
        rows.append(("whole run", whole, f"{counted(steps, 'step')}, {evaluations}"))
    shape = f"{figures['rows']} x {figures['tokens']}"
    rows += [
        ("largest batch", shape, "rows x tokens; the first that was trained"),
        ("weights", size(figures["weight_bytes"]), "a copy in each checkpoint"),
        ("optimizer", size(figures["optimizer_bytes"]), "its states, in each checkpoint too"),
    ]
    return [
        Content.assemble((f"{name:<14}", "$text-muted"), f"{value:<14}", (more, "$text-muted"))
        for name, value, more in rows
    ]


def _of_memory(figures: dict[str, Any]) -> str:
    where = "the processor" if figures["device"] == "cpu" else "the GPU"
    whole = figures.get("memory_bytes")
    return f"of {size(whole)} that {where} has left" if whole is not None else f"on {where}"
