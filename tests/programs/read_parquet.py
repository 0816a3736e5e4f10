"""Reads Parquet files with pyarrow and with DuckDB, and prints what they hold as JSON
lines: columns with types and units, row groups, compression, and the rows of either.

usage: read_parquet.py FILE...
"""
import datetime
import json
import sys

import duckdb
import pyarrow.parquet


def plain(value):
    if isinstance(value, datetime.datetime):
        assert value.utcoffset() == datetime.timedelta(0), value
        return value.strftime('%Y-%m-%d %H:%M:%S')
    return value


connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
for name in sys.argv[1:]:
    file = pyarrow.parquet.ParquetFile(name)
    schema = file.schema_arrow
    table = file.read()
    # Moments become numbers before DuckDB gives them to Python, for which it would
    # want pytz.
    asked = connection.execute(
        "SELECT * REPLACE (epoch_ms(timestamp) AS timestamp) FROM read_parquet(?)", [name])
    names = [column[0] for column in asked.description]
    duck = [dict(zip(names, row)) for row in asked.fetchall()]
    for row in duck:
        time = datetime.datetime.fromtimestamp(row['timestamp'] / 1000, datetime.timezone.utc)
        row['timestamp'] = plain(time)
    print(json.dumps({
        'columns': [[field.name, str(field.type), (field.metadata or {}).get(b'unit', b'').decode()]
                    for field in schema],
        'compression': file.metadata.row_group(0).column(0).compression,
        'arrow': [{key: plain(value) for key, value in row.items()} for row in table.to_pylist()],
        'duckdb': duck,
    }))
