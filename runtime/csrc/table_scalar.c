#include "families.h"

QK_TABLE(scalar)
