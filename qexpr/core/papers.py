"""The papers of quantized networks that more than one package cites, once.

What only `bounds` cites stands in `qexpr.bounds.references`, which takes Ding et al. from here.
"""

from __future__ import annotations

from typing import Final

from qexpr.core.source import Reference, Source, Trust

__all__ = ["PAPERS", "cite", "derived"]


def _arxiv(key: str, title: str, author: str, year: int, eprint: str, **more: str) -> Reference:
    kind = "inproceedings" if "booktitle" in more else "article"
    where = {} if "booktitle" in more or "journal" in more else {"journal": f"arXiv:{eprint}"}
    fields = {"title": title, "author": author, "year": str(year), **where, **more}
    if eprint:
        fields["eprint"] = eprint
    return Reference(key, kind, tuple(fields.items()))


PAPERS: Final[dict[str, Reference]] = {
    reference.key: reference
    for reference in (
        _arxiv(
            "fiesler1990weight",
            "Weight discretization paradigm for optical neural networks",
            "Fiesler, Emile and Choudry, Amar and Caulfield, H. John",
            1990,
            "",
            booktitle="Optical Interconnections and Networks",
            series="Proc. SPIE",
            volume="1281",
            pages="164--173",
        ),
        _arxiv(
            "courbariaux2015binaryconnect",
            "{BinaryConnect}: training deep neural networks with binary weights during "
            "propagations",
            "Courbariaux, Matthieu and Bengio, Yoshua and David, Jean-Pierre",
            2015,
            "1511.00363",
            booktitle="NIPS",
        ),
        _arxiv(
            "li2016ternary",
            "Ternary weight networks",
            "Li, Fengfu and Liu, Bin",
            2016,
            "1605.04711",
        ),
        _arxiv(
            "courbariaux2016binarized",
            "Binarized neural networks: training deep neural networks with weights and activations "
            "constrained to +1 or -1",
            "Courbariaux, Matthieu and Hubara, Itay and Soudry, Daniel and El-Yaniv, Ran "
            "and Bengio, Yoshua",
            2016,
            "1602.02830",
        ),
        _arxiv(
            "rastegari2016xnor",
            "{XNOR-Net}: {ImageNet} classification using binary convolutional neural networks",
            "Rastegari, Mohammad and Ordonez, Vicente and Redmon, Joseph and Farhadi, Ali",
            2016,
            "1603.05279",
            booktitle="ECCV",
        ),
        _arxiv(
            "ghasemzadeh2018rebnet",
            "{ReBNet}: residual binarized neural network",
            "Ghasemzadeh, Mohammad and Samragh, Mohammad and Koushanfar, Farinaz",
            2018,
            "1711.01243",
            booktitle="FCCM",
        ),
        _arxiv(
            "zhou2016dorefa",
            "{DoReFa-Net}: training low bitwidth convolutional neural networks with low bitwidth "
            "gradients",
            "Zhou, Shuchang and Wu, Yuxin and Ni, Zekun and Zhou, Xinyu and Wen, He "
            "and Zou, Yuheng",
            2016,
            "1606.06160",
        ),
        _arxiv(
            "cai2017hwgq",
            "Deep learning with low precision by half-wave {Gaussian} quantization",
            "Cai, Zhaowei and He, Xiaodong and Sun, Jian and Vasconcelos, Nuno",
            2017,
            "1702.00953",
            booktitle="CVPR",
        ),
        _arxiv(
            "miyashita2016log",
            "Convolutional neural networks using logarithmic data representation",
            "Miyashita, Daisuke and Lee, Edward H. and Murmann, Boris",
            2016,
            "1603.01025",
        ),
        _arxiv(
            "jacob2018integer",
            "Quantization and training of neural networks for efficient integer-arithmetic-only "
            "inference",
            "Jacob, Benoit and Kligys, Skirmantas and Chen, Bo and Zhu, Menglong and Tang, Matthew "
            "and Howard, Andrew and Adam, Hartwig and Kalenichenko, Dmitry",
            2018,
            "1712.05877",
            booktitle="CVPR",
        ),
        _arxiv(
            "jain2020tqt",
            "Trained quantization thresholds for accurate and efficient fixed-point inference of "
            "deep neural networks",
            "Jain, Sambhav R. and Gural, Albert and Wu, Michael and Dick, Chris H.",
            2020,
            "1903.08066",
            booktitle="MLSys",
        ),
        _arxiv(
            "esser2020lsq",
            "Learned step size quantization",
            "Esser, Steven K. and McKinstry, Jeffrey L. and Bablani, Deepika and "
            "Appuswamy, Rathinakumar and Modha, Dharmendra S.",
            2020,
            "1902.08153",
            booktitle="ICLR",
        ),
        _arxiv(
            "choi2018pact",
            "{PACT}: parameterized clipping activation for quantized neural networks",
            "Choi, Jungwook and Wang, Zhuo and Venkataramani, Swagath and Chuang, Pierce I-Jen "
            "and Srinivasan, Vijayalakshmi and Gopalakrishnan, Kailash",
            2018,
            "1805.06085",
        ),
        _arxiv(
            "zhu2017ttq",
            "Trained ternary quantization",
            "Zhu, Chenzhuo and Han, Song and Mao, Huizi and Dally, William J.",
            2017,
            "1612.01064",
            booktitle="ICLR",
        ),
        _arxiv(
            "max1960quantizing",
            "Quantizing for minimum distortion",
            "Max, Joel",
            1960,
            "",
            journal="IRE Transactions on Information Theory",
            volume="6",
            number="1",
            pages="7--12",
        ),
        _arxiv(
            "ding2019universal",
            "On the Universal Approximability and Complexity Bounds of "
            "Quantized {ReLU} Neural Networks",
            "Ding, Yukun and Liu, Jinglan and Xiong, Jinjun and Shi, Yiyu",
            2019,
            "1802.03646",
            booktitle="International Conference on Learning Representations (ICLR)",
            archiveprefix="arXiv",
        ),
        Reference(
            "qexpr",
            "software",
            (
                ("title", "qexpr: the expressivity of quantized neural networks"),
                ("author", "{The qexpr developers}"),
                ("publisher", "Documentation, theory pages"),
                ("year", "2026"),
            ),
        ),
    )
}


def cite(key: str, statement: str, *, recalled: float | None = None, note: str = "") -> Source:
    """Return a statement of a paper: confirmed, or recalled with a probability."""
    trust = Trust("CONFIRMED") if recalled is None else Trust("RECALLED", recalled)
    return Source(PAPERS[key], statement, trust, note)


def derived(statement: str, note: str = "") -> Source:
    """Return a statement that was proved for this project."""
    return Source(PAPERS["qexpr"], statement, Trust("DERIVED"), note)
