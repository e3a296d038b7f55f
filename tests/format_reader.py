"""A second reader of packed files, slow, written from FORMAT.md and from nothing else."""

import struct
from fractions import Fraction
from itertools import product
from zlib import crc32

import numpy as np

FIELDS = (
    *("op", "source", "other", "activation", "kh", "kw", "sh", "sw", "ph", "pw", "pad", "pad_code"),
    *("groups", "channels", "inputs", "kind", "bits", "layout", "code", "cnst", "scales", "biases"),
    *("levels", "rows", "sums", "emits", "dgts"),
)


def sections(data):
    """Kind and sections, as (tag, bytes)."""
    magic, version, kind, length, count, table, head = struct.unpack_from("<8sIIQIII", data)
    assert (magic, version, length) == (b"\x89QXR\r\n\x1a\n", 2, len(data))
    assert head == crc32(data[:32])
    assert table == crc32(data[64 : 64 + 32 * count])
    out, end = [], 64 + 32 * count
    for k in range(count):
        tag, crc, offset, size = struct.unpack_from("<4sIQQ", data, 64 + 32 * k)
        assert offset == -(-end // 64) * 64
        assert not any(data[end:offset])
        end = offset + size
        assert crc == crc32(data[offset:end])
        out.append((tag.decode(), data[offset:end]))
    assert end == len(data)
    return kind, out


def varints(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def circuit(parts, points):
    """The exact values of a circuit, in Fractions."""
    (_, _), (_, graph), (_, _), (_, alphabet), (_, edge), (_, code), (_, _) = parts
    inputs, size, bits, _, units, edges, _ = struct.unpack_from("<IIIIQQQ", graph)
    weights = [Fraction(v) for v in struct.unpack(f"<{size}d", alphabet)]
    stream, number, at = varints(edge), int.from_bytes(code, "little"), 0
    values = [[*map(Fraction, x), Fraction(1)] for x in points]
    for unit in range(units):
        sums, source = [Fraction(0)] * len(points), inputs + 1 + unit
        for k in range(next(stream)):
            source = source - 1 - next(stream) if k == 0 else source + 1 + next(stream)
            weight = weights[number >> at * bits & 2**bits - 1]
            at += 1
            sums = [s + weight * v[source] for s, v in zip(sums, values, strict=True)]
        for s, v in zip(sums, values, strict=True):
            v.append(s if unit == units - 1 else max(s, Fraction(0)))
    assert at == edges
    return [[v[-1]] for v in values]


def digits(data, layer):
    """What a byte that is read, a padded tap and an entry of the book stand for."""
    m, n, f, e = struct.unpack_from("<4I", data)
    factors = struct.unpack_from(f"<{m + f}q", data, 16)
    at, tables = 16 + 8 * (m + f), []
    for rows, width in ((m, n), (m, 1), (f, e)):
        flat = struct.unpack_from(f"<{rows * width}h", data, at)
        at += -(-2 * rows * width // 8) * 8
        used = factors[m:] if len(tables) == 2 else factors[:m]
        tables.append([sum(q * flat[r * width + k] for r, q in enumerate(used))
                       for k in range(width)])  # fmt: skip
    return tables[0], tables[1][0] if m else layer["pad_code"], tables[2]


def matrices(layer, data, book):
    """The codes of each group."""
    rows, bits = layer["channels"] // layer["groups"], layer["bits"]
    cols = layer["inputs"] * (layer["kh"] * layer["kw"] if layer["op"] == 2 else 1)
    kind, raw = layer["kind"], np.frombuffer(data, np.uint8)
    for part in raw.reshape(layer["groups"], -1):
        if kind == 7:
            yield part.view(f"<f{bits // 8}").astype(float).reshape(rows, cols)
            continue
        if kind == 6:
            codes = part.view(np.int8)
            if layer["layout"]:
                codes = codes.reshape(-(-rows // 16), -1, 16, 4).transpose(0, 2, 1, 3)
                codes = codes.reshape(codes.shape[0] * 16, -1)[:rows, :cols]
            yield codes.reshape(rows, cols).astype(object)
            continue
        planes = part.reshape(bits, -1, -(-cols // 8), 32 if layer["layout"] else 1)
        planes = planes.transpose(0, 1, 3, 2).reshape(bits, -1, -(-cols // 8))[:, :rows]
        b = np.unpackbits(planes, axis=2, bitorder="little")[:, :, :cols].astype(object)
        whole = sum(2**i * b[i] for i in range(bits))
        yield {
            1: lambda b=b: 1 - 2 * b[0],
            2: lambda b=b: b[0] - b[1],
            3: lambda w=whole: w,
            4: lambda b=b, w=whole: w - 2**bits * b[-1],
            5: lambda w=whole: 1 - 2**bits + 2 * w,
            8: lambda w=whole: np.array([[book[v] for v in row] for row in w], object),
        }[kind]()


def windows(x, layer, pad):
    """The shape of the places, and for each of them its taps; one outside is `pad`."""
    _, h, w = x.shape
    oh = (h + 2 * layer["ph"] - layer["kh"]) // layer["sh"] + 1
    ow = (w + 2 * layer["pw"] - layer["kw"]) // layer["sw"] + 1
    for i, j in product(range(oh), range(ow)):
        rows = range(i * layer["sh"] - layer["ph"], i * layer["sh"] - layer["ph"] + layer["kh"])
        cols = range(j * layer["sw"] - layer["pw"], j * layer["sw"] - layer["pw"] + layer["kw"])
        yield (oh, ow), [x[:, a, b] if 0 <= a < h and 0 <= b < w else pad
                         for a in rows for b in cols]  # fmt: skip


def accumulate(layer, x, other, weights, pad):
    """What a layer sums, of shape (channels, height, width)."""
    op = layer["op"]
    if op == 1:
        return (next(weights) @ x.reshape(-1))[:, None, None]
    if op == 2:
        out = []
        for g, matrix in enumerate(weights):
            part = x[g * layer["inputs"] : (g + 1) * layer["inputs"]]
            places = list(windows(part, layer, [pad] * layer["inputs"]))
            sums = [matrix @ np.concatenate([np.asarray(t, object) for t in taps])
                    for _, taps in places]  # fmt: skip
            out.append(np.stack(sums, axis=1).reshape(-1, *places[0][0]))
        return np.concatenate(out)
    if op in (5, 6):
        places = list(windows(x, layer, None))
        pick = np.max if op == 5 else np.sum
        return np.stack([pick(taps, axis=0) for _, taps in places], 1).reshape(-1, *places[0][0])
    if op in (7, 8):
        return x + other if op == 7 else x * other
    if op == 9:
        mean = np.abs(x).mean(axis=0, keepdims=True)
        places = list(windows(mean, layer, [0]))
        return np.array([np.mean(taps) for _, taps in places]).reshape(1, *places[0][0])
    return x.reshape(-1, 1, 1) if op == 3 else x


def activate(layer, data, s):
    """Reals, or bytes and what each stands for."""
    at = 0

    def take(kind, count, size):
        nonlocal at
        values = np.frombuffer(data, kind, count, at)
        at += -(-count * size // 8) * 8
        return values

    scale, bias = take("<f8", layer["scales"], 8), take("<f8", layer["biases"], 8)
    if layer["activation"] == 3:
        direction, size = take("i1", layer["rows"], 1), (8, 4, 8, 16)[layer["sums"]]
        raw = take("u1", layer["rows"] * layer["levels"] * size, 1).tobytes()
        cut = [raw[k : k + size] for k in range(0, len(raw), size)]
        t = [struct.unpack("<d", c)[0] if not layer["sums"] else
             int.from_bytes(c, "little", signed=True) for c in cut]  # fmt: skip
        values = take("<f8", layer["levels"] + 1, 8)
        codes = take("<i2", layer["levels"] + 1, 2) if layer["emits"] else None
        index = np.empty(s.shape, int)
        for place, v in np.ndenumerate(s):
            row = place[0] % layer["rows"]
            of = t[row * layer["levels"] : (row + 1) * layer["levels"]]
            way = direction[row]
            index[place] = of[0] if way == 0 else sum(v >= c if way > 0 else v <= c for c in of)
        if codes is None:
            return values[index], None
        return codes[index].astype(object), dict(zip(codes.tolist(), values.tolist(), strict=True))
    if layer["emits"]:
        return s, None
    y = s.astype(float) * (
        scale[:, None, None] if layer["scales"] > 1 else scale[0] if len(scale) else 1
    )
    y = y + bias[:, None, None] if layer["biases"] else y
    low, high = take("<f8", 2, 8) if layer["activation"] == 2 else (0.0, np.inf)
    return (np.clip(y, low, high) if layer["activation"] else y), None


def stack(parts, points):
    """The values of a stack of layers, in integers and doubles."""
    graph = parts[1][1]
    count, _, c, h, w, rule = struct.unpack_from("<6I", graph)
    scale, offset = struct.unpack_from("<2d", graph, 24)
    records = [dict(zip(FIELDS, struct.unpack_from("<27i", graph, 64 + 128 * k), strict=True))
               for k in range(count)]  # fmt: skip
    results = []
    for point in points:
        x = np.array(point, float).reshape(c, h, w)
        stands = None
        if rule:
            x = np.clip(np.rint((x - offset) / scale), 0, 255).astype(int).astype(object)
            stands = {q: offset + scale * q for q in range(256)}
        done = {-1: (x, stands)}
        for k, layer in enumerate(records):
            byte, pad, book = None, layer["pad_code"], None
            if layer["dgts"]:
                byte, pad, book = digits(parts[layer["dgts"]][1], layer)

            def read(name, layer=layer, byte=byte, done=done):
                x, stands = done[layer[name]]
                if stands is None or layer["sums"] == 1:
                    return x
                of = byte if layer["sums"] else stands
                return np.array([of[v] for v in x.reshape(-1)], object if byte else None).reshape(
                    x.shape
                )

            pad = pad if layer["sums"] else layer["pad"]
            weights = matrices(layer, parts[layer["code"]][1], book) if layer["op"] < 3 else None
            s = accumulate(layer, read("source"), read("other") if layer["op"] in (7, 8) else None,
                           weights, pad)  # fmt: skip
            y, means = activate(layer, parts[layer["cnst"]][1], s)
            done[k] = (y, done[layer["source"]][1] if layer["emits"] and means is None else means)
        y, stands = done[count - 1]
        flat = y.reshape(-1).tolist()
        results.append([stands[v] for v in flat] if stands else flat)
    return results


def evaluate(data, points):
    """The values that a packed file gives at points."""
    kind, parts = sections(data)
    return circuit(parts, points) if kind == 2 else stack(parts, points)
