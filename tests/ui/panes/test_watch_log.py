from tui_finetune.ui.panes.watch_log import LogTail


def test_the_log_tail_keeps_what_a_progress_bar_showed_last(tmp_path):
    log = tmp_path / "trainer.log"
    log.write_bytes(b"start\n 10%\r 50%\r100%\nbad \xff byte\nhalf")
    tail = LogTail(log)
    tail.read(to_the_end=False)
    assert list(tail.lines) == ["start", "100%", "bad \ufffd byte"]
    with log.open("ab") as file:
        file.write(b" line\n")
    tail.read(to_the_end=False)
    assert list(tail.lines)[3:] == ["half line"]
    assert tail.count == 4


def test_the_log_tail_of_an_ended_run_has_its_last_line_without_an_end(tmp_path):
    log = tmp_path / "trainer.log"
    log.write_text("one\nTraceback")
    tail = LogTail(log)
    tail.read(to_the_end=True)
    tail.read(to_the_end=True)
    assert list(tail.lines) == ["one", "Traceback"]


def test_a_huge_log_is_read_from_near_its_end(tmp_path):
    log = tmp_path / "trainer.log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    tail = LogTail(log)
    tail.read(to_the_end=True)
    assert tail.lines[-1] == "line 99999"
    assert tail.lines[0] == "line 99000"


def test_a_log_that_begins_anew_is_read_anew(tmp_path):
    log = tmp_path / "trainer.log"
    log.write_text("a long line of the first try\n")
    tail = LogTail(log)
    tail.read(to_the_end=False)
    log.write_text("second\n")
    tail.read(to_the_end=False)
    assert tail.lines[-1] == "second"
