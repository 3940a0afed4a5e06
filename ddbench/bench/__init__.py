"""The speed and memory use of each kind of work on this machine, and how near the limit they are.

`workloads` defines what is measured and `worker` measures it, in this process or in one of another
ddbench, which `child` starts. Both use only what every version of ddbench has; `earlier` maps the
names that earlier versions use.
"""
