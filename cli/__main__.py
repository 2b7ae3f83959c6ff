"""`python -m cli` is `tm`."""

from cli.main import main

main()
