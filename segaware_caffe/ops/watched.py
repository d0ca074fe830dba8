"""Whether somebody looks at which operators run: then those run that all of PyTorch knows, and our own under names of `torch.library`."""

from torch._C import _is_tracing, _len_torch_dispatch_stack
from torch.compiler import is_compiling


def is_watched() -> bool:
    """Whether PyTorch's compiler, `torch.export` or `torch.jit.trace` traces this call, or a dispatch mode such as the flop counter
    sees its operators."""
    return is_compiling() or _is_tracing() or _len_torch_dispatch_stack() > 0
