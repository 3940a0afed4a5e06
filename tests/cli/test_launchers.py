"""A sweep ends in its table under every launcher, which may start its cells anywhere."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import joblib
import pytest
from hydra.core.plugins import Plugins

from ddbench.runs.compose import LAUNCHER_EXTRAS
from ddbench.runtime.cores import THREAD_VARIABLES

from .conftest import tiny

LAUNCHERS = {
    "workers": (None, ["workers=2"]),
    "joblib": ("hydra_joblib_launcher", ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]),
    "submitit": ("hydra_submitit_launcher", ["hydra/launcher=submitit_local"]),
}


def is_installed(plugin):
    return importlib.util.find_spec(f"hydra_plugins.{plugin}") is not None


def needs(plugin):
    """Skip where a launcher is not installed."""
    if plugin and not is_installed(plugin):
        pytest.skip(f"{plugin} is not installed")


def start(folder, *words):
    """A sweep in a process of its own, which may use all cores."""
    free = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    given = [word for word in tiny(words) if word != "threads=1"]
    return subprocess.Popen(
        [sys.executable, "-m", "ddbench", "run", "-m", *given],
        cwd=folder,
        env={**free, "DDBENCH_RUNS": str(folder / "runs"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", LAUNCHERS)
def test_every_cell_leaves_its_record_or_its_reason(name, tmp_path):
    plugin, chosen = LAUNCHERS[name]
    needs(plugin)
    process = start(tmp_path, "ipc=1,100000", "evaluators=[]", *chosen)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 2, err
    assert "Traceback" not in err
    (reason,) = [line for line in out.splitlines() if line.startswith("ipc=100000  ")]
    assert "digits has only" in reason
    assert out.splitlines()[-1] == "sweep: 1 of 2 cells done"
    (record,) = tmp_path.glob("runs/random-*/record.json")
    written = json.loads(record.read_text())
    assert written["task"]["ipc"] == 1
    if name != "submitit":  # which leaves the threads of a job to the cluster
        assert written["environment"]["threads"] == max(1, joblib.cpu_count() // 2)


@pytest.mark.slow
def test_a_sweep_comes_to_its_end_though_a_node_of_a_ray_cluster_is_killed(tmp_path):
    needs("hydra_ray_launcher")
    from ray.cluster_utils import Cluster

    options = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(True, head_node_args={**options, "include_dashboard": False})
    try:
        node = cluster.add_node(**options)
        cluster.wait_for_nodes()
        init = "+hydra.launcher.ray.init"
        address = [f"{init}.address='{cluster.address}'", f"{init}.object_store_memory=null"]
        process = start(tmp_path, "seed=range(0,6)", "hydra/launcher=ray", *address)
        said = []
        for line in process.stdout:  # Ray hands on what cells say
            if "record: " in line and not any("record: " in one for one in said):
                cluster.remove_node(node, allow_graceful=False)
            said.append(line)
    finally:
        cluster.shutdown()
    assert process.wait() == 0, said
    assert any("sweep: 6 of 6 cells done" in line for line in said)
    assert len(list(tmp_path.glob("runs/random-*/record.json"))) == 6


@pytest.mark.parametrize("name", LAUNCHER_EXTRAS)
def test_a_launcher_that_is_not_installed_is_answered_with_what_brings_it(name, run_tiny):
    if is_installed(f"hydra_{name.partition('_')[0]}_launcher"):
        pytest.skip("it is installed")
    complaint = run_tiny("-m", "seed=0,1", f"hydra/launcher={name}").complaint
    assert f"pip install 'ddbench[{LAUNCHER_EXTRAS[name]}]'" in complaint


def test_a_launcher_that_fails_is_named_and_the_sweep_ends_in_its_table(run_tiny, monkeypatch):
    def fails(self, job_overrides, initial_job_idx):
        raise OSError("the cluster\nis gone")

    name = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
    monkeypatch.setattr(Plugins.instance().class_name_to_class[name], "launch", fails)
    answer = run_tiny("-m", "seed=0,1", "hydra/launcher=basic")
    assert answer.status == 1
    told = "hydra/launcher=basic: the launcher ended with OSError: the cluster is gone"
    assert told in answer.err
    assert answer.out.splitlines()[-1] == "sweep: 0 of 2 cells done"


def test_cells_of_hydras_own_launcher_are_those_of_the_sweep(run_tiny):
    answer = run_tiny("-m", "seed=0,1", "evaluators=[]", "hydra/launcher=basic")
    assert answer.status == 0, answer.err
    assert answer.out.splitlines()[-1] == "sweep: 2 of 2 cells done"
    again = run_tiny("-m", "seed=0,1", "evaluators=[]")
    assert again.out.splitlines()[-1].endswith("2 of them before or elsewhere")
