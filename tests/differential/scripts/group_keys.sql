-- select k, m, count(*) from t left join s on k = g group by k, m order
-- ordered
with s as (select nullif(p_size,1) k, max(p_partkey) m from part where p_size<4 group by 1), t as (select generate_series(1,6) g) select k, m, count(*) from t left join s on k = g group by k, m order by 1,2,3
-- select k, m, count(*) from t left join s on k = g group by k, m order 2
-- ordered
with s as (select nullif(p_size,1) k, max(p_partkey) m from part where p_size<4 group by 1), t as (select r_regionkey::int g from region) select k, m, count(*) from t left join s on k = g group by k, m order by 1,2,3
-- select k, m, count(*) from t full join s on k = g group by k, m order
-- ordered
with s as (select nullif(p_size,1) k, max(p_partkey) m from part where p_size<4 group by 1), t as (select distinct p_size g from part where p_size < 8) select k, m, count(*) from t full join s on k = g group by k, m order by 1,2,3
-- select k, m from t full join s on k = g order by k nulls first, m null
-- ordered
with s as (select nullif(p_size,1) k, max(p_partkey) m from part where p_size<4 group by 1), t as (select distinct p_size g from part where p_size < 8) select k, m from t full join s on k = g order by k nulls first, m nulls first
-- select distinct k, m from t full join s on k = g order by 1,2
-- ordered
with s as (select nullif(p_size,1) k, max(p_partkey) m from part where p_size<4 group by 1), t as (select distinct p_size g from part where p_size < 8) select distinct k, m from t full join s on k = g order by 1,2
-- select distinct k from t left join s on k = g order by 1
-- ordered
with s as (select nullif(p_size,1) k, max(p_partkey) m from part where p_size<4 group by 1), t as (select distinct p_size g from part where p_size < 8) select distinct k from t left join s on k = g order by 1
-- select distinct g, k from t right join s on k = g order by 1,2
-- ordered
with s as (select nullif(p_size,1) k, max(p_partkey) m from part where p_size<4 group by 1), t as (select distinct p_size g from part where p_size < 8) select distinct g, k from t right join s on k = g order by 1,2
-- select a.k, b.k, a.m, count(*) from s a join s b on a.k <> b.k group b
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<9 group by 1) select a.k, b.k, a.m, count(*) from s a join s b on a.k <> b.k group by a.k, b.k, a.m order by 1,2,3
-- select distinct a.k from s a join part b on a.k <> b.p_size order by 1
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select distinct a.k from s a join part b on a.k <> b.p_size order by 1
-- select distinct a.k, a.m from s a cross join region b order by 1
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select distinct a.k, a.m from s a cross join region b order by 1
-- select a.k, b.r_name from s a cross join region b order by 1, 2 desc
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select a.k, b.r_name from s a cross join region b order by 1, 2 desc
-- select a.k, b.r_name, count(*) from s a cross join region b group by 1
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select a.k, b.r_name, count(*) from s a cross join region b group by 1,2 order by 1, 2 desc
-- select a.k, p_partkey from s a join part on p_size=k order by 1, 2 des
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select a.k, p_partkey from s a join part on p_size=k order by 1, 2 desc limit 5
-- select a.k, p_brand, count(*) from s a left join part on p_size=k grou
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select a.k, p_brand, count(*) from s a left join part on p_size=k group by 1,2 order by 1, 2 desc limit 5
-- select distinct k from (select k from s union all select k from s) x o
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select distinct k from (select k from s union all select k from s) x order by 1
-- select distinct k from (select k, row_number() over () from s, region)
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select distinct k from (select k, row_number() over () from s, region) x order by 1
-- select k, r, c from (select p_size k, count(*) c from part group by 1)
-- ordered
select k, r, c from (select p_size k, count(*) c from part group by 1) s, lateral (select r_name r from region where r_regionkey < k) x order by k, r desc limit 7
-- select k, (select r_name from region where r_regionkey = k) r from (se
-- ordered
select k, (select r_name from region where r_regionkey = k) r from (select p_size k, count(*) c from part group by 1) s order by k, r limit 7
-- select distinct nullif(p_size,1) k from part where p_size < 4 union al
-- ordered
select distinct nullif(p_size,1) k from part where p_size < 4 union all select null order by 1
-- select k, count(*) from (select distinct nullif(p_size,1) k from part
-- ordered
select k, count(*) from (select distinct nullif(p_size,1) k from part where p_size < 4 union all select null) s group by 1 order by 1
-- select c_custkey, n_name, count(*) from customer join nation on c_nati
-- ordered
select c_custkey, n_name, count(*) from customer join nation on c_nationkey=n_nationkey left join orders on o_custkey=c_custkey group by c_custkey, n_name order by 3 desc, 1 limit 5
-- select o.o_orderkey, count(l_orderkey) from (select distinct o_orderke
-- ordered
select o.o_orderkey, count(l_orderkey) from (select distinct o_orderkey from orders) o left join lineitem on l_orderkey=o.o_orderkey group by 1 order by 2 desc, 1 limit 3
-- select distinct o.o_orderkey from (select distinct o_orderkey from ord
-- ordered
select distinct o.o_orderkey from (select distinct o_orderkey from orders where o_orderkey < 10) o left join lineitem on l_orderkey=o.o_orderkey order by 1
-- select o.o_orderkey, l_linenumber from (select distinct o_orderkey fro
-- ordered
select o.o_orderkey, l_linenumber from (select distinct o_orderkey from orders where o_orderkey < 10) o left join lineitem on l_orderkey=o.o_orderkey order by 1, 2 desc
-- select distinct on (o.o_orderkey) o.o_orderkey, l_linenumber from (sel
-- ordered
select distinct on (o.o_orderkey) o.o_orderkey, l_linenumber from (select distinct o_orderkey from orders where o_orderkey < 10) o left join lineitem on l_orderkey=o.o_orderkey order by 1, 2 desc
-- select max(x) over (partition by k order by g), k, g from (select p_si
-- ordered
select max(x) over (partition by k order by g), k, g from (select p_size k, max(p_partkey) x from part group by 1) s, generate_series(1,3) g order by k, g desc limit 6
-- select count(*) from (select p_size k from part group by 1) s join (se
select count(*) from (select p_size k from part group by 1) s join (select p_size j, p_partkey from part) x on j=k
-- select k, j from (select p_size k from part group by 1) s join (select
-- ordered
select k, j from (select p_size k from part group by 1) s join (select p_size % 3 j, p_partkey from part where p_partkey < 9) x on j=k order by 1,2
-- select p_partkey, count(*) from part p join (select distinct p_size fr
select p_partkey, count(*) from part p join (select distinct p_size from part) s using (p_size) group by 1 having count(*) > 1
-- select grouping(p_brand), p_brand, p_size, count(*) from part where p_
-- ordered
select grouping(p_brand), p_brand, p_size, count(*) from part where p_size<4 group by rollup(p_brand,p_size) order by 1,2,3 limit 9
-- select distinct p_brand from (select p_brand, p_size, count(*) from pa
-- ordered
select distinct p_brand from (select p_brand, p_size, count(*) from part where p_size<4 group by rollup(p_brand,p_size)) s order by 1 limit 4
-- select p_brand, p_size, c from (select p_brand, p_size, count(*) c fro
-- ordered
select p_brand, p_size, c from (select p_brand, p_size, count(*) c from part where p_size<3 group by grouping sets((p_brand,p_size),(p_brand),())) s order by 1 nulls first,2 nulls first,3 limit 9
-- select p_brand, p_size, c from (select p_brand, nullif(p_size,1) p_siz
-- ordered
select p_brand, p_size, c from (select p_brand, nullif(p_size,1) p_size, count(*) c from part where p_size<3 group by cube(1,2)) s order by 1 nulls first,2 nulls first,3 limit 9
-- select k, r, sum(c) from t group by 1,2 order by 1,2
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select a.k, b.r_name r, count(*) c from s a cross join region b group by 1,2) select k, r, sum(c) from t group by 1,2 order by 1,2
-- select distinct k, r from t order by 1,2
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select a.k, b.r_name r, count(*) c from s a cross join region b group by 1,2) select distinct k, r from t order by 1,2
-- select distinct k from t order by 1
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select a.k, b.r_name r, count(*) c from s a cross join region b group by 1,2) select distinct k from t order by 1
-- select k, count(*) from t group by 1 order by 1
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select a.k, b.r_name r, count(*) c from s a cross join region b group by 1,2) select k, count(*) from t group by 1 order by 1
-- select k, c, count(*), min(r) from t group by 1,2 order by 1,2
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select a.k, b.r_name r, count(*) c from s a cross join region b group by 1,2) select k, c, count(*), min(r) from t group by 1,2 order by 1,2
-- select t.k, t.r, x.j from t join (select 1 j union all select 2 union
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select a.k, b.r_name r, count(*) c from s a cross join region b group by 1,2) select t.k, t.r, x.j from t join (select 1 j union all select 2 union all select 2) x on t.k = x.j order by 1,2,3
-- select x.j, t.k, t.r from (select 1 j union all select 2 union all sel
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select a.k, b.r_name r, count(*) c from s a cross join region b group by 1,2) select x.j, t.k, t.r from (select 1 j union all select 2 union all select 2) x join t on t.k = x.j order by 1,2,3
-- select k, r, sum(c) over (partition by k order by r) from u order by 1
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select a.k, b.r_name r, count(*) c from s a cross join region b group by 1,2), u as (select k, r, c from t group by k, r, c) select k, r, sum(c) over (partition by k order by r) from u order by 1,2
-- select k, p_brand, p_container, count(*) from s join part on p_size =
-- ordered
with s as (select p_size k from part where p_size<5 group by 1) select k, p_brand, p_container, count(*) from s join part on p_size = k group by 1,2,3 order by 1,2,3 limit 9
-- select k, o_orderstatus, count(*), sum(o_totalprice) from s join order
-- ordered
with s as (select distinct o_custkey k from orders where o_custkey<9) select k, o_orderstatus, count(*), sum(o_totalprice) from s join orders on o_custkey = k group by 1,2 order by 1,2 desc
-- select k, st, sum(c) from g group by k, st order by 1,2
-- ordered
with s as (select distinct o_custkey k from orders where o_custkey<9), g as (select k, o_orderstatus st, count(*) c from s join orders on o_custkey = k group by 1,2) select k, st, sum(c) from g group by k, st order by 1,2
-- select k, sum(c) from (select distinct k, st, c from g) x group by k o
-- ordered
with s as (select distinct o_custkey k from orders where o_custkey<9), g as (select k, o_orderstatus st, count(*) c from s join orders on o_custkey = k group by 1,2) select k, sum(c) from (select distinct k, st, c from g) x group by k order by 1,2
-- select k, st, sum(c) from g group by k, st order by 1,2 2
-- ordered
with s as (select distinct o_custkey k from orders where o_custkey<9), g as (select k, o_orderstatus st, count(*) c from s left join orders on o_custkey = k group by 1,2) select k, st, sum(c) from g group by k, st order by 1,2
-- select k, r_name, count(distinct p_brand), sum(p_partkey) from s join
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select k, r_name, count(distinct p_brand), sum(p_partkey) from s join part on p_size = k cross join region group by 1,2 order by 1,2 desc
-- select k, count(*), sum(c) from (select distinct k, r, c from t) x gro
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select k, r_name r, count(distinct p_brand) c from s join part on p_size = k cross join region group by 1,2) select k, count(*), sum(c) from (select distinct k, r, c from t) x group by 1 order by 1
-- select distinct k from t order by 1 2
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select k, r_name r, count(*) c from s cross join region group by rollup(k, r_name)) select distinct k from t order by 1
-- select k, r from t order by 1, 2 desc
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select k, r_name r from s cross join region intersect select 1, 'ASIA' union select k, 'EUROPE' from s) select k, r from t order by 1, 2 desc
-- select distinct k from t order by 1 3
-- ordered
with s as (select p_size k from part where p_size<5 group by 1), t as (select k, r_name r from s cross join region except select 1, 'ASIA') select distinct k from t order by 1
-- select k, r from t order by k, r desc
-- ordered
with s as (select p_size k from part where p_size<5 group by 1), t as (select k, r_name r from s cross join region intersect select k, r_name from s cross join region) select k, r from t order by k, r desc
-- select k, r from (select distinct k, r_name r from (select p_size k fr
-- ordered
select k, r from (select distinct k, r_name r from (select p_size k from part where p_size<5 group by 1) s cross join region) t order by k, r desc limit 3
-- select s.k, o_orderstatus, sum(o_totalprice) over (partition by s.k or
select s.k, o_orderstatus, sum(o_totalprice) over (partition by s.k order by o_orderstatus) from (select distinct o_custkey k from orders where o_custkey < 9) s join orders on o_custkey = s.k group by s.k, o_orderstatus, o_totalprice
-- select k, a, count(*) from (select at k from types group by at) s cros
-- ordered
select k, a, count(*) from (select at k from types group by at) s cross join (values (1), (2)) v (a) group by k, a order by k, a desc
-- select k, a, count(*) from (select j jsonb k from types group by 1) s
select k, a, count(*) from (select j::jsonb k from types group by 1) s cross join (values (1), (2)) v (a) group by k, a
-- select k, a, count(*) from (select d k, count(*) from types group by 1
-- ordered
select k, a, count(*) from (select d k, count(*) from types group by 1) s cross join (values (1), (2)) v (a) group by k, a order by k nulls first, a desc
-- select k, a, max(k) from (select n k, count(*) from types group by 1)
-- ordered
select k, a, max(k) from (select n k, count(*) from types group by 1) s cross join (values (1), (2)) v (a) group by k, a having max(k) > 0 order by k nulls first, a desc
-- select k, a, k || a from (select t k, count(*) from types group by 1)
-- ordered
select k, a, k || a from (select t k, count(*) from types group by 1) s cross join (values (1), (2)) v (a) group by k, a order by k nulls first, a desc
-- select k, a, grouping(k, a) from (select t k, count(*) from types grou
select k, a, grouping(k, a) from (select t k, count(*) from types group by 1) s cross join (values (1), (2)) v (a) group by cube(k, a)
-- select distinct on (k, a) k, a, id from (select t k, min(id) id from t
-- ordered
select distinct on (k, a) k, a, id from (select t k, min(id) id from types group by 1) s cross join (values (1), (2)) v (a) order by k nulls first, a desc, id
-- select (select count(*) from (select distinct o_custkey k, l_linenumbe
-- ordered
select (select count(*) from (select distinct o_custkey k, l_linenumber n from orders join lineitem on o_orderkey = l_orderkey where o_custkey = c_custkey) x) from customer order by c_custkey limit 20
-- arms in parentheses
-- ordered
with s as (select p_size k from part where p_size<5 group by 1), t as ((select k, r_name r from s cross join region) intersect (select k, r_name from s cross join region)) select distinct k from t order by 1
-- arms in parentheses, in their order
-- ordered
with s as (select p_size k from part where p_size<5 group by 1), t as ((select k, r_name r from s cross join region) except (select 1, 'ASIA')) select k, r from t order by 1, 2 desc
-- arms in parentheses, summed
with s as (select p_size k from part where p_size<5 group by 1), t as ((select k, r_name r from s cross join region) except (select 1, 'ASIA')) select k, count(*) from (select distinct k, r from t) x group by k
-- a subquery of a key beside groups
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select k, r_name, (select count(*) from part where p_size = s.k) n from s cross join region group by k, r_name order by k, r_name desc
-- a condition on groups with a subquery of a key
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select k, r_name, count(*) from s cross join region group by k, r_name having count(*) <= (select count(*) from part where p_size = s.k) order by k, r_name desc
-- expressions of keys, and windows over groups
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1) select k * 10 as k10, r_name, sum(count(*)) over (partition by k order by r_name) c, row_number() over (order by k desc, r_name) from s cross join region group by k, r_name order by k + 1 desc, r_name desc
-- lateral rows beside groups
-- ordered
with s as (select p_size k, max(p_partkey) m from part where p_size<5 group by 1), t as (select k, x.r, count(*) c from s cross join lateral (select r_name r from region where r_regionkey < s.k) x group by k, x.r) select k, sum(c) from (select distinct k, r, c from t) y group by 1 order by 1
-- groups tied by in and exists
-- ordered
with s as (select p_size k from part where p_size<9 group by 1), t as (select k, p_brand b, count(*) c from s join part on p_size = k where k in (select r_regionkey from region) and exists (select from nation where n_nationkey = k) group by 1, 2) select distinct k from t order by 1
-- groups of groups of groups
-- ordered
with a as (select p_size k, p_brand b from part where p_size<4 group by 1, 2), d as (select a.k, a.b, r_name r from a cross join region group by 1, 2, 3), e as (select d.k, d.r, p_container c from d join part on p_size = d.k and p_brand = d.b group by 1, 2, 3) select k, r, count(*), count(distinct c) from e group by 1, 2 order by 1, 2 desc
-- a key of what is on the side that may be missing
with s as (select p_size k, max(p_partkey) m from part where p_size<3 group by 1), t as (select s.k, n_name n, count(*) c from nation left join s on n_regionkey = s.k group by 1, 2) select k, count(*), sum(c) from (select distinct k, n, c from t) x group by k
-- rows compared and distinct
-- ordered
with s as (select p_size k from part where p_size<4 group by 1), t as (select distinct s.k, r_name r, s.k + 1 as j from s cross join region) select k, j, count(*) from t group by 1, 2 order by 1, 2
-- an array of groups
-- ordered
with s as (select p_size k from part where p_size<4 group by 1) select k, r, array_agg(b order by b) from (select s.k, r_name r, p_brand b from s join part on p_size = k cross join region group by 1, 2, 3) t group by 1, 2 order by 1, 2 desc
