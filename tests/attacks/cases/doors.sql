# joins that one server answers: conditions that fail on hidden rows of either side
SELECT p.id FROM crm.people p JOIN crm.orders o ON o.person_id = p.id WHERE 1 / (p.amount - 777010004) < 5 ORDER BY 1
----
1
1
1
1

SELECT p.id, o.item FROM crm.people p JOIN crm.orders o ON o.person_id = p.id AND CAST(p.code AS integer) > 0 ORDER BY 1
----
1 | NVIS-item-1
1 | NVIS-item-4
1 | NVIS-item-7
1 | NVIS-item-10

SELECT count(*) FROM crm.people p JOIN crm.orders o ON p.phone = o.card OR p.email = o.card
----
0

SELECT p.id, o.id FROM crm.people p FULL JOIN crm.orders o ON o.person_id = p.id ORDER BY 1, 2
----
1 | 1
1 | 4
1 | 7
1 | 10
2 | NULL
3 | NULL

SELECT p.id, v.id FROM crm.people p JOIN crm.vault v ON v.id = p.id
----
ERROR 42P01: relation "crm.vault" does not exist

SELECT p.id, p.salary FROM crm.people p JOIN crm.orders o ON o.person_id = p.id
----
ERROR 42703: column "salary" does not exist

# the same within a larger FROM, whose part is sent
SELECT n.text, p.name, o.item FROM lk.notes n JOIN (crm.people p JOIN crm.orders o ON o.person_id = p.id) ON n.id = p.id ORDER BY 1, 3
----
note 1 | NVIS-Ann | NVIS-item-1
note 1 | NVIS-Ann | NVIS-item-10
note 1 | NVIS-Ann | NVIS-item-4
note 1 | NVIS-Ann | NVIS-item-7

SELECT n.id, s.name, s.n FROM lk.notes n LEFT JOIN (SELECT p.name, p.id, count(o.id) AS n FROM crm.people p LEFT JOIN crm.orders o ON o.person_id = p.id AND 1 / (o.price - 7770002) > -2 GROUP BY 1, 2) s ON s.id = n.id ORDER BY 1
----
1 | NVIS-Ann | 4
2 | NVIS-Ben | 0
3 | NVIS-Cleo | 0
4 | NULL | NULL
5 | NULL | NULL

SELECT n.id, s.m FROM lk.notes n CROSS JOIN (SELECT max(balance) AS m, max(email) AS e FROM crm.people) s WHERE s.e LIKE '%LEAK%' ORDER BY 1
----
(SELECT 0)

EXPLAIN SELECT n.text, p.name FROM lk.notes n JOIN (crm.people p JOIN crm.orders o ON o.person_id = p.id) ON n.id = p.id
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan crm.orders  (source crm, a kind of source)
  Policies apply
Scan crm.people  (source crm, a kind of source)
  Policies apply
  Some columns may not be read
Scan lk.notes  (source lk, a kind of source)

EXPLAIN (ANALYZE, VERBOSE, SETTINGS, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT p.name FROM crm.people p JOIN crm.orders o ON o.person_id = p.id
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan crm.orders  (source crm, a kind of source)
  Policies apply
Scan crm.people  (source crm, a kind of source)
  Policies apply
  Some columns may not be read

# set operations of one server's tables
SELECT name FROM crm.people UNION SELECT item FROM crm.orders EXCEPT SELECT text FROM crm.notes ORDER BY 1
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo
NVIS-item-1
NVIS-item-10
NVIS-item-4
NVIS-item-7

SELECT n.id, s.x FROM lk.notes n JOIN (SELECT id, email AS x FROM crm.people UNION ALL SELECT id, card FROM crm.orders) s ON s.id = n.id ORDER BY 1, 2
----
1 | ****-1001
1 | y***
2 | z***
3 | x***
4 | ****-1004

# parameters in parts are values, whatever they hold
tina extended 1)\sOR\s(true: SELECT n.id, s.name FROM lk.notes n JOIN (SELECT name, id, count(*) FROM crm.people WHERE name <> $1::text GROUP BY 1, 2) s ON s.id = n.id ORDER BY 1
----
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo

tina extended ';DROP: SELECT n.id, s.c FROM lk.notes n CROSS JOIN (SELECT count(*) AS c FROM crm.orders WHERE item <> $1::text) s WHERE n.id = 1
----
1 | 4

tina extended x'--: SELECT p.id FROM crm.people p JOIN crm.orders o ON o.person_id = p.id WHERE p.name <> $1 AND o.item <> $1 ORDER BY 1
----
1
1
1
1

tina extended \0x: SELECT n.id FROM lk.notes n JOIN (SELECT id, max(name) AS m FROM crm.people WHERE name > $1::text GROUP BY 1) s USING (id) ORDER BY 1
----
(SELECT 0)

# a part that is kept for one is not another's
tina: SELECT n.id, s.c FROM lk.notes n CROSS JOIN (SELECT count(*) AS c, max(name) AS m FROM crm.people) s WHERE n.id = 1
sam: SELECT n.id, s.c FROM lk.notes n CROSS JOIN (SELECT count(*) AS c, max(name) AS m FROM crm.people) s WHERE n.id = 1
sam extended 1: SELECT n.id, s.c FROM lk.notes n CROSS JOIN (SELECT count(*) AS c FROM crm.people WHERE id > $1) s WHERE n.id = 1
tina extended 1: SELECT n.id, s.c FROM lk.notes n CROSS JOIN (SELECT count(*) AS c FROM crm.people WHERE id > $1) s WHERE n.id = 1
eve extended 1: SELECT n.id, s.c FROM lk.notes n CROSS JOIN (SELECT count(*) AS c FROM crm.people WHERE id > $1) s WHERE n.id = 1
----
> tina
1 | 3
> sam
1 | 2
> sam
1 | 2
> tina
1 | 2
> eve
ERROR 42P01: relation "crm.people" does not exist

# statements of one shape
tina: SELECT id FROM crm.people WHERE id = 1
tina: SELECT id FROM crm.people WHERE id = 4
tina: SELECT id FROM crm.people WHERE id = 5
sam: SELECT id FROM crm.people WHERE id = 1
sam: SELECT id FROM crm.people WHERE id = 4
ada: ALTER POLICY north_rows ON crm.people USING (tenant = 'north' AND id <> 1 OR name = 'LEAK-constant')
tina: SELECT id FROM crm.people WHERE id = 1
tina: SELECT id FROM crm.people WHERE id = 2
ada: ALTER POLICY north_rows ON crm.people USING (tenant = 'north' OR name = 'LEAK-constant')
tina: SELECT id FROM crm.people WHERE id = 1
----
> tina
1
> tina
(SELECT 0)
> tina
(SELECT 0)
> sam
(SELECT 0)
> sam
4
> ada
(ALTER POLICY)
> tina
(SELECT 0)
> tina
2
> ada
(ALTER POLICY)
> tina
1

tina: SELECT count(*) FROM crm.people WHERE email = 'yLEAK-A-1@example.org'
tina: SELECT count(*) FROM crm.people WHERE email = 'zLEAK-A-2@example.org'
tina: SELECT count(*) FROM crm.people WHERE email = 'y***'
----
> tina
0
> tina
0
> tina
1

# queries of the catalogues of one shape
tina: SELECT relname FROM pg_class WHERE relname = 'notes' AND relnamespace = 'lk'::regnamespace
tina: SELECT relname FROM pg_class WHERE relname = 'people' AND relnamespace = 'lk'::regnamespace
tina: SELECT relname FROM lk.notes, pg_class WHERE relname = 'notes'
tina: SELECT rolname FROM pg_roles WHERE rolname = (SELECT 'tina' FROM crm.vault LIMIT 1)
eve: SELECT table_name FROM information_schema.tables WHERE table_schema = 'lk'
tina: SELECT query_to_xml('select 1', true, true, '')
tina: SELECT count(*) FROM pg_stat_activity WHERE usename = 'sam' AND query <> '<insufficient privilege>'
----
> tina
notes
> tina
people
> tina
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
notes
> tina
ERROR 42P01: relation "crm.vault" does not exist
> eve
(SELECT 0)
> tina
ERROR 42501: permission denied for function query_to_xml
> tina
0

# json_table, on masked and hidden columns
SELECT j.v FROM {t}.people p, json_table(to_jsonb(p.email), '$' COLUMNS (v text PATH '$')) AS j ORDER BY 1
----
x***
y***
z***

SELECT j.v FROM {t}.people p, json_table(to_jsonb(p.salary), '$' COLUMNS (v text PATH '$')) AS j
----
ERROR 42703: column "salary" does not exist

SELECT j.v FROM {t}.people p, json_table(to_jsonb(p), '$' COLUMNS (v text PATH '$.salary')) AS j
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT j.v FROM {t}.people p, json_table(to_jsonb(p.code), '$' COLUMNS (v integer PATH '$' ERROR ON ERROR)) AS j ORDER BY 1
----
101
102
103

SELECT j.v FROM json_table((SELECT to_jsonb(max(secret)) FROM {t}.vault), '$' COLUMNS (v text PATH '$')) AS j
----
ERROR 42P01: relation "{t}.vault" does not exist

# recursion over hidden rows, with SEARCH and CYCLE
WITH RECURSIVE r (id, n) AS (SELECT id, name FROM {t}.people WHERE id = 1 UNION ALL SELECT p.id, p.name FROM {t}.people p JOIN r ON p.id = r.id + 1) SEARCH DEPTH FIRST BY id SET ord SELECT id, n FROM r ORDER BY ord
----
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo

WITH RECURSIVE r (id, n) AS (SELECT id, 1 FROM {t}.people UNION ALL SELECT p.id, r.n + 1 FROM {t}.people p JOIN r ON p.amount - r.id * 10 = 10) CYCLE id SET seen USING path SELECT max(id), max(n), bool_or(seen) FROM r
----
3 | 3 | f

WITH RECURSIVE r (id, s) AS (SELECT id, secret FROM {t}.vault UNION ALL SELECT id + 1, s FROM r WHERE id < 2) SEARCH BREADTH FIRST BY id SET ord SELECT * FROM r
----
ERROR 42P01: relation "{t}.vault" does not exist

WITH RECURSIVE r (id) AS (SELECT 4 UNION ALL SELECT p.id FROM {t}.people p JOIN r ON p.id = r.id + 1 WHERE 1 / (p.salary - p.salary + 5 - p.id) < 9) CYCLE id SET seen USING path SELECT id FROM r
----
ERROR 42703: column "salary" does not exist

# cursors: what is behind the rows, and moves over it
tina: BEGIN
tina: DECLARE c SCROLL CURSOR FOR SELECT p.id, p.email FROM crm.people p JOIN crm.orders o ON o.person_id = p.id ORDER BY 1
tina: MOVE LAST IN c
tina: FETCH ABSOLUTE 100 FROM c
tina: FETCH BACKWARD ALL FROM c
tina: MOVE FORWARD ALL IN c
tina: EXPLAIN FETCH 1 FROM c
tina: SELECT name, statement FROM pg_cursors
tina: ROLLBACK
----
> tina
(BEGIN)
> tina
(DECLARE CURSOR)
> tina
(MOVE 1)
> tina
(FETCH 0)
> tina
1 | y***
1 | y***
1 | y***
1 | y***
(FETCH 4)
> tina
(MOVE 4)
> tina
ERROR 0A000: EXPLAIN FETCH is not supported
> tina
ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
> tina
(ROLLBACK)

tina: BEGIN
tina: DECLARE c CURSOR WITH HOLD FOR SELECT id, amount FROM {t}.people ORDER BY id
tina: COMMIT
ada: REVOKE SELECT (amount) ON {t}.people FROM analysts
tina: FETCH 1 FROM c
ada: GRANT SELECT (amount) ON {t}.people TO analysts
tina: CLOSE c
----
> tina
(BEGIN)
> tina
(DECLARE CURSOR)
> tina
(COMMIT)
> ada
(REVOKE)
> tina
ERROR 42703: column "amount" does not exist
> ada
(GRANT)
> tina
(CLOSE CURSOR)

tina: BEGIN
tina: DECLARE c CURSOR FOR SELECT id FROM {t}.people WHERE 1 / (salary - salary + 5 - id) < 9
tina: ROLLBACK
tina: DECLARE d CURSOR WITH HOLD FOR SELECT id FROM {t}.people WHERE 1 / (amount - amount + 5 - id) < 9 ORDER BY id
tina: FETCH ALL FROM d
tina: CLOSE d
----
> tina
(BEGIN)
> tina
ERROR 42703: column "salary" does not exist
> tina
(ROLLBACK)
> tina
(DECLARE CURSOR)
> tina
1
2
3
(FETCH 3)
> tina
(CLOSE CURSOR)

# COPY as a file of columns: statistics, names and values in it
tina blind: COPY (SELECT id, email, balance FROM {t}.people) TO STDOUT (FORMAT parquet)
tina blind: COPY (SELECT id, email, balance FROM {t}.people) TO STDOUT (FORMAT arrow)
tina blind: COPY {t}.orders TO STDOUT (FORMAT parquet)
tina: COPY {t}.people TO STDOUT (FORMAT parquet)
tina: COPY {t}.people (id, salary) TO STDOUT (FORMAT arrow)
tina: COPY {t}.vault TO STDOUT (FORMAT parquet)
eve: COPY {t}.notes TO STDOUT (FORMAT arrow)
tina blind: COPY (SELECT p.name, o.card FROM crm.people p JOIN crm.orders o ON o.person_id = p.id) TO STDOUT (FORMAT parquet)
----
> tina
> tina
> tina
> tina
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.
> tina
ERROR 42703: column "salary" of relation "people" does not exist
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> eve
ERROR 42P01: relation "{t}.notes" does not exist
> tina

COPY (SELECT id FROM {t}.people WHERE 1 / (5 - id) < 9) TO STDOUT (FORMAT csv)
----
(COPY)
1
2
3
(COPY 3)

# temporary tables are of governed rows, and are nobody else's
tina: CREATE TEMPORARY TABLE mine AS SELECT * FROM crm.orders
tina: SELECT count(*), count(DISTINCT card), max(item) FROM mine
tina: SELECT p.id, m.item FROM crm.people p JOIN mine m ON m.person_id = p.id ORDER BY 1, 2
sam: SELECT count(*) FROM mine
tina: ANALYZE mine
tina: SELECT attname, most_common_vals FROM pg_stats WHERE tablename = 'mine' AND attname = 'item'
tina: CREATE TEMPORARY TABLE people AS SELECT 1 AS id, 'x' AS tenant
tina: SELECT count(*) FROM crm.people
tina: SELECT count(*) FROM crm.orders
tina: DROP TABLE mine, people
----
> tina
(SELECT 4)
> tina
4 | 4 | NVIS-item-7
> tina
1 | NVIS-item-1
1 | NVIS-item-10
1 | NVIS-item-4
1 | NVIS-item-7
> sam
ERROR 42P01: relation "mine" does not exist
> tina
(ANALYZE)
> tina
item | NULL
> tina
(SELECT 1)
> tina
3
> tina
4
> tina
(DROP TABLE)

tina: CREATE TEMPORARY TABLE members (tenant text, member text)
tina: INSERT INTO members VALUES ('south', 'tina'), ('west', 'tina')
tina: SET search_path = pg_temp, crm
tina: SELECT count(*) FROM orders
tina: SELECT count(*) FROM {t}.orders
tina: DROP TABLE members
tina: RESET search_path
----
> tina
(CREATE TABLE)
> tina
(INSERT 0 2)
> tina
(SET)
> tina
4
> tina
4
> tina
(DROP TABLE)
> tina
(RESET)

tina: CREATE TEMPORARY TABLE t1 AS SELECT id FROM {t}.people WHERE 1 / (5 - id) < 9
tina: SELECT count(*) FROM t1
tina: INSERT INTO t1 SELECT id FROM {t}.vault
tina: INSERT INTO t1 SELECT salary FROM {t}.people
tina: DROP TABLE t1
----
> tina
(SELECT 3)
> tina
3
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> tina
ERROR 42703: column "salary" does not exist
> tina
(DROP TABLE)

# plans for no values, and of others' statements
EXPLAIN (GENERIC_PLAN) SELECT id FROM {t}.people WHERE name = $1 AND salary > $2
----
ERROR 42703: column "salary" does not exist

EXPLAIN (GENERIC_PLAN) SELECT id FROM {t}.people WHERE name = $1
----
ERROR 0A000: EXPLAIN option GENERIC_PLAN is not supported for a statement with parameters that no server answers alone
  DETAIL: It is planned for the values of its parameters, each time it is executed.
  HINT: PREPARE the statement, and use EXPLAIN EXECUTE with values.

EXPLAIN (GENERIC_PLAN, FORMAT JSON) SELECT id FROM crm.people p JOIN crm.orders o USING (id) WHERE o.item = $1
----
ERROR 0A000: EXPLAIN option GENERIC_PLAN is not supported for a statement with parameters that no server answers alone
  DETAIL: It is planned for the values of its parameters, each time it is executed.
  HINT: PREPARE the statement, and use EXPLAIN EXECUTE with values.

EXPLAIN (GENERIC_PLAN) SELECT secret FROM {t}.vault WHERE id = $1
----
ERROR 42P01: relation "{t}.vault" does not exist

# what is counted by ANALYZE is told to owners, and only they and holders of MAINTAIN count
tina: ANALYZE {t}.people
tina: ANALYZE VERBOSE {t}.orders (card)
tina: ANALYZE {t}.vault
eve: ANALYZE {t}.people
tina: ANALYZE (VERBOSE) pg_catalog.pg_authid
----
> tina
WARNING 01000: permission denied to analyze "people", skipping it
(ANALYZE)
> tina
WARNING 01000: permission denied to analyze "orders", skipping it
(ANALYZE)
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> eve
ERROR 42P01: relation "{t}.people" does not exist
> tina
WARNING 01000: permission denied to analyze "pg_authid", skipping it
(ANALYZE)

ada: GRANT MAINTAIN ON {t}.vault TO tina
tina blind: ANALYZE {t}.vault
tina: SELECT count(*) FROM {t}.vault
tina: EXPLAIN SELECT * FROM {t}.vault
tina: SELECT reltuples, relpages FROM pg_class WHERE relname = 'vault' AND relnamespace = '{t}'::regnamespace
tina: SELECT count(*) FROM pg_stats WHERE tablename = 'vault'
ada: REVOKE MAINTAIN ON {t}.vault FROM tina
----
> ada
(GRANT)
> tina
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> tina
-1 | 0
> tina
0
> ada
(REVOKE)

# comments and settings are nobody's way to rights
COMMENT ON ROLE ada IS 'x'
----
ERROR 42501: permission denied
  DETAIL: The current user must have the SUPERUSER attribute.

COMMENT ON ROLE tina IS 'a role of the gateway'
----
ERROR 42501: permission denied
  DETAIL: The current user must have the CREATEROLE attribute.

COMMENT ON DATABASE lake IS 'x'
----
ERROR 42501: must be owner of database lake

COMMENT ON TABLE {t}.vault IS 'x'
----
ERROR 42P01: relation "{t}.vault" does not exist

COMMENT ON COLUMN {t}.people.salary IS 'x'
----
ERROR 42501: must be owner of relation people

COMMENT ON POLICY north_rows ON {t}.people IS 'x'
----
ERROR 42501: must be owner of relation people

SELECT count(*) FROM pg_shdescription d WHERE d.description ~ 'LEAK|gateway of'
----
0

tina: SET lakegate.pushdown = off
tina: SELECT p.id FROM crm.people p JOIN crm.orders o ON o.person_id = p.id WHERE 1 / (p.amount - 777010004) < 5 ORDER BY 1
tina: SELECT count(*) FROM crm.people WHERE CAST(code AS integer) > 0
tina: SET lakegate.join_reordering = off
tina: SELECT count(*) FROM crm.people p, lk.orders o WHERE o.person_id = p.id AND 1 / (o.price - 7770002) > -2
tina: SELECT * FROM pg_settings WHERE name ~ 'lakegate' AND setting ~ 'claim'
tina: RESET ALL
----
> tina
(SET)
> tina
1
1
1
1
> tina
3
> tina
(SET)
> tina
4
> tina
(SELECT 0)
> tina
(RESET)
