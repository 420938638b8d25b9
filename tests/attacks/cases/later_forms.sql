# frames, keys and lists of aliases over rows of which others are hidden
SELECT id, sum(amount) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) FROM {t}.people ORDER BY id
----
1 | 50
2 | 40
3 | 30

SELECT id, sum(amount) OVER (ORDER BY amount ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP) FROM {t}.people ORDER BY id
----
1 | 20
2 | 40
3 | 20

SELECT id FROM {t}.people ORDER BY to_jsonb(amount) DESC
----
3
2
1

SELECT max(amount::numeric::money), count(DISTINCT tenant), sum(amount::numeric(9,2)) FROM {t}.people HAVING sum(amount::numeric(9,2)) > 1
----
$30.00 | 1 | 60.00

SELECT id, count(*) OVER (ORDER BY tenant GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP) FROM {t}.people ORDER BY id
----
1 | 0
2 | 0
3 | 0

SELECT id, count(*) OVER (ORDER BY amount RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) FROM {t}.people ORDER BY id
----
1 | 3
2 | 3
3 | 3

SELECT id, array_agg(name) OVER (ORDER BY amount DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) FROM {t}.people ORDER BY id
----
1 | {NVIS-Ben}
2 | {NVIS-Cleo}
3 | NULL

SELECT id, max(email) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) FROM {t}.people ORDER BY id
----
1 | z***
2 | y***
3 | z***

SELECT id, first_value(1 / (amount - 777010004)) OVER (ORDER BY amount DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM {t}.people ORDER BY id
----
1 | 0
2 | 0
3 | 0

SELECT id, avg(salary) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM {t}.people
----
ERROR 42703: column "salary" does not exist

SELECT id, rank() OVER (ORDER BY balance) FROM {t}.people ORDER BY id
----
1 | 1
2 | 1
3 | 1

SELECT id FROM {t}.people ORDER BY rank() OVER (ORDER BY leak_extra), id
----
ERROR 42703: column "leak_extra" does not exist

SELECT DISTINCT ON (p.email) p.id FROM {t}.people p ORDER BY p.email, p.id
----
3
1
2

SELECT DISTINCT ON ((SELECT count(*) FROM {t}.people q WHERE q.amount > p.amount)) p.id, p.amount FROM {t}.people p ORDER BY (SELECT count(*) FROM {t}.people q WHERE q.amount > p.amount), p.id
----
3 | 30
2 | 20
1 | 10

SELECT DISTINCT ON (1 / (amount - 777010004)) id FROM {t}.people ORDER BY 1 / (amount - 777010004), id
----
1

SELECT DISTINCT ON (salary) id FROM {t}.people
----
ERROR 42703: column "salary" does not exist

SELECT DISTINCT ON (tenant) * FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT a, b FROM {t}.people AS p (a, b) ORDER BY 1
----
1 | north
2 | north
3 | north

SELECT c FROM {t}.people AS p (a, b, c, d, e, f, g, h, i) ORDER BY a
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo

SELECT i FROM {t}.people AS p (a, b, c, d, e, f, g, h, i, j, k)
----
ERROR 42703: column "i" does not exist

SELECT a FROM {t}.people AS p (a, b, c, d, e, f, g, h, i, j, k, l)
----
ERROR 42P10: table "p" has 11 columns available but 12 columns specified

SELECT salary FROM {t}.people AS p (salary)
----
ERROR 42702: column reference "salary" is ambiguous

SELECT salary, b FROM {t}.people AS p (salary, b) ORDER BY salary
----
ERROR 42702: column reference "salary" is ambiguous

SELECT p.* FROM {t}.people AS p (a)
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT q.a FROM (SELECT id, amount FROM {t}.people) AS q (a, b) WHERE q.b > 777000000
----
(SELECT 0)

SELECT q.a FROM (SELECT id, leak_extra FROM {t}.people) AS q (a, b)
----
ERROR 42703: column "leak_extra" does not exist

SELECT j.a FROM ({t}.people p JOIN {t}.notes n ON n.id = p.id) AS j (a)
----
1
2
3

SELECT x.id FROM {t}.notes x CROSS JOIN LATERAL (SELECT p.amount FROM {t}.people p WHERE p.id = x.id) AS l (v) WHERE l.v > 0 ORDER BY 1
----
1
2
3

# conditions of outer joins with queries in them
SELECT n.id, p.id FROM {t}.notes n LEFT JOIN {t}.people p ON n.id = p.id AND EXISTS (SELECT 1 FROM {t}.people q WHERE q.amount > 777000000) ORDER BY 1
----
1 | NULL
2 | NULL
3 | NULL
4 | NULL
5 | NULL

SELECT n.id, p.name FROM {t}.notes n LEFT JOIN {t}.people p ON n.id = p.id AND p.amount IN (SELECT q.amount FROM {t}.people q) ORDER BY 1
----
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo
4 | NULL
5 | NULL

SELECT n.id, p.name FROM {t}.people p RIGHT JOIN {t}.notes n ON n.id = p.id AND (SELECT max(q.amount) FROM {t}.people q) > 100 ORDER BY 1
----
1 | NULL
2 | NULL
3 | NULL
4 | NULL
5 | NULL

SELECT n.id, p.name FROM {t}.notes n FULL JOIN {t}.people p ON n.id = p.id AND NOT EXISTS (SELECT 1 FROM {t}.people q WHERE q.tenant <> 'north') ORDER BY 1, 2
----
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo
4 | NULL
5 | NULL

SELECT n.id, p.id FROM {t}.notes n LEFT JOIN {t}.people p ON n.id = p.id AND 1 / (p.amount - 777010004) = 0 ORDER BY 1
----
1 | 1
2 | 2
3 | 3
4 | NULL
5 | NULL

SELECT n.id, p.id FROM {t}.notes n LEFT JOIN {t}.people p ON n.id = p.id AND EXISTS (SELECT 1 FROM {t}.people q WHERE 1 / (q.amount - 777010004) = 5) ORDER BY 1
----
1 | NULL
2 | NULL
3 | NULL
4 | NULL
5 | NULL

SELECT n.id FROM {t}.notes n LEFT JOIN {t}.people p ON n.id = p.id AND p.salary > 0
----
ERROR 42703: column "salary" does not exist

SELECT n.id FROM {t}.notes n LEFT JOIN {t}.people p ON EXISTS (SELECT FROM {t}.people q WHERE q.salary > n.id)
----
ERROR 42703: column "salary" does not exist

SELECT n.id, o.card FROM {t}.notes n LEFT JOIN {t}.orders o ON o.id = n.id AND o.card LIKE '%LEAK%' ORDER BY 1
----
1 | NULL
2 | NULL
3 | NULL
4 | NULL
5 | NULL

SELECT count(*) FROM {t}.notes n LEFT JOIN {t}.people p ON true LEFT JOIN {t}.people q ON q.id = p.id AND q.email = ANY (SELECT r.email FROM {t}.people r)
----
15

# samples
SELECT count(*) FROM {t}.people TABLESAMPLE BERNOULLI (100)
----
3

SELECT count(*) FROM {t}.people TABLESAMPLE SYSTEM (100) WHERE 1 / (amount - 777010004) = 0
----
3

SELECT salary FROM {t}.people TABLESAMPLE SYSTEM (100)
----
ERROR 42703: column "salary" does not exist

SELECT sum(salary) FROM {t}.people p TABLESAMPLE SYSTEM (100)
----
ERROR 42703: column "salary" does not exist

SELECT id FROM {t}.people TABLESAMPLE SYSTEM ((SELECT max(amount) + 70 FROM {t}.people)) ORDER BY id
----
1
2
3

SELECT id FROM {t}.people TABLESAMPLE SYSTEM (100) REPEATABLE ((SELECT count(salary) FROM {t}.people)) ORDER BY id
----
ERROR 0A000: this form of query is not supported on lake tables

SELECT a, b FROM {t}.people AS p (a, b) TABLESAMPLE SYSTEM (100)
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT row_to_json(p) FROM {t}.people p TABLESAMPLE SYSTEM (100)
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT (p).id FROM {t}.people p TABLESAMPLE SYSTEM (100) ORDER BY 1
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT (p).salary FROM {t}.people p TABLESAMPLE SYSTEM (100)
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT p.* FROM {t}.people p TABLESAMPLE SYSTEM (100)
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT count(p) FROM {t}.people p TABLESAMPLE SYSTEM (100)
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT p IS NULL FROM {t}.people p TABLESAMPLE SYSTEM (100)
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

TABLE {t}.people TABLESAMPLE SYSTEM (100)
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT id FROM {t}.places TABLESAMPLE SYSTEM (100) ORDER BY id LIMIT 2
----
1
2

SELECT site FROM {t}.places TABLESAMPLE SYSTEM (100)
----
ERROR 42703: column "site" does not exist

SELECT secret FROM {t}.vault TABLESAMPLE SYSTEM (100)
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT tableoid FROM {t}.people TABLESAMPLE SYSTEM (100)
----
ERROR 42703: column "tableoid" does not exist

SELECT EXISTS (SELECT * FROM {t}.people p TABLESAMPLE SYSTEM (100) WHERE tenant <> 'north')
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT p.id FROM {t}.people p TABLESAMPLE SYSTEM (100) JOIN {t}.notes USING (id) ORDER BY 1
----
1
2
3

SELECT q.* FROM (SELECT id FROM {t}.people TABLESAMPLE SYSTEM (100)) q ORDER BY 1
----
1
2
3

# hints
/*+ SeqScan(people) Rows(p o *1000) Set(row_security off) */ SELECT count(*) FROM {t}.people p JOIN {t}.orders o ON p.id = o.person_id
----
INFO 00000: hint is not used: SeqScan(people)
  DETAIL: How a table is read is its source's to say.
INFO 00000: hint is not used: Set(row_security off)
  DETAIL: Plans of the gateway do not depend on this setting.
4

/*+ Leading((p o)) NestLoop(p o) */ SELECT p.id FROM {t}.people p JOIN {t}.orders o ON p.id = o.person_id AND 1 / (o.price - 7770002) <> 3 ORDER BY 1
----
1
1
1
1

/*+ Rows(p #0) */ EXPLAIN SELECT count(*) FROM {t}.people p
----
INFO 00000: hint syntax error at or near "Rows(p #0)"
  DETAIL: Rows hint requires at least two relations.
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

/*+ Rows(p o #777) */ EXPLAIN VERBOSE SELECT count(*) FROM {t}.people p JOIN {t}.orders o ON p.id = o.person_id
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.orders  (source {t}, a kind of source)
  Policies apply
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

/*+ Set(lakegate.result_cache off) Set(lakegate.pushdown off) */ SELECT count(*) FROM {t}.people
----
3

/*+ Set(search_path leak) */ SELECT count(*) FROM {t}.people
----
INFO 00000: hint is not used: Set(search_path leak)
  DETAIL: Plans of the gateway do not depend on this setting.
3

SELECT lakegate.pin_plan('SELECT count(*) FROM {t}.people p JOIN {t}.orders o ON p.id = o.person_id', 'Leading((p o))')
----
ERROR 42501: permission denied for table orders
  DETAIL: To pin a plan takes the privilege MAINTAIN on each table of the statement.

SELECT lakegate.pin_plan('SELECT secret FROM {t}.vault', '')
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT lakegate.unpin_plan('SELECT secret FROM {t}.vault')
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT count(*) FROM lakegate.pinned_plans
----
0

# what plans, advice, history and answers of others tell
SELECT count(*) FROM lakegate.advice WHERE advice::text LIKE '%people%'
----
0

SELECT count(*) FROM lakegate.statement_history WHERE query LIKE '%LEAK%'
----
0

SELECT count(*) FROM lakegate.plan_changes WHERE query LIKE '%vault%'
----
0

EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT count(*) FROM {t}.people
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

EXPLAIN (FORMAT JSON, VERBOSE) SELECT name FROM {t}.people TABLESAMPLE SYSTEM (100)
----
[\n  {\n    "Plan": {\n      "Node Type": "Result",\n      "Plans": [\n        {\n          "Node Type": "Foreign Scan",\n          "Schema": "{t}",\n          "Relation Name": "people"\n        }\n      ]\n    },\n    "Engine Plan": [\n      "The plan is shown to roles that see all of the tables."\n    ],\n    "Fragments": [\n      {\n        "Table": "{t}.people",\n        "Source": "{t}",\n        "Policies": true\n      }\n    ]\n  }\n]

EXPLAIN SELECT id, sum(amount) OVER (ORDER BY id ROWS 1 PRECEDING EXCLUDE CURRENT ROW) FROM {t}.people
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

EXPLAIN (SETTINGS) SELECT DISTINCT ON (tenant) id FROM {t}.people
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

# casts and patterns that fail on rows that are hidden
SELECT id FROM {t}.people WHERE code::integer > 100 ORDER BY id
----
1
2
3

SELECT id, code::integer FROM {t}.people ORDER BY id
----
1 | 101
2 | 102
3 | 103

SELECT id FROM {t}.people WHERE (code || '-01-01')::date IS NULL
----
(SELECT 0)

SELECT sum(code::smallint) FROM {t}.people
----
306

SELECT id FROM {t}.people WHERE amount::smallint > 5 ORDER BY id
----
1
2
3

SELECT id FROM {t}.people WHERE name ~ code ORDER BY id
----
(SELECT 0)

SELECT id FROM {t}.people WHERE regexp_like(name, code, 'i') ORDER BY id
----
(SELECT 0)

SELECT id FROM {t}.people WHERE regexp_like(code, '^LEAK', 'i')
----
(SELECT 0)

SELECT id FROM {t}.people WHERE regexp_like(email, 'leak', 'i')
----
(SELECT 0)

SELECT id FROM {t}.people WHERE email SIMILAR TO '%#LEAK%' ESCAPE '#'
----
ERROR 2201B: source "{t}" could not compute a value

SELECT id FROM {t}.people WHERE name NOT SIMILAR TO 'NVIS#-%' ESCAPE '#'
----
(SELECT 0)

SELECT id FROM {t}.people WHERE leak_extra SIMILAR TO '%' ESCAPE '#'
----
ERROR 42703: column "leak_extra" does not exist

SELECT id FROM {t}.people WHERE similar_to_escape(code, name) IS NOT NULL ORDER BY id
----
ERROR 22025: invalid escape string
  HINT: Escape string must be empty or one character.

SELECT id FROM {t}.people WHERE ('{"a": ' || code || '}')::jsonb -> 'a' IS NOT NULL ORDER BY id
----
1
2
3

SELECT id FROM {t}.people WHERE substring(name, code::integer - 100) <> '' ORDER BY id
----
1
2
3

SELECT id FROM {t}.people WHERE to_date(code, 'YYY') IS NOT NULL ORDER BY id
----
1
2
3

SELECT id FROM {t}.people WHERE repeat('x', amount::integer) <> '' ORDER BY id
----
1
2
3

SELECT id FROM {t}.people WHERE (ARRAY[1, 2, 3])[id] = 1 / nullif(amount - 777010004, 0) ORDER BY id
----
(SELECT 0)

SELECT count(*) FROM {t}.people, generate_series(1, amount) g
----
60

SELECT id FROM {t}.people WHERE joined > '1777-02-01'::date - amount::integer ORDER BY id
----
1
2
3

SELECT id, ln(777000000 - amount) > 0 FROM {t}.people ORDER BY id
----
1 | t
2 | t
3 | t

SELECT id, sqrt(500 - amount) > 0 FROM {t}.people ORDER BY id
----
1 | t
2 | t
3 | t

SELECT id FROM {t}.people ORDER BY 1 / (amount - 777010004), id
----
1
2
3

SELECT tenant, count(*) FROM {t}.people GROUP BY tenant HAVING min(1 / (amount - 777010004)) = 0
----
north | 3

SELECT id FROM {t}.people LIMIT (SELECT max(amount) FROM {t}.people) OFFSET 1
----
2
3

SELECT id FROM {t}.people UNION SELECT 1 / (amount - 777010004) FROM {t}.people ORDER BY 1
----
0
1
2
3

SELECT p.id FROM {t}.people p, {t}.people q WHERE p.id = q.id AND q.code::integer > 0 ORDER BY 1
----
1
2
3

SELECT lag(amount) OVER (ORDER BY amount) FROM {t}.people ORDER BY 1
----
10
20
NULL

SELECT percentile_disc(1.0) WITHIN GROUP (ORDER BY amount) FROM {t}.people
----
30

SELECT mode() WITHIN GROUP (ORDER BY email) FROM {t}.people
----
x***

# lists of aliases count the columns that may not be read, too
SELECT a, i FROM {t}.people AS p (a, b, c, d, e, f, g, h, i) ORDER BY a
----
ERROR 42703: column "i" does not exist

SELECT max(h), max(i) FROM {t}.people AS p (a, b, c, d, e, f, g, h, i)
----
ERROR 42703: column "i" does not exist

SELECT a, i FROM {t}.people AS p (a, b, c, d, e, f, g, h, i, j) ORDER BY a
----
ERROR 42703: column "i" does not exist

SELECT a, j FROM {t}.people AS p (a, b, c, d, e, f, g, h, i, j) ORDER BY a
----
1 | 2020-01-01
2 | 2020-01-02
3 | 2020-01-03

SELECT a, joined FROM {t}.people AS p (a, b, c) ORDER BY a
----
1 | 2020-01-01
2 | 2020-01-02
3 | 2020-01-03
