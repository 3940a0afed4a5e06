"""`python -m ddbench` is the command `ddbench`."""

import sys

from .cli.main import main

sys.exit(main())
