"""The digest of a plugin's code: what it covers, and what it does not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ddbench.plugins.source_code import PluginCode, code_digest, outdated

FILES = {
    "shed/__init__.py": "",
    "shed/tool.py": '"""A tool."""\nfrom .parts import blade\nfrom . import screws\nimport barn\n',
    "shed/parts/__init__.py": "",
    "shed/parts/blade.py": "LENGTH = 3\n",
    "shed/screws.py": "def turn():\n    from shed.late import more\n    return more\n",
    "shed/late.py": "more = 1\n",
    "shed/unused.py": "x = 1\n",
    "barn.py": "HAY = 1\n",
}


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str | None]]:
    """The digest of `shed.tool` with some of its files replaced."""
    monkeypatch.syspath_prepend(tmp_path)

    def of(*packages: str, **changed: str) -> str | None:
        for name, text in FILES.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(changed.get(path.stem, text), encoding="utf-8")
        __import__("shed.tool")
        return code_digest("shed.tool", packages or ("shed",))

    yield of
    for name in [one for one in sys.modules if one.partition(".")[0] in ("shed", "barn")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "changed",
    [
        {"tool": FILES["shed/tool.py"] + "x = 1\n"},
        {"blade": "LENGTH = 4\n"},
        {"screws": FILES["shed/screws.py"].replace("return more", "return -more")},
        {"late": "more = 1.0\n"},
    ],
)
def test_code_that_is_imported_counts(
    changed: dict[str, str], digest: Callable[..., str | None]
) -> None:
    assert digest(**changed) != digest()


@pytest.mark.parametrize(
    "changed",
    [
        {"tool": FILES["shed/tool.py"].replace("A tool", "Many tools")},
        {"blade": "# of steel\nLENGTH  =  3  # cm\n"},
        {"blade": '"""Blades."""\nLENGTH = 3\n"""In cm."""\n'},
        {"unused": "x = 2\n"},
        {"barn": "HAY = 2\n"},
    ],
)
def test_words_what_is_not_imported_and_other_packages_do_not_count(
    changed: dict[str, str], digest: Callable[..., str | None]
) -> None:
    assert digest(**changed) == digest()


def test_another_package_counts_where_it_is_one_of_the_plugin(
    digest: Callable[..., str | None],
) -> None:
    assert digest("shed", "barn", barn="HAY = 2\n") != digest("shed", "barn")


def test_a_file_that_cannot_be_parsed_counts_by_its_bytes(
    digest: Callable[..., str | None],
) -> None:
    assert digest(late="more = (\n") != digest(late="more = [\n")


def test_a_formula_of_absurd_size_counts_by_its_bytes(digest: Callable[..., str | None]) -> None:
    long = "more = " + "-" * 300 + "1\n" + "x = " + " + ".join(["1"] * 3000) + "\n"
    assert digest(late=long) != digest(late=long.replace("1\n", "2\n", 1))


@pytest.mark.parametrize("value", ["2", "'1'", "'int 1'", "1.0", "True", "None", "b'1'", "0x10"])
def test_values_of_any_type_are_told_apart(value: str, digest: Callable[..., str | None]) -> None:
    assert digest(late=f"more = {value}\n") != digest(late="more = 1\n")


def test_a_module_without_a_file_has_no_digest() -> None:
    assert code_digest("sys", ["sys"]) is None
    assert code_digest("no.such.module", ["no"]) is None


def code(digest: str | None) -> PluginCode:
    return PluginCode("method", "mine", "package", "1.0", None, None, digest)


@pytest.mark.parametrize(
    ("before", "now", "known", "any"),
    [("a", "a", False, False), ("a", "b", True, True), ("a", None, True, True)],
)
def test_code_is_outdated_where_it_differs_or_cannot_be_known(
    before: str, now: str | None, known: bool, any: bool
) -> None:
    noted = [code(before).plain()]
    assert outdated(noted, [code(now)]) == ["method mine"] * known
    assert outdated(noted, [code(now)], unknown=True) == ["method mine"] * any


def test_code_that_was_not_noted_is_outdated_on_demand_alone() -> None:
    assert outdated([], [code("a")]) == []
    assert outdated([], [code("a")], unknown=True) == ["method mine"]
