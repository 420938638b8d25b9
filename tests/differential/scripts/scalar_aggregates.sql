-- avg of numerics by part
select l_orderkey, l_linenumber, l_quantity from lineitem, part
where p_partkey = l_partkey and p_size = 15 and p_brand = 'Brand#23'
  and l_quantity < (select avg(l_quantity) from lineitem where l_partkey = p_partkey);

-- avg of numerics, times a constant, the subquery first
select count(*), sum(l_extendedprice) from lineitem, part
where p_partkey = l_partkey and p_size in (1, 2, 3)
  and (select 0.2 * avg(l_quantity) from lineitem where l_partkey = p_partkey) > l_quantity;

-- sum of numerics
select ps_partkey, ps_suppkey from partsupp, part
where p_partkey = ps_partkey and p_size = 10
  and 2 * ps_supplycost > (select sum(ps_supplycost) / 2 from partsupp where ps_partkey = p_partkey);

-- sum and avg of integers and bigints
select ps_partkey, ps_suppkey from partsupp, part
where p_partkey = ps_partkey and p_size = 10
  and 3 * ps_availqty > (select sum(ps_availqty) from partsupp where ps_partkey = p_partkey)
  and ps_suppkey <> (select avg(ps_suppkey) from partsupp where ps_partkey = p_partkey);

-- max of a date
select o_orderkey, o_orderdate from orders, customer
where o_custkey = c_custkey and c_nationkey = 3 and o_orderdate = (select max(o_orderdate) from orders where o_custkey = c_custkey);

-- min of a text, by a key and a condition of both
select p_name from part, lineitem
where p_partkey = l_partkey and l_orderkey = 7 and p_size > 5
  and p_name >= (select min(p_name) from part where p_partkey = l_partkey and p_size > 5);

-- duplicates in the other table
select l.l_orderkey, l.l_linenumber, x.l_linenumber from lineitem l, lineitem x
where l.l_orderkey = x.l_orderkey and x.l_suppkey = 42
  and l.l_quantity >= (select avg(i.l_quantity) from lineitem i where i.l_orderkey = x.l_orderkey);

-- shared tables joined below the window
select s_name, ps_partkey, ps_supplycost from part, partsupp, supplier, nation
where p_partkey = ps_partkey and s_suppkey = ps_suppkey and s_nationkey = n_nationkey and n_name = 'GERMANY' and p_size = 20
  and ps_supplycost = (select min(ps_supplycost) from supplier, partsupp, nation
    where ps_partkey = p_partkey and s_suppkey = ps_suppkey and s_nationkey = n_nationkey and n_name = 'GERMANY');

-- a group of a group
with orders_of (customer, orders, total) as (select o_custkey, count(*), sum(o_totalprice) from orders group by o_custkey)
select customer, orders, total from orders_of where total > 2.5 * (select avg(total) from orders_of);

-- the greatest of groups, by a key of them
select a.y, a.s, a.v from (select extract(year from o_orderdate) as y, o_orderstatus as s, max(o_totalprice) as v from orders group by 1, 2) a
where a.v = (select max(b.v) from (select extract(year from o_orderdate) as y, o_orderstatus as s, max(o_totalprice) as v from orders group by 1, 2) b where b.s = a.s);

-- groups with a NULL key
select a.i2, a.i4, a.v from (select i2, i4, sum(i8) as v from types group by i2, i4) a
where a.v >= (select avg(b.v) from (select i2, i4, sum(i8) as v from types group by i2, i4) b where b.i2 = a.i2);

-- groups of which none has the key
select a.i2, a.v from (select i2, max(n) as v from types group by i2) a
where 0 = (select count(*) from (select i2, max(n) as v from types group by i2) b where b.i2 = a.i2);

-- keys of two integer types
select a.id, b.id from types a, types b
where a.i4 = b.i8 and b.id in (7, 9, 10, 11) and a.n >= (select min(c.n) from types c where c.i4 = b.i8);

-- a text key
select a.id from types a, types b where a.t = b.t and b.id in (1, 3, 7) and a.id <= (select max(c.id) from types c where c.t = b.t);

-- a numeric key
select a.id from types a, types b where a.n = b.n and b.id in (1, 3, 7) and a.id <= (select max(c.id) from types c where c.n = b.n);

-- a date key
select a.id from types a, types b where a.d = b.d and b.id in (1, 3, 7) and a.n2 <= (select max(c.n2) from types c where c.d = b.d);

-- values that are all NULL
select a.id from types a, types b where a.id = b.id and b.id = 12 and a.id <> (select max(c.n) from types c where c.id = b.id);

-- another equality of the key, between types that differ
select a.id from types a, types b, types c where a.id = b.id and a.id = c.f8 and b.id in (1, 3, 7) and c.id > 0 and c.n in (2.5, 3.5)
and a.id <= (select max(d.id) from types d where d.id = b.id);

-- averages that depend on the outer row, in the list
select t.id, (select avg(u.id) from types u where u.i4 = t.i4), (select avg(u.n) as a from types u where u.id < t.id) as b
  from types t;
