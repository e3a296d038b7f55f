"""Every publication that qexpr cites, once: papers take their `Reference` from here."""

from __future__ import annotations

from qexpr.core.papers import PAPERS
from qexpr.core.source import Reference
from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten

__all__ = ["REFERENCES", "reference"]


def _article(key: str, author: str, title: str, journal: str, year: int, **more: str) -> Reference:
    fields = (("title", title), ("author", author), ("journal", journal), ("year", str(year)))
    return Reference(key, "article", (*fields, *more.items()))


def _talk(key: str, author: str, title: str, booktitle: str, year: int, **more: str) -> Reference:
    fields = (("title", title), ("author", author), ("booktitle", booktitle), ("year", str(year)))
    return Reference(key, "inproceedings", (*fields, *more.items()))


def _preprint(key: str, author: str, title: str, eprint: str, year: int) -> Reference:
    fields = (("title", title), ("author", author), ("year", str(year)))
    return Reference(key, "misc", (*fields, ("eprint", eprint), ("archiveprefix", "arXiv")))


_NEURIPS = "Advances in Neural Information Processing Systems (NeurIPS)"
_ICML = "International Conference on Machine Learning (ICML)"
_IEEE = "IEEE Transactions on Information Theory"
_BOELCSKEI = r"B{\"o}lcskei, Helmut"
_GUNTURK_LI = r"G{\"u}nt{\"u}rk, C. Sinan and Li, Weilin"
_ARXIV = {"archiveprefix": "arXiv"}

REFERENCES = (
    PAPERS["ding2019universal"],
    _article(
        "yarotsky2017",
        "Yarotsky, Dmitry",
        "Error bounds for approximations with deep {ReLU} networks",
        "Neural Networks",
        2017,
        volume="94",
        pages="103--114",
        eprint="1610.01145",
        **_ARXIV,
    ),
    _talk(
        "yarotsky2018",
        "Yarotsky, Dmitry",
        "Optimal approximation of continuous functions by very deep {ReLU} networks",
        "Conference on Learning Theory (COLT)",
        2018,
        series="PMLR",
        volume="75",
        pages="639--649",
        eprint="1802.03620",
        **_ARXIV,
    ),
    _talk(
        "yarotsky2020phase",
        "Yarotsky, Dmitry and Zhevnerchuk, Anton",
        "The phase diagram of approximation rates for deep neural networks",
        _NEURIPS,
        2020,
        eprint="1906.09477",
        **_ARXIV,
    ),
    _article(
        "petersen2018",
        "Petersen, Philipp and Voigtlaender, Felix",
        "Optimal approximation of piecewise smooth functions using deep {ReLU} neural networks",
        "Neural Networks",
        2018,
        volume="108",
        pages="296--330",
        eprint="1709.05289",
        **_ARXIV,
    ),
    _article(
        "boelcskei2019",
        f"{_BOELCSKEI} and Grohs, Philipp and Kutyniok, Gitta and Petersen, Philipp",
        "Optimal approximation with sparsely connected deep neural networks",
        "SIAM Journal on Mathematics of Data Science",
        2019,
        volume="1",
        number="1",
        pages="8--45",
        eprint="1705.01714",
        **_ARXIV,
    ),
    _article(
        "elbraechter2021",
        r"Elbr{\"a}chter, Dennis and Perekrestenko, Dmytro and Grohs, Philipp and " + _BOELCSKEI,
        "Deep neural network approximation theory",
        _IEEE,
        2021,
        volume="67",
        number="5",
        pages="2581--2623",
        eprint="1901.02220",
        **_ARXIV,
    ),
    _preprint(
        "gunturk2021onebit",
        _GUNTURK_LI,
        "Approximation of functions with one-bit neural networks",
        "2112.09181",
        2021,
    ),
    _article(
        "gunturk2022bernstein",
        _GUNTURK_LI,
        "Approximation with one-bit polynomials in {Bernstein} form",
        "Constructive Approximation",
        2022,
        doi="10.1007/s00365-022-09608-y",
    ),
    _article(
        "beknazaryan2022a",
        "Beknazaryan, Aleksandr",
        r"Function approximation by deep neural networks with parameters "
        r"$\{0,\pm\frac12,\pm1,2\}$",
        "Journal of Statistical Theory and Practice",
        2022,
        volume="16",
        pages="7",
        doi="10.1007/s42519-021-00229-5",
        eprint="2103.08659",
        **_ARXIV,
    ),
    _preprint(
        "beknazaryan2022b",
        "Beknazaryan, Aleksandr",
        "Expressive power of binary and ternary neural networks",
        "2206.13280",
        2022,
    ),
    _article(
        "gonon2023",
        r"Gonon, Antoine and Brisebarre, Nicolas and Gribonval, R{\'e}mi and Riccietti, Elisa",
        "Approximation speed of quantized versus unquantized {ReLU} neural networks and beyond",
        _IEEE,
        2023,
        volume="69",
        number="6",
        pages="3960--3977",
        eprint="2205.11874",
        **_ARXIV,
    ),
    _preprint(
        "ou2024three",
        f"Ou, Weigutian and Schenkel, Philipp and {_BOELCSKEI}",
        "Three quantization regimes for {ReLU} networks",
        "2405.01952",
        2024,
    ),
    _preprint(
        "ou2024covering",
        f"Ou, Weigutian and {_BOELCSKEI}",
        "Covering numbers for deep {ReLU} networks with applications to function approximation "
        "and nonparametric regression",
        "2410.06378",
        2024,
    ),
    _preprint(
        "park2024fixed",
        "Park, Yeachan and Park, Sejun and Hwang, Geonho",
        "On expressive power of quantized neural networks under fixed-point arithmetic",
        "2409.00297",
        2024,
    ),
    _talk(
        "he2024precision",
        "He, Songhua and Papakonstantinou, Periklis A.",
        "The effect of weight precision on the neuron count in deep {ReLU} networks",
        _ICML,
        2024,
        series="PMLR",
        volume="235",
    ),
    _preprint(
        "nakahara2025",
        "Nakahara, Yuta and Kobayashi, Manabu and Matsushima, Toshiyasu",
        "A lower bound for the number of linear regions of ternary {ReLU} regression "
        "neural networks",
        "2507.16079",
        2025,
    ),
    _talk(
        "montufar2014",
        r"Mont{\'u}far, Guido and Pascanu, Razvan and Cho, Kyunghyun and Bengio, Yoshua",
        "On the number of linear regions of deep neural networks",
        _NEURIPS,
        2014,
    ),
    _talk(
        "serra2018",
        "Serra, Thiago and Tjandraatmadja, Christian and Ramalingam, Srikumar",
        "Bounding and counting linear regions of deep neural networks",
        _ICML,
        2018,
    ),
    _article(
        "hinz2019",
        "Hinz, Peter and van de Geer, Sara",
        "A framework for the construction of upper bounds on the number of affine linear regions "
        "of {ReLU} feed-forward neural networks",
        _IEEE,
        2019,
        volume="65",
        number="11",
        pages="7304--7324",
        eprint="1806.01918",
        **_ARXIV,
    ),
    _article(
        "devore2021",
        "DeVore, Ronald and Hanin, Boris and Petrova, Guergana",
        "Neural network approximation",
        "Acta Numerica",
        2021,
        volume="30",
        pages="327--444",
        eprint="2012.14501",
        **_ARXIV,
    ),
    _article(
        "kolmogorov1959",
        "Kolmogorov, A. N. and Tikhomirov, V. M.",
        r"$\varepsilon$-entropy and $\varepsilon$-capacity of sets in function spaces",
        "Uspekhi Matematicheskikh Nauk",
        1959,
        volume="14",
        number="2",
        pages="3--86",
    ),
    _article(
        "shen2020",
        "Shen, Zuowei and Yang, Haizhao and Zhang, Shijun",
        "Deep network approximation characterized by number of neurons",
        "Communications in Computational Physics",
        2020,
        volume="28",
        pages="1768--1811",
        eprint="1906.05497",
        **_ARXIV,
    ),
    _article(
        "shen2022",
        "Shen, Zuowei and Yang, Haizhao and Zhang, Shijun",
        "Optimal approximation rate of {ReLU} networks in terms of width and depth",
        r"Journal de Math{\'e}matiques Pures et Appliqu{\'e}es",
        2022,
        volume="157",
        pages="101--135",
        eprint="2103.00502",
        **_ARXIV,
    ),
    _article(
        "lu2021",
        "Lu, Jianfeng and Shen, Zuowei and Yang, Haizhao and Zhang, Shijun",
        "Deep network approximation for smooth functions",
        "SIAM Journal on Mathematical Analysis",
        2021,
        volume="53",
        number="5",
        pages="5465--5506",
        eprint="2001.03040",
        **_ARXIV,
    ),
    _talk(
        "liu2024width",
        "Liu, Chenghao and Chen, Minghua",
        "{ReLU} network with width $d+O(1)$ can achieve optimal approximation rate",
        _ICML,
        2024,
        series="PMLR",
        volume="235",
    ),
    _article(
        "siegel2023",
        "Siegel, Jonathan W.",
        "Optimal approximation rates for deep {ReLU} neural networks on {Sobolev} and {Besov} "
        "spaces",
        "Journal of Machine Learning Research",
        2023,
        volume="24",
        number="357",
        pages="1--52",
        eprint="2211.14400",
        **_ARXIV,
    ),
    _article(
        "bartlett2019",
        "Bartlett, Peter L. and Harvey, Nick and Liaw, Christopher and Mehrabian, Abbas",
        "Nearly-tight {VC}-dimension and pseudodimension bounds for piecewise linear neural "
        "networks",
        "Journal of Machine Learning Research",
        2019,
        volume="20",
        number="63",
        pages="1--17",
    ),
    Reference(
        "anthony1999",
        "book",
        (
            ("title", "Neural Network Learning: Theoretical Foundations"),
            ("author", "Anthony, Martin and Bartlett, Peter L."),
            ("publisher", "Cambridge University Press"),
            ("year", "1999"),
        ),
    ),
    _talk(
        "achour2022",
        "Achour, El Mehdi and Foucault, Armand and Gerchinovitz, S{\\'e}bastien and "
        "Malgouyres, Fran{\\c c}ois",
        "A general approximation lower bound in {$L^p$} norm, with applications to "
        "feed-forward neural networks",
        _NEURIPS,
        2022,
        eprint="2206.04360",
        **_ARXIV,
    ),
    _preprint(
        "vardi2021",
        "Vardi, Gal and Yehudai, Gilad and Shamir, Ohad",
        "On the optimal memorization power of {ReLU} neural networks",
        "2110.03187",
        2021,
    ),
    PAPERS["qexpr"],
)


def reference(key: str) -> Reference:
    """The publication of that BibTeX key.

    Raises
    ------
    InvalidInput
        If there is none, with the nearest keys.
    """
    for one in REFERENCES:
        if one.key == key:
            return one
    near = suggest(key, (one.key for one in REFERENCES))
    raise InvalidInput(f"there is no reference {shorten(key)}{near}; `qexpr cite --list` names all")
