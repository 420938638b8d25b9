-- DataGrip: it connects, lists databases, roles and schemas, introspects a schema, opens a table. Start-up statements as
-- logged in the tests of datafusion-postgres (Apache-2.0); those of a schema in our own words, over the same columns and
-- functions (xmin, age of it, locks, array_agg of pg_inherits, columns of indexes with their properties).

--: extended
SET extra_float_digits = 3
;

--: extended
SET application_name = ''
;

--: extended
select version()
;

--: extended
SET application_name = 'DataGrip 2025.2.3'
;

--: extended
select current_database() as a, current_schemas(false) as b
;

--: extended
SHOW TRANSACTION ISOLATION LEVEL
;

--: extended
select round(extract(epoch from pg_postmaster_start_time() at time zone 'UTC')) as startup_time
;

--: extended
select L.transactionid::varchar::bigint as transaction_id
        from pg_catalog.pg_locks L
        where L.transactionid is not null
        order by pg_catalog.age(L.transactionid) desc
        limit 1
;

--: extended
select case
          when pg_catalog.pg_is_in_recovery()
            then null
          else
            (pg_catalog.txid_current() % 4294967296)::varchar::bigint
          end as current_txid
;

--: extended
select N.oid::bigint as id,
               datname as name,
               D.description,
               datistemplate as is_template,
               datallowconn as allow_connections,
               pg_catalog.pg_get_userbyid(N.datdba) as "owner"
        from pg_catalog.pg_database N
          left join pg_catalog.pg_shdescription D on N.oid = D.objoid
        order by case when datname = pg_catalog.current_database() then -1::bigint else N.oid::bigint end
;

--: extended
select N.oid::bigint as id,
               N.xmin as state_number,
               nspname as name,
               D.description,
               pg_catalog.pg_get_userbyid(N.nspowner) as "owner"
        from pg_catalog.pg_namespace N
          left join pg_catalog.pg_description D on N.oid = D.objoid
        order by case when nspname = pg_catalog.current_schema() then -1::bigint else N.oid::bigint end
;

--: extended named S_1 params 28
SELECT typinput='pg_catalog.array_in'::regproc as is_array, typtype, typname, pg_type.oid   FROM pg_catalog.pg_type   LEFT JOIN (select ns.oid as nspoid, ns.nspname, r.r           from pg_namespace as ns           join ( select s.r, (current_schemas(false))[s.r] as nspname                    from generate_series(1, array_upper(current_schemas(false), 1)) as s(r) ) as r          using ( nspname )        ) as sp     ON sp.nspoid = typnamespace  WHERE pg_type.oid = $1  ORDER BY sp.r, pg_type.oid DESC
;

--: extended
show DateStyle
;

--: extended
select name, is_dst from pg_catalog.pg_timezone_names
        union distinct
        select abbrev as name, is_dst from pg_catalog.pg_timezone_abbrevs
;

--: extended
select R.oid::bigint as role_id, rolname as role_name,
          rolsuper is_super, rolinherit is_inherit,
          rolcreaterole can_createrole, rolcreatedb can_createdb,
          rolcanlogin can_login, rolreplication /* false */ is_replication,
          rolconnlimit conn_limit, rolvaliduntil valid_until,
          rolbypassrls /* false */ bypass_rls, rolconfig config,
          D.description
        from pg_catalog.pg_roles R
          left join pg_catalog.pg_shdescription D on D.objoid = R.oid
;

--: extended
select member id, roleid role_id, admin_option
                  from pg_catalog.pg_auth_members order by id, roleid::text
;

--: extended
select T.oid::bigint as id, T.spcname as name,
               T.xmin as state_number, pg_catalog.pg_get_userbyid(T.spcowner) as owner,
               pg_catalog.pg_tablespace_location(T.oid) /* null */ as location,
               T.spcoptions /* null */ as options,
               D.description as comment
        from pg_catalog.pg_tablespace T
          left join pg_catalog.pg_shdescription D on D.objoid = T.oid
        --  where pg_catalog.age(T.xmin) <= #TXAGE
;

--: extended
select T.oid as object_id,
                         T.spcacl as acl
                  from pg_catalog.pg_tablespace T
                  union all
                  select T.oid as object_id,
                         T.datacl as acl
                  from pg_catalog.pg_database T
;

--: extended params 1034
SELECT e.typdelim FROM pg_catalog.pg_type t, pg_catalog.pg_type e WHERE t.oid = $1 and t.typelem = e.oid
;

--: extended
select usesuper from pg_user where usename = current_user
;

--: extended
select e.oid, e.xmin as state, extname, extversion, nspname,
  array(select v from unnest(versions) v where v > extversion) as updates
from pg_catalog.pg_extension e join pg_namespace n on n.oid = extnamespace
  left join (select name, array_agg(version) as versions from pg_available_extension_versions() group by name) a
    on a.name = extname
;

--: extended
select l.oid, l.xmin as state, lanname, lanpltrusted, h.proname as handler, i.proname as inline
from pg_catalog.pg_language l left join pg_catalog.pg_proc h on h.oid = lanplcallfoid
  left join pg_catalog.pg_proc i on i.oid = laninline order by lanname
;

--: extended
select c.oid, c.xmin as state, pg_catalog.format_type(castsource, null), pg_catalog.format_type(casttarget, null),
  castfunc::regproc::varchar, castcontext, castmethod from pg_cast c order by 1
;

--: extended
select fdw.oid, fdw.xmin as state, fdwname, pg_catalog.pg_get_userbyid(fdwowner) from pg_catalog.pg_foreign_data_wrapper fdw
union all select srv.oid, srv.xmin, srvname, pg_catalog.pg_get_userbyid(srvowner) from pg_catalog.pg_foreign_server srv
union all select evt.oid, evt.xmin, evtname, pg_catalog.pg_get_userbyid(evtowner) from pg_catalog.pg_event_trigger evt
;

--: extended
select umid, srvid, case when umuser = 0 then null else usename end, umoptions from pg_catalog.pg_user_mappings order by srvid
;

--: extended
select t.oid, relnamespace, pg_catalog.translate(relkind, 'rmvpfS', 'rmvrfS') as kind, relname
from pg_catalog.pg_class t where relnamespace in ('shop'::regnamespace) and relkind in ('r', 'm', 'v', 'p', 'f', 'S')
union all select t.oid, typnamespace, 'T', typname
from pg_catalog.pg_type t left outer join pg_catalog.pg_class c on typrelid = c.oid
where typnamespace in ('shop'::regnamespace) and (typtype in ('d', 'e') or c.relkind = 'c')
union all select oid, pronamespace, case when prokind != 'a' then 'R' else 'a' end, proname
from pg_catalog.pg_proc where pronamespace in ('shop'::regnamespace)
union all select oid, collnamespace, 'C', collname from pg_catalog.pg_collation where collnamespace in ('shop'::regnamespace)
order by 2, 3, 4
;

--: extended params 1
select t.relkind as kind, t.relname, t.oid, t.xmin as state, t.reltablespace, t.reloptions, t.relpersistence,
  (select pg_catalog.array_agg(inhparent::bigint order by inhseqno)::varchar from pg_catalog.pg_inherits
   where t.oid = inhrelid) as ancestors,
  (select pg_catalog.array_agg(inhrelid::bigint order by inhrelid)::varchar from pg_catalog.pg_inherits
   where t.oid = inhparent) as successors,
  t.relispartition, pg_catalog.pg_get_partkeydef(t.oid), pg_catalog.pg_get_expr(t.relpartbound, t.oid), t.relam,
  pg_catalog.pg_get_userbyid(t.relowner) as "owner"
from pg_catalog.pg_class t
where relnamespace = 'shop'::regnamespace and relkind in ('r', 'm', 'v', 'f', 'p')
  and pg_catalog.age(t.xmin) <= coalesce(nullif(greatest(pg_catalog.age($1::varchar::xid), -1), -1), 2147483647)
order by kind, t.oid
;

--: extended params 1
with t as (select oid, relkind from pg_catalog.pg_class where relnamespace = 'shop'::regnamespace
  and relkind in ('r', 'm', 'v', 'f', 'p')
  and pg_catalog.age(xmin) <= coalesce(nullif(greatest(pg_catalog.age($1::varchar::xid), -1), -1), 2147483647))
select t.oid, c.attnum, c.attname, c.xmin as state, c.atttypmod, c.attndims, c.atttypid,
  pg_catalog.format_type(c.atttypid, c.atttypmod) as spec, c.attnotnull, c.attislocal, c.attfdwoptions,
  pg_catalog.pg_get_expr(d.adbin, d.adrelid) as default_expression, c.attisdropped, c.attidentity, c.attgenerated,
  c.attstorage, c.attcompression, t.relkind
from t join pg_catalog.pg_attribute c on t.oid = c.attrelid
  left join pg_catalog.pg_attrdef d on (c.attrelid, c.attnum) = (d.adrelid, d.adnum)
where attnum > 0 order by t.oid, attnum
;

--: extended params 1
select tab.oid, tab.relkind, stored.relname, head.indexrelid, stored.xmin as state, head.indisunique, head.indisprimary,
  head.indnullsnotdistinct, pg_catalog.pg_get_expr(head.indpred, head.indrelid) as condition, stored.reltablespace,
  opcmethod
from pg_catalog.pg_class tab join pg_catalog.pg_index head on head.indrelid = tab.oid
  join pg_catalog.pg_class stored on tab.relnamespace = stored.relnamespace and stored.oid = head.indexrelid
  left join pg_catalog.pg_opclass on pg_opclass.oid = any(indclass)
where tab.relnamespace = 'shop'::regnamespace and tab.relkind in ('r', 'm', 'v', 'p') and stored.relkind in ('i', 'I')
  and pg_catalog.age(stored.xmin) <= coalesce(nullif(greatest(pg_catalog.age($1::varchar::xid), -1), -1), 2147483647)
order by 1, 4
;

--: extended
select head.indexrelid, k, k <= indnkeyatts as in_key, head.indkey[k - 1] as position, head.indoption[k - 1] as options,
  head.indcollation[k - 1] as collation, collname, opcdefault, opcname,
  case when indexprs is null then null when head.indkey[k - 1] = 0
    then pg_catalog.pg_get_indexdef(head.indexrelid, k::int, true) end as expression,
  can_order and (head.indoption[k - 1] & 1) = 1 as descending
from pg_catalog.pg_index head join pg_catalog.pg_class stored on stored.oid = head.indexrelid
  cross join unnest(head.indkey) with ordinality u(u, k)
  left join pg_catalog.pg_collation on pg_collation.oid = head.indcollation[k - 1]
  cross join pg_catalog.pg_indexam_has_property(stored.relam, 'can_order') can_order
  left join pg_catalog.pg_opclass on pg_opclass.oid = head.indclass[k - 1]
where stored.relnamespace = 'shop'::regnamespace order by head.indexrelid, k
;

--: extended
select t.oid, t.relkind, c.oid, c.xmin as state, conname, contype, conkey, conindid, confrelid, condeferrable,
  condeferred, conislocal, connoinherit, confkey, confupdtype, confdeltype, pg_catalog.pg_get_constraintdef(c.oid),
  conexclop::int[], conexclop::regoper[]::varchar[]
from pg_catalog.pg_constraint c join pg_catalog.pg_class t on t.oid = conrelid
where relkind in ('r', 'v', 'f', 'p') and connamespace = 'shop'::regnamespace order by 1, 5
;

--: extended
select t.tgrelid, t.oid, t.xmin as state, t.tgname, t.tgfoid, pg_catalog.encode(t.tgargs, 'escape'), tgtype,
  pg_catalog.pg_get_triggerdef(t.oid), tgenabled, tgattr from pg_catalog.pg_trigger t
  join pg_catalog.pg_class tab on tgrelid = tab.oid where relnamespace = 'shop'::regnamespace and not tgisinternal
;

--: extended
select r.ev_class, r.oid, r.xmin as state, r.rulename, pg_catalog.translate(ev_type, '1234', 'SUID') as event, ev_enabled,
  is_instead from pg_catalog.pg_rewrite r join pg_catalog.pg_class t on t.oid = r.ev_class
where relnamespace = 'shop'::regnamespace order by 1
;

--: extended
select t.oid, relkind, pg_catalog.pg_get_viewdef(t.oid, true) from pg_catalog.pg_class t
where relkind in ('v', 'm') and relnamespace = 'shop'::regnamespace order by 1
;

--: extended
select d.objoid, pg_catalog.translate(c.relkind, 'rmvpf', 'rmvrf') as kind, d.objsubid, d.description
from pg_catalog.pg_description d join pg_catalog.pg_class c on d.objoid = c.oid
where c.relnamespace = 'shop'::regnamespace and d.classoid = 'pg_catalog.pg_class'::regclass order by 1, 3
;

--: extended
select t.oid, t.relacl from pg_catalog.pg_class t where relnamespace = 'shop'::regnamespace
union all select attrelid, attacl from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = attrelid
where attacl is not null and relnamespace = 'shop'::regnamespace
;

--: extended
select p.oid, p.xmin as state, polname, polrelid, polcmd, polpermissive, polroles,
  pg_catalog.pg_get_expr(polqual, polrelid), pg_catalog.pg_get_expr(polwithcheck, polrelid)
from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = polrelid where relnamespace = 'shop'::regnamespace
;

--: extended binary fetch 501
SELECT t.* FROM shop.orders t ORDER BY o_orderkey LIMIT 501
;

--: extended
select count(*) from shop.orders t where o_orderstatus = 'O'
;

--: extended
explain select * from shop.orders
;
