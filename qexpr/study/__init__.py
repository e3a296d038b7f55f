"""Studies: a specification becomes cells, cells become rows, rows become a report.

`spec` reads TOML, `cells` lists what is to be done, `engine` does it anywhere, `store` keeps what
is done, `run` joins them, `table` writes, `check` derives again, `report` tells. What one cell
does stands in `kinds`, one file each; `kind` is what such a file is made of.
"""
