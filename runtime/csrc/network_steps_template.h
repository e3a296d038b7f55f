/* From sums to the codes of step functions (included once for each float type by
 * network_run_template.h). */

/* How many thresholds s has passed; they ascend where direction > 0, else descend. */
static int64_t NAME(steps)(const qk_layer *l, int64_t c, REAL s) {
  const int64_t row = l->threshold_rows == 1 ? 0 : c;
  const double *t = l->real_thresholds + row * l->levels;
  const int way = l->direction[row];
  if (way == 0) return (int64_t)t[0];
  int64_t low = 0, high = l->levels;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (way > 0 ? s >= t[middle] : s <= t[middle]) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Codes of one threshold (signs), the commonest step function: no search, no call. */
static void NAME(one_step)(const NAME(work) *w, const qk_layer *l, const void *acc, uint8_t *out) {
  const int weights = l->op <= QK_CONV, many = weights && l->threshold_rows > 1;
  const int64_t channels = weights ? l->channels : l->out.size, places = l->out.size / channels;
  const uint8_t low = (uint8_t)l->codes[0], high = (uint8_t)l->codes[1];
  const int32_t *whole = acc, *it = l->integer_thresholds;
  const REAL *real = acc;
  const double *rt = l->real_thresholds;
  for (int64_t r = 0; r < w->n * places; r++, whole += channels, real += channels) {
    uint8_t *to = out + r / places * l->out.size + r % places;
    if (many || l->direction[0] != 1) {
      for (int64_t c = 0; c < channels; c++) {
        const int64_t k = many ? c : 0;
        const int way = l->direction[k];
        const int up = l->integer ? whole[c] >= it[k] : (double)real[c] >= rt[k];
        const int down = l->integer ? whole[c] <= it[k] : (double)real[c] <= rt[k];
        const int always = l->integer ? it[k] != 0 : rt[k] != 0;
        to[c * places] = (way == 0 ? always : way > 0 ? up : down) ? high : low;
      }
    } else if (l->integer) {
      const int32_t t = it[0];
      for (int64_t c = 0; c < channels; c++) to[c * places] = whole[c] >= t ? high : low;
    } else {
      const double t = rt[0];
      for (int64_t c = 0; c < channels; c++) to[c * places] = (double)real[c] >= t ? high : low;
    }
  }
}

/* Codes of a few ascending thresholds that all channels share: counted, without a branch. */
static void NAME(few_steps)(const NAME(work) *w, const qk_layer *l, const void *acc, uint8_t *out) {
  const int64_t channels = l->op <= QK_CONV ? l->channels : l->out.size;
  const int64_t places = l->out.size / channels, levels = l->levels;
  const int32_t *whole = acc, *it = l->integer_thresholds;
  const REAL *real = acc;
  const double *rt = l->real_thresholds;
  for (int64_t r = 0; r < w->n * places; r++, whole += channels, real += channels) {
    uint8_t *to = out + r / places * l->out.size + r % places;
    for (int64_t c = 0; c < channels; c++) {
      int64_t passed = 0;
      if (l->integer)
        for (int64_t i = 0; i < levels; i++) passed += whole[c] >= it[i];
      else
        for (int64_t i = 0; i < levels; i++) passed += (double)real[c] >= rt[i];
      to[c * places] = (uint8_t)l->codes[passed];
    }
  }
}
