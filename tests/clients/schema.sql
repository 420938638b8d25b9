-- The tables that sequences of clients ask, of every type that they look at. Loaded into PostgreSQL, as a source and for
-- comparison.
CREATE SCHEMA shop;
SET search_path = shop;
CREATE TABLE region (
    r_regionkey integer PRIMARY KEY,
    r_name varchar(25) NOT NULL,
    r_comment varchar(152)
);
CREATE TABLE nation (
    n_nationkey integer PRIMARY KEY,
    n_name varchar(25) NOT NULL,
    n_regionkey integer NOT NULL,
    n_comment varchar(152)
);
CREATE TABLE customer (
    c_custkey bigint PRIMARY KEY,
    c_name varchar(25) NOT NULL,
    c_address text,
    c_nationkey integer NOT NULL,
    c_phone varchar(20),
    c_acctbal numeric(15, 2),
    c_mktsegment varchar(10),
    c_comment text
);
CREATE TABLE orders (
    o_orderkey bigint PRIMARY KEY,
    o_custkey bigint NOT NULL,
    o_orderstatus varchar(1),
    o_totalprice numeric(15, 2),
    o_orderdate date,
    o_orderpriority varchar(15),
    o_clerk varchar(15),
    o_shippriority integer,
    o_comment text
);
CREATE TABLE lineitem (
    l_orderkey bigint NOT NULL,
    l_partkey bigint NOT NULL,
    l_suppkey bigint NOT NULL,
    l_linenumber integer NOT NULL,
    l_quantity numeric(15, 2),
    l_extendedprice numeric(15, 2),
    l_discount numeric(15, 2),
    l_tax numeric(15, 2),
    l_returnflag varchar(1),
    l_linestatus varchar(1),
    l_shipdate date,
    l_commitdate date,
    l_receiptdate date,
    l_shipinstruct varchar(25),
    l_shipmode varchar(10),
    l_comment text,
    PRIMARY KEY (l_orderkey, l_linenumber)
);
CREATE TABLE types (
    id integer PRIMARY KEY,
    c_bool boolean,
    c_int2 smallint,
    c_int4 integer,
    c_int8 bigint,
    c_float4 real,
    c_float8 double precision,
    c_numeric numeric(20, 5),
    c_text text,
    c_varchar varchar(40),
    c_char char(2),
    c_bytea bytea,
    c_date date,
    c_time time,
    c_timestamp timestamp,
    c_timestamptz timestamptz,
    c_interval interval,
    c_uuid uuid,
    c_json json,
    c_jsonb jsonb,
    c_int4_arr integer[],
    c_text_arr text[],
    c_float8_arr double precision[],
    c_bool_arr boolean[]
);
CREATE TABLE prices (
    net numeric(12, 2),
    gross numeric(12, 2) GENERATED ALWAYS AS (round(net * 1.2, 2)) STORED,
    label text,
    initial text GENERATED ALWAYS AS (upper(left(label, 1))) VIRTUAL
);
INSERT INTO prices (net, label) VALUES (10, 'one'), (2.50, 'two'), (NULL, NULL);
INSERT INTO region SELECT n, (ARRAY['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'])[n + 1], 'region ' || n
FROM generate_series(0, 4) n;
INSERT INTO nation SELECT n, 'NATION ' || n, n % 5, CASE WHEN n % 7 <> 3 THEN 'nation ' || n END
FROM generate_series(0, 24) n;
INSERT INTO customer
SELECT n, 'Customer#' || lpad(n::text, 9, '0'), n || ' Main St, O''Fallon', n % 25, '20-' || n, 100.5 * n - 900,
       (ARRAY['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD'])[n % 5 + 1], 'cömment ☃ ' || n
FROM generate_series(1, 150) n;
INSERT INTO orders
SELECT n, 1 + n * 7 % 150, (ARRAY['O', 'F', 'P'])[n % 3 + 1], 1000.25 + n, date '1992-01-01' + n % 2400,
       n % 5 + 1 || '-PRIORITY', 'Clerk#' || n % 100, 0, 'order ' || n
FROM generate_series(1, 1500) n;
INSERT INTO lineitem
SELECT o, o * 3 % 2000, o % 100, l, l * 7, 900.5 + o, 0.04, 0.02, 'N', 'O', date '1992-02-01' + o % 2400,
       date '1992-02-11' + o % 2400, date '1992-02-21' + o % 2400, 'NONE', 'AIR', CASE WHEN l < 3 THEN 'line ' || l END
FROM generate_series(1, 1500) o, generate_series(1, 3) l;
INSERT INTO types VALUES
    (1, true, -32768, -2147483648, -9223372036854775808, -1.5, -1.25e-300, -12345678901234.56789, 'plain', 'vc', 'ab',
     '\x0001feff', '1970-01-01', '00:00', '1970-01-01', '1970-01-01 00:00+00', '0 days',
     '00000000-0000-0000-0000-000000000000', '{"a": 1}', '{"a": 1}', '{1,2,3}', '{a,b}', '{1.5,-2.5}', '{t,f}'),
    (2, false, 32767, 2147483647, 9223372036854775807, 3.4028235e38, 1.7976931348623157e308, 99999999999999.99999,
     'it''s a "test" \ back', 'ünicöde', 'zz', '\x', '9999-12-31', '23:59:59.999999', '2024-02-29 12:34:56.789012',
     '2024-02-29 12:34:56.789012+00', '1 day 02:03:04.5', '12345678-1234-5678-1234-567812345678', '[1, "two", null]',
     '[1, "two", null]', '{}', '{"x,y","q\"q",NULL,"NULL","","{}"}', '{}', '{}'),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL),
    (4, true, 0, 0, 0, 0, 0.1, 0, '', '', '', '\x74657874', '1900-01-01', '12:00', '1900-01-01 01:01:01',
     '1999-12-31 23:59:59+00', '-1 days', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'null', '"s"', '{NULL,7}', '{☃}',
     '{0}', '{NULL,t}');
ALTER TABLE nation ADD CONSTRAINT nation_region FOREIGN KEY (n_regionkey) REFERENCES region (r_regionkey);
ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (o_custkey) REFERENCES customer (c_custkey);
ALTER TABLE orders ADD CONSTRAINT orders_status CHECK (o_orderstatus IN ('O', 'F', 'P'));
ALTER TABLE orders ADD CONSTRAINT orders_price CHECK (o_totalprice > 0 AND o_orderdate >= '1992-01-01') NOT VALID;
CREATE INDEX orders_custkey ON orders (o_custkey);
CREATE INDEX orders_open ON orders (o_orderdate DESC, lower(o_clerk)) INCLUDE (o_custkey) WHERE o_orderstatus <> 'F';
CREATE UNIQUE INDEX nation_name ON nation (lower(n_name), (n_nationkey + 1));
CREATE INDEX customer_name ON customer (c_name varchar_pattern_ops, c_phone COLLATE "C" DESC NULLS LAST);
CREATE INDEX types_document ON types USING gin (c_jsonb jsonb_path_ops);
CREATE VIEW nation_orders AS
SELECT n.n_name, r.r_name, count(*) AS order_count, sum(o.o_totalprice) AS total
FROM orders o JOIN customer c ON c.c_custkey = o.o_custkey JOIN nation n ON n.n_nationkey = c.c_nationkey
JOIN region r ON r.r_regionkey = n.n_regionkey GROUP BY n.n_name, r.r_name;
COMMENT ON TABLE orders IS 'customer orders';
COMMENT ON COLUMN orders.o_orderkey IS 'order key';
ANALYZE;
