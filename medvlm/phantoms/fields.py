"""Numbers all over a picture: smooth noise of a chosen scale, and blurs."""

import math

import numpy as np

from medvlm.phantoms.curves import Grey

# Standard deviation that cubic B-spline upsampling leaves of unit white noise in two dimensions.
_SPLINE_DEVIATION = 0.48


def noise(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> Grey:
    """Smooth noise of mean about 0 and deviation about 1; features are `scale` pixels large (white below 1.5)."""
    if scale < 1.5:
        return rng.standard_normal(shape)
    down, across = _spline(shape[0], scale), _spline(shape[1], scale)
    coarse = rng.standard_normal((down.shape[1], across.shape[1])) / _SPLINE_DEVIATION
    smooth: Grey = down @ coarse @ across.T
    return smooth


def _spline(size: int, scale: float) -> Grey:
    """Matrix (size, knots) of uniform cubic B-splines whose knots are `scale` pixels apart."""
    at = np.arange(size) / scale
    knot = np.floor(at).astype(np.int64)
    t = at - knot
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    matrix = np.zeros((size, int(knot[-1]) + 4))
    for step, weight in enumerate(weights):
        matrix[np.arange(size), knot + step] = weight / 6
    return matrix


def fractal(rng: np.random.Generator, shape: tuple[int, int], scale: float, octaves: int = 3) -> Grey:
    """Noise of several sizes, from `scale` pixels down by halves; deviation about 1."""
    total, power = np.zeros(shape), 0.0
    for octave in range(octaves):
        weight = 0.6**octave
        total += weight * noise(rng, shape, max(scale / 2**octave, 1.5))
        power += weight * weight
    return total / math.sqrt(power)


def blur(array: Grey, sigma: float) -> Grey:
    """Gaussian blur of (h, w) or (h, w, channels): binomial taps for small `sigma` (pixels), else three boxes."""
    if sigma <= 0:
        return array
    for axis in (0, 1):
        array = _small_blur(array, sigma, axis) if sigma < 1.6 else _box_blur(array, sigma, axis)
    return array


def _small_blur(array: Grey, sigma: float, axis: int) -> Grey:
    # (s, 1 - 2 s, s) has variance 2 s; repeated until the variances add up to sigma squared.
    rounds = math.ceil(sigma * sigma / 0.5)
    side = sigma * sigma / (2 * rounds)
    moved = np.moveaxis(array, axis, 0)
    for _ in range(rounds):
        edged = np.concatenate((moved[:1], moved, moved[-1:]))
        moved = (1 - 2 * side) * moved + side * (edged[:-2] + edged[2:])
    return np.moveaxis(moved, 0, axis)


def _box_blur(array: Grey, sigma: float, axis: int) -> Grey:
    # Three boxes of width 2 r + 1 have variance r (r + 1).
    radius = max(1, round(math.sqrt(sigma * sigma + 0.25) - 0.5))
    moved = np.moveaxis(array, axis, 0)
    for _ in range(3):
        ends = (np.repeat(moved[:1], radius + 1, 0), moved, np.repeat(moved[-1:], radius, 0))
        sums = np.cumsum(np.concatenate(ends), axis=0)
        moved = (sums[2 * radius + 1 :] - sums[: -2 * radius - 1]) / (2 * radius + 1)
    return np.moveaxis(moved, 0, axis)
