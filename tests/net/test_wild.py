"""A trained caffemodel as published, beside OpenCV's reader, and the weights of standard networks beside OpenCV too."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from segaware_caffe import Net
from segaware_caffe.segmentation import MEAN

MTCNN = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "models" / "mtcnn_det1"

#: a net of the layers that OpenCV and Caffe share, in the legacy form that published models have
PUBLISHED_STYLE = """
name: "style" input: "data" input_dim: 1 input_dim: 3 input_dim: 60 input_dim: 80
layers { name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1" convolution_param { num_output: 8 kernel_size: 5 stride: 2 pad: 2
         weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0.1 } } }
layers { name: "relu1" type: RELU bottom: "conv1" top: "conv1" }
layers { name: "norm1" type: LRN bottom: "conv1" top: "norm1" lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 } }
layers { name: "pool1" type: POOLING bottom: "norm1" top: "pool1" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layers { name: "conv2" type: CONVOLUTION bottom: "pool1" top: "conv2" convolution_param { num_output: 12 kernel_size: 3 pad: 1 group: 2
         weight_filler { type: "xavier" } } }
layers { name: "fc" type: INNER_PRODUCT bottom: "conv2" top: "fc" inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layers { name: "prob" type: SOFTMAX bottom: "fc" top: "prob" }
"""


def picture(height: int, width: int) -> np.ndarray:
    """A real photograph as a blob (1, 3, H, W), BGR minus mean."""
    bgr = cv2.resize(data.astronaut()[:, :, ::-1].copy(), (width, height)) - np.asarray(MEAN)
    return bgr.transpose(2, 0, 1)[None].astype(np.float32)


def beside_opencv(prototxt: str, weights: str, blob: np.ndarray) -> None:
    net = Net(prototxt, weights=weights)
    ours = net(data=blob)
    theirs = cv2.dnn.readNetFromCaffe(prototxt, weights)
    theirs.setInput(blob, "data")
    for name, value in zip(net.outputs, theirs.forward(net.outputs), strict=True):
        np.testing.assert_allclose(ours[name].numpy(), value, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.skipif(not MTCNN.parent.exists(), reason="the published model may not be committed; ../shared is not there")
def test_a_published_model_gives_what_opencv_gives():
    beside_opencv(f"{MTCNN}.prototxt", f"{MTCNN}.caffemodel", (picture(97, 131) + 100) / 128)


def test_our_caffemodel_read_by_opencv_gives_what_we_give(tmp_path):
    (tmp_path / "net.prototxt").write_text(PUBLISHED_STYLE)
    Net(str(tmp_path / "net.prototxt")).save(tmp_path / "net.caffemodel")
    beside_opencv(str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel"), picture(60, 80) / 100)
