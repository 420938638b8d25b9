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

-- rows that are asked for of a query that is computed once
with x as materialized (select i2 as k, i4 as j, sum(n2) as s, count(*) as c from types group by i2, i4) select a.k, a.s, b.k, b.s from x a, x b where a.k = 5 and b.k = 7 and b.s > 0;

-- of which an outer join makes some up
with x as materialized (select id, i4 as j, n2 from types) select a.id, b.id, b.n2 from x a left join x b on a.j = b.j and b.id > 3 where a.id < 9 and a.id >= 2;

-- and a condition behind it leaves those out again
with x as materialized (select id, i4 as j, n2 from types) select a.id, b.id from x a left join x b on a.j = b.j where a.id < 9 and b.id > 3;

-- and on both sides
with x as materialized (select id, i4 as j from types) select a.id, b.id from x a full join x b on a.id = b.id + 2 where a.id > 2 and b.id < 6;

-- in parentheses
with x as materialized (select id, i4 as j from types) select a.id, b.id, c.id from x a join (x b join x c on b.j = c.j and b.id > 2 and c.id < 12) on a.id = b.id and a.id <= 10;

-- of a union, each part of which is asked for
with x as materialized (select id, i2 as k, 'a' as kind from types union all select id, i4, 'b' from types union select id, null, 'c' from types) select a.id, a.k, b.id, b.k from x a join x b on a.id = b.id where a.kind = 'a' and b.kind = 'b' and b.k < 8;

-- in a subquery, and one within another
with x as materialized (select id, i2 as k from types), y as materialized (select id, k from x where k > 3) select id, k from x where k = 5 and id in (select id from y where k < 6) and not exists (select 1 from y where y.id = x.id and y.k = 7);

-- what fails for rows that are not asked for does so where it is not asked for alone
with x as materialized (select id, 10 / i4 as q from types where i4 <> 0) select a.id, b.id from x a, x b where a.q = 1 and b.q = 2;
