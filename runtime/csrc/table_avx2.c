#include "families.h"

QK_TABLE(avx2)
