# %% [markdown]
# # Net surgery: a classifier becomes fully convolutional
#
# An inner product is a convolution as large as its input. Cast so, the network takes pages of any size and says for every place
# what digit it sees there.

# %%
import drawn
import numpy as np

import segaware_caffe.pycaffe as caffe
from segaware_caffe.pycaffe import layers as L

folder = drawn.output_folder()
prototxt, weights = drawn.digits(folder)
net = caffe.Net(prototxt, weights, caffe.TEST)

# %% [markdown]
# The same layers with convolutions of other names in place of the inner products.

# %%
n = caffe.NetSpec()
n.data = L.Input(shape={"dim": [1, 1, 28, 28]})
n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=12)
n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2)
n.conv2 = L.Convolution(n.pool1, kernel_size=5, num_output=24)
n.pool2 = L.Pooling(n.conv2, kernel_size=2, stride=2)
n["fc1-conv"] = L.Convolution(n.pool2, kernel_size=4, num_output=64)
n.relu1 = L.ReLU(n["fc1-conv"], in_place=True)
n["score-conv"] = L.Convolution(n.relu1, kernel_size=1, num_output=10)
n.prob = L.Softmax(n["score-conv"])
(folder / "full_conv.prototxt").write_text(str(n.to_proto()))
full = caffe.Net(str(folder / "full_conv.prototxt"), weights, caffe.TEST)

# %% [markdown]
# Their weights are the inner products', in another shape.

# %%
for name in ("fc1", "score"):
    for old, new in zip(net.params[name], full.params[f"{name}-conv"], strict=True):
        print(f"{name}: {old.data.shape} -> {new.data.shape}")
        new.data.flat = old.data.flat
full.save(str(folder / "full_conv.caffemodel"))

# %% [markdown]
# On a single picture both say the same.

# %%
random = np.random.default_rng(5)
digit = drawn.draw("5", random)[None, None] / 256
alone, as_map = net.forward(data=digit)["prob"][0], full.forward(data=digit)["prob"][0, :, 0, 0]
print("the same on one digit:", np.allclose(alone, as_map, atol=1e-5))

# %% [markdown]
# On a page the network gives a map: four pixels lie between two of its places.

# %%
page = np.concatenate([np.concatenate([drawn.draw(sign, random) for sign in row], 1) for row in ("271", "828")])
full.blobs["data"].reshape(1, 1, *page.shape)
full.reshape()
full.blobs["data"].data[0, 0] = page / 256
scores = full.forward()["prob"][0]
print("a page of", page.shape, "makes a map of", scores.shape[1:])
read = ["".join(str(scores[:, 7 * row, 7 * column].argmax()) for column in range(3)) for row in range(2)]
print("read at the digits' places:", *read)
drawn.sheet(page[None], 1, 3).save(folder / "page.png")
drawn.sheet(scores, 5, 6).save(folder / "page_scores.png")
