# a division that fails on a hidden row alone (all kinds)
SELECT id FROM {t}.people WHERE 1 / (amount - {common}) < 5 ORDER BY 1
----
1
2
3

# (all kinds)
SELECT id FROM {t}.people WHERE amount > 0 AND 10 / (amount - {common}) <> 7 ORDER BY 1
----
1
2
3

# a cast that fails on a hidden row alone, and would print it (all kinds)
SELECT id FROM {t}.people WHERE CAST(code AS integer) > 0 ORDER BY 1
----
1
2
3

# (all kinds)
SELECT id FROM {t}.people WHERE tenant = 'north' AND CAST(code AS bigint) > 102 ORDER BY 1
----
3

# (all kinds)
SELECT max(CAST(code AS integer)) FROM {t}.people
----
103

# (all kinds)
SELECT id, CAST(code AS integer) AS c FROM {t}.people ORDER BY c DESC
----
3 | 103
2 | 102
1 | 101

# (all kinds)
SELECT a.id FROM {t}.people a JOIN {t}.notes b ON CAST(a.code AS integer) = b.id + 100 ORDER BY 1
----
1
2
3

# (all kinds)
SELECT count(*) FROM {t}.people WHERE code::date IS NOT NULL AND false
----
0

SELECT count(*) FROM {t}.people GROUP BY CAST(code AS integer) ORDER BY 1
----
1
1
1

SELECT count(*) FROM {t}.people HAVING max(CAST(code AS integer)) > 0
----
3

SELECT row_number() OVER (ORDER BY CAST(code AS integer)) FROM {t}.people ORDER BY 1
----
1
2
3

SELECT DISTINCT CAST(code AS integer) FROM {t}.people ORDER BY 1
----
101
102
103

SELECT (SELECT min(CAST(code AS integer)) FROM {t}.people)
----
101

SELECT count(*) FROM {t}.notes n WHERE EXISTS (SELECT 1 FROM {t}.people p WHERE CAST(p.code AS integer) = n.id + 100)
----
3

SELECT count(*) FROM {t}.notes n LEFT JOIN {t}.people p ON CAST(p.code AS integer) = n.id
----
5

SELECT CASE WHEN id > 0 THEN 1 / (amount - {common}) ELSE 0 END FROM {t}.people ORDER BY 1
----
0
0
0

SELECT id FROM {t}.people WHERE CASE WHEN tenant <> 'north' THEN 1 / (id - id) > 0 ELSE true END ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE CASE WHEN tenant <> 'north' THEN 1 / 0 > 0 ELSE true END ORDER BY 1
----
ERROR 22012: division by zero

SELECT id FROM {t}.people WHERE tenant <> 'north' AND 1 / 0 > 0
----
ERROR 22012: division by zero

SELECT id FROM {t}.people WHERE CASE WHEN amount > 1000 THEN CAST(name AS integer) > 0 ELSE true END ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE coalesce(nullif(amount, {common}), 1 / 0) > 0 ORDER BY 1
----
ERROR 22012: division by zero

SELECT sum(amount * 1000000000) FROM {t}.people
----
60000000000

SELECT id FROM {t}.people WHERE amount * 9000000000000 > 0 ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE CAST(amount AS smallint) > 0 ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE ln(1000 - amount) > 0 ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE sqrt(1000 - amount) > 0 ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE substring(code FROM 1 FOR 3 - length(code) + 3) <> '' ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE 'x' ~ (CASE WHEN tenant = 'north' THEN 'x' ELSE '(' END) ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE name ~ ('(' || CASE WHEN tenant = 'north' THEN ')' ELSE '' END) ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE CAST('2020-01-' || CAST(id AS text) AS date) IS NOT NULL ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE CAST(name AS boolean)
----
ERROR 22P02: invalid input syntax for type boolean: "NVIS-Ann"

SELECT id FROM {t}.people WHERE CAST(email AS integer) = 1
----
ERROR 22P02: invalid input syntax for type integer: "y***"

SELECT id FROM {t}.people WHERE chr(CAST(amount AS integer)) <> '' ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE repeat('x', CAST(amount AS integer)) <> '' ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE (SELECT count(*) FROM {t}.orders o WHERE o.id / (amount - {common}) = 1) = 0 ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE id = (SELECT o.id FROM {t}.orders o WHERE o.tenant = people.tenant)
----
ERROR 21000: more than one row returned by a subquery used as an expression

SELECT (SELECT name FROM {t}.people WHERE tenant <> 'north')
----
NULL

SELECT id FROM {t}.orders WHERE 1 / (price - 7770002) < 5 ORDER BY 1
----
1
4
7
10

# an error of a masked value tells the mask
SELECT CAST(email AS integer) FROM {t}.people
----
ERROR 22P02: invalid input syntax for type integer: "y***"

SELECT CAST(card AS date) FROM {t}.orders
----
ERROR 22007: invalid input syntax for type date: "****-1001"

# messages of errors name no column that is hidden
SELECT p.nothing FROM {t}.people p JOIN {t}.orders o ON true
----
ERROR 42703: column "nothing" does not exist

SELECT id FROM {t}.people, {t}.orders
----
ERROR 42703: column "id" does not exist

SELECT nope(id) FROM {t}.people
----
ERROR 42883: function nope(integer) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT id + name FROM {t}.people
----
ERROR 42883: operator does not exist: integer + text
  HINT: No operator matches the given name and argument types. You might need to add explicit type casts.

SELECT id FROM {t}.people WHERE joined < 'yesterday or so'
----
ERROR 22007: invalid input syntax for type date: "yesterday or so"

SELECT extract(year FROM joined) / (extract(year FROM joined) - 1777) FROM {t}.people ORDER BY 1
----
8.3127572016460905
8.3127572016460905
8.3127572016460905

SELECT id FROM {t}.people WHERE to_date(code, 'YYYY') IS NOT NULL ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE decode(code, 'hex') IS NOT NULL ORDER BY 1
----
ERROR 22023: invalid data for decode()

SELECT id FROM {t}.people WHERE amount IN (SELECT CAST(code AS integer) FROM {t}.people)
----
(SELECT 0)

tina extended 5: SELECT id FROM {t}.people WHERE 1 / (amount - $1) < 5 ORDER BY 1
----
1
2
3

tina extended {common}: SELECT id FROM {t}.people WHERE 1 / (amount - CAST($1 AS bigint)) < 5 ORDER BY 1
----
1
2
3

tina extended LEAK-code-A-4: SELECT id FROM {t}.people WHERE code = $1
----
(SELECT 0)

# a comparison with a parameter passes the policy, and finds no more than is seen (all kinds)
tina extended {common} 20 30: SELECT id FROM {t}.people WHERE amount IN ($1, $2) OR amount = CAST($3 AS bigint) ORDER BY id
----
2
3

# a parameter that fails where a row is asked for it does not tell whether there is a hidden one
tina extended {common} x: SELECT id FROM lk.people WHERE amount = $1 AND id = CAST(CAST($2 AS text) AS integer)
----
(SELECT 0)

tina extended {common} x: SELECT id FROM docs.people WHERE amount = $1 AND id = CAST(CAST($2 AS text) AS integer)
----
(SELECT 0)

tina extended {common} 0: SELECT id FROM ice.people WHERE amount = $1 AND 1 / CAST($2 AS integer) = id
----
(SELECT 0)

tina extended {common} x: SELECT id FROM crm.people WHERE amount = $1 AND id = CAST(CAST($2 AS text) AS integer)
----
ERROR 22P02: source "crm" could not compute a value

# (all kinds)
tina extended {common} x\: SELECT id FROM {t}.people WHERE amount = $1 AND name LIKE $2
----
(SELECT 0)

# (all kinds)
tina extended 7770017.00000000000000000000000000000000001: SELECT id FROM {t}.orders WHERE price = $1
----
(SELECT 0)

# so many places that there is no room for the large numbers of others beside them (all kinds)
SELECT id FROM {t}.orders WHERE price <> 1.00000000000000000000000000000000001 ORDER BY id
----
1
4
7
10

# (all kinds)
SELECT id FROM {t}.people WHERE amount <> 1.00000000000000000000000000000000001 ORDER BY id
----
1
2
3

# (all kinds)
SELECT id FROM {t}.people WHERE amount IN (20, 1.00000000000000000000000000000000001) ORDER BY id
----
2

# what the policies ask is put out beside what fails on a hidden row alone: it is not computed below them (all kinds)
SELECT id, tenant, name, CAST(code AS integer) + amount AS c FROM {t}.people ORDER BY c
----
1 | north | NVIS-Ann | 111
2 | north | NVIS-Ben | 122
3 | north | NVIS-Cleo | 133

# (all kinds)
SELECT id, tenant, name, 1 / (amount - {common}) + length(code) AS c FROM {t}.people LIMIT 3
----
1 | north | NVIS-Ann | 3
2 | north | NVIS-Ben | 3
3 | north | NVIS-Cleo | 3

# in groups, more than once (all kinds)
SELECT id, tenant, name, sum(CAST(code AS integer) + amount), max(CAST(code AS integer) + amount) FROM {t}.people GROUP BY 1, 2, 3 ORDER BY 1
----
1 | north | NVIS-Ann | 111 | 111
2 | north | NVIS-Ben | 122 | 122
3 | north | NVIS-Cleo | 133 | 133

# with DISTINCT (all kinds)
SELECT DISTINCT id, tenant, name, 0 * (CAST(code AS integer) + amount) AS c FROM {t}.people ORDER BY 1
----
1 | north | NVIS-Ann | 0
2 | north | NVIS-Ben | 0
3 | north | NVIS-Cleo | 0

# in a window (all kinds)
SELECT id, tenant, name, row_number() OVER (ORDER BY CAST(code AS integer) + amount) FROM {t}.people ORDER BY 1
----
1 | north | NVIS-Ann | 1
2 | north | NVIS-Ben | 2
3 | north | NVIS-Cleo | 3

# as the order alone (all kinds)
SELECT id, tenant, name FROM {t}.people ORDER BY CAST(code AS integer) + amount
----
1 | north | NVIS-Ann
2 | north | NVIS-Ben
3 | north | NVIS-Cleo

# in a WITH query, and beside another condition (all kinds)
WITH w AS (SELECT id, tenant, name, CAST(code AS integer) + amount AS c FROM {t}.people) SELECT * FROM w WHERE id <> 2 ORDER BY c
----
1 | north | NVIS-Ann | 111
3 | north | NVIS-Cleo | 133

# in the arms of a union (all kinds)
SELECT * FROM (SELECT id, tenant, name, CAST(code AS integer) + amount AS c FROM {t}.people UNION ALL SELECT id, tenant, name, amount FROM {t}.people) s WHERE id < 3 ORDER BY c
----
1 | north | NVIS-Ann | 10
2 | north | NVIS-Ben | 20
1 | north | NVIS-Ann | 111
2 | north | NVIS-Ben | 122

# as key of a join (all kinds)
SELECT p.id, p.tenant, p.name FROM {t}.people p JOIN {t}.notes n ON n.id = CAST(p.code AS integer) + 0 * p.amount - 100 ORDER BY 1
----
1 | north | NVIS-Ann
2 | north | NVIS-Ben
3 | north | NVIS-Cleo

# with what PostgreSQL evaluates, whose error has the value (all kinds)
SELECT id, tenant, name, jsonb_build_array(code::json, amount) AS c FROM {t}.people ORDER BY id
----
1 | north | NVIS-Ann | [101, 10]
2 | north | NVIS-Ben | [102, 20]
3 | north | NVIS-Cleo | [103, 30]

# as a key within EXISTS (all kinds)
SELECT p.id, p.tenant, p.name FROM {t}.people p WHERE EXISTS (SELECT 1 FROM {t}.notes n WHERE n.id = CAST(p.code AS integer) + 0 * p.amount - 100) ORDER BY 1
----
1 | north | NVIS-Ann
2 | north | NVIS-Ben
3 | north | NVIS-Cleo

# as a key within NOT EXISTS (all kinds)
SELECT p.id, p.tenant, p.name FROM {t}.people p WHERE NOT EXISTS (SELECT 1 FROM {t}.notes n WHERE n.id = CAST(p.code AS integer) + 0 * p.amount) ORDER BY 1
----
1 | north | NVIS-Ann
2 | north | NVIS-Ben
3 | north | NVIS-Cleo

# as a key of IN (all kinds)
SELECT p.id, p.tenant, p.name FROM {t}.people p WHERE CAST(p.code AS integer) + 0 * p.amount - 100 IN (SELECT n.id FROM {t}.notes n) ORDER BY 1
----
1 | north | NVIS-Ann
2 | north | NVIS-Ben
3 | north | NVIS-Cleo

# as a key of a scalar subquery (all kinds)
SELECT p.id, p.tenant, p.name, (SELECT count(*) FROM {t}.notes n WHERE n.id = CAST(p.code AS integer) + 0 * p.amount - 100) AS c FROM {t}.people p ORDER BY 1
----
1 | north | NVIS-Ann | 1
2 | north | NVIS-Ben | 1
3 | north | NVIS-Cleo | 1

# above a join whose sides have filters (all kinds)
SELECT s.id, s.tenant, s.name, CAST(s.code AS integer) + s.amount AS c FROM (SELECT p.id, p.tenant, p.name, p.code, p.amount, n.id AS other FROM {t}.people p JOIN {t}.notes n ON n.id = p.id) s ORDER BY 1
----
1 | north | NVIS-Ann | 111
2 | north | NVIS-Ben | 122
3 | north | NVIS-Cleo | 133

# in groups above a join, more than once (all kinds)
SELECT s.id, s.tenant, s.name, sum(CAST(s.code AS integer) + s.amount), max(CAST(s.code AS integer) + s.amount) FROM (SELECT p.id, p.tenant, p.name, p.code, p.amount FROM {t}.people p, {t}.notes n WHERE n.id = p.id) s GROUP BY 1, 2, 3 ORDER BY 1
----
1 | north | NVIS-Ann | 111 | 111
2 | north | NVIS-Ben | 122 | 122
3 | north | NVIS-Cleo | 133 | 133
