import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_finetune.data import json_lists
from tui_finetune.data.json_lists import list_items
from tui_finetune.errors import InputError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(items=st.lists(values, max_size=6), indent=st.sampled_from([None, 1]), ascii=st.booleans())
def test_items_come_as_the_json_module_reads_them_however_the_file_is_cut(
    tmp_path_factory, items, indent, ascii
):
    path = Path(tmp_path_factory.getbasetemp()) / "list.json"
    path.write_text(json.dumps(items, indent=indent, ensure_ascii=ascii), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lists, "_PIECE", 3)
        assert list(list_items(path, "utf-8")) == items


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('[{"a": 1},\n{"b": }]', 2),
        ('[{"a": 1}\n{"b": 2}]', 2),
        ('[{"a": 1},\n\n{"b": 2}', 3),
        ('[{"a": 1}]\n[]', 2),
        ('[{"a": "open}]', 1),
        ("[1,\n2,\n]", 3),
    ],
)
def test_what_is_no_list_is_refused_with_its_line(write, content, line):
    with pytest.raises(InputError, match=f"line {line} is broken JSON"):
        list(list_items(Path(write("a.json", content)), "utf-8"))
