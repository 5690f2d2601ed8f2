"""A dataset of the hub, from the cache: the tests do not go to the network."""

import os
import subprocess
import sys
from pathlib import Path

import datasets
import pytest
from datasets.arrow_writer import ArrowWriter

from tui_finetune.data.hub import HubName, hub_name
from tui_finetune.data.parts import parts_of
from tui_finetune.data.source import open_source
from tui_finetune.data.splits import prepare
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection

SCRIPT = """
import sys
from tui_finetune.data.source import open_source
from tui_finetune.errors import InputError
for name in sys.argv[1:]:
    try:
        print(sum(len(rows) for rows in open_source(name).splits.values()), "rows")
    except InputError as error:
        print(error)
"""

FEATURES = datasets.Features(
    {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["bad", "good"])}
)


COMMIT, LATER = "0123456789abcdef0123456789abcdef01234567", "89abcdef" * 5


def keep(cache: Path, config: str, commit: str, rows: dict[str, int]) -> None:
    """Write a configuration of owner/films into the cache as `datasets` does."""
    folder = cache / "owner___films" / config / "0.0.0" / commit
    folder.mkdir(parents=True)
    splits = {}
    for split, count in rows.items():
        writer = ArrowWriter(features=FEATURES, path=str(folder / f"films-{split}.arrow"))
        for number in range(count):
            writer.write({"text": f"{config} {split} {number}", "label": number % 2})
        writer.finalize()
        splits[split] = datasets.SplitInfo(split, num_examples=count, dataset_name="films")
    datasets.DatasetInfo(
        features=FEATURES,
        splits=datasets.splits.SplitDict(splits),
        builder_name="parquet",
        dataset_name="films",
        config_name=config,
        version="0.0.0",
    ).write_to_directory(str(folder))


@pytest.fixture(autouse=True)
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache holds owner/films with two configurations."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    for config in ("plain", "other"):
        keep(tmp_path, config, COMMIT, {"train": 200, "test": 20})


def test_a_configuration_is_read_from_the_cache_with_its_splits_and_label_names(capfd):
    opened = open_source("owner/films:plain")
    assert {name: len(rows) for name, rows in opened.splits.items()} == {"train": 200, "test": 20}
    assert opened.dataset[1] == {"text": "plain train 1", "label": 1}
    assert opened.dataset.features["label"].names == ["bad", "good"]
    assert opened.digest == open_source("owner/films:plain").digest
    assert opened.digest != open_source("owner/films:other").digest
    assert opened.detected == {
        "kind": "hub dataset",
        "configuration": "plain",
        "commit": COMMIT,
    }
    assert capfd.readouterr() == ("", "")


def test_a_run_names_the_commit_and_has_its_rows_again_when_there_are_newer_ones(tmp_path):
    data = DataSection(source="owner/films:plain", validation="owner/films:other")
    first = prepare(data)
    settled = first.settled(data)
    assert settled.source == f"owner/films:plain@{COMMIT}"
    assert settled.validation == f"owner/films:other@{COMMIT}"
    keep(tmp_path, "plain", LATER, {"train": 300, "test": 20})
    assert prepare(settled).identity() == first.identity()
    assert prepare(data).settled(data).source == f"owner/films:plain@{LATER}"
    assert len(open_source(f"owner/films:plain@{LATER}").splits["train"]) == 300
    with pytest.raises(InputError, match="not in the cache, and HF_HUB_OFFLINE is set; unset it"):
        open_source(f"owner/films:plain@{'0' * 40}")


def test_a_slice_of_a_split_is_taken():
    data = DataSection(source="owner/films:plain", splits={"train": "train[:1%]"})
    train = parts_of(open_source(data.source), data)["train"]
    assert train.dataset["text"][:] == ["plain train 0", "plain train 1"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("owner/films", r"configurations in the cache: other, plain; write .* behind a colon"),
        ("owner/films:none", "config 'none'.*other.*plain"),
        ("owner/gone", "no such file or folder here, and as a dataset of the hub"),
        ("typo", "no such file or folder here"),
        ("imdb train[:1%]", r"give imdb as data\.source.*as data\.splits\.train"),
        ("owner/films[:10]", r"give owner/films as data\.source"),
        ("https://host/a.csv", r"this is an address.*download"),
    ],
)
def test_what_cannot_be_had_is_refused_in_one_line(source, words):
    with pytest.raises(InputError, match=words) as error:
        open_source(source)
    assert str(error.value).isprintable()


def test_an_unreachable_hub_is_said_at_once_and_the_cache_needs_none(tmp_path):
    here = {"HF_DATASETS_CACHE": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9"}
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "owner/films:plain", "owner/films:none", "owner/gone"],
        env=clean | here | {"NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "220 rows"
    assert all("the hub cannot be reached" in line for line in lines[1:])
    assert done.stderr == ""


def test_names_of_the_hub_are_told_from_paths():
    assert hub_name("owner/films:sst2") == HubName("owner/films", "sst2")
    assert hub_name("imdb") == HubName("imdb", None)
    assert hub_name("owner/films:a@main") == HubName("owner/films", "a", "main")
    for path in ("/data/films", "./films", "../films", "~/films", "a/b/c", "two words", ""):
        assert hub_name(path) is None
