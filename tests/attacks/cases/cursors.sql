# hidden rows are in no cursor, forward or backward, nor in its counts (all kinds)
tina: DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT id, email FROM {t}.people ORDER BY id
tina: FETCH ALL FROM c
tina: FETCH BACKWARD ALL FROM c
tina: FETCH LAST FROM c
tina: MOVE ABSOLUTE 1000 IN c
tina: MOVE BACKWARD ALL IN c
tina: MOVE FORWARD ALL IN c
tina: SELECT name, statement FROM pg_cursors
----
> tina
(DECLARE CURSOR)
> tina
1 | y***
2 | z***
3 | x***
(FETCH 3)
> tina
3 | x***
2 | z***
1 | y***
(FETCH 3)
> tina
3 | x***
(FETCH 1)
> tina
(MOVE 0)
> tina
(MOVE 3)
> tina
(MOVE 3)
> tina
c | DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT id, email FROM {t}.people ORDER BY id

# what may not be read
DECLARE c CURSOR WITH HOLD FOR SELECT salary FROM {t}.people
----
ERROR 42703: column "salary" does not exist

DECLARE c CURSOR WITH HOLD FOR SELECT * FROM {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

PREPARE s AS SELECT salary FROM {t}.people
----
ERROR 42703: column "salary" does not exist

PREPARE s AS SELECT * FROM {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

# a grant is taken away behind DECLARE
tina: DECLARE c CURSOR WITH HOLD FOR SELECT id, amount FROM {t}.people ORDER BY id
tina: FETCH 1 FROM c
ada: REVOKE SELECT (amount) ON {t}.people FROM analysts
tina: FETCH 1 FROM c
tina: MOVE 1 IN c
ada: GRANT SELECT (amount) ON {t}.people TO analysts
tina: FETCH 1 FROM c
----
> tina
(DECLARE CURSOR)
> tina
1 | 10
(FETCH 1)
> ada
(REVOKE)
> tina
ERROR 42703: column "amount" does not exist
> tina
ERROR 42703: column "amount" does not exist
> ada
(GRANT)
> tina
2 | 20
(FETCH 1)

tina: DECLARE c CURSOR WITH HOLD FOR SELECT id FROM {t}.notes ORDER BY id
tina: FETCH 1 FROM c
ada: REVOKE SELECT ON {t}.notes FROM analysts
tina: FETCH 1 FROM c
ada: GRANT SELECT ON {t}.notes TO analysts
----
> tina
(DECLARE CURSOR)
> tina
1
(FETCH 1)
> ada
(REVOKE)
> tina
ERROR 42P01: relation "{t}.notes" does not exist
  HINT: Perhaps you meant "{t}.orders".
> ada
(GRANT)

# a policy is made behind DECLARE
tina: DECLARE c CURSOR WITH HOLD FOR SELECT id FROM {t}.people ORDER BY id
tina: FETCH 1 FROM c
ada: CREATE POLICY shut ON {t}.people AS RESTRICTIVE USING (id < 2)
tina: FETCH 1 FROM c
tina: FETCH ALL FROM c
ada: DROP POLICY shut ON {t}.people
----
> tina
(DECLARE CURSOR)
> tina
1
(FETCH 1)
> ada
(CREATE POLICY)
> tina
ERROR 0A000: the cursor cannot go on: what may be read by it has changed since it was opened
  HINT: Close it and run its query again.
> tina
ERROR 0A000: the cursor cannot go on: what may be read by it has changed since it was opened
  HINT: Close it and run its query again.
> ada
(DROP POLICY)

# a change that does not concern the cursor
tina: DECLARE c CURSOR WITH HOLD FOR SELECT id FROM {t}.people ORDER BY id
tina: FETCH 1 FROM c
ada: CREATE POLICY shut ON {t}.orders AS RESTRICTIVE USING (id < 2)
tina: FETCH 1 FROM c
ada: DROP POLICY shut ON {t}.orders
tina: FETCH 1 FROM c
----
> tina
(DECLARE CURSOR)
> tina
1
(FETCH 1)
> ada
(CREATE POLICY)
> tina
2
(FETCH 1)
> ada
(DROP POLICY)
> tina
3
(FETCH 1)

# in a transaction, which gives way to the change
tina: BEGIN
tina: DECLARE c CURSOR FOR SELECT id, card FROM {t}.orders ORDER BY id
tina: FETCH 1 FROM c
ada: CREATE POLICY shut ON {t}.orders AS RESTRICTIVE USING (false)
tina: FETCH 1 FROM c
tina: SELECT 1
ada: DROP POLICY shut ON {t}.orders
----
> tina
(BEGIN)
> tina
(DECLARE CURSOR)
> tina
1 | ****-1001
(FETCH 1)
> ada
(CREATE POLICY)
> tina
FATAL 57P01: terminating connection due to administrator command
  DETAIL: The transaction may have held up a change of who may read what for more than 2 s.
  HINT: Connect and run the transaction again.
the connection was closed
> tina
1
> ada
(DROP POLICY)

# another role behind DECLARE
ada: DECLARE c CURSOR WITH HOLD FOR SELECT id, email FROM {t}.people ORDER BY id
ada: FETCH 1 FROM c
ada: SET ROLE tina
ada: FETCH 1 FROM c
ada: RESET ROLE
ada: SET ROLE eve
ada: FETCH 1 FROM c
ada: RESET ROLE
ada: FETCH 1 FROM c
----
> ada
(DECLARE CURSOR)
> ada
1 | yLEAK-A-1@example.org
(FETCH 1)
> ada
(SET)
> ada
ERROR 0A000: the cursor cannot go on: what may be read by it has changed since it was opened
  HINT: Close it and run its query again.
> ada
(RESET)
> ada
(SET)
> ada
ERROR 42P01: relation "{t}.people" does not exist
> ada
(RESET)
> ada
2 | zLEAK-A-2@example.org
(FETCH 1)

# cursors of others
tina: DECLARE c CURSOR WITH HOLD FOR SELECT id FROM {t}.people ORDER BY id
sam: FETCH ALL FROM c
sam: SELECT count(*) FROM pg_cursors
----
> tina
(DECLARE CURSOR)
> sam
ERROR 34000: cursor "c" does not exist
> sam
0

# text that would break out of the mirror's cursor
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM {t}.people) AS x WHERE true UNION ALL SELECT * FROM (SELECT salary FROM {t}.people
----
ERROR 42601: syntax error at or near ")"

DECLARE c CURSOR WITH HOLD FOR SELECT id FROM {t}.people /*lakegate*/ ) AS "lakegate" OFFSET 0) AS "lakegate"
----
ERROR 42601: syntax error at or near ")"

DECLARE c CURSOR WITH HOLD FOR SELECT id FROM {t}.people -- ) AS "lakegate
----
(DECLARE CURSOR)

DECLARE "c"" CURSOR FOR SELECT 1; --" CURSOR WITH HOLD FOR SELECT id FROM {t}.people
----
(DECLARE CURSOR)

DECLARE c CURSOR WITH HOLD FOR DELETE FROM {t}.people
----
ERROR 42601: syntax error at or near "DELETE"

DECLARE c CURSOR WITH HOLD FOR SELECT id INTO x FROM {t}.people
----
ERROR 0A000: writing is not supported yet

# errors of hidden rows
tina: DECLARE c CURSOR WITH HOLD FOR SELECT id FROM {t}.people WHERE 1 / (amount - {common}) >= 0 ORDER BY id
tina: FETCH ALL FROM c
----
> tina
(DECLARE CURSOR)
> tina
1
2
3
(FETCH 3)

# a prepared statement, and a grant that is taken away
tina: PREPARE s(int) AS SELECT id, amount FROM {t}.people WHERE id >= $1 ORDER BY id
tina: EXECUTE s(2)
ada: REVOKE SELECT (amount) ON {t}.people FROM analysts
tina: EXECUTE s(2)
tina: EXPLAIN EXECUTE s(2)
ada: GRANT SELECT (amount) ON {t}.people TO analysts
tina: EXECUTE s(2)
----
> tina
(PREPARE)
> tina
2 | 20
3 | 30
> ada
(REVOKE)
> tina
ERROR 42703: column "amount" does not exist
> tina
ERROR 42703: column "amount" does not exist
> ada
(GRANT)
> tina
2 | 20
3 | 30

# a policy is made behind PREPARE
tina: PREPARE s AS SELECT id FROM {t}.people ORDER BY id
tina: EXECUTE s
ada: CREATE POLICY shut ON {t}.people AS RESTRICTIVE USING (id < 2)
tina: EXECUTE s
ada: DROP POLICY shut ON {t}.people
tina: EXECUTE s
----
> tina
(PREPARE)
> tina
1
2
3
> ada
(CREATE POLICY)
> tina
1
> ada
(DROP POLICY)
> tina
1
2
3

# another role behind PREPARE
ada: PREPARE s AS SELECT id, email FROM {t}.people ORDER BY id LIMIT 1
ada: EXECUTE s
ada: SET ROLE tina
ada: EXECUTE s
ada: SET ROLE eve
ada: EXECUTE s
ada: RESET ROLE
----
> ada
(PREPARE)
> ada
1 | yLEAK-A-1@example.org
> ada
(SET)
> ada
1 | y***
> ada
(SET)
> ada
ERROR 42P01: relation "{t}.people" does not exist
> ada
(RESET)

# the role is changed by what is prepared
ada: PREPARE s AS SELECT set_config('role', 'tina', false)
ada: EXECUTE s
ada: SELECT id, email FROM {t}.people ORDER BY id LIMIT 1
ada: RESET ROLE
----
> ada
(PREPARE)
> ada
ERROR 42501: permission denied to set role "tina"
> ada
1 | yLEAK-A-1@example.org
> ada
(RESET)

ada: DECLARE c CURSOR WITH HOLD FOR SELECT id, email FROM {t}.people ORDER BY id
ada: PREPARE s AS SELECT set_config('role', 'tina', false)
ada extended: EXECUTE s
ada: FETCH c
ada: RESET ROLE
----
> ada
(DECLARE CURSOR)
> ada
(PREPARE)
> ada
ERROR 42501: permission denied to set role "tina"
> ada
1 | yLEAK-A-1@example.org
(FETCH 1)
> ada
(RESET)

# arguments cannot read
tina: PREPARE s(int) AS SELECT id FROM {t}.people WHERE id = $1
tina: EXECUTE s((SELECT max(id) FROM {t}.vault))
tina: EXECUTE s(1); SELECT salary FROM {t}.people
tina: EXECUTE s(1) UNION SELECT salary FROM {t}.people
----
> tina
(PREPARE)
> tina
ERROR 0A000: cannot use subquery in EXECUTE parameter
> tina
1
ERROR 42703: column "salary" does not exist
> tina
ERROR 42601: syntax error at or near "UNION"

# statements of others
tina: PREPARE s AS SELECT id FROM {t}.people ORDER BY id LIMIT 1
sam: EXECUTE s
----
> tina
(PREPARE)
> sam
ERROR 26000: prepared statement "s" does not exist

# what explains a statement that hides something
tina: PREPARE s(int) AS SELECT id FROM {t}.people WHERE id = $1
tina blind: EXPLAIN (ANALYZE, VERBOSE) EXECUTE s(1)
tina blind: EXPLAIN (VERBOSE) DECLARE c CURSOR FOR SELECT id FROM {t}.people
----
> tina
(PREPARE)
> tina
> tina
