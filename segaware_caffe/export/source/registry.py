"""The converters to source: `convert(source, layer, *bottoms)` returns an expression for each top, or a `Several` for all."""

from segaware_caffe.export.converters import Converters

CONVERTERS = Converters(
    "these layers cannot be written as source",
    {
        "judges scores, which is no part of a network that predicts": ("Accuracy", "SegAccuracy"),
        "trains, and torch.nn has losses of its own": (
            *("ContrastiveLoss", "DistLoss", "HingeLoss", "Im2parity", "InfogainLoss", "L1Loss", "MultinomialLogisticLoss", "SmoothL1Loss"),
            *("SmoothL1LossOHEM", "SoftmaxWithLossOHEM"),
            *("AdaptiveBiasChannel", "Augmentation", "BiasChannel", "BoxAnnotatorOHEM", "UniqueLabel"),
        ),
        "writes files": ("HDF5Output", "MatWrite"),
        "is a filter of this package's own": ("DenseCRF", "DomainTransform", "DomainTransformForwardOnly", "MultiStageMeanfield"),
        "works on boxes, for which torch has no functions": ("DetectionOutput", "PriorBox", "PSROIPooling", "ROIPooling"),
        "makes numbers of its own": ("DummyData",),
        "runs Python code of its own": ("Python",),
    },
)
converter = CONVERTERS.converter
