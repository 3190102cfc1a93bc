"""Reads an exposition from stdin by Prometheus' own parser in Python, and prints its samples as JSON."""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

families = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    families[family.name] = [family.type, family.documentation, [[s.name, s.labels, s.value] for s in family.samples]]
print(json.dumps(families))
