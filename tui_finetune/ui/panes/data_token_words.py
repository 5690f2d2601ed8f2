"""The answer to `tokens` in words: tokens with their ids, what is cut off, padding and shapes."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.widgets.confusion import fit
from tui_finetune.ui.words import counted

Token = Mapping[str, Any]

_WIDEST_TOKEN = 20
_LONGEST_BAR = 60


def token_words(answer: Mapping[str, Any], width: int) -> Content:
    """Return all that the model gets of a text, for a width in cells."""
    parts = [
        shape_lines(answer["stages"], width),
        _head(answer),
        token_grid(answer["tokens"], width),
        *([cut_lines(answer)] if answer["cut"]["tokens"] else []),
        *([batch_lines(answer["batch"], width)] if answer["batch"] else []),
    ]
    return Content("\n").join([Content("\n").join(part) for part in parts])


def _head(answer: Mapping[str, Any]) -> list[Content]:
    tokens: Sequence[Token] = answer["tokens"]
    special = sum(bool(token["special"]) for token in tokens)
    unknown = sum(bool(token["unknown"]) for token in tokens)
    words = [f"{counted(len(tokens), 'token')} of at most {answer['max_length']:,}"]
    words.append(f"[{special} special]")
    words += [f"{unknown} unknown to the model"] if unknown else []
    cut = answer["cut"]["tokens"]
    words.append(f"{counted(cut, 'token')} cut off" if cut else "nothing cut off")
    keys = "token, id, attention mask"
    return [
        Content.assemble(
            ("\n" + " · ".join(words), "bold"), (f"   each with {keys}", "$text-muted")
        )
    ]


def token_grid(tokens: Sequence[Token], width: int) -> list[Content]:
    """Return the tokens in lines, under each its id and its place in the attention mask."""
    lines: list[Content] = []
    row: list[tuple[Token, int]] = []
    room = width
    for token in tokens:
        size = min(max(cell_len(_shown(token)), len(str(token["id"])), 1), _WIDEST_TOKEN) + 1
        if size > room and row:
            lines += _grid_lines(row)
            row, room = [], width
        row.append((token, size))
        room -= size
    return lines + (_grid_lines(row) if row else [])


def _shown(token: Token) -> str:
    """Return a token; special ones stand in brackets of their own, told without colour too."""
    words = clean(token["token"], 60)
    return f"‹{words}›" if token["special"] else words


def _grid_lines(row: Sequence[tuple[Token, int]]) -> list[Content]:
    names, ids, masks = [], [], []
    for token, size in row:
        style = "$text-accent" if token["special"] else "bold"
        if token["unknown"]:
            style = "bold reverse $text-warning"
        elif token["text"] == 1 and not token["special"]:
            style = "bold $primary"
        names += [(fit(_shown(token), size - 1), style), (" ", "")]
        ids.append((fit(str(token["id"]), size), "$text-muted"))
        masks.append((fit(str(token["mask"]), size), "$text-disabled"))
    return [Content.assemble(*cells) for cells in (names, ids, masks)]


def cut_lines(answer: Mapping[str, Any]) -> list[Content]:
    """Return the ends of the texts that the model never sees."""
    lines = []
    for tail in answer["cut"]["tails"]:
        which = "" if len(answer["texts"]) == 1 else f" of text {tail['text'] + 1}"
        lines.append(
            Content.assemble(
                ("\n✂ cut off", "bold $text-warning"),
                (f"{which}: {counted(tail['tokens'], 'token')} the model never sees\n", ""),
                ("… " + clean(tail["tail"], 2000), "strike $text-muted"),
            )
        )
    return lines


def batch_lines(batch: Mapping[str, Any], width: int) -> list[Content]:
    """Return the rows of a batch, what is text and what is padding in each."""
    padded = batch["padded_length"]
    side = "left" if batch["padding_side"] == "left" else "right"
    how = "each batch to its longest row" if batch["padding"] == "dynamic" else "always to the most"
    share = f"{batch['padding_share']:.0%} of it is "
    lines = [
        Content.assemble(
            (f"\nBatch of {counted(len(batch['rows']), 'row')}", "bold"),
            f", padded to {counted(padded, 'token')} ({how})\n{share}",
            (f"padding: {clean(batch['pad_token'], 20)}, id {batch['pad_id']}", "$text-warning"),
        )
    ]
    if batch["padding"] == "dynamic" and len(batch["rows"]) > 1:
        like = "Rows as they stand; the training puts rows of like length together, to pad less."
        lines.append(Content.styled(like, "$text-muted"))
    digits = max(len(f"{row['row'][1] + 1:,}") for row in batch["rows"])
    room = max(min(width - digits - 26, _LONGEST_BAR), 8)
    for row in batch["rows"]:
        filled = max(round(row["length"] / padded * room), 1) if padded else 0
        real, empty = ("█" * filled, "$primary"), ("░" * (room - filled), "$text-disabled")
        bars = [empty, real] if side == "left" else [real, empty]
        cut = row["whole_length"] - row["length"]
        lines.append(
            Content.assemble(
                (f"row {row['row'][1] + 1:>{digits},} ", "$text-muted"), *bars,
                f" {row['length']:,}",
                (f"  {cut:,} cut" if cut > 0 else "", "$text-warning"),
            )
        )  # fmt: skip
    return lines


def shape_lines(stages: Sequence[Mapping[str, Any]], width: int) -> list[Content]:
    """Return the shapes on the way through the pipeline: in a line, and each with its words."""
    rail = Content(" ▸ ").join(
        [
            Content.assemble((f"{clean(stage['name'], 24)} ", "$text-muted"), (_shape(stage), ""))
            for stage in stages
        ]
    )
    return [rail]


def _shape(stage: Mapping[str, Any]) -> str:
    return "x".join(f"{side:,}" for side in stage["shape"])
