"""`python -m tests.conformance` is `python -m tests.conformance.run`."""

import sys

from tests.conformance.run import main

sys.exit(main(sys.argv[1:]))
