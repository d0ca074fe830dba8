# %% [markdown]
# # Deep dream
#
# A picture is changed, along the gradient, until a layer sees more of what it likes; small first, then larger and larger.

# %%
from pathlib import Path

import drawn
import numpy as np
from google.protobuf import text_format
from PIL import Image
from scipy import ndimage

import segaware_caffe.pycaffe as caffe

folder = drawn.output_folder()
prototxt, weights = drawn.digits(folder)

# %% [markdown]
# Gradients reach the picture if the net is told so. The layers up to conv2 take pictures of any size.

# %%
model = caffe.proto.caffe_pb2.NetParameter()
text_format.Merge(Path(prototxt).read_text(), model)
model.force_backward = True
del model.layer[5:]
(folder / "dream.prototxt").write_text(str(model))
net = caffe.Net(str(folder / "dream.prototxt"), weights, caffe.TEST)
END = "conv2"


def seen() -> float:
    """How much the layer sees."""
    net.forward(end=END)
    return float((net.blobs[END].data ** 2).mean())


def make_step(step_size: float = 0.02) -> None:
    """One step up, on a picture that is shifted a little so that no place is special."""
    source, target = net.blobs["data"], net.blobs[END]
    shift = tuple(np.random.randint(-3, 4, 2))
    source.data[0] = np.roll(source.data[0], shift, (-2, -1))
    net.forward(end=END)
    target.diff[...] = target.data  # the gradient of half the sum of squares
    net.backward(start=END)
    gradient = source.diff[0]
    source.data[0] += step_size / np.abs(gradient).mean() * gradient
    source.data[0] = np.roll(source.data[0], [-s for s in shift], (-2, -1)).clip(0, 1)


# %%
np.random.seed(0)
rows, columns = np.mgrid[:96, :128] / 128
picture = (0.5 + 0.25 * np.sin(9 * rows + 4 * columns) * np.cos(7 * columns)).astype(np.float32)[None]
octaves = [picture]
for _ in range(2):
    octaves.append(ndimage.zoom(octaves[-1], (1, 1 / 1.5, 1 / 1.5), order=1))
detail = np.zeros_like(octaves[-1])
for octave in octaves[::-1]:
    detail = ndimage.zoom(detail, [new / old for new, old in zip(octave.shape, detail.shape, strict=True)], order=1)
    net.blobs["data"].reshape(1, *octave.shape)
    net.blobs["data"].data[0] = octave + detail
    before = seen()
    for _ in range(12):
        make_step()
    print(f"{octave.shape[1:]}: {END} sees {seen() / before:.1f} times as much")
    detail = net.blobs["data"].data[0] - octave
Image.fromarray(np.uint8(255 * net.blobs["data"].data[0, 0])).resize((512, 384)).save(folder / "dream.png")
