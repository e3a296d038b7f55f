/* The C interface: load, evaluate, free. */
#define _POSIX_C_SOURCE 200809L
#include "network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "packed files are read in place, which needs a little-endian machine"
#endif

void *qk_own(qexpr_net *net, uint64_t count, uint64_t size, qexpr_error *error) {
  /* two places beyond the request stay free, for memory that was grown elsewhere */
  if (net->owned_count + 3 > net->owned_room) {
    const int64_t room = 2 * net->owned_room + 32;
    void **owned = realloc(net->owned, (size_t)room * sizeof *owned);
    if (owned == NULL) goto none;
    net->owned = owned, net->owned_room = room;
  }
  void *memory = calloc(count ? count : 1, size ? size : 1);
  if (memory == NULL) goto none;
  net->owned[net->owned_count++] = memory;
  return memory;
none:
  qk_fail(error, QEXPR_NO_MEMORY, "memory", 0, "there is not enough memory for this file");
  return NULL;
}

void qexpr_free(qexpr_net *net) {
  if (net == NULL) return;
  for (int64_t i = 0; i < net->owned_count; i++) free(net->owned[i]);
  free(net->owned);
  if (net->mapped != NULL) munmap(net->mapped, (size_t)net->mapped_length);
  free(net);
}

qexpr_net *qk_open(const void *data, uint64_t length, qexpr_error *error) {
  qk_file file;
  if ((uintptr_t)data % 8) {
    qk_fail(error, QEXPR_BAD_INPUT, "memory", 0, "the bytes must be aligned to 8");
    return NULL;
  }
  if (qk_file_open(&file, data, length, error)) return NULL;
  qexpr_net *net = calloc(1, sizeof *net);
  if (net == NULL) {
    qk_fail(error, QEXPR_NO_MEMORY, "memory", 0, "there is not enough memory for this file");
    return NULL;
  }
  net->kind = (int)file.kind;
  const int status = net->kind == QK_CIRCUIT ? qk_read_circuit(net, &file) : qk_read_network(net, &file);
  if (status) {
    qexpr_free(net);
    return NULL;
  }
  return net;
}

static const qk_table *table_of(qexpr_error *error) {
  const qk_table *t = qk_select(getenv("QEXPR_ISA"));
  if (t == NULL)
    qk_fail(error, QEXPR_BAD_INPUT, "memory", 0, "QEXPR_ISA names kernels that cannot run here");
  return t;
}

qexpr_net *qexpr_load_memory(const void *data, size_t length, qexpr_error *error) {
  const qk_table *t = table_of(error);
  qexpr_net *net = t ? qk_open(data, length, error) : NULL;
  if (net != NULL) net->table = t;
  return net;
}

qexpr_net *qexpr_load(const char *path, qexpr_error *error) {
  struct stat about;
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would keep us waiting */
  if (file < 0 || fstat(file, &about) || !S_ISREG(about.st_mode)) {
    qk_fail(error, QEXPR_CANNOT_READ, "file", 0, file < 0 ? strerror(errno) : "not a regular file");
    if (file >= 0) close(file);
    return NULL;
  }
  const uint64_t length = (uint64_t)about.st_size;
  void *mapped = length ? mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, file, 0) : NULL;
  close(file);
  if (mapped == MAP_FAILED) {
    qk_fail(error, QEXPR_CANNOT_READ, "file", 0, strerror(errno));
    return NULL;
  }
  static const uint64_t nothing = 0;
  qexpr_net *net = qexpr_load_memory(mapped ? mapped : &nothing, (size_t)length, error);
  if (net != NULL) net->mapped = mapped, net->mapped_length = length;
  else if (mapped) munmap(mapped, (size_t)length);
  return net;
}

int64_t qexpr_inputs(const qexpr_net *net) { return net->input.size; }

int64_t qexpr_outputs(const qexpr_net *net) {
  return net->kind == QK_CIRCUIT ? 1 : net->layer[net->layers - 1].out.size;
}

static int done(int status, qexpr_error *error) {
  switch (status) {
    case QK_OK: return QEXPR_OK;
    case QK_NO_MEMORY:
      return qk_fail(error, QEXPR_NO_MEMORY, "memory", 0, "there is not enough memory");
    case QK_NAN:
      return qk_fail(error, QEXPR_BAD_INPUT, "input", 0, "a coordinate is not finite");
    default: return qk_fail(error, QEXPR_BAD_INPUT, "input", 0, "the sizes do not fit");
  }
}

int qexpr_eval_f64(const qexpr_net *net, const double *x, int64_t points, double *y,
                   qexpr_error *error) {
  return done(qk_run_f64(net, net->table, x, 8, points, y), error);
}

int qexpr_eval_f32(const qexpr_net *net, const float *x, int64_t points, float *y,
                   qexpr_error *error) {
  return done(qk_run_f32(net, net->table, x, 4, points, y), error);
}

int qexpr_eval_u8(const qexpr_net *net, const uint8_t *x, int64_t points, double *y,
                  qexpr_error *error) {
  return done(qk_run_f64(net, net->table, x, 1, points, y), error);
}

const char *qexpr_isa(void) {
  const qk_table *t = qk_select(getenv("QEXPR_ISA"));
  return t ? t->name : "none";
}
