"""The command line: `ddbench VERB …`."""
