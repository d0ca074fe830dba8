# %% [markdown]
# # Learning digits, step by step
#
# Digits are drawn, stored in an LMDB as `convert_imageset` would store them, and learned by a LeNet that is written in Python.

# %%
import drawn
import numpy as np

folder = drawn.output_folder()
solver = drawn.prepare(folder)
print((folder / "train.prototxt").read_text()[:300])

# %% [markdown]
# Every blob can be looked at, with its gradient.

# %%
for name, blob in solver.net.blobs.items():
    print(f"{name:8}", blob.data.shape)
for name, blobs in solver.net.params.items():
    print(f"{name:8}", [blob.data.shape for blob in blobs])

# %% [markdown]
# One forward pass, to see that the data and the labels are what they should be.

# %%
solver.net.forward()
solver.test_nets[0].forward()
drawn.sheet(solver.net.blobs["data"].data[:8, 0], 8, 4).save(folder / "digits.png")
print("labels:", solver.net.blobs["label"].data[:8].astype(int))

# %% [markdown]
# One step changes the filters by their gradients.

# %%
solver.step(1)
drawn.sheet(solver.net.params["conv1"][0].diff[:, 0], 6, 8).save(folder / "gradients.png")

# %% [markdown]
# And now two hundred, with a look at the test set now and then.

# %%
losses, accuracies = [], {}
for iteration in range(200):
    solver.step(1)
    losses.append(float(solver.net.blobs["loss"].data))
    if iteration % 50 == 49:
        solver.test_nets[0].share_with(solver.net)
        accuracies[solver.iter] = drawn.accuracy(solver.test_nets[0], "score", 5)
        print(f"iteration {solver.iter}: loss {np.mean(losses[-20:]):.3f}, accuracy {accuracies[solver.iter]:.3f}")

# %%
solver.net.save(str(folder / "digits.caffemodel"))
print("the network is in", folder / "digits.caffemodel")
