from rich.console import Console

from tui_finetune.console.progress_display import RunView
from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.directory import create_run
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, this_process, write_status


def put_run(home, state, epochs, loss=0.5):
    run = create_run(home, parse_recipe({"data": {"source": "/d/films.csv"}}, "test"))
    journal = JournalWriter(run.journal)
    journal.write("start", total_steps=epochs, steps_per_epoch=1, epochs=epochs)
    for step in range(1, epochs + 1):
        journal.write("log", step=step, epoch=step, loss=loss)
        journal.write("log", step=step, epoch=step, eval_loss=loss, eval_accuracy=0.5, eval_f1=0.5)
    journal.close()
    status = Status(state=state, name="films", step=epochs, total_steps=epochs, **this_process())
    write_status(run.status, status)
    return run


def printed(run):
    console = Console(width=80)
    with console.capture() as captured:
        console.print(RunView(run).render())
    return captured.get().splitlines()


def test_the_bar_has_a_line_of_its_own(tmp_path):
    lines = printed(put_run(tmp_path, "finished", 3))
    assert lines[1].strip(" ━") == ""
    assert lines[2].startswith("epoch")


def test_a_live_run_shows_its_last_epochs_and_an_ended_one_all(tmp_path):
    live = printed(put_run(tmp_path, "running", 30))
    assert [int(line.split()[0]) for line in live[3:]] == list(range(19, 31))
    assert len(printed(put_run(tmp_path, "finished", 30))[3:]) == 30


def test_a_small_loss_is_not_zero(tmp_path):
    row = printed(put_run(tmp_path, "finished", 1, loss=0.00033))[3]
    assert row.split()[1:5] == ["0.00033", "0.00033", "0.5000", "0.5000"]
