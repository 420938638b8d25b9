# a WITH name hides a table, though not inside of itself
WITH people AS (SELECT * FROM {t}.orders) SELECT count(*) FROM people
----
4

WITH people AS (SELECT id, tenant FROM {t}.people) SELECT * FROM people ORDER BY id
----
1 | north
2 | north
3 | north

SET search_path = {t};
WITH people AS (SELECT id, name FROM people) SELECT * FROM people ORDER BY id
----
(SET)
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo

SET search_path = {t};
WITH RECURSIVE people AS (SELECT id FROM people) SELECT * FROM people ORDER BY id
----
(SET)
ERROR 42P19: recursive query "people" does not have the form non-recursive-term UNION [ALL] recursive-term

SET search_path = {t};
WITH orders AS (SELECT 1 AS id) SELECT count(*) FROM people WHERE id IN (SELECT id FROM orders)
----
(SET)
1

SET search_path = {t};
WITH a AS (SELECT max(id) AS m FROM people), people AS (SELECT 99 AS id) SELECT m FROM a
----
(SET)
3

SET search_path = {t};
SELECT (WITH people AS (SELECT 1 AS id) SELECT count(*) FROM people), (SELECT count(*) FROM people)
----
(SET)
1 | 3

# a name with its schema is never one of WITH
WITH people AS (SELECT 7 AS id) SELECT count(*) FROM {t}.people
----
3

WITH "{t}.people" AS (SELECT 7 AS id) SELECT count(*) FROM "{t}.people"
----
1

WITH x AS (SELECT * FROM {t}.vault) SELECT 1
----
ERROR 42P01: relation "{t}.vault" does not exist

WITH x AS MATERIALIZED (SELECT name FROM {t}.people) SELECT * FROM x ORDER BY 1
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo

WITH x AS NOT MATERIALIZED (SELECT name FROM {t}.people) SELECT * FROM x ORDER BY 1
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo

WITH x AS (SELECT salary FROM {t}.people) SELECT 1
----
ERROR 42703: column "salary" does not exist

WITH RECURSIVE r(n) AS (SELECT max(id) FROM {t}.people UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT count(*) FROM r
----
3

WITH x AS (DELETE FROM {t}.people RETURNING *) SELECT * FROM x
----
ERROR 0A000: writing is not supported yet

WITH x AS (INSERT INTO {t}.notes SELECT id, name FROM {t}.people RETURNING *) SELECT * FROM x
----
ERROR 0A000: writing is not supported yet

# quotes and case
SELECT "id" FROM "{t}"."people" ORDER BY "id"
----
1
2
3

SELECT ID FROM {t}.PEOPLE ORDER BY Id
----
1
2
3

SELECT count(*) FROM {t}."People"
----
ERROR 42P01: relation "{t}.People" does not exist
  HINT: Perhaps you meant "{t}.people".

SELECT count(*) FROM {t}."PEOPLE"
----
ERROR 42P01: relation "{t}.PEOPLE" does not exist

SELECT count(*) FROM "{t}"."people "
----
ERROR 42P01: relation "{t}.people " does not exist
  HINT: Perhaps you meant "{t}.people".

SELECT "Salary" FROM {t}.people
----
ERROR 42703: column "Salary" does not exist

SELECT SALARY FROM {t}.people
----
ERROR 42703: column "salary" does not exist

SELECT "salary" FROM {t}.people
----
ERROR 42703: column "salary" does not exist

SELECT p."salary" FROM {t}.people AS p
----
ERROR 42703: column "salary" does not exist

SELECT {t}.people.salary FROM {t}.people
----
ERROR 42703: column "salary" does not exist

SELECT count(*) FROM lake.{t}.people
----
3

SELECT count(*) FROM lake.{t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT count(*) FROM postgres.{t}.people
----
ERROR 0A000: cross-database references are not implemented: "postgres.{t}.people"

SELECT count(*) FROM U&"{t}"."people"
----
ERROR 0A000: identifiers with Unicode escapes are not supported in this form of query

SELECT count(*) FROM {t}.U&"peopl\0065"
----
ERROR 0A000: identifiers with Unicode escapes are not supported in this form of query

SELECT count(*) FROM {t}.U&"v\0061ult"
----
ERROR 0A000: identifiers with Unicode escapes are not supported in this form of query

SELECT U&"s\0061lary" FROM {t}.people
----
ERROR 42703: column "u" does not exist

SELECT U&"s!0061lary" UESCAPE '!' FROM {t}.people
----
ERROR 0A000: this form of query is not supported on lake tables

SELECT count(*) FROM {t}.рeople
----
ERROR 42P01: relation "{t}.рeople" does not exist
  HINT: Perhaps you meant "{t}.people".

SELECT count(*) FROM {t}.ｐｅｏｐｌｅ
----
ERROR 42P01: relation "{t}.ｐｅｏｐｌｅ" does not exist

SELECT count(*) FROM {t}.peopleſ
----
ERROR 42P01: relation "{t}.peopleſ" does not exist
  HINT: Perhaps you meant "{t}.people".

SELECT ſalary FROM {t}.people
----
ERROR 42703: column "ſalary" does not exist

SELECT "sal​ary" FROM {t}.people
----
ERROR 42703: column "sal​ary" does not exist

SELECT{nbsp}id{nbsp}FROM{nbsp}{t}.people
----
ERROR 42601: syntax error at or near "SELECT id FROM {t}"

SELECT count(*) FROM {t}.vault_but_much_longer_than_the_sixty_three_bytes_that_a_name_of_postgres_has
----
ERROR 42P01: relation "{t}.vault_but_much_longer_than_the_sixty_three_bytes_that_a_name_of_postgres_has" does not exist

SELECT people_but_much_longer_than_the_sixty_three_bytes_that_a_name_of_postgres_has.id FROM {t}.people AS people_but_much_longer_than_the_sixty_three_bytes_that_a_name_of_postgres_has ORDER BY 1
----
1
2
3

# aliases that take a hidden name
SELECT vault.id FROM {t}.people vault ORDER BY 1
----
1
2
3

SELECT orders.name FROM {t}.people orders ORDER BY 1
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo

SELECT p.email, o.card FROM {t}.people o(id, tenant, name, card), {t}.orders p(id, person_id, tenant, item, email) WHERE o.id = p.id
----
****-1001 | y***

SELECT salary FROM {t}.people AS p(id, tenant, name, salary) ORDER BY 1
----
ERROR 42702: column reference "salary" is ambiguous

SELECT c FROM {t}.people AS p(a, b, c, d, e, f, g, h, i, j, k) ORDER BY a
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo

SELECT c FROM {t}.orders AS p(a, b, c, d, e, f) ORDER BY a
----
north
north
north
north

SELECT c FROM {t}.orders AS p(a, b, c, d, e) ORDER BY a
----
north
north
north
north

SELECT id AS salary, email AS balance FROM {t}.people ORDER BY salary
----
1 | y***
2 | z***
3 | x***

# a column of the user's own is none of the policy's
SELECT 'south' AS tenant, id FROM {t}.people tenant ORDER BY id
----
south | 1
south | 2
south | 3

SELECT x.id FROM (SELECT id, 'south' AS tenant FROM {t}.people) x WHERE x.tenant = 'south' ORDER BY 1
----
1
2
3

SELECT p.id, "current_user" FROM {t}.people p, (SELECT 'sam' AS "current_user") u ORDER BY 1
----
1 | sam
2 | sam
3 | sam

SELECT m.member FROM crm.members m, (SELECT 'sam' AS member) "m2" ORDER BY 1
----
tina

WITH members AS (SELECT 'south' AS tenant, 'tina' AS member) SELECT count(*) FROM {t}.orders, members
----
4

# other places to look for names
SET search_path = pg_temp, {t};
SELECT count(*) FROM people
----
(SET)
3

SET search_path = crm, {t};
SELECT count(*) FROM vault
----
(SET)
ERROR 42P01: relation "vault" does not exist

SET search_path = lakegate, {t};
SELECT count(*) FROM people
----
(SET)
3

SET search_path = "$user", {t};
SELECT count(*) FROM people
----
(SET)
3

SET search_path = pg_catalog, information_schema;
SELECT count(*) FROM people
----
(SET)
ERROR 42P01: relation "people" does not exist
  HINT: Perhaps you meant "lk.people".

SELECT set_config('search_path', '{t}', false);
SELECT count(*) FROM people
----
{t}
3

SELECT count(*) FROM pg_catalog.people
----
ERROR 42P01: relation "pg_catalog.people" does not exist

SELECT count(*) FROM pg_temp.people
----
ERROR 42P01: relation "pg_temp.people" does not exist

SELECT count(*) FROM lakegate.people
----
ERROR 42P01: relation "lakegate.people" does not exist
  HINT: Perhaps you meant "lk.people".

SELECT count(*) FROM public.people
----
3

SELECT count(*) FROM {t}_default.people
----
ERROR 42P01: relation "ice_default.people" does not exist
  HINT: Perhaps you meant "{t}.people".

SELECT count(*) FROM crm_public.people
----
ERROR 42P01: relation "crm_public.people" does not exist
  HINT: Perhaps you meant "public.people".
