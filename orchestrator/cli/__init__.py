"""The command line: parses, prints and exits."""
