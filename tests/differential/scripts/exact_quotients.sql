-- quotients by constants that are exact, as rows
select id, n2 / 2, n2 / 4, n2 / 8, n2 / 5, n2 / 1, n2 / 10, n2 / 1000, -n2 / 2, (n2 + n2) / 2, n2 * n2 / 2, n2 * i2 / 4, n / 2 from types;
-- added, averaged, counted
select sum(n2 / 2), avg(n2 / 8), max(n2 / 4), min(n2 / 4), count(distinct n2 / 2), sum(n2 / 3) from types;
-- of nothing
select sum(n2 / 2), avg(n2 / 8) from types where id < 0;
-- groups of them
select n2 / 2 as half, count(*), sum(n2 / 2) from types group by n2 / 2 order by 1;
-- compared and sorted
select id from types where n2 / 2 > 1 and n2 / 4 <= 1.5 order by n2 / 8, id;
-- computed with
select id, n2 / 2 / 2, n2 / 2 * 3, n2 / 2 + n2 / 3, round(n2 / 2, 1), (n2 / 2)::numeric(12, 1), (n2 / 2)::int, abs(n2 / 2), n2 / 2 % 3 from types where id <> 5;
-- chosen between
select id, coalesce(n2 / 2, 0), case when id > 3 then n2 / 2 else n2 / 3 end, nullif(n2 / 2, 1.5), greatest(n2 / 2, n2 / 5) from types;
-- as texts
select id, (n2 / 2)::text, 'half ' || n2 / 2 from types;
-- in a derived table
select sum(h), sum(h) filter (where h > 1), min(h) from (select n2 / 2 as h from types) x;
-- over a join, by group
select o_orderpriority, sum((l_extendedprice - l_discount + l_tax) / 2), sum(l_quantity / 8) from orders join lineitem on o_orderkey = l_orderkey where l_orderkey < 200 group by 1 order by 1;
-- windows
select id, sum(n2 / 2) over (order by id), n2 / 4 - lag(n2 / 4) over (order by id) from types;

-- a quotient and more as a key of groups
select n / 3 * 2, count(*) from types group by 1;

-- more than a quotient that is a key of groups
select n / 3 * 2 + 1, coalesce(n / 3, 0), count(*) from types group by n / 3 * 2, n / 3;

-- quotients as keys of sets of groups
select n / 7 + 1, sum(n / 7), count(*) from types group by rollup (n / 7);
