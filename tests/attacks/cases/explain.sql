# (all kinds)
EXPLAIN SELECT id FROM {t}.people
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

# (all kinds)
EXPLAIN VERBOSE SELECT email FROM {t}.people WHERE id = 4
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

# (all kinds)
EXPLAIN (ANALYZE) SELECT id FROM {t}.people WHERE amount > 5
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

EXPLAIN ANALYZE SELECT count(*) FROM {t}.orders
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.orders  (source {t}, a kind of source)
  Policies apply

EXPLAIN ANALYZE VERBOSE SELECT count(*) FROM {t}.orders
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.orders  (source {t}, a kind of source)
  Policies apply

EXPLAIN (FORMAT JSON) SELECT id FROM {t}.people
----
[\n  {\n    "Plan": {\n      "Node Type": "Result",\n      "Plans": [\n        {\n          "Node Type": "Foreign Scan",\n          "Schema": "{t}",\n          "Relation Name": "people"\n        }\n      ]\n    },\n    "Engine Plan": [\n      "The plan is shown to roles that see all of the tables."\n    ],\n    "Fragments": [\n      {\n        "Table": "{t}.people",\n        "Source": "{t}",\n        "Policies": true\n      }\n    ]\n  }\n]

EXPLAIN (FORMAT JSON, ANALYZE, VERBOSE) SELECT id FROM {t}.people
----
[\n  {\n    "Plan": {\n      "Node Type": "Result",\n      "Plans": [\n        {\n          "Node Type": "Foreign Scan",\n          "Schema": "{t}",\n          "Relation Name": "people"\n        }\n      ]\n    },\n    "Engine Plan": [\n      "The plan is shown to roles that see all of the tables."\n    ],\n    "Fragments": [\n      {\n        "Table": "{t}.people",\n        "Source": "{t}",\n        "Policies": true\n      }\n    ]\n  }\n]

EXPLAIN (FORMAT YAML) SELECT id FROM {t}.people
----
- Plan: \n    Node Type: "Result"\n    Plans: \n      - Node Type: "Foreign Scan"\n        Schema: "{t}"\n        Relation Name: "people"\n  Engine Plan: \n    - "The plan is shown to roles that see all of the tables."\n  Fragments: \n    - Table: "{t}.people"\n      Source: "{t}"\n      Policies: true

EXPLAIN (FORMAT XML) SELECT id FROM {t}.people
----
<explain xmlns="http://www.postgresql.org/2009/explain">\n  <Query>\n    <Plan>\n      <Node-Type>Result</Node-Type>\n      <Plans>\n        <Plan>\n          <Node-Type>Foreign Scan</Node-Type>\n          <Schema>{t}</Schema>\n          <Relation-Name>people</Relation-Name>\n        </Plan>\n      </Plans>\n    </Plan>\n    <Engine-Plan>\n      <Item>The plan is shown to roles that see all of the tables.</Item>\n    </Engine-Plan>\n    <Fragments>\n      <Item>\n        <Table>{t}.people</Table>\n        <Source>{t}</Source>\n        <Policies>true</Policies>\n      </Item>\n    </Fragments>\n  </Query>\n</explain>

EXPLAIN (FORMAT TREE, ANALYZE) SELECT id FROM {t}.people
----
Result
└─ Foreign Scan on {t}.people

EXPLAIN (FORMAT MERMAID, ANALYZE) SELECT id FROM {t}.people
----
flowchart BT\n  n0["Result"]\n  n1["Foreign Scan on {t}.people"]\n  n1 --> n0

EXPLAIN (COSTS ON, SETTINGS, BUFFERS OFF) SELECT id FROM {t}.people
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) SELECT id FROM {t}.people
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

EXPLAIN (GENERIC_PLAN) SELECT id FROM {t}.people WHERE id = $1
----
ERROR 0A000: EXPLAIN option GENERIC_PLAN is not supported for a statement with parameters that no server answers alone
  DETAIL: It is planned for the values of its parameters, each time it is executed.
  HINT: PREPARE the statement, and use EXPLAIN EXECUTE with values.

EXPLAIN SELECT salary FROM {t}.people
----
ERROR 42703: column "salary" does not exist

EXPLAIN SELECT * FROM {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

EXPLAIN SELECT * FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

EXPLAIN ANALYZE SELECT 1 / (amount - {common}) FROM {t}.people
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

EXPLAIN ANALYZE SELECT CAST(code AS integer) FROM {t}.people WHERE CAST(code AS integer) > 0
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

EXPLAIN SELECT n.id FROM {t}.notes n JOIN {t}.people p ON p.id = n.id
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.notes  (source {t}, a kind of source)
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

EXPLAIN SELECT n.id FROM {t}.notes n WHERE n.id IN (SELECT id FROM {t}.people)
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.notes  (source {t}, a kind of source)
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

EXPLAIN SELECT n.id FROM {t}.notes n, {t}.vault v
----
ERROR 42P01: relation "{t}.vault" does not exist

EXPLAIN EXECUTE x
----
ERROR 26000: prepared statement "x" does not exist

EXPLAIN DECLARE c CURSOR FOR SELECT id FROM {t}.people
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

EXPLAIN CREATE TABLE x AS SELECT * FROM {t}.people
----
ERROR 0A000: EXPLAIN CREATE is not supported

EXPLAIN DELETE FROM {t}.people
----
ERROR 0A000: EXPLAIN DELETE is not supported

EXPLAIN ANALYZE UPDATE {t}.people SET name = 'x'
----
ERROR 0A000: EXPLAIN UPDATE is not supported

EXPLAIN (ANALYZE, FORMAT TEXT) WITH x AS (SELECT * FROM {t}.orders) SELECT * FROM x
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.orders  (source {t}, a kind of source)
  Policies apply

EXPLAIN EXPLAIN SELECT id FROM {t}.people
----
ERROR 42601: syntax error at or near "EXPLAIN"

EXPLAIN (VERBOSE) VALUES ((SELECT max(id) FROM {t}.people))
----
ERROR 0A000: this form of query is not supported on lake tables

eve: EXPLAIN SELECT id FROM {t}.people
----
ERROR 42P01: relation "{t}.people" does not exist

eve: EXPLAIN SELECT id FROM {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

tina extended: EXPLAIN (VERBOSE, FORMAT JSON) SELECT card FROM {t}.orders
----
[\n  {\n    "Plan": {\n      "Node Type": "Result",\n      "Plans": [\n        {\n          "Node Type": "Foreign Scan",\n          "Schema": "{t}",\n          "Relation Name": "orders"\n        }\n      ]\n    },\n    "Engine Plan": [\n      "The plan is shown to roles that see all of the tables."\n    ],\n    "Fragments": [\n      {\n        "Table": "{t}.orders",\n        "Source": "{t}",\n        "Policies": true\n      }\n    ]\n  }\n]

tina binary: EXPLAIN SELECT card FROM {t}.orders
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.orders  (source {t}, a kind of source)
  Policies apply

EXPLAIN POLICY FOR tina ON {t}.people
----
ERROR 42501: must be owner of table people

CHECK ACCESS FOR ada ON {t}.people
----
ERROR 42501: must be owner of table people

EXPLAIN SELECT member FROM crm.members
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan crm.members  (source crm, a kind of source)
  Policies apply

SET explain.policies = off;
EXPLAIN SELECT id FROM {t}.people
----
(SET)
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

# Files lie in folders with the names of a column that is not granted; there are other folders in the other world (all kinds)
EXPLAIN SELECT id, label FROM {t}.places
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.places  (source {t}, a kind of source)
  Some columns may not be read

# (all kinds)
EXPLAIN (ANALYZE, VERBOSE) SELECT count(*) FROM {t}.places WHERE id > 3
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.places  (source {t}, a kind of source)
  Some columns may not be read

# (all kinds)
EXPLAIN (FORMAT JSON, VERBOSE) SELECT p.label FROM {t}.places p JOIN {t}.notes n ON n.id = p.id
----
[\n  {\n    "Plan": {\n      "Node Type": "Result",\n      "Plans": [\n        {\n          "Node Type": "Foreign Scan",\n          "Schema": "{t}",\n          "Relation Name": "notes"\n        },\n        {\n          "Node Type": "Foreign Scan",\n          "Schema": "{t}",\n          "Relation Name": "places"\n        }\n      ]\n    },\n    "Engine Plan": [\n      "The plan is shown to roles that see all of the tables."\n    ],\n    "Fragments": [\n      {\n        "Table": "{t}.notes",\n        "Source": "{t}",\n        "Policies": false\n      },\n      {\n        "Table": "{t}.places",\n        "Source": "{t}",\n        "Policies": false\n      }\n    ]\n  }\n]

# A policy that looks into another table does not say so
EXPLAIN SELECT o.id FROM {t}.orders o JOIN {t}.notes n ON n.id = o.id
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.notes  (source {t}, a kind of source)
Scan {t}.orders  (source {t}, a kind of source)
  Policies apply

# Who bypasses row security and may not read all columns
aud: EXPLAIN SELECT id FROM {t}.people WHERE id > 1000
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Some columns may not be read
