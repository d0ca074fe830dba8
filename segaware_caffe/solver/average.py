"""The mean of the last losses (spec/pipeline.md 4.2)."""


class Average:
    """The mean of the last `window` losses, or of all while there are fewer."""

    def __init__(self, window: int):
        self._window = window
        self._losses: list[float] = []
        self._count = 0
        self.value = 0.0

    def add(self, loss: float) -> float:
        """The mean with this loss in it."""
        if self._count < self._window:
            self._losses.append(loss)
            self.value += (loss - self.value) / len(self._losses)
        else:
            oldest = self._count % self._window
            self.value += (loss - self._losses[oldest]) / self._window
            self._losses[oldest] = loss
        self._count += 1
        return self.value
