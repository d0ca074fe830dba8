"""The ways out of Caffe: ONNX models, PyTorch source, torch.export programs."""
