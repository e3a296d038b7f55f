/* A sparse circuit: delta-coded sources and packed codes become runs of additions and
 * subtractions, one run for each magnitude among a unit's weights. */
#include "network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REFUSE(tag, byte, why) return qk_fail(file->error, QEXPR_BAD_FILE, tag, byte, why)
#define HEADER 64
#define MAX_NODES INT64_C(0x7fffffff)
#define MAX_INPUTS (INT64_C(1) << 20) /* so that a short file cannot ask for much memory */

static int ascending(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Keys are the edge's class (its weight's magnitude, then its sign), then its source. */
static void sort(uint64_t *key, int64_t n) {
  if (n > 24) {
    qsort(key, (size_t)n, sizeof *key, ascending);
    return;
  }
  for (int64_t i = 1; i < n; i++) {
    const uint64_t value = key[i];
    int64_t k = i;
    for (; k > 0 && key[k - 1] > value; k--) key[k] = key[k - 1];
    key[k] = value;
  }
}

typedef struct {
  const uint8_t *data;
  uint64_t at, length;
} cursor;

/* LEB128 below 2^32, in as few bytes as possible. */
static int varint(cursor *c, uint64_t *out) {
  uint64_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    if (c->at >= c->length) return 0;
    const uint8_t byte = c->data[c->at++];
    value |= (uint64_t)(byte & 127) << shift;
    if (byte & 128) continue;
    *out = value;
    return value < (UINT64_C(1) << 32) && (byte || !shift);
  }
  return 0;
}

typedef struct {
  int64_t inputs, units, edges, alphabet, bits, free_edges;
  const double *value;
  double *magnitude; /* sorted, each once */
  uint32_t *class_of;
  int64_t magnitudes;
} header;

static int read_header(qexpr_net *net, const qk_file *file, header *h) {
  qk_section s, a, codes, edges;
  int status = qk_file_section(file, 1, "GRPH", &s);
  if (status) return status;
  if (s.length != HEADER) REFUSE("GRPH", s.offset, "the graph of a circuit has 64 bytes");
  h->inputs = qk_u32(s.data), h->alphabet = qk_u32(s.data + 4), h->bits = qk_u32(s.data + 8);
  const uint64_t units = qk_u64(s.data + 16), count = qk_u64(s.data + 24);
  const uint64_t chosen = qk_u64(s.data + 32);
  for (int i = 12; i < HEADER; i++)
    if (s.data[i] && (i < 16 || i >= 40))
      REFUSE("GRPH", s.offset + (uint64_t)i, "reserved bytes must be zero");
  if (h->inputs < 1 || h->inputs > MAX_INPUTS || units < 1 || units > (uint64_t)(MAX_NODES - h->inputs))
    REFUSE("GRPH", s.offset, "a circuit has 1 to 2^20 inputs, and units, less than 2^31 nodes in all");
  if ((status = qk_file_section(file, 3, "CNST", &a))) return status;
  if ((status = qk_file_section(file, 4, "EDGE", &edges))) return status;
  if ((status = qk_file_section(file, 5, "CODE", &codes))) return status;
  if (file->sections != 7) REFUSE("GRPH", s.offset, "a circuit has seven sections");
  if (units > edges.length || count > edges.length - units)
    REFUSE("EDGE", edges.offset, "so many edges do not fit the section");
  if (chosen > count) REFUSE("GRPH", s.offset + 32, "more free edges than edges");
  h->units = (int64_t)units, h->edges = (int64_t)count, h->free_edges = (int64_t)chosen;
  if (a.length != 8 * (uint64_t)h->alphabet || h->alphabet > 65536 || (h->edges && !h->alphabet))
    REFUSE("CNST", a.offset, "the alphabet's length does not fit");
  int64_t bits = 0;
  while (h->alphabet > (INT64_C(1) << bits)) bits++;
  if (h->bits != bits) REFUSE("GRPH", s.offset + 8, "the bits do not fit the alphabet");
  if (codes.length != ((uint64_t)h->edges * (uint64_t)bits + 7) / 8)
    REFUSE("CODE", codes.offset, "the codes' length does not fit the number of edges");
  h->value = (const double *)(const void *)a.data;
  h->magnitude = qk_own(net, (uint64_t)h->alphabet, 8, file->error);
  h->class_of = qk_own(net, (uint64_t)h->alphabet, 4, file->error);
  if (!h->magnitude || !h->class_of) return QEXPR_NO_MEMORY;
  for (int64_t i = 0; i < h->alphabet; i++) {
    if (!isfinite(h->value[i]) || h->value[i] == 0 || (i && h->value[i] < h->value[i - 1]))
      REFUSE("CNST", a.offset + 8 * (uint64_t)i, "the alphabet ascends and has no 0");
    h->magnitude[i] = fabs(h->value[i]);
  }
  qsort(h->magnitude, (size_t)h->alphabet, sizeof *h->magnitude, by_value);
  for (int64_t i = 0; i < h->alphabet; i++)
    if (!i || h->magnitude[i] != h->magnitude[i - 1]) h->magnitude[h->magnitudes++] = h->magnitude[i];
  for (int64_t i = 0; i < h->alphabet; i++) {
    int64_t low = 0, high = h->magnitudes - 1;
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (h->magnitude[middle] < fabs(h->value[i])) low = middle + 1;
      else high = middle;
    }
    h->class_of[i] = (uint32_t)(2 * low + (h->value[i] < 0));
  }
  return QEXPR_OK;
}

static uint64_t code_at(const uint8_t *data, uint64_t length, uint64_t edge, int64_t bits) {
  const uint64_t first = edge * (uint64_t)bits;
  uint64_t word = 0;
  for (uint64_t i = 0; i < 3 && first / 8 + i < length; i++)
    word |= (uint64_t)data[first / 8 + i] << (8 * i);
  return word >> first % 8 & ((UINT64_C(1) << bits) - 1);
}

static int read_free(const qk_file *file, const header *h) {
  qk_section s;
  const int status = qk_file_section(file, 6, "FREE", &s);
  if (status) return status;
  cursor c = {s.data, 0, s.length};
  uint64_t next = 0, gap;
  for (int64_t i = 0; i < h->free_edges; i++) {
    if (!varint(&c, &gap)) REFUSE("FREE", s.offset + c.at, "an index is cut off or too long");
    next += gap + 1;
    if (next > (uint64_t)h->edges) REFUSE("FREE", s.offset + c.at, "an index beyond the edges");
  }
  if (c.at != s.length) REFUSE("FREE", s.offset + c.at, "bytes are left over");
  return QEXPR_OK;
}

typedef struct {
  int64_t *run_edge, runs, room;
  double *scale;
} runs;

static int one_more(runs *r) {
  if (r->runs == r->room) {
    const int64_t room = 2 * r->room + 64;
    int64_t *edge = realloc(r->run_edge, (size_t)(2 * room + 1) * sizeof *edge);
    if (edge != NULL) r->run_edge = edge;
    double *scale = edge ? realloc(r->scale, (size_t)room * sizeof *scale) : NULL;
    if (scale == NULL) return 0;
    r->scale = scale, r->room = room;
  }
  return ++r->runs > 0;
}

static int read_units(const qk_file *file, const header *h, runs *r, int64_t *unit_run,
                      uint32_t *source, double *bias, uint64_t *key) {
  qk_section s, codes;
  int status = qk_file_section(file, 4, "EDGE", &s);
  if (status == QEXPR_OK) status = qk_file_section(file, 5, "CODE", &codes);
  if (status) return status;
  cursor c = {s.data, 0, s.length};
  int64_t edge = 0, kept = 0;
  for (int64_t u = 0; u < h->units; u++) {
    const int64_t target = h->inputs + 1 + u;
    uint64_t fan, gap;
    const uint64_t begun = s.offset + c.at;
    if (!varint(&c, &fan)) REFUSE("EDGE", begun, "a number is cut off or too long");
    if (fan > (uint64_t)(h->edges - edge)) REFUSE("EDGE", begun, "more edges than stated");
    if (fan == 0 && u < h->units - 1) REFUSE("EDGE", begun, "a unit has no incoming edge");
    int64_t from = -1, n = 0;
    for (uint64_t i = 0; i < fan; i++, edge++) {
      const uint64_t place = s.offset + c.at;
      if (!varint(&c, &gap)) REFUSE("EDGE", place, "a number is cut off or too long");
      from = i ? from + 1 + (int64_t)gap : target - 1 - (int64_t)gap;
      if (from < 0 || from >= target) REFUSE("EDGE", place, "an edge comes from no earlier node");
      const uint64_t code = code_at(codes.data, codes.length, (uint64_t)edge, h->bits);
      if (code >= (uint64_t)h->alphabet)
        REFUSE("CODE", codes.offset + (uint64_t)(edge * h->bits / 8), "a code beyond the alphabet");
      if (from == h->inputs) bias[u] = h->value[code];
      else key[n++] = (uint64_t)h->class_of[code] << 32 |
                      (uint64_t)(from > h->inputs ? from - 1 : from);
    }
    sort(key, n);
    unit_run[u] = r->runs;
    for (int64_t i = 0; i < n;) {
      const uint64_t class = key[i] >> 33;
      if (!one_more(r)) return qk_fail(file->error, QEXPR_NO_MEMORY, "EDGE", begun, "no memory");
      r->scale[r->runs - 1] = h->magnitude[class];
      int64_t *bounds = r->run_edge + 2 * (r->runs - 1);
      bounds[0] = kept;
      for (; i < n && key[i] >> 32 == 2 * class; i++) source[kept++] = (uint32_t)key[i];
      bounds[1] = kept;
      for (; i < n && key[i] >> 33 == class; i++) source[kept++] = (uint32_t)key[i];
      bounds[2] = kept;
    }
  }
  unit_run[h->units] = r->runs;
  if (edge != h->edges || c.at != s.length)
    REFUSE("EDGE", s.offset + c.at, "the section and the stated number of edges do not agree");
  const int spare = (int)((uint64_t)h->edges * (uint64_t)h->bits % 8);
  if (spare && codes.data[codes.length - 1] >> spare)
    REFUSE("CODE", codes.offset + codes.length - 1, "bits beyond the last code must be zero");
  return QEXPR_OK;
}

int qk_read_circuit(qexpr_net *net, const qk_file *file) {
  header h = {0};
  runs r = {0};
  int status = read_header(net, file, &h);
  if (status == QEXPR_OK) status = read_free(file, &h);
  if (status) return status;
  const uint64_t units = (uint64_t)h.units, edges = (uint64_t)h.edges;
  int64_t *unit_run = calloc(units + 1, 8);
  uint32_t *source = calloc(edges + 1, 4);
  uint8_t *trait = calloc(units + 1, 1);
  double *bias = calloc(units + 1, 8);
  uint64_t *key = calloc(edges + 1, 8);
  const int room = unit_run && source && trait && bias && key && one_more(&r);
  if (!room) status = QEXPR_NO_MEMORY;
  if (room) r.runs = 0, r.run_edge[0] = 0;
  if (room) status = read_units(file, &h, &r, unit_run, source, bias, key);
  free(key);
  if (status == QEXPR_OK) {
    memset(trait, QK_FLOOR, units - 1); /* the output is linear */
    const uint32_t last = (uint32_t)(h.inputs + h.units - 1);
    const qk_circuit read = {.inputs = h.inputs, .units = h.units, .runs = r.runs, .outputs = 1,
                             .edges = r.run_edge[2 * r.runs], .unit_run = unit_run,
                             .run_edge = r.run_edge, .edge = source, .output = &last, .trait = trait,
                             .scale = r.scale, .bias = bias};
    void *memory = NULL;
    const int built = qk_circuit_build(&read, &net->circuit, &memory);
    if (memory != NULL) net->owned[net->owned_count++] = memory; /* qk_own keeps room for it */
    if (built) status = built == QK_NO_MEMORY ? QEXPR_NO_MEMORY : QEXPR_BAD_FILE;
    if (status == QEXPR_BAD_FILE) qk_fail(file->error, status, "EDGE", 0, "the circuit is too large");
  }
  free(unit_run), free(source), free(trait), free(bias), free(r.run_edge), free(r.scale);
  if (status == QEXPR_NO_MEMORY) qk_fail(file->error, status, "EDGE", 0, "there is not enough memory");
  net->input.size = h.inputs;
  return status;
}
