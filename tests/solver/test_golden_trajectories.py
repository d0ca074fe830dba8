"""The reference's own training runs: losses, weights, snapshots, and going on from its files."""

from pathlib import Path

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from solver.support import GOLDEN, TRAJECTORIES, batch, golden_solver, group, parameters

from segaware_caffe import Solver, pycaffe, schema
from segaware_caffe.schema import SolverState as SolverStateMessage
from segaware_caffe.weights import read_solverstate

#: The distances of this net do not depend on the bias, so its gradient is 0: in float32 rounding noise of 1e-8, which
#: Adam divides by its own size. Nobody's trajectory of it repeats; `test_a_blob_without_influence...` checks what can be.
WITHOUT_INFLUENCE = {"embedding_adam": {"conv/1"}}
MAKERS = {"torch": Solver, "pycaffe": pycaffe.get_solver}

trajectories = pytest.mark.parametrize("path", TRAJECTORIES, ids=lambda path: path.stem)


def close(actual: np.ndarray, expected: np.ndarray, tolerance: float, what: str) -> None:
    error = np.abs(actual.astype(np.float64) - expected).max()
    assert error <= tolerance * max(1, np.abs(expected).max()), f"{what}: off by {error:.3g}"


def assert_weights(solver, golden, prefix: str, stem: str) -> None:
    actual = parameters(solver)
    for key, expected in group(golden, prefix).items():
        if key not in WITHOUT_INFLUENCE.get(stem, ()):
            close(actual[key], expected, 1e-3, f"{prefix}/{key}")


@trajectories
@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_losses_and_weights_are_the_references(path, maker):
    golden = np.load(path)
    solver = golden_solver(golden, maker)
    losses = []
    for iteration in range(int(golden["iters"])):
        solver.step(1, **batch(golden, iteration))
        losses.append(solver.loss)
        if solver.iter == golden["snapshot_at"]:
            assert_weights(solver, golden, "at_snapshot", path.stem)
    np.testing.assert_allclose(losses, golden["loss"], rtol=1e-4)
    assert_weights(solver, golden, "final", path.stem)


@pytest.mark.parametrize("path", [path for path in TRAJECTORIES if path.stem != "adam_lstm_carry"], ids=lambda path: path.stem)
@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_the_references_snapshot_goes_on_to_its_final_weights(path, maker):
    golden = np.load(path)
    solver = golden_solver(golden, maker)
    solver.restore(path.with_name(f"{path.stem}_iter_10.solverstate"))
    assert solver.iter == golden["snapshot_at"] == 10
    for iteration in range(10, int(golden["iters"])):
        solver.step(1, **batch(golden, iteration))
        np.testing.assert_allclose(solver.loss, golden["loss"][iteration], rtol=1e-4)
    assert_weights(solver, golden, "final", path.stem)


@trajectories
@pytest.mark.parametrize("snapshot_format", ["BINARYPROTO", "HDF5"])
def test_our_snapshot_holds_what_the_references_does(path, tmp_path, snapshot_format):
    golden = np.load(path)
    solver = golden_solver(golden)
    for iteration in range(10):
        solver.step(1, **batch(golden, iteration))
    solver.param.snapshot_prefix = str(tmp_path / path.stem)
    solver.param.snapshot_format = solver.param.DESCRIPTOR.enum_types_by_name["SnapshotFormat"].values_by_name[snapshot_format].number
    ours, reference = (read_solverstate(file) for file in (solver.snapshot(), path.with_name(f"{path.stem}_iter_10.solverstate")))
    assert (ours.iter, ours.current_step) == (reference.iter, reference.current_step)
    assert Path(ours.learned_net).name.removesuffix(".h5") == reference.learned_net
    for index, (blob, expected) in enumerate(zip(ours.history, reference.history, strict=True)):
        assert blob.shape == expected.shape
        close(blob.numpy(), expected.numpy(), 1e-5, f"history {index}")


@trajectories
def test_our_files_read_back_by_protobuf_with_the_schema_alone(path, tmp_path):
    solver = golden_solver(np.load(path))
    solver.step(1, **batch(np.load(path), 0))
    solver.param.snapshot_prefix = str(tmp_path / "ours")
    solver.snapshot()
    state = SolverStateMessage.FromString((tmp_path / "ours_iter_1.solverstate").read_bytes())
    assert (state.iter, state.learned_net) == (1, str(tmp_path / "ours_iter_1.caffemodel"))
    history = [np.reshape(blob.data, blob.shape.dim) for blob in state.history]
    for stored, memory in zip(history, solver._updater.history, strict=True):
        np.testing.assert_array_equal(stored.astype(np.float32), memory)
    net = net_message("upstream" in path.parts).FromString((tmp_path / "ours_iter_1.caffemodel").read_bytes())
    stored = {f"{layer.name}/{i}": np.reshape(blob.data, blob.shape.dim) for layer in net.layer for i, blob in enumerate(layer.blobs)}
    ours = parameters(solver)
    assert stored.keys() == ours.keys()
    for key, value in ours.items():
        np.testing.assert_array_equal(stored[key].astype(np.float32), value)


def net_message(bvlc: bool) -> type[Message]:
    """NetParameter by protobuf from the schema; with BVLC's six fields at BVLC's own numbers, where the release has others."""
    files = descriptor_pb2.FileDescriptorSet.FromString((Path(schema.__file__).parent / "caffe.binpb").read_bytes()).file
    layer = next(message for message in files[0].message_type if message.name == "LayerParameter")
    if bvlc:
        kept = [field for field in layer.field if field.number not in range(143, 149)]
        del layer.field[:]
        layer.field.extend(kept)
        for field in layer.field:
            if field.number in range(20143, 20149):
                field.number -= 20000
    pool = descriptor_pool.DescriptorPool()
    pool.Add(files[0])
    return message_factory.GetMessageClassesForFiles([files[0].name], pool)["caffe.NetParameter"]


def test_a_blob_without_influence_has_no_gradient_but_rounding():
    golden = np.load(GOLDEN / "solver" / "embedding_adam.npz")
    solver = golden_solver(golden)
    for iteration in range(10):
        solver.step(1, **batch(golden, iteration))
    reference = read_solverstate(GOLDEN / "solver" / "embedding_adam_iter_10.solverstate")
    for history in (solver._updater.history, [blob.numpy() for blob in reference.history]):
        assert np.abs(np.asarray(history[0])).max() > 1e-3 and np.abs(np.asarray(history[1])).max() < 1e-7
