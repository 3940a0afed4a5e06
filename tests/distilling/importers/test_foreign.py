"""Every released file in the folder DDBENCH_FOREIGN is imported or refused."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from ddbench.cli.main import main
from ddbench.data.fit_input_space import fit_input_space
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.importing.choice import ImportChoice, family
from ddbench.distilling.importing.convert import import_set
from ddbench.errors import UserError

# File, family, dataset, what else must be said; input space, images, soft labels, learned rate.
FILES = [
    ("res_DC_CIFAR10_ConvNet_1ipc.pt", "dc", "cifar10", {}, ("normalised", 10, None, None)),
    ("res_DSA_CIFAR10_ConvNet_1ipc.pt", "dsa", "cifar10", {}, ("normalised", 10, None, None)),
    ("res_DM_CIFAR10_ConvNet_1ipc.pt", "dm", "cifar10", {}, ("normalised", 10, None, None)),
    ("res_DC_CIFAR100_ConvNet_1ipc.pt", "dc", "cifar100", {}, ("normalised", 100, None, None)),
    ("res_DM_CIFAR100_ConvNet_1ipc.pt", "dm", "cifar100", {}, ("normalised", 100, None, None)),
    ("mtt_cifar10_ipc1", "mtt_normalised", "cifar10", {}, ("normalised", 10, None, None)),
    (
        "mtt_cifar10_ipc10/images_best.pt",
        "mtt",
        "cifar10",
        {"input_space": "normalised:cifar10", "learned_rate": 0.02},
        ("normalised", 100, None, 0.02),
    ),
    ("mtt_zca_cifar10_ipc1", "mtt_zca", "cifar10", {}, ("zca", 10, None, None)),
    (
        "kip_cifar10_ipc10/images.npy",
        "kip",
        "cifar10",
        {},
        ("zca_per_image", 100, "targets", None),
    ),
    ("datm_cifar10_zca_ipc10", "datm", "cifar10", {}, ("zca", 100, "logits", 0.0184)),
    (
        "rcig_cifar10_ipc1/checkpoint_15000",
        "rcig",
        "cifar10",
        {},
        ("zca_relative", 10, "targets", None),
    ),
    (
        "dc_ddranking_cifar10_ipc1/images_DC_CIFAR10_1_best.pt",
        "dc",
        "cifar10",
        {},
        ("normalised", 10, None, None),
    ),
    ("random_cifar10_ipc1", "dc", "cifar10", {"ids": "blocks"}, ("normalised", 10, None, None)),
    ("folder_d4m_cifar100_ipc1", "pictures", "cifar100", {}, ("normalised", 100, None, None)),
]
TRAPS = {
    "labels_best_1000_under_IPC1.pt": "1,000 labels and no images",
    "CIFAR10_IPC1_labels_that_are_images.pt": "its name says labels",
    "lfs_pointer_res_DM_CIFAR10_ConvNet_10ipc.pt": "git lfs pull",
}


@pytest.fixture(scope="session")
def space_of(photographs):
    """Fitted spaces, each once; a whitening takes half a minute."""

    @cache
    def fitted(dataset: str, name: str):
        opened = photographs[dataset]
        source = opened.source
        return fit_input_space(name, opened.train.images, source.mean, source.std)

    return fitted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "like", "dataset", "said", "expected"), FILES, ids=[f[0] for f in FILES]
)
def test_a_released_file_is_imported(
    file, like, dataset, said, expected, foreign, photographs, space_of, tmp_path
):
    space, count, kind, rate = expected
    done = import_set(
        foreign / file,
        ImportChoice(dataset=dataset, **said),
        photographs[dataset],
        family(like, dataset),
        space_of(dataset, space),
    )
    path = tmp_path / "set.safetensors"
    path.write_bytes(done.distilled.to_bytes())
    made = DistilledSet.load(path)
    assert (made.input_space, len(made), made.soft_label_kind) == (space, count, kind)
    assert made.learned_rate == (None if rate is None else pytest.approx(rate, abs=5e-5))
    assert torch.equal(made.labels.bincount(), torch.full((made.classes,), count // made.classes))
    assert space_of(dataset, space).matches(made.space_fingerprint)


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_refused_in_one_line(name, foreign, photographs):
    choice = ImportChoice(dataset="cifar10", input_space="normalised")
    with pytest.raises(UserError) as caught:
        import_set(foreign / "traps" / name, choice, photographs["cifar10"], family("dc"))
    assert TRAPS[name] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_file_of_the_folder_is_named_in_this_module(foreign):
    known = {file.partition("/")[0] for file, *_ in FILES} | {"traps", "SOURCES.md"}
    assert {path.name for path in foreign.iterdir()} <= known


def test_recorded_accuracies_come_with_the_set(foreign, photographs):
    file = foreign / "res_DC_CIFAR10_ConvNet_1ipc.pt"
    choice = ImportChoice(dataset="cifar10")
    done = import_set(file, choice, photographs["cifar10"], family("dc"))
    values = torch.tensor(done.recorded["ConvNet"])
    assert len(values) == 20  # of the last of five sets
    assert 100 * float(values.mean()) == pytest.approx(28.45, abs=0.005)


# The two files there are not from one run: even the high-frequency parts, which any whitening
# only scales, are uncorrelated (.01, under every flip, rotation and order of channels), and
# whitening the picture gives a tensor that correlates with the other by .19 at most.
@pytest.mark.xfail(reason="the folder's two files are of two different sets", strict=True)
@pytest.mark.slow
def test_the_inverse_of_mtts_whitened_tensor_is_its_picture(foreign, space_of):
    folder = foreign / "mtt_zca_cifar10_ipc1"
    trained, picture = (
        torch.load(folder / name, weights_only=True)
        for name in ("images_5000.pt", "images_zca_5000.pt")
    )
    space = space_of("cifar10", "zca")
    flat = trained.flatten(1) @ space.colouring
    undone = flat.view_as(trained) + space.centre
    assert (undone - picture).abs().max() < 1e-2


@pytest.mark.slow
def test_the_picture_of_a_whitened_set_is_flagged(foreign, photographs, space_of):
    file = foreign / "mtt_zca_cifar10_ipc1" / "images_zca_5000.pt"
    choice = ImportChoice(dataset="cifar10")
    space = space_of("cifar10", "zca")
    done = import_set(file, choice, photographs["cifar10"], family("mtt_zca"), space)
    assert any("pictures for viewing" in note for note in done.notes)
    assert any("never whitened" in note for note in done.notes)


def test_one_command_imports_a_released_file(foreign, photographs, tmp_path, capsys):
    file = foreign / "res_DM_CIFAR100_ConvNet_1ipc.pt"
    target = tmp_path / "set.safetensors"
    words = ["import", str(file), "--like", "dm", "--dataset", "cifar100", "-o", str(target)]
    assert main(words) == 0
    assert "11.34 %" in capsys.readouterr().out
    assert len(DistilledSet.load(target)) == 100
