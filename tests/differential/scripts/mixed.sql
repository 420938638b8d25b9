-- monthly revenue with share and change
-- ordered
with m as (select date_trunc('month', o_orderdate)::date as month, sum(o_totalprice) as revenue from orders where o_orderdate < date '1993-01-01' group by 1) select month, revenue, round(100 * revenue / sum(revenue) over (), 2) as share, revenue - lag(revenue) over (order by month) as change, round((revenue / lag(revenue) over (order by month) - 1) * 100, 1) as percent from m order by month;
-- customers by segment with conditional sums
select c_mktsegment, count(*) filter (where c_acctbal < 0) as debtors, sum(case when c_acctbal > 0 then c_acctbal else 0 end) as credit, avg(c_acctbal)::numeric(12,2) as mean, count(distinct c_nationkey) as nations from customer group by c_mktsegment;
-- top customers with names
-- ordered
select c_name, n_name, sum(o_totalprice) as total from customer join orders on o_custkey = c_custkey join nation on n_nationkey = c_nationkey group by c_name, n_name order by total desc, c_name limit 10;
-- orders without late lines
select count(*) from orders o where not exists (select 1 from lineitem l where l.l_orderkey = o.o_orderkey and l.l_receiptdate > l.l_commitdate) and o_orderdate < date '1993-01-01';
-- running total per customer
select o_custkey, o_orderkey, sum(o_totalprice) over (partition by o_custkey order by o_orderdate, o_orderkey) from orders where o_custkey < 50;
-- first order of each customer
select c_custkey, (select min(o_orderdate) from orders where o_custkey = c_custkey) as first_order, coalesce((select count(*) from orders where o_custkey = c_custkey), 0) as orders from customer where c_custkey < 40;
-- latest order of each customer by distinct on
select distinct on (o_custkey) o_custkey, o_orderkey, o_orderdate from orders order by o_custkey, o_orderdate desc, o_orderkey desc;
-- pivot by case
select l_returnflag, sum(case l_linestatus when 'O' then 1 else 0 end) as open, sum(case l_linestatus when 'F' then l_quantity end) as filled from lineitem group by l_returnflag;
-- bucketed numbers
select floor(o_totalprice / 50000) * 50000 as bucket, count(*) from orders group by 1;
-- bucketed by width_bucket
select width_bucket(o_totalprice, 0, 500000, 10) as bucket, count(*) from orders group by 1;
-- weekdays
select to_char(o_orderdate, 'Dy') as day, extract(isodow from o_orderdate) as n, count(*) from orders group by 1, 2;
-- age of orders in days
select o_orderkey, date '1998-12-31' - o_orderdate as days, age(date '1998-12-31', o_orderdate) as age from orders where o_orderkey < 100;
-- ratio of counts
select l_shipmode, count(*) filter (where l_receiptdate > l_commitdate) * 100.0 / count(*) as late_percent from lineitem group by l_shipmode;
-- median price
select l_shipmode, percentile_cont(0.5) within group (order by l_extendedprice) from lineitem group by l_shipmode;
-- percent of total by two levels
select r_name, n_name, count(*), count(*)::float8 / sum(count(*)) over (partition by r_name) from region join nation on r_regionkey = n_regionkey join supplier on s_nationkey = n_nationkey group by r_name, n_name;
-- cohort by year
select extract(year from min_date) as cohort, count(*) from (select o_custkey, min(o_orderdate) as min_date from orders group by o_custkey) q group by 1;
-- gaps and islands
with k as (select distinct k from pairs where k is not null), g as (select k, k - row_number() over (order by k) as island from k) select min(k), max(k), count(*) from g group by island;
-- recursive hierarchy
with recursive tree(id, parent, depth) as (select 1, null::int, 0 union all select c.id, c.parent, t.depth + 1 from tree t join (values (2, 1), (3, 1), (4, 2)) c(id, parent) on c.parent = t.id) select * from tree;
-- anti join by left join
select n_name from nation left join customer on c_nationkey = n_nationkey where c_custkey is null;
-- union of aggregates with labels
select 'min' as what, min(o_totalprice) as value from orders union all select 'max', max(o_totalprice) from orders union all select 'avg', round(avg(o_totalprice), 2) from orders;
-- derived table in a join
select n.n_name, s.c from nation n join (select s_nationkey, count(*) as c from supplier group by s_nationkey having count(*) > 3) s on s.s_nationkey = n.n_nationkey;
-- nested case and coalesce over a left join
select t.id, coalesce(case when p.w like 'o%' then upper(p.w) end, t.t, 'none') from types t left join pairs p on p.k = t.id;
-- having with an alias expression
select n_regionkey + 1 as r, count(*) as c from nation group by n_regionkey + 1 having count(*) > 4 and n_regionkey + 1 < 5;
-- group by a constant expression
select 'all' as label, count(*) from nation group by 1;
-- group by with a function of two columns
select i2 + i4, count(*) from types where id not in (5, 6) group by i2 + i4;
-- expression of the grouping key
select extract(year from o_orderdate) + 1, count(*) from orders group by extract(year from o_orderdate);
-- order by an aggregate that is not selected
-- ordered
select n_regionkey from nation group by n_regionkey order by max(n_name) desc;
-- order by an average
-- ordered
select s_nationkey, avg(s_acctbal) as a from supplier group by s_nationkey order by a desc, s_nationkey limit 5;
-- order by a quotient
-- ordered
select ps_partkey, sum(ps_supplycost) / count(*) as mean from partsupp group by ps_partkey order by mean, ps_partkey limit 7;
-- where with a quotient
select ps_partkey, ps_suppkey from partsupp where ps_supplycost / ps_availqty > 10;
-- join on a quotient
select count(*) from types a join types b on a.n / 2 = b.n / 2;
-- group by a quotient
select n / 3, count(*) from types group by n / 3;
-- max of a quotient and its row
select id from types where n / 3 = (select max(n / 3) from types);
-- distinct quotients
select distinct n2 / 3 from types;
-- sum of quotients
select sum(n2 / 3), avg(n2 / 3), min(n2 / 7), max(n2 * (n / 3)) from types where id <> 5;
-- union of quotients and integers
select n2 / 3 from types union select 1;
-- case of quotients
select id, case when n2 <> 0 then n / n2 else 0 end, coalesce(n / nullif(n2, 0), -1) from types where id <> 5;
-- nullif guards a division
select id, i4 / nullif(i2, 0), 100.0 * i2 / nullif(i4, 0) from types where id not in (5, 6);
-- integer sums in divisions
select sum(l_linenumber) / count(*), sum(l_orderkey) / count(*), avg(l_linenumber) from lineitem;
-- rounding of ratios
select n_regionkey, round(sum(n_nationkey) * 1.0 / count(*), 3), round(avg(n_nationkey), 3), trunc(avg(n_nationkey), 2), ceil(avg(n_nationkey)), avg(n_nationkey)::int from nation group by n_regionkey;
-- casts of averages
select avg(i2)::int, avg(i2)::numeric(10,3), avg(i2)::float8, avg(i2)::text, round(avg(i2)) from types;
-- numeric compared with float
select id from types where n = f8 or n2 > f8;
-- integer compared with text constant
select id from types where i4 = '5' or i8 in ('3', '70');
-- date compared with text constant
select id from types where d between '2024-01-01' and '2024-12-31' or ts = '2021-01-03 06:00';
-- boolean expressions as values
select id, i4 > 5, not (i4 > 5), (i4 > 5) = b, (i4 > 5) is true, b::int + 1 from types;
-- concatenated keys
select r_name || '-' || n_name, n_regionkey || '/' || n_nationkey from nation join region on n_regionkey = r_regionkey where n_nationkey < 5;
-- string cleanup
select id, lower(trim(v)), replace(v, ',', ';'), length(trim(v)), nullif(trim(v), ''), coalesce(nullif(v, ''), 'empty') from types;
-- phone parts
select c_custkey, split_part(c_phone, '-', 1), substring(c_phone from 4 for 3), right(c_phone, 4), regexp_replace(c_phone, '[^0-9]', '', 'g') from customer where c_custkey < 20;
-- words in text
select p_partkey, split_part(p_name, ' ', 1), array_length(string_to_array(p_name, ' '), 1), (string_to_array(p_name, ' '))[2], position('e' in p_name) from part where p_partkey < 30;
-- unnested words counted
select w, count(*) from part, unnest(string_to_array(p_name, ' ')) as w where p_partkey < 100 group by w having count(*) > 8;
-- unnest keeps other columns
select p_partkey, u.w, u.n from part cross join lateral unnest(string_to_array(p_name, ' ')) with ordinality as u(w, n) where p_partkey < 5;
-- calendar left join
select g.d::date, coalesce(sum(o_totalprice), 0) from generate_series(date '1992-01-01', date '1992-01-10', interval '1 day') as g(d) left join orders on o_orderdate = g.d::date group by g.d;
-- numbers crossed
select a, b, a * b from generate_series(1, 3) a, generate_series(1, 3) b where a <= b;
-- derived series
select x, x * x, x % 2 = 0 from (select generate_series(1, 5) as x) q;
-- values joined
select v.name, n.n_name from (values (1, 'one'), (5, 'five'), (99, 'none')) as v(id, name) left join nation n on n.n_nationkey = v.id;
-- in a list of expressions
select id from types where i4 + 0 in (i2 + 3, 5, 10);
-- exists with a set operation
select n_name from nation where exists (select c_nationkey from customer where c_nationkey = n_nationkey and c_acctbal < -900);
-- correlated count comparison
select n_name from nation n where (select count(*) from supplier s where s.s_nationkey = n.n_nationkey) > 5;
-- correlated in two levels
select r_name from region r where exists (select 1 from nation n where n.n_regionkey = r.r_regionkey and n.n_name like 'C%');
-- scalar subquery arithmetic
select id, i2 - (select avg(i2) from types), i2::float8 / (select max(i2) from types) from types;
-- subquery in case condition
select id, case when i2 > (select avg(i2) from types) then 'above' else 'below' end from types;
-- in with a case
select id, case when id in (select k from pairs) then 'yes' else 'no' end from types;
-- not in within or
select id from types where id not in (select k from pairs where k is not null) or i4 = 5;
-- window over a join
select c_custkey, o_orderkey, row_number() over (partition by c_custkey order by o_totalprice desc, o_orderkey) from customer join orders on o_custkey = c_custkey where c_custkey < 10;
-- window in a cte filtered
with r as (select s_suppkey, s_nationkey, s_acctbal, dense_rank() over (partition by s_nationkey order by s_acctbal desc) as place from supplier) select s_nationkey, s_suppkey from r where place = 1;
-- several windows
select id, sum(i2) over (order by id), avg(i2) over (order by id), max(i2) over (partition by b), count(*) over (partition by b order by id desc) from types;
-- window difference and ratio
select id, i2::int - first_value(i2) over (order by id), i2::numeric / nullif(sum(i2) over (), 0) from types;
-- limit in a subquery with order
select * from (select id, t from types order by t desc nulls last limit 3) q;
-- tuple distinct
select count(distinct (b, i2)) from types;
-- string_agg over a join
select r_name, string_agg(n_name, ', ' order by n_name) from region join nation on n_regionkey = r_regionkey group by r_name;
-- array_agg of a join
select r_name, array_agg(n_nationkey order by n_nationkey) from region join nation on n_regionkey = r_regionkey group by r_name;
-- greatest date of several
select id, greatest(d, ts::date, date '2000-01-01'), least(ts, tz::timestamp) from types;
-- extract in where and group
select extract(month from l_shipdate) as m, sum(l_quantity) from lineitem where extract(year from l_shipdate) = 1995 group by m;
-- interval arithmetic in filters
select count(*) from orders where o_orderdate + interval '30 days' > date '1998-08-01';
-- date minus interval minus date
select o_orderkey, (o_orderdate + interval '1 month')::date - o_orderdate from orders where o_orderkey < 50;
-- three-valued not in
select k from pairs where k not in (1, 2) or k is null;
-- nulls in joins never match
select count(*) from pairs a join pairs b on a.k = b.k;
-- aggregate of booleans
select b, bool_and(i4 > 0), bool_or(i4 > 100), count(*) filter (where i4 is null) from types group by b;
-- min of text and max of dates by group
select b, min(t), max(d), min(ts), max(n) from types group by b;
-- quoted and mixed case names
select id as "Id", t as "Some Name", i4 as "select" from types where id < 3;
-- same name inside and out
select id from (select id, i4 as t from types) types where t = 5;
-- alias used in order by expression
-- ordered
select id, i2 * 2 as double from types where i2 is not null and id not in (5, 6) order by double, id;
-- long in list
select count(*) from lineitem where l_orderkey in (1,2,3,4,5,6,7,32,33,34,35,36,37,38,39,64,65,66,67,68,69,70,71,96,97,98,99,100);
-- deep boolean logic
select id from types where (b or i4 > 3) and not (t like 'a%' and i2 < 10) or (d is null and ts is null);
-- arithmetic precedence
select 2 + 3 * 4 - 10 / 3 % 2, -2 ^ 2, 2 ^ 3 ^ 2, (2 + 3) * 4, 10 - 4 - 3, 100 / 10 / 3;
-- mixed arithmetic types
select id, i2 * 1.5, i4 / 2.0, i8 * n, n2 / i2::numeric, f8 / 2, n * 0.1 from types where i2 <> 0 and id not in (5, 6);
-- tpch like with generated dates
select o_orderpriority, count(*) from orders where o_orderdate between date '1995-12-31' - interval '1 year' and '1995-12-31' group by o_orderpriority;
-- cross join with aggregate
select a.k, m.most from pairs a cross join (select max(k) as most from pairs) m where a.k = m.most;
-- full outer join of aggregates
select coalesce(a.r, b.r), a.n, b.n from (select n_regionkey as r, count(*) as n from nation where n_name < 'F' group by 1) a full join (select n_regionkey as r, count(*) as n from nation where n_name > 'P' group by 1) b on a.r = b.r;
-- intervals summed
select sum(l_receiptdate - l_shipdate), avg(l_receiptdate - l_shipdate), max(l_receiptdate - l_shipdate) from lineitem;
-- text to number in expressions
select sum(substring(c_phone from 1 for 2)::int), max(split_part(c_phone, '-', 2)::bigint) from customer;
-- count by first letter
-- ordered
select upper(left(c_name, 1)) || '*' as letter, count(*) from customer group by upper(left(c_name, 1)) order by 1;
-- sentinel dates
select d, extract(year from d), date_trunc('month', d::timestamp), d::timestamp, to_char(d, 'YYYY-MM-DD'), d > date '2024-01-01' from (values (date '9999-12-31'), (date '0001-01-01')) v(d);
-- aggregates that differ by a cast
select sum(i2), sum(i2::bigint), sum(i2::numeric), avg(i2), avg(i2::numeric), max(i2), max(i2::text), stddev(i2), sum(i2 * i2), count(d), count(d::text), min(d), min(d::timestamp) from types where id <> 6 and i2 < 1000;
-- windows that differ by a cast
select id, sum(i2) over (order by id), sum(i2::numeric) over (order by id), avg(i2) over (order by id), max(d) over (order by id), max(d::timestamp) over (order by id) from types;
-- keys that differ by a cast
select ts::date, ts, count(*) from types group by ts::date, ts;
-- keys and their casts
select i2, i2::text, count(*), sum(i2), avg(i2) from types group by i2, i2::text order by i2::text;
-- floats and numeric constants
select id from types where f8 > 0.1 or f8 = 2.5 or f4 < -0.5 or f8 between 3.5 and 1e9;
-- floats beside numerics
select id, coalesce(f8, 0.5), case when b then f8 else n end, greatest(f8, n2), nullif(f8, 1.5), f8 in (1.5, 2.5) from types where id <> 5;
-- null literals in functions
select coalesce(null, 1), nullif(1, null), greatest(null, null)::int, concat('a', null), length(null::text), null::int + 1, null || 'x';
