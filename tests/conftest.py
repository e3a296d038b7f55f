"""Settings of all suites: no test depends on how busy the machine is."""

from hypothesis import settings

settings.register_profile("qexpr", deadline=None, print_blob=True)
settings.load_profile("qexpr")
