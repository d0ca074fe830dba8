"""How well scores predict labels."""

import torch


def in_top(scores: torch.Tensor, classes: torch.Tensor, count: int) -> torch.Tensor:
    """Whether at most `count` classes, the true one included, score at least as high as the true one.

    scores (outer, C, inner), classes (outer, 1, inner) -> (outer, 1, inner). Ties count against the
    label, and a true class that scores NaN is not among the top.
    """
    rank = (scores >= scores.gather(1, classes)).sum(1, keepdim=True)
    return (rank > 0) & (rank <= count)


def counts(indices: torch.Tensor, counted: torch.Tensor, classes: int) -> torch.Tensor:
    """How often each of `classes` indices occurs where it is `counted`: (classes). On a GPU `bincount` would wait for the largest."""
    found = torch.zeros(classes, dtype=torch.int64, device=indices.device)
    return found.scatter_add_(0, indices.flatten(), counted.flatten().long())


def confusion_matrix(truth: torch.Tensor, predicted: torch.Tensor, counted: torch.Tensor, classes: int) -> torch.Tensor:
    """(classes, classes) counts of class indices in tensors of one shape, where `counted`: row the truth, column the prediction."""
    return counts(truth * classes + predicted, counted, classes**2).view(classes, classes)


def segmentation_scores(confusion: torch.Tensor) -> torch.Tensor:
    """Pixel accuracy, mean class recall and mean intersection over union of a confusion matrix, float64.

    The recall is the mean over the classes that have labels (0 if there are none); the IoU the
    mean over all classes, where one that is neither labelled nor predicted counts as 1.
    """
    confusion = confusion.double()
    hits, labelled, predicted = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    union = labelled + predicted - hits
    accuracy = hits.sum() / labelled.sum().clamp(min=1)
    recall = (hits / labelled.clamp(min=1)).sum() / (labelled > 0).sum().clamp(min=1)
    iou = torch.where(union > 0, hits / union.clamp(min=1), 1.0).mean()
    return torch.stack((accuracy, recall, iou))
