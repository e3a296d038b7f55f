"""Ball arithmetic and outward rounding: the only place that touches flint and its traps."""
