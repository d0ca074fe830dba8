# %% [markdown]
# # Classification
#
# `caffe.Classifier` turns pictures into class scores; a `Transformer` and a net do the same by hand.

# %%
import time

import drawn
import numpy as np

import segaware_caffe.pycaffe as caffe

folder = drawn.output_folder()
prototxt, weights = drawn.digits(folder)
random = np.random.default_rng(7)
pictures = [drawn.draw(sign, random)[..., None] / 255 for sign in "31415926"]
drawn.sheet(np.stack(pictures)[..., 0], 8, 4).save(folder / "to_classify.png")

# %%
classifier = caffe.Classifier(prototxt, weights, image_dims=(28, 28))
scores = classifier.predict(pictures, oversample=False)
print("classified as", "".join(map(str, scores.argmax(1))), "with", np.round(scores.max(1), 3))

# %% [markdown]
# By hand: what the net wants as its input, and what it puts out.

# %%
net = caffe.Net(prototxt, weights, caffe.TEST)
transformer = caffe.io.Transformer({"data": net.blobs["data"].data.shape})
transformer.set_transpose("data", (2, 0, 1))
net.blobs["data"].reshape(len(pictures), 1, 28, 28)
net.blobs["data"].data[...] = [transformer.preprocess("data", picture) for picture in pictures]
by_hand = net.forward()["prob"]
print("both ways agree:", np.allclose(by_hand, scores, atol=1e-5))

# %% [markdown]
# The second guess, and how long all that takes.

# %%
for sign, score in zip("31415926", by_hand, strict=True):
    first, second = score.argsort()[::-1][:2]
    print(f"{sign}: {first} ({score[first]:.3f}), then {second} ({score[second]:.3f})")
start = time.perf_counter()
for _ in range(20):
    net.forward()
print(f"{1000 * (time.perf_counter() - start) / 20:.2f} ms for {len(pictures)} pictures")
