"""Posts to an archive with the original Python client, reads everything back
with it, and prints what it saw as JSON. Runs on Python 2 and 3.

usage: talk.py URL USER KEY
"""
import json
import sys

from esmond_client.perfsonar.post import EventTypeBulkPost, EventTypePost, MetadataPost
from esmond_client.perfsonar.query import ApiFilters

import seen

url, user, key = sys.argv[1:4]
login = {'username': user, 'api_key': key}

post = MetadataPost(url, subject_type='point-to-point', source='10.10.0.1',
                    destination='10.10.0.2', tool_name='bwctl/iperf3',
                    measurement_agent='10.10.0.2', input_source='host1',
                    input_destination='host2', time_duration=30,
                    ip_transport_protocol='tcp', **login)
for event_type in ['throughput', 'time-error-estimates', 'histogram-ttl', 'packet-loss-rate', 'failures']:
    post.add_event_type(event_type)
post.add_summary_type('packet-count-sent', 'aggregation', [3600, 86400])
post.add_freeform_key_value('bw-parallel-streams', 4)
created = post.post_metadata()

single = EventTypePost(url, metadata_key=created.metadata_key, event_type='throughput', **login)
single.add_data_point(1397075053, 23)
single.add_data_point(1397075113, 55)
single.post_data()

bulk = EventTypeBulkPost(url, metadata_key=created.metadata_key, **login)
for ts, sent in [(1397075053, 600), (1397075113, 599), (1397078713, 10)]:
    bulk.add_data_point('packet-count-sent', ts, sent)
    bulk.add_data_point('time-error-estimates', ts, sent / 1000.0)
    bulk.add_data_point('packet-loss-rate', ts, {'numerator': 600 - sent, 'denominator': 600})
    bulk.add_data_point('histogram-ttl', ts, {'28': sent})
    bulk.add_data_point('failures', ts, {'error': u'h\u00f4te inconnu'})
bulk.post_data()

filters = ApiFilters()
filters.source = '10.10.0.1'
filters.tool_name = 'bwctl/iperf3'
filters.time_start = 1397075000
filters.time_end = 4070908800

found = seen.tests(url, filters)
for test in found:
    test['created'] = test.pop('metadata_key') == created.metadata_key
print(json.dumps(found))
