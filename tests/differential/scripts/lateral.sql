-- lateral aggregate
select r.r_name, x.n from region r, lateral (select count(*) as n from nation n where n.n_regionkey = r.r_regionkey) x;
-- lateral left join on true
select p.k, x.n_name from pairs p left join lateral (select n_name from nation where n_nationkey = p.k) x on true;
-- lateral left join with condition
select p.k, x.n_name from pairs p left join lateral (select n_name from nation where n_nationkey = p.k) x on x.n_name like 'B%';
-- lateral inner join with condition
select p.k, x.n_name from pairs p join lateral (select n_nationkey, n_name from nation where n_regionkey = p.k) x on x.n_nationkey > p.k;
-- lateral cross join
select p.k, x.s from pairs p cross join lateral (select p.k * 2 as s) x;
-- lateral with inequality
select p.k, x.n_name from pairs p, lateral (select n_name from nation where n_nationkey < p.k) x;
-- lateral top rows of each
-- ordered
select r_name, x.n_name from region, lateral (select n_name from nation where n_regionkey = r_regionkey order by n_name desc limit 2) x order by 1, 2;
-- lateral top rows left
-- ordered
select p.k, p.w, x.n_name from pairs p left join lateral (select n_name from nation where n_regionkey = p.k order by n_nationkey limit 1) x on true order by 1, 2;
-- lateral top rows with offset
select r_name, x.n_name from region, lateral (select n_name from nation where n_regionkey = r_regionkey order by n_name limit 2 offset 1) x;
-- lateral limit without tie
select p.k, x.n_name from pairs p, lateral (select n_name from nation where n_nationkey > p.k order by n_nationkey limit 1) x;
-- lateral limit without correlation
select p.k, x.n_name from pairs p, lateral (select n_name from nation order by n_name limit 1) x;
-- lateral without reference
select p.k, x.c from pairs p, lateral (select count(*) as c from region) x;
-- lateral chain
select p.k, x.a, y.b from pairs p, lateral (select p.k + 1 as a) x, lateral (select x.a * 2 as b) y;
-- lateral in lateral
select p.k, y.b from pairs p, lateral (select z.a + p.k as b from (select p.k as a) z) y;
-- lateral with column aliases
select p.k, x.a from pairs p, lateral (select p.k, p.w) as x (a);
-- lateral aggregate over group
select r_name, x.first, x.cnt from region, lateral (select min(n_name) as first, count(*) as cnt from nation where n_regionkey = r_regionkey group by n_regionkey) x;
-- lateral left aggregate without rows
select p.k, x.c, x.s from pairs p left join lateral (select count(*) as c, sum(n_nationkey) as s from nation where n_regionkey = p.k + 3) x on true;
-- lateral aggregate with inequality
select p.k, x.c from pairs p, lateral (select count(*) as c from nation where n_nationkey < p.k) x;
-- lateral values
select p.k, v.x from pairs p, lateral (values (p.k), (p.k * 10)) as v (x);
-- lateral union all
select p.k, v.x from pairs p, lateral (select p.k as x union all select p.k + 100) v;
-- lateral unpivot
select i.id, v.name, v.value from types i cross join lateral (values ('i2', i.i2::bigint), ('i8', i.i8)) as v (name, value);
-- lateral distinct
select r_name, x.l from region, lateral (select distinct left(n_name, 1) as l from nation where n_regionkey = r_regionkey) x;
-- lateral with window
select r_name, x.n_name, x.rn from region, lateral (select n_name, row_number() over (order by n_name) as rn from nation where n_regionkey = r_regionkey) x where x.rn <= 2;
-- lateral generate_series
select p.k, g from pairs p, lateral generate_series(1, p.k) g where p.k < 4;
-- lateral generate_series left
select p.k, g from pairs p left join lateral generate_series(1, p.k - 1) g on true;
-- generate_series of two tables
select a.k, b.k, g from pairs a, pairs b, generate_series(a.k, b.k) g where a.k = 1 and b.k = 3;
-- lateral unnest left
select t.id, u.e from types t left join lateral unnest(t.ai) u(e) on true;
-- lateral unnest left with condition
select t.id, u.e from types t left join lateral unnest(t.ai) u(e) on u.e > 2;
-- lateral unnest in subquery
select t.id, (select sum(e) from unnest(t.ai) u(e)) from types t;
-- unnest in exists
select t.id from types t where exists (select 1 from unnest(t.ai) e where e > 3);
-- unnest in in
select t.id from types t where 2 in (select e from unnest(t.ai) e);
-- lateral of two tables
select a.k, b.r_name, x.s from pairs a, region b, lateral (select a.k + b.r_regionkey as s) x where a.k = 1;
-- lateral where on outer only
select p.k, x.n_name from pairs p, lateral (select n_name from nation where p.k = 1 and n_nationkey < 2) x;
-- lateral join inside
select p.k, x.n_name, x.r_name from pairs p, lateral (select n_name, r_name from nation join region on n_regionkey = r_regionkey where n_nationkey = p.k) x;
-- lateral join inside with outer reference in on
select p.k, x.n_name, x.r_name from pairs p, lateral (select n_name, r_name from nation join region on n_regionkey = r_regionkey and r_regionkey = p.k) x;
-- lateral over a full join
select a.k, x.c from pairs a full join region r on r.r_regionkey = a.k cross join lateral (select count(*) as c from nation where n_nationkey < a.k) x;
-- lateral reads two earlier items
select a.k, x.n_name from pairs a join region r on r.r_regionkey = a.k join lateral (select n_name from nation where n_regionkey = r.r_regionkey and n_nationkey > a.k order by n_nationkey limit 1) x on true;
-- lateral with group by and having
select p.k, x.l from pairs p, lateral (select left(n_name, 1) as l from nation where n_nationkey < p.k * 4 group by 1 having count(*) > 1) x;
-- lateral except
select p.k, x.n from pairs p, lateral (select r_regionkey as n from region except select p.k) x;
-- lateral with recursive number
select p.k, g.i, x.n_name from pairs p, generate_series(1, 2) as g (i), lateral (select n_name from nation where n_nationkey = p.k + g.i) x;
-- a column of a lateral query, taken further
select s5.k1::bool as c1 from (select s3.k0 as k1 from types s1 left join lateral (select s2.id as k0 from types s2) s3 on true) s5;
-- a computed column of a lateral query, taken further
select s5.k1::bool as c1 from (select s3.k0 as k1 from types s1 left join lateral (select s1.id + s2.id as k0 from types s2) s3 on true) s5;
-- a column of a function, taken further
select x.g::bool from (select g from generate_series(1,3) g) x;
-- of a function with ordinality
select (x.g + 1)::bool, o from (select g, o from generate_series(1,3) with ordinality t(g, o)) x;
-- lateral queries of lateral queries
select x.g + '1', y.k from (select g from unnest(array[1,2]) g) x, lateral (select x.g as k) y, lateral (select y.k + x.g) z(a) where z.a::bool and (y.k + '3')::bool;
-- columns of several arrays
select y.u, y.v from types, lateral unnest(array[id], array[t]) y(u, v) where y.u::bool;
-- columns of several arrays, taken further
select y.u, y.v from (select y.u, y.v from types, unnest(array[id], array[t]) y(u, v)) y where y.u::bool;
-- lateral VALUES of other names
select y.u::bool from types, lateral (values (id, 1), (2, 3)) y(u, v) where y.v::bool;
-- a lateral union of other names
select y.u::bool from types, lateral (select id union select 3) y(u) where y.u::bool;
