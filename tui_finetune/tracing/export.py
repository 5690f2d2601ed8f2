"""A trace as a file to keep or to send: one page for a browser, or all its figures as JSON."""

import base64
import json
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tui_finetune.errors import InputError
from tui_finetune.runs.directory import write_whole
from tui_finetune.runs.journal import finite
from tui_finetune.text import clean
from tui_finetune.tracing.attention import attention_map
from tui_finetune.tracing.attribution import Progress, attribution_document
from tui_finetune.tracing.document import trace_document
from tui_finetune.tracing.embedding import nearest_tokens
from tui_finetune.tracing.trace import Trace

SUFFIXES = (".html", ".json")

# Of labels, so many are drawn; of different tokens, so many are looked up in the vocabulary.
_SHOWN_LABELS = 6
_LOOKED_UP = 32

# In the page's pixels. A narrower cell has no room for its token's name.
_MAP_WIDTH = 420
_LAYER_MAP_WIDTH = 840
_LAYER_HEIGHT = 16
_WIDEST_CELL = 24
_NARROWEST_NAMED = 9
_NAME_ROOM = 76

Rows = Sequence[Sequence[float]]


def export_trace(
    made: Trace,
    temperature: float | None,
    path: Path,
    attributions: bool = False,
    progress: Progress = lambda _: None,
) -> None:
    """Write a trace to a file, a page or JSON by its suffix, whole or not at all.

    `attributions` adds those of the predicted label, which take a while; `progress` hears of them.
    Raises `InputError` as `write_export` does.
    """
    _require_suffix(path)
    maps = made.seen.attentions
    layers = 0 if maps is None else len(maps)
    attention = {
        f"layer {layer}": _rounded(attention_map(maps, layer, "mean").tolist())
        for layer in range(1, layers + 1)
    }
    attribution = attribution_document(made, None, progress) if attributions else None
    neighbours = _neighbours(made, progress)
    write_export(path, trace_document(made, temperature), attention, attribution, neighbours)


def write_export(
    path: Path,
    document: Mapping[str, Any],
    attention: Mapping[str, Rows],
    attribution: Mapping[str, Any] | None,
    neighbours: Mapping[int, Sequence[Mapping[str, Any]]],
) -> None:
    """Write what `html_page` or `json_document` gives, by the path's suffix.

    Raises `InputError` for another suffix, or if the file cannot be written there.
    """
    make = html_page if _require_suffix(path) == ".html" else json_document
    if path.is_dir():
        raise InputError(f"{clean(path)}: is a folder; choose another name")
    try:
        write_whole(path, make(document, attention, attribution, neighbours))
    except OSError as error:
        reason = clean(error.strerror)
        raise InputError(f"{clean(path)}: cannot be written ({reason}); choose another") from None


def json_document(
    document: Mapping[str, Any],
    attention: Mapping[str, Rows],
    attribution: Mapping[str, Any] | None,
    neighbours: Mapping[int, Sequence[Mapping[str, Any]]],
) -> str:
    """Return a trace's document as JSON, with `attention`, `attribution` and `neighbours` in it.

    A figure that is no number becomes null.
    """
    more = {"attention": attention, "attribution": attribution, "neighbours": neighbours}
    whole = {**document, **more}
    return json.dumps(finite(whole), allow_nan=False) + "\n"


def html_page(
    document: Mapping[str, Any],
    attention: Mapping[str, Rows],
    attribution: Mapping[str, Any] | None,
    neighbours: Mapping[int, Sequence[Mapping[str, Any]]],
) -> str:
    """Return a trace's document as one page that needs no network and runs no script.

    `attention` gives a title's map (tokens, tokens); `neighbours` an id's nearest tokens, each with
    its cosine. Text is made fit and escaped where it enters the page.
    """
    tokenize, embed, layers, head, predict = document["stages"]
    names = [token["token"] for token in document["tokens"]]
    states = ["embedding", *(f"layer {layer}" for layer in range(1, len(layers["norms"])))]
    order = sorted(range(len(document["labels"])), key=lambda one: -predict["probabilities"][one])

    def layer_map(rows: Rows, row_names: Sequence[str]) -> dict[str, Any]:
        return _heat(rows, _between(rows), row_names, names, _LAYER_MAP_WIDTH)

    page: str = _TEMPLATE.render(
        document=document,
        tokenize=tokenize,
        embed=embed,
        layers=layers,
        head=head,
        predict=predict,
        order=order[:_SHOWN_LABELS],
        left_out=len(order) - len(order[:_SHOWN_LABELS]),
        pieces=_pieces(document, attribution["values"] if attribution else None),
        states=states,
        lens=_lens(layers, order[:_SHOWN_LABELS]) if layers["lens"] else None,
        norms=layer_map(layers["norms"], states),
        moved=layer_map(layers["moved"], states[1:]),
        token_lens=layer_map(layers["token_lens"], states) if layers["token_lens"] else None,
        attention={
            title: _heat(rows, _roots(rows), names, names, _MAP_WIDTH)
            for title, rows in attention.items()
        },
        attribution=attribution,
        neighbours=neighbours,
    )
    return page


def _require_suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"{clean(path)}: its name must end in .html for a page, or in .json for the figures"
        )
    return suffix


def _rounded(rows: Rows) -> Rows:
    """Leave out digits that make the file three times as long and that no shade can show."""
    return [[round(figure, 5) for figure in row] for row in rows]


def _neighbours(made: Trace, progress: Progress) -> dict[int, list[dict[str, Any]]]:
    """Return the nearest tokens of the first different ones that are no special tokens."""
    ids = list(dict.fromkeys(token.id for token in made.tokens.tokens if not token.special))
    found = {}
    for done, token_id in enumerate(ids[:_LOOKED_UP]):
        progress({"what": "looking for near tokens", "done": done, "of": len(ids[:_LOOKED_UP])})
        nearest = nearest_tokens(made.trained.model, made.trained.tokenizer, token_id)
        found[token_id] = [{"token": name, "cosine": cosine} for name, cosine in nearest]
    return found


# --- what is drawn ---


def _pieces(document: Mapping[str, Any], values: Sequence[float] | None) -> list[dict[str, Any]]:
    """Return the text in pieces with their tokens: several where these share a character.

    `value` is the sum of their attributions, `share` its part of the largest one.
    """
    text, end = document["text"], 0
    pieces: list[dict[str, Any]] = []
    for index, token in enumerate(document["tokens"]):
        value = values[index] if values else 0.0
        start = token["start"]
        if start is not None and start < end and pieces:
            pieces[-1]["tokens"].append(token)
            pieces[-1]["value"] += value
            pieces[-1]["text"] += text[end : token["end"]]
        else:
            between = (" " if pieces else "") if start is None else text[end:start]
            shown = token["token"] if start is None else text[start : token["end"]]
            if not shown.isspace():  # a token's own space is not coloured
                bare = shown.lstrip()
                between, shown = between + shown[: len(shown) - len(bare)], bare
            pieces.append({"before": between, "text": shown, "tokens": [token], "value": value})
        end = max(end, token["end"] or 0)
    largest = max((abs(piece["value"]) for piece in pieces), default=0.0) or 1.0
    for piece in pieces:
        piece["share"] = piece["value"] / largest
    if document["cut"]["tokens"] != 0:
        pieces.append({"before": "", "text": text[end:], "tokens": [], "value": 0.0, "share": 0.0})
    return pieces


def _lens(layers: Mapping[str, Any], order: Sequence[int]) -> dict[str, Any]:
    """Return the lines of a chart 600 wide and 200 high, one for each label, by its probability."""
    last = max(len(layers["lens"]) - 1, 1)
    places = [600 * index / last for index in range(len(layers["lens"]))]
    lines = []
    for label in order:
        shares = [row[label] for row in layers["lens"]]
        heights = [200 * (1 - share) for share in shares]
        points = list(zip(places, heights, shares, strict=True))
        lines.append({"label": label, "points": points})
    return {"lines": lines, "places": places, "turn": places[layers["turn"]]}


def _heat(
    rows: Rows, shades: Rows, row_names: Sequence[str], column_names: Sequence[str], room: int
) -> dict[str, Any]:
    """Return a map of figures as an image at most `room` wide, with where its names stand."""
    width = min(room / len(column_names), _WIDEST_CELL)
    height = width if row_names is column_names else _LAYER_HEIGHT
    figures = [figure for row in rows for figure in row]
    named_columns = width >= _NARROWEST_NAMED
    named_rows = height >= _NARROWEST_NAMED
    return {
        "image": _png(shades),
        "smallest": min(figures),
        "largest": max(figures),
        "left": _NAME_ROOM if named_rows else 0,
        "top": _NAME_ROOM if named_columns else 0,
        "width": width * len(column_names),
        "height": height * len(rows),
        "rows": _places(row_names, height) if named_rows else [],
        "columns": _places(column_names, width) if named_columns else [],
    }


def _places(names: Sequence[str], size: float) -> list[tuple[float, str]]:
    return [(size * (index + 0.5), name) for index, name in enumerate(names)]


def _between(rows: Rows) -> Rows:
    """Return shades from 0 for the smallest figure to 1 for the largest."""
    low, high = min(map(min, rows)), max(map(max, rows))
    return [[(figure - low) / ((high - low) or 1.0) for figure in row] for row in rows]


def _roots(rows: Rows) -> Rows:
    """Return the roots of each figure's share of the largest one as shades.

    Else the attention that all pay to one special token would leave the rest white.
    """
    high = max(map(max, rows))
    return [[math.sqrt(figure / high) for figure in row] for row in rows]


def _png(shades: Rows) -> str:
    """Return figures from 0 to 1 as an image of one colour, from clear to opaque, as a data URL.

    PNG with a palette (https://www.w3.org/TR/png-3/): every entry is the colour, and its index is
    its opacity.
    """
    lines = b"".join(b"\0" + bytes(round(255 * shade) for shade in row) for row in shades)
    header = struct.pack(">IIBBBBB", len(shades[0]), len(shades), 8, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", bytes(_INK) * 256),
        (b"tRNS", bytes(range(256))),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return "data:image/png;base64," + base64.b64encode(content).decode()


# Seen well on white and on black.
_INK = (46, 124, 214)


# --- the template ---


def _figure(value: float | None, form: str = ".3f") -> str:
    return "–" if value is None or not math.isfinite(value) else format(value, form)


def _short(name: str) -> str:
    return clean(name, 12)


def _capitalized(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _fit(value: Any) -> Any:
    """Make text fit for a page; markup is the template's own."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_fit,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": _figure, "short": _short, "capitalized": _capitalized}
    return environment.get_template("export.html")


_TEMPLATE = _template()
