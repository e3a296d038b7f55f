"""The gadgets, written a second time: what merged units compute, derived from their edges."""
