# who has no right to does not change who may what
GRANT SELECT ON {t}.vault TO tina
----
ERROR 42P01: relation "{t}.vault" does not exist

GRANT SELECT (salary) ON {t}.people TO tina
----
ERROR 42703: column "salary" of relation "people" does not exist

GRANT keepers TO tina
----
ERROR 42501: permission denied to grant role "keepers"
  DETAIL: Only roles with the ADMIN option on role "keepers" may grant this role.

GRANT ada TO tina
----
ERROR 42501: permission denied to grant role "ada"
  DETAIL: Only roles with the SUPERUSER attribute may grant roles with the SUPERUSER attribute.

REVOKE SELECT ON {t}.people FROM sam
----
ERROR 42501: permission denied for table people

ALTER POLICY north_rows ON {t}.people USING (true)
----
ERROR 42501: must be owner of table people

DROP POLICY north_rows ON {t}.people
----
ERROR 42501: must be owner of relation people

DROP POLICY nosuch ON {t}.people
----
ERROR 42704: policy "nosuch" for table "people" does not exist

CREATE POLICY mine ON {t}.people USING (true)
----
ERROR 42501: must be owner of table people

CREATE POLICY mine ON {t}.vault USING (true)
----
ERROR 42P01: relation "{t}.vault" does not exist

CREATE POLICY mine ON {t}.nosuch USING (true)
----
ERROR 42P01: relation "{t}.nosuch" does not exist

CREATE POLICY mine ON {t}.people USING ((SELECT count(*) FROM {t}.vault) > 0)
----
ERROR 42501: must be owner of table people

CREATE POLICY mine ON {t}.people USING (1 / (amount - {common}) > 0)
----
ERROR 42501: must be owner of table people

ALTER TABLE {t}.people DISABLE ROW LEVEL SECURITY
----
ERROR 42501: must be owner of table people

ALTER TABLE {t}.people NO FORCE ROW LEVEL SECURITY
----
ERROR 42501: must be owner of table people

ALTER TABLE {t}.people OWNER TO tina
----
ERROR 42501: must be owner of table people

ALTER TABLE {t}.vault OWNER TO tina
----
ERROR 42P01: relation "{t}.vault" does not exist

ALTER ROLE tina SUPERUSER
----
ERROR 42501: permission denied to alter role
  DETAIL: Only roles with the SUPERUSER attribute may change the SUPERUSER attribute.

ALTER ROLE tina BYPASSRLS
----
ERROR 42501: permission denied to alter role
  DETAIL: Only roles with the CREATEROLE attribute and the ADMIN option on role "tina" may alter this role.

ALTER ROLE tina RENAME TO ada
----
ERROR 0A000: session user cannot be renamed

ALTER ROLE ada PASSWORD 'x'
----
ERROR 42501: permission denied to alter role
  DETAIL: Only roles with the SUPERUSER attribute may alter roles with the SUPERUSER attribute.

# settings with which sessions begin open nothing
tina: ALTER ROLE tina SET row_security = off
tina connect application_name=x: SELECT name FROM {t}.people ORDER BY id
tina: ALTER ROLE tina RESET row_security
tina connect application_name=x: SELECT name FROM {t}.people ORDER BY id
----
> tina
(ALTER ROLE)
> tina
ERROR 42501: query would be affected by row-level security policy for table "people"
> tina
(ALTER ROLE)
> tina
NVIS-Ann
NVIS-Ben
NVIS-Cleo

tina: ALTER ROLE tina SET role = keepers
tina connect application_name=x: SELECT secret FROM {t}.vault
tina: ALTER ROLE tina RESET ALL
----
> tina
NOTICE 42501: permission will be denied to set role "keepers"
(ALTER ROLE)
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> tina
(ALTER ROLE)

ALTER ROLE tina SET session_replication_role = replica
----
ERROR 42501: permission denied to set parameter "session_replication_role"

ALTER DATABASE lake SET search_path = lk
----
ERROR 42501: must be owner of database lake

ALTER ROLE sam SET role = tina
----
ERROR 42501: permission denied to alter role
  DETAIL: Only roles with the CREATEROLE attribute and the ADMIN option on role "sam" may alter this role.

GRANT USAGE ON FOREIGN SERVER {t} TO tina
----
WARNING 01007: no privileges were granted for "{t}"
(GRANT)

CREATE ROLE mine SUPERUSER
----
ERROR 42501: permission denied to create role
  DETAIL: Only roles with the CREATEROLE attribute may create roles.

CREATE ROLE mine IN ROLE keepers
----
ERROR 42501: permission denied to create role
  DETAIL: Only roles with the CREATEROLE attribute may create roles.

DROP ROLE sam
----
ERROR 42501: permission denied to drop role
  DETAIL: Only roles with the CREATEROLE attribute and the ADMIN option on the target roles may drop roles.

REASSIGN OWNED BY olga TO tina
----
ERROR 42501: permission denied to reassign objects
  DETAIL: Only roles with privileges of role "olga" may reassign objects owned by it.

DROP OWNED BY olga
----
ERROR 42501: permission denied to drop objects
  DETAIL: Only roles with privileges of role "olga" may drop objects owned by it.

ALTER DEFAULT PRIVILEGES IN SCHEMA {t} GRANT SELECT ON TABLES TO tina
----
(ALTER DEFAULT PRIVILEGES)

GRANT SELECT ON ALL TABLES IN SCHEMA {t} TO tina
----
ERROR 42501: permission denied for table people

GRANT USAGE ON SCHEMA {t} TO eve
----
WARNING 01007: no privileges were granted for "{t}"
(GRANT)

GRANT EXECUTE ON FUNCTION pg_read_file(text) TO tina
----
ERROR 42501: permission denied for function pg_read_file

ada: GRANT EXECUTE ON FUNCTION pg_read_file(text) TO tina
----
ERROR 0A000: privileges on function pg_read_file(text) are not supported
  HINT: Functions of PostgreSQL are everybody's. EXECUTE is given on those in schema lakegate.

ada: GRANT EXECUTE ON FUNCTION lakegate.mask_hash(text, text) TO tina
----
ERROR 0A000: privileges on function lakegate.mask_hash(text,text) are not supported
  HINT: It is for masking policies, or the gateway's own.

ada: GRANT CONNECT ON DATABASE template1 TO tina
----
ERROR 42501: permission denied for database template1

GRANT CONNECT, CREATE ON DATABASE lake TO eve
----
WARNING 01007: no privileges were granted for "lake"
(GRANT)

CREATE MASKING POLICY mine (value text) RETURNS text AS value
----
ERROR 42501: permission denied to change masking policies and tags
  HINT: Only superusers and members of lakegate_officer may.

ALTER TABLE {t}.people ALTER COLUMN email UNSET MASKING POLICY
----
ERROR 42501: must be owner of table people

DROP MASKING POLICY first_letter
----
ERROR 42501: permission denied to change masking policies and tags
  HINT: Only superusers and members of lakegate_officer may.

eve: GRANT SELECT ON {t}.vault TO eve
----
ERROR 42501: permission denied for schema {t}

eve: ALTER POLICY north_rows ON {t}.people USING (true)
----
ERROR 42501: permission denied for schema {t}

sam: ALTER POLICY north_rows ON {t}.people USING (true)
----
ERROR 42501: must be owner of table people

# an owner's rights end at her table
olga: CREATE POLICY look ON {t}.orders USING ((SELECT max(secret) FROM {t}.vault) IS NOT NULL)
tina: SELECT count(*) FROM {t}.orders
olga: DROP POLICY look ON {t}.orders
----
> olga
(CREATE POLICY)
> tina
ERROR 55000: table "orders" cannot be read: one of its policies does not fit it any more
  HINT: EXPLAIN POLICY tells the table's owner why. He can alter or drop the policy.
> olga
(DROP POLICY)

olga: ALTER TABLE {t}.people DISABLE ROW LEVEL SECURITY
----
ERROR 42P01: relation "{t}.people" does not exist

olga: GRANT SELECT ON {t}.people TO olga
----
ERROR 42P01: relation "{t}.people" does not exist

# forced, the owner is under the policies too
ada: ALTER TABLE {t}.orders FORCE ROW LEVEL SECURITY
olga: SELECT count(*) FROM {t}.orders
ada: ALTER TABLE {t}.orders NO FORCE ROW LEVEL SECURITY
olga: SELECT count(*) FROM {t}.orders
----
> ada
(ALTER TABLE)
> olga
0
> ada
(ALTER TABLE)
> olga
12

# policies that cannot be
ada: CREATE POLICY self ON {t}.orders USING (id IN (SELECT o.id FROM {t}.orders o))
tina: SELECT count(*) FROM {t}.orders
ada: DROP POLICY self ON {t}.orders
----
> ada
ERROR 42P17: infinite recursion detected in policy for relation "orders"
> tina
4
> ada
ERROR 42704: policy "self" for table "orders" does not exist

ada: CREATE POLICY bad ON {t}.orders USING (nosuch = 1)
----
ERROR 42703: column "nosuch" does not exist

ada: CREATE POLICY bad ON {t}.orders USING (id)
----
ERROR 42804: argument of POLICY must be type boolean, not type integer

ada: CREATE POLICY bad ON {t}.orders USING (current_setting('app.user') = 'x')
tina: SELECT count(*) FROM {t}.orders
ada: DROP POLICY bad ON {t}.orders
----
> ada
ERROR 0A000: function current_setting(text) is not allowed in policies
  HINT: What a client can set decides nothing. Use current_user, lakegate.claim() or lakegate.is_member().
> tina
4
> ada
ERROR 42704: policy "bad" for table "orders" does not exist

# a policy that fails on a row denies without telling the row
ada: CREATE POLICY bad ON {t}.people AS RESTRICTIVE TO sam USING (CAST(code AS integer) > 0)
sam: SELECT id FROM {t}.people ORDER BY 1
ada: DROP POLICY bad ON {t}.people
----
> ada
(CREATE POLICY)
> sam
ERROR 22P02: a value could not be computed
  HINT: A policy or mask of a table that is read can fail itself: which value it was is not told, for it may be hidden.
> ada
(DROP POLICY)

# a condition of a policy that fails on hidden rows is the policy's fault, as in PostgreSQL (accepted)
ada: CREATE POLICY bad ON {t}.people AS RESTRICTIVE TO analysts USING (1 / (amount - {common}) < 5)
tina: SELECT id FROM {t}.people ORDER BY 1
ada: DROP POLICY bad ON {t}.people
----
> ada
(CREATE POLICY)
> tina
1
2
3
> ada
(DROP POLICY)

# what a transaction gives and takes back
ada: BEGIN; GRANT keepers TO tina; ROLLBACK
tina: SELECT count(*) FROM {t}.vault
----
> ada
(BEGIN)
(GRANT ROLE)
(ROLLBACK)
> tina
ERROR 42P01: relation "{t}.vault" does not exist

ada: BEGIN
ada: GRANT keepers TO tina
tina: SELECT count(*) FROM {t}.vault
ada: ROLLBACK
tina: SELECT count(*) FROM {t}.vault
----
> ada
(BEGIN)
> ada
(GRANT ROLE)
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> ada
(ROLLBACK)
> tina
ERROR 42P01: relation "{t}.vault" does not exist

CREATE TAG mine
----
ERROR 42501: permission denied to change masking policies and tags
  HINT: Only superusers and members of lakegate_officer may.

ALTER TABLE {t}.people ALTER COLUMN email UNSET TAG personal
----
ERROR 42501: must be owner of table people

ALTER MASKING POLICY first_letter SET BODY AS value
----
ERROR 42501: permission denied to change masking policies and tags
  HINT: Only superusers and members of lakegate_officer may.

ALTER MASKING POLICY first_letter RENAME TO x
----
ERROR 42501: permission denied to change masking policies and tags
  HINT: Only superusers and members of lakegate_officer may.

SHOW MASKING POLICIES
----
ERROR 42601: syntax error at or near "POLICIES"

# an owner may unmask her own
olga: ALTER TABLE {t}.orders ALTER COLUMN card UNSET MASKING POLICY
olga: ALTER TABLE {t}.orders ALTER COLUMN card SET MASKING POLICY last_digits
tina: SELECT card FROM {t}.orders WHERE id = 1
----
> olga
(ALTER TABLE)
> olga
(ALTER TABLE)
> tina
****-1001

CREATE USER MAPPING FOR sam SERVER {t} OPTIONS (user 'crm_owner', password 'x')
----
ERROR 42501: must be owner of foreign server {t}

CREATE USER MAPPING FOR PUBLIC SERVER {t} OPTIONS (user 'crm_owner')
----
ERROR 42501: must be owner of foreign server {t}

CREATE USER MAPPING FOR CURRENT_USER SERVER crm OPTIONS (user 'crm_owner')
----
ERROR 2F003: password is required
  DETAIL: Non-superusers must provide a password in the user mapping.

eve: CREATE USER MAPPING FOR eve SERVER {t} OPTIONS (user 'crm_owner', password 'x')
eve: CREATE USER MAPPING FOR eve SERVER absent OPTIONS (user 'crm_owner', password 'x')
----
> eve
ERROR 42501: permission denied for foreign server {t}
> eve
ERROR 42501: permission denied for foreign server absent

# the order of errors tells nothing either
GRANT SELECT ON {t}.nosuch, {t}.vault TO tina
----
ERROR 42P01: relation "{t}.nosuch" does not exist

GRANT SELECT ON {t}.vault, {t}.nosuch TO tina
----
ERROR 42P01: relation "{t}.vault" does not exist

GRANT SELECT (salary) ON {t}.people, {t}.vault TO tina
----
ERROR 42P01: relation "{t}.vault" does not exist

CREATE POLICY mine ON {t}.people USING ((SELECT count(*) FROM {t}.nosuch) > 0)
----
ERROR 42501: must be owner of table people

eve: GRANT SELECT ON {t}.people TO eve
----
ERROR 42501: permission denied for schema {t}

eve: GRANT SELECT ON {t}.nosuch TO eve
----
ERROR 42501: permission denied for schema {t}

# plans pinned to what others ask, and to what may not be read
ada: SELECT lakegate.unpin_plan(1)
tina: SELECT lakegate.pin_plan('SELECT count(*) FROM {t}.people p JOIN {t}.places q ON p.id = q.id', 'Leading(p q)')
tina: SELECT lakegate.pin_plan('SELECT count(*) FROM {t}.people p JOIN {t}.vault q ON p.id = q.id', 'Leading(p q)')
tina: SELECT lakegate.pin_plan('SELECT count(*) FROM {t}.vault', 'Set(lakegate.feedback off)')
tina: SELECT lakegate.unpin_plan('SELECT count(*) FROM {t}.vault')
tina: SELECT * FROM lakegate.pin_plan('SELECT count(*) FROM {t}.vault', 'Set(lakegate.feedback off)')
tina extended: SELECT lakegate.pin_plan('SELECT count(*) FROM {t}.vault', 'Set(lakegate.feedback off)')
tina: SELECT queryid FROM lakegate.pinned_plans
tina: SELECT queryid FROM pg_catalog.lakegate_plan_pins
----
> ada
f
> tina
ERROR 42501: permission denied for table people
  DETAIL: To pin a plan takes the privilege MAINTAIN on each table of the statement.
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> tina
ERROR 0A000: pin_plan() and unpin_plan() are supported as SELECT lakegate.pin_plan('query', 'hints') alone
  DETAIL: Their arguments are plain constants.
> tina
ERROR 42P01: relation "{t}.vault" does not exist
> tina
(SELECT 0)
> tina
ERROR 42501: permission denied for table lakegate_plan_pins
