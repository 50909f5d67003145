"""``retrograd.cuda``: without a GPU, and with one whose library is faked (one array type, two devices)."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import retrograd
from retrograd import cuda

FAKE = """
import sys, types, contextlib
import numpy as np

class ndarray(np.ndarray):
    pass

cupy = types.ModuleType("cupy")
cupy.__dict__.update({name: getattr(np, name) for name in dir(np) if not name.startswith("__")})
cupy.ndarray = ndarray
cupy.asarray = lambda value: np.array(value).view(ndarray)
cupy.asnumpy = lambda array: np.array(array).view(np.ndarray)
waited = []

class Device(contextlib.nullcontext):
    def synchronize(self):
        waited.append(self.enter_result)

class Pool:
    def used_bytes(self): return 1000
    def total_bytes(self): return 4096
    def free_all_blocks(self): waited.append("freed")

cupy.get_default_memory_pool = Pool
facts = {"name": b"Fake GPU", "major": 9, "minor": 0, "totalGlobalMem": 1 << 30, "multiProcessorCount": 8}
cupy.cuda = types.SimpleNamespace(Device=Device, runtime=types.SimpleNamespace(
    getDeviceCount=lambda: 2, getDeviceProperties=lambda index: facts, CUDARuntimeError=OSError))
sys.modules["cupy"] = cupy
import retrograd as torch
"""


def with_fake(script: str) -> str:
    """What ``script`` prints where CuPy is the fake one."""
    done = subprocess.run(
        [sys.executable, "-c", FAKE + textwrap.dedent(script)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so() -> None:
    assert cuda.device_count() == 0
    assert not cuda.is_available()
    assert not cuda.is_initialized()
    assert cuda.memory_allocated() == 0
    cuda.empty_cache()
    cuda.manual_seed_all(3)
    for call in (cuda.current_device, cuda.synchronize, cuda.get_device_name, lambda: retrograd.ones(2).cuda()):
        with pytest.raises(RuntimeError, match=r"CuPy|GPU"):
            call()
    model = retrograd.nn.Linear(2, 1).to("cuda" if cuda.is_available() else "cpu")
    assert str(model.weight.device) == "cpu"


def test_a_gpu_is_asked_through_cupy() -> None:
    said = with_fake(
        """
        print(torch.cuda.is_available(), torch.cuda.device_count(), torch.cuda.get_device_name(1))
        print(torch.cuda.get_device_capability(), torch.cuda.memory_allocated(), torch.cuda.memory_reserved())
        torch.cuda.synchronize(); torch.cuda.synchronize("cuda:1"); torch.cuda.empty_cache(); print(waited)
        torch.cuda.set_device(1)
        with torch.cuda.device(0):
            print(torch.cuda.current_device(), end=" ")
        print(torch.cuda.current_device(), torch.cuda.is_initialized())
        """
    )
    assert said.splitlines() == ["True 2 Fake GPU", "(9, 0) 1000 4096", "[0, 1, 'freed']", "0 1 True"]


def test_tensors_go_there_and_back_and_do_not_mix() -> None:
    said = with_fake(
        """
        x = torch.tensor([1.0, -2.0], device="cuda", requires_grad=True)
        (x * x).sum().backward()
        print(x.device, x.is_cuda, x.grad.device, x.grad.cpu().tolist())
        try:
            x + torch.ones(2)
        except RuntimeError as error:
            print(error)
        try:
            x.detach().numpy()
        except TypeError as error:
            print(error)
        """
    ).splitlines()
    assert said[0] == "cuda:0 True cuda:0 [2.0, -4.0]"
    assert "cuda:0 and cpu" in said[1]
    assert "Tensor.cpu()" in said[2]


def test_only_gpus_are_meant() -> None:
    assert with_fake(
        """
        try:
            torch.cuda.set_device("cpu")
        except ValueError as error:
            print(error)
        """
    ).startswith("Expected a cuda device, but got: cpu")


@pytest.mark.gpu
def test_a_real_one_computes_and_counts_its_memory() -> None:
    before = cuda.memory_allocated()
    x = retrograd.ones(1 << 20, device="cuda")
    cuda.synchronize()
    assert cuda.memory_allocated() - before >= 4 << 20
    assert np.all((x + x).cpu().numpy() == 2)
