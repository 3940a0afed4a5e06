"""From what is stored to what students see, and what is refused or remarked on the way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from ddbench.data.dataset import Dataset
from ddbench.data.fit_input_space import fit_input_space
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.importing.checks import neighbours_correlation
from ddbench.distilling.importing.choice import ImportChoice, family
from ddbench.distilling.importing.convert import import_set
from ddbench.distilling.tiles import decode_tiles
from ddbench.errors import UserError

IDS = torch.arange(10).repeat_interleave(2)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return Dataset.open("digits", {}, tmp_path_factory.mktemp("none"))


@pytest.fixture(scope="module")
def coloured(tmp_path_factory):
    root = tmp_path_factory.mktemp("none")
    said = {"channels": 3, "resolution": 8, "classes": 4, "images": 100}
    return Dataset.open("random_pixels", said, root)


def images(count=20, seed=0):
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def imported(digits, given=None, **said):
    choice = ImportChoice(dataset="digits", **{"input_space": "normalised:half", **said})
    return import_set((images(), IDS) if given is None else given, choice, digits)


def test_pixels_are_brought_to_the_normalised_space_exactly(digits):
    levels = torch.randint(0, 256, (20, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    space = fit_input_space("normalised", digits.train.images, None, None)
    expected = space.transform(levels.byte())
    for stored, said in (
        (levels.byte(), None),
        (levels.float(), "pixels255"),
        (levels.float() / 255, "pixels"),
    ):
        made = imported(digits, (stored, IDS), input_space=said).distilled
        assert made.input_space == "normalised"
        torch.testing.assert_close(made.images, expected, atol=1e-5, rtol=0)


def test_a_normalisation_with_other_figures_stays_a_space_of_its_own(digits):
    made = imported(digits, input_space="normalised:.3/.2").distilled
    assert torch.equal(made.images, images())
    space = fit_input_space("normalised:.3/.2", digits.train.images, None, None)
    assert made.input_space == "normalised:.3/.2"
    assert space.matches(made.space_fingerprint)
    assert made.channel_mean.item() == pytest.approx(0.3)


def test_the_datasets_own_figures_by_another_name_are_its_own_space(coloured):
    figures = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2023, 0.1994, 0.2010)}
    for name, value in figures.items():
        setattr(coloured.source, name, value)
    given = (torch.randn(4, 3, 8, 8), torch.arange(4))
    choice = ImportChoice(dataset="random_pixels", input_space="normalised:cifar10")
    assert import_set(given, choice, coloured).distilled.input_space == "normalised"


@pytest.mark.parametrize("space", ["zca", "zca_relative", "zca_per_image"])
def test_a_whitened_set_stays_as_it_is_with_the_fingerprint_of_its_space(space, digits):
    made = imported(digits, input_space=space).distilled
    assert torch.equal(made.images, images())
    fitted = fit_input_space(space, digits.train.images, None, None)
    assert fitted.matches(made.space_fingerprint)


def test_channels_that_come_last_are_brought_to_the_front(coloured):
    stored = torch.randn(4, 8, 8, 3)
    choice = ImportChoice(dataset="random_pixels", input_space="normalised:half")
    made = import_set((stored, torch.arange(4)), choice, coloured).distilled
    assert torch.equal(made.images, stored.permute(0, 3, 1, 2))


def test_ids_that_number_sorted_text_are_brought_to_the_datasets_order(tmp_path):
    said = {"channels": 1, "resolution": 8, "classes": 12, "images": 240}
    twelve = Dataset.open("random_pixels", said, tmp_path)
    choice = ImportChoice(
        dataset="random_pixels", input_space="normalised:half", class_order="text"
    )
    soft = torch.eye(12)
    made = import_set((images(12), torch.arange(12)), choice, twelve).distilled
    # As text: 0, 1, 10, 11, 2, ...
    assert made.labels.tolist() == [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]
    choice = ImportChoice(
        **{**vars(choice), "label_kind": "probabilities", "ids": "argmax"},
    )
    made = import_set((images(12), soft), choice, twelve).distilled
    assert torch.equal(made.soft_labels.argmax(1), made.labels)


def test_ids_by_blocks_and_by_the_largest_soft_label_may_differ(digits):
    soft = torch.eye(10).repeat_interleave(2, 0)
    soft[0] = soft[19]
    said = {"label_kind": "probabilities"}
    blocks = imported(digits, (images(), soft), ids="blocks", **said)
    assert torch.equal(blocks.distilled.labels, IDS)
    assert any("another class than the id in 1 images" in note for note in blocks.notes)
    largest = imported(digits, (images(), soft), ids="argmax", **said)
    assert largest.distilled.labels[0] == 9


def test_uneven_and_absent_classes_are_remarked_on(digits):
    uneven = torch.cat([IDS[:-1], torch.tensor([0])])
    assert any("1 to 3 images" in note for note in imported(digits, (images(), uneven)).notes)
    absent = IDS.clamp(max=8)
    assert any("1 of 10 classes" in note for note in imported(digits, (images(), absent)).notes)


@pytest.mark.parametrize(
    ("given", "said", "told"),
    [
        ((torch.zeros(20, 3, 8, 8), IDS), {}, r"shape \(3, 8, 8\), but those of digits"),
        ((torch.zeros(20, 1, 28, 28), IDS), {}, r"\(1, 28, 28\)"),
        ((images(), IDS + 1), {}, "ids go up to 10, but there are 10"),
        ((images(), IDS + 0.5), {}, "not whole"),
        ((images(), None), {}, "ids= argmax"),
        ((images(), None), {"ids": "argmax"}, "no soft labels"),
        ((images(19), None), {"ids": "blocks"}, "19 images are not as many"),
        ((images(), torch.randn(20, 9)), {"ids": "argmax", "label_kind": "logits"}, "9 classes"),
        ((images(), torch.randn(20, 10)), {}, "label_kind= logits.*ids= argmax"),
        ((images().byte(), IDS), {"input_space": "zca"}, "the file says pixels255"),
        ((images(), IDS), {"input_space": "zcaa"}, "did you mean"),
        ((images(), IDS), {"class_order": "a,b"}, "each of the 10 classes once"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(given, said, told, digits):
    with pytest.raises(UserError, match=rf"\A[^\n]*{told}[^\n]*\Z"):
        imported(digits, given, **said)


def test_a_file_that_says_cifar_and_holds_digits_is_remarked_on(digits, tmp_path):
    torch.save([images(), IDS], tmp_path / "cifar10_ipc1.pt")
    made = imported(digits, tmp_path / "cifar10_ipc1.pt")
    assert any("says cifar10, but images are (1, 8, 8)" in note for note in made.notes)


def test_one_of_our_own_files_comes_back_byte_for_byte(digits, tmp_path):
    made = imported(digits, learned_rate=0.5).distilled
    path = tmp_path / "set.safetensors"
    path.write_bytes(made.to_bytes())
    again = import_set(path, ImportChoice(), digits).distilled
    assert again.to_bytes() == made.to_bytes()


def test_a_family_gives_the_set_its_evaluation_and_provenance(digits, tmp_path):
    torch.save({"data": [[images(), IDS]], "accs_all_exps": {"ConvNet": [0.5]}}, tmp_path / "r.pt")
    choice = ImportChoice(dataset="digits", input_space="normalised:half")
    made = import_set(tmp_path / "r.pt", choice, digits, family("dc", "digits")).distilled
    assert made.evaluation.epochs == 301
    assert made.provenance["family"] == "dc"
    assert made.provenance["recorded_accuracies"] == {"ConvNet": [0.5]}


def test_folders_may_be_named_by_class_names_and_numbers_in_any_form(tmp_path, coloured):
    names = coloured.class_names
    folders = [names[0], "1", "00002", "new003"]
    for number, folder in enumerate(folders):
        (tmp_path / folder).mkdir()
        picture = np.full((8, 8, 3), 40 * number, np.uint8)
        Image.fromarray(picture).save(tmp_path / folder / "a.png")
    made = import_set(tmp_path, ImportChoice(dataset="random_pixels"), coloured).distilled
    brightness = made.images.mean(dim=(1, 2, 3))
    assert torch.equal(brightness.argsort(), made.labels.argsort())
    (tmp_path / "n01440764").mkdir()
    Image.fromarray(picture).save(tmp_path / "n01440764" / "a.png")
    with pytest.raises(UserError, match="'n01440764' is not a class of the dataset"):
        import_set(tmp_path, ImportChoice(dataset="random_pixels"), coloured)


def test_tiles_are_decoded_for_students_and_counted_as_stored(digits):
    made = imported(digits, tiles=2).distilled
    seen = made.decoded()
    assert len(seen) == 4 * len(made)
    assert torch.equal(seen.labels, made.labels.repeat(4))
    assert made.storage_bytes == 20 * 64 * 4 + 20 * 8
    again = DistilledSet.from_tensors(
        made.images, made.labels, dataset=digits, input_space=made.input_space, tile_factor=2
    )
    assert len(again.to_dataset()) == 80


def test_the_first_decoded_images_are_the_upper_left_tiles():
    tiles = torch.arange(4.0).view(2, 2).repeat_interleave(4, 0).repeat_interleave(4, 1)
    decoded = decode_tiles(torch.stack([tiles, tiles + 10])[:, None], 2)
    assert decoded.mean(dim=(1, 2, 3)).tolist() == [0, 10, 1, 11, 2, 12, 3, 13]


def test_a_side_that_is_no_multiple_of_the_factor_is_filled_with_grey():
    decoded = decode_tiles(torch.zeros(1, 1, 8, 8), 3)
    assert decoded.shape == (9, 1, 8, 8)
    assert decoded[0].max() == 0
    assert decoded[8].max() == 0.5


def test_neighbours_are_alike_in_photographs_and_not_in_noise():
    smooth = torch.linspace(0, 1, 32).expand(10, 3, 32, 32)
    assert neighbours_correlation(smooth) > 0.9
    assert abs(neighbours_correlation(torch.randn(10, 3, 32, 32))) < 0.1


def test_numbers_that_do_not_look_like_their_space_are_remarked_on(digits):
    noise = imported(digits, (images().clamp(0, 1), IDS))
    assert any("not normalised" in note for note in noise.notes)
    assert any("as after a whitening, or in noise" in note for note in noise.notes)
    smooth = torch.linspace(-2, 2, 8).expand(20, 1, 8, 8)
    assert any(
        "never whitened" in n for n in imported(digits, (smooth, IDS), input_space="zca").notes
    )
