-- RPostgres: what it asks when it connects, its lists of tables and columns, prepared statements, dbplyr's queries. Our own
-- statements, in the shapes of RPostgres 1.4 and dbplyr 2.

SELECT oid, typname FROM pg_type
;

--: extended
SET datestyle TO ISO
;

--: extended
SET timezone TO 'UTC'
;

--: extended
SELECT cl.relname AS name FROM pg_class AS cl JOIN pg_namespace AS n ON cl.relnamespace = n.oid
WHERE (cl.relkind IN ('r', 'v', 'm', 'f', 'p')) AND (n.nspname = ANY(current_schemas(true)))
  AND (n.nspname <> 'pg_catalog') ORDER BY cl.relkind, cl.relname
;

--: extended
SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1, 2
;

--: extended
SELECT EXISTS(SELECT 1 FROM pg_class cl JOIN pg_namespace n ON cl.relnamespace = n.oid
  WHERE n.nspname = 'shop' AND cl.relname = 'orders') AS "exists"
;

--: extended
SELECT attname FROM pg_attribute WHERE attrelid = 'shop.orders'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
;

--: extended params 8
SELECT o_orderkey, o_totalprice, o_orderdate FROM shop.orders WHERE o_custkey = $1 ORDER BY 1
;

--: extended params F|O
SELECT o_orderstatus, COUNT(*) FROM shop.orders WHERE o_orderstatus IN ($1, $2) GROUP BY 1 ORDER BY 1
;

--: extended
SELECT * FROM "shop"."orders" AS "q01" WHERE (0 = 1)
;

--: extended
SELECT "o_orderstatus", COUNT(*) AS "n", SUM("o_totalprice") AS "total", AVG("o_totalprice") AS "mean",
  PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY "o_totalprice") AS "median", STDDEV_SAMP("o_totalprice") > 0 AS "spread"
FROM "shop"."orders" WHERE ("o_orderstatus" IN ('F', 'O')) AND NOT(("o_totalprice" IS NULL))
GROUP BY "o_orderstatus" ORDER BY "o_orderstatus"
;

--: extended
SELECT "year", "big", "head", COUNT(*) AS "n" FROM (
  SELECT "LHS".*, "c_name", EXTRACT(YEAR FROM "o_orderdate") AS "year",
    CASE WHEN ("o_totalprice" > 1000.0) THEN 'big' WHEN NOT ("o_totalprice" > 1000.0) THEN 'small' END AS "big",
    SUBSTR("c_name", 1, 8) AS "head"
  FROM "shop"."orders" AS "LHS" INNER JOIN "shop"."customer" AS "RHS" ON ("LHS"."o_custkey" = "RHS"."c_custkey")
) "q01" GROUP BY "year", "big", "head" ORDER BY "year", "big", "head" LIMIT 4
;

--: extended
SELECT * FROM (
  SELECT "o_custkey", "o_orderkey", ROW_NUMBER() OVER (PARTITION BY "o_custkey" ORDER BY "o_totalprice" DESC, "o_orderkey")
    AS "place", LAG("o_totalprice", 1, NULL) OVER (PARTITION BY "o_custkey" ORDER BY "o_totalprice" DESC, "o_orderkey")
    AS "before"
  FROM "shop"."orders"
) "q01" WHERE ("place" <= 2.0) ORDER BY "o_custkey", "place" LIMIT 5
;

--: extended
SELECT COUNT(*) AS "n" FROM "shop"."customer" AS "LHS"
WHERE NOT EXISTS (SELECT 1 FROM "shop"."orders" AS "RHS" WHERE ("LHS"."c_custkey" = "RHS"."o_custkey"))
;

--: extended
CREATE TEMPORARY TABLE "dbplyr_001" AS
SELECT "o_orderkey", "o_custkey" FROM "shop"."orders" WHERE ("o_orderkey" <= 10.0)
;

--: extended
ANALYZE "dbplyr_001"
;

--: extended
SELECT "LHS".* FROM "shop"."orders" AS "LHS"
WHERE EXISTS (SELECT 1 FROM "dbplyr_001" AS "RHS" WHERE ("LHS"."o_orderkey" = "RHS"."o_orderkey")) ORDER BY 1
;

--: extended
DROP TABLE "dbplyr_001"
;
