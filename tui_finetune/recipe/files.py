"""A recipe as a YAML file, and the files that it names."""

import glob
import io
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from tui_finetune.errors import InputError
from tui_finetune.recipe.sections import STARTER, Recipe, Source
from tui_finetune.recipe.values import parse_recipe
from tui_finetune.text import clean


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe from a YAML file; files that it names relative to itself become absolute.

    Raises `InputError` if the file is not there, is no YAML, or is no recipe.
    """
    path = Path(path)
    try:
        path = path.expanduser()
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise InputError(f"{clean(path)}: this is nested too deeply for a recipe") from None
    except (OSError, RuntimeError) as error:
        reason = clean(getattr(error, "strerror", None) or error)
        raise InputError(f"{clean(path)}: cannot read this recipe ({reason})") from None
    except (ValueError, YAMLError) as error:
        reason = clean(error, 200)
        raise InputError(f"{clean(path)}: this is not a YAML file: {reason}") from None
    recipe = parse_recipe(content, str(path))
    return with_absolute_paths(recipe, path.parent)


def dump_recipe(recipe: Recipe) -> str:
    """Return the recipe as YAML, in the order of its fields."""
    yaml = YAML()
    yaml.default_flow_style = False
    stream = io.StringIO()
    yaml.dump(quoted(recipe.model_dump(mode="json")), stream)
    return stream.getvalue()


def with_absolute_paths(recipe: Recipe, folder: Path) -> Recipe:
    """Return the recipe with the files and folders found from `folder`, or from here, absolute.

    What is found in neither place stays as it was written: it may be a name on the hub, or an
    error that whoever opens it can name.
    """
    data = recipe.data.model_copy(
        update={
            "source": _absolute_source(recipe.data.source, folder),
            "validation": _absolute(recipe.data.validation, folder),
            "test": _absolute(recipe.data.test, folder),
        }
    )
    model = recipe.model.model_copy(update={"source": _absolute(recipe.model.source, folder)})
    if recipe.model.source == STARTER:
        model = recipe.model
    return recipe.model_copy(update={"data": data, "model": model})


def quoted(content: Any) -> Any:
    """Return plain data with those texts in quotes that YAML would read back otherwise."""
    if isinstance(content, dict):
        return {key: quoted(value) for key, value in content.items()}
    if isinstance(content, str) and "\x85" in content:  # a line end in YAML
        return DoubleQuotedScalarString(content)
    return content


def _absolute(value: float | str, folder: Path) -> float | str:
    if not isinstance(value, str):
        return value
    try:
        written = Path(value).expanduser()
        for candidate in (folder / written, Path.cwd() / written):
            if candidate.exists():
                return str(candidate.resolve())
    except (OSError, RuntimeError, ValueError):  # too long, nobody's home, a zero byte
        return value
    return value


def _absolute_source(source: Source, folder: Path) -> Source:
    """Return the source absolute; a pattern such as part-*.csv becomes the files that it fits."""
    if not isinstance(source, str):
        return [str(_absolute(name, folder)) for name in source]
    found = str(_absolute(source, folder))
    if found != source or not set("*?[") & set(source):
        return found
    for place in (folder, Path.cwd()):
        pattern = str(Path(glob.escape(str(place.absolute()))) / Path(source).expanduser())
        if files := sorted(glob.glob(pattern, recursive=True)):
            return files
    return source
