import pytest

from tui_finetune.runs.history import History
from tui_finetune.runs.status import Status
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.stages import draft_stages, run_stages
from tui_finetune.ui.widgets.rail import Stage, rail_line

LOAD = {"event": "stage", "stage": "load", "rows": 1000, "columns": 2, "source": "films.csv"}
TOKENIZE = {"event": "stage", "stage": "tokenize", "rows": 900, "longest": 61}
SPLIT = {"event": "stage", "stage": "split", "train": 800, "validation": 100, "test": 100}
DECIDE = {
    "event": "stage", "stage": "decide", "decisions": [
        {"key": "data.drop_empty", "value": True, "rows": 7, "message": "7 rows"},
        {"key": "data.drop_duplicates", "value": True, "rows": 5, "message": "5 rows"},
        {"key": "data.merge_labels", "value": {"Good": "good"}, "rows": 3, "message": "3 rows"},
        {"key": "data.splits.train", "value": "train", "rows": None, "message": "m"},
    ],
}  # fmt: skip
START = {"event": "start", "total_steps": 150, "steps_per_epoch": 50}
TEST = {"event": "test", "metrics": {"accuracy": 0.876}, "rows": 100}


def run_line(entries, width=200, **status):
    history = History()
    for entry in entries:
        history.add({"time": 0.0, **entry})
    return rail_line(run_stages(history, Status(**status)), width).plain


def test_a_draft_without_data_names_the_stages_and_claims_no_shapes():
    line = rail_line(draft_stages(Draft()), 200).plain
    assert line == "load ▸ tokenize (≤128) ▸ split ▸ fine-tune 3 epochs ▸ evaluate"


def test_a_draft_with_a_profile_shows_what_will_be_done(draft):
    assert rail_line(draft_stages(draft), 200).plain == (
        "✓ load 1000 x 2 ▸ tokenize 1000 x (≤128) ▸ split 800/100/100 ▸ "
        "fine-tune 3 epochs, 150 steps ▸ evaluate"
    )


def test_a_run_that_trains_marks_what_is_done_and_where_it_is():
    line = run_line([LOAD, TOKENIZE, SPLIT, START], state="running", step=93, total_steps=150)
    assert line == (
        "✓ load 1000 x 2 ▸ ✓ tokenize 900 x (≤61) ▸ ✓ split 800/100/100 ▸ "
        "● fine-tune 93/150 steps ▸ evaluate"
    )


def test_a_run_that_has_only_loaded_is_at_its_tokens():
    line = run_line([LOAD], state="starting")
    assert line == "✓ load 1000 x 2 ▸ ● tokenize ▸ split ▸ fine-tune ▸ evaluate"


def test_what_was_decided_about_the_rows_is_a_stage_of_its_own():
    entries = [LOAD, DECIDE, TOKENIZE, SPLIT, START]
    line = run_line(entries, state="running", step=93, total_steps=150)
    assert line.startswith("✓ load 1000 x 2 ▸ ✓ decide -12 rows, 3 renamed ▸ ✓ tokenize 900")
    narrow = run_line(entries, 78, state="running", step=93, total_steps=150)
    assert len(narrow) <= 78
    assert " ▸ decide " in narrow
    assert "● fine-tune 93/150 steps" in narrow
    assert narrow.endswith("evaluate")


def test_decisions_in_the_making_stand_between_loading_and_tokens(draft, profile):
    draft.data = type(draft.data)(result=profile(decisions=DECIDE["decisions"][:1]))
    assert " ▸ decide -7 rows ▸ tokenize " in rail_line(draft_stages(draft), 200).plain


def test_a_run_after_its_last_step_is_at_its_evaluation():
    line = run_line([LOAD, TOKENIZE, SPLIT, START], state="running", step=150, total_steps=150)
    assert line.endswith("✓ fine-tune 150 steps ▸ ● evaluate")


def test_a_finished_run_shows_its_accuracy_on_the_test_rows():
    entries = [LOAD, TOKENIZE, SPLIT, START, TEST]
    line = run_line(entries, state="finished", step=150, total_steps=150)
    assert line.endswith("✓ fine-tune 150 steps ▸ ✓ evaluate acc 0.88")
    assert "●" not in line


@pytest.mark.parametrize(
    ("chosen_by", "metrics", "told"),
    [
        ("eval_loss", {"loss": 0.4, "f1": 0.71, "hamming_loss": 0.1}, "F1 0.71"),
        ("eval_hamming_loss", {"loss": 0.4, "f1": 0.71, "hamming_loss": 0.1}, "hamming 0.10"),
        ("eval_loss", {"loss": 0.4, "mae": 1.5, "r2": 0.2}, "mae 1.50"),
        ("eval_r2", {"loss": 0.4, "mae": 1.5, "r2": 0.2}, "r2 0.20"),
        ("eval_loss", {"loss": 0.4}, "loss 0.40"),
    ],
)
def test_a_run_of_another_kind_shows_its_own_figure(chosen_by, metrics, told):
    start = {**START, "selection_metric": chosen_by}
    test = {"event": "test", "metrics": metrics, "rows": 100}
    line = run_line([LOAD, TOKENIZE, SPLIT, start, test], state="finished", step=150)
    assert line.endswith(f"✓ evaluate {told}")


def test_a_run_that_stopped_early_but_finished_says_how_many_steps_it_made():
    entries = [LOAD, TOKENIZE, SPLIT, START, TEST]
    line = run_line(entries, state="finished", step=100, total_steps=150)
    assert "✓ fine-tune 100/150 steps" in line


def test_an_interrupted_run_is_nowhere_at_present():
    line = run_line([LOAD, TOKENIZE, SPLIT, START], state="interrupted", step=40, total_steps=150)
    assert "●" not in line
    assert "fine-tune 40/150 steps" in line


def test_the_line_fits_into_80_columns_and_keeps_the_present_stage_whole():
    entries = [LOAD, TOKENIZE, SPLIT, START]
    line = run_line(entries, 78, state="running", step=93, total_steps=150)
    assert len(line) <= 78
    assert "● fine-tune 93/150 steps" in line
    assert "800/100/100" in line
    assert line.endswith("evaluate")


def test_a_line_that_cannot_be_made_short_enough_is_cut_with_an_ellipsis():
    line = rail_line([Stage("ahead", ("a long stage",)), Stage("ahead", ("another",))], 15).plain
    assert line == "a long stage ▸…"


def test_of_a_run_that_others_made_only_the_training_is_known():
    line = run_line([], state="interrupted", origin="import", step=900, total_steps=1120)
    assert line == "fine-tune 900/1120 steps, imported"
    line = run_line([], state="finished", origin="import", step=1120, total_steps=1120)
    assert line == "✓ fine-tune 1120/1120 steps, imported"
    line = run_line([], state="running", origin="script", step=9, total_steps=20)
    assert line == "● fine-tune 9/20 steps, in a script of yours"
