"""Which files of a folder, or of a list, make which split."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.data_files import SPLIT_KEYWORDS

from tui_finetune.data.files import kind_of
from tui_finetune.data_endings import READ, endings
from tui_finetune.errors import InputError
from tui_finetune.text import clean

# A .txt file in a folder is a note, or a text, as often as a table.
_TABLES = tuple(ending for ending in READ if not ending.startswith(".txt"))

# In aclImdb it holds texts without a label, beside the folders of the labels.
UNLABELLED = ("unsup", "unlabeled", "unlabelled", "unsupervised")

_SPLIT_OF = {word: str(split) for split, words in SPLIT_KEYWORDS.items() for word in words}


@dataclass(frozen=True)
class Layout:
    """The files of each split."""

    files: dict[str, list[Path]]
    texts: bool = False  # each file is a text, and its folder the label
    left_out: tuple[str, ...] = ()  # what lies there too and is not read

    def sets(self) -> dict[str, list[list[Path]]]:
        """Return the files of each split by the Arrow copy that they become together."""
        return {
            split: [files] if self.texts else [[file] for file in files]
            for split, files in self.files.items()
        }


def layout_of_files(files: Sequence[Path]) -> Layout:
    """Return the splits that files of a list make: those that their names tell, else train.

    Raises `InputError` if only some of the names tell a split, if a file stands twice, or if a
    split has files of more than one kind.
    """
    twice = next((file for file, times in Counter(files).items() if times > 1), None)
    if twice is not None:
        raise InputError(f"{clean(twice)}: this file is named twice; its rows would count twice")
    splits = {file: _split_of(file.stem) for file in files}
    named = set(splits.values()) - {None}
    if len(named) < 2:
        return Layout({"train": _one_kind(list(files))})
    unnamed = [file for file, split in splits.items() if split is None]
    if unnamed:
        raise InputError(
            f"{clean(unnamed[0])}: its name tells no split (train, validation, test) while those "
            "of other files do; rename it, or leave it out"
        )
    return _by_split(splits)


def layout_of_folder(folder: Path) -> Layout:
    """Return the splits of a folder, by what lies in it.

    It may be one that `save_to_disk` wrote; hold data files, whose names may tell splits, or
    folders of them with the names of splits; or hold a folder of .txt files for each label,
    perhaps within folders with the names of splits. A folder `data` within is looked into if
    there is nothing else. Raises `InputError` if it is none of these.
    """
    saved = _saved(folder)
    if saved is not None:
        return saved
    inner = folder / "data"
    deeper = inner.is_dir() and not folder.resolve().is_relative_to(inner.resolve())
    found = (
        _tables(folder, _TABLES, within=True)
        or _text_folders(folder)
        or (layout_of_folder(inner) if deeper else None)
        or _tables(folder, (".txt",), within=False)
    )
    if found is None:
        raise InputError(
            f"{clean(folder)}: no data in this folder; it needs data files such as train.csv and "
            "test.csv, or a folder of .txt files for each label"
        )
    return found


def _split_of(name: str) -> str | None:
    words = re.split(r"[^a-z]+", name.lower())
    return next((_SPLIT_OF[word] for word in words if word in _SPLIT_OF), None)


def _by_split(splits: dict[Path, str | None], left_out: tuple[str, ...] = ()) -> Layout:
    files = {
        name: [file for file, split in splits.items() if split == name]
        for name in map(str, SPLIT_KEYWORDS)
        if name in splits.values()
    }
    return Layout(
        {split: _one_kind(of_split) for split, of_split in files.items()}, False, left_out
    )


def _one_kind(files: list[Path]) -> list[Path]:
    """Return the files. Raises `InputError` if they may be the same rows in two formats."""
    kinds = {(kind_of(file), endings(file)): file for file in files}
    if len(kinds) > 1:
        one, other = list(kinds.values())[:2]
        raise InputError(
            f"{clean(one)} and {clean(other.name)}: files of one split in different formats, "
            "maybe the same rows twice; name one of them"
        )
    return files


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")))


def _data_files(folder: Path, kinds: tuple[str, ...]) -> list[Path]:
    """Return the files of a folder with one of the endings, without packed copies of others."""
    found = [path for path in _listed(folder) if path.is_file() and "".join(endings(path)) in kinds]
    return [path for path in found if not (endings(path)[1] and path.with_suffix("") in found)]


def _tables(folder: Path, kinds: tuple[str, ...], within: bool) -> Layout | None:
    """Return the splits that the data files of a folder make.

    Those right in it tell theirs by their names, those of the folders `within` it, if they are
    looked into, by the folder's name.
    """
    here = _data_files(folder, kinds)
    splits = {file: _split_of(file.stem) for file in here}
    for inner in _listed(folder) if within else []:
        if inner.is_dir():
            splits |= dict.fromkeys(_data_files(inner, kinds), _split_of(inner.name))
    if "train" in splits.values():
        rest = [file for file, split in splits.items() if split is None]
        return _by_split(splits, _below(folder, rest))
    if not here:
        return None
    if len(here) == 1 or not any(splits[file] for file in here):
        rest = [file for file in splits if file.parent != folder]
        return Layout({"train": _one_kind(here)}, False, _below(folder, rest))
    raise InputError(
        f"{clean(folder)}: none of its files is called train; name the file to train on, and "
        "data.test or data.validation beside it"
    )


def _below(folder: Path, files: list[Path]) -> tuple[str, ...]:
    """Return what lies right in the folder and is, or holds, one of the files."""
    return tuple(dict.fromkeys(file.relative_to(folder).parts[0] for file in files))


def _text_folders(folder: Path) -> Layout | None:
    """Return the splits of folders of .txt files, one folder for each label."""
    inner = [path for path in _listed(folder) if path.is_dir()]
    roots = {path: split for path in inner if (split := _split_of(path.name)) is not None}
    left_out = [path.name for path in inner if path not in roots]
    if "train" not in roots.values():
        roots, left_out = {folder: "train"}, []
    files: dict[str, list[Path]] = {}
    for root, split in roots.items():
        left_out += [str(path.relative_to(folder)) for path in _listed(root) if path.is_file()]
        for label in (path for path in _listed(root) if path.is_dir()):
            texts, name = _data_files(label, (".txt",)), str(label.relative_to(folder))
            others = len(_listed(label)) - len(texts)
            if label.name.lower() in UNLABELLED or not texts:
                left_out.append(name)
                continue
            files.setdefault(split, []).extend(texts)
            if others:
                left_out.append(f"{name} ({others:,} that are no .txt files)")
    return Layout(files, True, tuple(left_out)) if files else None


def _saved(folder: Path) -> Layout | None:
    """Return the splits of a folder that `save_to_disk` wrote."""
    try:
        if (folder / "dataset_dict.json").is_file():
            names = json.loads((folder / "dataset_dict.json").read_bytes())["splits"]
            files = {name: _saved_files(folder / name) for name in names}
        elif (folder / "state.json").is_file():
            files = {"train": _saved_files(folder)}
        else:
            return None
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"{clean(folder)}: its description by save_to_disk is damaged; save it anew"
        ) from None
    if not any(files.values()):
        raise InputError(f"{clean(folder)}: this was saved without rows; it needs some")
    without = tuple(f"{name} (no rows)" for name, of_split in files.items() if not of_split)
    return Layout({name: found for name, found in files.items() if found}, False, without)


def _saved_files(folder: Path) -> list[Path]:
    files = json.loads((folder / "state.json").read_bytes())["_data_files"]
    return [folder / Path(each["filename"]).name for each in files]
