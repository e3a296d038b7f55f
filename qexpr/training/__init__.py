"""Training: quantized networks on Sobolev targets and images, ending in exact networks. [torch]

>>> from qexpr import training
>>> layer = training.QuantLinear(2, 3, weights="twn")
>>> sorted(layer.state_dict())
['bias', 'weight']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qexpr.training.adamax import ShiftAdaMax as ShiftAdaMax
    from qexpr.training.baseline import PostTraining as PostTraining
    from qexpr.training.baseline import post_training as post_training
    from qexpr.training.data import ClassData as ClassData
    from qexpr.training.data import TargetData as TargetData
    from qexpr.training.data import digits as digits
    from qexpr.training.data import from_arrays as from_arrays
    from qexpr.training.data import sample_target as sample_target
    from qexpr.training.ensembles import train_ensemble as train_ensemble
    from qexpr.training.freezing import freeze as freeze
    from qexpr.training.freezing import freeze_ensemble as freeze_ensemble
    from qexpr.training.layers import Affine as Affine
    from qexpr.training.layers import QuantActivation as QuantActivation
    from qexpr.training.layers import QuantConv2d as QuantConv2d
    from qexpr.training.layers import QuantLinear as QuantLinear
    from qexpr.training.layers import Skip as Skip
    from qexpr.training.layers import set_blend as set_blend
    from qexpr.training.layers import set_generator as set_generator
    from qexpr.training.loop import Divergence as Divergence
    from qexpr.training.loop import Run as Run
    from qexpr.training.loop import train as train
    from qexpr.training.normalisation import ShiftBatchNorm as ShiftBatchNorm
    from qexpr.training.normalisation import recalibrate as recalibrate
    from qexpr.training.polishing import Improved as Improved
    from qexpr.training.polishing import polish as polish
    from qexpr.training.recipes import Recipe as Recipe
    from qexpr.training.recipes import get_recipe as get_recipe
    from qexpr.training.recipes import methods as methods
    from qexpr.training.rules import Rules as Rules
    from qexpr.training.rules import attach as attach
    from qexpr.training.rules import rules_of as rules_of
    from qexpr.training.settings import collapsed as collapsed
    from qexpr.training.settings import drop_output_scale as drop_output_scale
    from qexpr.training.shapes import convolutional as convolutional
    from qexpr.training.shapes import dense as dense
    from qexpr.training.witness_training import train_witness as train_witness

_PUBLIC = {
    "Affine": "layers",
    "ClassData": "data",
    "Divergence": "loop",
    "PostTraining": "baseline",
    "Improved": "polishing",
    "QuantActivation": "layers",
    "QuantConv2d": "layers",
    "QuantLinear": "layers",
    "Recipe": "recipes",
    "Rules": "rules",
    "Run": "loop",
    "ShiftAdaMax": "adamax",
    "ShiftBatchNorm": "normalisation",
    "Skip": "layers",
    "TargetData": "data",
    "attach": "rules",
    "collapsed": "settings",
    "convolutional": "shapes",
    "dense": "shapes",
    "digits": "data",
    "drop_output_scale": "settings",
    "freeze": "freezing",
    "freeze_ensemble": "freezing",
    "from_arrays": "data",
    "get_recipe": "recipes",
    "methods": "recipes",
    "post_training": "baseline",
    "recalibrate": "normalisation",
    "rules_of": "rules",
    "polish": "polishing",
    "sample_target": "data",
    "set_blend": "layers",
    "set_generator": "layers",
    "train": "loop",
    "train_ensemble": "ensembles",
    "train_witness": "witness_training",
}

__all__ = [*_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        from qexpr.quantizers.backend import import_torch

        import_torch()  # where it is missing, this says how to get it
        return getattr(import_module(f"qexpr.training.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'qexpr.training' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
