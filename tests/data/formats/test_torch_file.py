"""Files of torch.save: what published ones hold is read, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddbench.data.formats.torch_file import MAX_DEPTH, read_torch_file
from ddbench.errors import UserError


def written(tmp_path, value, legacy=False):
    path = tmp_path / "file.pt"
    torch.save(value, path, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.mark.parametrize("legacy", [False, True])
def test_tensors_numbers_and_text_come_back_as_they_were(tmp_path, legacy):
    value = {"data": [[torch.randn(3, 2), torch.arange(3)]], "x": [1, 2.5, True, None, "a"]}
    found = read_torch_file(written(tmp_path, value, legacy))
    assert torch.equal(found["data"][0][0], value["data"][0][0])
    assert torch.equal(found["data"][0][1], value["data"][0][1])
    assert found["x"] == value["x"]


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.int64, np.uint8])
def test_numpy_scalars_are_read_as_numbers(tmp_path, kind):
    path = written(tmp_path, {"accs": [kind(0.5), kind(3)]})
    with pytest.raises(Exception, match="weights_only"):
        torch.load(path, weights_only=True)
    assert read_torch_file(path)["accs"] == [kind(0.5), kind(3)]
    assert all(type(value) in (int, float) for value in read_torch_file(path)["accs"])


def test_scalars_of_strings_and_objects_are_refused(tmp_path):
    for value in (np.str_("text"), np.bytes_(b"x"), np.datetime64("2020-01-01")):
        with pytest.raises(UserError, match=r"\A[^\n]+\Z"):
            read_torch_file(written(tmp_path, {"a": value}))


def test_arrays_of_numpy_are_refused(tmp_path):
    with pytest.raises(UserError, match="_reconstruct, no part of a tensor; nothing was executed"):
        read_torch_file(written(tmp_path, {"a": np.zeros(3)}))


def test_parameters_and_gradients_are_read_as_plain_tensors(tmp_path):
    value = [torch.nn.Parameter(torch.ones(2)), torch.ones(3, requires_grad=True)]
    found = read_torch_file(written(tmp_path, value))
    assert [type(one) for one in found] == [torch.Tensor] * 2
    assert not any(one.requires_grad for one in found)


def test_a_tensor_that_is_turned_round_is_read_right(tmp_path):
    value = torch.randn(4, 3, 5).permute(2, 0, 1)
    assert torch.equal(read_torch_file(written(tmp_path, value)), value)


def test_a_tensor_that_was_on_an_accelerator_is_read_to_the_cpu(tmp_path):
    path = written(tmp_path, torch.arange(5.0), legacy=True)
    data = path.read_bytes()
    moved = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    assert moved != data
    path.write_bytes(moved)
    assert torch.equal(read_torch_file(path), torch.arange(5.0))


def test_parts_of_one_tensor_are_read_but_not_many_times_over(tmp_path):
    whole = torch.randn(1000)
    halves = read_torch_file(written(tmp_path, [whole[:500], whole[500:]]))
    assert torch.equal(torch.cat(halves), whole)
    with pytest.raises(UserError, match="more bytes than the file has"):
        read_torch_file(written(tmp_path, [whole.clone().view(10, 100)] + [whole] * 50))


def test_lists_in_lists_are_read_to_a_bound(tmp_path):
    value = 1.0
    for _ in range(MAX_DEPTH):
        value = [value]
    read_torch_file(written(tmp_path, value))
    with pytest.raises(UserError, match="nested"):
        read_torch_file(written(tmp_path, [value]))
