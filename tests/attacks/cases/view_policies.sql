# a view of a superuser's, whose own row policies and masks hide what is hidden
SELECT * FROM people ORDER BY id
----
1 | north | NVIS-Ann | y*** | NULL | +*** | 101 | 10 | 2020-01-01
2 | north | NVIS-Ben | z*** | NULL | +*** | 102 | 20 | 2020-01-02
3 | north | NVIS-Cleo | x*** | NULL | +*** | 103 | 30 | 2020-01-03

SELECT count(*), count(DISTINCT tenant), max(amount), min(joined) FROM people
----
3 | 1 | 30 | 2020-01-01

sam: SELECT id, name FROM people ORDER BY id
----
4 | SVIS-A-4
5 | SVIS-A-5

eve: SELECT count(*) FROM people
----
ERROR 42P01: relation "people" does not exist

aud: SELECT count(*) > 3 FROM people
----
t

SELECT id FROM people WHERE tenant = 'south' OR name LIKE '%LEAK%'
----
(SELECT 0)

SELECT id FROM people WHERE 1 / (amount - {common}) < 1 ORDER BY id
----
1
2
3

SELECT id FROM people WHERE CASE WHEN amount IS NULL THEN false ELSE 1 / (amount - {common}) < 1 END ORDER BY id
----
1
2
3

SELECT id FROM people WHERE code::integer > 101 ORDER BY id
----
2
3

SELECT max(code::integer) FROM people
----
103

SELECT id FROM people ORDER BY code::integer DESC
----
3
2
1

SELECT a.id, b.id FROM people a JOIN people b ON a.code::integer = b.code::integer + 1 ORDER BY 1
----
2 | 1
3 | 2

SELECT tenant, count(*) FROM people GROUP BY ROLLUP (tenant) ORDER BY 1
----
north | 3
NULL | 3

SELECT id FROM people WHERE email LIKE '%LEAK%' OR balance > 0
----
(SELECT 0)

SELECT p FROM people p ORDER BY p.id
----
(1,north,NVIS-Ann,y***,,+***,101,10,2020-01-01)
(2,north,NVIS-Ben,z***,,+***,102,20,2020-01-02)
(3,north,NVIS-Cleo,x***,,+***,103,30,2020-01-03)

SELECT row_to_json(p)->>'name' FROM people p ORDER BY p.id
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo

SELECT string_agg(name, ',' ORDER BY id) FROM people
----
NVIS-Ann,NVIS-Ben,NVIS-Cleo

SELECT name, sum(amount) OVER (ORDER BY id), lag(name) OVER (ORDER BY id) FROM people ORDER BY id
----
NVIS-Ann | 10 | NULL
NVIS-Ben | 30 | NVIS-Ann
NVIS-Cleo | 60 | NVIS-Ben

SELECT n.id, p.name FROM notes n LEFT JOIN people p ON p.id = n.id ORDER BY 1
----
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo
4 | NULL
5 | NULL

SELECT n.id FROM notes n WHERE n.id IN (SELECT p.id FROM people p) ORDER BY 1
----
1
2
3

SELECT n.id FROM notes n WHERE NOT EXISTS (SELECT FROM people p WHERE p.id = n.id) ORDER BY 1
----
4
5

SELECT p.name FROM notes n, LATERAL (SELECT x.name FROM people x WHERE x.id = n.id) p ORDER BY 1
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo

SELECT id FROM people UNION SELECT id FROM people_asked ORDER BY 1
----
1
2
3

SELECT id FROM notes EXCEPT SELECT id FROM people ORDER BY 1
----
4
5

WITH people AS (SELECT * FROM public.people) SELECT name FROM people ORDER BY id
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo

SELECT * FROM people_asked ORDER BY id
----
1 | north | NVIS-Ann | y*** | NULL | +*** | 101 | 10 | 2020-01-01
2 | north | NVIS-Ben | z*** | NULL | +*** | 102 | 20 | 2020-01-02
3 | north | NVIS-Cleo | x*** | NULL | +*** | 103 | 30 | 2020-01-03

SELECT * FROM people_of_nora ORDER BY id
----
1 | NVIS-Ann | y*** | 10
2 | NVIS-Ben | z*** | 20
3 | NVIS-Cleo | x*** | 30

SELECT * FROM people_counted
----
north | 3 | 30

SELECT * FROM people_first
----
3 | NVIS-Cleo | 30
2 | NVIS-Ben | 20

sam: SELECT id, name FROM people_asked ORDER BY id
----
4 | SVIS-A-4
5 | SVIS-A-5

SELECT count(*) FROM people_of_nora WHERE 1 / (amount - {common}) < 1
----
3

tina extended: SELECT name FROM people WHERE id > 2
----
NVIS-Cleo

tina extended 4: SELECT name FROM people WHERE id = $1
----
(SELECT 0)

tina binary: SELECT id, amount FROM people ORDER BY id
----
\x00000001 | \x000000000000000a
\x00000002 | \x0000000000000014
\x00000003 | \x000000000000001e

COPY (SELECT name FROM people ORDER BY id) TO STDOUT
----
(COPY)
NVIS-Ann
NVIS-Ben
NVIS-Cleo
(COPY 3)

COPY people TO STDOUT
----
ERROR 42809: cannot copy from view "people"
  HINT: Try the COPY (SELECT ...) TO variant.

EXPLAIN SELECT * FROM people
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan public.people  (view)
  Policies apply

EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) SELECT * FROM people WHERE amount = {common}
----
[\n  {\n    "Plan": {\n      "Node Type": "Result",\n      "Plans": [\n        {\n          "Node Type": "Foreign Scan",\n          "Schema": "public",\n          "Relation Name": "people"\n        }\n      ]\n    },\n    "Engine Plan": [\n      "The plan is shown to roles that see all of the tables."\n    ],\n    "Fragments": [\n      {\n        "Table": "public.people",\n        "Source": "",\n        "Policies": true\n      }\n    ]\n  }\n]

EXPLAIN (GENERIC_PLAN) SELECT * FROM people WHERE id = $1
----
ERROR 0A000: EXPLAIN option GENERIC_PLAN is not supported for a statement with parameters that no server answers alone
  DETAIL: It is planned for the values of its parameters, each time it is executed.
  HINT: PREPARE the statement, and use EXPLAIN EXECUTE with values.

DROP POLICY north_rows ON people
----
ERROR 42501: must be owner of relation people

ALTER VIEW people DISABLE ROW LEVEL SECURITY
----
ERROR 42501: must be owner of table people

ALTER TABLE people DISABLE ROW LEVEL SECURITY
----
ERROR 42501: must be owner of table people

CREATE POLICY open ON people USING (true)
----
ERROR 42501: must be owner of table people

ALTER POLICY north_rows ON people USING (true)
----
ERROR 42501: must be owner of table people

eve: ALTER VIEW people DISABLE ROW LEVEL SECURITY
----
ERROR 42P01: relation "people" does not exist

eve: DROP POLICY north_rows ON people
----
ERROR 42P01: relation "people" does not exist

EXPLAIN POLICY FOR tina ON people
----
ERROR 42501: must be owner of view people

SET row_security = off
tina: SELECT count(*) FROM people
tina: RESET row_security
----
> tina
(SET)
> tina
ERROR 42501: query would be affected by row-level security policy for table "people"
> tina
(RESET)

SET ROLE south
tina: SELECT count(*) FROM people
----
> tina
ERROR 42501: permission denied to set role "south"
> tina
3

BEGIN
tina: DECLARE c CURSOR FOR SELECT name FROM people ORDER BY id
tina: FETCH ALL c
tina: ROLLBACK
----
> tina
(BEGIN)
> tina
(DECLARE CURSOR)
> tina
NVIS-Ann
NVIS-Ben
NVIS-Cleo
(FETCH 3)
> tina
(ROLLBACK)

PREPARE p AS SELECT name FROM people ORDER BY id
tina: EXECUTE p
ada: CREATE POLICY fewer ON public.people AS RESTRICTIVE USING (id < 3)
tina: EXECUTE p
ada: DROP POLICY fewer ON public.people
tina: EXECUTE p
tina: DEALLOCATE p
----
> tina
(PREPARE)
> tina
NVIS-Ann
NVIS-Ben
NVIS-Cleo
> ada
(CREATE POLICY)
> tina
NVIS-Ann
NVIS-Ben
> ada
(DROP POLICY)
> tina
NVIS-Ann
NVIS-Ben
NVIS-Cleo
> tina
(DEALLOCATE)

CREATE TEMPORARY TABLE mine AS SELECT name FROM people
tina: SELECT * FROM mine ORDER BY 1
tina: DROP TABLE mine
----
> tina
(SELECT 3)
> tina
NVIS-Ann
NVIS-Ben
NVIS-Cleo
> tina
(DROP TABLE)

# under another name its policies hold as before
ada: ALTER VIEW public.people RENAME TO persons
tina: SELECT count(*) FROM persons
ada: ALTER VIEW public.persons RENAME COLUMN tenant TO firm
tina: SELECT firm, count(*) FROM persons GROUP BY firm
ada: ALTER VIEW public.persons RENAME COLUMN firm TO tenant
ada: ALTER VIEW public.persons RENAME TO people
tina: SELECT count(*) FROM people
----
> ada
(ALTER VIEW)
> tina
3
> ada
(ALTER VIEW)
> tina
north | 3
> ada
(ALTER VIEW)
> ada
(ALTER VIEW)
> tina
3

# another query, and its policies hold
ada: CREATE OR REPLACE VIEW public.people_first AS SELECT id, name, amount FROM public.people WHERE id > 0
tina: SELECT id, name FROM people_first ORDER BY id
----
> ada
(CREATE VIEW)
> tina
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo

# as it was
ada: CREATE OR REPLACE VIEW public.people_first AS SELECT id, name, amount FROM public.people ORDER BY amount DESC LIMIT 2
tina: SELECT * FROM people_first
----
> ada
(CREATE VIEW)
> tina
3 | NVIS-Cleo | 30
2 | NVIS-Ben | 20

# what is rolled back has dropped none
ada: BEGIN
ada: DROP VIEW public.people CASCADE
ada: ROLLBACK
tina: SELECT count(*) FROM people
----
> ada
(BEGIN)
> ada
NOTICE 00000: drop cascades to 4 other objects
  DETAIL: drop cascades to view people_asked\ndrop cascades to view people_of_nora\ndrop cascades to view people_counted\ndrop cascades to view people_first
(DROP VIEW)
> ada
(ROLLBACK)
> tina
3
