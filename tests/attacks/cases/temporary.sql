# what lands in a temporary table is what is seen (all kinds)
CREATE TEMP TABLE mine AS SELECT id, tenant, name, email, balance, phone, amount FROM {t}.people;
SELECT * FROM mine ORDER BY id;
DROP TABLE mine
----
(SELECT 3)
1 | north | NVIS-Ann | y*** | NULL | +*** | 10
2 | north | NVIS-Ben | z*** | NULL | +*** | 20
3 | north | NVIS-Cleo | x*** | NULL | +*** | 30
(DROP TABLE)

# (all kinds)
CREATE TEMP TABLE mine (id int, card text);
INSERT INTO mine SELECT id, card FROM {t}.orders;
SELECT count(*), min(card), max(card) FROM mine;
SELECT m.id, o.card FROM mine m JOIN {t}.orders o USING (id) ORDER BY 1;
DROP TABLE mine
----
(CREATE TABLE)
(INSERT 0 4)
4 | ****-1001 | ****-1010
1 | ****-1001
4 | ****-1004
7 | ****-1007
10 | ****-1010
(DROP TABLE)

SELECT id, code INTO TEMP mine FROM {t}.people; SELECT * FROM mine ORDER BY id; DROP TABLE mine
----
(SELECT 3)
1 | 101
2 | 102
3 | 103
(DROP TABLE)

CREATE TEMP TABLE mine AS SELECT salary FROM {t}.people
----
ERROR 42703: column "salary" does not exist

CREATE TEMP TABLE mine AS TABLE {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

CREATE TEMP TABLE mine AS SELECT * FROM {t}.people WITH NO DATA
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

eve: CREATE TEMP TABLE mine AS SELECT id FROM {t}.people
----
ERROR 42P01: relation "{t}.people" does not exist

# errors of hidden rows do not show
CREATE TEMP TABLE mine AS SELECT 1 / (amount - 777010004) AS a FROM {t}.people; DROP TABLE mine
----
(SELECT 3)
(DROP TABLE)

CREATE TEMP TABLE mine (a bigint UNIQUE);
INSERT INTO mine SELECT 1 / (amount - 777010004) FROM {t}.people
----
(CREATE TABLE)
ERROR 23505: duplicate key value violates unique constraint "mine_a_key"
  DETAIL: Key (a)=(0) already exists.

CREATE TEMP TABLE mine (a bigint CHECK (a < 777010000));
INSERT INTO mine SELECT amount FROM {t}.people;
SELECT count(*) FROM mine
----
(CREATE TABLE)
(INSERT 0 3)
3

CREATE TEMP TABLE mine AS SELECT amount FROM {t}.people;
SELECT p.id FROM {t}.people p JOIN mine m ON 1 / (p.amount - 777010004) <= m.amount ORDER BY 1 LIMIT 1;
DROP TABLE mine
----
(SELECT 3)
1
(DROP TABLE)

# the shape of what is hidden
CREATE TEMP TABLE mine (LIKE {t}.people)
----
ERROR 0A000: this form of query is not supported on lake tables

CREATE TEMP TABLE mine (LIKE {t}.vault)
----
ERROR 42P01: relation "{t}.vault" does not exist

CREATE TEMP TABLE mine () INHERITS ({t}.notes)
----
ERROR 0A000: this form of query is not supported on lake tables

CREATE TEMP TABLE mine (a {t}.people)
----
ERROR 0A000: this form of query is not supported on lake tables

CREATE TEMP TABLE mine (id integer REFERENCES {t}.notes)
----
ERROR 0A000: this form of query is not supported on lake tables

CREATE TEMP TABLE mine PARTITION OF {t}.notes DEFAULT
----
ERROR 0A000: this form of query is not supported on lake tables

CREATE TEMP TABLE mine OF {t}.notes
----
ERROR 0A000: this form of query is not supported on lake tables

CREATE TEMP TABLE mine (id integer, text text); ALTER TABLE mine INHERIT {t}.notes
----
(CREATE TABLE)
ERROR 0A000: this form of query is not supported on lake tables

CREATE TEMP VIEW mine AS SELECT * FROM {t}.notes
----
(CREATE VIEW)

# views over what is governed (all kinds)
CREATE TEMP VIEW mine AS SELECT id, tenant, name, email, balance, phone, amount FROM {t}.people;
CREATE TEMP VIEW ours AS SELECT m.name, m.email, o.card FROM mine m JOIN {t}.orders o ON o.person_id = m.id;
SELECT * FROM mine ORDER BY id;
SELECT count(*), max(card), max(email) FROM ours;
SELECT id FROM mine WHERE 1 / (amount - 777010004) <= 1 ORDER BY id
----
(CREATE VIEW)
(CREATE VIEW)
1 | north | NVIS-Ann | y*** | NULL | +*** | 10
2 | north | NVIS-Ben | z*** | NULL | +*** | 20
3 | north | NVIS-Cleo | x*** | NULL | +*** | 30
4 | ****-1010 | y***
1
2
3

tina extended: CREATE TEMP VIEW mine AS SELECT id, name, email FROM {t}.people
tina extended: SELECT * FROM mine ORDER BY id
tina binary: SELECT * FROM mine ORDER BY id
tina: COPY (SELECT * FROM mine ORDER BY id) TO STDOUT
tina: EXPLAIN (COSTS off) SELECT name FROM mine WHERE name LIKE 'LEAK%'
tina: SELECT pg_get_viewdef('mine'::regclass)
tina: COPY mine TO STDOUT
tina: SELECT m FROM mine m
tina: UPDATE mine SET name = 'x'
tina: INSERT INTO mine VALUES (1, 'x', 'y')
tina: DELETE FROM mine
tina: MERGE INTO mine USING {t}.people p ON p.id = mine.id WHEN MATCHED THEN DELETE
tina: CREATE TEMP TABLE copy (LIKE mine)
tina: DROP VIEW mine
----
> tina
(CREATE VIEW)
> tina
1 | NVIS-Ann | y***
2 | NVIS-Ben | z***
3 | NVIS-Cleo | x***
> tina
\x00000001 | NVIS-Ann | y***
\x00000002 | NVIS-Ben | z***
\x00000003 | NVIS-Cleo | x***
> tina
(COPY)
1\tNVIS-Ann\ty***
2\tNVIS-Ben\tz***
3\tNVIS-Cleo\tx***
(COPY 3)
> tina
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read
> tina
 SELECT id,\n    name,\n    email\n   FROM {t}.people;
> tina
ERROR 42809: cannot copy from view "mine"
  HINT: Try the COPY (SELECT ...) TO variant.
> tina
(1,NVIS-Ann,y***)
(2,NVIS-Ben,z***)
(3,NVIS-Cleo,x***)
> tina
ERROR 0A000: UPDATE on a view over tables of the lake is not supported
  HINT: Views are for reading.
> tina
ERROR 0A000: INSERT on a view over tables of the lake is not supported
  HINT: Views are for reading.
> tina
ERROR 0A000: DELETE on a view over tables of the lake is not supported
  HINT: Views are for reading.
> tina
ERROR 0A000: MERGE on a view over tables of the lake is not supported
  HINT: Views are for reading.
> tina
ERROR 0A000: this form of query is not supported on lake tables
> tina
(DROP VIEW)

# what may not be known of
CREATE TEMP VIEW mine AS SELECT * FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

CREATE TEMP VIEW mine AS SELECT salary FROM {t}.people
----
ERROR 42703: column "salary" does not exist

CREATE TEMP VIEW mine AS SELECT p FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

CREATE TEMP VIEW mine AS SELECT id FROM {t}.people WITH CHECK OPTION
----
ERROR 0A000: WITH CHECK OPTION is not supported
  HINT: Views are for reading.

CREATE TEMP VIEW mine AS SELECT id FROM {t}.notes; CREATE OR REPLACE TEMP VIEW mine AS SELECT id FROM {t}.vault
----
(CREATE VIEW)
ERROR 42P01: relation "{t}.vault" does not exist

CREATE TEMP RECURSIVE VIEW mine (id) AS SELECT id FROM {t}.vault UNION SELECT id FROM mine
----
ERROR 0A000: CREATE RECURSIVE VIEW is not supported
  HINT: Write WITH RECURSIVE inside of the view's query.

eve: CREATE TEMP VIEW mine AS SELECT id FROM {t}.people
----
ERROR 42P01: relation "{t}.people" does not exist

# with whose rights
ada: CREATE TEMP VIEW mine AS SELECT id, name, email FROM {t}.people WHERE id < 100
ada: SET SESSION AUTHORIZATION tina
ada: SELECT * FROM mine ORDER BY id
ada: SELECT * FROM pg_temp.mine ORDER BY id
ada: CREATE TEMP TABLE copy AS SELECT * FROM mine
ada: CREATE TEMP VIEW another AS SELECT * FROM mine
ada: DROP VIEW mine
ada: CREATE TEMP VIEW hers AS SELECT id, name, email FROM {t}.people
ada: SELECT * FROM hers ORDER BY id
ada: RESET SESSION AUTHORIZATION
ada: DROP VIEW mine
----
> ada
(CREATE VIEW)
> ada
(SET)
> ada
ERROR 42501: permission denied for view mine
> ada
ERROR 42501: permission denied for view mine
> ada
ERROR 42501: permission denied for view mine
> ada
ERROR 42501: permission denied for view mine
> ada
ERROR 42501: must be owner of view mine
> ada
(CREATE VIEW)
> ada
1 | NVIS-Ann | y***
2 | NVIS-Ben | z***
3 | NVIS-Cleo | x***
> ada
(RESET)
> ada
(DROP VIEW)

tina: CREATE TEMP VIEW mine AS SELECT id, name, email FROM {t}.people
tina: SET ROLE north
tina: SELECT * FROM mine ORDER BY id
tina: CREATE TEMP VIEW norths AS SELECT id, name FROM {t}.people
tina: CREATE TEMP VIEW norths AS SELECT current_user AS who
tina: RESET ROLE
tina: SELECT * FROM norths
tina: SELECT set_config('role', 'north', false)
tina: SELECT * FROM mine ORDER BY id
tina: RESET ROLE
tina: SELECT * FROM mine ORDER BY id
tina: DROP VIEW mine, norths
----
> tina
(CREATE VIEW)
> tina
(SET)
> tina
ERROR 42501: permission denied for view mine
> tina
ERROR 42P01: relation "{t}.people" does not exist
> tina
(CREATE VIEW)
> tina
(RESET)
> tina
tina
> tina
north
> tina
ERROR 42501: permission denied for view mine
> tina
(RESET)
> tina
1 | NVIS-Ann | y***
2 | NVIS-Ben | z***
3 | NVIS-Cleo | x***
> tina
(DROP VIEW)

# names in views are those that they had
SET search_path = crm;
CREATE TEMP VIEW mine AS SELECT o.id FROM orders o WHERE tenant IN (SELECT tenant FROM members);
CREATE TEMP TABLE members (member text, tenant text);
INSERT INTO members VALUES ('tina', 'west'), ('tina', 'south');
SELECT * FROM mine ORDER BY id;
DROP TABLE members
----
(SET)
(CREATE VIEW)
(CREATE TABLE)
(INSERT 0 2)
1
4
7
10
(DROP TABLE)

SET search_path = {t}; CREATE TEMP VIEW mine AS SELECT * FROM vault
----
(SET)
ERROR 42P01: relation "vault" does not exist

# changing what is not temporary
INSERT INTO {t}.notes VALUES (1, 'x')
----
ERROR 0A000: INSERT is not supported

UPDATE {t}.notes SET text = 'x'
----
ERROR 0A000: UPDATE is not supported

DELETE FROM {t}.notes
----
ERROR 0A000: DELETE is not supported

TRUNCATE {t}.notes
----
ERROR 0A000: TRUNCATE is not supported

DROP TABLE {t}.notes
----
ERROR 0A000: DROP TABLE is not supported

DROP TABLE IF EXISTS {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

DROP VIEW IF EXISTS {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

ALTER TABLE {t}.notes ADD COLUMN x integer
----
ERROR 0A000: ALTER TABLE is not supported

CREATE INDEX ON {t}.notes (id)
----
ERROR 0A000: CREATE INDEX is not supported

ANALYZE {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

CREATE TEMP TABLE mine (a integer); DROP TABLE mine, {t}.notes
----
(CREATE TABLE)
ERROR 0A000: DROP TABLE is not supported

CREATE TEMP TABLE mine (a integer); TRUNCATE mine, {t}.notes CASCADE
----
(CREATE TABLE)
ERROR 0A000: TRUNCATE is not supported

CREATE TEMP TABLE mine (a integer);
WITH gone AS (DELETE FROM {t}.notes RETURNING *) INSERT INTO mine SELECT id FROM gone
----
(CREATE TABLE)
ERROR 0A000: this form of INSERT of a temporary table cannot read tables of the lake
  HINT: Copy the rows to a temporary table first: CREATE TEMPORARY TABLE ... AS SELECT ...

CREATE TEMP TABLE mine (a integer); MERGE INTO {t}.notes USING mine ON false WHEN NOT MATCHED THEN INSERT VALUES (1, 'x')
----
(CREATE TABLE)
ERROR 0A000: MERGE is not supported

INSERT INTO pg_class SELECT * FROM pg_class
----
ERROR 0A000: INSERT is not supported

DELETE FROM lakegate.row_policies
----
ERROR 42P01: relation "lakegate.row_policies" does not exist

# reading by way of a change
CREATE TEMP TABLE mine (a bigint); INSERT INTO mine VALUES ((SELECT count(*) FROM {t}.vault))
----
(CREATE TABLE)
ERROR 42P01: relation "{t}.vault" does not exist

CREATE TEMP TABLE mine (a bigint); INSERT INTO mine VALUES ((SELECT count(salary) FROM {t}.people)) RETURNING a
----
(CREATE TABLE)
ERROR 0A000: this form of INSERT of a temporary table cannot read tables of the lake
  HINT: Copy the rows to a temporary table first: CREATE TEMPORARY TABLE ... AS SELECT ...

CREATE TEMP TABLE mine (a bigint); INSERT INTO mine VALUES (1);
UPDATE mine SET a = p.salary FROM {t}.people p
----
(CREATE TABLE)
(INSERT 0 1)
ERROR 0A000: this form of UPDATE of a temporary table cannot read tables of the lake
  HINT: Copy the rows to a temporary table first: CREATE TEMPORARY TABLE ... AS SELECT ...

CREATE TEMP TABLE mine (a bigint); UPDATE mine SET a = (SELECT count(*) FROM {t}.vault)
----
(CREATE TABLE)
ERROR 42P01: relation "{t}.vault" does not exist

CREATE TEMP TABLE mine (a bigint); DELETE FROM mine USING {t}.vault
----
(CREATE TABLE)
ERROR 42P01: relation "{t}.vault" does not exist

CREATE TEMP TABLE mine (a bigint); MERGE INTO mine USING {t}.vault v ON v.id = a WHEN MATCHED THEN DELETE
----
(CREATE TABLE)
ERROR 42P01: relation "{t}.vault" does not exist

CREATE TEMP TABLE mine (a bigint); UPDATE ONLY mine SET a = 1 WHERE EXISTS (SELECT FROM {t}.vault) RETURNING (SELECT 1 FROM {t}.vault)
----
(CREATE TABLE)
ERROR 42P01: relation "{t}.vault" does not exist

CREATE TEMP TABLE mine (a bigint PRIMARY KEY);
INSERT INTO mine VALUES (1) ON CONFLICT (a) DO UPDATE SET a = (SELECT max(salary) FROM {t}.people)
----
(CREATE TABLE)
ERROR 0A000: this form of INSERT of a temporary table cannot read tables of the lake
  HINT: Copy the rows to a temporary table first: CREATE TEMPORARY TABLE ... AS SELECT ...

CREATE TEMP TABLE mine (a bigint DEFAULT (1));
CREATE INDEX ON mine ((SELECT 1 FROM {t}.vault))
----
(CREATE TABLE)
ERROR 42P01: relation "{t}.vault" does not exist

# names that hide others: policies, masks and views do not see them
SET search_path = {t};
CREATE TEMP TABLE members (member text, tenant text);
INSERT INTO members VALUES ('tina', 'west'), ('tina', 'south');
SELECT id, tenant FROM {t}.orders ORDER BY id;
DROP TABLE members
----
(SET)
(CREATE TABLE)
(INSERT 0 2)
1 | north
4 | north
7 | north
10 | north
(DROP TABLE)

SET search_path = crm;
CREATE TEMP TABLE members (member text, tenant text);
INSERT INTO members VALUES ('tina', 'west'), ('tina', 'south');
SELECT count(*) FROM crm.orders;
SELECT count(*) FROM public.orders;
DROP TABLE members
----
(SET)
(CREATE TABLE)
(INSERT 0 2)
4
4
(DROP TABLE)

SET search_path = crm;
CREATE TEMP TABLE people AS SELECT 7 AS id, 'x' AS name;
SELECT name FROM people;
SELECT count(*) FROM public.people;
SELECT count(*) FROM crm.people;
DROP TABLE people
----
(SET)
x
3
3
(DROP TABLE)

CREATE TEMP TABLE pg_class AS SELECT 'mine' AS relname;
SELECT p.id, c.relname FROM pg_class c, {t}.people p ORDER BY 1;
SELECT count(*) > 1 FROM pg_catalog.pg_class;
DROP TABLE pg_class
----
(SELECT 1)
1 | mine
2 | mine
3 | mine
t
(DROP TABLE)

CREATE TEMP TABLE pg_roles AS SELECT 'ada' AS rolname, true AS rolsuper;
SELECT current_user, session_user;
SELECT count(*) FROM {t}.people;
DROP TABLE pg_roles
----
(SELECT 1)
tina | tina
3
(DROP TABLE)

CREATE TEMP TABLE text (a integer); CREATE TEMP TABLE int8 (a integer); CREATE TEMP TABLE name (a integer);
SELECT id, name FROM {t}.people ORDER BY id;
SELECT count(*) FROM {t}.people;
SELECT current_user
----
(CREATE TABLE)
(CREATE TABLE)
(CREATE TABLE)
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo
3
tina

# nothing but relations
CREATE FUNCTION pg_temp.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'
----
ERROR 0A000: CREATE FUNCTION is not supported

CREATE TYPE pg_temp.t AS (a integer)
----
ERROR 0A000: CREATE TYPE is not supported

CREATE DOMAIN pg_temp.t AS integer CHECK (value > 0)
----
ERROR 0A000: CREATE DOMAIN is not supported

CREATE OPERATOR pg_temp.= (FUNCTION = int4eq, LEFTARG = integer, RIGHTARG = integer)
----
ERROR 0A000: CREATE OPERATOR is not supported

CREATE TEMP TABLE mine (a integer);
CREATE TRIGGER t BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
----
ERROR 0A000: CREATE TRIGGER is not supported

CREATE TEMP TABLE mine (a integer); CREATE RULE r AS ON INSERT TO mine DO INSTEAD SELECT * FROM {t}.vault
----
ERROR 0A000: CREATE RULE is not supported

CREATE TEMP TABLE mine (a integer); CREATE POLICY p ON mine USING (true)
----
(CREATE TABLE)
ERROR 25001: CREATE cannot be executed together with other statements
  HINT: Send it alone, or between BEGIN and COMMIT.

CREATE TABLE public.mine (a integer)
----
ERROR 0A000: CREATE TABLE is not supported

CREATE UNLOGGED TABLE mine (a integer)
----
ERROR 0A000: CREATE UNLOGGED is not supported

CREATE TEMP TABLE {t}.mine (a integer)
----
ERROR 42P01: relation "{t}.mine" does not exist

CREATE TEMP TABLE mine (a integer); ALTER TABLE mine SET SCHEMA public
----
(CREATE TABLE)
ERROR 42501: permission denied for schema public

# side effects of what is evaluated
CREATE TEMP TABLE mine (a text DEFAULT pg_read_file('/etc/passwd')); INSERT INTO mine DEFAULT VALUES
----
(CREATE TABLE)
ERROR 42501: permission denied for function pg_read_file

CREATE TEMP TABLE mine (a text CHECK (pg_read_file('PG_VERSION') = a)); INSERT INTO mine VALUES ('18')
----
(CREATE TABLE)
ERROR 42501: permission denied for function pg_read_file

CREATE TEMP TABLE mine (a text GENERATED ALWAYS AS (lakegate.principal()) STORED)
----
ERROR 42P01: relation "lakegate.principal" does not exist

CREATE TEMP TABLE mine (a text DEFAULT lakegate.principal())
----
ERROR 42P01: relation "lakegate.principal" does not exist

CREATE TEMP TABLE mine (a integer); COPY mine TO '/tmp/mine'
----
(CREATE TABLE)
ERROR 42501: permission denied to COPY to a file
  DETAIL: A gateway reads and writes no files of its own machine and runs no programs there, whoever asks.
  HINT: Anyone can COPY to stdout or from stdin. psql's \copy command also works for anyone.

CREATE TEMP TABLE mine (a integer); COPY mine FROM PROGRAM 'id'
----
(CREATE TABLE)
ERROR 42501: permission denied to COPY to or from an external program
  DETAIL: A gateway reads and writes no files of its own machine and runs no programs there, whoever asks.
  HINT: Anyone can COPY to stdout or from stdin. psql's \copy command also works for anyone.

# expressions that the session computes
SELECT p.id, pg_get_userbyid(c.relowner) IS NULL FROM {t}.people p, pg_class c WHERE c.oid = '{t}.vault'::regclass
----
1 | f
2 | f
3 | f

SELECT p.id FROM {t}.people p, pg_class c WHERE pg_read_file(c.relname) IS NULL
----
ERROR 42501: permission denied for function pg_read_file

SELECT p.id FROM {t}.people p, pg_authid a
----
ERROR 42501: permission denied for table pg_authid

SELECT pg_get_expr(c.relname, p.id) FROM {t}.people p, pg_class c
----
ERROR 42883: function pg_get_expr(name, integer) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

tina extended x: SELECT p.id FROM {t}.people p, pg_roles r WHERE r.rolname = 'tina' AND p.name <> $1 ORDER BY 1
----
1
2
3

eve: SELECT count(*) FROM {t}.people p, pg_roles r
----
ERROR 42P01: relation "{t}.people" does not exist

# changes that read the lake get what is seen (all kinds)
CREATE TEMP TABLE mine (id int, name text, email text);
INSERT INTO mine (id) SELECT id FROM {t}.people RETURNING id;
UPDATE mine SET name = p.name, email = p.email FROM {t}.people p WHERE p.id = mine.id RETURNING mine.id, mine.name;
UPDATE mine SET email = (SELECT min(card) FROM {t}.orders o WHERE o.person_id = mine.id);
DELETE FROM mine WHERE id NOT IN (SELECT id FROM {t}.people WHERE 1 / (amount - 777010004) <= 1);
MERGE INTO mine USING {t}.people p ON p.id = mine.id + 1 WHEN NOT MATCHED THEN INSERT VALUES (100, p.name, p.email);
SELECT * FROM mine ORDER BY id, name;
SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relname LIKE 'lakegate%';
DROP TABLE mine
----
(CREATE TABLE)
1
2
3
(INSERT 0 3)
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo
(UPDATE 3)
(UPDATE 3)
(DELETE 0)
(MERGE 1)
1 | NVIS-Ann | ****-1001
2 | NVIS-Ben | NULL
3 | NVIS-Cleo | NULL
100 | NVIS-Ann | y***
0
(DROP TABLE)

tina: CREATE TEMP TABLE mine (id int, name text)
tina: INSERT INTO mine VALUES (1, 'x'), (5, 'y')
tina: UPDATE mine SET name = p.salary::text FROM {t}.people p
tina: UPDATE mine SET name = p::text FROM {t}.people p
tina: UPDATE mine SET name = 'z' FROM {t}.people p RETURNING *
tina: UPDATE mine SET name = leak_extra FROM {t}.people p
tina: UPDATE mine SET name = (SELECT leak_extra FROM {t}.people p WHERE p.id = mine.id)
tina: UPDATE mine SET name = (SELECT secret FROM {t}.vault LIMIT 1)
tina: DELETE FROM mine WHERE EXISTS (SELECT FROM {t}.people p WHERE p.id = mine.id)
tina: DELETE FROM mine WHERE EXISTS (SELECT 1 / (amount - 777010004) FROM {t}.people p WHERE p.id = mine.id)
tina extended: UPDATE mine SET name = p.name FROM {t}.people p WHERE p.id = mine.id RETURNING mine.name
tina binary: UPDATE mine SET name = p.email FROM {t}.people p WHERE p.id = mine.id + 4 OR p.id = 1 RETURNING mine.name
tina: UPDATE {t}.people SET name = 'x' FROM mine
tina: MERGE INTO {t}.people USING mine ON true WHEN MATCHED THEN DELETE
tina: WITH gone AS (UPDATE {t}.people SET name = 'x' RETURNING *) UPDATE mine SET name = gone.name FROM gone
tina: INSERT INTO mine SELECT id, name FROM {t}.people RETURNING (SELECT max(secret) FROM {t}.vault)
tina: DROP TABLE mine
----
> tina
(CREATE TABLE)
> tina
(INSERT 0 2)
> tina
ERROR 0A000: this form of UPDATE of a temporary table cannot read tables of the lake
  HINT: Copy the rows to a temporary table first: CREATE TEMPORARY TABLE ... AS SELECT ...
> tina
ERROR 0A000: this form of UPDATE of a temporary table cannot read tables of the lake
  HINT: Copy the rows to a temporary table first: CREATE TEMPORARY TABLE ... AS SELECT ...
> tina
ERROR 0A000: this form of UPDATE of a temporary table cannot read tables of the lake
  HINT: Copy the rows to a temporary table first: CREATE TEMPORARY TABLE ... AS SELECT ...
> tina
ERROR 0A000: this form of UPDATE of a temporary table cannot read tables of the lake
  HINT: Copy the rows to a temporary table first: CREATE TEMPORARY TABLE ... AS SELECT ...
> tina
ERROR 0A000: this form of UPDATE of a temporary table cannot read tables of the lake
  HINT: Copy the rows to a temporary table first: CREATE TEMPORARY TABLE ... AS SELECT ...
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> tina
(DELETE 1)
> tina
(DELETE 0)
> tina
(UPDATE 0)
> tina
y***
(UPDATE 1)
> tina
ERROR 0A000: UPDATE is not supported
> tina
ERROR 0A000: MERGE is not supported
> tina
ERROR 0A000: this form of UPDATE of a temporary table cannot read tables of the lake
  HINT: Copy the rows to a temporary table first: CREATE TEMPORARY TABLE ... AS SELECT ...
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> tina
(DROP TABLE)
