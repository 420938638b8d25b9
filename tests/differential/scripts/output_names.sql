-- unnamed expressions
select k + 1, -k, k = 1, not (k = 1), k is null from pairs;
-- names of functions
select upper(w), length(w), coalesce(w, ''), nullif(k, 1), greatest(k, 1), least(k, 2) from pairs;
-- names of casts
select k::text, cast(k as bigint), w::varchar(2), k::numeric(5,2), q::float4 from pairs where k < 4;
-- names of typed constants
select date '2024-01-01', timestamp '2024-01-01 00:00', interval '1 day', int '5', text 'x' from region;
-- names of constants
select 1, 'a', null, true, 1.5 from region;
-- names of case
select case when k = 1 then w end, case k when 1 then 'a' else w end, case when k = 1 then 2 else 3 end from pairs;
-- names of subqueries
select (select max(r_name) from region), (select count(*) as c from region), exists (select 1), array(select 1) from pairs;
-- names of aggregates with filter and window
select count(*) filter (where k > 1) over (), row_number() over (), sum(k) over () from pairs;
-- names of arrays
select array[1, k], (array[1, 2])[1], ai[1], ai[1:2] from pairs, types where id = 1;
-- names of extract and friends
select extract(year from d), date_trunc('day', ts), ts at time zone 'UTC', current_date > d, d + 1, age(ts, ts) from types;
-- names of string forms
select substring(t from 1 for 2), trim(t), trim(both 'x' from t), position('a' in t), overlay(t placing 'x' from 1), t || 'a' from types;
-- names of like
select t like 'a%', t ilike 'A%', t ~ 'a', t similar to 'a%', t between 'a' and 'b', t in ('a', 'b') from types;
-- names of booleans
select b is true, b is not unknown, b and b, b or b from types;
-- names of row forms
select row(1, 2) = row(1, 2), (1, 2) < (3, 4) from region;
-- duplicate names of columns
select k, k, k from pairs;
-- duplicate names of expressions
select k + 1, k + 2, count(*) over (), count(k) over () from pairs;
-- duplicate names of joined tables
select a.k, b.k, a.*, b.w from pairs a join pairs b on a.k = b.k;
-- duplicate names in star
select *, k from pairs;
-- duplicate names in derived table star
select * from (select k, w from pairs) a, (select k, w from pairs) b where a.k = b.k;
-- star after expressions
select 1 as one, *, 2 as two from region;
-- star of each table
select r.*, n.n_name from region r join nation n on n_regionkey = r_regionkey;
-- star twice
select *, * from region;
-- alias without as
select k number, w word from pairs;
-- alias that is a keyword
select k as select, w as "from", q as order from pairs;
-- alias with quotes and spaces
select k as "Total ""K""", w as "ć ż" from pairs;
-- alias of 63 bytes and more
select k as aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg from pairs;
-- table alias columns shorter
select * from types as x (a, b_, c) where a < 3;
-- derived alias columns shorter
select * from (select k, w, q from pairs) as x (a);
-- join alias columns shorter
select a, w from (pairs cross join (select 1 as one from region where r_regionkey = 1) r) as j (a);
-- function alias hides column
select g.g from generate_series(1, 2) as g, region where r_regionkey = 1;
-- names of set operation
select k as first, w as second from pairs union all select 1, 'x';
-- names of values
values (1, 'a');
-- names of cte columns
with x (a, b) as (select k, w from pairs) select * from x;
-- names of unnamed columns in derived table
select x."?column?" from (select k + 1 from pairs) x;
-- names of functions in derived table
select x.upper, x.count from (select upper(w), count(*) from pairs group by upper(w)) x;
-- names of case in derived table
select x."case" from (select case when k = 1 then 2 else 3 end from pairs) x;
-- names of subquery in derived table
select x.c from (select (select count(*) as c from region), k from pairs) x;
-- names of extract in derived table
select x.extract, x.date_trunc from (select extract(year from d), date_trunc('month', ts) from types) x;
-- names of exists in derived table
select x."exists" from (select exists (select 1 from region where r_regionkey = k) from pairs) x;
-- names of array in derived table
select x."array" from (select array[k, 1] from pairs) x;
-- names of sum in cte
with x as (select n_regionkey, sum(n_nationkey) from nation group by 1) select sum from x where n_regionkey = 1;
-- names of coalesce in derived table
select x.coalesce from (select coalesce(k, 0) from pairs) x;
-- names of bool test in derived table
select x.b from (select b is true as b from types) x;
-- names of min over window in derived table
select x.row_number from (select row_number() over (order by k, w) from pairs) x where x.row_number < 3;
-- names of position in derived table
select x."position", x.btrim, x.substring from (select position('a' in t), trim(t), substring(t from 1 for 1) from types) x;
-- names of typed constant in derived table
select x."date", x."interval" from (select date '2024-01-01', interval '1 day' from pairs) x;
-- names of timezone in derived table
select x.timezone from (select ts at time zone 'UTC' from types) x;
-- names of greatest in derived table
select x.greatest, x.nullif from (select greatest(k, 2), nullif(k, 1) from pairs) x;
-- names of overlay and left in derived table
select x."left", x."overlay" from (select left(t, 1), overlay(t placing 'x' from 1) from types) x;
-- names of aggregates with order
select count(*), count(k), sum(k), min(w), avg(k), string_agg(w, ',' order by w), bool_or(k > 1), count(distinct k) from pairs;
-- columns of one name in a derived table, all of them twice, sorted by place
-- ordered
select s.*, s.* from (select k, k from pairs) s order by 1, 3;
-- columns of one name in two derived tables, sorted by place
-- ordered
select * from (select k, k from pairs) s, (select k, k from pairs) b order by 1, 3;
-- columns of one name of a star, sorted by place
-- ordered
select * from (select * from pairs a join pairs b on a.k = b.k) s order by 1, 2, 3, 4, 5;
-- columns of one name of stars in stars, sorted by place
-- ordered
select * from (select * from (select * from pairs a join pairs b using (k)) a join pairs c using (k)) s order by 1, 2, 3, 4, 5, 6, 7;
-- columns of one name of a star and beside it
-- ordered
select * from (select *, k from pairs) s order by 1, 2, 3, 4;
-- columns of one name of a star in a common table expression
-- ordered
with s as (select * from pairs a join pairs b on a.k = b.k) select * from s order by 1, 2, 3, 4, 5;
-- columns of one name of a star in a lateral item
-- ordered
select * from pairs t, lateral (select * from pairs a join pairs b on a.k = t.k and b.k = a.k) s order by 1, 2, 3, 4, 5, 6, 7, 8, 9;
-- columns of one name of a star, grouped by place
-- ordered
select *, 2 from (select * from pairs a join pairs b on a.k = b.k) s group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5;
-- columns of one name of a star, the first of which is distinct
-- ordered
select distinct on (1) * from (select a.*, b.* from pairs a join pairs b on a.k = b.k) s order by 1, 2, 3, 4, 5;
-- columns that an alias names alike
-- ordered
select * from (select k as a, w as a from pairs) s(x, x) order by 1, 2;
-- a name that a star has twice is ambiguous
-- error: 42702
select k from (select * from pairs a join pairs b on a.k = b.k) s order by 1;
