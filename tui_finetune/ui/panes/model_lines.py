"""What the Model pane says: a model in a line of the list, and what is known of one."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.draft import Finding
from tui_finetune.ui.widgets.confusion import fit
from tui_finetune.ui.words import UNKNOWN, ago, count, counted, short_source, size

Entry = Mapping[str, Any]

# From this width of the list on there is room for when a model was used.
_ROOMY = 52

_KINDS = {"starter": "starter", "run": "run", "local": "folder", "cache": "cache"}

_PLACES = {"cache": "in the Hugging Face cache", "hub": "on the Hugging Face hub"}

_LABELS_SHOWN = 6

# Of a long path the end says most.
_PATH_SHOWN = 36

_UNKNOWN_YET = "Not looked at. Choose it again to look; files that came whole are kept."

# What follows "For" in the name of an architecture, in words.
_HEADS = {
    "MaskedLM": "masked words",
    "CausalLM": "next word",
    "PreTraining": "pretraining",
    "QuestionAnswering": "answers",
    "TokenClassification": "labels of words",
    "ConditionalGeneration": "texts",
}

SWITCHES = {
    "model.allow_pickle": "pickled weights are allowed",
    "model.trust_remote_code": "its own code is run",
}


def entry_line(entry: Entry, width: int, now: float) -> Content:
    """Return a model of the list in a line of `width` cells."""
    sign, style = ("  ", "bold") if entry.get("ready", True) else ("! ", "$text-warning")
    if entry["kind"] == "hub":
        columns = [f"{count(entry['downloads']):>8}", f"{size(entry['size_bytes']):>7}"]
        if width >= _ROOMY:
            columns.insert(1, f"{count(entry['likes']):>6}")
            columns.append(f" {fit(clean(entry['license'] or UNKNOWN), 12)}")
    else:
        columns = [
            fit(_KINDS.get(entry["kind"], clean(entry["kind"])), 7),
            f"{size(entry['disk_bytes'] or entry['size_bytes']):>7}",
        ]
        if width >= _ROOMY:
            columns.append(f"{ago(entry['last_used'], now):>12}")
    rest = " ".join(columns)
    revision = entry.get("revision")
    at = f" @{clean(revision, 8)}" if revision else ""
    room = max(width - len(sign) - len(rest) - 1, 16)
    name = clean(entry["name"])
    name = fit(name, min(cell_len(name), room - len(at))) + at
    return Content.assemble((sign, style), (fit(name, room), style), (f" {rest}", "$text-muted"))


def title_line(title: str, kind: str, width: int) -> Content:
    """Return a title over the list, with what its columns are where there is room in `width`.

    `kind` is hub or here.
    """
    roomy = width >= _ROOMY
    if kind == "hub":
        wide = ["downloads", " likes", "   size", " licence     "]
        columns = wide if roomy else ["downloads", "   size"]
    else:
        columns = ["   size", "   last used"] if roomy else ["   size"]
    names = " ".join(columns)
    room = width - len(names)
    if len(title) >= room:
        return Content.styled(title, "bold")
    return Content.assemble((fit(title, room), "bold"), (names, "$text-muted"))


def hub_title(found: Finding, words: str, order: str, width: int) -> Content:
    """Return how many models the hub has for `words`, or why there are none."""
    if found.error:
        return Content.styled("✗ no answer (Esc: back)", "$text-error")
    if found.busy:
        return Content.styled("asking the hub …", "$text-muted")
    if not found.result:
        return Content.styled(f"the hub has nothing for {clean(words, 30)}", "$text-warning")
    return title_line(f"hub: {len(found.result)}, {order}", "hub", width)


def description(source: str, entry: Entry | None, found: Finding, chosen: bool) -> Content:
    """Return what is known of a model, a line for each fact; `chosen` if it is the draft's."""
    name = clean(entry["name"] if entry else source, 60)
    lines = [Content.styled(name, "bold")]
    if entry is not None and entry["kind"] != "starter":
        place = _PLACES.get(entry["kind"]) or entry.get("about") or _end_of(source)
        lines.append(Content.styled(clean(place), "$text-muted"))
    if entry is not None and not entry.get("ready", True) and not found.error:
        lines.append(Content.styled(f"! {clean(entry['note'])}", "$text-warning"))
    result = found.result or {}
    if found.error:
        # Which folder, the lines above say.
        error = found.error.replace(f"model folder '{clean(result.get('path'))}' ", "it ")
        lines.append(Content.styled(f"✗ {error}", "$text-error"))
    if switch := (result.get("problem") or {}).get("switch"):
        asks = "a asks whether to allow it" if chosen else "Enter, then a, asks whether to allow it"
        lines.append(Content.styled(f"{asks} ({clean(switch)})", "$text-warning"))
    told: list[tuple[str, str]] = []
    if "weights" in result:
        told = facts(result, entry)
    elif entry is not None and entry["kind"] == "hub":
        told = hub_facts(entry)
    elif chosen and found == Finding():
        lines.append(Content.styled(_UNKNOWN_YET, "$text-muted"))
    lines += [Content.assemble((f"{label:<16}", "$text-muted"), value) for label, value in told]
    if told and entry is not None and entry["kind"] == "hub" and not result:
        lines.append(Content.styled("Enter downloads it and takes it.", "$text-muted"))
    return Content("\n").join(lines)


def _end_of(path: str) -> str:
    return path if len(path) <= _PATH_SHOWN else "…" + path[1 - _PATH_SHOWN :]


def facts(model: Mapping[str, Any], entry: Entry | None) -> list[tuple[str, str]]:
    """Return label and value of what a person wants to know of a model."""
    longest = model["max_length"]
    weights = f"{model['weights'] or 'missing'}, {size(model['size_bytes'])}"
    told = [
        ("architecture", clean(model["architecture"] or model["model_type"] or UNKNOWN)),
        ("parameters", count(model["parameters"])),
        ("weights", weights if model["weights"] else "missing"),
        ("layers", count(model["layers"])),
        ("hidden size", count(model["hidden_size"])),
        ("attention heads", count(model["heads"])),
        ("vocabulary", count(model["vocabulary"])),
        ("longest text", UNKNOWN if longest is None else f"{longest} tokens"),
        ("head", head_words(model)),
        ("tokenizer", "there" if model["tokenizer"] else "missing"),
        ("licence", clean(model["license"] or UNKNOWN)),
    ]
    if model["revision"]:
        told.append(("revision", clean(model["revision"], 13)))
    if entry is not None and entry.get("disk_bytes"):
        told.append(("size on disk", size(entry["disk_bytes"])))
    if entry is not None and entry.get("last_used"):
        told.append(("last used", ago(entry["last_used"], time.time())))
    if model["code"]:
        told.append(("own code", clean(", ".join(model["code"]), 60)))
    return told


def head_words(model: Mapping[str, Any]) -> str:
    """Return what head a model has, and what becomes of it."""
    head, labels = model["head"], model["labels"]
    if model["has_head"] and labels:
        some = ", ".join(clean(label, 20) for label in labels[:_LABELS_SHOWN])
        more = "" if len(labels) <= _LABELS_SHOWN else ", …"
        return f"for {counted(len(labels), 'label')}: {some}{more}"
    if model["has_head"]:
        return "for classifying, its labels unknown"
    if head is None:
        return UNKNOWN
    if head == "":
        return "none; one is made"
    return f"{_HEADS.get(head, clean(head, 30))}; made anew"


def hub_facts(entry: Entry) -> list[tuple[str, str]]:
    """Return label and value of what the hub says of a model that was searched for."""
    changed = entry["last_modified"]
    weights = "safetensors" if entry["safetensors"] else "no safetensors"
    return [
        ("downloads", count(entry["downloads"])),
        ("likes", count(entry["likes"])),
        ("licence", clean(entry["license"] or UNKNOWN)),
        ("parameters", count(entry["parameters"])),
        ("size", size(entry["size_bytes"])),
        ("weights", weights),
        ("made for", clean(entry["task"] or UNKNOWN)),
        ("access", "gated (HF_TOKEN)" if entry["gated"] else "open"),
        ("changed", ago(changed, time.time())),
    ]


def chosen_line(model: Mapping[str, Any], found: Finding) -> Content:
    """Return which model is chosen, what is allowed for it, and what to do next."""
    parts: list[tuple[str, str]] = [
        ("Chosen: ", "$text-muted"),
        (short_source(str(model["source"])), "bold"),
    ]
    allowed = [words for key, words in SWITCHES.items() if model[key.partition(".")[2]]]
    if allowed:
        parts.append((f"   ! {' and '.join(allowed)} (a takes it back)", "$text-warning"))
    if found.error:
        switch = ((found.result or {}).get("problem") or {}).get("switch")
        what = "refused; a asks whether to allow it" if switch else "choose another"
        parts.append((f"   it cannot be used: {what}", "$text-error"))
    elif not found.busy and not allowed:
        parts.append(("   Enter chooses, / finds · Next: Tune (F3)", "$text-muted"))
    return Content.assemble(*parts)


def risk(switch: str, source: str, code: Sequence[str]) -> tuple[str, str, str]:
    """Return title, details and answer of the question before something unsafe is allowed."""
    name = short_source(source)
    recipe = f"It will stand in the recipe as {switch}: true."
    if switch == "model.allow_pickle":
        return (
            f"Load the pickled weights of {name}?",
            "A pickle is a small program: loading one can run any code, with all your rights. "
            "It is read with torch's weights_only, which refuses all but tensors; that guard has "
            "had holes before. Allow it only if you trust whoever made this model. " + recipe,
            "load them",
        )
    files = clean(", ".join(code) or "the Python files that come with it", 200)
    return (
        f"Run the code that comes with {name}?",
        f"{files}: run with all your rights, it can read, change and send whatever you can. "
        "Read it before you allow it. " + recipe,
        "run it",
    )
