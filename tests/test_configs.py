"""configs/{embs,vgg,res} say, field by field, what the published networks and solvers say, and come from one script."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from config_fingerprint import facts, fingerprint, parsed, placeholders, value_of
from published import INSTANCES, published, write_published

from segaware_caffe import Net, cli, read_net
from segaware_caffe.configs import resolve

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "configs"
ORIGINALS = ROOT.parent / "shared" / "reference" / "configs"
FAMILIES = ("embs", "vgg", "res")
FINGERPRINTS = json.loads((ROOT / "tests" / "golden" / "config_fingerprints.json").read_text())


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_says_what_the_original_says(tmp_path, name):
    ours = write_published(name, tmp_path)
    original = ORIGINALS / f"{name}.prototxt"
    if original.exists():
        assert placeholders(ours) == placeholders(original)
        assert facts(parsed(ours)) == facts(parsed(original))
        assert parsed(ours) == parsed(original)
        assert fingerprint(original) == FINGERPRINTS[name]
    assert fingerprint(ours) == FINGERPRINTS[name]


def test_every_original_is_here_and_nothing_else_but_what_they_are_rendered_from():
    templates = {f"{family}/{path.stem}" for family in FAMILIES for path in (CONFIGS / family).glob("*.prototxt")}
    assert templates | set(INSTANCES) == set(FINGERPRINTS) | {"vgg/test_unlabelled"}
    assert not templates & set(INSTANCES)
    assert len(FINGERPRINTS) == 17 + 6
    files = {f"{name.partition('/')[0]}/{values}" for name, (_, values) in INSTANCES.items()}
    assert files == {f"{family}/{path.stem}" for family in FAMILIES for path in (CONFIGS / family).glob("*.vars")}


def test_any_folder_finds_them_and_a_file_of_its_own_comes_first(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["render", "configs/res/solver.prototxt", "--variables", "configs/res/voc_trainval_aug.vars", "-o", "s.prototxt"]) == 0
    assert Path("s.prototxt").read_text() == published("res/solver_voc_trainval_aug")
    assert read_net("configs/embs/deploy.prototxt") == read_net(CONFIGS / "embs" / "deploy.prototxt")
    assert resolve("configs/none.prototxt") == "configs/none.prototxt"
    Path("configs/res").mkdir(parents=True)
    Path("configs/res/solver.prototxt").write_text("max_iter: ${ITERS}")
    assert cli.main(["render", "configs/res/solver.prototxt", "--set", "ITERS=3"]) == 0
    assert capsys.readouterr().out == "max_iter: 3"


def test_the_script_writes_the_committed_files_byte_for_byte(tmp_path):
    subprocess.run([sys.executable, ROOT / "scripts" / "make_configs.py", "--output", tmp_path], check=True)
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.glob("*/*"))
    assert written == sorted(path.relative_to(CONFIGS) for path in CONFIGS.glob("*/*"))
    for file in written:
        assert (tmp_path / file).read_bytes() == (CONFIGS / file).read_bytes(), f"run scripts/make_configs.py: {file} differs"


EMBEDDINGS = {"embedding", "trunk_embedding"}


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_camvids_twins_learn_the_same_layers(phase):
    """The segmentation-aware one has besides: an embedding, which is frozen, and the factor of its masks."""
    plain, aware = (Net(CONFIGS / "camvid" / f"{twin}_train.prototxt", phase) for twin in ("plain", "segaware"))
    shapes = {name: [tuple(blob.shape) for blob in blobs] for name, blobs in aware.params.items()}
    own = {name: [tuple(blob.shape) for blob in blobs] for name, blobs in plain.params.items()}
    assert {name: shapes[name] for name in own} == own
    besides = set(shapes) - set(own)
    assert besides == {"embedding", "filter_weighted"}
    assert all(spec.lr_mult == 0 for layer in aware.proto.layer if layer.name in EMBEDDINGS for spec in layer.param)


def test_camvids_embeddings_learn_and_nothing_before_them():
    net = Net(CONFIGS / "camvid" / "embeddings_train.prototxt", "TRAIN")
    assert {layer.name for layer in net.proto.layer if layer.param and layer.param[0].lr_mult} == EMBEDDINGS
    loss, _ = net.forward_loss(data=torch.randn(1, 3, 65, 65) * 50, label=torch.randint(0, 11, (1, 1, 65, 65)).float())
    loss.backward()
    learned = {name for name, blobs in net.params.items() if blobs[0].grad is not None and blobs[0].grad.abs().sum() > 0}
    assert learned == EMBEDDINGS


def test_no_two_placeholders_have_the_same_value():
    names = {name for entry in FINGERPRINTS.values() for name in entry["placeholders"]}
    assert len({value_of(name) for name in names}) == len(names) == 36


@pytest.mark.parametrize(
    "change",
    [
        ("num_output: 64", "num_output: 65"),
        ("lr_mult: ${EMBS_LR1}", "lr_mult: ${EMBS_LR2}"),
        (' top: "rgb_emb"', ' top: "rgb"'),
        ("stride: 1", ""),
        ('name: "relu1_1" type: "ReLU"', 'name: "relu1_1" type: "PReLU"'),
    ],
)
def test_a_fingerprint_tells_a_changed_field(tmp_path, change):
    text = (CONFIGS / "vgg" / "train.prototxt").read_text()
    changed = tmp_path / "train.prototxt"
    changed.write_text(text.replace(*change, 1))
    assert changed.read_text() != text
    assert fingerprint(changed)["sha256"] != FINGERPRINTS["vgg/train"]["sha256"]
