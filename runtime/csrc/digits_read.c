/* Digits (section DGTS): bytes that a layer reads, and codes of its weights, as sums of whole
 * multiples of small numbers. Products of digits fit 32 bits each, their sum 64 or 128. */
#include "network.h"

#include <string.h>

#define REFUSE(tag, byte, why) return qk_fail(file->error, QEXPR_BAD_FILE, tag, byte, why)
#define HEAD 16

static uint64_t eight(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

static int16_t i16(const uint8_t *at) {
  int16_t value;
  memcpy(&value, at, 2);
  return value;
}

/* The digits of the bytes 0..entries - 1; no other byte occurs in what the layer reads. */
static int read_digit(const qk_file *file, qk_digit *d, uint8_t *table, const uint8_t *from,
                      uint64_t entries, int32_t pad, uint64_t at) {
  d->lo = d->hi = pad, d->pad = pad, d->signs = 1, d->table = table;
  for (uint64_t i = 0; i < entries; i++) {
    const int32_t value = i16(from + 2 * i);
    if (value < d->lo) d->lo = value;
    if (value > d->hi) d->hi = value;
    if (value != 1 && value != -1) d->signs = 0;
    table[i] = (uint8_t)value;
  }
  if (d->lo < -128 || d->hi > (d->lo < 0 ? 127 : 255)) REFUSE("DGTS", at, "a digit leaves its byte");
  return QEXPR_OK;
}

int qk_read_digits(qexpr_net *net, const qk_file *file, qk_layer *l, const uint8_t *r, uint64_t at) {
  const uint32_t index = qk_u32(r + 104);
  if (l->integer < QK_I64 && l->kind != QK_BOOK) {
    if (index) REFUSE("GRPH", at + 104, "the layer has no digits");
    return QEXPR_OK;
  }
  qk_section s;
  if (index != net->next_section++)
    REFUSE("GRPH", at + 104, "sections are used in order, each by one layer");
  const int status = qk_file_section(file, index, "DGTS", &s);
  if (status) return status;
  if (s.length < HEAD) REFUSE("DGTS", s.offset, "the section ends within its header");
  const uint64_t digits = qk_u32(s.data), entries = qk_u32(s.data + 4);
  const uint64_t book = qk_u32(s.data + 8), words = qk_u32(s.data + 12);
  if (l->integer >= QK_I64 ? digits < 1 || digits > QK_MAX_DIGITS || entries < 1 || entries > 256
                           : digits || entries)
    REFUSE("DGTS", s.offset, "the digits of what is read do not fit the layer");
  if (l->kind == QK_BOOK ? book < 1 || book > QK_MAX_BOOK || words < 1 ||
                               words > (UINT64_C(1) << l->bits)
                         : book || words)
    REFUSE("DGTS", s.offset + 8, "the digits of the codes do not fit the layer");
  const uint64_t factors = HEAD, tables = factors + 8 * (digits + book);
  const uint64_t pads = tables + eight(2 * digits * entries), rows = pads + eight(2 * digits);
  if (rows + eight(2 * book * words) != s.length)
    REFUSE("DGTS", s.offset, "the length does not fit the numbers of digits");
  l->digits = (int)digits, l->book = (int)book;
  if (digits) {
    const qk_tensor *in = l->source < 0 ? &net->input : &net->layer[l->source].out;
    if (in->lo < 0 ? entries != 256 : in->hi >= (int64_t)entries)
      REFUSE("DGTS", s.offset + 4, "the layer reads bytes that have no digits");
    l->digit = qk_own(net, digits, sizeof *l->digit, file->error);
    uint8_t *made = qk_own(net, 256 * digits, 1, file->error);
    if (!l->digit || !made) return QEXPR_NO_MEMORY;
    for (uint64_t e = 0; e < digits; e++) {
      const uint64_t place = tables + 2 * e * entries;
      l->digit[e].factor = (int64_t)qk_u64(s.data + factors + 8 * e);
      const int bad = read_digit(file, &l->digit[e], made + 256 * e, s.data + place, entries,
                                 i16(s.data + pads + 2 * e), s.offset + place);
      if (bad) return bad;
    }
  }
  if (!book) return QEXPR_OK;
  l->book_factor = qk_own(net, book, sizeof *l->book_factor, file->error);
  int8_t *byte = qk_own(net, 256 * book, 1, file->error);
  double *value = qk_own(net, 256, sizeof *value, file->error);
  if (!l->book_factor || !byte || !value) return QEXPR_NO_MEMORY;
  qk_i128 sum[256] = {0};
  for (uint64_t f = 0; f < book; f++) {
    l->book_factor[f] = (int64_t)qk_u64(s.data + factors + 8 * (digits + f));
    for (uint64_t i = 0; i < words; i++) {
      const uint64_t place = rows + 2 * (f * words + i);
      const int16_t digit = i16(s.data + place);
      if (digit < -128 || digit > 127) REFUSE("DGTS", s.offset + place, "a digit leaves its byte");
      byte[256 * f + i] = (int8_t)digit;
      sum[i] += (qk_i128)l->book_factor[f] * digit;
    }
  }
  for (uint64_t i = 0; i < words; i++) {
    if (sum[i] > INT64_MAX || sum[i] < -INT64_MAX)
      REFUSE("DGTS", s.offset + rows, "a code has more than 64 bits");
    value[i] = (double)sum[i];
  }
  l->book_digit = byte, l->book_value = value;
  return QEXPR_OK;
}

static uint64_t magnitude(int64_t v) { return v < 0 ? 0 - (uint64_t)v : (uint64_t)v; }

/* Whether no product of digits leaves 32 bits, nor their sum what the layer accumulates in. */
int qk_digits_fit(const qk_layer *l, int64_t weight) {
  __extension__ typedef unsigned __int128 wide;
  const wide limit = (wide)1 << (l->integer == QK_I64 ? 62 : 126);
  wide total = 0;
  for (int e = 0; e < l->digits; e++) {
    const qk_digit *d = &l->digit[e];
    const int64_t x = d->hi > -d->lo ? d->hi : -d->lo;
    if (!qk_sum_fits(weight, x, l->cols)) return 0;
    const uint64_t sum = (uint64_t)(weight * x * l->cols);
    for (int f = 0; f < (l->book ? l->book : 1); f++) {
      const wide factor = (wide)magnitude(d->factor) * (l->book ? magnitude(l->book_factor[f]) : 1);
      if (sum && factor > (limit - total) / sum) return 0;
      total += factor * sum;
    }
  }
  return 1;
}

/* The digits of a book's weights as panels of bytes, one matrix for each digit and group. */
int qk_book_panels(qexpr_net *net, const qk_file *file, qk_layer *l) {
  const uint64_t groups = (uint64_t)l->groups, rows = (uint64_t)l->rows, cols = (uint64_t)l->cols;
  const uint64_t size = (uint64_t)qk_byte_panel_bytes(l->rows, l->cols), matrices = groups * (uint64_t)l->book;
  l->bytes = qk_own(net, matrices, sizeof *l->bytes, file->error);
  int32_t *sums = qk_own(net, matrices * rows, sizeof *sums, file->error);
  int8_t *made = qk_own(net, matrices * size, 1, file->error);
  int8_t *digits = qk_own(net, rows * cols, 1, file->error);
  int32_t *index = qk_own(net, cols, sizeof *index, file->error);
  if (!l->bytes || !sums || !made || !digits || !index) return QEXPR_NO_MEMORY;
  for (uint64_t g = 0; g < groups; g++)
    for (uint64_t f = 0; f < (uint64_t)l->book; f++) {
      const int8_t *table = l->book_digit + 256 * f;
      const uint64_t m = f * groups + g;
      for (uint64_t n = 0; n < rows; n++) {
        qk_unpack_i32(l, (int64_t)g, (int64_t)n, index);
        for (uint64_t k = 0; k < cols; k++) digits[n * cols + k] = table[index[k] & 255];
      }
      if (qk_bytes_to_panels(digits, l->rows, l->cols, made + m * size, sums + m * rows))
        REFUSE("CODE", 0, "the matrix is too large");
      l->bytes[m] = (qk_bytes){made + m * size, sums + m * rows, l->rows, l->cols, -128, 127};
    }
  return QEXPR_OK;
}
