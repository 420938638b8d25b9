-- Tableau: lists of tables, keys, the shapes of its queries. Statements as in the tests of cubesql (Apache-2.0).

SET DateStyle = 'ISO'
;

SET extra_float_digits = 2
;

show transaction_isolation
;

select
    relname,
    nspname,
    relkind
from
    pg_catalog.pg_class c,
    pg_catalog.pg_namespace n
where
    relkind in ('r', 'v', 'm', 'f')
    and nspname not in ('pg_catalog','information_schema','pg_toast','pg_temp_1')
    and n.oid = relnamespace
order by nspname, relname
;

SELECT ta.attname, ia.attnum, ic.relname, n.nspname, tc.relname
FROM pg_catalog.pg_attribute ta, pg_catalog.pg_attribute ia, pg_catalog.pg_class tc, pg_catalog.pg_index i, pg_catalog.pg_namespace n, pg_catalog.pg_class ic
WHERE tc.relname = 'orders' AND n.nspname = 'shop' AND tc.oid = i.indrelid AND n.oid = tc.relnamespace AND i.indisprimary = 't'
AND ia.attrelid = i.indexrelid AND ta.attrelid = i.indrelid AND ta.attnum = i.indkey[ia.attnum-1] AND (NOT ta.attisdropped) AND (NOT ia.attisdropped) AND ic.oid = i.indexrelid
ORDER BY ia.attnum
;

select 'test'::name as PKTABLE_CAT, n2.nspname as PKTABLE_SCHEM, c2.relname as PKTABLE_NAME, a2.attname as PKCOLUMN_NAME,
 'test'::name as FKTABLE_CAT, n1.nspname as FKTABLE_SCHEM, c1.relname as FKTABLE_NAME, a1.attname as FKCOLUMN_NAME, i::int2 as KEY_SEQ,
 case ref.confupdtype when 'c' then 0::int2 when 'n' then 2::int2 when 'd' then 4::int2 when 'r' then 1::int2 else 3::int2 end as UPDATE_RULE,
 case ref.confdeltype when 'c' then 0::int2 when 'n' then 2::int2 when 'd' then 4::int2 when 'r' then 1::int2 else 3::int2 end as DELETE_RULE,
 ref.conname as FK_NAME, cn.conname as PK_NAME,
 case when ref.condeferrable then case when ref.condeferred then 5::int2 else 6::int2 end else 7::int2 end as DEFERRABLITY
from ((((((( (select cn.oid, conrelid, conkey, confrelid, confkey, generate_series(array_lower(conkey, 1), array_upper(conkey, 1)) as i, confupdtype, confdeltype, conname, condeferrable, condeferred
  from pg_catalog.pg_constraint cn, pg_catalog.pg_class c, pg_catalog.pg_namespace n
  where contype = 'f' and conrelid = c.oid and relname = 'orders' and n.oid = c.relnamespace and n.nspname = 'shop') ref
 inner join pg_catalog.pg_class c1 on c1.oid = ref.conrelid)
 inner join pg_catalog.pg_namespace n1 on n1.oid = c1.relnamespace)
 inner join pg_catalog.pg_attribute a1 on a1.attrelid = c1.oid and a1.attnum = conkey[i])
 inner join pg_catalog.pg_class c2 on c2.oid = ref.confrelid)
 inner join pg_catalog.pg_namespace n2 on n2.oid = c2.relnamespace)
 inner join pg_catalog.pg_attribute a2 on a2.attrelid = c2.oid and a2.attnum = confkey[i])
 left outer join pg_catalog.pg_constraint cn on cn.conrelid = ref.confrelid and cn.contype = 'p')
order by ref.oid, ref.i
;

SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME,
 CASE n.nspname ~ '^pg_' OR n.nspname = 'information_schema' WHEN true THEN CASE WHEN n.nspname = 'pg_catalog' OR n.nspname = 'information_schema' THEN CASE c.relkind WHEN 'r' THEN 'SYSTEM TABLE' WHEN 'v' THEN 'SYSTEM VIEW' WHEN 'i' THEN 'SYSTEM INDEX' ELSE NULL END WHEN n.nspname = 'pg_toast' THEN CASE c.relkind WHEN 'r' THEN 'SYSTEM TOAST TABLE' WHEN 'i' THEN 'SYSTEM TOAST INDEX' ELSE NULL END ELSE CASE c.relkind WHEN 'r' THEN 'TEMPORARY TABLE' WHEN 'p' THEN 'TEMPORARY TABLE' WHEN 'i' THEN 'TEMPORARY INDEX' WHEN 'S' THEN 'TEMPORARY SEQUENCE' WHEN 'v' THEN 'TEMPORARY VIEW' ELSE NULL END END
 WHEN false THEN CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'i' THEN 'INDEX' WHEN 'P' then 'PARTITIONED INDEX' WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'c' THEN 'TYPE' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END ELSE NULL END AS TABLE_TYPE,
 d.description AS REMARKS, '' as TYPE_CAT, '' as TYPE_SCHEM, '' as TYPE_NAME, '' AS SELF_REFERENCING_COL_NAME, '' AS REF_GENERATION
FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_description d ON (c.oid = d.objoid AND d.objsubid = 0 and d.classoid = 'pg_class'::regclass)
WHERE c.relnamespace = n.oid AND (false OR ( c.relkind = 'f' ) OR ( c.relkind = 'm' ) OR ( c.relkind = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ) OR ( c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ) OR ( c.relkind = 'v' AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema' ))
ORDER BY TABLE_SCHEM ASC, TABLE_NAME ASC
;

BEGIN
;

declare "SQL_CUR0x7fd83880dc00" cursor with hold for SELECT "orders"."o_orderkey" AS "o_orderkey", CAST("orders"."o_orderstatus" AS TEXT) AS "o_orderstatus", "orders"."o_totalprice" AS "o_totalprice" FROM "shop"."orders" "orders" LIMIT 1000
;

fetch 100 in "SQL_CUR0x7fd83880dc00"
;

close "SQL_CUR0x7fd83880dc00"
;

COMMIT
;

SELECT CAST("orders"."o_orderpriority" AS TEXT) AS "o_orderpriority", SUM("orders"."o_totalprice") AS "sum:o_totalprice:ok", DATE_TRUNC( 'YEAR', CAST("orders"."o_orderdate" AS TIMESTAMP WITHOUT TIME ZONE)) AS "tyr:o_orderdate:ok" FROM "shop"."orders" "orders" GROUP BY 1, 3 HAVING (COUNT(1) > 0)
;

SELECT COUNT(1) AS "cnt:o_orderkey:ok" FROM "shop"."orders" "orders" HAVING (COUNT(1) > 0)
;

SELECT * FROM "shop"."orders" "orders" LIMIT 0
;
