/* What stands between two products: thresholds, residual levels; and sums in the log domain. */
#include "kernels.h"

/* code = number of thresholds that y has passed: y >= t where direction > 0, y <= t where it is
 * negative (a batch norm with gamma < 0 turns the comparison round), and the constant threshold[0]
 * where it is 0 (gamma = 0). `thresholds` has `levels` entries for each column. */
int qk_thresholds(const int32_t *y, int64_t rows, int64_t cols, const int32_t *thresholds,
                  const int8_t *direction, int64_t levels, uint8_t *codes) {
  if (rows < 0 || cols < 0 || levels < 1 || levels > 255) return QK_BAD_SIZE;
  for (int64_t n = 0; n < cols; n++)
    if (direction[n] == 0 &&
        (thresholds[n * levels] < 0 || thresholds[n * levels] > levels))
      return QK_BAD_CODE;
  for (int64_t m = 0; m < rows; m++)
    for (int64_t n = 0; n < cols; n++) {
      const int32_t value = y[m * cols + n], *t = thresholds + n * levels;
      int code = 0;
      if (direction[n] > 0)
        for (int64_t l = 0; l < levels; l++) code += value >= t[l];
      else if (direction[n] < 0)
        for (int64_t l = 0; l < levels; l++) code += value <= t[l];
      else
        code = (int)t[0];
      codes[m * cols + n] = (uint8_t)code;
    }
  return QK_OK;
}

/* Residual binarization: r_0 = x; bit e says r_e < 0; r_(e+1) = r_e - gamma_e sign(r_e). */
int qk_residual_f32(const float *x, int64_t rows, int64_t cols, const float *gamma, int levels,
                    uint8_t *out) {
  if (rows < 0 || cols < 0 || levels < 1 || levels > 8) return QK_BAD_SIZE;
  const int64_t kb = (cols + 7) / 8;
  for (int64_t m = 0; m < rows; m++)
    for (int64_t j = 0; j < kb; j++) {
      unsigned byte[8] = {0};
      for (int64_t k = 8 * j; k < cols && k < 8 * j + 8; k++) {
        float r = x[m * cols + k];
        if (r != r) return QK_NAN;
        for (int e = 0; e < levels; e++) {
          const int negative = r < 0;
          byte[e] |= (unsigned)negative << (k - 8 * j);
          r = negative ? r + gamma[e] : r - gamma[e];
        }
      }
      for (int e = 0; e < levels; e++) out[(e * rows + m) * kb + j] = (uint8_t)byte[e];
    }
  return QK_OK;
}

/* Both operands powers of two: y = sum of sign_w sign_x 2^(f + e), exponents 0..62 in sum. */
int qk_log_dot(const int8_t *wexp, const int8_t *wsign, const int8_t *xexp, const int8_t *xsign,
               int64_t m, int64_t n, int64_t k, int64_t *y) {
  if (m < 0 || n < 0 || k < 0) return QK_BAD_SIZE;
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      uint64_t total = 0;
      for (int64_t l = 0; l < k; l++) {
        const int sign = wsign[j * k + l] * xsign[i * k + l];
        const int shift = wexp[j * k + l] + xexp[i * k + l];
        if (sign == 0) continue;
        if (shift < 0 || shift > 62) return QK_BAD_CODE;
        const uint64_t term = UINT64_C(1) << shift;
        total += sign > 0 ? term : 0 - term;
      }
      y[i * n + j] = (int64_t)total;
    }
  return QK_OK;
}

/* The logarithm of a sum of positive terms from their logarithms, all of them multiples of
 * 2^-fraction: s = max(s, p) + correction(|s - p|). Without a table the correction is the shift
 * 2^-floor(|s - p|) of Miyashita et al. (2016); with one it is table[|s - p|], 0 beyond its end.
 * INT32_MIN stands for the logarithm of 0. */
int qk_log_sum(const int32_t *p, int64_t rows, int64_t cols, int fraction, const int32_t *table,
               int64_t entries, int32_t *out) {
  if (rows < 0 || cols < 0 || fraction < 0 || fraction > 24 || entries < 0) return QK_BAD_SIZE;
  for (int64_t m = 0; m < rows; m++) {
    int64_t s = INT32_MIN;
    for (int64_t k = 0; k < cols; k++) {
      const int64_t term = p[m * cols + k];
      if (term == INT32_MIN) continue;
      if (s == INT32_MIN) {
        s = term;
        continue;
      }
      const int64_t gap = s > term ? s - term : term - s, whole = gap >> fraction;
      int64_t up = table && gap < entries ? table[gap] : 0;
      if (!table && whole < 32) up = (INT64_C(1) << fraction) >> whole;
      s = (s > term ? s : term) + up;
      if (s > INT32_MAX) return QK_OVERFLOW;
    }
    out[m] = (int32_t)s;
  }
  return QK_OK;
}
