"""What a script needs to read the rows of a run and split them as the run did."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa

from tui_finetune.data import stratify
from tui_finetune.data.files import kind_of
from tui_finetune.data.folders import UNLABELLED
from tui_finetune.data.hub import HubName, hub_name
from tui_finetune.data.source import Source, layout_of, open_source
from tui_finetune.data.targets import is_list
from tui_finetune.data_endings import ARROW, DELIMITED, JSON, PARQUET, endings
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection, ProblemType, Reading
from tui_finetune.text import clean
from tui_finetune.training.setup import Setup

# Digests of more files would be a list that nobody reads.
_MOST_DIGESTS = 20

# The csv module refuses longer fields unless it is told not to.
_LONG_FIELD = 131_072

_KINDS = {"delimited": DELIMITED, "json": JSON, "parquet": PARQUET, "arrow": ARROW}

_QUOTING = {
    None: "",  # no delimited text
    '"': "",  # as the csv module has it
    "'": ', quotechar="\'"',
    '\\"': ', escapechar="\\\\"',
    "\\'": ', quotechar="\'", escapechar="\\\\"',
    "none": ", quoting=csv.QUOTE_NONE",
}

_CUT_CALLS: dict[ProblemType, str] = {
    "single_label_classification": "stratify(np.array(targets), sizes, SPLIT_SEED)",
    "multi_label_classification": "shuffle(len(train), sizes, SPLIT_SEED, needed)",
    "regression": "shuffle(len(train), sizes, SPLIT_SEED)",
}

# What a script says that has no need of anything else of the data section.
_KNOWN_KEYS = {
    "source", "columns", "reading", "splits", "label_separator", "drop_empty", "validation",
    "test", "seed",
    "drop_duplicates", "merge_labels",
}  # fmt: skip


@dataclass(frozen=True)
class _Part:
    """Where the rows of a split, or the rows that splits are cut from, come from."""

    kind: str
    places: list[str]  # files, one folder, or one split of the hub
    ranges: list[tuple[str, int, int]]  # of the rows; none: all of them
    reading: Reading


def data_values(setup: Setup) -> dict[str, Any]:
    """Return what the template needs to know of the data.

    Raises `InputError` for what a plain script does not repeat.
    """
    data = setup.recipe.data
    unknown = {
        name
        for name, value in data
        if name not in _KNOWN_KEYS and value != DataSection.model_fields[name].get_default()
    }
    if unknown:
        raise InputError(f"a script cannot repeat data.{min(unknown)} yet; use resume or train")
    opened = open_source(data.source, data.reading)
    hub = hub_name(str(data.source)) if layout_of(data.source) is None else None
    parts = _parts(setup, opened)
    kinds = {part.kind for part in parts.values()}
    readings = {part.reading.model_dump_json() for part in parts.values()}
    open_ones = [value for _, value in next(iter(parts.values())).reading if value is None]
    if len(kinds) > 1 or len(readings) > 1 or ("delimited" in kinds and open_ones):
        raise InputError(
            "a script reads one kind of files, and those of this run differ in kind or in how they "
            "are written; convert them to one kind and train anew"
        )
    kind = kinds.pop()
    train = next(iter(parts.values()))
    columns = setup.data.columns
    names = [name for name in (columns.text, columns.text_pair, columns.label) if name is not None]
    features = opened.dataset.features if len(opened.splits) == 1 else _features(opened)
    cut = [name for name in ("validation", "test") if name in setup.data.splits.keys() - parts]
    text_rows = setup.data.splits["train"]["text"][:]
    return {
        "kind": kind,
        "reading": train.reading,
        "quoting": _QUOTING[train.reading.quote],
        "columns": names,
        "places": [list(features).index(name) for name in names],
        "sources": {
            _constant(name, part): part.places if len(part.places) > 1 else part.places[0]
            for name, part in parts.items()
        },
        "paths": _paths(parts),
        "reads": {name: _read(name, part) for name, part in parts.items()},
        "digests": _digests(parts) if kind not in ("texts", "hub") else [],
        "hub": hub,
        "hub_options": _hub_options(hub) if hub is not None else "",
        "unlabelled": list(UNLABELLED),
        "pairs": columns.text_pair is not None,
        "long_fields": any(len(text) >= _LONG_FIELD for text in text_rows),
        "drop_empty": data.drop_empty,
        "drop_duplicates": data.drop_duplicates,
        "merges": data.merge_labels,
        "cut": bool(cut),
        "cut_names": ["train", *cut],
        "cut_call": _CUT_CALLS[setup.data.problem_type],
        "sizes": [setup.data.splits[name].num_rows for name in cut],
        "split_seed": data.seed,
        "cut_functions": _cut_functions(setup),
        "names_expression": _names_expression(features[columns.label], data.label_separator),
        "name_expression": _name_expression(features[columns.label], "label"),
        "splits": list(setup.data.splits),
        "test": "test" in setup.data.splits,
    }


def _features(opened: Source) -> datasets.Features:
    return next(iter(opened.splits.values())).features


def _parts(setup: Setup, opened: Source) -> dict[str, _Part]:
    """Return the parts that the source brings, train first, and those that are files."""
    data = setup.recipe.data
    sizes = {name: len(rows) for name, rows in opened.splits.items()}
    layout = layout_of(data.source)
    parts = {}
    for name in ("train", "validation", "test"):
        value = getattr(data, name, None)
        chosen = getattr(data.splits, name)
        if isinstance(value, str):
            own = open_source(value, data.reading)
            own_layout = layout_of(value)
            assert own_layout is not None
            (files,) = own_layout.files.values()
            parts[name] = _Part(_kind(files, own_layout.texts), _names(files), [], own.reading)
            continue
        if chosen is None and name != "train":
            continue
        chosen = chosen or next(iter(sizes))
        ranges = _ranges(chosen, sizes)
        base = ranges[0][0]
        if len({split for split, _, _ in ranges}) > 1:
            raise InputError(f"data.splits.{name}: a script takes the rows of one split only")
        whole = ranges == [(base, 0, sizes[base])]
        if layout is None:
            part = _Part("hub", [base], [] if whole else ranges, Reading())
        elif layout.texts:
            folder = layout.files[base][0].parent.parent
            part = _Part("texts", [str(folder)], [] if whole else ranges, Reading())
        else:
            files = layout.files[base]
            part = _Part(
                _kind(files, False), _names(files), [] if whole else ranges, opened.reading
            )
        parts[name] = part
    return parts


def _names(files: list[Path]) -> list[str]:
    return [str(file.resolve()) for file in files]


def _kind(files: list[Path], texts: bool) -> str:
    if texts:
        return "texts"
    packed = next((file for file in files if endings(file)[1]), None)
    if packed is not None:
        raise InputError(
            f"{clean(packed)}: a script reads no compressed files; unpack it, and train anew"
        )
    suffix = kind_of(files[0])
    return next(kind for kind, suffixes in _KINDS.items() if suffix in suffixes)


def _ranges(spec: str, sizes: dict[str, int]) -> list[tuple[str, int, int]]:
    """Return the rows that a name such as train[:10%] means; it was checked before."""
    if spec in sizes:
        return [(spec, 0, sizes[spec])]
    pieces = datasets.ReadInstruction.from_spec(spec).to_absolute(sizes)
    return [(str(piece.splitname), piece.from_ or 0, piece.to) for piece in pieces]


def _hub_options(hub: HubName) -> str:
    """Return the arguments that say which configuration and commit of a dataset it is."""
    return ("CONFIG, " if hub.config else "") + (
        "revision=DATASET_REVISION, " if hub.revision else ""
    )


def _constant(name: str, part: _Part) -> str:
    """Return what the script calls where a part comes from."""
    what = {"texts": "FOLDER", "hub": "SPLIT"}.get(part.kind)
    return f"{name.upper()}_{what or ('FILES' if len(part.places) > 1 else 'FILE')}"


def _paths(parts: dict[str, _Part]) -> str:
    """Return the expression for all files."""
    names = [_constant(name, part) for name, part in parts.items()]
    if names == ["TRAIN_FILES"]:
        return "TRAIN_FILES"
    return f"[{', '.join(f'*{name}' if name.endswith('S') else name for name in names)}]"


def _read(name: str, part: _Part) -> str:
    """Return the expression that reads a part."""
    constant = _constant(name, part)
    if len(part.places) == 1:
        rows = f"read({constant})"
    else:
        rows = f"[row for path in {constant} for row in read(path)]"
    if not part.ranges:
        return rows
    if len(part.ranges) == 1:
        (_, start, stop), *_ = part.ranges
        return f"{rows}[{start}:{stop}]"
    slices = " + ".join(f"rows[{start}:{stop}]" for _, start, stop in part.ranges)
    return f"(lambda rows: {slices})({rows})"


def _digests(parts: dict[str, _Part]) -> list[str]:
    files = dict.fromkeys(place for part in parts.values() for place in part.places)
    if len(files) > _MOST_DIGESTS:
        return []
    found = []
    for name in files:
        with Path(name).open("rb") as file:
            found.append(hashlib.file_digest(file, "sha256").hexdigest())
    return found


def _cut_functions(setup: Setup) -> str:
    """Return the source of the functions that cut the splits: the program's own."""
    functions: dict[str, list[Callable[..., Any]]] = {
        "single_label_classification": [stratify.stratify, stratify._shares],
        "multi_label_classification": [stratify.shuffle, stratify.first_of_each, stratify._order],
        "regression": [stratify.shuffle, stratify._order],
    }
    sources = [inspect.getsource(each).strip() for each in functions[setup.data.problem_type]]
    return "\n\n\n".join(sources)


def _names_expression(feature: Any, separator: str | None) -> str:
    """Return the expression for the names of the labels of a row."""
    kind = datasets.Features({"label": feature}).arrow_schema.field("label").type
    if is_list(kind):
        return f"{{{_name_expression(feature.feature, 'name')} for name in label}}"
    return f"{{part.strip() for part in label.split({literal(separator)})}}"


def _name_expression(feature: Any, name: str) -> str:
    """Return the expression for the name of a label, whatever type its column has."""
    if isinstance(feature, datasets.ClassLabel):
        return f"{literal(feature.names)}[{name}]"
    kind = datasets.Features({"label": feature}).arrow_schema.field("label").type
    if pa.types.is_boolean(kind):
        return f"str({name}).lower()"
    if pa.types.is_floating(kind):
        return f"str(int({name}))"
    if pa.types.is_integer(kind):
        return f"str({name})"
    return f"{name}.strip()"


def literal(value: Any) -> str:
    """Return a value of plain data as Python writes it, texts in double quotes."""
    if isinstance(value, str):
        written = repr(value)
        plain = written[1:-1]
        return f'"{plain}"' if '"' not in plain and "\\'" not in plain else written
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value)
