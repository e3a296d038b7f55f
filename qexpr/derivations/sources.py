"""The papers that derivations belong to."""

from __future__ import annotations

from typing import Final

from qexpr.core.source import Reference, Source, Trust

__all__ = ["PAPERS", "cite", "derived"]


def _paper(
    key: str, title: str, author: str, year: int, kind: str = "article", **more: str
) -> Reference:
    fields = {"title": title, "author": author, "year": str(year), **more}
    return Reference(key, kind, tuple(fields.items()))


PAPERS: Final[dict[str, Reference]] = {
    paper.key: paper
    for paper in (
        _paper(
            "courbariaux2015binaryconnect",
            "{BinaryConnect}: training deep neural networks with binary weights during "
            "propagations",
            "Courbariaux, Matthieu and Bengio, Yoshua and David, Jean-Pierre",
            2015,
            "inproceedings",
            booktitle="NIPS",
            eprint="1511.00363",
        ),
        _paper(
            "li2016ternary",
            "Ternary weight networks",
            "Li, Fengfu and Liu, Bin",
            2016,
            journal="arXiv:1605.04711",
            eprint="1605.04711",
        ),
        _paper(
            "rastegari2016xnor",
            "{XNOR-Net}: {ImageNet} classification using binary convolutional neural networks",
            "Rastegari, Mohammad and Ordonez, Vicente and Redmon, Joseph and Farhadi, Ali",
            2016,
            "inproceedings",
            booktitle="ECCV",
            eprint="1603.05279",
        ),
        _paper(
            "ghasemzadeh2018rebnet",
            "{ReBNet}: residual binarized neural network",
            "Ghasemzadeh, Mohammad and Samragh, Mohammad and Koushanfar, Farinaz",
            2018,
            "inproceedings",
            booktitle="FCCM",
            eprint="1711.01243",
        ),
        _paper(
            "zhou2016dorefa",
            "{DoReFa-Net}: training low bitwidth convolutional neural networks with low bitwidth "
            "gradients",
            "Zhou, Shuchang and Wu, Yuxin and Ni, Zekun and Zhou, Xinyu and Wen, He "
            "and Zou, Yuheng",
            2016,
            journal="arXiv:1606.06160",
            eprint="1606.06160",
        ),
        _paper(
            "cai2017hwgq",
            "Deep learning with low precision by half-wave {Gaussian} quantization",
            "Cai, Zhaowei and He, Xiaodong and Sun, Jian and Vasconcelos, Nuno",
            2017,
            "inproceedings",
            booktitle="CVPR",
            eprint="1702.00953",
        ),
        _paper(
            "miyashita2016log",
            "Convolutional neural networks using logarithmic data representation",
            "Miyashita, Daisuke and Lee, Edward H. and Murmann, Boris",
            2016,
            journal="arXiv:1603.01025",
            eprint="1603.01025",
        ),
        _paper(
            "ding2019universal",
            "On the Universal Approximability and Complexity Bounds of "
            "Quantized {ReLU} Neural Networks",
            "Ding, Yukun and Liu, Jinglan and Xiong, Jinjun and Shi, Yiyu",
            2019,
            "inproceedings",
            booktitle="International Conference on Learning Representations (ICLR)",
            eprint="1802.03646",
            archiveprefix="arXiv",
        ),
        _paper(
            "max1960quantizing",
            "Quantizing for minimum distortion",
            "Max, Joel",
            1960,
            journal="IRE Transactions on Information Theory",
            volume="6",
            number="1",
            pages="7--12",
        ),
        _paper(
            "qexpr",
            "qexpr: the expressivity of quantized neural networks",
            "{The qexpr developers}",
            2026,
            "software",
            publisher="Documentation, theory pages",
        ),
    )
}


def cite(key: str, statement: str, *, recalled: float | None = None, note: str = "") -> Source:
    """A statement of a paper, read there or recalled with a probability."""
    trust = Trust("CONFIRMED") if recalled is None else Trust("RECALLED", recalled)
    return Source(PAPERS[key], statement, trust, note)


def derived(statement: str, note: str = "") -> Source:
    """A statement that was proved for this project."""
    return Source(PAPERS["qexpr"], statement, Trust("DERIVED"), note)
