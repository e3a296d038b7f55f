/* Bit-plane weights against signs, AVX2: what products and convolutions share.
 *
 * Four activations give a table of 16 numbers: for each subset, how many of its members are +1 plus
 * how many outside it are -1 (the subset's sum plus the number of all -1), at most 4. Four weight
 * bits of 32 rows are 32 indices into it, so vpshufb looks up 128 sums at once. An entry fits half
 * a byte, so each byte of a table serves two activation rows: three look-ups are added up, to 12 at
 * most, before the halves are split.
 */
#ifndef QEXPR_KERNEL_SIGNS_AVX2_H
#define QEXPR_KERNEL_SIGNS_AVX2_H

#include "families.h"

#include <immintrin.h>
#include <string.h>

#define UNITS 4         /* pairs of activation rows that share a pass over the weights */
#define FLUSH 31        /* 8 * 31 still fits a byte */

typedef struct {
  __m256i both[UNITS], high[UNITS]; /* of the pairs, in bytes: low + 16 high modulo 256, and high */
  __m256i even[2 * UNITS], odd[2 * UNITS];
} sums;

#define TABLE(i) _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(i)))

static inline __attribute__((always_inline)) void split(sums *s, int m, __m256i a) {
  const __m256i nibble = _mm256_set1_epi8(15);
  s->both[m] = _mm256_add_epi8(s->both[m], a);
  s->high[m] = _mm256_add_epi8(s->high[m], _mm256_and_si256(_mm256_srli_epi16(a, 4), nibble));
}

/* The mean of two high halves is a multiple of 8, so their sum is an eighth of it. */
static inline __attribute__((always_inline)) void split_two(sums *s, int m, __m256i a, __m256i b) {
  const __m256i upper = _mm256_set1_epi8((char)0xf0);
  const __m256i mean = _mm256_avg_epu8(_mm256_and_si256(a, upper), _mm256_and_si256(b, upper));
  s->both[m] = _mm256_add_epi8(s->both[m], _mm256_add_epi8(a, b));
  s->high[m] = _mm256_add_epi8(s->high[m], _mm256_srli_epi16(mean, 3));
}

static inline __attribute__((always_inline)) void flush(sums *s, int units) {
  const __m256i low = _mm256_set1_epi16(255), upper = _mm256_set1_epi8((char)0xf0);
#pragma GCC unroll 4
  for (int m = 0; m < units; m++) {
    __m256i *even = s->even + m, *odd = s->odd + m;
    const __m256i b = s->high[m];
    const __m256i a = _mm256_sub_epi8(s->both[m], _mm256_and_si256(_mm256_slli_epi16(b, 4), upper));
    even[0] = _mm256_add_epi16(even[0], _mm256_and_si256(a, low));
    odd[0] = _mm256_add_epi16(odd[0], _mm256_srli_epi16(a, 8));
    even[units] = _mm256_add_epi16(even[units], _mm256_and_si256(b, low));
    odd[units] = _mm256_add_epi16(odd[units], _mm256_srli_epi16(b, 8));
    s->both[m] = s->high[m] = _mm256_setzero_si256();
  }
}

static inline void widen(__m256i even, __m256i odd, int more, int32_t *out) {
  const __m256i a = _mm256_unpacklo_epi16(even, odd), b = _mm256_unpackhi_epi16(even, odd);
  const __m128i part[4] = {_mm256_castsi256_si128(a), _mm256_castsi256_si128(b),
                           _mm256_extracti128_si256(a, 1), _mm256_extracti128_si256(b, 1)};
  __m256i *to = (__m256i *)out;
  for (int i = 0; i < 4; i++) {
    const __m256i v = _mm256_cvtepu16_epi32(part[i]);
    _mm256_store_si256(to + i, more ? _mm256_add_epi32(v, _mm256_load_si256(to + i)) : v);
  }
}

/* Sums over `runs` stretches of `bytes` columns / 8 for 32 weight rows. The tables of a stretch
 * begin at run[a] + start; those of the next pair lie `stride` further on. */
static inline __attribute__((always_inline)) void lookup(const uint8_t *panel,
                                                         const uint8_t *const *run, int64_t start,
                                                         int64_t runs, int64_t bytes,
                                                         int64_t stride, int units, int more,
                                                         int32_t (*out)[QK_PANEL]) {
  const __m256i nibble = _mm256_set1_epi8(15);
  sums s;
  int64_t since = 0;
  memset(&s, 0, sizeof s);
  for (int64_t a = 0; a < runs; a++) {
    const uint8_t *table = run[a] + start;
    for (int64_t left = bytes; left > 0;) {
      const int64_t count = left < FLUSH - 1 ? left : FLUSH - 1;
      if (since + count > FLUSH) {
        flush(&s, units);
        since = 0;
      }
      since += count, left -= count;
      int64_t j = 0;
      for (; j + 3 <= count; j += 3, panel += 3 * QK_PANEL, table += 96) {
        __m256i first[3], second[3];
#pragma GCC unroll 3
        for (int i = 0; i < 3; i++) {
          const __m256i byte = _mm256_loadu_si256((const __m256i *)(panel + i * QK_PANEL));
          first[i] = _mm256_and_si256(byte, nibble);
          second[i] = _mm256_and_si256(_mm256_srli_epi16(byte, 4), nibble);
        }
#pragma GCC unroll 4
        for (int m = 0; m < units; m++) {
          const uint8_t *at = table + m * stride;
          __m256i x = _mm256_shuffle_epi8(TABLE(at), first[0]);
          x = _mm256_add_epi8(x, _mm256_shuffle_epi8(TABLE(at + 16), second[0]));
          x = _mm256_add_epi8(x, _mm256_shuffle_epi8(TABLE(at + 32), first[1]));
          __m256i y = _mm256_shuffle_epi8(TABLE(at + 48), second[1]);
          y = _mm256_add_epi8(y, _mm256_shuffle_epi8(TABLE(at + 64), first[2]));
          y = _mm256_add_epi8(y, _mm256_shuffle_epi8(TABLE(at + 80), second[2]));
          split_two(&s, m, x, y);
        }
      }
      for (; j < count; j++, panel += QK_PANEL, table += 32) {
        const __m256i byte = _mm256_loadu_si256((const __m256i *)panel);
        const __m256i first = _mm256_and_si256(byte, nibble);
        const __m256i second = _mm256_and_si256(_mm256_srli_epi16(byte, 4), nibble);
#pragma GCC unroll 4
        for (int m = 0; m < units; m++) {
          const uint8_t *at = table + m * stride;
          split(&s, m, _mm256_add_epi8(_mm256_shuffle_epi8(TABLE(at), first),
                                       _mm256_shuffle_epi8(TABLE(at + 16), second)));
        }
      }
    }
  }
  flush(&s, units);
  for (int m = 0; m < 2 * units; m++) widen(s.even[m], s.odd[m], more, out[m]);
}

static inline void lookup_units(const uint8_t *panel, const uint8_t *const *run, int64_t start,
                         int64_t runs, int64_t bytes, int64_t stride, int units, int more,
                         int32_t (*out)[QK_PANEL]) {
  switch (units) {
    case 1: lookup(panel, run, start, runs, bytes, stride, 1, more, out); break;
    case 2: lookup(panel, run, start, runs, bytes, stride, 2, more, out); break;
    case 3: lookup(panel, run, start, runs, bytes, stride, 3, more, out); break;
    default: lookup(panel, run, start, runs, bytes, stride, 4, more, out); break;
  }
}

/* y = base + coef * out, or y += coef * out; at most 32 outputs of one row. */
static inline void finish(const int32_t *out, uint32_t coef, uint32_t base, int add, int64_t left,
                          int32_t *y) {
  if (left >= QK_PANEL) {
    const __m256i c = _mm256_set1_epi32((int)coef), b = _mm256_set1_epi32((int)base);
    for (int i = 0; i < QK_PANEL; i += 8) {
      const __m256i v = _mm256_mullo_epi32(c, _mm256_load_si256((const __m256i *)(out + i)));
      __m256i *to = (__m256i *)(y + i);
      _mm256_storeu_si256(to, _mm256_add_epi32(v, add ? _mm256_loadu_si256(to) : b));
    }
  } else {
    for (int i = 0; i < left; i++)
      y[i] = (int32_t)((add ? (uint32_t)y[i] : base) + coef * (uint32_t)out[i]);
  }
}

/* Tables depend on four mask and four sign bits only: 256 of them, 4 KiB. */
static inline void sign_tables(uint8_t (*tables)[16]) {
  const __m128i subset = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m128i ones = _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  for (int mask = 0; mask < 16; mask++)
    for (int sign = 0; sign < 16; sign++) {
      const __m128i differ = _mm_xor_si128(subset, _mm_set1_epi8((char)sign));
      const __m128i chosen = _mm_and_si128(differ, _mm_set1_epi8((char)mask));
      _mm_store_si128((__m128i *)tables[mask * 16 + sign], _mm_shuffle_epi8(ones, chosen));
    }
}

/* The bits of `mask` (all, if NULL) that lie within the columns. */
static inline uint8_t live_bits(const uint8_t *mask, int64_t cols, int64_t j) {
  const uint8_t valid = cols - 8 * j >= 8 ? 0xff : (uint8_t)((1u << (cols - 8 * j)) - 1u);
  return mask ? mask[j] & valid : valid;
}

typedef struct {
  const uint8_t *sign, *mask;
} bits;

/* The tables of bytes from..from + bytes of one row, or of two rows in the halves of the bytes. */
static inline void pair_tables(const uint8_t (*known)[16], const bits *a, const bits *b, int64_t cols,
                        int64_t from, int64_t bytes, uint8_t *to) {
  for (int64_t j = from; j < from + bytes; j++, to += 32) {
    const uint8_t live = live_bits(a->mask, cols, j), minus = live & a->sign[j];
    __m128i low = _mm_load_si128((const __m128i *)known[(live & 15) << 4 | (minus & 15)]);
    __m128i high = _mm_load_si128((const __m128i *)known[(live & 0xf0) | minus >> 4]);
    if (b != NULL) {
      const uint8_t other = live_bits(b->mask, cols, j), less = other & b->sign[j];
      const __m128i *l = (const __m128i *)known[(other & 15) << 4 | (less & 15)];
      const __m128i *h = (const __m128i *)known[(other & 0xf0) | less >> 4];
      low = _mm_or_si128(low, _mm_slli_epi16(_mm_load_si128(l), 4));
      high = _mm_or_si128(high, _mm_slli_epi16(_mm_load_si128(h), 4));
    }
    _mm_store_si128((__m128i *)to, low);
    _mm_store_si128((__m128i *)(to + 16), high);
  }
}

typedef struct {
  uint32_t live, minus;
} counts;

/* How many signs of a row count, and how many of them are -1. */
static inline counts count_signs(const bits *x, int64_t cols) {
  counts total = {0, 0};
  const int64_t kb = (cols + 7) / 8;
  int64_t j = 0;
  for (; 8 * j + 64 <= cols; j += 8) {
    uint64_t sign, mask = ~UINT64_C(0);
    memcpy(&sign, x->sign + j, 8);
    if (x->mask) memcpy(&mask, x->mask + j, 8);
    total.live += (uint32_t)__builtin_popcountll(mask);
    total.minus += (uint32_t)__builtin_popcountll(mask & sign);
  }
  for (; j < kb; j++) {
    const uint8_t live = live_bits(x->mask, cols, j);
    total.live += (uint32_t)__builtin_popcount(live);
    total.minus += (uint32_t)__builtin_popcount(live & x->sign[j]);
  }
  return total;
}

/* What a row's sums start from: the constant's part, less what the tables hold too much. */
static inline uint32_t base_of(const qk_planes *w, counts c) {
  uint32_t coefs = 0;
  for (int p = 0; p < w->nplanes; p++) coefs += (uint32_t)w->coef[p];
  return (uint32_t)w->constant * (c.live - 2u * c.minus) - coefs * c.minus;
}

#endif
