/* Convolutions of bit-plane weights and signs, AVX2: a pixel's tables are made once and serve every
 * window that sees it. */
#include "kernel_signs_avx2.h"

#include <stdlib.h>

#define MOST_BYTES 8184 /* 8 * 8184 still fits 16 bits */

/* A convolution's tables: those of the padded rows that a window sees, each row once. */
typedef struct {
  const qk_signs *image;
  const qk_window *g;
  const uint8_t (*known)[16];
  int64_t kb, half, pixels; /* half: columns of outputs that share bytes; pixels: tables in a row */
  bits outside;
  uint8_t *tables; /* kh rows */
  counts *count;   /* kh rows of padded pixels */
} strip;

static bits pixel(const strip *s, int64_t row, int64_t column) {
  const qk_window *g = s->g;
  const int64_t y = row - g->pad_h, x = column - g->pad_w;
  if (y < 0 || y >= g->height || x < 0 || x >= g->width) return s->outside;
  const int64_t at = (y * g->width + x) * s->image->stride;
  const bits inside = {s->image->sign + at, s->image->mask ? s->image->mask + at : NULL};
  return inside;
}

/* Padded row `row`: the tables of each pixel and of the one that `half` outputs further on needs. */
static void strip_row(const strip *s, int64_t row) {
  const qk_window *g = s->g;
  const int64_t wide = g->width + 2 * g->pad_w, slot = row % g->kh;
  for (int64_t c = 0; c < wide; c++) {
    const bits here = pixel(s, row, c);
    s->count[slot * wide + c] = count_signs(&here, s->image->cols);
  }
  for (int64_t c = 0; c < s->pixels; c++) {
    const bits here = pixel(s, row, c), there = pixel(s, row, c + s->half * g->stride_w);
    pair_tables(s->known, &here, &there, s->image->cols, 0, s->kb,
                s->tables + (slot * s->pixels + c) * s->kb * 32);
  }
}

/* Outputs x0..x0 + units and those `half` further on, of one row, for all weights. */
static void strip_products(const strip *s, const qk_planes *w, const uint8_t *const *run,
                           int64_t x0, int units, const uint32_t *base, int32_t *y, int64_t ldy) {
  const qk_window *g = s->g;
  const int64_t kb = (w->cols + 7) / 8, panels = (w->rows + QK_PANEL - 1) / QK_PANEL;
  const int64_t bytes = g->kw * s->kb, ow = qk_output_size(g->width, g->kw, g->stride_w, g->pad_w);
  const int64_t stride = g->stride_w * s->kb * 32, step = bytes < MOST_BYTES ? bytes : MOST_BYTES;
  const int64_t take = bytes > 0 && bytes * g->kh <= MOST_BYTES ? g->kh : 1;
  _Alignas(32) int32_t out[2 * UNITS][QK_PANEL];
  for (int64_t q = 0; q < panels; q++)
    for (int p = 0; p < w->nplanes; p++) {
      const uint8_t *panel = w->data + (p * panels + q) * kb * QK_PANEL;
      int more = 0;
      for (int64_t a = 0; a < g->kh; a += take)
        for (int64_t from = 0; from < bytes || !more; from += step, more = 1) {
          const int64_t count = bytes - from < step ? bytes - from : step;
          lookup_units(panel + (a * bytes + from) * QK_PANEL, run + a, x0 * stride + from * 32, take,
                       count, stride, units, more, out);
        }
      for (int m = 0; m < 2 * units; m++) {
        const int64_t x = x0 + m % units + (m < units ? 0 : s->half);
        if (m < units || x < ow)
          finish(out[m], (uint32_t)w->coef[p], base[x], p > 0, w->rows - q * QK_PANEL,
                 y + x * ldy + q * QK_PANEL);
      }
    }
}

int qk_conv_signs_avx2(const qk_planes *w, const qk_signs *x, const qk_window *g, int ones,
                       int64_t from, int64_t to, int32_t *y, int64_t ldy) {
  const int64_t ow = qk_output_size(g->width, g->kw, g->stride_w, g->pad_w);
  const int64_t wide = g->width + 2 * g->pad_w;
  _Alignas(32) uint8_t known[256][16];
  sign_tables(known);
  strip s = {.image = x, .g = g, .known = (const uint8_t(*)[16])known};
  s.kb = (x->cols + 7) / 8, s.half = (ow + 1) / 2, s.pixels = (s.half - 1) * g->stride_w + g->kw;
  uint8_t *edge = malloc((size_t)(2 * s.kb + 1));
  const uint8_t **run = malloc((size_t)g->kh * sizeof *run);
  uint32_t *base = malloc((size_t)ow * sizeof *base);
  s.tables = aligned_alloc(32, (size_t)(g->kh * s.pixels * s.kb * 32 + 32));
  s.count = malloc((size_t)(g->kh * wide) * sizeof *s.count);
  const int ready = edge && run && base && s.tables && s.count;
  if (ready) {
    memset(edge, 0, (size_t)s.kb), memset(edge + s.kb, ones ? 255 : 0, (size_t)s.kb);
    s.outside = (bits){edge, edge + s.kb};
  }
  for (int64_t i = from, made = 0; ready && i < to; i++) {
    if (made < i * g->stride_h) made = i * g->stride_h;
    for (; made < i * g->stride_h + g->kh; made++) strip_row(&s, made);
    for (int64_t a = 0; a < g->kh; a++)
      run[a] = s.tables + (i * g->stride_h + a) % g->kh * s.pixels * s.kb * 32;
    for (int64_t j = 0; j < ow; j++) {
      counts total = {0, 0};
      for (int64_t a = 0; a < g->kh; a++)
        for (int64_t b = 0; b < g->kw; b++) {
          const counts *c = s.count + a * wide + j * g->stride_w + b;
          total.live += c->live, total.minus += c->minus;
        }
      base[j] = base_of(w, total);
    }
    for (int64_t j = 0; j < s.half;) {
      const int64_t tiles = (s.half - j + UNITS - 1) / UNITS;
      const int units = (int)((s.half - j + tiles - 1) / tiles);
      strip_products(&s, w, run, j, units, base, y + (i - from) * ow * ldy, ldy);
      j += units;
    }
  }
  free(edge), free(run), free(base), free(s.tables), free(s.count);
  return ready ? QK_OK : QK_NO_MEMORY;
}
