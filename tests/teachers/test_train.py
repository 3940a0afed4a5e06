"""Teachers and experts: kept one by one, the same whoever asks for them and however many."""

from __future__ import annotations

import collections
import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ddbench.distilling.task import Task
from ddbench.errors import UserError
from ddbench.records.units import size
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.runtime.randomness import RandomStream
from ddbench.teachers import train as networks
from ddbench.teachers.ledger import pools
from ddbench.teachers.pool import TrainedNetworks, labeller
from ddbench.teachers.train import train_networks
from ddbench.training.lab import Lab
from ddbench.training.recipe import SnapshotFormat, TrainingRecipe

RECIPE = TrainingRecipe(epochs=2, learning_rate=0.05, snapshot_epochs=(0, 1, 2))


@pytest.fixture(scope="module")
def request_here(
    tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory
) -> RunRequest:
    return tiny(tmp_path_factory.mktemp("networks"), "method=random", "model.width=8")


@pytest.fixture(scope="module")
def lab(request_here: RunRequest) -> Iterator[Lab]:
    with opened(request_here, quiet=True) as (lab, _):
        yield lab


def files(networks: TrainedNetworks) -> list[tuple[str, int]]:
    paths = [artefact.path for artefact in networks.artefacts]
    return [(path.name, path.stat().st_mtime_ns) for path in paths if path]


def test_smaller_pool_is_the_beginning_of_a_larger_one(lab: Lab) -> None:
    three = train_networks(lab, "teacher", RECIPE, range(3))
    assert files(train_networks(lab, "teacher", RECIPE, range(2))) == files(three)[:2]
    assert files(train_networks(lab, "teacher", RECIPE, [2])) == files(three)[2:]


def test_networks_depend_on_index_stream_and_recipe(lab: Lab) -> None:
    other = TrainingRecipe(epochs=2, learning_rate=0.06, snapshot_epochs=(0, 1, 2))
    pools = [
        train_networks(lab, "teacher", RECIPE, range(2)),
        train_networks(lab, "expert", RECIPE, range(1)),
        train_networks(lab, "teacher", other, range(1)),
    ]
    networks = [(pool, index) for pool in pools for index in range(len(pool))]
    ends = [pool.weights(index, 2)["classifier.weight"] for pool, index in networks]
    for number, end in enumerate(ends):
        assert all(not torch.equal(end, later) for later in ends[number + 1 :])


def test_networks_depend_on_neither_seed_nor_ipc_nor_group(
    lab: Lab, request_here: RunRequest
) -> None:
    first = files(Task(request_here.task, lab).teachers(RECIPE, 1))
    for change in ({"seed": 5}, {"ipc": 3}, {"group": 2}):
        spec = dataclasses.replace(request_here.task, **change)  # type: ignore[arg-type]
        assert files(Task(spec, lab).teachers(RECIPE, 1)) == first


def test_network_is_frozen_and_that_of_its_last_epoch(lab: Lab) -> None:
    networks = train_networks(lab, "teacher", RECIPE, range(2))
    network = networks[1]
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    last = networks.weights(1, 2)
    assert all(torch.equal(value, last[name]) for name, value in network.state_dict().items())
    assert not torch.equal(networks.weights(1, 1)["classifier.weight"], last["classifier.weight"])
    with pytest.raises(IndexError):
        networks[2]
    assert len(list(networks)) == 2


def test_first_weights_of_a_trajectory_are_the_initial_ones(lab: Lab) -> None:
    fresh = lab.new_network(RandomStream(0, ("expert", 0, "weights"))).state_dict()
    kept = train_networks(lab, "expert", RECIPE, [0]).weights(0, 0)
    assert all(torch.equal(value, kept[name]) for name, value in fresh.items())


def test_training_networks_leaves_the_global_generator(lab: Lab) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    train_networks(lab, "unheard-of", RECIPE, [0])
    assert torch.equal(torch.get_rng_state(), before)


def test_watched_networks_have_dynamics_and_others_are_told_apart_from_them(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = train_networks(lab, "teacher", RECIPE, [0])
    watched = train_networks(lab, "teacher", RECIPE, [0], watched=True)
    assert files(plain) != files(watched)
    for epoch in RECIPE.kept_epochs:
        pairs = zip(plain.weights(0, epoch).items(), watched.weights(0, epoch).items(), strict=True)
        assert all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)
    dynamics = watched.dynamics(0)
    assert all(len(rows) == RECIPE.epochs for rows in dynamics.tensors().values())
    assert all(rows.shape[1] == len(lab.real) for rows in dynamics.tensors().values())
    # A watched network gives no trajectory size: its bytes are not those of weights alone.
    with lab.runtime.ledger.recording() as used:
        train_networks(lab, "teacher", RECIPE, [0], watched=True)
    (pool,) = pools(used)
    assert pool.keys() == {"stream", "networks", "bytes", "cost"}
    said: list[str] = []
    monkeypatch.setattr(lab.runtime.progress, "say", said.append)
    monkeypatch.setattr(networks, "LARGE_BYTES", 0)
    last = TrainingRecipe(epochs=1, learning_rate=0.05)
    weights = sum(v.numel() for v in lab.new_network(RandomStream(0)).state_dict().values())
    train_networks(lab, "seen", last, [0], watched=True)
    noted = size(4 * weights + 13 * len(lab.real))
    assert said == [f"1 seen of {noted} each: {noted} in float32"]


def test_networks_used_in_a_block_are_noted_once_each(lab: Lab) -> None:
    with lab.runtime.ledger.recording() as used:
        train_networks(lab, "teacher", RECIPE, range(2))
        with lab.runtime.ledger.recording() as inner:
            train_networks(lab, "expert", RECIPE, [0])
        for index in (1, 2):
            train_networks(lab, "teacher", RECIPE, [index])
    assert {stream: len(networks) for stream, networks in used.items()} == {"teacher": 3}
    assert list(inner) == ["expert"]


def test_storage_of_a_pool_is_told_beside_that_of_its_trajectories(lab: Lab) -> None:
    """The same training kept whole and only at its end: the second predicts the first's size."""
    last = TrainingRecipe(epochs=2, learning_rate=0.05)
    with lab.runtime.ledger.recording() as used:
        train_networks(lab, "teacher", last, range(2))
        train_networks(lab, "expert", RECIPE, range(2))
    experts, teachers = pools(used)
    assert (teachers["networks"], teachers["epochs"], teachers["snapshots"]) == (2, 2, 1)
    assert (experts["networks"], experts["epochs"], experts["snapshots"]) == (2, 2, 3)
    assert teachers["trajectory_bytes"] == 3 * teachers["bytes"]
    assert experts["trajectory_bytes"] == experts["bytes"]
    # The names and offsets of tensors in the file matter for networks as small as these.
    assert experts["bytes"] == pytest.approx(teachers["trajectory_bytes"], rel=0.05)


def test_pool_of_unequal_trainings_tells_no_length(lab: Lab) -> None:
    with lab.runtime.ledger.recording() as used:
        train_networks(lab, "teacher", TrainingRecipe(epochs=2, learning_rate=0.05), [0])
        train_networks(lab, "teacher", TrainingRecipe(epochs=1, learning_rate=0.05), [0])
    (pool,) = pools(used)
    assert pool.keys() == {"stream", "networks", "bytes", "cost"}


HALF = dataclasses.replace(RECIPE, snapshot_format=SnapshotFormat.float16)


def test_half_precision_is_stored_in_half_the_bytes_and_given_back_as_float32(lab: Lab) -> None:
    whole, half = (train_networks(lab, "expert", recipe, [0]) for recipe in (RECIPE, HALF))
    assert files(whole) != files(half)
    for epoch in (0, 2):
        rounded = half.weights(0, epoch)
        for name, value in whole.weights(0, epoch).items():
            assert rounded[name].dtype == value.dtype == torch.float32
            assert torch.equal(rounded[name], value.half().float())
    tensors = [sum(v.nbytes for v in load_file(file_of(one)).values()) for one in (whole, half)]
    assert tensors[0] == 2 * tensors[1]


def test_size_of_trajectories_is_said_before_they_are_made_and_only_then(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(lab.runtime.progress, "say", said.append)
    train_networks(lab, "walk", HALF, range(2))
    weights = sum(v.numel() for v in lab.new_network(RandomStream(0)).state_dict().values())
    assert said == [
        f"2 walk trajectories of 3 snapshots, {size(2 * weights)} each: {size(12 * weights)} "
        "in float16"
    ]
    train_networks(lab, "walk", HALF, range(2))
    train_networks(lab, "small", TrainingRecipe(epochs=1, learning_rate=0.05), range(2))
    assert len(said) == 1
    monkeypatch.setattr(networks, "LARGE_BYTES", 8 * weights)
    train_networks(lab, "large", TrainingRecipe(epochs=1, learning_rate=0.05), range(2))
    assert said[1:] == [f"2 larges of {size(4 * weights)} each: {size(8 * weights)} in float32"]


def test_networks_that_the_disk_has_no_room_for_are_refused_before_training(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 0, 10**5))
    monkeypatch.setattr(networks, "_train_one", None)
    with pytest.raises(UserError, match=r"^1000 vast trajectories of 3 snapshots, .* need") as no:
        train_networks(lab, "vast", RECIPE, range(1000))
    assert "\n" not in str(no.value)
    assert "100 kB free" in str(no.value)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's list of mappings")
def test_reading_one_epoch_leaves_the_rest_of_the_file_on_the_disk(lab: Lab) -> None:
    """A file of 40 epochs of 1 MB: no read call loads it, and only used pages are in memory."""
    determinants = {"made": "by hand"}
    snapshots = {f"{epoch}/weight": torch.full((250_000,), float(epoch)) for epoch in range(40)}
    artefact = lab.runtime.store.save("network", determinants, {}, snapshots)
    del snapshots
    trajectory = TrainedNetworks(lab, [artefact], tuple(range(40)))
    trajectory.weights(0, 0)  # compares the checksum, which reads the file once
    before = bytes_read()
    weights = trajectory.weights(0, 17)["weight"]
    assert weights.sum() == 17 * 250_000
    assert bytes_read() - before < 1_000_000
    assert 1_000_000 <= resident_bytes(file_of(trajectory)) < 5_000_000


def file_of(networks: TrainedNetworks) -> Path:
    path = networks.artefacts[0].path
    assert path is not None
    return path


def bytes_read() -> int:
    """Bytes read by this process with read calls."""
    return int(Path("/proc/self/io").read_text(encoding="ascii").split()[1])


def resident_bytes(file: Path) -> int:
    """The bytes of a file's pages that are resident in this process."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        first = line.split()[0]
        if not first.endswith(":"):
            inside = line.endswith(str(file))
        elif inside and first == "Rss:":
            total += 1024 * int(line.split()[1])
    return total


def test_labeller_is_found_where_the_input_space_has_published_statistics(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab.dataset.source, "mean", (0.5,))
    monkeypatch.setattr(lab.dataset.source, "std", (0.25,))
    made = train_networks(lab, "statistics", TrainingRecipe(epochs=1, learning_rate=0.05), [0])
    assert labeller(lab, made.reference(0)) is not None
    monkeypatch.setattr(lab.dataset.source, "std", (0.26,))
    assert labeller(lab, made.reference(0)) is None
