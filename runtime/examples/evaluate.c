/* Evaluates a packed network at points from standard input, without Python.
 *
 *   cc evaluate.c -I INCLUDE -L LIB -lqexpr_runtime -Wl,-rpath,LIB -o evaluate
 *   echo "0.25 0.5" | ./evaluate net.qxr
 *
 * INCLUDE and LIB are the folders `include` and `lib` of the installed package qexpr_runtime. */
#include <qexpr_runtime.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  qexpr_error error;
  if (argc != 2) {
    fprintf(stderr, "usage: evaluate FILE < points\n");
    return 2;
  }
  qexpr_net *net = qexpr_load(argv[1], &error);
  if (net == NULL) {
    fprintf(stderr, "%s: %s\n", argv[1], error.message);
    return 1;
  }
  const int64_t inputs = qexpr_inputs(net), outputs = qexpr_outputs(net);
  double *x = malloc((size_t)inputs * sizeof *x), *y = malloc((size_t)outputs * sizeof *y);
  int status = x != NULL && y != NULL ? 0 : 1;
  while (status == 0) {
    int64_t k = 0;
    while (k < inputs && scanf("%lf", &x[k]) == 1) k++;
    if (k == 0 && feof(stdin)) break;
    if (k < inputs) {
      fprintf(stderr, "a point is %lld numbers between blanks\n", (long long)inputs);
      status = 1;
      break;
    }
    if (qexpr_eval_f64(net, x, 1, y, &error) != QEXPR_OK) {
      fprintf(stderr, "%s\n", error.message);
      status = 1;
      break;
    }
    for (k = 0; k < outputs; k++) printf("%.17g%c", y[k], k + 1 < outputs ? ' ' : '\n');
  }
  free(x);
  free(y);
  qexpr_free(net);
  return status;
}
