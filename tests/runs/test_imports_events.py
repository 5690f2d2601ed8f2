import json
import math
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import HistoryReader, read_history
from tui_finetune.runs.imports.event_files import EventFile
from tui_finetune.runs.imports.follow import Follower, refresh
from tui_finetune.runs.imports.importing import import_runs
from tui_finetune.runs.journal import JournalReader
from tui_finetune.runs.status import read_status

BEGAN = 1_700_000_000.0

Figures = Sequence[tuple[float, int, dict[str, float]]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def put_events(tmp_path: Path) -> Callable[..., Path]:
    """Have TensorBoard's own writer write these figures: seconds since BEGAN, step, by tag."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    def put(folder: str, figures: Figures, *others: Summary.Value) -> Path:
        place = tmp_path / folder
        before = {*place.glob("events*")}
        writer = EventFileWriter(str(place), filename_suffix=f".{len(before)}")
        for seconds, step, tags in figures:
            values = [Summary.Value(tag=tag, simple_value=value) for tag, value in tags.items()]
            summary = Summary(value=[*values, *others])
            writer.add_event(Event(wall_time=BEGAN + seconds, step=step, summary=summary))
        writer.close()
        (path,) = {*place.glob("events*")} - before
        return path

    return put


def read(path: Path, folder: str = "") -> list[tuple[str, int, float]]:
    file = EventFile(path, folder)
    file.update()
    return [(scalar.name, scalar.step, scalar.value) for scalar in file.scalars]


def import_one(home: Path, folder: Path) -> RunDirectory:
    (run,) = import_runs(home, folder)
    return run


def curve(run: RunDirectory, name: str) -> list[tuple[float, float]]:
    found = read_history(run).curves[name]
    return list(zip(found.steps, found.values, strict=True))


def put_state(folder: Path, step: int, log: list[dict], **values: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = {"global_step": step, "max_steps": 100, "log_history": log, **values}
    (folder / "trainer_state.json").write_text(json.dumps(content))


# --- one file ---


def test_the_trainers_tags_get_the_names_of_its_log(put_events):
    tags = {
        "train/loss": 0.5, "train/learning_rate": 0.25, "train/rewards/chosen": 1.5,
        "eval/loss": 0.75, "test/accuracy": 0.125, "my/own": 2.0,
    }  # fmt: skip
    assert read(put_events("run", [(1, 10, tags)])) == [
        ("loss", 10, 0.5), ("learning_rate", 10, 0.25), ("rewards/chosen", 10, 1.5),
        ("eval_loss", 10, 0.75), ("test_accuracy", 10, 0.125), ("my/own", 10, 2.0),
    ]  # fmt: skip


def test_scalars_are_read_as_tensors_too_and_nothing_else_is(put_events):
    import numpy as np
    from tensorboard.plugins.histogram.summary_v2 import histogram_pb
    from tensorboard.plugins.hparams import summary_v2 as hparams
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    from tensorboard.plugins.text.summary_v2 import text_pb

    others = [
        scalar_pb("train/loss", 0.5).value[0],
        text_pb("args", "{}").value[0],
        histogram_pb("weights", np.arange(9.0)).value[0],
        hparams.hparams_pb({"lr": 0.1}).value[0],
    ]
    assert read(put_events("run", [(1, 10, {})], *others)) == [("loss", 10, 0.5)]


def test_a_half_written_record_is_kept_for_later(put_events, tmp_path):
    whole = put_events("run", [(s, s, {"train/loss": float(s)}) for s in range(1, 6)]).read_bytes()
    growing = tmp_path / "events.out.tfevents.growing"
    file = EventFile(growing)
    seen = []
    for end in range(0, len(whole) + 7, 7):
        growing.write_bytes(whole[:end])
        file.update()
        assert file.problem == ""
        seen.append(len(file.scalars))
    assert [scalar.value for scalar in file.scalars] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2, 3, 4, 5}


@pytest.mark.parametrize("part", ["length", "event"])
def test_damage_is_told_and_what_came_before_it_stays(put_events, part):
    path = put_events("run", [(s, s, {"train/loss": float(s)}) for s in (1, 2, 3)])
    content = bytearray(path.read_bytes())
    place = 0
    for _ in range(2):  # the version and the first figure stay
        place += struct.unpack_from("<Q", content, place)[0] + 16
    # inside the event, the lowest bits of the number itself
    content[place + (3 if part == "length" else content.index(b"\x15", place) - place + 1)] ^= 1
    path.write_bytes(content)
    file = EventFile(path)
    file.update()
    assert [scalar.value for scalar in file.scalars] == [1.0]
    assert file.problem == (
        f"{path.name}: damaged at byte {place:,}; what follows there is not read"
    )


def test_torchs_writer_is_read_in_both_of_its_styles(tmp_path):
    pytest.importorskip("torch")
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(tmp_path / "run"))
    writer.add_scalar("train/loss", 0.5, 1)
    writer.add_scalar("train/loss", 0.25, 2, new_style=True)
    writer.add_text("args", "{}")
    writer.add_hparams({"lr": 0.1}, {})
    writer.close()
    (path,) = (tmp_path / "run").glob("events*")
    assert read(path) == [("loss", 1, 0.5), ("loss", 2, 0.25)]


def test_tensorflow_is_not_imported_where_it_is_installed(put_events, tmp_path):
    path = put_events("run", [(1, 1, {"train/loss": 0.5})])
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("raise SystemExit('imported')")
    program = (
        "import sys; from pathlib import Path\n"
        "from tui_finetune.runs.imports.event_files import EventFile\n"
        "assert 'tensorboard' not in sys.modules\n"
        "file = EventFile(Path(sys.argv[1])); file.update()\n"
        "print(len(file.scalars), 'tensorflow' in sys.modules, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["1", "False", "False"]


# --- a run of event files ---


def test_event_files_alone_are_a_run_with_times(home, put_events):
    folder = put_events("films", [
        (10, 1, {"train/loss": 0.5, "train/epoch": 0.5}),
        (20, 2, {"train/loss": 0.25, "train/epoch": 1.0}),
        (25, 2, {"eval/loss": 0.375, "eval/accuracy": 0.75, "train/epoch": 1.0}),
    ]).parent  # fmt: skip
    run = import_one(home, folder)
    history = read_history(run)
    assert [*history.curves] == ["loss", "eval_loss", "eval_accuracy"]
    assert [*history.curves["loss"].epochs] == [0.5, 1.0]
    gaps = [b - a for a, b in zip(*[iter(history.curves["loss"].times)] * 2, strict=True)]
    assert gaps == [10.0]
    (point,) = history.evaluations
    assert (point.step, point.epoch, point.time) == (2, 1.0, BEGAN + 25)
    status = read_status(run.status)
    assert (status.name, status.state, status.step) == ("films", "interrupted", 2)
    assert status.reason == "its files end at step 2; whether it goes on is not recorded"
    assert status.metrics == {"validation": {"loss": 0.375, "accuracy": 0.75}}


def test_writers_of_training_and_evaluation_are_one_run(home, put_events, tmp_path):
    put_events("films/train", [(1, 1, {"loss": 0.5}), (2, 2, {"loss": 0.25})])
    put_events("films/validation", [(3, 2, {"loss": 0.375})])
    run = import_one(home, tmp_path / "films")
    assert curve(run, "loss") == [(1, 0.5), (2, 0.25)]
    assert curve(run, "eval_loss") == [(2, 0.375)]


def test_logs_side_by_side_are_runs_of_their_own(home, put_events, tmp_path):
    put_events("runs/a", [(1, 1, {"loss": 0.5})])
    put_events("runs/b", [(1, 1, {"loss": 0.25})])
    runs = import_runs(home, tmp_path)
    assert sorted((read_status(run.status).name, curve(run, "loss")[0][1]) for run in runs) == [
        (f"{tmp_path.name}/a", 0.5), (f"{tmp_path.name}/b", 0.25),
    ]  # fmt: skip


def test_what_a_restart_repeats_stands_once(home, put_events):
    def steps(first, last, since, loss):
        return [
            (since + s, s, {"train/loss": loss, "train/learning_rate": 0.1})
            for s in range(first, last + 1)
        ]

    folder = put_events("films", [*steps(1, 7, 0, 0.5), (8, 7, {"eval/loss": 0.5})]).parent
    put_events("films", steps(5, 6, 100, 0.25))
    run = import_one(home, folder)
    assert curve(run, "loss") == [(1, 0.5), (2, 0.5), (3, 0.5), (4, 0.5), (5, 0.25), (6, 0.25)]
    assert len(curve(run, "learning_rate")) == 6
    assert "eval_loss" not in read_history(run).curves  # it was of step 7, which is not there yet


def test_a_second_evaluation_after_the_training_takes_no_training_away(home, put_events):
    folder = put_events("films", [
        (1, 1, {"train/loss": 0.5}), (2, 2, {"train/loss": 0.25}), (3, 2, {"eval/loss": 0.75}),
    ]).parent  # fmt: skip
    put_events("films", [(9, 2, {"eval/loss": 0.625})])
    run = import_one(home, folder)
    assert curve(run, "loss") == [(1, 0.5), (2, 0.25)]
    assert curve(run, "eval_loss") == [(2, 0.625)]


def test_numbers_that_are_none_are_gaps(home, put_events):
    path = put_events("films", [(1, 1, {"loss": math.nan}), (2, 2, {"loss": math.inf})])
    run = import_one(home, path.parent)
    assert [math.isnan(value) for _, value in curve(run, "loss")] == [True, True]


def test_the_end_of_the_training_is_seen(home, put_events):
    path = put_events("films", [
        (1, 1, {"train/loss": 0.5}),
        (2, 1, {"train/train_runtime": 1.5, "train/train_loss": 0.5, "train/total_flos": 1e9}),
    ])  # fmt: skip
    run = import_one(home, path.parent)
    status = read_status(run.status)
    assert (status.state, status.ended) == ("finished", BEGAN + 2)
    assert (status.step, status.total_steps) == (1, 1)
    assert read_history(run).summary["train_runtime"] == 1.5
    assert [*read_history(run).curves] == ["loss"]


def test_what_is_not_recorded_is_unknown(home, put_events):
    path = put_events("films", [(1, 1, {"train_loss": 0.5, "val_loss": 0.75})])
    history = read_history(import_one(home, path.parent))
    assert [*history.curves] == ["train_loss", "val_loss"]
    assert history.summary == {}
    assert not history.curves["val_loss"].knows("epoch")
    assert history.curves["val_loss"].knows("time")


# --- beside a state ---


def test_the_events_give_a_state_its_times_and_what_came_after_it(home, put_events, tmp_path):
    figures = [(10 * s, s, {"train/loss": 1 / s, "train/epoch": s / 4}) for s in range(1, 8)]
    put_events("films/runs/Apr01", figures)
    log = [{"step": s, "epoch": s / 4, "loss": 1 / s} for s in range(1, 5)]
    put_state(tmp_path / "films" / "checkpoint-4", 4, log, num_train_epochs=25)
    run = import_one(home, tmp_path / "films")
    history = read_history(run)
    loss = history.curves["loss"]
    assert [*loss.steps] == [1, 2, 3, 4, 5, 6, 7]
    assert [*loss.values[:4]] == [1 / s for s in range(1, 5)]  # in full, as the state has them
    assert [*loss.values[4:]] == pytest.approx([1 / s for s in range(5, 8)], rel=1e-6)
    assert [*loss.epochs] == [s / 4 for s in range(1, 8)]
    assert [b - a for a, b in zip(loss.times, loss.times[1:], strict=False)] == [10.0] * 6
    status = read_status(run.status)
    assert (status.step, status.total_steps) == (7, 100)
    # The next checkpoint says the same in full; nothing is there twice.
    log = [{"step": s, "epoch": s / 4, "loss": 1 / s} for s in range(1, 9)]
    put_state(tmp_path / "films" / "checkpoint-8", 8, log, num_train_epochs=25)
    assert refresh(run)
    loss = read_history(run).curves["loss"]
    assert [*loss.values] == [1 / s for s in range(1, 9)]
    assert math.isnan(loss.times[7])  # its event is not written yet
    assert not math.isnan(loss.times[6])


def test_figures_that_only_the_events_have_are_added(home, put_events, tmp_path):
    put_events("films/runs/x", [(1, 1, {"train/loss": 0.5, "my/own": 3.0})])
    put_state(tmp_path / "films", 100, [{"step": 1, "loss": 0.5}])
    run = import_one(home, tmp_path / "films")
    assert curve(run, "my/own") == [(1, 3.0)]
    assert curve(run, "loss") == [(1, 0.5)]


def test_the_events_of_another_try_in_the_same_folder_are_left_out(home, put_events, tmp_path):
    put_events("films/runs/first", [(s, s, {"train/loss": 9.0 + s}) for s in range(1, 60)])
    put_events("films/runs/second", [(100 + s, s, {"train/loss": 1 / s}) for s in range(1, 6)])
    put_state(tmp_path / "films", 4, [{"step": s, "loss": 1 / s} for s in range(1, 5)])
    run = import_one(home, tmp_path / "films")
    assert [step for step, _ in curve(run, "loss")] == [1, 2, 3, 4, 5]
    assert read_history(run).curves["loss"].knows("time")
    assert ["runs/first" in note["text"] for note in read_history(run).notes] == [True]


# --- followed ---


def test_a_live_log_is_followed_and_runs_as_long_as_it_is_fresh(home, put_events, tmp_path):
    ago = time.time() - BEGAN - 60
    whole = put_events("all", [(ago + s, s, {"train/loss": 1 / s}) for s in range(1, 9)])
    content = whole.read_bytes()
    live = tmp_path / "live" / "events.out.tfevents.1"
    live.parent.mkdir()
    live.write_bytes(content[: len(content) // 2])
    run = import_one(home, live.parent)
    assert read_status(run.status).state == "running"
    reader = HistoryReader(run)
    reader.update()
    first = len(reader.history.curves["loss"])
    assert 0 < first < 8
    journal = run.journal.read_bytes()
    assert not reader.update()
    live.write_bytes(content)
    assert reader.update()
    assert [*reader.history.curves["loss"].steps] == [*range(1, 9)]
    assert run.journal.read_bytes().startswith(journal)
    logs = [entry for entry in JournalReader(run.journal).read() if entry["event"] == "log"]
    assert len(logs) == 8


def test_a_new_file_beside_the_others_is_found(home, put_events):
    folder = put_events("films", [(1, 1, {"loss": 0.5})]).parent
    run = import_one(home, folder)
    follower = Follower(run)
    assert not follower.update()
    put_events("films", [(2, 2, {"loss": 0.25})])
    assert follower.update()
    assert curve(run, "loss") == [(1, 0.5), (2, 0.25)]


@pytest.mark.slow
def test_the_folder_of_a_real_trainer_equals_its_log(home, tmp_path, monkeypatch):
    """Trained with TensorBoard on and a checkpoint in the middle: state, events, and both."""
    torch = pytest.importorskip("torch")
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "out" / "runs" / "now"))
    config = BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8,
    )  # fmt: skip
    rows = [
        {"input_ids": torch.randint(30, (6,)), "labels": torch.tensor(n % 2)} for n in range(32)
    ]
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "out"), num_train_epochs=2, per_device_train_batch_size=4,
        logging_steps=2, eval_strategy="epoch", save_steps=10, report_to="tensorboard",
        use_cpu=True, disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(
        model=BertForSequenceClassification(config), args=arguments, train_dataset=rows,
        eval_dataset=rows[:8],
    )  # fmt: skip
    trainer.train()
    started = time.time()
    live = read_history(import_one(home, tmp_path / "out"))  # checkpoints and events
    trainer.save_state()
    run = import_one(home, tmp_path / "out")
    history = read_history(run)
    for name in ("loss", "grad_norm", "learning_rate", "eval_loss"):
        logged = [(e["step"], e["epoch"], e[name]) for e in trainer.state.log_history if name in e]
        found = history.curves[name]
        assert list(zip(found.steps, found.epochs, found.values, strict=True)) == logged
        assert [*live.curves[name].values] == pytest.approx([*found.values], rel=1e-6)
        assert found.knows("time")
        assert [*found.times] == sorted(found.times)
    assert history.summary["train_runtime"] == trainer.state.log_history[-1]["train_runtime"]
    assert sorted(history.checkpoints) == [10, 16]
    status = read_status(run.status)
    assert (status.state, status.step, status.total_steps) == ("finished", 16, 16)
    assert started - 300 < status.started < status.ended <= started
