-- scalar with inequality
select k, (select count(*) from nation where n_nationkey < p.k) from pairs p;
-- scalar maximum with inequality
select k, (select max(n_name) from nation where n_nationkey < p.k) from pairs p;
-- scalar expression over aggregates
select k, (select count(*) * 10 + coalesce(sum(n_nationkey), 0) from nation where n_nationkey < p.k) from pairs p;
-- scalar with outer column in its select list
select k, (select max(n_nationkey + p.k) from nation where n_regionkey = p.k) from pairs p;
-- scalar with only outer columns
select k, (select p.k + 1) from pairs p;
-- scalar with having
select k, (select count(*) from nation where n_regionkey = p.k having count(*) > 4) from pairs p;
-- scalar with group by and limit
select k, (select n_regionkey from nation where n_nationkey > p.k group by n_regionkey order by count(*) desc, n_regionkey limit 1) from pairs p;
-- scalar with order and limit
select k, (select n_name from nation where n_nationkey > p.k order by n_name desc limit 1) from pairs p;
-- scalar with limit and offset
select k, (select n_name from nation where n_regionkey = p.k order by n_name limit 1 offset 1) from pairs p;
-- scalar with distinct
select k, (select distinct n_regionkey from nation where n_regionkey = p.k) from pairs p;
-- scalar with union
select k, (select n_name from nation where n_nationkey = p.k union select n_name from nation where n_nationkey = p.k) from pairs p;
-- scalar with join inside
select k, (select min(r_name) from nation join region on r_regionkey = n_regionkey where n_nationkey > p.k) from pairs p;
-- scalar with left join inside on outer column
select k, (select count(r_name) from nation left join region on r_regionkey = n_regionkey and r_regionkey = p.k where n_nationkey < 10) from pairs p;
-- scalar with window inside
select k, (select max(rn) from (select row_number() over (order by n_name) as rn from nation where n_regionkey = p.k) x) from pairs p;
-- scalar within scalar
select k, (select max((select min(r_name) from region where r_regionkey = n_regionkey)) from nation where n_nationkey = p.k) from pairs p;
-- scalar two levels out
select k, (select count(*) from nation where n_regionkey = (select max(r_regionkey) from region where r_regionkey <= p.k)) from pairs p;
-- scalar two levels out by inequality
select k, (select count(*) from nation n where exists (select 1 from region where r_regionkey = n.n_regionkey and r_regionkey < p.k)) from pairs p;
-- scalar in derived table of a scalar
select k, (select sum(c) from (select count(*) as c from nation where n_regionkey = p.k group by left(n_name, 1)) x) from pairs p;
-- scalar in where by inequality
select k from pairs p where 5 < (select count(*) from nation where n_nationkey < p.k + 3);
-- scalar in both sides
select k from pairs p where (select count(*) from nation where n_nationkey < p.k) = (select max(r_regionkey) from region where r_regionkey < p.k);
-- scalar in case
select k, case when k > 2 then (select max(n_name) from nation where n_nationkey < p.k) else 'small' end from pairs p;
-- scalar in coalesce
select coalesce((select n_name from nation where n_nationkey = p.k and p.k > 2), 'none') from pairs p;
-- scalar in aggregate argument
select sum((select count(*) from nation where n_regionkey = p.k)) from pairs p;
-- scalar in aggregate argument with group
select w is null, max((select n_name from nation where n_nationkey = p.k)) from pairs p group by w is null;
-- scalar in aggregate filter
select count(*) filter (where (select count(*) from nation where n_regionkey = p.k) > 4) from pairs p;
-- scalar in group by
select (select r_name from region where r_regionkey = n_regionkey) as r, count(*) from nation group by (select r_name from region where r_regionkey = n_regionkey);
-- scalar in having
select k, count(*) from pairs p group by k having count(*) <= (select count(*) from nation where n_nationkey < p.k);
-- scalar in order by
-- ordered
select k, w from pairs p where k is not null order by (select max(n_name) from nation where n_nationkey <= p.k) desc, w;
-- scalar in window order
select k, rank() over (order by (select count(*) from nation where n_nationkey < p.k)) from pairs p;
-- scalar in window partition
select k, count(*) over (partition by (select count(*) from nation where n_nationkey < p.k)) from pairs p;
-- scalar beside group by key
select k, (select max(n_name) from nation where n_nationkey < p.k), count(*) from pairs p group by k;
-- scalar in join condition
select a.k, b.k from pairs a join pairs b on b.k = (select max(n_regionkey) from nation where n_nationkey < a.k);
-- scalar in in list
select k from pairs p where k in (1, (select max(r_regionkey) from region where r_regionkey < p.k + 1));
-- scalar in between
select k from pairs p where k between (select min(r_regionkey) from region) and (select max(r_regionkey) from region where r_regionkey < 4);
-- scalar in values
select * from (values ((select max(k) from pairs)), (0)) v (x);
-- scalar in array
select array[k, (select max(r_regionkey) from region where r_regionkey < p.k)] from pairs p;
-- scalar in function argument
select upper((select min(r_name) from region where r_regionkey > p.k)) from pairs p;
-- scalar without rows is null
select k, (select n_name from nation where n_nationkey = p.k + 100) is null from pairs p;
-- scalar of boolean
select k, (select n_name > 'C' from nation where n_nationkey = p.k) from pairs p;
-- scalar of array
select k, (select array_agg(n_nationkey order by n_nationkey) from nation where n_nationkey < p.k) from pairs p;
-- scalar with cte inside
select k, (with x as (select n_name from nation where n_nationkey <= p.k) select count(*) from x) from pairs p;
-- scalar of distinct aggregate
select k, (select count(distinct n_regionkey) from nation where n_nationkey < p.k) from pairs p;
-- scalar of filtered aggregate
select k, (select count(*) filter (where n_name > 'C') from nation where n_nationkey < p.k) from pairs p;
-- scalar of string_agg
select k, (select string_agg(n_name, ',' order by n_name) from nation where n_nationkey < p.k) from pairs p;
-- scalar of percentile
select k, (select percentile_disc(0.5) within group (order by n_nationkey) from nation where n_nationkey < p.k) from pairs p;
-- scalar of average
select k, (select avg(n_nationkey) from nation where n_nationkey < p.k) from pairs p;
-- scalar compared with any outer row of nulls
select k, (select count(*) from pairs q where q.k is not distinct from p.k) from pairs p;
-- two subqueries side by side
select k, (select min(n_name) from nation where n_nationkey > p.k), (select max(r_name) from region where r_regionkey < p.k) from pairs p;
-- subquery over two outer tables
select a.k, b.k, (select count(*) from nation where n_nationkey between a.k and b.k) from pairs a, pairs b where a.k < b.k;
-- subquery over outer join
select a.k, r_name, (select count(*) from nation where n_nationkey < r_regionkey) from pairs a left join region on r_regionkey = a.k;
-- more than one row is an error
-- error: 21000
select k, (select n_name from nation where n_nationkey < p.k) from pairs p;
-- more than one row that where removes is none
select k, (select n_name from nation where n_nationkey < p.k) from pairs p where k < 2;
-- exists in select list by inequality
select k, exists (select 1 from nation where n_nationkey < p.k - 1) from pairs p;
-- not exists in select list
select k, not exists (select 1 from nation where n_nationkey = p.k) from pairs p;
-- exists with limit
select k from pairs p where exists (select 1 from nation where n_nationkey = p.k limit 1);
-- exists with order and limit
select k from pairs p where exists (select n_name from nation where n_nationkey < p.k order by n_name limit 5);
-- exists with offset
select k from pairs p where exists (select 1 from nation where n_nationkey < p.k offset 3);
-- exists with aggregate is always true
select k from pairs p where exists (select count(*) from nation where n_nationkey = p.k + 100);
-- exists with group by and having
select k from pairs p where exists (select n_regionkey from nation where n_regionkey < p.k group by n_regionkey having count(*) > 4);
-- exists with union
select k from pairs p where exists (select 1 from region where r_regionkey = p.k union all select 1 from nation where n_nationkey = p.k + 20);
-- exists with distinct
select k from pairs p where exists (select distinct n_regionkey from nation where n_nationkey = p.k);
-- exists under or
select k from pairs p where exists (select 1 from region where r_regionkey = p.k) or w = 'none';
-- not exists under or
select k from pairs p where not exists (select 1 from region where r_regionkey = p.k) or w = 'one';
-- exists in case
select k, case when exists (select 1 from region where r_regionkey = p.k) then 'region' else 'none' end from pairs p;
-- exists in aggregate
select count(*) filter (where exists (select 1 from region where r_regionkey = p.k)) from pairs p;
-- exists in exists
select k from pairs p where exists (select 1 from region r where r_regionkey = p.k and exists (select 1 from nation where n_regionkey = r.r_regionkey and n_nationkey > p.k));
-- exists in exists two levels out
select k from pairs p where exists (select 1 from region r where not exists (select 1 from nation where n_regionkey = r.r_regionkey and n_nationkey = p.k));
-- exists without from
select k from pairs p where exists (select p.k);
-- exists uncorrelated
select k from pairs where exists (select 1 from region where r_name = 'ASIA');
-- exists of constants
select k from pairs p where exists (select 1 where p.k = 1);
-- exists in join condition of two tables
select a.k, b.k from pairs a join pairs b on exists (select 1 from nation where n_nationkey = a.k + b.k);
-- exists in order by
select k from pairs p order by exists (select 1 from region where r_regionkey = p.k), k;
-- exists in group by
select exists (select 1 from region where r_regionkey = p.k), count(*) from pairs p group by 1;
-- in by correlated query
select k from pairs p where k in (select n_regionkey from nation where n_nationkey > p.k);
-- in select list correlated
select k, k in (select n_regionkey from nation where n_nationkey > p.k) from pairs p;
-- in select list with nulls
select k, k in (select k from pairs where k > 2 or k is null) from pairs;
-- not in select list with nulls
select k, k not in (select k from pairs where k > 2 or k is null) from pairs;
-- in with empty query
select k, k in (select k from pairs where false), k not in (select k from pairs where false) from pairs;
-- not in where with nulls
select k from pairs where k not in (select k from pairs where k > 2);
-- not in with a null row
select k from pairs where k not in (select k from pairs where k > 2 or k is null);
-- not in under or
select k, w from pairs where k not in (select r_regionkey from region where r_regionkey > 1) or w = 'two';
-- not in under or with nulls
select k, w from pairs where k not in (select k from pairs where k > 1) or w = 'none';
-- not of in and other
select k, w from pairs where not (k in (select r_regionkey from region where r_regionkey > 1) and w = 'two');
-- not of not in
select k, w from pairs where not (k not in (select k from pairs where k > 2));
-- in under not and or
select k, w from pairs where not (k in (select k from pairs where k > 2) or w = 'one');
-- not in is unknown
select k, (k not in (select k from pairs where k is null or k = 1)) is unknown from pairs;
-- in with limit
select k from pairs where k in (select r_regionkey from region order by r_regionkey desc limit 2);
-- in with limit correlated
select k from pairs p where k in (select n_regionkey from nation where n_nationkey > p.k order by n_nationkey limit 3);
-- in with union correlated
select k from pairs p where k in (select r_regionkey from region where r_regionkey < p.k + 1 union select 7);
-- in with aggregate correlated
select k from pairs p where k in (select max(n_regionkey) from nation where n_nationkey < p.k * 3);
-- in with window
select k from pairs where k in (select row_number() over (order by r_name) from region);
-- in of expression
select k from pairs where k + 1 in (select r_regionkey from region);
-- in with different types
select k, n_name from pairs, nation where n_nationkey in (select q from pairs x where x.k = 2) and k = 1;
-- in in case
select k, case when k in (select r_regionkey from region) then 'yes' else 'no' end from pairs;
-- in in aggregate argument
select sum(case when k in (select r_regionkey from region) then 1 else 0 end) from pairs;
-- in in having
select k, count(*) from pairs group by k having count(*) in (select r_regionkey from region);
-- in in order by
select k from pairs order by k in (select r_regionkey from region), k;
-- in in join condition
select a.k, b.r_name from pairs a join region b on b.r_regionkey in (select n_regionkey from nation where n_nationkey = a.k);
-- any with operators
select k, k > any (select r_regionkey from region), k < any (select r_regionkey from region), k >= some (select r_regionkey from region) from pairs;
-- all with operators
select k, k > all (select r_regionkey from region where r_regionkey < 3), k <= all (select r_regionkey from region) from pairs;
-- equals all
select k, k = all (select k from pairs where k = 1), k = all (select k from pairs where k < 3), k = all (select k from pairs where false) from pairs;
-- not equal any
select k, k <> any (select k from pairs where k = 1), k <> any (select k from pairs where k < 3 or k is null), k <> any (select k from pairs where false) from pairs;
-- any and all with nulls
select k, k > any (select k from pairs), k > all (select k from pairs), k < all (select k from pairs where k is null) from pairs;
-- any correlated
select k from pairs p where k > any (select n_regionkey from nation where n_nationkey > p.k + 5);
-- all correlated
select k from pairs p where k >= all (select n_regionkey from nation where n_nationkey < p.k);
-- all in where with text
select n_name from nation where n_name > all (select r_name from region where r_name < 'C');
-- any of texts
select n_name from nation where n_name = any (select upper(n_name) from nation where n_regionkey = 1);
-- not any
select k from pairs where not (k = any (select r_regionkey from region where r_regionkey > 1));
-- not all
select k from pairs where not (k <> all (select r_regionkey from region where r_regionkey > 1));
-- array of correlated query
select k, array(select n_name from nation where n_nationkey < p.k order by n_name desc) from pairs p;
-- array of query in order of another column
select array(select n_name from nation order by n_regionkey, n_nationkey desc) from region where r_regionkey = 0;
-- array of limited query
select k, array(select n_name from nation where n_nationkey > p.k order by n_nationkey limit 2) from pairs p;
-- array of empty query
select k, array(select n_name from nation where n_nationkey < p.k - 100) from pairs p;
-- array of query without order
select k, cardinality(array(select n_name from nation where n_nationkey < p.k)) from pairs p;
-- derived table with subquery in select list
select x.k, x.c from (select k, (select count(*) from nation where n_nationkey < p.k) as c from pairs p) x where x.c > 1;
-- cte with subquery in select list
with x as (select k, (select count(*) from nation where n_nationkey < p.k) as c from pairs p) select a.k, a.c from x a join x b on a.c = b.c;
-- union of correlated selects
select k, (select count(*) from nation where n_nationkey < p.k) from pairs p union all select r_regionkey, (select count(*) from nation where n_regionkey = r.r_regionkey) from region r;
-- correlated in recursive query
with recursive x (i) as (select 1 union all select i + 1 from x where exists (select 1 from region where r_regionkey = i)) select i from x;
-- correlated by text
select n_name, (select count(*) from nation b where b.n_name < a.n_name) from nation a;
-- correlated by date
select id, (select count(*) from types b where b.d < a.d) from types a;
-- correlated by timestamp
select id, (select max(b.id) from types b where b.ts < a.ts) from types a;
-- correlated by float with nan
select q, (select count(*) from pairs b where b.q >= a.q) from pairs a;
-- correlated by numeric
select id, (select sum(b.n) from types b where b.n < a.n2) from types a;
-- correlated by boolean
select id, (select count(*) from types b where b.b = a.b and b.id < a.id) from types a;
-- correlated by array
select id, (select count(*) from types b where b.ai = a.ai) from types a;
-- correlated running total
select id, (select sum(b.i2) from types b where b.id <= a.id) from types a;
-- correlated latest before
select o.id, (select b.t from types b where b.ts < o.ts order by b.ts desc limit 1) from types o;
-- correlated group maximum
select n_name, n_regionkey from nation n where n_name = (select max(n_name) from nation where n_regionkey = n.n_regionkey);
-- correlated nth
select n_name from nation a where 2 = (select count(*) from nation b where b.n_regionkey = a.n_regionkey and b.n_name < a.n_name);

-- an aggregate of a query around its own
-- refused: an aggregate of columns of a query around its own
select (select sum(a.i4)) from types a;

-- an aggregate of a query around its own, in a condition
-- refused: an aggregate of columns of a query around its own
select b from types a group by b having exists (select 1 from types c where c.i4 = max(a.i4));

-- an aggregate of columns of both queries is of the inner one
select id, (select sum(a.i2 + b.i2) from types b where b.id < 3) from types a where id < 3;
-- a window function over a column of a query around its own
select id, (select sum(a.i2) over () from types b where b.id = 1) from types a where id < 3;
