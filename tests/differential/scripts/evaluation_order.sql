-- a condition before
select id from types where i4 <> 0 and 100 / i4 > 5 order by 1;
-- a condition behind, which is cheaper
select id from types where 100 / i4 > 5 and i4 <> 0 order by 1;
-- a remainder
select id from types where i4 <> 0 and 7 % i4 = 1 order by 1;
-- numerics
select id from types where n <> 0 and 1 / n > 0.3 order by 1;
-- floats
select id from types where f8 <> 0 and 1 / f8 > 0.3 order by 1;
-- a text that is a number
select id from types where v = '' or t ~ '^[0-9]+$' and t::int > 5 order by 1;
-- a text that is a number, cast first
select id from types where cast(substr(t, 1, 3) as int) > 5 and t like '100%' order by 1;
-- a text that is a date
select id from types where t like '2024-%' and t::date > '2024-01-01' order by 1;
-- alternatives
select id from types where i4 = 0 or 100 / i4 > 5 order by 1;
-- alternatives beside others
select id from types where (id < 3 or 100 / i4 > 5) and i4 <> 0 order by 1;
-- alternatives of NULL
select id from types where i4 is null or i4 = 0 or 100 / i4 > 5 order by 1;
-- what is not
select id from types where not (i4 = 0 or 100 / i4 > 5) order by 1;
-- in what is put out
select id, i4 <> 0 and 100 / i4 > 5 as a, i4 = 0 or 100 / i4 > 5 as o from types order by 1;
-- NULLs on both sides
select id, (b and i2 <> 0 and 10 / i2 > 0) as a, (b or i2 = 0 or 10 / i2 > 0) as o from types order by 1;
-- NULL does not decide
-- error: 22012
select id, (null::boolean and 10 / i2 > 0) as a from types order by 1;
-- nothing is before it
-- error: 22012
select id from types where 100 / i4 > 5 order by 1;
-- what is before lets it through
-- error: 22012
select id from types where i4 >= 0 and 100 / i4 > 5 order by 1;
-- left of what would have kept it
-- error: 22012
select id, 100 / i4 > 5 and i4 <> 0 as a from types order by 1;
-- CASE with conditions as values
select id from types where case when i4 <> 0 then 100 / i4 > 5 else false end order by 1;
-- CASE with conditions as values, without a default
select id, case when i4 <> 0 then 100 / i4 > 5 end c from types order by 1;
-- CASE with conditions as values, by one value
select id, case i4 when 0 then true when 7 then b else 100 / i4 > 5 end c from types order by 1;
-- CASE of CASE
select id from types where case when i4 is null then false else case when i4 = 0 then true else 100 / i4 > 5 end end order by 1;
-- a derived table leaves out
select x.id from (select id, i4 from types where i4 <> 0) x where 100 / x.i4 > 5 order by 1;
-- one in another
select x.id from (select id, i4, b from (select id, i4, b from types where i4 <> 0) y) x where 100 / x.i4 > 5 and b order by 1;
-- arms leave out
select x.k from (select i4 k from types where i4 <> 0 union all select k from pairs where k > 1) x where 100 / x.k > 5 order by 1;
-- a query of WITH leaves out
with x as (select id, i4 from types where i4 <> 0) select id from x where 100 / i4 > 5 order by 1;
-- a join leaves out
select a.id, p.k from types a join pairs p on p.k = a.id and 100 / a.i4 > 5 where a.i4 <> 0 order by 1;
-- conditions of a join
select a.id, p.k from types a join pairs p on p.k = a.id and a.i4 <> 0 and 100 / a.i4 > 5 order by 1;
-- of both sides of a join
select a.id, p.k from types a join pairs p on p.k <= a.id and a.id <> p.k and 10 / (a.id - p.k) > 4 order by 1, 2;
-- conditions of an outer join
select a.id, p.k from types a left join pairs p on p.k = a.id and p.k <> 3 and 10 / (p.k - 3) > 1 order by 1;
-- what an outer join leaves missing
select a.id, p.k from types a left join pairs p on p.k = a.id where p.k is null or p.k = 3 or 10 / (p.k - 3) > 1 order by 1;
-- of groups
select i4 from types group by i4 having count(i2) <> 0 and 10 / count(i2) > 3 order by 1;
-- of a key of groups
select i4, count(*) from types group by i4 having i4 <> 0 and 100 / i4 > 5 order by 1;
-- of an aggregate
select count(*) filter (where i4 <> 0 and 100 / i4 > 5), sum(id) filter (where i4 = 0 or 100 / i4 > 5) from types;
-- grouped by it
select i4 <> 0 and 100 / i4 > 5 k, count(*) from types group by i4 <> 0 and 100 / i4 > 5 order by 1;
-- ordered by it
select id from types order by i4 <> 0 and 100 / i4 > 5, id;
-- with a subquery before
select id from types where i4 in (select k from pairs) and i4 <> 0 and 100 / i4 > 5 order by 1;
-- with a subquery in it
select id from types where i4 <> 0 and 100 / i4 > (select min(k) from pairs) order by 1;
-- a divisor that is never zero
select id from types where id > 3 and i4 / 2 > 2 and 100 / nullif(i4, 0) > 5 order by 1;
-- a logarithm
select id from types where n > 0 and ln(n) > 0 order by 1;
-- a root
select id from types where f8 >= 0 and sqrt(f8) > 1 order by 1;
-- a derived table leaves out, with a subquery outside
select x.id from (select id, i4 from types where i4 <> 0) x where 100 / x.i4 > (select min(k) from pairs) order by 1;
-- with a join beside
select x.id, p.k from (select id, i4 j from types where i4 <> 0) x join pairs p on p.k < 100 / x.j order by 1, 2;
-- a join of two that leave out
select x.id, p.k from (select id, i4 j from types where i4 <> 0) x join (select k from pairs where k <> 3) p on p.k < 100 / x.j and 10 / (p.k - 3) < x.j order by 1, 2;
-- missing rows of a derived table that leaves out
select p.k, x.id from pairs p left join (select id, i4 j from types where i4 <> 0) x on x.id = p.k where coalesce(100 / x.j, 6) > 5 order by 1;
-- beside a CASE of conditions
select id from types where case when i4 <> 0 then 100 / i4 > 5 else i4 is null end and 10 / i2 > 0 and i2 <> 0 order by 1;
-- beside a COALESCE of them
select id from types where coalesce(i4 <> 0 and 100 / i4 > 5, true) and i2 <> 0 and 10 / i2 > 0 order by 1;
-- a CASE in a derived table, which costs more
-- error: 22012
select x.id from (select id, i2 from types where case when i2 <> 0 then 10 / i2 > 0 else false end) x where 10 / x.i2 > 1 order by 1;
-- many of them
select id from types where i4 <> 0 and i2 <> 0 and 100 / i4 > 5 and 100 / i2 > 5 and n <> 0 and (1 / n > 0.1 or 7 % i2 = 0) order by 1;
-- NOT IN of quotients
select id from types where i4 <> 0 and 100 / i4 not in (10, 20) order by 1;
-- between quotients
select id from types where 5 between 100 / i4 and 1000 / i4 and i4 <> 0 order by 1;
-- arms of several types
select x.k from (select i2 k from types where i2 <> 0 union all select n from types where n <> 0) x where 7 / x.k > 2.5 order by 1;
-- arms of several types, without conditions of their own
select x.k from (select i2 k from types union all select n from types) x where x.k <> 0 and 7 / x.k > 2.5 order by 1;
-- arms of texts
select x.k from (select t k from types union all select v from types) x where x.k ~ '^[0-9]+$' and x.k::int > 5 order by 1;

-- division of constants by zero 1
select case when true then k else 1/0 end from pairs;

-- division of constants by zero 2
select case when true then 1 else 1/0 end from pairs;

-- division of constants by zero 3
-- error: 22012
select case when k > 100 then 1/0 else 1 end from pairs;

-- division of constants by zero 4
-- error: 22012
select case when k > 100 then 1 % 0 else 1 end from pairs where false;

-- division of constants by zero 5
select case when false then 1/0 else 1 end from pairs;

-- division of constants by zero 6
select case when null then 1/0 else 1 end from pairs;

-- division of constants by zero 7
select case 1 when 1 then 5 else 1/0 end from pairs;

-- division of constants by zero 8
-- error: 22012
select case k when 1 then 5 when 2 then 1/0 end from pairs;

-- division of constants by zero 9
select case when k > 5 then 1 when true then 2 else 1/0 end from pairs;

-- division of constants by zero 10
select coalesce(1, 1/0) from pairs;

-- division of constants by zero 11
-- error: 22012
select coalesce(k, 1/0) from pairs;

-- division of constants by zero 12
select coalesce(null, 1, 1/0) from pairs;

-- division of constants by zero 13
-- error: 22012
select k from pairs where k > 100 and 1/0 = 1;

-- division of constants by zero 14
select k from pairs where false and 1/0 = 1;

-- division of constants by zero 15
select k from pairs where 1 = 2 and 1/0 = 1;

-- division of constants by zero 16
select k from pairs where true or 1/0 = 1;

-- division of constants by zero 17
select k / 0 from pairs where false;

-- division of constants by zero 18
select k from (select k, 1/0 as x from pairs) s;

-- division of constants by zero 19
-- error: 22012
select k from (select k from pairs where case when k > 100 then 1/0 else 1 end = 1) s;

-- division of constants by zero 20
select exists (select 1/0 from pairs) from types where id < 2;

-- division of constants by zero 21
-- error: 22012
select 1.5 / 0.0, k from pairs where false;

-- division of constants by zero 22
-- error: 22012
select k from pairs where k in (1, 1/0);

-- division of constants by zero 23
-- error: 22012
select sum(1/0) from pairs;

-- division of constants by zero 24
with x as (select 1/0 from pairs) select k from pairs where k = 1;

-- division of constants by zero 25
-- error: 22012
select k from pairs a left join types t on k = i2 and 1/0 > 1;

-- division of constants by zero 26
-- error: 22012
select k from pairs order by 1/0;

-- division of constants by zero 27
-- error: 22012
select k from pairs union all select case when id > 1000 then 1/0 end from types;

-- division of constants by zero 28
-- error: 22012
select nullif(1/0, k) from pairs where false;

-- division of constants by zero 29
-- error: 22012
select -(5)::numeric / 0::int, k from pairs where false;

-- division of constants by zero 30
select k, 0 / 5 from pairs where k = 2;
