-- a month in each row, and what happened in it
-- ordered
select d, n from generate_series('1992-01-01'::timestamp, '1992-06-01', '1 month') d cross join lateral (select count(*) n from orders where o_orderdate >= d and o_orderdate < d + interval '1 month') x order by d;

-- the dearest of each month
-- ordered
select d::date, x.* from generate_series(date '1992-01-01', '1992-04-01', '1 month') as s(d) left join lateral (select o_orderkey, o_totalprice from orders where o_orderdate >= d and o_orderdate < d + interval '1 month' order by o_totalprice desc limit 2) x on true order by d, o_orderkey;

-- a number in a lateral query by its name alone
-- ordered
select g, n from generate_series(1, 5) g, lateral (select count(*) n from nation where n_regionkey = g) x order by g;

-- values of which one is a float
-- ordered
select k, q from (values (1, 2.5::float8), (2, 'NaN'), (3, -0.0)) v(k, q), types where id = 1 order by k;

-- values of which one is a date
-- ordered
select v.* from types t join (values (1, 'one', date '2024-01-01'), (2, null, '2024-02-01'), (3, 'three', null)) v(id, n, since) using (id) order by id;

-- values of which one is a truth
-- ordered
select k, q from (values (1, true), (2, 'f'), (3, null)) v(k, q), types where id = 1 order by k;

-- values of which one is a number
-- ordered
select k, q from (values (1, '5'), (2, 7)) v(k, q), types where id = 1 order by k;

-- values of a real, an interval and their texts
-- ordered
with v(id, f, d) as (values (1, 1.5::real, '1 day'::interval), (2, 2, '2 hours')) select v.*, t.t from v join types t using (id) order by 1;

-- values of moments of one column
-- ordered
select k, q + interval '1 day' from (values (1, '2024-01-31'), (2, timestamp '2024-01-31 10:00:00.7')) v(k, q), types where id = 1 order by k;

-- text read as truths
-- ordered
select x as was, x::boolean as truth from (select case id % 4 when 0 then ' TRUE ' when 1 then 'off' when 2 then 'y' end as x from types) s order by was;

-- sessions by the gaps between moments
-- ordered
select s, count(*), max(ts) - min(ts) as d from (select ts, count(*) filter (where gap is null or gap > interval '100 days') over (order by ts) as s from (select ts, ts - lag(ts) over (order by ts) as gap from types where ts is not null) x) y group by s order by s;

-- how long orders took
-- ordered
select (l_receiptdate - l_shipdate) * interval '1 day' as d, count(*) from lineitem group by 1 order by 1;

-- addresses within a network
-- ordered
select id, ('10.0.0.' || id)::inet << cidr '10.0.0.0/30', ('10.0.0.' || id)::inet <<= '10.0.0.0/30', inet '10.0.0.0/29' >>= ('10.0.0.' || id)::inet, ('10.0.0.' || id)::inet >> '10.0.0.3' from types order by id;

-- hits of a network by address
select ip, count(*) from (select ('10.0.' || id % 2 || '.' || id % 3)::inet as ip from types) x where ip <<= cidr '10.0.1.0/24' group by ip;

-- constants behind the name of a type
select cidr '10.0.0.0/8', macaddr '08:00:2b:01:02:03', varbit '11', box '(1,2),(3,4)', circle '<(0,0),5>' @> point '(1,2)', tsvector 'a b' @@ tsquery 'a' from types where id = 1;

-- constants of bits and characters without a length
select bit '101', char 'abc', character 'ab', t::char, bit(3) '101', char(2) 'abc', bit varying '11' from types where id = 1;

-- days from the first to the last of a table
-- ordered
with days as (select d::date from generate_series((select min(d) from types where d > '2023-12-31'), (select max(d) from types where d < '2024-03-01'), '1 day') d) select days.d, count(t.id) from days left join types t on t.d = days.d group by days.d order by days.d;

-- months of a table beside it
-- ordered
select m, count(t.id) from generate_series((select date_trunc('month', min(ts)) from types where ts > '2023-12-31'), (select max(ts) from types), interval '1 month') as m left join types t on date_trunc('month', t.ts) = m group by m order by m;

-- a series up to what a row has
-- ordered
select n.n_nationkey, s.k from nation n left join generate_series(1, (select count(*) from region r where r.r_regionkey < n.n_nationkey)) as s(k) on s.k > 2 order by 1, 2;

-- arms in parentheses with other names
-- ordered
(select 'low' k, min(n) from types) union all (select 'high', max(n) from types) union all (select 'avg', round(avg(n), 4) from types) order by 1;

-- arms whose names are those of other columns
-- ordered
select id as a, t as b from types where id < 3 union all select i8 as b, v as a from types where id = 5 order by a, b;
