"""The loop: which nets, which states, when it tests and prints, what it averages, and what stops it."""

import math
import re

import numpy as np
import pytest
import torch
from log_lines import messages
from solver.support import counter_param, counting_solver

import segaware_caffe
from segaware_caffe import CaffeError, Solver
from segaware_caffe.solver.average import Average

#: a net with an accuracy in TEST, and one layer more in TEST at level 1 or with stage "extra"
STAGED = """
name: "staged"
layer { name: "data" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 4 dim: 2 } shape { dim: 4 }
        data_filler { value: 1 } data_filler { value: 0 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "y" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "y" top: "accuracy" include { phase: TEST } }
layer { name: "level" type: "Power" bottom: "ip" top: "level" include { min_level: 1 } }
layer { name: "stage" type: "Power" bottom: "ip" top: "stage" include { stage: "extra" } }
"""
FIELDS = 'base_lr: 0.1 lr_policy: "fixed" max_iter: 4 solver_mode: CPU random_seed: 1'


@pytest.fixture
def log(caplog):
    """The messages of the solver room, without those of the nets."""
    caplog.set_level("INFO", "segaware_caffe.solver")
    return lambda: [record.getMessage() for record in caplog.records if record.name.startswith("segaware_caffe.solver")]


@pytest.fixture
def staged(tmp_path):
    path = tmp_path / "staged.prototxt"
    path.write_text(STAGED)
    return path


def solver(text: str, **options) -> Solver:
    return Solver(f"{FIELDS} {text}\n", **options)


# -- which nets ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words", "tests"),
    [
        ('net: "{net}"', "Creating training net from net file: {net}", []),
        ('train_net: "{net}"', "Creating training net from train_net file: {net}", []),
        ("net_param {{ {inline} }}", "Creating training net specified in net_param.", []),
        ("train_net_param {{ {inline} }}", "Creating training net specified in train_net_param.", []),
        (
            'net: "{net}" test_iter: 1 test_iter: 1 test_interval: 2',
            "Creating training net from net file: {net}",
            ["net file: {net}", "net file: {net}"],
        ),
        (
            'net: "{net}" test_net: "{net}" test_net_param {{ {inline} }} test_iter: 1 test_iter: 1 test_iter: 1 test_interval: 2',
            "Creating training net from net file: {net}",
            ["test_net_param", "test_net file: {net}", "net file: {net}"],
        ),
        (
            'train_net: "{net}" test_net: "{net}" test_iter: 3 test_interval: 2',
            "Creating training net from train_net file: {net}",
            ["test_net file: {net}"],
        ),
    ],
)
def test_nets_are_made_in_the_references_order_and_words(staged, log, text, words, tests):
    values = {"net": staged, "inline": STAGED}
    made = solver(text.format(**values))
    lines = [line for line in log() if line.startswith("Creating")]
    expected = [words, *(f"Creating test net (#{i}) specified by {source}" for i, source in enumerate(tests))]
    assert lines == [line.format(**values) for line in expected]
    assert [net.phase for net in made.test_nets] == ["TEST"] * len(tests)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "SolverParameter must specify a train net using one of these fields specifying a train_net: net, net_param"),
        ('net: "{net}" train_net: "{net}"', "SolverParameter must not contain more than one of these fields"),
        ('train_net: "{net}" test_net: "{net}"', "test_iter must be specified for each test network: 0 given, 1 test networks"),
        ('net: "{net}" test_net: "{net}" test_net: "{net}" test_iter: 1 test_interval: 1', "test_iter must be specified for each test"),
        ('net: "{net}" test_iter: 1 test_interval: 1 test_state {{ }} test_state {{ }}', "test_state must be unspecified or specified"),
        ('net: "{net}" test_iter: 1', "a solver with test nets needs test_interval > 0, not 0"),
        ('net: "{net}" test_iter: 0 test_interval: 1', "test_iter should be at least 1, not 0"),
        ('net: "{net}" average_loss: 0', "average_loss should be at least 1, not 0"),
        ('net: "{net}" iter_size: 0', "iter_size should be at least 1, not 0"),
        ('net: "{net}" snapshot: 5', "In solver params, snapshot is specified but snapshot_prefix is not"),
        ('net: "{net}" snapshot: 5 snapshot_prefix: "nowhere/x"', "Cannot write to snapshot prefix 'nowhere/x'.  Make sure that the dir"),
        ('net: "{net}" type: "Lion"', "Unknown solver type: Lion"),
        ('net: "nowhere.prototxt"', "File not found: nowhere.prototxt"),
        ('net: "{net}" debug_info: true', "debug_info needs every blob in its turn: leave out compile and recompute"),
    ],
)
def test_what_a_solver_cannot_be_made_of(staged, text, sentence):
    with pytest.raises(CaffeError) as error:
        solver(text.format(net=staged), recompute=True)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("text", "options", "train", "test"),
    [
        ("", {}, set(), set()),
        ("train_state { level: 1 }", {}, {"level"}, set()),
        ('test_state { stage: "extra" }', {}, set(), {"stage"}),
        ("", {"level": 1}, {"level"}, set()),
        ("", {"stages": ["extra"]}, {"stage"}, set()),
        ("train_state { level: 1 } test_state { level: 2 }", {"stages": ["extra"]}, {"level", "stage"}, {"level"}),
    ],
)
def test_states_are_merged_into_each_net(staged, text, options, train, test):
    made = solver(f'net: "{staged}" test_iter: 1 test_interval: 1 {text}', **options)
    assert set(made.net.outputs) == {"loss"} | train
    assert set(made.test_nets[0].outputs) == {"loss", "accuracy"} | test


def test_a_nets_own_state_comes_first(tmp_path):
    (tmp_path / "net.prototxt").write_text('state { level: 1 stage: "extra" }' + STAGED)
    made = solver(f'net: "{tmp_path / "net.prototxt"}" train_state {{ level: 0 }}')
    assert set(made.net.outputs) == {"loss", "stage"}


def test_placeholders_of_the_solver_and_its_nets(tmp_path):
    (tmp_path / "net.prototxt").write_text(STAGED.replace("num_output: 3", "num_output: ${CLASSES}"))
    (tmp_path / "solver.prototxt").write_text(FIELDS + ' net: "${DIR}/net.prototxt"')
    made = segaware_caffe.Solver(tmp_path / "solver.prototxt", {"CLASSES": 7, "DIR": str(tmp_path)})
    assert made.net.shapes["ip"] == (4, 7)
    assert made.param.snapshot_prefix == str(tmp_path / "solver")


def test_test_nets_have_the_train_nets_weights_throughout(staged):
    made = solver(f'net: "{staged}" test_iter: 1 test_interval: 100')
    made.step(2)
    for own, shared in zip(made.net.params["ip"], made.test_nets[0].params["ip"], strict=True):
        assert own is shared
    assert [blob.tensor for blob in made.test_nets[0].learned] == [blob.tensor for blob in made.net.learned]


FOLDING = """
layer { name: "in" type: "Input" top: "x" top: "y" input_param { shape { dim: 2 dim: 3 dim: 6 dim: 6 } shape { dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 4 kernel_size: 3
        weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "scale" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "c" top: "c" }
layer { name: "ip" type: "InnerProduct" bottom: "c" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "y" top: "loss" }
"""


def test_test_nets_follow_the_weights_though_passes_fold_and_pack_them():
    made = solver(f"net_param {{ {FOLDING} }} test_iter: 1 test_interval: 100 test_initialization: false momentum: 0.9")
    (test,), literal = made.test_nets, segaware_caffe.Net(FOLDING, "TEST", passes=[])
    literal.share_with(made.net)
    batch = {"x": torch.randn(2, 3, 6, 6), "y": torch.tensor([0.0, 2.0])}
    seen = []
    for _ in range(3):
        made.step(1, **batch)
        with torch.no_grad():
            seen.append(test(**batch)["loss"])
            torch.testing.assert_close(seen[-1], literal(**batch)["loss"], rtol=1e-4, atol=1e-5)
    assert len({float(loss) for loss in seen}) == 3


def test_test_nets_of_another_shape_are_refused(tmp_path, staged):
    (tmp_path / "other.prototxt").write_text(STAGED.replace("num_output: 3", "num_output: 5"))
    with pytest.raises(CaffeError, match=r"Cannot share param 0 weights from layer 'ip'; shape mismatch\.  Source param shape is 3 2"):
        solver(f'train_net: "{staged}" test_net: "{tmp_path / "other.prototxt"}" test_iter: 1 test_interval: 1')


def test_equal_seeds_make_equal_runs(staged):
    runs = []
    for _ in range(2):
        made = solver(f'net: "{staged}"')
        made.step(3)
        runs.append(made.net.params["ip"][0].detach().clone())
    assert torch.equal(*runs)


def test_weights_come_from_the_field_or_from_the_caller(staged, tmp_path, log):
    first, second = (str(tmp_path / f"{name}.caffemodel") for name in ("first", "second"))
    for value, path in ((1, first), (2, second)):
        net = segaware_caffe.Net(STAGED)
        net.params["ip"][0].fill_(value)
        net.save(path)
    for options, expected in (({}, [first, second]), ({"weights": [first]}, [first]), ({"weights": []}, [])):
        made = solver(f'net: "{staged}" weights: " {first} , {second}"', **options)
        assert [line for line in log() if line.startswith("Finetuning")][-len(expected) or len(log()) :] == [
            f"Finetuning from {path}" for path in expected
        ]
        if expected:
            assert (made.net.params["ip"][0] == (1 if expected == [first] else 2)).all()


# -- the loop ------------------------------------------------------------------------------


def test_the_average_is_over_the_last_losses():
    average = Average(3)
    assert [f"{average.add(loss):g}" for loss in (4, 2, 6, 1, 3)] == ["4", "3", "4", "3", "3.33333"]


def test_lines_come_in_the_references_order(log):
    made = counting_solver("display: 2 average_loss: 2 test_iter: 2 test_interval: 2 snapshot_after_train: false", size=1)
    made.param.max_iter = 4
    made.solve()
    lines = messages("\n".join(log()))
    assert lines[lines.index("Solving counter") :] == [
        "Solving counter",
        "Learning Rate Policy: fixed",
        "Iteration 0, Testing net (#0)",
        "    Test net output #0: loss = 0 (* 1 = 0 loss)",
        "Iteration 0, loss = 0",
        "    Train net output #0: loss = 0 (* 1 = 0 loss)",
        "Iteration 0, lr = 1",
        "Iteration 2, Testing net (#0)",
        "    Test net output #0: loss = -2 (* 1 = -2 loss)",
        "Iteration 2, loss = -1.5",
        "    Train net output #0: loss = -2 (* 1 = -2 loss)",
        "Iteration 2, lr = 1",
        "Iteration 4, loss = -3.5",
        "Iteration 4, Testing net (#0)",
        "    Test net output #0: loss = -4 (* 1 = -4 loss)",
        "Optimization Done.",
    ]


def test_every_element_of_an_output_has_its_line(log):
    param = counter_param("display: 1", size=3)
    del param.net_param.layer[2]
    made = Solver(param)
    made.net.params["w"][0].data.copy_(torch.tensor([[0.5], [1.5], [-2.5]]))
    made.step(1)
    assert [line for line in log() if "net output" in line] == [
        "    Train net output #0: w = 0.5",
        "    Train net output #1: w = 1.5",
        "    Train net output #2: w = -2.5",
    ]


@pytest.mark.parametrize(("initialization", "expected"), [("true", [0, 2, 4]), ("false", [2, 4])])
def test_test_initialization(log, initialization, expected):
    made = counting_solver(f"test_iter: 1 test_interval: 2 test_initialization: {initialization}")
    made.step(5)
    assert [int(re.search(r"\d+", line)[0]) for line in log() if "Testing" in line] == expected


def test_test_compute_loss(log):
    made = counting_solver("test_iter: 3 test_interval: 1 test_compute_loss: true")
    made.net.params["w"][0].data.fill_(2)
    made.test_all()
    assert "Test loss: 8" in log()


def test_iter_size_adds_gradients_up_and_averages_losses():
    made = counting_solver("iter_size: 4")
    assert made.images_per_iteration == 0
    made.step(2)
    assert (made.net.params["w"][0] == -2).all(), "the gradient is 1 whatever iter_size is"
    assert made.loss == -4, "each of the four passes of the second iteration has the loss -4"
    assert made.images_per_iteration == 4


def test_arrays_may_take_the_place_of_data_layers(staged):
    made = solver(f'net: "{staged}"')
    made.step(1, x=np.zeros((4, 2)), y=np.full(4, 2))
    assert made.loss == pytest.approx(math.log(3))
    assert not made.net.params["ip"][0].grad.any()


def test_a_source_of_several_tops_is_fed_as_a_whole(staged):
    with pytest.raises(CaffeError, match="feed 'y' too"):
        solver(f'net: "{staged}"').step(1, x=np.zeros((4, 2)))


def test_watchers_see_every_update():
    made, seen = counting_solver(), []
    made.watchers.append(lambda solver: seen.append((solver.iter, solver.loss, solver.rate)))
    made.step(3)
    assert seen == [(1, 0.0, 1.0), (2, -4.0, 1.0), (3, -8.0, 1.0)]


def test_fields_without_meaning_here_are_named(log):
    counting_solver("layer_wise_reduce: false")
    assert any(line.startswith("layer_wise_reduce has no effect here") for line in log())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_cpu_is_used_and_the_log_says_so(log):
    param = counter_param()
    param.ClearField("solver_mode")
    Solver(param)
    assert "solver_mode is GPU (Caffe's default), but there is no CUDA device: using the CPU." in log()


# -- what stops it -------------------------------------------------------------------------

LAYERS_TO_NAN = """
layer { name: "one" type: "DummyData" top: "one" dummy_data_param { shape { dim: 1 dim: 1 } data_filler { value: 1 } } }
layer { name: "w" type: "InnerProduct" bottom: "one" top: "w" inner_product_param { num_output: 1 bias_term: false } }
layer { name: "half" type: "Power" bottom: "w" top: "half" power_param { scale: 0.5 shift: 1 } }
layer { name: "log" type: "Log" bottom: "half" top: "log" }
layer { name: "loss" type: "Reduction" bottom: "log" top: "loss" loss_weight: 1 }
"""


def test_a_loss_of_nan_stops_training_and_names_the_layer_that_made_it():
    param = counter_param()
    param.net_param.CopyFrom(segaware_caffe.read_net(LAYERS_TO_NAN))
    param.base_lr = 6  # w = 0, then -3: the logarithm of -0.5
    made = Solver(param)
    with pytest.raises(CaffeError) as error:
        made.step(5)
    assert str(error.value) == (
        "Iteration 1: the loss is nan; the first layer to make NaN or infinity is 'log' (Log). Training stops without a snapshot"
    )
    assert made.iter == 1


def test_weights_that_went_bad_are_told_from_layers_that_did():
    made = counting_solver()
    made.step(1)
    made.net.params["w"][0].data[2] = math.inf
    with pytest.raises(CaffeError, match=r"Iteration 1: .* is 'w' \(InnerProduct\), whose learned blob 0 holds some already"):
        made.step(1)


def test_bad_data_is_told_from_layers(staged):
    with pytest.raises(CaffeError, match="the data has NaN or infinity already, in blob 'x'"):
        solver(f'net: "{staged}"').step(1, x=np.full((4, 2), np.nan), y=np.zeros(4))


# -- debug_info ----------------------------------------------------------------------------


def test_debug_info_prints_the_references_lines(log):
    made = counting_solver("debug_info: true display: 2", size=2)
    made.net.params["w"][0].data.copy_(torch.tensor([[3.0], [-1.0]]))
    made.step(2)
    lines = [line for line in log() if line.startswith("    [")]
    assert lines == [
        "    [Forward] Layer one, top blob one data: 1",
        "    [Forward] Layer w, top blob w data: 2",
        "    [Forward] Layer w, param blob 0 data: 2",
        "    [Forward] Layer loss, top blob loss data: 2",
        "    [Backward] Layer loss, bottom blob w diff: 1",
        "    [Backward] Layer w, param blob 0 diff: 1",
        "    [Backward] All net params (data, diff): L1 norm = (4, 2); L2 norm = (3.16228, 1.41421)",
        "    [Update] Layer w, param 0 data: 2; diff: 1",
    ]


def test_debug_info_of_test_nets_is_always_on(log):
    made = counting_solver("debug_info: true test_iter: 1 test_interval: 10")
    made.test_all()
    assert "    [Forward] Layer w, top blob w data: 0" in log()
    assert not [line for line in log() if "Backward" in line]
