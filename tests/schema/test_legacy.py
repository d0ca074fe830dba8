"""V0 and V1 nets, input fields and old solvers into the present form (spec/pipeline.md 1.2, layers.md 16)."""

from pathlib import Path

import pytest

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import NetParameter, enum, parse_text, read_net, read_solver

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "upstream" / "upgrade"
BEFORE = sorted(GOLDEN.glob("*.before.prototxt"))

INPUT = 'input: "data" input_dim: [1, 2, 3, 4] '


def v0(fields: str, edges: str = 'bottom: "data" top: "x"') -> str:
    """A V0 net of one layer."""
    return f'{INPUT} layers {{ layer {{ name: "l" {fields} }} {edges} }}'


def upgraded(text: str) -> NetParameter:
    """The upgrade of `text`, without the layer that the input fields became."""
    net = read_net(text)
    if net.layer and net.layer[0].type == "Input":
        del net.layer[0]
    return net


def test_the_golden_pairs_are_here():
    assert len(BEFORE) == 9


@pytest.mark.parametrize("before", BEFORE, ids=lambda path: path.name.split(".")[0])
def test_upgrade_is_the_reference_tools(before):
    after = before.with_name(before.name.replace("before", "after"))
    assert read_net(before) == parse_text(after.read_text(), "NetParameter")


@pytest.mark.parametrize("after", sorted(GOLDEN.glob("*.after.prototxt")), ids=lambda path: path.name.split(".")[0])
def test_a_present_net_stays_as_it_is(after):
    assert read_net(after) == parse_text(after.read_text(), "NetParameter")


#: V0 field, the types that may have it, the field of the present layer
V0_FIELDS = [
    ("num_output: 3", "conv", "convolution_param { num_output: 3 }"),
    ("num_output: 3", "innerproduct", "inner_product_param { num_output: 3 }"),
    ("biasterm: false", "conv", "convolution_param { bias_term: false }"),
    ("biasterm: false", "innerproduct", "inner_product_param { bias_term: false }"),
    ("weight_filler { std: 2 }", "conv", "convolution_param { weight_filler { std: 2 } }"),
    ("bias_filler { value: 2 }", "innerproduct", "inner_product_param { bias_filler { value: 2 } }"),
    ("pad: 2", "conv", "convolution_param { pad: 2 }"),
    ("pad: 2", "pool", "pooling_param { pad: 2 }"),
    ("kernelsize: 2", "conv", "convolution_param { kernel_size: 2 }"),
    ("kernelsize: 2", "pool", "pooling_param { kernel_size: 2 }"),
    ("stride: 2", "conv", "convolution_param { stride: 2 }"),
    ("stride: 2", "pool", "pooling_param { stride: 2 }"),
    ("group: 2", "conv", "convolution_param { group: 2 }"),
    ("pool: AVE", "pool", "pooling_param { pool: AVE }"),
    ("dropout_ratio: 0.1", "dropout", "dropout_param { dropout_ratio: 0.1 }"),
    ("local_size: 3 alpha: 1 beta: 2 k: 3", "lrn", "lrn_param { local_size: 3 alpha: 1 beta: 2 k: 3 }"),
    ("source: 's' batchsize: 2 rand_skip: 3", "data", "data_param { source: 's' batch_size: 2 rand_skip: 3 }"),
    ("source: 's' batchsize: 2", "hdf5_data", "hdf5_data_param { source: 's' batch_size: 2 }"),
    (
        "source: 's' batchsize: 2 rand_skip: 3 shuffle_images: true new_height: 4 new_width: 5",
        "images",
        "image_data_param { source: 's' batch_size: 2 rand_skip: 3 shuffle: true new_height: 4 new_width: 5 }",
    ),
    (
        "source: 's' batchsize: 2 det_fg_threshold: 0.1 det_bg_threshold: 0.2 det_fg_fraction: 0.3 det_context_pad: 4 det_crop_mode: 'x'",
        "window_data",
        "window_data_param { source: 's' batch_size: 2 fg_threshold: 0.1 bg_threshold: 0.2 fg_fraction: 0.3"
        " context_pad: 4 crop_mode: 'x' }",
    ),
    ("source: 's'", "infogain_loss", "infogain_loss_param { source: 's' }"),
    ("concat_dim: 2", "concat", "concat_param { concat_dim: 2 }"),
    ("hdf5_output_param { file_name: 'f' }", "hdf5_output", "hdf5_output_param { file_name: 'f' }"),
    (
        "scale: 2 meanfile: 'm' cropsize: 3 mirror: true",
        "relu",
        "transform_param { scale: 2 mean_file: 'm' crop_size: 3 mirror: true }",
    ),
    ("new_num: 1 new_channels: 2", "relu", ""),
    ("blobs_lr: [1, 2] weight_decay: 3", "split", "param { lr_mult: 1 decay_mult: 3 } param { lr_mult: 2 }"),
    ("blobs { num: 1 data: [1, 2] }", "bnll", "blobs { num: 1 data: [1, 2] }"),
]
V2_TYPES = {
    "conv": "Convolution",
    "innerproduct": "InnerProduct",
    "pool": "Pooling",
    "dropout": "Dropout",
    "lrn": "LRN",
    "data": "Data",
    "hdf5_data": "HDF5Data",
    "images": "ImageData",
    "window_data": "WindowData",
    "infogain_loss": "InfogainLoss",
    "concat": "Concat",
    "hdf5_output": "HDF5Output",
    "relu": "ReLU",
    "split": "Split",
    "bnll": "BNLL",
    "accuracy": "Accuracy",
    "euclidean_loss": "EuclideanLoss",
    "flatten": "Flatten",
    "im2col": "Im2col",
    "multinomial_logistic_loss": "MultinomialLogisticLoss",
    "sigmoid": "Sigmoid",
    "softmax": "Softmax",
    "softmax_loss": "SoftmaxWithLoss",
    "tanh": "TanH",
}


@pytest.mark.parametrize(("field", "kind", "present"), V0_FIELDS)
def test_v0_field(field, kind, present):
    expected = f'name: "l" type: "{V2_TYPES[kind]}" bottom: "data" top: "x" {present}'
    assert upgraded(v0(f"type: '{kind}' {field}")).layer[0] == parse_text(expected, "LayerParameter")


@pytest.mark.parametrize(("old", "new"), V2_TYPES.items())
def test_v0_type(old, new):
    assert [layer.type for layer in upgraded(v0(f"type: '{old}'")).layer] == [new]


#: net, what the error says
V0_REFUSED = {
    "unknown type": (v0("type: 'convolution'"), "Unknown layer name: convolution (layer 'l')"),
    "field of another type": (
        v0("type: 'relu' num_output: 3"),
        "Unknown parameter num_output for layer type relu (layer 'l')",
    ),
    "file of another type": (
        v0("type: 'data' hdf5_output_param { file_name: 'f' }"),
        "Unknown parameter hdf5_output_param for layer type data (layer 'l')",
    ),
    "group of a pool": (v0("type: 'pool' group: 2"), "Unknown parameter group for layer type pool"),
    "input_shape": (
        "input: 'data' input_shape { dim: 1 } layers { layer { name: 'l' type: 'relu' } bottom: 'data' top: 'x' }",
        "A net of V0 layers takes its inputs from input_dim: its input_shape would be lost",
    ),
    "V1 fields beside the V0 layer": (
        v0("type: 'relu'", 'bottom: "data" top: "x" include { phase: TRAIN }'),
        "Layer 'l' of a V0 net has the V1 field include, which would be lost",
    ),
    "V1 layer among V0 layers": (
        v0("type: 'relu'") + "layers { name: 'm' type: RELU bottom: 'x' top: 'y' }",
        "Layer 'm' of a V0 net has the V1 field name, which would be lost",
    ),
    "bottom from nowhere": (v0("type: 'relu'", 'bottom: "y"'), "Unknown blob input y to layer l"),
    "padding before a layer that has none": (
        INPUT + "layers { layer { name: 'p' type: 'padding' pad: 1 } bottom: 'data' top: 'p' }"
        "layers { layer { name: 'r' type: 'relu' } bottom: 'p' top: 'r' }",
        "Padding layer input to non-convolutional / non-pooling layer type relu (layer 'r' reads 'p')",
    ),
    "padding before padding": (
        INPUT + "layers { layer { name: 'p' type: 'padding' pad: 1 } bottom: 'data' top: 'p' }"
        "layers { layer { name: 'q' type: 'padding' pad: 1 } bottom: 'p' top: 'q' }",
        "Padding layer input to non-convolutional / non-pooling layer type padding",
    ),
    "padding beside another bottom": (
        INPUT + "layers { layer { name: 'p' type: 'padding' pad: 1 } bottom: 'data' top: 'p' }"
        "layers { layer { name: 'c' type: 'conv' } bottom: 'data' bottom: 'p' top: 'c' }",
        "Layer 'c' has 2 bottoms: next to padding it takes one",
    ),
    "padding with two tops": (
        INPUT + "layers { layer { name: 'p' type: 'padding' pad: 1 } bottom: 'data' top: 'p' top: 'q' }"
        "layers { layer { name: 'c' type: 'conv' } bottom: 'p' top: 'c' }",
        "Layer 'p' has 2 tops: next to padding it takes one",
    ),
}


@pytest.mark.parametrize(("text", "says"), V0_REFUSED.values(), ids=V0_REFUSED)
def test_v0_refused(text, says):
    with pytest.raises(CaffeError) as error:
        read_net(text)
    assert says in str(error.value)


def test_v0_padding_takes_the_place_of_the_readers_own():
    net = upgraded(
        INPUT + "layers { layer { name: 'p' type: 'padding' pad: 3 } bottom: 'data' top: 'p' }"
        "layers { layer { name: 'c' type: 'conv' pad: 1 } bottom: 'p' top: 'c' }"
        "layers { layer { name: 'd' type: 'pool' } bottom: 'p' top: 'd' }"
    )
    assert [(layer.name, list(layer.bottom)) for layer in net.layer] == [("c", ["data"]), ("d", ["data"])]
    assert list(net.layer[0].convolution_param.pad) == [3]
    assert net.layer[1].pooling_param.pad == 3


def test_v0_keeps_what_belongs_to_the_net():
    net = upgraded("name: 'n' force_backward: true debug_info: true state { level: 2 }" + v0("type: 'relu'"))
    assert (net.name, net.force_backward, net.debug_info, net.state.level) == ("n", True, True, 2)


def test_every_v1_type_has_a_name_today():
    numbers = [value.number for value in enum("V1LayerParameter.LayerType").values]
    net = read_net("".join(f"layers {{ type: {number} name: 'l' }}\n" for number in numbers))
    types = [layer.type for layer in net.layer]
    assert len(set(types)) == len(numbers) == 61
    assert types[:6] == ["", "Accuracy", "BNLL", "Concat", "Convolution", "Data"]
    assert types[21] == "SoftmaxWithLoss"
    assert types[39] == "Deconvolution"


def test_v1_parallel_lists_become_param_specs():
    net = read_net("layers { name: 'l' blobs_lr: 1 weight_decay: [1, 2, 3] param: ['', 'b'] blob_share_mode: PERMISSIVE }")
    assert net.layer[0] == parse_text(
        "name: 'l' param { name: '' share_mode: PERMISSIVE lr_mult: 1 decay_mult: 1 }"
        " param { name: 'b' decay_mult: 2 } param { decay_mult: 3 }",
        "LayerParameter",
    )


def test_v1_weights_come_along():
    net = read_net("layers { name: 'l' type: CONVOLUTION blobs { num: 1 data: [1, 2] } blobs { shape { dim: 2 } data: [3, 4] } }")
    assert [list(blob.data) for blob in net.layer[0].blobs] == [[1, 2], [3, 4]]


def test_v1_transformation_fields_move_only_where_a_data_layer_reads_them():
    net = read_net(
        "layers { type: DATA transform_param { scale: 1 mean_value: 3 } data_param { scale: 2 source: 's' } }"
        "layers { type: RELU data_param { scale: 2 } }"
    )
    assert net.layer[0] == parse_text(
        "type: 'Data' transform_param { scale: 2 mean_value: 3 } data_param { source: 's' }", "LayerParameter"
    )
    assert net.layer[1] == parse_text("type: 'ReLU' data_param { scale: 2 }", "LayerParameter")


def test_present_data_layers_keep_their_old_fields():
    assert read_net("layer { type: 'Data' data_param { scale: 2 } }").layer[0].data_param.scale == 2


@pytest.mark.parametrize("old", ["layers { name: 'b' type: RELU }", "layers { layer { name: 'b' type: 'relu' } }"])
def test_old_and_new_layers_do_not_mix(old):
    with pytest.raises(CaffeError) as error:
        read_net(f"layer {{ name: 'a' type: 'ReLU' }} {old}")
    assert "Refusing to upgrade inconsistent NetParameter input" in str(error.value)
    assert "('a' and 'b')" in str(error.value)


LAYER = "layer { name: 'l' } "
#: input fields, the shapes of the layer named "input" (None: there is none)
INPUTS = {
    "a shape each": ("input: 'a' input: 'b' input_shape { dim: 1 } input_shape { dim: [2, 3] }", [[1], [2, 3]]),
    "four dimensions each": ("input: ['a', 'b'] input_dim: [1, 2, 3, 4, 5, 6, 7, 8]", [[1, 2, 3, 4], [5, 6, 7, 8]]),
    "the shape wins": ("input: 'a' input_shape { dim: 9 } input_dim: 1", [[9]]),
    "neither": ("input: 'a'", None),
}


@pytest.mark.parametrize(("text", "shapes"), INPUTS.values(), ids=INPUTS)
def test_input_fields(text, shapes):
    net = read_net(LAYER + text)
    assert not (net.input or net.input_dim or net.input_shape)
    assert [layer.name for layer in net.layer] == (["l"] if shapes is None else ["input", "l"])
    if shapes is not None:
        first = net.layer[0]
        assert first.type == "Input"
        assert list(first.top) == ["a", "b"][: len(shapes)]
        assert [list(shape.dim) for shape in first.input_param.shape] == shapes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("input: ['a', 'b'] input_shape { dim: 1 }", "2 input fields need 2 input_shape values, 1 for each, not 1"),
        ("input: 'a' input_shape {} input_shape {}", "1 input fields need 1 input_shape values, 1 for each, not 2"),
        ("input: 'a' input_dim: [1, 2, 3]", "1 input fields need 4 input_dim values, 4 for each, not 3"),
        ("input: 'a' input_dim: [1, 2, 3, 4, 5]", "1 input fields need 4 input_dim values, 4 for each, not 5"),
    ],
)
def test_input_fields_of_the_wrong_number(text, says):
    with pytest.raises(CaffeError, match=f"^<text>: {says}$"):
        read_net(text)


@pytest.mark.parametrize(
    ("kind", "count", "still"),
    [("BatchNorm", 3, False), ("BatchNorm", 2, True), ("BatchNorm", 1, True), ("Scale", 3, True)],
)
def test_statistics_of_batch_norm_do_not_learn(kind, count, still):
    net = read_net(f"layer {{ type: '{kind}' {'param { lr_mult: 2 }' * count} }}")
    assert all((spec.lr_mult, spec.HasField("decay_mult")) == ((2, False) if still else (0, True)) for spec in net.layer[0].param)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SGD", "SGD"),
        ("NESTEROV", "Nesterov"),
        ("ADAGRAD", "AdaGrad"),
        ("RMSPROP", "RMSProp"),
        ("ADADELTA", "AdaDelta"),
        ("ADAM", "Adam"),
        ("0", "SGD"),
        ("5", "Adam"),
    ],
)
def test_solver_type(old, new):
    solver = read_solver(f"solver_type: {old}")
    assert solver.type == new
    assert not solver.HasField("solver_type")


def test_solver_type_twice():
    with pytest.raises(CaffeError, match="Failed to upgrade solver: old solver_type field"):
        read_solver("solver_type: ADAM type: 'Adam'")


def test_solver_without_a_type_stays_without():
    solver = read_solver("base_lr: 1")
    assert not solver.HasField("type")
    assert solver.type == "SGD"


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("", "{0}/my.solver"), ("snapshot_prefix: 'x/y'", "x/y"), ("snapshot_prefix: '{0}'", "{0}/my.solver")],
)
def test_snapshot_prefix_from_the_solvers_file(tmp_path, text, prefix):
    path = tmp_path / "my.solver.prototxt"
    path.write_text(text.replace("{0}", str(tmp_path)))
    assert read_solver(path).snapshot_prefix == prefix.replace("{0}", str(tmp_path))


def test_snapshot_prefix_of_a_text_stays_unset():
    assert not read_solver("base_lr: 1").HasField("snapshot_prefix")


def test_nets_inside_a_solver_stay_as_they_are():
    solver = read_solver("net_param { layers { type: RELU } }")
    assert len(solver.net_param.layers) == 1
    assert read_net(solver.net_param).layer[0].type == "ReLU"
