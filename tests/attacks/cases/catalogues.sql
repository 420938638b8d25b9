# names are told by the catalogues, as PostgreSQL tells them; (shown)
SELECT relname FROM pg_class WHERE relname ~ '_ledger' ORDER BY relnamespace
----
leak_ledger
leak_ledger
leak_ledger
leak_ledger
leak_ledger

# (shown)
SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{t}' ORDER BY 1
----
leak_ledger
notes
orders
people
places
vault

# (shown)
SELECT tablename FROM pg_tables WHERE schemaname = '{t}' ORDER BY 1
----
leak_ledger
notes
orders
people
places
vault

SELECT table_name FROM information_schema.tables WHERE table_schema = '{t}' ORDER BY 1
----
notes
orders
people
places

SELECT column_name FROM information_schema.columns WHERE table_schema = '{t}' AND table_name = 'people' ORDER BY 1
----
amount
balance
code
email
id
joined
name
phone
tenant

SELECT table_name, column_name FROM information_schema.column_privileges WHERE table_schema = '{t}' AND table_name <> 'notes' AND grantee = 'analysts' ORDER BY 1, 2 LIMIT 3
----
orders | card
orders | id
orders | item

# (shown)
SELECT attname FROM pg_attribute WHERE attrelid = '{t}.people'::regclass AND attnum > 0 ORDER BY attnum
----
id
tenant
name
email
balance
phone
code
amount
salary
joined
leak_extra

# (shown)
SELECT attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE attname ~ '_extra' ORDER BY 1
----
leak_extra
leak_extra
leak_extra
leak_extra

SELECT has_table_privilege('{t}.people', 'SELECT'), has_any_column_privilege('{t}.people', 'SELECT')
----
f | t

# policies and their constants; (shown)
SELECT * FROM pg_policies WHERE schemaname = '{t}' ORDER BY policyname
----
{t} | orders | members | PERMISSIVE | {public} | ALL | (tenant IN ( SELECT m.tenant\n   FROM members m\n  WHERE (m.member = CURRENT_USER))) | NULL
{t} | people | north_rows | PERMISSIVE | {north} | ALL | ((tenant = 'north'::text) OR (name = 'LEAK-constant'::text)) | NULL
{t} | people | recent | RESTRICTIVE | {public} | ALL | (id < 100) | NULL
{t} | people | south_rows | PERMISSIVE | {south} | SELECT | (tenant = 'south'::text) | NULL

# (shown)
SELECT qual FROM pg_policies WHERE qual ~ '-constant' ORDER BY schemaname
----
((tenant = 'north'::text) OR (name = 'LEAK-constant'::text))
((tenant = 'north'::text) OR (name = 'LEAK-constant'::text))
((tenant = 'north'::text) OR (name = 'LEAK-constant'::text))
((tenant = 'north'::text) OR (name = 'LEAK-constant'::text))

# (shown)
SELECT pg_get_expr(polqual, polrelid) AS shown FROM pg_policy WHERE polname = 'north_rows' ORDER BY shown
----
((tenant = 'north'::text) OR (name = 'LEAK-constant'::text))
((tenant = 'north'::text) OR (name = 'LEAK-constant'::text))
((tenant = 'north'::text) OR (name = 'LEAK-constant'::text))
((tenant = 'north'::text) OR (name = 'LEAK-constant'::text))
(tenant IN ( SELECT m.tenant\n   FROM members m\n  WHERE ((m.member = CURRENT_USER) AND (m.tenant = 'north'::text))))

tina blind: SELECT polqual FROM pg_policy
----

# statistics
SELECT * FROM pg_stats WHERE schemaname = '{t}'
----
(SELECT 0)

SELECT reltuples, relpages FROM pg_class WHERE relname = 'people' AND relnamespace = '{t}'::regnamespace
----
-1 | 0

SELECT pg_table_size('{t}.people'), pg_total_relation_size('{t}.people'), pg_relation_size('{t}.people', 'main')
----
0 | 0 | 0

SELECT DISTINCT s.bytes FROM pg_catalog.lakegate_sizes s JOIN pg_class c ON c.oid = s.relation WHERE c.relname = 'people'
----
ERROR 42501: permission denied for table lakegate_sizes

SELECT pg_table_size('{t}.vault') > 0, pg_database_size(current_database()) > 0
----
f | t

SELECT stavalues1 FROM pg_statistic
----
ERROR 42501: permission denied for table pg_statistic

SELECT * FROM pg_stats_ext
----
(SELECT 0)

SELECT * FROM pg_stats_ext_exprs
----
(SELECT 0)

SELECT n_live_tup, n_tup_ins, seq_scan FROM pg_stat_user_tables WHERE schemaname = '{t}' AND relname = 'people'
----
0 | 0 | 0

ANALYZE {t}.people
----
WARNING 01000: permission denied to analyze "people", skipping it
(ANALYZE)

VACUUM ANALYZE {t}.people
----
ERROR 0A000: VACUUM is not supported

SHOW STATS FOR {t}.people
----
ERROR 42601: syntax error at or near "FOR"

SUMMARIZE {t}.people
----
ERROR 42601: syntax error at or near "SUMMARIZE"

DESCRIBE {t}.people
----
ERROR 42601: syntax error at or near "DESCRIBE"

DESCRIBE DETAIL {t}.people
----
ERROR 42601: syntax error at or near "DESCRIBE"

SHOW TABLES
----
ERROR 42704: unrecognized configuration parameter "tables"

SHOW CREATE TABLE {t}.people
----
ERROR 42601: syntax error at or near "CREATE"

SHOW COLUMNS FROM {t}.people
----
ERROR 42601: syntax error at or near "FROM"

USE {t}
----
ERROR 42601: syntax error at or near "USE"

# other sessions, their statements, the store
ada: SELECT 'LEAK-statement'
tina: SELECT query FROM pg_stat_activity WHERE query LIKE '%LEAK%' AND pid <> pg_backend_pid()
----
> ada
LEAK-statement
> tina
(SELECT 0)

SELECT sessions FROM pg_catalog.lakegate_sessions
----
ERROR 42501: permission denied for table lakegate_sessions

SELECT process FROM pg_catalog.lakegate_processes
----
ERROR 42501: permission denied for table lakegate_processes

SELECT number FROM pg_catalog.lakegate_signals
----
ERROR 42501: permission denied for table lakegate_signals

ada: SELECT 'LEAK-statement'
tina: SELECT client_addr, client_port, query_start, state, query FROM pg_stat_activity WHERE usename = 'ada' AND query <> '<insufficient privilege>'
----
> ada
LEAK-statement
> tina
(SELECT 0)

SELECT count(*) FROM pg_stat_activity WHERE usename NOT IN ('ada', 'bob', 'tina', 'sam', 'nora', 'olga', 'vera')
----
0

SELECT * FROM pg_prepared_statements WHERE statement LIKE '%LEAK%'
----
(SELECT 0)

SELECT rolpassword FROM pg_authid
----
ERROR 42501: permission denied for table pg_authid

SELECT passwd FROM pg_shadow
----
ERROR 42501: permission denied for view pg_shadow

SELECT rolname, rolpassword FROM pg_roles WHERE rolname = 'ada'
----
ada | ********

SELECT usename FROM pg_user WHERE passwd <> '********'
----
(SELECT 0)

SELECT datname FROM pg_database WHERE has_database_privilege(datname, 'CONNECT') ORDER BY 1
----
lake
template0

SELECT * FROM pg_hba_file_rules
----
ERROR 42501: permission denied for view pg_hba_file_rules

SELECT * FROM pg_file_settings
----
ERROR 42501: permission denied for view pg_file_settings

SELECT * FROM pg_ident_file_mappings
----
ERROR 42501: permission denied for view pg_ident_file_mappings

SELECT umoptions FROM pg_user_mappings
----
(SELECT 0)

SELECT umoptions FROM pg_user_mapping
----
ERROR 42501: permission denied for table pg_user_mapping

SELECT srvoptions FROM pg_foreign_server
----
NULL
NULL
NULL
NULL

SELECT setconfig FROM pg_db_role_setting WHERE setrole <> 0
----
(SELECT 0)

SELECT subconninfo FROM pg_subscription
----
ERROR 42501: permission denied for table pg_subscription

SELECT * FROM lakegate_mirror
----
ERROR 42P01: relation "lakegate_mirror" does not exist

SELECT * FROM pg_catalog.lakegate_mirror
----
ERROR 42501: permission denied for table lakegate_mirror

SELECT * FROM lakegate.access
----
ERROR 42P01: relation "lakegate.access" does not exist

SELECT prosrc FROM pg_proc WHERE prosrc LIKE '%LEAK%'
----
(SELECT 0)

SELECT description FROM pg_description WHERE description LIKE '%LEAK%'
----
(SELECT 0)

SELECT pg_get_viewdef('{t}.people'::regclass)
----
NULL

SELECT definition FROM pg_views WHERE definition LIKE '%people%' ORDER BY definition
----
 SELECT id,\n    name,\n    amount\n   FROM people\n  ORDER BY amount DESC\n LIMIT 2;
 SELECT id,\n    name,\n    email,\n    amount\n   FROM people;
 SELECT id,\n    tenant,\n    name,\n    email,\n    balance,\n    phone,\n    code,\n    amount,\n    joined\n   FROM ice.people;
 SELECT id,\n    tenant,\n    name,\n    email,\n    balance,\n    phone,\n    code,\n    amount,\n    joined\n   FROM people;
 SELECT tenant,\n    count(*) AS n,\n    max(amount) AS most\n   FROM people\n  GROUP BY tenant;

SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class = '{t}.people'::regclass
----
(SELECT 0)

SELECT indexdef FROM pg_indexes WHERE schemaname = '{t}'
----
(SELECT 0)

SELECT relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE relname = 'vault'
----
(SELECT 0)

SELECT rolname FROM pg_roles r JOIN pg_auth_members m ON m.roleid = r.oid WHERE m.member = 'sam'::regrole ORDER BY 1
----
analysts
south

# a catalogue joined with a table
SELECT c.relname, p.id FROM pg_class c, {t}.people p WHERE c.relname = 'pg_class' ORDER BY 2 LIMIT 1
----
pg_class | 1

SELECT p.id FROM {t}.people p WHERE EXISTS (SELECT 1 FROM pg_policies q WHERE q.qual LIKE '%LEAK%')
----
1
2
3

eve: SELECT table_name FROM information_schema.tables WHERE table_schema IN ('lk', 'ice', 'crm', 'docs')
----
(SELECT 0)

eve: SELECT schema_name FROM information_schema.schemata WHERE schema_name = '{t}'
----
(SELECT 0)

eve: SELECT has_schema_privilege('{t}', 'USAGE')
----
f

# the audit and the store
SELECT text FROM lakegate.audit_log
----
ERROR 42P01: relation "lakegate.audit_log" does not exist

SELECT * FROM lakegate_masks.x
----
ERROR 42P01: relation "lakegate_masks.x" does not exist

SELECT * FROM lakegate.masking_policies
----
(SELECT 0)

# what others ran, and its numbers
ada: SELECT count(*) FROM {t}.vault
tina: SELECT query, rows FROM lakegate.statement_history WHERE user_name <> 'tina' OR query LIKE '%vault%'
tina: SELECT query, rows FROM lakegate.plan_history WHERE user_name <> 'tina' OR query LIKE '%vault%'
tina: SELECT query, calls_after FROM lakegate.plan_changes WHERE user_name <> 'tina'
tina: SELECT count(*) FROM lakegate.plan_history h JOIN {t}.people p ON h.user_name <> 'tina'
tina: SELECT query FROM pg_catalog.lakegate_statement_runs
eve: SELECT query FROM lakegate.statement_history WHERE user_name <> 'eve'
tina: SELECT count(*) FROM lakegate.advice WHERE object LIKE '%.vault' OR object LIKE '%.people' OR object LIKE '%.places'
tina: SELECT reason FROM pg_catalog.lakegate_advice
eve: SELECT object FROM lakegate.advice
tina: SELECT count(*) FROM pg_stat_statements WHERE userid <> current_user::regrole OR query LIKE '%vault%'
eve: SELECT query, rows FROM pg_stat_statements WHERE userid <> current_user::regrole
----
> ada
3
> tina
(SELECT 0)
> tina
(SELECT 0)
> tina
(SELECT 0)
> tina
0
> tina
ERROR 42501: permission denied for table lakegate_statement_runs
> eve
(SELECT 0)
> tina
0
> tina
ERROR 42501: permission denied for table lakegate_advice
> eve
(SELECT 0)
> tina
0
> eve
(SELECT 0)

SELECT proname FROM pg_proc WHERE pronamespace = 'lakegate_masks'::regnamespace
----
ERROR 3F000: schema "lakegate_masks" does not exist

SELECT * FROM lakegate.secrets
----
ERROR 42P01: relation "lakegate.secrets" does not exist

# numbers of rows and sizes of what may not be read, or not as a whole
SELECT relname, reltuples, pg_table_size(oid), pg_total_relation_size(oid), pg_relation_size(oid) FROM pg_class WHERE relname IN ('vault', 'leak_ledger', 'places', 'people') AND relnamespace = '{t}'::regnamespace ORDER BY 1
----
leak_ledger | -1 | 0 | 0 | 0
people | -1 | 0 | 0 | 0
places | -1 | 0 | 0 | 0
vault | -1 | 0 | 0 | 0

eve: SELECT relname, reltuples, pg_table_size(oid), pg_total_relation_size(oid), pg_relation_size(oid) FROM pg_class WHERE relname IN ('vault', 'notes', 'places', 'people') AND relnamespace = '{t}'::regnamespace ORDER BY 1
----
notes | -1 | 0 | 0 | 0
people | -1 | 0 | 0 | 0
places | -1 | 0 | 0 | 0
vault | -1 | 0 | 0 | 0

eve: SELECT pg_database_size(current_database()), sum(s.bytes) FROM pg_catalog.lakegate_told_sizes s
----
0 | 0

eve: SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('lk', 'ice', 'crm', 'docs') AND (c.reltuples > 0 OR c.relpages > 0)
----
0

ada: SELECT 1
tina: SELECT count(*) FROM pg_stat_ssl WHERE pid NOT IN (SELECT pid FROM pg_stat_activity WHERE usename = 'tina')
----
> ada
1
> tina
0

# own TLS, told wholly
SELECT ssl, version, cipher, bits, client_dn, client_serial, issuer_dn FROM pg_stat_ssl
----
f | NULL | NULL | NULL | NULL | NULL | NULL
