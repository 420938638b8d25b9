# a grant is taken away behind a Parse
tina parse s: SELECT id, amount FROM {t}.people ORDER BY id
tina run s:
ada: REVOKE SELECT (amount) ON {t}.people FROM analysts
tina run s:
ada: GRANT SELECT (amount) ON {t}.people TO analysts
tina run s:
----
> tina
> tina
1 | 10
2 | 20
3 | 30
> ada
(REVOKE)
> tina
ERROR 42703: column "amount" does not exist
> ada
(GRANT)
> tina
1 | 10
2 | 20
3 | 30

# in binary
tina parse s: SELECT id FROM {t}.notes ORDER BY id
tina run-binary s:
ada: REVOKE SELECT ON {t}.notes FROM analysts
tina run-binary s:
ada: GRANT SELECT ON {t}.notes TO analysts
----
> tina
> tina
\x00000001
\x00000002
\x00000003
\x00000004
\x00000005
> ada
(REVOKE)
> tina
ERROR 42P01: relation "{t}.notes" does not exist
  HINT: Perhaps you meant "ice.notes".
> ada
(GRANT)

# a policy is altered
tina parse s: SELECT id FROM {t}.people ORDER BY id
tina run s:
ada: ALTER POLICY north_rows ON {t}.people USING (tenant = 'north' AND id > 2 OR name = 'LEAK-constant')
tina run s:
ada: ALTER POLICY north_rows ON {t}.people USING (tenant = 'north' OR name = 'LEAK-constant')
tina run s:
----
> tina
> tina
1
2
3
> ada
(ALTER POLICY)
> tina
3
> ada
(ALTER POLICY)
> tina
1
2
3

# a restrictive policy comes and goes
tina parse s: SELECT count(*) FROM {t}.orders
tina run s:
ada: CREATE POLICY shut ON {t}.orders AS RESTRICTIVE USING (false)
tina run s:
ada: DROP POLICY shut ON {t}.orders
tina run s:
----
> tina
> tina
4
> ada
(CREATE POLICY)
> tina
0
> ada
(DROP POLICY)
> tina
4

# the last permissive policy goes
ada: DROP POLICY members ON {t}.orders
tina: SELECT count(*) FROM {t}.orders
ada: CREATE POLICY members ON {t}.orders USING (tenant IN (SELECT m.tenant FROM crm.members m WHERE m.member = CURRENT_USER))
tina: SELECT count(*) FROM {t}.orders
----
> ada
(DROP POLICY)
> tina
0
> ada
(CREATE POLICY)
> tina
4

# a membership ends
tina parse s: SELECT id FROM {t}.people ORDER BY id
tina run s:
ada: REVOKE north FROM tina
tina run s:
ada: GRANT north TO tina
tina run s:
----
> tina
> tina
1
2
3
> ada
(REVOKE ROLE)
> tina
(SELECT 0)
> ada
(GRANT ROLE)
> tina
1
2
3

# a role is dropped under a session
ada: CREATE ROLE mayfly LOGIN PASSWORD 'correct horse' IN ROLE analysts, north; DROP ROLE mayfly
tina: SET ROLE mayfly
----
> ada
(CREATE ROLE)
(DROP ROLE)
> tina
ERROR 22023: role "mayfly" does not exist

# a membership is given, and works at once
ada: GRANT keepers TO tina
tina: SELECT count(*) FROM {t}.vault WHERE id < 0
ada: REVOKE keepers FROM tina
tina: SELECT count(*) FROM {t}.vault WHERE id < 0
----
> ada
(GRANT ROLE)
> tina
0
> ada
(REVOKE ROLE)
> tina
ERROR 42P01: relation "{t}.vault" does not exist

# parameters are values
tina extended north: SELECT id FROM {t}.people WHERE tenant = $1 ORDER BY 1
----
1
2
3

tina extended south: SELECT id FROM {t}.people WHERE tenant = $1 ORDER BY 1
----
(SELECT 0)

tina extended x'\sOR\s'1'='1: SELECT id FROM {t}.people WHERE tenant = $1 ORDER BY 1
----
(SELECT 0)

tina extended 0: SELECT id FROM {t}.people WHERE id > $1::int OR tenant = 'south' ORDER BY 1
----
1
2
3

tina extended salary: SELECT $1 FROM {t}.people ORDER BY 1 LIMIT 1
----
salary

tina extended {t}.vault: SELECT * FROM $1
----
ERROR 42601: syntax error at or near "$1"

tina extended: SELECT * FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

tina extended: SELECT (p).* FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

tina parse s: SELECT (p).* FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

tina parse s: SELECT * FROM {t}.people p, (VALUES ((SELECT 1))) v
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

tina extended: SELECT * FROM {t}.vault v, (VALUES ((SELECT 1))) w
----
ERROR 42P01: relation "{t}.vault" does not exist

tina parse s: SELECT salary FROM {t}.people
----
ERROR 42703: column "salary" does not exist

tina binary: SELECT id, name, email, balance, joined FROM {t}.people ORDER BY 1
----
\x00000001 | NVIS-Ann | y*** | NULL | \x00001c89
\x00000002 | NVIS-Ben | z*** | NULL | \x00001c8a
\x00000003 | NVIS-Cleo | x*** | NULL | \x00001c8b

tina binary: SELECT amount FROM {t}.people WHERE amount > 1000
----
(SELECT 0)

eve extended: SELECT id FROM {t}.people
----
ERROR 42P01: relation "{t}.people" does not exist

eve parse s: SELECT secret FROM {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

# the role changes between Parse and Execute
tina parse s: SELECT id FROM {t}.people ORDER BY id
tina: SET ROLE analysts
tina run s:
tina: RESET ROLE
tina run s:
----
> tina
> tina
(SET)
> tina
(SELECT 0)
> tina
(RESET)
> tina
1
2
3

# cursors and portals
tina: BEGIN
tina portal c 1: SELECT id FROM {t}.people ORDER BY id
tina fetch c 1:
tina fetch c 10:
tina: COMMIT
----
> tina
(BEGIN)
> tina
1
(suspended)
> tina
2
(suspended)
> tina
3
> tina
(COMMIT)

tina: BEGIN
tina portal c 1: SELECT id, card FROM {t}.orders ORDER BY id
ada: CREATE POLICY shut ON {t}.orders AS RESTRICTIVE USING (false)
tina fetch c 1:
tina portal d 5: SELECT id, card FROM {t}.orders ORDER BY id
tina: COMMIT
ada: DROP POLICY shut ON {t}.orders
----
> tina
(BEGIN)
> tina
1 | ****-1001
(suspended)
> ada
(CREATE POLICY)
> tina
FATAL 57P01: terminating connection due to administrator command
  DETAIL: The transaction may have held up a change of who may read what for more than 2 s.
  HINT: Connect and run the transaction again.
the connection was closed
> tina
(SELECT 0)
> tina
WARNING 25P01: there is no transaction in progress
(COMMIT)
> ada
(DROP POLICY)

DECLARE c CURSOR FOR SELECT * FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT id FROM {t}.people; FETCH ALL FROM c; COMMIT
----
(BEGIN)
(DECLARE CURSOR)
1
2
3
(FETCH 3)
(COMMIT)

tina: BEGIN
tina: DECLARE c CURSOR FOR SELECT DISTINCT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()
tina blind: FETCH ALL FROM c
----
> tina
(BEGIN)
> tina
(DECLARE CURSOR)
> tina

PREPARE s AS SELECT * FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

EXECUTE s
----
ERROR 26000: prepared statement "s" does not exist

tina parse s: SELECT id FROM {t}.people
tina: EXECUTE s
----
> tina
> tina
1
2
3

FETCH ALL FROM c
----
ERROR 34000: cursor "c" does not exist

MOVE ALL IN c
----
ERROR 34000: cursor "c" does not exist

# the messages of function calls
tina call 2100 {t}.vault:
----
ERROR 0A000: function calls by message are not supported

tina call 1573 1:
----
ERROR 0A000: function calls by message are not supported

tina call 2624 PG_VERSION:
----
ERROR 0A000: function calls by message are not supported

# a table loses its grant with its whole schema
tina parse s: SELECT count(*) FROM {t}.notes
ada: REVOKE USAGE ON SCHEMA {t} FROM analysts
tina run s:
tina: SELECT count(*) FROM {t}.notes
ada: GRANT USAGE ON SCHEMA {t} TO analysts
tina run s:
----
> tina
> ada
(REVOKE)
> tina
ERROR 42501: permission denied for schema {t}
> tina
ERROR 42501: permission denied for schema {t}
> ada
(GRANT)
> tina
5

# row security is switched off by who may, and on again
tina: SELECT count(*) FROM {t}.orders
ada: ALTER TABLE {t}.orders DISABLE ROW LEVEL SECURITY; ALTER TABLE {t}.orders ENABLE ROW LEVEL SECURITY
tina: SELECT count(*) FROM {t}.orders
----
> tina
4
> ada
(ALTER TABLE)
(ALTER TABLE)
> tina
4

# a mask comes, changes and goes behind a Parse
tina parse s: SELECT id, code FROM {t}.people ORDER BY id
tina run s:
ada: CREATE MASKING POLICY passing (value text) RETURNS text AS 'no code'
ada: ALTER TABLE {t}.people ALTER COLUMN code SET MASKING POLICY passing
tina run s:
ada: ALTER MASKING POLICY passing SET BODY AS left(value, 1) || 'xx'
tina run s:
tina: SELECT id FROM {t}.people WHERE code = '101'
ada: ALTER TABLE {t}.people ALTER COLUMN code UNSET MASKING POLICY
tina run s:
ada: DROP MASKING POLICY passing
----
> tina
> tina
1 | 101
2 | 102
3 | 103
> ada
(CREATE MASKING POLICY)
> ada
(ALTER TABLE)
> tina
1 | no code
2 | no code
3 | no code
> ada
(ALTER MASKING POLICY)
> tina
1 | 1xx
2 | 1xx
3 | 1xx
> tina
(SELECT 0)
> ada
(ALTER TABLE)
> tina
1 | 101
2 | 102
3 | 103
> ada
(DROP MASKING POLICY)

# a column is masked by its tag from the moment that it has it
ada: CREATE MASKING POLICY passing (value text) RETURNS text AS 'tagged'
ada: CREATE TAG secret
ada: ALTER TAG secret SET MASKING POLICY passing
tina parse s: SELECT item FROM {t}.orders WHERE id = 1
tina run s:
ada: ALTER TABLE {t}.orders ALTER COLUMN item SET TAG secret = ''
tina run s:
tina run-binary s:
ada: ALTER TABLE {t}.orders ALTER COLUMN item UNSET TAG secret
tina run s:
ada: ALTER TAG secret UNSET MASKING POLICY passing
ada: DROP TAG secret
ada: DROP MASKING POLICY passing
----
> ada
(CREATE MASKING POLICY)
> ada
(CREATE TAG)
> ada
(ALTER TAG)
> tina
> tina
NVIS-item-1
> ada
(ALTER TABLE)
> tina
tagged
> tina
tagged
> ada
(ALTER TABLE)
> tina
NVIS-item-1
> ada
(ALTER TAG)
> ada
(DROP TAG)
> ada
(DROP MASKING POLICY)
