SELECT pg_read_file('PG_VERSION')
----
ERROR 42501: permission denied for function pg_read_file

SELECT pg_read_file('/etc/passwd'), id FROM {t}.people
----
ERROR 0A000: function pg_read_file is not available on lake tables

SELECT pg_read_file(name) FROM {t}.people
----
ERROR 0A000: function pg_read_file is not available on lake tables

SELECT pg_read_binary_file('PG_VERSION')
----
ERROR 42501: permission denied for function pg_read_binary_file

SELECT pg_ls_dir('.')
----
ERROR 42501: permission denied for function pg_ls_dir

SELECT * FROM pg_ls_logdir()
----
ERROR 42501: permission denied for function pg_ls_logdir

SELECT pg_stat_file('PG_VERSION')
----
ERROR 42501: permission denied for function pg_stat_file

SELECT lo_import('/etc/passwd')
----
ERROR 42501: permission denied for function lo_import

SELECT lo_export(1, '/tmp/x')
----
ERROR 42501: permission denied for function lo_export

SELECT lo_get(1)
----
ERROR 42501: permission denied for function lo_get

SELECT lo_from_bytea(0, name::bytea) FROM {t}.people
----
ERROR 0A000: function lo_from_bytea is not available on lake tables

SELECT dblink('host=127.0.0.1', 'SELECT 1')
----
ERROR 42883: function dblink(unknown, unknown) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT * FROM dblink('dbname=lake', 'SELECT secret FROM {t}.vault') AS x(secret text)
----
ERROR 42883: function dblink(unknown, unknown) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT query_to_xml('SELECT * FROM {t}.people', true, false, '')
----
ERROR 42501: permission denied for function query_to_xml

SELECT table_to_xml('{t}.people', true, false, '')
----
ERROR 42501: permission denied for function table_to_xml

SELECT table_to_xml('{t}.vault', true, false, '')
----
ERROR 42501: permission denied for function table_to_xml

SELECT schema_to_xmlschema('{t}', true, false, '')
----
ERROR 42501: permission denied for function schema_to_xmlschema

SELECT table_to_xmlschema('{t}.vault', true, false, '')
----
ERROR 42501: permission denied for function table_to_xmlschema

SELECT query_to_xmlschema('SELECT * FROM {t}.vault', true, false, '')
----
ERROR 42501: permission denied for function query_to_xmlschema

SELECT database_to_xmlschema(true, false, '')
----
ERROR 42501: permission denied for function database_to_xmlschema

SELECT cursor_to_xml('c', 1, true, false, '')
----
ERROR 42501: permission denied for function cursor_to_xml

SELECT * FROM ts_stat('SELECT to_tsvector(secret) FROM {t}.vault')
----
ERROR 42501: permission denied for function ts_stat

SELECT query_to_xml('SELECT 1', true, false, ''), id FROM {t}.people
----
ERROR 0A000: function query_to_xml is not available on lake tables

SELECT set_config('role', 'ada', false)
----
ERROR 42501: permission denied to set role "ada"

SELECT set_config('role', 'keepers', false)
----
ERROR 42501: permission denied to set role "keepers"

SELECT set_config('session_authorization', 'ada', false)
----
ERROR 42501: permission denied to set session authorization "ada"

SELECT set_config('row_security', 'off', false);
SELECT count(*) FROM {t}.people
----
off
ERROR 42501: query would be affected by row-level security policy for table "people"

SELECT set_config('search_path', name, false) FROM {t}.people
----
ERROR 0A000: function set_config is not available on lake tables

SELECT current_setting('lakegate.tenant', true)
----
NULL

SELECT current_setting('data_directory')
----
ERROR 42501: permission denied to examine "data_directory"
  DETAIL: Only roles with privileges of the "pg_read_all_settings" role may examine this parameter.

SELECT current_setting('config_file')
----
ERROR 42501: permission denied to examine "config_file"
  DETAIL: Only roles with privileges of the "pg_read_all_settings" role may examine this parameter.

SELECT current_setting('role'), id FROM {t}.people
----
none | 1
none | 2
none | 3

SELECT pg_sleep(0.001) FROM {t}.people
----
ERROR 0A000: function pg_sleep is not available on lake tables

SELECT id FROM {t}.people WHERE pg_sleep(0.001) IS NULL
----
ERROR 0A000: function pg_sleep is not available on lake tables

sam: SELECT 1
tina: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'sam' LIMIT 1
sam: SELECT 1
----
> sam
1
> tina
ERROR 42501: permission denied to terminate process
  DETAIL: Only roles with privileges of the role whose process is being terminated or with privileges of the "pg_signal_backend" role may terminate this process.
> sam
1

SELECT lakegate.lakegate_signal(pg_backend_pid(), 'terminate 1', 'cancel query', 'cancel queries')
----
ERROR 22023: invalid signal: terminate 1

sam: SELECT 1
tina: SELECT lakegate.lakegate_signal(pid, 'terminate', 'do it', 'do it') FROM pg_stat_activity WHERE usename = 'sam' LIMIT 1
sam: SELECT 1
----
> sam
1
> tina
ERROR 42501: permission denied to do it
  DETAIL: Only roles with privileges of the role whose process is being terminated or with privileges of the "pg_signal_backend" role may terminate this process.
> sam
1

sam: SELECT 1
tina: SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'sam' LIMIT 1
sam: SELECT 1
----
> sam
1
> tina
ERROR 42501: permission denied to cancel query
  DETAIL: Only roles with privileges of the role whose query is being canceled or with privileges of the "pg_signal_backend" role may cancel this query.
> sam
1

SELECT pg_reload_conf()
----
ERROR 42501: permission denied for function pg_reload_conf

SELECT pg_rotate_logfile()
----
ERROR 42501: permission denied for function pg_rotate_logfile

SELECT pg_switch_wal()
----
ERROR 42501: permission denied for function pg_switch_wal

SELECT pg_notify('channel', name) FROM {t}.people
----
ERROR 0A000: function pg_notify is not available on lake tables

SELECT pg_advisory_lock(1)
----
ERROR 42501: permission denied for function pg_advisory_lock

SELECT pg_logical_emit_message(true, 'x', 'y')
----
ERROR 42501: permission denied for function pg_logical_emit_message

tina blind: SELECT pg_get_functiondef('lakegate.principal'::regproc)
----

SELECT lakegate.principal()
----
ERROR 0A000: lakegate.principal() is for policies only

SELECT lakegate.claim('tenant'), id FROM {t}.people
----
ERROR 0A000: lakegate.claim() is for policies only
  HINT: Row policies, masks and the queries of views call it.

SELECT lakegate.is_member('north'), id FROM {t}.people
----
ERROR 0A000: lakegate.is_member() is for policies only
  HINT: Row policies, masks and the queries of views call it.

SELECT lakegate.refuse_writing()
----
ERROR 42501: permission denied for function refuse_writing

SELECT nextval('x')
----
ERROR 42P01: relation "x" does not exist

SELECT txid_current() IS NULL
----
f

SELECT pg_export_snapshot() IS NULL
----
f

SELECT pg_stat_reset()
----
ERROR 42501: permission denied for function pg_stat_reset

SELECT pg_stat_get_tuples_inserted('{t}.people'::regclass)
----
0

tina blind: SELECT pg_relation_filepath('{t}.people')
----

SELECT pg_current_logfile()
----
ERROR 42501: permission denied for function pg_current_logfile

SELECT inet_server_addr() IS NULL
----
t

SELECT version() IS NULL, id FROM {t}.people
----
f | 1
f | 2
f | 3

SELECT current_user, session_user, id FROM {t}.people ORDER BY 3 LIMIT 1
----
tina | tina | 1

SELECT pg_typeof(p.salary) FROM {t}.people p
----
ERROR 42703: column "salary" does not exist

SELECT pg_column_size(name) FROM {t}.people
----
ERROR 0A000: function pg_column_size is not available on lake tables

SELECT format('%s', p.email) FROM {t}.people p ORDER BY 1
----
x***
y***
z***

SELECT row_security_active('{t}.people')
----
t

SELECT col_description('{t}.vault'::regclass, 2)
----
NULL

SELECT read_parquet('/etc/passwd')
----
ERROR 42883: function read_parquet(unknown) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT * FROM read_csv('/etc/passwd')
----
ERROR 42883: function read_csv(unknown) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT * FROM '/etc/passwd'
----
ERROR 42P01: relation "/etc/passwd" does not exist

SELECT * FROM "/etc/passwd"
----
ERROR 42P01: relation "/etc/passwd" does not exist

SELECT * FROM "file:///etc/passwd"
----
ERROR 42P01: relation "file:///etc/passwd" does not exist

SELECT * FROM delta."/tmp/x"
----
ERROR 42P01: relation "delta./tmp/x" does not exist

SELECT * FROM http_get('http://169.254.169.254/')
----
ERROR 42883: function http_get(unknown) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT * FROM generate_series(1, (SELECT max(amount) FROM {t}.people)) AS n ORDER BY 1 LIMIT 1
----
1

SELECT * FROM unnest(ARRAY(SELECT name FROM {t}.people)) AS n ORDER BY 1
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo

SELECT length(repeat('x', 2000000000))
----
ERROR 54000: requested length too large

SELECT lpad('x', 2000000000)
----
ERROR 54000: requested length too large

SELECT arrow_typeof(p.email) FROM {t}.people p
----
ERROR 42883: function arrow_typeof(text) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT get_field(p, 'salary') FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT named_struct('a', email) FROM {t}.people
----
ERROR 42883: function named_struct(unknown, text) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT parquet_metadata('x')
----
ERROR 42883: function parquet_metadata(unknown) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT * FROM metadata_cache()
----
ERROR 42883: function metadata_cache() does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT * FROM information_schema.df_settings
----
ERROR 42P01: relation "information_schema.df_settings" does not exist

SELECT * FROM datafusion.information_schema.tables
----
ERROR 0A000: cross-database references are not implemented: "datafusion.information_schema.tables"

SELECT * FROM public.r_people
----
ERROR 42P01: relation "public.r_people" does not exist
  HINT: Perhaps you meant "public.people".

SELECT random() IS NULL, id FROM {t}.people ORDER BY 2
----
f | 1
f | 2
f | 3

SELECT id, e.key, e.value FROM {t}.orders o, jsonb_each_text(to_jsonb(o)) e WHERE o.id = 4
----
4 | id | 4
4 | card | ****-1004
4 | item | NVIS-item-4
4 | price | 4.50
4 | tenant | north
4 | person_id | 1

SELECT e FROM {t}.people p, jsonb_array_elements_text(jsonb_build_array(p.email)) e
----
y***
z***
x***

SELECT m FROM {t}.people p, regexp_matches(p.email, '^(.)(.*)$') m
----
{y,***}
{z,***}
{x,***}

SELECT e FROM {t}.people p, jsonb_array_elements_text(jsonb_build_array(p.salary)) e
----
ERROR 42703: column "salary" does not exist

SELECT e FROM {t}.people p, jsonb_array_elements(to_jsonb(p.email)) e
----
ERROR 22023: cannot extract elements from a scalar

SELECT rows_of_jsonb_array_elements_0(to_jsonb(id)) FROM {t}.people
----
ERROR 42883: function rows_of_jsonb_array_elements_0(jsonb) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT lakegate_rows.rows_of_jsonb_array_elements_0(to_jsonb(id)) FROM {t}.people
----
ERROR 3F000: schema "lakegate_rows" does not exist

# who asks, and where, is told as in PostgreSQL; nothing is told of the gateway's own sessions and databases
SELECT current_user, session_user, user, current_role, current_catalog, current_database(), id FROM {t}.notes WHERE id = 1
----
tina | tina | tina | tina | lake | lake | 1

SELECT current_schema, id FROM {t}.notes
----
public | 1
public | 2
public | 3
public | 4
public | 5

SELECT current_schemas(true), id FROM {t}.notes
----
ERROR 0A000: function current_schemas is not available on lake tables

SELECT system_user, id FROM {t}.notes
----
ERROR 0A000: this form of query is not supported on lake tables
  DETAIL: Column 'system_user' could not be resolved. Line: 1, Col: 18
  HINT: Give each table an alias and qualify the columns by it.

SELECT inet_server_addr(), pg_backend_pid(), version(), id FROM {t}.notes
----
ERROR 0A000: function inet_server_addr is not available on lake tables

SELECT DISTINCT s.current_user FROM (SELECT current_user, id FROM crm.notes) s JOIN {t}.people p ON p.id = s.id
----
tina

sam: PREPARE who AS SELECT current_user, count(*) FROM crm.people
sam: EXECUTE who
tina: PREPARE who AS SELECT current_user, count(*) FROM crm.people
tina: EXECUTE who
----
> sam
(PREPARE)
> sam
sam | 2
> tina
(PREPARE)
> tina
tina | 3
