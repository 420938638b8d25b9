-- of a derived table
select x.k, x.t from (select id k, t, i4 from types) x where x.k between 3 and 9 and x.t <> 'apple' order by 1;
-- of one in a derived table
select y.k from (select x.k, x.i4 from (select id k, i4 from types) x where x.k > 2) y where y.i4 > 4 order by 1;
-- of one with other names
select x.a, x.i4 from (select id, i4 from types) x (a) where x.a > 3 and x.i4 < 6 order by 1;
-- of one with the same name twice
select x.k from (select id k, id k2, i4, i4 k3 from types) x where x.k3 = 7 order by 1;
-- of the arms of a union
select u.k from (select id k, i2 j from types union all select k, q from pairs) u where u.k > 3 and u.j > 1 order by 1;
-- of arms with types of their own
select u.k from (select i2 k from types union all select i8 from types union all select n from types) u where u.k > 6.5 order by 1;
-- of texts of other lengths
select u.k from (select t k from types union select v from types) u where u.k >= 'a' and u.k like '%e%' order by 1;
-- of arms that are cut off, and of those that are not
select u.k from ((select id k from types order by id limit 3) union all select k from pairs) u where u.k > 1 order by 1;
-- of an intersection
select u.k from (select id k from types intersect select k from pairs) u where u.k > 1 order by 1;
-- of a difference
select u.k from (select id k from types except select k from pairs) u where u.k > 1 order by 1;
-- of all of a difference
select u.k from (select i4 k from types except all select k from pairs) u where u.k > 1 or u.k is null order by 1;
-- of a union of literals and a table
select u.k from (select '5' k union all select t from types union all values ('x_y')) u where u.k > '4' order by 1;
-- of keys of groups
select g.k, g.n from (select i4 k, count(*) n from types group by i4) g where g.k > 4 and g.n > 1 order by 1;
-- of a key that is named by its number
select g.k, g.n from (select i4 k, sum(id) n from types group by 1 having count(*) > 1) g where g.k > 4 order by 1;
-- of one key of two
select g.k, g.j, g.n from (select i4 k, b j, count(*) n from types group by i4, b) g where g.j is true order by 1, 3;
-- of a computed key
select g.k, g.n from (select i4 / 2 k, count(*) n from types group by i4 / 2) g where g.k > 1 order by 1;
-- of grouping sets
select g.k, g.j, g.n from (select i4 k, b j, count(*) n from types group by grouping sets ((i4), (i4, b), ())) g where g.k = 7 order by 1, 2, 3;
-- no key is asked of what has no row
select g.k, g.n from (select i4 k, count(*) n from types group by rollup (i4)) g where g.k is null order by 2;
-- of an aggregate without groups
select g.n from (select count(*) n, max(i4) m from types) g where g.m > 100;
-- of different rows
select d.k from (select distinct i4 k, b from types) d where d.k > 4 order by 1;
-- of the first of each
select d.k, d.id from (select distinct on (i4) i4 k, id from types order by i4, id desc) d where d.id > 8 order by 1;
-- of partitions
select w.id, w.n from (select id, i4 k, row_number() over (partition by i4 order by id) n from types) w where w.k = 7 order by 1;
-- of rows within partitions
select w.id, w.n from (select id, i4 k, row_number() over (partition by i4 order by id) n from types) w where w.id > 7 order by 1;
-- of two windows
select w.id, w.n, w.m from (select id, i4 k, count(*) over (partition by i4) n, count(*) over (partition by i4, b) m from types) w where w.k = 5 order by 1;
-- of one window of two
select w.id, w.n, w.m from (select id, i4 k, count(*) over (partition by i4) n, count(*) over () m from types) w where w.k = 5 order by 1;
-- of a named window
select w.id, w.n from (select id, i4 k, count(*) over p n from types window p as (partition by b)) w where w.k = 5 order by 1;
-- of a window over groups
select w.k, w.r from (select i4 k, rank() over (partition by i4 order by count(*)) r from types group by i4, b) w where w.k = 7 order by 1, 2;
-- of rows that are cut off
select l.id from (select id from types order by id desc limit 4) l where l.id < 11 order by 1;
-- of rows behind an offset
select l.id from (select id from types order by id offset 4) l where l.id < 8 order by 1;
-- of a set beside
select s.id, s.e from (select id, unnest(array[1, 2]) e from types) s where s.id = 3 order by 1, 2;
-- of the set
select s.id, s.e from (select id, generate_series(1, i2) e from types where i2 between 1 and 7) s where s.e = 6 order by 1, 2;
-- of WITH
with a as (select id k, i4 from types), b (j) as (select k from a where i4 > 4) select j from b where j < 11 order by 1;
-- of WITH in WITH
with a as (with b as (select id k from types) select k from b) select k from a where k < 3 order by 1;
-- of one that is read twice
with a as (select id k from types) select x.k, y.k from a x join a y on y.k = x.k + 1 where x.k < 4 and y.k > 2 order by 1;
-- of one whose name hides another
with a as (select id k from types) select k from (with a as (select k from pairs) select k from a) z where k > 1 order by 1;
-- of a materialized one
with a as materialized (select id k from types) select k from a where k < 3 order by 1;
-- of the right side of an outer join
select a.id, x.k from types a left join (select i4 k, count(*) n from types group by i4) x on x.k = a.id and x.k > 4 where a.id < 9 order by 1;
-- of the left side of an outer join
select x.k, b.k from (select id k from types) x left join pairs b on b.k = x.k and x.k > 1 where x.k < 4 order by 1, 2;
-- of the right side, where it may be missing
select x.k, y.k j from (select id k from types) x left join (select distinct k from pairs) y on y.k = x.k where y.k is null order by 1;
-- of the right side, where it may not
select x.k, y.k j from (select id k from types) x left join (select distinct k from pairs) y on y.k = x.k where y.k > 1 order by 1;
-- of both sides of a full join
select x.id, y.id j from types x full join types y on y.id = x.i4 where x.id > 2 and y.id > 2 order by 1;
-- of the left side of a full join
select x.id, y.id j from types x full join types y on y.id = x.i4 where x.id > 8 order by 1;
-- of the right side of a full join
select x.id, y.id j from types x full join types y on y.id = x.i4 where y.id > 8 order by 2;
-- of neither
select x.id, y.id j from types x full join types y on y.id = x.i4 where coalesce(x.id, 20) > 8 order by 1, 2;
-- of the left side of a right join
select x.id, y.id j from types x right join types y on y.id = x.i4 where x.id < 8 order by 1;
-- of ON of a right join
select x.id, y.id j from types x right join types y on y.id = x.i4 and x.id < 8 and y.id > 5 order by 2;
-- behind a comma
select p.k, x.id, y.id j from pairs p, types x full join types y on y.id = x.i4 where x.id is null and p.k = 1 order by 1, 2, 3;
-- three sides
select x.id, y.id j, z.id l from types x left join types y on y.id = x.i4 left join types z on z.id = y.i4 where z.id > 2 order by 1;
-- a later join asks for it
select x.id, y.id j, z.id l from types x left join types y on y.id = x.i4 join types z on z.id = y.i4 order by 1;
-- a later outer join does not
select x.id, y.id j, z.id l from types x left join types y on y.id = x.i4 left join types z on z.id = y.i4 where x.id < 9 order by 1;
-- a later right join
select x.id, y.id j, z.id l from types x left join types y on y.id = x.i4 right join types z on z.id = y.i4 order by 3, 1;
-- a later full join
select x.id, y.id j, z.id l from types x left join types y on y.id = x.i4 full join types z on z.id = y.i4 where y.id > 2 order by 1, 3;
-- not in of nothing is true of what is missing
select x.id, y.id j from types x left join types y on y.id = x.i4 where y.id not in (select k from pairs where k > 100) order by 1;
-- all of nothing, too
select x.id, y.id j from types x left join types y on y.id = x.i4 where y.id <> all (select k from pairs where k > 100) order by 1;
-- a list of which nothing is
select x.id, y.id j from types x left join types y on y.id = x.i4 where y.id not in (3, 5) order by 1;
-- alternatives
select x.id, y.id j from types x left join types y on y.id = x.i4 where y.id > 6 or y.i2 > 5 order by 1;
-- alternatives of two sides
select x.id, y.id j from types x left join types y on y.id = x.i4 where y.id > 6 or x.id < 3 order by 1;
-- what makes something of nothing
select x.id, y.id j from types x left join types y on y.id = x.i4 where coalesce(y.id, 0) < 3 and y.id is distinct from 1 order by 1;
-- what is not nothing
select x.id, y.id j from types x left join types y on y.id = x.i4 where not (y.id is null) and y.t is not null order by 1;
-- a whole row that is nothing
select x.id from types x left join pairs y on y.k = x.i4 where y is null order by 1;
