-- a constant of a derived table is sorted by
-- ordered
select t.id, s.flag from types t left join (select id, 1 as flag from types where id in (2, 4, 6)) s on t.id = s.id order by s.flag, t.id desc;

-- a constant of a condition is sorted by
-- ordered
select t.id, s.i4 from types t left join types s on t.id = s.id and s.i4 = 7 order by s.i4, t.id desc;

-- a constant of a filter is sorted by
-- ordered
select t.id, s.i4 from types t left join (select * from types where i4 = 7) s on t.id = s.id order by s.i4, t.id desc limit 5;

-- a constant on the left
-- ordered
select t.id, s.v from (select * from types where v = 'one') s right join types t on t.id = s.id order by s.v, t.id desc;

-- a constant on either side
-- ordered
select t.id, s.flag from (select id, 'x' as flag from types where id < 4) s full join types t on t.id = s.id + 1 order by s.flag, t.id desc;

-- a constant that rows are partitioned by
select t.id, row_number() over (partition by s.flag order by t.id), count(*) over (partition by s.flag) from types t
  left join (select id, 1 as flag from types where id in (2, 4, 6)) s on t.id = s.id;

-- a constant of windows
select t.id, count(*) over (order by s.i4 nulls first, t.id) from types t left join types s on t.id = s.id and s.i4 = 7;

-- a constant in the order of an aggregate
select array_agg(t.id order by s.i4, t.id desc) from types t left join types s on t.id = s.id and s.i4 = 7;

-- a constant that rows are told apart by
select s.i4 from types t left join types s on t.id = s.id and s.i4 = 7 union select s.i4 from types t left join types s on t.id = s.id and s.i4 = 7;

-- a constant in groups
select s.i4, t.b, count(*) from types t left join types s on t.id = s.id and s.i4 = 7 group by s.i4, t.b having s.i4 is null or count(*) > 0;

-- a distinct constant
-- ordered
select distinct s.i4 from types t left join types s on t.id = s.id and s.i4 = 7 order by s.i4;

-- a constant of another
-- ordered
select t.id, s.i4 from types t left join types s on t.i4 = s.i4 and s.id > 7 where t.i4 = 7 order by s.i4, t.id desc;

-- a constant of a named query
-- ordered
with q (k, flag) as (select id, true from types where id < 5) select x.id, x.flag from (select t.id, q.flag from types t left join q on q.k = t.id) x
  order by x.flag, x.id desc;

-- the last of a full join
select last_value(t.id) over (order by s.c, t.id) from (select date '2024-01-31' as c from types) s full join types t on s.c = t.d;

-- sorted by whether rows are there
-- ordered
select t.id from types t order by exists (select 1 from pairs p where p.k = t.id), t.id desc;
-- a constant beside a query with a row for no rows
select 1 from (select 'false'::bool as c1 from (select min(i8) as c0 from types) s3) s4 where s4.c1;
-- two queries around it
select c0 from (select c0, c1 from (select c0, false as c1 from (select min(i8) as c0 from types) a) b) c where c1;
-- a constant beside a total of groups
select * from (select 'x' k, b, count(*) from types group by rollup (b)) x where k = 'y';
-- a constant around a total of groups
select * from (select 'x' k, b from (select b, count(*) from types group by cube (b)) y) x where k = 'y';
-- a constant of WITH around an aggregate
with a as (select count(*) n from types), b as (select n, null::text k from a) select n from b where k = 'y';
-- a constant of a join around an aggregate
select p.k, x.n from pairs p join (select n, 3 as k from (select count(*) n from types) y) x on x.k = p.k + 100;

-- what is folded to a constant
-- ordered
select s2.c0 as k0, s3.d as k1 from (select distinct coalesce(true, s1.b) as c0 from types s1 where s1.b) s2 right join types s3 on s2.c0 = s3.b order by 1, 2 desc, s3.id;
-- alternatives that are always true
-- ordered
select x.c, p.k from pairs p left join (select id, id > 3 or true as c from types where id < 4) x on x.id = p.k order by 1, 2;
-- a product with nothing
-- ordered
select x.c, p.k from pairs p left join (select id, id * 0 as c, case when 1 = 1 then 'a' else t end from types where id < 4) x on x.id = p.k order by 1, 2;
-- a function of constants
-- ordered
select s.c, t.i8 from types t full join (select substring('1 day' from 2) as c) s on t.v = s.c group by s.c, t.i8 order by 1 nulls first, 2 nulls first limit 4 offset 2;
