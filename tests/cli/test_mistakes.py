"""Each mistake of a user ends with status 2 and one line: what, where, and what would be right."""

from __future__ import annotations

import pytest

# The arguments of `ddbench run` (the smallest values stand in for those not given), and what the
# line must contain. TMP is a temporary folder with a file `file`, and damaged CIFAR-10 in `bad`.
MISTAKES = {
    # names
    "unknown key": (["sed=1"], ["'sed'", "seed"]),
    "unknown method": (["method=amp"], ["'amp'", "apm"]),
    "unknown dataset": (["dataset=digit"], ["'digit'", "digits"]),
    "unknown model": (["model=narow"], ["'narow'", "narrow"]),
    "unknown budget": (["budget=smok"], ["'smok'", "smoke"]),
    "unknown evaluator": (["evaluators=[acuracy]"], ["evaluator", "'acuracy'", "accuracy"]),
    "unknown protocol": (["protocols=[hrad]"], ["'hrad'", "hard"]),
    "unknown version of a protocol": (["protocols=[hard/9]"], ["hard/9", "hard/1"]),
    "unknown input space": (["input_space=zcaa"], ["'zcaa'", "zca"]),
    "unknown control": (["control=randm"], ["'randm'", "random"]),
    "unknown experiment": (["experiment=apm_releasd"], ["'apm_releasd'", "apm_released"]),
    "unknown setting of the method": (
        ["method=apm", "method.imagerate=1"],
        ["method apm", "'imagerate'", "image_rate"],
    ),
    "setting of another method": (["method.image_rate=1"], ["method random", "image_rate"]),
    "unknown setting of the model": (["model.widht=8"], ["model auto", "'widht'", "width"]),
    "unknown setting of the budget": (["budget.network=1"], ["'network'", "networks"]),
    "setting of an unknown evaluator": (["evaluators.acc.x=1"], ["'acc'", "accuracy"]),
    "setting of an evaluator not chosen": (
        ["evaluators.nas.cells=9"],
        ["nas is not in evaluators=[accuracy]"],
    ),
    "number for an evaluator": (["evaluators.accuracy=3"], ["evaluator accuracy", "NAME=VALUE"]),
    "null for an evaluator": (["evaluators.accuracy=null"], ["evaluator accuracy", "NAME=VALUE"]),
    "added text for an evaluator": (["++evaluators.accuracy=x"], ["evaluator accuracy"]),
    "setting below a number": (["ipc.x=1"], ["ipc has no settings"]),
    "key added with a plus": (["+foo=1"], ["'foo'", "known:"]),
    "setting added with a plus": (["+method.foo=1"], ["method random", "'foo'"]),
    "known key added with a plus": (["+seed=3"], ["seed=3"]),
    "name of a dataset as a setting": (["dataset.name=cifar10"], ["'name'"]),
    # types
    "word for a number": (["seed=ten"], ["seed", "'ten'", "Integer"]),
    "fraction for a number": (
        ["method=apm", "method.iterations=1.5"],
        ["method.iterations", "'1.5'", "Integer"],
    ),
    "unknown operation of an augmentation": (
        ["method=dsa", "method.operations=[crop,spin]"],
        ["method dsa", "'spin'", "color, crop, cutout, flip, rotate, scale"],
    ),
    "unknown choice": (["method=apm", "method.distance=l3"], ["method.distance", "l1, mse, kl"]),
    "word for a truth value": (
        ["method=apm", "method.log_distance=maybe"],
        ["method.log_distance", "'maybe'", "bool"],
    ),
    "null for a number": (["seed=null"], ["seed", "null"]),
    "nothing for a number": (["seed="], ["seed", "Integer"]),
    "word for images": (["ipc=ten"], ["ipc='ten'", "10, or max", "[5,3,1]"]),
    "null for images": (["ipc=null"], ["ipc=null", "10, or max", "[5,3,1]"]),
    "nothing for images": (["ipc="], ["ipc=''", "10, or max"]),
    "half an image": (["ipc=1.5"], ["ipc=1.5", "whole number"]),
    "truth value for images": (["ipc=true"], ["ipc=true", "whole number"]),
    "table for images": (["ipc={a: 1}"], ["ipc={'a': 1}", "whole number"]),
    "list of no numbers": (["ipc=[]"], ["ipc=[]", "[5,3,1]"]),
    "word in a list of numbers": (["ipc=[5,three,1]"], ["ipc=[5,three,1]", "whole number"]),
    "word for a ratio": (["ratio=some"], ["ratio", "'some'", "Float"]),
    "list for a ratio": (["ratio=[0.1,0.2]"], ["ratio", "list"]),
    "number for protocols": (["protocols=7"], ["'7'", "hard"]),
    "no protocols": (["protocols=[]"], ["protocols=[hard,soft]"]),
    "table for protocols": (["protocols={a: 1}"], ["protocols"]),
    "list for a name": (["input_space=[zca]"], ["input_space"]),
    "list of methods": (["method=[apm,random]"], ["-m method=apm,random"]),
    "list of one budget": (["budget=[smoke]"], ["budget=[smoke]", "one budget"]),
    "null for evaluators": (["evaluators=null"], ["evaluators=null", "[accuracy]"]),
    "null for the method": (["method=null"], ["method=null", "one method"]),
    "nothing for the method": (["method="], ["unknown method ''"]),
    "interpolation of nothing": (["ipc=${foo}"], ["ipc", "'foo'"]),
    # ranges
    "no images": (["ipc=0"], ["ipc=0", "at least 1"]),
    "no images of one class": (["ipc=[5,0,1]"], ["ipc=[5,0,1]", "at least 1"]),
    "numbers of too few classes": (["ipc=[5,3,1]"], ["lists 3 numbers", "digits has 10"]),
    "one number for all in a list": (["ipc=[2,2]"], ["lists 2 numbers", "digits has 10"]),
    "numbers of too many classes": (
        ["ipc=[1,1,1,1,1,1,1,1,1,1,2]"],
        ["lists 11 numbers", "digits has 10"],
    ),
    "more images than one class has": (
        ["ipc=[1,1,1,200,1,1,1,1,1,1]"],
        ["ipc=200", "digits has only", "class '3'"],
    ),
    "more images than anything has": (
        ["ipc=" + 400 * "9"],
        ["ipc=999", "at most 9007199254740991"],
    ),
    "number of thousands of digits": (["ipc=" + 5000 * "9"], ["ipc='999", "whole number"]),
    "group behind all images": (["ipc=max", "group=1"], ["group=1", "digits has only"]),
    "nothing of the images": (["ratio=0"], ["ratio=0", "above 0"]),
    "more than all images": (["ratio=1.5"], ["ratio=1.5", "at most 1"]),
    "ratio that is not a number": (["ratio=nan"], ["ratio=nan", "finite"]),
    "ratio with a number": (["ipc=1", "ratio=0.1"], ["ratio=0.1", "ipc=1", "leave one"]),
    "ratio with all": (["ipc=max", "ratio=0.1"], ["ratio=0.1", "ipc='max'", "leave one"]),
    "more images than a class has": (
        ["ipc=100000"],
        ["ipc=100000", "digits", "only", "ratio=R or a list ipc=[N,N,...]"],
    ),
    "group behind the last": (["group=9999"], ["group=9999", "digits", "only"]),
    "negative seed": (["seed=-1"], ["seed=-1", "at least 0"]),
    "seed in floating point": (["seed=1e99"], ["seed", "Integer"]),
    "all held out": (["validation=1"], ["validation=1", "at most"]),
    "fraction that is not a number": (["validation=nan"], ["validation=nan", "finite"]),
    "negative rate": (
        ["method=apm", "method.image_rate=-1"],
        ["method apm", "image_rate=-1", "above 0"],
    ),
    "settings at odds": (
        ["method=apm", "method.student_epochs=3"],
        ["student_epochs=3", "checkpoints=5"],
    ),
    "no threads": (["threads=0"], ["threads=0", "at least 1"]),
    "negative seconds": (["checkpoint_seconds=-1"], ["checkpoint_seconds=-1", "at least 0"]),
    "model too deep": (["model.depth=9"], ["model.depth=9", "at most 3"]),
    "width that groups do not divide": (
        ["model.width=6", "model.norm=group"],
        ["model.width=6", "multiple of 4"],
    ),
    "budget above all": (["budget.evaluation=2"], ["evaluation=2", "at most 1"]),
    "frozen rate": (["soft_rate=0.1"], ["soft_rate=0.1", "validation=0.1"]),
    # files and devices
    "missing data": (["dataset=cifar10"], ["data_batch_1", "TMP/data", "ddbench prepare cifar10"]),
    "damaged data": (
        ["dataset=cifar10", "data_root=TMP/bad"],
        ["damaged", "TMP/bad", "ddbench prepare cifar10"],
    ),
    "runs in a file": (["runs_root=TMP/file"], ["TMP/file", "not a folder", "runs_root=FOLDER"]),
    "runs below a file": (["runs_root=TMP/file/x"], ["TMP/file/x", "runs_root=FOLDER"]),
    "unknown device": (["device=tpu"], ["device=tpu", "this machine"]),
    "device without memory": (["device=meta"], ["device=meta", "this machine"]),
    "empty device": (["device=null"], ["device", "null"]),
    # the syntax of overrides
    "word that is not an override": (["ipc"], ["'ipc'", "key=value"]),
    "open bracket": (["method=["], ["'method=['", "key=value"]),
    "open quote": (['method="a'], ["key=value"]),
    "no key": (["=3"], ["''"]),
    "line break in a value": (["method='a\nb'"], ["'a\\nb'", "apm"]),
    "line break in a number": (["ipc=1\n2"], ["ipc"]),
    "deletion": (["~method"], ["~method", "another value"]),
    "deletion of a key": (["~ipc"], ["~ipc", "another value"]),
    "sweep without -m": (["ipc=1,2"], ["ipc=1,2", "add -m"]),
    "comma in a text": (["data_root=/a,b"], ["add -m", "\"data_root='/a,b'\""]),
    "equals sign and comma": (["data_root=/a=b,c"], ["\"data_root='/a=b,c'\""]),
    "pattern without -m": (["method=glob(d*)"], ["method=glob(d*)", "add -m"]),
    "pattern of nothing": (["-m", "method=glob(zz*)"], ["matches no method", "apm"]),
    "pattern of numbers": (["-m", "ipc=glob(*)"], ["ipc=glob(*)", "among names"]),
    "interval in a sweep": (["-m", "ipc=interval(1,2)"], ["interval", "A,B,C"]),
    "interval of methods": (["-m", "method=interval(1,2)"], ["interval", "A,B,C"]),
    "launcher without -m": (["hydra/launcher=joblib"], ["launchers", "with -m"]),
    "unknown option": (["--mutlirun"], ["'--mutlirun'", "--multirun"]),
    "key with dashes": (["--seed", "1"], ["'--seed'", "seed=VALUE"]),
    "several folders of runs": (["runs_root=a,b"], ["runs_root has one value", "'a,b'"]),
    "several folders of runs in a sweep": (["-m", "runs_root=a,b"], ["runs_root has one value"]),
    "launcher that is not installed": (["-m", "hydra/launcher=nope"], ["'nope'", "basic"]),
    "launcher of an extra": (
        ["-m", "hydra/launcher=ray", "seed=0,1"],
        ["hydra/launcher=ray", "pip install 'ddbench[ray]'"],
    ),
    "launcher of a cluster": (
        ["-m", "hydra/launcher=submitit_slurm", "seed=0,1"],
        ["pip install 'ddbench[slurm]'"],
    ),
    "whitening larger than the machine": (
        ["dataset=imagenet", "dataset.resolution=512", "input_space=zca"],
        ["3x512x512", "4,947.8 GB", "matrices", "input_space=normalised"],
    ),
    "long nonsense": (["method=" + "a" * 5000], ["unknown method 'aaa", "…"]),
    "long nonsense for a number": (["seed=" + "a" * 5000], ["seed", "'aaa", "…", "Integer"]),
    "long nonsense taken away": (["~method=" + "a" * 5000], ["~method=aaa", "…", "another value"]),
    "long word that is not an override": (["a" * 5000], ["'aaa", "…", "key=value"]),
    "sweep of long nonsense": (["method=" + "a," * 5000], ["method=a,a,", "…", "key=value"]),
    "folder whose name is too long": (
        ["runs_root=" + "a" * 5000],
        ["name too long", "DDBENCH_RUNS"],
    ),
    "brackets without end": (["ipc=" + "[" * 300 + "]" * 300], ["ipc=[[[", "…", "20 levels"]),
    "brackets without end in a setting": (
        ["budget.networks=" + "[" * 300 + "]" * 300],
        ["budget.networks=[[[", "20 levels"],
    ),
    "tables without end": (["protocols=" + "{a: " * 30 + "1" + "}" * 30], ["20 levels"]),
    "brackets by the thousand": (["ipc=" + "[" * 9000 + "]" * 9000], ["key=value"]),
    "sign that cannot be seen": (["control=\u202e"], [r"'control=\u202e'", "key=value"]),
    "sign of a terminal": (["control=\x1b[0m"], [r"'control=\x1b[0m'", "key=value"]),
    "setting of Hydra without -m": (["hydra.foo=1"], ["hydra.foo"]),
    "unknown setting of Hydra": (["-m", "hydra.foo=1"], ["hydra.foo"]),
    "unknown name in a sweep": (["-m", "method=random,amp"], ["'amp'", "apm"]),
    "wrong type in a sweep": (["-m", "seed=1,ten"], ["seed", "'ten'"]),
    "word for images in a sweep": (["-m", "ipc=1,max,ten"], ["ipc='ten'", "whole number"]),
    "no images of a class in a sweep": (["-m", "ipc=1,[2,0]"], ["ipc=[2,0]", "at least 1"]),
}

OTHER_VERBS = {
    "unknown option of the command": (["--verison"], ["'--verison'", "--version"]),
    "show with a setting of Hydra": (["show", "hydra.job.name=x"], ["hydra.job.name=x", "-m"]),
    "prepare with a source": (["prepare", "digits", "source=x"], ["source", "nas_bench_201"]),
    "prepare with an unknown setting": (
        ["prepare", "image_folder", "--dataset.pth=x"],
        ["'dataset.pth'", "dataset.path"],
    ),
    "unknown verb": (["rnu"], ["'rnu'", "run"]),
    "show of an unknown key": (["show", "sed=1"], ["'sed'", "seed"]),
    "show of a whitening larger than the machine": (
        ["show", "dataset=imagenet", "dataset.resolution=1024", "input_space=zca_relative"],
        ["3x1024x1024", "GB", "input_space=normalised"],
    ),
    "show of a sweep": (["show", "-m"], ["'-m'"]),
    "list of nothing": (
        ["list"],
        [
            "methods, datasets, evaluators, models, importers, exporters, trackers, protocols",
            "runs",
        ],
    ),
    "list of one thing": (["list", "method"], ["'method'", "methods"]),
    "list of too much": (["list", "methods", "a", "b"], ["a pattern"]),
    "list with an unknown option": (["list", "runs", "root=x"], ["'root'", "runs_root"]),
    "list of methods in a folder": (["list", "methods", "runs_root=x"], ["runs_root", "list runs"]),
    "prepare of nothing": (["prepare"], ["ddbench prepare cifar10"]),
    "prepare of an unknown dataset": (["prepare", "cifar"], ["'cifar'", "cifar10"]),
    "prepare with an unknown option": (["prepare", "digits", "root=x"], ["'root'", "data_root"]),
    "prepare in a file": (["prepare", "digits", "data_root=TMP/file"], ["TMP/file", "data_root="]),
    "evaluate of nothing": (["evaluate"], ["ddbench evaluate set.safetensors"]),
    "evaluate of two": (["evaluate", "a", "b"], ["ddbench evaluate set.safetensors"]),
    "evaluate with an unknown option": (
        ["evaluate", "TMP/file", "--lik", "dm"],
        ["'--lik'", "did you mean --like?"],
    ),
    "import with an unknown option": (
        ["import", "TMP/file", "-o", "TMP/x", "--dataste=digits"],
        ["'--dataste'", "did you mean --dataset"],
    ),
    "evaluate of an empty word": (["evaluate", ""], ["empty argument: ddbench evaluate FILE"]),
    "evaluate of a file and a deletion": (
        ["evaluate", "TMP/file", "~budget"],
        ["one file", "not 'TMP/file', '~budget'"],
    ),
    "evaluate of how a set is made": (
        ["evaluate", "TMP/file", "+method.rate=1"],
        ["method.rate: the set is made already"],
    ),
    "evaluate of an experiment": (
        ["evaluate", "TMP/file", "experiment=apm_released"],
        ["experiment: the set is made already"],
    ),
    "import over what is read": (
        ["import", "TMP/file", "-o", "TMP/bad/../file"],
        ["TMP/bad/../file is the input file"],
    ),
    "import into a folder": (["import", "TMP/file", "-o", "TMP"], ["TMP is a folder, not a file"]),
    "import into a name that is too long": (
        ["import", "TMP/file", "-o", "TMP/" + "a" * 300],
        ["cannot write to TMP", "name too long", "-o FILE"],
    ),
    "export over what is read": (
        ["export", "TMP/file", "--to", "npz", "-o", "TMP/file"],
        ["TMP/file is the input file"],
    ),
    "picture over what is read": (
        ["inspect", "TMP/file", "picture=TMP/file"],
        ["TMP/file is the input file"],
    ),
    "whitening of a dataset that there is not": (
        ["inspect", "TMP/file", "picture=TMP/x.png", "dataset=digit"],
        ["unknown dataset 'digit'", "digits"],
    ),
    "whitening without a picture": (["inspect", "TMP/file", "dataset=digits"], ["picture="]),
    "regress of no checkout": (["regress", "repository=TMP/none"], ["TMP/none: no such folder"]),
    "released sets of nowhere": (
        ["run", "experiment=released_sets", "folder="],
        ["experiment=released_sets", "folder=FOLDER"],
    ),
    "released sets of another dataset": (
        ["run", "experiment=released_sets", "folder=TMP", "dataset=digits"],
        ["dataset: experiment=released_sets scores several sets"],
    ),
    "released sets with an unknown key": (
        ["run", "experiment=released_sets", "folder=TMP", "protocol=hard"],
        ["'protocol'", "protocols"],
    ),
    "evaluate of no file": (["evaluate", "TMP/none"], ["TMP/none", "no such file"]),
    "evaluate of a folder": (["evaluate", "TMP"], ["TMP: a folder without a set"]),
    "evaluate of another format": (["evaluate", "TMP/file"], ["TMP/file: no format that is known"]),
    "evaluate of a path with an equals sign": (
        ["evaluate", "TMP/a b=1.pt", "protocols=[hard]"],
        ["TMP/a b=1.pt", "no such file"],
    ),
    "inspect of a path with an equals sign": (["inspect", "TMP/a=1.pt"], ["TMP/a=1.pt: no such"]),
    "leaderboard of nothing": (["leaderboard"], ["leaderboards/results", "no such folder"]),
    "leaderboard of a file": (["leaderboard", "TMP/file"], ["TMP/file", "no such folder"]),
    "leaderboard of no records": (["leaderboard", "TMP"], ["TMP", "ddbench submit RUN"]),
    "leaderboard of two": (["leaderboard", "a", "b"], ["one folder"]),
    "leaderboard with an unknown option": (["leaderboard", "out=x"], ["'out'", "repository"]),
    "leaderboard that is maybe checked": (["leaderboard", "check=maybe"], ["check=maybe", "true"]),
    "evaluate of a name that is too long": (["evaluate", "a" * 5000], ["aaa", "name too long"]),
    "inspect of a name that is too long": (["inspect", "a" * 5000], ["name too long"]),
    "export of a name that is too long": (
        ["export", "a" * 5000, "--to", "npz", "-o", "TMP/x.npz"],
        ["aaa", "no such file"],
    ),
    "submit of a name that is too long": (["submit", "a" * 5000], ["aaa…", "ddbench list runs"]),
    "submit of nothing": (["submit"], ["ddbench submit runs/"]),
    "submit of no run": (["submit", "TMP/none"], ["TMP/none", "ddbench list runs"]),
    "submit of an unfinished run": (["submit", "TMP/bad"], ["TMP/bad", "has the run ended?"]),
    "submit of a file that is not a record": (["submit", "TMP/file"], ["TMP/file", "not JSON"]),
    "submit of a set": (["submit", "TMP/file"], ["a record is the file record.json of a run"]),
    "submit with an option of no value": (["submit", "a", "--distilled"], ["distilled=VALUE"]),
    "regress with a word": (["regress", "apm"], ["'apm'", "--reason TEXT"]),
    "regress with an unknown option": (["regress", "--updte"], ["'--updte'", "--update"]),
    "submit with an unknown option": (["submit", "a", "repo=x"], ["'repo'", "repository"]),
}


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "file").write_text("a file")
    batches = tmp_path / "bad" / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    for name in [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta"]:
        (batches / name).write_bytes(b"not what it should be")
    return tmp_path


def in_folder(words, folder):
    return [word.replace("TMP", str(folder)) for word in words]


@pytest.mark.parametrize(("words", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_run_ends_with_status_2_and_one_line(
    words, told, run_tiny, disk, left_behind
):
    answer = run_tiny(*in_folder(words, disk))
    for part in in_folder(told, disk):
        assert part in answer.complaint
    assert "Traceback" not in answer.out
    assert left_behind() == []
    assert list(disk.glob("runs/*/record.json")) == []
    assert (disk / "file").read_text() == "a file"


@pytest.mark.parametrize(("words", "told"), OTHER_VERBS.values(), ids=OTHER_VERBS)
def test_a_mistake_in_another_verb_ends_with_status_2_and_one_line(words, told, command, disk):
    answer = command(*in_folder(words, disk))
    for part in in_folder(told, disk):
        assert part in answer.complaint
    assert answer.out == ""


def test_a_good_command_works_in_the_folder_of_many_mistakes(run_tiny, disk):
    for name in ("more images than a class has", "unknown method", "model too deep"):
        assert run_tiny(*in_folder(MISTAKES[name][0], disk)).status == 2
    assert run_tiny().status == 0


def test_names_with_quotes_and_spaces_and_dollars_are_folders_like_any_other(run_tiny, tmp_path):
    folder = tmp_path / "it's ${here}, [really]"
    written = str(folder).replace("'", "\\'").replace("${", "\\${")
    assert run_tiny(f"runs_root='{written}'").status == 0
    assert len(list(folder.glob("random-digits-*/record.json"))) == 1
