-- Grafana: the query builder's lists of tables and columns, what panels ask. Statements as logged in the tests of
-- datafusion-postgres (Apache-2.0).

SELECT
        CASE WHEN
              quote_ident(table_schema) IN (
              SELECT
                CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
              FROM
                generate_series(
                  array_lower(string_to_array(current_setting('search_path'),','),1),
                  array_upper(string_to_array(current_setting('search_path'),','),1)
                ) as i,
                string_to_array(current_setting('search_path'),',') s
              )
          THEN quote_ident(table_name)
          ELSE quote_ident(table_schema) || '.' || quote_ident(table_name)
        END AS "table"
        FROM information_schema.tables
        WHERE quote_ident(table_schema) NOT IN ('information_schema',
                                 'pg_catalog',
                                 '_timescaledb_cache',
                                 '_timescaledb_catalog',
                                 '_timescaledb_internal',
                                 '_timescaledb_config',
                                 'timescaledb_information',
                                 'timescaledb_experimental')
        ORDER BY CASE WHEN
              quote_ident(table_schema) IN (
              SELECT
                CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
              FROM
                generate_series(
                  array_lower(string_to_array(current_setting('search_path'),','),1),
                  array_upper(string_to_array(current_setting('search_path'),','),1)
                ) as i,
                string_to_array(current_setting('search_path'),',') s
              ) THEN 0 ELSE 1 END, 1
;

SELECT quote_ident(column_name) AS "column", data_type AS "type"
        FROM information_schema.columns
        WHERE
          CASE WHEN array_length(parse_ident('shop.orders'),1) = 2
            THEN quote_ident(table_schema) = (parse_ident('shop.orders'))[1]
              AND quote_ident(table_name) = (parse_ident('shop.orders'))[2]
            ELSE quote_ident(table_name) = 'shop.orders'
              AND
              quote_ident(table_schema) IN (
              SELECT
                CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
              FROM
                generate_series(
                  array_lower(string_to_array(current_setting('search_path'),','),1),
                  array_upper(string_to_array(current_setting('search_path'),','),1)
                ) as i,
                string_to_array(current_setting('search_path'),',') s
              )
          END
;

SELECT current_setting('server_version_num')::int/100 as version
;

SELECT floor(extract(epoch from o_orderdate::timestamp)/2592000)*2592000 AS "time", o_orderstatus AS metric, avg(o_totalprice) AS "value" FROM shop.orders WHERE o_orderdate BETWEEN '1993-01-01T00:00:00Z' AND '1996-01-01T00:00:00Z' GROUP BY 1,2 ORDER BY 1,2
;

SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'
;
