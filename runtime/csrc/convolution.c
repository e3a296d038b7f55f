/* Convolutions as products: taps of an image gathered into rows; pooling; XNOR-Net's scale K.
 *
 * Images stand pixel by pixel, `width` bytes each (the bits or the codes of the channels). A row
 * holds the taps of one output pixel, one after the other; a tap outside the image is `fill`. */
#include "kernels.h"

#include <math.h>
#include <string.h>

int64_t qk_output_size(int64_t size, int64_t window, int64_t stride, int64_t pad) {
  if (size < 0 || window < 1 || stride < 1 || pad < 0 || size > (INT64_C(1) << 40) ||
      pad > (INT64_C(1) << 40) || window > size + 2 * pad)
    return -1;
  return (size + 2 * pad - window) / stride + 1;
}

/* memcpy of a few bytes costs a call; the common widths are moved in words. */
static inline void copy(uint8_t *to, const uint8_t *from, int64_t width) {
  switch (width) {
    case 1: *to = *from; break;
    case 8: memcpy(to, from, 8); break;
    case 16: memcpy(to, from, 16); break;
    case 24: memcpy(to, from, 24); break;
    case 48: memcpy(to, from, 48); break;
    case 64: memcpy(to, from, 64); break;
    case 96: memcpy(to, from, 96); break;
    default: memcpy(to, from, (size_t)width);
  }
}

int qk_gather_taps(const uint8_t *image, const qk_window *g, int64_t width, const uint8_t *fill,
                   uint8_t *out) {
  const int64_t oh = qk_output_size(g->height, g->kh, g->stride_h, g->pad_h);
  const int64_t ow = qk_output_size(g->width, g->kw, g->stride_w, g->pad_w);
  if (oh < 0 || ow < 0 || width < 0) return QK_BAD_SIZE;
  for (int64_t i = 0; i < oh; i++)
    for (int64_t j = 0; j < ow; j++)
      for (int64_t a = 0; a < g->kh; a++) {
        const int64_t y = i * g->stride_h + a - g->pad_h, x0 = j * g->stride_w - g->pad_w;
        if (y >= 0 && y < g->height && x0 >= 0 && x0 + g->kw <= g->width) {
          copy(out, image + (y * g->width + x0) * width, g->kw * width);
          out += g->kw * width;
          continue;
        }
        for (int64_t x = x0; x < x0 + g->kw; x++, out += width) {
          const int inside = y >= 0 && y < g->height && x >= 0 && x < g->width;
          copy(out, inside ? image + (y * g->width + x) * width : fill, width);
        }
      }
  return QK_OK;
}

int qk_channels_last(const uint8_t *image, int64_t channels, int64_t pixels, uint8_t *out,
                     int64_t stride) {
  if (channels < 0 || pixels < 0 || stride < channels) return QK_BAD_SIZE;
  for (int64_t p0 = 0; p0 < pixels; p0 += 64) {
    const int64_t stop = p0 + 64 < pixels ? p0 + 64 : pixels;
    for (int64_t c = 0; c < channels; c++)
      for (int64_t p = p0; p < stop; p++) out[p * stride + c] = image[c * pixels + p];
    for (int64_t p = p0; p < stop; p++)
      memset(out + p * stride + channels, 0, (size_t)(stride - channels));
  }
  return QK_OK;
}

/* K: the mean of |x| over the channels, averaged over the window; taps outside count as 0. Sums run
 * over the channels in order, then over the taps row by row, in float32. */
int qk_xnor_scale(const float *x, int64_t channels, const qk_window *g, float *mean, float *out) {
  const int64_t oh = qk_output_size(g->height, g->kh, g->stride_h, g->pad_h);
  const int64_t ow = qk_output_size(g->width, g->kw, g->stride_w, g->pad_w);
  const int64_t pixels = g->height * g->width;
  if (oh < 0 || ow < 0 || channels < 1) return QK_BAD_SIZE;
  memset(mean, 0, (size_t)pixels * sizeof *mean);
  for (int64_t c = 0; c < channels; c++)
    for (int64_t p = 0; p < pixels; p++) mean[p] += fabsf(x[c * pixels + p]);
  for (int64_t p = 0; p < pixels; p++) mean[p] /= (float)channels;
  for (int64_t i = 0; i < oh; i++)
    for (int64_t j = 0; j < ow; j++) {
      float total = 0;
      for (int64_t a = 0; a < g->kh; a++)
        for (int64_t b = 0; b < g->kw; b++) {
          const int64_t y = i * g->stride_h + a - g->pad_h, z = j * g->stride_w + b - g->pad_w;
          if (y >= 0 && y < g->height && z >= 0 && z < g->width) total += mean[y * g->width + z];
        }
      out[i * ow + j] = total / (float)(g->kh * g->kw);
    }
  return QK_OK;
}

/* Pooling over pixels of `channels` values each: the maximum (taps outside do not count; a window
 * must touch the image) or the sum (taps outside count 0). */
#define POOL(name, type, wide)                                                                    \
  int name(const type *image, const qk_window *g, int64_t channels, int maximum, type *out) {     \
    const int64_t oh = qk_output_size(g->height, g->kh, g->stride_h, g->pad_h);                   \
    const int64_t ow = qk_output_size(g->width, g->kw, g->stride_w, g->pad_w);                    \
    if (oh < 0 || ow < 0 || channels < 0) return QK_BAD_SIZE;                                     \
    if (maximum && (g->pad_h >= g->kh || g->pad_w >= g->kw)) return QK_BAD_SIZE;                  \
    for (int64_t i = 0; i < oh; i++)                                                              \
      for (int64_t j = 0; j < ow; j++, out += channels) {                                         \
        int first = 1;                                                                            \
        for (int64_t c = 0; c < channels; c++) out[c] = 0;                                        \
        for (int64_t a = 0; a < g->kh; a++)                                                       \
          for (int64_t b = 0; b < g->kw; b++) {                                                   \
            const int64_t y = i * g->stride_h + a - g->pad_h, x = j * g->stride_w + b - g->pad_w; \
            if (y < 0 || y >= g->height || x < 0 || x >= g->width) continue;                      \
            const type *from = image + (y * g->width + x) * channels;                             \
            for (int64_t c = 0; c < channels; c++) {                                              \
              const type sum = (type)((wide)out[c] + (wide)from[c]);                              \
              const type most = first || from[c] > out[c] ? from[c] : out[c];                     \
              out[c] = maximum ? most : sum;                                                      \
            }                                                                                     \
            first = 0;                                                                            \
          }                                                                                       \
      }                                                                                           \
    return QK_OK;                                                                                 \
  }

POOL(qk_pool_i32, int32_t, uint32_t)
POOL(qk_pool_f32, float, float)
