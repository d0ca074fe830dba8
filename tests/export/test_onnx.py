"""ONNX models run by ONNX Runtime: every layer that has a golden file, whole networks, dynamic sizes, refusals."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from golden_oracle import GOLDEN, arrays

import segaware_caffe
from segaware_caffe import CaffeError, Net
from segaware_caffe.cli import main
from segaware_caffe.export.onnx import CONVERTERS
from segaware_caffe.models import CAMVID_PLAIN, CAMVID_SEGAWARE

FILES = sorted((GOLDEN / "layers").glob("*.npz")) + sorted((GOLDEN / "upstream/layers").glob("*.npz"))
#: goldens of layers without an ONNX form
REFUSED = ("adaptivebias", "densecrf_bilateral", "densecrf_score")

onnxruntime.set_default_logger_severity(4)


def parameters(files: list[Path]) -> list:
    """The files as pytest parameters; of those whose names begin alike, only the first is for every day."""
    firsts = {file.stem.split("_")[0]: file for file in reversed(files)}.values()
    return [pytest.param(file, id=file.stem, marks=() if file in firsts else pytest.mark.slow) for file in files]


def onnx_outputs(path: Path, inputs: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """What ONNX Runtime makes of the model."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    fed = {entry.name: inputs[entry.name].float().numpy() for entry in session.get_inputs()}
    return dict(zip([entry.name for entry in session.get_outputs()], session.run(None, fed), strict=True))


def assert_same(net: Net, path: Path, inputs: dict[str, torch.Tensor], tolerance: float = 1e-4) -> None:
    """The model gives what the net gives, relative to each blob's largest value, and nothing less."""
    found = onnx_outputs(path, inputs)
    expected = {name: value.detach().numpy() for name, value in net(**inputs).items() if name not in net.inputs}
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].shape == value.shape, name
        finite = np.isfinite(value)
        np.testing.assert_array_equal(np.isfinite(found[name]), finite, err_msg=name)
        error = np.abs(found[name][finite].astype(np.float64) - value[finite]).max(initial=0)
        assert error <= tolerance * max(1.0, np.abs(value[finite]).max(initial=0)), f"{name}: off by {error}"


def golden_net(file: Path) -> tuple[Net, dict[str, torch.Tensor]]:
    """The net of a golden file in phase TEST with its weights, and its inputs."""
    golden = np.load(file)
    net = Net(str(golden["prototxt"]), "TEST")
    for key, value in arrays(golden, "param").items():
        layer, index = key.rsplit("/", 1)
        blob = net.params[layer][int(index)]
        with torch.no_grad():
            blob.copy_(torch.from_numpy(value).reshape(blob.shape))
    stored = arrays(golden, "seq/0" if "seq/n" in golden.files else "in")
    inputs = {name: torch.from_numpy(value.astype(np.float32)) for name, value in stored.items() if name in net.inputs}
    net.reshape(**{name: tuple(value.shape) for name, value in inputs.items()})
    return net, inputs


@pytest.mark.parametrize("file", parameters([f for f in FILES if f.stem not in REFUSED]))
def test_layers(file, tmp_path):
    net, inputs = golden_net(file)
    segaware_caffe.export_onnx(net, tmp_path / "net.onnx")
    assert_same(net, tmp_path / "net.onnx", inputs)


@pytest.mark.parametrize("stem", REFUSED)
def test_layers_without_an_onnx_form_are_named(stem, tmp_path):
    net, _ = golden_net(GOLDEN / "layers" / f"{stem}.npz")
    with pytest.raises(CaffeError, match=r"layer 'l' \(\w+\) "):
        segaware_caffe.export_onnx(net, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


@pytest.mark.parametrize("export", ["export_onnx", "export_source"])
@pytest.mark.parametrize("method", ["MAX", "AVE"])
def test_empty_windows_are_refused(method, export, tmp_path):
    text = f'type: "Pooling" top: "p" pooling_param {{ kernel_size: 1 stride: 3 pool: {method} }}'
    net = segaware_caffe.Net(
        'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 1 dim: 5 dim: 5 } } }'
        f' layer {{ name: "p" bottom: "x" {text} }}'
    )
    with pytest.raises(CaffeError, match="a stride that leaves the last window empty"):
        getattr(segaware_caffe, export)(net, tmp_path / "net.out")


def test_coverage():
    reasons = CONVERTERS.coverage()
    assert sum(reason in ("yes", "input") for reason in reasons.values()) >= 90
    assert not [name for name, reason in reasons.items() if "no converter" in reason]


@pytest.mark.parametrize(("model", "most_nodes"), [(CAMVID_PLAIN, 250), (CAMVID_SEGAWARE, 400)])
def test_shipped_networks(model, most_nodes, tmp_path):
    net = Net(model.prototxt, weights=model.weights)
    exported = segaware_caffe.export_onnx(net, tmp_path / "net.onnx")
    assert len(exported.graph.node) <= most_nodes
    for batch, height, width in ((1, 97, 129), (2, 129, 97)):
        image = torch.rand(batch, 3, height, width) * 255 - 110
        assert_same(net, tmp_path / "net.onnx", {"data": image})


CONVOLUTION = """
    input: "data" input_shape {{ dim: 2 dim: 3 dim: 9 dim: 11 }}
    layer {{ name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param {{ num_output: 4 kernel_size: 3 {bias}
             weight_filler {{ type: "xavier" }} }} }}
    layer {{ name: "bn" type: "BatchNorm" bottom: "c" top: "c" }}
    layer {{ name: "s" type: "Scale" bottom: "c" top: "c" scale_param {{ bias_term: true }} }}
    layer {{ name: "r" type: "ReLU" bottom: "c" top: "c" }}
    {tail}
"""


def filled(text: str) -> Net:
    net = Net(text)
    generator = torch.Generator().manual_seed(1)
    for learned in net.learned:
        with torch.no_grad():
            learned.tensor.copy_(torch.rand(learned.tensor.shape, generator=generator) + 0.5)
    return net


@pytest.mark.parametrize("bias", ["", "bias_term: false"])
def test_normalisation_is_folded_into_convolutions(bias, tmp_path):
    net = filled(CONVOLUTION.format(bias=bias, tail=""))
    inputs = {"data": torch.randn(2, 3, 9, 11)}
    for fold, operators in ((True, ["Conv", "Relu"]), (False, ["Conv", "Mul", "Add", "Mul", "Add", "Relu"])):
        model = segaware_caffe.export_onnx(net, tmp_path / "net.onnx", fold=fold)
        assert [node.op_type for node in model.graph.node] == operators
        assert_same(net, tmp_path / "net.onnx", inputs)


def axes(model):
    return {i.name: [d.dim_param or d.dim_value for d in i.type.tensor_type.shape.dim] for i in [*model.graph.input, *model.graph.output]}


def test_what_may_change_is_what_the_net_allows(tmp_path):
    dense = 'layer { name: "ip" type: "InnerProduct" bottom: "c" top: "ip" inner_product_param { num_output: 5 } }'
    whole, flat = (filled(CONVOLUTION.format(bias="", tail=tail)) for tail in ("", dense))
    path = tmp_path / "net.onnx"
    assert axes(segaware_caffe.export_onnx(whole, path)) == {"data": ["batch", 3, "height", "width"], "c": ["batch", 4, "c_2", "c_3"]}
    assert axes(segaware_caffe.export_onnx(flat, path)) == {"data": ["batch", 3, 9, 11], "ip": ["batch", 5]}
    assert axes(segaware_caffe.export_onnx(whole, path, dynamic=())) == {"data": [2, 3, 9, 11], "c": [2, 4, 7, 9]}
    with pytest.raises(CaffeError, match="cannot be exported with dynamic size: with other inputs, layer 'ip'"):
        segaware_caffe.export_onnx(flat, path, dynamic=["size"])


def test_inner_blobs_keep_their_names(tmp_path):
    net = filled(CONVOLUTION.format(bias="", tail='layer { name: "p" type: "Power" bottom: "c" top: "p" power_param { scale: 2 } }'))
    model = segaware_caffe.export_onnx(net, tmp_path / "net.onnx")
    assert {"c", "p"} <= {name for node in model.graph.node for name in node.output}
    model = segaware_caffe.export_onnx(net, tmp_path / "net.onnx", outputs=["c"])
    assert [output.name for output in model.graph.output] == ["c"] and not any(node.op_type == "Mul" for node in model.graph.node)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"outputs": ["nothing"]}, "has no blob 'nothing' to export"),
        ({"dynamic": ["colour"]}, "dynamic may name 'batch' and 'size', not 'colour'"),
    ],
)
def test_mistakes(change, sentence, tmp_path):
    with pytest.raises(CaffeError, match=sentence):
        segaware_caffe.export_onnx(filled(CONVOLUTION.format(bias="", tail="")), tmp_path / "net.onnx", **change)


def test_a_net_in_training_is_refused(tmp_path):
    with pytest.raises(CaffeError, match="phase TRAIN; export one of phase TEST"):
        segaware_caffe.export_onnx(Net(CONVOLUTION.format(bias="", tail=""), "TRAIN"), tmp_path / "net.onnx")


def test_command(tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(CONVOLUTION.format(bias="", tail=""))
    assert main(["export", str(tmp_path / "net.prototxt"), "--output", str(tmp_path / "net.onnx"), "--shape", "data=1,3,8,8"]) == 0
    assert onnx_outputs(tmp_path / "net.onnx", {"data": torch.zeros(1, 3, 8, 8)})["c"].shape == (1, 4, 6, 6)
    assert main(["export", str(tmp_path / "net.prototxt"), "--output", str(tmp_path / "net.xyz")]) == 2
    assert "the suffix must name a format to export to: .onnx, .pt2, .py" in capsys.readouterr().err


INPUTS = 'input: "{}" input_shape {{ {} }}'


def net_of(layer: str, *shapes: tuple[int, ...]) -> Net:
    """A net of one layer whose bottoms are inputs x0, x1, ..."""
    inputs = "".join(INPUTS.format(f"x{i}", " ".join(f"dim: {d}" for d in shape)) for i, shape in enumerate(shapes))
    bottoms = " ".join(f'bottom: "x{i}"' for i in range(len(shapes)))
    return filled(f'{inputs} layer {{ name: "l" {bottoms} {layer} }}')


LABELS = torch.tensor([0.0, 2, 1, 255, 2, 0]).reshape(2, 1, 3)
ROIS = torch.tensor([[0.0, 1, 2, 9, 8], [1, 0, 0, 15, 15], [0, 3, 3, 3, 3], [1, 12, 1, 30, 40]])
CASES = {
    "roi": ('type: "ROIPooling" top: "y" roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 }', torch.rand(2, 3, 8, 8), ROIS),
    "psroi": (
        'type: "PSROIPooling" top: "y" psroi_pooling_param { output_dim: 2 group_size: 3 spatial_scale: 0.5 }',
        torch.rand(2, 18, 8, 8),
        ROIS,
    ),
    "nvidia batchnorm": ('type: "BatchNorm" top: "y" batch_norm_param { scale_bias: true }', torch.randn(2, 4, 3, 3)),
    "class weights": (
        'type: "SoftmaxWithLoss" top: "y" loss_param { ignore_label: 255 weight_by_label_freqs: true class_weighting: 1'
        " class_weighting: 2 class_weighting: 3 }",
        torch.randn(2, 3, 3),
        LABELS,
    ),
    "pre fixed": (
        'type: "SoftmaxWithLoss" top: "y" loss_param { ignore_label: 255 normalization: PRE_FIXED pre_fixed_normalizer: 7 }',
        torch.randn(2, 3, 3),
        LABELS,
    ),
    "dropped window": ('type: "Pooling" top: "y" pooling_param { kernel_size: 2 stride: 2 pad: 1 }', torch.randn(1, 2, 7, 6)),
    "mean beyond padding": (
        'type: "Pooling" top: "y" pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }',
        torch.randn(2, 2, 6, 7),
    ),
    "mean beyond wide padding": (
        'type: "Pooling" top: "y" pooling_param { pool: AVE kernel_h: 4 kernel_w: 5 stride: 3 pad_h: 3 pad_w: 1 }',
        torch.randn(1, 2, 9, 8),
    ),
    "mask of a pooling": ('type: "Pooling" top: "y" top: "m" pooling_param { kernel_size: 2 stride: 2 }', torch.randn(2, 3, 6, 5)),
    "stochastic": ('type: "Pooling" top: "y" pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }', torch.rand(1, 2, 7, 6)),
    "dropout unscaled": ('type: "Dropout" top: "y" dropout_param { scale_train: false dropout_ratio: 0.3 }', torch.randn(2, 3)),
}


@pytest.mark.parametrize("case", CASES)
def test_layers_without_golden_files(case, tmp_path):
    layer, *bottoms = CASES[case]
    net = net_of(layer, *(tuple(bottom.shape) for bottom in bottoms))
    segaware_caffe.export_onnx(net, tmp_path / "net.onnx")
    assert_same(net, tmp_path / "net.onnx", {f"x{i}": bottom for i, bottom in enumerate(bottoms)})


@pytest.mark.parametrize("code", ["CORNER", "CENTER_SIZE", "CORNER_SIZE"])
@pytest.mark.parametrize(("threshold", "keep"), [(0.05, 5), (0.05, -1), (2.0, 10)])
def test_detections(code, threshold, keep, tmp_path):
    nms = "nms_param { nms_threshold: 0.45 top_k: 8 }"
    fields = f"num_classes: 3 keep_top_k: {keep} confidence_threshold: {threshold} code_type: {code} {nms}"
    net = net_of(f'type: "DetectionOutput" top: "y" detection_output_param {{ {fields} }}', (2, 48), (2, 36), (1, 2, 48))
    generator = torch.Generator().manual_seed(3)
    corners = torch.rand(12, 2, generator=generator) * 0.6
    priors = torch.stack([torch.cat([corners, corners + 0.3], 1).flatten(), torch.full((48,), 0.1)])[None]
    scores = torch.rand(2, 12, 3, generator=generator).softmax(2).reshape(2, 36)
    segaware_caffe.export_onnx(net, tmp_path / "net.onnx")
    assert_same(net, tmp_path / "net.onnx", {"x0": torch.randn(2, 48, generator=generator), "x1": scores, "x2": priors})
