"""The page on fine-tuning: its blocks, run in turn, train the new layer, leave the others, and make files that hold it."""

import re
from pathlib import Path

import pytest
import torch

from segaware_caffe import Net

PAGE = Path(__file__).resolve().parents[2] / "docs" / "finetuning.md"
NET = """
    name: "small" input: "data" input_shape { dim: 4 dim: 3 dim: 8 dim: 8 }
    layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 8 kernel_size: 3 pad: 1
            weight_filler { type: "xavier" } } }
    layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
    layer { name: "classifier" type: "Convolution" bottom: "conv" top: "classifier" convolution_param { num_output: 7 kernel_size: 1
            weight_filler { type: "xavier" } } }
"""


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    compiled = torch.compile
    monkeypatch.setattr(torch, "compile", lambda net: compiled(net, fullgraph=True, backend="aot_eager"))  # needs no C++ compiler
    (tmp_path / "net.prototxt").write_text(NET)
    before = Net(NET)
    before.save("net.caffemodel")
    images = torch.zeros(4, 3, 8, 8)
    images[range(4), (0, 1, 2, 0)] = torch.tensor([3.0, 3, 3, -3]).view(4, 1, 1)  # of one colour each
    labels = torch.arange(4).view(4, 1, 1).expand(4, 8, 8)
    losses = []
    names = {"batches": Recorded([(images, labels)] * 60, losses)}
    names["batches"].names = names
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(block, names)
    assert losses[-1] < 0.7 * losses[0]
    tuned = names["net"]
    torch.testing.assert_close(tuned.params["conv"], before.params["conv"], rtol=0, atol=0)
    again = Net.from_file("tuned.safetensors")
    torch.testing.assert_close(again(images)["classifier"], tuned(images)["classifier"].detach(), rtol=0, atol=0)
    reloaded = Net(tuned.proto, weights="tuned.caffemodel")
    torch.testing.assert_close(reloaded(images)["classifier"], again(images)["classifier"], rtol=0, atol=0)


class Recorded:
    """Batches that note the page's loss after each step."""

    def __init__(self, batches, losses):
        self.batches, self.losses, self.names = batches, losses, {}

    def __iter__(self):
        for batch in self.batches:
            yield batch
            self.losses.append(self.names["loss"].item())
