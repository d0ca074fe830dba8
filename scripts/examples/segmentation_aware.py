# %% [markdown]
# # A segmentation-aware network and its masks
#
# A mask says for every neighbour of a pixel how likely both belong to one object; convolutions look through it. Here a network
# that came with the package meets a street that is drawn.

# %%
import drawn
import numpy as np
from PIL import Image, ImageDraw

import segaware_caffe
import segaware_caffe.pycaffe as caffe
from segaware_caffe.models import CAMVID_SEGAWARE
from segaware_caffe.segmentation import MEAN, colormap

folder = drawn.output_folder()
scene = Image.new("RGB", (257, 161), (150, 180, 225))
pen = ImageDraw.Draw(scene)
pen.polygon([(0, 20), (70, 60), (70, 110), (0, 130)], fill=(110, 80, 70))
pen.polygon([(257, 10), (170, 60), (170, 110), (257, 130)], fill=(125, 110, 100))
pen.polygon([(0, 161), (90, 105), (150, 105), (257, 161)], fill=(75, 75, 80))
pen.ellipse((185, 40, 235, 105), fill=(40, 75, 35))
pen.rectangle((100, 95, 125, 115), fill=(120, 20, 25))
pixels = np.asarray(scene) + np.random.default_rng(0).normal(0, 4, (161, 257, 3))
data = (pixels[..., ::-1] - MEAN).transpose(2, 0, 1)[None].astype(np.float32)

# %% [markdown]
# The engine finds the layers that make masks and runs them as one; all other blobs are freed as soon as they have been read.

# %%
net = segaware_caffe.Net(CAMVID_SEGAWARE.prototxt, weights=CAMVID_SEGAWARE.weights)
net.reshape(data=data.shape)
print(*str(net.explain()).splitlines()[:6], sep="\n")
blobs = net(data=data, keep=["scores", "coarse", "filter"])
masks = blobs["filter"][0].numpy()
print("scores", tuple(blobs["scores"].shape), "masks", masks.shape)

# %% [markdown]
# pycaffe's net runs the same prototxt layer by layer: the same numbers, with every blob to be looked at.

# %%
literal = caffe.Net(str(CAMVID_SEGAWARE.prototxt), str(CAMVID_SEGAWARE.weights), caffe.TEST)
literal.blobs["data"].reshape(*data.shape)
literal.reshape()
literal.forward(data=data)
difference = np.abs(literal.blobs["scores"].data - blobs["scores"].numpy()).max() / np.abs(literal.blobs["scores"].data).max()
print(f"pycaffe and the engine differ by {difference:.1e}")

# %% [markdown]
# Masks of the last filter, of five pixels: in the sky, in the car, in the tree, on the road, at a wall. They share out a weight of 1
# among the neighbours; how many have a part in it is the exponential of its entropy.

# %%
neighbours, height, width = masks.shape
side = round(neighbours**0.5)
rows, columns = (np.array(places) * height // 161 for places in ((30, 104, 44, 140, 90), (120, 112, 200, 120, 40)))
at = masks.reshape(side, side, height, width)[:, :, rows, columns.clip(0, width - 1)].transpose(2, 0, 1)
drawn.sheet(at, 5, 12).save(folder / "masks.png")
shares = at.reshape(5, -1) / at.reshape(5, -1).sum(1, keepdims=True)
print("neighbours that count:", np.round(np.exp(-(shares * np.log(shares + 1e-12)).sum(1)), 1), "of", neighbours)

# %%
labels = blobs["scores"][0].numpy().argmax(0)
before = blobs["coarse"][0].numpy().argmax(0)
names = [CAMVID_SEGAWARE.classes[label] for label in np.unique(labels)]
print("it sees", ", ".join(names))
Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "street.png")
Image.fromarray(colormap()[labels]).save(folder / "street_classes.png")
Image.fromarray(colormap()[before]).save(folder / "street_before_the_last_filter.png")
