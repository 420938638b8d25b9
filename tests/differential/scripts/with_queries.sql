-- full join of one with itself
with x as (select k, count(*) c from pairs group by k) select a.k, b.c from x a full join x b on a.k = b.k + 1;

-- union of one and what reads it twice
with x as (select k, count(*) c from pairs group by k), y as (select * from x union all select * from x) select * from y union select k, c from x;

-- one column under two names, in a correlated subquery
with x as materialized (select k as a, k as b, w from pairs) select x.a, z.b, (select count(*) from x y where y.a = x.a) from x join x z on x.a = z.b;

-- arrays of one
with x as materialized (select row(k, w) as r, array[k] as arr from pairs) select x.arr from x, x y where x.arr = y.arr;

-- whole rows of one
with x as materialized (select * from pairs) select x from x where exists (select from x y where y.k > x.k);

-- constants and NULL, cut
with x as (select 1 as one, 'a' as t, null as n from pairs limit 2) select a.*, b.n from x a, x b;

-- one of a list of columns, read by another
with x (a) as (select distinct k from pairs), y as (select a + 1 as a from x) select x.a from x, y where x.a = y.a union all select a from y;

-- one of the same name in another
with x as materialized (select k from pairs), z as (with x as (select 5 as k from pairs limit 1) select k from x) select x.k, z.k from x, x x2, z where x.k = x2.k;

-- a clause of a query in FROM
select * from (with x as (select k, count(*) c from pairs group by k) select a.k, b.c from x a join x b using (k)) s;

-- no rows
with x as (select k from pairs limit 0) select count(*) from x a, x b;

-- with ties
with x as (select k, w from pairs order by k fetch first 2 rows with ties) select count(*) from x a, x b;

-- offset, and limit of it
with x as (select k from pairs order by k offset 2), y as (select k from x limit 3) select count(*) from y a join y b using (k) join x c using (k);

-- averages and deviations of one
with x as (select avg(k) a, sum(k)::numeric(10,2) s, stddev(k) d from pairs) select x.a, y.s, x.d + y.a from x, x y;

-- intervals, jsonb and moments of one
with x as materialized (select k, interval '1 day' * k as i, to_jsonb(k) j, timestamptz '2024-01-01' + k * interval '1 hour' as z from pairs) select a.i, b.j, a.z from x a join x b on a.i = b.i;
