import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.generic]
_Window = tuple[int, ...]

def pack_pixels(image: _Array, out: _Array) -> None: ...
def channels_last(image: _Array, out: _Array) -> None: ...
def gather_taps(image: _Array, window: _Window, fill: _Array, out: _Array) -> None: ...
def conv_signs(
    panels: _Array,
    rows: int,
    coef: _Array,
    constant: int,
    pixels: _Array,
    channels: int,
    window: _Window,
    ones: bool,
    start: int,
    stop: int,
    y: _Array,
    column: int,
) -> None: ...
def xnor_scale(image: _Array, window: _Window, mean: _Array, out: _Array) -> None: ...
def pool_i32(image: _Array, window: _Window, maximum: bool, out: _Array) -> None: ...
def pool_f32(image: _Array, window: _Window, maximum: bool, out: _Array) -> None: ...
def thresholds(y: _Array, levels: _Array, direction: _Array, codes: _Array) -> None: ...
def residual(x: _Array, gamma: _Array, out: _Array) -> None: ...
def shift_dot(w: _Array, exponent: _Array, sign: _Array, y: _Array) -> None: ...
def log_dot(wexp: _Array, wsign: _Array, xexp: _Array, xsign: _Array, y: _Array) -> None: ...
def log_sum(p: _Array, fraction: int, table: _Array, out: _Array) -> None: ...
def plan(
    inputs: int,
    unit_edge: _Array,
    source: _Array,
    output: _Array,
    edge: _Array,
    slot: _Array,
    output_slot: _Array,
) -> int: ...

class CircuitPlan:
    slots: int
    def __init__(
        self,
        inputs: int,
        slots: int,
        unit_run: _Array,
        run_edge: _Array,
        edge: _Array,
        slot: _Array,
        output: _Array,
        relu: _Array,
        scale: _Array,
        bias: _Array,
    ) -> None: ...
    def run_f64(self, x: _Array, y: _Array, skip_zero: bool) -> None: ...
    def run_f32(self, x: _Array, y: _Array, skip_zero: bool) -> None: ...
    def bound(self, x_max: float, input_bits: int, digits: int) -> float: ...
