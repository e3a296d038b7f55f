/* A fuzz target for the reader: whatever the bytes are, loading and evaluating them must neither
 * crash nor read or write outside its memory.
 *
 * With libFuzzer:   clang -fsanitize=fuzzer,address -DQEXPR_LIBFUZZER fuzz_reader.c ../csrc/...
 * With any compiler (how `make fuzz` runs it, under AddressSanitizer and UBSan): the program below
 * mutates the files of a corpus for a number of seconds. Checksums and lengths are repaired in
 * most mutants, or nearly all of them would stop at the first check.
 *
 *   fuzz_reader SECONDS SEED FILE...
 */
#define _POSIX_C_SOURCE 200809L
#include "../include/qexpr_runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint32_t u32(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* 1 if the bytes were accepted. Networks that would take long are not evaluated. */
static int one(const uint8_t *data, size_t size) {
  qexpr_error error;
  void *aligned = NULL;
  if (posix_memalign(&aligned, 64, size ? size : 1)) return 0;
  memcpy(aligned, data, size);
  qexpr_net *net = qexpr_load_memory(aligned, size, &error);
  int accepted = net != NULL;
  if (net != NULL) {
    const int64_t inputs = qexpr_inputs(net), outputs = qexpr_outputs(net);
    if (inputs <= 4096 && outputs <= 4096) {
      enum { POINTS = 3 };
      double *x = calloc((size_t)(POINTS * inputs), sizeof *x);
      double *y = calloc((size_t)(POINTS * outputs), sizeof *y);
      uint8_t *bytes = calloc((size_t)(POINTS * inputs), 1);
      float *f = calloc((size_t)(POINTS * inputs), sizeof *f);
      float *g = calloc((size_t)(POINTS * outputs), sizeof *g);
      for (int64_t i = 0; x && f && bytes && i < POINTS * inputs; i++)
        x[i] = (double)(i % 7) - 3, f[i] = (float)x[i], bytes[i] = (uint8_t)(37 * i);
      if (x && y && bytes && f && g) {
        qexpr_eval_f64(net, x, POINTS, y, &error);
        qexpr_eval_f32(net, f, POINTS, g, &error);
        qexpr_eval_u8(net, bytes, POINTS, y, &error);
      }
      free(x), free(y), free(bytes), free(f), free(g);
    }
    qexpr_free(net);
  }
  free(aligned);
  return accepted;
}

#ifdef QEXPR_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  one(data, size);
  return 0;
}
#else

static uint64_t state;

static uint64_t draw(uint64_t below) { /* splitmix64 */
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return below ? z % below : 0;
}

static uint32_t crc(const uint8_t *at, size_t length) {
  uint32_t value = 0xffffffffu;
  for (; length; length--, at++) {
    value ^= *at;
    for (int k = 0; k < 8; k++) value = value & 1 ? 0xedb88320u ^ (value >> 1) : value >> 1;
  }
  return ~value;
}

static void put(uint8_t *at, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> (8 * i));
}

/* Makes every checksum right again, as far as the table makes sense. */
static void repair(uint8_t *data, size_t size) {
  if (size < 64) return;
  const uint64_t sections = u32(data + 24);
  put(data + 16, size, 8);
  if (sections <= (size - 64) / 32) {
    for (uint64_t i = 0; i < sections; i++) {
      uint8_t *entry = data + 64 + 32 * i;
      const uint64_t offset = u32(entry + 8), length = u32(entry + 16);
      if (offset <= size && length <= size - offset)
        put(entry + 4, crc(data + offset, length), 4);
    }
    put(data + 28, crc(data + 64, 32 * sections), 4);
  }
  put(data + 32, crc(data, 32), 4);
}

static size_t mutate(uint8_t *data, size_t size, size_t room) {
  static const uint64_t odd[] = {0, 1, 2, 3, 7, 8, 63, 64, 127, 128, 255, 256, 65535, 65536,
                                 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
                                 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff};
  for (uint64_t times = 1 + draw(4); times; times--) {
    if (size == 0) return 0;
    const size_t at = (size_t)draw(draw(3) ? (size < 1024 ? size : 1024) : size);
    switch (draw(8)) {
      case 0: data[at] ^= (uint8_t)(1u << draw(8)); break;
      case 1: data[at] = (uint8_t)draw(256); break;
      case 2: { /* a field of four or eight bytes */
        const int width = draw(2) ? 4 : 8;
        const size_t place = at / 4 * 4;
        if (place + 8 <= size) put(data + place, odd[draw(sizeof odd / sizeof *odd)], width);
        break;
      }
      case 3: { /* a field grows or shrinks a little */
        const size_t place = at / 4 * 4;
        if (place + 4 <= size) put(data + place, u32(data + place) + (uint32_t)draw(5) - 2, 4);
        break;
      }
      case 4: size = draw(8) ? size : (size_t)draw(size); break; /* truncate */
      case 5: /* extend */
        if (size + 64 < room && !draw(8)) memset(data + size, (int)draw(256), 64), size += 64;
        break;
      case 6: { /* copy a piece elsewhere */
        const size_t from = (size_t)draw(size), n = (size_t)draw(128);
        if (from + n <= size && at + n <= size) memmove(data + at, data + from, n);
        break;
      }
      default: { /* a run of one byte */
        const size_t n = (size_t)draw(32);
        if (at + n <= size) memset(data + at, (int)draw(256), n);
      }
    }
  }
  return size;
}

int main(int argc, char **argv) {
  enum { ROOM = 1 << 20 };
  if (argc < 4) {
    fprintf(stderr, "usage: fuzz_reader SECONDS SEED FILE...\n");
    return 2;
  }
  const double seconds = atof(argv[1]);
  state = strtoull(argv[2], NULL, 10);
  static uint8_t original[ROOM], mutant[ROOM];
  uint64_t runs = 0, accepted = 0;
  const time_t start = time(NULL);
  while (difftime(time(NULL), start) < seconds) {
    FILE *file = fopen(argv[3 + draw((uint64_t)argc - 3)], "rb");
    if (file == NULL) return 2;
    const size_t size = fread(original, 1, ROOM - 256, file);
    fclose(file);
    if (runs == 0 && !one(original, size)) {
      fprintf(stderr, "a file of the corpus is not accepted\n");
      return 1;
    }
    for (int i = 0; i < 200; i++, runs++) {
      memcpy(mutant, original, size);
      const size_t changed = mutate(mutant, size, ROOM);
      if (draw(16)) repair(mutant, changed);
      accepted += (uint64_t)one(mutant, changed);
    }
  }
  printf("%llu mutants, %llu accepted, no fault\n", (unsigned long long)runs,
         (unsigned long long)accepted);
  return 0;
}
#endif
