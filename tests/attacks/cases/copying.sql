# as a file, which is under the same rules as the query that it stands for
COPY {t}.people TO STDOUT
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

COPY {t}.people (id, name) TO STDOUT (FORMAT csv, HEADER)
----
(COPY)
id,name
1,NVIS-Ann
2,NVIS-Ben
3,NVIS-Cleo
(COPY 3)

COPY {t}.people (id, salary) TO STDOUT
----
ERROR 42703: column "salary" of relation "people" does not exist

COPY {t}.people (id, nosuch) TO STDOUT
----
ERROR 42703: column "nosuch" of relation "people" does not exist

COPY {t}.people (id, ctid) TO STDOUT
----
ERROR 42703: column "ctid" of relation "people" does not exist

COPY (SELECT * FROM {t}.people) TO STDOUT
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

# the masks and the filters (all kinds)
COPY (SELECT id, name, email, amount FROM {t}.people ORDER BY id) TO STDOUT
----
(COPY)
1\tNVIS-Ann\ty***\t10
2\tNVIS-Ben\tz***\t20
3\tNVIS-Cleo\tx***\t30
(COPY 3)

COPY (SELECT id, name, email, amount FROM {t}.people ORDER BY id) TO STDOUT (FORMAT binary)
----
(COPY)
\x5047434f50590aff0d0a00000000000000000000040000000400000001000000084e5649532d416e6e00000004792a2a2a0000000800000000000000
\x00040000000400000002000000084e5649532d42656e000000047a2a2a2a000000080000000000000014
\x000400000004000000030000005c744e5649532d436c656f00000004782a2a2a00000008000000000000001e
\xffff
(COPY 3)

COPY (SELECT id, name FROM {t}.people ORDER BY id) TO STDOUT (FORMAT arrow)
----
(COPY)
\xffffffffa80000001000000000000a000c000600050008000a000000000104000c00000008000800000004000800000004000000020000004400000004000000d4ffffff00000105100000001c0000000400000000000000040000006e616d65000000000400040004000000100014000800060007000c00000010001000000000000102100000001c0000000400000000000000020000006964000008000c0008000700080000000000000120000000
\xffffffffc800000014000000000000000c0016000600050008000c000c0000000003040018000000400000000000000000000a0018000c00040008000a0000006c00000010000000030000000000000000000000050000000000000000000000000000000000000000000000000000000c000000000000001000000000000000000000000000000010000000000000001000000000000000200000000000000019000000000000000000000002000000030000000000000000000000000000000300000000000000000000000000000001000000020000000300000000000000000000000800000010000000190000004e5649532d416e6e4e5649532d42656e4e5649532d436c656f00000000000000
\xffffffff00000000
(COPY 3)

COPY (SELECT count(*), max(name), min(email) FROM {t}.people) TO STDOUT (FORMAT csv, FORCE_QUOTE *)
----
(COPY)
"3","NVIS-Cleo","x***"
(COPY 1)

COPY (SELECT salary FROM {t}.people) TO STDOUT (FORMAT binary)
----
ERROR 42703: column "salary" does not exist

COPY (SELECT id FROM {t}.people) TO STDOUT (FORMAT csv, FORCE_QUOTE (salary))
----
ERROR 42703: column "salary" does not exist

COPY {t}.people (id) TO STDOUT (FORMAT csv, FORCE_QUOTE (salary))
----
ERROR 42703: column "salary" of relation "people" does not exist

COPY {t}.people (id) TO STDOUT (FORMAT csv, FORCE_QUOTE (name))
----
ERROR 42P10: FORCE_QUOTE column "name" not referenced by COPY

COPY (SELECT id FROM {t}.people WHERE 1 / (amount - {common}) > 0) TO STDOUT
----
(COPY)
(COPY 0)

COPY (SELECT id FROM {t}.people WHERE name LIKE '%LEAK%') TO STDOUT
----
(COPY)
(COPY 0)

COPY (SELECT id FROM {t}.people p WHERE p.name::integer > 0) TO STDOUT
----
ERROR 22P02: invalid input syntax for type integer: "NVIS-Ann"

COPY (TABLE {t}.vault) TO STDOUT
----
ERROR 42P01: relation "{t}.vault" does not exist

COPY {t}.vault TO STDOUT
----
ERROR 42P01: relation "{t}.vault" does not exist

COPY {t}.vault (id) TO STDOUT (FORMAT parquet)
----
ERROR 42P01: relation "{t}.vault" does not exist

COPY {t}.nosuch TO STDOUT
----
ERROR 42P01: relation "{t}.nosuch" does not exist
  HINT: Perhaps you meant "{t}.notes".

eve: COPY {t}.people TO STDOUT
----
ERROR 42P01: relation "{t}.people" does not exist

eve: COPY {t}.people (name) TO STDOUT
----
ERROR 42P01: relation "{t}.people" does not exist

tina: COPY (SELECT id FROM {t}.people ORDER BY id LIMIT 1) TO STDOUT ; COPY {t}.vault TO STDOUT
----
ERROR 42P01: relation "{t}.vault" does not exist

tina: BEGIN
tina: COPY (SELECT id FROM {t}.people ORDER BY id LIMIT 1) TO STDOUT
tina: COPY {t}.vault TO STDOUT
tina: COPY (SELECT id FROM {t}.people ORDER BY id LIMIT 1) TO STDOUT
tina: ROLLBACK
----
> tina
(BEGIN)
> tina
(COPY)
1
(COPY 1)
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> tina
ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
> tina
(ROLLBACK)

tina extended: COPY {t}.people (id, name) TO STDOUT
----
(COPY)
1\tNVIS-Ann
2\tNVIS-Ben
3\tNVIS-Cleo
(COPY 3)

tina binary: COPY (SELECT name FROM {t}.people ORDER BY id LIMIT 1) TO STDOUT
----
(COPY)
NVIS-Ann
(COPY 1)

tina extended: COPY {t}.people TO STDOUT
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

tina extended: COPY {t}.vault TO STDOUT
----
ERROR 42P01: relation "{t}.vault" does not exist

tina parse s: COPY (SELECT id, name FROM {t}.people ORDER BY id LIMIT 2) TO STDOUT
tina run s:
tina run s:
----
> tina
> tina
(COPY)
1\tNVIS-Ann
2\tNVIS-Ben
(COPY 2)
> tina
(COPY)
1\tNVIS-Ann
2\tNVIS-Ben
(COPY 2)

tina portal c 1: COPY (SELECT id FROM {t}.people ORDER BY id LIMIT 2) TO STDOUT
----
(COPY)
1
2
(COPY 2)

tina: COPY (SELECT $1 FROM {t}.people) TO STDOUT
----
ERROR 42P02: there is no parameter $1

# what PostgreSQL's parser alone may understand
COPY (SELECT p FROM {t}.people p) TO STDOUT
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

COPY (SELECT * FROM {t}.people NATURAL JOIN {t}.vault) TO STDOUT
----
ERROR 42P01: relation "{t}.vault" does not exist

COPY (SELECT id FROM {t}.people) TO STDOUT WITH OIDS
----
ERROR 42601: syntax error at or near "OIDS"

COPY (SELECT 1) TO PROGRAM 'cat'
----
ERROR 42501: permission denied to COPY to or from an external program
  DETAIL: A gateway reads and writes no files of its own machine and runs no programs there, whoever asks.
  HINT: Anyone can COPY to stdout or from stdin. psql's \copy command also works for anyone.

COPY (SELECT 1) /* ) TO STDOUT ( */ TO '/tmp/x'
----
ERROR 42501: permission denied to COPY to a file
  DETAIL: A gateway reads and writes no files of its own machine and runs no programs there, whoever asks.
  HINT: Anyone can COPY to stdout or from stdin. psql's \copy command also works for anyone.

COPY (SELECT 1 AS ")") TO STDOUT
----
(COPY)
1
(COPY 1)

COPY (SELECT ') TO STDOUT; --') TO STDOUT
----
(COPY)
) TO STDOUT; --
(COPY 1)

COPY (SELECT 1) TO STDOUT) TO PROGRAM 'cat'
----
ERROR 42601: syntax error at or near ")"

COPY (SELECT 1; SELECT 2) TO STDOUT
----
ERROR 42601: syntax error at end of input

COPY (DELETE FROM {t}.people RETURNING *) TO STDOUT
----
ERROR 0A000: writing is not supported yet

COPY (WITH d AS (DELETE FROM {t}.people RETURNING *) SELECT * FROM d) TO STDOUT
----
ERROR 0A000: writing is not supported yet

COPY (SELECT * INTO x FROM {t}.people) TO STDOUT
----
ERROR 0A000: writing is not supported yet

COPY (EXPLAIN SELECT * FROM {t}.vault) TO STDOUT
----
ERROR 42601: syntax error at or near "EXPLAIN"

COPY (SELECT id FROM {t}.people FOR UPDATE) TO STDOUT
----
ERROR 0A000: row locks (FOR UPDATE, FOR SHARE) are not supported

COPY BINARY {t}.people TO '/tmp/people.bin'
----
ERROR 42501: permission denied to COPY to a file
  DETAIL: A gateway reads and writes no files of its own machine and runs no programs there, whoever asks.
  HINT: Anyone can COPY to stdout or from stdin. psql's \copy command also works for anyone.

COPY {t}.people TO '/tmp/people.csv'
----
ERROR 42501: permission denied to COPY to a file
  DETAIL: A gateway reads and writes no files of its own machine and runs no programs there, whoever asks.
  HINT: Anyone can COPY to stdout or from stdin. psql's \copy command also works for anyone.

COPY {t}.people TO PROGRAM 'cat'
----
ERROR 42501: permission denied to COPY to or from an external program
  DETAIL: A gateway reads and writes no files of its own machine and runs no programs there, whoever asks.
  HINT: Anyone can COPY to stdout or from stdin. psql's \copy command also works for anyone.

COPY {t}.people FROM STDIN
----
ERROR 0A000: COPY FROM is not supported
  DETAIL: Tables of the lake and of its sources cannot be written yet.

COPY {t}.people FROM '/etc/passwd'
----
ERROR 42501: permission denied to COPY from a file
  DETAIL: A gateway reads and writes no files of its own machine and runs no programs there, whoever asks.
  HINT: Anyone can COPY to stdout or from stdin. psql's \copy command also works for anyone.

COPY {t}.notes FROM PROGRAM 'cat /etc/passwd'
----
ERROR 42501: permission denied to COPY to or from an external program
  DETAIL: A gateway reads and writes no files of its own machine and runs no programs there, whoever asks.
  HINT: Anyone can COPY to stdout or from stdin. psql's \copy command also works for anyone.

COPY (SELECT pg_read_file('PG_VERSION')) TO STDOUT
----
ERROR 42501: permission denied for function pg_read_file

COPY (SELECT rolpassword FROM pg_authid) TO STDOUT
----
ERROR 42501: permission denied for table pg_authid

COPY pg_authid TO STDOUT
----
ERROR 42501: permission denied for table pg_authid

COPY pg_catalog.pg_statistic TO STDOUT
----
ERROR 42501: permission denied for table pg_statistic

COPY (SELECT nspname FROM pg_namespace WHERE nspname = 'pg_catalog') TO STDOUT WITH CSV HEADER
----
(COPY)
nspname
pg_catalog
(COPY 1)

COPY (SELECT count(*) FROM pg_class c, {t}.people WHERE c.relname = 'pg_class') TO STDOUT
----
(COPY)
3
(COPY 1)

EXPLAIN COPY {t}.vault TO STDOUT
----
ERROR 42601: syntax error at or near "COPY"

COPY LOCAL {t}.people TO STDOUT
----
ERROR 42601: syntax error at or near "{t}"

COPY (SELECT id FROM {t}.people) TO 's3://bucket/x' STORED AS PARQUET
----
ERROR 42501: permission denied to COPY to a file
  DETAIL: A gateway reads and writes no files of its own machine and runs no programs there, whoever asks.
  HINT: Anyone can COPY to stdout or from stdin. psql's \copy command also works for anyone.

COPY {t}.people TO STDOUT PARTITION BY (id)
----
ERROR 42601: syntax error at or near "PARTITION"

CREATE TEMP TABLE x AS SELECT * FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

CREATE TEMPORARY TABLE x (id integer)
----
(CREATE TABLE)

CREATE TABLE x AS SELECT id, name FROM {t}.people
----
ERROR 0A000: CREATE TABLE is not supported

CREATE TABLE {t}.x AS SELECT * FROM {t}.orders
----
ERROR 0A000: CREATE TABLE is not supported

CREATE TABLE x AS TABLE {t}.vault
----
ERROR 0A000: CREATE TABLE is not supported

CREATE TABLE x (LIKE {t}.people INCLUDING ALL)
----
ERROR 0A000: CREATE TABLE is not supported

CREATE TABLE x () INHERITS ({t}.people)
----
ERROR 0A000: CREATE TABLE is not supported

CREATE TABLE x AS EXECUTE s
----
ERROR 0A000: CREATE TABLE is not supported

SELECT * INTO x FROM {t}.people
----
ERROR 0A000: writing is not supported yet

SELECT id INTO TEMP x FROM {t}.people
----
(SELECT 3)

SELECT id INTO TABLE pg_temp.y FROM {t}.orders
----
(SELECT 4)

CREATE VIEW x AS SELECT * FROM {t}.people
----
ERROR 42501: permission denied for schema public

CREATE OR REPLACE VIEW {t}.people AS SELECT * FROM {t}.vault
----
ERROR 42501: permission denied for schema {t}

CREATE TEMP VIEW x AS SELECT * FROM {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

CREATE RECURSIVE VIEW x (n) AS SELECT id FROM {t}.people
----
ERROR 0A000: CREATE RECURSIVE VIEW is not supported
  HINT: Write WITH RECURSIVE inside of the view's query.

CREATE MATERIALIZED VIEW x AS SELECT * FROM {t}.people
----
ERROR 0A000: CREATE MATERIALIZED VIEW is not supported
  HINT: CREATE VIEW makes a view whose query runs each time.

REFRESH MATERIALIZED VIEW {t}.people
----
ERROR 0A000: REFRESH is not supported

REFRESH MATERIALIZED VIEW {t}.people WITH NO DATA
----
ERROR 0A000: REFRESH is not supported

CREATE FUNCTION f() RETURNS SETOF {t}.people LANGUAGE sql AS 'SELECT * FROM {t}.people'
----
ERROR 0A000: CREATE FUNCTION is not supported

CREATE FUNCTION f() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'
----
ERROR 0A000: CREATE FUNCTION is not supported

DO $$ BEGIN RAISE NOTICE '%', (SELECT max(name) FROM {t}.people); END $$
----
ERROR 0A000: DO is not supported

CREATE TRIGGER x AFTER INSERT ON {t}.people EXECUTE FUNCTION lakegate.refuse_writing()
----
ERROR 0A000: CREATE TRIGGER is not supported

CREATE RULE x AS ON SELECT TO {t}.people DO INSTEAD SELECT * FROM {t}.vault
----
ERROR 0A000: CREATE RULE is not supported

CREATE INDEX ON {t}.people (salary)
----
ERROR 0A000: CREATE INDEX is not supported

CREATE STATISTICS x ON salary, balance FROM {t}.people
----
ERROR 0A000: CREATE STATISTICS is not supported

CREATE EXTENSION dblink
----
ERROR 0A000: CREATE EXTENSION is not supported

CREATE SERVER x FOREIGN DATA WRAPPER postgres_fdw
----
ERROR 0A000: CREATE SERVER is not supported

CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'
----
ERROR 0A000: CREATE EXTERNAL is not supported

CREATE OPERATOR <<< (FUNCTION = leaky, LEFTARG = integer, RIGHTARG = integer)
----
ERROR 0A000: CREATE OPERATOR is not supported

CREATE CAST (text AS integer) WITH INOUT AS IMPLICIT
----
ERROR 0A000: CREATE CAST is not supported

CREATE AGGREGATE a (text) (SFUNC = textcat, STYPE = text)
----
ERROR 0A000: CREATE AGGREGATE is not supported

INSERT INTO {t}.people SELECT * FROM {t}.people
----
ERROR 0A000: INSERT is not supported

INSERT INTO {t}.notes SELECT id, secret FROM {t}.vault RETURNING *
----
ERROR 0A000: INSERT is not supported

INSERT INTO {t}.orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET card = orders.card RETURNING orders.card
----
ERROR 0A000: INSERT is not supported

UPDATE {t}.people SET name = email
----
ERROR 0A000: UPDATE is not supported

UPDATE {t}.people SET name = 'x' RETURNING *
----
ERROR 0A000: UPDATE is not supported

UPDATE {t}.people SET name = salary::text WHERE 1 / (amount - {common}) > 0
----
ERROR 0A000: UPDATE is not supported

DELETE FROM {t}.people RETURNING *
----
ERROR 0A000: DELETE is not supported

DELETE FROM {t}.people USING {t}.vault v WHERE v.id = people.id
----
ERROR 0A000: DELETE is not supported

DELETE FROM {t}.orders WHERE id = 2
----
ERROR 0A000: DELETE is not supported

MERGE INTO {t}.people p USING {t}.vault v ON v.id = p.id WHEN MATCHED THEN UPDATE SET name = v.secret
----
ERROR 0A000: MERGE is not supported

TRUNCATE {t}.people
----
ERROR 0A000: TRUNCATE is not supported

LOCK TABLE {t}.people
----
ERROR 0A000: LOCK is not supported

LOCK TABLE {t}.vault IN ACCESS SHARE MODE
----
ERROR 0A000: LOCK is not supported

DROP TABLE {t}.people
----
ERROR 0A000: DROP TABLE is not supported

ALTER TABLE {t}.people RENAME COLUMN email TO mail
----
ERROR 0A000: ALTER TABLE is not supported

ALTER TABLE {t}.people ADD COLUMN x integer
----
ERROR 0A000: ALTER TABLE is not supported

ALTER TABLE {t}.people RENAME TO persons
----
ERROR 0A000: ALTER TABLE is not supported

ALTER TABLE {t}.people SET SCHEMA public
----
ERROR 0A000: ALTER TABLE is not supported

COMMENT ON TABLE {t}.vault IS 'x'
----
ERROR 42P01: relation "{t}.vault" does not exist

SECURITY LABEL ON TABLE {t}.people IS 'x'
----
ERROR 0A000: SECURITY is not supported

IMPORT FOREIGN SCHEMA public FROM SERVER x INTO y
----
ERROR 0A000: IMPORT is not supported

CLUSTER {t}.people
----
ERROR 0A000: CLUSTER is not supported

REINDEX TABLE {t}.people
----
ERROR 0A000: REINDEX is not supported

CALL leak()
----
ERROR 0A000: CALL is not supported

LOAD 'plpgsql'
----
ERROR 0A000: LOAD is not supported

CHECKPOINT
----
ERROR 0A000: CHECKPOINT is not supported

# as another client says it: by name, at other times
SELECT * FROM {t}.people FOR SYSTEM_TIME AS OF '2000-01-01'
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT id FROM {t}.orders FOR VERSION AS OF 0
----
ERROR 0A000: VERSION on table {t}.orders is not supported

SELECT id FROM {t}.orders TIMESTAMP AS OF '2000-01-01'
----
ERROR 0A000: VERSION on table {t}.orders is not supported

SELECT id FROM {t}.orders VERSION AS OF 0
----
ERROR 0A000: VERSION on table {t}.orders is not supported

SELECT id FROM {t}.orders AT (VERSION => 0)
----
ERROR 0A000: WHEN on table {t}.orders is not supported

SELECT id FROM {t}.orders@v0
----
ERROR 42601: syntax error at or near "@"

SELECT id FROM {t}."people@v0"
----
ERROR 42P01: relation "{t}.people@v0" does not exist
  HINT: Perhaps you meant "{t}.people".

SELECT id FROM {t}."orders$files"
----
ERROR 42P01: relation "{t}.orders$files" does not exist
  HINT: Perhaps you meant "{t}.orders".

SELECT id FROM {t}.orders.files
----
ERROR 0A000: cross-database references are not implemented: "{t}.orders.files"

SELECT id FROM {t}.orders$snapshots
----
ERROR 42P01: relation "{t}.orders$snapshots" does not exist

SELECT * FROM {t}.people_history
----
ERROR 42P01: relation "{t}.people_history" does not exist

SELECT * FROM table_changes('{t}.people', 0)
----
ERROR 42883: function table_changes(unknown, integer) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.
