# %% [markdown]
# # Fine-tuning
#
# Five letters, with few pictures: once from the digits' filters, once from nothing. Layers keep their weights by their names;
# the last one has a new name and begins anew, and learns faster than the rest.

# %%
import drawn
import numpy as np

import segaware_caffe.pycaffe as caffe

folder = drawn.output_folder()
_, weights = drawn.digits(folder)
LETTERS = "AEHNY"
for name, count, seed in (("letters_train", 40, 2), ("letters_test", 500, 3)):
    if not (folder / f"{name}_lmdb").exists():
        drawn.write_signs(folder / f"{name}_lmdb", LETTERS, count, seed)
    (folder / f"{name}.prototxt").write_text(drawn.lenet(folder / f"{name}_lmdb", 20 if count < 100 else 100, len(LETTERS), "letters"))
solver_file = folder / "letters_solver.prototxt"
solver_file.write_text(
    drawn.solver_text(folder / "letters_train.prototxt", folder / "letters_test.prototxt", folder / "letters", rate=0.005)
)

# %%
tuned, scratch = caffe.SGDSolver(str(solver_file)), caffe.SGDSolver(str(solver_file))
tuned.net.copy_from(weights)
print("kept:", [name for name in tuned.net.params if not np.array_equal(tuned.net.params[name][0].data, scratch.net.params[name][0].data)])

# %% [markdown]
# Both see the same few pictures in the same order.

# %%
for _ in range(4):
    accuracies = []
    for solver in (tuned, scratch):
        solver.step(10)
        solver.test_nets[0].share_with(solver.net)
        accuracies.append(drawn.accuracy(solver.test_nets[0], "letters", 5))
    print(f"iteration {tuned.iter}: fine-tuned {accuracies[0]:.3f}, from nothing {accuracies[1]:.3f}")
