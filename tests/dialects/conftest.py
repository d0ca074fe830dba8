"""The one oracle of the tables."""

import pytest
import torch
from dialects.tables import Case

from segaware_caffe import CaffeError, Net


@pytest.fixture
def check():
    """Checks that a case's text makes the blobs it should, with fused layers and literally, or is the error it should."""

    def run(case: Case, allow_unknown_fields: bool = False) -> None:
        if isinstance(case.blobs, str):
            with pytest.raises(CaffeError) as error:
                Net(case.text, case.phase, allow_unknown_fields=allow_unknown_fields)
            assert case.blobs in str(error.value)
            return
        for passes in (None, []):
            net = Net(case.text, case.phase, passes=passes, allow_unknown_fields=allow_unknown_fields)
            blobs = net(keep=list(case.blobs))
            for name, (shape, values) in case.blobs.items():
                assert tuple(blobs[name].shape) == shape == net.shapes[name], name
                if values is not None:
                    wanted = torch.tensor(values, dtype=torch.float32).flatten().expand(blobs[name].numel())
                    torch.testing.assert_close(blobs[name].detach().flatten(), wanted, rtol=1e-4, atol=1e-6)

    return run
