"""How fast and lean each kind of work is on this machine, and how near the limit that is.

`workloads` says what is measured and `worker` measures it, in this process or in one of another
ddbench, which `child` starts. Both see only what every version of ddbench has; `earlier` says what
earlier ones call it.
"""
