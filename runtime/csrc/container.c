/* The container: header, table of sections, checksums. Nothing in a file is believed before it is
 * checked, in 64-bit arithmetic. */
#include "network.h"

#include <stdio.h>
#include <string.h>

#define HEADER 64
#define ENTRY 32
#define VERSION 2

static const uint8_t MAGIC[8] = {0x89, 'Q', 'X', 'R', '\r', '\n', 0x1a, '\n'};

uint32_t qk_u32(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint64_t qk_u64(const uint8_t *at) { return qk_u32(at) | (uint64_t)qk_u32(at + 4) << 32; }

int qk_fail(qexpr_error *error, int status, const char *section, uint64_t byte, const char *why) {
  if (error != NULL) {
    error->status = status;
    error->byte = byte;
    snprintf(error->section, sizeof error->section, "%s", section);
    snprintf(error->message, sizeof error->message, "section %s, byte %llu: %s", section,
             (unsigned long long)byte, why);
  }
  return status;
}

/* CRC-32 (IEEE 802.3, as in zlib), eight bytes at a time. */
typedef struct {
  uint32_t table[8][256];
} crc_tables;

static void crc_prepare(crc_tables *c) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int k = 0; k < 8; k++) value = value & 1 ? 0xedb88320u ^ (value >> 1) : value >> 1;
    c->table[0][i] = value;
  }
  for (int k = 1; k < 8; k++)
    for (int i = 0; i < 256; i++) {
      const uint32_t before = c->table[k - 1][i];
      c->table[k][i] = c->table[0][before & 255] ^ (before >> 8);
    }
}

static uint32_t crc_of(const crc_tables *c, const uint8_t *at, uint64_t length) {
  uint32_t crc = 0xffffffffu;
  for (; length >= 8; length -= 8, at += 8) {
    const uint32_t low = crc ^ qk_u32(at), high = qk_u32(at + 4);
    crc = c->table[7][low & 255] ^ c->table[6][low >> 8 & 255] ^ c->table[5][low >> 16 & 255] ^
          c->table[4][low >> 24] ^ c->table[3][high & 255] ^ c->table[2][high >> 8 & 255] ^
          c->table[1][high >> 16 & 255] ^ c->table[0][high >> 24];
  }
  for (; length; length--, at++) crc = c->table[0][(crc ^ *at) & 255] ^ (crc >> 8);
  return ~crc;
}

static int all_zero(const uint8_t *from, const uint8_t *to) {
  for (; from < to; from++)
    if (*from) return 0;
  return 1;
}

int qk_file_open(qk_file *file, const void *data, uint64_t length, qexpr_error *error) {
  const uint8_t *at = data;
  crc_tables crc;
  file->data = at, file->length = length, file->error = error;
  if (length < HEADER)
    return qk_fail(error, QEXPR_BAD_FILE, "header", length, "the file ends within its header");
  if (memcmp(at, MAGIC, 8) != 0)
    return qk_fail(error, QEXPR_BAD_FILE, "header", 0, "this is not a .qxr file");
  if (qk_u32(at + 8) != VERSION) {
    char why[96];
    snprintf(why, sizeof why, "the file is of another version, %lu; this reader knows version %d",
             (unsigned long)qk_u32(at + 8), VERSION);
    return qk_fail(error, QEXPR_BAD_FILE, "header", 8, why);
  }
  crc_prepare(&crc);
  if (crc_of(&crc, at, 32) != qk_u32(at + 32) || !all_zero(at + 36, at + HEADER))
    return qk_fail(error, QEXPR_BAD_FILE, "header", 32, "the header's checksum does not fit");
  file->kind = qk_u32(at + 12);
  file->sections = qk_u32(at + 24);
  if (file->kind != QK_NETWORK && file->kind != QK_CIRCUIT)
    return qk_fail(error, QEXPR_BAD_FILE, "header", 12, "the kind must be 1 or 2");
  if (qk_u64(at + 16) != length)
    return qk_fail(error, QEXPR_BAD_FILE, "header", 16,
                   "the file's length is not the one that it states: it is truncated or extended");
  if (file->sections < 3 || file->sections > (length - HEADER) / ENTRY)
    return qk_fail(error, QEXPR_BAD_FILE, "header", 24, "so many sections do not fit the file");
  uint64_t end = HEADER + (uint64_t)file->sections * ENTRY;
  if (crc_of(&crc, at + HEADER, end - HEADER) != qk_u32(at + 28))
    return qk_fail(error, QEXPR_BAD_FILE, "table", HEADER, "the table's checksum does not fit");
  for (uint32_t i = 0; i < file->sections; i++) {
    const uint64_t entry = HEADER + (uint64_t)i * ENTRY;
    const uint64_t offset = qk_u64(at + entry + 8), size = qk_u64(at + entry + 16);
    const uint64_t aligned = end % 64 ? end + 64 - end % 64 : end;
    char tag[8] = {0};
    memcpy(tag, at + entry, 4);
    for (int k = 0; k < 4; k++)
      if (tag[k] < 'A' || tag[k] > 'Z')
        return qk_fail(error, QEXPR_BAD_FILE, "table", entry, "a tag is four capital letters");
    if (!all_zero(at + entry + 24, at + entry + ENTRY))
      return qk_fail(error, QEXPR_BAD_FILE, "table", entry + 24, "reserved bytes must be zero");
    if (offset != aligned || offset > length || size > length - offset)
      return qk_fail(error, QEXPR_BAD_FILE, tag, entry + 8,
                     "a section must begin at the next multiple of 64 and end within the file");
    if (!all_zero(at + end, at + offset))
      return qk_fail(error, QEXPR_BAD_FILE, tag, end, "the bytes between sections must be zero");
    if (crc_of(&crc, at + offset, size) != qk_u32(at + entry + 4))
      return qk_fail(error, QEXPR_BAD_FILE, tag, offset, "the section's checksum does not fit");
    end = offset + size;
  }
  if (end != length)
    return qk_fail(error, QEXPR_BAD_FILE, "table", end, "the file goes on after its last section");
  return QEXPR_OK;
}

int qk_file_section(const qk_file *file, uint32_t index, const char *tag, qk_section *out) {
  if (index >= file->sections)
    return qk_fail(file->error, QEXPR_BAD_FILE, tag, file->length, "the section is missing");
  const uint8_t *entry = file->data + HEADER + (uint64_t)index * ENTRY;
  if (memcmp(entry, tag, 4) != 0)
    return qk_fail(file->error, QEXPR_BAD_FILE, tag, (uint64_t)(entry - file->data),
                   "another section stands in its place");
  out->tag = tag, out->offset = qk_u64(entry + 8), out->length = qk_u64(entry + 16);
  out->data = file->data + out->offset;
  return QEXPR_OK;
}
