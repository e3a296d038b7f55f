/* What every product is asked before it runs: sizes, and whether its sums fit. */
#include "kernels.h"

#include <stddef.h>

int qk_sum_fits(int64_t weight, int64_t activation, int64_t cols) {
  if (weight < 0 || activation < 0 || cols < 0) return 0;
  if (weight == 0 || activation == 0 || cols == 0) return 1;
  if (weight > INT32_MAX || activation > INT32_MAX) return 0;
  return cols <= INT32_MAX / (weight * activation);
}

void qk_planes_range(const qk_planes *w, int64_t *lo, int64_t *hi) {
  *lo = *hi = w->constant;
  for (int p = 0; p < w->nplanes; p++) *(w->coef[p] < 0 ? lo : hi) += w->coef[p];
}

static int64_t largest(int64_t lo, int64_t hi) { return -lo > hi ? -lo : hi; }

static int bad_planes(const qk_planes *w) {
  return w->nplanes < 1 || w->nplanes > QK_MAX_PLANES ||
         qk_panel_bytes(w->rows, w->cols, w->nplanes) < 0;
}

static int bad_output(int64_t rows, int64_t cols, int64_t ld, int64_t element) {
  return rows < 0 || ld < cols || (ld > 0 && rows > INT64_MAX / 2 / element / ld);
}

int qk_gemm_signs(const qk_table *t, const qk_planes *w, const qk_signs *x, int32_t *y,
                  int64_t ldy) {
  int64_t lo, hi;
  if (bad_planes(w) || x->cols != w->cols || x->stride < (x->cols + 7) / 8) return QK_BAD_SIZE;
  if (bad_output(x->rows, w->rows, ldy, 4) || bad_output(x->rows, 0, x->stride, 1))
    return QK_BAD_SIZE;
  qk_planes_range(w, &lo, &hi);
  if (!qk_sum_fits(largest(lo, hi), 1, w->cols)) return QK_OVERFLOW;
  return t->gemm_signs(w, x, y, ldy);
}

int qk_conv_signs(const qk_table *t, const qk_planes *w, const qk_signs *x, const qk_window *g,
                  int ones, int64_t from, int64_t to, int32_t *y, int64_t ldy) {
  const int64_t oh = qk_output_size(g->height, g->kh, g->stride_h, g->pad_h);
  const int64_t ow = qk_output_size(g->width, g->kw, g->stride_w, g->pad_w);
  const int64_t kb = (x->cols + 7) / 8, most = INT64_C(1) << 40;
  int64_t lo, hi;
  if (bad_planes(w) || oh < 0 || ow < 0 || from < 0 || from > to || to > oh) return QK_BAD_SIZE;
  if (g->width > 0 && g->height > most / g->width) return QK_BAD_SIZE;
  if (x->cols < 0 || x->cols > most || x->stride < kb || x->rows != g->height * g->width)
    return QK_BAD_SIZE;
  /* the weights hold a column for each tap and channel; none of these products can overflow then */
  if (g->kh > most / g->kw || (kb > 0 && g->kh * g->kw > most / kb) ||
      w->cols != g->kh * g->kw * kb * 8 ||
      g->width + 2 * g->pad_w > (INT64_C(1) << 56) / (g->kh * (kb + 1)))
    return QK_BAD_SIZE;
  if (bad_output(ow, w->rows, ldy, 4) || bad_output(to - from, 0, ow * ldy, 4) ||
      bad_output(x->rows, 0, x->stride, 1))
    return QK_BAD_SIZE;
  qk_planes_range(w, &lo, &hi);
  if (!qk_sum_fits(largest(lo, hi), 1, w->cols)) return QK_OVERFLOW;
  return t->conv_signs(w, x, g, ones, from, to, y, ldy);
}

static int check_codes(const qk_codes *x, int64_t cols, int64_t rows, int64_t ldy, int64_t lo,
                       int64_t hi) {
  if (x->cols != cols || x->stride < cols || bad_output(x->rows, rows, ldy, 4) ||
      bad_output(x->rows, 0, x->stride, 1))
    return QK_BAD_SIZE;
  if (x->lo > x->hi || x->lo < -128 || x->hi > (x->lo < 0 ? 127 : 255)) return QK_BAD_CODE;
  if (!qk_sum_fits(largest(lo, hi), largest(x->lo, x->hi), cols)) return QK_OVERFLOW;
  return QK_OK;
}

int qk_gemm_codes(const qk_table *t, const qk_planes *w, const qk_codes *x, int32_t *y,
                  int64_t ldy) {
  int64_t lo, hi;
  if (bad_planes(w)) return QK_BAD_SIZE;
  qk_planes_range(w, &lo, &hi);
  const int status = check_codes(x, w->cols, w->rows, ldy, lo, hi);
  return status == QK_OK ? t->gemm_codes(w, x, y, ldy) : status;
}

int qk_gemm_bytes(const qk_table *t, const qk_bytes *w, const qk_codes *x, int32_t *y,
                  int64_t ldy) {
  if (qk_byte_panel_bytes(w->rows, w->cols) < 0) return QK_BAD_SIZE;
  if (w->lo > w->hi || w->lo < -128 || w->hi > 127) return QK_BAD_CODE;
  const int status = check_codes(x, w->cols, w->rows, ldy, w->lo, w->hi);
  return status == QK_OK ? t->gemm_bytes(w, x, y, ldy) : status;
}

/* Floats meet binary weights (one plane, 1 - 2 b) and ternary ones (two planes, p - q). */
static int check_floats(const qk_planes *w, int64_t m, int64_t ldx, int64_t ldy) {
  if (bad_planes(w) || ldx < w->cols || bad_output(m, w->rows, ldy, 8) ||
      bad_output(m, 0, ldx, 8))
    return QK_BAD_SIZE;
  const int binary = w->nplanes == 1 && w->constant == 1 && w->coef[0] == -2;
  const int ternary =
      w->nplanes == 2 && w->constant == 0 && w->coef[0] == 1 && w->coef[1] == -1;
  return binary || ternary ? QK_OK : QK_BAD_CODE;
}

int qk_gemm_f32(const qk_table *t, const qk_planes *w, const float *x, int64_t m, int64_t ldx,
                float *y, int64_t ldy) {
  const int status = check_floats(w, m, ldx, ldy);
  return status == QK_OK ? t->gemm_f32(w, x, m, ldx, y, ldy) : status;
}

int qk_gemm_f64(const qk_table *t, const qk_planes *w, const double *x, int64_t m, int64_t ldx,
                double *y, int64_t ldy) {
  const int status = check_floats(w, m, ldx, ldy);
  return status == QK_OK ? t->gemm_f64(w, x, m, ldx, y, ldy) : status;
}
