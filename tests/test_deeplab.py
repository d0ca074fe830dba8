"""configs/deeplab: old words and new ones, fused and literal, forward, backward and trained, and weights in the files of 2014.

The networks run with stand-in weights, small by default: an eighth of the width at 65 x 65, at full width and 321 x 321 if slow.
"""

import numpy as np
import pytest
import torch
from full_nets import ROOT, with_recipe_weights
from PIL import Image

from segaware_caffe import Net, Solver, read_net
from segaware_caffe.ops.densecrf import Kernel, dense_crf
from segaware_caffe.schema import NetParameter, parse_text, read_solver, write_text
from segaware_caffe.schema.templates import render
from segaware_caffe.segmentation import without_sinks

CONFIGS = ROOT / "configs" / "deeplab"
NETS = {"largefov_v1": "largefov_v1", "largefov": "vgg16", "msc_v1": "largefov_v1", "aspp": "vgg16", "resnet101": "resnet101"}
LABELS = 21


def values(name: str, **more: object) -> dict[str, str]:
    """The values of a variables file, and others."""
    lines = (CONFIGS / f"{name}.vars").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")) | {k: str(v) for k, v in more.items()}


def proto(name: str, kind: str, size: int, thin: bool = True) -> NetParameter:
    """A network at an input size without the layers that write files; `thin`: with an eighth of the channels."""
    variables = values(f"{NETS[name]}_val", CROP_SIZE=size)
    net = without_sinks(read_net(CONFIGS / f"{name}_{kind}.prototxt", variables=variables))
    for layer in net.layer:
        if thin and layer.type == "Convolution" and layer.convolution_param.num_output != LABELS:
            layer.convolution_param.num_output //= 8
    return net


def make(net: NetParameter, phase: str, **options: object) -> Net:
    """With stand-in weights; without dropping anything, so that runs can be compared."""
    for layer in net.layer:
        if layer.type == "Dropout":
            layer.dropout_param.dropout_ratio = 0
    return with_recipe_weights(Net(net, phase, **options), {})


def photograph(size: int) -> dict[str, torch.Tensor]:
    """An image in the range of photographs minus their mean, and labels in blocks, some of them void."""
    generator = torch.Generator().manual_seed(3)
    data = torch.nn.functional.interpolate(torch.randn(1, 3, 9, 9, generator=generator) * 60, size=(size, size), mode="bilinear")
    labels = torch.randint(0, LABELS + 1, (1, 1, 5, 5), generator=generator).float()
    labels[labels == LABELS] = 255
    return {"data": data, "label": torch.nn.functional.interpolate(labels, size=(size, size))}


def check_close(actual: torch.Tensor, expected: torch.Tensor, what: str, rtol: float = 1e-4) -> None:
    error = (actual - expected).abs().max() / expected.abs().max().clamp(min=1e-12)
    assert error <= rtol, f"{what}: off by {error:.2g} of the largest"


def check_passes(name: str, size: int, thin: bool) -> None:
    """Scores, losses and gradients of the fused net are those of the literal one."""
    inputs = photograph(size)
    fused, literal = (make(proto(name, "test", size, thin), "TEST", passes=passes) for passes in (None, []))
    (scores,) = fused(data=inputs["data"]).values()
    assert scores.shape == (1, LABELS, size, size)
    assert scores.std() > 0
    check_close(scores, literal(data=inputs["data"]).popitem()[1], f"{name}: scores")
    del fused, literal
    results = []
    for passes in (None, []):
        net = make(proto(name, "train", size, thin), "TRAIN", passes=passes)
        loss, blobs = net.forward_loss(**inputs)
        loss.backward()
        gradients = {f"{learned.layer}/{learned.index}": learned.tensor.grad for learned in net.learned if learned.tensor.grad is not None}
        results.append((blobs, gradients))
    (blobs, gradients), (expected_blobs, expected_gradients) = results
    assert blobs.keys() == expected_blobs.keys()
    assert gradients.keys() == expected_gradients.keys() and len(gradients) > 10
    for key in blobs:
        check_close(blobs[key].detach(), expected_blobs[key].detach(), f"{name}: {key}")
    for key in gradients:
        check_close(gradients[key], expected_gradients[key], f"{name}: gradient of {key}", 1e-3)


@pytest.mark.parametrize("name", NETS)
def test_forward_and_backward_of_the_fused_net_are_the_literal_ones(name):
    check_passes(name, 65, thin=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NETS if name != "largefov"])  # the same net as largefov_v1
def test_forward_and_backward_at_full_size(name):
    check_passes(name, 321, thin=False)


# -- the words of 2014 ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["train", "test", "crf"])
def test_the_old_words_say_what_the_new_ones_say(kind):
    variables = values("largefov_v1_val")
    old, new = (CONFIGS / f"{name}_{kind}.prototxt" for name in ("largefov_v1", "largefov"))
    assert all(word in old.read_text() for word in ("layers {", "type: CONVOLUTION", "hole: 12", "blobs_lr: 10", "IMAGE_SEG_DATA"))
    assert read_net(old, variables=variables) == read_net(new, variables=variables)
    assert read_net(write_text(read_net(old, variables=variables))) == read_net(new, variables=variables)


def test_old_text_and_its_upgrade_give_the_same_numbers():
    inputs = photograph(65)
    upgraded = read_net(write_text(proto("largefov_v1", "train", 65)))
    results = []
    for net in (make(proto("largefov_v1", "train", 65), "TRAIN"), make(upgraded, "TRAIN")):
        loss, blobs = net.forward_loss(**inputs)
        loss.backward()
        results.append([loss, *blobs.values(), *(learned.tensor.grad for learned in net.learned)])
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(*results, strict=True))


def weights_of_2014(net: Net, kind: str) -> bytes:
    """A V1 binary with the learned blobs of `net`, their shapes as num, channels, height and width."""
    old = parse_text(render((CONFIGS / f"largefov_v1_{kind}.prototxt").read_text(), values("largefov_v1_val")), "NetParameter")
    for layer in old.layers:
        for blob in net.params.get(layer.name, ()):
            shape = (1,) * (4 - blob.ndim) + tuple(blob.shape)
            layer.blobs.add(**dict(zip(("num", "channels", "height", "width"), shape, strict=True)), data=blob.detach().flatten().tolist())
    return old.SerializeToString()


@pytest.mark.parametrize("name", ["largefov_v1", "largefov"])
def test_weights_of_2014_go_into_nets_of_old_and_of_new_words(tmp_path, name):
    source = make(proto("largefov", "train", 65), "TRAIN")
    (tmp_path / "old.caffemodel").write_bytes(weights_of_2014(source, "train"))
    net = Net(proto(name, "test", 65), weights=tmp_path / "old.caffemodel")
    assert len(net.learned) == 32
    for mine, theirs in zip(net.learned, source.learned, strict=True):
        assert torch.equal(mine.tensor, theirs.tensor), f"{mine.layer}/{mine.index}"


# -- the CRF, and training -----------------------------------------------------------------------


def test_the_crf_smooths_the_scores_with_the_kernels_of_the_variables_file():
    inputs = {"data": photograph(33)["data"], "data_dim": torch.tensor([33.0, 33.0]).view(1, 1, 1, 2)}
    net = make(proto("largefov_v1", "crf", 33), "TEST")
    blobs = net(**inputs, label=torch.zeros(1, 1, 33, 33), keep=["fc8_interp"])
    kernels = [Kernel(3, 3, 3), Kernel(4, 49, 49, (5, 5, 5))]
    expected = dense_crf(blobs["fc8_interp"][0], inputs["data"][0], kernels, 10)
    torch.testing.assert_close(blobs["crf"][0].exp(), expected.clamp(min=1e-37), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(expected, blobs["fc8_interp"][0].softmax(0), atol=0.01)


@pytest.mark.parametrize(("name", "policy"), [("largefov_v1", "step"), ("largefov", "poly")])
def test_training_from_lists_of_files(tmp_path, name, policy):
    rng = np.random.default_rng(0)
    folder = tmp_path / "exp" / "list"
    folder.mkdir(parents=True)
    for index in range(3):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(tmp_path / f"{index}.jpg")
        Image.fromarray(np.full((40, 50), index, np.uint8)).save(tmp_path / f"{index}.png")
    (folder / "voc_train_aug.txt").write_text("".join(f"/{index}.jpg /{index}.png\n" for index in range(3)))
    found = {"EXP": f"{tmp_path}/exp", "DATA_ROOT": tmp_path, "CROP_SIZE": 33, "BATCH_SIZE": 3}
    variables = values(NETS[name], **found)
    net = read_net(CONFIGS / f"{name}_train.prototxt", variables=variables)
    for layer in net.layer:
        if layer.type == "Convolution" and layer.convolution_param.num_output != LABELS:
            layer.convolution_param.num_output //= 8
    param = read_solver(CONFIGS / f"solver_{policy}.prototxt", variables=variables)
    assert param.train_net == f"{tmp_path}/exp/config/{variables['NET_ID']}/train.prototxt"
    param.ClearField("train_net")
    param.net_param.CopyFrom(net)
    param.solver_mode = param.CPU
    param.random_seed, param.snapshot = 1, 0
    solver = Solver(param)
    with_recipe_weights(solver.net, {})
    losses = []
    solver.watchers.append(lambda running: losses.append(running.loss))
    solver.step(12)
    assert solver.rate == pytest.approx(0.001 if policy == "step" else 0.001 * (1 - 11 / 20000) ** 0.9)
    assert min(losses[-3:]) < 0.8 * losses[0]
