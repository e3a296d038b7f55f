/* Which kernels run: the best table that the machine supports, or the one asked for. */
#include "kernels.h"

#include <stddef.h>
#include <string.h>

int qk_supported(const char *name) {
  if (strcmp(name, "scalar") == 0) return 1;
#ifdef QK_HAVE_AVX2
  if (strcmp(name, "avx2") == 0) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
  }
#endif
  return 0;
}

const qk_table *qk_select(const char *wanted) {
  if (wanted == NULL || wanted[0] == '\0') {
#ifdef QK_HAVE_AVX2
    if (qk_supported("avx2")) return &qk_avx2;
#endif
    return &qk_scalar;
  }
  if (!qk_supported(wanted)) return NULL;
#ifdef QK_HAVE_AVX2
  if (strcmp(wanted, "avx2") == 0) return &qk_avx2;
#endif
  return &qk_scalar;
}
