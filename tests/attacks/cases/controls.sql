# what one may ask is answered
SELECT 1
----
1

SELECT 'LEAK' || 'y'
----
LEAKy

SELECT current_user, session_user
----
tina | tina

SELECT id, name FROM {t}.people ORDER BY id
----
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo

SELECT * FROM {t}.notes ORDER BY id
----
1 | note 1
2 | note 2
3 | note 3
4 | note 4
5 | note 5

SELECT * FROM {t}.orders ORDER BY id
----
1 | 1 | north | NVIS-item-1 | ****-1001 | 1.50
4 | 1 | north | NVIS-item-4 | ****-1004 | 4.50
7 | 1 | north | NVIS-item-7 | ****-1007 | 7.50
10 | 1 | north | NVIS-item-10 | ****-1010 | 10.50

SELECT count(*) FROM {t}.people WHERE tenant = 'north'
----
3

SELECT name FROM {t}.people WHERE id = 2
----
NVIS-Ben

SELECT name FROM {t}.people WHERE id IN (1, 3) ORDER BY 1
----
NVIS-Ann
NVIS-Cleo

SELECT name FROM {t}.people WHERE id BETWEEN 2 AND 9 ORDER BY 1
----
NVIS-Ben
NVIS-Cleo

SELECT name FROM {t}.people WHERE name LIKE '%e%' ORDER BY 1
----
NVIS-Ben
NVIS-Cleo

SELECT upper(name), length(name) FROM {t}.people ORDER BY 1
----
NVIS-ANN | 8
NVIS-BEN | 8
NVIS-CLEO | 9

SELECT CAST(code AS integer) + 1 FROM {t}.people ORDER BY 1
----
102
103
104

SELECT amount / 10 FROM {t}.people ORDER BY 1
----
1
2
3

SELECT sum(amount), avg(amount), min(amount), max(amount) FROM {t}.people
----
60 | 20.0000000000000000 | 10 | 30

SELECT tenant, sum(price) FROM {t}.orders GROUP BY tenant
----
north | 24.00

SELECT tenant, count(*) FROM {t}.orders GROUP BY tenant HAVING count(*) > 1
----
north | 4

SELECT p.name, o.item FROM {t}.people p JOIN {t}.orders o ON o.person_id = p.id ORDER BY 2
----
NVIS-Ann | NVIS-item-1
NVIS-Ann | NVIS-item-10
NVIS-Ann | NVIS-item-4
NVIS-Ann | NVIS-item-7

SELECT p.name, count(o.id) FROM {t}.people p LEFT JOIN {t}.orders o ON o.person_id = p.id GROUP BY 1 ORDER BY 1
----
NVIS-Ann | 4
NVIS-Ben | 0
NVIS-Cleo | 0

SELECT n.text, p.name FROM {t}.notes n JOIN {t}.people p USING (id) ORDER BY 1
----
note 1 | NVIS-Ann
note 2 | NVIS-Ben
note 3 | NVIS-Cleo

SELECT a.name FROM lk.people a JOIN crm.people b ON a.id = b.id ORDER BY 1
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo

SELECT a.name, b.item FROM ice.people a JOIN docs.orders b ON a.id = b.person_id ORDER BY 2
----
NVIS-Ann | NVIS-item-1
NVIS-Ann | NVIS-item-10
NVIS-Ann | NVIS-item-4
NVIS-Ann | NVIS-item-7

SELECT count(*) FROM lk.notes a, ice.notes b, crm.notes c, docs.notes d WHERE a.id = b.id AND b.id = c.id AND c.id = d.id
----
5

WITH big AS (SELECT * FROM {t}.orders WHERE price > 5) SELECT count(*) FROM big
----
2

WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n) FROM r
----
15

SELECT name FROM {t}.people WHERE EXISTS (SELECT 1 FROM {t}.orders o WHERE o.person_id = people.id) ORDER BY 1
----
NVIS-Ann

SELECT name FROM {t}.people WHERE id NOT IN (SELECT person_id FROM {t}.orders) ORDER BY 1
----
NVIS-Ben
NVIS-Cleo

SELECT id FROM {t}.notes UNION SELECT id FROM {t}.people ORDER BY 1
----
1
2
3
4
5

SELECT id FROM {t}.notes EXCEPT SELECT id FROM {t}.people ORDER BY 1
----
4
5

SELECT name, rank() OVER (ORDER BY amount DESC) FROM {t}.people ORDER BY 2
----
NVIS-Cleo | 1
NVIS-Ben | 2
NVIS-Ann | 3

SELECT id, sum(price) OVER (ORDER BY id) FROM {t}.orders ORDER BY 1
----
1 | 1.50
4 | 6.00
7 | 13.50
10 | 24.00

SELECT item, CASE WHEN price > 5 THEN 'dear' ELSE 'cheap' END FROM {t}.orders ORDER BY 1
----
NVIS-item-1 | cheap
NVIS-item-10 | dear
NVIS-item-4 | cheap
NVIS-item-7 | dear

SELECT joined, joined + 1 FROM {t}.people ORDER BY 1
----
2020-01-01 | 2020-01-02
2020-01-02 | 2020-01-03
2020-01-03 | 2020-01-04

SELECT extract(month FROM joined), count(*) FROM {t}.people GROUP BY 1
----
1 | 3

SELECT string_agg(name, ', ' ORDER BY id) FROM {t}.people
----
NVIS-Ann, NVIS-Ben, NVIS-Cleo

SELECT DISTINCT tenant FROM {t}.orders
----
north

SELECT id FROM {t}.orders ORDER BY price DESC LIMIT 1 OFFSET 1
----
7

SELECT coalesce(balance, 0) FROM {t}.people ORDER BY 1
----
0
0
0

SELECT email, phone FROM {t}.people ORDER BY id
----
y*** | +***
z*** | +***
x*** | +***

SELECT card FROM {t}.orders WHERE card = '****-1001'
----
****-1001

SELECT id FROM {t}.people WHERE 10 / amount = 1
----
1

SELECT id FROM {t}.people WHERE NOT (id = 1 OR id = 2)
----
3

SELECT (SELECT count(*) FROM {t}.orders), (SELECT count(*) FROM {t}.people)
----
4 | 3

VALUES (1, 'a'), (2, 'b')
----
1 | a
2 | b

TABLE {t}.notes
----
1 | note 1
2 | note 2
3 | note 3
4 | note 4
5 | note 5

tina extended 2: SELECT name FROM {t}.people WHERE id = $1
----
NVIS-Ben

tina extended N%: SELECT count(*) FROM {t}.people WHERE name LIKE $1
----
3

tina binary: SELECT id FROM {t}.people ORDER BY 1
----
\x00000001
\x00000002
\x00000003

tina parse s: SELECT item FROM {t}.orders WHERE id = $1
tina run s 4:
tina run s 2:
tina run s 7:
----
> tina
> tina
NVIS-item-4
> tina
(SELECT 0)
> tina
NVIS-item-7

tina: BEGIN
tina portal c 2: SELECT id FROM {t}.orders ORDER BY id
tina fetch c 1:
tina: COMMIT
----
> tina
(BEGIN)
> tina
1
4
(suspended)
> tina
7
(suspended)
> tina
(COMMIT)

BEGIN; SELECT count(*) FROM {t}.people; COMMIT
----
(BEGIN)
3
(COMMIT)

SET search_path = {t};
SELECT count(*) FROM people
----
(SET)
3

SET TIME ZONE 'UTC';
SHOW TimeZone
----
(SET)
UTC

EXPLAIN (COSTS OFF) SELECT id FROM {t}.notes WHERE id = 6 AND 1 = 2
----
Engine query
  Result
Scan {t}.notes  (source {t}, delta, version 0)
  Rows known: 5
  Files: 0 of 1
  Prunes files: id = 6

SELECT has_table_privilege('{t}.notes', 'SELECT')
----
t

SELECT count(*) FROM information_schema.tables WHERE table_schema = '{t}' AND table_name = 'notes'
----
1

SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{t}.notes'::regclass AND attname = 'text'
----
text

SELECT count(*) > 0 FROM pg_class
----
t

SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.nspname = '{t}'
----
{t}

SELECT tenant, member FROM crm.members
----
north | tina

sam: SELECT id, tenant FROM {t}.people ORDER BY id
----
4 | south
5 | south

sam: SELECT count(*) FROM {t}.orders WHERE id < 13
----
4

sam: SELECT * FROM {t}.notes ORDER BY id LIMIT 1
----
1 | note 1

aud: SELECT id FROM {t}.people WHERE id < 7 ORDER BY id
----
1
2
3
4
5
6

aud: SELECT count(*) FROM {t}.notes
----
5

olga: SELECT count(*) FROM {t}.orders WHERE id < 13
----
12

ada: SELECT count(*) FROM {t}.vault WHERE id < 4
----
3

ada: SELECT salary - 777010200 FROM {t}.people WHERE id = 1
----
1

ada: SELECT count(*) FROM {t}.people WHERE id < 7
----
6

eve: SELECT 1 + 1
----
2

tina: SET ROLE north
tina: SELECT current_user
tina: RESET ROLE
tina: SELECT current_user
----
> tina
(SET)
> tina
north
> tina
(RESET)
> tina
tina

ada: GRANT SELECT ON {t}.notes TO eve; GRANT USAGE ON SCHEMA {t} TO eve
eve: SELECT count(*) FROM {t}.notes
ada: REVOKE SELECT ON {t}.notes FROM eve; REVOKE USAGE ON SCHEMA {t} FROM eve
eve: SELECT count(*) FROM {t}.notes
----
> ada
(GRANT)
(GRANT)
> eve
5
> ada
(REVOKE)
(REVOKE)
> eve
ERROR 42P01: relation "{t}.notes" does not exist
