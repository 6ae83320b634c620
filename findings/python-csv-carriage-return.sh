#!/usr/bin/env bash
# csv.writer with lineterminator="\n" leaves a cell that holds a carriage return without quotes, and readers end the row there.
#
# Seen with CPython 3.11.7. Valid input: a cell "a\rb", which RFC 4180 wants in quotes; the writer quotes it with its
# default line end ("\r\n"), but with "\n" (the usual advice for Unix files) it writes it bare. Python's own reader, with
# newline="" as its documentation asks, then returns two rows for one, and pandas 2.2.3 refuses the file:
#   written   b'a\rb,1\n'
#   csv       [['a'], ['b', '1']]
#   pandas    ParserError: Expected 1 fields in line 2, saw 2
# Way round: write with "\r\n" and cut the carriage return at each line's end. Exits 1 when the writer quotes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==2.2.3
"$folder/venv/bin/python" - <<'PY'
import csv, io, sys
import pandas

text = io.StringIO()
csv.writer(text, lineterminator="\n").writerow(["a\rb", 1])
print("python ", sys.version.split()[0])
print("written", text.getvalue().encode())
rows = list(csv.reader(io.StringIO(text.getvalue(), newline="")))
print("csv    ", rows)
try:
    print("pandas ", pandas.read_csv(io.StringIO(text.getvalue(), newline=""), header=None).values.tolist())
except pandas.errors.ParserError as error:
    print("pandas ", type(error).__name__, error)
default = io.StringIO()
csv.writer(default).writerow(["a\rb", 1])
assert default.getvalue() == '"a\rb",1\r\n'
sys.exit(rows == [["a\rb", "1"]])
PY
