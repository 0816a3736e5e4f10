"""Reads everything of a time from an archive with the original Python client,
and prints what it saw as JSON. Runs on Python 2 and 3.

usage: read.py URL START END
"""
import json
import sys

from esmond_client.perfsonar.query import ApiFilters

import seen

url, start, end = sys.argv[1:4]
filters = ApiFilters()
filters.time_start = int(start)
filters.time_end = int(end)
print(json.dumps(seen.tests(url, filters)))
