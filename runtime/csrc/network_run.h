/* What the parts of the evaluation say to each other. */
#ifndef QEXPR_NETWORK_RUN_H
#define QEXPR_NETWORK_RUN_H

#include "network.h"

int qk_accumulate(const qexpr_net *net, const qk_table *t, const qk_layer *l, const uint8_t *x,
                  int64_t n, void *acc, uint8_t *extra);
/* How many thresholds sum number `at` has passed. */
int64_t qk_integer_steps(const qk_layer *l, int64_t channel, const void *acc, int64_t at);

#endif
