-- what is computed beside what WHERE asks
select id k, 10 / (id - 1) + i4 / 1000 + length(t) q from types where id <> 1 order by 1;
-- a cast that fails on rows that are left out
select id k, (t || '')::int + i4 / 1000 + i8 q from types where id < 0;
-- with two conditions, one of another column
select id k, 10 / (id - 1) + i4 / 1000 + length(t) q from types where id <> 1 and b order by 1;
-- with DISTINCT
select distinct id k, 10 / (id - 1) + i4 / 1000 q from types where id <> 1 order by 1;
-- in groups, more than once
select id k, sum(10 / (id - 1) + i4 / 1000 + i8), max(10 / (id - 1) + i4 / 1000 + i8) from types where id <> 1 and id < 4 group by id order by 1;
-- in a key of groups, and beside it
select id k, 10 / (id - 1) + i4 / 1000 + i2 g, count(10 / (id - 1) + i4 / 1000 + i2) from types where id <> 1 group by 1, 2 order by 1;
-- in a window
select id k, rank() over (order by 10 / (id - 1) + i4 / 1000 + i2) from types where id <> 1 order by 1;
-- as the order alone
select id k from types where id <> 1 order by 10 / (id - 1) + i4 / 1000 + i2, id;
-- in a derived table, the condition around it
select k, q from (select id k, 10 / (id - 1) + i4 / 1000 + length(t) q from types) s where k <> 1 order by 1;
-- two derived tables deep
select k, q + 1 from (select k, q from (select id k, 10 / (id - 1) + i4 / 1000 + length(t) q from types) s) s where k <> 1 order by 1;
-- in WITH that is named once
with w as (select id k, 10 / (id - 1) + i4 / 1000 + length(t) q from types) select * from w where k <> 1 order by 1;
-- in arms of a union
select k, q from (select id k, 10 / (id - 1) + i4 / 1000 + i2 q from types union all select id, 10 / (id - 1) + i4 / 1000 + i2 from types) s where k <> 1 order by 1, 2;
-- in a join of a derived table
select s.k, q from (select id k, 10 / (id - 1) + i4 / 1000 + i2 q from types) s join types o on o.id = s.k where s.k <> 1 order by 1;
-- as key of a join
select a.id from types a join types b on b.id = 10 / (a.id - 1) + a.i4 / 1000 + a.i2 where a.id <> 1 order by 1;
-- a limit below
select id k, 10 / (id - 3) + i4 / 1000 + i2 q from (select * from types order by id limit 2) s order by 1;
-- a limit below a filter below
select k, 10 / (k - 3) + i4 / 1000 + i2 q from (select id k, i4, i2, t from types where id < 3) s order by 1;
-- a limit with an offset below
select id k, 10 / (id - 1) + i4 / 1000 + i2 q from (select * from types order by id offset 1) s order by 1;
-- DISTINCT ON below
select id k, 10 / (id - 1) + i4 / 1000 + i2 q from (select distinct on (id) id, i4, i2, t from types where id <> 1 order by id) s order by 1;
-- a recursive query
with recursive r(n, m, o) as (select 5, 1, 1 union all select n - 1, 10 / (n - 1) + m, o + m from r where n > 1) select * from r order by 1;
-- a recursive query, its rows filtered
with recursive r(n, m) as (select 1, 1 union all select n + 1, m from r where n < 5) select n, 10 / (n - 3) + m from r where n <> 3 order by 1;
-- a correlated value
select id, (select max(10 / (b.id - 1) + b.i4 / 1000 + b.i2) from types b where b.id <> 1 and b.id = a.id) from types a order by id;
-- in LATERAL
select a.id, s.q from types a cross join lateral (select b.id k, 10 / (b.id - 1) + b.i4 / 1000 + b.i2 q from types b where b.id <> 1 and b.id = a.id) s order by 1, 2;
-- with a condition that is a query
select id k, 10 / (id - 1) + i4 / 1000 + i2 q from types where id in (select id from types where id <> 1) order by 1;
-- with EXISTS and a plain condition
select a.id k, 10 / (a.id - 1) + a.i4 / 1000 + a.i2 q from types a where a.id <> 1 and exists (select from types b where b.id = a.id) order by 1;
-- an outer join of what is filtered
select a.id, s.q from types a left join (select id k, 10 / (id - 1) + i4 / 1000 + i2 q from types where id <> 1) s on s.k = a.id order by 1;
-- an outer join, filtered behind it
select s.k, s.q from types a left join (select id + 0 k, id j, 10 / id + i4 / 1000 + i2 q from types) s on s.j = a.id where s.j <> 1 order by 1;
-- HAVING
select id k, 10 / (id - 1) + sum(i4) + count(*) q from types group by id having id <> 1 order by 1;
-- a view of columns alone, more columns than leave it
select k from (select id k, 10 / (id - 1) + i4 / 1000 + i2 q from types) s where k <> 1 and q is not null order by 1;
-- HAVING of what is put out, and divided by
select id % 3 k, sum(i2) s, 10 / sum(i2) + count(*) + max(id) q from types group by 1 having sum(i2) <> 0 order by 1;
-- HAVING, without GROUP BY
select count(*) c, 10 / (count(*) - 99) + max(id) + min(id) q from types having count(*) <> 99;
-- HAVING, sorted by what is computed
select id k, count(*) c from types group by id having id <> 1 and count(*) > 0 order by 10 / (id - 1) + count(*) + max(i2), 1;
-- HAVING of an expression of the keys, and a limit
select id / 2 k, sum(i2) s, sum(i2) / nullif(count(*), 0) + max(id) + min(id) q from types group by id / 2 having sum(i2) > 0 order by q desc, k limit 2;
-- HAVING beside FILTER and ordered sets
select b k, count(*) filter (where id > 2) c, 10 / count(*) filter (where id > 2) + max(id) q, percentile_disc(0.5) within group (order by id) p from types group by b having count(*) filter (where id > 2) <> 0 order by 1;
-- HAVING with sets of keys
select b k, count(*) c, 10 / count(*) + max(id) + min(id) q from types group by rollup(b) having count(*) <> 0 order by 1 nulls last, 2;
-- HAVING and a window
select id k, count(*) c, 10 / count(*) + max(i2) q, rank() over (order by id) r from types group by id having count(*) <> 0 order by 1;
-- HAVING in a derived table
select k, 10 / s + c + k q from (select id % 3 k, sum(i2) s, count(*) c from types group by 1 having sum(i2) <> 0) x order by 1;
-- a limit of groups below
select k, 10 / (s - 5) + c + k q from (select id % 3 k, sum(id) s, count(*) c from types group by 1 order by 1 limit 1) x order by 1;
-- WHERE above an outer join
select a.id k, b.id j, 10 / (a.id - coalesce(b.id, 0)) + a.i2 + a.i4 / 1000 q from types a left join types b on b.id = a.id + 1 and b.id > 3 where a.id <> coalesce(b.id, 0) order by 1;
-- WHERE above a full join
select a.id, b.id as j, 10 / (coalesce(a.id, 0) - 1) + coalesce(a.i2, 0) + coalesce(b.i2, 0) from types a full join types b on b.id = a.id + 1 where coalesce(a.id, 0) <> 1 order by 1, 2;
-- keys of a join from WHERE
select a.id from types a, types b where b.id = 10 / (a.id - 1) + a.i4 / 1000 + a.i2 and a.id <> 1 order by 1;
