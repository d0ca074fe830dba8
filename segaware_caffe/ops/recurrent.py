"""One step in time of an LSTM (upstream; spec/layers.md 7)."""

import torch

from segaware_caffe.ops.substitute import substitute


def lstm_unit(cell: torch.Tensor, gates: torch.Tensor, cont: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The next cell and hidden state of an LSTM: c = f * c_prev + i * g, h = o * tanh(c).

    cell (..., D); gates (..., 4D) before their nonlinearities, in the order i, f, o, g. cont (..., 1)
    is 1 where a sequence goes on and 0 where one begins; in between, it fades the past: it
    multiplies f, whose derivative is then taken as f * (1 - f), the true one for 0 and 1 only.
    """
    i, f, o, g = gates.chunk(4, -1)
    forget = cont * f.detach().sigmoid()
    forget = substitute(f * (forget * (1 - forget)), forget)
    cell = forget * cell + i.sigmoid() * g.tanh()
    return cell, o.sigmoid() * cell.tanh()
