# pg_read_all_data reads all tables, below their filters and masks (all kinds)
ada: GRANT pg_read_all_data TO tina
tina: SELECT id, name, email, balance, phone FROM {t}.people ORDER BY id
tina: SELECT id, item, right(card, 4) = '****' FROM {t}.orders ORDER BY id
ada: REVOKE pg_read_all_data FROM tina
tina: SELECT id, salary FROM {t}.people
----
> ada
(GRANT ROLE)
> tina
1 | NVIS-Ann | y*** | NULL | +***
2 | NVIS-Ben | z*** | NULL | +***
3 | NVIS-Cleo | x*** | NULL | +***
> tina
1 | NVIS-item-1 | f
4 | NVIS-item-4 | f
7 | NVIS-item-7 | f
10 | NVIS-item-10 | f
> ada
(REVOKE ROLE)
> tina
ERROR 42703: column "salary" does not exist

# errors of rows that the filter hides are not told
ada: GRANT pg_read_all_data TO tina
tina: SELECT id FROM {t}.people WHERE 1 / (salary - salary + id - 5) > -100 ORDER BY id
tina: SELECT id FROM {t}.people WHERE CAST(code AS integer) > 100 ORDER BY id
tina: EXPLAIN SELECT id FROM {t}.people
ada: REVOKE pg_read_all_data FROM tina
----
> ada
(GRANT ROLE)
> tina
1
2
3
> tina
1
2
3
> tina
Engine query
  The plan is shown to roles that see all of the tables.
Scan {t}.people  (source {t}, a kind of source)
  Policies apply
> ada
(REVOKE ROLE)

# somebody without a policy sees no rows
ada: GRANT pg_read_all_data TO eve
eve: SELECT count(*) FROM {t}.people
eve: SELECT count(*) FROM {t}.orders
eve: SELECT count(*) FROM {t}.notes
ada: REVOKE pg_read_all_data FROM eve
eve: SELECT count(*) FROM {t}.notes
----
> ada
(GRANT ROLE)
> eve
0
> eve
0
> eve
5
> ada
(REVOKE ROLE)
> eve
ERROR 42P01: relation "{t}.notes" does not exist

# what was prepared is judged again
ada: GRANT pg_read_all_data TO eve
eve parse s: SELECT count(*) FROM {t}.notes
eve run s:
ada: REVOKE pg_read_all_data FROM eve
eve run s:
----
> ada
(GRANT ROLE)
> eve
> eve
5
> ada
(REVOKE ROLE)
> eve
ERROR 42P01: relation "{t}.notes" does not exist

# through another role, and only with its privileges
ada: CREATE ROLE all_readers NOINHERIT IN ROLE pg_read_all_data
ada: GRANT all_readers TO eve
eve: SELECT count(*) FROM {t}.notes
ada: GRANT pg_read_all_data TO all_readers WITH INHERIT TRUE
eve: SELECT count(*) FROM {t}.notes
ada: DROP ROLE all_readers
eve: SELECT count(*) FROM {t}.notes
----
> ada
(CREATE ROLE)
> ada
(GRANT ROLE)
> eve
ERROR 42P01: relation "{t}.notes" does not exist
> ada
(GRANT ROLE)
> eve
5
> ada
(DROP ROLE)
> eve
ERROR 42P01: relation "{t}.notes" does not exist

# the metadata server has passwords and more: of that nothing is read
ada: GRANT pg_read_all_data, pg_monitor, pg_read_all_stats, pg_maintain, pg_signal_backend TO tina
tina: SELECT rolname, rolpassword FROM pg_authid
tina: SELECT usename, passwd FROM pg_shadow
tina: SELECT umoptions FROM pg_user_mapping
tina: SELECT * FROM pg_statistic
tina: SELECT * FROM pg_hba_file_rules
tina: SELECT sourcefile FROM pg_settings WHERE sourcefile IS NOT NULL
tina: SHOW data_directory
tina: SHOW config_file
tina: SELECT * FROM pg_ls_logdir()
tina: SELECT pg_read_file('postgresql.conf')
tina: SELECT query_to_xml('SELECT * FROM pg_authid', true, false, '')
tina: SELECT pg_catalog.lo_get(1)
tina: SELECT count(*) FROM pg_catalog.lakegate_sessions
ada: REVOKE pg_read_all_data, pg_monitor, pg_read_all_stats, pg_maintain, pg_signal_backend FROM tina
----
> ada
(GRANT ROLE)
> tina
ERROR 42501: permission denied for table pg_authid
> tina
ERROR 42501: permission denied for view pg_shadow
> tina
ERROR 42501: permission denied for table pg_user_mapping
> tina
ERROR 42501: permission denied for table pg_statistic
> tina
ERROR 42501: permission denied for view pg_hba_file_rules
> tina
(SELECT 0)
> tina
ERROR 42501: permission denied to examine "data_directory"
  DETAIL: Only roles with privileges of the "pg_read_all_settings" role may examine this parameter.
> tina
ERROR 42501: permission denied to examine "config_file"
  DETAIL: Only roles with privileges of the "pg_read_all_settings" role may examine this parameter.
> tina
ERROR 42501: permission denied for function pg_ls_logdir
> tina
ERROR 42501: permission denied for function pg_read_file
> tina
ERROR 42501: permission denied for function query_to_xml
> tina
ERROR 42501: permission denied for function lo_get
> tina
ERROR 42501: permission denied for table lakegate_sessions
> ada
(REVOKE ROLE)

# other databases and sessions of the metadata server are not told of
ada: GRANT pg_monitor TO tina
tina: SELECT DISTINCT datname FROM pg_stat_activity
tina: SELECT count(*) FROM pg_stat_activity WHERE usename IN ('lakegate', 'lakegate_functions', 'postgres')
tina: SELECT count(*) FROM pg_stat_get_activity(NULL) a JOIN pg_roles r ON r.oid = a.usesysid WHERE r.rolname = 'lakegate' AND a.query <> '<insufficient privilege>'
ada: REVOKE pg_monitor FROM tina
----
> ada
(GRANT ROLE)
> tina
lake
> tina
0
> tina
0
> ada
(REVOKE ROLE)

# the gateway's own tables are for whom they were granted
ada: GRANT pg_read_all_data TO tina
tina: SELECT count(*) FROM lakegate.audit_log
tina: SELECT count(*) FROM lakegate.policy_history
tina: SELECT count(*) FROM lakegate.masking_policies
tina: SELECT has_table_privilege('lakegate.audit_log', 'select')
tina: CHECK ACCESS FOR tina ON lakegate.audit_log
ada: REVOKE pg_read_all_data FROM tina
----
> ada
(GRANT ROLE)
> tina
ERROR 42P01: relation "lakegate.audit_log" does not exist
> tina
ERROR 42P01: relation "lakegate.policy_history" does not exist
> tina
0
> tina
f
> tina
ERROR 42P01: relation "lakegate.audit_log" does not exist
> ada
(REVOKE ROLE)

# nobody is one of them, nor lets others in
ada: GRANT pg_read_all_data TO tina
tina: SET ROLE pg_read_all_data
tina: SET ROLE lakegate_read_all_data
tina: SET SESSION AUTHORIZATION pg_read_all_data
tina: GRANT pg_read_all_data TO sam
tina: GRANT lakegate_read_all_data TO sam
tina: GRANT pg_read_all_data TO tina WITH INHERIT TRUE, ADMIN TRUE
tina: GRANT SELECT ON {t}.notes TO sam
tina: SELECT pg_has_role('pg_read_all_data', 'MEMBER'), pg_has_role('pg_read_all_data', 'USAGE'), pg_has_role('pg_read_all_data', 'SET')
ada: REVOKE pg_read_all_data FROM tina
----
> ada
(GRANT ROLE)
> tina
ERROR 42501: permission denied to set role "pg_read_all_data"
> tina
ERROR 42501: permission denied to set role "lakegate_read_all_data"
> tina
ERROR 42501: permission denied to set session authorization "pg_read_all_data"
> tina
ERROR 42501: permission denied to grant role "pg_read_all_data"
  DETAIL: Only roles with the ADMIN option on role "pg_read_all_data" may grant this role.
> tina
ERROR 42501: permission denied to grant role "lakegate_read_all_data"
  DETAIL: Only roles with the ADMIN option on role "lakegate_read_all_data" may grant this role.
> tina
ERROR 42501: permission denied to grant role "pg_read_all_data"
  DETAIL: Only roles with the ADMIN option on role "pg_read_all_data" may grant this role.
> tina
WARNING 01007: no privileges were granted for "notes"
(GRANT)
> tina
t | f | f
> ada
(REVOKE ROLE)

# superusers do not let anybody into more of it
ada: GRANT pg_read_all_data TO tina WITH ADMIN OPTION
ada: GRANT pg_write_all_data TO tina
ada: GRANT pg_read_server_files TO tina
ada: GRANT pg_execute_server_program TO tina
ada: GRANT lakegate_read_all_data TO tina
ada: SET ROLE pg_read_all_data
tina: SELECT pg_has_role('pg_read_all_data', 'MEMBER')
----
> ada
ERROR 0A000: ADMIN OPTION for role "pg_read_all_data" is not supported
  HINT: Superusers of the gateway grant it.
> ada
ERROR 0A000: membership in role "pg_write_all_data" is not supported
  HINT: Roles of the gateway can be members of pg_maintain, pg_monitor, pg_read_all_data, pg_read_all_stats, pg_signal_backend.
> ada
ERROR 0A000: membership in role "pg_read_server_files" is not supported
  HINT: Roles of the gateway can be members of pg_maintain, pg_monitor, pg_read_all_data, pg_read_all_stats, pg_signal_backend.
> ada
ERROR 0A000: membership in role "pg_execute_server_program" is not supported
  HINT: Roles of the gateway can be members of pg_maintain, pg_monitor, pg_read_all_data, pg_read_all_stats, pg_signal_backend.
> ada
ERROR 42501: permission denied for role "lakegate_read_all_data"
  DETAIL: It is a role of the metadata server, not of the gateway.
> ada
ERROR 42501: permission denied to set role "pg_read_all_data"
> tina
f

# pg_maintain reads nothing
ada: GRANT pg_maintain TO eve
eve: SELECT count(*) FROM {t}.notes
eve: SELECT has_table_privilege('sam', 'lk.notes', 'maintain')
ada: REVOKE pg_maintain FROM eve
----
> ada
(GRANT ROLE)
> eve
ERROR 42P01: relation "{t}.notes" does not exist
> eve
ERROR 42501: permission denied for schema lk
> ada
(REVOKE ROLE)

# the policies of its members look into tables with their rights, not with all
ada: GRANT pg_read_all_data TO tina
tina: SELECT count(*) FROM {t}.orders
tina: SELECT member FROM crm.members
ada: REVOKE pg_read_all_data FROM tina
----
> ada
(GRANT ROLE)
> tina
4
> tina
tina
> ada
(REVOKE ROLE)
