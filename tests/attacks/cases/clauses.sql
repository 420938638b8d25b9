# where a table may hide: the list of a SELECT
SELECT (SELECT max(name) FROM {t}.people) AS m
----
NVIS-Cleo

SELECT (SELECT name FROM {t}.people WHERE tenant <> 'north' LIMIT 1) IS NULL
----
t

SELECT id FROM {t}.notes WHERE id IN (SELECT id FROM {t}.people) ORDER BY id
----
1
2
3

SELECT id FROM {t}.notes WHERE EXISTS (SELECT 1 FROM {t}.people p WHERE p.tenant = 'south')
----
(SELECT 0)

SELECT count(*) FROM {t}.notes HAVING count(*) < (SELECT count(*) FROM {t}.people)
----
(SELECT 0)

SELECT id FROM {t}.notes ORDER BY (SELECT max(amount) FROM {t}.people), id
----
1
2
3
4
5

SELECT count(*) FROM {t}.notes GROUP BY (SELECT max(amount) FROM {t}.people)
----
5

SELECT id FROM {t}.notes ORDER BY id LIMIT (SELECT count(*) FROM {t}.people)
----
ERROR 0A000: a LIMIT that reads columns is not available on lake tables
  HINT: Compare row_number() with it in a derived table.

SELECT id FROM {t}.notes ORDER BY id OFFSET (SELECT count(*) FROM {t}.people)
----
ERROR 0A000: a LIMIT that reads columns is not available on lake tables
  HINT: Compare row_number() with it in a derived table.

SELECT n.id FROM {t}.notes n JOIN {t}.people p ON p.id = n.id AND p.name LIKE '%LEAK%'
----
(SELECT 0)

VALUES ((SELECT count(*) FROM {t}.people)), ((SELECT max(amount) FROM {t}.people))
----
ERROR 0A000: this form of query is not supported on lake tables

SELECT CASE WHEN EXISTS (SELECT 1 FROM {t}.people WHERE tenant = 'south') THEN 'there' ELSE 'none' END
----
none

SELECT CASE (SELECT max(id) FROM {t}.people) WHEN 3 THEN 'three' ELSE 'more' END
----
three

SELECT ARRAY(SELECT name FROM {t}.people ORDER BY id)
----
{NVIS-Ann,NVIS-Ben,NVIS-Cleo}

SELECT coalesce((SELECT name FROM {t}.people WHERE id = 4), 'nobody')
----
nobody

SELECT count(*) FILTER (WHERE id > (SELECT max(id) FROM {t}.people)) FROM {t}.notes
----
2

SELECT sum(id) OVER (ORDER BY (SELECT max(id) FROM {t}.people)) FROM {t}.notes ORDER BY 1
----
15
15
15
15
15

SELECT x FROM (SELECT name AS x FROM (SELECT * FROM {t}.orders o, LATERAL (SELECT name FROM {t}.people) z) y) w ORDER BY 1 LIMIT 20
----
NVIS-Ann
NVIS-Ann
NVIS-Ann
NVIS-Ann
NVIS-Ben
NVIS-Ben
NVIS-Ben
NVIS-Ben
NVIS-Cleo
NVIS-Cleo
NVIS-Cleo
NVIS-Cleo

TABLE {t}.orders
----
1 | 1 | north | NVIS-item-1 | ****-1001 | 1.50
4 | 1 | north | NVIS-item-4 | ****-1004 | 4.50
7 | 1 | north | NVIS-item-7 | ****-1007 | 7.50
10 | 1 | north | NVIS-item-10 | ****-1010 | 10.50

(TABLE {t}.orders) ORDER BY id LIMIT 1
----
1 | 1 | north | NVIS-item-1 | ****-1001 | 1.50

SELECT DISTINCT tenant FROM {t}.people
----
north

SELECT DISTINCT ON (tenant) tenant, id FROM {t}.people ORDER BY tenant, id DESC
----
north | 3

SELECT id FROM {t}.people FETCH FIRST 100 ROWS WITH TIES
----
ERROR 42601: WITH TIES cannot be specified without ORDER BY clause

SELECT id FROM {t}.people ORDER BY id FETCH FIRST 2 ROWS ONLY
----
1
2

SELECT id FROM {t}.people TABLESAMPLE SYSTEM (100) ORDER BY id
----
1
2
3

SELECT p.id FROM {t}.people p TABLESAMPLE BERNOULLI (100) REPEATABLE (1) ORDER BY p.id
----
1
2
3

SELECT * FROM {t}.people TABLESAMPLE SYSTEM (100)
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT p FROM {t}.people p TABLESAMPLE SYSTEM (100)
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT id FROM {t}.people TABLESAMPLE SYSTEM (100) NATURAL JOIN {t}.notes
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT id FROM ONLY {t}.people ORDER BY id
----
1
2
3

SELECT id FROM {t}.people * ORDER BY id
----
1
2
3

SELECT id FROM ({t}.people) ORDER BY id
----
ERROR 42601: syntax error at or near ")"

SELECT count(*) FROM {t}.people GROUP BY GROUPING SETS ((tenant), ())
----
3
3

SELECT tenant, count(*) FROM {t}.people GROUP BY ROLLUP (tenant) ORDER BY 1 NULLS LAST
----
north | 3
NULL | 3

SELECT tenant, code, count(*) FROM {t}.people GROUP BY CUBE (tenant, code) ORDER BY 3 DESC, 2 LIMIT 3
----
NULL | NULL | 3
north | NULL | 3
north | 101 | 1

SELECT id FROM {t}.people FOR UPDATE
----
ERROR 0A000: row locks (FOR UPDATE, FOR SHARE) are not supported

SELECT id FROM {t}.people FOR SHARE SKIP LOCKED
----
ERROR 0A000: row locks (FOR UPDATE, FOR SHARE) are not supported

# aggregates that a format could answer from its statistics (all kinds)
SELECT min(id), max(id), count(*), count(amount), min(amount), max(amount) FROM {t}.people
----
1 | 3 | 3 | 3 | 10 | 30

# (all kinds)
SELECT min(name), max(name), min(joined), max(joined) FROM {t}.people
----
NVIS-Ann | NVIS-Cleo | 2020-01-01 | 2020-01-03

# (all kinds)
SELECT count(*) FROM {t}.people
----
3

SELECT count(*) FROM {t}.people WHERE true
----
3

SELECT id FROM {t}.people LIMIT 1000
----
1
2
3

SELECT row_number() OVER () AS n FROM {t}.people ORDER BY n
----
1
2
3

# the first row of the files is a hidden one
SELECT count(*) FROM (SELECT id FROM {t}.people LIMIT 3) x
----
3
