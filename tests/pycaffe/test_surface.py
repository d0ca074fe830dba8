"""Every public name of pycaffe 1.0: it is there, takes the reference's parameters, and does its work."""

import contextlib
import inspect
import io
import logging
from pathlib import Path

import make_pycaffe_docs
import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from pycaffe_surface import SURFACE

import segaware_caffe.pycaffe as caffe
from segaware_caffe.errors import CaffeError

NET = """name: "n" force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "constant" value: 0.5 } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""
TRAIN_NET = """
layer { name: "d" type: "DummyData" top: "x" top: "t" dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 1 }
  data_filler { type: "constant" value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""
SOLVER = 'net: "train.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 4 test_iter: 1 test_interval: 100 snapshot_prefix: "s"'
MEMORY = 'layer { name: "m" type: "MemoryData" top: "x" top: "y" memory_data_param { batch_size: 2 channels: 1 height: 1 width: 1 } }'
X = np.arange(96, dtype=np.float32).reshape(2, 3, 4, 4)
PICTURE = np.arange(48, dtype=np.float32).reshape(4, 4, 3) / 48
L, P = caffe.layers, caffe.params


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    with contextlib.chdir(tmp_path_factory.mktemp("surface")):
        Path("net.prototxt").write_text(NET)
        Path("train.prototxt").write_text(TRAIN_NET)
        Path("solver.prototxt").write_text(SOLVER)
        Path("memory.prototxt").write_text(MEMORY)
        Image.fromarray((PICTURE * 255).astype(np.uint8)).save("p.png")
        net().save("w.caffemodel")
        net().save_hdf5("w.h5")
        yield


def net() -> caffe.Net:
    return caffe.Net("net.prototxt", caffe.TEST)


def ran() -> caffe.Net:
    made = net()
    made.forward(data=X)
    return made


def solver(cls=caffe.SGDSolver) -> caffe.SGDSolver:
    return cls("solver.prototxt")


def trained(cls=caffe.SGDSolver) -> bool:
    """Whether a step moves the weights to where there is less loss."""
    made = solver(cls)
    made.step(2)
    return made.iter == 2 and made.net.params["ip"][0].data.sum() > 0


def called(name: str) -> bool:
    """Whether a hook of a net hears of every layer."""
    made, heard = net(), []
    getattr(made, name)(heard.append)
    made.forward(data=X)
    made.backward()
    return sorted(heard) == [0, 1, 2]


def proto() -> caffe.proto.caffe_pb2.NetParameter:
    return text_format.Merge(NET, caffe.proto.caffe_pb2.NetParameter())


def transformer(**settings) -> caffe.io.Transformer:
    made = caffe.io.Transformer({"data": (1, 3, 4, 4)})
    for name, value in {"transpose": (2, 0, 1), **settings}.items():
        getattr(made, f"set_{name}")("data", value)
    return made


def preprocessed(**settings) -> np.ndarray:
    return transformer(**settings).preprocess("data", PICTURE)


def stopped() -> caffe.Timer:
    timer = caffe.Timer()
    timer.start()
    timer.stop()
    return timer


def logged(level: int) -> str:
    """What is said of a line of the script's, and of a net that is built; the logger is as before then."""
    package = logging.getLogger("segaware_caffe")
    before = package.level, list(package.handlers)
    try:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            caffe.init_log(level)
            net()
            caffe.log("a line")
            caffe.init_log(0)
    finally:
        package.handlers[:] = before[1]
        package.setLevel(before[0])
    return said.getvalue()


def counted(setter, getter, value: int, back: int) -> bool:
    setter(value)
    seen = getter()
    setter(back)
    return seen == value and getter() == back


def classifier() -> caffe.Classifier:
    return caffe.Classifier("net.prototxt", "w.caffemodel", image_dims=(6, 6), mean=np.zeros(3), raw_scale=255, channel_swap=(2, 1, 0))


def detector(pad=None) -> caffe.Detector:
    return caffe.Detector("net.prototxt", "w.caffemodel", mean=np.full(3, 0.5), context_pad=pad)


def warns(call) -> bool:
    with pytest.warns(UserWarning, match="runs on the CPU"):
        call()
    return True


def refuses(call, kind=CaffeError) -> bool:
    with pytest.raises(kind):
        call()
    return True


def solved_again() -> bool:
    first = solver()
    first.step(2)
    first.snapshot()
    other = solver()
    other.restore("s_iter_2.solverstate")
    return other.iter == 2 and np.array_equal(other.net.params["ip"][0].data, first.net.params["ip"][0].data)


def updated() -> bool:
    made = solver()
    made.net.params["ip"][0].diff[...] = 1
    made.apply_update()
    return np.allclose(made.net.params["ip"][0].data, -0.1)


def heard_of_by_callbacks() -> list[str]:
    made, heard = solver(), []
    made.add_callback(lambda: heard.append("start"), lambda: heard.append("gradients"))
    made.step(1)
    return heard


def shared() -> bool:
    made, other = net(), net()
    other.share_with(made)
    made.params["ip"][0].data[...] = 7
    return (other.params["ip"][0].data == 7).all()


def weights_shared() -> bool:
    made, other = solver(), caffe.Net("train.prototxt", caffe.TEST)
    made.share_weights(other)
    made.step(1)
    return np.array_equal(other.params["ip"][0].data, made.net.params["ip"][0].data)


def nccl() -> bool:
    """Alone, all it may do is nothing; two processes are another test's."""
    from torch import distributed

    made = solver()
    tie = caffe.NCCL(made, caffe.NCCL.new_uid())
    try:
        tie.bcast()
        made.add_callback(tie)
        made.net.after_backward(tie)
        made.step(1)
    finally:
        distributed.destroy_process_group()
    return made.iter == 1


def memory_data() -> list:
    made = caffe.Net("memory.prototxt", caffe.TRAIN)
    made.set_input_arrays(np.full((2, 1, 1, 1), 3, np.float32), np.array([4, 5], np.float32))
    return made.forward()["y"].ravel().tolist()


def cleared() -> bool:
    made = ran()
    made.backward(prob=np.eye(2, dtype=np.float32))
    was = np.abs(made.params["ip"][0].diff).max()
    made.clear_param_diffs()
    return was > 0 and not made.params["ip"][0].diff.any()


def reshaped() -> tuple:
    made = net()
    made.blobs["data"].reshape(5, 3, 4, 4)
    made.reshape()
    return made.blobs["prob"].data.shape


def spec() -> caffe.NetSpec:
    made = caffe.NetSpec()
    made.data = L.Input(shape={"dim": [1, 3, 20, 20]})
    made.conv = L.Convolution(made.data, num_output=2, kernel_size=3, pad=1, stride=2)
    made["up"] = L.Deconvolution(made.conv, convolution_param={"num_output": 2, "kernel_size": 3, "stride": 2})
    return made


def cropped() -> caffe.net_spec.Function:
    made = spec()
    return caffe.coord_map.crop(made.up, made.data).fn


def assigned() -> int:
    layer = caffe.proto.caffe_pb2.LayerParameter()
    caffe.net_spec.assign_proto(layer, "inner_product_param", {"num_output": 3})
    caffe.net_spec.assign_proto(layer, "bottom", "x")
    return layer.inner_product_param.num_output if list(layer.bottom) == ["x"] else 0


def blob(*shape: int) -> caffe.Blob:
    made = caffe._caffe.Blob()
    made.reshape(*shape)
    return made


#: name -> whether it does its work
CHECKS = {
    "caffe.Net": lambda: caffe.Net("net.prototxt", "w.caffemodel", caffe.TEST).name == net().name == "n",
    "caffe.Net.blobs": lambda: {n: b.data.shape for n, b in net().blobs.items()} == {"data": X.shape, "ip": (2, 2), "prob": (2, 2)},
    "caffe.Net.blob_loss_weights": lambda: solver().net.blob_loss_weights["loss"] == 1,
    "caffe.Net.params": lambda: [b.data.shape for b in net().params["ip"]] == [(2, 48), (2,)],
    "caffe.Net.layers": lambda: [layer.type for layer in net().layers] == ["Input", "InnerProduct", "Softmax"],
    "caffe.Net.layer_dict": lambda: net().layer_dict["ip"].type == "InnerProduct" and len(net().layer_dict["ip"].blobs) == 2,
    "caffe.Net.inputs": lambda: list(net().inputs) == ["data"],
    "caffe.Net.outputs": lambda: list(net().outputs) == ["prob"],
    "caffe.Net.top_names": lambda: net().top_names["ip"] == ["ip"],
    "caffe.Net.bottom_names": lambda: net().bottom_names["prob"] == ["ip"],
    "caffe.Net.forward": lambda: net().forward(data=X)["prob"].tolist() == [[0.5, 0.5]] * 2,
    "caffe.Net.backward": lambda: ran().backward(prob=np.ones((2, 2)))["data"].shape == X.shape,
    "caffe.Net.forward_all": lambda: net().forward_all(data=np.concatenate([X, X, X[:1]]))["prob"].shape == (5, 2),
    "caffe.Net.forward_backward_all": lambda: (
        net().forward_backward_all(data=X, prob=np.ones((2, 2), np.float32))[1]["data"].shape == X.shape
    ),
    "caffe.Net.set_input_arrays": lambda: memory_data() == [4, 5],
    "caffe.Net.reshape": lambda: reshaped() == (5, 2),
    "caffe.Net.clear_param_diffs": cleared,
    "caffe.Net.copy_from": lambda: net().copy_from("w.caffemodel") is None,
    "caffe.Net.share_with": shared,
    "caffe.Net.save": lambda: net().save("v.caffemodel") is None and Path("v.caffemodel").read_bytes() == Path("w.caffemodel").read_bytes(),
    "caffe.Net.save_hdf5": lambda: Path("w.h5").read_bytes()[1:4] == b"HDF",
    "caffe.Net.load_hdf5": lambda: net().load_hdf5("w.h5") is None,
    "caffe.Net.before_forward": lambda: called("before_forward"),
    "caffe.Net.after_forward": lambda: called("after_forward"),
    "caffe.Net.before_backward": lambda: called("before_backward"),
    "caffe.Net.after_backward": lambda: called("after_backward"),
    "caffe.SGDSolver": trained,
    "caffe.NesterovSolver": lambda: trained(caffe.NesterovSolver),
    "caffe.AdaGradSolver": lambda: trained(caffe.AdaGradSolver),
    "caffe.RMSPropSolver": lambda: trained(caffe.RMSPropSolver),
    "caffe.AdaDeltaSolver": lambda: refuses(lambda: caffe.AdaDeltaSolver("missing")),
    "caffe.AdamSolver": lambda: trained(caffe.AdamSolver),
    "caffe.get_solver": lambda: type(caffe.get_solver("solver.prototxt")) is caffe.SGDSolver,
    "caffe.SGDSolver.net": lambda: list(solver().net.params) == ["ip"],
    "caffe.SGDSolver.test_nets": lambda: len(solver().test_nets) == 1,
    "caffe.SGDSolver.iter": lambda: solver().iter == 0,
    "caffe.SGDSolver.lr": lambda: np.isclose(solver().lr, 0.1),
    "caffe.SGDSolver.param": lambda: solver().param.max_iter == 4,
    "caffe.SGDSolver.step": trained,
    "caffe.SGDSolver.solve": lambda: (made := solver()).solve() is None and made.iter == 4,
    "caffe.SGDSolver.restore": solved_again,
    "caffe.SGDSolver.snapshot": solved_again,
    "caffe.SGDSolver.apply_update": updated,
    "caffe.SGDSolver.share_weights": weights_shared,
    "caffe.SGDSolver.add_callback": lambda: heard_of_by_callbacks() == ["start", "gradients"],
    "caffe.Layer": lambda: isinstance(caffe.Layer, type),
    "caffe.TRAIN": lambda: caffe.TRAIN == 0,
    "caffe.TEST": lambda: caffe.TEST == 1,
    "caffe.__version__": lambda: caffe.__version__ == "1.0.0",
    "caffe.init_log": lambda: logged(2) == "" and "] Creating layer ip" in logged(0),
    "caffe.log": lambda: logged(0).endswith("] a line\n"),
    "caffe.set_mode_cpu": lambda: caffe.set_mode_cpu() is None,
    "caffe.set_mode_gpu": lambda: warns(caffe.set_mode_gpu),
    "caffe.set_device": lambda: warns(lambda: caffe.set_device(0)),
    "caffe.set_random_seed": lambda: caffe.set_random_seed(1) is None,
    "caffe.layer_type_list": lambda: {"Convolution", "Python", "Im2dist"} < set(caffe.layer_type_list()),
    "caffe.solver_count": lambda: caffe.solver_count() == 1,
    "caffe.set_solver_count": lambda: counted(caffe.set_solver_count, caffe.solver_count, 3, 1),
    "caffe.solver_rank": lambda: caffe.solver_rank() == 0,
    "caffe.set_solver_rank": lambda: counted(caffe.set_solver_rank, caffe.solver_rank, 2, 0),
    "caffe.set_multiprocess": lambda: caffe.set_multiprocess(False) is None,
    "caffe.has_nccl": lambda: caffe.has_nccl() is True,
    "caffe.NCCL": nccl,
    "caffe.NCCL.new_uid": lambda: caffe.NCCL.new_uid() != caffe.NCCL.new_uid(),
    "caffe.NCCL.bcast": nccl,
    "caffe.Timer": lambda: caffe.Timer().ms == 0,
    "caffe.Timer.start": lambda: stopped().ms > 0,
    "caffe.Timer.stop": lambda: (timer := stopped()).ms == timer.ms,
    "caffe.Timer.ms": lambda: stopped().ms < 1000,
    "caffe.Classifier": lambda: classifier().crop_dims.tolist() == [4, 4],
    "caffe.Classifier.predict": lambda: classifier().predict([PICTURE, PICTURE]).shape == (2, 2),
    "caffe.Detector": lambda: detector().inputs == ["data"],
    "caffe.Detector.detect_windows": lambda: (
        detector(1).detect_windows([("p.png", [np.array([0, 0, 3, 3])])])[0]["prediction"].tolist() == [0.5, 0.5]
    ),
    "caffe.Detector.detect_selective_search": lambda: refuses(lambda: detector().detect_selective_search(["p.png"])),
    "caffe.Detector.crop": lambda: detector().crop(PICTURE, np.array([0, 1, 2, 4])).shape == (2, 3, 3),
    "caffe.Detector.configure_crop": lambda: detector(1).crop(PICTURE, np.array([0, 1, 2, 4])).shape == (4, 4, 3),
    "caffe.NetSpec": lambda: list(spec().tops) == ["data", "conv", "up"],
    "caffe.NetSpec.to_proto": lambda: [layer.name for layer in spec().to_proto().layer] == ["data", "conv", "up"],
    "caffe.layers": lambda: isinstance(L.ReLU(spec().conv), caffe.net_spec.Top),
    "caffe.params": lambda: P.Pooling.AVE == 1,
    "caffe.to_proto": lambda: [layer.name for layer in caffe.to_proto(L.ReLU(L.Input())).layer] == ["Input1", "ReLU1"],
    "caffe.net_spec.assign_proto": lambda: assigned() == 3,
    "caffe.net_spec.param_name_dict": lambda: caffe.net_spec.param_name_dict()["InnerProduct"] == "inner_product",
    "caffe.net_spec.Top": lambda: caffe.net_spec.Top(L.Input().fn, 0).to_proto().layer[0].type == "Input",
    "caffe.net_spec.Function": lambda: len(caffe.net_spec.Function("Slice", [L.Input()], {"ntop": 2}).tops) == 2,
    "caffe.net_spec.Layers": lambda: isinstance(caffe.net_spec.Layers().Input(), caffe.net_spec.Top),
    "caffe.net_spec.Parameters": lambda: caffe.net_spec.Parameters().Eltwise.MAX == 2,
    "caffe.coord_map.conv_params": lambda: [v.item() for v in caffe.coord_map.conv_params(spec().conv.fn)[1:]] == [2, 3, 1],
    "caffe.coord_map.crop_params": lambda: caffe.coord_map.crop_params(cropped())[1].item() == 1,
    "caffe.coord_map.coord_map": lambda: caffe.coord_map.coord_map(spec().conv.fn) == (1, 0.5, 0),
    "caffe.coord_map.compose": lambda: caffe.coord_map.compose((None, 2, 1), (1, 3, 4)) == (1, 6, 9),
    "caffe.coord_map.inverse": lambda: caffe.coord_map.inverse((1, 2, 4)) == (1, 0.5, -2),
    "caffe.coord_map.coord_map_from_to": lambda: caffe.coord_map.coord_map_from_to((made := spec()).conv, made.data) == (1, 2, 0),
    "caffe.coord_map.crop": lambda: cropped().type_name == "Crop" and cropped().params["crop_param"]["axis"] == 2,
    "caffe.coord_map.UndefinedMapException": lambda: refuses(
        lambda: caffe.coord_map.coord_map(L.InnerProduct(L.Input()).fn), caffe.coord_map.UndefinedMapException
    ),
    "caffe.coord_map.AxisMismatchException": lambda: refuses(
        lambda: caffe.coord_map.compose((1, 1, 0), (2, 1, 0)), caffe.coord_map.AxisMismatchException
    ),
    "caffe.io.load_image": lambda: caffe.io.load_image("p.png").shape == (4, 4, 3) and caffe.io.load_image("p.png", False).shape[2] == 1,
    "caffe.io.resize_image": lambda: caffe.io.resize_image(PICTURE, (8, 6)).shape == (8, 6, 3),
    "caffe.io.oversample": lambda: caffe.io.oversample([PICTURE], (2, 2)).shape == (10, 2, 2, 3),
    "caffe.io.blobproto_to_array": lambda: (caffe.io.blobproto_to_array(caffe.io.array_to_blobproto(X)) == X).all(),
    "caffe.io.array_to_blobproto": lambda: (caffe.io.blobproto_to_array(caffe.io.array_to_blobproto(X, 2 * X), True) == 2 * X).all(),
    "caffe.io.arraylist_to_blobprotovector_str": lambda: isinstance(caffe.io.arraylist_to_blobprotovector_str([X]), bytes),
    "caffe.io.blobprotovector_str_to_arraylist": lambda: (
        caffe.io.blobprotovector_str_to_arraylist(caffe.io.arraylist_to_blobprotovector_str([X]))[0] == X
    ).all(),
    "caffe.io.array_to_datum": lambda: caffe.io.array_to_datum(X[0].astype(np.uint8), 3).label == 3,
    "caffe.io.datum_to_array": lambda: (caffe.io.datum_to_array(caffe.io.array_to_datum(X[0])) == X[0]).all(),
    "caffe.io.Transformer": lambda: refuses(lambda: transformer().preprocess("label", PICTURE), ValueError),
    "caffe.io.Transformer.preprocess": lambda: np.array_equal(preprocessed(), PICTURE.transpose(2, 0, 1)),
    "caffe.io.Transformer.deprocess": lambda: np.allclose(
        transformer(mean=np.ones(3), raw_scale=9).deprocess("data", preprocessed(mean=np.ones(3), raw_scale=9)), PICTURE
    ),
    "caffe.io.Transformer.set_transpose": lambda: refuses(lambda: transformer(transpose=(0, 1)), ValueError),
    "caffe.io.Transformer.set_channel_swap": lambda: np.array_equal(preprocessed(channel_swap=(2, 1, 0)), preprocessed()[::-1]),
    "caffe.io.Transformer.set_raw_scale": lambda: np.allclose(preprocessed(raw_scale=255), 255 * preprocessed()),
    "caffe.io.Transformer.set_mean": lambda: np.allclose(preprocessed(mean=np.full((3, 4, 4), 2.0)), preprocessed() - 2),
    "caffe.io.Transformer.set_input_scale": lambda: np.allclose(preprocessed(mean=np.ones(3), input_scale=3), 3 * (preprocessed() - 1)),
    "caffe.draw.get_pooling_types_dict": lambda: caffe.draw.get_pooling_types_dict()[0] == "MAX",
    "caffe.draw.get_edge_label": lambda: caffe.draw.get_edge_label(proto().layer[1]) == "2",
    "caffe.draw.get_layer_lr_mult": lambda: caffe.draw.get_layer_lr_mult(proto().layer[1]) == (1, 1),
    "caffe.draw.get_layer_label": lambda: caffe.draw.get_layer_label(proto().layer[1], "TB") == '"ip (InnerProduct)"',
    "caffe.draw.choose_color_by_layertype": lambda: caffe.draw.choose_color_by_layertype("Pooling") == "#FF9900",
    "caffe.draw.get_pydot_graph": lambda: len(caffe.draw.get_pydot_graph(proto(), "LR").get_nodes()) == 6,
    "caffe.draw.draw_net": lambda: caffe.draw.draw_net(proto(), "LR", "raw").startswith(b"digraph"),
    "caffe.draw.draw_net_to_file": lambda: caffe.draw.draw_net_to_file(proto(), "n.dot") is None and "ip" in Path("n.dot").read_text(),
    "caffe.proto.caffe_pb2": lambda: proto().layer[0].input_param.shape[0].dim == [2, 3, 4, 4],
    "caffe._caffe.Blob": lambda: caffe._caffe.Blob is caffe.Blob,
    "caffe._caffe.Blob.data": lambda: blob(2, 3).data.shape == (2, 3),
    "caffe._caffe.Blob.diff": lambda: blob(2, 3).diff.dtype == np.float32,
    "caffe._caffe.Blob.shape": lambda: tuple(blob(2, 3).shape) == (2, 3),
    "caffe._caffe.Blob.count": lambda: blob(2, 3).count == 6,
    "caffe._caffe.Blob.num": lambda: blob(2, 3, 4, 5).num == 2,
    "caffe._caffe.Blob.channels": lambda: blob(2, 3, 4, 5).channels == 3,
    "caffe._caffe.Blob.height": lambda: blob(2, 3, 4, 5).height == 4,
    "caffe._caffe.Blob.width": lambda: blob(2, 3).width == 1,
    "caffe._caffe.Blob.reshape": lambda: blob(4).data.shape == (4,),
    "caffe.pycaffe.Net": lambda: caffe.pycaffe.Net is caffe.Net,
}


def test_every_name_has_a_check():
    assert list(CHECKS) == list(SURFACE)


@pytest.mark.parametrize("name", SURFACE)
def test_it_does_its_work(name):
    assert CHECKS[name]()


@pytest.mark.parametrize("name", [name for name, parameters in SURFACE.items() if parameters])
def test_it_takes_the_parameters(name):
    wanted = SURFACE[name].split(", ")
    given = inspect.signature(make_pycaffe_docs.find(name)).parameters
    positional = [key for key, parameter in given.items() if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and key != "self"]
    free = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in given.values())
    assert positional[: len(wanted)] == wanted or (free and set(wanted) <= set(given) | {"*"})


def test_the_page_is_current():
    page = Path(__file__).resolve().parents[2] / "docs" / "pycaffe.md"
    assert page.read_text() == make_pycaffe_docs.document(), "run scripts/make_pycaffe_docs.py"
