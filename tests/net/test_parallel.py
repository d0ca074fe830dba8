"""Nets in PyTorch's wrappers for several processes: gradients are averaged, each process feeds its own share."""

from pathlib import Path

import h5py
import pytest
import torch
from torch import multiprocessing
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from segaware_caffe import Net, set_random_seed
from segaware_caffe.data.processes import Process
from segaware_caffe.layers.context import Context

NET = """
    input: "data" input_shape { dim: 2 dim: 3 dim: 5 dim: 5 } input: "label" input_shape { dim: 2 }
    layer { name: "frozen" type: "Convolution" bottom: "data" top: "c" param { lr_mult: 0 } param { lr_mult: 0 }
            convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
    layer { name: "ip" type: "InnerProduct" bottom: "c" top: "y" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
    layer { name: "unused" type: "InnerProduct" bottom: "c" top: "z" inner_product_param { num_output: 3 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "label" top: "loss" }
"""


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(4, 3, 5, 5, generator=generator), torch.tensor([0.0, 1, 2, 1])


def net_in(phase: str) -> Net:
    torch.manual_seed(0)
    net = Net(NET, phase)
    for parameter in net.get_submodule("ip").parameters():
        parameter.requires_grad_()
    if phase == "TRAIN":  # there it learns, though no loss reaches it
        assert all(parameter.requires_grad for parameter in net.get_submodule("unused").parameters())
    return net


def work(rank: int, phase: str, wrapper: str, path: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{path}/meet", rank=rank, world_size=2)
    net = net_in(phase)
    if rank:
        with torch.no_grad():
            net.params["ip"][0].add_(1)  # the wrapper gives all the first one's
    if wrapper == "DDP":
        wrapped: torch.nn.Module = DistributedDataParallel(net, find_unused_parameters=phase == "TRAIN")
    else:
        with torch.no_grad():  # it takes each process's own blobs for parts of one
            net.params["ip"][0].sub_(rank)
        wrapped = fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    images, labels = (value[2 * rank : 2 * rank + 2] for value in batch())
    wrapped(data=images, label=labels)["loss"].backward()
    gradients = [parameter.grad for parameter in net.get_submodule("ip").parameters()]
    torch.save([value.full_tensor() if isinstance(value, DTensor) else value for value in gradients], f"{path}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize(("wrapper", "phase"), [("DDP", "TEST"), ("DDP", "TRAIN"), ("FSDP2", "TRAIN")])
def test_data_parallel(wrapper, phase, tmp_path):
    """Frozen blobs need no flag, unused ones the usual; the gradients are those of the whole batch."""
    multiprocessing.spawn(work, (phase, wrapper, str(tmp_path)), nprocs=2)
    net = net_in(phase)
    images, labels = batch()
    net(data=images, label=labels)["loss"].backward()
    expected = [parameter.grad for parameter in net.get_submodule("ip").parameters()]
    for rank in range(2):
        torch.testing.assert_close(torch.load(tmp_path / f"{rank}.pt"), expected)


READING = """
    layer { name: "rows" type: "HDF5Data" top: "x" top: "label" hdf5_data_param { source: "%s" batch_size: %d shuffle: true } }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "label" top: "loss" }
"""


def write_rows(folder: Path) -> Path:
    with h5py.File(folder / "rows.h5", "w") as file:
        file["x"] = torch.arange(48.0).reshape(12, 4).numpy() / 48
        file["label"] = (torch.arange(12.0) % 3).numpy()
    (folder / "rows.txt").write_text(f"{folder}/rows.h5\n")
    return folder / "rows.txt"


def runs(source: Path, batch_size: int, context: Context | None, wrap) -> list[torch.Tensor]:
    """The rows that two runs read, and the gradient of their losses."""
    set_random_seed(5)
    net = Net(READING % (source, batch_size), "TRAIN", context=context)
    wrapped = wrap(net)
    rows = []
    for _ in range(2):
        found = wrapped(keep=["x"])
        found["loss"].backward()
        rows.append(found["x"].detach().clone())
    return [*rows, net.params["ip"][0].grad]


def read(rank: int, shared: bool, path: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{path}/meet", rank=rank, world_size=2)
    context = Context(share=Process.this()) if shared else None
    torch.save(runs(Path(path) / "rows.txt", 2, context, DistributedDataParallel), f"{path}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False], ids=["shares", "alike"])
def test_what_data_layers_read(shared, tmp_path):
    """Told its share, each process reads every second row of what one reads alone, and the gradients are the whole batch's.

    Not told, both read the same.
    """
    source = write_rows(tmp_path)
    multiprocessing.spawn(read, (shared, str(tmp_path)), nprocs=2)
    (*first, gradient), (*second, other) = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    torch.testing.assert_close(gradient, other)
    if not shared:
        torch.testing.assert_close(first, second, rtol=0, atol=0)
        return
    *whole, expected = runs(source, 4, None, lambda net: net)
    for batch, mine, yours in zip(whole, first, second, strict=True):
        torch.testing.assert_close(torch.stack([mine, yours], 1).flatten(0, 1), batch, rtol=0, atol=0)
    torch.testing.assert_close(gradient, expected)
