"""Settings of all suites: no test depends on how busy the machine is, or on the day.

Property tests draw the same examples every time, so that a failure belongs to the change that
was made. With QEXPR_SEARCH=1 (`make search`) they draw new ones.
"""

import os

from hypothesis import settings

SEARCH = os.environ.get("QEXPR_SEARCH") == "1"

settings.register_profile("repeat", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("search" if SEARCH else "repeat")
