-- generate_series with table
select g, k from generate_series(1, 3) g left join pairs on k = g;
-- generate_series alias with column
select g.i, k from generate_series(1, 3) as g (i) left join pairs on k = g.i;
-- generate_series step
select g, k from generate_series(1, 9, 3) g left join pairs on k = g;
-- generate_series down
select g, k from generate_series(5, 1, -2) g left join pairs on k = g;
-- generate_series empty
select g, k from generate_series(5, 1) g join pairs on true;
-- generate_series of bigint
select g, k from generate_series(1::bigint, 3) g join pairs on k = g;
-- generate_series of timestamps
select g, id from generate_series(timestamp '2024-01-31', '2024-03-31', interval '1 month') g left join types on d = g;
-- generate_series of dates
select g::date, id from generate_series(date '2024-01-31', date '2024-02-02', interval '1 day') g left join types on d = g::date;
-- generate_series unnamed
select generate_series, k from generate_series(1, 2) join pairs on k = generate_series;
-- generate_series star
select * from generate_series(1, 2) g, region where r_regionkey = g;
-- generate_series qualified star
select g.*, r_name from generate_series(1, 2) g, region where r_regionkey = g;
-- generate_series of a subquery bound
select g, r_name from generate_series(1, (select max(k) from pairs)) g join region on r_regionkey = g;
-- generate_series with ordinality
select g, o, r_name from generate_series(10, 12) with ordinality as s (g, o) join region on r_regionkey = o;
-- generate_series with ordinality unnamed
select * from generate_series(10, 12) with ordinality join region on r_regionkey = ordinality;
-- generate_series in select list
select k, generate_series(1, 2) from pairs;
-- generate_series of column in select list
select k, generate_series(1, k) from pairs where k < 4;
-- unnest in select list
select id, unnest(ai) from types;
-- unnest in select list of two
select id, unnest(ai), unnest(at) from types;
-- unnest and generate_series in select list
select id, unnest(ai), generate_series(1, 3) from types where id < 4;
-- unnest in from
select e, k from unnest(array[1, 2, 3]) e left join pairs on k = e;
-- unnest with column name
select u.e, k from unnest(array[1, 2, 3]) as u (e) left join pairs on k = u.e;
-- unnest of text array literal
select e, r_name from unnest('{ASIA,EUROPE,NONE}'::text[]) e left join region on r_name = e;
-- unnest of several
select a, b, r_name from unnest(array[1, 2, 3], array['x', 'y']) as u (a, b) left join region on r_regionkey = a;
-- unnest of several with ordinality
select a, b, o, r_name from unnest(array[1, 2], array['x', 'y', 'z']) with ordinality as u (a, b, o) left join region on r_regionkey = o;
-- unnest of several columns
select id, u.a, u.b from types, unnest(ai, at) as u (a, b);
-- unnest of column with ordinality
select id, e, o from types, unnest(ai) with ordinality as u (e, o);
-- unnest of column with ordinality left
select id, e, o from types left join unnest(ai) with ordinality as u (e, o) on true;
-- unnest of column where
select id, e from types cross join unnest(ai) as e where e > 2;
-- unnest of column joined on
select t.id, p.w from types t cross join unnest(t.ai) as e join pairs p on p.k = e;
-- unnest of expression
select id, e from types, unnest(ai || 99) e where id < 4;
-- unnest of array_agg
select e from (select array_agg(k order by k) as a from pairs) x, unnest(x.a) e;
-- unnest aggregated
select id, sum(e), count(e) from types, unnest(ai) e group by id;
-- unnest of string_to_array
select id, part from types, unnest(string_to_array(v, ',')) as part;
-- string_to_table
select id, part from types, string_to_table(v, ',') as part;
-- regexp_split_to_table
select id, part from types, regexp_split_to_table(v, ',') as part;
-- rows from
select * from rows from (generate_series(1, 3), unnest(array['a', 'b'])) as r (i, s) join region on r_regionkey = i;
-- rows from with ordinality
-- refused: ROWS FROM of these functions
select * from rows from (generate_series(5, 6), generate_series(1, 3)) with ordinality as r (a, b, o) join region on r_regionkey = o;
-- rows from of one
select i, r_name from rows from (generate_series(1, 3)) as r (i) join region on r_regionkey = i;
-- series against series
select a, b, r_name from generate_series(1, 2) a, generate_series(1, 2) b, region where r_regionkey = a + b;
-- series of months joined to rows
select m.month, count(t.id) from generate_series(timestamp '2024-01-01', timestamp '2024-03-01', interval '1 month') as m (month) left join types t on date_trunc('month', t.ts) = m.month group by m.month;
-- series in subquery
select r_name from region where r_regionkey in (select generate_series(1, 2));
-- series in derived table
select x.i, r_name from (select generate_series(1, 3) as i) x join region on r_regionkey = x.i;
-- series in cte
with s as (select generate_series(1, 3) as i) select s.i, r_name from s left join region on r_regionkey = s.i;
-- scalar function in from
select r_name, u from region, upper(r_name) u;
-- scalar function in from with column
select r_name, u.x from region cross join lateral length(r_name) as u (x);
-- abs in from
select k, a from pairs, abs(k - 3) a;
-- values function mix
select * from (values (1), (2)) v (i), generate_series(1, 2) g, region where r_regionkey = i + g;
-- coalesce in from
select k, c from pairs, coalesce(k, 0) c;

-- generate_series of a column without its table
select id, x from types, generate_series(1, id) x where id < 4;

-- generate_series of a column without its table, gathered
-- ordered
select id, array_agg(x order by x), string_agg(x::text, ',' order by x desc) from types, generate_series(1, id) x where id < 4 group by id order by id;

-- generate_series from a column without its table, joined
select id, x from types left join lateral generate_series(id, 3) as s(x) on x <> 2;

-- generate_series of dates of columns
select id, g from types cross join lateral generate_series(d, d + 1, interval '1 day') g where id < 4;
-- generate_series of numerics
select id, g from types, generate_series(1.0, n2, 0.5) g where id < 5;
-- generate_series of numerics without a step
-- ordered
select g, g::text as x, g * 2 as y from types t, generate_series(t.n, t.n + 2) g where id < 4 order by id, g;
-- generate_series of numerics, downwards and past the end
select id, generate_series(n2, -1, -0.75) from types where n2 < 10;
-- generate_series of numerics to an end between two values
select g from types, generate_series(1.0, 2.7, 1.5) g, generate_series(1.0, -2.76, -0.5) h where id = 1;
-- generate_series of numerics to a quotient
select g from types, generate_series(0.0, n / 3, 0.1) g where id = 1;
-- generate_series of numerics with NULL, and of none
select id, g from types left join lateral generate_series(n, 1.0000, 0.5000) g on true where id in (4, 9, 10, 12);
-- generate_series of numerics with ordinality
-- ordered
select g, o from types, generate_series(0.5, 2.5) with ordinality as x(g, o) where id = 1 order by o;
-- generate_series of numerics in subqueries
select id, (select sum(g) from generate_series(0.1, t.i2, 0.1) g), array(select g * 2 from generate_series(0.5, 2.0) g) from types t where i2 < 20;
-- generate_series of numerics by zero
-- error: 22023
select g from types, generate_series(1.5, 2.5, 0.0) g;
-- generate_series of a numeric that is too long
-- refused: generate_series of these types
select g from types, generate_series(n / 3, 3) g;
-- hours of a day that has 23
-- time zone: Europe/Berlin
select h, id from generate_series(timestamptz '2024-03-30 22:00+00', '2024-03-31 06:00+00', '1 hour') h left join types on tz = h;
-- a series down across the change of the clock
-- time zone: Europe/Berlin
select h, id from generate_series('2024-10-28 02:30'::timestamptz, '2024-10-26', interval '-12 hours') h left join types on tz = h;
-- days at a time that one of them lacks
-- time zone: Europe/Berlin
select h, id from generate_series('2024-03-29 02:30'::timestamptz, '2024-04-02', '1 day') h left join types on tz = h;
-- days and hours
-- time zone: America/New_York
select h, id from generate_series('2024-03-08'::timestamptz, '2024-03-14', '1 day 1 hour') h left join types on tz = h;
-- days of another zone
-- time zone: Europe/Berlin
select h, id from generate_series('2024-03-29'::timestamptz, '2024-04-03', '1 day', 'America/New_York') h left join types on tz = h;
-- a step of two units
select count(*), max(h) from generate_series(timestamp '2024-01-01', '2024-01-31 06:00', '1 hour 30 minutes') h left join types on ts = h;
-- a step as a clock shows it
select count(*), max(h) from generate_series(timestamp '2024-01-01', '2024-01-31 06:00', '01:30') h left join types on ts = h;
-- a step as iso 8601 has it
select h, id from generate_series(timestamp '2024-01-31 10:00', '2023-07-31', 'P-1M') h left join types on ts = h;
-- months and days down
select h, id from generate_series(timestamp '2024-01-31 10:00', '2023-07-31', '-1 month -1 day') h left join types on ts = h;
-- a step of no time
-- error: 22023
select count(*) from generate_series(timestamp '2024-01-01', '2024-01-31', '0 hours') h left join types on ts = h;
-- a date and a timestamp
select h, pg_typeof(h)::text, id from generate_series(date '2024-03-29', timestamp '2024-04-03', '1 day') h left join types on ts = h;
-- a constant and a date
-- time zone: Europe/Berlin
select h, pg_typeof(h)::text, id from generate_series('2024-03-29', date '2024-04-03', interval '1 day') h left join types on tz = h;
-- series of each row
-- time zone: Europe/Berlin
select id, count(*), min(h), max(h) from types, generate_series(tz, ts::timestamptz + interval '70 days', '1 mon 2 days 03:00') h where id < 9 group by id;
-- series by the intervals of rows
select id, h from types, generate_series(ts, ts + interval '60 days', iv) h where id in (7, 10, 11, 12) and iv > interval '1 day';
-- functions and types with their schema
select pg_catalog.lower(t), v::pg_catalog.varchar(3), cast(n as pg_catalog.float8), "pg_catalog"."left"(t, 2), pg_catalog.date_trunc('day', ts) from types;
-- functions of rows and aggregates with their schema
select w, pg_catalog.count(*), pg_catalog.array_agg(id order by id desc) from types, pg_catalog.unnest(ai) w group by 1;
-- a series with its schema
select g, id from pg_catalog.generate_series(1, 3) g left join types on id = g;
-- recordset with arrays
select * from json_to_recordset('[{"a":1,"b":[1,2],"c":["x","y"]},{"a":2,"b":null}]') as x (a int, b int[], c text[]), region where r_regionkey = 0;
-- record of a constant with arrays
select t.id, x.* from types t, json_to_record('{"a":1,"b":[1,2],"c":["x","y"]}') as x (a int, b int[], c text[]) where t.id < 3;
-- record of json with arrays
select t.id, x.* from types t, lateral json_to_record(t.j) as x (a int, b int[]) where t.id = 1;
-- recordset of jsonb with arrays
select t.id, x.* from types t, lateral jsonb_to_recordset(jsonb_build_array(t.j)) as x (a int, b int[]) where t.id in (1);
-- record with arrays taken apart
select x.b[1], cardinality(x.c) from pairs, jsonb_to_record(jsonb_build_object('b', array[k, 2], 'c', array['p', null, w])) as x (b bigint[], c text[]);
