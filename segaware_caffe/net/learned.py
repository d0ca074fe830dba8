"""Learned blobs: allocation, sharing by name, learning-rate multipliers (spec/pipeline.md 2.5)."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from segaware_caffe.errors import FieldError, ShapeError
from segaware_caffe.layers.base import BlobSpec, Layer, attribute, dims
from segaware_caffe.schema import ParamSpec

logger = logging.getLogger(__name__)
PERMISSIVE = ParamSpec.PERMISSIVE


@dataclass
class LearnedBlob:
    """A blob that the solver updates: the tensor, who owns it, and its multipliers."""

    tensor: nn.Parameter
    spec: BlobSpec
    layer: str
    index: int
    name: str
    lr_mult: float
    decay_mult: float
    #: whether some use of it states the multiplier, so that others must agree
    states_lr: bool
    states_decay: bool

    @property
    def gradient(self) -> torch.Tensor:
        """What has added up in the tensor's `grad`; where there is none, a zero that becomes it."""
        if self.tensor.grad is None:
            self.tensor.grad = torch.zeros_like(self.tensor)
        return self.tensor.grad

    def adopt(self, spec: ParamSpec) -> None:
        """Take over, or compare with, the multipliers that a later use of the name states."""
        for field, states in (("lr_mult", "states_lr"), ("decay_mult", "states_decay")):
            if not spec.HasField(field):
                continue
            value = getattr(spec, field)
            if getattr(self, states) and getattr(self, field) != value:
                raise FieldError(f"Shared param '{self.name}' has mismatched {field}: {getattr(self, field):g} and {value:g}")
            setattr(self, field, value)
            setattr(self, states, True)


def allocate(layers: Iterable[Layer]) -> list[LearnedBlob]:
    """Give every declared blob its tensor, not filled yet; the owners in the order of their layers.

    A blob that a layer names is shared with the first use of the name: the same tensor. Shapes
    must be equal, or for share_mode PERMISSIVE the counts.
    """
    learned: list[LearnedBlob] = []
    named: dict[str, LearnedBlob] = {}
    for layer in layers:
        specs = layer.proto.param
        if len(specs) > len(layer.specs):
            layer.fail(f"Too many params specified for layer {layer.name}: {len(specs)}, but it has {len(layer.specs)} learned blobs")
        for index, blob in enumerate(layer.specs):
            spec = specs[index] if index < len(specs) else ParamSpec()
            if blob.fixed:
                spec = ParamSpec(name=spec.name, share_mode=spec.share_mode, lr_mult=0, decay_mult=0)
            layer.learns[index] = spec.lr_mult != 0
            owner = named.get(spec.name) if spec.name else None
            if owner is None:
                owner = LearnedBlob(
                    nn.Parameter(torch.empty(blob.shape)),
                    blob,
                    layer.name,
                    index,
                    spec.name,
                    spec.lr_mult,
                    spec.decay_mult,
                    spec.HasField("lr_mult"),
                    spec.HasField("decay_mult"),
                )
                learned.append(owner)
                if spec.name:
                    named[spec.name] = owner
            else:
                _check_shapes(owner, layer.name, blob, spec.share_mode)
                owner.adopt(spec)
                logger.info("Sharing parameters '%s' owned by layer '%s', param index %d", spec.name, owner.layer, owner.index)
            layer.register_parameter(attribute(index), owner.tensor)
    return learned


def replacements(layers: Iterable[Layer], others: Iterable[Layer]) -> dict[int, nn.Parameter]:
    """For the learned blobs of `layers` (by id) those of the first of the `others` that has the layer's name."""
    theirs: dict[str, Layer] = {}
    for layer in others:
        theirs.setdefault(layer.name, layer)
    result = {}
    for layer in layers:
        other = theirs.get(layer.name)
        if other is None:
            continue
        mine, new = ([each.get_parameter(attribute(index)) for index in range(len(each.specs))] for each in (layer, other))
        if len(mine) != len(new):
            raise ShapeError(f"Incompatible number of blobs for layer {layer.name}: {len(new)} to share, {len(mine)} needed")
        for index, (old, tensor) in enumerate(zip(mine, new, strict=True)):
            if old.shape != tensor.shape:
                raise ShapeError(
                    f"Cannot share param {index} weights from layer '{layer.name}'; shape mismatch.  Source param shape is"
                    f" {dims(tensor.shape)}; target param shape is {dims(old.shape)}"
                )
            result[id(old)] = tensor
    return result


def _check_shapes(owner: LearnedBlob, layer: str, blob: BlobSpec, share_mode: int) -> None:
    ours, theirs = tuple(blob.shape), tuple(owner.spec.shape)
    if share_mode == PERMISSIVE:
        if owner.tensor.numel() != torch.Size(ours).numel():
            raise ShapeError(
                f"Cannot share param '{owner.name}' owned by layer '{owner.layer}' with layer '{layer}'; count mismatch."
                f" Owner layer param shape is {dims(theirs)}; sharing layer expects {dims(ours)}"
            )
    elif ours != theirs:
        raise ShapeError(
            f"Cannot share param '{owner.name}' owned by layer '{owner.layer}' with layer '{layer}'; shape mismatch."
            f" Owner layer param shape is {dims(theirs)}; sharing layer expects {dims(ours)}"
        )
