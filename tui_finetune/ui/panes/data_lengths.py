"""How long the texts are, in characters and in tokens, and what a longest length cuts off."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.draft import Finding
from tui_finetune.ui.widgets.bars import bar
from tui_finetune.ui.words import counted

_BAR = 16


def histogram(
    title: str, counts: Sequence[tuple[float, int]], width: int, note: str = ""
) -> list[Content]:
    """Return how many texts are at most so long, a line for each bucket; edges are inclusive."""
    lines = [Content.assemble((title, "bold"), (f"  {note}" if note else "", "$text-muted"))]
    if not counts:
        return [*lines, Content.styled("no texts", "$text-muted")]
    most, whole = max(count for _, count in counts), sum(count for _, count in counts)
    edges = len(f"{max(edge for edge, _ in counts):,.0f}")
    digits = len(f"{most:,}")
    room = max(min(width - edges - digits - 10, 40), 4)
    for edge, count in counts:
        share = count / whole if whole else 0.0
        lines.append(
            Content.assemble(
                (f"≤ {edge:>{edges},.0f} ", "$text-muted"),
                (bar(count / most if most else 0.0, room), "$primary"),
                f" {count:>{digits},}",
                (f" {share:4.0%}", "$text-muted"),
            )
        )
    return lines


def character_lines(lengths: Mapping[str, Any], width: int) -> list[Content]:
    """Return the texts by their characters."""
    spread = lengths.get("characters") or {}
    note = ""
    if spread:
        note = f"median {spread['median']:,}, 95 % ≤ {spread['p95']:,}, longest {spread['max']:,}"
    return histogram("Characters", lengths.get("characters_histogram") or [], width, note)


def token_lines(found: Finding, busy: Content, width: int) -> list[Content]:
    """Return the texts by their tokens; `busy` is said while they are counted."""
    title = Content.styled("Tokens", "bold")
    if found.busy:
        return [title, busy]
    if found.error:
        return [title, Content.styled(f"✗ {found.error}", "$text-error")]
    if found.result is None:
        return [title, Content.styled("not counted; r counts them", "$text-muted")]
    lengths = found.result
    note = f"median {lengths['median']:,.0f}, 95 % ≤ {lengths['p95']:,.0f}, "
    note += f"longest {lengths['longest']:,.0f}"
    lines = histogram("Tokens", lengths["histogram"], width, note)
    if lengths["rows"] < lengths["of"]:
        some = f"of the first {lengths['rows']:,} of {lengths['of']:,} rows"
        lines.append(Content.styled(some, "$text-warning"))
    return lines


def cut_lines(found: Finding) -> list[Content]:
    """Return which share of the texts each longest length cuts off, and the one suggested."""
    if found.result is None:
        return []
    lengths = found.result
    lines = [
        Content.assemble(
            ("Cut off", "bold"), ("  texts with more tokens than the longest length", "$text-muted")
        )
    ]
    digits = len(f"{max(row[0] for row in lengths['truncated']):,}")
    counts = max(len(f"{row[2]:,}") for row in lengths["truncated"])
    for most, share, rows in lengths["truncated"]:
        marks = ["now"] if most == lengths["max_length"] else []
        marks += ["suggested"] if most == lengths["suggested"] else []
        marks += ["all that the model reads"] if most == lengths["longest_input"] else []
        lines.append(
            Content.assemble(
                (f"{most:>{digits},} tokens ", "bold" if marks else ""),
                (bar(share, _BAR), "$warning"),
                f" {share:>6.1%} ",
                (f"{rows:>{counts},} {'row ' if rows == 1 else 'rows'}", "$text-muted"),
                (f"  ◂ {', '.join(marks)}" if marks else "", "$text-accent"),
            )
        )
    rule = Content.styled(clean(lengths["rule"], 300), "$text-muted")
    lines.append(Content.assemble(f"{lengths['suggested']:,} is suggested: ", rule))
    if fix := (lengths["fix"] or {}).get("tokens.max_length"):
        lines.append(
            Content.assemble(
                ("m", "bold $text-accent"),
                f" takes {fix:,} as the longest length",
                (f" (now {lengths['max_length']:,})", "$text-muted"),
            )
        )
    return lines


def label_note(profile: Mapping[str, Any]) -> Content:
    """Return in words how unlike in number the labels are."""
    found = profile.get("imbalance")
    if not found:
        return Content("")
    if found["words"] == "balanced":
        fewest, most = found["smallest_count"], found["largest_count"]
        counts = f": {fewest:,} to {most:,} rows a label" if fewest < most else f": {most:,} each"
        return Content.assemble(("balanced", "bold $text-success"), counts)
    style = "$text-muted" if found["words"] == "slightly imbalanced" else "$text-warning"
    largest, smallest = clean(found["largest"], 40), clean(found["smallest"], 40)
    return Content.assemble(
        (clean(found["words"], 40), f"bold {style}"),
        f": “{largest}” has {counted(found['largest_count'], 'row')} "
        f"({found['largest_share']:.0%}), “{smallest}” {found['smallest_count']:,}; "
        f"{found['ratio']:.3g} times as many",
    )
