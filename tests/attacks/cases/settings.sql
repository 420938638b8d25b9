SET ROLE ada
----
ERROR 42501: permission denied to set role "ada"

SET ROLE keepers
----
ERROR 42501: permission denied to set role "keepers"

SET ROLE sam
----
ERROR 42501: permission denied to set role "sam"

SET ROLE south
----
ERROR 42501: permission denied to set role "south"

SET ROLE nobody_there
----
ERROR 22023: role "nobody_there" does not exist

SET LOCAL ROLE ada
----
WARNING 25P01: SET LOCAL can only be used in transaction blocks
ERROR 42501: permission denied to set role "ada"

SET SESSION ROLE ada
----
ERROR 42501: permission denied to set role "ada"

SET ROLE TO 'ada'
----
ERROR 42501: permission denied to set role "ada"

SET "role" = 'ada'
----
ERROR 42501: permission denied to set role "ada"

SET role = ada
----
ERROR 42501: permission denied to set role "ada"

SET ROLE none;
SELECT count(*) FROM {t}.people
----
(SET)
3

SET ROLE postgres
----
ERROR 22023: role "postgres" does not exist

SET ROLE lakegate
----
ERROR 42501: permission denied to set role "lakegate"

SET ROLE lakegate_superusers
----
ERROR 42501: permission denied to set role "lakegate_superusers"

SET ROLE pg_read_all_data
----
ERROR 42501: permission denied to set role "pg_read_all_data"

SET SESSION AUTHORIZATION ada
----
ERROR 42501: permission denied to set session authorization "ada"

SET SESSION AUTHORIZATION DEFAULT
----
(SET)

SET LOCAL SESSION AUTHORIZATION 'ada'
----
ERROR 42501: permission denied to set session authorization "ada"

SET session_authorization = ada
----
ERROR 42501: permission denied to set session authorization "ada"

SET SESSION session_authorization = 'ada'
----
ERROR 42501: permission denied to set session authorization "ada"

SET "session_authorization" TO ada
----
ERROR 42501: permission denied to set session authorization "ada"

SELECT lakegate.lakegate_authorize('x', 'ada', false)
----
ERROR 42501: permission denied to set session authorization "ada"

SELECT lakegate.lakegate_raise(repeat('0', 64), 'tina')
----
ERROR 42501: permission denied to set session authorization "tina"

SELECT lakegate.lakegate_lower()
----
(empty)

SELECT * FROM pg_catalog.lakegate_permits
----
ERROR 42501: permission denied for table lakegate_permits

tina extended: SET SESSION AUTHORIZATION ada
----
ERROR 42501: permission denied to set session authorization "ada"

tina: BEGIN; SET LOCAL SESSION AUTHORIZATION ada; COMMIT
----
(BEGIN)
ERROR 42501: permission denied to set session authorization "ada"

tina: SET SESSION AUTHORIZATION lakegate
----
ERROR 42501: permission denied to set session authorization "lakegate"

ada: SET SESSION AUTHORIZATION lakegate
----
ERROR 42501: permission denied to set session authorization "lakegate"

ada: SET SESSION AUTHORIZATION postgres
----
ERROR 22023: role "postgres" does not exist

# a superuser who is somebody else sees what he sees
ada: SET SESSION AUTHORIZATION tina
ada: SELECT session_user, current_user
ada: SELECT count(id) FROM {t}.people
ada: SELECT count(*) FROM {t}.vault
ada: SET ROLE keepers
ada: RESET SESSION AUTHORIZATION
----
> ada
(SET)
> ada
tina | tina
> ada
3
> ada
ERROR 42P01: relation "{t}.vault" does not exist
> ada
ERROR 42501: permission denied to set role "keepers"
> ada
(RESET)

ada: SET SESSION AUTHORIZATION tina; SELECT count(id) FROM {t}.people; RESET SESSION AUTHORIZATION
----
(SET)
3
(RESET)

RESET SESSION AUTHORIZATION;
SELECT current_user, count(*) FROM {t}.people
----
(RESET)
tina | 3

RESET ALL;
SELECT count(*) FROM {t}.people
----
(RESET)
3

DISCARD ALL
----
(DISCARD ALL)

tina: DISCARD ALL
tina: SELECT count(*) FROM {t}.people
----
> tina
(DISCARD ALL)
> tina
3

tina: SET row_security = off
tina: SELECT count(*) FROM {t}.people
----
> tina
(SET)
> tina
ERROR 42501: query would be affected by row-level security policy for table "people"

tina: SET allow_system_table_mods = on
tina: SELECT count(*) FROM {t}.people
----
> tina
ERROR 42501: permission denied to set parameter "allow_system_table_mods"
> tina
3

SET session_replication_role = replica
----
ERROR 42501: permission denied to set parameter "session_replication_role"

SET zero_damaged_pages = on
----
ERROR 42501: permission denied to set parameter "zero_damaged_pages"

SET log_statement = 'all'
----
ERROR 42501: permission denied to set parameter "log_statement"

tina blind: SET debug_print_plan = on; SET client_min_messages = debug5; EXPLAIN SELECT id FROM {t}.people
----

tina blind: SET client_min_messages = debug5
tina: SELECT id FROM {t}.people ORDER BY 1
----
> tina
> tina
1
2
3

tina: SET debug_print_parse = on; SET debug_print_rewritten = on; SET client_min_messages = log
tina: SELECT id FROM {t}.people ORDER BY 1
----
> tina
(SET)
(SET)
(SET)
> tina
1
2
3

tina: SET log_min_error_statement = debug1
----
ERROR 42501: permission denied to set parameter "log_min_error_statement"

tina: SET lakegate.principal = 'ada'
tina: SELECT count(*) FROM {t}.people
----
> tina
ERROR 42602: invalid configuration parameter name "lakegate.principal"
  DETAIL: "lakegate" is a reserved prefix.
  HINT: There are lakegate.dynamic_filters, lakegate.feedback, lakegate.join_reordering, lakegate.materialize_with, lakegate.pushdown, lakegate.result_cache.
> tina
3

tina: SET lakegate.claim.sees = 'all'
tina: SELECT DISTINCT balance FROM {t}.people
----
> tina
(SET)
> tina
NULL

tina: SELECT set_config('lakegate.claim.sees', 'all', false)
tina: SELECT DISTINCT balance FROM {t}.people
----
> tina
all
> tina
NULL

tina: ALTER ROLE tina SET lakegate.claim.sees = 'all'
----
ERROR 42501: permission denied to set parameter "lakegate.claim.sees"

tina: ALTER ROLE CURRENT_USER SET "lakegate.claim.sees" = 'all'
----
ERROR 42501: permission denied to set parameter "lakegate.claim.sees"

tina: ALTER USER tina SET lakegate.claim."sees" TO 'all'
----
ERROR 42501: permission denied to set parameter "lakegate.claim.sees"

tina: ALTER ROLE tina IN DATABASE lake SET lakegate.claim.sees = 'all'
----
ERROR 42501: permission denied to set parameter "lakegate.claim.sees"

tina: ALTER ROLE tina RESET lakegate.claim.sees
----
ERROR 42501: permission denied to set parameter "lakegate.claim.sees"

tina: ALTER ROLE tina RESET ALL
tina: SELECT DISTINCT balance FROM {t}.people
----
> tina
(ALTER ROLE)
> tina
NULL

tina: ALTER ROLE tina SET lakegate.claim.sees FROM CURRENT
----
ERROR 0A000: SET … FROM CURRENT is not supported
  HINT: Write the value behind TO.

tina: ALTER ROLE ALL SET lakegate.claim.sees = 'all'
----
ERROR 42501: permission denied to alter setting
  DETAIL: Only roles with the SUPERUSER attribute may alter settings globally.

tina: ALTER ROLE sam SET lakegate.claim.sees = 'all'
----
ERROR 42501: permission denied to alter role
  DETAIL: Only roles with the CREATEROLE attribute and the ADMIN option on role "sam" may alter this role.

tina: GRANT SET ON PARAMETER lakegate.claim.sees TO tina
----
ERROR 0A000: privileges on PARAMETER are not supported
  HINT: Privileges are given on tables, columns, views, schemas, functions, foreign servers and the database, and by membership in roles.

eve: SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'tina'::regrole
----
(SELECT 0)

tina: SET lakegate.roles = 'south,keepers'
tina: SELECT count(*) FROM {t}.vault
----
> tina
ERROR 42602: invalid configuration parameter name "lakegate.roles"
  DETAIL: "lakegate" is a reserved prefix.
  HINT: There are lakegate.dynamic_filters, lakegate.feedback, lakegate.join_reordering, lakegate.materialize_with, lakegate.pushdown, lakegate.result_cache.
> tina
ERROR 42P01: relation "{t}.vault" does not exist

tina: SET "request.jwt.claims" = '{"tenant": "south"}'
tina: SELECT count(*) FROM {t}.orders
----
> tina
(SET)
> tina
4

tina: SET application_name = 'x'
tina: SELECT count(*) FROM {t}.orders
----
> tina
(SET)
> tina
4

tina: SET datafusion.execution.target_partitions = 1
----
(SET)

SET dynamic_library_path = '/tmp'
----
ERROR 42501: permission denied to set parameter "dynamic_library_path"

SET local_preload_libraries = 'x'
----
(SET)

SET session_preload_libraries = 'x'
----
ERROR 42501: permission denied to set parameter "session_preload_libraries"

SET temp_tablespaces = 'x'
----
ERROR 42704: tablespace "x" does not exist

SET default_tablespace = 'x'
----
ERROR 22023: invalid value for parameter "default_tablespace": "x"
  DETAIL: Tablespace "x" does not exist.

SET lo_compat_privileges = on
----
ERROR 42501: permission denied to set parameter "lo_compat_privileges"

SET transform_null_equals = on; SELECT id FROM {t}.people WHERE balance = NULL ORDER BY 1
----
(SET)
(SELECT 0)

tina: SET timezone = 'Asia/Tokyo'
tina: SELECT id, joined FROM {t}.people ORDER BY 1
----
> tina
(SET)
> tina
1 | 2020-01-01
2 | 2020-01-02
3 | 2020-01-03

tina: SET statement_timeout = '1min'
tina: SELECT count(*) FROM {t}.people WHERE false
----
> tina
(SET)
> tina
0

SHOW ALL; SELECT secret FROM {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

SHOW role
----
none

SHOW session_authorization
----
tina

SHOW data_directory
----
ERROR 42501: permission denied to examine "data_directory"
  DETAIL: Only roles with privileges of the "pg_read_all_settings" role may examine this parameter.

SHOW config_file
----
ERROR 42501: permission denied to examine "config_file"
  DETAIL: Only roles with privileges of the "pg_read_all_settings" role may examine this parameter.

SHOW hba_file
----
ERROR 42501: permission denied to examine "hba_file"
  DETAIL: Only roles with privileges of the "pg_read_all_settings" role may examine this parameter.

SHOW shared_preload_libraries
----
ERROR 42501: permission denied to examine "shared_preload_libraries"
  DETAIL: Only roles with privileges of the "pg_read_all_settings" role may examine this parameter.

SHOW lakegate.principal
----
ERROR 42704: unrecognized configuration parameter "lakegate.principal"

# a role that one may become is less, never more
tina: SET ROLE analysts
tina: SELECT current_user, session_user
tina: SELECT count(*) FROM {t}.people
tina: SELECT count(*) FROM {t}.orders
tina: SET ROLE ada
tina: SELECT count(*) FROM {t}.people
----
> tina
(SET)
> tina
analysts | tina
> tina
0
> tina
0
> tina
ERROR 42501: permission denied to set role "ada"
> tina
0

tina: SET ROLE north
tina: SELECT id FROM {t}.people
----
> tina
(SET)
> tina
ERROR 42P01: relation "{t}.people" does not exist

tina: BEGIN; SET LOCAL ROLE analysts; SELECT count(*) FROM {t}.people; ROLLBACK
tina: SELECT count(*) FROM {t}.people
----
> tina
(BEGIN)
(SET)
0
(ROLLBACK)
> tina
3

tina: BEGIN; SET ROLE analysts; ROLLBACK; SELECT count(*) FROM {t}.people
----
(BEGIN)
(SET)
(ROLLBACK)
3

tina: BEGIN; SET ROLE analysts; SAVEPOINT a; RESET ROLE; ROLLBACK TO a; SELECT count(*) FROM {t}.people; COMMIT
----
(BEGIN)
(SET)
(SAVEPOINT)
(RESET)
(ROLLBACK)
0
(COMMIT)

tina: SET ROLE analysts; SELECT count(*) FROM {t}.people; RESET ROLE; SELECT count(*) FROM {t}.people
----
(SET)
0
(RESET)
3

# who may do it becomes another and comes back
ada: SET ROLE tina
ada: SELECT id, email FROM {t}.people ORDER BY id
ada: SELECT salary FROM {t}.people
ada: SELECT count(*) FROM {t}.vault
ada: RESET ROLE
ada: SELECT count(*) FROM {t}.people
----
> ada
(SET)
> ada
1 | y***
2 | z***
3 | x***
> ada
ERROR 42703: column "salary" does not exist
> ada
ERROR 42P01: relation "{t}.vault" does not exist
> ada
(RESET)
> ada
6

ada: SET ROLE eve
ada: SELECT count(*) FROM {t}.people
ada: GRANT keepers TO eve
ada: RESET ROLE
----
> ada
(SET)
> ada
ERROR 42P01: relation "{t}.people" does not exist
> ada
ERROR 42501: permission denied to grant role "keepers"
  DETAIL: Only roles with the ADMIN option on role "keepers" may grant this role.
> ada
(RESET)

# the startup message
tina connect options=-c\srole=ada: SELECT current_user
----
FATAL 42501: permission denied to set role "ada"

tina connect role=ada: SELECT current_user
----
FATAL 42501: permission denied to set role "ada"

tina connect role=keepers: SELECT count(*) FROM {t}.vault
----
FATAL 42501: permission denied to set role "keepers"

tina connect session_authorization=ada: SELECT current_user
----
FATAL 42501: permission denied to set session authorization "ada"

tina connect options=-c\srow_security=off: SELECT count(*) FROM {t}.people
----
3

tina connect search_path={t}: SELECT count(*) FROM people
----
3

tina connect options=-c\ssession_replication_role=replica: SELECT 1
----
FATAL 42501: permission denied to set parameter "session_replication_role"

tina connect database=postgres: SELECT 1
----
FATAL 3D000: database "postgres" does not exist

tina connect replication=database: IDENTIFY_SYSTEM
----
FATAL 0A000: replication connections are not supported

tina connect application_name=LEAK\s';DROP: SELECT count(*) FROM {t}.people
----
3

ada connect options=-c\ssession_authorization=tina: SELECT current_user, count(*) FROM {t}.people
----
FATAL 42501: permission denied to set session authorization "tina"

# several statements in a string
tina: SELECT 1; SET ROLE ada; SELECT count(*) FROM {t}.vault
----
1
ERROR 42501: permission denied to set role "ada"

tina: BEGIN; SELECT count(*) FROM {t}.orders; SELECT secret FROM {t}.vault; COMMIT
----
ERROR 42P01: relation "{t}.vault" does not exist

tina: SELECT count(*) FROM {t}.orders; DROP TABLE {t}.orders
----
ERROR 0A000: DROP TABLE is not supported

tina: SET search_path = {t}; SELECT count(*) FROM vault; SELECT count(*) FROM people
----
(SET)
ERROR 42P01: relation "vault" does not exist

tina extended: SELECT 1; SELECT secret FROM {t}.vault
----
ERROR 42601: cannot insert multiple commands into a prepared statement

NOTIFY x, 'LEAK'
----
(NOTIFY)

LISTEN x
----
(LISTEN)

# (all kinds)
/*+ Set(row_security off) Set(role ada) Set(session_authorization ada) */ SELECT count(*) FROM {t}.orders
----
INFO 00000: hint is not used: Set(row_security off)
  DETAIL: Plans of the gateway do not depend on this setting.
INFO 00000: hint is not used: Set(role ada)
  DETAIL: Plans of the gateway do not depend on this setting.
INFO 00000: hint is not used: Set(session_authorization ada)
  DETAIL: Plans of the gateway do not depend on this setting.
4

# (all kinds)
SELECT /*+ Leading((o p)) HashJoin(o p) Rows(o p #1) MergeJoin(p o) Set(lakegate.feedback off) */ count(*) FROM {t}.people p JOIN {t}.orders o ON o.id = p.id WHERE p.id > 0
----
INFO 00000: hint is not used: HashJoin(o p)
  DETAIL: A later hint says otherwise.
1

# (all kinds)
EXPLAIN VERBOSE SELECT /*+ Leading((o p)) HashJoin(o p) Rows(o p #1) */ count(*) FROM {t}.people p JOIN {t}.orders o ON o.id = p.id
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.orders  (source {t}, a kind of source)
  Policies apply
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
  Some columns may not be read
