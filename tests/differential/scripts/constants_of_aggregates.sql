-- condition on a label over an aggregate
select * from (select max(k) as c1, 'a' as kind from pairs) s where kind = 'b';
-- condition on a label over united aggregates
select * from (select max(k) as c1, 'a' as kind from pairs union all select min(k), 'b' from pairs) s where kind = 'b';
-- condition on a label over three arms
select * from (select 'x' as kind, count(*) c from pairs union all select 'y', sum(k) from pairs union all select 'z', 1) s where kind in ('y', 'z');
-- condition on a label over united aggregates in brackets
select * from ((select 'x' as kind, count(*) c from pairs) intersect (select 'x', count(*) from pairs)) s where kind = 'y';
-- condition that is a column of false
select * from (select max(k) as c1, false as c2 from pairs) s where c2;
-- condition that is a column of null
select * from (select max(k) as c1, null::bool as c2 from pairs) s where c2;
-- condition on a number beside an aggregate
select * from (select count(*) as c1, 1 as c2 from pairs where k > 100) s where c2 = 2;
-- condition on a label over a rollup
select * from (select k, count(*) as c1, 'a' as kind from pairs group by rollup (k)) s where kind = 'b';
-- condition on a label over grouping sets
select * from (select k, max(k) as c1, 'a' as kind from pairs group by grouping sets ((k), ())) s where kind = 'b';
-- condition on a label in with
with s as (select 'x' as kind, count(*) c from pairs), t as (select 'y' as kind, every(k > 1) e from pairs) select s.c, t.e from s join t on s.kind <> t.kind where t.kind = 'x';
-- condition on a label over a percentile
select * from (select 'x' as kind, percentile_cont(0.5) within group (order by k) c, count(*) filter (where k > 2) from pairs) s where kind = 'y';
-- condition on a label over windows
select * from (select 'x' as kind, count(*) over () c from pairs) s where kind = 'x';
-- condition on a label in a scalar subquery
select (select max(c) from (select 'x' as kind, count(*) c from pairs p where p.k = n_nationkey) s where kind = 'y') from nation;
-- condition on a label of lateral
select n_name, c from nation, lateral (select 'x' as kind, count(*) c from pairs p where p.k = n_nationkey) s where kind = 'x';
-- label of outer lateral
select n_name, c, kind from nation left join lateral (select 'x' as kind, count(*) c, max(w) from pairs p where p.k = n_nationkey) s on kind = 'x';
-- aggregates of two arms united
(select 'x' as kind, count(*) c from pairs) union (select 'y', count(*) from pairs);
-- condition on a label beside an order by an aggregate
select * from (select 'x' as kind from pairs order by count(*)) s where kind = 'y';
