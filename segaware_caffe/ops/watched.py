"""Whether somebody looks at which operators run: then those run that all of PyTorch knows, and our own under names of `torch.library`."""

import torch


def is_watched() -> bool:
    """Whether PyTorch's compiler, `torch.export` or `torch.jit.trace` traces this call, or a dispatch mode such as the flop counter
    sees its operators."""
    return torch.compiler.is_compiling() or torch._C._is_tracing() or torch._C._len_torch_dispatch_stack() > 0
