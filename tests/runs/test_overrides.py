"""Words as Hydra reads them: which are quoted, and the messages for unreadable ones."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from ddbench.errors import UserError
from ddbench.runs.compose import composed, request_of
from ddbench.runs.overrides import given_value, parsed, readable

TEXTS = [
    "/data/a=b",
    "/data/é",
    "/数据/x",
    "/d[1]",
    "a(b)",
    "it's=x",
    "a;b",
    "~/x",
    "a\\=b=c",
    "a&b",
]
LEFT_ALONE = ["/a,b=c", "[a", "{a", '"a', "'a", "${x}=a", "a=\nb"]
NO_KEYS = ["a.=3", ".a=3", "é=3", "a-b=c=d"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_that_the_grammar_does_not_read_is_quoted(text):
    words = [f"dataset.path={text}", "ipc=2"]
    assert given_value(readable(words), "dataset.path") == text
    assert readable(words)[1] == "ipc=2"
    assert readable(readable(words)) == readable(words)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_may_be_a_list_or_several_values_is_refused_with_its_quoted_form(text):
    word = f"data_root={text}"
    assert readable([word]) == [word]
    with pytest.raises(UserError, match="cannot read") as refused:
        parsed(word)
    if "\n" not in text:
        assert "a text with such signs is quoted: " in str(refused.value)


@pytest.mark.parametrize("text", ["/a,b=c", "[a", "/c,d"])
def test_the_quoted_form_that_is_shown_is_the_one_that_works(text, tmp_path):
    with pytest.raises(UserError) as refused:
        request_of([f"data_root={text}", "dataset=digits"])
    shown = str(refused.value).rstrip(")").rpartition(" ")[2].strip('"')
    assert str(request_of([shown, "dataset=digits"]).data_root) == text


def test_a_run_with_a_folder_of_another_script_needs_no_quotes(tmp_path):
    request = request_of([f"data_root={tmp_path}/数据=é", "dataset=digits"])
    assert request.data_root == tmp_path / "数据=é"


@pytest.mark.parametrize("word", ["method=apm", "ipc=1,2", "protocols=[a,b]", "a=glob(d*)", "a="])
def test_a_word_that_the_grammar_reads_stays_as_it_is(word):
    assert readable([word]) == [word]
    assert OverridesParser.create().parse_overrides([word])


@pytest.mark.parametrize("word", ["hydra.job.name=x", "hydra/launcher=joblib", "+hydra.x=1"])
def test_settings_of_hydra_are_for_sweeps(word):
    with pytest.raises(UserError, match=r"for sweeps, with -m$"):
        composed([word])


@pytest.mark.parametrize("word", NO_KEYS)
def test_what_has_no_key_is_not_quoted(word):
    assert readable([word]) == [word]
    with pytest.raises(UserError, match=r"write key=value, such as method=apm or ipc=10$"):
        parsed(word)
