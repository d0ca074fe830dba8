"""Examples in the docstrings of the public surface: they are there, and they run."""

import doctest
import inspect
import sys

import pytest

import segaware_caffe
import segaware_caffe.segmentation
import segaware_caffe.weights
from segaware_caffe.layers import registry
from segaware_caffe.segmentation import ConfusionMatrix, Segmenter

ROOMS = (segaware_caffe.segmentation, segaware_caffe.weights, segaware_caffe)
#: every function that these rooms export, and the classes that users make objects of
SHOWN = {name: getattr(room, name) for room in ROOMS for name in room.__all__ if inspect.isfunction(getattr(room, name))}
SHOWN |= {name: getattr(segaware_caffe, name) for name in ("CaffeError", "Layer", "Net", "Solver")}
SHOWN |= {"Segmenter": Segmenter, "ConfusionMatrix": ConfusionMatrix}


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_example(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_CLASSES", segaware_caffe.layers.registered())  # what an example registers is gone after it
    item = SHOWN[name]
    module = sys.modules[item.__module__]
    test = doctest.DocTestParser().get_doctest(item.__doc__, dict(vars(module)), name, module.__file__, 0)
    assert test.examples, f"{item.__module__}.{name} has no example"
    report = []
    doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL).run(test, out=report.append)
    assert not report, "".join(report)
