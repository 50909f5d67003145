"""Short-time Fourier transforms."""

from __future__ import annotations

import math

from retrograd.functional.create import ones
from retrograd.functional.sequences import arange
from retrograd.functional.surface import both
from retrograd.ops import fft as ops
from retrograd.ops.complex import view_as_real
from retrograd.ops.shape import placed
from retrograd.ops.views import folded
from retrograd.tensor import Tensor

PAD_MODES = ("constant", "reflect", "replicate", "circular")


def _window(name: str, input: Tensor, window: Tensor | None, win_length: int, n_fft: int) -> Tensor:
    """The window, by default of ones, with zeros on both sides up to ``n_fft``."""
    if not 0 < win_length <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, but got win_length={win_length}")
    if window is None:
        window = ones(win_length, dtype=input.dtype.to_real(), device=input.device)
    if tuple(window.shape) != (win_length,):
        raise RuntimeError(
            f"{name}: expected a 1D window tensor of size equal to win_length={win_length}, but got window with size "
            f"{list(window.shape)}"
        )
    if win_length == n_fft:
        return window
    start = (n_fft - win_length) // 2
    return placed.call(window, size=(n_fft,), dim=0, start=start, stop=start + win_length, step=1)


def _padded(signal: Tensor, pad: int, mode: str) -> Tensor:
    """A batch of signals, lengthened on both sides."""
    length = signal.shape[-1]
    if mode not in PAD_MODES:
        raise NotImplementedError(f"stft: unrecognised padding mode {mode}; there are {', '.join(PAD_MODES)}")
    if mode == "constant":
        whole = (*signal.shape[:-1], length + 2 * pad)
        return placed.call(signal, size=whole, dim=signal.ndim - 1, start=pad, stop=pad + length, step=1)
    if mode == "reflect" and pad >= length:
        raise RuntimeError(f"Argument #4: Padding size should be less than the corresponding input dimension, but got: "
                           f"padding ({pad}, {pad}) of a signal of {length}")  # fmt: skip
    places = arange(-pad, length + pad, device=signal.device)
    if mode == "reflect":
        places = (length - 1) - ((length - 1) - places.abs()).abs()
    elif mode == "replicate":
        places = places.clamp(0, length - 1)
    else:
        places = places % length
    return signal.index_select(-1, places)


@both
def stft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, pad_mode: str = "reflect", normalized: bool = False,
    onesided: bool | None = None, return_complex: bool | None = None,
) -> Tensor:  # fmt: skip
    """The spectra of windows of ``n_fft`` elements, every ``hop_length`` (by default a quarter of that).

    Args:
        input: (L) or (B, L), real or complex.
        win_length: the length of ``window`` (by default ``n_fft``, and ones), which stands in the middle of ``n_fft``.
        center: windows are around their place, and the signal is lengthened by half a window, as ``pad_mode`` says.
        normalized: divide by the root of ``n_fft``.
        onesided: only the first half of each spectrum; by default where input and window are real.
        return_complex: must be said of a real input; False gives the parts in a last dimension of length 2.

    Returns:
        (*, N, T): N frequencies of T windows, complex.

    Raises:
        RuntimeError: lengths that do not fit each other.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    if not input.dtype.is_complex and not input.is_floating_point():
        raise RuntimeError(f"stft: expected a tensor of floating point or complex values, got {input.dtype}")
    if input.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, got {input.ndim}D")
    is_complex = input.dtype.is_complex or (window is not None and window.dtype.is_complex)
    if return_complex is None:
        if not is_complex:
            raise RuntimeError("stft requires the return_complex parameter be given for real inputs; True "
                               "gives a complex tensor")  # fmt: skip
        return_complex = True
    signal = input if input.ndim == 2 else input.unsqueeze(0)
    if center:
        signal = _padded(signal, n_fft // 2, pad_mode)
    if not 0 < n_fft <= signal.shape[-1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {signal.shape[-1]}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"stft: expected hop_length > 0, but got hop_length={hop}")
    taper = _window("stft", input, window, n_fft if win_length is None else win_length, n_fft)
    half = not is_complex if onesided is None else onesided
    if half and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    frames = signal.unfold(-1, n_fft, hop) * taper
    scale = "root" if normalized else "one"
    if is_complex:
        found = ops.c2c.call(frames, dim=(2,), scale=scale, forward=True)
    else:
        found = ops.r2c.call(frames, dim=(2,), scale=scale, forward=True, onesided=half)
    found = found.transpose(1, 2)
    found = found if input.ndim == 2 else found.squeeze(0)
    return found if return_complex else view_as_real.call(found)


def _overlapped(frames: Tensor, hop: int) -> Tensor:
    """Windows added up where they lie: (B, T, n) to (B, L)."""
    count, size = frames.shape[-2:]
    whole = (frames.shape[0], size + hop * (count - 1))
    return folded.call(frames, shape=whole, dimension=1, size=size, step=hop)


@both
def istft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, normalized: bool = False, onesided: bool | None = None,
    length: int | None = None, return_complex: bool = False,
) -> Tensor:  # fmt: skip
    """The signal that has the spectra of ``stft``: the windows' signals added, and divided by the squared window's sum.

    Args:
        input: (N, T) or (B, N, T), complex.
        length: of the signal; by default what the windows cover (without the halves that ``center`` added).
        return_complex: the signal is complex (not with ``onesided``).
        n_fft, hop_length, win_length, window, center, normalized, onesided: as for ``stft``.

    Raises:
        RuntimeError: lengths that do not fit each other; windows whose sum is zero somewhere.

    D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier transform" (1984).
    """
    if not input.dtype.is_complex:
        raise RuntimeError("istft requires a complex-valued input tensor matching the output from stft with "
                           "return_complex=True.")  # fmt: skip
    if input.ndim not in (2, 3) or not input.numel():
        raise RuntimeError(
            f"istft: expected a tensor with 2 or 3 dimensions that is not empty, got {list(input.shape)}"
        )
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    if not 0 < hop <= width:
        raise RuntimeError(f"istft: expected 0 < hop_length <= win_length, but got {hop} and {width}")
    height = input.shape[-2]
    half = (n_fft != height) if onesided is None else onesided
    if height != (n_fft // 2 + 1 if half else n_fft):
        raise RuntimeError(f"istft: expected the frequency dimension (the last but one) of the input to match n_fft "
                           f"/ 2 + 1 when onesided=True or n_fft when onesided=False, but got {height}")  # fmt: skip
    taper = _window("istft", input, window, width, n_fft)
    if return_complex and half:
        raise RuntimeError("istft: cannot have onesided input if the window or the output is complex")
    if taper.dtype.is_complex and not return_complex:
        raise RuntimeError("istft: complex windows are incompatible with return_complex=False")
    spectra = (input if input.ndim == 3 else input.unsqueeze(0)).transpose(1, 2)
    scale = "root" if normalized else "count"
    if return_complex:
        frames = ops.c2c.call(spectra, dim=(2,), scale=scale, forward=False)
    else:  # of a whole spectrum the first half counts
        frames = ops.c2r.call(spectra[..., : n_fft // 2 + 1], dim=(2,), scale=scale, size=n_fft)
    found = _overlapped(frames * taper, hop)
    sums = _overlapped((taper * taper).expand(1, spectra.shape[1], n_fft), hop)
    start = n_fft // 2 if center else 0
    stop = found.shape[-1] - start if length is None else min(start + length, found.shape[-1])
    found, sums = found[:, start:stop], sums[:, start:stop]
    least = float(sums.detach().abs().min()) if sums.numel() else math.inf
    if not least > 1e-11:
        raise RuntimeError(f"istft: window overlap add min: {least}; the windows leave a part of the signal uncovered")
    found = found / sums
    if length is not None and length > found.shape[-1]:
        whole = (found.shape[0], length)
        found = placed.call(found, size=whole, dim=1, start=0, stop=found.shape[-1], step=1)
    return found if input.ndim == 3 else found.squeeze(0)
