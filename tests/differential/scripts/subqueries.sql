-- scalar subquery
select id, (select max(i4) from types) from types;
-- scalar subquery in where
select id from types where i4 = (select min(i4) from types);
-- correlated scalar aggregate
select n_name, (select count(*) from supplier where s_nationkey = n_nationkey) from nation;
-- correlated scalar sum in where
select s_name from supplier s where s_acctbal > (select avg(s_acctbal) from supplier x where x.s_nationkey = s.s_nationkey);
-- correlated scalar lookup without aggregate
select s_name, (select n_name from nation where n_nationkey = s_nationkey) as nation from supplier;
-- correlated scalar lookup with limit
select n_name, (select s_name from supplier where s_nationkey = n_nationkey order by s_acctbal desc, s_name limit 1) from nation;
-- correlated scalar that has no row
select k, (select r_name from region where r_regionkey = k) from pairs;
-- scalar subquery with more than one row
-- error: 21000
select k, (select t from types where id < 3) from pairs;
-- correlated scalar with more than one row
-- error: 21000
select id, (select w from pairs p where p.k = t.id) from types t;
-- exists
select n_name from nation where exists (select 1 from supplier where s_nationkey = n_nationkey and s_acctbal > 9000);
-- exists in select list
select n_name, exists (select 1 from supplier where s_nationkey = n_nationkey) from nation;
-- exists in select list uncorrelated
select exists (select 1 from pairs where k = 3), exists (select 1 from pairs where k = 99);
-- not exists in case
select id, case when not exists (select 1 from pairs where k = id) then 'missing' else 'there' end from types;
-- exists or another condition
select id from types t where exists (select 1 from pairs where k = t.id) or i4 > 100;
-- in list
select id from types where i4 in (1, 5, 7, null);
-- not in list with null
select id from types where i4 not in (5, null);
-- in subquery with nulls
select id from types where id in (select k from pairs);
-- not in subquery with nulls gives nothing
select id from types where id not in (select k from pairs);
-- not in subquery without nulls
select id from types where id not in (select k from pairs where k is not null);
-- in subquery in select list
select id, id in (select k from pairs) from types;
-- not in subquery in select list
select id, id not in (select k from pairs where k is not null) from types;
-- in with rows
select id from types where (id, t) in ((1, 'apple'), (2, 'Banana'), (3, null));
-- in with rows from a subquery
select id from types where (id, t) in (select 1, 'apple' union all select 7, 'apple');
-- any of a subquery
select id from types where id = any (select k from pairs);
-- any with less than
select id from types where id < any (select k from pairs where k is not null);
-- all with greater than
select id from types where id > all (select k from pairs where k is not null);
-- all with nulls is unknown
select id from types where id > all (select k from pairs);
-- all of nothing is true
select id from types where id > all (select k from pairs where k > 100);
-- not equal all
select id from types where id <> all (select k from pairs where k is not null);
-- all in select list
select id, id >= all (select k from pairs where k is not null), id < any (select k from pairs) from types;
-- derived tables nested
select avg(c) from (select n_regionkey, count(*) as c from (select * from nation where n_name > 'C') x group by n_regionkey) y;
-- subquery in having
select n_regionkey, count(*) from nation group by n_regionkey having count(*) >= (select avg(c) from (select count(*) as c from nation group by n_regionkey) q);
-- subquery in order by
-- ordered
select id from types order by (select max(k) from pairs) - id;
-- subquery in between
select id from types where id between (select min(k) from pairs) and (select max(k) from pairs);
-- array of a subquery
select array(select k from pairs where k is not null order by k);
-- array of an empty subquery
select array(select k from pairs where k > 100);
-- lateral aggregate
select n.n_name, l.total from nation n cross join lateral (select sum(s_acctbal) as total from supplier where s_nationkey = n.n_nationkey) l;
-- lateral top rows
select n.n_name, l.s_name from nation n join lateral (select s_name from supplier where s_nationkey = n.n_nationkey order by s_acctbal desc, s_name limit 2) l on true;
-- left lateral top row
select n.n_name, l.s_name, l.s_acctbal from nation n left join lateral (select s_name, s_acctbal from supplier s where s.s_nationkey = n.n_nationkey and s.s_acctbal > 5000 order by s_acctbal desc, s_name limit 1) l on true;
-- lateral expressions
select t.id, l.twice, l.twice + 1 as more from types t cross join lateral (select t.id * 2 as twice) l;
-- lateral join filter
select p.k, l.t from pairs p, lateral (select t from types where types.id = p.k) l;
-- a value tied by a time of day
select s1.id, (select max(s2.d) from types s2 where s2.tm = s1.tm), (select count(*) from types s2 where s2.tm = s1.tm and upper(s2.t) = upper(s1.t)) from types s1;
-- exists tied by a time of day
select s1.id from types s1 where exists (select 1 from types s2 where s2.tm = s1.tm and s2.id <> s1.id) or (select min(s2.id) from types s2 where s2.tm = s1.tm) > 3;
-- a value tied by casts
select s1.id, (select max(s2.i4) from types s2 where s2.i4::bigint = s1.i8), (select max(s2.i4) from types s2 where s2.id::text = s1.i8::text) from types s1;
-- a value of which there are several for keys that nobody asks for
select id, (select w from pairs where k = t.i2) from types t where i2 in (5, 7, 100);
-- a value tied by two columns
select id, (select n_name from nation where n_nationkey = t.id and n_regionkey = t.id - 1) from types t;
-- a value tied by an expression beside a condition
select id, (select w from pairs where k + 1 = t.id - 1 and w > 'f') from types t where id in (4, 5, 7);
-- a tied value of another type
select id, (select q from pairs where k = t.i8), (select d from types x where x.id = t.id) from types t where i8 in (3, 5, 7);
-- a tied value that is the tie
select id, (select k from pairs where k = t.id and k > 1) from types t;
-- a tied value as condition
select id from types t where (select w from pairs where k = t.id and k > 1) > 'six';
-- a tied value beside groups
select i2, (select w from pairs where k = t.i2 and k > 1), count(*) from types t group by i2;
-- a tied value in a CASE
select id, case when id > 6 then (select w from pairs where k = t.id) else 'few' end from types t where id <> 1;
-- a tied value of several rows
-- error: 21000
select id, (select w from pairs where k = t.id) from types t;
-- a query as a condition beside another
select id from types where (select true) and id > 10;
-- queries as conditions
select id from types where ((select max(k) > 3 from pairs) and id > 10) or (select null::boolean) or not (select id < 12);

-- values of no rows
select id, (select 1 from pairs where k > 100), coalesce((select 'x' from pairs where k > 100 limit 1), 'none'),
  (select count(*) from pairs having count(*) > 100), (select x from (values (1), (2)) v(x) where x > 2) from types;

-- a value of no rows is NULL
select id from types where (select 1 from pairs where k > 100) is null and (select false from pairs where k > 100) is not true;

-- a value of one row
select id, (select 1 from pairs where k = 2), (select count(*) from pairs group by k having count(*) > 5),
  (select row_number() over () from pairs where k = 3) from types where (select true from pairs where k = 2);

-- rows that are not among others, in parentheses
select id from types where not ((i4, b) in (select k, true from pairs));

-- rows that are not among others, with OR
select id from types where not ((i4, b) in (select k, true from pairs)) or id = 4;

-- existence of rows without columns
select id from types where exists (select from pairs where exists (select from pairs p where p.k = 2)) or b;

-- existence of rows without columns, of the outer row
select id, exists (select from pairs where k = id) from types where not exists (select from pairs where k = id) or b;

-- a constant for all rows that are tied to an expression
select id from types t where length(t.v) > all (select 2 from types u where u.v = t.v);
