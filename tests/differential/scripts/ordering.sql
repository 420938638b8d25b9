-- ascending puts nulls last
-- ordered
select i4, id from types order by i4, id;
-- descending puts nulls first
-- ordered
select i4, id from types order by i4 desc, id desc;
-- nulls first
-- ordered
select i4, id from types order by i4 nulls first, id;
-- nulls last
-- ordered
select i4, id from types order by i4 desc nulls last, id;
-- text by code point
-- ordered
select t, id from types order by t, id;
-- floats with nan
-- ordered
select q, k from pairs order by q, k;
-- floats with nan descending
-- ordered
select q, k from pairs order by q desc, k;
-- booleans
-- ordered
select b, id from types order by b, id;
-- dates and times
-- ordered
select d, ts, tz, id from types order by d, ts desc, id;
-- by position
-- ordered
select t, id from types order by 2 desc;
-- by alias
-- ordered
select id * -1 as x from types order by x;
-- by expression not selected
-- ordered
select t from types order by length(t), t, id;
-- alias hides a column
-- ordered
select -id as id from types order by id;
-- limit and offset
-- ordered
select id from types order by id limit 3 offset 4;
-- limit all
-- ordered
select id from types order by id limit all offset 10;
-- offset without limit
-- ordered
select id from types order by id offset 9;
-- fetch first
-- ordered
select id from types order by id fetch first 2 rows only;
-- fetch next with offset
-- ordered
select id from types order by id offset 2 rows fetch next 3 rows only;
-- fetch one row
-- ordered
select id from types order by id desc fetch first row only;
-- fetch with ties
select i2, id from types order by i2 fetch first 3 rows with ties;
-- fetch with ties of a group
select n_regionkey, count(*) from nation group by n_regionkey order by count(*) desc fetch first 1 rows with ties;
-- limit zero
select id from types limit 0;
-- order in a derived table with limit
select count(*), max(id) from (select id from types order by id limit 5) q;
-- intervals as numbers
-- ordered
select id, extract(epoch from iv) from types order by extract(epoch from iv), id;
-- order by case
-- ordered
select id from types order by case when id > 6 then 0 else 1 end, id;
-- distinct with order
-- ordered
select distinct i2 from types order by i2 desc nulls last;
-- zeros are equal
-- ordered
select id, case when id % 3 = 0 then -0.0::float8 else 0 end * f8 as z from types where f8 < 1e9 order by z, id;
-- zeros are equal in an aggregate
select array_agg(id order by case when id % 3 = 0 then '-0'::float8 else 0::float8 end, id desc) from types;
-- zeros are equal in a set operation
-- ordered
select '-0'::float8 as z, 2 as k union all select 0::float8, 1 order by z, k;
-- bit strings
-- ordered
select id, i4::bit(8) as x from types where abs(i4::bigint) < 100 order by x, id;
-- bit strings of several lengths
-- ordered
select id, ('1' || repeat('01', id))::varbit as x from types order by x desc, id;
-- the first of distinct floats with nan
-- ordered
select distinct q from pairs order by q limit 3;
-- the last of distinct floats with nan
-- ordered
select distinct q from pairs order by q desc limit 3;
-- the greatest floats of groups with nan
-- ordered
select k, max(q) from pairs where k is not null group by k order by 2 desc, 1 limit 3;
-- the least floats of groups with nan
-- ordered
select k, min(q) from pairs group by k order by 2 limit 2;
-- the first of joined floats with nan
-- ordered
select k from pairs union select q from pairs order by 1 limit 6;
-- the greatest of many floats with nan
-- ordered
select distinct case when o_orderkey % 7 = 0 then 'NaN'::float8 when o_orderkey % 5 = 0 then 0::float8 else -o_totalprice::float8 end from orders order by 1 desc limit 5;
-- the greatest of many groups with nan
-- ordered
select o_custkey, max(case when o_orderkey % 70 = 3 then 'NaN'::float8 else o_totalprice::float8 end) from orders group by 1 order by 2 desc, 1 limit 5;
-- the least of many groups with nan
-- ordered
select o_custkey, min(case when o_orderkey % 3 = 0 then 'NaN'::float8 else o_totalprice::float8 end) from orders group by 1 order by 2, 1 limit 5;
-- a float beside a constant with nan
select q from pairs union all select 5.5;
-- a column of floats beside numerics
select f8 from types union select n2 from types union all select i4 from types;
-- a limit that is a query, beside a correlated subquery
-- ordered
select id, (select max(x.i8) from types x where x.i2 = s.i2) from types s order by i4 nulls first, id limit (select 5);
-- an offset that is a query, beside a correlated subquery
-- ordered
select id, (select max(x.i8) from types x where x.i2 = s.i2) from types s order by i4 desc, id offset (select 3) rows;
-- ties beside a correlated subquery
-- ordered
select k, (select count(*) from types x where x.id = p.k) from pairs p order by k desc nulls last, w fetch first 3 rows with ties;
-- a limit that is a query, by a column that an output has the name of
-- ordered
select -i2 as i2, id from types s where id <> 6 order by s.i2, id limit (select 4);
-- distinct arrays with null first
-- ordered
select distinct array[i4] as a from types order by a nulls first;
-- distinct arrays with null last
-- ordered
select distinct ai, b from types order by b, ai desc nulls last;
-- the first of arrays with null first
-- ordered
select distinct on (ai, b) id from types order by b, ai nulls first, id;
-- arrays of a union with null first
-- ordered
select ai from types union select array[k] from pairs order by 1 nulls first;
-- some arrays of a union with null last
-- ordered
select ai from types union all select array[k] from pairs where k is null order by ai desc nulls last limit 4 offset 1;
-- arrays of an aggregate with null first
select array_agg(distinct ai order by ai nulls first) from types where cardinality(ai) = 1;
