-- union distinct
select k from pairs union select id from types;
-- union all
select k from pairs union all select k from pairs;
-- intersect
select k from pairs intersect select id from types;
-- except
select id from types except select k from pairs;
-- intersect all counts
select k from pairs intersect all select * from (values (1), (1), (1), (2), (null), (null), (null)) v(x);
-- except all counts
select k from pairs except all select * from (values (1), (null)) v(x);
-- except all of the whole
select w, k from pairs except all select w, k from pairs;
-- nested set operations
(select k from pairs union select 10) except select 1;
-- set operations with precedence
select 1 union select 2 intersect select 2 except select 3;
-- union of types
select i4 from types union select n from types;
-- union with null and text
select null union all select t from types;
-- union with constants
select 'a' as x, 1 as y union all select 'b', 2.5 union all select null, null;
-- union order by name
-- ordered
select k as x from pairs where k is not null union select id from types order by x desc;
-- union order by position with limit
-- ordered
select id, t from types union all select k, w from pairs where k < 5 order by 1, 2 limit 7 offset 2;
-- union in a derived table
select count(*), min(x) from (select id as x from types union all select k from pairs) u;
-- intersect all with order
-- ordered
select k from pairs intersect all select k from pairs order by k desc nulls last;
-- union of dates and timestamps
select d from types union select ts from types;
-- union of smallint and bigint
select i2 from types union select i8 from types;

-- dates beside timestamps and timestamptz in arms of arms
-- time zone: America/New_York
(select d from types) intersect all ((select ts from types) union (select '2024-02-29'::timestamptz));

-- the same, less
-- time zone: America/New_York
(select d from types) except all ((select ts from types) union all (select tz from types) union all (select d::timestamptz from types where id < 3));

-- dates beside moments in a set with ALL within another
-- time zone: Asia/Kolkata
select ts from types except all (select d from types intersect all select tz from types);
-- moments around a set with ALL
-- time zone: America/New_York
(select ts, id from types) union all (select d, i4 from types except all select tz, i8 from types where id < 3);
-- types of three sets with ALL
-- time zone: Asia/Kolkata
(select date '2024-02-29' from types) except all (select d from types order by id limit 0) intersect all (select tz from types);
-- NULL beside two texts
(select null from types order by id limit 0) union ((select cast('1.5' as text) from types order by id limit 2) union all (select 'Ä'::varchar from pairs));
-- NULL beside truth values
(select null from types) union (select true from pairs) intersect all (select b from types);
-- null beside what is not among others, of which all are counted
(select null, (s1.v not in (select s2.t from types s2 where s2.d <> s1.d)) from types s1) except all (select s4.n, cast('t' as bool) from types s4);
