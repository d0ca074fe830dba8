"""Old Caffe scripts, run as they are: `import caffe` is ours, and what other packages have dropped since is there again.

`segaware-caffe run` stands on this room, and it on `pycaffe`.
"""

from segaware_caffe.scripting.interpreter import run_code, run_module, run_script

__all__ = ["run_code", "run_module", "run_script"]
