"""A plugin under development: after a change its set is made again, and no faulty one is kept."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packages import Package

from ddbench import UserError
from ddbench.distilling.registry import METHODS
from ddbench.models.registry import MODELS
from ddbench.plugins.registry import Registry
from ddbench.runs.execute import Outcome, execute
from ddbench.scoring.registry import EVALUATORS

APPLE = '''
from ddbench import Method, TrainingRecipe
from .core import images_of


class Apple(Method):
    """Real images, changed."""

    def finish(self):
        images, labels = images_of(self.task), self.task.class_ids()
        evaluation = TrainingRecipe(epochs=10, learning_rate=0.01)
        return self.task.distilled_set(images, labels, evaluation=evaluation)
'''
CORE = """
def images_of(task):
    return task.real.images(task.real_subset()) * 0.5
"""
TALL = '''
from ddbench import Evaluator, Measurement

class Tall(Evaluator):
    """Height."""

    def evaluate(self, run):
        return [Measurement("height", 8.0, "pixels", (), {"subject": "all"})]
'''

Run = Callable[..., Outcome]


@pytest.fixture
def run(tiny: Callable[..., Any], tmp_path: Path) -> Run:
    """A run whose store is kept from one call to the next."""

    def execute_with(*words: str, quiet: bool = True) -> Outcome:
        usual = ("method=random", "protocols=[hard]", "model.width=8", "budget.networks=1")
        return execute(tiny(tmp_path / "runs", *usual, *words), quiet)

    return execute_with


@pytest.fixture
def orchard(package: Package) -> Package:
    package.write({"apple.py": APPLE, "core.py": CORE, "tall.py": TALL})
    package.install(methods="apple = orchard.apple:Apple", evaluators="tall = orchard.tall:Tall")
    return package


def log_of(outcome: Outcome) -> str:
    return (outcome.folder / "log.txt").read_text(encoding="utf-8")


def test_changed_code_of_another_package_makes_the_set_anew(orchard: Package, run: Run) -> None:
    first = run("method=apple")
    assert first.ran
    assert not run("method=apple").ran
    orchard.write({"core.py": CORE.replace("0.5", "0.25")})  # a module that the plugin imports
    second = run("method=apple")
    assert second.ran
    assert second.record.distilled.sha256 != first.record.distilled.sha256
    orchard.write({"core.py": CORE})
    assert run("method=apple").folder == first.folder


def test_words_about_the_code_change_nothing(orchard: Package, run: Run) -> None:
    assert run("method=apple").ran
    told = CORE.replace("task):", 'task):\n    """Half as bright."""\n')
    told = told.replace("* 0.5", "*  0.5 # of all")
    orchard.write({"core.py": told, "apple.py": APPLE.replace("changed", "halved")})
    assert not run("method=apple").ran


def test_a_changed_evaluator_of_another_package_measures_anew(orchard: Package, run: Run) -> None:
    heights = []
    for text in (TALL, TALL.replace("8.0", "9.0")):
        orchard.write({"tall.py": text})
        outcome = run("evaluators=[tall]")
        assert outcome.ran
        heights += [m.value for m in outcome.record.measurements if m.metric == "height"]
    assert heights == [8, 9]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (" * 0.5)[:, :, :6, :6", "images of shape (1, 6, 6), not (1, 8, 8)"),
        (" / 0.0)[:, :, :, :", "not finite"),
        (")[:9", "labels must be int64"),
    ],
)
def test_a_faulty_set_is_refused_before_it_is_kept(
    wrong: str, told: str, orchard: Package, run: Run, tmp_path: Path
) -> None:
    sound = "task.real.images(task.real_subset())"
    orchard.write({"core.py": CORE.replace(f"{sound} * 0.5", f"({sound}{wrong}]")})
    with pytest.raises((ValueError, UserError)) as error:
        run("method=apple")
    assert told in str(error.value)
    assert not list(tmp_path.glob("runs/artefacts/distilled/*.json"))
    orchard.write({"core.py": CORE})
    assert run("method=apple").ran


def test_what_is_no_set_is_refused(orchard: Package, run: Run) -> None:
    orchard.write({"apple.py": APPLE.replace("return self", "return 3\n        self")})
    with pytest.raises(TypeError, match="no distilled set, but a int"):
        run("method=apple")


def test_the_record_names_package_version_and_code(orchard: Package, run: Run) -> None:
    facts = {one.name: one for one in run("method=apple").record.plugins or ()}
    assert facts.keys() == {"apple", "random", "digits", "convnet", "accuracy"}
    apple = facts["apple"]
    assert (apple.kind, apple.package, apple.version) == ("method", "orchard", "1.2")
    assert (apple.commit, apple.modified) == (None, None)
    assert apple.digest == METHODS.code("apple").digest
    assert facts["digits"].package == "ddbench"


def test_the_commit_of_a_checkout_is_named(orchard: Package) -> None:
    def git(*words: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@b.c")
        command = ["git", "-C", str(orchard.folder), *who, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", "orchard")
    git("commit", "-q", "-m", "Apples")
    code = METHODS.code("apple")
    assert (code.commit, code.modified) == (git("rev-parse", "HEAD"), False)


@pytest.mark.parametrize(
    ("registry", "name"), [(METHODS, "random"), (MODELS, "convnet"), (EVALUATORS, "accuracy")]
)
def test_changed_code_of_this_program_is_said_and_made_anew_on_demand(
    registry: Registry[Any],
    name: str,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = run()
    monkeypatch.setitem(registry._digests, registry[name], "0" * 64)
    capsys.readouterr()
    assert not run(quiet=False).ran
    note = f"note: the code of {registry.noun} {name} may have changed since the stored results"
    assert capsys.readouterr().out.count(note) == 1
    anew = run("fresh=true")
    assert anew.ran
    assert anew.folder == first.folder
    assert anew.record.plugins != first.record.plugins
    assert note not in log_of(anew)
    assert not run("fresh=true").ran


def test_found_parts_that_other_code_made_are_said(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    monkeypatch.setitem(METHODS._digests, METHODS["random"], "0" * 64)
    log = log_of(run("protocols=[noaug]"))
    assert log.count("note: the code of method random may have changed") == 1


def test_a_class_without_a_file_is_said_to_go_unnoticed(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: dict[str, Any] = {"__name__": "notebook"}
    exec(APPLE.replace("from .core import images_of", CORE), made)
    monkeypatch.setattr(METHODS, "_added", {})
    METHODS.add("pear", made["Apple"])
    assert METHODS.code("pear").digest is None
    assert run("method=pear").ran
    assert not run("method=pear", quiet=False).ran
    assert "note: the code of method pear may have changed" in capsys.readouterr().out
    assert run("method=pear", "fresh=true").ran
