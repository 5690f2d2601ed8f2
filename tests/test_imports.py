"""The dashboard and what reads runs stay light: nothing heavy comes in by a side door."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

HEAVY = [
    "torch", "transformers", "datasets", "evaluate", "accelerate", "sklearn", "scipy", "numpy",
    "pandas", "pyarrow",
]  # fmt: skip

IMPORT = """
import importlib, json, pkgutil, sys
for name in {names!r}:
    importlib.import_module(name)
for name in {packages!r}:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""


def loaded_after(*names: str, packages: tuple[str, ...] = ()) -> set[str]:
    """The modules of a fresh process that imported these, and everything in these packages."""
    code = IMPORT.format(names=names, packages=packages)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.fixture(scope="module")
def dashboard() -> set[str]:
    return loaded_after(
        "tui_finetune.ui.app",
        "tui_finetune.ui.workspace",
        "tui_finetune.engine.client",
        packages=("tui_finetune.ui",),
    )


def test_the_whole_dashboard_loads_nothing_heavy(dashboard):
    assert {"tui_finetune.ui.panes.watch", "tui_finetune.ui.panes.tune"} <= dashboard
    assert dashboard.isdisjoint(HEAVY)


def test_the_dashboard_leaves_the_commands_alone(dashboard):
    assert dashboard.isdisjoint({"typer", "click", "tui_finetune.cli"})


def test_the_start_of_the_program_loads_neither_the_screen_nor_the_commands():
    loaded = loaded_after("tui_finetune.entry")
    assert loaded.isdisjoint({*HEAVY, "textual", "typer", "pydantic"})


def test_the_commands_load_nothing_heavy_before_one_is_chosen():
    loaded = loaded_after("tui_finetune.cli")
    assert "typer" in loaded
    assert loaded.isdisjoint({*HEAVY, "textual"})


def test_what_reads_runs_loads_neither_anything_heavy_nor_the_screen():
    loaded = loaded_after("tui_finetune.recipe", packages=("tui_finetune.runs",))
    assert {"tui_finetune.runs.history", "tui_finetune.runs.control"} <= loaded
    assert loaded.isdisjoint({*HEAVY, "textual", "typer"})


def test_the_contracts_between_the_rooms_hold():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache", "--no-logo"],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout
