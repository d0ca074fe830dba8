"""Python 2 in memory: what fissix does, and what is done besides."""

import io
import pickle
import string

import numpy as np
import pytest

from segaware_caffe.scripting import python2

#: source of Python 2 -> what `out` then is
PROGRAMS = {
    "print as a statement": ("print 'a', 1\nout = 1", 1),
    "integers divide": ("out = [7 / 2, -7 / 2, 7 / 2., 7. / 2]", [3, -4, 3.5, 3.5]),
    "in place": ("x = 9\nx /= 2\ny = [9]\ny[0] /= 2.\nout = [x, y[0]]", [4, 4.5]),
    "of arrays": ("import numpy as np\na = np.array([7, 9])\na /= 2\nout = list(a) + list(np.array([7.]) / 2)", [3, 4, 3.5]),
    "true division by the future": ("from __future__ import division\nout = 7 / 2", 3.5),
    "lists": ("out = [map(str, range(2)), zip([1], [2]), {'a': 1}.keys()[0], filter(None, [0, 1])]", [["0", "1"], [(1, 2)], "a", [1]]),
    "dictionaries": ("d = {'a': 1}\nout = [d.has_key('a'), list(d.iteritems())]", [True, [("a", 1)]]),
    "names": ("import sys\nout = [xrange(3)[1], unicode('a'), isinstance('a', basestring), sys.maxint > 2**31]", [1, "a", True, True]),
    "exceptions": ("try:\n  raise ValueError, 'no'\nexcept ValueError, e:\n  out = str(e)", "no"),
    "modules": ("import cPickle, urllib2, Queue\nfrom StringIO import StringIO\nout = cPickle.loads(cPickle.dumps([1]))", [1]),
    "octal and long": ("out = [0755, 10L]", [493, 10]),
    "rounding": ("out = [round(2.5), round(-0.5), round(1.25, 1), type(round(1)).__name__]", [3.0, -1.0, 1.3, "float"]),
    "comparing": (
        "out = [cmp(1, 2), sorted([1, 3, 2], lambda a, b: cmp(b, a)), sorted([2, 1], key=lambda a: -a)]",
        [-1, [3, 2, 1], [2, 1]],
    ),
    "names of one's own": ("def round(x): return 'mine'\nfrom operator import lt as cmp\nout = [round(1), cmp(1, 2)]", ["mine", True]),
    "files": ("import os\nf = file(os.devnull)\nout = f.read()\nf.close()", ""),
    "strings": ("import string\nout = [string.join(['a', 'b']), string.split('a b'), string.atoi('7')]", ["a b", ["a", "b"], 7]),
    "tabs count to eight": ("if True:\n\tout = 1\n        out += 1", 2),
    "print as a function": ("from __future__ import print_function\nimport sys\nprint('a', file=sys.stdout)\nout = 1", 1),
    "print as a function without saying so": ("import sys\nprint('a', file=sys.stdout)\nout = 1", 1),
    "latin-1 without a coding line": (b"out = len('\xe9')", 1),
    "carriage returns": ("out = 1\r\nif out:\r\n    print out\r\n", 1),
    "no newline at the end": ("out = 1\nprint out", 1),
}


@pytest.fixture
def installed(monkeypatch):
    import sys

    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in ("load", "loads", "dump"):
        monkeypatch.setattr(pickle, name, getattr(pickle, name))
    monkeypatch.setattr(sys, "maxint", 0, raising=False)
    monkeypatch.setattr(sys, "setdefaultencoding", None, raising=False)
    for name in ("join", "atoi", "atof", "maketrans", "find", "lower", "replace", "split", "strip", "upper", "zfill"):
        monkeypatch.setattr(string, name, None, raising=False)
    python2.install()


@pytest.mark.parametrize(("source", "expected"), PROGRAMS.values(), ids=PROGRAMS)
def test_programs(installed, source, expected):
    space = {}
    exec(python2.compile_source(source if isinstance(source, bytes) else source.encode(), "<p>", True), space)
    assert space.get("out") == expected


def test_it_says_which_lines_it_changed(installed, capsys):
    python2.compile_source(b"a = 1\nprint a\nb = a / 2\nprint b\nprint b\n", "x.py", True)
    assert (
        capsys.readouterr().err == "x.py: Python 2; translated in memory: lines 2, 4-5\nx.py: / divides integers as in Python 2: lines 3\n"
    )
    python2.compile_source(b"a = 1\n", "x.py", True)
    assert capsys.readouterr().err == ""


def test_what_is_neither():
    with pytest.raises(SyntaxError, match=r"x\.py: not Python 2"):
        python2.translate("def (:", "x.py")


def test_modules_beside_the_script_are_translated_and_installed_ones_are_not(installed, tmp_path, monkeypatch):
    (tmp_path / "old_module.py").write_text("print 'hello'\nhalf = 5 / 2\n")
    (tmp_path / "old_package").mkdir()
    (tmp_path / "old_package" / "__init__.py").write_text("import sibling\nvalue = sibling.half\n")
    (tmp_path / "old_package" / "sibling.py").write_text("half = 7 / 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    import old_module
    import old_package

    assert (old_module.half, old_package.value) == (2, 3)
    assert not (tmp_path / "__pycache__").exists(), "nothing is kept of a translation"
    assert python2._Finder().find_spec("json") is None and python2._Finder().find_spec("segaware_caffe.files") is None


def test_pickles_of_python_2(installed, tmp_path):
    data = pickle.dumps({"a": np.arange(3)}, 2)
    path = tmp_path / "x.pkl"
    path.write_bytes(data)
    with open(path) as text:  # as scripts open them
        assert pickle.load(text)["a"].tolist() == [0, 1, 2]
    with open(path, "w") as text:
        pickle.dump([1], text)
    assert pickle.load(io.BytesIO(path.read_bytes())) == [1]
    assert pickle.loads(b"U\x01\xe9.") == "é", "a str of bytes"
