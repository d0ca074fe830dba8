"""The standard networks of Caffe's model zoo: they build in both phases, run on random weights, and survive being written out."""

from pathlib import Path

import numpy as np
import pytest
from data.test_database_layers import raw, write_database

from segaware_caffe import Net, read_net, read_solver
from segaware_caffe.schema import write_text

ZOO = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "zoo"
NETS = sorted(path.name for path in ZOO.glob("*.prototxt") if "solver" not in path.name)
SOLVERS = sorted(path.name for path in ZOO.glob("*solver.prototxt"))

#: (height, width, channels) of the records that a family's databases hold
RECORDS = {"bvlc": (256, 256, 3), "cifar10": (32, 32, 3), "mnist": (28, 28, 1), "siamese": (28, 28, 2)}

pytestmark = pytest.mark.skipif(not ZOO.exists(), reason="the zoo's files may not be committed; ../shared is not there")


def small(name: str, folder: Path):
    """The net with batches of 2 from databases of 3 random records in `folder`, without mean files."""
    rng = np.random.RandomState(0)
    net = read_net(ZOO / name)
    for number, layer in enumerate(net.layer):
        if layer.type == "Data":
            image = rng.randint(0, 256, RECORDS[name.split("_")[0]]).astype(np.uint8)
            write_database(folder / f"db{number}", "LMDB", {bytes([k]): raw(image, k) for k in range(3)})
            layer.data_param.source, layer.data_param.backend, layer.data_param.batch_size = str(folder / f"db{number}"), 1, 2
            layer.transform_param.ClearField("mean_file")
    return net


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
@pytest.mark.parametrize("name", NETS)
def test_it_builds_and_runs_on_random_weights(name, phase, tmp_path):
    net = Net(small(name, tmp_path), phase)
    inputs = {blob: np.random.RandomState(1).rand(2, *net.shapes[blob][1:]) for blob in net.inputs}
    loss, blobs = net.forward_loss(**inputs)
    assert blobs and all(value.isfinite().all() for value in blobs.values())
    if phase == "TRAIN" and net.loss_weights:
        loss.backward()
        assert all(learned.tensor.grad is not None for learned in net.learned if learned.lr_mult)


@pytest.mark.parametrize("name", NETS)
def test_its_upgraded_text_parses_to_the_same_net(name):
    net = read_net(ZOO / name)
    assert read_net(write_text(net)) == net


@pytest.mark.parametrize("name", SOLVERS)
def test_its_solver_reads(name):
    solver = read_solver(ZOO / name)
    assert read_solver(write_text(solver)) == solver
