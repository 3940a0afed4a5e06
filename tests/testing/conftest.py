"""Packages of plugins, installed into fresh environments without the network."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Command]:
    """Install a package of this folder beside ddbench; gives the command `ddbench` found there.

    The environment is a fresh one that also sees what this Python has installed. The wheel is
    built by setuptools and unpacked, which is all that an installer does for such a package.
    """

    def install(name: str) -> Command:
        folder = tmp_path_factory.mktemp(name)
        source = shutil.copytree(HERE / name, folder / "source")  # building leaves folders behind
        _run([sys.executable, "-c", BUILD, str(folder)], source)
        environment = folder / "environment"
        venv.create(environment, with_pip=False)
        own = {"base": str(environment), "platbase": str(environment)}
        packages = Path(sysconfig.get_path("purelib", scheme="venv", vars=own))
        seen = [sysconfig.get_path("purelib"), *site.getsitepackages()]
        (packages / "seen.pth").write_text(
            "".join(f"import site; site.addsitedir({path!r})\n" for path in dict.fromkeys(seen))
        )
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
        python = Path(sysconfig.get_path("scripts", scheme="venv", vars=own)) / "python"

        def command(*words: str) -> Answer:
            return _run([str(python), "-m", "ddbench", *words], folder, check=False)

        return command

    return install


def _run(words: list[str], folder: Path, check: bool = True) -> Answer:
    variables = {**os.environ, "OMP_NUM_THREADS": "1"}
    variables.pop("DDBENCH_RUNS", None)
    done = subprocess.run(
        words, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)
