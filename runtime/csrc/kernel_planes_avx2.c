/* Bit-plane weights against small integers, AVX2.
 *
 * Four columns of the activations give a table of 16 bytes: the sum of x over each subset, shifted
 * so that no entry is negative. Four weight bits of 32 rows are 32 indices into it, so vpshufb adds
 * 128 products in one step. The bytes are summed as long as they cannot overflow (`flush` groups),
 * then widened to 16 and, after a block of columns, to 32 bits. */
#include "kernel_signs_avx2.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 8          /* activation rows that share a pass over the weights */
#define BLOCK_BYTES 128 /* columns / 8 in a block of eight rows: tables of 32 KiB */
#define FLUSHES 256     /* 256 * 255 still fits 16 bits */

/* Sums over the block of `bytes` * 8 columns for 32 weight rows and M activation rows. */
static inline __attribute__((always_inline)) void sum_codes(const uint8_t *panel,
                                                         const uint8_t *table, int64_t bytes,
                                                         int64_t flush, int rows,
                                                         int32_t (*out)[QK_PANEL]) {
  const __m256i nibble = _mm256_set1_epi8(15), low = _mm256_set1_epi16(255);
  __m256i even[ROWS], odd[ROWS];
  for (int m = 0; m < rows; m++) even[m] = odd[m] = _mm256_setzero_si256();
  for (int64_t j = 0; j < bytes;) {
    const int64_t stop = j + flush < bytes ? j + flush : bytes;
    __m256i sum[ROWS];
#pragma GCC unroll 8
    for (int m = 0; m < rows; m++) sum[m] = _mm256_setzero_si256();
    for (; j < stop; j++) {
      const __m256i byte = _mm256_loadu_si256((const __m256i *)(panel + j * QK_PANEL));
      const __m256i first = _mm256_and_si256(byte, nibble);
      const __m256i second = _mm256_and_si256(_mm256_srli_epi16(byte, 4), nibble);
      const __m128i *at = (const __m128i *)(table + j * 32 * rows);
#pragma GCC unroll 8
      for (int m = 0; m < rows; m++) {
        const __m256i t = _mm256_broadcastsi128_si256(_mm_load_si128(at + m));
        sum[m] = _mm256_add_epi8(sum[m], _mm256_shuffle_epi8(t, first));
        __asm__("" : "+x"(sum[m])); /* or the compiler reorders the sums and spills registers */
      }
#pragma GCC unroll 8
      for (int m = 0; m < rows; m++) {
        const __m256i t = _mm256_broadcastsi128_si256(_mm_load_si128(at + rows + m));
        sum[m] = _mm256_add_epi8(sum[m], _mm256_shuffle_epi8(t, second));
      }
    }
#pragma GCC unroll 8
    for (int m = 0; m < rows; m++) {
      even[m] = _mm256_add_epi16(even[m], _mm256_and_si256(sum[m], low));
      odd[m] = _mm256_add_epi16(odd[m], _mm256_srli_epi16(sum[m], 8));
    }
  }
  for (int m = 0; m < rows; m++) {
    const __m256i a = _mm256_unpacklo_epi16(even[m], odd[m]);
    const __m256i b = _mm256_unpackhi_epi16(even[m], odd[m]);
    __m256i *to = (__m256i *)out[m];
    _mm256_store_si256(to, _mm256_cvtepu16_epi32(_mm256_castsi256_si128(a)));
    _mm256_store_si256(to + 1, _mm256_cvtepu16_epi32(_mm256_castsi256_si128(b)));
    _mm256_store_si256(to + 2, _mm256_cvtepu16_epi32(_mm256_extracti128_si256(a, 1)));
    _mm256_store_si256(to + 3, _mm256_cvtepu16_epi32(_mm256_extracti128_si256(b, 1)));
  }
}

static void lookup_rows(const uint8_t *panel, const uint8_t *table, int64_t bytes, int64_t flush,
                        int rows, int32_t (*out)[QK_PANEL]) {
  switch (rows) {
    case 1: sum_codes(panel, table, bytes, flush, 1, out); break;
    case 2: sum_codes(panel, table, bytes, flush, 2, out); break;
    case 3: sum_codes(panel, table, bytes, flush, 3, out); break;
    case 4: sum_codes(panel, table, bytes, flush, 4, out); break;
    case 5: sum_codes(panel, table, bytes, flush, 5, out); break;
    case 6: sum_codes(panel, table, bytes, flush, 6, out); break;
    case 7: sum_codes(panel, table, bytes, flush, 7, out); break;
    default: sum_codes(panel, table, bytes, flush, 8, out); break;
  }
}

/* One pass of all weights over one block of columns of `rows` activation rows whose tables stand
 * ready: y = base + factor * coef * sums, or y += where a pass went before. What the shift of the
 * tables adds is taken off in `base`. */
static void pass(const qk_planes *w, int64_t from, int64_t bytes, const uint8_t *table,
                 int64_t flush, int rows, uint32_t factor, const uint32_t *base, int add,
                 int32_t *y, int64_t ldy) {
  const int64_t kb = (w->cols + 7) / 8, panels = (w->rows + QK_PANEL - 1) / QK_PANEL;
  _Alignas(32) int32_t out[ROWS][QK_PANEL];
  for (int64_t q = 0; q < panels; q++)
    for (int p = 0; p < w->nplanes; p++) {
      lookup_rows(w->data + ((p * panels + q) * kb + from) * QK_PANEL, table, bytes, flush, rows,
                  out);
      for (int m = 0; m < rows; m++)
        finish(out[m], factor * (uint32_t)w->coef[p], base[m], add || p > 0,
               w->rows - q * QK_PANEL, y + m * ldy + q * QK_PANEL);
    }
}

/* Bytes of columns in a block: as many tables as the scratch holds, as 16 bits can sum. */
static int64_t block_of(int rows, int64_t flush) {
  const int64_t room = BLOCK_BYTES * ROWS / rows;
  return room < FLUSHES * flush ? room : FLUSHES * flush;
}

static uint32_t coef_sum(const qk_planes *w) {
  uint32_t total = 0;
  for (int p = 0; p < w->nplanes; p++) total += (uint32_t)w->coef[p];
  return total;
}

/* Which part of an integer activation a pass handles: all of it, or one of its two hex digits. */
enum digit { WHOLE, LOW, HIGH_UNSIGNED, HIGH_SIGNED };

typedef struct {
  enum digit digit;
  uint32_t factor; /* what the digit counts */
  int shift;       /* what keeps the subset sums from being negative */
  int64_t flush;   /* bytes of weights until the sums might overflow a byte */
} part;

static part part_of(enum digit digit, int32_t lo, int32_t hi) {
  const int least = lo < 0 ? -4 * lo : 0, largest = least + (hi > 0 ? 4 * hi : 0);
  const part result = {digit, digit == HIGH_SIGNED || digit == HIGH_UNSIGNED ? 16 : 1, least,
                       largest ? 127 / largest : BLOCK_BYTES};
  return result;
}

static inline __m128i digit_of(__m128i x, enum digit digit) {
  const __m128i nibble = _mm_set1_epi8(15);
  const __m128i high = _mm_and_si128(_mm_srli_epi16(x, 4), nibble);
  switch (digit) {
    case LOW: return _mm_and_si128(x, nibble);
    case HIGH_UNSIGNED: return high;
    case HIGH_SIGNED: return _mm_sub_epi8(_mm_xor_si128(high, _mm_set1_epi8(8)),
                                          _mm_set1_epi8(8));
    default: return x;
  }
}

/* Eight columns in the low half, zeros beyond the last one. */
static inline __m128i eight_of(const uint8_t *x, int64_t left) {
  uint64_t eight = 0;
  if (left >= 8)
    memcpy(&eight, x, 8);
  else
    for (int64_t i = 0; i < left; i++) eight |= (uint64_t)x[i] << (8 * i);
  return _mm_cvtsi64_si128((long long)eight);
}

/* Tables of 16 subset sums plus `shift` for each four of `bytes` * 8 columns: entry s takes column
 * i where bit i of s is set (an index of 128 takes nothing). The two fours fill the two halves. */
static inline __attribute__((always_inline)) void tables_of(const uint8_t *x, int64_t cols,
                                                            int64_t bytes, enum digit digit,
                                                            int shift, int rows, uint8_t *table) {
  const __m256i set = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2,
                                       3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m256i second = _mm256_setr_epi32(0, 0, 0, 0, 0x04040404, 0x04040404, 0x04040404,
                                           0x04040404);
  __m256i take[4];
  for (int i = 0; i < 4; i++) {
    const __m256i bit = _mm256_set1_epi8((char)(1 << i));
    const __m256i in = _mm256_cmpeq_epi8(_mm256_and_si256(set, bit), bit);
    const __m256i index = _mm256_add_epi8(second, _mm256_set1_epi8((char)i));
    take[i] = _mm256_blendv_epi8(_mm256_set1_epi8(-128), index, in);
  }
  const __m256i up = _mm256_set1_epi8((char)shift);
  for (int64_t j = 0; j < bytes; j++, table += 32 * rows) {
    const __m256i d =
        _mm256_broadcastsi128_si256(digit_of(eight_of(x + 8 * j, cols - 8 * j), digit));
    const __m256i a = _mm256_add_epi8(_mm256_shuffle_epi8(d, take[0]), up);
    const __m256i b = _mm256_add_epi8(_mm256_shuffle_epi8(d, take[1]), a);
    const __m256i c = _mm256_add_epi8(_mm256_shuffle_epi8(d, take[2]),
                                      _mm256_shuffle_epi8(d, take[3]));
    const __m256i sums = _mm256_add_epi8(b, c);
    _mm_store_si128((__m128i *)table, _mm256_castsi256_si128(sums));
    _mm_store_si128((__m128i *)(table + 16 * rows), _mm256_extracti128_si256(sums, 1));
  }
}

static void code_tables(const uint8_t *x, int64_t cols, int64_t bytes, const part *which, int rows,
                        uint8_t *table) {
  switch (which->digit) {
    case LOW: tables_of(x, cols, bytes, LOW, which->shift, rows, table); break;
    case HIGH_UNSIGNED:
      tables_of(x, cols, bytes, HIGH_UNSIGNED, which->shift, rows, table);
      break;
    case HIGH_SIGNED: tables_of(x, cols, bytes, HIGH_SIGNED, which->shift, rows, table); break;
    default: tables_of(x, cols, bytes, WHOLE, which->shift, rows, table);
  }
}

static uint32_t row_sum(const qk_codes *x, int64_t m) {
  const uint8_t *row = x->data + m * x->stride;
  uint32_t total = 0;
  for (int64_t k = 0; k < x->cols; k++)
    total += x->lo < 0 ? (uint32_t)(int8_t)row[k] : (uint32_t)row[k];
  return total;
}

#define EXPANDED 256 /* weight rows that are written out as bytes at a time */

/* With enough activation rows and several planes or two digits, weights written out as bytes win:
 * 16 products in an operation, against 64 / (planes * digits) less what flushes cost. */
static int bytes_win(const qk_planes *w, const qk_codes *x, const part *parts, int nparts) {
  int64_t lo, hi;
  qk_planes_range(w, &lo, &hi);
  double lookups = 0;
  for (int d = 0; d < nparts; d++)
    lookups += w->nplanes * (4 + 6.0 / (double)parts[d].flush) / 256;
  const double products = 1.1 * (nparts > 1 && (hi > 32 || lo < -32) ? 4.5 : 2) / 32;
  return x->rows >= 24 && lo >= -128 && hi <= 127 && products < lookups;
}

static int through_bytes(const qk_planes *w, const qk_codes *x, int32_t *y, int64_t ldy) {
  int64_t lo, hi;
  int32_t sums[EXPANDED];
  int status = QK_OK;
  qk_planes_range(w, &lo, &hi);
  const int64_t most = w->rows < EXPANDED ? w->rows : EXPANDED;
  int8_t *panels = calloc(1, (size_t)qk_byte_panel_bytes(most, w->cols) + 1);
  if (panels == NULL) return QK_NO_MEMORY;
  for (int64_t n = 0; n < w->rows && status == QK_OK; n += EXPANDED) {
    const int64_t count = w->rows - n < EXPANDED ? w->rows - n : EXPANDED;
    const qk_bytes bytes = {panels, sums, count, w->cols, (int32_t)lo, (int32_t)hi};
    qk_expand_avx2(w, n, count, panels, sums);
    status = qk_gemm_bytes_avx2(&bytes, x, y + n, ldy);
  }
  free(panels);
  return status;
}

int qk_gemm_codes_avx2(const qk_planes *w, const qk_codes *x, int32_t *y, int64_t ldy) {
  const int64_t kb = (w->cols + 7) / 8;
  const uint32_t coefs = coef_sum(w);
  _Alignas(32) uint8_t table[BLOCK_BYTES * 32 * ROWS];
  part parts[2];
  int nparts = 2;
  if (x->hi - (x->lo < 0 ? x->lo : 0) <= 31) {
    parts[0] = part_of(WHOLE, x->lo, x->hi);
    nparts = 1;
  } else {
    parts[0] = part_of(LOW, 0, 15);
    parts[1] = x->lo < 0 ? part_of(HIGH_SIGNED, -8, 7) : part_of(HIGH_UNSIGNED, 0, 15);
  }
  if (bytes_win(w, x, parts, nparts)) return through_bytes(w, x, y, ldy);
  for (int64_t m0 = 0; m0 < x->rows; m0 += ROWS) {
    const int rows = x->rows - m0 < ROWS ? (int)(x->rows - m0) : ROWS;
    int32_t *to = y + m0 * ldy;
    uint32_t base[ROWS];
    for (int m = 0; m < rows; m++) {
      base[m] = (uint32_t)w->constant * row_sum(x, m0 + m);
      for (int d = 0; d < nparts; d++)
        base[m] -= coefs * parts[d].factor * (uint32_t)(2 * kb * parts[d].shift);
    }
    for (int d = 0; d < nparts; d++)
      for (int64_t from = 0, bytes; from < kb || from + d == 0; from += bytes + !bytes) {
        const int64_t block = block_of(rows, parts[d].flush);
        bytes = kb - from < block ? kb - from : block;
        for (int m = 0; m < rows; m++)
          code_tables(x->data + (m0 + m) * x->stride + 8 * from, x->cols - 8 * from, bytes,
                      &parts[d], rows, table + 16 * m);
        pass(w, from, bytes, table, parts[d].flush, rows, parts[d].factor, base, from + d > 0, to,
             ldy);
      }
  }
  return QK_OK;
}
