"""`ddbench completion`: what the TAB key of a shell completes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from ..errors import unknown_name
from .parser import VerbParser, one_is_needed

SUMMARY = "let the TAB key of bash or zsh complete verbs, options, keys and names"
SCRIPT = """\
_ddbench() {
    local IFS=$'\\n'
    COMPREPLY=($(ddbench completion line="${COMP_LINE:0:$COMP_POINT}" 2>/dev/null))
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -F _ddbench ddbench
"""
SCRIPTS = {"bash": SCRIPT, "zsh": f"autoload -U +X bashcompinit && bashcompinit\n{SCRIPT}"}


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = "ddbench completion bash|zsh"
    parser.description = "Prints a script for the shell, which asks ddbench when TAB is pressed."
    parser.epilog = """\
examples
  ddbench completion bash
  ddbench completion zsh

in ~/.bashrc
  eval "$(ddbench completion bash)"
"""
    parser.words("SHELL", "bash or zsh")
    parser.option("line", "TEXT", "complete the last word of a command line (for the script)")
    parser.set_defaults(work=completion)


def completion(given: Namespace) -> int:
    """Print the script, or the completions of a line's last word."""
    if given.line is not None:
        from .completions import completions

        _print(completions(given.line))
        return 0
    if len(given.words) != 1:
        raise one_is_needed("completion", "bash or zsh", given.words)
    if given.words[0] not in SCRIPTS:
        raise unknown_name("shell", given.words[0], SCRIPTS)
    print(SCRIPTS[given.words[0]], end="")
    return 0


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)
