"""What the original Python client sees of an archive. Runs on Python 2 and 3."""
from esmond_client.perfsonar.query import ApiConnect


def points(series):
    return [[point.ts_epoch, point.val] for point in series.get_data().data]


def tests(url, filters):
    """Returns the tests that filters find, with all of their data."""
    seen = []
    for test in ApiConnect(url, filters).get_metadata():
        series = {}
        for event_type in test.get_all_event_types():
            series[event_type.event_type] = points(event_type)
            for summary in event_type.get_all_summaries():
                name = '%s/%s/%s' % (event_type.event_type, summary.summary_type, summary.summary_window)
                series[name] = points(summary)
        seen.append({
            'metadata_key': test.metadata_key,
            'source': test.source,
            'destination': test._data.get('destination'),
            'measurement_agent': test.measurement_agent,
            'input_source': test.input_source,
            'tool_name': test.tool_name,
            'time_duration': test.time_duration,
            'subject_type': test.subject_type,
            'event_types': test.event_types,
            'series': series,
        })
    return seen
