# %% [markdown]
# # What the filters look like, and what they make of a picture

# %%
import drawn
import numpy as np

import segaware_caffe.pycaffe as caffe

folder = drawn.output_folder()
prototxt, weights = drawn.digits(folder)
net = caffe.Net(prototxt, weights, caffe.TEST)
net.blobs["data"].data[0, 0] = drawn.draw("8", np.random.default_rng(3)) / 256
net.forward()

# %% [markdown]
# The first layer's filters as pictures; the second's, one row of them for each of its first outputs.

# %%
first, second = net.params["conv1"][0].data, net.params["conv2"][0].data
drawn.sheet(first[:, 0], 6, 12).save(folder / "filters_conv1.png")
drawn.sheet(second[:6].reshape(-1, 5, 5), second.shape[1], 6).save(folder / "filters_conv2.png")

# %% [markdown]
# And what they make of an eight, before and after pooling.

# %%
for name in ("conv1", "pool1", "conv2", "pool2"):
    drawn.sheet(net.blobs[name].data[0], 6, 5).save(folder / f"activations_{name}.png")
    print(f"{name}: {net.blobs[name].data[0].shape}, {100 * (net.blobs[name].data > 0).mean():.0f}% above zero")

# %% [markdown]
# The last layers as numbers: how often each value of fc1 occurs, and the scores.

# %%
counts, edges = np.histogram(net.blobs["fc1"].data, 8)
for count, low in zip(counts, edges, strict=False):
    print(f"{low:7.2f} {'#' * count}")
print("scores:", np.round(net.blobs["prob"].data[0], 3), "->", net.blobs["prob"].data[0].argmax())
