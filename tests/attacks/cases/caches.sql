# the same text by several users, one after the other, in every order (all kinds)
tina: SELECT id, name FROM {t}.people ORDER BY id LIMIT 2
sam: SELECT id, name FROM {t}.people ORDER BY id LIMIT 2
tina: SELECT id, name FROM {t}.people ORDER BY id LIMIT 2
aud: SELECT id, name FROM {t}.people ORDER BY id LIMIT 2
tina: SELECT id, name FROM {t}.people ORDER BY id LIMIT 2
eve: SELECT id, name FROM {t}.people ORDER BY id LIMIT 2
----
> tina
1 | NVIS-Ann
2 | NVIS-Ben
> sam
4 | SVIS-A-4
5 | SVIS-A-5
> tina
1 | NVIS-Ann
2 | NVIS-Ben
> aud
1 | NVIS-Ann
2 | NVIS-Ben
> tina
1 | NVIS-Ann
2 | NVIS-Ben
> eve
ERROR 42P01: relation "{t}.people" does not exist

# (all kinds)
sam: SELECT count(*), max(card) FROM {t}.orders WHERE id < 13
tina: SELECT count(*), max(card) FROM {t}.orders WHERE id < 13
olga: SELECT count(*) FROM {t}.orders WHERE id < 13
tina: SELECT count(*), max(card) FROM {t}.orders WHERE id < 13
----
> sam
4 | ****-1011
> tina
4 | ****-1010
> olga
12
> tina
4 | ****-1010

ada: SELECT email, balance FROM {t}.people WHERE id = 1
tina: SELECT email, balance FROM {t}.people WHERE id = 1
eve: SELECT email, balance FROM {t}.people WHERE id = 1
----
> ada
yLEAK-A-1@example.org | 777010101
> tina
y*** | NULL
> eve
ERROR 42P01: relation "{t}.people" does not exist

ada: SELECT salary FROM {t}.people WHERE id = 1
tina: SELECT salary FROM {t}.people WHERE id = 1
----
> ada
777010201
> tina
ERROR 42703: column "salary" does not exist

ada: SELECT * FROM {t}.people WHERE id = 1
tina: SELECT * FROM {t}.people WHERE id = 1
----
> ada
1 | north | NVIS-Ann | yLEAK-A-1@example.org | 777010101 | +LEAKA1 | 101 | 10 | 777010201 | 2020-01-01 | LEAK-extra-A-1
> tina
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

ada: SELECT secret FROM {t}.vault WHERE id = 1
tina: SELECT secret FROM {t}.vault WHERE id = 1
----
> ada
LEAK-vault-A-1
> tina
ERROR 42P01: relation "{t}.vault" does not exist

ada: EXPLAIN VERBOSE SELECT id FROM {t}.people WHERE id = 2
tina: EXPLAIN VERBOSE SELECT id FROM {t}.people WHERE id = 2
----
> ada
Whole statement by source {t}
  Tables: {t}.people
  Remote SQL: SELECT "people"."id" AS "id" FROM (SELECT "people"."id" AS "id" FROM "public"."people" AS "people" WHERE "people"."id" = 2) AS "people"
  Seq Scan on public.people  (cost=0.00..1.07 rows=1 width=4)
    Output: people.id
    Filter: (people.id = 2)
> tina
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read

ada extended 1: SELECT id, email FROM {t}.people WHERE id = $1
tina extended 1: SELECT id, email FROM {t}.people WHERE id = $1
sam extended 4: SELECT id, email FROM {t}.people WHERE id = $1
tina extended 4: SELECT id, email FROM {t}.people WHERE id = $1
----
> ada
1 | yLEAK-A-1@example.org
> tina
1 | y***
> sam
4 | y***
> tina
(SELECT 0)

ada parse s: SELECT card FROM {t}.orders WHERE id = 1
tina parse s: SELECT card FROM {t}.orders WHERE id = 1
ada run s:
tina run s:
tina: DEALLOCATE s
ada run s:
----
> ada
> tina
> ada
LEAK-A-1-1001
> tina
****-1001
> tina
(DEALLOCATE)
> ada
LEAK-A-1-1001

# the same session as two roles
tina: SELECT count(*) FROM {t}.people
tina: SET ROLE analysts
tina: SELECT count(*) FROM {t}.people
tina: SELECT email FROM {t}.people
tina: RESET ROLE
tina: SELECT count(*) FROM {t}.people
----
> tina
3
> tina
(SET)
> tina
0
> tina
(SELECT 0)
> tina
(RESET)
> tina
3

# the same session before and after a change
tina: SELECT max(id) FROM {t}.people
ada: DROP POLICY north_rows ON {t}.people
tina: SELECT max(id) FROM {t}.people
ada: CREATE POLICY north_rows ON {t}.people TO north USING (tenant = 'north' OR name = 'LEAK-constant')
tina: SELECT max(id) FROM {t}.people
----
> tina
3
> ada
(DROP POLICY)
> tina
NULL
> ada
(CREATE POLICY)
> tina
3

# the same name, another table along the path
tina: SET search_path = lk
tina: SELECT count(*) FROM notes
tina: SET search_path = crm
tina: SELECT count(*) FROM members
tina: SELECT count(*) FROM vault
----
> tina
(SET)
> tina
5
> tina
(SET)
> tina
1
> tina
ERROR 42P01: relation "vault" does not exist

tina: BEGIN
tina: SELECT count(*) FROM {t}.orders
ada: ALTER POLICY members ON {t}.orders USING (false)
tina: SELECT count(*) FROM {t}.orders
tina: COMMIT
ada: ALTER POLICY members ON {t}.orders USING (tenant IN (SELECT m.tenant FROM crm.members m WHERE m.member = CURRENT_USER))
tina: SELECT count(*) FROM {t}.orders
----
> tina
(BEGIN)
> tina
4
> ada
(ALTER POLICY)
> tina
FATAL 57P01: terminating connection due to administrator command
  DETAIL: The transaction may have held up a change of who may read what for more than 2 s.
  HINT: Connect and run the transaction again.
the connection was closed
> tina
WARNING 25P01: there is no transaction in progress
(COMMIT)
> ada
(ALTER POLICY)
> tina
4
