from tui_finetune.ui.check import Checks


def finding(title, severity="info", **figures):
    return {"title": title, "severity": severity, "figures": figures or None}


ROWS, BATCH = finding("Columns and rows", mean=20.5), finding("A batch", "warning")
TIME = finding("Time and memory", total_seconds=55.0)
FULL = finding("Out of memory", "error")
RECIPE, OTHER = {"train": {"seed": 1}}, {"train": {"seed": 2}}


def test_what_was_measured_counts_as_long_as_the_rest_is_found_as_it_was():
    checks = Checks()
    checks.note(RECIPE, [ROWS], measured=False)
    assert checks.of(RECIPE).figures == {}
    checks.note(RECIPE, [FULL, ROWS], measured=True)
    checks.note(OTHER, [ROWS], measured=False)
    again = checks.note(RECIPE, [ROWS], measured=False)
    assert again.findings == [FULL, ROWS]
    assert not checks.may_start(again)
    assert checks.note(RECIPE, [ROWS, BATCH], measured=False).findings == [ROWS, BATCH]


def test_figures_are_found_wherever_they_stand():
    checks = Checks()
    checks.note(RECIPE, [ROWS], measured=False)
    check = checks.note(RECIPE, [TIME, ROWS], measured=True)
    assert (check.figures, check.mean_tokens) == ({"total_seconds": 55.0}, 20.5)


def test_a_warning_is_in_the_way_until_it_was_confirmed_for_that_recipe():
    checks = Checks()
    check = checks.note(RECIPE, [BATCH], measured=False)
    assert not checks.may_start(check)
    checks.confirm(check)
    assert checks.may_start(checks.note(RECIPE, [BATCH], measured=False))
    assert not checks.may_start(checks.note(OTHER, [BATCH], measured=False))
    another = finding("Few test rows", "warning")
    assert not checks.may_start(checks.note(RECIPE, [BATCH, another], measured=False))
