"""``python -m imgclf`` and the ``imgclf`` script."""

import sys

from imgclf.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
