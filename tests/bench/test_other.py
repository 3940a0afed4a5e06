"""Another ddbench is started by its command, answers in its own process, and reports errors."""

from __future__ import annotations

import shlex
import sys
import types
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import ddbench
from ddbench import UserError
from ddbench.bench import earlier as present
from ddbench.bench.measure import NotMeasured, Plan, measure
from ddbench.bench.other import FILE, Other, child_command
from ddbench.bench.workloads import completed

ROOT = Path(str(ddbench.__file__)).resolve().parents[1]
COMMAND = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "ddbench"]
WORDS = completed(["dataset=digits", "ipc=1", "budget=smoke", "model.width=8", "threads=1"])


def test_a_command_with_a_module_starts_its_python():
    words = ["env", "PYTHONPATH=/a", "/b/python", "-m", "ddbench"]
    assert child_command(words) == ["env", "PYTHONPATH=/a", "/b/python", str(FILE)]


def test_a_script_starts_the_python_of_its_first_line(tmp_path):
    script = tmp_path / "ddbench"
    script.write_text("#!/some where/python3\nimport ddbench\n", encoding="utf-8")
    assert child_command([str(script)]) == ["/some where/python3", str(FILE)]


def test_a_python_alone_is_started(tmp_path):
    assert child_command([sys.executable]) == [sys.executable, str(FILE)]
    assert child_command([str(tmp_path / "none")]) == [str(tmp_path / "none"), str(FILE)]


def test_another_process_measures_and_says_what_it_cannot(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # a killed process leaves its networks behind
    other = Other(COMMAND)
    try:
        assert other.whereabouts["folder"] == str(ROOT / "ddbench")
        with pytest.raises(NotMeasured, match="UserError: unknown"):
            other.open("random", [*WORDS, "sed=1"], 10)
        (one,) = measure(other, "student", WORDS, "", Plan(seconds=0, batch=10), other, other)
        assert len(one.ratios_to_other) == len(one.ratios_to_floor) == 3
        assert one.other_problem is None
        other._process.kill()
        with pytest.raises(UserError, match="it ended while it measured"):
            other.step(0, 1)
    finally:
        other.close()


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            "raise SystemExit('no such thing')",
            "is not a ddbench that can be compared: no such thing",
        ),
        ("print('hello')", "is not a ddbench that can be compared"),
        ("""print('{"protocol": "ddbench-bench-child/9"}')""", "speaks ddbench-bench-child/9, not"),
    ],
)
def test_what_does_not_answer_like_a_ddbench_is_said_in_a_line(program, told):
    with pytest.raises(UserError, match="against=") as error:
        Other([sys.executable, "-c", program])
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_what_cannot_be_started_is_said_in_a_line():
    with pytest.raises(UserError, match="cannot be started"):
        Other(shlex.split("/no/such/python -m ddbench"))


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """An earlier ddbench, called `earlier`, with this folder's `earlier` put into it."""
    package = tmp_path / "earlier"
    files = [f"{name.replace('.', '/')}.py" for name in present.MOVED.values()]
    for name in [*files, "config.py"]:
        file = package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(f"NAME = {name!r}\n", encoding="utf-8")
    (package / "cli" / "compose.py").write_text(
        "from types import SimpleNamespace as N\n"
        "said = []\n"
        "register = lambda: said.append('registered')\n"
        "check_overrides = said.append\n"
        "compose_config = lambda words: N(words=words, hydra=N(runtime=N(choices='chosen')))\n",
        encoding="utf-8",
    )
    (package / "config.py").write_text(
        "request_from = lambda config, choices: (config.words, choices)\n", encoding="utf-8"
    )
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "__init__.py").write_text("HERE = True\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield __import__("earlier")
    for name in set(sys.modules) - before:
        del sys.modules[name]


def put_into(package: types.ModuleType) -> types.ModuleType:
    spec = spec_from_file_location(f"{package.__name__}.bench.earlier", present.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_earlier_version_answers_to_the_present_names(checkout):
    put_into(checkout).give_present_names(checkout)
    for now, before in present.MOVED.items():
        assert sys.modules[f"earlier.{now}"].__name__ == f"earlier.{before}"
    compose = sys.modules["earlier.runs.compose"]
    assert compose.request_of(["a=1"]) == (["a=1"], "chosen")
    assert compose.said == ["registered", ["a=1"]]


def test_a_checkout_has_its_own_methods_where_there_is_no_installation(checkout):
    module = put_into(checkout)
    module.take_rooms_beside(checkout)
    assert "earlier.methods" not in sys.modules  # nothing says that it is a checkout
    root = Path(str(checkout.__file__)).parents[1]
    (root / "pyproject.toml").touch()
    module.take_rooms_beside(checkout)
    assert sys.modules["earlier.methods"].HERE
    assert checkout.methods is sys.modules["earlier.methods"]
    assert "earlier.configs" not in sys.modules


def test_a_folder_outside_a_repository_has_no_commit(checkout):
    told = put_into(checkout).whereabouts(checkout)
    assert told == {"folder": str(Path(str(checkout.__file__)).parent), "commit": None}
