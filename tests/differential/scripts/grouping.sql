-- group by column
select n_regionkey, count(*) from nation group by n_regionkey;
-- group by position and alias
select extract(year from o_orderdate) as y, count(*) from orders group by 1;
-- group by expression
select i4 % 2, count(*) from types group by i4 % 2;
-- group by null
select b, count(*), count(b) from types group by b;
-- having
select n_regionkey, count(*) from nation group by n_regionkey having count(*) > 4 and min(n_name) > 'A';
-- having without group
select count(*) from pairs having count(*) > 100;
-- aggregate of nothing
select count(*), sum(k), max(w), avg(q), array_agg(k), string_agg(w, ',') from pairs where k > 100;
-- grouping sets
select b, i2, count(*), grouping(b), grouping(i2), grouping(b, i2) from types group by grouping sets ((b), (i2), (b, i2), ());
-- rollup
select r_name, n_name, count(*), grouping(r_name, n_name) from nation join region on n_regionkey = r_regionkey group by rollup (r_name, n_name);
-- cube
select o_orderstatus, o_orderpriority, sum(o_totalprice) from orders group by cube (o_orderstatus, o_orderpriority);
-- rollup with having grouping
select n_regionkey, count(*) from nation group by rollup (n_regionkey) having grouping(n_regionkey) = 1;
-- mixed grouping
select b, i2, id, count(*) from types group by b, rollup (i2, id);
-- filter
select count(*) filter (where i4 > 0), sum(i4) filter (where b), avg(i4) filter (where i4 < 100 and i4 > -100) from types;
-- filter with group
select b, count(*) filter (where id % 2 = 0), string_agg(t, '|' order by id) filter (where t <> '') from types group by b;
-- count distinct
select count(distinct i2), count(distinct t), count(distinct b) from types;
-- sum distinct
select sum(distinct i2), avg(distinct i2), count(distinct (i2)) from types;
-- distinct
select distinct b, i2 from types;
-- distinct on
-- ordered
select distinct on (b) b, id, t from types order by b, id desc;
-- distinct on two
-- ordered
select distinct on (n_regionkey) n_regionkey, n_name from nation order by n_regionkey, n_name desc;
-- bool aggregates
select bool_and(b), bool_or(b), every(b), bool_and(id > 0) from types;
-- string_agg ordered
select string_agg(w, ', ' order by w desc nulls last) from pairs;
-- string_agg distinct
select string_agg(distinct t, ',' order by t) from types where id < 8;
-- array_agg
select array_agg(k order by k nulls first) from pairs;
-- array_agg filtered by group
select b, array_agg(id order by id desc) filter (where id > 3) from types group by b;
-- min and max
select min(i4), max(i4), min(t), max(t), min(d), max(ts), min(n), max(f8), min(tm) from types;
-- sum types
select sum(i2), sum(i4), sum(i8), sum(n), sum(f4), sum(f8) from types where id not in (5, 6);
-- avg types
select avg(i2), avg(i4), avg(i8), avg(n), avg(n2) from types;
-- avg of floats
-- approximate: 12
select avg(f8), avg(f4) from types where id <> 5;
-- avg per group
select l_returnflag, avg(l_quantity), avg(l_discount), avg(l_extendedprice * (1 - l_discount)) from lineitem group by l_returnflag;
-- avg of avg
select avg(a) from (select avg(s_acctbal) as a from supplier group by s_nationkey) q;
-- stddev and variance of integers
select stddev(i2), variance(i2), stddev_pop(i2), var_pop(i2), stddev_samp(i2), var_samp(i2) from types;
-- stddev of numeric
select stddev(n2), var_samp(l) from types, (select l_quantity as l from lineitem limit 0) x right join (values (1)) v(one) on true where n2 < 100;
-- stddev by group
select l_returnflag, stddev(l_quantity), variance(l_extendedprice) from lineitem group by l_returnflag;
-- stddev of one row
select stddev(id), var_pop(id), variance(id) from types where id = 1;
-- stddev of floats
-- approximate: 12
select stddev(f8), variance(f8), stddev_pop(f8), var_pop(f8) from types where id <> 5;
-- correlation
-- approximate: 10
select corr(s_acctbal, s_nationkey), covar_pop(s_acctbal, s_nationkey), covar_samp(s_suppkey, s_nationkey) from supplier;
-- bit aggregates
select bit_and(i2), bit_or(i2) from types where i2 > 0;
-- percentile_cont
select percentile_cont(0.5) within group (order by i4), percentile_cont(0.25) within group (order by f8) from types where id <> 5;
-- percentile_cont descending
select percentile_cont(0.9) within group (order by n desc) from types;
-- percentile_cont array
select percentile_cont(array[0.25, 0.5, 0.75]) within group (order by i2) from types;
-- percentile_disc
select percentile_disc(0.5) within group (order by t), percentile_disc(0) within group (order by d), percentile_disc(1) within group (order by n) from types;
-- percentile by group
select n_regionkey, percentile_disc(0.5) within group (order by n_name), percentile_cont(0.5) within group (order by n_nationkey) from nation group by n_regionkey;
-- mode
select mode() within group (order by i4), mode() within group (order by t), mode() within group (order by n), mode() within group (order by d) from types;
-- mode by group
select n_regionkey, mode() within group (order by left(n_name, 1)) from nation group by n_regionkey;
-- any_value
select any_value(x) from (values (null), (3), (3)) v(x);
-- aggregate over expression of aggregates
select sum(i4) / count(i4), sum(i8) / count(*), sum(n) / sum(n2), max(i4) - min(i4) from types where id not in (5, 6);
-- group by date_trunc
select date_trunc('month', o_orderdate), count(*), sum(o_totalprice) from orders where o_orderdate < date '1993-01-01' group by 1;
-- ordered by aggregate
-- ordered
select o_orderpriority, count(*) as n from orders group by o_orderpriority order by count(*) desc, o_orderpriority;
-- group by cast
select o_totalprice::int / 100000, count(*) from orders group by o_totalprice::int / 100000;
-- count of a row of nulls
select count(i4), count(*), count(1) from types where id = 12;
-- a key in parentheses and what is computed of it
select upper(lower(w)), count(*) from pairs group by (lower(w));
-- a key that has parentheses behind group by
select lower((o_orderstatus)) || 'x', count(*) from orders group by lower(o_orderstatus);
-- a part of a key in parentheses
select (k + 1) * 2, count(*) from pairs group by (k) + 1;
-- a moment of a zone as the key
select to_char(date_trunc('month', tz at time zone 'America/Los_Angeles'), 'YYYY-MM'), count(*) from types group by (date_trunc('month', tz at time zone 'America/Los_Angeles'));
-- a key with a constant of another spelling
select case when o_shippriority = '0' then 'none' else 'some' end || '!', count(*) from orders group by case when o_shippriority = 0 then 'none' else 'some' end;
-- a key with a field in quotes
select extract(year from o_orderdate) + 1, count(*) from orders group by extract('year' from o_orderdate);
-- a key with a cast that changes nothing
select lower(o_orderstatus) || 'x', date_trunc('month', o_orderdate)::date, count(*) from orders group by lower(o_orderstatus::text), date_trunc('month'::text, o_orderdate);
-- a key with conditions in parentheses
select (o_orderstatus = 'F' and o_orderkey > 100)::text, count(*) from orders group by (o_orderstatus = 'F') and (o_orderkey > 100);
-- an element as the key
select (at)[1] || 'x', count(*) from types group by at[1];
-- a list of keys in parentheses
select lower(o_orderstatus) || 1, o_shippriority + 2, count(*) from orders group by (lower(o_orderstatus), o_shippriority);
-- places and names in parentheses
select lower(o_orderstatus), o_shippriority as p, count(*) as c from orders group by (1), (p) order by (c), (1);
-- an output behind order by in parentheses
-- ordered
select o_orderstatus as o_orderkey, count(*) from orders group by o_orderstatus order by (o_orderkey);
-- distinct on in parentheses
-- ordered
select distinct on ((lower(o_orderstatus))) lower(o_orderstatus) || 'x', o_orderkey from orders order by (lower(o_orderstatus)), (o_orderkey);
-- windows over a key in parentheses
select sum(count(*)) over (order by (lower(o_orderstatus))), lower(o_orderstatus) from orders group by (lower(o_orderstatus));
-- having and order by a key in parentheses
-- ordered
select lower(o_orderstatus) from orders group by 1 having length((lower(o_orderstatus))) = 1 order by (lower(o_orderstatus)) || 'x';
-- an aggregate beside a key in parentheses
select case when count(*) > 4000 then lower((o_orderstatus)) || '!' else 'x' || coalesce(lower(((o_orderstatus))), '') end from orders group by lower(o_orderstatus);
-- a primary key and an expression of it
select n_nationkey, n_name || 'x', upper(n_comment) < 'M', count(*) from nation join supplier on s_nationkey = n_nationkey group by (n_nationkey);
-- a member of a document as the key
select upper(j::jsonb ->> 'a'), count(*) from types where id < 3 group by j::jsonb ->> 'a';
-- a member of a document in parentheses
select (j::jsonb ->> 'a') || 'x', count(*) from types where id < 3 group by (j::jsonb) ->> 'a';
-- a document as the key
select jsonb_pretty(j::jsonb -> 'a'), j::jsonb -> 'a' ->> 'b', count(*) from types group by j::jsonb -> 'a';
-- a number in a document as the key
select (j::jsonb ->> 'a')::int + 1, count(*), rank() over (order by (j::jsonb ->> 'a')::int) from types where id = 1 group by (j::jsonb ->> 'a')::int;
-- totals of members of documents
select upper(j::jsonb ->> 'a'), count(*), grouping(j::jsonb ->> 'a') from types where id < 3 group by rollup (j::jsonb ->> 'a');
-- what postgresql computes of a key
select upper(regexp_replace(o_orderpriority, '[aeiou]', '', 'g')), (regexp_match(o_orderpriority, '[a-z]'))[1], count(*) from orders group by regexp_replace(o_orderpriority, '[aeiou]', '', 'g'), regexp_match(o_orderpriority, '[a-z]');
-- sums and one distinct count having
SELECT c_nationkey, SUM(c_acctbal) AS a0, COUNT(DISTINCT c_mktsegment) AS a1 FROM customer GROUP BY 1 HAVING SUM(c_acctbal) > 300000;
-- sums and one distinct count computed with
SELECT c_nationkey, SUM(c_acctbal) * 2 as x, SUM(c_acctbal) / COUNT(DISTINCT c_mktsegment) AS a1, sum(c_acctbal) + 1.5, rank() over (order by sum(c_acctbal)), sum(sum(c_acctbal)) over () FROM customer GROUP BY 1 order by 2;
-- integers and one distinct count having
SELECT SUM(i4), count(distinct i2), max(n) FROM types having SUM(i4) > 10 and max(n) > 1;
-- numerics and one distinct count of all
SELECT SUM(id::numeric(5,2)), count(distinct i2), sum(f4), min(n) FROM types having sum(id::numeric(5,2)) > 10.5;
-- bigints and one distinct count having
SELECT SUM(i8), count(distinct i2), min(n) FROM types group by b having sum(i8) < 10.5;
-- sums and one distinct count in case
SELECT case when SUM(n2) > 5 then 'a' end, count(distinct i2), coalesce(sum(n2), 0), sum(n2)::text FROM types group by b;
-- averages and one distinct count having
SELECT c_nationkey, avg(c_acctbal), COUNT(DISTINCT c_mktsegment) AS a1 FROM customer GROUP BY 1 HAVING avg(c_acctbal) > 3000 and sum(c_acctbal + 0.25) > 5 order by sum(c_acctbal) limit 3;
-- sums of terms and one distinct count
SELECT sum(n2 * n), sum(n2 + 0.25), sum(n2), sum(k) , COUNT(DISTINCT w) FROM types, pairs HAVING sum(n2 * n) > 3000 or sum(n2 + 0.25) > 5;
-- a sum and one distinct count of a derived table
SELECT b, sum(x) from (SELECT b, sum(n2) as x, count(distinct i2) from types group by b) y where x > 3 group by b;
-- a sum and a filtered distinct count
SELECT count(distinct i2) filter (where b), sum(n2) from types having sum(n2) > 3;
-- a sum of distinct ones and of all
SELECT sum(distinct n2), sum(n2) from types having sum(n2) > 3;
-- extremes and one distinct count
SELECT b, count(distinct t), max(n2) from types group by b having max(n2) > 3 and min(n) < 5;
-- a sum and one distinct count sorted by
SELECT b, count(distinct t), sum(n2) s from types group by b order by sum(n2) > 3, b;
-- filtered sum and one distinct count in rollup
SELECT b, count(distinct t), sum(n2) filter (where id > 2) s from types group by rollup (b) having sum(n2) filter (where id > 2) > 1 order by s;
-- deviations and one distinct count
SELECT b, stddev(n2), count(distinct t), sum(n2) s from types group by b having variance(n2) > 1 and sum(n2) > 1;
