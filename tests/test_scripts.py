"""The experiment scripts: they run, and they say what the published experiments say. And a copy of the authors' way runs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from published import published
from voc.support import NETWORK, contents, run, write_network, write_voc

from segaware_caffe.schema import read_net, read_solver
from segaware_caffe.segmentation.bin_matrices import write_bin
from segaware_caffe.voc.dataset import write_lists

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "scripts"

#: a network to train, with the placeholders of configs/res/train
TRAIN = """
name: "${NET_ID}"
layer {
  name: "data" type: "ImageSegData" top: "data" top: "label" include { phase: TRAIN }
  image_data_param { root_folder: "${DATA_ROOT}" source: "${EXP}/list/${TRAIN_SET}.txt" batch_size: ${BATCH_SIZE} label_type: PIXEL }
  transform_param { mean_value: 104.008 mean_value: 116.669 mean_value: 122.675 crop_size: ${CROP_SIZE} mirror: true }
}
layer {
  name: "colours" type: "Convolution" bottom: "data" top: "scores" param { lr_mult: ${FINAL_LR1} } param { lr_mult: ${FINAL_LR2} }
  convolution_param { num_output: 21 kernel_size: 1 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss" loss_param { ignore_label: 255 } }
"""


class Experiment:
    """A VOC folder, templates of small networks, and the scripts run on them."""

    def __init__(self, folder: Path):
        self.folder, self.exp = folder, folder / "segaware"
        self.voc = write_voc(folder / "voc")
        (folder / "templates" / "res").mkdir(parents=True)
        (folder / "templates" / "res" / "test.prototxt").write_text(NETWORK)
        (folder / "templates" / "res" / "train.prototxt").write_text(TRAIN)
        (folder / "templates" / "res" / "solver.prototxt").write_text((ROOT / "configs" / "res" / "solver.prototxt").read_text())
        self.model, self.weights = write_network(folder, self.voc.root)
        self.environment = {
            **os.environ, "PYTHON": sys.executable, "EXP": str(self.exp), "DATA_ROOT": str(self.voc.root), "GPU_ID": "",
            "TEMPLATES": str(folder / "templates"),
        }  # fmt: skip

    def script(self, name: str, **variables: object) -> str:
        environment = self.environment | {name: str(value) for name, value in variables.items()}
        done = subprocess.run([SCRIPTS / name], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def experiment(tmp_path) -> Experiment:
    return Experiment(tmp_path)


@pytest.mark.slow
def test_from_test_res_to_eval(experiment):
    """test_res.sh and gen_preds.sh give in the reference's folders what `voc predict` gives in one go; eval.sh finds it there."""
    test = {"TEST_SET": "voc_val", "ITERS": 2}
    printed = experiment.script("test_res.sh", MODEL=experiment.weights, **test)
    assert "Running ./caffe.bin test --model=" in printed and "Creating mat 2/2 (a_5)" in printed
    assert sorted(contents(experiment.exp / "features/res/voc_val/mycrf")) == ["a_4_blob_0.mat", "a_5_blob_0.mat"]
    assert (experiment.exp / "config/res/test_voc_val.prototxt").exists() and (experiment.exp / "log/res").is_dir()
    experiment.script("gen_preds.sh", **test)
    results = experiment.exp / "results/res/voc_val/mycrf/none/results/VOC2012"
    printed = experiment.script("eval.sh", **test)
    assert (
        run(
            "voc",
            "predict",
            "--model",
            experiment.model,
            "--weights",
            experiment.weights,
            "--output",
            experiment.folder / "direct",
            "--list",
            experiment.exp / "list/voc_val.txt",
        )
        == 0
    )
    assert contents(results / "Segmentation" / "comp6_val_cls") == contents(experiment.folder / "direct")
    assert (results / "comp6_val.json").exists() and "Average accuracy:" in printed


def test_refined_label_maps_become_pngs_where_the_release_puts_them(experiment):
    features = experiment.exp / "features/res/voc_val/crf/post_densecrf_W3_XStd77_RStd4_PosW2_PosXStd2"
    features.mkdir(parents=True)
    write_bin(features / "a_4.bin", np.ones((4, 5), np.int16))
    experiment.script("gen_preds.sh", TEST_SET="voc_val", FEATURE_TYPE="crf")
    png = f"results/res/voc_val/crf/{features.name}/results/VOC2012/Segmentation/comp6_val_cls/a_4.png"
    assert (experiment.exp / png).exists()


def test_the_test_set_is_not_evaluated(experiment):
    assert experiment.script("eval.sh") == "This is test set. No evaluation. Just saved as png\n"


@pytest.mark.slow
def test_training_runs(experiment):
    printed = experiment.script("train_res.sh", CROP_SIZE=33, ITERS=2, SNAP=2, ITER_SIZE=2, FINAL_LR1=1, FINAL_LR2=2, LEARNING_RATE=1e-7)
    assert "Optimization Done." in printed
    assert (experiment.exp / "model/res/train_voc_trainval_aug_iter_2.caffemodel").exists()


#: script -> family, set, and the published network and solver
PUBLISHED = {
    "train_res.sh": ("res", "voc_trainval_aug"),
    "train_vgg.sh": ("vgg", "voc_train_aug"),
    "train_embs.sh": ("embs", "coco_trainval"),
}


@pytest.mark.parametrize("script", PUBLISHED)
def test_training_scripts_have_the_published_values(experiment, script):
    """Mask pads with their slip included: the published embedding network has pads 1, 1, 1."""
    family, subset = PUBLISHED[script]
    printed = experiment.script(script, TEMPLATES="configs", CAFFE_BIN="echo", DATA_ROOT=experiment.voc.root)
    reference = read_net(published(f"{family}/train_{subset}"))
    net_id = "res" if family == "res" else reference.name
    ours = read_net(experiment.exp / "config" / net_id / f"train_{subset}.prototxt")
    assert ours.layer[0].image_data_param.source == f"{experiment.exp}/list/{subset}.txt"
    for net in (ours, reference):
        net.name = ""
        net.layer[0].image_data_param.ClearField("source")
        net.layer[0].image_data_param.ClearField("root_folder")
    assert ours == reference
    solver_file = experiment.exp / "config" / net_id / f"solver_{subset}.prototxt"
    assert f"train --solver={solver_file}" in printed
    solvers = [read_solver(solver_file), read_solver(published(f"{family}/solver_{subset}"))]
    assert solvers[0].train_net == str(experiment.exp / "config" / net_id / f"train_{subset}.prototxt")
    for solver in solvers:
        solver.ClearField("train_net")
        solver.ClearField("snapshot_prefix")
    assert solvers[0] == solvers[1]


def test_test_res_has_the_published_values(experiment):
    write_lists(experiment.voc, experiment.exp / "list")
    printed = experiment.script("test_res.sh", TEMPLATES="configs", CAFFE_BIN="echo", GPU_ID="0")
    exp = experiment.exp
    assert printed.splitlines()[-1] == (
        f"test --model={exp}/config/res/test_voc_test.prototxt --weights={exp}/model/res/train_voc_trainval_aug_iter_5000.caffemodel "
        "--gpu=0 --iterations=1456"
    )
    ours = read_net(exp / "config/res/test_voc_test.prototxt")
    reference = read_net(published("res/test_voc_test"))
    for net in (ours, reference):
        for layer in net.layer:
            for field in ("root_folder", "source"):
                layer.image_data_param.ClearField(field)
            for field in ("prefix", "source"):
                layer.mat_write_param.ClearField(field)
    assert ours == reference


#: what the authors' script does, in our words: variables, placeholders by sed, caffe test
AUTHORS_WAY = """\
#!/bin/bash
NET_ID=res
DATA_ROOT={voc}
TEST_SET=voc_val
ITERS=2
EXP=segaware
BATCH_SIZE=1
GPU_ID=0
CAFFE_DIR=/nowhere/caffe
CAFFE_BIN={caffe_bin}
CONFIG_DIR=${{EXP}}/config/${{NET_ID}}
FEATURE_DIR=${{EXP}}/features/${{NET_ID}}
LOG_DIR=${{EXP}}/log/${{NET_ID}}
mkdir -p ${{FEATURE_DIR}}/${{TEST_SET}}/mycrf
export GLOG_log_dir=${{LOG_DIR}}
MODEL={weights}
sed "$(eval echo $(cat sub.sed))" ${{CONFIG_DIR}}/test.prototxt > ${{CONFIG_DIR}}/test_${{TEST_SET}}.prototxt
CMD="${{CAFFE_BIN}} test \\
    --model=${{CONFIG_DIR}}/test_${{TEST_SET}}.prototxt \\
    --weights=${{MODEL}} \\
    --gpu=${{GPU_ID}} \\
    --iterations=${{ITERS}}"
echo Running ${{CMD}} && ${{CMD}}
"""


def test_a_script_like_the_authors_runs_with_caffe_bin_changed(experiment):
    folder = experiment.folder
    write_lists(experiment.voc, experiment.exp / "list")
    (experiment.exp / "config" / "res").mkdir(parents=True)
    (experiment.exp / "config" / "res" / "test.prototxt").write_text(NETWORK)
    names = ("NET_ID", "DATA_ROOT", "EXP", "TEST_SET", "FEATURE_DIR", "BATCH_SIZE")
    (folder / "sub.sed").write_text("".join(f'"s,\\${{{name}}},${{{name}}},g;"\n' for name in names))
    caffe_bin = SCRIPTS / "caffe.bin"
    (folder / "test_res.sh").write_text(AUTHORS_WAY.format(voc=experiment.voc.root, weights=experiment.weights, caffe_bin=caffe_bin))
    environment = experiment.environment | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "test_res.sh"], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert torch.cuda.is_available() or "--gpu 0: PyTorch sees no CUDA device here; the CPU is used" in done.stderr
    assert done.stdout.startswith(f"Running {caffe_bin} test --model=segaware/config/res/test_voc_val.prototxt")
    assert sorted(contents(folder / "segaware/features/res/voc_val/mycrf")) == ["a_4_blob_0.mat", "a_5_blob_0.mat"]
