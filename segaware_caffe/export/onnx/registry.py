"""The converters to ONNX: `convert(writer, layer, *bottoms)` returns the names of the layer's tops in the ONNX graph."""

from segaware_caffe.export.converters import Converters

CONVERTERS = Converters(
    "these layers have no ONNX form",
    {
        "runs Python code of its own": ("Python",),
        "writes files; export other outputs": ("HDF5Output", "MatWrite"),
        "needs a permutohedral lattice, which ONNX does not have": ("DenseCRF", "MultiStageMeanfield"),
        "draws random numbers for training": ("Augmentation",),
        "orders classes at random, in rounds that depend on the scores": ("AdaptiveBiasChannel",),
        "chooses examples for training": ("BoxAnnotatorOHEM", "SmoothL1LossOHEM", "SoftmaxWithLossOHEM"),
    },
)
converter = CONVERTERS.converter
