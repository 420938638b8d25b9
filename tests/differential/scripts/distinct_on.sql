-- distinct on first by order
-- ordered
select distinct on (n_regionkey) n_regionkey, n_name from nation order by n_regionkey, n_name desc;
-- distinct on two keys
-- ordered
select distinct on (k, w) k, w, q from pairs order by k, w, q;
-- distinct on expression
-- ordered
select distinct on (k % 2) k, w from pairs where k is not null order by k % 2, k desc, w;
-- distinct on without order on constant rows
select distinct on (n_regionkey) n_regionkey from nation;
-- distinct on with nulls
-- ordered
select distinct on (k) k, w from pairs order by k nulls first, w;
-- distinct on position
-- ordered
select distinct on (1) n_regionkey, n_name from nation order by 1, 2;
-- distinct on alias
-- ordered
select distinct on (r) n_regionkey as r, n_name from nation order by r, n_name;
-- distinct on column not in the list
-- ordered
select distinct on (n_regionkey) n_name from nation order by n_regionkey, n_name;
-- distinct on order by column not in list
-- ordered
select distinct on (n_regionkey) n_regionkey, n_name from nation order by n_regionkey, n_nationkey desc;
-- distinct on with limit
-- ordered
select distinct on (n_regionkey) n_regionkey, n_name from nation order by n_regionkey, n_name limit 2;
-- distinct on with limit and offset
-- ordered
select distinct on (n_regionkey) n_regionkey, n_name from nation order by n_regionkey, n_name limit 2 offset 1;
-- distinct on over group by
-- ordered
select distinct on (n_regionkey) n_regionkey, left(n_name, 1), count(*) from nation group by 1, 2 order by 1, 3 desc, 2;
-- distinct on over window
-- ordered
select distinct on (n_regionkey) n_regionkey, n_name, row_number() over (order by n_nationkey) from nation order by n_regionkey, n_nationkey desc;
-- distinct on in derived table
select x.n_name from (select distinct on (n_regionkey) n_name from nation order by n_regionkey, n_name) x;
-- distinct on in union
(select distinct on (n_regionkey) n_name from nation order by n_regionkey, n_name) union all select r_name from region;
-- distinct on star
-- ordered
select distinct on (k) * from pairs order by k, w;
-- distinct on order by expression of key
-- ordered
select distinct on (k) k, w from pairs order by k desc, w;
-- distinct of expressions
select distinct n_regionkey + 1, left(n_name, 1) from nation;
-- distinct ordered by its column
-- ordered
select distinct n_regionkey from nation order by n_regionkey desc;
-- distinct ordered by its expression
-- ordered
select distinct n_regionkey * 2 from nation order by n_regionkey * 2;
-- distinct with nulls
select distinct k from pairs;
-- distinct star
select distinct * from pairs;
-- distinct with nan
select distinct q from pairs;
-- distinct aggregate rows
select distinct count(*) from nation group by n_regionkey;
-- distinct with window
select distinct n_regionkey, count(*) over (partition by n_regionkey) from nation;
-- distinct of a row value with nulls
select distinct k, null as x from pairs;
-- distinct limit
-- ordered
select distinct k from pairs order by k limit 3;
-- distinct all
select all k from pairs;
-- count distinct of several
select count(distinct (k, w)) from pairs;
-- distinct on a correlated subquery by its place
-- ordered
select distinct on (1) (select max(p.w) from pairs p where p.k = t.i2), id from types t order by 1, 2;
-- distinct on a correlated subquery by its place with limit and offset
-- ordered
select distinct on (1) (select max(p.w) from pairs p where p.k = t.i2), id from types t order by 1, 2 limit 2 offset 1;
-- distinct on a correlated subquery that is no output
-- ordered
select distinct on ((select max(p.w) from pairs p where p.k = t.i2)) id from types t
order by (select max(p.w) from pairs p where p.k = t.i2), id;
-- distinct on a float takes 0 and -0 for equal
-- ordered
select distinct on (x) x, y from (values ('-0'::float8, 2), (0::float8, 3), (1, 3)) v(x, y) order by x, y desc;
-- distinct on a float downwards takes 0 and -0 for equal
-- ordered
select distinct on (x) y, y, x + 1 as x from (values (0::float4, 2), ('-0'::float4, 3), (1, 3)) v(x, y) order by x desc, y desc;
-- distinct on a float in groups of a common table expression
-- ordered
with v(x, y) as (values ('-0'::float8, 2), (0::float8, 3), (1, 3))
select * from (select distinct on (x) y, count(*) from v group by x, y order by x desc, y desc) s order by 1;
-- distinct on a float beside a window
-- ordered
select distinct on (q) q, row_number() over (order by k, w), w from pairs order by q, w;
-- distinct on a float in a lateral item
-- ordered
select k, a.w from pairs t left join lateral (select distinct on (q) w from pairs p where p.k = t.k order by q, w) a on true order by k, w;

-- ordered
-- keys in another order than rows are sorted by
select distinct on (b, d) d, b, id from types order by d desc nulls last, b, id desc;
-- ordered
-- keys of outputs in another order
select distinct on (k, b) i4 % 3 as k, b, id from types order by b nulls first, k, id;

-- more keys than rows are sorted by
select distinct on (b, d) b, d from types order by b;
