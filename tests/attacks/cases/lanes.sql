# PostgreSQL evaluates it for the engine: not for hidden rows, on which alone it fails (all kinds)
SELECT id FROM {t}.people WHERE code::jsonb > '0' ORDER BY 1
----
1
2
3

# (all kinds)
SELECT id FROM {t}.people WHERE int4range(code::integer, 1000) @> 500 ORDER BY 1
----
1
2
3

# (all kinds)
SELECT id, jsonb_build_object('c', code::integer) FROM {t}.people ORDER BY jsonb_build_object('c', code::integer)::text
----
1 | {"c": 101}
2 | {"c": 102}
3 | {"c": 103}

# (all kinds)
SELECT a.id FROM {t}.people a JOIN {t}.people b ON jsonb_build_array(a.code::integer) = jsonb_build_array(b.code::integer) ORDER BY 1
----
1
2
3

# (all kinds)
SELECT jsonb_agg(code::jsonb ORDER BY id) FROM {t}.people
----
[101, 102, 103]

# of masked columns it is given what the mask has made of them (all kinds)
SELECT id, jsonb_build_object('e', email) ->> 'e' FROM {t}.people WHERE to_tsvector('simple', email) IS NOT NULL ORDER BY 1
----
1 | y***
2 | z***
3 | x***

# (all kinds)
SELECT count(*) FROM {t}.people WHERE jsonb_build_object('e', email) ->> 'e' LIKE '%@%'
----
0

# functions that pass the fence, beside those that do not (all kinds)
SELECT id FROM {t}.people WHERE left(code, 1) = '1' AND 1 / (amount - {common}) < 5 ORDER BY 1
----
1
2
3

# (all kinds)
SELECT id FROM {t}.people WHERE upper(left(email, 2)) = 'X*' ORDER BY 1
----
3

# (all kinds)
SELECT id FROM {t}.people WHERE CASE WHEN amount > 15 THEN upper(code) ELSE '0' END = '102' AND code::integer > 0
----
2

# (all kinds)
SELECT id FROM {t}.people WHERE CASE WHEN code::integer > 101 THEN 'x' ELSE lower(code) END = 'x' ORDER BY 1
----
2
3

# a cursor (all kinds)
tina: DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT id, email FROM {t}.people WHERE CAST(code AS integer) > 0 AND 1 / (amount - {common}) < 5 ORDER BY id
tina: FETCH ALL FROM c
tina: FETCH ABSOLUTE 1 FROM c
----
> tina
(DECLARE CURSOR)
> tina
1 | y***
2 | z***
3 | x***
(FETCH 3)
> tina
1 | y***
(FETCH 1)

# in portions (all kinds)
tina: BEGIN
tina portal c 2: SELECT id, email FROM {t}.people WHERE CAST(code AS integer) > 0 ORDER BY id
tina fetch c 2:
tina: COMMIT
----
> tina
(BEGIN)
> tina
1 | y***
2 | z***
(suspended)
> tina
3 | x***
> tina
(COMMIT)

# a prepared statement of SQL (all kinds)
tina: PREPARE s (bigint) AS SELECT id, email FROM {t}.people WHERE 1 / (amount - $1) < 5 AND code::jsonb > '0' ORDER BY 1
tina: EXECUTE s ({common})
tina: EXPLAIN EXECUTE s ({common})
----
> tina
(PREPARE)
> tina
1 | y***
2 | z***
3 | x***
> tina
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

# a policy and a mask come between PREPARE and EXECUTE (all kinds)
tina: PREPARE s AS SELECT id, name, jsonb_build_object('c', code) FROM {t}.people ORDER BY id
tina: EXECUTE s
ada: CREATE POLICY shut ON {t}.people AS RESTRICTIVE USING (id < 2)
tina: EXECUTE s
ada: DROP POLICY shut ON {t}.people
ada: CREATE MASKING POLICY lanes_mask (value text) RETURNS text AS 'masked'
ada: ALTER TABLE {t}.people ALTER COLUMN code SET MASKING POLICY lanes_mask
tina: EXECUTE s
ada: ALTER TABLE {t}.people ALTER COLUMN code UNSET MASKING POLICY
ada: DROP MASKING POLICY lanes_mask
tina: EXECUTE s
----
> tina
(PREPARE)
> tina
1 | NVIS-Ann | {"c": "101"}
2 | NVIS-Ben | {"c": "102"}
3 | NVIS-Cleo | {"c": "103"}
> ada
(CREATE POLICY)
> tina
1 | NVIS-Ann | {"c": "101"}
> ada
(DROP POLICY)
> ada
(CREATE MASKING POLICY)
> ada
(ALTER TABLE)
> tina
1 | NVIS-Ann | {"c": "masked"}
2 | NVIS-Ben | {"c": "masked"}
3 | NVIS-Cleo | {"c": "masked"}
> ada
(ALTER TABLE)
> ada
(DROP MASKING POLICY)
> tina
1 | NVIS-Ann | {"c": "101"}
2 | NVIS-Ben | {"c": "102"}
3 | NVIS-Cleo | {"c": "103"}

# a file (all kinds)
COPY (SELECT id, email, code::jsonb FROM {t}.people WHERE CAST(code AS integer) > 0 ORDER BY id) TO STDOUT
----
(COPY)
1\ty***\t101
2\tz***\t102
3\tx***\t103
(COPY 3)

# a temporary table (all kinds)
tina: CREATE TEMP TABLE mine AS SELECT id, email, code::integer AS n, jsonb_build_object('b', balance) AS b FROM {t}.people WHERE 1 / (amount - {common}) < 5
tina: SELECT * FROM mine ORDER BY 1
tina: INSERT INTO mine SELECT id, email, code::integer FROM {t}.people WHERE code::jsonb > '0'
tina: SELECT count(*), count(DISTINCT email) FROM mine
----
> tina
(SELECT 3)
> tina
1 | y*** | 101 | {"b": null}
2 | z*** | 102 | {"b": null}
3 | x*** | 103 | {"b": null}
> tina
(INSERT 0 3)
> tina
6 | 3

# joined with what hides more (all kinds)
tina: CREATE TEMP TABLE probe AS SELECT n FROM generate_series(777010000, 777010009) n
tina: SELECT count(*) FROM {t}.people p JOIN probe ON probe.n = p.amount
tina: SELECT count(*) FROM {t}.people p, probe WHERE 1 / (p.amount - probe.n) > 5
----
> tina
(SELECT 10)
> tina
0
> tina
0

# a statement that one server answers alone
SELECT p.id, o.card, m.tenant FROM crm.people p JOIN crm.orders o ON o.person_id = p.id JOIN crm.members m ON m.tenant = p.tenant WHERE CAST(p.code AS integer) > 0 AND 1 / (p.amount - {common}) < 5 ORDER BY 1, 2
----
1 | ****-1001 | north
1 | ****-1004 | north
1 | ****-1007 | north
1 | ****-1010 | north

SELECT string_agg(p.email, ',' ORDER BY p.id), max(p.code::integer), count(*) FILTER (WHERE p.code ~ '^[0-9]+$') FROM crm.people p
----
y***,z***,x*** | 103 | 3

SELECT p.id, (SELECT count(*) FROM crm.people q WHERE q.code::integer < p.code::integer) FROM crm.people p ORDER BY 1
----
1 | 0
2 | 1
3 | 2
