import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.listing import RunSummary
from tui_finetune.runs.query import LONGEST_QUERY, filter_runs, parse_query
from tui_finetune.runs.query_keys import Vocabulary


def summary(name, **values):
    started = datetime(2026, 11, 2, 12, 30).timestamp()
    content = {
        "state": "finished", "reason": "", "started": started, "ended": started + 600,
        "task": "text-classification", "data": "/d/reviews.csv", "model": "starter", "step": 150,
        "total_steps": 150, "epoch": 3.0, "epochs": 3.0, "metrics": {}, **values,
    }  # fmt: skip
    return RunSummary(run=RunDirectory(Path(f"/runs/2026-{name}")), name=name, **content)


RUNS = [
    summary(
        "alpha",
        metrics={"validation": {"accuracy": 0.95, "loss": 0.1}, "test": {"accuracy": 0.85}},
        settings={
            "train.learning_rate": 5e-5, "train.seed": 1, "data.seed": 42, "train.bf16": True,
        },
        tags=("base", "night-1"),
    ),
    summary(
        "beta",
        state="failed", model="org/MiniLM-L6", epoch=0.5, step=25,
        metrics={"validation": {"accuracy": 0.92}},
        settings={"train.learning_rate": 2e-4, "train.seed": 2, "data.seed": 42},
        note="Out of Memory at night",
    ),
    summary(
        "gamma delta",
        origin="import", data="/d/trec.csv", started=None, ended=None,
        metrics={"validation": {"rewards/margins": 1.5, "accuracy": None}},
        settings={"train.lr_scheduler_type": "cosine", "train.report_to": ["wandb", "none"],
                  "train.bf16": None},
    ),
]  # fmt: skip


def found(query):
    return [run.name.partition(" ")[0] for run in filter_runs(RUNS, query)]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["alpha", "beta", "gamma"]),
        ("   ", ["alpha", "beta", "gamma"]),
        # words, in name, data, model, tags, note, id
        ("ALPHA", ["alpha"]),
        ("trec", ["gamma"]),
        ("minilm", ["beta"]),
        ("night", ["alpha", "beta"]),
        ("memory", ["beta"]),
        ("2026-beta", ["beta"]),
        ('"gamma delta"', ["gamma"]),
        ("'out of'", ["beta"]),
        ("delta gamma", ["gamma"]),
        ("finished", []),  # a state is no word
        # texts
        ("state:failed", ["beta"]),
        ("state:FAIL", ["beta"]),
        ("state=finished", ["alpha", "gamma"]),
        ("state!=finished", ["beta"]),
        ("model:minilm", ["beta"]),
        ("model=starter", ["alpha", "gamma"]),
        ("data:reviews", ["alpha", "beta"]),
        ("name:a", ["alpha", "beta", "gamma"]),
        ("name = beta", ["beta"]),
        ("tag:night", ["alpha"]),
        ("tag=night", []),
        ("tag!=base", ["beta", "gamma"]),
        ('not tag:""', ["beta", "gamma"]),
        ('note:"out of memory"', ["beta"]),
        ("task:text", ["alpha", "beta", "gamma"]),
        ("id:2026-al", ["alpha"]),
        ("origin=own", ["alpha", "beta"]),
        # figures: of the test if there is one, else of the best epoch
        ("accuracy>0.9", ["beta"]),
        ("accuracy >= 0.85", ["alpha", "beta"]),
        ("accuracy<90%", ["alpha"]),
        ("validation.accuracy>0.9", ["alpha", "beta"]),
        ("test.accuracy=0.85", ["alpha"]),
        ("loss<0.5", ["alpha"]),
        ("accuracy!=0.85", ["beta"]),  # what has no accuracy is not meant
        ("rewards/margins>1", ["gamma"]),
        ("rewards/margins>-1", ["gamma"]),
        ("epochs<3", ["beta"]),
        ("step==150", ["alpha", "gamma"]),
        # settings
        ("train.learning_rate>=1e-4", ["beta"]),
        ("learning_rate=5e-5", ["alpha"]),
        ("learning_rate:0.00005", ["alpha"]),
        ("learning_rate!=5e-5", ["beta"]),
        ("train.seed=1", ["alpha"]),
        ("lr_scheduler_type:cos", ["gamma"]),
        ("lr_scheduler_type=cos", []),
        ("bf16=true", ["alpha"]),
        ("bf16=null", ["gamma"]),
        ("report_to:wandb", ["gamma"]),
        ("lr_scheduler_type>3", []),
        # times
        ("started>2026-11-01", ["alpha", "beta"]),
        ("started>2026-11-02", []),
        ("started>=2026-11-02", ["alpha", "beta"]),
        ("started=2026-11-02", ["alpha", "beta"]),
        ("started<=2026-11", ["alpha", "beta"]),
        ("started<2026-11", []),
        ("started=2026", ["alpha", "beta"]),
        ("started!=2026", []),
        ("started=2026-11-02T12:30", ["alpha", "beta"]),
        ("started>2026-11-02T12:30", []),
        ("duration<1h", ["alpha", "beta"]),
        ("duration=10m", ["alpha", "beta"]),
        ("duration>=600", ["alpha", "beta"]),
        ("duration>9m59", ["alpha", "beta"]),
        ("duration>9m61s", []),
        # joined
        ("alpha or beta", ["alpha", "beta"]),
        ("state:finished accuracy>0.8", ["alpha"]),
        ("state:finished and accuracy>0.8", ["alpha"]),
        ("not state:finished", ["beta"]),
        ("NOT alpha AND NOT beta", ["gamma"]),
        ("-alpha", ["beta", "gamma"]),
        ("--alpha", ["alpha"]),
        ("-(alpha or beta)", ["gamma"]),
        ("alpha or beta minilm", ["alpha", "beta"]),  # side by side binds closer
        ("(alpha or beta) minilm", ["beta"]),
        ("not not alpha", ["alpha"]),
        ('"or"', ["beta"]),  # a word of its note has it
        ("night-1", ["alpha"]),  # a minus inside a word is part of it
    ],
)
def test_a_query_means_these_runs(query, names):
    assert found(query) == names


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("acuracy>0.9", "at character 1: there is no key acuracy; did you mean accuracy?"),
        ("x lerning_rate>1", "at character 3: there is no key lerning_rate; did you mean learn"),
        ("12:30", "there is no key 12; .* a text goes in quotes"),
        ("seed=1", "several settings: write data.seed or train.seed"),
        ("accuracy>", "at character 9, >: a value is missing after accuracy>"),
        ("accuracy> )", "a value is missing after accuracy>"),
        ("accuracy>high", "high is no number: write one, such as accuracy>0.9"),
        ("accuracy>nan", "nan is no number"),
        ("learning_rate>fast", "fast is no number: write one, such as train.learning_rate>0.9"),
        ("duration<soon", "soon is no length of time: write one, such as duration<1h30"),
        ("duration<1h2x", "no length of time"),
        ("started<foo", "foo is no date: write one, such as started<2026-11-01"),
        ("started<0001-01-01T00:00:00", "is no date"),
        ("state<3", "state is a text: write state:… or state=… instead of <"),
        ("state:faild", "no state is faild: there are queued, starting, running"),
        (">3", "at character 1, >: a key is missing before this"),
        ("(a", "at character 1, \\(: this parenthesis is not closed"),
        ("a)", 'at character 2, \\): there is no "\\(" before this'),
        ("()", "at character 2, \\): a word or a comparison is missing before this"),
        ("or a", 'what should be joined by "or" is missing'),
        ("a or", "at character 3, or: something is missing after this"),
        ("not", "something is missing after this"),
        ('say "hello', 'at character 5, ": this quote is not closed'),
        ("(" * 51 + "a", "at most 50 parentheses"),
        ("x" * (LONGEST_QUERY + 1), "at most 1,000 characters, not 1,001"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_write(query, message):
    with pytest.raises(InputError, match=message):
        parse_query(query, Vocabulary.of(RUNS))


def test_a_key_that_only_some_run_has_is_known_by_the_runs():
    with pytest.raises(InputError, match="no key rewards/margins"):
        parse_query("rewards/margins>1", Vocabulary())
    assert parse_query("rewards/margins>1", Vocabulary.of(RUNS))(RUNS[2])


def test_the_figures_of_every_kind_of_labels_are_known_before_there_is_a_run():
    for name in ("accuracy", "f1_micro", "hamming_loss", "mae", "rmse", "r2", "test.pearson"):
        assert not parse_query(f"{name}>0.9", Vocabulary())(RUNS[2])


def test_the_settings_of_every_recipe_are_known_before_there_is_a_run():
    for key in (
        "train.learning_rate",
        "weight_decay",
        "tokens.max_length",
        "early_stopping.metric",
    ):
        assert not parse_query(f"{key}=1", Vocabulary())(RUNS[2])


def test_a_live_run_takes_until_now():
    live = summary("live", state="running", started=time.time() - 7200, ended=None)
    assert parse_query("duration>1h59", Vocabulary())(live)
    assert not parse_query("duration>2h1", Vocabulary())(live)


def test_today_and_yesterday_are_days():
    now = summary("now", started=time.time())
    assert parse_query("started=today", Vocabulary())(now)
    assert parse_query("started>yesterday", Vocabulary())(now)
    assert not parse_query("started=yesterday", Vocabulary())(now)


def test_a_message_holds_no_control_characters():
    with pytest.raises(InputError) as caught:
        parse_query("\x1b]52;c;AAAA\x07\u202e>1", Vocabulary())
    assert not set("\x1b\x07\u202e") & set(str(caught.value))


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["(", ")", "-", "not", "or", "and", ">", "<=", ":", "=", "!", "!=", '"', "'", " ",
             "accuracy", "state", "seed", "started", "duration", "tag", "0.9", "1h", "%", "T12:30"]
        ),
        st.text(max_size=4),
    ),
    max_size=30,
)  # fmt: skip


@given(st.one_of(st.text(max_size=60), PIECES.map("".join), PIECES.map(" ".join)))
@example("-" * 900)
@example("not " * 240)
@example("(" * 900)
@example("duration=" + "9" * 900)
@example("started=9999-12-31")
@example("started=9999")
@example("epochs=" + "9" * 900)
@example("learning_rate=1e999")
def test_any_text_is_a_query_or_an_input_error(text):
    with suppress(InputError):
        query = parse_query(text, Vocabulary.of(RUNS))
        assert {query(run) for run in RUNS} <= {True, False}
