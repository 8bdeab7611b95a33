"""Kernels of Keras layers applied at one position, and batch norm."""

import math

import numpy as np


def batch_norm(x, gamma, beta, mean, variance, epsilon):
    """Normalises `[..., C]` one channel after the other."""
    y = np.empty_like(x)
    for c in range(x.shape[-1]):
        deviation = math.sqrt(variance[c] + epsilon)
        y[..., c] = gamma[c] * (x[..., c] - mean[c]) / deviation + beta[c]
    return y


def apply_at_one_position(kind, kernel, x, groups=1):
    """Applies a kernel `[taps, ., .]` to the inputs under it `[taps, Cin]`."""
    taps, first, second = kernel.shape
    if kind == "transposed":
        kernel, first = kernel.transpose(0, 2, 1), second
        second = kernel.shape[-1]
    if kind == "depthwise":
        out = np.zeros(first * second)
        for k in range(taps):
            for i in range(first):
                for m in range(second):
                    out[i * second + m] += kernel[k, i, m] * x[k, i]
        return out
    out = np.zeros(second)
    for k in range(taps):
        for o in range(second):
            group = o // (second // groups)
            for i in range(first):
                out[o] += kernel[k, i, o] * x[k, group * first + i]
    return out
