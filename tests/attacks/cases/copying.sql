COPY {t}.people TO STDOUT
----
ERROR 0A000: COPY is not supported

COPY {t}.people (id, name) TO STDOUT (FORMAT csv, HEADER)
----
ERROR 0A000: COPY is not supported

COPY (SELECT * FROM {t}.people) TO STDOUT
----
ERROR 0A000: COPY is not supported

COPY (SELECT salary FROM {t}.people) TO STDOUT (FORMAT binary)
----
ERROR 0A000: COPY is not supported

COPY (TABLE {t}.vault) TO STDOUT
----
ERROR 0A000: COPY is not supported

COPY {t}.people TO '/tmp/people.csv'
----
ERROR 0A000: COPY is not supported

COPY {t}.people TO PROGRAM 'cat'
----
ERROR 0A000: COPY is not supported

COPY {t}.people FROM STDIN
----
ERROR 0A000: COPY is not supported

COPY {t}.people FROM '/etc/passwd'
----
ERROR 0A000: COPY is not supported

COPY {t}.notes FROM PROGRAM 'cat /etc/passwd'
----
ERROR 0A000: COPY is not supported

COPY (SELECT pg_read_file('PG_VERSION')) TO STDOUT
----
ERROR 0A000: COPY is not supported

COPY (SELECT rolpassword FROM pg_authid) TO STDOUT
----
ERROR 0A000: COPY is not supported

COPY pg_class TO STDOUT
----
ERROR 0A000: COPY is not supported

tina extended: COPY {t}.people TO STDOUT
----
ERROR 0A000: COPY is not supported

CREATE TEMP TABLE x AS SELECT * FROM {t}.people
----
ERROR 0A000: CREATE TEMP is not supported

CREATE TEMPORARY TABLE x (id integer)
----
ERROR 0A000: CREATE TEMPORARY is not supported

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
ERROR 0A000: writing is not supported yet

SELECT id INTO TABLE pg_temp.x FROM {t}.orders
----
ERROR 0A000: writing is not supported yet

CREATE VIEW x AS SELECT * FROM {t}.people
----
ERROR 42501: permission denied for schema public

CREATE OR REPLACE VIEW {t}.people AS SELECT * FROM {t}.vault
----
ERROR 42501: permission denied for schema {t}

CREATE TEMP VIEW x AS SELECT * FROM {t}.vault
----
ERROR 0A000: CREATE TEMPORARY VIEW is not supported
  HINT: Use WITH in the query, or CREATE VIEW.

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
ERROR 42501: must be owner of table vault

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
