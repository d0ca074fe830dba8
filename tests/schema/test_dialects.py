"""Words of other forks: the table of their kinds is complete, and each kind is treated as it says."""

import logging
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from segaware_caffe import CaffeError
from segaware_caffe.layers import registered
from segaware_caffe.schema import message_class, read_net, read_solver, treatments
from segaware_caffe.schema.dialects import FORKS, Kind, foreign_type, words
from segaware_caffe.schema.messages import enum

ROOT = Path(__file__).resolve().parents[2]
#: The repository of the reference's table -> the key in the package's.
REPOSITORIES = {
    "LisaAnne_lisa-caffe-public": "lrcn",
    "NVIDIA_caffe": "nvidia",
    "TheLegendAli_DeepLab-Context": "deeplab-v1",
    "alexgkendall_caffe-segnet": "segnet",
    "daijifeng001_caffe-rfcn": "r-fcn",
    "eric612_MobileNet-YOLO": "mobilenet-yolo",
    "hszhao_PSPNet": "pspnet",
    "intel_caffe": "intel",
    "lmb-freiburg_flownet2": "flownet2",
    "s9xie_hed": "hed",
    "weiliu89_caffe-ssd": "ssd",
}
#: Words that are in no table of the reference's: CRF-RNN's, ENet's, and one that several forks share.
OTHERS = {"crf-rnn", "enet", "others"}


def test_every_row_of_the_reference_has_a_kind(shared):
    table = (shared / "reference" / "forks.tsv").read_text().splitlines()[1:]
    forks: dict[tuple, dict[str, int]] = {}
    for line in table:
        sort, message, name, *_, owners = line.split("\t")
        numbers = dict(owner.rsplit(":", 1) for owner in owners.split())
        forks.setdefault((sort, message, name), {}).update({REPOSITORIES[fork]: int(number) for fork, number in numbers.items()})
    ours = {key: dict(word.forks) for key, word in words().items() if not OTHERS & word.forks.keys()}
    assert forks == {key: ours[key] for key in forks}
    # what is there beside: DeepLab v1's layers, which the schema calls V1
    assert all(message.startswith("V1LayerParameter") for _, message, _ in ours.keys() - forks.keys())


def test_the_table_says_nothing_of_words_that_no_fork_has():
    rows = [line.split("\t") for line in Path(treatments.__file__).with_name("forks.tsv").read_text().splitlines()]
    known = {name for _, message, word, _ in rows for name in (message, message.partition(".")[0], f"{message}.{word}")}
    assert treatments.TREATMENTS.keys() <= known


def test_every_word_of_a_net_or_solver_can_be_read():
    """The schema has all of them, but for the V0 layer that DeepLab v1's V1 layers hold, which V1LayerParameter has."""
    for (sort, message, name), word in words().items():
        if message.startswith("LayerParameter.") or (message, name) == ("LayerParameter", "layer"):
            continue
        message = message.replace("DetectNetGroundTruthParameter.ClassMapping", "DetectNetClassMapping")
        known = enum(message).values_by_name if sort == "value" else message_class(message).DESCRIPTOR.fields_by_name
        assert name in known, word


def test_of_each_kind_there_are_some():
    assert Counter(word.kind for word in words().values()).keys() == set(Kind)
    assert {fork for word in words().values() for fork in word.forks} == FORKS.keys()


def test_the_page_is_current(tmp_path):
    subprocess.run([sys.executable, ROOT / "scripts" / "make_dialect_docs.py", "--output", tmp_path / "dialects.md"], check=True)
    assert (tmp_path / "dialects.md").read_text() == (ROOT / "docs" / "dialects.md").read_text(), "run scripts/make_dialect_docs.py"


HARMLESS = {
    "engine of a layer": "layer { name: 'r' type: 'ReLU' relu_param { engine: MKLDNN } }",
    "hints": "layer { name: 'c' type: 'Convolution' quantization_param { bw_params: 8 } convolution_param { conv_algorithm: 'auto' } }",
    "the net's": "engine: 'MKLDNN' default_forward_type: FLOAT16",
    "a default": "layer { name: 'p' type: 'Pooling' pooling_param { torch_pooling: false avg_include_pad: true } }",
    "a default in a message": "layer { name: 'd' type: 'Data' transform_param { noise_param { prob: 0 } flow: false } }",
    "parameters of another layer": "layer { name: 'r' type: 'ReLU' reorg_param { stride: 2 } }",
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_harmless_words_are_named_once(text, caplog):
    with caplog.at_level(logging.INFO, "segaware_caffe.schema.foreign"):
        read_net(text + text.replace("name: '", "name: '2") if text.startswith("layer") else text)
    assert caplog.messages
    assert all("is ignored: " in message for message in caplog.messages)
    assert len({message.split(" (")[0].rpartition(".")[2] for message in caplog.messages}) == len(caplog.messages)


REFUSED = {
    "pooling": (
        "layer { name: 'p' type: 'Pooling'\n pooling_param { torch_pooling: true } }",
        "<text>:2:18: layer[0].pooling_param.torch_pooling: true (layer 'p'): a word of NVIDIA Caffe; what would be needed: Torch's size",
    ),
    "fused": (
        "layer { type: 'Convolution' convolution_param { relu: true } }",
        ": a word of Intel Caffe; what would be needed: a layer fused into",
    ),
    "V1": (
        "layers { type: POOLING name: 'p' pooling_param { avg_include_pad: false } }",
        "<text>:1:50: layers[0].pooling_param.avg_include_pad: false (layer 'p')",
    ),
    "a message": (
        "layer { type: 'Data' transform_param { resize_param { prob: 1 width: 300 } resize_param { height: 300 } } }",
        "transform_param.resize_param[1]: { height: 300 }",
    ),
    "of the net": ("name: 'n' bn_stats_batch_size: 32", "<text>:1:11: bn_stats_batch_size: 32: a word of Intel Caffe;"),
    "augmentation of the release's layer": ("layer { type: 'Augmentation' aug_param { mean: 3 } }", "aug_param.mean: 3"),
}


@pytest.mark.parametrize("allow_unknown_fields", [False, True])
@pytest.mark.parametrize(("text", "says"), REFUSED.values(), ids=REFUSED)
def test_refused_words_are_never_skipped(text, says, allow_unknown_fields):
    with pytest.raises(CaffeError) as error:
        read_net(text, allow_unknown_fields=allow_unknown_fields)
    assert str(error.value).startswith("<text>: words of other forks whose meaning is not built:\n")
    assert says in str(error.value)


def test_all_refused_words_are_one_error():
    text = "\n".join(text for text, _ in REFUSED.values() if "layers" not in text)
    with pytest.raises(CaffeError) as error:
        read_net(text)
    assert len(str(error.value).splitlines()) == 1 + 6  # resize_param stands twice


def test_a_phase_looks_at_its_own_layers_only():
    data = "layer { name: 'd' type: 'Data' %s transform_param { flow: true } }"
    for rule in ("include { phase: TRAIN }", "exclude { phase: TEST }"):
        assert read_net(data % rule, phase="TEST").layer[0].transform_param.flow
        for phase in ("TRAIN", None):
            with pytest.raises(CaffeError, match=r"transform_param\.flow"):
                read_net(data % rule, phase=phase)
    with pytest.raises(CaffeError, match=r"transform_param\.flow"):  # a stage may come or not
        read_net(data % "exclude { phase: TEST stage: 'x' }", phase="TEST")


def test_a_message_is_under_the_rule_too():
    net = read_net("layer { name: 'p' type: 'Pooling' }")
    net.layer[0].pooling_param.torch_pooling = True
    with pytest.raises(CaffeError, match=r"the NetParameter: words of .*\n  layer\[0\]\.pooling_param\.torch_pooling: true \(layer 'p'\)"):
        read_net(net)


def test_layers_that_are_not_built_are_read_whole():
    net = read_net("layer { name: 'l' type: 'Yolov3' yolov3_param { side: 7 iou_loss: GIOU } transform_param { flow: true } }")
    assert net.layer[0].yolov3_param.side == 7
    assert foreign_type("Yolov3").owners == "MobileNet-YOLO"
    assert foreign_type("Convolution") is None


def test_no_type_that_is_called_unbuilt_is_built():
    assert not treatments.UNBUILT_TYPES.keys() & registered().keys()


SOLVERS_REFUSED = {
    "larc": ("larc: true larc_eta: 0.1", "<text>:1:1: larc: true: a word of NVIDIA Caffe;"),
    "solver type": ("solver_type: SAG", "<text>:1:1: solver_type: SAG: a word of NVIDIA Caffe; what would be needed: the solver SAG"),
    "policy": ("weight_decay_policy: 'poly'", 'weight_decay_policy: "poly"'),
    "rate": ("local_lr_auto: true", "local_lr_auto: true: a word of Intel Caffe;"),
    "a net within": (
        "net_param { layer { name: 'l' type: 'ELU' elu_param { lambda: 2 } } }",
        "net_param.layer[0].elu_param.lambda: 2 (layer 'l')",
    ),
}


@pytest.mark.parametrize(("text", "says"), SOLVERS_REFUSED.values(), ids=SOLVERS_REFUSED)
def test_refused_words_of_solvers(text, says):
    with pytest.raises(CaffeError) as error:
        read_solver(text)
    assert says in str(error.value)


def test_harmless_words_of_solvers(caplog):
    with caplog.at_level(logging.INFO, "segaware_caffe.schema.foreign"):
        solver = read_solver(
            "eval_type: 'detection' ap_version: '11point' show_per_class_result: true momentum_policy: 'fixed' test_offset: 0"
        )
    assert solver.eval_type == "detection"
    assert len(caplog.messages) == 5


def test_nvidias_words_for_the_rise_of_the_rate():
    solver = read_solver("rampup_interval: 500 rampup_lr: 0.001")
    assert (solver.warmup_iter, solver.HasField("rampup_interval")) == (500, False)
    assert solver.warmup_start_lr == pytest.approx(0.001)
